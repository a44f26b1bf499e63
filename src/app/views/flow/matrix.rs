//! Sections by sections, as a matrix.

use eframe::egui::{
    self, Key, Modifiers, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2,
    vec2,
};

use super::{Drawn, FlowView, label, words};
use crate::app::command::Command;
use crate::app::theme;
use crate::app::widgets::parts;

/// Height of a line, and the width of the names beside the matrix.
const LINE: f32 = 20.0;
const NAMES: f32 = 112.0;

impl FlowView {
    pub(super) fn matrix(&mut self, ui: &mut Ui, drawn: &Drawn<'_>, commands: &mut Vec<Command>) {
        let palette = theme::palette(ui);
        let count = drawn.names.len();
        let room = ui.available_width() - NAMES - 8.0;
        let cell = (room / count.max(1) as f32).clamp(9.0, 34.0);
        let high = cell.clamp(LINE, 34.0);
        let most = drawn.most();
        let size = vec2(NAMES + cell * count as f32, LINE + high * count as f32);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let painter = ui.painter().clone();
        let small = egui::FontId::proportional(11.0);
        let frame = Rect::from_min_max(rect.min + vec2(NAMES, LINE), rect.max);
        self.choose(ui, &response, frame, vec2(cell, high), count);
        let pair = self.pair.filter(|own| own.iter().all(|own| *own < count));
        let said = pair.map_or_else(String::new, |own| words(drawn, own));
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::Button, true, "Sections by sections");
            info.current_text_value = Some(said.clone());
            info
        });
        if response.clicked()
            && let Some([from, _]) = pair
        {
            go(drawn, from, commands);
        }
        // Only what is in sight is drawn: a note may have thousands of sections.
        let clip = ui.clip_rect();
        let seen = |from: f32, least: f32, most: f32, step: f32| {
            let first = ((least - from) / step).max(0.0) as usize;
            let end = ((most - from) / step).max(0.0).ceil() as usize;
            first.min(count)..end.min(count)
        };
        let columns = seen(frame.min.x, clip.min.x, clip.max.x, cell);
        let rows = seen(frame.min.y, clip.min.y, clip.max.y, high);
        for number in columns.clone() {
            let x = frame.min.x + cell * (number as f32 + 0.5);
            if cell >= 13.0 || number % 5 == 4 {
                let at = pos2(x, rect.min.y + LINE / 2.0);
                let text = (number + 1).to_string();
                painter.text(
                    at,
                    egui::Align2::CENTER_CENTER,
                    text,
                    small.clone(),
                    palette.soft,
                );
            }
        }
        for from in rows {
            let y = frame.min.y + high * from as f32;
            let area = Rect::from_min_size(pos2(rect.min.x, y), vec2(NAMES - 6.0, high));
            label(
                ui,
                area,
                &format!("{} {}", from + 1, drawn.names[from]),
                palette.ink,
            );
            for to in columns.clone() {
                let at = pos2(frame.min.x + cell * to as f32, y);
                let area = Rect::from_min_size(at, vec2(cell, high)).shrink(0.5);
                let value = drawn.value([from, to]);
                painter.rect_filled(area, 1.0, theme::heat(&palette, (value / most).sqrt()));
                if pair == Some([from, to]) {
                    let ring = Stroke::new(1.5, palette.accent);
                    painter.rect_stroke(area, 1.0, ring, StrokeKind::Inside);
                }
            }
        }
        if response.has_focus() {
            let ring = Stroke::new(1.5, palette.accent);
            painter.rect_stroke(rect, 2.0, ring, StrokeKind::Outside);
        }
        painter.rect_stroke(
            frame,
            0.0,
            Stroke::new(1.0, palette.line),
            StrokeKind::Outside,
        );
        ui.horizontal(|ui| {
            parts::legend(ui, &format!("{most:.4}"), parts::Scale::Root);
            parts::soft(ui, "of what a row looks at");
        });
    }

    /// The pair under the pointer, or where the arrows went.
    fn choose(
        &mut self,
        ui: &Ui,
        response: &Response,
        frame: Rect,
        cell: egui::Vec2,
        count: usize,
    ) {
        let at = response.hover_pos().filter(|own| frame.contains(*own));
        if let Some(at) = at {
            let own = (at - frame.min) / cell;
            let last = count.saturating_sub(1);
            self.pair = Some([own.y as usize, own.x as usize].map(|own| own.min(last)));
        }
        if !response.has_focus() || count == 0 {
            return;
        }
        parts::take_arrows(ui, response.id);
        let [row, column] = self.pair.unwrap_or_default();
        let steps = [
            (Key::ArrowUp, [row.saturating_sub(1), column]),
            (Key::ArrowDown, [row + 1, column]),
            (Key::ArrowLeft, [row, column.saturating_sub(1)]),
            (Key::ArrowRight, [row, column + 1]),
        ];
        for (key, next) in steps {
            if ui.input_mut(|own| own.consume_key(Modifiers::NONE, key)) {
                self.pair = Some(next.map(|own| own.min(count - 1)));
            }
        }
    }
}

fn go(drawn: &Drawn<'_>, section: usize, commands: &mut Vec<Command>) {
    if let Some(bytes) = drawn.bytes.get(section) {
        commands.push(Command::Select(bytes.clone()));
    }
}
