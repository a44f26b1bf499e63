//! Says where each sequence of a packed batch lies, and how a row of q, k, v is divided into heads.

use std::ops::Range;
use std::sync::Arc;

/// Where the sequences of a packed batch begin and end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequences {
    /// Cumulative lengths: one entry more than there are sequences, the first is 0.
    bounds: Arc<[usize]>,
}

impl Sequences {
    /// From the number of tokens of each sequence.
    pub fn from_lengths(lengths: &[usize]) -> Self {
        let mut end = 0;
        let bounds = std::iter::once(0)
            .chain(lengths.iter().map(|length| {
                end += length;
                end
            }))
            .collect();
        Self { bounds }
    }

    /// How many sequences there are.
    pub fn len(&self) -> usize {
        self.bounds.len() - 1
    }

    /// Whether there is no sequence at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tokens of all sequences together.
    pub fn tokens(&self) -> usize {
        self.bounds[self.bounds.len() - 1]
    }

    /// The rows of sequence `index` in the packed batch.
    ///
    /// # Panics
    /// If there is no such sequence.
    pub fn range(&self, index: usize) -> Range<usize> {
        self.bounds[index]..self.bounds[index + 1]
    }

    /// The rows of every sequence, in order.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.bounds.windows(2).map(|pair| pair[0]..pair[1])
    }

    /// The position of every row in its own sequence, from 0.
    pub fn positions(&self) -> impl Iterator<Item = usize> + '_ {
        self.ranges().flat_map(|range| 0..range.len())
    }
}

/// How many heads a row holds, and how wide one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HeadShape {
    /// Number of attention heads.
    pub heads: usize,
    /// Width of one head.
    pub head_dim: usize,
}

impl HeadShape {
    /// Width of q, of k or of v: `heads * head_dim`.
    pub fn width(self) -> usize {
        self.heads * self.head_dim
    }

    /// Stops at the door when `dims` is not `[tokens, 3 * heads * head_dim]`.
    pub(super) fn check(self, what: &str, dims: [usize; 2], tokens: usize) {
        let expected = [tokens, 3 * self.width()];
        assert_eq!(
            dims, expected,
            "{what} is {dims:?}, expected [tokens, 3 * heads * head_dim] = {expected:?}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_restart_in_every_sequence() {
        let sequences = Sequences::from_lengths(&[2, 0, 3]);
        assert_eq!(sequences.len(), 3);
        assert_eq!(sequences.tokens(), 5);
        assert_eq!(sequences.range(2), 2..5);
        assert_eq!(sequences.positions().collect::<Vec<_>>(), [0, 1, 0, 1, 2]);
    }
}
