//! A pass over the validation examples: mean loss, accuracy, macro-F1.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::config::MetricName;
use super::dataset::Examples;
use super::objective::{Objective, Output, Prepared, Wanted};
use super::randomness::{Purpose, Randomness};
use super::store::StoreError;
use crate::job::{Cancelled, Job};
use crate::kernels::{DeviceFault, values};
use crate::model::Model;

/// Rows whose logits over the vocabulary exist at a time.
const ROWS: usize = 256;

/// How good a model is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Mean loss in nats, every class counting the same.
    pub loss: f64,
    /// Share of right answers: guesses, classes, labels of tokens, or, with several labels per
    /// note, of all pairs of note and label.
    pub accuracy: f64,
    /// Mean F1 over the classes, 0 for one without examples and predictions; without the class O
    /// for tokens. `None` for masked-LM.
    pub macro_f1: Option<f64>,
    /// Answers that were judged.
    pub answers: u64,
}

impl Evaluation {
    /// The metric, so that more is better.
    pub fn goodness(&self, metric: MetricName) -> f64 {
        match metric {
            MetricName::Loss => -self.loss,
            MetricName::Accuracy => self.accuracy,
            MetricName::MacroF1 | MetricName::Auto => self.macro_f1.unwrap_or(-self.loss),
        }
    }
}

/// Why nothing was judged.
#[derive(Debug, thiserror::Error)]
pub enum Unjudged {
    /// Stopped by the user.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The device gave nothing.
    #[error(transparent)]
    Fault(#[from] DeviceFault),
    /// The examples could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is judged.
#[derive(Debug)]
pub struct Validation<'a> {
    /// What the model is for.
    pub objective: &'a Objective,
    /// What it is judged by.
    pub examples: &'a Examples,
    /// Examples that are read at once.
    pub batch: usize,
    /// The share of tokens that is hidden; the same ones every time.
    pub mask_rate: f64,
    /// Where the masks come from.
    pub randomness: Randomness,
    /// Number of classes; 0 for masked-LM.
    pub classes: usize,
}

impl Validation<'_> {
    /// Judges a model; `None` if there is nothing to judge by.
    ///
    /// # Errors
    /// [`Unjudged`] when `job` is stopped or the device gives nothing.
    pub fn run(&self, model: &Model, job: &Job) -> Result<Option<Evaluation>, Unjudged> {
        let objective = self.objective.plain();
        let mut tally = Tally::new(self.classes);
        let batches = self.examples.len().div_ceil(self.batch);
        for (number, examples) in self.examples.chunks(self.batch).enumerate() {
            job.step(number, batches, "validation batches")?;
            let mut stream = self
                .randomness
                .stream(Purpose::ValidationMasks, number as u64);
            let prepared = objective.prepare(&examples?, self.mask_rate, &mut stream);
            if let Some(output) = Output::of(model, &prepared) {
                let sum = objective.sum(model, &prepared, output.clone());
                tally.loss += values(sum)?.into_iter().map(f64::from).sum::<f64>();
                tally.weight += prepared.weight;
                tally.judge(model, &prepared, output)?;
            }
        }
        job.step(batches, batches, "validation batches")?;
        let tokens = matches!(self.objective, Objective::Tokens(_));
        Ok(tally.evaluation(tokens))
    }
}

/// Counts of one class.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    right: u64,
    predicted: u64,
    wanted: u64,
}

#[derive(Debug)]
struct Tally {
    loss: f64,
    weight: f64,
    right: u64,
    answers: u64,
    classes: Vec<Counts>,
}

impl Tally {
    fn new(classes: usize) -> Self {
        Self {
            loss: 0.0,
            weight: 0.0,
            right: 0,
            answers: 0,
            classes: vec![Counts::default(); classes],
        }
    }

