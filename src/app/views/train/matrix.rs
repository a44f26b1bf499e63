//! The table of confusions: a cell for each pair of names, walked by the arrows.

use eframe::egui::{
    self, Align2, FontId, Key, Modifiers, Rect, Response, Role, ScrollArea, Sense, Stroke,
    StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::confusion::NOTHING;
use crate::app::theme;
use crate::app::train::cells::{Cell, Counted};
use crate::app::widgets::parts;
use crate::engine::counted;

/// Side of a cell at least and at most, in points.
const SIDE: (f32, f32) = (24.0, 44.0);

/// Its height, from which on it is scrolled by itself, in points.
const TALL: f32 = 420.0;

/// Room for the names of the rows, at most.
const NAMES: f32 = 190.0;

/// What a table shows.
pub struct Table {
    /// What its rows and columns are of; nothing may be one of them.
    pub names: Vec<Option<String>>,
    /// How much lies in each cell, row by row.
    pub counts: Vec<Vec<u64>>,
    /// How much is truly of each name, in columns that are not shown too.
    pub totals: Vec<u64>,
}

/// The table.
#[derive(Default)]
pub struct Matrix {
    /// The cell that the arrows are at, by places among the shown names.
    at: (usize, usize),
}

impl Matrix {
    /// Draws it; the cell whose content is wanted.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        table: &Table,
        of: Counted,
        chosen: Option<&Cell>,
    ) -> Option<Cell> {
        if table.names.is_empty() {
            parts::soft(ui, "There is none with these words.");
            return None;
        }
        let count = table.names.len();
        let last = count - 1;
        self.at = (self.at.0.min(last), self.at.1.min(last));
        let names = (ui.available_width() * 0.36).min(NAMES);
        let side = ((ui.available_width() - names) / count as f32).clamp(SIDE.0, SIDE.1);
        let size = vec2(names + side * count as f32, side * count as f32 + 22.0);
        let said = match of {
            Counted::Spans => {
                "Down: what a span is. Across: what it was marked as, by the numbers at the left."
            }
            _ => "Down: what a note is. Across: what it was called, by the numbers at the left.",
        };
        parts::soft(ui, said);
        let area = ScrollArea::both()
            .id_salt("matrix")
            .max_height(TALL)
            .min_scrolled_height(TALL)
            .auto_shrink([false, true]);
        area.show(ui, |ui| {
            let (rect, response) = ui.allocate_exact_size(size, Sense::click());
            let grid = Rect::from_min_size(
                rect.min + vec2(names, 22.0),
                vec2(size.x - names, size.y - 22.0),
            );
            let drawing = Drawing {
                table,
                of,
                grid,
                side,
                names,
            };
            if self.walk(ui, &response, last) {
                ui.scroll_to_rect(drawing.rect(self.at.0, self.at.1), None);
            }
            drawing.ui(ui, &response, self.at, chosen);
            let (truth, predicted) = self.at;
            let said = drawing.words(truth, predicted);
            response.widget_info(|| {
                let unit = of.unit();
                let said = format!("Confusions. {said}. Arrows move, Enter lists the {unit}s");
                WidgetInfo::labeled(Role::Button, true, said)
            });
            let under = response.hover_pos().and_then(|own| drawing.cell(own));
            if let Some((truth, predicted)) = under {
                response
                    .clone()
                    .on_hover_text_at_pointer(drawing.words(truth, predicted));
            }
            let entered = response.has_focus()
                && ui.input_mut(|own| {
                    own.consume_key(Modifiers::NONE, Key::Enter)
                        || own.consume_key(Modifiers::NONE, Key::Space)
                });
            let clicked = response
                .interact_pointer_pos()
                .filter(|_| response.clicked());
            if let Some(cell) = clicked.and_then(|own| drawing.cell(own)) {
                response.request_focus();
                self.at = cell;
            } else if !entered {
                return None;
            }
            Some(drawing.of_names(self.at.0, self.at.1))
        })
        .inner
    }

    /// Goes from cell to cell by the arrows; whether it went.
    fn walk(&mut self, ui: &Ui, response: &Response, last: usize) -> bool {
        if !response.has_focus() {
            return false;
        }
        parts::take_arrows(ui, response.id);
        let before = self.at;
        let (row, column) = &mut self.at;
        ui.input_mut(|own| {
            let mut pressed = |key| own.consume_key(Modifiers::NONE, key);
            if pressed(Key::ArrowDown) {
                *row = (*row + 1).min(last);
            }
            if pressed(Key::ArrowUp) {
                *row = row.saturating_sub(1);
            }
            if pressed(Key::ArrowRight) {
                *column = (*column + 1).min(last);
            }
            if pressed(Key::ArrowLeft) {
                *column = column.saturating_sub(1);
            }
        });
        self.at != before
    }
}

