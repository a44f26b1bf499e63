//! The table of true against predicted classes.

use super::error::{labels, lengths};
use super::scores::mean_defined;
use super::{Columns, Margins, MetricsError, Scores};

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

    /// Hits, predictions and examples of each class.
    pub fn margins(&self) -> Margins {
        let mut margins = Margins::new(self.classes);
        for (truth, row) in self.counts.chunks(self.classes.max(1)).enumerate() {
            for (predicted, &count) in row.iter().enumerate() {
                margins.add_many(truth, predicted, count);
            }
        }
        margins
    }

    /// Precision, recall, F1 and support of each class.
    pub fn per_class(&self) -> Columns {
        self.margins().per_class()
    }

    /// All classes pooled, where precision, recall and F1 are the accuracy.
    pub fn micro(&self) -> Scores {
        self.margins().micro()
    }

    /// The mean over the classes by their support.
    pub fn weighted(&self) -> Scores {
        self.margins().weighted()
    }

    /// The plain mean of F1 over those classes that an example has or was given.
    pub fn macro_f1_of_present(&self) -> Option<f64> {
        let margins = self.margins();
        let present = margins.rows().iter();
        let present = present.filter(|[_, predicted, support]| predicted + support > 0);
        let f1 = present.map(|&[hits, predicted, support]| Scores::of(hits, predicted, support).f1);
        mean_defined(f1.map(|f1| (Some(f1), 1.0)))
    }

    /// Matthews' correlation coefficient; 0 where its denominator is 0.
    pub fn mcc(&self) -> f64 {
        self.margins().mcc()
    }
}
