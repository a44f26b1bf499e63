//! Describes a training run: the fields of its form, its recipe, and what is proposed for them.

use std::path::{Path, PathBuf};

use super::words;
use crate::app::act::Actor;
use crate::app::jobs::Purpose;
use crate::app::messages::Weight;
use crate::app::train::JudgeOn;
use crate::app::train::draft::{Draft, title};
use crate::app::train::work::Work;
use crate::app::worker::{Lane, Question};
use crate::engine::{Bundled, TrainConfig};

/// The bundled file with marked spans.
const DEMO: &str = "radiology-reports.jsonl";

impl Actor {
    /// Fills in what a person would have to look up: the open model, and a folder that is free.
    pub(super) fn prepare_training(&mut self) {
        if self.state.train.draft.word("model").is_empty()
            && let Some(folder) = self.state.model.folder()
        {
            let folder = words(std::slice::from_ref(folder));
            self.state.train.draft.set("model", folder);
        }
        self.propose_run();
        if self.state.train.runs.value.is_none() {
            self.look_for_runs();
        }
    }

    /// A run reads files in the encoding that it finds by itself.
    pub(super) fn tell_of_encodings(&mut self, paths: &[PathBuf]) {
        let chosen = paths.iter().filter(|own| self.encodings.contains_key(*own));
        let chosen: Vec<String> = chosen.map(|own| own.display().to_string()).collect();
        if !chosen.is_empty() {
            let said = "A run finds the encoding of a file by itself";
            let more = format!(
                "You chose another for these; save them as UTF-8 if that matters.\n{}",
                chosen.join("\n")
            );
            self.state.messages.tell(Weight::Warning, said, more);
        }
    }

    /// Names a folder for the run that is free, where none was named or the one that was is in use.
    pub(super) fn propose_run(&mut self) {
        let Some(parent) = self.usual_runs() else {
            return;
        };
        let draft = &mut self.state.train.draft;
        let now = PathBuf::from(draft.word("run"));
        let used = now.parent() == Some(&*parent) && now.exists();
        let missing = now.as_os_str().is_empty();
        if !missing && !used {
            return;
        }
        let task = draft.word("task").to_owned();
        let free = (1..).map(|number| parent.join(format!("{task}-{number}")));
        if let Some(free) = free.into_iter().find(|own| !own.exists()) {
            draft.set("run", words(&[free]));
        }
    }

    pub(super) fn set_field(&mut self, name: &'static str, words: Vec<String>) {
        let draft = &mut self.state.train.draft;
        draft.set(name, words);
        if name == "task" {
            let parent = self.usual_runs();
            let draft = &mut self.state.train.draft;
            let now = PathBuf::from(draft.word("run"));
            if now.parent() == parent.as_deref() {
                draft.set("run", Vec::new());
                self.propose_run();
            }
        }
    }

    pub(super) fn add_paths(&mut self, field: &'static str, paths: &[PathBuf]) {
        let judge = &mut self.state.train.judge;
        let list = match field {
            "judge-test" => &mut judge.test,
            "judge-validation" => &mut judge.validation,
            field => {
                let mut all = self.state.train.draft.words(field).to_vec();
                let new = words(paths).into_iter();
                let new: Vec<String> = new.filter(|own| !all.contains(own)).collect();
                all.extend(new);
                self.state.train.draft.set(field, all);
                return;
            }
        };
        let new: Vec<PathBuf> = (paths.iter())
            .filter(|own| !list.contains(own))
            .cloned()
            .collect();
        list.extend(new);
        judge.on = JudgeOn::Files;
    }

    /// Looks which columns the files have that are named, where others are named than before.
    pub(super) fn read_columns(&mut self) {
        let train = &mut self.state.train;
        let of = train.named_files();
        if of == train.columns.of {
            return;
        }
        train.columns.of = of.clone();
        self.state.jobs.forget(|own| *own == Purpose::Columns);
        let (paths, columns) = of;
        match paths.is_empty() {
            true => train.columns.names.clear(),
            false => {
                let question = Question::Train(Work::Columns(paths, columns));
                self.ask(Lane::Files, None, Purpose::Columns, question);
            }
        }
    }

    pub(super) fn train_on_demo(&mut self) {
        match self.unpack(Bundled::Notes) {
            Ok(folder) => {
                let file = folder.join(DEMO);
                for (name, value) in [
                    ("task", words(&["tag"])),
                    ("train", words(&[file])),
                    ("validation-share", words(&["0.34"])),
                    ("test-share", words(&["0"])),
                    ("label", Vec::new()),
                    // So few notes are learned by heart, which shows what a run does within minutes.
                    ("epochs", words(&["200"])),
                    ("lr", words(&["0.001"])),
                ] {
                    self.set_field(name, value);
                }
                let said = "Three invented reports with marked spans, to see how a run works";
                let more = "A model learns them by heart and nothing else. For a model that is of use take \
                            notes of your own, some hundreds at least.";
                self.state.messages.tell(Weight::Note, said, more);
            }
            Err(error) => self.not_unpacked(error),
        }
    }

    pub(super) fn open_recipe(&mut self, path: PathBuf) {
        let question = Question::Train(Work::OpenRecipe(path.clone()));
        self.ask(Lane::Files, None, Purpose::OpenRecipe(path), question);
    }

    pub(super) fn save_recipe(&mut self, path: PathBuf) {
        let draft = Box::new(self.state.train.draft.clone());
        let question = Question::Train(Work::SaveRecipe(path.clone(), draft));
        self.ask(Lane::Files, None, Purpose::SaveRecipe(path), question);
    }

    /// The run that is described; otherwise says what is wrong with it.
    pub(super) fn described(&mut self) -> Option<TrainConfig> {
        let faults = self.state.train.draft.faults();
        if let [fault, more @ ..] = faults {
            let mut said = match fault.field {
                Some(field) => format!("{}: {}", title(field), fault.reason),
                None => fault.reason.clone(),
            };
            if !more.is_empty() {
                said.push_str(&format!("\nand {} more", more.len()));
            }
            let messages = &mut self.state.messages;
            messages.tell(Weight::Warning, "The run is not described yet", said);
            return None;
        }
        self.state.train.draft.config().ok().cloned()
    }

    pub(super) fn describe_like(&mut self, folder: &Path) {
        let runs = self
            .state
            .train
            .runs
            .value
            .iter()
            .flat_map(|all| all.iter());
        let opened = self.state.train.opened.value.as_ref();
        let mut all = runs.chain(opened.map(|own| &own.record.summary));
        if let Some(own) = all.find(|own| own.folder == folder) {
            let mut draft = Draft::of(&own.config);
            draft.set("run", Vec::new());
            self.state.train.draft = draft;
            self.propose_run();
        }
    }
}