    fn judge(
        &mut self,
        model: &Model,
        prepared: &Prepared,
        output: Output,
    ) -> Result<(), DeviceFault> {
        match (output, &prepared.wanted) {
            (Output::Hidden(rows), Wanted::Guesses { targets, .. }) => {
                let [count, width] = rows.dims();
                for start in (0..count).step_by(ROWS) {
                    let end = (start + ROWS).min(count);
                    let part = rows.clone().slice([start..end, 0..width]);
                    let logits = model.masked_lm_logits(part).expect("it has given a loss");
                    for (guess, &target) in largest(logits)?.into_iter().zip(&targets[start..end]) {
                        self.answers += 1;
                        self.right += u64::from(guess == target as i64);
                    }
                }
            }
            (
                Output::Logits(logits),
                Wanted::Class(wanted)
                | Wanted::Tokens {
                    classes: wanted, ..
                },
            ) => {
                for (predicted, &wanted) in largest(logits)?.into_iter().zip(wanted) {
                    self.answers += 1;
                    self.right += u64::from(predicted == wanted);
                    self.classes[predicted as usize].predicted += 1;
                    self.classes[wanted as usize].wanted += 1;
                    self.classes[wanted as usize].right += u64::from(predicted == wanted);
                }
            }
            (Output::Logits(logits), Wanted::Classes(holds)) => {
                let classes = self.classes.len();
                // A score of at least 0.5 is a logit of at least 0.
                for (at, (logit, &holds)) in values(logits)?.into_iter().zip(holds).enumerate() {
                    let (predicted, wanted) = (logit >= 0.0, holds == 1.0);
                    let counts = &mut self.classes[at % classes];
                    self.answers += 1;
                    self.right += u64::from(predicted == wanted);
                    counts.predicted += u64::from(predicted);
                    counts.wanted += u64::from(wanted);
                    counts.right += u64::from(predicted && wanted);
                }
            }
            _ => panic!("the batch was prepared for another objective"),
        }
        Ok(())
    }

    /// For tokens the first class is O, and its F1 says little.
    fn evaluation(&self, tokens: bool) -> Option<Evaluation> {
        (self.weight > 0.0).then(|| Evaluation {
            loss: self.loss / self.weight,
            accuracy: self.right as f64 / self.answers.max(1) as f64,
            macro_f1: macro_f1(&self.classes[usize::from(tokens).min(self.classes.len())..]),
            answers: self.answers,
        })
    }
}

/// The mean of `2 TP / (2 TP + FP + FN)`, 0 where nothing is wanted or predicted.
fn macro_f1(classes: &[Counts]) -> Option<f64> {
    let f1 = |counts: &Counts| match counts.predicted + counts.wanted {
        0 => 0.0,
        both => 2.0 * counts.right as f64 / both as f64,
    };
    let sum: f64 = classes.iter().map(f1).sum();
    (!classes.is_empty()).then(|| sum / classes.len() as f64)
}

/// The first largest column of each row.
fn largest(logits: Tensor<2>) -> Result<Vec<i64>, DeviceFault> {
    let [_, columns] = logits.dims();
    let values = values(logits)?;
    let rows = values.chunks_exact(columns);
    let largest = rows.map(|row| {
        let better = |best: usize, column: usize| match row[column] > row[best] {
            true => column,
            false => best,
        };
        (0..columns).fold(0, better) as i64
    });
    Ok(largest.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f1_by_hand() {
        let counts = |right, predicted, wanted| Counts {
            right,
            predicted,
            wanted,
        };
        let classes = [counts(2, 3, 2), counts(1, 1, 2), counts(0, 0, 0)];
        let want = (0.8 + 2.0 / 3.0) / 3.0;
        assert!((macro_f1(&classes).unwrap() - want).abs() < 1e-12);
        assert_eq!(macro_f1(&[]), None);
    }

    #[test]
    fn more_is_better_whatever_the_metric() {
        let evaluation = Evaluation {
            loss: 0.5,
            accuracy: 0.75,
            macro_f1: Some(0.25),
            answers: 4,
        };
        assert_eq!(evaluation.goodness(MetricName::Loss), -0.5);
        assert_eq!(evaluation.goodness(MetricName::Accuracy), 0.75);
        assert_eq!(evaluation.goodness(MetricName::MacroF1), 0.25);
    }
}
