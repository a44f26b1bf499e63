//! Vectors in few dimensions: principal components.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::job::{Cancelled, Job};

/// Dimensions that the iteration carries beside those that are wanted: it converges faster so.
const SPARE: usize = 8;
/// Steps of the iteration.
const STEPS: usize = 60;

/// Principal components.
#[derive(Debug, Clone, PartialEq)]
pub struct Principal {
    /// `[vectors, dimensions]`, row-major: coordinates along the components, the largest first.
    pub coordinates: Vec<f64>,
    /// The share of the whole variance along each component; 0 where nothing varies.
    pub explained: Vec<f64>,
}

/// The first `dimensions` principal components of vectors `[count, width]`, row-major, by subspace
/// iteration (Halko, Martinsson, Tropp 2011); the sign is such that the largest part of a component is
/// positive. There are fewer where vectors or width are fewer.
///
/// # Errors
/// [`Cancelled`] when the job is stopped.
pub fn principal_components(
    vectors: &[f64],
    width: usize,
    dimensions: usize,
    seed: u64,
    job: &Job,
) -> Result<Principal, Cancelled> {
    let count = vectors.len() / width.max(1);
    let dimensions = dimensions.min(width).min(count);
    let centred = centred(vectors, width);
    let carried = (dimensions + SPARE).min(width).min(count);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut basis: Vec<Vec<f64>> = (0..carried)
        .map(|_| (0..width).map(|_| random.random_range(-1.0..1.0)).collect())
        .collect();
    orthonormalize(&mut basis);
    for done in 0..STEPS {
        job.step(done, STEPS, "steps")?;
        let mut next = vec![vec![0.0; width]; carried];
        for row in centred.chunks(width.max(1)) {
            for (own, next) in basis.iter().zip(&mut next) {
                let along = dot(row, own);
                next.iter_mut()
                    .zip(row)
                    .for_each(|(sum, value)| *sum += along * value);
            }
        }
        basis = next;
        orthonormalize(&mut basis);
    }
    // Within the subspace the components are the axes along which the coordinates do not covary.
    let coordinates: Vec<Vec<f64>> = centred
        .chunks(width.max(1))
        .map(|row| basis.iter().map(|own| dot(row, own)).collect())
        .collect();
    let mut covariance = vec![vec![0.0; carried]; carried];
    for row in &coordinates {
        for (a, line) in covariance.iter_mut().enumerate() {
            for (b, sum) in line.iter_mut().enumerate() {
                *sum += row[a] * row[b];
            }
        }
    }
    let (variances, axes) = eigen(covariance);
    let mut order: Vec<usize> = (0..carried).collect();
    order.sort_by(|&a, &b| variances[b].total_cmp(&variances[a]));
    order.truncate(dimensions);
    let whole: f64 = centred.iter().map(|value| value * value).sum();
    let share = |&axis: &usize| {
        if whole > 0.0 {
            variances[axis].max(0.0) / whole
        } else {
            0.0
        }
    };
    let signs: Vec<f64> = order
        .iter()
        .map(|&axis| sign(&basis, &axes[axis]))
        .collect();
    let mut result = Vec::with_capacity(count * dimensions);
    for row in &coordinates {
        for (&axis, sign) in order.iter().zip(&signs) {
            result.push(sign * dot(row, &axes[axis]));
        }
    }
    job.step(STEPS, STEPS, "steps")?;
    Ok(Principal {
        coordinates: result,
        explained: order.iter().map(share).collect(),
    })
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn centred(vectors: &[f64], width: usize) -> Vec<f64> {
    let mut means = vec![0.0; width];
    let rows = || vectors.chunks(width.max(1));
    for row in rows() {
        means
            .iter_mut()
            .zip(row)
            .for_each(|(mean, value)| *mean += value);
    }
    let count = rows().len().max(1) as f64;
    means.iter_mut().for_each(|mean| *mean /= count);
    let values = rows().flat_map(|row| row.iter().zip(&means));
    values.map(|(value, mean)| value - mean).collect()
}

/// Gram and Schmidt, twice, which is as good as can be; a vector that is none of its own becomes zero.
pub(super) fn orthonormalize(basis: &mut [Vec<f64>]) {
    for index in 0..basis.len() {
        let (before, rest) = basis.split_at_mut(index);
        let own = &mut rest[0];
        let whole = dot(own, own).sqrt();
        for _ in 0..2 {
            for other in &*before {
                let along = dot(own, other);
                own.iter_mut()
                    .zip(other)
                    .for_each(|(value, other)| *value -= along * other);
            }
        }
        let length = dot(own, own).sqrt();
        let scale = if length > 1e-12 * whole {
            1.0 / length
        } else {
            0.0
        };
        own.iter_mut().for_each(|value| *value *= scale);
    }
}

/// Eigenvalues and vectors of a symmetric matrix, by Jacobi's rotations.
pub(super) fn eigen(mut matrix: Vec<Vec<f64>>) -> (Vec<f64>, Vec<Vec<f64>>) {
    let size = matrix.len();
    let mut axes: Vec<Vec<f64>> = (0..size)
        .map(|axis| {
            (0..size)
                .map(|other| f64::from(u8::from(axis == other)))
                .collect()
        })
        .collect();
    for _ in 0..50 {
        for p in 0..size {
            for q in p + 1..size {
                let off = matrix[p][q];
                if off == 0.0 {
                    continue;
                }
                let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * off);
                let tangent = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let tangent = if theta == 0.0 { 1.0 } else { tangent };
                let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
                let sine = tangent * cosine;
                for row in &mut matrix {
                    let (a, b) = (row[p], row[q]);
                    (row[p], row[q]) = (cosine * a - sine * b, sine * a + cosine * b);
                }
                rotate(&mut matrix, (p, q), (cosine, sine));
                rotate(&mut axes, (p, q), (cosine, sine));
            }
        }
    }
    ((0..size).map(|axis| matrix[axis][axis]).collect(), axes)
}

