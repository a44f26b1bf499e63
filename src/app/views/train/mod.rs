//! The panels of the workspace Train.

mod classes;
mod columns;
mod confusion;
mod counts;
mod fields;
mod figures;
mod held;
pub mod judge;
mod lines;
mod matrix;
mod progress;
pub mod run;
pub mod runs;
pub mod setup;
mod threshold;
mod thresholds;
pub mod watch;

use eframe::egui::scroll_area::ScrollBarVisibility;
use eframe::egui::{RichText, ScrollArea, Ui};

use crate::app::command::Command;
use crate::app::theme;
use crate::app::train::Ask;

/// Space between the cells of a grid, in points.
const GRID: [f32; 2] = [18.0, 4.0];

/// Draws what may be wider than the panel.
fn wide(ui: &mut Ui, id: &str, content: impl FnOnce(&mut Ui)) {
    // The bar of what is not in sight would be drawn over what is.
    let bar = match ui.cursor().min.y < ui.clip_rect().max.y {
        true => ScrollBarVisibility::VisibleWhenNeeded,
        false => ScrollBarVisibility::AlwaysHidden,
    };
    ScrollArea::horizontal()
        .id_salt(id)
        .scroll_bar_visibility(bar)
        .show(ui, content);
}

fn ask(commands: &mut Vec<Command>, own: Ask) {
    commands.push(Command::Train(Box::new(own)));
}

/// The heading of a step or of a part of a page.
fn title(ui: &mut Ui, text: &str) {
    ui.add_space(8.0);
    ui.label(RichText::new(text).font(theme::strong(14.5)));
}

/// A sentence about something that went wrong.
fn bad(ui: &mut Ui, text: &str) {
    let palette = theme::palette(ui);
    ui.label(RichText::new(text).color(palette.bad));
}

/// A figure with four digits, or a dash where it is not defined.
fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |own| format!("{own:.4}"))
}
