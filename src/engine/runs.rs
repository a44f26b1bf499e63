//! Runs that lie in folders: which there are, what each did and was to do.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Local};
use serde::Deserialize;

use super::{EngineError, Job};
use crate::notes::Note;
use crate::training::checkpoint::Best;
use crate::training::config::{MetricName, TrainConfig};
use crate::training::figures::Evaluation;
use crate::training::held_back::{HeldBack, read_alike};
use crate::training::history::{Event, events};
use crate::training::run_folder::{RunError, RunFolder};
use crate::training::session::TrainError;

/// How deep folders are looked into: runs of a sweep lie in a folder of their own.
const DEEP: usize = 3;

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunStage {
    /// All steps were made, or nothing better came.
    Finished,
    /// Somebody stopped it, and it can go on.
    Stopped,
    /// It has no report: another process works on it, or it was cut off and can go on.
    Open,
    /// It was cut off before its first checkpoint.
    Nothing,
    /// Its folder cannot be read.
    Damaged,
}

/// A run in a line.
#[derive(Debug, Clone)]
pub struct RunSummary {
    /// Its folder.
    pub folder: PathBuf,
    /// The folder's own name.
    pub name: String,
    /// Where it is.
    pub stage: RunStage,
    /// What it was to do; its defaults where that cannot be read.
    pub config: TrainConfig,
    /// What tells the best model.
    pub metric: MetricName,
    /// Steps that were made, as far as its report says.
    pub steps: u64,
    /// Steps that were asked for; 0 without a report.
    pub total: u64,
    /// The best value of the metric.
    pub best: Option<f64>,
    /// When it was begun, as `2026-05-17 09:30`.
    pub begun: String,
    /// Whether it has a best model.
    pub has_model: bool,
    /// Why it cannot be read.
    pub wrong: Option<String>,
}

impl RunSummary {
    /// The best value of the metric, so that more is better.
    pub fn goodness(&self) -> Option<f64> {
        // To turn a loss round twice gives it back.
        self.best.map(|own| self.metric.shown(own))
    }
}

/// All that a run left.
#[derive(Debug, Clone)]
pub struct RunRecord {
    /// In a line.
    pub summary: RunSummary,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// The best model by the parts that were held back, each by its name.
    pub judged: Vec<(String, Evaluation)>,
    /// Steps that were made before the best model.
    pub best_step: Option<u64>,
    /// The model that the run left.
    pub model: Option<PathBuf>,
    /// What the run told of itself, in Markdown; empty without.
    pub told: String,
}

/// What is read of `report.json`.
#[derive(Deserialize)]
struct Ended {
    outcome: Outcome,
    steps: u64,
    total_steps: u64,
    metric: MetricName,
    best: Option<Best>,
    #[serde(default)]
    judged: Vec<OnPart>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Finished,
    NothingBetter,
    Stopped,
}

#[derive(Deserialize)]
struct OnPart {
    part: String,
    #[serde(flatten)]
    evaluation: Evaluation,
}

/// The runs in these folders and those below them, the newest first.
///
/// A folder that is not there has none: a drive may be missing today.
///
/// # Errors
/// [`EngineError::Cancelled`] when `job` is stopped.
pub fn runs(folders: &[PathBuf], job: &Job) -> Result<Vec<RunSummary>, EngineError> {
    let mut found = Vec::new();
    for folder in folders {
        below(folder, DEEP, job, &mut found)?;
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found.dedup_by(|(a, _), (b, _)| a == b);
    found.sort_by_key(|(_, begun)| std::cmp::Reverse(*begun));
    let all = found.into_iter();
    Ok(all
        .map(|(folder, begun)| summary(folder, begun).0)
        .collect())
}

fn below(
    folder: &Path,
    deep: usize,
    job: &Job,
    found: &mut Vec<(PathBuf, SystemTime)>,
) -> Result<(), EngineError> {
    job.check()?;
    if RunFolder::is_run(folder) {
        found.push((folder.to_owned(), begun(folder)));
        return Ok(());
    }
    let (Some(deep), Ok(entries)) = (deep.checked_sub(1), fs::read_dir(folder)) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        // A link may lead back here.
        if entry.file_type().is_ok_and(|own| own.is_dir()) {
            below(&entry.path(), deep, job, found)?;
        }
    }
    Ok(())
}

/// When the description of a run was written.
fn begun(folder: &Path) -> SystemTime {
    let written = RunFolder::description(folder).metadata();
    let written = written.and_then(|own| own.modified());
    written.unwrap_or(SystemTime::UNIX_EPOCH)
}

