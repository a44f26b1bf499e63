//! Paragraphs of a text: their heights, their letters, and where bytes stand.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{self, Color32, FontId, Galley, Id, Painter, Pos2, Rect, Ui, Vec2, pos2, vec2};

use super::{COLUMN, NoteText, ROW};
use crate::app::theme;

/// The letters of a paragraph, and where its rows begin.
pub(super) struct Laid {
    pub(super) galley: Arc<Galley>,
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
pub(super) struct MadeFor {
    text: Id,
    width: f32,
    row: f32,
    pixels_per_point: f32,
}

pub(super) struct Paragraph {
    pub(super) bytes: Range<usize>,
    pub(super) top: f32,
    height: f32,
    /// Whether the height was measured, and is not a guess.
    measured: bool,
}

/// How long a frame may lay out text that is not in sight.
const BUDGET: Duration = Duration::from_millis(6);

impl NoteText {
    /// Divides a new text into paragraphs, and lays out some of those that wait.
    pub(super) fn lay_out(&mut self, ui: &Ui, id: Id, text: &str, width: f32, row: f32) {
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
    pub(super) fn is_measured_to(&self, byte: usize) -> bool {
        let mut before = self
            .paragraphs
            .iter()
            .take_while(|own| own.bytes.start <= byte);
        before.all(|own| own.measured)
    }

    /// The numbers of the paragraphs between two heights.
    pub(super) fn seen(&self, rows: &Range<f32>) -> Range<usize> {
        let own = &self.paragraphs;
        let first = own.partition_point(|own| own.top + own.height <= rows.start);
        let end = own.partition_point(|own| own.top < rows.end);
        first..end.max(first)
    }

    pub(super) fn measure_seen(
        &mut self,
        ui: &Ui,
        text: &str,
        seen: Range<usize>,
        width: f32,
        row: f32,
    ) {
        for paragraph in &mut self.paragraphs[seen] {
            if !paragraph.measured {
                paragraph.measure(ui.painter(), text, width, row);
            }
        }
    }

    /// The letters of a paragraph, laid out once in a frame.
    pub(super) fn laid(&self, painter: &Painter, text: &str, paragraph: &Paragraph) -> Rc<Laid> {
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
    pub(super) fn bytes_between(
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

    /// The byte at a place of the column.
    pub(super) fn byte_at(&self, painter: &Painter, text: &str, place: Vec2) -> Option<usize> {
        let rows = place.y..place.y + 0.1;
        let paragraph = self.paragraphs.get(self.seen(&rows).start)?;
        let laid = self.laid(painter, text, paragraph);
        let cursor = (laid.galley).cursor_from_pos(place - vec2(0.0, paragraph.top));
        let own = &text[paragraph.bytes.clone()];
        Some(paragraph.bytes.start + laid.byte(own, cursor.index.0))
    }

    pub(super) fn first_rect(
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
    pub(super) fn each_rect(
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
