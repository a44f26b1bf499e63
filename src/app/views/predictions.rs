//! What a fine-tuned model says of the note: labels as bars, spans as a list.

use eframe::egui::{Role, ScrollArea, Ui, WidgetInfo};

use super::View;
use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::jobs::Purpose;
use crate::app::state::{ModelState, State};
use crate::app::theme;
use crate::app::widgets::parts;
use crate::engine::{ClassifiedNote, TaggedNote, counted};

/// The panel.
#[derive(Default)]
pub struct Predictions;

impl View for Predictions {
    fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        if state.on_view.is_none() {
            let text = "Labels and spans of a note, by a model that was fine-tuned.";
            controls::empty(ui, "No note on view", text, None, commands);
            return;
        }
        let Some((_, info)) = state.predicting() else {
            let (title, text) = match &state.predictor {
                ModelState::Loading(_) => ("Loading…", "The predictor is being read.".to_owned()),
                ModelState::Failed(_, reason) => ("No predictor", reason.clone()),
                _ => (
                    "No predictor",
                    "Choose a folder with a model that was fine-tuned to label notes or to mark spans."
                        .to_owned(),
                ),
            };
            let action = ("Choose a predictor…", Command::Do(Action::OpenPredictor));
            controls::empty(ui, title, &text, Some(action), commands);
            return;
        };
        let name = info.name.clone();
        ui.horizontal(|ui| {
            controls::action_button(ui, "Predict", Action::Predict, state, commands);
            parts::soft_truncated(ui, name);
            let busy = (state.jobs)
                .is_running(|own| matches!(own, Purpose::Tag(_) | Purpose::Classify(_)));
            if busy {
                ui.spinner();
            }
        });
        let Some(results) = state.results() else {
            return;
        };
        let failures = [&results.classes.failure, &results.tags.failure];
        for failure in failures.into_iter().flatten() {
            ui.colored_label(theme::palette(ui).bad, failure);
        }
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            if let Some(classes) = &results.classes.value {
                labels(ui, classes);
            }
            if let Some(tags) = &results.tags.value {
                spans(ui, tags, commands);
            }
        });
    }

    fn help(&self) -> &'static str {
        "What the predictor says of the note: scores of labels, or spans that are underlined in the text. \
         Scores are not probabilities. P predicts."
    }
}

fn labels(ui: &mut Ui, found: &ClassifiedNote) {
    let palette = theme::palette(ui);
    for own in &found.labels {
        let value = format!("{:.3}", own.score);
        let bar = parts::bar(ui, own.score, &own.label, &value, palette.accent);
        bar.widget_info(|| {
            let said = format!("{}, score {value}", own.label);
            WidgetInfo::labeled(Role::Label, true, said)
        });
    }
    note(ui, found.random_weights);
}

fn spans(ui: &mut Ui, found: &TaggedNote, commands: &mut Vec<Command>) {
    parts::soft(ui, counted(found.spans.len(), "span"));
    ui.spacing_mut().item_spacing.y = 0.0;
    for (number, span) in found.spans.iter().enumerate() {
        let second = format!("{} · score {:.2}", span.label, span.score);
        let row = ui.push_id(number, |ui| {
            parts::list_row(ui, false, &span.text, &second, None)
        });
        if row.inner.clicked() {
            commands.push(Command::Select(span.start..span.end));
        }
    }
    note(ui, found.random_weights);
}

fn note(ui: &mut Ui, random_weights: bool) {
    ui.add_space(6.0);
    parts::soft(
        ui,
        "Scores are not calibrated, so they are no probabilities.",
    );
    if random_weights {
        let said = "This model's weights are random: these mean nothing.";
        ui.colored_label(theme::palette(ui).warn, said);
    }
}
