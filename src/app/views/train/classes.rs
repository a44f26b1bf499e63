//! The figures of each class or kind of span, to be searched and put in order.

use std::sync::Arc;

use eframe::egui::Ui;

use super::figures::interval;
use super::lines::{Line, Lines};
use super::{figure, title};
use crate::app::train::judged::Judged;
use crate::app::widgets::parts::{self, thousands};
use crate::app::widgets::same::Of;
use crate::app::widgets::table::{Column, of_numbers, of_words};
use crate::engine::{ClassColumns, Interval, Judgement, Scores};

const OF_CLASSES: [Column; 6] = [
    of_words("Class", 2.6),
    of_numbers("Precision", 1.1),
    of_numbers("Recall", 1.1),
    of_numbers("F1", 1.1),
    of_numbers("F1, 95 %", 1.9),
    of_numbers("Notes", 1.0),
];

const OF_LABELS: [Column; 5] = [
    of_words("Label", 2.6),
    of_numbers("Precision", 1.1),
    of_numbers("Recall", 1.1),
    of_numbers("F1", 1.1),
    of_numbers("Notes", 1.0),
];

const OF_KINDS: [Column; 8] = [
    of_words("Kind of span", 2.0),
    of_numbers("Precision", 1.1),
    of_numbers("Recall", 1.1),
    of_numbers("F1, exact", 1.1),
    of_numbers("Precision", 1.1),
    of_numbers("Recall", 1.1),
    of_numbers("F1, overlap", 1.2),
    of_numbers("Spans", 0.9),
];

/// The table.
#[derive(Default)]
pub struct Classes {
    of: Of<Judged>,
    rows: Vec<Row>,
    lines: Lines,
}

/// A row of a table of classes or kinds.
pub struct Row {
    /// Its name.
    pub name: String,
    /// Precision, recall and F1.
    pub figures: [f64; 3],
    f1_interval: Option<Interval>,
    /// Notes or spans that are truly so.
    pub support: u64,
    /// The same three where spans count that overlap a true one.
    pub overlap: Option<[f64; 3]>,
}

/// The rows of a report.
pub fn rows(result: &Judgement) -> Vec<Row> {
    match result {
        Judgement::SingleLabel(own) => {
            of_columns(&own.classes, &own.figures.per_class, &own.f1_intervals)
        }
        Judgement::MultiLabel(own) => of_columns(&own.labels, &own.figures.per_label, &[]),
        Judgement::Spans(own) => (own.exact.per_type.iter())
            .map(|(name, kind)| Row {
                name: name.clone(),
                figures: [kind.scores.precision, kind.scores.recall, kind.scores.f1],
                f1_interval: None,
                support: kind.support,
                overlap: own.overlap.per_type.get(name).map(|own| {
                    let own = own.scores;
                    [own.precision, own.recall, own.f1]
                }),
            })
            .collect(),
        Judgement::Vectors(_) | Judgement::MaskedLm(_) => Vec::new(),
    }
}

/// The means of the classes, where each note has one.
fn means(result: &Judgement) -> Vec<Vec<String>> {
    let Judgement::SingleLabel(own) = result else {
        return Vec::new();
    };
    let figures = &own.figures;
    let means = [
        ("Mean of classes", figures.macro_mean),
        ("All pooled", figures.micro),
        ("Mean by notes", figures.weighted),
    ];
    let row = |(name, own): (&str, Scores)| {
        let mut cells = vec![name.to_owned()];
        cells.extend([own.precision, own.recall, own.f1].map(|own| figure(Some(own))));
        cells.extend([String::new(), String::new()]);
        cells
    };
    means.map(row).to_vec()
}

fn of_columns(names: &[String], columns: &ClassColumns, intervals: &[Interval]) -> Vec<Row> {
    let names = names.iter().enumerate();
    names
        .map(|(number, name)| Row {
            name: name.clone(),
            figures: [
                columns.precision[number],
                columns.recall[number],
                columns.f1[number],
            ],
            f1_interval: intervals.get(number).copied(),
            support: columns.support[number],
            overlap: None,
        })
        .collect()
}

impl Line for Row {
    fn name(&self) -> &str {
        &self.name
    }

    fn f1(&self) -> f64 {
        self.figures[2]
    }

    fn support(&self) -> u64 {
        self.support
    }

    fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.name.clone()];
        cells.extend(self.figures.map(|own| figure(Some(own))));
        match self.overlap {
            Some(own) => cells.extend(own.map(|own| figure(Some(own)))),
            None => cells.extend(self.f1_interval.as_ref().map(interval)),
        }
        cells.push(thousands(self.support as usize));
        cells
    }
}

impl Classes {
    /// Draws it, where a report has such rows.
    pub fn ui(&mut self, ui: &mut Ui, judged: &Arc<Judged>) {
        if self.of.changes(Some(judged)) {
            self.rows = rows(&judged.report.result);
            self.lines.change();
        }
        if self.rows.is_empty() {
            return;
        }
        let (text, called, columns): (_, _, &[Column]) = match judged.report.result {
            Judgement::Spans(_) => ("By kind of span", "figures of kinds", &OF_KINDS),
            Judgement::MultiLabel(_) => ("By label", "figures of labels", &OF_LABELS),
            _ => ("By class", "figures of classes", &OF_CLASSES),
        };
        title(ui, text);
        if called == "figures of kinds" {
            parts::soft(ui, "By exact ends first, then by overlap.");
        }
        self.lines.ui(
            ui,
            called,
            columns,
            &self.rows,
            &means(&judged.report.result),
        );
    }
}
