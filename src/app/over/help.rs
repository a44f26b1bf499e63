//! Keys and help.

use eframe::egui::{Grid, RichText, TextEdit, Ui};

use super::dialog;

use crate::app::command::{Action, Command};
use crate::app::state::State;
use crate::app::theme;
use crate::app::widgets::parts::{self, name};

/// What the gestures of the text do.
const GESTURES: [(&str, &str); 5] = [
    ("Click a word", "choose it"),
    ("Drag", "choose a passage"),
    ("Drop files", "open them as notes"),
    ("Ctrl+V", "make a note of what was copied"),
    ("↑ ↓ Page up Page down", "scroll the note"),
];

/// The dialog.
#[derive(Default)]
pub struct Help {
    /// Lines that have this are listed.
    filter: String,
}

impl Help {
    /// Draws it if it is `open`; `panels` are those in sight, with what can be done in each.
    pub fn ui(
        &mut self,
        ui: &Ui,
        open: bool,
        panels: &[(&'static str, &'static str)],
        state: &State,
        commands: &mut Vec<Command>,
    ) {
        if !open {
            self.filter.clear();
            return;
        }
        let close = dialog(ui, "Keys and help", 520.0, |ui| {
            let field = TextEdit::singleline(&mut self.filter)
                .id_salt("help filter")
                .hint_text("Filter, such as mask or Ctrl");
            let field = ui.add(field.desired_width(f32::INFINITY));
            name(&field, "Filter panels, gestures and keys");
            ui.add_space(8.0);
            let gestures = GESTURES.map(|(gesture, does)| (gesture.to_owned(), does));
            let gestures = self.those_that_fit(gestures);
            let keys = Action::ALL.iter().filter_map(|action| {
                let keys = state.keys.of(*action);
                let keys: Vec<String> = keys.iter().map(|own| own.text(ui.ctx())).collect();
                (!keys.is_empty()).then(|| (keys.join("  "), action.title()))
            });
            let keys = self.those_that_fit(keys);
            let panels = panels
                .iter()
                .map(|(title, help)| ((*title).to_owned(), *help));
            let panels = self.those_that_fit(panels);
            if gestures.is_empty() && keys.is_empty() && panels.is_empty() {
                parts::soft(ui, "No panel, gesture or key has this in its name.");
                return;
            }
            if !panels.is_empty() {
                parts::heading(ui, "On the screen");
                for (title, help) in &panels {
                    ui.label(RichText::new(title).font(theme::strong(13.0)));
                    parts::soft(ui, *help);
                    ui.add_space(4.0);
                }
                ui.add_space(6.0);
            }
            if !gestures.is_empty() {
                parts::heading(ui, "With the pointer");
                table(ui, "gestures", &gestures);
                ui.add_space(10.0);
            }
            if !keys.is_empty() {
                parts::heading(ui, "With the keys");
                let said =
                    "Single letters act where no text field is active. Settings change every key.";
                parts::soft(ui, said);
                table(ui, "keys", &keys);
            }
        });
        if close {
            commands.push(Command::Do(Action::Help));
        }
    }

    fn those_that_fit(
        &self,
        lines: impl IntoIterator<Item = (String, &'static str)>,
    ) -> Vec<(String, &'static str)> {
        let wanted = self.filter.trim().to_lowercase();
        let fits = |text: &str| text.to_lowercase().contains(&wanted);
        let lines = lines.into_iter();
        lines
            .filter(|(how, does)| fits(how) || fits(does))
            .collect()
    }
}

/// What to do, and what it does.
fn table(ui: &mut Ui, id: &str, lines: &[(String, &'static str)]) {
    let palette = theme::palette(ui);
    Grid::new(id).num_columns(2).show(ui, |ui| {
        for (how, does) in lines {
            ui.label(RichText::new(how).font(theme::strong(13.0)));
            ui.label(RichText::new(*does).color(palette.ink));
            ui.end_row();
        }
    });
}
