//! The panels of the map of points.

mod bar;
mod legend;
pub mod lists;
mod mark;
mod paint;
pub mod plot;
mod pointer;
pub mod setup;
mod words;

use eframe::egui::{Color32, Context, Id};

use crate::app::jobs::{Purpose, Running};
use crate::app::points::classes::{SHOWN, SLOTS};
use crate::app::state::{State, Workspace};
use crate::app::theme::{self, Palette};

/// The plot, as what has the keys.
pub(super) fn plot_id() -> Id {
    Id::unique("plot of points")
}

/// Whether keys are for the map of points: it is on the screen, and nothing else has them.
pub fn has_keys(ctx: &Context, state: &State) -> bool {
    let focused = ctx.memory(|own| own.focused());
    let here = state.workspace == Workspace::Map && !state.welcome;
    here && focused.is_none_or(|own| own == plot_id())
}

/// The colours of the places in the legend.
pub(super) fn colours(palette: &Palette) -> [Color32; SLOTS] {
    let grey = theme::mix(palette.surface, palette.soft, 0.75);
    let pale = theme::mix(palette.surface, palette.soft, 0.5);
    let mut all = [grey; SLOTS];
    all[..SHOWN].copy_from_slice(&palette.classes);
    all[SHOWN + 1] = pale;
    all
}

/// The job that reads points, while one does.
pub(super) fn reading(state: &State) -> Option<&Running> {
    state.jobs.of(|own| matches!(own, Purpose::Points(..)))
}
