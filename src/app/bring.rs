//! Which panel shows what was asked for.

use super::App;
use super::command::{Action, Command};
use super::points::command::PointsCommand;
use super::state::Workspace;

impl App {
    /// Brings the panel to the front that shows what was asked for.
    pub(super) fn bring(&mut self, command: &Command) {
        use super::views::Panel;
        let panel = match command {
            Command::Do(Action::Predict) => Panel::Predictions,
            Command::Do(Action::MaskWord) => Panel::Selection,
            Command::Do(Action::Similar) => Panel::Similar,
            Command::Do(Action::AllHeads) => Panel::Heads,
            Command::Do(
                Action::MapIn | Action::MapOut | Action::MapWhole | Action::MapToSelection,
            ) => Panel::Map,
            Command::Do(Action::Flow | Action::FlowOfAll) => Panel::Flow,
            Command::Do(Action::Points | Action::DrawPoints) => Panel::Points,
            Command::Do(Action::NearPoints) => Panel::Near,
            Command::Do(Action::SavePoints | Action::CopyPoints) => Panel::Chosen,
            Command::Points(PointsCommand::Choose(..)) => Panel::Chosen,
            Command::Do(Action::CheckRun | Action::TrainOnOpen | Action::TrainOnDemo) => {
                Panel::NewRun
            }
            Command::Do(Action::StartRun | Action::PauseRun) => Panel::Run,
            Command::Do(Action::Judge) => Panel::Judge,
            Command::Do(Action::WatchNote | Action::PlayFrames) => Panel::Watch,
            Command::Do(Action::ReadRuns) => Panel::Runs,
            // Of a panel behind others nothing is painted.
            Command::Figure(panel) => *panel,
            Command::Train(own) => match own.panel() {
                Some(panel) => panel,
                None => return,
            },
            _ => return,
        };
        let workspace = match panel {
            Panel::Heads | Panel::Map | Panel::Flow => Workspace::Look,
            Panel::Points | Panel::Near | Panel::Chosen => Workspace::Map,
            Panel::NewRun | Panel::Run | Panel::Watch | Panel::Runs | Panel::Judge => {
                Workspace::Train
            }
            _ => self.actor.state.workspace,
        };
        if !self.layout.bring(workspace, panel) {
            // Only Read has it.
            self.layout.bring(Workspace::Read, panel);
            self.actor.execute(Command::Do(Action::Read));
        }
    }
}
