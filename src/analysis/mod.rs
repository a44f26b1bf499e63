//! Reads embeddings: pooling and search in plain arrays.

mod pooling;
mod search;

pub use pooling::{Pooling, normalize, pool};
pub use search::{Nearest, nearest};
