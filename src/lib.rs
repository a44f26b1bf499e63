//! Auscult runs Clinical ModernBERT and its family on your own machine.
//!
//! The modules, bottom up; each may use only those above it (`docs/ARCHITECTURE.md` has the table,
//! `tests/architecture.rs` checks it):
//!
//! - [`job`]: carries progress out of a long operation and the wish to stop into it.
//! - [`notes`]: clinical text with byte spans, read from files.
//! - [`tokenization`]: turns text into token ids that remember where they came from.
//! - [`kernels`]: differentiable operations on packed sequences, each with a plain reference.
//! - [`model`]: checkpoints in, hidden states and logits out.
//! - [`tasks`]: what logits mean: losses and predictions.
//! - [`analysis`]: reads attention and embeddings, as plain arrays.
//! - [`metrics`]: measures how good predictions, vectors or annotators are, from numbers alone.
//! - [`evaluation`]: turns predictions with what is true into a report: figures, a model card, plots.
//! - [`training`]: changes a model's weights, and can stop and go on at any step.
//! - [`parity`]: measures how far the numbers are from a folder of reference cases.
//! - [`engine`]: one method for each thing a user can ask for, in plain data.
//! - [`cli`]: the engine from a terminal.
//! - [`app`]: the engine in a window; built with the feature `gui`.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test stops at the first surprise")
)]

pub mod analysis;
#[cfg(feature = "gui")]
pub mod app;
pub mod cli;
pub mod engine;
pub mod evaluation;
pub mod job;
pub mod kernels;
pub mod metrics;
pub mod model;
pub mod notes;
pub mod parity;
pub mod tasks;
pub mod tokenization;
pub mod training;
