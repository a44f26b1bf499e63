//! Judges a classifier that gives each note any number of labels.

use std::collections::BTreeMap;

use serde::Serialize;

use super::calibration::Calibration;
use super::classes::{Positive, Told};
use super::curves::{ClassCurves, class_curves};
use super::slices::{SliceTable, slice_table};
use super::{Figures, Interval, Settings, drawn, named_intervals};
use crate::job::Job;
use crate::metrics::MetricsError;
use crate::metrics::Scores;
use crate::metrics::bootstrap::bootstrap;
use crate::metrics::multilabel::{Multilabel, multilabel};
use crate::metrics::ranking::{Ranked, macro_areas};
use crate::metrics::temperature::Logits;
use crate::metrics::threshold::{ChosenThreshold, choose_threshold};

/// Notes with the logits of their labels and whether they have them; both `[notes, labels]`,
/// row-major.
#[derive(Clone, Default)]
pub struct Scored {
    /// A logit for each label.
    pub logits: Vec<f64>,
    /// Whether the note has it.
    pub truth: Vec<bool>,
    /// Whose note each is, by number; if given, whole patients are resampled.
    pub patients: Option<Vec<usize>>,
}

/// How good a classifier is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Labels {
    /// Names of the labels.
    pub labels: Vec<String>,
    /// Every figure, at the chosen thresholds, or at 0.5 where none was chosen.
    #[serde(flatten)]
    pub figures: Multilabel,
    /// Figures with their intervals.
    pub intervals: BTreeMap<&'static str, Interval>,
    /// The cheapest threshold of each label on the validation notes.
    pub thresholds: Option<Vec<ChosenThreshold>>,
    /// Every figure at 0.5, where thresholds were chosen.
    #[serde(rename = "at_0.5")]
    pub at_half: Option<Multilabel>,
    /// Brier's score, calibration error and temperature over all pairs of note and label.
    pub calibration: Calibration,
    /// Of the labels with the most notes.
    pub curves: Vec<ClassCurves>,
    /// The probability of every label, `[notes, labels]`; the outcomes have them.
    #[serde(skip)]
    pub scores: Vec<f64>,
    /// Whether a note was given a label, `[notes, labels]`.
    #[serde(skip)]
    pub called: Vec<bool>,
    /// Whether a note has a label, `[notes, labels]`; the outcomes name those.
    #[serde(skip)]
    pub truth: Vec<bool>,
    /// The same of the validation notes with the probability of every label, so that another threshold
    /// can be chosen without reading the notes anew.
    #[serde(skip)]
    pub validation: Option<(Vec<bool>, Vec<f64>)>,
}

impl Labels {
    /// How well the scores of the label of this number tell the notes that have it from the others, at
    /// the threshold that was chosen for it.
    ///
    /// # Errors
    /// [`MetricsError`] when its notes cannot be judged.
    pub fn positive(&self, label: usize) -> Result<Positive, MetricsError> {
        let count = self.labels.len();
        let name = self.labels.get(label).ok_or(MetricsError::NoExamples)?;
        let validation = self.validation.as_ref();
        Positive::of(
            name,
            of_label(count, label, &self.truth, &self.scores),
            validation.map(|(truth, scores)| of_label(count, label, truth, scores)),
            self.thresholds.as_ref().map(|own| own[label]),
        )
    }
}

/// Whether notes have a label, and what it scored, from what is so of all labels.
fn of_label(labels: usize, label: usize, truth: &[bool], scores: &[f64]) -> Told {
    let notes = truth.len() / labels;
    let own = (0..notes).map(|note| note * labels + label);
    own.map(|at| (truth[at], scores[at])).unzip()
}

/// The figures that stand first.
pub(super) const HEADLINE: [&str; 6] = [
    "micro_f1",
    "macro_f1",
    "subset_accuracy",
    "hamming_loss",
    "auroc_macro",
    "auprc_macro",
];

/// What is called because of scores `[notes, labels]`.
fn called(scores: &[f64], thresholds: &[Option<f64>]) -> Vec<bool> {
    let labels = thresholds.iter().cycle();
    let pairs = scores.iter().zip(labels);
    pairs
        .map(|(&score, threshold)| threshold.is_some_and(|threshold| score >= threshold))
        .collect()
}

/// Whether there is a label: 1 or 0.
fn numbers(truth: &[bool]) -> Vec<usize> {
    truth.iter().map(|&truth| usize::from(truth)).collect()
}