/// Turns two rows into each other.
fn rotate(rows: &mut [Vec<f64>], (p, q): (usize, usize), (cosine, sine): (f64, f64)) {
    let (before, rest) = rows.split_at_mut(q);
    for (a, b) in before[p].iter_mut().zip(&mut rest[0]) {
        (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
    }
}

/// -1 if the largest part of a component is negative, else 1.
pub(super) fn sign(basis: &[Vec<f64>], axis: &[f64]) -> f64 {
    let width = basis.first().map_or(0, Vec::len);
    let part = |index: usize| -> f64 {
        let parts = basis
            .iter()
            .zip(axis)
            .map(|(own, scale)| own[index] * scale);
        parts.sum()
    };
    let parts = (0..width).map(part);
    let largest = parts.fold(
        0.0,
        |best: f64, part| if part.abs() > best.abs() { part } else { best },
    );
    if largest < 0.0 { -1.0 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::clusters::clouds;

    #[test]
    fn components_of_a_line() {
        // Points on a line through (3, 4): all variance lies along it.
        let vectors: Vec<f64> = (0..10)
            .flat_map(|at| [f64::from(at) * 3.0, f64::from(at) * 4.0])
            .collect();
        let found = principal_components(&vectors, 2, 2, 0, &Job::silent()).unwrap();
        assert!((found.explained[0] - 1.0).abs() < 1e-12 && found.explained[1].abs() < 1e-12);
        for (at, point) in found.coordinates.chunks(2).enumerate() {
            assert!(
                (point[0] - 5.0 * (at as f64 - 4.5)).abs() < 1e-9,
                "{point:?}"
            );
            assert!(point[1].abs() < 1e-9);
        }
        let nothing = principal_components(&[1.0; 8], 2, 2, 0, &Job::silent()).unwrap();
        assert!(
            nothing
                .coordinates
                .iter()
                .chain(&nothing.explained)
                .all(|&value| value == 0.0)
        );
    }

    #[test]
    fn components_share_the_variance_and_keep_distances() {
        let vectors = clouds();
        let found = principal_components(&vectors, 5, 5, 1, &Job::silent()).unwrap();
        assert!((found.explained.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(found.explained.windows(2).all(|pair| pair[0] >= pair[1]));
        let distance = |values: &[f64], a: usize, b: usize| -> f64 {
            let parts = (0..5).map(|index| (values[a * 5 + index] - values[b * 5 + index]).powi(2));
            parts.sum::<f64>().sqrt()
        };
        for (a, b) in [(0, 59), (3, 25), (10, 11)] {
            let (own, mapped) = (distance(&vectors, a, b), distance(&found.coordinates, a, b));
            assert!((own - mapped).abs() < 1e-9, "{own} {mapped}");
        }
        let again = principal_components(&vectors, 5, 5, 2, &Job::silent()).unwrap();
        for (a, b) in found.coordinates.iter().zip(&again.coordinates) {
            assert!((a - b).abs() < 1e-6, "the seed must not be seen: {a} {b}");
        }
    }
}
