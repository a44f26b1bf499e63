//! Judges a masked language model by the tokens that it guesses where they are hidden.

use std::ops::Range;

use super::super::reading::ReadNote;
use super::super::{Engine, EngineError, Evaluation, Finished, Job, Loaded, Note, ReadingOptions};
use super::baselines::{Baselines, own_tokens};
use super::{Parts, READING, Settings, finished, judged, named, patients, sliceable, tables};
use crate::evaluation::Judgement;
use crate::evaluation::masked_lm::{Guessed, Tally, judge_masked_lm, slice_masked_lm};
use crate::evaluation::outcomes::of_hidden;
use crate::model::capture::Capture;
use crate::model::checkpoint::Head;
use crate::tasks::fill_mask::rank;
use crate::tasks::softmax::Softmax;
use crate::tokenization::Encoding;
use crate::training::randomness::{Purpose, Randomness, Stream};

/// How to judge a masked language model.
#[derive(Clone)]
pub struct EvaluateMaskedLmQuery {
    /// The share of the tokens that is hidden, above 0 and at most 1; at least one of each note is.
    pub mask_rate: f64,
    /// How to read notes that are too long.
    pub reading: ReadingOptions,
    /// Intervals, and the seed, which the choice of hidden tokens starts from too.
    pub settings: Settings,
    /// Columns by whose values the figures are given as well.
    pub slices: Vec<String>,
}

/// What is hidden of a note.
struct Hidden {
    /// Rows of the whole note's encoding, rising.
    rows: Vec<usize>,
    /// Places of the same tokens among those of the note without the template's.
    places: Vec<usize>,
    /// All of those.
    tokens: Vec<u32>,
}

/// What is asked for, in an error.
const JUDGED: &str = "be judged by hidden tokens";

impl Engine {
    /// That the loaded model can be judged in this way, before the work of counting begins.
    ///
    /// # Errors
    /// Those of [`evaluate_masked_lm`](Self::evaluate_masked_lm).
    pub fn check_masked_lm(
        &self,
        notes: &[Note],
        query: &EvaluateMaskedLmQuery,
    ) -> Result<(), EngineError> {
        let loaded = self.loaded()?;
        loaded.needs(Head::MaskedLm, JUDGED)?;
        loaded.mask_id(JUDGED)?;
        loaded.reader(&query.reading)?;
        if !(query.mask_rate > 0.0 && query.mask_rate <= 1.0) {
            return Err(EngineError::Choice(format!(
                "a share of {} of the tokens cannot be hidden: it is above 0 and at most 1",
                query.mask_rate
            )));
        }
        sliceable(notes, &query.slices)
    }

    /// Judges the loaded masked language model, beside what counting alone can do.
    ///
    /// Each note's tokens are hidden by the seed and the note's number, all of them at once and all
    /// behind the mask token: the same ones each time, for every model with the same tokenizer. A
    /// note in several windows has each guess from the window with the most context. There is one
    /// result, or none where every note failed.
    ///
    /// # Errors
    /// [`EngineError`] when the model is no masked language model, the share of hidden tokens cannot
    /// be, or the job is stopped.
    pub fn evaluate_masked_lm(
        &self,
        notes: &[Note],
        baselines: Option<&Baselines>,
        query: &EvaluateMaskedLmQuery,
        job: &Job,
    ) -> Result<Finished<Evaluation>, EngineError> {
        self.check_masked_lm(notes, query)?;
        let loaded = self.loaded()?;
        let mask = loaded.mask_id(JUDGED)?;
        let reader = loaded.reader(&query.reading)?;
        let randomness = Randomness::new(query.settings.resampling.seed);
        let numbers: Vec<Option<usize>> = (0..notes.len()).map(Some).collect();
        let judged = job.within(0.0..READING, || {
            judged(notes, &numbers, job, |number, note| {
                let read = reader.read(note)?;
                let mut stream = randomness.stream(Purpose::ValidationMasks, number as u64);
                let hidden = Hidden::choose(&read, mask, query.mask_rate, &mut stream);
                loaded.guessed(note, &read, &hidden, (mask, baselines), job)
            })
        })?;
        let mut parts = Parts {
            test: notes,
            validation: None,
            remarks: remarks(notes, &judged.results, baselines),
        };
        let of_patients = patients(notes, &judged.numbers);
        let mut guessed = judged.results;
        for (own, note) in guessed.iter_mut().enumerate() {
            note.patient = of_patients.as_ref().map(|patients| patients[own]);
        }
        if guessed.iter().all(|note| note.hidden == 0) {
            return match judged.failures.is_empty() {
                true => Err(EngineError::Choice(
                    "no note has a token that could be hidden".to_owned(),
                )),
                false => Ok(finished(None, judged.failures)),
            };
        }
        let (settings, masking) = (
            query.settings,
            (query.mask_rate, query.settings.resampling.seed),
        );
        let facts = baselines.map(|own| own.facts().clone());
        let result = job.within(READING..1.0, || {
            judge_masked_lm(&guessed, masking, facts, &settings, job)
        })?;
        let slices = tables(notes, &judged.numbers, &query.slices, |column, values| {
            slice_masked_lm(&guessed, column, values)
        })?;
        let data = parts.facts(&judged.numbers, None);
        let data = data.of("the tokens that were hidden");
        let outcomes = named(notes, &judged.numbers, of_hidden(&guessed));
        let result = Judgement::MaskedLm(result);
        let evaluation = loaded.report(data, settings, result, slices, outcomes);
        Ok(finished(Some(evaluation), judged.failures))
    }
}

