//! Fills masks of notes in.

use std::ops::Range;

use burn::tensor::Tensor;
use serde::Serialize;

use super::{Engine, EngineError, Finished, Job, Loaded, Note, finite, on_each};
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
    /// Whether the model's weights are random, so that the candidates mean nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub random_weights: bool,
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
    /// [`EngineError`] when no masked language model is loaded. What is wrong with a single note is
    /// among the failures.
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
        Ok(on_each(notes, job, |note| {
            let (encoding, masks) = loaded.masked(note, query, mask_id)?;
            let batch = loaded.batch(note, &encoding)?;
            let encoded = loaded
                .model
                .encode(&batch, &Capture::default(), &mut &*job)?;
            let mut filled = Vec::with_capacity(masks.len());
            for masks in masks.chunks(MASKS_AT_ONCE) {
                let logits = loaded.logits(&encoded.last, masks);
                let logits = finite(logits, note)?;
                let rows = logits.chunks_exact(loaded.model.config().vocab_size);
                filled.extend(masks.iter().zip(rows).map(|(mask, logits)| FilledMask {
                    start: mask.span.start,
                    end: mask.span.end,
                    approximate: mask.approximate,
                    candidates: loaded.candidates(logits, query.candidates),
                }));
            }
            Ok(FilledNote {
                note: note.source().to_string(),
                tokens: encoding.len(),
                random_weights: loaded.info.random_weights,
                masks: filled,
            })
        }))
    }
}

/// Masks whose logits over the whole vocabulary exist at a time.
const MASKS_AT_ONCE: usize = 64;

impl Loaded {
    /// Logits of some masks over the vocabulary, row-major; the model has the head for it.
    fn logits(&self, last: &Tensor<2>, masks: &[Mask]) -> Vec<f32> {
        let rows: Vec<i64> = masks.iter().map(|mask| mask.row as i64).collect();
        let rows = Tensor::from_data(rows.as_slice(), self.model.device());
        let logits = self.model.masked_lm_logits(last.clone().select(0, rows));
        values(logits.expect("the caller has seen the head"))
    }

    /// The note with its masks in place.
    fn masked(
        &self,
        note: &Note,
        query: &FillMaskQuery,
        mask_id: u32,
    ) -> Result<(Encoding, Vec<Mask>), EngineError> {
        let encoding = self.tokenizer.encode(note.text())?;
        let nothing = |reason: String| EngineError::NoResult {
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
