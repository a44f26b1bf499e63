//! The strip beside a text: the whole note, where something is marked, and what is in sight.

use std::ops::Range;

use eframe::egui::{Color32, Id, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo};

use super::Marks;
use crate::app::theme;

/// Draws it into `map` for a text of `length` bytes, of which the share `sight` is in sight. Where it
/// was clicked, as a share of the note.
pub(super) fn show(
    ui: &Ui,
    id: Id,
    map: Rect,
    length: usize,
    marks: &Marks<'_>,
    sight: Range<f32>,
) -> Option<f32> {
    let palette = theme::palette(ui);
    let response = ui.interact(map, id.with("map"), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, "Place in the note"));
    let painter = ui.painter_at(map);
    painter.rect_filled(map, 0.0, theme::mix(palette.surface, palette.ink, 0.03));
    let all = length.max(1) as f32;
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
        painter.rect_filled(rect, 0.0, theme::heat(&palette, *strength));
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
