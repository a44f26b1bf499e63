//! From which score on a note is called positive: chosen on validation notes, reported on test notes.

use std::sync::Arc;

use eframe::egui::{Frame, Grid, RichText, Slider, Ui};

use super::{GRID, ask, figure, title};
use crate::app::command::Command;
use crate::app::state::State;
use crate::app::theme;
use crate::app::train::Ask;
use crate::app::train::judged::Judged;
use crate::app::widgets::parts::{self, thousands};
use crate::app::widgets::same::Of;
use crate::engine::{AtThreshold, Judgement, Positive, counted};

/// What a person tries.
pub struct Threshold {
    /// On this report.
    of: Of<Judged>,
    ratio: f64,
    /// A threshold of the person's own, in place of the cheapest.
    own: Option<f64>,
    /// What these come to.
    found: Option<Found>,
}

/// What a threshold comes to.
struct Found {
    ratio: f64,
    own: Option<f64>,
    threshold: Option<f64>,
    on_validation: Option<AtThreshold>,
    on_test: Result<AtThreshold, String>,
}

impl Default for Threshold {
    fn default() -> Self {
        Self {
            of: Of::default(),
            ratio: 1.0,
            own: None,
            found: None,
        }
    }
}

impl Threshold {
    /// Draws it.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        judged: &Arc<Judged>,
        state: &State,
        commands: &mut Vec<Command>,
    ) {
        if self.of.changes(Some(judged)) {
            // A threshold that was chosen for another model is none for this one.
            *self = Self {
                of: Of::new(judged),
                ..Self::default()
            };
        }
        match &judged.report.result {
            Judgement::SingleLabel(own) => match &own.positive {
                Some(positive) => self.of_two(ui, positive),
                None => {
                    parts::soft(ui, "Of more than two classes the largest score decides.");
                }
            },
            Judgement::MultiLabel(own) => match &own.thresholds {
                None => {
                    let said = "A threshold is chosen on validation notes. There are none, so labels are \
                                called from a score of 0.5 on.";
                    parts::soft(ui, said);
                }
                Some(all) => {
                    let mut form = state.train.judge.clone();
                    ui.horizontal_wrapped(|ui| {
                        let label = ui.label("A false negative costs as many false positives");
                        let slider = Slider::new(&mut form.cost_ratio, 0.01..=100.0);
                        let slider = ui.add(slider.logarithmic(true));
                        if slider.labelled_by(label.id).changed() {
                            ask(commands, Ask::JudgeBy(Box::new(form)));
                        }
                    });
                    let said =
                        "Chosen on the validation notes; judge again after the cost has changed.";
                    parts::soft(ui, said);
                    let grid = Grid::new("thresholds").striped(true).spacing(GRID);
                    grid.show(ui, |ui| {
                        for (label, own) in judged_labels(judged).iter().zip(all) {
                            ui.label(*label);
                            ui.label(match own.threshold {
                                Some(own) => format!("{own:.4}"),
                                None => "never called".to_owned(),
                            });
                            ui.end_row();
                        }
                    });
                }
            },
            _ => {}
        }
    }

    fn of_two(&mut self, ui: &mut Ui, positive: &Positive) {
        let palette = theme::palette(ui);
        if positive.validation.is_empty() {
            let said = "A threshold is chosen on validation notes, never on those that are judged. There \
                        are none, so a note is called positive from a score of 0.5 on.";
            parts::soft(ui, said);
            title(ui, "On the test notes, from 0.5 on");
            figures(ui, "at half", &positive.at_half);
            return;
        }
        let side = |ui: &mut Ui, content: &mut dyn FnMut(&mut Ui)| {
            Frame::new()
                .stroke(eframe::egui::Stroke::new(1.0, palette.line))
                .corner_radius(6)
                .inner_margin(10)
                .show(ui, content);
        };
        let found = self.found(positive);
        let threshold = found.threshold;
        let (on_validation, on_test) = (found.on_validation, found.on_test.clone());
        side(ui, &mut |ui| {
            ui.set_width(ui.available_width());
            ui.label(RichText::new("Choose on validation notes").font(theme::strong(13.5)));
            ui.horizontal_wrapped(|ui| {
                let label = ui.label("A false negative costs as many false positives");
                let slider = Slider::new(&mut self.ratio, 0.01..=100.0).logarithmic(true);
                if ui.add(slider).labelled_by(label.id).changed() {
                    self.own = None;
                }
            });
            let mut value = threshold.unwrap_or(1.0);
            ui.horizontal_wrapped(|ui| {
                let label = ui.label(format!("“{}” from a score of", positive.label));
                let slider = Slider::new(&mut value, 0.0..=1.0);
                if ui.add(slider).labelled_by(label.id).changed() {
                    self.own = Some(value);
                }
                if self.own.is_some() && ui.button("The cheapest").clicked() {
                    self.own = None;
                }
            });
            if threshold.is_none() {
                parts::soft(ui, "Calling nothing is the cheapest.");
            }
            if let Some(own) = &on_validation {
                let cost = own.fp as f64 + self.ratio * own.fn_ as f64;
                let all = (own.tp + own.fp + own.tn + own.fn_) as f64;
                let said = format!(
                    "{}: {}, {}, a cost of {:.3} a note",
                    counted(all as usize, "validation note"),
                    counted(own.fp as usize, "false positive"),
                    counted(own.fn_ as usize, "false negative"),
                    cost / all
                );
                parts::soft(ui, said);
            }
        });
        ui.add_space(6.0);
        side(ui, &mut |ui| {
            ui.set_width(ui.available_width());
            ui.label(RichText::new("Reported on test notes").font(theme::strong(13.5)));
            match &on_test {
                Ok(own) => figures(ui, "on test", own),
                Err(error) => {
                    parts::soft(ui, error);
                }
            }
        });
    }
}

impl Threshold {
    /// What the choice comes to; scores are sorted for it, so not in every frame.
    fn found(&mut self, positive: &Positive) -> &Found {
        let (ratio, own) = (self.ratio, self.own);
        let known = self.found.take();
        let known = known.filter(|found| found.ratio == ratio && found.own == own);
        self.found.insert(known.unwrap_or_else(|| {
            let cheapest = || positive.cheapest(ratio).ok().and_then(|own| own.threshold);
            let threshold = own.or_else(cheapest);
            Found {
                ratio,
                own,
                threshold,
                on_validation: positive.on_validation(threshold).ok(),
                on_test: positive
                    .on_test(threshold)
                    .map_err(|error| error.to_string()),
            }
        }))
    }
}

fn judged_labels(judged: &Judged) -> Vec<&str> {
    match &judged.report.result {
        Judgement::MultiLabel(own) => own.labels.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

fn figures(ui: &mut Ui, id: &str, own: &AtThreshold) {
    Grid::new(id).num_columns(4).spacing(GRID).show(ui, |ui| {
        for (texts, values) in [
            (
                ["Precision", "Recall", "F1", "Specificity"],
                [
                    own.scores.precision,
                    own.scores.recall,
                    own.scores.f1,
                    own.specificity,
                ]
                .map(|own| figure(Some(own))),
            ),
            (
                [
                    "True positives",
                    "False positives",
                    "False negatives",
                    "True negatives",
                ],
                [own.tp, own.fp, own.fn_, own.tn].map(|own| thousands(own as usize)),
            ),
        ] {
            for text in texts {
                parts::soft(ui, text);
            }
            ui.end_row();
            for value in values {
                ui.label(value);
            }
            ui.end_row();
        }
    });
}
