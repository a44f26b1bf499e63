//! How good a model is on a part of the notes, in figures.

use serde::{Deserialize, Serialize};

use super::config::MetricName;

/// How good a model is. What its task does not have is `None`.
///
/// Every figure has the definition of [`metrics`](crate::metrics): those of classes are
/// scikit-learn's, those of spans seqeval's.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Evaluation {
    /// Mean loss in nats, every class counting the same.
    pub loss: f64,
    /// Share of right answers: guesses, classes, labels of words, or, with several labels per note,
    /// of all pairs of note and label.
    pub accuracy: f64,
    /// Mean F1 over the classes, those without examples included; over the kinds of spans that are
    /// there or were marked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub macro_f1: Option<f64>,
    /// F1 of all classes or kinds pooled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micro_f1: Option<f64>,
    /// Precision of all classes or kinds pooled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micro_precision: Option<f64>,
    /// Recall of all classes or kinds pooled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micro_recall: Option<f64>,
    /// Mean F1 over the classes or kinds by their support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weighted_f1: Option<f64>,
    /// Matthews' correlation coefficient, with one class per note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcc: Option<f64>,
    /// Mean area under the ROC curve over the classes where it is defined. `None` as well where
    /// there were too many scores to hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auroc: Option<f64>,
    /// With several labels per note: the share of notes whose labels are all right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subset_accuracy: Option<f64>,
    /// For spans: macro-F1 where a span is right that has the kind of a true one and a word in
    /// common, each counting once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap_macro_f1: Option<f64>,
    /// For spans: micro-F1 in the same sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap_micro_f1: Option<f64>,
    /// Of each class or kind of span; none for masked-LM.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ClassFigures>,
    /// Answers that were judged.
    pub answers: u64,
}

/// How good a model is at one class or kind of span.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassFigures {
    /// The class or kind.
    pub name: String,
    /// Of what was called so, the share that is.
    pub precision: f64,
    /// Of what is so, the share that was called so.
    pub recall: f64,
    /// Their harmonic mean.
    pub f1: f64,
    /// Notes or spans that are so.
    pub support: u64,
    /// The area under the ROC curve against all others; `None` for spans, and for a class that is
    /// nowhere or everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auroc: Option<f64>,
    /// For spans: F1 by overlap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap_f1: Option<f64>,
}

impl Evaluation {
    /// The value of a metric; `None` where it is not defined.
    pub fn value(&self, metric: MetricName) -> Option<f64> {
        match metric {
            MetricName::Loss => Some(self.loss),
            MetricName::Accuracy => Some(self.accuracy),
            MetricName::MacroF1 => self.macro_f1,
            MetricName::MicroF1 => self.micro_f1,
            MetricName::WeightedF1 => self.weighted_f1,
            MetricName::OverlapF1 => self.overlap_micro_f1,
            MetricName::Mcc => self.mcc,
            MetricName::Auroc => self.auroc,
            // As `TrainConfig::settled_metric` has it.
            MetricName::Auto => self.macro_f1.or(Some(self.loss)),
        }
    }

    /// The metric, so that more is better; 0 where it is not defined, as if nothing were right.
    pub fn goodness(&self, metric: MetricName) -> f64 {
        match metric {
            MetricName::Loss => -self.loss,
            metric => self.value(metric).unwrap_or(0.0),
        }
    }

    /// The figures that matter most, `metric` among them.
    pub(super) fn shown(&self, metric: MetricName) -> Vec<MetricName> {
        let of_spans = self.overlap_micro_f1.is_some();
        let mut shown = vec![MetricName::Loss];
        shown.extend(match (self.classes.is_empty(), of_spans) {
            (true, false) => vec![MetricName::Accuracy],
            (_, false) => vec![MetricName::Accuracy, MetricName::MacroF1],
            // The share of right labels of words says little: most are outside of spans.
            (_, true) => vec![
                MetricName::MacroF1,
                MetricName::MicroF1,
                MetricName::OverlapF1,
            ],
        });
        if !shown.contains(&metric) {
            shown.push(metric);
        }
        shown
    }

    /// The figures that matter most, in a line; `metric` is among them.
    pub fn line(&self, metric: MetricName) -> String {
        let shown = self.shown(metric);
        let figures = shown.into_iter().map(|metric| match self.value(metric) {
            Some(value) => format!("{} {value:.4}", metric.title()),
            None => format!("{} not defined", metric.title()),
        });
        figures.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_is_better_whatever_the_metric() {
        let evaluation = Evaluation {
            loss: 0.5,
            accuracy: 0.75,
            macro_f1: Some(0.25),
            mcc: Some(-0.5),
            ..Evaluation::default()
        };
        assert_eq!(evaluation.goodness(MetricName::Loss), -0.5);
        assert_eq!(evaluation.goodness(MetricName::Accuracy), 0.75);
        assert_eq!(evaluation.goodness(MetricName::MacroF1), 0.25);
        assert_eq!(evaluation.goodness(MetricName::Mcc), -0.5);
        assert_eq!(evaluation.goodness(MetricName::Auroc), 0.0);
    }

    #[test]
    fn a_line_has_the_figures_of_the_task_and_the_metric() {
        let mut evaluation = Evaluation {
            loss: 1.25,
            accuracy: 0.5,
            ..Evaluation::default()
        };
        assert_eq!(
            evaluation.line(MetricName::Loss),
            "loss 1.2500, accuracy 0.5000"
        );
        let class = ClassFigures {
            name: "a".to_owned(),
            precision: 1.0,
            recall: 1.0,
            f1: 1.0,
            support: 1,
            auroc: None,
            overlap_f1: None,
        };
        evaluation.classes.push(class);
        evaluation.macro_f1 = Some(0.75);
        assert_eq!(
            evaluation.line(MetricName::Auroc),
            "loss 1.2500, accuracy 0.5000, macro-F1 0.7500, AUROC not defined"
        );
        evaluation.micro_f1 = Some(0.8);
        evaluation.overlap_micro_f1 = Some(0.9);
        assert_eq!(
            evaluation.line(MetricName::MacroF1),
            "loss 1.2500, macro-F1 0.7500, micro-F1 0.8000, overlap F1 0.9000"
        );
    }
}
