//! Keys and help.

use eframe::egui::{Grid, RichText, Ui};

use super::dialog;

use crate::app::command::{Action, Command};
use crate::app::state::State;
use crate::app::theme;
use crate::app::widgets::parts;

/// What the gestures of the text do.
const GESTURES: [(&str, &str); 5] = [
    ("Click a word", "choose it"),
    ("Drag", "choose a passage"),
    ("Drop files", "open them as notes"),
    ("Ctrl+V", "make a note of what was copied"),
    ("↑ ↓ Page up Page down", "scroll the note"),
];

/// Draws it.
pub fn ui(ui: &Ui, state: &State, commands: &mut Vec<Command>) {
    let close = dialog(ui, "Keys and help", 520.0, |ui| {
        let palette = theme::palette(ui);
        parts::heading(ui, "With the pointer");
        Grid::new("gestures").num_columns(2).show(ui, |ui| {
            for (gesture, does) in GESTURES {
                ui.label(RichText::new(gesture).font(theme::strong(13.0)));
                ui.label(does);
                ui.end_row();
            }
        });
        ui.add_space(10.0);
        parts::heading(ui, "With the keys");
        let said = "Single letters act where no text field is active. Settings change every key.";
        parts::soft(ui, said);
        Grid::new("keys").num_columns(2).show(ui, |ui| {
            for action in Action::ALL {
                let keys = state.keys.of(*action);
                if keys.is_empty() {
                    continue;
                }
                let keys: Vec<String> = keys.iter().map(|own| own.text(ui.ctx())).collect();
                ui.label(RichText::new(keys.join("  ")).font(theme::strong(13.0)));
                ui.label(RichText::new(action.title()).color(palette.ink));
                ui.end_row();
            }
        });
    });
    if close {
        commands.push(Command::Do(Action::Help));
    }
}
