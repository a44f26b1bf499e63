//! The tokens of a note, as the loaded model reads them.

use std::ops::Range;

use serde::Serialize;

use super::{Coverage, Engine, EngineError, Note, ReadingOptions};

/// All tokens of a note, and which of them are read.
#[derive(Clone, PartialEq, Serialize)]
pub struct NoteTokens {
    /// How the note is read.
    #[serde(flatten)]
    pub coverage: Coverage,
    /// In order, those of the template included.
    pub tokens: Vec<NoteToken>,
    /// Of each window the numbers of its tokens, those of the template left out.
    pub windows: Vec<Range<usize>>,
}

/// A token of a note.
#[derive(Clone, PartialEq, Serialize)]
pub struct NoteToken {
    /// Its first byte in the note; tokens of the template have none, and lie between two bytes.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// Its number in the vocabulary.
    pub id: u32,
    /// Whether the template put it there.
    pub special: bool,
    /// Its spelling in the vocabulary.
    pub spelling: String,
}

impl NoteTokens {
    /// The numbers of the tokens that overlap these bytes, those of the template left out.
    pub fn at(&self, bytes: &Range<usize>) -> impl Iterator<Item = usize> + '_ {
        let (start, end) = (bytes.start, bytes.end.max(bytes.start + 1));
        let own = self.tokens.iter().enumerate();
        own.filter(move |(_, token)| !token.special && token.start < end && start < token.end)
            .map(|(number, _)| number)
    }

    /// Whether the token of this number lies in what is read.
    pub fn is_read(&self, number: usize) -> bool {
        self.tokens[number].special || self.windows.iter().any(|own| own.contains(&number))
    }
}

impl Engine {
    /// The tokens of a note, and which of them are read. No computation: it takes milliseconds.
    ///
    /// # Errors
    /// [`EngineError`] when no model is loaded, it cannot read in this way, or its tokenizer cannot
    /// read the note.
    pub fn tokens(&self, note: &Note, reading: &ReadingOptions) -> Result<NoteTokens, EngineError> {
        let loaded = self.loaded()?;
        let read = loaded.reader(reading)?.read(note)?;
        let whole = &read.whole;
        let tokens = (0..whole.len()).map(|row| NoteToken {
            start: whole.spans[row].start,
            end: whole.spans[row].end,
            id: whole.ids[row],
            special: whole.special[row],
            spelling: loaded.tokenizer.token(whole.ids[row]).unwrap_or_default(),
        });
        Ok(NoteTokens {
            tokens: tokens.collect(),
            windows: read.windows.into_iter().map(|own| own.rows).collect(),
            coverage: read.coverage,
        })
    }
}