/// Judges test notes; thresholds and temperature come from the validation notes.
///
/// # Errors
/// [`MetricsError`] when the numbers cannot be judged or the job is stopped.
pub fn judge_labels(
    labels: &[String],
    test: &Scored,
    validation: Option<&Scored>,
    how: &Settings,
    job: &Job,
) -> Result<Labels, MetricsError> {
    let count = labels.len();
    let truth = numbers(&test.truth);
    let logits = Logits::sigmoid(&test.logits, &truth)?;
    let fitted_truth = validation.map(|scored| numbers(&scored.truth));
    let fitted = validation.zip(fitted_truth.as_deref());
    let fitted = fitted.map(|(scored, truth)| Logits::sigmoid(&scored.logits, truth));
    let fitted = fitted.transpose()?;
    let scores = logits.probabilities(1.0);
    let known = (fitted.zip(validation))
        .map(|(logits, scored)| (scored.truth.clone(), logits.probabilities(1.0)));
    let thresholds = match (&known, how.cost_ratio) {
        (Some((truth, scores)), Some(ratio)) => Some(chosen(count, scores, truth, ratio)?),
        _ => None,
    };
    let half = vec![Some(0.5); count];
    let used = match &thresholds {
        Some(chosen) => chosen.iter().map(|own| own.threshold).collect(),
        None => half.clone(),
    };
    let calls = called(&scores, &used);
    let figures = multilabel(count, &test.truth, &scores, &calls)?;
    let at_half = thresholds
        .as_ref()
        .map(|_| multilabel(count, &test.truth, &scores, &called(&scores, &half)));
    Ok(Labels {
        labels: labels.to_vec(),
        intervals: intervals(count, test, &scores, &calls, how, job)?,
        calibration: Calibration::of("every pair of note and label", logits, fitted, job)?,
        curves: class_curves(labels, &figures.per_label.support, |label| {
            of_label(count, label, &test.truth, &scores)
        })?,
        figures,
        called: calls,
        truth: test.truth.clone(),
        validation: known,
        scores,
        thresholds,
        at_half: at_half.transpose()?,
    })
}

fn chosen(
    labels: usize,
    scores: &[f64],
    truth: &[bool],
    ratio: f64,
) -> Result<Vec<ChosenThreshold>, MetricsError> {
    let of = |label: usize| {
        let (own, scores) = of_label(labels, label, truth, scores);
        choose_threshold(&own, &scores, ratio)
    };
    (0..labels).map(of).collect()
}

/// `(hits, called, there)` of each label among some notes.
fn counts(labels: usize, truth: &[bool], calls: &[bool], notes: &[usize]) -> Vec<[u64; 3]> {
    let mut counts = vec![[0; 3]; labels];
    for note in notes {
        for (label, count) in counts.iter_mut().enumerate() {
            let at = note * labels + label;
            count[0] += u64::from(truth[at] && calls[at]);
            count[1] += u64::from(calls[at]);
            count[2] += u64::from(truth[at]);
        }
    }
    counts
}

fn micro_f1(counts: &[[u64; 3]]) -> f64 {
    let sum = |part: usize| counts.iter().map(|count| count[part]).sum();
    Scores::of(sum(0), sum(1), sum(2)).f1
}

fn intervals(
    labels: usize,
    test: &Scored,
    scores: &[f64],
    calls: &[bool],
    how: &Settings,
    job: &Job,
) -> Result<BTreeMap<&'static str, Interval>, MetricsError> {
    let truth = &test.truth;
    let all = truth.len() / labels;
    let column = |label: usize| (0..all).map(move |row| row * labels + label);
    let ranked = (0..labels)
        .filter(|&label| column(label).any(|at| truth[at]))
        .map(|label| {
            let own: Vec<bool> = column(label).map(|at| truth[at]).collect();
            let scores: Vec<f64> = column(label).map(|at| scores[at]).collect();
            Ranked::new(&own, &scores)
        });
    let ranked: Vec<Ranked> = ranked.collect::<Result<_, _>>()?;
    let statistics = |notes: &[usize]| {
        let counts = counts(labels, truth, calls, notes);
        let f1 = counts
            .iter()
            .map(|&[hits, called, there]| Scores::of(hits, called, there).f1);
        let row = |note: usize| note * labels..(note + 1) * labels;
        let right = notes
            .iter()
            .filter(|&&note| truth[row(note)] == calls[row(note)])
            .count();
        let wrong = counts
            .iter()
            .map(|&[hits, called, there]| called + there - 2 * hits);
        let pairs = (notes.len() * labels) as f64;
        let [auroc, auprc] = macro_areas(&ranked, all, notes);
        vec![
            Some(micro_f1(&counts)),
            Some(f1.sum::<f64>() / labels as f64),
            Some(right as f64 / notes.len() as f64),
            Some(wrong.sum::<u64>() as f64 / pairs),
            auroc,
            auprc,
        ]
    };
    let drawn = drawn(all, test.patients.as_deref());
    let intervals = bootstrap(&drawn, how.resampling, job, statistics)?;
    Ok(named_intervals(&HEADLINE, intervals))
}

/// The figures of the test notes by the values of a column, at the thresholds of a report.
///
/// # Errors
/// [`MetricsError`] when the numbers cannot be judged.
pub fn slice_labels(
    report: &Labels,
    test: &Scored,
    column: &str,
    values: &[String],
) -> Result<SliceTable, MetricsError> {
    let labels = report.labels.len();
    let truth = numbers(&test.truth);
    let scores = Logits::sigmoid(&test.logits, &truth)?.probabilities(1.0);
    let used = match &report.thresholds {
        Some(chosen) => chosen.iter().map(|own| own.threshold).collect(),
        None => vec![Some(0.5); labels],
    };
    let calls = called(&scores, &used);
    slice_table(column, values, |notes| {
        let counts = counts(labels, &test.truth, &calls, notes);
        let row = |note: usize| note * labels..(note + 1) * labels;
        let same = |note: &&usize| test.truth[row(**note)] == calls[row(**note)];
        let right = notes.iter().filter(same).count();
        Ok(Figures::from([
            ("micro_f1", Some(micro_f1(&counts))),
            ("subset_accuracy", Some(right as f64 / notes.len() as f64)),
        ]))
    })
}