fn summary(folder: PathBuf, begun: SystemTime) -> (RunSummary, Option<Ended>) {
    let name = folder.file_name().unwrap_or(folder.as_os_str());
    let name = name.to_string_lossy().into_owned();
    let described = RunFolder::described(&folder);
    let (config, mut wrong) = match described {
        Ok(config) => (config, None),
        Err(error) => (TrainConfig::default(), Some(error.to_string())),
    };
    let ended = match ended(&folder) {
        Ok(ended) => ended,
        Err(error) => {
            wrong.get_or_insert(error.to_string());
            None
        }
    };
    let stage = match &ended {
        _ if wrong.is_some() => RunStage::Damaged,
        Some(own) if own.outcome == Outcome::Stopped => RunStage::Stopped,
        Some(_) => RunStage::Finished,
        None if RunFolder::can_go_on(&folder) => RunStage::Open,
        None => RunStage::Nothing,
    };
    let metric = ended.as_ref().map(|own| own.metric);
    let metric = metric.unwrap_or_else(|| config.settled_metric());
    let best = ended.as_ref().and_then(|own| own.best);
    let best = best.map(|own| metric.shown(own.goodness));
    let begun: DateTime<Local> = begun.into();
    let own = RunSummary {
        name,
        stage,
        metric,
        steps: ended.as_ref().map_or(0, |own| own.steps),
        total: ended.as_ref().map_or(0, |own| own.total_steps),
        best,
        begun: begun.format("%Y-%m-%d %H:%M").to_string(),
        has_model: RunFolder::best_of(&folder).is_dir(),
        config,
        wrong,
        folder,
    };
    (own, ended)
}

/// The report of a run; none before it has ended.
fn ended(folder: &Path) -> Result<Option<Ended>, RunError> {
    let path = RunFolder::report_of(folder);
    if !path.is_file() {
        return Ok(None);
    }
    let damaged = |reason: String| RunError::Damaged {
        path: path.clone(),
        reason,
    };
    let text = fs::read_to_string(&path).map_err(|error| damaged(error.to_string()))?;
    let ended = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
    Ok(Some(ended))
}

/// All that the run in this folder left.
///
/// # Errors
/// [`EngineError::Train`] when it is no run, or its files cannot be read.
pub fn run_record(folder: &Path) -> Result<RunRecord, EngineError> {
    let fault = |error: RunError| EngineError::from(TrainError::from(error));
    RunFolder::described(folder).map_err(fault)?;
    let (summary, ended) = summary(folder.to_owned(), begun(folder));
    let history = RunFolder::history_of(folder);
    let events = match history.is_file() {
        true => events(&history).map_err(fault)?,
        false => Vec::new(),
    };
    let best = RunFolder::best_of(folder);
    let best_step = ended.as_ref().and_then(|own| own.best);
    let judged = ended.map_or_else(Vec::new, |own| own.judged);
    Ok(RunRecord {
        judged: (judged.into_iter())
            .map(|own| (own.part, own.evaluation))
            .collect(),
        best_step: best_step.map(|own| own.step),
        model: best.is_dir().then_some(best),
        told: fs::read_to_string(RunFolder::told(folder)).unwrap_or_default(),
        events,
        summary,
    })
}

/// The notes that the run in this folder did not learn from, read anew.
///
/// # Errors
/// [`EngineError::Train`] when it is no run or its notes are not those that it learned from,
/// [`EngineError::Cancelled`] when `job` is stopped.
pub fn held_back(folder: &Path, job: &Job) -> Result<HeldBack, EngineError> {
    let config = RunFolder::described(folder).map_err(TrainError::from)?;
    Ok(HeldBack::of(&config, job)?)
}

/// The notes of other files, read as the run of this description reads its own.
///
/// # Errors
/// [`EngineError::Train`] when there are none, [`EngineError::Cancelled`] when `job` is stopped.
pub fn notes_as_of(
    config: &TrainConfig,
    paths: &[PathBuf],
    job: &Job,
) -> Result<Vec<Note>, EngineError> {
    Ok(read_alike(config, paths, job)?)
}

/// The run whose best model lies in this folder.
pub fn run_of_model(folder: &Path) -> Option<PathBuf> {
    let run = folder.parent()?;
    (RunFolder::is_run(run) && RunFolder::best_of(run) == folder).then(|| run.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_has_no_runs_and_a_broken_run_says_why() {
        let temporary = tempfile::tempdir().unwrap();
        let missing = temporary.path().join("missing");
        assert!(runs(&[missing], &Job::silent()).unwrap().is_empty());
        let run = temporary.path().join("sweep/broken");
        fs::create_dir_all(&run).unwrap();
        fs::write(run.join("config.toml"), "lr = \"much\"").unwrap();
        let found = runs(&[temporary.path().to_owned()], &Job::silent()).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(
            (&*found[0].name, found[0].stage),
            ("broken", RunStage::Damaged)
        );
        let wrong = found[0].wrong.as_ref().unwrap();
        assert!(wrong.contains("lr"), "{wrong}");
        assert!(run_record(&run).is_err());
    }
}
