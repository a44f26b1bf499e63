//! The text of a note, line by line, with what is drawn on it.
//!
//! Paragraphs are laid out once for a width. Only those in sight are drawn, with the marks on their rows
//! in sight, so that the length of a note and the number of its spans do not matter to a frame.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{
    self, Align2, Color32, FontId, Galley, Id, Painter, Pos2, Rect, Response, Role, Sense, Shape,
    Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use crate::app::moving;
use crate::app::theme::{self, Palette};
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

/// The letters of a paragraph, and where its rows begin.
struct Laid {
    galley: Arc<Galley>,
    /// The number of the first letter of each row.
    rows: Vec<usize>,
    /// Whether every letter is one byte.
    ascii: bool,
}

impl Laid {
    /// The letter at a byte of the paragraph.
    fn letter(&self, line: &str, byte: usize) -> usize {
        match self.ascii {
            true => byte,
            false => line.get(..byte).map_or(0, |own| own.chars().count()),
        }
    }

    /// The byte of the paragraph at a letter; its end after the last.
    fn byte(&self, line: &str, letter: usize) -> usize {
        match self.ascii {
            true => letter.min(line.len()),
            false => {
                let mut all = line.char_indices();
                all.nth(letter).map_or(line.len(), |(byte, _)| byte)
            }
        }
    }

    /// The letters of the rows between two heights of the paragraph.
    fn between(&self, heights: &Range<f32>) -> Range<usize> {
        let rows = &self.galley.rows;
        let first = rows.partition_point(|own| own.pos.y + own.size.y <= heights.start);
        let end = rows.partition_point(|own| own.pos.y < heights.end);
        let start = |row: usize| self.rows.get(row).copied().unwrap_or(usize::MAX);
        start(first)..start(end.max(first))
    }
}

#[derive(Debug, Clone, PartialEq)]
struct MadeFor {
    text: Id,
    width: f32,
    row: f32,
    pixels_per_point: f32,
}

struct Paragraph {
    bytes: Range<usize>,
    top: f32,
    height: f32,
    /// Whether the height was measured, and is not a guess.
    measured: bool,
}

