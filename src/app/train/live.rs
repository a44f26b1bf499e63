//! The run of this window: what its thread tells, and what of it is shown.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::curves::Curves;
use super::watch::Board;
use crate::engine::{TrainConfig, TrainEvent, TrainReport, TrainStart, Watched};

/// What the thread of a run has told and nobody took yet. The run never waits for a frame.
#[derive(Default)]
pub struct Feed {
    told: Mutex<Told>,
    /// What it is to watch.
    pub board: Arc<Board>,
}

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
    /// It was stopped before its first step.
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
            ended: None,
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
