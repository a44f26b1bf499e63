//! Precision, recall, F1, their averages.

use serde::{Deserialize, Serialize};

/// `a / b`, and 0 where there is nothing to divide by.
pub(super) fn ratio(a: f64, b: f64) -> f64 {
    if b == 0.0 { 0.0 } else { a / b }
}

/// Precision, recall and F1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Scores {
    /// TP / (TP + FP), 0 if nothing was predicted.
    pub precision: f64,
    /// TP / (TP + FN), 0 if nothing was there.
    pub recall: f64,
    /// 2 TP / (2 TP + FP + FN), 0 if there was nothing and nothing was predicted.
    pub f1: f64,
}

impl Scores {
    /// From true positives, all that was predicted and all that was there.
    pub fn of(hits: u64, predicted: u64, support: u64) -> Self {
        let (hits, predicted, support) = (hits as f64, predicted as f64, support as f64);
        Self {
            precision: ratio(hits, predicted),
            recall: ratio(hits, support),
            f1: ratio(2.0 * hits, predicted + support),
        }
    }

    /// The mean of rows, each with its weight; 0 if all weights are 0.
    pub fn weighted(rows: impl IntoIterator<Item = (Self, f64)>) -> Self {
        let (mut sum, mut weights) = (Self::default(), 0.0);
        for (row, weight) in rows {
            sum.precision += row.precision * weight;
            sum.recall += row.recall * weight;
            sum.f1 += row.f1 * weight;
            weights += weight;
        }
        Self {
            precision: ratio(sum.precision, weights),
            recall: ratio(sum.recall, weights),
            f1: ratio(sum.f1, weights),
        }
    }
}

/// Scores of several classes, a column each.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Columns {
    /// Precision of each class.
    pub precision: Vec<f64>,
    /// Recall of each class.
    pub recall: Vec<f64>,
    /// F1 of each class.
    pub f1: Vec<f64>,
    /// Examples of each class.
    pub support: Vec<u64>,
}

impl Columns {
    /// From `(hits, predicted, support)` of each class.
    pub(super) fn of(counts: impl IntoIterator<Item = [u64; 3]>) -> Self {
        let mut columns = Self::default();
        for [hits, predicted, support] in counts {
            let scores = Scores::of(hits, predicted, support);
            columns.precision.push(scores.precision);
            columns.recall.push(scores.recall);
            columns.f1.push(scores.f1);
            columns.support.push(support);
        }
        columns
    }

    /// The scores of one class.
    pub fn row(&self, class: usize) -> Scores {
        Scores {
            precision: self.precision[class],
            recall: self.recall[class],
            f1: self.f1[class],
        }
    }

    /// The plain mean over all classes, those without examples included.
    pub(super) fn plain_mean(&self) -> Scores {
        let classes = 0..self.f1.len();
        Scores::weighted(classes.map(|class| (self.row(class), 1.0)))
    }

    /// The mean over the classes by their support.
    pub(super) fn weighted_mean(&self) -> Scores {
        let classes = 0..self.f1.len();
        Scores::weighted(classes.map(|class| (self.row(class), self.support[class] as f64)))
    }
}

/// The mean of those values that are defined; `None` if none is or their weights are all 0.
pub(super) fn mean_defined(values: impl IntoIterator<Item = (Option<f64>, f64)>) -> Option<f64> {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (value, weight) in values {
        if let Some(value) = value {
            sum += value * weight;
            weights += weight;
        }
    }
    (weights > 0.0).then(|| sum / weights)
}
