//! Sweeps: runs of one description with several values and seeds, one after the other.

use std::path::Path;

use super::{Engine, EngineError, Job, TrainObserver};
use crate::training::report::{Outcome, Report};
use crate::training::run_folder::RunFolder;
use crate::training::session::TrainError;
use crate::training::sweep::{Plan, PlannedRun, RunState, SweepFolder, SweepReport};

/// Told of what happens in a sweep and in its runs.
pub trait SweepObserver: TrainObserver {
    /// A run is about to begin or to go on: which one, its number from 0, and how many there are.
    fn run_begins(&mut self, run: &PlannedRun, number: usize, all: usize);
    /// A run has ended, one way or the other; `report` is there unless it failed.
    fn run_ends(&mut self, run: &PlannedRun, state: &RunState, report: Option<&Report>);
}

impl Engine {
    /// Makes all runs of a plan in a new folder, one after the other. One that fails loses no other.
    ///
    /// A stopped `job` ends the run that is being made with a checkpoint, and the sweep with it.
    ///
    /// # Errors
    /// [`EngineError::Train`] when the folder cannot be made or written.
    pub fn sweep(
        &self,
        plan: Plan,
        job: &Job,
        observer: &mut dyn SweepObserver,
    ) -> Result<SweepReport, EngineError> {
        self.make_runs(
            SweepFolder::create(plan).map_err(TrainError::from)?,
            job,
            observer,
        )
    }

    /// Goes on with a sweep: the run that was stopped goes on, those that failed are tried again, and
    /// the others follow.
    ///
    /// # Errors
    /// [`EngineError::Train`] when it is none, is damaged, or cannot be written.
    pub fn resume_sweep(
        &self,
        folder: &Path,
        job: &Job,
        observer: &mut dyn SweepObserver,
    ) -> Result<SweepReport, EngineError> {
        self.make_runs(
            SweepFolder::open(folder).map_err(TrainError::from)?,
            job,
            observer,
        )
    }

    fn make_runs(
        &self,
        mut sweep: SweepFolder,
        job: &Job,
        observer: &mut dyn SweepObserver,
    ) -> Result<SweepReport, EngineError> {
        let all = sweep.plan().runs.len();
        for number in 0..all {
            let (run, state) = sweep.run(number);
            if *state == RunState::Finished {
                continue;
            }
            let run = run.clone();
            if job.step(number, all, "runs").is_err() {
                break;
            }
            observer.run_begins(&run, number, all);
            let result = job.within(0.0..1.0, || self.make_run(&run, job, observer));
            let (state, report) = match result {
                Ok(report) => {
                    // One that was stopped while it was judged is judged again.
                    let stopped = report.outcome == Outcome::Stopped || job.check().is_err();
                    let state = match stopped {
                        true => RunState::Stopped,
                        false => RunState::Finished,
                    };
                    (state, Some(report))
                }
                Err(EngineError::Cancelled(_)) => (RunState::Stopped, None),
                Err(error) => {
                    let reason = error.to_string();
                    (RunState::Failed { reason }, None)
                }
            };
            let state = sweep.ended(number, state).map_err(TrainError::from)?;
            observer.run_ends(&run, &state, report.as_ref());
        }
        sweep.write().map_err(TrainError::from)?;
        let report = sweep.report();
        if report.complete {
            let _ = job.step(all, all, "runs");
        }
        Ok(report)
    }

    /// Makes a run, or goes on with it.
    fn make_run(
        &self,
        run: &PlannedRun,
        job: &Job,
        observer: &mut dyn SweepObserver,
    ) -> Result<Report, EngineError> {
        match RunFolder::is_run(&run.config.run) {
            true => self.resume_training(&run.config.run, job, observer),
            false => self.train(run.config.clone(), job, observer),
        }
    }
}

/// Whether a folder is that of a sweep, and not of a single run.
pub fn is_sweep(folder: &Path) -> bool {
    SweepFolder::is_sweep(folder)
}
