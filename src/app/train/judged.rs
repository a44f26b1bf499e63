//! How good a model is, with the notes that it was judged by.

use std::collections::HashMap;

use super::JudgeForm;
use crate::engine::{Evaluation, JudgedOutcome, Judgement, Note};

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
    /// Those notes of the report that are known, by their source.
    notes: HashMap<String, Note>,
    /// The notes of each cell, by their numbers in the report.
    cells: HashMap<(String, String), Vec<usize>>,
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
        let mut cells: HashMap<(String, String), Vec<usize>> = HashMap::new();
        for (number, own) in report.notes.iter().enumerate() {
            if let JudgedOutcome::Class {
                truth, predicted, ..
            } = &own.outcome
            {
                let cell = (truth.clone(), predicted.clone());
                cells.entry(cell).or_default().push(number);
            }
        }
        let notes = notes.into_iter();
        Self {
            notes: notes.map(|own| (own.source().to_string(), own)).collect(),
            form,
            of,
            on,
            chosen_on,
            report,
            cells,
        }
    }

    /// The note of a number of the report.
    pub fn note(&self, number: usize) -> Option<&Note> {
        self.notes.get(&self.report.notes.get(number)?.note)
    }

    /// The notes that are truly of one class and were predicted as another, or as the same.
    pub fn cell(&self, truth: &str, predicted: &str) -> &[usize] {
        let key = (truth.to_owned(), predicted.to_owned());
        self.cells.get(&key).map_or(&[], Vec::as_slice)
    }

    /// All cells with notes, those of errors first and the largest first.
    pub fn sparse(&self) -> Vec<(&str, &str, usize)> {
        let all = self.cells.iter();
        let mut all: Vec<(&str, &str, usize)> = all
            .map(|((truth, predicted), notes)| (&**truth, &**predicted, notes.len()))
            .collect();
        all.sort_by(|a, b| {
            let right = |own: &(&str, &str, usize)| own.0 == own.1;
            (right(a), b.2, a.0, a.1).cmp(&(right(b), a.2, b.0, b.1))
        });
        all
    }

    /// The names of classes, where each note has one.
    pub fn classes(&self) -> &[String] {
        match &self.report.result {
            Judgement::SingleLabel(own) => &own.classes,
            _ => &[],
        }
    }
}
