//! The run of this window: what its thread tells, and what of it is shown.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::curves::Curves;
use super::watch::Board;
use crate::engine::{TrainConfig, TrainEvent, TrainOutcome, TrainReport, TrainStart, Watched};

/// What the thread of a run has told and nobody took yet. The run never waits for a frame.
#[derive(Default)]
pub struct Feed {
    told: Mutex<Told>,
    /// What it is to watch.
    pub board: Arc<Board>,
    /// What a test has that thread do, by the step.
    #[cfg(test)]
    planted: Mutex<Option<Planted>>,
}

/// See [`Feed::plant`].
#[cfg(test)]
type Planted = Box<dyn FnMut(u64, &crate::engine::Engine) + Send>;

/// What was told since the last time.
#[derive(Default)]
pub struct Told {
    /// What the run is, before its next step.
    pub start: Option<TrainStart>,
    /// What happened.
    pub events: Vec<TrainEvent>,
    /// The memory that is held, in bytes.
    pub memory: Option<u64>,
    /// What became of watching.
    pub watched: Vec<Watched>,
}

impl Feed {
    /// Tells something.
    pub fn tell(&self, what: impl FnOnce(&mut Told)) {
        // A thread that ended within left whole values.
        what(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Has the thread of the run do something after each step.
    #[cfg(test)]
    pub fn plant(&self, planted: Planted) {
        *self.planted.lock().unwrap() = Some(planted);
    }

    /// Does what a test has planted.
    #[cfg(test)]
    pub fn planted(&self, step: u64, engine: &crate::engine::Engine) {
        let mut own = self.planted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(planted) = &mut *own {
            planted(step, engine);
        }
    }

    /// Takes what was told.
    pub fn take(&self) -> Told {
        let mut own = Told::default();
        self.tell(|told| own = std::mem::take(told));
        own
    }
}

/// How a run of this window ended.
pub enum Ended {
    /// With a report: all of it was made, or it was stopped and can go on.
    Told(Box<TrainReport>),
    /// It was stopped before its first step, or before the next one where it goes on.
    Early,
    /// It failed, and why.
    Failed(String),
}

/// A run of this window.
pub struct Live {
    /// Its folder.
    pub folder: PathBuf,
    /// What it is to do.
    pub config: TrainConfig,
    /// What its thread tells.
    pub feed: Arc<Feed>,
    /// What it is, once that was told.
    pub start: Option<TrainStart>,
    /// What it has done.
    pub curves: Curves,
    /// The memory that is held, in bytes.
    pub memory: Option<u64>,
    /// Frames of watched notes that it has told of.
    pub frames: usize,
    /// Why nothing more is watched in it.
    pub unwatched: Option<String>,
    /// When it began here.
    pub since: Instant,
    /// Whether it goes on from what an earlier one saved.
    pub goes_on: bool,
    /// How it ended.
    pub ended: Option<Ended>,
}

impl Live {
    /// A run that begins or goes on.
    pub fn new(config: TrainConfig, board: &Arc<Board>) -> Self {
        Self {
            folder: config.run.clone(),
            config,
            feed: Arc::new(Feed {
                board: Arc::clone(board),
                ..Feed::default()
            }),
            start: None,
            curves: Curves::default(),
            memory: None,
            frames: 0,
            unwatched: None,
            since: Instant::now(),
            goes_on: false,
            ended: None,
        }
    }

    /// A run that goes on; what was known of it is shown until it tells more.
    pub fn going_on(config: TrainConfig, board: &Arc<Board>, before: Option<Self>) -> Self {
        let own = Self::new(config, board);
        Self {
            goes_on: true,
            curves: before.map_or_else(Curves::default, |own| own.curves),
            ..own
        }
    }

    /// Whether it has ended before its end, and something of it is saved.
    pub fn can_go_on(&self) -> bool {
        match &self.ended {
            Some(Ended::Told(report)) => report.outcome == TrainOutcome::Stopped,
            Some(Ended::Failed(_)) => self.goes_on || self.start.is_some(),
            Some(Ended::Early) => self.goes_on,
            None => false,
        }
    }

    /// The name of its folder.
    pub fn name(&self) -> String {
        let name = self.folder.file_name().unwrap_or(self.folder.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// What came of it, if it was made or paused.
    pub fn report(&self) -> Option<&TrainReport> {
        match &self.ended {
            Some(Ended::Told(own)) => Some(own),
            _ => None,
        }
    }

    /// Why it failed, if it did.
    pub fn failure(&self) -> Option<&str> {
        match &self.ended {
            Some(Ended::Failed(own)) => Some(own),
            _ => None,
        }
    }

    /// Takes in what its thread told.
    pub fn take_in(&mut self) {
        let told = self.feed.take();
        if told.start.is_some() {
            self.start = told.start;
            // What happened before is told with it.
            self.curves = Curves::default();
        }
        told.events.iter().for_each(|event| self.curves.add(event));
        if told.memory.is_some() {
            self.memory = told.memory;
        }
        for own in told.watched {
            match own {
                Watched::Kept { .. } => self.frames += 1,
                Watched::Ended(reason) => self.unwatched = Some(reason),
            }
        }
    }
}
