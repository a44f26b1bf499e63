//! Changes a model's weights, and can stop and go on at any step.

pub mod optimizer;
pub mod schedule;
pub mod weights;
