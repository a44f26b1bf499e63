//! Judges a classifier that gives each note one class.

use std::collections::BTreeMap;

use serde::Serialize;

use super::calibration::Calibration;
use super::curves::{ClassCurves, class_curves, thinned_pr, thinned_roc};
use super::slices::{SliceTable, slice_table};
use super::{Figures, Interval, Settings, drawn, named_intervals};
use crate::job::Job;
use crate::metrics::binary::{AtThreshold, Binary, at_threshold, binary};
use crate::metrics::bootstrap::bootstrap;
use crate::metrics::multiclass::{Multiclass, macro_f1, multiclass};
use crate::metrics::ranking::{Ranked, macro_areas};
use crate::metrics::temperature::Logits;
use crate::metrics::threshold::{ChosenThreshold, choose_threshold};
use crate::metrics::{Confusion, MetricsError};

/// Notes with the logits of their classes and the true one.
#[derive(Clone, Default)]
pub struct Scored {
    /// `[notes, classes]`, row-major.
    pub logits: Vec<f64>,
    /// The class of each.
    pub truth: Vec<usize>,
    /// Whose note each is, by number; if given, whole patients are resampled.
    pub patients: Option<Vec<usize>>,
}

/// How good a classifier is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Classes {
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Every figure; the predictions themselves are left out.
    #[serde(flatten)]
    pub figures: Multiclass,
    /// Figures with their intervals.
    pub intervals: BTreeMap<&'static str, Interval>,
    /// F1 of each class with its interval.
    pub f1_intervals: Vec<Interval>,
    /// Brier's score, calibration error and temperature.
    pub calibration: Calibration,
    /// With two classes: how well the scores of one of them tell it from the other.
    pub positive: Option<Positive>,
    /// Of the classes with the most examples.
    pub curves: Vec<ClassCurves>,
    /// The predicted class of each note with its probability; the outcomes have them.
    #[serde(skip)]
    pub predictions: Vec<(usize, f64)>,
}

/// One of two classes, taken as the positive one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Positive {
    /// Its name.
    pub label: String,
    /// Figures of its scores; curves with at most 400 points.
    #[serde(flatten)]
    pub figures: Binary,
    /// Called positive from a score of 0.5 on.
    #[serde(rename = "at_0.5")]
    pub at_half: AtThreshold,
    /// The cheapest threshold on the validation notes.
    pub threshold: Option<ChosenThreshold>,
    /// What that threshold does to the test notes.
    pub at_threshold: Option<AtThreshold>,
    /// Whether each validation note is positive and what it scored, so that another threshold can be
    /// chosen without reading the notes anew.
    #[serde(skip)]
    pub validation: Vec<(bool, f64)>,
    /// The same of the test notes.
    #[serde(skip)]
    pub test: Vec<(bool, f64)>,
}

/// Truth and scores of notes by themselves.
fn parted(scored: &[(bool, f64)]) -> Told {
    scored.iter().copied().unzip()
}

/// Whether notes are positive, and what they scored.
pub(super) type Told = (Vec<bool>, Vec<f64>);

impl Positive {
    /// Of the scores of these notes; `threshold` was chosen on the validation notes.
    ///
    /// # Errors
    /// [`MetricsError`] when the numbers cannot be judged.
    pub(super) fn of(
        label: &str,
        (truth, scores): Told,
        validation: Option<Told>,
        threshold: Option<ChosenThreshold>,
    ) -> Result<Self, MetricsError> {
        let mut figures = binary(&truth, &scores)?;
        figures.roc_curve = figures.roc_curve.as_ref().map(thinned_roc);
        figures.pr_curve = figures.pr_curve.as_ref().map(thinned_pr);
        let at = threshold.map(|chosen| at_threshold(&truth, &scores, chosen.threshold));
        let (known, scored) = validation.unwrap_or_default();
        Ok(Self {
            label: label.to_owned(),
            figures,
            at_half: at_threshold(&truth, &scores, Some(0.5))?,
            threshold,
            at_threshold: at.transpose()?,
            validation: known.into_iter().zip(scored).collect(),
            test: truth.into_iter().zip(scores).collect(),
        })
    }

