//! Measures how good predictions, vectors or annotators are, from numbers alone.
//!
//! Every figure is computed in f64 and equals scikit-learn's, seqeval's or scipy's; what is not
//! defined is `None`. Ratios with a denominator of 0 are 0 only where those libraries, told
//! `zero_division=0`, say 0 as well: precision, recall and F1.

pub mod agreement;
pub mod binary;
pub mod bootstrap;
pub mod calibration;
mod confusion;
pub mod decision;
pub mod embedding;
pub mod entities;
mod error;
mod margins;
pub mod multiclass;
pub mod multilabel;
pub mod ngram;
pub mod pairing;
pub mod ranking;
mod scores;
pub mod spans;
pub mod spread;
pub mod temperature;
#[cfg(test)]
mod tests;
pub mod threshold;

pub use confusion::Confusion;
pub use error::MetricsError;
pub use margins::Margins;
pub use scores::{Columns, Scores};
