//! Changes a model's weights, and can stop and go on at any step.

pub mod adapter;
mod card;
pub mod checkpoint;
pub mod config;
mod curves;
pub mod evaluate;
pub mod example;
pub mod figures;
pub mod from_notes;
pub mod gradients;
pub mod history;
mod judging;
pub mod objective;
pub mod optimizer;
pub mod order;
pub mod packing;
mod preparation;
pub mod randomness;
pub mod report;
pub mod run;
pub mod run_folder;
pub mod schedule;
pub mod session;
pub mod start;
mod tally;
mod telling;
pub mod weights;
