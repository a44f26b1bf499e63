//! The panels of the workspaces.

mod flow;
mod heads;
mod lens;
pub mod library;
mod map;
mod note;
mod outline;
pub mod points;
mod predictions;
mod row;
mod selection;
mod similar;
mod train;

use eframe::egui::Ui;
use serde::{Deserialize, Serialize};

use super::command::Command;
use super::figure::Pictures;
use super::state::State;

/// A panel.
pub trait View {
    /// Draws it.
    fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>);

    /// What it shows, as a table for a spreadsheet, if it shows numbers.
    fn numbers(&self, _: &State) -> Option<String> {
        None
    }

    /// The pixels of the pictures that it paints, for a figure.
    fn pictures(&self) -> Pictures {
        Pictures::new()
    }

    /// What can be done in it, in sentences.
    fn help(&self) -> &'static str;
}

/// Which panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Panel {
    /// The notes that are open.
    Library,
    /// The text of the note on view.
    Note,
    /// Its sections.
    Outline,
    /// What is chosen in it.
    Selection,
    /// Labels and spans.
    Predictions,
    /// Passages that are like what is chosen.
    Similar,
    /// Layers, heads and ways of the lens.
    Lens,
    /// What the lens shows, in numbers.
    Row,
    /// All heads at a glance.
    Heads,
    /// One head, from the whole note to a value.
    Map,
    /// How sections look at each other.
    Flow,
    /// What the map of points is made of, and what its colours stand for.
    PointsSetup,
    /// Parts of many notes as points.
    Points,
    /// The points that are chosen.
    Chosen,
    /// The points that are near one.
    Near,
    /// The training run that is described.
    NewRun,
    /// What a training run does or did.
    Run,
    /// What notes come to while a run is made.
    Watch,
    /// Training runs, in a table.
    Runs,
    /// How good a model is.
    Judge,
}

impl Panel {
    /// Its name on its tab.
    pub fn title(self) -> &'static str {
        match self {
            Self::Library => "Notes",
            Self::Note => "Text",
            Self::Outline => "Outline",
            Self::Selection => "Selection",
            Self::Predictions => "Predictions",
            Self::Similar => "Similar",
            Self::Lens => "Lens",
            Self::Row => "Attention",
            Self::Heads => "All heads",
            Self::Map => "Map",
            Self::Flow => "Sections",
            Self::PointsSetup => "Setup",
            Self::Points => "Points",
            Self::Chosen => "Chosen",
            Self::Near => "Near",
            Self::NewRun => "New run",
            Self::Run => "Run",
            Self::Watch => "Watch",
            Self::Runs => "Runs",
            Self::Judge => "Judge",
        }
    }
}

/// All panels with what each remembers of itself.
#[derive(Default)]
pub struct Views {
    library: library::Library,
    note: note::NoteView,
    outline: outline::Outline,
    selection: selection::SelectionView,
    predictions: predictions::Predictions,
    similar: similar::SimilarView,
    lens: lens::LensView,
    row: row::Row,
    heads: heads::HeadsView,
    map: map::MapView,
    flow: flow::FlowView,
    points_setup: points::setup::Setup,
    points: points::plot::PointsView,
    chosen: points::lists::ChosenView,
    near: points::lists::NearView,
    new_run: train::setup::NewRun,
    run: train::run::RunView,
    watch: train::watch::WatchView,
    runs: train::runs::RunsView,
    judge: train::judge::JudgeView,
}

impl Views {
    /// A panel.
    pub fn get(&mut self, panel: Panel) -> &mut dyn View {
        match panel {
            Panel::Library => &mut self.library,
            Panel::Note => &mut self.note,
            Panel::Outline => &mut self.outline,
            Panel::Selection => &mut self.selection,
            Panel::Predictions => &mut self.predictions,
            Panel::Similar => &mut self.similar,
            Panel::Lens => &mut self.lens,
            Panel::Row => &mut self.row,
            Panel::Heads => &mut self.heads,
            Panel::Map => &mut self.map,
            Panel::Flow => &mut self.flow,
            Panel::PointsSetup => &mut self.points_setup,
            Panel::Points => &mut self.points,
            Panel::Chosen => &mut self.chosen,
            Panel::Near => &mut self.near,
            Panel::NewRun => &mut self.new_run,
            Panel::Run => &mut self.run,
            Panel::Watch => &mut self.watch,
            Panel::Runs => &mut self.runs,
            Panel::Judge => &mut self.judge,
        }
    }
}
