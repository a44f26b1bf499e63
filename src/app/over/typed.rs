//! A path that is typed, where the system has no dialog for it.

use std::path::PathBuf;

use eframe::egui::{RichText, TextEdit, Ui};

use super::dialog;
use crate::app::command::Command;
use crate::app::dialogs::Typed;
use crate::app::theme;
use crate::app::widgets::parts::{self, name};

/// Draws it, as long as a path is asked for.
pub fn ui(ui: &Ui, asked: &mut Option<Typed>, commands: &mut Vec<Command>) {
    let Some(typed) = asked else {
        return;
    };
    let mut done = false;
    let close = dialog(ui, "Type a path", 560.0, |ui| {
        ui.label(RichText::new(&typed.title).font(theme::strong(13.5)));
        let said = "This system opened no dialog for files; on Linux that needs xdg-desktop-portal. Type the \
                    path, several with a line for each.";
        ui.label(said);
        ui.add_space(6.0);
        let field = TextEdit::multiline(&mut typed.text)
            .id_salt("path")
            .desired_rows(2)
            .desired_width(f32::INFINITY);
        let field = ui.add(field);
        name(&field, "Path");
        if ui.memory(|own| own.focused().is_none()) {
            field.request_focus();
        }
        ui.add_space(8.0);
        let some = !typed.text.trim().is_empty();
        let button = ui.add_enabled(some, parts::primary(ui, "Use this path"));
        done = button.clicked();
    });
    if done && let Some(typed) = asked.take() {
        let paths = typed.text.lines().map(str::trim);
        let paths = paths.filter(|own| !own.is_empty()).map(PathBuf::from);
        commands.push((typed.then)(paths.collect()));
    } else if close {
        *asked = None;
    }
}