/// What a reader of the report should know.
fn remarks(notes: &[Note], guessed: &[Guessed], baselines: Option<&Baselines>) -> Vec<String> {
    let mut remarks = Vec::new();
    let all = notes.len();
    let same = baselines.map_or(0, |own| own.among(notes));
    if same > 0 {
        remarks.push(format!(
            "{same} of {all} test notes are, letter by letter, among the texts that the baselines were \
             counted on: all figures are better than they are on new notes."
        ));
    }
    let without = guessed.iter().filter(|note| note.hidden == 0).count();
    if without > 0 {
        remarks.push(format!(
            "{without} of {all} test notes have no token that could be hidden."
        ));
    }
    remarks
}

impl Hidden {
    /// Hides each token that is read with a probability of `rate`, and at least one.
    fn choose(read: &ReadNote, mask: u32, rate: f64, stream: &mut Stream) -> Self {
        let owners = read.owners();
        let (tokens, rows) = own_tokens(&read.whole);
        // What is masked in the text itself says nothing.
        let open: Vec<usize> = (0..rows.len())
            .filter(|&place| owners[rows[place]].is_some() && tokens[place] != mask)
            .collect();
        let mut places = open.clone();
        places.retain(|_| stream.uniform() < rate);
        if places.is_empty() && !open.is_empty() {
            places.push(open[stream.below(open.len())]);
        }
        Self {
            rows: places.iter().map(|&place| rows[place]).collect(),
            places,
            tokens,
        }
    }
}

/// How many bytes rising ranges cover: tokens that share a character each have all of it.
fn covered(ranges: impl Iterator<Item = Range<usize>>) -> usize {
    let mut end = 0;
    ranges
        .map(|range| {
            let own = range.end.saturating_sub(range.start.max(end));
            end = end.max(range.end);
            own
        })
        .sum()
}

