//! How good a model is, with the notes that it was judged by.

use std::collections::HashMap;

use super::JudgeForm;
use super::cells::{Cell, Cells, Counted, Held, score_of};
use crate::engine::{Evaluation, JudgedOutcome, Judgement, Note, SpanPair};

/// A report with its notes.
pub struct Judged {
    /// What was asked for.
    pub form: JudgeForm,
    /// The model, as a person calls it.
    pub of: String,
    /// The notes that every figure is of, in words.
    pub on: String,
    /// The notes that thresholds and temperature were chosen on, in words; none if there were none.
    pub chosen_on: Option<String>,
    /// The report.
    pub report: Evaluation,
    /// What its notes, or the spans in them, came to.
    pub cells: Cells,
    /// Those notes of the report that are known, by their source.
    notes: HashMap<String, Note>,
    /// Classes, labels or kinds of spans.
    names: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Judged {
    /// A report on these notes.
    pub fn new(
        form: JudgeForm,
        of: String,
        on: String,
        chosen_on: Option<String>,
        report: Evaluation,
        notes: Vec<Note>,
    ) -> Self {
        let names: Vec<String> = match &report.result {
            Judgement::SingleLabel(own) => own.classes.clone(),
            Judgement::MultiLabel(own) => own.labels.clone(),
            Judgement::Spans(own) => own.exact.per_type.keys().cloned().collect(),
            Judgement::Vectors(_) | Judgement::MaskedLm(_) => Vec::new(),
        };
        let numbers = names.iter().cloned().zip(0..).collect();
        Self {
            notes: (notes.into_iter())
                .map(|own| (own.source().to_string(), own))
                .collect(),
            cells: Cells::new(&report.notes, &numbers),
            form,
            of,
            on,
            chosen_on,
            report,
            names,
            numbers,
        }
    }

    /// The note of a number of the report.
    pub fn note(&self, number: usize) -> Option<&Note> {
        self.notes.get(&self.report.notes.get(number)?.note)
    }

    /// What its cells count; none where it has no cells.
    pub fn counted(&self) -> Option<Counted> {
        Counted::of(&self.report.result)
    }

    /// Classes, labels or kinds of spans, as the model has them.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The number of one of these.
    pub fn number(&self, name: &str) -> Option<usize> {
        self.numbers.get(name).copied()
    }

    /// What a note of a cell scored: its class, or the label of the cell.
    pub fn score(&self, cell: &Cell, held: &Held) -> Option<f64> {
        let label = cell.names().next().and_then(|own| self.number(own));
        score_of(&self.report.notes, held, label)
    }

    /// The pair of spans that lies in a cell.
    pub fn pair(&self, held: &Held) -> Option<&SpanPair> {
        match &self.report.notes.get(held.note)?.outcome {
            JudgedOutcome::Spans { pairs, .. } => pairs.get(held.pair?),
            _ => None,
        }
    }
}
