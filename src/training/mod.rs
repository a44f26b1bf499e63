//! Changes a model's weights, and can stop and go on at any step.

pub mod example;
pub mod objective;
pub mod optimizer;
pub mod order;
pub mod packing;
pub mod randomness;
pub mod schedule;
pub mod start;
pub mod weights;
