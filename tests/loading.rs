//! Loading and saving Hugging Face folders.
//!
//! Would catch: a key of `config.json` read differently than transformers does; a missing, extra,
//! misshapen or misnamed tensor accepted in silence; values that change on the way in or out; a
//! damaged file that ends in a panic, or in an allocation that the file's size cannot explain.
//!
//! Fixtures: `tests/fixtures/reference`, made with transformers.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "loading/adapters.rs"]
mod adapters;
#[path = "loading/allocations.rs"]
mod allocations;
#[path = "loading/cases.rs"]
mod cases;
#[path = "loading/configs.rs"]
mod configs;
#[path = "loading/converting.rs"]
mod converting;
#[path = "loading/damage.rs"]
mod damage;
#[path = "loading/differences.rs"]
mod differences;
#[path = "loading/folders.rs"]
mod folders;
#[path = "loading/layout.rs"]
mod layout;
#[path = "loading/mutations.rs"]
mod mutations;
#[path = "loading/refusals.rs"]
mod refusals;
#[path = "loading/saving.rs"]
mod saving;
