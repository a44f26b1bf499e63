//! What the threads do for this workspace, with engines of its own.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::curves::Curves;
use super::draft::Draft;
use super::judged::Judged;
use super::judging::judge;
use super::live::Feed;
use super::{Checked, JudgeForm, Opened};
use crate::engine::{
    Columns, DeviceChoice, Engine, EngineError, Film, Job, RunSummary, TrainConfig, TrainEvent,
    TrainObserver, TrainOutcome, TrainReport, TrainStart, WatchPlan, Watched, columns_of_files,
    film, restore_frame, run_record, runs, write_aside,
};

/// What a thread is asked for.
pub enum Work {
    /// Does the run fit, into so many bytes if they are given, and how long does it take?
    Check(Box<TrainConfig>, Option<u64>),
    /// Which columns do these files have, where some are said to be the text or the patient?
    Columns(Vec<PathBuf>, Columns),
    /// Make the run.
    Train(Box<TrainConfig>, Arc<Feed>),
    /// Go on with the run of this folder.
    GoOn(PathBuf, Arc<Feed>),
    /// How good is the model of this folder?
    Judge(PathBuf, Box<JudgeForm>),
    /// Which runs are in these folders?
    Runs(Vec<PathBuf>),
    /// What did the run of this folder leave?
    Record(PathBuf),
    /// What does this recipe say?
    OpenRecipe(PathBuf),
    /// Write this recipe.
    SaveRecipe(PathBuf, Box<Draft>),
    /// What was watched in it?
    Film(PathBuf),
    /// Make the frame of this step a model of its own.
    Restore(PathBuf, u64),
}

/// What it answers.
pub enum Found {
    /// Memory, time, and what is learned from.
    Checked(Box<Checked>),
    /// Columns.
    Columns(BTreeSet<String>),
    /// The run has ended.
    Trained(Box<TrainReport>),
    /// How good it is.
    Judged(Box<Judged>),
    /// Runs.
    Runs(Vec<RunSummary>),
    /// A run.
    Record(Box<Opened>),
    /// A recipe.
    Recipe(Box<Draft>),
    /// A recipe was written.
    Saved,
    /// What was watched.
    Film(Box<Film>),
    /// The folder of a model.
    Restored(PathBuf),
}

impl Found {
    /// Whether a run was stopped before its end.
    pub fn is_of_stopped_run(&self) -> bool {
        matches!(self, Self::Trained(own) if own.outcome == TrainOutcome::Stopped)
    }
}

/// Does it.
///
/// # Errors
/// [`EngineError`] says what is wrong, [`EngineError::Cancelled`] when `job` is stopped.
pub fn answer(work: Work, device: DeviceChoice, job: &Job) -> Result<Found, EngineError> {
    match work {
        Work::Check(config, limit) => {
            let engine = open(device, job)?;
            let mut heard = Heard::default();
            let found = engine.check_training((*config).clone(), limit, job, &mut heard)?;
            // It is told before the first step is tried.
            let start = heard.0.ok_or(EngineError::NoModel)?;
            Ok(Found::Checked(Box::new(Checked {
                config: *config,
                found,
                start,
            })))
        }
        Work::Columns(paths, columns) => {
            let names = columns_of_files(&paths, &columns, job)?;
            Ok(Found::Columns(names))
        }
        Work::Train(config, feed) => {
            let engine = open(device, job)?;
            let mut telling = Telling::new(&engine, &feed, config.run.clone());
            let report = engine.train(*config, job, &mut telling)?;
            Ok(Found::Trained(Box::new(report)))
        }
        Work::GoOn(folder, feed) => {
            let engine = open(device, job)?;
            let mut telling = Telling::new(&engine, &feed, folder.clone());
            let report = engine.resume_training(&folder, job, &mut telling)?;
            Ok(Found::Trained(Box::new(report)))
        }
        Work::Judge(model, form) => judge(model, &form, device, job),
        Work::Runs(folders) => Ok(Found::Runs(runs(&folders, job)?)),
        Work::Film(folder) => Ok(Found::Film(Box::new(film(&folder, job)?))),
        Work::Restore(folder, step) => Ok(Found::Restored(restore_frame(&folder, step)?)),
        Work::Record(folder) => {
            let mut record = run_record(&folder)?;
            // The curves hold all of them.
            let events = std::mem::take(&mut record.events);
            Ok(Found::Record(Box::new(Opened {
                curves: Curves::of(&events),
                record,
            })))
        }
        Work::OpenRecipe(path) => {
            let read =
                Draft::read(&path).map_err(|fault| EngineError::Choice(fault.to_string()))?;
            Ok(Found::Recipe(Box::new(read)))
        }
        Work::SaveRecipe(path, draft) => {
            let text = draft.to_toml();
            let text = text.map_err(|fault| EngineError::Choice(fault.to_string()))?;
            let written = write_aside(&path, text.as_bytes());
            written.map_err(|error| {
                EngineError::Choice(format!("{} cannot be written: {error}", path.display()))
            })?;
            Ok(Found::Saved)
        }
    }
}

/// An engine that is ready to compute.
///
/// # Errors
/// [`EngineError::Device`] when it is not there.
pub fn open(device: DeviceChoice, job: &Job) -> Result<Engine, EngineError> {
    let engine = Engine::open(device)?;
    engine.prepare(job)?;
    Ok(engine)
}

/// Hears what a run is.
#[derive(Default)]
struct Heard(Option<TrainStart>);

impl TrainObserver for Heard {
    fn begins(&mut self, start: &TrainStart) {
        self.0 = Some(start.clone());
    }

    fn happens(&mut self, _: &TrainEvent) {}
}

/// How often memory is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Tells the window of a run.
struct Telling<'a> {
    engine: &'a Engine,
    feed: &'a Feed,
    folder: PathBuf,
    looked: Option<Instant>,
}

impl<'a> Telling<'a> {
    fn new(engine: &'a Engine, feed: &'a Feed, folder: PathBuf) -> Self {
        Self {
            engine,
            feed,
            folder,
            looked: None,
        }
    }
}

impl TrainObserver for Telling<'_> {
    fn begins(&mut self, start: &TrainStart) {
        // What happened up to the checkpoint belongs to the curves; what came after happens again.
        let before = match start.step {
            0 => Vec::new(),
            _ => run_record(&self.folder).map_or_else(|_| Vec::new(), |own| own.events),
        };
        let before = before.into_iter().filter(|own| own.step() <= start.step);
        self.feed.tell(|told| {
            told.start = Some(start.clone());
            told.events.extend(before);
        });
    }

    fn happens(&mut self, event: &TrainEvent) {
        let due = self.looked.is_none_or(|own| own.elapsed() > LOOK);
        let memory = match due {
            true => {
                self.looked = Some(Instant::now());
                self.engine.memory_in_use()
            }
            false => None,
        };
        self.feed.tell(|told| {
            told.events.push(event.clone());
            told.memory = memory.or(told.memory);
        });
        #[cfg(test)]
        self.feed.planted(event.step(), self.engine);
    }

    fn watches(&mut self) -> Option<WatchPlan> {
        Some(self.feed.board.plan())
    }

    fn watched(&mut self, watched: &Watched) {
        self.feed.tell(|told| told.watched.push(watched.clone()));
    }
}
