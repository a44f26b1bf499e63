//! Hits, predictions and examples of each class: all that precision, recall and F1 need.

use super::{Columns, Scores};

/// `(hits, predicted, support)` of each class. It grows with the classes and not, as a table of all
/// pairs of them, with their square.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Margins(Vec<[u64; 3]>);

impl Margins {
    /// Of no example yet.
    pub fn new(classes: usize) -> Self {
        Self(vec![[0; 3]; classes])
    }

    /// Adds an example that has one class and was given one.
    ///
    /// # Panics
    /// If one of them is no class.
    pub fn add(&mut self, truth: usize, predicted: usize) {
        self.add_many(truth, predicted, 1);
    }

    /// Adds `count` such examples.
    pub(super) fn add_many(&mut self, truth: usize, predicted: usize, count: u64) {
        self.0[predicted][1] += count;
        self.0[truth][2] += count;
        if truth == predicted {
            self.0[truth][0] += count;
        }
    }

    /// Adds an example that has a label or not, and was given it or not.
    ///
    /// # Panics
    /// If it is no label.
    pub fn add_label(&mut self, label: usize, truth: bool, called: bool) {
        let [hits, predicted, support] = &mut self.0[label];
        *hits += u64::from(truth && called);
        *predicted += u64::from(called);
        *support += u64::from(truth);
    }

    /// Of each class `(hits, predicted, support)`.
    pub fn rows(&self) -> &[[u64; 3]] {
        &self.0
    }

    /// Precision, recall, F1 and support of each class.
    pub fn per_class(&self) -> Columns {
        Columns::of(self.0.iter().copied())
    }

    /// All classes pooled; where each example has one class and was given one, all three are the
    /// accuracy.
    pub fn micro(&self) -> Scores {
        let sum = |part: usize| self.0.iter().map(|row| row[part]).sum();
        Scores::of(sum(0), sum(1), sum(2))
    }

    /// The plain mean over all classes, those without examples included.
    pub fn macro_mean(&self) -> Scores {
        self.per_class().plain_mean()
    }

    /// The mean over the classes by their support.
    pub fn weighted(&self) -> Scores {
        self.per_class().weighted_mean()
    }

    /// Matthews' correlation coefficient of examples with one class each, in Gorodkin's form for
    /// several classes (Comput. Biol. Chem. 28, 2004); 0 where its denominator is 0, as
    /// scikit-learn has it.
    pub fn mcc(&self) -> f64 {
        // Products of counts outgrow 64 bits from a few billion examples on.
        let sum = |term: fn(&[u64; 3]) -> i128| self.0.iter().map(term).sum::<i128>();
        let examples = sum(|&[_, _, support]| support.into());
        let hits = sum(|&[hits, ..]| hits.into());
        let both = sum(|&[_, predicted, support]| i128::from(predicted) * i128::from(support));
        let predicted = sum(|&[_, predicted, _]| i128::from(predicted).pow(2));
        let support = sum(|&[_, _, support]| i128::from(support).pow(2));
        let covariance = (hits * examples - both) as f64;
        let (a, b) = (examples.pow(2) - predicted, examples.pow(2) - support);
        match (a, b) {
            (0, _) | (_, 0) => 0.0,
            _ => covariance / ((a as f64).sqrt() * (b as f64).sqrt()),
        }
    }
}

impl From<Vec<[u64; 3]>> for Margins {
    fn from(rows: Vec<[u64; 3]>) -> Self {
        Self(rows)
    }
}
