//! The thresholds of all labels, each of which is tried by itself.

use std::sync::Arc;

use eframe::egui::{Slider, Ui};

use super::lines::{Line, Lines};
use super::threshold::Threshold;
use super::{ask, bad, figure, title};
use crate::app::command::Command;
use crate::app::state::State;
use crate::app::train::Ask;
use crate::app::train::judged::Judged;
use crate::app::widgets::parts::{self, thousands};
use crate::app::widgets::same::Of;
use crate::app::widgets::table::{Column, of_numbers, of_words};
use crate::engine::{Labels, Positive};

const COLUMNS: [Column; 6] = [
    of_words("Label", 2.4),
    of_numbers("From a score of", 1.6),
    of_numbers("Precision", 1.1),
    of_numbers("Recall", 1.1),
    of_numbers("F1", 1.1),
    of_numbers("Notes", 0.9),
];

/// The table of labels, and the sliders of the one that is chosen.
#[derive(Default)]
pub struct Thresholds {
    of: Of<Judged>,
    rows: Vec<Row>,
    lines: Lines,
    /// The label that is chosen, by its number, with the scores of its notes.
    chosen: Option<(usize, Result<Positive, String>)>,
    threshold: Threshold,
}

/// A label.
struct Row {
    name: String,
    /// From which score on it is called; never if there is none.
    threshold: Option<f64>,
    /// Precision, recall and F1 of the test notes.
    figures: [f64; 3],
    support: u64,
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
        let threshold = match self.threshold {
            Some(own) => format!("{own:.4}"),
            None => "never called".to_owned(),
        };
        let mut cells = vec![self.name.clone(), threshold];
        cells.extend(self.figures.map(|own| figure(Some(own))));
        cells.push(thousands(self.support as usize));
        cells
    }
}

fn rows(own: &Labels) -> Vec<Row> {
    let columns = &own.figures.per_label;
    let names = own.labels.iter().enumerate();
    let threshold = |number: usize| match &own.thresholds {
        Some(all) => all[number].threshold,
        None => Some(0.5),
    };
    names
        .map(|(number, name)| Row {
            name: name.clone(),
            threshold: threshold(number),
            figures: [
                columns.precision[number],
                columns.recall[number],
                columns.f1[number],
            ],
            support: columns.support[number],
        })
        .collect()
}

impl Thresholds {
    /// Draws it.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        judged: &Arc<Judged>,
        own: &Labels,
        state: &State,
        commands: &mut Vec<Command>,
    ) {
        if self.of.changes(Some(judged)) {
            // The same label of the new report stays chosen.
            let chosen = self.chosen.take().map(|chosen| chosen.0);
            let same = chosen.filter(|label| {
                self.rows.get(*label).map(|row| &row.name) == own.labels.get(*label)
            });
            self.rows = rows(own);
            self.lines.change();
            self.choose(own, same);
        }
        if own.thresholds.is_some() {
            let mut form = state.train.judge.clone();
            let text = "For all labels, false positives that one false negative costs";
            let slider = Slider::new(&mut form.cost_ratio, 0.01..=100.0).logarithmic(true);
            if parts::slider(ui, text, slider).changed() {
                ask(commands, Ask::JudgeBy(Box::new(form)));
            }
            let said = "Thresholds are chosen on the validation notes, precision, recall and F1 are of the \
                        test notes. Judge again after the cost has changed, or choose a label to try \
                        another for it alone.";
            parts::soft(ui, said);
        } else {
            let said = "A threshold is chosen on validation notes. There are none, so labels are called \
                        from a score of 0.5 on.";
            parts::soft(ui, said);
        }
        let chosen = self.chosen.as_ref().map(|own| own.0);
        let clicked = (self.lines).choice(ui, "labels", &COLUMNS, &self.rows, chosen);
        if let Some(label) = clicked {
            // A second click closes it again.
            self.choose(own, (chosen != Some(label)).then_some(label));
        }
        match &self.chosen {
            None => {}
            Some((_, Err(error))) => bad(ui, error),
            Some((_, Ok(positive))) => {
                title(ui, &positive.label);
                self.threshold.ui(ui, judged, positive);
            }
        }
    }

    /// Scores of all notes are gone through for it, so not in every frame.
    fn choose(&mut self, own: &Labels, label: Option<usize>) {
        self.chosen = label.map(|label| {
            let positive = own.positive(label).map_err(|error| error.to_string());
            (label, positive)
        });
    }
}
