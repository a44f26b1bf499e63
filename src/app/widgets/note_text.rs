//! The text of a note, line by line, with what is drawn on it.
//!
//! Paragraphs are laid out once for a width. Only those in sight are drawn, with the marks on their rows
//! in sight, so that the length of a note and the number of its spans do not matter to a frame.

mod drawing;
mod layout;
mod strip;

pub use self::drawing::underline;

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use eframe::egui::{
    self, Id, Pos2, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use self::drawing::Page;
use self::layout::{Laid, MadeFor, Paragraph};
use crate::app::theme;
use crate::app::widgets::parts;
use crate::engine::NoteToken;

/// What is drawn on a text.
#[derive(Default)]
pub struct Marks<'a> {
    /// What is chosen.
    pub chosen: Option<Range<usize>>,
    /// What the chosen part looks at, in the value of a map.
    pub marked: Option<Range<usize>>,
    /// Hits of a search.
    pub hits: &'a [Range<usize>],
    /// Parts with a strength from 0 to 1, in order.
    pub tint: &'a [(Range<usize>, f32)],
    /// Parts with a line under them, in order of their beginning.
    pub lines: &'a [Underline],
    /// Where tokens begin and end.
    pub tokens: Option<&'a [NoteToken]>,
    /// Whether their numbers are written over them.
    pub ids: bool,
    /// The parts that the model reads; the rest is grey. All is read where there are none.
    pub read: &'a [Range<usize>],
}

/// A line under a part of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Underline {
    /// The part.
    pub bytes: Range<usize>,
    /// Which of the kinds of lines.
    pub kind: usize,
    /// What it is called where the pointer is.
    pub label: String,
}

/// What a person did on a text.
#[derive(Debug, Default)]
pub struct Touched {
    /// A byte that was clicked.
    pub clicked: Option<usize>,
    /// Bytes that were dragged over.
    pub dragged: Option<Range<usize>>,
    /// The byte under the pointer.
    pub hovered: Option<usize>,
}

/// A text that was laid out.
#[derive(Default)]
pub struct NoteText {
    made_for: Option<MadeFor>,
    paragraphs: Vec<Paragraph>,
    height: f32,
    /// Where a drag began.
    from: Option<usize>,
    /// Where to scroll to in the next frame.
    to: Option<f32>,
    /// Whether what is chosen is to be brought into view as soon as it is known where that is.
    reveal: bool,
    /// The letters of paragraphs that were drawn in this frame. They are not held longer: where
    /// letters are drawn from changes with colours, size and fonts, and egui knows which are good.
    laid: RefCell<HashMap<usize, Rc<Laid>>>,
}

/// Width of the column of text at most, in points: longer lines are hard to read.
const COLUMN: f32 = 760.0;

/// Space on the left and right of the column.
const MARGIN: f32 = 22.0;

/// Width of the map of the whole note beside it.
const MAP: f32 = 12.0;

/// Height of a row, and of one with numbers over its tokens.
const ROW: f32 = 23.0;
const ROW_WITH_IDS: f32 = 50.0;

