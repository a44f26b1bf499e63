//! Which classes are taken for which, with the notes of each pair.

use std::sync::Arc;

use eframe::egui::{
    self, Align2, ComboBox, FontId, Key, Modifiers, Rect, Response, RichText, Role, ScrollArea,
    Sense, Stroke, StrokeKind, TextEdit, Ui, WidgetInfo, pos2, vec2,
};

use super::ask;
use crate::app::command::Command;
use crate::app::state::State;
use crate::app::theme;
use crate::app::train::Ask;
use crate::app::train::judged::Judged;
use crate::app::views::library::name;
use crate::app::widgets::parts::{self, thousands};
use crate::app::widgets::same::Of;
use crate::app::widgets::table::{Column, ROW, head, of_numbers, of_words, row};
use crate::engine::{JudgedOutcome, Judgement, counted};

/// Classes that a table is drawn of at most; of more there is the list.
const MOST: usize = 60;

/// Side of a cell at least and at most, in points.
const SIDE: (f32, f32) = (24.0, 44.0);

/// Room for the names of the rows, at most.
const NAMES: f32 = 190.0;

/// How classes are put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Order {
    #[default]
    Model,
    Notes,
    Errors,
    Name,
}

impl Order {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Model, "As the model has them"),
        (Self::Notes, "Most notes first"),
        (Self::Errors, "Most errors first"),
        (Self::Name, "By name"),
    ];
}

/// The table and the list.
#[derive(Default)]
pub struct Confusion {
    search: String,
    order: Order,
    list: bool,
    /// The cell that the arrows are at, by places among the shown classes.
    at: (usize, usize),
    of: Of<Judged>,
}

const PAIRS: [Column; 3] = [
    of_words("Truly", 2.0),
    of_words("Called", 2.0),
    of_numbers("Notes", 0.8),
];

const NOTES: [Column; 2] = [of_words("Note", 3.0), of_numbers("Score", 1.0)];

