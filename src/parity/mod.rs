//! Measures how far our numbers are from a folder of reference cases.
//!
//! A case is a folder; what is in it says of which kind it is (its name says nothing). Each kind
//! is a file beside this one, listed in `KINDS`.

mod attention_case;
mod case;
mod compare;
mod config_case;
mod metrics_case;
mod model_case;
mod model_input;
mod outputs;
mod pipeline_case;
mod rope_case;
mod tensors;
mod tokenizer_case;
mod training_case;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde::Serialize;

use self::case::Case;
pub use self::compare::{Check, limit};
use self::outputs::Outputs;
use crate::job::{Cancelled, Job};

/// Why reference cases cannot be run at all.
#[derive(Debug, thiserror::Error)]
pub enum ParityError {
    /// The folder or a file of a case cannot be read or understood.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The folder holds no case of the given name, or none at all.
    #[error("{}: {reason}", folder.display())]
    NoCase {
        /// The reference folder.
        folder: PathBuf,
        /// What was looked for.
        reason: String,
    },
    /// Stopped by the user.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl ParityError {
    fn new(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Unreadable {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// What became of one case.
#[derive(Debug, Clone, Serialize)]
pub struct CaseReport {
    /// Name of the case's folder.
    pub case: String,
    /// What was compared, or why it was not.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What became of one case.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It ran; every comparison is here.
    Compared(Vec<Check>),
    /// It could not run.
    Failed(String),
    /// This version does not know such cases.
    NotRun(String),
}

impl CaseReport {
    /// Whether anything in it failed.
    pub fn failed(&self) -> bool {
        match &self.outcome {
            Outcome::Compared(checks) => checks.is_empty() || !checks.iter().all(Check::passed),
            Outcome::Failed(_) => true,
            Outcome::NotRun(_) => false,
        }
    }
}

/// Runs one kind of case; `None` when the case is of another kind.
type Kind = fn(&Case, &Device, &mut Outputs) -> Option<Result<Vec<Check>, ParityError>>;

/// Every kind of case, tried in this order; a case may be of several kinds.
const KINDS: &[Kind] = &[
    config_case::run,
    model_case::run,
    tokenizer_case::run,
    attention_case::run,
    rope_case::run,
    pipeline_case::run,
    training_case::run,
    metrics_case::run,
];

/// Names of the cases in `folder`, sorted.
///
/// # Errors
/// [`ParityError`] when the folder cannot be read or holds none.
pub fn cases(folder: &Path) -> Result<Vec<String>, ParityError> {
    case::names(folder)
}

/// Runs the cases called `names` on `device`, telling `each` of every one as it ends.
///
/// With `save`, what was computed goes to `<save>/<case>/io.safetensors` under the names of the
/// expected tensors, ids of tokenizers to `strings.jsonl`, and JSON values to the file of that name.
///
/// Whatever is wrong with a case is in its report. A stopped job gives fewer reports than names.
pub fn run(
    folder: &Path,
    names: &[String],
    device: &Device,
    save: Option<&Path>,
    job: &Job,
    each: &mut dyn FnMut(&CaseReport),
) -> Vec<CaseReport> {
    let mut reports = Vec::new();
    for (done, name) in names.iter().enumerate() {
        if job.step(done, names.len(), "cases").is_err() {
            return reports;
        }
        let mut outputs = Outputs::default();
        // A malformed case can break a promise that an operation relies on: that is a fault of the
        // case, and the others still run.
        let run = AssertUnwindSafe(|| run_case(folder, name, device, &mut outputs));
        let mut outcome = catch_unwind(run)
            .unwrap_or_else(|_| Outcome::Failed("the case does not fit together".to_owned()));
        if let Some(save) = save
            && let Err(error) = outputs.write(&save.join(name))
        {
            outcome = Outcome::Failed(error.to_string());
        }
        let report = CaseReport {
            case: name.clone(),
            outcome,
        };
        each(&report);
        reports.push(report);
    }
    let _ = job.step(names.len(), names.len(), "cases");
    reports
}

fn run_case(folder: &Path, name: &str, device: &Device, outputs: &mut Outputs) -> Outcome {
    let case = match Case::open(folder, name) {
        Ok(case) => case,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    if let Some(reason) = case.unknown() {
        return Outcome::NotRun(reason);
    }
    let mut checks = Vec::new();
    let mut known = false;
    for kind in KINDS {
        match kind(&case, device, outputs) {
            None => {}
            Some(Ok(more)) => {
                known = true;
                checks.extend(more);
            }
            Some(Err(error)) => return Outcome::Failed(error.to_string()),
        }
    }
    match known {
        true => Outcome::Compared(checks),
        false => Outcome::NotRun("a kind of case that this version does not know".to_owned()),
    }
}
