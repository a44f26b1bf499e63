//! How well scores order positives before negatives: ROC and precision-recall, with their areas.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::MetricsError;
use super::error::{finite, lengths};
use super::scores::mean_defined;

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

/// Scores of examples, sorted once, so that a resample of them needs no sorting.
pub struct Ranked {
    /// Numbers of the examples, from the highest score to the lowest.
    order: Vec<u32>,
    /// Whether each of them, in that order, is positive.
    positive: Vec<bool>,
    /// Whether each of them, in that order, scores less than the one before.
    lower: Vec<bool>,
}

impl Ranked {
    /// Sorts finite scores, one for each example.
    ///
    /// # Errors
    /// [`MetricsError`] when the lists differ in length, are empty or a score is not finite.
    pub fn new(truth: &[bool], scores: &[f64]) -> Result<Self, MetricsError> {
        checked(truth, scores)?;
        let mut order: Vec<u32> = (0..scores.len() as u32).collect();
        let score = |example: u32| scores[example as usize];
        order.sort_by(|&a, &b| score(b).total_cmp(&score(a)));
        let lower = order.windows(2).map(|pair| score(pair[1]) < score(pair[0]));
        Ok(Self {
            lower: [true].into_iter().chain(lower).collect(),
            positive: order.iter().map(|&own| truth[own as usize]).collect(),
            order,
        })
    }

    /// [`areas`] where each example is there as many times as it says, in O(n).
    pub fn areas(&self, times: &[u32]) -> Areas {
        let (mut wins, mut steps) = (0.0, 0.0);
        // Positives and negatives so far, and those of the current score.
        let (mut above, mut own) = ([0u64; 2], [0u64; 2]);
        let mut close = |own: &mut [u64; 2]| {
            let [hits, alarms] = own.map(|count| count as f64);
            wins += alarms * (above[0] as f64 + 0.5 * hits);
            (above[0], above[1]) = (above[0] + own[0], above[1] + own[1]);
            if own[0] > 0 {
                steps += hits * above[0] as f64 / (above[0] + above[1]) as f64;
            }
            *own = [0; 2];
        };
        for ((&example, &positive), &lower) in
            self.order.iter().zip(&self.positive).zip(&self.lower)
        {
            if lower {
                close(&mut own);
            }
            own[usize::from(!positive)] += u64::from(times[example as usize]);
        }
        close(&mut own);
        let [positives, negatives] = above.map(|count| count as f64);
        Areas {
            auroc: (above[0] > 0 && above[1] > 0).then(|| wins / (positives * negatives)),
            auprc: (above[0] > 0).then(|| steps / positives),
        }
    }
}

/// The plain means of the two areas over the classes where they are defined, each class against the
/// rest, for a resample of `examples` by number.
pub fn macro_areas(classes: &[Ranked], all: usize, examples: &[usize]) -> [Option<f64>; 2] {
    let mut times = vec![0u32; all];
    examples.iter().for_each(|&example| times[example] += 1);
    let areas: Vec<Areas> = classes.iter().map(|class| class.areas(&times)).collect();
    [
        mean_defined(areas.iter().map(|own| (own.auroc, 1.0))),
        mean_defined(areas.iter().map(|own| (own.auprc, 1.0))),
    ]
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
