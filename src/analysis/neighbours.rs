//! A map of vectors in which neighbours stay neighbours.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use bhtsne::{Neighbor, tSNE};

use crate::job::{Cancelled, Job};

/// Steps of the map of neighbours, as many as its author takes.
const EPOCHS: usize = 1000;
/// How coarse far points are taken together, as its author has it.
const ACCURACY: f64 = 0.5;
/// Vectors that a map of neighbours needs at least.
pub const FEWEST_NEIGHBOURS: usize = 8;

/// A map in which neighbours stay neighbours: t-SNE (van der Maaten 2014) on coordinates
/// `[count, width]`, row-major, that begins at the first two of them and not at random places.
/// `None` for fewer than [`FEWEST_NEIGHBOURS`] vectors, or where none differ.
///
/// # Errors
/// [`Cancelled`] when the job is stopped.
pub fn neighbour_map(
    coordinates: &[f64],
    width: usize,
    job: &Job,
) -> Result<Option<Vec<[f64; 2]>>, Cancelled> {
    let rows: Vec<&[f64]> = coordinates.chunks(width.max(1)).collect();
    if rows.len() < FEWEST_NEIGHBOURS || width < 2 {
        return Ok(None);
    }
    job.check()?;
    // Vectors that are all in one place leave the map nothing to begin with.
    let extent = [0, 1].map(|axis| {
        let values = || rows.iter().map(|row| row[axis]);
        values().fold(f64::NEG_INFINITY, f64::max) - values().fold(f64::INFINITY, f64::min)
    });
    let extent = extent[0].max(extent[1]);
    if extent <= 0.0 {
        return Ok(None);
    }
    let start: Vec<f64> = rows
        .iter()
        .flat_map(|row| [row[0], row[1]])
        .map(|value| 1e-4 * value / extent)
        .collect();
    let perplexity = 30.0f64.min((rows.len() - 1) as f64 / 3.0);
    // Enough neighbours for the perplexity, as the method's author has it.
    let most = ((3.0 * perplexity) as usize).min(rows.len() - 1);
    let near = job.within(0.0..0.3, || nearest(&rows, most, extent, job))?;
    let map = job.within(0.3..1.0, || fit(&rows, near, perplexity, start, job))?;
    // Vectors that are too far from all others for the arithmetic leave no map.
    let places = map.iter().flatten().all(|value| value.is_finite());
    Ok(places.then_some(map))
}

/// The `most` nearest others of each vector, the nearest first, by Euclidean distance over `extent`.
fn nearest(
    rows: &[&[f64]],
    most: usize,
    extent: f64,
    job: &Job,
) -> Result<Vec<Vec<(f64, usize)>>, Cancelled> {
    let mut near = Vec::with_capacity(rows.len());
    for (own, row) in rows.iter().enumerate() {
        job.step(own, rows.len(), "vectors")?;
        let distance = |other: &[f64]| -> f64 {
            let parts = row.iter().zip(other).map(|(a, b)| (a - b).powi(2));
            parts.sum::<f64>().sqrt() / extent
        };
        let mut others: Vec<(f64, usize)> = (0..rows.len())
            .filter(|&other| other != own)
            .map(|other| (distance(rows[other]), other))
            .collect();
        let nearer = |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        others.select_nth_unstable_by(most - 1, nearer);
        others.truncate(most);
        others.sort_unstable_by(nearer);
        near.push(others);
    }
    Ok(near)
}

/// The map itself; `near` has the same number of neighbours for each vector, the nearest first.
fn fit(
    rows: &[&[f64]],
    near: Vec<Vec<(f64, usize)>>,
    perplexity: f64,
    start: Vec<f64>,
    job: &Job,
) -> Result<Vec<[f64; 2]>, Cancelled> {
    let neighbour = |(distance, index)| Neighbor { index, distance };
    let near: Vec<Vec<Neighbor<f64>>> = near
        .into_iter()
        .map(|row| row.into_iter().map(neighbour).collect())
        .collect();
    stoppable(|stop| {
        let mut map = tSNE::<f64, &[f64], 2>::new(rows);
        map.perplexity(perplexity)
            .epochs(EPOCHS)
            .initial_embedding(start)
            .epoch_callback(|epoch, _| stop(job.step(epoch, EPOCHS, "steps of the map")))
            .barnes_hut_with_neighbors(ACCURACY, &near);
        map.embedding().as_chunks::<2>().0.to_vec()
    })
}

/// Makes a map that its callback can leave, by what it is given.
///
/// The crate tells of each of its steps and takes no answer, so who wants to stop leaves the call by
/// unwinding, which nothing but the map itself outlives. Unlike a panic that is not reported.
pub(super) fn stoppable<T>(
    make: impl FnOnce(&dyn Fn(Result<(), Cancelled>)) -> T,
) -> Result<T, Cancelled> {
    let stop = |asked: Result<(), Cancelled>| {
        if let Err(cancelled) = asked {
            resume_unwind(Box::new(cancelled));
        }
    };
    let made = catch_unwind(AssertUnwindSafe(|| make(&stop)));
    made.map_err(|left| match left.downcast::<Cancelled>() {
        Ok(cancelled) => *cancelled,
        Err(panic) => resume_unwind(panic),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::analysis::clusters::clouds;
    use crate::job::StopFlag;

    #[test]
    fn it_stops_at_any_of_its_parts() {
        let vectors = clouds();
        for (unit, from) in [("vectors", 0), ("vectors", 30), ("steps of the map", 500)] {
            let stop = StopFlag::default();
            let flag = stop.clone();
            let last = Arc::new(AtomicUsize::new(0));
            let seen = last.clone();
            let job = Job::reporting(stop, Duration::ZERO, move |progress| {
                if progress.unit == unit {
                    seen.store(progress.done, Ordering::Relaxed);
                    if progress.done >= from {
                        flag.stop();
                    }
                }
            });
            assert_eq!(neighbour_map(&vectors, 5, &job), Err(Cancelled));
            assert_eq!(last.load(Ordering::Relaxed), from, "{unit}");
        }
    }

    #[test]
    fn neighbours_stay_together() {
        let vectors = clouds();
        let map = neighbour_map(&vectors, 5, &Job::silent()).unwrap().unwrap();
        let distance =
            |a: usize, b: usize| (map[a][0] - map[b][0]).powi(2) + (map[a][1] - map[b][1]).powi(2);
        for own in 0..60 {
            let nearest = (0..60).filter(|&other| other != own);
            let nearest = nearest.min_by(|&a, &b| distance(own, a).total_cmp(&distance(own, b)));
            assert_eq!(nearest.unwrap() / 20, own / 20);
        }
        assert_eq!(neighbour_map(&vectors[..15], 5, &Job::silent()), Ok(None));
        assert_eq!(neighbour_map(&[1.0; 100], 5, &Job::silent()), Ok(None));
    }
}
