//! Reads attention and embeddings, as plain arrays.

pub mod attention;
mod pooling;
pub mod rollout;
mod search;

pub use pooling::{Pooling, normalize, pool};
pub use search::{Nearest, nearest};
