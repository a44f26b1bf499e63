//! Remembers what failed, and offers what a person may do about it.

use super::Actor;
use crate::app::command::{Action, Command};
use crate::app::jobs::Purpose;
use crate::app::messages::{Next, Weight};
use crate::app::state::ModelState;
use crate::app::train::Ask;
use crate::app::worker::Failure;

/// The choice of device that every computer has.
const CPU: &str = "cpu";

impl Actor {
    pub(super) fn failed(&mut self, purpose: &Purpose, failure: Failure) {
        let reason = failure.sentence;
        if purpose.is_of_training() {
            self.train_failed(purpose, &reason);
        }
        let next = self.next_step(purpose, failure.of_device, failure.lost);
        let results = &mut self.state.results;
        match purpose {
            Purpose::Model(folder) => {
                self.state.model = ModelState::Failed(folder.clone(), reason.clone());
            }
            Purpose::Predictor(folder) => {
                self.state.predictor = ModelState::Failed(folder.clone(), reason.clone());
            }
            Purpose::Tokens(key) => {
                results.entry(*key).or_default().tokens.failure = Some(reason.clone());
            }
            Purpose::Fill(key, _) => {
                results.entry(*key).or_default().fill.failure = Some(reason.clone());
            }
            Purpose::Surprise(key) => {
                results.entry(*key).or_default().surprise.failure = Some(reason.clone());
                self.state.shown.surprise = false;
            }
            Purpose::Classify(key) => {
                results.entry(*key).or_default().classes.failure = Some(reason.clone());
            }
            Purpose::Tag(key) => {
                results.entry(*key).or_default().tags.failure = Some(reason.clone());
            }
            Purpose::Attend(key, _) => {
                // It may be of a word that is not read: the panel says so, nothing more.
                results.entry(*key).or_default().attention.failure = Some(reason);
                self.attend_on();
                return;
            }
            Purpose::Overview(key, _) => {
                results.entry(*key).or_default().heads.failure = Some(reason.clone());
            }
            Purpose::Map(key) => {
                // The panel says so, nothing more.
                results.entry(*key).or_default().map.failure = Some(reason);
                return;
            }
            Purpose::Cell(key) => {
                results.entry(*key).or_default().cell.failure = Some(reason);
                self.go_to_cell = None;
                return;
            }
            Purpose::Flow(key) => {
                results.entry(*key).or_default().flow.failure = Some(reason.clone());
            }
            Purpose::MeanFlow => self.state.mean_flow.failure = Some(reason.clone()),
            Purpose::Similar(key, ..) => {
                results.entry(*key).or_default().similar.failure = Some(reason.clone());
            }
            Purpose::Points(..) => self.state.points.map.failure = Some(reason.clone()),
            Purpose::Arrange(_) => self.state.points.arranged.failure = Some(reason.clone()),
            Purpose::NearPoints(_) => self.state.points.near.failure = Some(reason.clone()),
            // Nobody asked for it, and what is wrong shows with the first note.
            Purpose::Measure | Purpose::Trim => return,
            // Nobody asked for them: their names can be typed.
            Purpose::Columns => return,
            // The panel says so, nothing more.
            Purpose::Frames(_) => return,
            Purpose::Import
            | Purpose::Paste
            | Purpose::SavePoints
            | Purpose::RestoreFrame
            | Purpose::CheckRun
            | Purpose::TrainRun(_)
            | Purpose::Judge
            | Purpose::Runs
            | Purpose::OpenRun(_)
            | Purpose::OpenRecipe(_)
            | Purpose::SaveRecipe(_) => {}
        }
        let title = format!("{} failed", purpose.title());
        let messages = &mut self.state.messages;
        messages.offer(Weight::Failure, title, reason, next);
    }

    /// What a person may do when this has failed.
    fn next_step(&self, purpose: &Purpose, of_device: bool, lost: bool) -> Option<Next> {
        let next = |title, command| Some(Next { title, command });
        let is_run = matches!(purpose, Purpose::TrainRun(_));
        // On a device that was lost a run goes on, for it is opened anew.
        if of_device && !(is_run && lost && self.can_go_on()) && !self.computes_on_cpu() {
            let cpu = Command::Device(CPU.to_owned());
            return next("Compute on the processor", cpu);
        }
        match purpose {
            Purpose::Model(folder) => next("Try again", Command::UseModel(folder.clone())),
            Purpose::Predictor(folder) => next("Try again", Command::UsePredictor(folder.clone())),
            Purpose::TrainRun(folder) if self.can_go_on() => {
                let own = Ask::GoOn(folder.clone());
                next("Go on", Command::Train(Box::new(own)))
            }
            Purpose::TrainRun(_) => next("Start again", Command::Do(Action::StartRun)),
            Purpose::CheckRun => next("Check again", Command::Do(Action::CheckRun)),
            Purpose::Judge => next("Judge again", Command::Do(Action::Judge)),
            Purpose::SavePoints => next("Save elsewhere…", Command::Do(Action::SavePoints)),
            Purpose::Points(..) => next("Draw again", Command::Do(Action::DrawPoints)),
            Purpose::Arrange(_) => next("Arrange again", Command::Do(Action::ArrangePoints)),
            Purpose::Overview(..) => next("Look again", Command::Do(Action::AllHeads)),
            Purpose::Flow(_) => next("Look again", Command::Do(Action::Flow)),
            Purpose::MeanFlow => next("Look again", Command::Do(Action::FlowOfAll)),
            Purpose::Fill(..) => next("Fill again", Command::Do(Action::MaskWord)),
            Purpose::Surprise(_) => next("Measure again", Command::Do(Action::Surprise)),
            Purpose::Classify(_) | Purpose::Tag(_) => {
                next("Predict again", Command::Do(Action::Predict))
            }
            Purpose::Similar(..) => next("Compare again", Command::Do(Action::Similar)),
            Purpose::Import | Purpose::Paste => next("Open notes…", Command::Do(Action::OpenFiles)),
            Purpose::Runs => next("Look again", Command::Do(Action::ReadRuns)),
            Purpose::OpenRun(folder) => {
                let own = Ask::OpenRun(folder.clone());
                next("Open again", Command::Train(Box::new(own)))
            }
            Purpose::OpenRecipe(_) => next("Open another…", Command::Do(Action::OpenRecipe)),
            Purpose::SaveRecipe(_) => next("Save elsewhere…", Command::Do(Action::SaveRecipe)),
            Purpose::Tokens(key) => next("Read again", Command::Show(*key)),
            // The panel says so, and the next movement of the hand asks anew.
            Purpose::Attend(..)
            | Purpose::Map(_)
            | Purpose::Cell(_)
            | Purpose::NearPoints(_)
            | Purpose::Frames(_)
            | Purpose::RestoreFrame
            | Purpose::Columns
            | Purpose::Measure
            | Purpose::Trim => None,
        }
    }

    fn computes_on_cpu(&self) -> bool {
        self.device.as_ref().unwrap_or(&self.state.settings.device) == CPU
    }
}
