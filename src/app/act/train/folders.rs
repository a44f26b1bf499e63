//! Looks for training runs in folders, opens them, and opens the models that they left.

use std::path::PathBuf;

use crate::app::act::Actor;
use crate::app::jobs::Purpose;
use crate::app::train::draft::Draft;
use crate::app::train::work::Work;
use crate::app::worker::{Lane, Question};
use crate::engine::SystemFolder;

impl Actor {
    /// Where runs are written if nothing else is said.
    pub(super) fn usual_runs(&self) -> Option<PathBuf> {
        let data = self.data.clone().or_else(|| SystemFolder::Data.path());
        data.map(|own| own.join("runs"))
    }

    pub(super) fn look_for_runs(&mut self) {
        let mut folders = self.state.settings.runs.clone();
        folders.extend(self.usual_runs());
        let question = Question::Train(Work::Runs(folders));
        self.ask(Lane::Files, None, Purpose::Runs, question);
    }

    pub(super) fn open_run(&mut self, folder: PathBuf) {
        let live = self.state.train.live.as_ref();
        if live.is_some_and(|own| own.folder == folder && own.ended.is_none()) {
            self.state.train.shows_opened = false;
            return;
        }
        let question = Question::Train(Work::Record(folder.clone()));
        self.ask(Lane::Files, None, Purpose::OpenRun(folder), question);
    }

    pub(super) fn use_best(&mut self, folder: PathBuf) {
        let opened = self.state.train.opened.value.as_ref();
        let config = opened.map(|own| &own.record.summary.config);
        let live = self.state.train.live.as_ref().map(|own| &own.config);
        let found = config
            .into_iter()
            .chain(live)
            .find(|own| folder.starts_with(&own.run));
        let reads = found.is_some_and(|own| Draft::of(own).word("task") == "masked-lm");
        let purpose = match reads {
            true => {
                self.state.settings.model = Some(folder.clone());
                Purpose::Model(folder)
            }
            false => {
                self.state.settings.predictor = Some(folder.clone());
                Purpose::Predictor(folder)
            }
        };
        self.load(purpose);
        self.keep();
    }
}
