//! What is learned from: token ids with the label that belongs to them.

use std::fmt;

/// A sequence of tokens and its label. `Debug` prints the number of tokens only.
#[derive(Clone, PartialEq)]
pub struct Example {
    /// Token ids, template tokens included.
    pub ids: Vec<u32>,
    /// Token types, one per id.
    pub type_ids: Vec<u32>,
    /// What is to be learned of it.
    pub label: Label,
}

/// The label of a sequence.
#[derive(Clone, PartialEq)]
pub enum Label {
    /// The text itself.
    Text,
    /// One class.
    Class(usize),
    /// For each class 1 where it holds and 0 where not.
    Classes(Vec<f32>),
    /// For each token a class, or [`IGNORED`](crate::tasks::loss::IGNORED).
    Tokens(Vec<i64>),
}

impl fmt::Debug for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Example({} tokens)", self.ids.len())
    }
}
