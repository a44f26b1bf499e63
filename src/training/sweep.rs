//! Runs of one description with several values of its fields, each with several seeds.
//!
//! A sweep is a folder with a run in each of its own folders, an ordinary one. Which there are is
//! written before the first begins, and after each how it ended, so that a sweep goes on after a
//! stop or a kill as a run does.

mod folder;
mod markdown;
mod plan;
mod refusal;
mod report;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::config::TrainConfig;

pub use folder::SweepFolder;
pub use plan::{Axis, MOST_RUNS, Plan, SweepFault};
pub use report::{BestSetting, Figure, RunLine, SettingLine, SweepReport};

/// A value that a sweep gives to a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    /// The field's name.
    pub field: String,
    /// The value as it was written.
    pub value: String,
}

/// One run of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedRun {
    /// Its folder, below that of the sweep; parts are divided by `/`.
    pub folder: String,
    /// What it has of its own; all runs of a setting have the same.
    pub values: Vec<Value>,
    /// Its whole description.
    pub config: TrainConfig,
}

/// How far a run of a sweep is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RunState {
    /// It was not begun.
    Waiting,
    /// The user stopped it; it goes on when the sweep does.
    Stopped,
    /// It came to its end and was judged.
    Finished,
    /// It could not go on; it is tried again when the sweep goes on.
    Failed {
        /// Why.
        reason: String,
    },
}

/// What tells a setting from others, in words: `lr=3e-4, batch=16`, or `as described`.
pub fn setting_name(values: &[Value]) -> String {
    if values.is_empty() {
        return "as described".to_owned();
    }
    let each = values
        .iter()
        .map(|own| format!("{}={}", own.field, own.value));
    each.collect::<Vec<_>>().join(", ")
}
