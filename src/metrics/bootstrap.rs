//! How far a figure could be off because the examples are a sample: percentile bootstrap intervals
//! (Efron, Tibshirani 1993), of examples by themselves or of clusters that belong together (Davison,
//! Hinkley 1997, section 3.8).

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::MetricsError;
use crate::job::Job;

/// Resamples between two looks at the job.
const BATCH: usize = 32;

/// How resamples are drawn, which a report has to say.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Resampling {
    /// Where the random numbers start; the same seed gives the same resamples on every machine.
    pub seed: u64,
    /// How many resamples are drawn.
    pub resamples: usize,
    /// The share of the resamples' figures that the interval holds, between 0 and 1.
    pub level: f64,
}

impl Default for Resampling {
    fn default() -> Self {
        Self {
            seed: 0,
            resamples: 1000,
            level: 0.95,
        }
    }
}

/// A figure with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The figure on the examples as they are; `None` where it is not defined.
    pub estimate: Option<f64>,
    /// The quantile `(1 - level) / 2` of the resamples; `None` if fewer than two of them define it.
    pub low: Option<f64>,
    /// The quantile `1 - (1 - level) / 2` of the resamples.
    pub high: Option<f64>,
    /// The standard deviation over the resamples, with n - 1.
    pub standard_deviation: Option<f64>,
}

impl Interval {
    /// The interval of a figure from its values on resamples; those that are not defined are left
    /// out.
    pub fn of(estimate: Option<f64>, values: &[Option<f64>], level: f64) -> Self {
        let mut values: Vec<f64> = values.iter().copied().flatten().collect();
        values.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - level) / 2.0;
        let enough = values.len() > 1;
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self {
            estimate,
            low: enough.then(|| quantile(&values, tail)),
            high: enough.then(|| quantile(&values, 1.0 - tail)),
            standard_deviation: enough.then(|| (squares / (values.len() - 1) as f64).sqrt()),
        }
    }
}

/// The quantile `q` of rising values, linear between the two nearest to `(n - 1) q`.
fn quantile(rising: &[f64], q: f64) -> f64 {
    let at = (rising.len() - 1) as f64 * q;
    let low = (at.floor() as usize).min(rising.len() - 1);
    let high = (low + 1).min(rising.len() - 1);
    rising[low] + (at - low as f64) * (rising[high] - rising[low])
}

/// Examples that are drawn together, such as the notes of a patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clusters {
    /// The numbers of the examples of each.
    members: Vec<Vec<usize>>,
    examples: usize,
}

impl Clusters {
    /// Every example by itself.
    pub fn each(examples: usize) -> Self {
        Self::of(0..examples)
    }

    /// Those examples together that have the same key, in the order in which keys first occur.
    pub fn of<K: Ord>(keys: impl IntoIterator<Item = K>) -> Self {
        let mut numbers: BTreeMap<K, usize> = BTreeMap::new();
        let mut members: Vec<Vec<usize>> = Vec::new();
        let mut examples = 0;
        for key in keys {
            let next = members.len();
            let number = *numbers.entry(key).or_insert(next);
            if number == next {
                members.push(Vec::new());
            }
            members[number].push(examples);
            examples += 1;
        }
        Self { members, examples }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.members.len()
    }

    /// The examples of one resample: of as many clusters as there are, drawn with replacement. Each
    /// resample has a stream of its own, so that they do not depend on which thread draws which.
    fn resample(&self, seed: u64, number: usize) -> Vec<usize> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(number as u64);
        let mut drawn = Vec::with_capacity(self.examples);
        for _ in 0..self.members.len() {
            drawn.extend(&self.members[random.random_range(0..self.members.len())]);
        }
        drawn
    }
}

/// Intervals of several figures at once.
///
/// `statistics` computes all of them from the numbers of the examples that a resample holds, some of
/// them several times; it is called from several threads. Where clusters differ in size, so do
/// resamples. Of a single cluster there is no interval.
///
/// # Errors
/// [`MetricsError`] when there are no examples, the choice of resamples cannot be, or the job is
/// stopped.
pub fn bootstrap(
    clusters: &Clusters,
    how: Resampling,
    job: &Job,
    statistics: impl Fn(&[usize]) -> Vec<Option<f64>> + Sync,
) -> Result<Vec<Interval>, MetricsError> {
    if clusters.examples == 0 {
        return Err(MetricsError::NoExamples);
    }
    if how.resamples < 2 {
        let reason = format!("{} resamples are too few: take 2 or more", how.resamples);
        return Err(MetricsError::Choice(reason));
    }
    if !(how.level > 0.0 && how.level < 1.0) {
        let reason = format!(
            "an interval of level {} cannot be: it lies between 0 and 1",
            how.level
        );
        return Err(MetricsError::Choice(reason));
    }
    let all: Vec<usize> = (0..clusters.examples).collect();
    let estimates = statistics(&all);
    if clusters.count() < 2 {
        // Every resample would be the same, and say nothing.
        let alone = |estimate| Interval::of(estimate, &[], how.level);
        return Ok(estimates.into_iter().map(alone).collect());
    }
    let mut values = vec![Vec::with_capacity(how.resamples); estimates.len()];
    for first in (0..how.resamples).step_by(BATCH) {
        job.step(first, how.resamples, "resamples")?;
        let batch: Vec<Vec<Option<f64>>> = (first..(first + BATCH).min(how.resamples))
            .into_par_iter()
            .map(|number| statistics(&clusters.resample(how.seed, number)))
            .collect();
        for row in batch {
            values
                .iter_mut()
                .zip(row)
                .for_each(|(values, value)| values.push(value));
        }
    }
    job.step(how.resamples, how.resamples, "resamples")?;
    let intervals = estimates.into_iter().zip(&values);
    Ok(intervals
        .map(|(estimate, values)| Interval::of(estimate, values, how.level))
        .collect())
}