    /// The cheapest threshold on the validation notes where a false negative costs as much as so many
    /// false positives.
    ///
    /// # Errors
    /// [`MetricsError`] without validation notes, or when the ratio is not a number above 0.
    pub fn cheapest(&self, cost_ratio: f64) -> Result<ChosenThreshold, MetricsError> {
        let (truth, scores) = parted(&self.validation);
        choose_threshold(&truth, &scores, cost_ratio)
    }

    /// What a threshold does to the validation notes, on which it is chosen.
    ///
    /// # Errors
    /// [`MetricsError`] without validation notes.
    pub fn on_validation(&self, threshold: Option<f64>) -> Result<AtThreshold, MetricsError> {
        let (truth, scores) = parted(&self.validation);
        at_threshold(&truth, &scores, threshold)
    }

    /// What a threshold that was chosen elsewhere does to the test notes.
    ///
    /// # Errors
    /// [`MetricsError`] without test notes.
    pub fn on_test(&self, threshold: Option<f64>) -> Result<AtThreshold, MetricsError> {
        let (truth, scores) = parted(&self.test);
        at_threshold(&truth, &scores, threshold)
    }
}

/// The figures that stand first.
pub(super) const HEADLINE: [&str; 8] = [
    "accuracy",
    "macro_f1",
    "weighted_f1",
    "mcc",
    "auroc",
    "auprc",
    "auroc_macro",
    "auprc_macro",
];

/// The probabilities of one class.
fn column(probabilities: &[f64], classes: usize, class: usize) -> Vec<f64> {
    let rows = probabilities.chunks(classes);
    rows.map(|row| row[class]).collect()
}

/// Judges test notes; thresholds and temperature come from the validation notes. `positive` is the
/// class that counts as positive where there are two.
///
/// # Errors
/// [`MetricsError`] when the numbers cannot be judged or the job is stopped.
pub fn judge_classes(
    classes: &[String],
    positive: usize,
    test: &Scored,
    validation: Option<&Scored>,
    how: &Settings,
    job: &Job,
) -> Result<Classes, MetricsError> {
    let count = classes.len();
    let of = |scored| -> Result<Logits<'_>, MetricsError> {
        let scored: &Scored = scored;
        Logits::softmax(count, &scored.logits, &scored.truth)
    };
    let logits = of(test)?;
    let fitted = validation.map(of).transpose()?;
    let probabilities = logits.probabilities(1.0);
    let mut figures = multiclass(count, &test.truth, &probabilities)?;
    let predicted = std::mem::take(&mut figures.y_pred);
    let number = positive;
    let positive = match count {
        2 => Some(judge_positive(
            classes,
            number,
            test,
            &probabilities,
            fitted.zip(validation),
            how,
        )?),
        _ => None,
    };
    let called = Called {
        classes: count,
        test,
        predicted: &predicted,
        probabilities: &probabilities,
        positive: positive.as_ref().map(|_| number),
    };
    let (intervals, f1_intervals) = called.intervals(how, job)?;
    Ok(Classes {
        classes: classes.to_vec(),
        calibration: Calibration::of("the top class", logits, fitted, job)?,
        curves: class_curves(classes, &figures.per_class.support, |class| {
            let truth = test.truth.iter().map(|&own| own == class);
            (truth.collect(), column(&probabilities, count, class))
        })?,
        figures,
        predictions: probabilities
            .chunks(count)
            .zip(&predicted)
            .map(|(row, &class)| (class, row[class]))
            .collect(),
        intervals,
        f1_intervals,
        positive,
    })
}

