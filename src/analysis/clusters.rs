//! Groups vectors without looking at labels: k-means.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::job::{Cancelled, Job};

/// Beginnings that are tried; the best end counts.
const BEGINNINGS: u64 = 10;
/// Steps of one of them at most.
const STEPS: usize = 100;

/// The cluster of each vector of `[count, width]`, row-major, by Lloyd's k-means: of ten beginnings
/// that k-means++ draws (Arthur, Vassilvitskii 2007) that with the least sum of squared distances.
/// There are at most as many clusters as distinct vectors.
///
/// # Errors
/// [`Cancelled`] when the job is stopped.
pub fn k_means(
    vectors: &[f64],
    width: usize,
    clusters: usize,
    seed: u64,
    job: &Job,
) -> Result<Vec<usize>, Cancelled> {
    let rows: Vec<&[f64]> = vectors.chunks(width.max(1)).collect();
    let mut best: Option<(f64, Vec<usize>)> = None;
    for beginning in 0..BEGINNINGS {
        job.step(beginning as usize, BEGINNINGS as usize, "beginnings")?;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(beginning);
        let mut centres = beginnings(&rows, clusters, &mut random);
        let mut found = assign(&rows, &centres);
        for _ in 0..STEPS {
            job.check()?;
            move_centres(&rows, &found.1, &mut centres);
            let next = assign(&rows, &centres);
            let same = next.1 == found.1;
            found = next;
            if same {
                break;
            }
        }
        if best.as_ref().is_none_or(|best| found.0 < best.0) {
            best = Some(found);
        }
    }
    job.step(BEGINNINGS as usize, BEGINNINGS as usize, "beginnings")?;
    Ok(best.map(|best| best.1).unwrap_or_default())
}

fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Vectors to begin with, each drawn by its squared distance to those before.
fn beginnings(rows: &[&[f64]], clusters: usize, random: &mut ChaCha8Rng) -> Vec<Vec<f64>> {
    let mut centres: Vec<Vec<f64>> = Vec::new();
    let mut far = vec![f64::INFINITY; rows.len()];
    while centres.len() < clusters && !rows.is_empty() {
        let next = match centres.len() {
            0 => random.random_range(0..rows.len()),
            _ => {
                let all: f64 = far.iter().sum();
                if all == 0.0 {
                    break;
                }
                let mut left = random.random_range(0.0..all);
                let drawn = far.iter().position(|far| {
                    left -= far;
                    left < 0.0
                });
                // Rounding may leave a little at the end.
                drawn
                    .or_else(|| far.iter().rposition(|&far| far > 0.0))
                    .unwrap_or(0)
            }
        };
        for (far, row) in far.iter_mut().zip(rows) {
            *far = far.min(squared(row, rows[next]));
        }
        centres.push(rows[next].to_vec());
    }
    centres
}

/// The sum of squared distances to the nearest centres, and which these are.
fn assign(rows: &[&[f64]], centres: &[Vec<f64>]) -> (f64, Vec<usize>) {
    let mut sum = 0.0;
    let nearest = rows.iter().map(|row| {
        let distances = centres.iter().map(|centre| squared(row, centre));
        let (index, distance) = distances
            .enumerate()
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or((0, 0.0));
        sum += distance;
        index
    });
    let nearest = nearest.collect();
    (sum, nearest)
}

/// Puts each centre into the middle of its vectors; one without any stays.
fn move_centres(rows: &[&[f64]], clusters: &[usize], centres: &mut [Vec<f64>]) {
    let width = rows.first().map_or(0, |row| row.len());
    let mut sums = vec![(0usize, vec![0.0; width]); centres.len()];
    for (row, &cluster) in rows.iter().zip(clusters) {
        let (count, sum) = &mut sums[cluster];
        *count += 1;
        sum.iter_mut()
            .zip(*row)
            .for_each(|(sum, value)| *sum += value);
    }
    for (centre, (count, sum)) in centres.iter_mut().zip(sums) {
        if count > 0 {
            *centre = sum.into_iter().map(|sum| sum / count as f64).collect();
        }
    }
}

#[cfg(test)]
/// Three clouds in five dimensions, twenty vectors each.
pub(super) fn clouds() -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut vectors = Vec::new();
    for cloud in 0..3 {
        for _ in 0..20 {
            let noise = (0..5).map(|_| random.random_range(-0.1..0.1));
            let place = |index: usize| f64::from(u8::from(index == cloud)) * [5.0, 3.0, 1.0][cloud];
            vectors.extend(
                noise
                    .enumerate()
                    .map(|(index, noise): (usize, f64)| noise + place(index)),
            );
        }
    }
    vectors
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::StopFlag;

    #[test]
    fn clouds_are_found() {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let mut vectors = Vec::new();
        for cloud in 0..4 {
            for _ in 0..25 {
                let place = [f64::from(cloud % 2) * 10.0, f64::from(cloud / 2) * 10.0];
                vectors.extend(place.map(|place| place + random.random_range(-1.0..1.0)));
            }
        }
        let found = k_means(&vectors, 2, 4, 0, &Job::silent()).unwrap();
        assert_eq!(found, k_means(&vectors, 2, 4, 0, &Job::silent()).unwrap());
        for cloud in found.chunks(25) {
            assert!(cloud.iter().all(|own| *own == cloud[0]));
        }
        let mut names: Vec<usize> = found.chunks(25).map(|cloud| cloud[0]).collect();
        names.sort_unstable();
        assert_eq!(names, [0, 1, 2, 3]);
    }

    #[test]
    fn few_vectors_and_a_stop() {
        assert_eq!(
            k_means(&[1.0, 1.0, 1.0], 1, 2, 0, &Job::silent()),
            Ok(vec![0, 0, 0])
        );
        assert_eq!(k_means(&[], 3, 2, 0, &Job::silent()), Ok(Vec::new()));
        let stop = StopFlag::default();
        stop.stop();
        assert_eq!(k_means(&[1.0], 1, 1, 0, &Job::new(stop)), Err(Cancelled));
    }
}
