//! The table of true against predicted classes.

use super::error::{labels, lengths};
use super::scores::mean_defined;
use super::{Columns, MetricsError, Scores};

/// How many examples of each class were predicted as which.
#[derive(Debug, Clone, PartialEq)]
pub struct Confusion {
    classes: usize,
    /// `[true][predicted]`, row-major.
    counts: Vec<u64>,
}

impl Confusion {
    /// Counts true and predicted classes, both numbers below `classes`.
    ///
    /// # Errors
    /// [`MetricsError`] when the lists differ in length, are empty or name another class.
    pub fn new(classes: usize, truth: &[usize], predicted: &[usize]) -> Result<Self, MetricsError> {
        lengths("predictions", predicted.len(), truth.len())?;
        labels(truth, classes)?;
        labels(predicted, classes)?;
        let mut counts = vec![0; classes * classes];
        for (truth, predicted) in truth.iter().zip(predicted) {
            counts[truth * classes + predicted] += 1;
        }
        Ok(Self { classes, counts })
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Examples of class `truth` that were predicted as `predicted`.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        self.counts[truth * self.classes + predicted]
    }

    /// The table, `[true][predicted]`.
    pub fn rows(&self) -> Vec<Vec<u64>> {
        let rows = self.counts.chunks(self.classes.max(1));
        rows.map(<[u64]>::to_vec).collect()
    }

    /// All examples.
    pub fn examples(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Examples that were predicted as what they are.
    pub fn hits(&self) -> u64 {
        (0..self.classes)
            .map(|class| self.count(class, class))
            .sum()
    }

    /// The share of examples that were predicted as what they are.
    pub fn accuracy(&self) -> f64 {
        self.hits() as f64 / self.examples() as f64
    }

    /// `(hits, predicted, support)` of each class.
    pub(super) fn margins(&self) -> Vec<[u64; 3]> {
        let mut margins = vec![[0; 3]; self.classes];
        for (truth, row) in self.counts.chunks(self.classes.max(1)).enumerate() {
            for (predicted, &count) in row.iter().enumerate() {
                margins[predicted][1] += count;
                margins[truth][2] += count;
            }
            margins[truth][0] = row[truth];
        }
        margins
    }

    /// Precision, recall, F1 and support of each class.
    pub fn per_class(&self) -> Columns {
        Columns::of(self.margins())
    }

    /// All classes pooled, where precision, recall and F1 are the accuracy.
    pub fn micro(&self) -> Scores {
        Scores::of(self.hits(), self.examples(), self.examples())
    }

    /// The mean over the classes by their support.
    pub fn weighted(&self) -> Scores {
        self.per_class().weighted_mean()
    }

    /// The plain mean of F1 over those classes that an example has or was given.
    pub fn macro_f1_of_present(&self) -> Option<f64> {
        let present = self.margins().into_iter();
        let present = present.filter(|&[_, predicted, support]| predicted + support > 0);
        let f1 = present.map(|[hits, predicted, support]| Scores::of(hits, predicted, support).f1);
        mean_defined(f1.map(|f1| (Some(f1), 1.0)))
    }

    /// Matthews' correlation coefficient in Gorodkin's form for several classes (Comput. Biol. Chem.
    /// 28, 2004); 0 where its denominator is 0, as scikit-learn has it.
    pub fn mcc(&self) -> f64 {
        matthews(&self.margins())
    }
}

/// Matthews' correlation coefficient from `(hits, predicted, support)` of each class.
pub(super) fn matthews(margins: &[[u64; 3]]) -> f64 {
    // Products of counts outgrow 64 bits from a few billion examples on.
    let sum = |term: fn(&[u64; 3]) -> i128| margins.iter().map(term).sum::<i128>();
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
