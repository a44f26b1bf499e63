//! Fills masks of notes in.

use std::ops::Range;

use burn::tensor::Tensor;
use serde::Serialize;

use super::reading::Reader;
use super::{
    Coverage, Engine, EngineError, Finished, Job, Loaded, Note, ReadingOptions, finite, on_each,
};
use crate::model::capture::Capture;
use crate::model::checkpoint::Head;
use crate::model::values;
use crate::tasks::fill_mask::{Candidate, Mask, mask_words, occurrences, top, written_masks};
use crate::tokenization::Encoding;
use crate::tokenization::windows::Window;

/// What to mask, and which candidates to give.
#[derive(Clone, Default)]
pub struct FillMaskQuery {
    /// Mask every whole-word occurrence of this word; without it, the masks that the note itself
    /// contains are filled.
    pub word: Option<String>,
    /// Of the occurrences only this one, counted from 1.
    pub occurrence: Option<usize>,
    /// Mask all occurrences at the same time. Without it each is masked by itself; masks that a note
    /// contains are always there together.
    pub together: bool,
    /// Candidates per mask.
    pub candidates: usize,
    /// Only these words are candidates; one that is no token stands for its first token.
    pub targets: Vec<String>,
    /// How to read notes that are too long.
    pub reading: ReadingOptions,
}

/// The masks of one note.
#[derive(Clone, PartialEq, Serialize)]
pub struct FilledNote {
    /// Where the note came from.
    pub note: String,
    /// How it was read.
    #[serde(flatten)]
    pub coverage: Coverage,
    /// Whether the model's weights are random, so that the candidates mean nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub random_weights: bool,
    /// Its masks in order.
    pub masks: Vec<FilledMask>,
    /// Targets for which their first token stands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shortened_targets: Vec<String>,
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
    /// Fills the masks of each note.
    ///
    /// In a note of several windows a mask is read in the window where it has the most context;
    /// one that no window holds has no candidates.
    ///
    /// # Errors
    /// [`EngineError`] when no masked language model is loaded, it cannot read in this way, or no
    /// target is in its vocabulary. What is wrong with a single note is among the failures.
    pub fn fill_mask(
        &self,
        notes: &[Note],
        query: &FillMaskQuery,
        job: &Job,
    ) -> Result<Finished<FilledNote>, EngineError> {
        let loaded = self.loaded()?;
        loaded.needs(Head::MaskedLm, "fill masks in")?;
        let fill = Fill {
            loaded,
            reader: loaded.reader(&query.reading)?,
            query,
            mask: loaded.mask_id("fill masks in")?,
            targets: loaded.targets(&query.targets)?,
        };
        Ok(on_each(notes, job, |note| fill.note(note, job)))
    }
}

/// Masks whose logits over the whole vocabulary exist at a time.
const MASKS_AT_ONCE: usize = 64;

/// One call with all that it needs.
struct Fill<'a> {
    loaded: &'a Loaded,
    reader: Reader<'a>,
    query: &'a FillMaskQuery,
    mask: u32,
    /// Each target's id and whether that is all of it.
    targets: Vec<(u32, bool)>,
}

