//! Judges a classifier that gives each example any number of labels.

use serde::{Deserialize, Serialize};

use super::error::{finite, lengths};
use super::ranking::{areas, areas_by_column};
use super::scores::mean_defined;
use super::{Columns, Margins, MetricsError, Scores};

/// How good the classifier is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Multilabel {
    /// Of each label.
    pub per_label: Columns,
    /// The plain mean over all labels.
    #[serde(rename = "macro")]
    pub macro_mean: Scores,
    /// All pairs of example and label pooled.
    pub micro: Scores,
    /// The mean over labels by support.
    pub weighted: Scores,
    /// The mean over examples, each judged by its own labels; 0 / 0 is 0.
    pub samples: Scores,
    /// The share of examples whose labels are all right.
    pub subset_accuracy: f64,
    /// The share of pairs of example and label that are wrong.
    pub hamming_loss: f64,
    /// Of each label; `None` for a label that is nowhere or everywhere.
    pub auroc: Vec<Option<f64>>,
    /// The plain mean over the labels where it is defined.
    pub auroc_macro: Option<f64>,
    /// All pairs of example and label as one list.
    pub auroc_micro: Option<f64>,
    /// Average precision of each label; `None` for a label without examples.
    pub auprc: Vec<Option<f64>>,
    /// The plain mean over the labels where it is defined.
    pub auprc_macro: Option<f64>,
    /// All pairs of example and label as one list.
    pub auprc_micro: Option<f64>,
}

/// Judges scores and what was called because of them against the truth; all three are
/// `[examples, labels]`, row-major.
///
/// # Errors
/// [`MetricsError`] when the lists do not fit together, are empty or a score is not finite.
pub fn multilabel(
    labels: usize,
    truth: &[bool],
    scores: &[f64],
    called: &[bool],
) -> Result<Multilabel, MetricsError> {
    if labels == 0 || !truth.len().is_multiple_of(labels) {
        let (truth, labels) = (truth.len(), labels);
        return Err(MetricsError::Choice(format!(
            "{truth} truths are no whole rows of {labels} labels"
        )));
    }
    lengths("scores", scores.len(), truth.len())?;
    lengths("calls", called.len(), truth.len())?;
    finite("scores", scores, labels)?;
    let examples = truth.len() / labels;
    let rows = || truth.chunks(labels).zip(called.chunks(labels));
    let of_row = |truth: &[bool], called: &[bool]| {
        let mut all = Margins::new(1);
        let pairs = truth.iter().zip(called);
        pairs.for_each(|(&truth, &called)| all.add_label(0, truth, called));
        all.micro()
    };
    let mut margins = Margins::new(labels);
    for (truth, called) in rows() {
        for (label, (&truth, &called)) in truth.iter().zip(called).enumerate() {
            margins.add_label(label, truth, called);
        }
    }
    let columns = areas_by_column(labels, scores, |example, label| {
        truth[example * labels + label]
    });
    let per_label = margins.per_class();
    let samples = rows().map(|(truth, called)| (of_row(truth, called), 1.0));
    let wrong = truth.iter().zip(called).filter(|(a, b)| a != b).count();
    let pooled = areas(truth, scores)?;
    let auroc: Vec<Option<f64>> = columns.iter().map(|areas| areas.auroc).collect();
    let auprc: Vec<Option<f64>> = columns.iter().map(|areas| areas.auprc).collect();
    let plain = |values: &[Option<f64>]| mean_defined(values.iter().map(|&value| (value, 1.0)));
    Ok(Multilabel {
        macro_mean: margins.macro_mean(),
        micro: margins.micro(),
        weighted: margins.weighted(),
        samples: Scores::weighted(samples),
        subset_accuracy: rows().filter(|(a, b)| a == b).count() as f64 / examples as f64,
        hamming_loss: wrong as f64 / truth.len() as f64,
        auroc_macro: plain(&auroc),
        auroc_micro: pooled.auroc,
        auprc_macro: plain(&auprc),
        auprc_micro: pooled.auprc,
        per_label,
        auroc,
        auprc,
    })
}
