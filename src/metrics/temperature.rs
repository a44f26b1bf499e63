//! Temperature scaling: one number that makes the probabilities of a classifier mean what they say
//! (Guo, Pleiss, Sun, Weinberger, ICML 2017).

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::MetricsError;
use super::calibration::{Reliability, brier, brier_multiclass, reliability};
use super::error::{finite, labels, lengths};
use super::multiclass::argmax;
use crate::job::Job;

/// Examples whose sums are made by one thread; fixed, so that a sum is the same on every machine.
const CHUNK: usize = 1024;
/// Steps of Newton's method at most; it takes about ten.
const STEPS: usize = 200;

/// Logits of examples with their true classes.
#[derive(Clone, Copy)]
pub struct Logits<'a> {
    values: &'a [f64],
    classes: usize,
    truth: &'a [usize],
}

/// How well probabilities fit the truth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// The mean negative log-likelihood (natural logarithm).
    pub nll: f64,
    /// Expected calibration error: of the top label, or of the positive class of a lone logit.
    pub ece: f64,
    /// Brier's score: summed over classes, or that of the positive class of a lone logit.
    pub brier: f64,
}

impl<'a> Logits<'a> {
    /// Logits `[examples, classes]`, row-major, for softmax over two classes or more.
    ///
    /// # Errors
    /// [`MetricsError`] when the lists do not fit together, are empty, name another class or a logit
    /// is not finite.
    pub fn softmax(
        classes: usize,
        values: &'a [f64],
        truth: &'a [usize],
    ) -> Result<Self, MetricsError> {
        if classes < 2 {
            let reason = "softmax needs two classes or more; a lone logit goes through sigmoid";
            return Err(MetricsError::Choice(reason.to_owned()));
        }
        Self::checked(classes, classes, values, truth)
    }

    /// A logit for each example, for sigmoid; the classes are 0 and 1.
    ///
    /// # Errors
    /// As of [`softmax`](Self::softmax).
    pub fn sigmoid(values: &'a [f64], truth: &'a [usize]) -> Result<Self, MetricsError> {
        Self::checked(1, 2, values, truth)
    }

    fn checked(
        width: usize,
        classes: usize,
        values: &'a [f64],
        truth: &'a [usize],
    ) -> Result<Self, MetricsError> {
        lengths("logits", values.len(), truth.len() * width)?;
        labels(truth, classes)?;
        finite("logits", values, width)?;
        Ok(Self {
            values,
            classes: width,
            truth,
        })
    }

    /// The sum over examples of what `term` gives for a row of logits and its class; a lone logit z
    /// is the row (0, z).
    fn sum<const N: usize>(&self, term: impl Fn(&[f64], usize) -> [f64; N] + Sync) -> [f64; N] {
        let rows = self.values.par_chunks(CHUNK * self.classes);
        let sums: Vec<[f64; N]> = rows
            .zip(self.truth.par_chunks(CHUNK))
            .map(|(rows, truth)| {
                let mut sum = [0.0; N];
                for (row, &truth) in rows.chunks(self.classes).zip(truth) {
                    let terms = match *row {
                        [lone] => term(&[0.0, lone], truth),
                        _ => term(row, truth),
                    };
                    sum.iter_mut()
                        .zip(terms)
                        .for_each(|(sum, term)| *sum += term);
                }
                sum
            })
            .collect();
        sums.into_iter().fold([0.0; N], |mut all, own| {
            all.iter_mut().zip(own).for_each(|(all, own)| *all += own);
            all
        })
    }

    /// First and second derivative of the mean NLL by `beta`, the inverse of the temperature. It is
    /// convex: the first never falls.
    fn derivatives(&self, beta: f64) -> [f64; 2] {
        let examples = self.truth.len() as f64;
        let sums = self.sum(|row, truth| {
            let top = largest(row);
            let (mut all, mut first, mut second) = (0.0, 0.0, 0.0);
            for &logit in row {
                let own = (beta * (logit - top)).exp();
                all += own;
                first += own * (logit - top);
                second += own * (logit - top).powi(2);
            }
            let mean = first / all;
            [
                mean + top - row[truth],
                (second / all - mean * mean).max(0.0),
            ]
        });
        sums.map(|sum| sum / examples)
    }

