//! Judges a classifier that gives each example one of several classes.

use serde::{Deserialize, Serialize};

use super::calibration::reliability;
use super::error::{labels, lengths, probabilities};
use super::ranking::areas_by_column;
use super::scores::mean_defined;
use super::{Columns, Confusion, MetricsError, Scores};

/// How good a classifier is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Multiclass {
    /// The predicted class of each example: the first of the largest scores.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub y_pred: Vec<usize>,
    /// How often each class was predicted as which, `[true][predicted]`.
    pub confusion_matrix: Vec<Vec<u64>>,
    /// The share of examples that were right.
    pub accuracy: f64,
    /// Of each class.
    pub per_class: Columns,
    /// The plain mean over all classes, those without examples included.
    #[serde(rename = "macro")]
    pub macro_mean: Scores,
    /// All classes pooled: the accuracy.
    pub micro: Scores,
    /// The mean over classes by support.
    pub weighted: Scores,
    /// Matthews' correlation coefficient, Gorodkin's form; 0 where its denominator is 0.
    pub mcc: f64,
    /// Each class against the rest; `None` for a class that is nowhere or everywhere.
    pub auroc: Vec<Option<f64>>,
    /// The plain mean over the classes where it is defined.
    pub auroc_macro: Option<f64>,
    /// The mean by support over the classes where it is defined.
    pub auroc_weighted: Option<f64>,
    /// Average precision of each class; `None` for a class without examples.
    pub auprc: Vec<Option<f64>>,
    /// The plain mean over the classes where it is defined.
    pub auprc_macro: Option<f64>,
    /// Expected calibration error of the largest score against whether it was right.
    pub ece_top_label: f64,
}

/// The first of the largest values; 0 for an empty row.
pub fn argmax(row: &[f64]) -> usize {
    let mut best = 0;
    for (index, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = index;
        }
    }
    best
}

/// The plain mean of F1 over all classes, those without examples included.
pub fn macro_f1(confusion: &Confusion) -> f64 {
    confusion.per_class().plain_mean().f1
}

/// Judges scores `[examples, classes]`, row-major and in 0..=1, against the true classes.
///
/// # Errors
/// [`MetricsError`] when the lists do not fit together, are empty, name another class or a score is
/// no probability.
pub fn multiclass(
    classes: usize,
    truth: &[usize],
    scores: &[f64],
) -> Result<Multiclass, MetricsError> {
    lengths("scores", scores.len(), truth.len() * classes)?;
    labels(truth, classes)?;
    probabilities(scores, classes)?;
    let rows = || scores.chunks(classes.max(1));
    let y_pred: Vec<usize> = rows().map(argmax).collect();
    let confusion = Confusion::new(classes, truth, &y_pred)?;
    let top: Vec<f64> = rows().zip(&y_pred).map(|(row, &top)| row[top]).collect();
    let right: Vec<bool> = y_pred.iter().zip(truth).map(|(a, b)| a == b).collect();
    let areas = areas_by_column(classes, scores, |example, class| truth[example] == class);
    let per_class = confusion.per_class();
    let auroc: Vec<Option<f64>> = areas.iter().map(|areas| areas.auroc).collect();
    let auprc: Vec<Option<f64>> = areas.iter().map(|areas| areas.auprc).collect();
    let plain = |values: &[Option<f64>]| mean_defined(values.iter().map(|&value| (value, 1.0)));
    let support = per_class.support.iter().map(|&count| count as f64);
    Ok(Multiclass {
        confusion_matrix: confusion.rows(),
        accuracy: confusion.accuracy(),
        macro_mean: per_class.plain_mean(),
        micro: confusion.micro(),
        weighted: confusion.weighted(),
        mcc: confusion.mcc(),
        auroc_macro: plain(&auroc),
        auroc_weighted: mean_defined(auroc.iter().copied().zip(support)),
        auprc_macro: plain(&auprc),
        ece_top_label: reliability(&top, &right)?.ece,
        per_class,
        y_pred,
        auroc,
        auprc,
    })
}
