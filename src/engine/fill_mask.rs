//! Fills masks of notes in.

use std::ops::Range;

use burn::tensor::Tensor;
use serde::Serialize;

use super::{Engine, EngineError, Finished, Job, Loaded, Note, on_each};
use crate::model::capture::Capture;
use crate::model::checkpoint::Head;
use crate::model::values;
use crate::tasks::fill_mask::{Candidate, Mask, mask_words, occurrences, top, written_masks};
use crate::tokenization::Encoding;

/// What to mask, and how many candidates to give.
#[derive(Clone)]
pub struct FillMaskQuery {
    /// Mask every whole-word occurrence of this word; without it, the masks that the note itself
    /// contains are filled.
    pub word: Option<String>,
    /// Candidates per mask.
    pub candidates: usize,
}

/// The masks of one note.
#[derive(Clone, PartialEq, Serialize)]
pub struct FilledNote {
    /// Where the note came from.
    pub note: String,
    /// Its tokens, special tokens included.
    pub tokens: usize,
    /// Its masks in order.
    pub masks: Vec<FilledMask>,
}

/// One mask with its candidates.
#[derive(Clone, PartialEq, Serialize)]
pub struct FilledMask {
    /// First byte of the masked text in the note.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// Whether several tokens were hidden behind one mask, so that the candidates, single tokens,
    /// are only an approximation.
    pub approximate: bool,
    /// The likeliest first.
    pub candidates: Vec<Candidate>,
}

impl Engine {
    /// Fills the masks of each note; all masks of a note are hidden at the same time.
    ///
    /// # Errors
    /// [`EngineError`] when no masked language model is loaded, a note cannot be read by it, or
    /// has nothing to fill.
    pub fn fill_mask(
        &self,
        notes: &[Note],
        query: &FillMaskQuery,
        job: &Job,
    ) -> Result<Finished<FilledNote>, EngineError> {
        let loaded = self.loaded()?;
        let unable = |reason: &str| EngineError::Unable {
            operation: "fill masks in",
            reason: reason.to_owned(),
        };
        if loaded.model.structure().head != Head::MaskedLm {
            return Err(unable("it has no masked language model head"));
        }
        let mask_id = loaded.tokenizer.special_tokens().mask;
        let mask_id = mask_id.ok_or_else(|| unable("its tokenizer has no mask token"))?;
        // What cannot be read is said before the first minute is spent.
        let mut prepared = Vec::with_capacity(notes.len());
        for note in notes {
            job.check()?;
            let (encoding, masks) = loaded.masked(note, query, mask_id)?;
            loaded.batch(note, &encoding)?;
            prepared.push((encoding, masks));
        }
        let mut prepared = prepared.into_iter();
        on_each(notes, job, |note| {
            let (encoding, masks) = prepared.next().expect("there is one per note");
            let batch = loaded.batch(note, &encoding)?;
            let encoded = loaded
                .model
                .encode(&batch, &Capture::default(), &mut &*job)?;
            let rows: Vec<i64> = masks.iter().map(|mask| mask.row as i64).collect();
            let rows = Tensor::from_data(rows.as_slice(), loaded.model.device());
            let logits = loaded.model.masked_lm_logits(encoded.last.select(0, rows));
            let logits = values(logits.expect("the model has the head"));
            let vocabulary = loaded.model.config().vocab_size;
            let masks = masks
                .iter()
                .zip(logits.chunks_exact(vocabulary))
                .map(|(mask, logits)| FilledMask {
                    start: mask.span.start,
                    end: mask.span.end,
                    approximate: mask.approximate,
                    candidates: loaded.candidates(logits, query.candidates),
                })
                .collect();
            Ok(FilledNote {
                note: note.source().to_string(),
                tokens: encoding.len(),
                masks,
            })
        })
    }
}

impl Loaded {
    /// The note with its masks in place.
    fn masked(
        &self,
        note: &Note,
        query: &FillMaskQuery,
        mask_id: u32,
    ) -> Result<(Encoding, Vec<Mask>), EngineError> {
        let encoding = self.tokenizer.encode(note.text())?;
        let nothing = |reason: String| EngineError::NothingToDo {
            note: note.source().to_string(),
            reason,
        };
        let (encoding, masks) = match &query.word {
            Some(word) => {
                let words: Vec<Range<usize>> = occurrences(note.text(), word);
                mask_words(&encoding, &words, mask_id)
            }
            None => {
                let masks = written_masks(&encoding, mask_id);
                (encoding, masks)
            }
        };
        if masks.is_empty() {
            return Err(match &query.word {
                Some(_) => nothing("the word to mask does not occur in this note".to_owned()),
                None => {
                    let mask = self.tokenizer.token(mask_id).unwrap_or_default();
                    nothing(format!(
                        "no {mask} in this note; write one, or name a word to mask"
                    ))
                }
            });
        }
        Ok((encoding, masks))
    }

    fn candidates(&self, logits: &[f32], count: usize) -> Vec<Candidate> {
        let found = top(logits, count).into_iter();
        found
            .map(|(id, score)| Candidate {
                id,
                text: self.token_text(id),
                score,
            })
            .collect()
    }

    /// A token as a person reads it; rows of the embedding that no token has are numbered.
    fn token_text(&self, id: u32) -> String {
        match self.tokenizer.decode(&[id]) {
            Ok(text) if !text.is_empty() => text,
            _ => self
                .tokenizer
                .token(id)
                .unwrap_or_else(|| format!("[row {id}]")),
        }
    }
}