/// How long a frame may lay out text that is not in sight.
const BUDGET: Duration = Duration::from_millis(6);

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
            self.draw(ui, origin, text, marks, (seen, &rows), &palette);
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
        let jump = self.map(ui, id, map, text, marks, sight, &palette);
        if let Some(share) = jump {
            let to = share * (self.height + 2.0 * MARGIN) - inner.height() / 2.0;
            self.to = Some(to.max(0.0));
            ui.ctx().request_repaint();
        }
        ui.advance_cursor_after_rect(whole);
        touched
    }

    /// Divides a new text into paragraphs, and lays out some of those that wait.
    fn lay_out(&mut self, ui: &Ui, id: Id, text: &str, width: f32, row: f32) {
        let made_for = MadeFor {
            text: id,
            width,
            row,
            pixels_per_point: ui.pixels_per_point(),
        };
        if self.made_for.as_ref() != Some(&made_for) {
            // About as many letters as a row holds.
            let letters = (width / 7.4).max(1.0);
            let mut start = 0;
            self.paragraphs = (text.split('\n'))
                .map(|line| {
                    let bytes = start..start + line.len();
                    start = bytes.end + 1;
                    let rows = (line.len() as f32 / letters).ceil().max(1.0);
                    Paragraph {
                        bytes,
                        top: 0.0,
                        height: rows * row,
                        measured: false,
                    }
                })
                .collect();
            self.made_for = Some(made_for);
        }
        let start = Instant::now();
        let mut waits = false;
        for paragraph in &mut self.paragraphs {
            if !paragraph.measured {
                if start.elapsed() > BUDGET {
                    waits = true;
                    break;
                }
                paragraph.measure(ui.painter(), text, width, row);
            }
        }
        if waits {
            ui.ctx().request_repaint();
        }
        self.place();
    }

    fn place(&mut self) {
        let mut top = 0.0;
        for paragraph in &mut self.paragraphs {
            paragraph.top = top;
            top += paragraph.height;
        }
        self.height = top;
    }

    /// Whether all heights down to a byte are measured, and none is a guess.
    fn is_measured_to(&self, byte: usize) -> bool {
        let mut before = self
            .paragraphs
            .iter()
            .take_while(|own| own.bytes.start <= byte);
        before.all(|own| own.measured)
    }

    /// The numbers of the paragraphs between two heights.
    fn seen(&self, rows: &Range<f32>) -> Range<usize> {
        let own = &self.paragraphs;
        let first = own.partition_point(|own| own.top + own.height <= rows.start);
        let end = own.partition_point(|own| own.top < rows.end);
        first..end.max(first)
    }

    fn measure_seen(&mut self, ui: &Ui, text: &str, seen: Range<usize>, width: f32, row: f32) {
        for paragraph in &mut self.paragraphs[seen] {
            if !paragraph.measured {
                paragraph.measure(ui.painter(), text, width, row);
            }
        }
    }

    /// The letters of a paragraph, laid out once in a frame.
    fn laid(&self, painter: &Painter, text: &str, paragraph: &Paragraph) -> Rc<Laid> {
        let mut all = self.laid.borrow_mut();
        let own = all.entry(paragraph.bytes.start).or_insert_with(|| {
            let (width, row) = match &self.made_for {
                Some(own) => (own.width, own.row),
                None => (COLUMN, ROW),
            };
            let galley = paragraph.galley(painter, text, width, row);
            let mut next = 0;
            let rows = galley.rows.iter().map(|row| {
                let own = next;
                next += row.char_count_including_newline().0;
                own
            });
            Rc::new(Laid {
                rows: rows.collect(),
                ascii: text[paragraph.bytes.clone()].is_ascii(),
                galley,
            })
        });
        Rc::clone(own)
    }

    /// The bytes of a paragraph that stand between two heights of the column.
    fn bytes_between(
        &self,
        painter: &Painter,
        text: &str,
        paragraph: &Paragraph,
        heights: &Range<f32>,
    ) -> Range<usize> {
        let laid = self.laid(painter, text, paragraph);
        let line = &text[paragraph.bytes.clone()];
        let own = heights.start - paragraph.top..heights.end - paragraph.top;
        let letters = laid.between(&own);
        let [start, end] = [letters.start, letters.end].map(|own| laid.byte(line, own));
        paragraph.bytes.start + start..paragraph.bytes.start + end
    }

    fn draw(
        &self,
        ui: &Ui,
        origin: Pos2,
        text: &str,
        marks: &Marks<'_>,
        (seen, rows): (Range<usize>, &Range<f32>),
        palette: &Palette,
    ) {
        let own = &self.paragraphs[seen];
        let (Some(first), Some(last)) = (own.first(), own.last()) else {
            return;
        };
        let painter = ui.painter();
        // A paragraph may be the whole note: only its rows in sight are drawn on.
        let bytes = self.bytes_between(painter, text, first, rows).start
            ..self.bytes_between(painter, text, last, rows).end;
        let fill = |range: &Range<usize>, colour: Color32, grow: f32| {
            self.each_rect(painter, text, range, &bytes, origin, |rect| {
                painter.rect_filled(rect.expand2(vec2(grow, -1.0)), 3.0, colour);
            });
        };
        let from = marks
            .tint
            .partition_point(|(own, _)| own.end <= bytes.start);
        let tint = marks.tint[from..].iter();
        for (range, strength) in tint.take_while(|(own, _)| own.start < bytes.end) {
            fill(range, theme::heat(palette, *strength), 0.0);
        }
        if let Some(tokens) = marks.tokens {
            self.tokens(ui, origin, text, tokens, marks.ids, &bytes, palette);
        }
        let from = marks.hits.partition_point(|own| own.end <= bytes.start);
        let hits = marks.hits[from..].iter();
        for range in hits.take_while(|own| own.start < bytes.end) {
            fill(range, palette.hit, 1.0);
        }
        if let Some(chosen) = &marks.chosen {
            fill(chosen, palette.accent_soft, 1.0);
            let ring = Stroke::new(1.5, palette.accent);
            self.each_rect(painter, text, chosen, &bytes, origin, |rect| {
                let rect = rect.expand2(vec2(1.0, -1.0));
                painter.rect_stroke(rect, 3.0, ring, StrokeKind::Middle);
            });
        }
        if let Some(marked) = &marks.marked {
            let ring = Stroke::new(2.0, palette.ink);
            self.each_rect(painter, text, marked, &bytes, origin, |rect| {
                let rect = rect.expand2(vec2(2.0, 0.0));
                painter.rect_stroke(rect, 3.0, ring, StrokeKind::Middle);
            });
        }
        for paragraph in own {
            let at = origin + vec2(0.0, paragraph.top);
            let laid = self.laid(painter, text, paragraph);
            painter.galley(at, Arc::clone(&laid.galley), palette.ink);
        }
        // What is not read is there, but pale.
        for range in unread(marks.read, text.len()) {
            let veil = palette.surface.gamma_multiply(0.62);
            self.each_rect(painter, text, &range, &bytes, origin, |rect| {
                painter.rect_filled(rect.expand2(vec2(1.0, 0.0)), 0.0, veil);
            });
        }
        for line in marks.lines {
            if line.bytes.end > bytes.start && line.bytes.start < bytes.end {
                let colour = palette.kinds[line.kind % palette.kinds.len()];
                self.each_rect(painter, text, &line.bytes, &bytes, origin, |rect| {
                    underline(painter, rect, line.kind, colour);
                });
            }
        }
    }

    /// Every other token is shaded, so that white space between them is seen as well.
    #[expect(clippy::too_many_arguments, reason = "what a drawing needs")]
    fn tokens(
        &self,
        ui: &Ui,
        origin: Pos2,
        text: &str,
        tokens: &[NoteToken],
        ids: bool,
        bytes: &Range<usize>,
        palette: &Palette,
    ) {
        let painter = ui.painter();
        let shade = theme::mix(palette.surface, palette.ink, 0.07);
        let small = FontId::proportional(9.5);
        let from = tokens.partition_point(|own| own.end <= bytes.start && !own.special);
        let own = tokens.iter().enumerate().skip(from);
        for (number, token) in own.take_while(|(_, own)| own.special || own.start < bytes.end) {
            if token.special {
                self.special(ui, origin, text, tokens, number, bytes, palette);
                continue;
            }
            let drawn = moving::drawn(text, token);
            let mut first = true;
            self.each_rect(painter, text, &drawn, bytes, origin, |rect| {
                if number % 2 == 0 {
                    painter.rect_filled(rect.expand2(vec2(0.0, -2.0)), 2.0, shade);
                }
                let edge = rect.left_bottom() - vec2(0.0, 3.0);
                let tick = [edge, edge - vec2(0.0, 4.0)];
                painter.line_segment(tick, Stroke::new(1.0, palette.soft));
                if ids && std::mem::take(&mut first) {
                    // In two lines by turns: a number is wider than a token of one letter.
                    let above = if number % 2 == 0 { 18.0 } else { 9.0 };
                    let at = rect.left_top() - vec2(-1.0, above);
                    let id = token.id.to_string();
                    painter.text(at, Align2::LEFT_TOP, id, small.clone(), palette.soft);
                }
            });
        }
    }

    /// A token of the template stands beside the token next to it: over the first, after the last.
    #[expect(clippy::too_many_arguments, reason = "what a drawing needs")]
    fn special(
        &self,
        ui: &Ui,
        origin: Pos2,
        text: &str,
        tokens: &[NoteToken],
        number: usize,
        bytes: &Range<usize>,
        palette: &Palette,
    ) {
        let painter = ui.painter();
        let before = tokens[..number].iter().rfind(|own| !own.special);
        let (at, align) = match before {
            Some(last) => {
                let mut end = None;
                self.each_rect(
                    painter,
                    text,
                    &moving::drawn(text, last),
                    bytes,
                    origin,
                    |own| {
                        end = Some(own);
                    },
                );
                let Some(end) = end else {
                    return;
                };
                (end.right_center() + vec2(8.0, 0.0), Align2::LEFT_CENTER)
            }
            None if bytes.start == 0 => (origin - vec2(0.0, 4.0), Align2::LEFT_BOTTOM),
            None => return,
        };
        let font = FontId::monospace(10.5);
        let galley = painter.layout_no_wrap(tokens[number].spelling.clone(), font, palette.soft);
        let area = align.anchor_size(at, galley.size());
        let edge = Stroke::new(1.0, palette.line);
        painter.rect_stroke(area.expand2(vec2(3.0, 1.0)), 3.0, edge, StrokeKind::Inside);
        painter.galley(area.min, galley, palette.soft);
    }

    /// The map of the whole note: where something is marked, and what is in sight. Where it was
    /// clicked, as a share of the note.
    #[expect(clippy::too_many_arguments, reason = "what a drawing needs")]
    fn map(
        &self,
        ui: &Ui,
        id: Id,
        map: Rect,
        text: &str,
        marks: &Marks<'_>,
        sight: Range<f32>,
        palette: &Palette,
    ) -> Option<f32> {
        let response = ui.interact(map, id.with("map"), Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, "Place in the note"));
        let painter = ui.painter_at(map);
        painter.rect_filled(map, 0.0, theme::mix(palette.surface, palette.ink, 0.03));
        let all = text.len().max(1) as f32;
        let at = |byte: usize| map.min.y + byte as f32 / all * map.height();
        let bar = |range: &Range<usize>, colour: Color32, least: f32| {
            let (top, end) = (at(range.start), at(range.end));
            let rect = Rect::from_x_y_ranges(map.x_range().shrink(2.0), top..=end.max(top + least));
            painter.rect_filled(rect, 1.0, colour);
        };
        // What falls on the same point is drawn once: the strongest.
        let points = (map.height().ceil() as usize).max(1);
        let mut strongest = vec![0.0_f32; points];
        for (range, strength) in marks.tint {
            let place = ((range.start as f32 / all * points as f32) as usize).min(points - 1);
            strongest[place] = strongest[place].max(*strength);
        }
        for (place, strength) in strongest.iter().enumerate().filter(|(_, own)| **own > 0.15) {
            let top = map.min.y + place as f32;
            let rect = Rect::from_x_y_ranges(map.x_range().shrink(2.0), top..=top + 1.0);
            painter.rect_filled(rect, 0.0, theme::heat(palette, *strength));
        }
        for line in marks.lines {
            bar(
                &line.bytes,
                palette.kinds[line.kind % palette.kinds.len()],
                1.5,
            );
        }
        for hit in marks.hits {
            bar(hit, theme::mix(palette.hit, palette.ink, 0.3), 2.0);
        }
        if let Some(chosen) = &marks.chosen {
            bar(chosen, palette.accent, 3.0);
        }
        let rows = map.min.y + sight.start * map.height()..=map.min.y + sight.end * map.height();
        let window = Rect::from_x_y_ranges(map.x_range().shrink(0.5), rows);
        let edge = Stroke::new(1.0, theme::mix(palette.line, palette.ink, 0.3));
        painter.rect_stroke(window, 2.0, edge, StrokeKind::Inside);
        let pointer = response.interact_pointer_pos()?;
        Some(((pointer.y - map.min.y) / map.height()).clamp(0.0, 1.0))
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

    /// The byte at a place of the column.
    fn byte_at(&self, painter: &Painter, text: &str, place: Vec2) -> Option<usize> {
        let rows = place.y..place.y + 0.1;
        let paragraph = self.paragraphs.get(self.seen(&rows).start)?;
        let laid = self.laid(painter, text, paragraph);
        let cursor = (laid.galley).cursor_from_pos(place - vec2(0.0, paragraph.top));
        let own = &text[paragraph.bytes.clone()];
        Some(paragraph.bytes.start + laid.byte(own, cursor.index.0))
    }

    fn first_rect(
        &self,
        painter: &Painter,
        text: &str,
        bytes: &Range<usize>,
        origin: Pos2,
    ) -> Option<Rect> {
        let mut first = None;
        self.each_rect(painter, text, bytes, bytes, origin, |rect| {
            first.get_or_insert(rect);
        });
        first
    }

    /// Tells of a rectangle for each row that a part of the text lies in, as far as it lies in `within`.
    fn each_rect(
        &self,
        painter: &Painter,
        text: &str,
        bytes: &Range<usize>,
        within: &Range<usize>,
        origin: Pos2,
        mut each: impl FnMut(Rect),
    ) {
        let bytes = bytes.start.max(within.start)..bytes.end.min(within.end);
        if bytes.is_empty() {
            return;
        }
        let first = (self.paragraphs).partition_point(|own| own.bytes.end < bytes.start);
        for own in &self.paragraphs[first..] {
            if own.bytes.start >= bytes.end {
                break;
            }
            let laid = self.laid(painter, text, own);
            let line = &text[own.bytes.clone()];
            let letters = |byte: usize| {
                let offset = byte.clamp(own.bytes.start, own.bytes.end) - own.bytes.start;
                laid.letter(line, offset)
            };
            let (from, to) = (letters(bytes.start), letters(bytes.end));
            let first = laid
                .rows
                .partition_point(|start| *start <= from)
                .saturating_sub(1);
            let rows = laid.galley.rows.iter().zip(&laid.rows).skip(first);
            for (row, &before) in rows.take_while(|(_, start)| **start < to) {
                let count = row.char_count_excluding_newline().0;
                let (start, end) = (from.max(before), to.min(before + count));
                if start < end {
                    let x = |letter: usize| row.x_offset((letter - before).into());
                    // The letters stand in the middle of a row that is higher than they need.
                    let top = own.top + row.pos.y + (row.size.y - ROW).max(0.0) / 2.0;
                    let rect = Rect::from_min_max(
                        pos2(row.pos.x + x(start), top),
                        pos2(row.pos.x + x(end), top + ROW.min(row.size.y)),
                    );
                    each(rect.translate(origin.to_vec2()));
                }
            }
        }
    }
}

