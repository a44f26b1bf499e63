//! From which score on a note is called positive: chosen on validation notes, reported on test notes.

use std::sync::Arc;

use eframe::egui::{Frame, Grid, RichText, Slider, TextWrapMode, Ui};

use super::{GRID, figure, title};
use crate::app::theme;
use crate::app::train::judged::Judged;
use crate::app::widgets::parts::{self, thousands};
use crate::app::widgets::same::Of;
use crate::engine::{AtThreshold, Positive, counted};

/// What a person tries.
pub struct Threshold {
    /// On this report.
    of: Of<Judged>,
    /// And this class or label.
    label: String,
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
            label: String::new(),
            ratio: 1.0,
            own: None,
            found: None,
        }
    }
}

impl Threshold {
    /// Draws it: of the positive one of two classes, or of a label.
    pub fn ui(&mut self, ui: &mut Ui, judged: &Arc<Judged>, positive: &Positive) {
        // A threshold that was chosen for another model or label is none for this one.
        if self.of.changes(Some(judged)) || self.label != positive.label {
            *self = Self {
                of: Of::new(judged),
                label: positive.label.clone(),
                ratio: positive.threshold.map_or(1.0, |own| own.cost_ratio),
                ..Self::default()
            };
        }
        self.draw(ui, positive);
    }

    fn draw(&mut self, ui: &mut Ui, positive: &Positive) {
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
            let text = "False positives that one false negative costs";
            let slider = Slider::new(&mut self.ratio, 0.01..=100.0).logarithmic(true);
            if parts::slider(ui, text, slider).changed() {
                self.own = None;
            }
            let mut value = threshold.unwrap_or(1.0);
            let text = format!("“{}” from a score of", positive.label);
            if parts::slider(ui, &text, Slider::new(&mut value, 0.0..=1.0)).changed() {
                self.own = Some(value);
            }
            if self.own.is_some() && ui.button("The cheapest").clicked() {
                self.own = None;
            }
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

/// Each under its name, beside each other as far as there is room.
fn figures(ui: &mut Ui, id: &str, own: &AtThreshold) {
    let share = |own: f64| figure(Some(own));
    let count = |own: u64| thousands(own as usize);
    let all = [
        ("Precision", share(own.scores.precision)),
        ("Recall", share(own.scores.recall)),
        ("F1", share(own.scores.f1)),
        ("Specificity", share(own.specificity)),
        ("True positives", count(own.tp)),
        ("False positives", count(own.fp)),
        ("False negatives", count(own.fn_)),
        ("True negatives", count(own.tn)),
    ];
    // The width of four names.
    const WIDE: f32 = 420.0;
    let beside = if ui.available_width() < WIDE { 2 } else { 4 };
    Grid::new(id)
        .num_columns(beside)
        .spacing(GRID)
        .show(ui, |ui| {
            for row in all.chunks(beside) {
                for (text, value) in row {
                    ui.vertical(|ui| {
                        ui.spacing_mut().item_spacing.y = 1.0;
                        // A column has no width of its own before it is drawn.
                        ui.style_mut().wrap_mode = Some(TextWrapMode::Extend);
                        parts::soft(ui, *text);
                        ui.label(value);
                    });
                }
                ui.end_row();
            }
        });
}
