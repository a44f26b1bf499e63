//! What logits mean: losses and predictions.

pub mod fill_mask;
pub mod loss;
