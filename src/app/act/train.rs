//! Describes training runs, makes them, opens them and judges what came of them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Actor, Outside};
use crate::app::command::Action;
use crate::app::jobs::{Purpose, Weight};
use crate::app::state::{Asked, Workspace};
use crate::app::train::draft::{Draft, title};
use crate::app::train::live::{Ended, Live};
use crate::app::train::outside::Dialog;
use crate::app::train::work::{Found, Work};
use crate::app::train::{Ask, JudgeForm, JudgeOn, Subject, in_window};
use crate::app::worker::{Lane, Question};
use crate::engine::{
    Bundled, Head, SystemFolder, TrainConfig, TrainOutcome, TrainReport, counted, write_aside,
};

/// How long the window waits at its end for a run to save where it is.
const LAST_STEP: Duration = Duration::from_secs(20);

/// The bundled file with marked spans.
const DEMO: &str = "radiology-reports.jsonl";

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
                    false => self.set_field("train", words(&paths)),
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
    }

    pub(super) fn train_ask(&mut self, ask: Ask) {
        match ask {
            Ask::Field(name, words) => self.set_field(name, words),
            Ask::AddPaths(field, paths) => self.add_paths(field, &paths),
            Ask::Memory(text) => {
                self.state.train.memory = text;
                // What was found out was of another limit.
                self.state.train.check = Asked::default();
            }
            Ask::Recipe(path) => self.open_recipe(&path),
            Ask::SaveRecipe(path) => self.save_recipe(&path),
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
            Ask::ShowLive => self.state.train.shows_opened = false,
            Ask::Like(folder) => self.describe_like(&folder),
            Ask::UseBest(folder) => self.use_best(folder),
            Ask::JudgeBy(form) => {
                let train = &mut self.state.train;
                let another = (&form.subject, form.on) != (&train.judge.subject, train.judge.on);
                train.judge = *form;
                if another {
                    // What another model came to would be taken for this one's.
                    train.judged = Asked::default();
                    train.cell = None;
                    self.state.jobs.forget(|own| *own == Purpose::Judge);
                }
            }
            Ask::Cell(cell) => self.state.train.cell = cell,
            Ask::ShowJudged(number) => self.show_judged(number),
            Ask::Watch(own) => self.watch_ask(own),
        }
    }

    /// Fills in what a person would have to look up: the open model, and a folder that is free.
    fn prepare_training(&mut self) {
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

    /// Where runs are written if nothing else is said.
    fn usual_runs(&self) -> Option<PathBuf> {
        let data = self.data.clone().or_else(|| SystemFolder::Data.path());
        data.map(|own| own.join("runs"))
    }

    /// Names a folder for the run that is free, where none was named or the one that was is in use.
    fn propose_run(&mut self) {
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

    fn set_field(&mut self, name: &'static str, words: Vec<String>) {
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

    fn add_paths(&mut self, field: &'static str, paths: &[PathBuf]) {
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

    fn train_on_demo(&mut self) {
        match self.unpack(Bundled::Notes) {
            Ok(folder) => {
                let file = folder.join(DEMO);
                for (name, value) in [
                    ("task", words(&["tag"])),
                    ("train", words(&[file])),
                    ("validation-share", words(&["0.34"])),
                    ("test-share", words(&["0"])),
                    ("label", Vec::new()),
                ] {
                    self.set_field(name, value);
                }
            }
            Err(error) => self.not_unpacked(error),
        }
    }

    fn open_recipe(&mut self, path: &Path) {
        match Draft::read(path) {
            Ok(draft) => {
                self.state.train.draft = draft;
                self.prepare_training();
                let said = format!("Opened the recipe {}", path.display());
                self.state.messages.tell(Weight::Note, said, "");
            }
            Err(fault) => {
                let said = "The recipe cannot be read";
                let messages = &mut self.state.messages;
                messages.tell(Weight::Failure, said, fault.to_string());
            }
        }
    }

    fn save_recipe(&mut self, path: &Path) {
        let text = self.state.train.draft.to_toml();
        let text = text.map_err(|fault| fault.to_string());
        let saved = text.and_then(|text| {
            let written = write_aside(path, text.as_bytes());
            written.map_err(|error| format!("{} cannot be written: {error}", path.display()))
        });
        let messages = &mut self.state.messages;
        match saved {
            Ok(()) => {
                let said = format!("Saved {}", path.display());
                messages.tell(
                    Weight::Note,
                    said,
                    "It is a file for auscult train as well.",
                );
            }
            Err(reason) => messages.tell(Weight::Failure, "The recipe was not saved", reason),
        }
    }

    /// The run that is described; otherwise says what is wrong with it.
    fn described(&mut self) -> Option<TrainConfig> {
        let faults = self.state.train.draft.faults();
        if let [fault, more @ ..] = &faults[..] {
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
        self.state.train.draft.config().ok()
    }

    fn check_run(&mut self) {
        let Some(config) = self.described() else {
            return;
        };
        if self.state.train.runs_now() {
            let said =
                "Memory cannot be measured while a run is made; pause it, or wait for its end";
            self.state.messages.tell(Weight::Note, said, "");
            return;
        }
        let limit = match self.state.train.limit() {
            Ok(limit) => limit,
            Err(reason) => {
                let said = format!("Memory it may use: {reason}");
                self.state.messages.tell(Weight::Warning, said, "");
                return;
            }
        };
        let question = Question::Train(Work::Check(Box::new(config), limit));
        self.ask(Lane::Training, None, Purpose::CheckRun, question);
    }

    fn apply_proposal(&mut self) {
        let Some(checked) = self.state.train.checked().cloned() else {
            return;
        };
        let Some(proposal) = &checked.found.proposal else {
            return;
        };
        let changed = Draft::of(&proposal.config);
        for change in &proposal.changes {
            let own = changed.words(change.field).to_vec();
            self.state.train.draft.set(change.field, own);
        }
        self.check_run();
    }

    fn start_run(&mut self) {
        if self.is_busy() {
            return;
        }
        let Some(config) = self.described() else {
            return;
        };
        let folder = config.run.clone();
        let live = Live::new(config.clone(), &self.state.train.watch.board);
        let work = Work::Train(Box::new(config), live.feed.clone());
        self.make(live, folder, work);
    }

    /// Whether a run is made already, which is said.
    fn is_busy(&mut self) -> bool {
        let busy = self.state.jobs.is_running(is_run);
        if busy {
            let said = "A run is being made already; pause it first";
            self.state.messages.tell(Weight::Note, said, "");
        }
        busy
    }

    fn make(&mut self, live: Live, folder: PathBuf, work: Work) {
        self.state.jobs.forget(|own| *own == Purpose::CheckRun);
        self.state.train.live = Some(live);
        // Frames after the checkpoint that it goes on from are made anew.
        self.state.train.watch.of = None;
        self.state.train.shows_opened = false;
        self.state.train.ending = false;
        let purpose = Purpose::TrainRun(folder);
        self.ask(Lane::Training, None, purpose, Question::Train(work));
    }

    fn go_on(&mut self, folder: &Path) {
        if self.is_busy() {
            return;
        }
        let train = &self.state.train;
        let live = train.live.as_ref().filter(|own| own.folder == folder);
        let opened = train.opened.value.as_ref().map(|own| &own.record.summary);
        let opened = opened.filter(|own| own.folder == folder);
        let listed = train.runs.value.as_ref();
        let listed = listed.and_then(|all| all.iter().find(|own| own.folder == folder));
        let config = live.map(|own| &own.config);
        let config = config.or(opened.or(listed).map(|own| &own.config)).cloned();
        let Some(mut config) = config else {
            return;
        };
        config.run = folder.to_owned();
        let live = Live::new(config, &self.state.train.watch.board);
        let work = Work::GoOn(folder.to_owned(), live.feed.clone());
        self.make(live, folder.to_owned(), work);
    }

    fn pause_run(&mut self) {
        if self.state.jobs.is_running(is_run) {
            self.state.jobs.stop_all(is_run);
            return;
        }
        let live = self.state.train.live.as_ref();
        match live.map(|own| own.folder.clone()) {
            Some(folder) if self.can_go_on() => self.go_on(&folder),
            _ => {
                let said =
                    "No run is being made; start one, or open one under Runs and go on with it";
                self.state.messages.tell(Weight::Note, said, "");
            }
        }
    }

    /// Whether the run of this window was stopped before its end.
    fn can_go_on(&self) -> bool {
        let live = self.state.train.live.as_ref();
        live.is_some_and(|own| match &own.ended {
            Some(Ended::Told(report)) => report.outcome == TrainOutcome::Stopped,
            Some(Ended::Failed(_)) => own.start.is_some(),
            Some(Ended::Early) | None => false,
        })
    }

    /// At the end of the window: the run saves where it is. The window waits a little for it.
    pub fn end_training(&mut self) {
        let begun = Instant::now();
        self.state.jobs.stop_all(is_run);
        while self.state.jobs.is_running(is_run) && begun.elapsed() < LAST_STEP {
            self.take_in();
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn look_for_runs(&mut self) {
        let mut folders = self.state.settings.runs.clone();
        folders.extend(self.usual_runs());
        let question = Question::Train(Work::Runs(folders));
        self.ask(Lane::Files, None, Purpose::Runs, question);
    }

    fn open_run(&mut self, folder: PathBuf) {
        let live = self.state.train.live.as_ref();
        if live.is_some_and(|own| own.folder == folder && own.ended.is_none()) {
            self.state.train.shows_opened = false;
            return;
        }
        let question = Question::Train(Work::Record(folder.clone()));
        self.ask(Lane::Files, None, Purpose::OpenRun(folder), question);
    }

    fn describe_like(&mut self, folder: &Path) {
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

    fn use_best(&mut self, folder: PathBuf) {
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

    fn judge(&mut self) {
        let form = self.state.train.judge.clone();
        let model = match &form.subject {
            Subject::Run(folder) => Some(folder.join("best")),
            Subject::Open => {
                let predicting = self.state.predicting().map(|(folder, _)| folder.clone());
                predicting.or_else(|| {
                    let info = self.state.model.info()?;
                    let reads = info.task == Head::MaskedLm;
                    self.state.model.folder().filter(|_| reads).cloned()
                })
            }
        };
        let Some(model) = model else {
            let said = "Judging needs a model: open one, or choose a run under Runs";
            self.state.messages.tell(Weight::Note, said, "");
            return;
        };
        if form.on == JudgeOn::Files && form.test.is_empty() {
            let said =
                "Judging needs notes whose labels or spans are known; choose their files first";
            self.state.messages.tell(Weight::Note, said, "");
            return;
        }
        let question = Question::Train(Work::Judge(model, Box::new(form)));
        self.ask(Lane::Long, None, Purpose::Judge, question);
    }

    fn show_judged(&mut self, number: usize) {
        let judged = self.state.train.judged.value.clone();
        let Some(note) = judged.as_ref().and_then(|own| own.note(number)) else {
            return;
        };
        let key = self.state.library.add(Vec::from([note.clone()]));
        if let Some(key) = key {
            self.show(key);
            self.go_to(Workspace::Read);
        }
    }

    pub(super) fn train_answered(&mut self, purpose: Purpose, found: Found) {
        let train = &mut self.state.train;
        match (purpose, found) {
            (Purpose::CheckRun, Found::Checked(found)) => train.check.set(*found),
            (Purpose::TrainRun(_), Found::Trained(report)) => self.trained(report),
            (Purpose::Judge, Found::Judged(found)) => {
                train.judged.set(*found);
                train.cell = None;
            }
            (Purpose::Runs, Found::Runs(found)) => {
                let there: Vec<&PathBuf> = found.iter().map(|own| &own.folder).collect();
                train.compared.retain(|own| there.contains(&own));
                train.runs.set(found);
            }
            (Purpose::OpenRun(folder), Found::Record(found)) => {
                if found.record.model.is_some() {
                    self.judge_next(folder);
                }
                self.state.train.opened.set(*found);
                self.state.train.shows_opened = true;
            }
            (Purpose::Frames(_), Found::Film(found)) => train.watch.film.set(*found),
            (Purpose::RestoreFrame, Found::Restored(folder)) => self.use_best(folder),
            _ => {}
        }
    }

    /// The run that was opened or has ended is what is judged next.
    fn judge_next(&mut self, folder: PathBuf) {
        let form = JudgeForm {
            subject: Subject::Run(folder),
            on: JudgeOn::HeldBack,
            ..self.state.train.judge.clone()
        };
        self.train_ask(Ask::JudgeBy(Box::new(form)));
    }

    fn trained(&mut self, report: Box<TrainReport>) {
        let title = match report.outcome {
            TrainOutcome::Stopped => format!(
                "Paused after {} of {}",
                counted(report.steps as usize, "step"),
                report.total_steps
            ),
            _ => match &report.best {
                Some(best) => format!(
                    "The run has ended: {} {:.4}",
                    report.metric.title(),
                    best.goodness.abs()
                ),
                None => "The run has ended".to_owned(),
            },
        };
        let details = report.remarks.join("\n");
        self.state.messages.tell(Weight::Note, title, details);
        let (folder, has_model) = (report.run.clone(), report.model.is_some());
        if let Some(live) = &mut self.state.train.live {
            live.take_in();
            live.ended = Some(Ended::Told(report));
        }
        if has_model {
            self.judge_next(folder);
        }
        self.after_run();
    }

    fn after_run(&mut self) {
        self.state.train.ending = false;
        self.propose_run();
        self.look_for_runs();
    }

    pub(super) fn train_stopped(&mut self, purpose: &Purpose) {
        if let (Purpose::TrainRun(_), Some(live)) = (purpose, &mut self.state.train.live) {
            live.take_in();
            live.ended = Some(Ended::Early);
            self.after_run();
        }
    }

    /// Remembers why something failed, and gives the sentence as the window says it.
    pub(super) fn train_failed(&mut self, purpose: &Purpose, reason: &str) -> String {
        let said = in_window(reason);
        let train = &mut self.state.train;
        match purpose {
            Purpose::CheckRun => train.check.failure = Some(said.clone()),
            Purpose::Judge => train.judged.failure = Some(said.clone()),
            Purpose::Runs => train.runs.failure = Some(said.clone()),
            Purpose::OpenRun(_) => train.opened.failure = Some(said.clone()),
            Purpose::Frames(_) => train.watch.film.failure = Some(said.clone()),
            Purpose::TrainRun(_) => {
                if let Some(live) = &mut train.live {
                    live.take_in();
                    live.ended = Some(Ended::Failed(said.clone()));
                }
                self.after_run();
            }
            _ => {}
        }
        said
    }
}

fn is_run(purpose: &Purpose) -> bool {
    matches!(purpose, Purpose::TrainRun(_))
}

fn words<P: AsRef<Path>>(paths: &[P]) -> Vec<String> {
    let all = paths.iter();
    all.map(|own| own.as_ref().display().to_string()).collect()
}
