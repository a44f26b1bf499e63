//! Embeds notes, sections, sentences or tokens: one vector for each.

use std::ops::Range;

use serde::Serialize;

use super::pass::finite;
use super::reading::{ReadNote, Reader};
use super::units::{Piece, assign, first_letter, pieces};
use super::{
    Coverage, Engine, EngineError, Finished, Job, Loaded, Note, Pooling, ReadingOptions, Unit,
    each_note,
};
use crate::analysis;
use crate::kernels::values;
use crate::model::capture::Capture;
use crate::tokenization::Encoding;

/// How to embed.
#[derive(Clone)]
pub struct EmbedQuery {
    /// What gets a vector.
    ///
    /// Sections and sentences are read in the context of their note: their vector is made of
    /// their tokens' hidden states. With [`Pooling::Cls`] each is read by itself instead, since
    /// a note has only one first token.
    pub unit: Unit,
    /// How the vectors of tokens become one; for whole notes special tokens take part.
    pub pooling: Pooling,
    /// Whether to scale the result to length 1.
    pub normalize: bool,
    /// How to read notes that are too long.
    pub reading: ReadingOptions,
}

/// The vectors of one note.
#[derive(Clone, PartialEq, Serialize)]
pub struct Embedding {
    /// Where the note came from.
    pub note: String,
    /// How it was read.
    #[serde(flatten)]
    pub coverage: Coverage,
    /// Whether the model's weights are random, so that the vectors mean nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub random_weights: bool,
    /// In the order of the note; units of which no token was read are left out.
    pub units: Vec<UnitVector>,
}

/// The vector of a part of a note.
#[derive(Clone, PartialEq, Serialize)]
pub struct UnitVector {
    /// First byte of the part in the note.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// The section's name, for sections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// As wide as the model's hidden states.
    pub vector: Vec<f32>,
}

impl Engine {
    /// Embeds each note, or its parts.
    ///
    /// A note in several windows: each token's hidden state is that of the window in which it has
    /// the most context; the vector of the first token is the mean over the windows.
    ///
    /// # Errors
    /// [`EngineError`] when no model is loaded or it cannot read in this way. What is wrong with a
    /// single note is among the failures.
    pub fn embed(
        &self,
        notes: &[Note],
        query: &EmbedQuery,
        job: &Job,
    ) -> Result<Finished<Embedding>, EngineError> {
        let loaded = self.loaded()?;
        let reader = loaded.reader(&query.reading)?;
        Ok(each_note(notes, job, |note| {
            loaded.embed_note(note, &reader, query, job)
        }))
    }
}

impl Loaded {
    pub(super) fn embed_note(
        &self,
        note: &Note,
        reader: &Reader<'_>,
        query: &EmbedQuery,
        job: &Job,
    ) -> Result<Embedding, EngineError> {
        let read = reader.read(note)?;
        let by_itself = query.pooling == Pooling::Cls
            && matches!(query.unit, Unit::Section | Unit::Sentence | Unit::Word);
        let mut units = match query.unit {
            _ if by_itself => {
                let nothing = Encoding::default();
                let own = pieces(note.text(), &nothing, query.unit, &query.reading.rules);
                self.read_by_themselves(note, reader, own, job)?
            }
            Unit::Note => {
                let hidden = self.hidden(note, &read, job)?;
                vec![UnitVector {
                    start: 0,
                    end: note.text().len(),
                    section: None,
                    vector: hidden.pooled(&read, query.pooling),
                }]
            }
            _ => self.read_in_context(note, &read, query, job)?,
        };
        if query.normalize {
            let vectors = units.iter_mut().map(|unit| &mut unit.vector);
            vectors.for_each(|vector| analysis::normalize(vector));
        }
        Ok(Embedding {
            note: note.source().to_string(),
            coverage: read.coverage,
            random_weights: self.info.random_weights,
            units,
        })
    }

    /// Hidden states of a note's windows.
    fn hidden(&self, note: &Note, read: &ReadNote, job: &Job) -> Result<Hidden, EngineError> {
        let mut windows = Vec::with_capacity(read.windows.len());
        for (done, window) in read.windows.iter().enumerate() {
            job.step(done, read.windows.len(), "windows")?;
            let batch = self.batch(note, &window.encoding)?;
            let encoded = self.encode(&batch, &Capture::default(), job)?;
            windows.push(finite(values(encoded.last)?, note)?);
        }
        Ok(Hidden {
            width: self.model.config().hidden_size,
            windows,
        })
    }

    /// Units pooled from the hidden states of their tokens, read with all that surrounds them.
    fn read_in_context(
        &self,
        note: &Note,
        read: &ReadNote,
        query: &EmbedQuery,
        job: &Job,
    ) -> Result<Vec<UnitVector>, EngineError> {
        let hidden = self.hidden(note, read, job)?;
        let owners = read.owners();
        let pieces = pieces(note.text(), &read.whole, query.unit, &query.reading.rules);
        let belongs = assign(note.text(), &read.whole, query.unit, &pieces);
        let mut rows: Vec<Vec<f32>> = vec![Vec::new(); pieces.len()];
        for (row, piece) in belongs.iter().enumerate() {
            if let (Some(piece), Some(owner)) = (piece, owners[row])
                && let Some(local) = read.windows[owner].local(row)
            {
                rows[*piece].extend_from_slice(hidden.row(owner, local));
            }
        }
        let units = pieces
            .into_iter()
            .zip(rows)
            .filter(|(_, rows)| !rows.is_empty());
        let vector = |rows: &[f32]| analysis::pool(rows, hidden.width, query.pooling);
        Ok(units
            .map(|(piece, rows)| UnitVector {
                start: piece.span.start,
                end: piece.span.end,
                section: piece.section,
                vector: vector(&rows),
            })
            .collect())
    }

