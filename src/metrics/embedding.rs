//! Whether vectors lie where their labels are.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::MetricsError;
use super::error::{finite, lengths};
use crate::job::Job;

/// Vectors between two looks at the job.
const BATCH: usize = 64;

/// How far two vectors are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Distance {
    /// The length of their difference.
    Euclidean,
    /// 1 - cos of the angle between them; 1 where one of them is zero.
    Cosine,
}

/// Vectors `[count, width]`, row-major.
#[derive(Clone, Copy)]
pub struct Vectors<'a> {
    values: &'a [f64],
    width: usize,
}

impl<'a> Vectors<'a> {
    /// Vectors of this width.
    ///
    /// # Errors
    /// [`MetricsError`] when there are none, a number is missing or one is not finite.
    pub fn new(width: usize, values: &'a [f64]) -> Result<Self, MetricsError> {
        if values.is_empty() || width == 0 {
            return Err(MetricsError::NoExamples);
        }
        if !values.len().is_multiple_of(width) {
            let got = values.len();
            return Err(MetricsError::Choice(format!(
                "{got} numbers are no whole vectors of {width}"
            )));
        }
        finite("numbers", values, width)?;
        Ok(Self { values, width })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.values.len() / self.width
    }

    fn row(&self, index: usize) -> &'a [f64] {
        &self.values[index * self.width..][..self.width]
    }

    fn lengths(&self) -> Vec<f64> {
        let length = |row: &[f64]| dot(row, row).sqrt();
        self.values.chunks(self.width).map(length).collect()
    }

    /// Distances of one vector to all; `lengths` are those of [`Self::lengths`].
    fn distances(&self, from: usize, distance: Distance, lengths: &[f64]) -> Vec<f64> {
        let own = self.row(from);
        let to = |other: usize| {
            let row = self.row(other);
            match distance {
                Distance::Euclidean => sum(own, row, |a, b| (a - b) * (a - b)).sqrt(),
                Distance::Cosine => match lengths[from] * lengths[other] {
                    0.0 => 1.0,
                    scale => 1.0 - dot(own, row) / scale,
                },
            }
        };
        (0..self.count()).map(to).collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    sum(a, b, |a, b| a * b)
}

/// The sum of `term` over two vectors, in eight parts that the processor adds up side by side.
fn sum(a: &[f64], b: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += term(*a, *b);
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| term(*a, *b));
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}

/// Runs `one` on each number below `count`, in parallel, looking at the job now and then.
fn each<T: Send>(
    count: usize,
    job: &Job,
    one: impl Fn(usize) -> T + Sync,
) -> Result<Vec<T>, MetricsError> {
    let mut results = Vec::with_capacity(count);
    for first in (0..count).step_by(BATCH) {
        job.step(first, count, "vectors")?;
        let batch = (first..(first + BATCH).min(count)).into_par_iter();
        results.extend(batch.map(&one).collect::<Vec<T>>());
    }
    job.step(count, count, "vectors")?;
    Ok(results)
}

/// Labels as numbers from 0 on, in their order, with how many of each there are.
fn numbered(labels: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut numbers: BTreeMap<usize, usize> = labels.iter().map(|&label| (label, 0)).collect();
    for (number, own) in numbers.values_mut().enumerate() {
        *own = number;
    }
    let mut counts = vec![0; numbers.len()];
    let own = labels.iter().map(|label| {
        let number = numbers[label];
        counts[number] += 1;
        number
    });
    (own.collect(), counts)
}

/// The mean silhouette (Rousseeuw 1987), from -1 to 1: how much nearer each vector is to its own
/// label than to the nearest other. A label of one vector counts 0. `None` with fewer than two labels
/// or none that two vectors share. O(n² · width).
///
/// # Errors
/// [`MetricsError`] when the lists differ in length or the job is stopped.
pub fn silhouette(
    vectors: Vectors<'_>,
    labels: &[usize],
    distance: Distance,
    job: &Job,
) -> Result<Option<f64>, MetricsError> {
    lengths("labels", labels.len(), vectors.count())?;
    let (labels, counts) = numbered(labels);
    if counts.len() < 2 || counts.len() == labels.len() {
        return Ok(None);
    }
    let sizes = vectors.lengths();
    let values = each(labels.len(), job, |own| {
        let label = labels[own];
        if counts[label] == 1 {
            return 0.0;
        }
        let mut sums = vec![0.0; counts.len()];
        for (other, distance) in vectors.distances(own, distance, &sizes).iter().enumerate() {
            if other != own {
                sums[labels[other]] += distance;
            }
        }
        let within = sums[label] / (counts[label] - 1) as f64;
        let others = (0..counts.len()).filter(|&other| other != label);
        let nearest = others
            .map(|other| sums[other] / counts[other] as f64)
            .fold(f64::INFINITY, f64::min);
        match within.max(nearest) {
            0.0 => 0.0,
            larger => (nearest - within) / larger,
        }
    })?;
    Ok(Some(values.iter().sum::<f64>() / values.len() as f64))
}

