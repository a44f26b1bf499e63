//! Counts right and wrong answers of a pass over examples, and makes figures of them.

use std::collections::BTreeMap;
use std::ops::Range;

use super::figures::{ClassFigures, Evaluation};
use super::objective::{Objective, Prepared, Wanted};
use crate::kernels::Sequences;
use crate::metrics::entities::{Scheme, entities};
use crate::metrics::multiclass::argmax;
use crate::metrics::ranking::{Areas, areas_by_column};
use crate::metrics::spans::{Counts, Matching, SpanReport, count};
use crate::metrics::temperature::Logits;
use crate::metrics::{Margins, MetricsError};

/// Scores that are held for the areas under ROC curves: 32 MB of them.
const MOST_SCORES: usize = 1 << 22;

/// What was answered so far, and what would have been right.
#[derive(Debug)]
pub(super) struct Tally<'a> {
    labels: &'a [String],
    loss: f64,
    weight: f64,
    right: u64,
    answers: u64,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Guesses,
    Class {
        margins: Margins,
        truth: Vec<usize>,
        /// `[examples, classes]`, if they are held.
        logits: Option<Vec<f64>>,
    },
    Labels {
        margins: Margins,
        /// Examples whose labels are all right.
        whole: u64,
        truth: Vec<bool>,
        /// `[examples, labels]`, if they are held.
        logits: Option<Vec<f64>>,
    },
    /// Counts of each sequence, exactly and by overlap.
    Spans([Vec<BTreeMap<String, Counts>>; 2]),
}

impl<'a> Tally<'a> {
    /// Of no answer yet; at most `examples` will come. Scores are held if they are few, or `ranked`.
    pub(super) fn new(
        objective: &Objective,
        labels: &'a [String],
        examples: usize,
        ranked: bool,
    ) -> Self {
        let held = ranked || examples.saturating_mul(labels.len()) <= MOST_SCORES;
        let margins = Margins::new(labels.len());
        let (truth, logits) = (Vec::new(), held.then(Vec::new));
        let kind = match objective {
            Objective::MaskedLm(_) => Kind::Guesses,
            Objective::Class(_) => Kind::Class {
                margins,
                truth,
                logits,
            },
            Objective::Classes(_) => Kind::Labels {
                margins,
                whole: 0,
                truth: Vec::new(),
                logits,
            },
            Objective::Tokens(_) => Kind::Spans([Vec::new(), Vec::new()]),
        };
        Self {
            labels,
            loss: 0.0,
            weight: 0.0,
            right: 0,
            answers: 0,
            kind,
        }
    }

    /// Adds the loss of a batch, and what its targets count together.
    pub(super) fn add_loss(&mut self, sum: f64, weight: f64) {
        self.loss += sum;
        self.weight += weight;
    }

    /// Adds guesses of tokens: how many are right, of how many.
    pub(super) fn add_guesses(&mut self, right: usize, answers: usize) {
        self.right += right as u64;
        self.answers += answers as u64;
    }

    /// Adds the logits `[answers, labels]` of a batch, row-major.
    ///
    /// # Errors
    /// [`MetricsError`] when the labels spell no spans.
    ///
    /// # Panics
    /// If the batch was prepared for another objective.
    pub(super) fn add_logits(
        &mut self,
        prepared: &Prepared,
        values: &[f32],
    ) -> Result<(), MetricsError> {
        let values: Vec<f64> = values.iter().map(|&logit| f64::from(logit)).collect();
        let rows = values.chunks(self.labels.len());
        match (&mut self.kind, &prepared.wanted) {
            (
                Kind::Class {
                    margins,
                    truth,
                    logits,
                },
                Wanted::Class(wanted),
            ) => {
                for (row, &wanted) in rows.zip(wanted) {
                    let (wanted, predicted) = (wanted as usize, argmax(row));
                    margins.add(wanted, predicted);
                    self.right += u64::from(predicted == wanted);
                    self.answers += 1;
                    truth.push(wanted);
                }
                logits.iter_mut().for_each(|all| all.extend(&values));
            }
            (
                Kind::Labels {
                    margins,
                    whole,
                    truth,
                    logits,
                },
                Wanted::Classes(wanted),
            ) => {
                for (row, wanted) in rows.zip(wanted.chunks(self.labels.len())) {
                    let mut right = 0;
                    for (label, (&logit, &wanted)) in row.iter().zip(wanted).enumerate() {
                        // A score of at least 0.5 is a logit of at least 0.
                        let (called, holds) = (logit >= 0.0, wanted == 1.0);
                        margins.add_label(label, holds, called);
                        right += usize::from(called == holds);
                        truth.push(holds);
                    }
                    *whole += u64::from(right == row.len());
                    self.right += right as u64;
                    self.answers += row.len() as u64;
                }
                logits.iter_mut().for_each(|all| all.extend(&values));
            }
            (Kind::Spans(counts), Wanted::Tokens { rows: own, classes }) => {
                let predicted: Vec<usize> = rows.map(argmax).collect();
                for words in of_sequences(own, prepared.batch.sequences()) {
                    let (truth, found) = (&classes[words.clone()], &predicted[words]);
                    let same = truth.iter().zip(found);
                    self.right += same.filter(|(a, b)| **a as usize == **b).count() as u64;
                    self.answers += truth.len() as u64;
                    let number = counts[0].len();
                    let truth: Vec<&String> = truth
                        .iter()
                        .map(|&tag| &self.labels[tag as usize])
                        .collect();
                    let found: Vec<&String> = found.iter().map(|&tag| &self.labels[tag]).collect();
                    let truth = entities(&truth, Scheme::Default, number)?;
                    let found = entities(&found, Scheme::Default, number)?;
                    counts[0].push(count(&truth, &found, Matching::Exact));
                    counts[1].push(count(&truth, &found, Matching::Overlap));
                }
            }
            _ => panic!("the batch was prepared for another objective"),
        }
        Ok(())
    }

