//! How well scores order positives before negatives: ROC and precision-recall, with their areas.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::MetricsError;
use super::error::{finite, lengths};

/// True against false positive rate, a point per distinct score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RocCurve {
    /// False positive rate, from 0 to 1.
    pub fpr: Vec<f64>,
    /// True positive rate, from 0 to 1.
    pub tpr: Vec<f64>,
    /// What scored at least this is positive; falling, and infinite (`None`) at the first point.
    pub thresholds: Vec<Option<f64>>,
}

/// Precision against recall, a point per distinct score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PrCurve {
    /// Precision; the last point is 1 by definition.
    pub precision: Vec<f64>,
    /// Recall, falling; the last point is 0.
    pub recall: Vec<f64>,
    /// What scored at least this is positive; rising, one less than there are points.
    pub thresholds: Vec<f64>,
}

/// The areas under both curves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Areas {
    /// The probability that a positive scores above a negative, equal scores counting half; `None`
    /// without positives or without negatives.
    pub auroc: Option<f64>,
    /// Average precision: the sum of `(R_n - R_(n-1)) P_n` over the distinct scores from high to low,
    /// without trapezoids; `None` without positives.
    pub auprc: Option<f64>,
}

fn checked(truth: &[bool], scores: &[f64]) -> Result<(), MetricsError> {
    lengths("scores", scores.len(), truth.len())?;
    finite("scores", scores, 1)
}

/// The areas under the ROC and the precision-recall curve, in O(n log n).
///
/// # Errors
/// [`MetricsError`] when the lists differ in length, are empty or a score is not finite.
pub fn areas(truth: &[bool], scores: &[f64]) -> Result<Areas, MetricsError> {
    checked(truth, scores)?;
    let of = |wanted: bool| {
        let pairs = truth.iter().zip(scores);
        pairs.filter_map(move |(&truth, &score)| (truth == wanted).then_some(score))
    };
    Ok(areas_of(of(true).collect(), of(false)))
}

/// [`areas`] of finite scores, the positives' apart from the negatives'; O(n log p) for p positives,
/// so that one class against a thousand others costs little.
fn areas_of(mut positives: Vec<f64>, negatives: impl Iterator<Item = f64>) -> Areas {
    let total = positives.len();
    positives.sort_unstable_by(f64::total_cmp);
    // Distinct scores of positives, rising, and how many have each.
    let mut distinct: Vec<f64> = Vec::new();
    let mut counts: Vec<usize> = Vec::new();
    for score in positives {
        match distinct.last() {
            Some(&last) if last == score => *counts.last_mut().expect("as many") += 1,
            _ => {
                distinct.push(score);
                counts.push(1);
            }
        }
    }
    // Positives that score at most as much as each distinct score before it.
    let mut below = vec![0; distinct.len() + 1];
    for (index, count) in counts.iter().enumerate() {
        below[index + 1] = below[index] + count;
    }
    // Negatives by the number of distinct scores that they reach.
    let mut reached = vec![0usize; distinct.len() + 1];
    let (mut wins, mut seen) = (0.0, 0usize);
    for score in negatives {
        let less = distinct.partition_point(|&own| own < score);
        let equal = distinct.get(less) == Some(&score);
        let ties = if equal { counts[less] } else { 0 };
        wins += (total - below[less] - ties) as f64 + 0.5 * ties as f64;
        reached[less + usize::from(equal)] += 1;
        seen += 1;
    }
    let mut area = 0.0;
    let (mut hits, mut false_alarms) = (0, 0);
    for index in (0..distinct.len()).rev() {
        hits += counts[index];
        false_alarms += reached[index + 1];
        area += counts[index] as f64 / total as f64 * hits as f64 / (hits + false_alarms) as f64;
    }
    Areas {
        auroc: (total > 0 && seen > 0).then(|| wins / (total as f64 * seen as f64)),
        auprc: (total > 0).then_some(area),
    }
}

/// The areas of each column of `scores`, `[examples, columns]`, row-major and finite; `holds` says
/// of example and column whether it is a positive.
pub fn areas_by_column(
    columns: usize,
    scores: &[f64],
    holds: impl Fn(usize, usize) -> bool + Sync,
) -> Vec<Areas> {
    let of = |column: usize| {
        let own = |wanted: bool| {
            let rows = scores.chunks(columns).enumerate();
            let holds = &holds;
            rows.filter_map(move |(example, row)| {
                (holds(example, column) == wanted).then_some(row[column])
            })
        };
        areas_of(own(true).collect(), own(false))
    };
    (0..columns).into_par_iter().map(of).collect()
}

/// A distinct score, with how many positives and negatives have it or more.
struct Step {
    score: f64,
    hits: usize,
    false_alarms: usize,
}

/// The distinct scores, from high to low.
fn steps(truth: &[bool], scores: &[f64]) -> Vec<Step> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let mut steps: Vec<Step> = Vec::new();
    let (mut hits, mut false_alarms) = (0, 0);
    for example in order {
        match truth[example] {
            true => hits += 1,
            false => false_alarms += 1,
        }
        let score = scores[example];
        match steps.last_mut() {
            Some(last) if last.score == score => {
                (last.hits, last.false_alarms) = (hits, false_alarms);
            }
            _ => steps.push(Step {
                score,
                hits,
                false_alarms,
            }),
        }
    }
    steps
}

/// Both curves, or `None` if there are no positives or no negatives.
///
/// # Errors
/// [`MetricsError`] when the lists differ in length, are empty or a score is not finite.
pub fn curves(truth: &[bool], scores: &[f64]) -> Result<Option<(RocCurve, PrCurve)>, MetricsError> {
    checked(truth, scores)?;
    let positives = truth.iter().filter(|&&truth| truth).count();
    let negatives = truth.len() - positives;
    if positives == 0 || negatives == 0 {
        return Ok(None);
    }
    let steps = steps(truth, scores);
    let mut roc = RocCurve {
        fpr: vec![0.0],
        tpr: vec![0.0],
        thresholds: vec![None],
    };
    for step in &steps {
        roc.fpr.push(step.false_alarms as f64 / negatives as f64);
        roc.tpr.push(step.hits as f64 / positives as f64);
        roc.thresholds.push(Some(step.score));
    }
    let rising = || steps.iter().rev();
    let precision = |step: &Step| step.hits as f64 / (step.hits + step.false_alarms) as f64;
    let mut pr = PrCurve {
        precision: rising().map(precision).collect(),
        recall: rising()
            .map(|step| step.hits as f64 / positives as f64)
            .collect(),
        thresholds: rising().map(|step| step.score).collect(),
    };
    pr.precision.push(1.0);
    pr.recall.push(0.0);
    Ok(Some((roc, pr)))
}

/// The distinct scores from high to low, with how many positives and how many negatives score at
/// least as much: what every threshold can be judged by.
pub(super) fn thresholds(truth: &[bool], scores: &[f64]) -> Vec<(f64, usize, usize)> {
    let steps = steps(truth, scores).into_iter();
    steps
        .map(|step| (step.score, step.hits, step.false_alarms))
        .collect()
}
