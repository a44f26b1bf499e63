//! What the pointer does in the plot: it moves the map, comes closer, and draws around points.

use eframe::egui::{CursorIcon, PointerButton, Pos2, Rect, Response, Ui};

use super::plot::PointsView;
use crate::app::command::Command;
use crate::app::points::Tool;
use crate::app::points::camera::Camera;
use crate::app::points::command::{Combine, PointsCommand};
use crate::app::state::State;
use crate::app::widgets::parts;

/// How much closer a step of the wheel goes, as a power of e for each point.
const WHEEL: f32 = 1.0 / 160.0;

/// How far from a point the pointer may be, in points of the screen.
const REACH: f32 = 10.0;

impl PointsView {
    /// What the pointer does; the point under it.
    pub(super) fn touch(
        &mut self,
        ui: &Ui,
        response: &Response,
        (camera, whole): (Camera, Camera),
        state: &State,
        commands: &mut Vec<Command>,
    ) -> Option<usize> {
        let (points, rect) = (&state.points, response.rect);
        if response.has_focus() {
            parts::take_arrows(ui, response.id);
        }
        if response.clicked() || response.drag_started() {
            response.request_focus();
        }
        let mut next = camera;
        let draws = points.tool != Tool::Move && !response.dragged_by(PointerButton::Middle);
        match (response.interact_pointer_pos(), draws) {
            (Some(at), true) if response.drag_started() => {
                // Where it was pressed: it is a drag only some way from there.
                let origin = ui.input(|own| own.pointer.press_origin());
                self.line = Vec::from([origin.unwrap_or(at), at]);
            }
            (Some(at), true) if response.dragged() && self.is_far(at) => self.line.push(at),
            (_, true) if response.drag_stopped() => self.choose(ui, rect, camera, state, commands),
            (_, false) if response.dragged() => next = next.moved(response.drag_delta()),
            _ => {}
        }
        if !draws {
            self.line.clear();
        }
        let cursor = match (draws, response.dragged()) {
            (true, _) => CursorIcon::Crosshair,
            (false, true) => CursorIcon::Grabbing,
            (false, false) => CursorIcon::Default,
        };
        let response = response.clone().on_hover_cursor(cursor);
        let at = response.hover_pos()?;
        let (wheel, pinch) = ui.input(|own| (own.smooth_scroll_delta().y, own.zoom_delta()));
        let factor = (wheel * WHEEL).exp() * pinch;
        if factor != 1.0 {
            next = next.zoomed(factor, rect, at, whole);
        }
        if next != camera {
            commands.push(Command::Points(PointsCommand::Camera(Some(next))));
        }
        let places = points.places()?;
        let under = self.grid.nearest(
            places,
            camera.to_place(rect, at),
            REACH / camera.scale,
            |row| points.is_drawn(row),
        );
        if let Some(row) = under {
            if response.double_clicked() {
                commands.push(Command::Points(PointsCommand::Open(row)));
            } else if response.clicked() {
                commands.push(Command::Points(PointsCommand::At(row)));
            }
        }
        under.filter(|_| !response.dragged())
    }

    /// Whether a corner there would be another one than the last.
    fn is_far(&self, at: Pos2) -> bool {
        self.line.last().is_none_or(|own| own.distance(at) > 2.0)
    }

    /// Chooses what was drawn around.
    fn choose(
        &mut self,
        ui: &Ui,
        rect: Rect,
        camera: Camera,
        state: &State,
        commands: &mut Vec<Command>,
    ) {
        let line = std::mem::take(&mut self.line);
        let (Some(places), [first, .., last]) = (state.points.places(), &line[..]) else {
            return;
        };
        let place = |at: &Pos2| camera.to_place(rect, *at);
        let mut rows = match state.points.tool {
            Tool::Box => self.grid.in_box(places, place(first), place(last)),
            _ => {
                let line: Vec<[f32; 2]> = line.iter().map(place).collect();
                self.grid.in_line(places, &line)
            }
        };
        rows.retain(|&row| state.points.is_drawn(row as usize));
        let combine = match ui.input(|own| (own.modifiers.shift, own.modifiers.alt)) {
            (true, _) => Combine::Add,
            (_, true) => Combine::Remove,
            _ => Combine::Replace,
        };
        commands.push(Command::Points(PointsCommand::Choose(rows, combine)));
    }
}