    /// The figures; `None` if there was nothing to judge by.
    ///
    /// # Errors
    /// [`MetricsError`] when a logit is not finite.
    pub(super) fn evaluation(self) -> Result<Option<Evaluation>, MetricsError> {
        if self.weight == 0.0 {
            return Ok(None);
        }
        let mut evaluation = Evaluation {
            loss: self.loss / self.weight,
            accuracy: self.right as f64 / self.answers.max(1) as f64,
            answers: self.answers,
            ..Evaluation::default()
        };
        let classes = self.labels.len();
        match self.kind {
            Kind::Guesses => {}
            Kind::Class {
                margins,
                truth,
                logits,
            } => {
                evaluation.mcc = Some(margins.mcc());
                let areas = logits.map(|logits| {
                    let logits = Logits::softmax(classes, &logits, &truth)?;
                    let scores = logits.probabilities(1.0);
                    Ok::<_, MetricsError>(areas_by_column(classes, &scores, |example, class| {
                        truth[example] == class
                    }))
                });
                set_classes(&mut evaluation, self.labels, &margins, areas.transpose()?);
            }
            Kind::Labels {
                margins,
                whole,
                truth,
                logits,
            } => {
                evaluation.subset_accuracy =
                    Some(whole as f64 / (self.answers / classes as u64) as f64);
                let areas = logits.map(|logits| {
                    let numbers: Vec<usize> = truth.iter().map(|&own| usize::from(own)).collect();
                    let scores = Logits::sigmoid(&logits, &numbers)?.probabilities(1.0);
                    Ok::<_, MetricsError>(areas_by_column(classes, &scores, |example, label| {
                        truth[example * classes + label]
                    }))
                });
                set_classes(&mut evaluation, self.labels, &margins, areas.transpose()?);
            }
            Kind::Spans([exact, overlap]) => {
                let [exact, overlap] = [exact, overlap].map(|counts| SpanReport::of(&counts));
                evaluation.macro_f1 = exact.macro_mean.f1;
                evaluation.micro_f1 = Some(exact.micro.f1);
                evaluation.micro_precision = Some(exact.micro.precision);
                evaluation.micro_recall = Some(exact.micro.recall);
                evaluation.weighted_f1 = Some(exact.weighted.f1);
                evaluation.overlap_macro_f1 = overlap.macro_mean.f1;
                evaluation.overlap_micro_f1 = Some(overlap.micro.f1);
                let of_kind =
                    |(name, own): (&String, &crate::metrics::spans::KindScores)| ClassFigures {
                        name: name.clone(),
                        precision: own.scores.precision,
                        recall: own.scores.recall,
                        f1: own.scores.f1,
                        support: own.support,
                        auroc: None,
                        overlap_f1: overlap.per_type.get(name).map(|own| own.scores.f1),
                    };
                evaluation.classes = exact.per_type.iter().map(of_kind).collect();
            }
        }
        Ok(Some(evaluation))
    }
}

/// The places in `rows`, which rise, that belong to each sequence of a batch.
fn of_sequences<'a>(
    rows: &'a [usize],
    sequences: &'a Sequences,
) -> impl Iterator<Item = Range<usize>> + 'a {
    sequences.ranges().map(|range| {
        let place = |row: usize| rows.partition_point(|&own| own < row);
        place(range.start)..place(range.end)
    })
}

