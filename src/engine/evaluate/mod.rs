//! Judges a model on notes of which labels or spans are known.

mod baselines;
mod classifier;
mod masked_lm;
mod tagger;
mod truth;
mod vectors;

use std::collections::{HashMap, HashSet};

use super::{
    Aggregation, Engine, EngineError, Evaluation, Finished, Job, Loaded, Note, ReadingOptions,
    Settings, counted, each_note,
};
use crate::evaluation::{
    DataFacts, EvaluationError, Judgement, ModelFacts, NoteOutcome, Outcome, SliceTable,
};
use crate::metrics::MetricsError;
use crate::model::checkpoint::Head;
use crate::tasks::classification::Function;

pub use baselines::Baselines;
pub use masked_lm::EvaluateMaskedLmQuery;
pub use vectors::EvaluateVectorsQuery;

/// How to judge a classifier or a tagger.
#[derive(Clone, Default)]
pub struct EvaluateQuery {
    /// How to read notes that are too long.
    pub reading: ReadingOptions,
    /// Intervals and costs.
    pub settings: Settings,
    /// Of two classes the one that counts as positive; the second if not given.
    pub positive: Option<String>,
    /// What parts several labels in one cell.
    pub separator: Option<String>,
    /// Columns by whose values the figures are given as well.
    pub slices: Vec<String>,
    /// How a tagger's tokens become spans; by the first token of each word if not given, and without
    /// punctuation at their ends.
    pub aggregation: Option<Aggregation>,
    /// Kinds of true spans, each with the model's name for it.
    pub kinds: Vec<(String, String)>,
}

impl EvaluateQuery {
    /// That nothing is asked for which a model of this head does not have.
    fn fits(&self, head: Head) -> Result<(), EngineError> {
        let reason = match head {
            Head::TokenClassification if self.positive.is_some() => {
                "a tagger has no positive class"
            }
            Head::TokenClassification if self.separator.is_some() => {
                "a tagger is judged by spans, not by labels in a cell that could be parted"
            }
            Head::SequenceClassification if !self.kinds.is_empty() => {
                "a classifier is judged by labels: it has no kinds of spans"
            }
            _ => return Ok(()),
        };
        Err(EngineError::Choice(reason.to_owned()))
    }
}

/// What the model says of those notes that could be judged.
struct Judged<T> {
    /// Their numbers.
    numbers: Vec<usize>,
    results: Vec<T>,
    failures: Vec<EngineError>,
}

/// Runs `one` on the number and the note of each of which the truth is known.
///
/// # Errors
/// [`EngineError::Cancelled`] when the job is stopped: figures of a part would pass for those of all.
fn judged<T, K>(
    notes: &[Note],
    truth: &[Option<K>],
    job: &Job,
    mut one: impl FnMut(usize, &Note) -> Result<T, EngineError>,
) -> Result<Judged<T>, EngineError> {
    let mut truths = truth.iter().enumerate();
    let finished = each_note(notes, job, |note| match truths.next() {
        Some((number, Some(_))) => one(number, note).map(|result| Some((number, result))),
        _ => Ok(None),
    });
    if finished.stopped {
        return Err(EngineError::Cancelled(super::Cancelled));
    }
    let (numbers, results) = finished.results.into_iter().flatten().unzip();
    Ok(Judged {
        numbers,
        results,
        failures: finished.failures,
    })
}

/// The share of the time that the model's reading takes; the figures are made in the rest.
const READING: f64 = 0.95;

/// The share of the time that the test notes take, of all that is to be read.
fn share_of_test(test: &[Note], validation: Option<&[Note]>) -> f64 {
    let bytes = |notes: &[Note]| notes.iter().map(|note| note.text().len()).sum::<usize>();
    let (test, validation) = (bytes(test).max(1), validation.map_or(0, bytes));
    READING * test as f64 / (test + validation) as f64
}

/// That no note is in both parts; a patient in both is said.
fn apart(test: &[Note], validation: &[Note]) -> Result<Vec<String>, EngineError> {
    let known: HashSet<&str> = validation.iter().map(Note::text).collect();
    let same = test
        .iter()
        .filter(|note| known.contains(note.text()))
        .count();
    if same > 0 {
        return Err(EngineError::Choice(format!(
            "{} in the test part have the text of one in the validation part; what is chosen on a \
             note cannot be judged on it: take them out of one part",
            counted(same, "note")
        )));
    }
    let patients: HashSet<&str> = validation
        .iter()
        .filter_map(|note| note.details().patient.as_deref())
        .collect();
    let of_both = |note: &&Note| {
        let patient = note.details().patient.as_deref();
        patient.is_some_and(|patient| patients.contains(patient))
    };
    Ok(match test.iter().filter(of_both).count() {
        0 => Vec::new(),
        count => vec![format!(
            "{} in the test part are of patients who are in the validation part too: calibration \
             and thresholds may look better than they are.",
            counted(count, "note")
        )],
    })
}

/// One evaluation, if anything could be judged, beside what could not.
fn finished(evaluation: Option<Evaluation>, failures: Vec<EngineError>) -> Finished<Evaluation> {
    Finished {
        results: evaluation.into_iter().collect(),
        failures,
        stopped: false,
    }
}

