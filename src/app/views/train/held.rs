//! What lies in a cell: notes or spans, each of which opens its note.

use eframe::egui::{RichText, Ui};

use super::ask;
use crate::app::command::Command;
use crate::app::theme;
use crate::app::train::Ask;
use crate::app::train::cells::{Cell, Counted, Held};
use crate::app::train::judged::Judged;
use crate::app::widgets::table::{Column, of_numbers, of_words, row, scrolled};
use crate::engine::counted;

/// Height from which on the list is scrolled by itself, in points.
const TALL: f32 = 260.0;

const NOTES: [Column; 2] = [of_words("Note", 3.0), of_numbers("Score", 1.0)];

const SPANS: [Column; 3] = [
    of_words("Note", 3.0),
    of_numbers("Bytes", 1.4),
    of_words("Ends", 1.2),
];

/// Draws it.
pub fn ui(ui: &mut Ui, judged: &Judged, of: Counted, cell: &Cell, commands: &mut Vec<Command>) {
    let all = judged.cells.held(cell);
    ui.add_space(6.0);
    ui.horizontal_wrapped(|ui| {
        let said = format!("{}: {}", of.words(cell), counted(all.len(), of.unit()));
        ui.label(RichText::new(said).font(theme::strong(13.0)));
        if ui.button("Close the list").clicked() {
            ask(commands, Ask::Cell(None));
        }
    });
    if all.is_empty() {
        return;
    }
    let columns: &[Column] = if of == Counted::Spans { &SPANS } else { &NOTES };
    scrolled(
        ui,
        "held by a cell",
        columns,
        all.len(),
        TALL,
        &mut |ui, number| {
            let own = all[number];
            let Some(note) = judged.report.notes.get(own.note) else {
                return;
            };
            let drawn = row(ui, columns, &cells(judged, cell, &own, &note.note), false);
            if drawn.on_hover_text(&note.note).clicked() {
                ask(commands, Ask::ShowJudged(own));
            }
        },
    );
}

/// A row of the list.
fn cells(judged: &Judged, cell: &Cell, own: &Held, source: &str) -> Vec<String> {
    let short = source.rsplit(['/', '\\']).next().unwrap_or(source);
    let mut cells = vec![short.to_owned()];
    match judged.pair(own) {
        None => {
            let score = judged.score(cell, own);
            cells.push(score.map_or_else(String::new, |own| format!("{own:.4}")));
        }
        Some(pair) => {
            let bytes = pair.bytes();
            cells.push(format!("{} to {}", bytes.start, bytes.end));
            let ends = match (&pair.truth, &pair.marked) {
                (Some(_), Some(_)) if pair.is_exact() => "exact",
                (Some(_), Some(_)) => "overlap only",
                (Some(_), None) => "missed",
                (None, _) => "in vain",
            };
            cells.push(ends.to_owned());
        }
    }
    cells
}
