//! Why a report cannot be made.

use std::path::{Path, PathBuf};

use crate::job::Cancelled;
use crate::metrics::MetricsError;

/// Why a report cannot be made or written.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// The numbers cannot be judged.
    #[error(transparent)]
    Metrics(MetricsError),
    /// A file cannot be written.
    #[error("{}: {reason}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A plot cannot be drawn.
    #[error("the plot \"{plot}\" cannot be drawn: {reason}")]
    Plot {
        /// Its name.
        plot: String,
        /// Why not.
        reason: String,
    },
    /// Stopped by the user.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl From<MetricsError> for EvaluationError {
    fn from(error: MetricsError) -> Self {
        match error {
            MetricsError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            error => Self::Metrics(error),
        }
    }
}

impl EvaluationError {
    pub(super) fn write(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Write {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}
