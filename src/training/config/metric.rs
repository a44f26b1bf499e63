//! What tells the best checkpoint, and which task has it.

use serde::{Deserialize, Serialize};

use super::TaskKind;

/// What tells the best checkpoint, and when there is no better one to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetricName {
    /// The loss for masked-language modelling, macro-F1 otherwise.
    Auto,
    /// The mean F1 of all classes, or of all kinds of spans, each counting the same.
    MacroF1,
    /// F1 of all classes or kinds of spans pooled; with one class per note it is the accuracy.
    MicroF1,
    /// The mean F1 of all classes or kinds of spans, each counting as often as it is there.
    WeightedF1,
    /// For spans: F1 of all kinds pooled, where a span is right if it overlaps a true one.
    OverlapF1,
    /// The share of right answers.
    Accuracy,
    /// Matthews' correlation coefficient.
    Mcc,
    /// The mean area under the ROC curve of all classes, each against the rest.
    Auroc,
    /// The mean loss: the lower the better.
    Loss,
}

impl MetricName {
    /// Its name in a sentence.
    pub fn title(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::MacroF1 => "macro-F1",
            Self::MicroF1 => "micro-F1",
            Self::WeightedF1 => "weighted F1",
            Self::OverlapF1 => "overlap F1",
            Self::Accuracy => "accuracy",
            Self::Mcc => "MCC",
            Self::Auroc => "AUROC",
            Self::Loss => "loss",
        }
    }

    /// The value as it is shown, of one of which more is better; or the other way round.
    pub fn shown(self, goodness: f64) -> f64 {
        match self {
            Self::Loss => -goodness,
            _ => goodness,
        }
    }

    /// Its name in a file.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::MacroF1 => "macro-f1",
            Self::MicroF1 => "micro-f1",
            Self::WeightedF1 => "weighted-f1",
            Self::OverlapF1 => "overlap-f1",
            Self::Accuracy => "accuracy",
            Self::Mcc => "mcc",
            Self::Auroc => "auroc",
            Self::Loss => "loss",
        }
    }

    /// Why a model for this task cannot be judged by it; `None` if it can.
    pub(super) fn refusal(self, task: TaskKind, several_labels: bool) -> Option<&'static str> {
        match (self, task) {
            (Self::Auto | Self::Accuracy | Self::Loss, _) => None,
            (_, TaskKind::MaskedLm) => {
                Some("a masked-LM model guesses tokens; it is judged by loss or accuracy")
            }
            (Self::Mcc, TaskKind::Tag) => Some(
                "it counts true negatives, and spans have none; take macro-f1, micro-f1 or \
                 overlap-f1",
            ),
            (Self::Auroc, TaskKind::Tag) => Some(
                "it ranks the scores of notes, and a tagger marks spans; take macro-f1, micro-f1 \
                 or overlap-f1",
            ),
            (Self::OverlapF1, TaskKind::Classify) => {
                Some("only spans overlap; take macro-f1, micro-f1 or weighted-f1")
            }
            (Self::Mcc, TaskKind::Classify) if several_labels => Some(
                "it is of one class per note, and several-labels is true; take macro-f1, micro-f1 \
                 or auroc",
            ),
            _ => None,
        }
    }

    /// What it stands for with this task.
    pub(super) fn settled(self, task: TaskKind) -> Self {
        match (self, task) {
            (Self::Auto, TaskKind::MaskedLm) => Self::Loss,
            (Self::Auto, TaskKind::Classify | TaskKind::Tag) => Self::MacroF1,
            (metric, _) => metric,
        }
    }
}
