//! What came of a run, in plain data.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::checkpoint::Best;
use super::config::MetricName;
use super::figures::Evaluation;

/// The name of the part that tells the best.
pub(super) const VALIDATION: &str = "validation";
/// The name of the part that tells how good the best is.
pub(super) const TEST: &str = "test";

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All steps were made.
    Finished,
    /// Nothing better came for as many evaluations as patience allows.
    NothingBetter,
    /// The user stopped it; everything is saved, and it can go on.
    Stopped,
}

/// What came of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Its folder.
    pub run: PathBuf,
    /// How it ended.
    pub outcome: Outcome,
    /// Steps that were made.
    pub steps: u64,
    /// Steps that were asked for.
    pub total_steps: u64,
    /// The best model, in Hugging Face layout; the last one where nothing is judged.
    pub model: Option<PathBuf>,
    /// What tells the best.
    pub metric: MetricName,
    /// When it was found, and how good it is in the run's metric, more being better.
    pub best: Option<Best>,
    /// The best model by the parts that were held back; none before the run is over.
    pub judged: Vec<Judged>,
    /// The last evaluation.
    pub last: Option<Evaluation>,
    /// Steps that were made before it.
    pub last_step: Option<u64>,
    /// Numbers that are trained.
    pub trained: usize,
    /// Numbers of the whole model.
    pub parameters: usize,
    /// Examples to learn from and to be judged by.
    pub examples: [usize; 2],
    /// Names of the classes.
    pub labels: Vec<String>,
    /// Notes, rows or files that were left out.
    pub left_out: usize,
    /// Tokens that were read.
    pub tokens: u64,
    /// How long all steps took, in seconds.
    pub seconds: f64,
    /// Where the time of the steps of this process went; on a GPU parts overlap.
    pub times: Times,
    /// What of the report could not be written, and why; the run itself is whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// A model judged by a part of the notes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// The part: `validation` or `test`.
    pub part: &'static str,
    /// How good it is there.
    #[serde(flatten)]
    pub evaluation: Evaluation,
}

/// Where the time of steps goes, in seconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Times {
    /// Batches and masks.
    pub prepare: f64,
    /// Loss and gradients.
    pub model: f64,
    /// The optimiser.
    pub update: f64,
    /// Everything else between two steps: history, checks, progress.
    pub rest: f64,
}

/// A time in seconds in words, in the two largest units that it has.
pub fn duration(seconds: f64) -> String {
    let whole = Duration::from_secs_f64(seconds.clamp(0.0, 1e12)).as_secs();
    match whole {
        0..10 => format!("{seconds:.2} s"),
        10..60 => format!("{seconds:.0} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        3600..86400 => format!("{} h {} min", whole / 3600, whole / 60 % 60),
        _ => format!("{} days {} h", whole / 86400, whole / 3600 % 24),
    }
}
