//! Describes training runs, makes them, opens them and judges what came of them.

mod describe;
mod folders;
mod judge;
mod make;

use std::path::{Path, PathBuf};

use super::{Actor, Outside};
use crate::app::command::Action;
use crate::app::jobs::Purpose;
use crate::app::messages::Weight;
use crate::app::results::Asked;
use crate::app::state::Workspace;
use crate::app::train::Ask;
use crate::app::train::live::Ended;
use crate::app::train::outside::Dialog;
use crate::app::train::work::Found;

impl Actor {
    pub(super) fn act_on_training(&mut self, action: Action) {
        match action {
            Action::Train => {
                self.go_to(Workspace::Train);
                self.prepare_training();
            }
            Action::TrainOnOpen => {
                self.go_to(Workspace::Train);
                self.prepare_training();
                let paths = self.state.library.paths().to_vec();
                match paths.is_empty() {
                    true => {
                        let said = "No notes are open that came from files; open some first";
                        self.state.messages.tell(Weight::Note, said, "");
                    }
                    false => {
                        self.tell_of_encodings(&paths);
                        self.set_field("train", words(&paths));
                    }
                }
            }
            Action::TrainOnDemo => {
                self.go_to(Workspace::Train);
                self.prepare_training();
                self.train_on_demo();
            }
            Action::CheckRun => {
                self.go_to(Workspace::Train);
                self.prepare_training();
                self.check_run();
            }
            Action::StartRun => {
                self.go_to(Workspace::Train);
                self.prepare_training();
                self.start_run();
            }
            Action::PauseRun => self.pause_run(),
            Action::OpenRecipe => self.outside.push(Outside::Train(Dialog::Recipe)),
            Action::SaveRecipe => self.outside.push(Outside::Train(Dialog::SaveRecipe)),
            Action::AddRuns => self.outside.push(Outside::Train(Dialog::Runs)),
            Action::ReadRuns => self.look_for_runs(),
            Action::Judge => {
                self.go_to(Workspace::Train);
                self.judge();
            }
            _ => {}
        }
        self.read_columns();
    }

    pub(super) fn train_ask(&mut self, ask: Ask) {
        match ask {
            Ask::Field(name, words) => self.set_field(name, words),
            Ask::AddPaths(field, paths) => self.add_paths(field, &paths),
            Ask::Memory(text) => {
                self.state.train.memory = text;
                // What was found out, or is being found out, is of another limit.
                self.state.jobs.forget(|own| *own == Purpose::CheckRun);
                self.state.train.check = Asked::default();
            }
            Ask::Recipe(path) => self.open_recipe(path),
            Ask::SaveRecipe(path) => self.save_recipe(path),
            Ask::Dialog(dialog) => self.outside.push(Outside::Train(dialog)),
            Ask::Apply => self.apply_proposal(),
            Ask::End => self.state.train.ending = self.state.train.runs_now(),
            Ask::ReallyEnd(really) => {
                self.state.train.ending = false;
                if really {
                    self.state.jobs.stop_all(is_run);
                }
            }
            Ask::GoOn(folder) => self.go_on(&folder),
            Ask::AddRuns(folder) => {
                if !self.state.settings.runs.contains(&folder) {
                    self.state.settings.runs.push(folder);
                    self.keep();
                }
                self.look_for_runs();
            }
            Ask::ForgetRuns(folder) => {
                self.state.settings.runs.retain(|own| *own != folder);
                self.keep();
                self.look_for_runs();
            }
            Ask::Compare(folder, on) => {
                let compared = &mut self.state.train.compared;
                match on {
                    true => compared.insert(folder),
                    false => compared.remove(&folder),
                };
            }
            Ask::OpenRun(folder) => self.open_run(folder),
            Ask::ShowLive => {
                self.state.train.shows_opened = false;
                self.state.train.opened.failure = None;
            }
            Ask::Like(folder) => self.describe_like(&folder),
            Ask::UseBest(folder) => self.use_best(folder),
            Ask::JudgeBy(form) => {
                let train = &mut self.state.train;
                let another = (&form.subject, form.on) != (&train.judge.subject, train.judge.on);
                train.judge = *form;
                if another {
                    // The report says of what it is and stays until there is another; why none came, and
                    // the one that is being made, are of what is not asked for any more.
                    train.judged.failure = None;
                    self.state.jobs.forget(|own| *own == Purpose::Judge);
                }
            }
            Ask::JudgeRun(folder) => {
                self.judge_next(folder);
                self.judge();
            }
            Ask::Cell(cell) => self.state.train.cell = cell,
            Ask::ShowJudged(held) => self.show_judged(held),
            Ask::Watch(own) => self.watch_ask(own),
        }
        self.read_columns();
    }