impl Fill<'_> {
    fn note(&self, note: &Note, job: &Job) -> Result<FilledNote, EngineError> {
        let whole = self.loaded.tokenizer.encode(note.text())?;
        let mut filled = Vec::new();
        let mut coverage = None;
        for (encoding, masks) in self.masked(note, &whole)? {
            job.check()?;
            let read = self.reader.cut(note, encoding)?;
            let owners = read.owners();
            for (index, window) in read.windows.iter().enumerate() {
                let own: Vec<&Mask> = masks
                    .iter()
                    .filter(|mask| owners[mask.row] == Some(index))
                    .collect();
                if !own.is_empty() {
                    filled.extend(self.window(note, window, &own, job)?);
                }
            }
            coverage.get_or_insert(read.coverage);
        }
        let Some(mut coverage) = coverage.filter(|_| !filled.is_empty()) else {
            return Err(EngineError::NoResult {
                note: note.source().to_string(),
                reason: "what is masked lies in the part that is not read; read it in windows"
                    .to_owned(),
            });
        };
        coverage.tokens = whole.len();
        let cut = self.query.targets.iter().zip(&self.targets);
        Ok(FilledNote {
            note: note.source().to_string(),
            coverage,
            random_weights: self.loaded.info.random_weights,
            masks: filled,
            shortened_targets: cut
                .filter(|(_, (_, whole))| !whole)
                .map(|(target, _)| target.clone())
                .collect(),
        })
    }

    /// The masks of one window.
    fn window(
        &self,
        note: &Note,
        window: &Window,
        masks: &[&Mask],
        job: &Job,
    ) -> Result<Vec<FilledMask>, EngineError> {
        let loaded = self.loaded;
        let batch = loaded.batch(note, &window.encoding)?;
        let encoded = loaded
            .model
            .encode(&batch, &Capture::default(), &mut &*job)?;
        let mut filled = Vec::with_capacity(masks.len());
        for masks in masks.chunks(MASKS_AT_ONCE) {
            let rows = masks.iter().filter_map(|mask| window.local(mask.row));
            let rows: Vec<i64> = rows.map(|row| row as i64).collect();
            let rows = Tensor::from_data(rows.as_slice(), loaded.model.device());
            let logits = loaded
                .model
                .masked_lm_logits(encoded.last.clone().select(0, rows));
            let logits = finite(values(logits.expect("the caller has seen the head")), note)?;
            let rows = logits.chunks_exact(loaded.model.config().vocab_size);
            filled.extend(masks.iter().zip(rows).map(|(mask, logits)| FilledMask {
                start: mask.span.start,
                end: mask.span.end,
                approximate: mask.approximate,
                candidates: self.candidates(logits),
            }));
        }
        Ok(filled)
    }

    /// The note with its masks in place: once, or once for each occurrence.
    fn masked(
        &self,
        note: &Note,
        whole: &Encoding,
    ) -> Result<Vec<(Encoding, Vec<Mask>)>, EngineError> {
        let nothing = |reason: String| EngineError::NoResult {
            note: note.source().to_string(),
            reason,
        };
        let Some(word) = &self.query.word else {
            let masks = written_masks(whole, self.mask);
            if masks.is_empty() {
                let mask = self.loaded.tokenizer.token(self.mask).unwrap_or_default();
                let reason = format!("no {mask} in this note; write one, or name a word to mask");
                return Err(nothing(reason));
            }
            return Ok(Vec::from([(whole.clone(), masks)]));
        };
        let mut words: Vec<Range<usize>> = occurrences(note.text(), word);
        if let Some(occurrence) = self.query.occurrence {
            let count = words.len();
            let chosen = occurrence
                .checked_sub(1)
                .and_then(|index| words.get(index).cloned());
            words = chosen.into_iter().collect();
            if words.is_empty() && count > 0 {
                let reason = format!("the word to mask occurs {count} times, not {occurrence}");
                return Err(nothing(reason));
            }
        }
        let groups: Vec<&[Range<usize>]> = match self.query.together {
            true => words.chunks(words.len().max(1)).collect(),
            false => words.chunks(1).collect(),
        };
        let masked = groups
            .into_iter()
            .map(|words| mask_words(whole, words, self.mask));
        let masked: Vec<_> = masked.filter(|(_, masks)| !masks.is_empty()).collect();
        match masked.is_empty() {
            true => Err(nothing(
                "the word to mask does not occur in this note".to_owned(),
            )),
            false => Ok(masked),
        }
    }

    fn candidates(&self, logits: &[f32]) -> Vec<Candidate> {
        let among: Vec<u32> = self.targets.iter().map(|(id, _)| *id).collect();
        let among = (!among.is_empty()).then_some(&among[..]);
        let found = top(logits, self.query.candidates, among).into_iter();
        found
            .map(|(id, score)| Candidate {
                id,
                text: self.loaded.token_text(id),
                score,
            })
            .collect()
    }
}

impl Loaded {
    /// Each target's id and whether that is all of it.
    fn targets(&self, targets: &[String]) -> Result<Vec<(u32, bool)>, EngineError> {
        let found = targets.iter().map(|target| {
            self.tokenizer
                .target(target)
                .ok_or_else(|| EngineError::Unable {
                    operation: "take this target",
                    reason: "its tokenizer makes no token of it".to_owned(),
                })
        });
        found.collect()
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
