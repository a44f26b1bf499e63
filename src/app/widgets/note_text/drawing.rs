//! What is drawn on the rows in sight.

use std::ops::Range;
use std::sync::Arc;

use eframe::egui::{
    Align2, Color32, FontId, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, pos2, vec2,
};

use super::{Marks, NoteText};
use crate::app::moving;
use crate::app::theme::{self, Palette};
use crate::engine::NoteToken;

/// A text with the rows of it that are in sight.
pub(super) struct Page<'a> {
    pub(super) of: &'a NoteText,
    pub(super) text: &'a str,
    pub(super) painter: &'a Painter,
    pub(super) palette: &'a Palette,
    /// Where the column begins.
    pub(super) origin: Pos2,
    /// The paragraphs in sight.
    pub(super) paragraphs: Range<usize>,
    /// The heights of the column in sight.
    pub(super) heights: &'a Range<f32>,
}

impl Page<'_> {
    /// Draws the text, what is under it and what is over it.
    pub(super) fn draw(&self, marks: &Marks<'_>) {
        let (painter, palette) = (self.painter, self.palette);
        let own = &self.of.paragraphs[self.paragraphs.clone()];
        let (Some(first), Some(last)) = (own.first(), own.last()) else {
            return;
        };
        // A paragraph may be the whole note: only its rows in sight are drawn on.
        let between = |own| (self.of).bytes_between(painter, self.text, own, self.heights);
        let bytes = between(first).start..between(last).end;
        let fill = |range: &Range<usize>, colour: Color32, grow: f32| {
            self.each_rect(range, &bytes, |rect| {
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
            self.tokens(tokens, marks.ids, &bytes);
        }
        let from = marks.hits.partition_point(|own| own.end <= bytes.start);
        let hits = marks.hits[from..].iter();
        for range in hits.take_while(|own| own.start < bytes.end) {
            fill(range, palette.hit, 1.0);
        }
        if let Some(chosen) = &marks.chosen {
            fill(chosen, palette.accent_soft, 1.0);
            let ring = Stroke::new(1.5, palette.accent);
            self.each_rect(chosen, &bytes, |rect| {
                let rect = rect.expand2(vec2(1.0, -1.0));
                painter.rect_stroke(rect, 3.0, ring, StrokeKind::Middle);
            });
        }
        if let Some(marked) = &marks.marked {
            let ring = Stroke::new(2.0, palette.ink);
            self.each_rect(marked, &bytes, |rect| {
                let rect = rect.expand2(vec2(2.0, 0.0));
                painter.rect_stroke(rect, 3.0, ring, StrokeKind::Middle);
            });
        }
        for paragraph in own {
            let at = self.origin + vec2(0.0, paragraph.top);
            let laid = self.of.laid(painter, self.text, paragraph);
            painter.galley(at, Arc::clone(&laid.galley), palette.ink);
        }
        // What is not read is there, but pale.
        for range in unread(marks.read, self.text.len()) {
            let veil = palette.surface.gamma_multiply(0.62);
            self.each_rect(&range, &bytes, |rect| {
                painter.rect_filled(rect.expand2(vec2(1.0, 0.0)), 0.0, veil);
            });
        }
        for line in marks.lines {
            if line.bytes.end > bytes.start && line.bytes.start < bytes.end {
                let colour = palette.kinds[line.kind % palette.kinds.len()];
                self.each_rect(&line.bytes, &bytes, |rect| {
                    underline(painter, rect, line.kind, colour);
                });
            }
        }
    }

    fn each_rect(&self, bytes: &Range<usize>, within: &Range<usize>, each: impl FnMut(Rect)) {
        let (painter, origin) = (self.painter, self.origin);
        (self.of).each_rect(painter, self.text, bytes, within, origin, each);
    }

    /// Every other token is shaded, so that white space between them is seen as well.
    fn tokens(&self, tokens: &[NoteToken], ids: bool, bytes: &Range<usize>) {
        let (painter, palette) = (self.painter, self.palette);
        let shade = theme::mix(palette.surface, palette.ink, 0.07);
        let small = FontId::proportional(9.5);
        let from = tokens.partition_point(|own| own.end <= bytes.start && !own.special);
        let own = tokens.iter().enumerate().skip(from);
        for (number, token) in own.take_while(|(_, own)| own.special || own.start < bytes.end) {
            if token.special {
                self.special(tokens, number, bytes);
                continue;
            }
            let drawn = moving::drawn(self.text, token);
            let mut first = true;
            self.each_rect(&drawn, bytes, |rect| {
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
    fn special(&self, tokens: &[NoteToken], number: usize, bytes: &Range<usize>) {
        let (painter, palette) = (self.painter, self.palette);
        let before = tokens[..number].iter().rfind(|own| !own.special);
        let (at, align) = match before {
            Some(last) => {
                let mut end = None;
                let drawn = moving::drawn(self.text, last);
                self.each_rect(&drawn, bytes, |own| end = Some(own));
                let Some(end) = end else {
                    return;
                };
                (end.right_center() + vec2(8.0, 0.0), Align2::LEFT_CENTER)
            }
            None if bytes.start == 0 => (self.origin - vec2(0.0, 4.0), Align2::LEFT_BOTTOM),
            None => return,
        };
        let font = FontId::monospace(10.5);
        let galley = painter.layout_no_wrap(tokens[number].spelling.clone(), font, palette.soft);
        let area = align.anchor_size(at, galley.size());
        let edge = Stroke::new(1.0, palette.line);
        painter.rect_stroke(area.expand2(vec2(3.0, 1.0)), 3.0, edge, StrokeKind::Inside);
        painter.galley(area.min, galley, palette.soft);
    }
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
pub fn underline(painter: &Painter, rect: Rect, kind: usize, colour: Color32) {
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
