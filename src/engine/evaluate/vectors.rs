//! Judges the vectors of notes by a label.

use super::super::{
    EmbedQuery, Engine, EngineError, Evaluation, Finished, Job, Note, Settings, counted,
};
use super::{Parts, finished, judged, named, patients, truth};
use crate::evaluation::Judgement;
use crate::evaluation::outcomes::of_vectors;
use crate::evaluation::vectors::{Labelled, judge_vectors};

/// How to judge vectors.
#[derive(Clone)]
pub struct EvaluateVectorsQuery {
    /// How notes become vectors; it is the whole note's that is judged.
    pub embed: EmbedQuery,
    /// Nearest neighbours that vote.
    pub neighbours: usize,
    /// Intervals and the seed.
    pub settings: Settings,
}

impl Engine {
    /// Judges the vectors of notes: whether neighbours have the same label.
    ///
    /// # Errors
    /// [`EngineError`] when no model is loaded, the notes have not at least two labels, there are too
    /// few of them, or the job is stopped.
    pub fn evaluate_vectors(
        &self,
        notes: &[Note],
        query: &EvaluateVectorsQuery,
        job: &Job,
    ) -> Result<Finished<Evaluation>, EngineError> {
        let loaded = self.loaded()?;
        let reader = loaded.reader(&query.embed.reading)?;
        let own: Vec<Option<&str>> = notes
            .iter()
            .map(|note| {
                let mut labels = truth::labels(note, None);
                labels.next().filter(|_| labels.next().is_none())
            })
            .collect();
        let mut names: Vec<String> = own
            .iter()
            .flatten()
            .map(|&label| label.to_owned())
            .collect();
        names.sort_by(|a, b| in_order(a).total_cmp(&in_order(b)).then(a.cmp(b)));
        names.dedup();
        let labelled = own.iter().flatten().count();
        if names.len() < 2 {
            return Err(EngineError::Choice(format!(
                "{} with a label, and of {}: two labels or more are needed; name their column with \
                 --label",
                counted(labelled, "note"),
                counted(names.len(), "label")
            )));
        }
        if labelled <= query.neighbours {
            return Err(EngineError::Choice(format!(
                "{} with a label are too few for {} neighbours of each",
                counted(labelled, "note"),
                query.neighbours
            )));
        }
        let judged = job.within(0.0..0.9, || {
            judged(notes, &own, job, |_, note| {
                loaded.embed_note(note, &reader, &query.embed, job)
            })
        })?;
        let mut vectors = Labelled {
            width: loaded.model.config().hidden_size,
            ..Labelled::default()
        };
        let mut numbers = Vec::new();
        for (&number, embedding) in judged.numbers.iter().zip(&judged.results) {
            let label = own[number].and_then(|own| names.iter().position(|name| name == own));
            if let (Some(label), Some(unit)) = (label, embedding.units.first()) {
                vectors
                    .vectors
                    .extend(unit.vector.iter().map(|&value| f64::from(value)));
                vectors.labels.push(label);
                numbers.push(number);
            }
        }
        vectors.patients = patients(notes, &numbers);
        if vectors.labels.len() <= query.neighbours {
            return Ok(finished(None, judged.failures));
        }
        let result = job.within(0.9..1.0, || {
            judge_vectors(&names, &vectors, query.neighbours, &query.settings, job)
        })?;
        let mut parts = Parts {
            test: notes,
            validation: None,
            remarks: Vec::new(),
        };
        if labelled < notes.len() {
            let (left, all) = (notes.len() - labelled, notes.len());
            parts.remarks.push(format!(
                "{left} of {all} notes were left out: they have not one label each."
            ));
        }
        let data = parts.facts(&numbers, None).of("one label of each note");
        let outcomes = named(notes, &numbers, of_vectors(&result, &vectors));
        let judgement = Judgement::Vectors(result);
        let evaluation = loaded.report(data, query.settings, judgement, Vec::new(), outcomes);
        Ok(finished(Some(evaluation), judged.failures))
    }
}

/// Numbers come first, in their order.
fn in_order(label: &str) -> f64 {
    let digits = label
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(label.len());
    label[..digits].parse().unwrap_or(f64::INFINITY)
}
