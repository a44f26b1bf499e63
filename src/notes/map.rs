//! The way back from a character of a note to the bytes of its file.

use std::sync::Arc;

/// A stretch of characters that all take as many bytes there as here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// Where it begins in the text.
    text: usize,
    /// Where it begins in what the text was made from.
    origin: usize,
    /// Bytes of one character in the text.
    text_step: usize,
    /// Bytes of one character in the origin.
    origin_step: usize,
}

/// Where each character of a text comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runs {
    runs: Vec<Run>,
    /// Length of the text.
    length: usize,
}

impl Runs {
    /// A text that is a piece of its origin, byte for byte.
    pub fn copy(origin: usize, length: usize) -> Self {
        let mut runs = Self::default();
        runs.bytes(origin, length);
        runs
    }

    /// Bytes of the text.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Appends bytes that stand in the origin as they are.
    pub fn bytes(&mut self, origin: usize, length: usize) {
        self.run(origin, 1, 1);
        self.length += length;
    }

    /// Appends one character that takes other bytes in the origin.
    pub fn character(&mut self, origin: usize, text_bytes: usize, origin_bytes: usize) {
        self.run(origin, text_bytes, origin_bytes);
        self.length += text_bytes;
    }

    /// Appends another text.
    pub fn append(&mut self, other: &Runs) {
        for run in &other.runs {
            self.runs.push(Run {
                text: run.text + self.length,
                ..*run
            });
        }
        self.length += other.length;
    }

    /// Begins a run, unless the last one goes on.
    fn run(&mut self, origin: usize, text_step: usize, origin_step: usize) {
        let goes_on = self.runs.last().is_some_and(|last| {
            let characters = (self.length - last.text) / last.text_step;
            (last.text_step, last.origin_step) == (text_step, origin_step)
                && last.origin + characters * origin_step == origin
        });
        if !goes_on {
            self.runs.push(Run {
                text: self.length,
                origin,
                text_step,
                origin_step,
            });
        }
    }

    /// The byte of the origin where the character at byte `text` of the text begins.
    ///
    /// The end of the text is where its last character ends. What was put in between, such as the
    /// blank line between two columns, belongs to what stands before it.
    pub fn origin(&self, text: usize) -> usize {
        let after = self
            .runs
            .partition_point(|run| run.text <= text.min(self.length));
        match after.checked_sub(1) {
            None => 0,
            Some(index) => {
                let run = &self.runs[index];
                run.origin + (text.min(self.length) - run.text) / run.text_step * run.origin_step
            }
        }
    }
}

/// Where each character of a note stands in the note's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceMap {
    /// From the note to the decoded file.
    inner: Runs,
    /// From the decoded file to its bytes; all notes of a file share it.
    outer: Arc<Runs>,
}

impl SourceMap {
    pub(super) fn new(inner: Runs, outer: &Arc<Runs>) -> Self {
        Self {
            inner,
            outer: Arc::clone(outer),
        }
    }

    /// The byte of the file, after decompression, where the character at byte `offset` of the note
    /// begins.
    pub fn position(&self, offset: usize) -> usize {
        self.outer.origin(self.inner.origin(offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_joined_and_found() {
        // The origin is `a""b` + `é` in one byte; the text is `a"bé`.
        let mut runs = Runs::copy(0, 1);
        runs.character(1, 1, 2);
        runs.bytes(3, 1);
        runs.character(4, 2, 1);
        runs.character(5, 2, 1);
        assert_eq!(runs.runs.len(), 4);
        let found: Vec<usize> = [0, 1, 2, 3, 5, 7].map(|at| runs.origin(at)).to_vec();
        assert_eq!(found, [0, 1, 3, 4, 5, 6]);
        let mut both = Runs::copy(10, 2);
        both.append(&runs);
        assert_eq!((both.origin(1), both.origin(2), both.origin(4)), (11, 0, 3));
        assert_eq!(Runs::default().origin(3), 0);
    }
}
