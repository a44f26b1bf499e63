//! Scores the labels of notes with a sequence classifier.

use serde::Serialize;

use super::pass::finite;
use super::reading::{ReadNote, Reader};
use super::{
    Coverage, Engine, EngineError, Finished, Job, Loaded, Note, ReadingOptions, each_note,
};
use crate::kernels::values;
use crate::model::capture::Capture;
use crate::model::checkpoint::Head;
use crate::tasks::classification::Function;

/// How to classify.
#[derive(Clone)]
pub struct ClassifyQuery {
    /// What makes scores of logits; what fits the model if not given.
    pub function: Option<Function>,
    /// How to read notes that are too long.
    pub reading: ReadingOptions,
}

/// The labels of one note.
#[derive(Clone, PartialEq, Serialize)]
pub struct ClassifiedNote {
    /// Where the note came from.
    pub note: String,
    /// How it was read.
    #[serde(flatten)]
    pub coverage: Coverage,
    /// Whether the model's weights are random, so that the scores mean nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub random_weights: bool,
    /// What made scores of logits.
    pub function: Function,
    /// All labels, the highest score first. Of a note in several windows it is the mean of the
    /// windows' scores, each weighted by the tokens of the note that it holds.
    pub labels: Vec<LabelScore>,
    /// What each window by itself would give, where there are several; in the model's order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub window_scores: Vec<Vec<f32>>,
}

/// A label with its score.
#[derive(Clone, PartialEq, Serialize)]
pub struct LabelScore {
    /// The label's name.
    pub label: String,
    /// Not calibrated, so no probability.
    pub score: f32,
}

impl Engine {
    /// Scores the labels of each note.
    ///
    /// # Errors
    /// [`EngineError`] when no sequence classifier is loaded or it cannot read in this way. What is
    /// wrong with a single note is among the failures.
    pub fn classify(
        &self,
        notes: &[Note],
        query: &ClassifyQuery,
        job: &Job,
    ) -> Result<Finished<ClassifiedNote>, EngineError> {
        let loaded = self.loaded()?;
        loaded.needs(Head::SequenceClassification, "classify notes")?;
        let reader = loaded.reader(&query.reading)?;
        let config = loaded.model.config();
        let usual = Function::usual(config.problem_type, config.labels.len());
        let function = query.function.unwrap_or(usual);
        Ok(each_note(notes, job, |note| {
            loaded.classify_note(note, &reader, function, job)
        }))
    }
}

impl Loaded {
    fn classify_note(
        &self,
        note: &Note,
        reader: &Reader<'_>,
        function: Function,
        job: &Job,
    ) -> Result<ClassifiedNote, EngineError> {
        let read = reader.read(note)?;
        let names = &self.model.config().labels;
        let mut means = vec![0.0f64; names.len()];
        let mut windows = Vec::with_capacity(read.windows.len());
        for (weight, logits) in self.window_logits(note, &read, job)? {
            let scores = function.scores(&logits);
            for (mean, score) in means.iter_mut().zip(&scores) {
                *mean += weight * f64::from(*score);
            }
            windows.push(scores);
        }
        let mut labels: Vec<LabelScore> = names
            .iter()
            .zip(&means)
            .map(|(label, &score)| LabelScore {
                label: label.clone(),
                score: score as f32,
            })
            .collect();
        labels.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(ClassifiedNote {
            note: note.source().to_string(),
            coverage: read.coverage,
            random_weights: self.info.random_weights,
            function,
            labels,
            window_scores: match windows.len() {
                1 => Vec::new(),
                _ => windows,
            },
        })
    }
    /// The logits of each window, with the share of the note's tokens that it holds.
    ///
    /// # Panics
    /// If the model is no sequence classifier.
    pub(super) fn window_logits(
        &self,
        note: &Note,
        read: &ReadNote,
        job: &Job,
    ) -> Result<Vec<(f64, Vec<f32>)>, EngineError> {
        let tokens: usize = read.windows.iter().map(|window| window.rows.len()).sum();
        let mut found = Vec::with_capacity(read.windows.len());
        for (done, window) in read.windows.iter().enumerate() {
            job.step(done, read.windows.len(), "windows")?;
            let batch = self.batch(note, &window.encoding)?;
            let encoded = self.encode(&batch, &Capture::default(), job)?;
            let logits = self.model.sequence_logits(encoded.last, batch.sequences());
            let (_, logits) = logits.expect("the caller has seen the head");
            // A note without a token of its own still has one window.
            let weight = match tokens {
                0 => 1.0,
                _ => window.rows.len() as f64 / tokens as f64,
            };
            found.push((weight, finite(values(logits)?, note)?));
        }
        Ok(found)
    }
}
