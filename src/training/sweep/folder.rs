//! The folder of a sweep: its plan, how far each run is, and what came of them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::markdown::markdown;
use super::report::{Figures, Made, SweepReport, report};
use super::{Plan, PlannedRun, RunState};
use crate::training::lock::lock;
use crate::training::run_folder::{RunError, RunFolder, write_whole};

const PLAN: &str = "sweep.toml";
const REPORT: &str = "sweep.json";
const TABLE: &str = "sweep.md";

/// The folder of a sweep, held by this process alone.
#[derive(Debug)]
pub struct SweepFolder {
    plan: Plan,
    /// How far each run is, in the order of the plan.
    made: Vec<Made>,
    /// Released when it is closed, also by the end of the process.
    _lock: File,
}

/// What of the report is read again.
#[derive(Deserialize)]
struct Kept {
    runs: Vec<KeptRun>,
}

#[derive(Deserialize)]
struct KeptRun {
    folder: String,
    #[serde(flatten)]
    state: RunState,
}

impl SweepFolder {
    /// A new folder with the plan of a sweep.
    ///
    /// # Errors
    /// [`RunError`] when it is not new or empty, or cannot be written.
    pub fn create(plan: Plan) -> Result<Self, RunError> {
        RunFolder::is_new(&plan.run)?;
        fs::create_dir_all(&plan.run).map_err(RunError::at(&plan.run))?;
        let lock = lock(&plan.run)?;
        let text = toml::to_string(&plan).expect("a plan is a table of plain values");
        // Last, because its presence is what makes the folder a sweep.
        write_whole(&plan.run.join(PLAN), text.as_bytes())?;
        let made = plan.runs.iter().map(|_| Made::waiting()).collect();
        Ok(Self {
            plan,
            made,
            _lock: lock,
        })
    }

    /// Whether this is the folder of a sweep.
    pub fn is_sweep(path: &Path) -> bool {
        path.join(PLAN).is_file()
    }

    /// A sweep that was begun, where it was left.
    ///
    /// # Errors
    /// [`RunError`] when it is none, damaged, or worked on.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        if !Self::is_sweep(path) {
            return Err(RunError::NoRun(path.to_owned()));
        }
        let lock = lock(path)?;
        let mut plan: Plan = read(&path.join(PLAN), |text| {
            toml::from_str(text).map_err(|error| error.to_string())
        })?;
        if plan.runs.is_empty() {
            return Err(RunError::Damaged {
                path: path.join(PLAN),
                reason: "no run is in it".to_owned(),
            });
        }
        // It may have been moved.
        path.clone_into(&mut plan.run);
        for run in &mut plan.runs {
            run.config.run = path.join(&run.folder);
        }
        let file = path.join(REPORT);
        let kept = match file.exists() {
            // Killed before the first run ended.
            false => Vec::new(),
            true => {
                read(&file, |text| {
                    serde_json::from_str::<Kept>(text).map_err(|error| error.to_string())
                })?
                .runs
            }
        };
        let made = plan.runs.iter().map(|run| {
            let kept = kept.iter().find(|own| own.folder == run.folder);
            let state = kept.map_or(RunState::Waiting, |own| own.state.clone());
            match state {
                // What cannot be read is made again: a run that has its checkpoints judges only.
                RunState::Finished => {
                    Figures::of(&run.config.run).map_or_else(|_| Made::waiting(), Made::finished)
                }
                state => Made {
                    state,
                    figures: None,
                },
            }
        });
        Ok(Self {
            made: made.collect(),
            plan,
            _lock: lock,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &PathBuf {
        &self.plan.run
    }

    /// Its plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// A run, and how far it is.
    pub fn run(&self, number: usize) -> (&PlannedRun, &RunState) {
        (&self.plan.runs[number], &self.made[number].state)
    }

    /// Takes note of how a run ended, and writes what came of the sweep so far.
    ///
    /// Returns the state that is kept: a run that should have been finished, and was not judged, failed.
    ///
    /// # Errors
    /// [`RunError::Io`] when it cannot be written; what was written before stays.
    pub fn ended(&mut self, number: usize, state: RunState) -> Result<RunState, RunError> {
        self.made[number] = match state {
            RunState::Finished => match Figures::of(&self.plan.runs[number].config.run) {
                Ok(figures) => Made::finished(figures),
                Err(error) => Made {
                    state: RunState::Failed {
                        reason: error.to_string(),
                    },
                    figures: None,
                },
            },
            state => Made {
                state,
                figures: None,
            },
        };
        self.write()?;
        Ok(self.made[number].state.clone())
    }

    /// What came of it so far.
    pub fn report(&self) -> SweepReport {
        report(&self.plan, &self.made)
    }

    /// Writes the report, for machines and for people.
    ///
    /// # Errors
    /// [`RunError::Io`] when it cannot be written; what was written before stays.
    pub fn write(&self) -> Result<(), RunError> {
        let report = self.report();
        let mut json = serde_json::to_string_pretty(&report).expect("plain data is JSON");
        json.push('\n');
        write_whole(&self.plan.run.join(REPORT), json.as_bytes())?;
        write_whole(&self.plan.run.join(TABLE), markdown(&report).as_bytes())
    }
}

/// What is in a file of a sweep.
fn read<T>(path: &Path, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, RunError> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string());
    text.and_then(|text| parse(&text))
        .map_err(|reason| RunError::Damaged {
            path: path.to_owned(),
            reason,
        })
}