    pub(super) fn train_answered(&mut self, purpose: Purpose, found: Found) {
        let train = &mut self.state.train;
        match (purpose, found) {
            (Purpose::CheckRun, Found::Checked(found)) => train.check.set(*found),
            (Purpose::Columns, Found::Columns(names)) => train.columns.names = names,
            (Purpose::TrainRun(_), Found::Trained(report)) => self.trained(report),
            (Purpose::Judge, Found::Judged(found)) => {
                train.judged.set(*found);
                train.cell = None;
            }
            (Purpose::OpenRecipe(path), Found::Recipe(draft)) => {
                train.draft = *draft;
                self.prepare_training();
                self.read_columns();
                let said = format!("Opened the recipe {}", path.display());
                self.state.messages.tell(Weight::Note, said, "");
            }
            (Purpose::SaveRecipe(path), Found::Saved) => {
                let said = format!("Saved {}", path.display());
                let more = "It is a file for the command line as well.";
                self.state.messages.tell(Weight::Note, said, more);
            }
            (Purpose::Runs, Found::Runs(found)) => {
                let there: Vec<&PathBuf> = found.iter().map(|own| &own.folder).collect();
                train.compared.retain(|own| there.contains(&own));
                train.runs.set(found);
            }
            (Purpose::OpenRun(folder), Found::Record(found)) => {
                if found.record.model.is_some() {
                    self.propose_to_judge(folder);
                }
                self.state.train.opened.set(*found);
                self.state.train.shows_opened = true;
            }
            (Purpose::Frames(_), Found::Film(found)) => train.watch.film.set(*found),
            (Purpose::RestoreFrame, Found::Restored(folder)) => self.use_best(folder),
            _ => {}
        }
    }

    pub(super) fn train_stopped(&mut self, purpose: &Purpose) {
        if *purpose == Purpose::Columns {
            self.state.train.columns.of = Default::default();
        }
        if let (Purpose::TrainRun(_), Some(live)) = (purpose, &mut self.state.train.live) {
            live.take_in();
            live.ended = Some(Ended::Early);
            self.after_run();
        }
    }

    /// Remembers why something failed.
    pub(super) fn train_failed(&mut self, purpose: &Purpose, reason: &str) {
        let said = reason.to_owned();
        let train = &mut self.state.train;
        match purpose {
            Purpose::CheckRun => train.check.failure = Some(said),
            // They are read when something is asked for the next time.
            Purpose::Columns => train.columns.of = Default::default(),
            Purpose::Judge => train.judged.failure = Some(said),
            Purpose::Runs => train.runs.failure = Some(said),
            Purpose::OpenRun(_) => train.opened.failure = Some(said),
            Purpose::Frames(_) => train.watch.film.failure = Some(said),
            Purpose::TrainRun(_) => {
                if let Some(live) = &mut train.live {
                    live.take_in();
                    live.ended = Some(Ended::Failed(said));
                }
                self.after_run();
            }
            _ => {}
        }
    }
}

fn is_run(purpose: &Purpose) -> bool {
    matches!(purpose, Purpose::TrainRun(_))
}

fn words<P: AsRef<Path>>(paths: &[P]) -> Vec<String> {
    let all = paths.iter();
    all.map(|own| own.as_ref().display().to_string()).collect()
}
