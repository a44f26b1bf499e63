//! ROC, precision-recall and decision curves of the labels with the most examples.

use serde::Serialize;

use crate::metrics::MetricsError;
use crate::metrics::decision::{NetBenefit, decision_curve};
use crate::metrics::ranking::{PrCurve, RocCurve, areas, curves};

/// Labels that get curves.
const MOST_LABELS: usize = 6;
/// Points of a curve that are kept; more cannot be told apart in a plot.
const MOST_POINTS: usize = 400;

/// The curves of one label against the rest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassCurves {
    /// The label.
    pub label: String,
    /// Examples that have it.
    pub support: usize,
    /// Examples in all.
    pub examples: usize,
    /// The area under the ROC curve.
    pub auroc: Option<f64>,
    /// Average precision.
    pub auprc: Option<f64>,
    /// With at most 400 points, spread evenly over the distinct scores.
    pub roc: RocCurve,
    /// With at most 400 points, spread evenly over the distinct scores.
    pub pr: PrCurve,
    /// What acting on the scores is worth, by threshold.
    pub decision: Vec<NetBenefit>,
}

/// The curves of those labels that have the most examples, of those that have a curve. `of` gives
/// truth and scores of a label.
pub(super) fn class_curves(
    labels: &[String],
    support: &[u64],
    of: impl Fn(usize) -> (Vec<bool>, Vec<f64>),
) -> Result<Vec<ClassCurves>, MetricsError> {
    let mut order: Vec<usize> = (0..labels.len())
        .filter(|&label| support[label] > 0)
        .collect();
    order.sort_by_key(|&label| std::cmp::Reverse(support[label]));
    let mut found = Vec::new();
    for label in order.into_iter().take(MOST_LABELS) {
        let (truth, scores) = of(label);
        let areas = areas(&truth, &scores)?;
        if let Some((roc, pr)) = curves(&truth, &scores)? {
            found.push(ClassCurves {
                label: labels[label].clone(),
                support: support[label] as usize,
                examples: truth.len(),
                auroc: areas.auroc,
                auprc: areas.auprc,
                roc: thinned_roc(&roc),
                pr: thinned_pr(&pr),
                decision: decision_curve(&truth, &scores)?,
            });
        }
    }
    Ok(found)
}

/// Numbers of at most [`MOST_POINTS`] points, the first and the last among them.
fn kept(points: usize) -> Vec<usize> {
    let most = points.min(MOST_POINTS);
    let spread = |index: usize| index * (points - 1) / (most - 1).max(1);
    (0..most).map(spread).collect()
}

fn chosen<T: Copy>(values: &[T], kept: &[usize]) -> Vec<T> {
    let found = kept.iter().filter_map(|&index| values.get(index).copied());
    found.collect()
}

pub(super) fn thinned_roc(curve: &RocCurve) -> RocCurve {
    let kept = kept(curve.fpr.len());
    RocCurve {
        fpr: chosen(&curve.fpr, &kept),
        tpr: chosen(&curve.tpr, &kept),
        thresholds: chosen(&curve.thresholds, &kept),
    }
}

pub(super) fn thinned_pr(curve: &PrCurve) -> PrCurve {
    let kept = kept(curve.recall.len());
    PrCurve {
        precision: chosen(&curve.precision, &kept),
        recall: chosen(&curve.recall, &kept),
        thresholds: chosen(&curve.thresholds, &kept),
    }
}