impl Engine {
    /// Judges the loaded classifier or tagger on test notes. Thresholds and the temperature come from
    /// validation notes only.
    ///
    /// A note in several windows has the mean of their probabilities, as
    /// [`classify`](Self::classify) gives them. There is one result, or none where every note failed.
    ///
    /// # Errors
    /// [`EngineError`] when the model is neither, the notes have no labels that it knows, a note is in
    /// both parts, a threshold is wanted without validation notes, or the job is stopped.
    pub fn evaluate(
        &self,
        test: &[Note],
        validation: Option<&[Note]>,
        query: &EvaluateQuery,
        job: &Job,
    ) -> Result<Finished<Evaluation>, EngineError> {
        let loaded = self.loaded()?;
        if query.settings.cost_ratio.is_some() && validation.is_none() {
            let reason = "a threshold is chosen on validation notes, never on those that are \
                          judged: give validation notes as well";
            return Err(EngineError::Choice(reason.to_owned()));
        }
        let parts = Parts {
            test,
            validation,
            remarks: match validation {
                Some(validation) => apart(test, validation)?,
                None => Vec::new(),
            },
        };
        query.fits(loaded.model.structure().head)?;
        sliceable(test, &query.slices)?;
        let unable = |reason: String| EngineError::Unable {
            operation: "be judged by labels",
            reason,
        };
        let config = loaded.model.config();
        match loaded.model.structure().head {
            Head::SequenceClassification => {
                match Function::usual(config.problem_type, config.labels.len()) {
                    Function::Softmax => loaded.evaluate_classes(parts, query, job),
                    Function::Sigmoid => loaded.evaluate_labels(parts, query, job),
                    Function::None => Err(unable("it predicts numbers, not labels".to_owned())),
                }
            }
            Head::TokenClassification if validation.is_some() => {
                let reason = "a tagger has neither threshold nor temperature, so validation notes \
                              mean nothing here";
                Err(EngineError::Choice(reason.to_owned()))
            }
            Head::TokenClassification => loaded.evaluate_tagger(parts, query, job),
            Head::None | Head::MaskedLm => Err(unable(format!(
                "its head is \"{}\"; this takes a classifier or a tagger. What it makes of notes can \
                 be judged as vectors (auscult evaluate embeddings), and a masked language model by \
                 hidden tokens (auscult evaluate masked-lm)",
                loaded.info.head
            ))),
        }
    }
}

/// Notes that are judged, and those that thresholds and temperature come from.
struct Parts<'a> {
    test: &'a [Note],
    validation: Option<&'a [Note]>,
    /// What a reader of the report should know.
    remarks: Vec<String>,
}

impl Parts<'_> {
    /// What a report says of its data, where the test notes with these numbers were judged.
    fn facts(&mut self, numbers: &[usize], validation: Option<usize>) -> DataFacts {
        DataFacts {
            test: numbers.len(),
            validation,
            patients: count_of_patients(self.test, numbers, &mut self.remarks),
            truth: String::new(),
            remarks: std::mem::take(&mut self.remarks),
        }
    }
}

/// The number of each note's patient, in the order in which they first occur; `None` unless all
/// notes with these numbers have one.
fn patients(notes: &[Note], numbers: &[usize]) -> Option<Vec<usize>> {
    let mut known: HashMap<&str, usize> = HashMap::new();
    let own = numbers.iter().map(|&number| {
        let patient = notes[number].details().patient.as_deref()?.trim();
        let next = known.len();
        (!patient.is_empty()).then(|| *known.entry(patient).or_insert(next))
    });
    own.collect()
}

/// How many patients notes have, if all have one; where only some have, a remark says so.
fn count_of_patients(
    notes: &[Note],
    numbers: &[usize],
    remarks: &mut Vec<String>,
) -> Option<usize> {
    if let Some(own) = patients(notes, numbers) {
        return own.iter().max().map(|last| last + 1);
    }
    let with = |number: &&usize| patients(notes, &[**number]).is_some();
    let with = numbers.iter().filter(with).count();
    if with > 0 {
        let (without, all) = (numbers.len() - with, numbers.len());
        remarks.push(format!(
            "{without} of {all} test notes have no patient, so the intervals take notes of the same \
             patient for independent: they may be too narrow."
        ));
    }
    None
}

impl Loaded {
    fn report(
        &self,
        data: DataFacts,
        settings: Settings,
        result: Judgement,
        slices: Vec<SliceTable>,
        notes: Vec<NoteOutcome>,
    ) -> Evaluation {
        Evaluation {
            auscult: env!("CARGO_PKG_VERSION"),
            model: ModelFacts {
                name: self.info.name.clone(),
                head: self.info.head.to_owned(),
                parameters: self.info.parameters,
                random_weights: self.info.random_weights,
            },
            data,
            resampling: settings.resampling,
            result,
            slices,
            notes,
        }
    }
}

/// Outcomes with the names of the notes with these numbers.
fn named(notes: &[Note], numbers: &[usize], outcomes: Vec<Outcome>) -> Vec<NoteOutcome> {
    let pairs = numbers.iter().zip(outcomes);
    pairs
        .map(|(&number, outcome)| NoteOutcome {
            note: notes[number].source().to_string(),
            outcome,
        })
        .collect()
}

/// That each of these columns is one of some note.
fn sliceable(notes: &[Note], columns: &[String]) -> Result<(), EngineError> {
    let is_absent = |column: &&String| {
        notes
            .iter()
            .all(|note| truth::value(note, column).is_none())
    };
    match columns.iter().find(is_absent) {
        Some(column) => Err(EngineError::Choice(format!(
            "no note has a column or field \"{column}\" to slice by"
        ))),
        None => Ok(()),
    }
}

/// The figures of the notes with these numbers by the values of columns.
fn tables(
    notes: &[Note],
    numbers: &[usize],
    columns: &[String],
    table: impl Fn(&str, &[String]) -> Result<SliceTable, MetricsError>,
) -> Result<Vec<SliceTable>, EngineError> {
    let one = |column: &String| {
        let own = numbers
            .iter()
            .map(|&number| truth::value(&notes[number], column));
        let values: Vec<String> = own.map(Option::unwrap_or_default).collect();
        table(column, &values).map_err(|error| EvaluationError::from(error).into())
    };
    columns.iter().map(one).collect()
}
