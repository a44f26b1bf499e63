//! Sections that look at sections, as ribbons.

use eframe::egui::{
    self, Color32, Mesh, Pos2, Rect, Response, Role, Sense, Shape, Ui, WidgetInfo, pos2, vec2,
};

use super::{Drawn, FlowView, label};
use crate::app::theme;

impl FlowView {
    /// Sections at the left look at sections at the right.
    pub(super) fn ribbons(&mut self, ui: &mut Ui, drawn: &Drawn<'_>) {
        let palette = theme::palette(ui);
        let count = drawn.names.len();
        let width = ui.available_width().max(240.0);
        let high = 26.0;
        let size = vec2(width, high * count as f32 + 6.0);
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        let side = (width * 0.32).min(150.0);
        let (left, right) = (rect.min.x + side, rect.max.x - side);
        let top = |number: usize| rect.min.y + high * number as f32 + 3.0;
        let bar = high - 6.0;
        let mut arrived = vec![0.0f32; count];
        // Where much arrives the ribbons share the height.
        let sums: Vec<f32> = (0..count)
            .map(|to| (0..count).map(|from| drawn.value([from, to])).sum())
            .collect();
        let widest = sums.iter().copied().fold(1.0, f32::max);
        let hovered = ui.input(|own| own.pointer.hover_pos());
        let chosen = self.pair.map(|[from, _]| from);
        for from in 0..count {
            let mut left_y = top(from);
            for (to, sum) in arrived.iter_mut().enumerate() {
                let value = drawn.value([from, to]);
                let (thick, thin) = (value * bar, value / widest * bar);
                let right_y = top(to) + *sum / widest * bar;
                *sum += value;
                if value * bar >= 0.35 {
                    let strong = chosen.is_none_or(|own| own == from);
                    let colour = match strong {
                        true => theme::mix(palette.surface, palette.heat, 0.75),
                        false => theme::mix(palette.surface, palette.ink, 0.10),
                    };
                    let ends = [pos2(left, left_y), pos2(right, right_y)];
                    ui.painter()
                        .add(ribbon(ends, [thick, thin], colour.gamma_multiply(0.7)));
                }
                left_y += thick;
            }
        }
        for (number, name) in drawn.names.iter().enumerate() {
            let y = top(number);
            for (area, align) in [
                (
                    Rect::from_min_size(pos2(rect.min.x, y), vec2(side - 10.0, bar)),
                    "looks",
                ),
                (
                    Rect::from_min_size(pos2(right + 10.0, y), vec2(side - 10.0, bar)),
                    "seen",
                ),
            ] {
                label(ui, area, name, palette.ink);
                if align == "looks" {
                    let id = ui.scope_id().with(("ribbon", number));
                    let response = ui.interact(area, id, Sense::click());
                    let said = format!("{name} looks");
                    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &said));
                    if focus(&response, hovered, area) {
                        let most = (0..count).max_by(|a, b| {
                            drawn
                                .value([number, *a])
                                .total_cmp(&drawn.value([number, *b]))
                        });
                        self.pair = most.map(|to| [number, to]);
                    }
                }
            }
            let edge = |x: f32| Rect::from_min_size(pos2(x - 2.0, y), vec2(4.0, bar));
            for x in [left - 2.0, right + 2.0] {
                ui.painter().rect_filled(edge(x), 1.0, palette.soft);
            }
        }
    }
}

fn focus(response: &Response, pointer: Option<Pos2>, area: Rect) -> bool {
    response.has_focus() || (response.hovered() && pointer.is_some_and(|own| area.contains(own)))
}

/// A band that bends from one upper end to the other, so thick at each.
fn ribbon([from, to]: [Pos2; 2], [thick, thin]: [f32; 2], colour: Color32) -> Shape {
    const STEPS: u32 = 24;
    let mut mesh = Mesh::default();
    for step in 0..=STEPS {
        let share = step as f32 / STEPS as f32;
        // Smoothstep: level at both ends.
        let bend = share * share * (3.0 - 2.0 * share);
        let x = egui::lerp(from.x..=to.x, share);
        let y = egui::lerp(from.y..=to.y, bend);
        let thickness = egui::lerp(thick..=thin, bend);
        mesh.colored_vertex(pos2(x, y), colour);
        mesh.colored_vertex(pos2(x, y + thickness), colour);
        if step > 0 {
            let last = 2 * step;
            mesh.add_triangle(last - 2, last - 1, last);
            mesh.add_triangle(last - 1, last, last + 1);
        }
    }
    Shape::mesh(mesh)
}
