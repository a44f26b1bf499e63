//! What stands over the plot: how points are placed, and what the pointer does.

use eframe::egui::Ui;

use super::reading;
use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::jobs::Purpose;
use crate::app::points::{Tool, Way};
use crate::app::state::{ModelState, State};
use crate::app::theme;
use crate::app::widgets::parts;
use crate::engine::PointUnit;

/// What is said where there are no points: what they would be, and the one thing to do.
pub(super) fn nothing(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    if let Some(failure) = &state.points.map.failure {
        ui.colored_label(theme::palette(ui).bad, failure);
    }
    let what = "Sentences, sections or whole notes as points: those that the model reads alike are near \
                each other.";
    let code = state.points.wanted.unit == PointUnit::Code;
    if let Some(own) = reading(state) {
        // Of all that runs this alone.
        let stop = ("Stop", Command::Stop(own.ticket));
        let said = format!("{}. What is read until you stop it is drawn.", own.words());
        controls::empty(ui, "Reading…", &said, Some(stop), commands);
        return;
    }
    let (title, text, action) = match &state.model {
        ModelState::Loading(_) => ("The model is loading…", what, None),
        ModelState::None | ModelState::Failed(..) => (
            "No model",
            what,
            Some(("Choose a model…", Action::OpenModel)),
        ),
        ModelState::Ready(..) if state.library.entries().is_empty() && !code => (
            "No notes yet",
            what,
            Some(("Open notes…", Action::OpenFiles)),
        ),
        ModelState::Ready(..) => (
            "Nothing drawn yet",
            what,
            Some(("Draw the points", Action::DrawPoints)),
        ),
    };
    let action = action.map(|(name, action)| (name, Command::Do(action)));
    controls::empty(ui, title, text, action, commands);
}

/// How points are placed, and what the pointer does.
pub(super) fn bar(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let points = &state.points;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.spacing_mut().button_padding.x = 8.0;
        for (way, action, text) in [
            (Way::Components, Action::ByComponents, "Main differences"),
            (Way::Neighbours, Action::ByNeighbours, "Neighbours"),
        ] {
            controls::toggle(ui, text, points.way == way, action, state, commands);
        }
        ui.add_space(8.0);
        for (tool, action, text) in [
            (Tool::Lasso, Action::Lasso, "Lasso"),
            (Tool::Box, Action::BoxPoints, "Box"),
        ] {
            controls::toggle(ui, text, points.tool == tool, action, state, commands);
        }
        ui.add_space(8.0);
        for (action, text) in [
            (Action::PointsIn, "+"),
            (Action::PointsOut, "−"),
            (Action::AllPoints, "All"),
        ] {
            let button = controls::action_button(ui, text, action, state, commands);
            parts::name(&button, action.title());
        }
        let at = state.point_at().is_some();
        ui.add_space(8.0);
        ui.add_enabled_ui(at, |ui| {
            controls::action_button(ui, "Near", Action::NearPoints, state, commands);
        });
    });
    let arranging = state.jobs.of(|own| matches!(own, Purpose::Arrange(_)));
    if let (Way::Neighbours, Some(own)) = (points.way, arranging) {
        ui.horizontal(|ui| {
            ui.spinner();
            parts::soft(ui, format!("Arranging: {}", own.words()));
            if ui.small_button("Stop").clicked() {
                commands.push(Command::Stop(own.ticket));
            }
        });
    } else if points.way == Way::Neighbours && points.arranged.value.is_none() {
        ui.horizontal_wrapped(|ui| {
            match &points.arranged.failure {
                Some(failure) => ui.colored_label(theme::palette(ui).bad, failure),
                None => parts::soft(ui, "Not arranged to the end."),
            };
            controls::action_button(ui, "Arrange", Action::ArrangePoints, state, commands);
        });
    }
}