impl Confusion {
    /// Draws it.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        judged: &Arc<Judged>,
        state: &State,
        commands: &mut Vec<Command>,
    ) {
        let Judgement::SingleLabel(result) = &judged.report.result else {
            return;
        };
        if self.of.changes(Some(judged)) {
            self.at = (0, 0);
        }
        let shown = self.shown(judged, &result.figures.confusion_matrix);
        let fits = shown.len() <= MOST;
        self.tools(ui, fits, shown.len(), judged.classes().len());
        let chosen = match self.list || !fits {
            true => self.pairs(ui, judged, state),
            false => self.matrix(ui, judged, &shown, &result.figures.confusion_matrix, state),
        };
        if let Some(cell) = chosen {
            ask(commands, Ask::Cell(Some(cell)));
        }
        if let Some((truth, predicted)) = &state.train.cell {
            notes(ui, judged, truth, predicted, commands);
        }
    }

    fn wanted(&self, class: &str) -> bool {
        let words = self.search.to_lowercase();
        let class = class.to_lowercase();
        words.split_whitespace().all(|own| class.contains(own))
    }

    /// The classes that are looked for, in order.
    fn shown(&self, judged: &Judged, matrix: &[Vec<u64>]) -> Vec<usize> {
        let classes = judged.classes();
        let found = (0..classes.len()).filter(|own| self.wanted(&classes[*own]));
        let mut all: Vec<usize> = found.collect();
        let notes = |own: usize| matrix[own].iter().sum::<u64>();
        match self.order {
            Order::Model => {}
            Order::Notes => all.sort_by_key(|own| std::cmp::Reverse(notes(*own))),
            Order::Errors => {
                all.sort_by_key(|own| std::cmp::Reverse(notes(*own) - matrix[*own][*own]));
            }
            Order::Name => all.sort_by(|a, b| classes[*a].cmp(&classes[*b])),
        }
        all
    }

    fn tools(&mut self, ui: &mut Ui, fits: bool, shown: usize, all: usize) {
        ui.horizontal_wrapped(|ui| {
            let field = TextEdit::singleline(&mut self.search)
                .id_salt("search classes")
                .hint_text("Find classes")
                .desired_width(150.0);
            let field = ui.add(field);
            name(&field, "Find classes");
            let now = Order::ALL.iter().find(|(own, _)| *own == self.order);
            let drawn = ComboBox::from_id_salt("order of classes")
                .selected_text(now.map_or("", |(_, text)| text))
                .show_ui(ui, |ui| {
                    for (own, text) in Order::ALL {
                        ui.selectable_value(&mut self.order, own, text);
                    }
                });
            name(&drawn.response, "Order of classes");
            if fits {
                ui.selectable_value(&mut self.list, false, "Table");
                ui.selectable_value(&mut self.list, true, "List");
            }
        });
        let said = match fits {
            true => format!("{} of {} classes", thousands(shown), thousands(all)),
            false => format!(
                "{} classes: every pair that occurs is listed. Find fewer than {MOST} to see them as a table.",
                thousands(shown)
            ),
        };
        parts::soft(ui, said);
    }

    /// The pairs that occur, errors first.
    fn pairs(&self, ui: &mut Ui, judged: &Judged, state: &State) -> Option<(String, String)> {
        let all = judged.sparse().into_iter();
        let all: Vec<_> = all
            .filter(|own| self.wanted(own.0) || self.wanted(own.1))
            .collect();
        head(ui, &PAIRS);
        let mut chosen = None;
        ScrollArea::vertical()
            .id_salt("pairs")
            .max_height(300.0)
            .auto_shrink([false, true])
            .show_rows(ui, ROW, all.len(), |ui, rows| {
                for (truth, predicted, count) in &all[rows] {
                    let cells = [
                        (*truth).to_owned(),
                        (*predicted).to_owned(),
                        thousands(*count),
                    ];
                    let own = (cells[0].clone(), cells[1].clone());
                    let on = state.train.cell.as_ref() == Some(&own);
                    if row(ui, &PAIRS, &cells, on).clicked() {
                        chosen = Some(own);
                    }
                }
            });
        chosen
    }

    fn matrix(
        &mut self,
        ui: &mut Ui,
        judged: &Judged,
        shown: &[usize],
        matrix: &[Vec<u64>],
        state: &State,
    ) -> Option<(String, String)> {
        if shown.is_empty() {
            parts::soft(ui, "No class has these words.");
            return None;
        }
        let count = shown.len();
        let last = count - 1;
        self.at = (self.at.0.min(last), self.at.1.min(last));
        let names = (ui.available_width() * 0.36).min(NAMES);
        let side = ((ui.available_width() - names) / count as f32).clamp(SIDE.0, SIDE.1);
        let size = vec2(names + side * count as f32, side * count as f32 + 22.0);
        parts::soft(
            ui,
            "Down: what a note is. Across: what it was called, by the numbers at the left.",
        );
        let area = ScrollArea::both()
            .id_salt("matrix")
            .max_height(420.0)
            .auto_shrink([false, true]);
        area.show(ui, |ui| {
            let (rect, response) = ui.allocate_exact_size(size, Sense::click());
            let grid = Rect::from_min_size(
                rect.min + vec2(names, 22.0),
                vec2(size.x - names, size.y - 22.0),
            );
            let drawing = Drawing {
                classes: judged.classes(),
                shown,
                matrix,
                grid,
                side,
                names,
            };
            self.walk(ui, &response, last);
            drawing.ui(ui, &response, self.at, state.train.cell.as_ref());
            let (truth, predicted) = self.at;
            let said = drawing.words(truth, predicted);
            response.widget_info(|| {
                let said = format!("Confusions. {said}. Arrows move, Enter lists the notes");
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
            let name = |own: usize| drawing.classes[shown[own]].clone();
            Some((name(self.at.0), name(self.at.1)))
        })
        .inner
    }

    /// Goes from cell to cell by the arrows.
    fn walk(&mut self, ui: &Ui, response: &Response, last: usize) {
        if !response.has_focus() {
            return;
        }
        parts::take_arrows(ui, response.id);
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
    }
}

/// What is drawn of a table.
struct Drawing<'a> {
    classes: &'a [String],
    shown: &'a [usize],
    matrix: &'a [Vec<u64>],
    grid: Rect,
    side: f32,
    names: f32,
}

