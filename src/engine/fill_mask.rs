//! Fills masks of notes in.

use std::ops::Range;

use serde::Serialize;

use super::reading::{ReadNote, Reader};
use super::{
    Coverage, Engine, EngineError, Finished, Job, Loaded, Note, ReadingOptions, Tokenizer,
    each_note,
};
use crate::model::capture::Capture;
use crate::model::checkpoint::Head;
use crate::tasks::fill_mask::{
    Candidate, Mask, mask_words, occurrences, rows_of_words, top, written_masks,
};
use crate::tokenization::Encoding;

/// What to mask, and which candidates to give.
#[derive(Clone, Default)]
pub struct FillMaskQuery {
    /// Mask every whole-word occurrence of this word; without it, the masks that the note itself
    /// contains are filled.
    pub word: Option<String>,
    /// Mask what stands at these bytes of the note instead.
    pub at: Option<Range<usize>>,
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
    /// Whether it lies in what was read of the note.
    pub was_read: bool,
    /// The likeliest first; none if it was not read.
    pub candidates: Vec<Candidate>,
}

impl Engine {
    /// Fills the masks of each note.
    ///
    /// In a note of several windows a mask is read in the window where it has the most context;
    /// one that no window holds has no candidates. A note is cut as it is, before anything is hidden.
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
        Ok(each_note(notes, job, |note| fill.note(note, job)))
    }
}

/// One call with all that it needs.
struct Fill<'a> {
    loaded: &'a Loaded,
    reader: Reader<'a>,
    query: &'a FillMaskQuery,
    mask: u32,
    /// Each target's id and whether that is all of it.
    targets: Vec<(u32, bool)>,
}

/// A place in a note whose token or tokens are to be hidden.
struct Place {
    /// The word, or the mask that is written there.
    word: Range<usize>,
    /// Its rows of the whole note; at least one.
    rows: Vec<usize>,
    /// The window in which it is read, if any holds it.
    window: Option<usize>,
}

