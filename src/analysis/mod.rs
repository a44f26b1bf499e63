//! Reads attention and embeddings, as plain arrays.

pub mod arrange;
pub mod attention;
pub mod clusters;
pub mod components;
pub mod neighbours;
mod pooling;
pub mod projection;
pub mod rollout;
mod search;
pub mod vectors;

pub use pooling::{Pooling, normalize, pool};
pub use search::{Nearest, nearest};
