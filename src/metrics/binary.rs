//! Judges the scores of a label that an example has or has not.

use serde::{Deserialize, Serialize};

use super::calibration::{Bin, brier, reliability};
use super::error::{finite, lengths};
use super::ranking::{PrCurve, RocCurve, areas, curves};
use super::scores::ratio;
use super::{Margins, MetricsError, Scores};

/// How good the scores are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Binary {
    /// The area under the ROC curve; `None` if one of the two classes is missing.
    pub auroc: Option<f64>,
    /// Average precision; `None` without positives.
    pub auprc: Option<f64>,
    /// The mean of `(score - y)²`.
    pub brier: f64,
    /// Expected calibration error of the score of the positive class.
    pub ece: f64,
    /// The reliability diagram.
    pub bins: Vec<Bin>,
    /// `None` if one of the two classes is missing.
    pub roc_curve: Option<RocCurve>,
    /// `None` if one of the two classes is missing.
    pub pr_curve: Option<PrCurve>,
}

/// Judges scores of the positive class, in 0..=1.
///
/// # Errors
/// [`MetricsError`] when the lists differ in length, are empty or a score is no probability.
pub fn binary(truth: &[bool], scores: &[f64]) -> Result<Binary, MetricsError> {
    let reliability = reliability(scores, truth)?;
    let areas = areas(truth, scores)?;
    let (roc_curve, pr_curve) = curves(truth, scores)?.unzip();
    Ok(Binary {
        auroc: areas.auroc,
        auprc: areas.auprc,
        brier: brier(truth, scores)?,
        ece: reliability.ece,
        bins: reliability.bins,
        roc_curve,
        pr_curve,
    })
}

/// What comes of calling positive what scored at least as much as a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AtThreshold {
    /// True positives.
    pub tp: u64,
    /// False positives.
    pub fp: u64,
    /// False negatives.
    #[serde(rename = "fn")]
    pub fn_: u64,
    /// True negatives.
    pub tn: u64,
    /// Of the positive class.
    #[serde(flatten)]
    pub scores: Scores,
    /// TN / (TN + FP), 0 without negatives.
    pub specificity: f64,
    /// The share of examples that were right.
    pub accuracy: f64,
    /// Matthews' correlation coefficient; 0 where its denominator is 0.
    pub mcc: f64,
}

/// Judges one threshold; without one nothing is called positive.
///
/// # Errors
/// [`MetricsError`] when the lists differ in length, are empty or a score is not finite.
pub fn at_threshold(
    truth: &[bool],
    scores: &[f64],
    threshold: Option<f64>,
) -> Result<AtThreshold, MetricsError> {
    lengths("scores", scores.len(), truth.len())?;
    finite("scores", scores, 1)?;
    let mut counts = [0u64; 4];
    for (&truth, &score) in truth.iter().zip(scores) {
        let called = threshold.is_some_and(|threshold| score >= threshold);
        counts[usize::from(truth) * 2 + usize::from(called)] += 1;
    }
    let [tn, fp, fn_, tp] = counts;
    Ok(AtThreshold {
        tp,
        fp,
        fn_,
        tn,
        scores: Scores::of(tp, tp + fp, tp + fn_),
        specificity: ratio(tn as f64, (tn + fp) as f64),
        accuracy: (tp + tn) as f64 / truth.len() as f64,
        mcc: Margins::from(vec![[tn, tn + fn_, tn + fp], [tp, tp + fp, tp + fn_]]).mcc(),
    })
}
