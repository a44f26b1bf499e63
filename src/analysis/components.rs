//! Principal components of very many vectors: in f32 and on all cores, for drawing.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::projection::{eigen, orthonormalize, sign};
use super::vectors::{Vectors, dot};
use crate::job::{Cancelled, Job};

/// Dimensions that the iteration carries beside those that are wanted: it converges faster so.
const SPARE: usize = 8;

/// Steps of the iteration at most.
const STEPS: usize = 60;

/// The iteration ends when a step finds no more of the variance than this share.
const ENOUGH: f64 = 1e-7;

/// Vectors of a part of the work. Sums are made part by part in their order, so that they are the same
/// with any number of threads.
const PART: usize = 1024;

/// Coordinates along principal components.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Components {
    /// Components of each vector; fewer than were wanted where vectors or width are fewer.
    pub count: usize,
    /// `[vectors, count]`, row-major: the component with the largest variance first.
    pub coordinates: Vec<f32>,
    /// The share of the whole variance along each component; 0 where nothing varies.
    pub explained: Vec<f64>,
}

/// The principal components of vectors scaled to length 1, by iteration in a subspace. The largest part
/// of each component is positive.
///
/// # Errors
/// [`Cancelled`] when the job is stopped.
pub fn components(
    vectors: &Vectors<'_>,
    wanted: usize,
    seed: u64,
    job: &Job,
) -> Result<Components, Cancelled> {
    let (count, width) = (vectors.count(), vectors.width());
    let wanted = wanted.min(width).min(count);
    let carried = (wanted + SPARE).min(width).min(count);
    let mean = mean(vectors);
    let whole = variance(vectors, &mean);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut basis: Vec<Vec<f64>> = (0..carried)
        .map(|_| (0..width).map(|_| random.random_range(-1.0..1.0)).collect())
        .collect();
    orthonormalize(&mut basis);
    let mut found = 0.0;
    for done in 0..STEPS {
        job.step(done, STEPS, "steps")?;
        let (next, held) = stretched(vectors, &mean, &basis);
        basis = next;
        orthonormalize(&mut basis);
        let more = held - found;
        found = held;
        if more <= ENOUGH * held {
            break;
        }
    }
    // Within the subspace the components are the axes along which the coordinates do not covary.
    let along = along(vectors, &mean, &basis);
    let mut covariance = vec![vec![0.0; carried]; carried];
    for row in along.chunks(carried.max(1)) {
        for (a, line) in covariance.iter_mut().enumerate() {
            for (sum, &b) in line.iter_mut().zip(row) {
                *sum += f64::from(row[a]) * f64::from(b);
            }
        }
    }
    let (variances, axes) = eigen(covariance);
    let mut order: Vec<usize> = (0..carried).collect();
    order.sort_by(|&a, &b| variances[b].total_cmp(&variances[a]));
    order.truncate(wanted);
    let turned: Vec<Vec<f32>> = (order.iter())
        .map(|&axis| {
            let sign = sign(&basis, &axes[axis]);
            axes[axis].iter().map(|own| (sign * own) as f32).collect()
        })
        .collect();
    let rows = along.par_chunks(carried.max(1));
    let coordinates = rows.flat_map_iter(|row| turned.iter().map(|axis| dot(row, axis)));
    let share = |&axis: &usize| match whole > 0.0 {
        true => variances[axis].max(0.0) / whole,
        false => 0.0,
    };
    let (coordinates, explained) = (coordinates.collect(), order.iter().map(share).collect());
    job.step(STEPS, STEPS, "steps")?;
    Ok(Components {
        count: wanted,
        coordinates,
        explained,
    })
}

/// Sums of parts, in their order.
fn summed(parts: Vec<Vec<f64>>) -> Vec<f64> {
    let mut parts = parts.into_iter();
    let mut sums = parts.next().unwrap_or_default();
    for part in parts {
        sums.iter_mut().zip(part).for_each(|(sum, own)| *sum += own);
    }
    sums
}

/// Work on parts of the vectors, each by the numbers of its rows.
fn parts<T: Send>(
    vectors: &Vectors<'_>,
    work: impl Fn(std::ops::Range<usize>) -> T + Sync,
) -> Vec<T> {
    let count = vectors.count();
    let all = (0..count.div_ceil(PART)).into_par_iter();
    all.map(|part| work(part * PART..((part + 1) * PART).min(count)))
        .collect()
}

fn mean(vectors: &Vectors<'_>) -> Vec<f32> {
    let width = vectors.width();
    let sums = parts(vectors, |rows| {
        let mut sums = vec![0.0; width];
        for row in rows {
            let scale = f64::from(vectors.scale(row));
            let values = vectors.row(row).iter();
            sums.iter_mut()
                .zip(values)
                .for_each(|(sum, &own)| *sum += scale * f64::from(own));
        }
        sums
    });
    let count = vectors.count().max(1) as f64;
    summed(sums)
        .iter()
        .map(|sum| (sum / count) as f32)
        .collect()
}

