//! The plot of the map of points.

use std::sync::Arc;

use eframe::egui::{Pos2, Rect, Sense, Ui, vec2};

use super::super::View;
use super::bar::{bar, nothing};
use super::plot_id;
use super::words::{describe, hint, how, said};
use crate::app::command::Command;
use crate::app::moving::one_line;
use crate::app::points::camera::{Camera, STEP, bounds};
use crate::app::points::classes::{Classes, SLOTS};
use crate::app::points::command::PointsCommand;
use crate::app::points::gpu::Drawn;
use crate::app::points::grid::Grid;
use crate::app::state::State;
use crate::app::theme;
use crate::app::widgets::same::Of;

/// The panel.
#[derive(Default)]
pub struct PointsView {
    places: Of<Vec<[f32; 2]>>,
    pub(super) grid: Grid,
    pub(super) drawn: Option<Arc<Drawn>>,
    classes: Of<Classes>,
    chosen: Of<Vec<u32>>,
    hidden: [bool; SLOTS],
    version: u64,
    /// What is being drawn around points, on the screen.
    pub(super) line: Vec<Pos2>,
    /// The point that was brought into view last.
    shown: Option<usize>,
    /// How often it was to get the keys, and the steps closer that it has made.
    focused: u64,
    closer: f32,
    /// The bounds of the places on the screen.
    bounds: Option<[[f32; 2]; 2]>,
    bounded: Of<Vec<[f32; 2]>>,
    /// The height of what is said under the plot.
    under: f32,
}

/// Space under the plot for what is said of it, before that was laid out once.
const UNDER: f32 = 66.0;

/// Height of the plot at least.
const LEAST: f32 = 120.0;

impl View for PointsView {
    fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        let Some(map) = state.points.map.value.clone() else {
            nothing(ui, state, commands);
            // What comes next is not drawn closer.
            self.closer = state.points.closer;
            return;
        };
        bar(ui, state, commands);
        if let Some(failure) = &state.points.map.failure {
            ui.colored_label(theme::palette(ui).bad, failure);
        }
        let room = ui.available_rect_before_wrap();
        let under = if self.under > 0.0 { self.under } else { UNDER };
        let height = (room.height() - under).max(LEAST);
        let rect = Rect::from_min_size(room.min, vec2(room.width(), height));
        let Some((camera, whole)) = self.camera_in(rect, state, commands) else {
            return;
        };
        self.prepare(state);
        let response = ui.interact(rect, plot_id(), Sense::click_and_drag());
        ui.advance_cursor_after_rect(rect);
        let wanted = state.points.focus;
        if std::mem::replace(&mut self.focused, wanted) != wanted
            && ui.memory(|own| own.focused().is_none())
        {
            response.request_focus();
        }
        let camera = self.follow(rect, camera, state, commands);
        let under = self.touch(ui, &response, (camera, whole), state, commands);
        self.paint(ui, rect, (camera, whole), state, under);
        describe(&response, &map, state);
        how(ui, rect, state);
        if let Some(row) = under {
            hint(&response, &map, row, state);
        }
        said(ui, &map, state);
        let under = ui.min_rect().max.y - rect.max.y;
        if (std::mem::replace(&mut self.under, under) - under).abs() > 0.5 {
            ui.ctx().request_repaint();
        }
    }

    fn numbers(&self, state: &State) -> Option<String> {
        let map = state.points.map.value.as_ref()?;
        let places = state.points.places()?;
        let mut table = "point\tclass\tx\ty\n".to_owned();
        for (row, [x, y]) in places.iter().enumerate().take(map.count()) {
            let class = one_line(state.points.classes.name(row).unwrap_or(""));
            table += &format!("{row}\t{class}\t{x}\t{y}\n");
        }
        Some(table)
    }

    fn help(&self) -> &'static str {
        "Each point is a part of a note; alike ones are near. Drag to move, turn the wheel to come closer, \
         click a point to see it in its note, double-click to open it there. By keys: arrows go from point \
         to point, with Shift they put them into the list, + and − come closer and go farther, 0 shows all, \
         Enter opens, N lists what is near, L and B draw around points, with B Enter sets both corners, \
         Space takes one, C its class, Escape clears."
    }
}

impl PointsView {
    /// Makes anew what follows from the points, where these have changed.
    fn prepare(&mut self, state: &State) {
        let points = &state.points;
        let Some(places) = points.places() else {
            return;
        };
        let moved = self.places.changes(Some(places));
        if moved {
            self.grid = Grid::new(places);
        }
        let coloured = self.classes.changes(Some(&points.classes));
        let taken = self.chosen.changes(Some(&points.chosen));
        let hides = std::mem::replace(&mut self.hidden, points.hidden) != points.hidden;
        if moved || coloured || taken || hides || self.drawn.is_none() {
            self.version += 1;
            let slot = |row| points.classes.slot(row);
            let drawn = Drawn::new(places, slot, &points.hidden, &points.chosen, self.version);
            self.drawn = Some(Arc::new(drawn));
        }
    }

    /// The part that is on the screen in a plot there, after what was asked by keys, and the part that
    /// holds all points.
    fn camera_in(
        &mut self,
        rect: Rect,
        state: &State,
        commands: &mut Vec<Command>,
    ) -> Option<(Camera, Camera)> {
        let points = &state.points;
        let places = points.places()?;
        if self.bounded.changes(Some(places)) {
            self.bounds = bounds(places);
        }
        let whole = Camera::whole(self.bounds?, rect.size());
        let steps = points.closer - std::mem::replace(&mut self.closer, points.closer);
        let mut own = points.camera.unwrap_or(whole);
        if steps != 0.0 {
            own = own.zoomed(STEP.powf(steps), rect, rect.center(), whole);
            commands.push(Command::Points(PointsCommand::Camera(Some(own))));
        }
        Some((own, whole))
    }

    /// Brings a point into view that was chosen elsewhere or by keys.
    fn follow(
        &mut self,
        rect: Rect,
        camera: Camera,
        state: &State,
        commands: &mut Vec<Command>,
    ) -> Camera {
        let at = state.point_at();
        if std::mem::replace(&mut self.shown, at) == at {
            return camera;
        }
        let place = at.and_then(|row| state.points.places()?.get(row).copied());
        match place {
            Some(place) if !rect.shrink(8.0).contains(camera.to_screen(rect, place)) => {
                let camera = camera.showing(rect, place);
                commands.push(Command::Points(PointsCommand::Camera(Some(camera))));
                camera
            }
            _ => camera,
        }
    }
}