    /// The temperature T > 0 with the least mean NLL of softmax(z / T), or sigmoid(z / T); `None` if
    /// there is none, because every example is right (T falls to 0) or the logits are no better than
    /// guessing (T grows for ever).
    ///
    /// # Errors
    /// [`MetricsError::Cancelled`] when the job is stopped.
    pub fn fit_temperature(&self, job: &Job) -> Result<Option<f64>, MetricsError> {
        let [first, _] = self.derivatives(0.0);
        let [wrong] = self.sum(|row, truth| [f64::from(u8::from(row[truth] < largest(row)))]);
        if first >= 0.0 || wrong == 0.0 {
            return Ok(None);
        }
        // Newton's method within the interval where the derivative changes its sign.
        let (mut low, mut high, mut beta) = (0.0, None, 1.0);
        for done in 0..STEPS {
            job.step(done, STEPS, "steps")?;
            let [slope, curvature] = self.derivatives(beta);
            match slope < 0.0 {
                true => low = beta,
                false => high = Some(beta),
            }
            let newton = beta - slope / curvature;
            let inside = newton > low && high.is_none_or(|high| newton < high);
            let next = match high {
                _ if inside && newton.is_finite() => newton,
                Some(high) => f64::midpoint(low, high),
                None => 2.0 * beta,
            };
            // Newton's method doubles the digits with each step.
            let near = (next - beta).abs() <= 1e-9 * beta;
            beta = next;
            if near {
                break;
            }
        }
        job.step(STEPS, STEPS, "steps")?;
        Ok(Some(1.0 / beta))
    }

    /// Probabilities at a temperature, in the shape of the logits.
    pub fn probabilities(&self, temperature: f64) -> Vec<f64> {
        let beta = 1.0 / temperature;
        let mut values = self.values.to_vec();
        values
            .par_chunks_mut(self.classes)
            .for_each(|row| match row {
                [lone] => *lone = 1.0 / (1.0 + (-beta * *lone).exp()),
                _ => {
                    let top = largest(row);
                    row.iter_mut()
                        .for_each(|value| *value = (beta * (*value - top)).exp());
                    let all: f64 = row.iter().sum();
                    row.iter_mut().for_each(|value| *value /= all);
                }
            });
        values
    }

    /// How well the probabilities at a temperature fit the truth.
    ///
    /// # Errors
    /// [`MetricsError::Choice`] when the temperature is not a number above 0.
    pub fn fit_at(&self, temperature: f64) -> Result<Fit, MetricsError> {
        usable(temperature)?;
        let beta = 1.0 / temperature;
        let [nll] = self.sum(|row, truth| {
            let top = largest(row);
            let all: f64 = row.iter().map(|logit| (beta * (logit - top)).exp()).sum();
            [all.ln() - beta * (row[truth] - top)]
        });
        let probabilities = self.probabilities(temperature);
        let brier = match self.classes {
            1 => brier(&self.positive(), &probabilities)?,
            _ => brier_multiclass(self.classes, self.truth, &probabilities)?,
        };
        Ok(Fit {
            nll: nll / self.truth.len() as f64,
            ece: self.reliability_of(&probabilities)?.ece,
            brier,
        })
    }

    /// The reliability diagram of the probabilities at a temperature: of the top label, or of the
    /// positive class of a lone logit.
    ///
    /// # Errors
    /// [`MetricsError::Choice`] when the temperature is not a number above 0.
    pub fn reliability_at(&self, temperature: f64) -> Result<Reliability, MetricsError> {
        usable(temperature)?;
        self.reliability_of(&self.probabilities(temperature))
    }

    fn reliability_of(&self, probabilities: &[f64]) -> Result<Reliability, MetricsError> {
        if self.classes == 1 {
            return reliability(probabilities, &self.positive());
        }
        let rows = || probabilities.chunks(self.classes).zip(self.truth);
        let top: Vec<f64> = rows().map(|(row, _)| row[argmax(row)]).collect();
        let right: Vec<bool> = rows().map(|(row, &truth)| argmax(row) == truth).collect();
        reliability(&top, &right)
    }

    /// Whether each example is of the second of two classes.
    fn positive(&self) -> Vec<bool> {
        self.truth.iter().map(|&class| class == 1).collect()
    }
}

fn usable(temperature: f64) -> Result<(), MetricsError> {
    if temperature > 0.0 && temperature.is_finite() {
        return Ok(());
    }
    let reason = format!("a temperature of {temperature} cannot be: it is above 0");
    Err(MetricsError::Choice(reason))
}

fn largest(row: &[f64]) -> f64 {
    row.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}
