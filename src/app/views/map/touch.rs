//! What the pointer and the keys do on a map.

use eframe::egui::{Key, Modifiers, PointerButton, Pos2, Rect, Response, Ui};

use super::{MapView, window};
use crate::app::command::Command;
use crate::app::jobs::Purpose;
use crate::app::results::{MapPart, MapState};
use crate::app::state::State;
use crate::app::viewport::Viewport;
use crate::app::widgets::parts;
use crate::engine::AttentionMap;

/// How much closer a step of the wheel goes, as a power of e for each point.
const WHEEL: f32 = 1.0 / 160.0;

impl MapView {
    pub(super) fn touch(
        &mut self,
        ui: &Ui,
        rect: Rect,
        response: &Response,
        state: &State,
        map: &AttentionMap,
        commands: &mut Vec<Command>,
    ) {
        let (view, tokens) = (state.map_view(), map.spans.len());
        let mut next = view;
        let share = |at: Pos2| {
            let own = (at - rect.min) / rect.size();
            [f64::from(own.y), f64::from(own.x)]
        };
        if response.dragged_by(PointerButton::Primary) {
            let by = response.drag_delta() / rect.size();
            next = next.moved([f64::from(-by.y), f64::from(-by.x)], tokens);
        }
        if response.has_focus() {
            parts::take_arrows(ui, response.id);
            let steps = [
                (Key::ArrowUp, [-0.25, 0.0]),
                (Key::ArrowDown, [0.25, 0.0]),
                (Key::ArrowLeft, [0.0, -0.25]),
                (Key::ArrowRight, [0.0, 0.25]),
            ];
            for (key, by) in steps {
                if ui.input_mut(|own| own.consume_key(Modifiers::NONE, key)) {
                    next = next.moved(by, tokens);
                }
            }
            // Without a pointer what is in the middle is read.
            if response.hover_pos().is_none() {
                self.read(view, [0.5, 0.5], state, map, commands);
                if ui.input_mut(|own| own.consume_key(Modifiers::NONE, Key::Enter)) {
                    commands.push(Command::ChooseCell);
                }
            }
        }
        if let Some(at) = response.hover_pos() {
            let (wheel, pinch) = ui.input(|own| (own.smooth_scroll_delta().y, own.zoom_delta()));
            let factor = f64::from((wheel * WHEEL).exp() * pinch);
            if factor != 1.0 {
                next = next.zoomed(factor, share(at), tokens);
            }
            if response.double_clicked() {
                next = next.zoomed(4.0, share(at), tokens);
            }
            self.read(view, share(at), state, map, commands);
            if response.clicked() {
                commands.push(Command::ChooseCell);
            }
        }
        if next != view {
            let map = MapState {
                view: Some(next),
                ..state.map.clone()
            };
            commands.push(Command::MapView(map));
        }
    }

    /// Asks for the value of the block at a point of the view.
    fn read(
        &mut self,
        view: Viewport,
        at: [f64; 2],
        state: &State,
        map: &AttentionMap,
        commands: &mut Vec<Command>,
    ) {
        let (side, tokens) = (view.side(), map.spans.len());
        let block = view.at(at).map(|own| own.max(0.0) as usize / side * side);
        if block.iter().any(|first| *first >= tokens) {
            return;
        }
        let [rows, columns] = block.map(|first| first..(first + side).min(tokens));
        let part = MapPart {
            of: map.of,
            rows,
            columns,
            side,
            block: map.block,
            near: window(map),
        };
        let busy = (state.jobs).is_running(|own| matches!(own, Purpose::Cell(_)));
        let asked = state.cell_asked.as_ref().map(|(_, part)| part);
        if !busy && asked != Some(&part) {
            commands.push(Command::Cell(part));
        }
    }
}
