//! Judges the vectors of notes by a label.

use std::borrow::Cow;
use std::collections::HashMap;

use super::super::{
    EmbedQuery, Engine, EngineError, Evaluation, Finished, Job, Note, Settings, counted,
};
use super::{Parts, finished, judged, named, patients, truth};
use crate::evaluation::Judgement;
use crate::evaluation::outcomes::of_vectors;
use crate::evaluation::vectors::{Across, Labelled, judge_vectors};
use crate::notes::columns::{check_column, column_value};

/// How to judge vectors.
#[derive(Clone)]
pub struct EvaluateVectorsQuery {
    /// How notes become vectors; it is the whole note's that is judged.
    pub embed: EmbedQuery,
    /// Nearest neighbours that vote.
    pub neighbours: usize,
    /// A column; the accuracy without the votes of those which have the same in it is told, too.
    pub across: Option<String>,
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
        vectors.across = query
            .across
            .as_deref()
            .map(|column| across(notes, &numbers, column))
            .transpose()?;
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

/// The groups that a column makes of notes; a note without a value is a group of its own.
fn across(notes: &[Note], numbers: &[usize], column: &str) -> Result<Across, EngineError> {
    check_column(notes, column).map_err(|error| EngineError::Choice(error.to_string()))?;
    let mut known: HashMap<Cow<'_, str>, usize> = HashMap::new();
    let mut next = 0;
    let mut fresh = || {
        next += 1;
        next - 1
    };
    let groups: Vec<usize> = numbers
        .iter()
        .map(|&number| match column_value(&notes[number], column) {
            Some(value) => *known.entry(value).or_insert_with(&mut fresh),
            None => fresh(),
        })
        .collect();
    if next < 2 {
        return Err(EngineError::Choice(format!(
            "all notes have the same value in the column \"{column}\", so no neighbour of another \
             group is left: name another with --across"
        )));
    }
    Ok(Across {
        column: column.to_owned(),
        groups,
    })
}

/// Numbers come first, in their order.
fn in_order(label: &str) -> f64 {
    let digits = label
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(label.len());
    label[..digits].parse().unwrap_or(f64::INFINITY)
}