/// What is drawn of a table.
struct Drawing<'a> {
    table: &'a Table,
    of: Counted,
    grid: Rect,
    side: f32,
    names: f32,
}

impl Drawing<'_> {
    /// The cell at this row and column.
    fn of_names(&self, row: usize, column: usize) -> Cell {
        let name = |own: usize| self.table.names[own].clone();
        Cell {
            truth: name(row),
            predicted: name(column),
        }
    }

    fn words(&self, row: usize, column: usize) -> String {
        let cell = self.of_names(row, column);
        let words = self.of.words(&cell);
        if cell.names().next().is_none() {
            return words;
        }
        let count = self.table.counts[row][column] as usize;
        format!("{words}: {}", counted(count, self.of.unit()))
    }

    /// The cell at a place of the screen.
    fn cell(&self, at: egui::Pos2) -> Option<(usize, usize)> {
        let inside = at - self.grid.min;
        let (row, column) = (
            (inside.y / self.side).floor(),
            (inside.x / self.side).floor(),
        );
        let all = self.table.names.len() as f32;
        let within = |own: f32| (0.0..all).contains(&own);
        (within(row) && within(column)).then_some((row as usize, column as usize))
    }

    fn rect(&self, row: usize, column: usize) -> Rect {
        let at = self.grid.min + vec2(column as f32 * self.side, row as f32 * self.side);
        Rect::from_min_size(at, vec2(self.side, self.side))
    }

    fn ui(&self, ui: &Ui, response: &Response, at: (usize, usize), chosen: Option<&Cell>) {
        let palette = theme::palette(ui);
        let painter = ui.painter();
        let small = FontId::proportional(11.5);
        let clip = ui.clip_rect();
        let names = &self.table.names;
        for row in 0..names.len() {
            let own = self.rect(row, 0);
            if own.max.y < clip.min.y || own.min.y > clip.max.y {
                continue;
            }
            let (name, colour) = match &names[row] {
                Some(own) => (own.as_str(), palette.ink),
                None => (NOTHING, palette.soft),
            };
            let text = format!("{}  {name}", row + 1);
            let mut job = egui::text::LayoutJob::simple_singleline(text, small.clone(), colour);
            job.wrap = egui::text::TextWrapping::truncate_at_width(self.names - 10.0);
            let galley = painter.layout_job(job);
            let left = pos2(
                self.grid.min.x - self.names,
                own.center().y - galley.size().y / 2.0,
            );
            painter.galley(left, galley, colour);
            for column in 0..names.len() {
                let own = self.rect(row, column).shrink(1.0);
                if !clip.intersects(own) {
                    continue;
                }
                let focused = response.has_focus() && at == (row, column);
                let is_chosen = chosen
                    .is_some_and(|own| own.truth == names[row] && own.predicted == names[column]);
                if is_chosen || focused {
                    let ring = Stroke::new(2.0, palette.accent);
                    painter.rect_stroke(own, 2.0, ring, StrokeKind::Outside);
                }
                // What is neither there nor predicted cannot be counted.
                if names[row].is_none() && names[column].is_none() {
                    continue;
                }
                let count = self.table.counts[row][column];
                let share = count as f32 / self.table.totals[row].max(1) as f32;
                painter.rect_filled(own, 2.0, theme::heat(&palette, share));
                if row == column {
                    let edge = Stroke::new(1.0, palette.line);
                    painter.rect_stroke(own, 2.0, edge, StrokeKind::Inside);
                }
                if count > 0 {
                    painter.text(
                        own.center(),
                        Align2::CENTER_CENTER,
                        count,
                        small.clone(),
                        palette.ink,
                    );
                }
            }
        }
        for column in 0..names.len() {
            let own = self.rect(0, column);
            let above = pos2(own.center().x, self.grid.min.y - 10.0);
            painter.text(
                above,
                Align2::CENTER_CENTER,
                column + 1,
                small.clone(),
                palette.soft,
            );
        }
    }
}
