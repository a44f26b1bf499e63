//! The map of points: what its panels ask for, its colours, and when it is forgotten.

mod list;
mod make;
#[cfg(test)]
mod tests;
mod walk;

use std::sync::Arc;

use super::Actor;
use crate::app::points::Tool;
use crate::app::points::classes::{Classes, ColourBy, choices};
use crate::app::points::command::PointsCommand;
use crate::app::results::Asked;
use crate::app::state::Workspace;

impl Actor {
    /// Carries out what a panel of the map of points asks for.
    pub(super) fn points_command(&mut self, command: PointsCommand) {
        let points = &mut self.state.points;
        match command {
            PointsCommand::Want(wanted) => points.wanted = wanted,
            PointsCommand::Way(way) => self.place_points(way),
            PointsCommand::Colour(by) => {
                points.colour = by;
                points.hidden = Default::default();
                self.classify_points();
            }
            PointsCommand::Hide(slot, hidden) => {
                if let Some(own) = points.hidden.get_mut(slot) {
                    *own = hidden;
                }
            }
            PointsCommand::ChooseClass(slot, combine) => self.choose_class(slot, combine),
            PointsCommand::Tool(tool) => {
                points.tool = tool;
                points.corner = None;
            }
            PointsCommand::Camera(camera) => points.camera = camera,
            PointsCommand::At(row) => self.go_to_point(row),
            PointsCommand::Open(row) => {
                self.go_to_point(row);
                self.open_point();
            }
            PointsCommand::Choose(rows, combine) => {
                points.chosen = Arc::new(combine.of(&points.chosen, &rows));
            }
            PointsCommand::Label(label) => points.label = label.0,
            PointsCommand::OpenSaved(open) => points.opens_saved = open,
            PointsCommand::AskSave(format) => self.ask_for_points_file(format),
            PointsCommand::Save(format, path) => self.save_points_to(format, path),
        }
    }

    pub(super) fn go_to_points(&mut self) {
        self.go_to(Workspace::Map);
        self.state.points.focus += 1;
    }

    /// Says anew which point is of which class.
    pub(super) fn classify_points(&mut self) {
        let state = &mut self.state;
        let Some(map) = &state.points.map.value else {
            return;
        };
        let choices = choices(map.points.unit, &state.library);
        if !choices.contains(&state.points.colour) {
            state.points.colour = choices.first().cloned().unwrap_or(ColourBy::Nothing);
        }
        let classes = Classes::new(map, &state.points.colour, &state.library, &state.results);
        state.points.classes = Arc::new(classes);
    }

    /// Something was predicted: where colours stand for that, they follow.
    pub(super) fn points_predicted(&mut self) {
        if self.state.points.colour == ColourBy::Predicted {
            self.classify_points();
        }
    }

    /// What `Clear` clears in the map; whether there was something.
    pub(super) fn clear_points(&mut self) -> bool {
        let state = &mut self.state;
        if state.workspace != Workspace::Map || state.welcome {
            return false;
        }
        let points = &mut state.points;
        if points.tool != Tool::Move {
            points.tool = Tool::Move;
            points.corner = None;
        } else if !points.chosen.is_empty() {
            points.chosen = Arc::default();
        } else if points.near.value.is_some() {
            points.near = Asked::default();
        } else {
            return false;
        }
        true
    }

    /// Forgets the points, which are of another model, of notes that are closed, or read otherwise.
    pub(super) fn forget_points(&mut self) {
        self.state.forget_points();
    }
}
