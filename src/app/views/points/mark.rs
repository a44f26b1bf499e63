//! The shapes of classes, as the window draws them where the graphics card does not.

use eframe::egui::{self, Color32, Pos2, Rect, Shape, Stroke, vec2};

/// The shape of a class, as the shader draws it.
pub fn mark(
    painter: &egui::Painter,
    at: Pos2,
    radius: f32,
    slot: usize,
    colour: Color32,
    hollow: bool,
) {
    let corners: Vec<Pos2> = match slot {
        10.. => Vec::new(),
        slot => match slot % 5 {
            1 => [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]
                .map(|(x, y)| at + 0.86 * radius * vec2(x, y))
                .to_vec(),
            2 => [(0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)]
                .map(|(x, y)| at + 1.13 * radius * vec2(x, y))
                .to_vec(),
            3 => [(0.0, -1.24), (1.074, 0.62), (-1.074, 0.62)]
                .map(|(x, y)| at + radius * vec2(x, y))
                .to_vec(),
            4 => {
                let thin = 0.36;
                [
                    (-thin, -1.0),
                    (thin, -1.0),
                    (thin, -thin),
                    (1.0, -thin),
                    (1.0, thin),
                    (thin, thin),
                    (thin, 1.0),
                    (-thin, 1.0),
                    (-thin, thin),
                    (-1.0, thin),
                    (-1.0, -thin),
                    (-thin, -thin),
                ]
                .map(|(x, y)| at + radius * vec2(x, y))
                .to_vec()
            }
            _ => Vec::new(),
        },
    };
    let stroke = Stroke::new(1.2, colour);
    match (corners.is_empty(), hollow) {
        (true, false) => {
            painter.circle_filled(at, radius, colour);
        }
        (true, true) => {
            painter.circle_stroke(at, radius, stroke);
        }
        (false, true) => {
            painter.add(Shape::closed_line(corners, stroke));
        }
        (false, false) if slot % 5 == 4 => {
            // A cross is not convex: two bars.
            for size in [vec2(1.0, 0.36), vec2(0.36, 1.0)] {
                let bar = Rect::from_center_size(at, 2.0 * radius * size);
                painter.rect_filled(bar, 0.0, colour);
            }
        }
        (false, false) => {
            painter.add(Shape::convex_polygon(corners, colour, Stroke::NONE));
        }
    }
}
