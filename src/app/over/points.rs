//! What is saved of the map of points, and what that means.

use eframe::egui::Ui;

use super::dialog;
use crate::app::command::{Action, Command};
use crate::app::points::command::{Format, PointsCommand};
use crate::app::state::State;
use crate::app::theme;
use crate::app::widgets::parts;
use crate::engine::counted;

/// Draws it.
pub fn ui(ui: &Ui, state: &State, commands: &mut Vec<Command>) {
    let close = dialog(ui, "Save points", 520.0, |ui| {
        let palette = theme::palette(ui);
        let chosen = state.points.chosen.len();
        ui.label(format!("{} of the map.", counted(chosen, "point")));
        let said = "The file holds text of the notes. Keep it as safe as the notes themselves.";
        ui.colored_label(palette.warn, said);
        ui.add_space(8.0);
        for (name, format, said) in [
            (
                "As a table…",
                Format::Csv,
                "CSV: a line for each point, with its note, its place, its class and its text",
            ),
            (
                "As notes…",
                Format::Notes,
                "JSON Lines: a note for each point, its class as label; Auscult reads it back",
            ),
        ] {
            ui.horizontal(|ui| {
                if ui.button(name).clicked() {
                    commands.push(Command::Points(PointsCommand::AskSave(format)));
                }
                parts::soft(ui, said);
            });
        }
        ui.horizontal(|ui| {
            if ui.button("Copy").clicked() {
                commands.push(Command::Do(Action::CopyPoints));
                commands.push(Command::Do(Action::SavePoints));
            }
            parts::soft(ui, "A line for each point: its note and its text");
        });
    });
    if close {
        commands.push(Command::Do(Action::SavePoints));
    }
}
