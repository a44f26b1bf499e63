//! Turns predictions with what is true into a report: figures, a model card, plots.
//!
//! Thresholds and the temperature come from validation examples only; all figures are of the test
//! examples.

mod calibration;
mod card;
pub mod classes;
mod curves;
mod error;
pub mod labels;
pub mod masked_lm;
pub mod outcomes;
pub mod plots;
mod slices;
pub mod spans;
#[cfg(test)]
mod tests;
pub mod vectors;
mod write;

use std::collections::BTreeMap;

use serde::Serialize;

pub use calibration::Calibration;
pub use card::card;
pub(crate) use card::markdown;
pub use curves::ClassCurves;
pub use error::EvaluationError;
pub use outcomes::{NoteOutcome, Outcome};
pub use slices::{Slice, SliceTable, TOO_FEW};

pub use crate::metrics::bootstrap::{Interval, Resampling};

use crate::metrics::bootstrap::Clusters;

/// Figures by name; `None` where one is not defined.
pub type Figures = BTreeMap<&'static str, Option<f64>>;

/// How to judge.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// How intervals are made.
    pub resampling: Resampling,
    /// How many false positives a false negative costs; thresholds are chosen if it is given.
    pub cost_ratio: Option<f64>,
}

/// What was judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelFacts {
    /// The model's name.
    pub name: String,
    /// What stands on its encoder.
    pub head: String,
    /// Numbers in all parameters together.
    pub parameters: usize,
    /// Whether its weights are random, so that the figures mean nothing.
    pub random_weights: bool,
}

/// On what it was judged.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct DataFacts {
    /// Notes that every figure is of.
    pub test: usize,
    /// Notes that thresholds and temperature were chosen on; none if not given.
    pub validation: Option<usize>,
    /// Patients, where each test note has one: the intervals are of resampled patients then, and of
    /// resampled notes otherwise.
    pub patients: Option<usize>,
    /// Where the truth comes from.
    pub truth: String,
    /// What was left out or should be known, a sentence each.
    pub remarks: Vec<String>,
}

impl DataFacts {
    /// What the bootstrap draws.
    pub fn resampled(&self) -> String {
        match self.patients {
            Some(patients) if patients < slices::TOO_FEW => {
                format!("whole patients ({patients}, too few to trust the intervals)")
            }
            Some(patients) => format!("whole patients ({patients})"),
            None => "notes".to_owned(),
        }
    }

    /// The same with where the truth comes from.
    pub fn of(self, truth: &str) -> Self {
        Self {
            truth: truth.to_owned(),
            ..self
        }
    }
}

/// A report on a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// The version of Auscult that judged.
    pub auscult: &'static str,
    /// What was judged.
    pub model: ModelFacts,
    /// On what.
    pub data: DataFacts,
    /// How the intervals were made.
    pub resampling: Resampling,
    /// How good it is.
    pub result: Judgement,
    /// The same by the values of columns.
    pub slices: Vec<SliceTable>,
    /// What came of each test note.
    pub notes: Vec<NoteOutcome>,
}

/// How good a model is, by what it does.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Judgement {
    /// Each note has one class.
    SingleLabel(classes::Classes),
    /// Each note has any number of labels.
    MultiLabel(labels::Labels),
    /// Spans are marked in notes.
    Spans(spans::Spans),
    /// Notes become vectors.
    Vectors(vectors::VectorReport),
    /// Hidden tokens of notes are guessed.
    MaskedLm(masked_lm::MaskedLm),
}

impl Judgement {
    /// The figures that stand first, with their intervals: name, figure.
    pub fn headline(&self) -> Vec<(&'static str, Interval)> {
        let (intervals, names): (&BTreeMap<&'static str, Interval>, &[&'static str]) = match self {
            Self::SingleLabel(own) => (&own.intervals, &classes::HEADLINE),
            Self::MultiLabel(own) => (&own.intervals, &labels::HEADLINE),
            Self::Spans(own) => (&own.intervals, &spans::HEADLINE),
            Self::Vectors(own) => (&own.intervals, &vectors::HEADLINE),
            Self::MaskedLm(own) => (&own.intervals, &masked_lm::HEADLINE),
        };
        let found = names.iter().map(|name| (*name, intervals.get(name)));
        found
            .filter_map(|(name, found)| Some((name, *found?)))
            .collect()
    }
}

/// Intervals of figures, by their names.
fn named_intervals(
    names: &[&'static str],
    intervals: Vec<Interval>,
) -> BTreeMap<&'static str, Interval> {
    names.iter().copied().zip(intervals).collect()
}

/// What the bootstrap draws in one piece: patients if they are known, or else each example.
fn drawn(examples: usize, patients: Option<&[usize]>) -> Clusters {
    match patients {
        Some(patients) => Clusters::of(patients),
        None => Clusters::each(examples),
    }
}