    /// The vector of each span of a note, which may be in several pieces and overlap with others: pooled
    /// from the hidden states of the tokens whose first letter lies in it, or with [`Pooling::Cls`] that
    /// of its text from the first piece to the last, read by itself. `None` where no token was read.
    pub(super) fn embed_spans(
        &self,
        note: &Note,
        reader: &Reader<'_>,
        pooling: Pooling,
        spans: &[Vec<Range<usize>>],
        job: &Job,
    ) -> Result<Vec<Option<Vec<f32>>>, EngineError> {
        if pooling == Pooling::Cls {
            let mut vectors = Vec::with_capacity(spans.len());
            for pieces in spans {
                let all = pieces.iter().map(|own| own.end).max().unwrap_or(0);
                let piece = Piece {
                    span: pieces.first().map_or(0, |own| own.start)..all,
                    section: None,
                };
                let own = self.read_by_themselves(note, reader, vec![piece], job)?;
                vectors.push(own.into_iter().next().map(|own| own.vector));
            }
            return Ok(vectors);
        }
        let read = reader.read(note)?;
        let hidden = self.hidden(note, &read, job)?;
        let owners = read.owners();
        let rows = read
            .whole
            .spans
            .iter()
            .zip(&read.whole.special)
            .zip(&owners);
        let places: Vec<(usize, usize, usize)> = (rows.enumerate())
            .filter_map(|(row, ((span, special), owner))| {
                let owner = owner.filter(|_| !special)?;
                let local = read.windows[owner].local(row)?;
                Some((first_letter(note.text(), span), owner, local))
            })
            .collect();
        let vector = |pieces: &Vec<Range<usize>>| {
            let mut rows = Vec::new();
            for piece in pieces {
                let from = places.partition_point(|(at, ..)| *at < piece.start);
                let inside = places[from..].iter().take_while(|(at, ..)| *at < piece.end);
                inside.for_each(|&(_, owner, local)| {
                    rows.extend_from_slice(hidden.row(owner, local));
                });
            }
            (!rows.is_empty()).then(|| analysis::pool(&rows, hidden.width, pooling))
        };
        Ok(spans.iter().map(vector).collect())
    }

    /// Units read one by one, without what surrounds them; the vector is that of the first token.
    fn read_by_themselves(
        &self,
        note: &Note,
        reader: &Reader<'_>,
        pieces: Vec<Piece>,
        job: &Job,
    ) -> Result<Vec<UnitVector>, EngineError> {
        let mut units = Vec::new();
        let count = pieces.len();
        for (done, piece) in pieces.into_iter().enumerate() {
            job.step(done, count, "parts")?;
            let own = Note::new(
                note.source().clone(),
                note.text()[piece.span.clone()].to_owned(),
            );
            if own.text().trim().is_empty() {
                continue;
            }
            let read = reader.read(&own)?;
            let hidden = job.within(0.0..1.0, || self.hidden(note, &read, job))?;
            units.push(UnitVector {
                start: piece.span.start,
                end: piece.span.end,
                section: piece.section,
                vector: hidden.pooled(&read, Pooling::Cls),
            });
        }
        Ok(units)
    }
}

/// Hidden states of windows, row-major.
struct Hidden {
    width: usize,
    windows: Vec<Vec<f32>>,
}

impl Hidden {
    fn row(&self, window: usize, row: usize) -> &[f32] {
        &self.windows[window][row * self.width..][..self.width]
    }

    fn rows(&self, window: usize, rows: Range<usize>) -> &[f32] {
        &self.windows[window][rows.start * self.width..rows.end * self.width]
    }

    /// The vector of the whole note: of one window all rows; of several each token once, the
    /// template's tokens from the first and from the last window.
    fn pooled(&self, read: &ReadNote, pooling: Pooling) -> Vec<f32> {
        if let [only] = &self.windows[..] {
            return analysis::pool(only, self.width, pooling);
        }
        if pooling == Pooling::Cls {
            let first: Vec<f32> = (0..self.windows.len())
                .flat_map(|window| self.row(window, 0).iter().copied())
                .collect();
            return analysis::pool(&first, self.width, Pooling::Mean);
        }
        let owners = read.owners();
        let mut rows = self.rows(0, 0..read.windows[0].lead).to_vec();
        for (row, owner) in owners.iter().enumerate() {
            if let Some(owner) = *owner
                && let Some(local) = read.windows[owner].local(row)
            {
                rows.extend_from_slice(self.row(owner, local));
            }
        }
        let last = self.windows.len() - 1;
        let window = &read.windows[last];
        rows.extend(self.rows(last, window.lead + window.rows.len()..window.encoding.len()));
        analysis::pool(&rows, self.width, pooling)
    }
}