impl Paragraph {
    fn galley(&self, painter: &Painter, text: &str, width: f32, row: f32) -> Arc<Galley> {
        let format = TextFormat {
            font_id: FontId::proportional(theme::NOTE_SIZE),
            line_height: Some(row),
            color: Color32::PLACEHOLDER,
            valign: egui::Align::BOTTOM,
            ..TextFormat::default()
        };
        let mut job = LayoutJob::single_section(text[self.bytes.clone()].to_owned(), format);
        job.wrap.max_width = width;
        job.break_on_newline = false;
        painter.layout_job(job)
    }

    fn measure(&mut self, painter: &Painter, text: &str, width: f32, row: f32) {
        self.height = self.galley(painter, text, width, row).size().y.max(row);
        self.measured = true;
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

/// The parts of a text that are not read.
fn unread(read: &[Range<usize>], end: usize) -> Vec<Range<usize>> {
    if read.is_empty() {
        return Vec::new();
    }
    let mut at = 0;
    let mut parts = Vec::new();
    for own in read {
        if own.start > at {
            parts.push(at..own.start);
        }
        at = at.max(own.end);
    }
    if at < end {
        parts.push(at..end);
    }
    parts
}

/// Draws a line under a row, by its kind also of another pattern.
pub fn underline(painter: &egui::Painter, rect: Rect, kind: usize, colour: Color32) {
    let y = rect.max.y - 2.5;
    let line = [pos2(rect.min.x, y), pos2(rect.max.x, y)];
    let stroke = Stroke::new(2.0, colour);
    match kind % 3 {
        0 => {
            painter.line_segment(line, stroke);
        }
        1 => {
            painter.extend(Shape::dashed_line(&line, stroke, 5.0, 2.5));
        }
        _ => {
            painter.extend(Shape::dotted_line(&line, colour, 3.5, 1.1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_read_lies_around_what_is() {
        assert!(unread(&[], 9).is_empty());
        assert_eq!(unread(&[2..4, 3..6], 9), vec![0..2, 6..9]);
        assert!(unread(std::slice::from_ref(&(0..9)), 9).is_empty());
    }
}