impl NoteText {
    /// Shows `text`, which is known by `id`. With `reveal` what is chosen is brought into view.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        id: Id,
        text: &str,
        marks: &Marks<'_>,
        reveal: bool,
    ) -> Touched {
        self.laid.get_mut().clear();
        let palette = theme::palette(ui);
        let whole = ui.available_rect_before_wrap();
        let inner = Rect::from_min_max(whole.min, pos2(whole.max.x - MAP, whole.max.y));
        let map = Rect::from_min_max(pos2(inner.max.x, whole.min.y), whole.max);
        let width = (inner.width() - 2.0 * MARGIN).clamp(120.0, COLUMN);
        let row = if marks.ids { ROW_WITH_IDS } else { ROW };
        self.lay_out(ui, id, text, width, row);
        self.reveal = (self.reveal || reveal) && marks.chosen.is_some();
        let mut touched = Touched::default();
        let mut sight = 0.0..1.0;
        let mut scroll = ui.new_child(egui::UiBuilder::new().max_rect(inner));
        let by = scrolled_by_keys(&scroll, inner.height());
        let mut area = egui::ScrollArea::vertical()
            .id_salt((id, "text"))
            .auto_shrink(false);
        if let Some(to) = self.to.take() {
            area = area.vertical_scroll_offset(to);
        }
        area.show_viewport(&mut scroll, |ui, viewport| {
            if by != 0.0 {
                ui.scroll_with_delta(vec2(0.0, by));
            }
            let all = (self.height + 2.0 * MARGIN).max(viewport.height());
            sight = viewport.min.y / all..(viewport.max.y / all).min(1.0);
            ui.set_height(all);
            // In a wide panel the column stands in the middle.
            let left = ((inner.width() - width) / 2.0).max(MARGIN).floor();
            let origin = ui.max_rect().min + vec2(left, MARGIN);
            let area = Rect::from_min_size(ui.max_rect().min, vec2(ui.max_rect().width(), all));
            let response = ui.interact(area, id, Sense::click_and_drag());
            name(&response, text, marks);
            let rows = viewport.min.y - MARGIN..viewport.max.y - MARGIN;
            let seen = self.seen(&rows);
            self.measure_seen(ui, text, seen.clone(), width, row);
            let page = Page {
                of: self,
                text,
                painter: ui.painter(),
                palette: &palette,
                origin,
                paragraphs: seen,
                heights: &rows,
            };
            page.draw(marks);
            self.touch(ui, &response, origin, text, &mut touched);
            if let (true, Some(chosen)) = (self.reveal, &marks.chosen)
                && self.is_measured_to(chosen.start)
                && let Some(rect) = self.first_rect(ui.painter(), text, chosen, origin)
            {
                self.reveal = false;
                let near = ui.clip_rect().shrink2(vec2(0.0, 60.0));
                if !near.contains(rect.center()) {
                    ui.scroll_to_rect(rect.expand(40.0), Some(egui::Align::Center));
                }
            }
            if response.has_focus() {
                parts::hold_arrows(ui, response.id);
                let ring = Stroke::new(1.5, palette.accent);
                let rect = ui.clip_rect().shrink(1.0);
                ui.painter()
                    .rect_stroke(rect, 4.0, ring, StrokeKind::Inside);
            }
        });
        let jump = strip::show(ui, id, map, text.len(), marks, sight);
        if let Some(share) = jump {
            let to = share * (self.height + 2.0 * MARGIN) - inner.height() / 2.0;
            self.to = Some(to.max(0.0));
            ui.ctx().request_repaint();
        }
        ui.advance_cursor_after_rect(whole);
        touched
    }

    fn touch(
        &mut self,
        ui: &Ui,
        response: &Response,
        origin: Pos2,
        text: &str,
        touched: &mut Touched,
    ) {
        let at =
            |own: &Self, pointer: Option<Pos2>| own.byte_at(ui.painter(), text, pointer? - origin);
        touched.hovered = at(self, response.hover_pos());
        let pointer = response.interact_pointer_pos();
        if response.clicked() {
            touched.clicked = at(self, pointer);
            response.request_focus();
        }
        if response.drag_started() {
            let began = ui.input(|input| input.pointer.press_origin());
            self.from = at(self, began.or(pointer));
        }
        if response.dragged()
            && let (Some(from), Some(to)) = (self.from, at(self, pointer))
            && from != to
        {
            touched.dragged = Some(from.min(to)..from.max(to));
        }
        if response.hovered() {
            ui.ctx().set_cursor_icon(egui::CursorIcon::Text);
        }
    }
}

/// How far the keys scroll that mean nothing else, in points.
fn scrolled_by_keys(ui: &Ui, page: f32) -> f32 {
    let typing = ui.ctx().text_edit_focused();
    if typing {
        return 0.0;
    }
    ui.input_mut(|input| {
        use egui::{Key, Modifiers};
        let mut by = 0.0;
        for (key, step) in [
            (Key::ArrowDown, -3.0 * ROW),
            (Key::ArrowUp, 3.0 * ROW),
            (Key::PageDown, 2.0 * ROW - page),
            (Key::PageUp, page - 2.0 * ROW),
            (Key::Home, 1e7),
            (Key::End, -1e7),
        ] {
            if input.consume_key(Modifiers::NONE, key) {
                by += step;
            }
        }
        by
    })
}

/// What a screen reader says of the text.
fn name(response: &Response, text: &str, marks: &Marks<'_>) {
    response.widget_info(|| {
        let chosen = (marks.chosen.as_ref()).and_then(|chosen| text.get(chosen.clone()));
        let mut info = WidgetInfo::labeled(Role::Label, true, "Text of the note");
        info.current_text_value = Some(match chosen {
            Some(chosen) => format!("chosen: {chosen}"),
            None => "nothing is chosen".to_owned(),
        });
        info
    });
}
