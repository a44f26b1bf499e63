//! Passages of all notes that are like what is chosen.

use eframe::egui::{ScrollArea, Ui};

use super::View;
use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::jobs::Purpose;
use crate::app::state::State;
use crate::app::theme;
use crate::app::widgets::parts;
use crate::engine::counted;

/// The panel.
#[derive(Default)]
pub struct SimilarView;

impl View for SimilarView {
    fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        let busy = (state.jobs).is_running(|own| matches!(own, Purpose::Similar(..)));
        let results = state.results();
        if let Some(failure) = results.and_then(|own| own.similar.failure.as_ref()) {
            ui.colored_label(theme::palette(ui).bad, failure);
        }
        let Some(found) = results.and_then(|own| own.similar.value.as_ref()) else {
            let text = "Passages in all open notes that are most like a sentence that you choose.";
            let action = ("Find similar passages", Command::Do(Action::Similar));
            let (title, action) = match busy {
                true => ("Comparing…", None),
                false => ("Similar passages", Some(action)),
            };
            controls::empty(ui, title, text, action, commands);
            return;
        };
        ui.horizontal(|ui| {
            let said = format!("of {}", counted(found.compared, "sentence"));
            parts::soft(ui, said);
            if busy {
                ui.spinner();
            }
        });
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for (number, (key, bytes, score)) in found.hits.iter().enumerate() {
                let Some(entry) = state.library.get(*key) else {
                    continue;
                };
                let text = entry.note.text().get(bytes.clone()).unwrap_or_default();
                let second = format!("{} · cosine {score:.2}", entry.title);
                let row = ui.push_id(number, |ui| {
                    parts::list_row(ui, false, text.trim(), &second, None)
                });
                if row.inner.on_hover_text(text.trim()).clicked() {
                    commands.push(Command::ShowAt(*key, bytes.clone()));
                }
            }
        });
    }

    fn help(&self) -> &'static str {
        "Sentences of the open notes that are most like the chosen part. Click one to go there."
    }
}
