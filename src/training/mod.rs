//! Changes a model's weights, and can stop and go on at any step.

pub mod adapter;
pub mod check;
pub mod checkpoint;
pub mod config;
pub mod evaluate;
pub mod example;
pub mod from_notes;
pub mod gradients;
pub mod history;
pub mod objective;
pub mod optimizer;
pub mod order;
pub mod packing;
mod preparation;
pub mod randomness;
pub mod run;
pub mod run_folder;
pub mod schedule;
pub mod session;
pub mod start;
pub mod weights;
