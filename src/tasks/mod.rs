//! What logits mean: losses and predictions.

pub mod classification;
pub mod fill_mask;
pub mod loss;
pub mod softmax;
pub mod tagging;
pub mod token_labels;