fn variance(vectors: &Vectors<'_>, mean: &[f32]) -> f64 {
    let of = |row: usize| -> f64 {
        let scale = vectors.scale(row);
        let parts = vectors.row(row).iter().zip(mean);
        f64::from(
            parts
                .map(|(own, mean)| (scale * own - mean).powi(2))
                .sum::<f32>(),
        )
    };
    parts(vectors, |rows| rows.map(of).sum::<f64>())
        .iter()
        .sum()
}

/// Coordinates of the centred vectors along each of `basis`, `[vectors, basis]`.
fn along(vectors: &Vectors<'_>, mean: &[f32], basis: &[Vec<f64>]) -> Vec<f32> {
    let (basis, offsets) = narrow(mean, basis);
    let all = parts(vectors, |rows| {
        let mut own = Vec::with_capacity(rows.len() * basis.len());
        for row in rows {
            let (values, scale) = (vectors.row(row), vectors.scale(row));
            let axes = basis.iter().zip(&offsets);
            own.extend(axes.map(|(axis, offset)| scale * dot(values, axis) - offset));
        }
        own
    });
    all.concat()
}

/// `basis` in f32, and the coordinate of the mean along each.
fn narrow(mean: &[f32], basis: &[Vec<f64>]) -> (Vec<Vec<f32>>, Vec<f32>) {
    let narrow = |own: &Vec<f64>| own.iter().map(|&own| own as f32).collect();
    let basis: Vec<Vec<f32>> = basis.iter().map(narrow).collect();
    let offsets = basis.iter().map(|axis| dot(mean, axis)).collect();
    (basis, offsets)
}

/// `basis` through the covariance of the centred vectors, and the variance that lies in it.
fn stretched(vectors: &Vectors<'_>, mean: &[f32], basis: &[Vec<f64>]) -> (Vec<Vec<f64>>, f64) {
    let (carried, width) = (basis.len(), vectors.width());
    let (basis, offsets) = narrow(mean, basis);
    // Of each part: the sums for each axis, then the coordinates' sums and that of their squares.
    let sums = parts(vectors, |rows| {
        let mut next = vec![0.0f32; carried * width];
        let mut tail = vec![0.0; carried + 1];
        for row in rows {
            let (values, scale) = (vectors.row(row), vectors.scale(row));
            for (number, axis) in basis.iter().enumerate() {
                let along = scale * dot(values, axis) - offsets[number];
                tail[number] += f64::from(along);
                tail[carried] += f64::from(along).powi(2);
                let scaled = along * scale;
                let next = &mut next[number * width..][..width];
                next.iter_mut()
                    .zip(values)
                    .for_each(|(sum, own)| *sum += scaled * own);
            }
        }
        let next = next.into_iter().map(f64::from);
        next.chain(tail).collect()
    });
    let sums = summed(sums);
    if sums.is_empty() {
        return (vec![vec![0.0; width]; carried], 0.0);
    }
    let (next, tail) = sums.split_at(carried * width);
    let next = next.chunks(width.max(1)).zip(tail);
    let next = next.map(|(own, whole)| {
        let parts = own.iter().zip(mean);
        parts
            .map(|(own, &mean)| own - whole * f64::from(mean))
            .collect()
    });
    (next.collect(), tail[carried])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::clusters::clouds;
    use crate::analysis::projection::principal_components;

    #[test]
    fn they_are_those_of_the_plain_form_of_vectors_of_length_1() {
        let width = 5;
        let rows: Vec<f32> = clouds().iter().map(|&own| own as f32).collect();
        let vectors = Vectors::new(&rows, width);
        let unit: Vec<f64> = (0..vectors.count())
            .flat_map(|row| {
                let own = vectors.row(row);
                let length = own
                    .iter()
                    .map(|own| f64::from(*own).powi(2))
                    .sum::<f64>()
                    .sqrt();
                own.iter().map(move |own| f64::from(*own) / length)
            })
            .collect();
        let want = principal_components(&unit, width, 2, 0, &Job::silent()).unwrap();
        let found = components(&vectors, 2, 3, &Job::silent()).unwrap();
        assert_eq!(found.count, 2);
        assert_eq!(found.coordinates.len(), want.coordinates.len());
        for (found, want) in found.coordinates.iter().zip(&want.coordinates) {
            assert!((f64::from(*found) - want).abs() < 2e-4, "{found} {want}");
        }
        for (found, want) in found.explained.iter().zip(&want.explained) {
            assert!((found - want).abs() < 1e-4, "{found} {want}");
        }
        let again = components(&vectors, 2, 3, &Job::silent()).unwrap();
        assert_eq!(found, again);
    }

    #[test]
    fn few_or_equal_vectors_have_no_components_and_no_trouble() {
        let none = components(&Vectors::new(&[], 4), 2, 0, &Job::silent()).unwrap();
        assert_eq!((none.count, none.coordinates.len()), (0, 0));
        let rows = [1.0f32; 8];
        let equal = components(&Vectors::new(&rows, 4), 2, 0, &Job::silent()).unwrap();
        assert!(
            equal.coordinates.iter().all(|own| own.abs() < 1e-6),
            "{equal:?}"
        );
        let zeros = components(&Vectors::new(&[0.0; 8], 4), 2, 0, &Job::silent()).unwrap();
        assert!(zeros.coordinates.iter().all(|&own| own == 0.0));
    }
}