impl Drawing<'_> {
    fn count(&self, truth: usize, predicted: usize) -> u64 {
        self.matrix[self.shown[truth]][self.shown[predicted]]
    }

    fn words(&self, truth: usize, predicted: usize) -> String {
        format!(
            "Truly {}, called {}: {}",
            self.classes[self.shown[truth]],
            self.classes[self.shown[predicted]],
            counted(self.count(truth, predicted) as usize, "note")
        )
    }

    /// The cell at a place of the screen.
    fn cell(&self, at: egui::Pos2) -> Option<(usize, usize)> {
        let inside = at - self.grid.min;
        let (row, column) = (
            (inside.y / self.side).floor(),
            (inside.x / self.side).floor(),
        );
        let all = self.shown.len() as f32;
        let within = |own: f32| (0.0..all).contains(&own);
        (within(row) && within(column)).then_some((row as usize, column as usize))
    }

    fn rect(&self, row: usize, column: usize) -> Rect {
        let at = self.grid.min + vec2(column as f32 * self.side, row as f32 * self.side);
        Rect::from_min_size(at, vec2(self.side, self.side))
    }

    fn ui(
        &self,
        ui: &Ui,
        response: &Response,
        at: (usize, usize),
        cell: Option<&(String, String)>,
    ) {
        let palette = theme::palette(ui);
        let painter = ui.painter();
        let small = FontId::proportional(11.5);
        let clip = ui.clip_rect();
        for row in 0..self.shown.len() {
            let own = self.rect(row, 0);
            if own.max.y < clip.min.y || own.min.y > clip.max.y {
                continue;
            }
            let class = &self.classes[self.shown[row]];
            let text = format!("{}  {class}", row + 1);
            let mut job =
                egui::text::LayoutJob::simple_singleline(text, small.clone(), palette.ink);
            job.wrap = egui::text::TextWrapping::truncate_at_width(self.names - 10.0);
            let galley = painter.layout_job(job);
            let left = pos2(
                self.grid.min.x - self.names,
                own.center().y - galley.size().y / 2.0,
            );
            painter.galley(left, galley, palette.ink);
            let all: u64 = self.matrix[self.shown[row]].iter().sum();
            for column in 0..self.shown.len() {
                let own = self.rect(row, column).shrink(1.0);
                if !clip.intersects(own) {
                    continue;
                }
                let count = self.count(row, column);
                let share = count as f32 / all.max(1) as f32;
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
                let class = |own: usize| &self.classes[self.shown[own]];
                let chosen =
                    cell.is_some_and(|own| *class(row) == own.0 && *class(column) == own.1);
                let focused = response.has_focus() && at == (row, column);
                if chosen || focused {
                    let ring = Stroke::new(2.0, palette.accent);
                    painter.rect_stroke(own, 2.0, ring, StrokeKind::Outside);
                }
            }
        }
        for column in 0..self.shown.len() {
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

/// The notes of a cell.
fn notes(ui: &mut Ui, judged: &Judged, truth: &str, predicted: &str, commands: &mut Vec<Command>) {
    let all = judged.cell(truth, predicted);
    ui.add_space(6.0);
    ui.horizontal_wrapped(|ui| {
        let said = format!(
            "Truly {truth}, called {predicted}: {}",
            counted(all.len(), "note")
        );
        ui.label(RichText::new(said).font(theme::strong(13.0)));
        if ui.small_button("Close the list").clicked() {
            ask(commands, Ask::Cell(None));
        }
    });
    if all.is_empty() {
        return;
    }
    head(ui, &NOTES);
    ScrollArea::vertical()
        .id_salt("notes of a cell")
        .max_height(260.0)
        .auto_shrink([false, true])
        .show_rows(ui, ROW, all.len(), |ui, rows| {
            for &number in &all[rows] {
                let own = &judged.report.notes[number];
                let score = match &own.outcome {
                    JudgedOutcome::Class { score, .. } => format!("{score:.4}"),
                    _ => String::new(),
                };
                let short = own.note.rsplit(['/', '\\']).next().unwrap_or(&own.note);
                let drawn = row(ui, &NOTES, &[short.to_owned(), score], false);
                if drawn.on_hover_text(&own.note).clicked() {
                    ask(commands, Ask::ShowJudged(number));
                }
            }
        });
}
