//! Goes from point to point, and looks at the map from nearer or farther.

use std::sync::Arc;

use super::super::Actor;
use crate::app::jobs::Purpose;
use crate::app::messages::Weight;
use crate::app::points::camera::bounds;
use crate::app::points::{NearList, Tool, grid};
use crate::app::state::Workspace;
use crate::app::worker::{Lane, Question};
use crate::engine::SimilarPoint;

/// Points that are listed as near.
const NEAR: usize = 50;

impl Actor {
    pub(super) fn go_to_point(&mut self, row: usize) {
        let Some(map) = self.state.points.map.value.clone() else {
            return;
        };
        if row >= map.count() {
            return;
        }
        self.state.points.at = Some(row);
        let Some(key) = map.note(row) else {
            return;
        };
        self.show(key);
        let bytes = map.bytes(row);
        if !bytes.is_empty() {
            self.select(bytes, true, true);
        }
    }

    /// Goes to the next point in a direction; from none to that in the middle.
    pub(in crate::app::act) fn next_point(&mut self, direction: [f32; 2]) {
        self.go_to_points();
        let state = &self.state;
        let Some(places) = state.points.places().cloned() else {
            return;
        };
        let drawn = |row: usize| state.points.is_drawn(row);
        let next = match state.point_at() {
            Some(from) => grid::next(&places, from, direction, drawn),
            None => {
                let all = bounds(&places).unwrap_or_default();
                let middle = [0, 1].map(|axis| (all[0][axis] + all[1][axis]) / 2.0);
                let middle = state.points.camera.map_or(middle, |own| own.centre);
                grid::Grid::new(&places).nearest(&places, middle, f32::MAX.sqrt() / 4.0, drawn)
            }
        };
        if let Some(row) = next {
            self.go_to_point(row);
        }
    }

    /// Opens the note of the point that is chosen; with the box it is one of two corners.
    pub(in crate::app::act) fn open_point(&mut self) {
        if self.state.points.tool == Tool::Box
            && let Some(row) = self.state.point_at()
        {
            self.set_corner(row);
            return;
        }
        let (state, at) = (&self.state, self.state.point_at());
        let map = state.points.map.value.as_ref();
        match at.and_then(|row| map?.note(row)) {
            Some(_) => self.go_to(Workspace::Read),
            None => {
                let said = match at {
                    Some(_) => "A code is in no note that could be opened",
                    None => "Choose a point first: click it, or go to it with the arrows",
                };
                self.state.messages.tell(Weight::Note, said, "");
            }
        }
    }

    pub(in crate::app::act) fn zoom_points(&mut self, closer: bool) {
        self.go_to_points();
        self.state.points.closer += if closer { 1.0 } else { -1.0 };
    }

    pub(in crate::app::act) fn all_points(&mut self) {
        self.go_to_points();
        self.state.points.camera = None;
    }

    pub(in crate::app::act) fn use_tool(&mut self, tool: Tool) {
        self.go_to_points();
        let points = &mut self.state.points;
        points.corner = None;
        points.tool = match points.tool == tool {
            true => Tool::Move,
            false => tool,
        };
    }

    /// Looks for what is near the point that is chosen.
    pub(in crate::app::act) fn near_point(&mut self) {
        self.go_to_points();
        let state = &mut self.state;
        let (Some(row), Some(map)) = (state.point_at(), &state.points.map.value) else {
            let said = "Choose a point first: click it, or go to it with the arrows";
            state.messages.tell(Weight::Note, said, "");
            return;
        };
        let question = Question::NearPoints(Arc::clone(&map.points), row, NEAR);
        self.ask(Lane::Hand, None, Purpose::NearPoints(row), question);
    }

    pub(in crate::app::act) fn near_found(&mut self, point: usize, similar: Vec<SimilarPoint>) {
        self.state.points.near.set(NearList { point, similar });
    }
}