impl Fill<'_> {
    fn note(&self, note: &Note, job: &Job) -> Result<FilledNote, EngineError> {
        let read = self.reader.read(note)?;
        let places = self.places(note, &read)?;
        if places.iter().all(|place| place.window.is_none()) {
            return Err(EngineError::NoResult {
                note: note.source().to_string(),
                reason: "what is masked lies in the part that is not read; read it in windows"
                    .to_owned(),
            });
        }
        let spans = |place: &Place| {
            let spans = place.rows.iter().map(|&row| &read.whole.spans[row]);
            let start = spans.clone().map(|span| span.start).min();
            start.unwrap_or(0)..spans.map(|span| span.end).max().unwrap_or(0)
        };
        let unread = |place: &Place| FilledMask {
            start: spans(place).start,
            end: spans(place).end,
            approximate: place.rows.len() > 1,
            was_read: false,
            candidates: Vec::new(),
        };
        let mut masks: Vec<FilledMask> = places.iter().map(unread).collect();
        match self.hides() && !self.query.together {
            true => self.one_by_one(note, &read, &places, &mut masks, job)?,
            false => self.together(note, &read, &places, &mut masks, job)?,
        }
        let cut = self.query.targets.iter().zip(&self.targets);
        Ok(FilledNote {
            note: note.source().to_string(),
            coverage: read.coverage,
            random_weights: self.loaded.info.random_weights,
            masks,
            shortened_targets: cut
                .filter(|(_, (_, whole))| !whole)
                .map(|(target, _)| target.clone())
                .collect(),
        })
    }

    /// Hides one place at a time, each in a copy of its window.
    fn one_by_one(
        &self,
        note: &Note,
        read: &ReadNote,
        places: &[Place],
        filled: &mut [FilledMask],
        job: &Job,
    ) -> Result<(), EngineError> {
        for (done, place) in places.iter().enumerate() {
            job.step(done, places.len(), "masks")?;
            if let Some(window) = place.window {
                let window = &read.windows[window].encoding;
                let words = std::slice::from_ref(&place.word);
                let (masked, masks) = mask_words(window, words, self.mask);
                let masks: Vec<(usize, Mask)> =
                    masks.into_iter().map(|mask| (done, mask)).collect();
                self.fill(note, &masked, &masks, filled, job)?;
            }
        }
        Ok(())
    }

    /// Hides all places, and fills in each window those that are read there.
    fn together(
        &self,
        note: &Note,
        read: &ReadNote,
        places: &[Place],
        filled: &mut [FilledMask],
        job: &Job,
    ) -> Result<(), EngineError> {
        let words: Vec<Range<usize>> = places.iter().map(|place| place.word.clone()).collect();
        for (index, window) in read.windows.iter().enumerate() {
            job.step(index, read.windows.len(), "windows")?;
            if !places.iter().any(|place| place.window == Some(index)) {
                continue;
            }
            let (masked, masks) = match self.hides() {
                true => mask_words(&window.encoding, &words, self.mask),
                false => (
                    window.encoding.clone(),
                    written_masks(&window.encoding, self.mask),
                ),
            };
            let own = masks.into_iter().filter_map(|mask| {
                let place = words.partition_point(|word| word.end <= mask.span.start);
                (places.get(place)?.window == Some(index)).then_some((place, mask))
            });
            self.fill(note, &masked, &own.collect::<Vec<_>>(), filled, job)?;
        }
        Ok(())
    }

    /// Fills masks of an encoding, each for the place of this number.
    fn fill(
        &self,
        note: &Note,
        encoding: &Encoding,
        masks: &[(usize, Mask)],
        filled: &mut [FilledMask],
        job: &Job,
    ) -> Result<(), EngineError> {
        let batch = self.loaded.batch(note, encoding)?;
        let encoded = self.loaded.encode(&batch, &Capture::default(), job)?;
        let rows: Vec<usize> = masks.iter().map(|(_, mask)| mask.row).collect();
        let each = &mut |number: usize, logits: &[f32]| {
            let (place, mask) = &masks[number];
            filled[*place] = FilledMask {
                start: mask.span.start,
                end: mask.span.end,
                approximate: mask.approximate,
                was_read: true,
                candidates: self.candidates(logits),
            };
        };
        self.loaded.masked_lm_rows(note, &encoded.last, &rows, each)
    }

    /// Whether words are hidden; otherwise the masks stand in the note already.
    fn hides(&self) -> bool {
        self.query.word.is_some() || self.query.at.is_some()
    }

    /// What is to be hidden in a note, in order: at least one place.
    fn places(&self, note: &Note, read: &ReadNote) -> Result<Vec<Place>, EngineError> {
        let absent = |reason: String| EngineError::Absent {
            note: note.source().to_string(),
            reason,
        };
        let place = |word: Range<usize>, rows: Vec<usize>| Place {
            word,
            window: read.window_of(&rows),
            rows,
        };
        let mut words: Vec<Range<usize>> = if let Some(at) = &self.query.at {
            let text = note.text();
            if text.get(at.clone()).is_none() {
                let reason = format!(
                    "bytes {} to {} are not a part of its {} bytes, or cut a character",
                    at.start,
                    at.end,
                    text.len()
                );
                return Err(absent(reason));
            }
            Vec::from([at.clone()])
        } else if let Some(word) = &self.query.word {
            occurrences(note.text(), word)
        } else {
            let masks = written_masks(&read.whole, self.mask).into_iter();
            let places: Vec<Place> = masks
                .map(|mask| place(mask.span, Vec::from([mask.row])))
                .collect();
            if places.is_empty() {
                let mask = self.loaded.tokenizer.token(self.mask).unwrap_or_default();
                let reason = format!("there is no {mask}; write one, or name a word to mask");
                return Err(absent(reason));
            }
            return Ok(places);
        };
        if let Some(occurrence) = self.query.occurrence {
            let count = words.len();
            let chosen = occurrence
                .checked_sub(1)
                .and_then(|index| words.get(index).cloned());
            words = chosen.into_iter().collect();
            if words.is_empty() && count > 0 {
                let reason = "the word to mask does not occur there so often".to_owned();
                return Err(absent(reason));
            }
        }
        let rows = rows_of_words(&read.whole, &words);
        let places: Vec<Place> = words
            .into_iter()
            .zip(rows)
            .filter(|(_, rows)| !rows.is_empty())
            .map(|(word, rows)| place(word, rows))
            .collect();
        match places.is_empty() {
            true => Err(absent("the word to mask does not occur there".to_owned())),
            false => Ok(places),
        }
    }

    fn candidates(&self, logits: &[f32]) -> Vec<Candidate> {
        let among: Vec<u32> = self.targets.iter().map(|(id, _)| *id).collect();
        let among = (!among.is_empty()).then_some(&among[..]);
        let found = top(logits, self.query.candidates, among).into_iter();
        found
            .map(|(id, score)| Candidate {
                id,
                text: token_text(&self.loaded.tokenizer, id),
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
                    reason: format!("its tokenizer makes no token of \"{target}\""),
                })
        });
        found.collect()
    }
}

/// A token as a person reads it; rows of the embedding that no token has are numbered.
pub(super) fn token_text(tokenizer: &Tokenizer, id: u32) -> String {
    match tokenizer.decode(&[id]) {
        Ok(text) if !text.is_empty() => text,
        _ => tokenizer.token(id).unwrap_or_else(|| format!("[row {id}]")),
    }
}
