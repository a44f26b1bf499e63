//! Judges vectors by a label of what they stand for.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Interval, Settings, drawn, named_intervals};
use crate::analysis::clusters::k_means;
use crate::analysis::neighbours::neighbour_map;
use crate::analysis::projection::principal_components;
use crate::job::Job;
use crate::metrics::MetricsError;
use crate::metrics::bootstrap::bootstrap;
use crate::metrics::embedding::{
    Distance, Vectors, nearest_neighbours, nearest_neighbours_across,
    normalized_mutual_information, silhouette,
};

/// Principal components that the map of neighbours begins with.
const COMPONENTS: usize = 50;

/// Vectors with the label of each.
#[derive(Clone, Default)]
pub struct Labelled {
    /// Numbers of a vector.
    pub width: usize,
    /// `[vectors, width]`, row-major.
    pub vectors: Vec<f64>,
    /// The number of each one's label.
    pub labels: Vec<usize>,
    /// Whose each is, by number; if given, whole patients are resampled.
    pub patients: Option<Vec<usize>>,
    /// What label has to be recognised beyond, if it is asked.
    pub across: Option<Across>,
}

/// Groups of vectors that resemble each other for another reason than their label.
#[derive(Clone)]
pub struct Across {
    /// The column that tells them.
    pub column: String,
    /// The number of each vector's group.
    pub groups: Vec<usize>,
}

/// How well vectors lie where their labels are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VectorReport {
    /// Names of the labels.
    pub labels: Vec<String>,
    /// Vectors of each.
    pub counts: Vec<usize>,
    /// Neighbours that vote.
    pub k: usize,
    /// The column of the groups whose own have no vote in `knn_accuracy_across`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub across: Option<String>,
    /// Figures with their intervals.
    pub intervals: BTreeMap<&'static str, Interval>,
    /// The share of vectors with the most frequent label: what knowing nothing would give.
    pub majority: f64,
    /// The share of each label's vectors that their nearest neighbours recognise.
    pub knn_recall: Vec<Option<f64>>,
    /// The mean silhouette by cosine distance.
    pub silhouette_cosine: Option<f64>,
    /// The mean silhouette by Euclidean distance.
    pub silhouette_euclidean: Option<f64>,
    /// Normalized mutual information of the labels with as many k-means clusters, of vectors scaled
    /// to length 1.
    pub nmi: f64,
    /// Where the random numbers of k-means and of the components start.
    pub seed: u64,
    /// The share of the variance along the first two principal components.
    pub explained: Vec<f64>,
    /// The label that each vector's neighbours have; the outcomes have them.
    #[serde(skip)]
    pub guesses: Vec<usize>,
    /// Places and labels on the maps, which the plots show.
    #[serde(skip)]
    pub map: Map,
}

/// Places of vectors in two dimensions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Map {
    /// The label of each vector.
    pub labels: Vec<usize>,
    /// Along the first two principal components.
    pub components: Vec<[f64; 2]>,
    /// Where neighbours stay neighbours; `None` for too few vectors.
    pub neighbours: Option<Vec<[f64; 2]>>,
}

/// The figures that stand first.
pub(super) const HEADLINE: [&str; 2] = ["knn_accuracy", "knn_accuracy_across"];

/// Judges vectors; `k` nearest neighbours vote.
///
/// # Errors
/// [`MetricsError`] when the numbers cannot be judged or the job is stopped.
pub fn judge_vectors(
    names: &[String],
    labelled: &Labelled,
    k: usize,
    how: &Settings,
    job: &Job,
) -> Result<VectorReport, MetricsError> {
    const PARTS: usize = 5;
    let (width, labels, seed) = (labelled.width, &labelled.labels, how.resampling.seed);
    let part = |number: usize| job.step(number, PARTS, "parts");
    let vectors = Vectors::new(width, &labelled.vectors)?;
    part(0)?;
    let across = labelled.across.as_ref();
    let half = if across.is_some() { 0.5 } else { 1.0 };
    let found = job.within(0.0..half, || nearest_neighbours(vectors, labels, k, job))?;
    let hits = |found: &[usize]| -> Vec<bool> {
        let pairs = found.iter().zip(labels);
        pairs.map(|(guess, label)| guess == label).collect()
    };
    let right = hits(&found);
    let right_across = across
        .map(|across| {
            let found = || nearest_neighbours_across(vectors, labels, &across.groups, k, job);
            Ok::<_, MetricsError>(hits(&job.within(half..1.0, found)?))
        })
        .transpose()?;
    part(1)?;
    let silhouette = |distance| silhouette(vectors, labels, distance, job);
    let (silhouette_cosine, silhouette_euclidean) = job.within(0.0..1.0, || {
        Ok::<_, MetricsError>((
            silhouette(Distance::Cosine)?,
            silhouette(Distance::Euclidean)?,
        ))
    })?;
    part(2)?;
    let scaled = scaled(&labelled.vectors, width);
    let clusters = job.within(0.0..1.0, || k_means(&scaled, width, names.len(), seed, job))?;
    part(3)?;
    let components = job.within(0.0..1.0, || {
        principal_components(&scaled, width, COMPONENTS, seed, job)
    })?;
    part(4)?;
    let carried = components.explained.len();
    let neighbours = job.within(0.0..0.9, || {
        neighbour_map(&components.coordinates, carried, job)
    })?;
    let share = |examples: &[usize]| {
        let share = |right: &Vec<bool>| {
            let hits = examples.iter().filter(|&&example| right[example]).count();
            Some(hits as f64 / examples.len() as f64)
        };
        let all = [Some(&right), right_across.as_ref()];
        all.into_iter().flatten().map(share).collect()
    };
    let intervals = job.within(0.9..1.0, || {
        let drawn = drawn(labels.len(), labelled.patients.as_deref());
        bootstrap(&drawn, how.resampling, job, share)
    })?;
    part(5)?;
    let mut counts = vec![0; names.len()];
    let mut hits = vec![0; names.len()];
    for (&label, &right) in labels.iter().zip(&right) {
        counts[label] += 1;
        hits[label] += usize::from(right);
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    let recall = counts.iter().zip(&hits);
    Ok(VectorReport {
        labels: names.to_vec(),
        k,
        across: across.map(|across| across.column.clone()),
        intervals: named_intervals(&HEADLINE, intervals),
        majority: most as f64 / labels.len() as f64,
        knn_recall: recall
            .map(|(&count, &hits)| (count > 0).then(|| hits as f64 / count as f64))
            .collect(),
        silhouette_cosine,
        silhouette_euclidean,
        nmi: normalized_mutual_information(labels, &clusters)?,
        seed,
        explained: components.explained.iter().take(2).copied().collect(),
        map: Map {
            labels: labels.clone(),
            components: components
                .coordinates
                .chunks(carried.max(1))
                .map(|row| [row[0], row.get(1).copied().unwrap_or(0.0)])
                .collect(),
            neighbours,
        },
        counts,
        guesses: found,
    })
}

/// Vectors of length 1; a zero vector stays one.
fn scaled(vectors: &[f64], width: usize) -> Vec<f64> {
    let rows = vectors.chunks(width);
    rows.flat_map(|row| {
        let length = row.iter().map(|value| value * value).sum::<f64>().sqrt();
        let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
        row.iter().map(move |value| value * scale)
    })
    .collect()
}
