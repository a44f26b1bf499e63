//! A map in words and numbers.

use std::fmt::Write;
use std::ops::Range;

use eframe::egui::{self, RichText, Ui};

use crate::app::moving;
use crate::app::state::State;
use crate::app::theme;
use crate::app::widgets::parts::{self, thousands};
use crate::engine::{AttentionMap, Block};

/// The value that was read, and what the colours stand for.
pub(super) fn said(ui: &mut Ui, state: &State, map: &AttentionMap, text: &str, most: f32) {
    let cell = state.results().and_then(|own| own.cell.value.as_ref());
    let line = match cell.filter(|own| own.of == map.of) {
        Some(cell) => format!(
            "“{}” looks at “{}”: {:.4}, rank {} of {}",
            word(map, text, cell.row),
            word(map, text, cell.column),
            cell.value,
            thousands(cell.rank),
            thousands(cell.seen)
        ),
        None => "Rows look, columns are looked at".to_owned(),
    };
    ui.add(egui::Label::new(RichText::new(line)).truncate());
    let side = state.map_view().side();
    let point = match (side, map.block) {
        (1, _) => "A point is one value".to_owned(),
        (side, Block::Max) => format!("A point is the largest of {side} × {side}"),
        (side, Block::Mean) => format!("A point is the mean of {side} × {side}"),
    };
    ui.horizontal(|ui| {
        parts::legend(ui, &format!("{most:.4}"), parts::Scale::Root);
        let said = RichText::new(point).small().color(theme::palette(ui).soft);
        let said = ui.add(egui::Label::new(said).truncate());
        said.on_hover_text(format!(
            "Of {} tokens. Colours go by the square root of the value.",
            thousands(map.spans.len())
        ));
    });
}

/// A token as a person reads it.
fn word(map: &AttentionMap, text: &str, row: usize) -> String {
    let span = map.spans.get(row).cloned().unwrap_or(0..0);
    if span.is_empty() {
        return match row {
            0 => "[CLS]".to_owned(),
            _ => "[SEP]".to_owned(),
        };
    }
    let own = text.get(span).unwrap_or_default();
    match (own.trim(), own.contains('\n')) {
        ("", true) => "⏎".to_owned(),
        ("", false) => "space".to_owned(),
        (own, _) => own.to_owned(),
    }
}

/// The blocks on the screen, with the tokens at which they begin.
pub(super) fn table(map: &AttentionMap, [rows, columns]: [Range<usize>; 2], text: &str) -> String {
    let [down, across] = map.shape();
    let blocks = |own: &Range<usize>, all: &Range<usize>, most: usize| {
        let first = own.start.saturating_sub(all.start) / map.side;
        let end = own
            .end
            .saturating_sub(all.start)
            .div_ceil(map.side)
            .min(most);
        first.min(end)..end
    };
    let rows = blocks(&rows, &map.rows, down);
    let columns = blocks(&columns, &map.columns, across);
    let name = |first: usize, number: usize| {
        let row = first + number * map.side;
        let own = word(map, text, row);
        format!("{row} {}", moving::one_line(&own))
    };
    let mut out = String::from("looks \\ is looked at");
    for column in columns.clone() {
        let _ = write!(out, "\t{}", name(map.columns.start, column));
    }
    for row in rows {
        let _ = write!(out, "\n{}", name(map.rows.start, row));
        for column in columns.clone() {
            let _ = write!(out, "\t{}", map.values[row * across + column]);
        }
    }
    out.push('\n');
    out
}
