//! Where watched notes stand, with the way that each has come.

use eframe::egui::{
    Align2, FontId, Pos2, Rect, Role, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::colour;
use crate::app::theme;
use crate::app::widgets::parts;
use crate::engine::{Film, counted};

/// Side of the map at most, in points.
const SIDE: f32 = 220.0;

/// Space around the points, for their numbers.
const MARGIN: f32 = 16.0;

/// Draws all notes of the film as they stand at a frame.
pub fn ui(ui: &mut Ui, film: &Film, place: usize, shown: usize) {
    let all = film.frames.iter().flat_map(|own| &own.probes);
    let places: Vec<[f32; 2]> = all.filter_map(|own| own.place).collect();
    let Some(bounds) = bounds(&places) else {
        return;
    };
    parts::heading(ui, "On the map");
    let side = ui.available_width().min(SIDE);
    let (rect, response) = ui.allocate_exact_size(vec2(side, side * 0.8), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, words(film, place)));
    let palette = theme::palette(ui);
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 6.0, palette.surface);
    let edge = Stroke::new(1.0, palette.line);
    painter.rect_stroke(rect, 6.0, edge, StrokeKind::Inside);
    let inner = rect.shrink(MARGIN);
    // Both axes in the same measure, so that distances can be compared.
    let scale = (inner.width() / bounds.width()).min(inner.height() / bounds.height());
    let at = |own: [f32; 2]| -> Pos2 {
        let from = pos2(own[0], own[1]) - bounds.center();
        inner.center() + vec2(from.x, -from.y) * scale
    };
    for note in 0..film.notes.len() {
        let way = film.frames[..=place].iter();
        let way: Vec<Pos2> = way
            .filter_map(|own| own.probe(note)?.place)
            .map(at)
            .collect();
        let Some(now) = way.last().copied() else {
            continue;
        };
        let colour = colour(ui, note);
        let width = if note == shown { 2.0 } else { 1.2 };
        let pale = theme::mix(palette.surface, colour, 0.6);
        painter.add(Shape::line(way.clone(), Stroke::new(width, pale)));
        for own in &way {
            painter.circle_filled(*own, 1.8, pale);
        }
        let radius = if note == shown { 6.0 } else { 4.5 };
        painter.circle(now, radius, colour, Stroke::new(1.5, palette.surface));
        // On the side that has room.
        let (align, aside) = match now.x > inner.center().x {
            true => (Align2::RIGHT_CENTER, -9.0),
            false => (Align2::LEFT_CENTER, 9.0),
        };
        painter.text(
            now + vec2(aside, 0.0),
            align,
            (note + 1).to_string(),
            FontId::proportional(12.0),
            palette.ink,
        );
    }
    parts::soft(
        ui,
        format!(
            "The same axes in every frame, {:.0} % of what differs",
            100.0 * (film.explained[0] + film.explained[1])
        ),
    );
}

/// The part of the plane that has all points, with some width even where all are one.
fn bounds(places: &[[f32; 2]]) -> Option<Rect> {
    let mut all = Rect::from_pos(places.first().map(|own| pos2(own[0], own[1]))?);
    places
        .iter()
        .for_each(|own| all.extend_with(pos2(own[0], own[1])));
    let least = all.width().max(all.height()).max(1e-6) * 0.05;
    Some(all.expand(least))
}

/// What it shows, in words.
fn words(film: &Film, place: usize) -> String {
    let probes = film.frames[place].probes.iter();
    let each = probes.filter_map(|own| {
        let [x, y] = own.place?;
        Some(format!("note {} at {x:.3}, {y:.3}", own.note + 1))
    });
    let each: Vec<String> = each.collect();
    format!(
        "Map of {}: {}",
        counted(each.len(), "note"),
        each.join("; ")
    )
}