fn set_classes(
    evaluation: &mut Evaluation,
    labels: &[String],
    margins: &Margins,
    areas: Option<Vec<Areas>>,
) {
    let columns = margins.per_class();
    let micro = margins.micro();
    evaluation.macro_f1 = Some(margins.macro_mean().f1);
    evaluation.micro_f1 = Some(micro.f1);
    evaluation.micro_precision = Some(micro.precision);
    evaluation.micro_recall = Some(micro.recall);
    evaluation.weighted_f1 = Some(margins.weighted().f1);
    let auroc = |class: usize| areas.as_ref().and_then(|areas| areas[class].auroc);
    let of_class = |(class, name): (usize, &String)| {
        let scores = columns.row(class);
        ClassFigures {
            name: name.clone(),
            precision: scores.precision,
            recall: scores.recall,
            f1: scores.f1,
            support: columns.support[class],
            auroc: auroc(class),
            overlap_f1: None,
        }
    };
    evaluation.classes = labels.iter().enumerate().map(of_class).collect();
    let defined: Vec<f64> = (0..labels.len()).filter_map(auroc).collect();
    evaluation.auroc =
        (!defined.is_empty()).then(|| defined.iter().sum::<f64>() / defined.len() as f64);
}

#[cfg(test)]
mod tests {
    use super::super::example::{Example, Label};
    use super::super::randomness::{Purpose, Randomness};
    use super::*;
    use crate::tasks::loss::{IGNORED, LossShape};

    fn prepared(objective: &Objective, labels: Vec<Label>) -> Prepared {
        let example = |label: Label| Example {
            ids: vec![7; 4],
            type_ids: vec![0; 4],
            label,
        };
        let examples: Vec<Example> = labels.into_iter().map(example).collect();
        let mut stream = Randomness::new(5).stream(Purpose::ValidationMasks, 0);
        objective.prepare(&examples, 0.0, &mut stream)
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Logits with which these classes are predicted.
    fn predicting(classes: usize, predicted: &[usize]) -> Vec<f32> {
        let row = |&own: &usize| (0..classes).map(move |class| f32::from(u8::from(class == own)));
        predicted.iter().flat_map(row).collect()
    }

    /// A span that ends with its sequence and one that begins the next are two.
    #[test]
    fn spans_do_not_go_on_in_the_next_sequence() {
        let labels = names(&["O", "B-A", "I-A"]);
        let objective = Objective::Tokens(LossShape::default());
        let of = |own: [i64; 2]| Label::Tokens(vec![IGNORED, own[0], own[1], IGNORED]);
        let batch = prepared(&objective, vec![of([0, 1]), of([2, 0]), of([1, 2])]);
        let mut tally = Tally::new(&objective, &labels, 3, false);
        tally.add_loss(3.0, batch.weight);
        // All of the first two; of the third the first word alone.
        let predicted = predicting(3, &[0, 1, 2, 0, 1, 0]);
        tally.add_logits(&batch, &predicted).unwrap();
        let found = tally.evaluation().unwrap().unwrap();
        assert_eq!((found.loss, found.answers), (0.5, 6));
        assert_eq!(found.accuracy, 5.0 / 6.0);
        assert_eq!(found.micro_f1, Some(2.0 / 3.0));
        assert_eq!(found.overlap_micro_f1, Some(1.0));
        let [class] = &found.classes[..] else {
            panic!("{found:?}");
        };
        assert_eq!((&class.name[..], class.support), ("A", 3));
    }

    /// As many as would not fit into memory: the areas are missing, the other figures are there.
    #[test]
    fn scores_are_held_only_if_they_are_few_or_asked_for() {
        let labels = names(&["a", "b"]);
        let objective = Objective::Class(LossShape::default());
        let batch = prepared(&objective, vec![Label::Class(0), Label::Class(1)]);
        let of = |examples, ranked| {
            let mut tally = Tally::new(&objective, &labels, examples, ranked);
            tally.add_loss(1.0, batch.weight);
            tally.add_logits(&batch, &predicting(2, &[0, 0])).unwrap();
            tally.evaluation().unwrap().unwrap()
        };
        let [few, many, ranked] = [(2, false), (1 << 40, false), (1 << 40, true)]
            .map(|(examples, ranked)| of(examples, ranked));
        assert_eq!((few.auroc, ranked.auroc), (Some(0.5), Some(0.5)));
        assert_eq!(many.auroc, None);
        for found in [few, many] {
            // By hand: F1 of "a" is 2/3, of "b" 0.
            assert_eq!(found.macro_f1, Some(1.0 / 3.0));
            assert_eq!(found.mcc, Some(0.0));
        }
    }
}
