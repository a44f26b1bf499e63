//! What is saved of the map of points, and what that means.

use eframe::egui::{TextEdit, Ui};

use super::dialog;
use crate::app::command::{Action, Command, Quiet};
use crate::app::points::classes::ColourBy;
use crate::app::points::command::{Format, PointsCommand};
use crate::app::state::State;
use crate::app::theme;
use crate::app::widgets::parts;
use crate::engine::{PointUnit, counted};

/// Draws it.
pub fn ui(ui: &Ui, state: &State, commands: &mut Vec<Command>) {
    let close = dialog(ui, "Save points", 520.0, |ui| {
        let palette = theme::palette(ui);
        let chosen = state.points.chosen.len();
        let map = state.points.map.value.as_ref();
        let codes = map.is_some_and(|own| own.of.unit == PointUnit::Code);
        ui.label(format!("{} of the map.", counted(chosen, "point")));
        if codes {
            parts::soft(
                ui,
                "The file holds codes with their words, and no text of notes.",
            );
        } else {
            let said = "The file holds text of the notes. Keep it as safe as the notes themselves.";
            ui.colored_label(palette.warn, said);
        }
        ui.add_space(8.0);
        label(ui, state, commands);
        ui.add_space(8.0);
        for (name, format, said) in [
            (
                "As a table…",
                Format::Csv,
                "CSV: a line for each point, with its place, its class, its text and how it was made",
            ),
            (
                "As notes…",
                Format::Notes,
                "JSON Lines: a note for each point, its class as label; Auscult reads it back",
            ),
        ] {
            beside(ui, said, |ui| {
                if ui.button(name).clicked() {
                    commands.push(Command::Points(PointsCommand::AskSave(format)));
                }
            });
        }
        let mut opens = state.points.opens_saved;
        if ui
            .checkbox(&mut opens, "Open the notes once they are saved")
            .changed()
        {
            commands.push(Command::Points(PointsCommand::OpenSaved(opens)));
        }
        ui.add_space(4.0);
        let said = match codes {
            true => "A line for each code: its chapter and its words",
            false => "A line for each point: its note and its text",
        };
        beside(ui, said, |ui| {
            if ui.button("Copy").clicked() {
                commands.push(Command::Do(Action::CopyPoints));
                commands.push(Command::Do(Action::SavePoints));
            }
        });
    });
    if close {
        commands.push(Command::Do(Action::SavePoints));
    }
}

/// Draws something with what is said of it beside it, in a column of its own.
fn beside(ui: &mut Ui, said: &str, content: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        content(ui);
        ui.vertical(|ui| {
            // Its first line stands where the text of a button does.
            ui.add_space(4.0);
            parts::soft(ui, said);
        });
    });
}

/// What a person calls these points.
fn label(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let said = "What all of them are called, in place of their classes";
    beside(ui, said, |ui| {
        let name = ui.label("Label");
        let mut text = state.points.label.clone();
        let by = state.points.colour != ColourBy::Nothing;
        let hint = if by { "as coloured" } else { "none" };
        let field = TextEdit::singleline(&mut text)
            .hint_text(hint)
            .desired_width(180.0);
        if ui.add(field).labelled_by(name.id).changed() {
            commands.push(Command::Points(PointsCommand::Label(Quiet(text))));
        }
    });
}
