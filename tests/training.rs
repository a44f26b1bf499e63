//! Would catch: a run that its seed does not decide, that goes on differently than it would have
//! gone, that loses what it saved, learns nothing, trains what should stay, or learns from other
//! notes than it began with; a fault that is told without its reason or with text of a note.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

#[path = "training/beginning.rs"]
mod beginning;
#[path = "training/checking.rs"]
mod checking;
#[path = "training/data.rs"]
mod data;
#[path = "training/faults.rs"]
mod faults;
#[path = "training/judging.rs"]
mod judging;
#[path = "training/learning.rs"]
mod learning;
#[path = "training/resuming.rs"]
mod resuming;
#[path = "training/sweeping.rs"]
mod sweeping;
#[path = "training/telling.rs"]
mod telling;
#[path = "training/watch_cost.rs"]
mod watch_cost;
#[path = "training/watching.rs"]
mod watching;

use std::path::{Path, PathBuf};

use auscult::engine::{
    DeviceChoice, Engine, EngineError, Job, StopFlag, TrainConfig, TrainEvent, TrainObserver,
    TrainReport, TrainStart,
};
use common::{Temporary, fixture};

/// Stops a run after some steps, and remembers what happened.
#[derive(Default)]
struct Watch {
    stop: StopFlag,
    stop_after: Option<u64>,
    events: Vec<TrainEvent>,
    start: Option<TrainStart>,
}

impl TrainObserver for Watch {
    fn begins(&mut self, start: &TrainStart) {
        self.start = Some(start.clone());
    }

    fn happens(&mut self, event: &TrainEvent) {
        self.events.push(event.clone());
        if let (TrainEvent::Step { step, .. }, Some(after)) = (event, self.stop_after)
            && *step >= after
        {
            self.stop.stop();
        }
    }
}

impl Watch {
    fn losses(&self) -> Vec<f64> {
        let loss = |event: &TrainEvent| match event {
            TrainEvent::Step { loss, .. } => Some(*loss),
            TrainEvent::Evaluated { .. } => None,
        };
        self.events.iter().filter_map(loss).collect()
    }
}

/// Begins a run on the CPU, to be stopped after some steps or not.
fn train(
    config: TrainConfig,
    stop_after: Option<u64>,
) -> (Result<TrainReport, EngineError>, Watch) {
    let engine = Engine::open(DeviceChoice::Cpu).unwrap();
    let mut watch = Watch {
        stop_after,
        ..Watch::default()
    };
    let job = Job::new(watch.stop.clone());
    (engine.train(config, &job, &mut watch), watch)
}

fn resume(run: &Path, stop_after: Option<u64>) -> (Result<TrainReport, EngineError>, Watch) {
    let engine = Engine::open(DeviceChoice::Cpu).unwrap();
    let mut watch = Watch {
        stop_after,
        ..Watch::default()
    };
    let job = Job::new(watch.stop.clone());
    (engine.resume_training(run, &job, &mut watch), watch)
}

/// Invented notes of two kinds that a word tells apart.
fn notes(temporary: &Temporary, count: usize) -> PathBuf {
    let rows: String = (0..count)
        .map(|row| {
            let (label, word) = [("lung", "cough"), ("heart", "chest pain")][row % 2];
            format!("{row},She has {word} for {row} days and no fever.,{label}\n")
        })
        .collect();
    temporary.file("notes.csv", format!("id,text,label\n{rows}"))
}

/// A short run of the tiny model on these notes.
fn config(temporary: &Temporary, run: &str, notes: PathBuf) -> TrainConfig {
    TrainConfig {
        model: fixture("tiny"),
        run: temporary.path().join(run),
        train: vec![notes],
        max_tokens: 48,
        batch: 2,
        steps: 8,
        lr: 1e-3,
        evaluate_every: 3,
        validation_share: 0.2,
        keep: 100,
        ..TrainConfig::default()
    }
}

/// The bytes of a file of a run.
fn bytes(run: &Path, file: &str) -> Vec<u8> {
    std::fs::read(run.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}