impl Loaded {
    fn guessed(
        &self,
        note: &Note,
        read: &ReadNote,
        hidden: &Hidden,
        (mask, baselines): (u32, Option<&Baselines>),
        job: &Job,
    ) -> Result<Guessed, EngineError> {
        let mut own = Guessed {
            hidden: hidden.rows.len(),
            bytes: covered(hidden.rows.iter().map(|&row| read.whole.spans[row].clone())),
            ..Guessed::default()
        };
        let owners = read.owners();
        for (number, window) in read.windows.iter().enumerate() {
            job.step(number, read.windows.len(), "windows")?;
            let masked = masked(&window.encoding, hidden, |row| window.local(row), mask);
            let rows: Vec<(usize, usize)> = hidden
                .rows
                .iter()
                .filter(|&&row| owners[row] == Some(number))
                .filter_map(|&row| Some((window.local(row)?, row)))
                .collect();
            if rows.is_empty() {
                continue;
            }
            let batch = self.batch(note, &masked)?;
            let encoded = self.encode(&batch, &Capture::default(), job)?;
            let local: Vec<usize> = rows.iter().map(|&(local, _)| local).collect();
            self.masked_lm_rows(note, &encoded.last, &local, &mut |number, logits| {
                let token = read.whole.ids[rows[number].1] as usize;
                let better = rank(logits, token);
                own.model.loss += f64::from(Softmax::over(logits).loss(logits[token]));
                own.model.first += usize::from(better == 0);
                own.model.among_five += usize::from(better < 5);
            })?;
        }
        own.baselines = baselines.map(|models| {
            let both = models.guesses(&hidden.tokens, &hidden.places);
            both.map(|guesses| {
                let pairs = guesses.iter().zip(&hidden.places);
                Tally {
                    loss: guesses.iter().map(|guess| guess.loss).sum(),
                    first: pairs
                        .filter(|(guess, place)| guess.best == hidden.tokens[**place])
                        .count(),
                    among_five: 0,
                }
            })
        });
        Ok(own)
    }
}

/// A window in which every hidden token is masked, also those that another window guesses.
fn masked(
    encoding: &Encoding,
    hidden: &Hidden,
    local: impl Fn(usize) -> Option<usize>,
    mask: u32,
) -> Encoding {
    let mut masked = encoding.clone();
    for row in hidden.rows.iter().filter_map(|&row| local(row)) {
        masked.ids[row] = mask;
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::super::super::{Coverage, Way};
    use super::*;
    use crate::tokenization::windows::{Cut, windows};

    /// `[CLS]`, eight tokens, `[SEP]`, in windows that share three tokens.
    fn read() -> ReadNote {
        let is_special = |row: usize| row == 0 || row == 9;
        let whole = Encoding {
            ids: (20..30).collect(),
            type_ids: vec![0; 10],
            spans: (0..10)
                .map(|row| if is_special(row) { 0..0 } else { row..row + 1 })
                .collect(),
            words: vec![None; 10],
            special: (0..10).map(is_special).collect(),
            sequences: vec![Some(0); 10],
        };
        ReadNote {
            windows: windows(&whole, 7, Cut::Windows { overlap: 3 }).unwrap(),
            coverage: Coverage {
                tokens: 10,
                read: Way::Windows,
                windows: 2,
                max_tokens: 7,
                overlap: Some(3),
                read_start: 0,
                read_end: 9,
            },
            whole,
        }
    }

    fn choose(read: &ReadNote, mask: u32, rate: f64) -> Hidden {
        let mut stream = Randomness::new(4).stream(Purpose::ValidationMasks, 0);
        Hidden::choose(read, mask, rate, &mut stream)
    }

    #[test]
    fn no_window_gives_away_what_another_guesses() {
        let read = read();
        let hidden = Hidden {
            rows: vec![4, 5, 8],
            places: vec![3, 4, 7],
            tokens: (21..29).collect(),
        };
        assert!(read.windows.len() > 1);
        let mut masks = 0;
        for window in &read.windows {
            let masked = masked(&window.encoding, &hidden, |row| window.local(row), 9);
            assert!([24, 25, 28].iter().all(|id| !masked.ids.contains(id)));
            let kept = window.encoding.ids.iter().zip(&masked.ids);
            assert!(
                kept.filter(|(_, new)| **new != 9)
                    .all(|(old, new)| old == new)
            );
            masks += masked.ids.iter().filter(|id| **id == 9).count();
        }
        assert!(masks > 3, "windows share hidden tokens");
    }

    #[test]
    fn tokens_of_the_template_and_masks_of_the_text_are_never_hidden() {
        let read = read();
        let hidden = choose(&read, 23, 1.0);
        assert_eq!(hidden.rows, [1, 2, 4, 5, 6, 7, 8]);
        assert_eq!(hidden.places, [0, 1, 3, 4, 5, 6, 7]);
        assert_eq!(hidden.tokens, (21..29).collect::<Vec<u32>>());
        let least = choose(&read, 23, 1e-9);
        assert_eq!(least.rows.len(), 1);
        assert_eq!(least.places[0] + 1, least.rows[0]);
    }
}
