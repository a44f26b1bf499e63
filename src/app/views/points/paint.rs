//! Paints the plot: its points, and what is marked among them.

use eframe::egui::{self, Pos2, Rect, Shape, Stroke, StrokeKind, Ui};

use super::mark::mark;
use super::plot::PointsView;
use super::{colours, plot_id, reading};
use crate::app::points::Tool;
use crate::app::points::camera::Camera;
use crate::app::points::gpu::{self, Style};
use crate::app::state::State;
use crate::app::theme::{self, Palette};
use crate::app::views::Panel;

/// What a point that is not chosen keeps of its colour, where some are.
const FAINT: f32 = 0.35;

impl PointsView {
    pub(super) fn paint(
        &self,
        ui: &Ui,
        rect: Rect,
        (camera, whole): (Camera, Camera),
        state: &State,
        under: Option<usize>,
    ) {
        let palette = theme::palette(ui);
        let points = &state.points;
        let painter = ui.painter_at(rect);
        painter.rect_filled(rect, 0.0, palette.surface);
        let (Some(places), Some(drawn)) = (points.places(), &self.drawn) else {
            return;
        };
        let style = Style {
            colours: colours(&palette),
            edge: palette.ink,
            radius: radius(drawn.count(), camera.scale / whole.scale, rect),
            faint: if points.chosen.is_empty() { 1.0 } else { FAINT },
        };
        let figure = state.figure.as_ref().map(|(panel, _)| *panel);
        match figure == Some(Panel::Points) {
            // A figure is made of shapes, and what the graphics card draws is none.
            true => shapes(&painter, rect, camera, state, places, &style),
            false => {
                painter.add(gpu::shape(ui.ctx(), rect, drawn, camera, &style));
            }
        }
        let on_screen = |row: usize| places.get(row).map(|own| camera.to_screen(rect, *own));
        if let Some(near) = &points.near.value
            && let Some(from) = on_screen(near.point)
        {
            let stroke = Stroke::new(1.0, palette.accent.gamma_multiply(0.7));
            for own in &near.similar {
                if let Some(to) = on_screen(own.point).filter(|_| points.is_drawn(own.point)) {
                    painter.line_segment([from, to], stroke);
                }
            }
        }
        for (row, width) in [(under, 1.5), (state.point_at(), 2.5)] {
            if let Some(at) = row.and_then(on_screen) {
                let radius = style.radius + 4.0;
                painter.circle_stroke(at, radius + 1.0, Stroke::new(width + 1.5, palette.surface));
                painter.circle_stroke(at, radius, Stroke::new(width, palette.accent));
            }
        }
        let corners = (points.corner.and_then(on_screen)).zip(state.point_at().and_then(on_screen));
        if let Some((first, last)) = corners {
            paint_box(&painter, first, last, &palette);
        }
        self.paint_line(&painter, state, &palette);
        if reading(state).is_some() {
            painter.rect_filled(rect, 0.0, palette.surface.gamma_multiply(0.6));
        }
        let ring = match ui.memory(|own| own.has_focus(plot_id())) {
            true => Stroke::new(1.5, palette.accent),
            false => Stroke::new(1.0, palette.line),
        };
        painter.rect_stroke(rect, 0.0, ring, StrokeKind::Inside);
    }

    /// What is being drawn around points.
    fn paint_line(&self, painter: &egui::Painter, state: &State, palette: &Palette) {
        let [first, .., last] = &self.line[..] else {
            return;
        };
        match state.points.tool {
            Tool::Box => paint_box(painter, *first, *last, palette),
            _ => {
                let stroke = Stroke::new(1.5, palette.accent);
                painter.add(Shape::closed_line(self.line.clone(), stroke));
            }
        }
    }
}

/// A box with these corners.
fn paint_box(painter: &egui::Painter, first: Pos2, last: Pos2, palette: &Palette) {
    let own = Rect::from_two_pos(first, last);
    painter.rect_filled(own, 0.0, palette.accent.gamma_multiply(0.12));
    painter.rect_stroke(
        own,
        0.0,
        Stroke::new(1.5, palette.accent),
        StrokeKind::Inside,
    );
}

/// Half the size of a point, in points of the screen: smaller where they are many, larger from near.
fn radius(count: usize, closer: f32, rect: Rect) -> f32 {
    let each = (rect.area() / count.max(1) as f32).sqrt();
    let base = (each * 0.16).clamp(1.4, 4.5);
    (base * closer.max(1.0).powf(0.3)).min(7.0)
}

/// All points as shapes, for a figure.
fn shapes(
    painter: &egui::Painter,
    rect: Rect,
    camera: Camera,
    state: &State,
    places: &[[f32; 2]],
    style: &Style,
) {
    for (row, place) in places.iter().enumerate() {
        let at = camera.to_screen(rect, *place);
        if state.points.is_drawn(row) && rect.contains(at) {
            let slot = state.points.classes.slot(row);
            let kept = state.points.chosen.binary_search(&(row as u32)).is_ok();
            let share = if kept { 1.0 } else { style.faint };
            let colour = style.colours[slot].gamma_multiply(share);
            mark(painter, at, style.radius, slot, colour, false);
        }
    }
}