fn judge_positive(
    classes: &[String],
    positive: usize,
    test: &Scored,
    probabilities: &[f64],
    validation: Option<(Logits<'_>, &Scored)>,
    how: &Settings,
) -> Result<Positive, MetricsError> {
    let is = |scored: &Scored| -> Vec<bool> {
        scored
            .truth
            .iter()
            .map(|&class| class == positive)
            .collect()
    };
    let scores = |logits: &Logits<'_>| column(&logits.probabilities(1.0), classes.len(), positive);
    let fitted = validation.map(|(logits, scored)| (is(scored), scores(&logits)));
    let threshold = match (&fitted, how.cost_ratio) {
        (Some((truth, scores)), Some(ratio)) => Some(choose_threshold(truth, scores, ratio)?),
        _ => None,
    };
    let told = (is(test), column(probabilities, classes.len(), positive));
    Positive::of(&classes[positive], told, fitted, threshold)
}

type Intervals = (BTreeMap<&'static str, Interval>, Vec<Interval>);

/// Test notes with what the model makes of them.
struct Called<'a> {
    classes: usize,
    test: &'a Scored,
    predicted: &'a [usize],
    /// `[notes, classes]`, row-major.
    probabilities: &'a [f64],
    /// The positive one of two classes.
    positive: Option<usize>,
}

impl Called<'_> {
    /// How well scores order notes: of the positive class, or else of each class against the rest.
    fn ranked(&self) -> Result<Vec<Ranked>, MetricsError> {
        let classes = match self.positive {
            Some(positive) => positive..positive + 1,
            None => 0..self.classes,
        };
        let truth = &self.test.truth;
        let there = |class: &usize| truth.contains(class);
        let of = |class| {
            let own: Vec<bool> = truth.iter().map(|&own| own == class).collect();
            Ranked::new(&own, &column(self.probabilities, self.classes, class))
        };
        classes.filter(there).map(of).collect()
    }

    fn intervals(&self, how: &Settings, job: &Job) -> Result<Intervals, MetricsError> {
        let two = self.positive.is_some();
        let mut names = vec!["accuracy", "macro_f1", "weighted_f1", "mcc"];
        names.extend(match two {
            true => ["auroc", "auprc"],
            false => ["auroc_macro", "auprc_macro"],
        });
        names.extend(two.then_some("brier"));
        let truth = &self.test.truth;
        let squares: Vec<f64> = self.positive.map_or(Vec::new(), |class| {
            let scores = column(self.probabilities, self.classes, class).into_iter();
            let pairs = scores.zip(truth);
            pairs
                .map(|(score, &own)| (score - f64::from(own == class)).powi(2))
                .collect()
        });
        let ranked = self.ranked()?;
        let statistics = |examples: &[usize]| {
            let take =
                |from: &[usize]| -> Vec<usize> { examples.iter().map(|&at| from[at]).collect() };
            let table = Confusion::new(self.classes, &take(truth), &take(self.predicted));
            let Ok(table) = table else {
                return Vec::new();
            };
            let mut values = vec![
                Some(table.accuracy()),
                Some(macro_f1(&table)),
                Some(table.weighted().f1),
                Some(table.mcc()),
            ];
            values.extend(macro_areas(&ranked, truth.len(), examples));
            if two {
                let sum: f64 = examples.iter().map(|&at| squares[at]).sum();
                values.push(Some(sum / examples.len() as f64));
            }
            values.extend(table.per_class().f1.into_iter().map(Some));
            values
        };
        let drawn = drawn(truth.len(), self.test.patients.as_deref());
        let mut all = bootstrap(&drawn, how.resampling, job, statistics)?;
        let per_class = all.split_off(names.len());
        Ok((named_intervals(&names, all), per_class))
    }
}

/// The figures of the test notes by the values of a column. Macro-F1 is the mean over the classes
/// that a slice has or was given.
///
/// # Errors
/// [`MetricsError`] when the numbers cannot be judged.
pub fn slice_classes(
    classes: usize,
    test: &Scored,
    column: &str,
    values: &[String],
) -> Result<SliceTable, MetricsError> {
    let logits = Logits::softmax(classes, &test.logits, &test.truth)?;
    let predicted = multiclass(classes, &test.truth, &logits.probabilities(1.0))?.y_pred;
    slice_table(column, values, |examples| {
        let take = |from: &[usize]| -> Vec<usize> { examples.iter().map(|&at| from[at]).collect() };
        let table = Confusion::new(classes, &take(&test.truth), &take(&predicted))?;
        Ok(Figures::from([
            ("accuracy", Some(table.accuracy())),
            ("macro_f1", table.macro_f1_of_present()),
            ("mcc", Some(table.mcc())),
        ]))
    })
}
