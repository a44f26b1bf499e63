//! Checks a training run, makes it, pauses it, goes on with it, and takes in how it ends.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::is_run;
use crate::app::act::Actor;
use crate::app::command::Command;
use crate::app::jobs::Purpose;
use crate::app::messages::Weight;
use crate::app::train::Ask;
use crate::app::train::draft::Draft;
use crate::app::train::live::{Ended, Live};
use crate::app::train::work::Work;
use crate::app::worker::{Lane, Question};
use crate::engine::{TrainOutcome, TrainReport, counted};

/// How long the window waits at its end for a run to save where it is.
const LAST_STEP: Duration = Duration::from_secs(20);

impl Actor {
    pub(super) fn check_run(&mut self) {
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
        // Files that were changed or are there again are read again.
        self.state.train.columns.of = Default::default();
        let question = Question::Train(Work::Check(Box::new(config), limit));
        self.ask(Lane::Training, None, Purpose::CheckRun, question);
    }

    pub(super) fn apply_proposal(&mut self) {
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

    pub(super) fn start_run(&mut self) {
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
    pub(super) fn is_busy(&mut self) -> bool {
        let busy = self.state.jobs.is_running(is_run);
        if busy {
            let said = "A run is being made already; pause it first";
            self.state.messages.tell(Weight::Note, said, "");
        }
        busy
    }

    pub(super) fn make(&mut self, live: Live, folder: PathBuf, work: Work) {
        self.state.jobs.forget(|own| *own == Purpose::CheckRun);
        self.state.train.live = Some(live);
        // Frames after the checkpoint that it goes on from are made anew.
        self.state.train.watch.of = None;
        self.state.train.shows_opened = false;
        self.state.train.opened.failure = None;
        self.state.train.ending = false;
        let purpose = Purpose::TrainRun(folder);
        self.ask(Lane::Training, None, purpose, Question::Train(work));
    }

    pub(super) fn go_on(&mut self, folder: &Path) {
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
        let before = self.state.train.live.take();
        let live = Live::going_on(
            config,
            &self.state.train.watch.board,
            before.filter(|own| own.folder == folder),
        );
        let offered = Command::Train(Box::new(Ask::GoOn(folder.to_owned())));
        self.state.messages.settle(&offered);
        let work = Work::GoOn(folder.to_owned(), live.feed.clone());
        self.make(live, folder.to_owned(), work);
    }

    pub(super) fn pause_run(&mut self) {
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
    pub(in crate::app::act) fn can_go_on(&self) -> bool {
        let live = self.state.train.live.as_ref();
        live.is_some_and(Live::can_go_on)
    }

    pub(super) fn trained(&mut self, report: Box<TrainReport>) {
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
                    report.metric.shown(best.goodness)
                ),
                None => "The run has ended".to_owned(),
            },
        };
        let details = report.remarks.join("\n");
        self.state.messages.tell(Weight::Note, title, details);
        // One that is only paused changes nothing of what a person was about to judge.
        let ended = report.outcome != TrainOutcome::Stopped;
        let judged_next = (report.model.is_some() && ended).then(|| report.run.clone());
        if let Some(live) = &mut self.state.train.live {
            live.take_in();
            live.ended = Some(Ended::Told(report));
        }
        if let Some(folder) = judged_next {
            self.propose_to_judge(folder);
        }
        self.after_run();
    }

    pub(super) fn after_run(&mut self) {
        self.state.train.ending = false;
        self.propose_run();
        self.look_for_runs();
    }

    /// Takes in what the thread of a run told.
    pub(in crate::app::act) fn take_in_run(&mut self) {
        let Some(live) = &mut self.state.train.live else {
            return;
        };
        let begun = live.start.is_some();
        live.take_in();
        if !begun && live.start.is_some() {
            // Its folder is there now.
            self.look_for_runs();
        }
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
}