/// The label of each vector by its `k` nearest others by cosine, most votes, the smaller label if
/// votes are equal. O(n² · width).
///
/// # Errors
/// [`MetricsError`] when the lists differ in length, there are not more than `k` vectors or the job is
/// stopped.
pub fn nearest_neighbours(
    vectors: Vectors<'_>,
    labels: &[usize],
    k: usize,
    job: &Job,
) -> Result<Vec<usize>, MetricsError> {
    let count = vectors.count();
    lengths("labels", labels.len(), count)?;
    if k == 0 || k >= count {
        return Err(MetricsError::Choice(format!(
            "{k} nearest neighbours cannot be found among {count} vectors: take at least 1 and \
             fewer than there are vectors"
        )));
    }
    voted(vectors, labels, k, job, |own, other| own != other)
}

/// As [`nearest_neighbours`], but others of the same group have no vote: whether a label is recognised
/// beyond the group. Where fewer than `k` others are left, those vote.
///
/// # Errors
/// [`MetricsError`] when the lists differ in length, `k` is 0, there are not two groups or the job is
/// stopped.
pub fn nearest_neighbours_across(
    vectors: Vectors<'_>,
    labels: &[usize],
    groups: &[usize],
    k: usize,
    job: &Job,
) -> Result<Vec<usize>, MetricsError> {
    let count = vectors.count();
    lengths("labels", labels.len(), count)?;
    lengths("groups", groups.len(), count)?;
    if k == 0 || groups.iter().all(|group| *group == groups[0]) {
        return Err(MetricsError::Choice(
            "neighbours of other groups need at least two groups, and one neighbour that votes"
                .to_owned(),
        ));
    }
    voted(vectors, labels, k, job, |own, other| {
        groups[own] != groups[other]
    })
}

/// The label of each vector by the `k` nearest of the others that `counts` allows.
fn voted(
    vectors: Vectors<'_>,
    labels: &[usize],
    k: usize,
    job: &Job,
    counts: impl Fn(usize, usize) -> bool + Sync,
) -> Result<Vec<usize>, MetricsError> {
    let count = vectors.count();
    let sizes = vectors.lengths();
    each(count, job, |own| {
        let distances = vectors.distances(own, Distance::Cosine, &sizes);
        let mut others: Vec<usize> = (0..count).filter(|&other| counts(own, other)).collect();
        // Of vectors equally far the first counts.
        let nearer = |a: &usize, b: &usize| distances[*a].total_cmp(&distances[*b]).then(a.cmp(b));
        let k = k.min(others.len());
        if k > 0 {
            others.select_nth_unstable_by(k - 1, nearer);
        }
        let mut votes: BTreeMap<usize, usize> = BTreeMap::new();
        for &other in &others[..k] {
            *votes.entry(labels[other]).or_default() += 1;
        }
        let most = votes.values().copied().max().unwrap_or(0);
        let first = votes.iter().find(|&(_, &count)| count == most);
        first.map_or(labels[own], |(&label, _)| label)
    })
}

/// Normalized mutual information of two groupings, from 0 to 1, by the arithmetic mean of their
/// entropies; 1 if both put everything into one group, as scikit-learn has it.
///
/// # Errors
/// [`MetricsError`] when the lists differ in length or are empty.
pub fn normalized_mutual_information(
    first: &[usize],
    second: &[usize],
) -> Result<f64, MetricsError> {
    lengths("labels of the second grouping", second.len(), first.len())?;
    let (first, own) = numbered(first);
    let (second, others) = numbered(second);
    let n = first.len() as f64;
    let entropy = |counts: &[usize]| {
        let terms = counts.iter().map(|&count| count as f64 / n);
        -terms.map(|share| share * share.ln()).sum::<f64>()
    };
    let mut both: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for pair in first.iter().copied().zip(second.iter().copied()) {
        *both.entry(pair).or_default() += 1;
    }
    let terms = both.iter().map(|(&(a, b), &count)| {
        let joint = count as f64;
        joint / n * (joint * n / (own[a] as f64 * others[b] as f64)).ln()
    });
    let information: f64 = terms.sum();
    Ok(match (entropy(&own) + entropy(&others)) / 2.0 {
        0.0 => 1.0,
        mean => (information / mean).clamp(0.0, 1.0),
    })
}
