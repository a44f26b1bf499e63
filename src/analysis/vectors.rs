//! Many vectors as rows of one array, compared by the cosine between them.

use rayon::prelude::*;

use super::Nearest;
use crate::job::{Cancelled, Job};

/// Vectors, each with what scales it to length 1.
#[derive(Clone)]
pub struct Vectors<'a> {
    rows: &'a [f32],
    width: usize,
    scales: Vec<f32>,
}

impl<'a> Vectors<'a> {
    /// `rows` is row-major and `width` wide.
    ///
    /// # Panics
    /// If `width` is 0 or `rows` is not a whole number of rows.
    pub fn new(rows: &'a [f32], width: usize) -> Self {
        Self::with_scales(rows, width, scales(rows, width))
    }

    /// The same with what [`scales`] made of them.
    ///
    /// # Panics
    /// As [`Vectors::new`], and if there are not as many scales as rows.
    pub fn with_scales(rows: &'a [f32], width: usize, scales: Vec<f32>) -> Self {
        assert!(
            width > 0 && rows.len() == width * scales.len(),
            "Vectors: {} values in rows of {width}, {} scales",
            rows.len(),
            scales.len()
        );
        Self {
            rows,
            width,
            scales,
        }
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.scales.len()
    }

    /// Numbers of each.
    pub fn width(&self) -> usize {
        self.width
    }

    /// A vector as it was given.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.rows[row * self.width..][..self.width]
    }

    /// What scales a vector to length 1; 0 for a vector of zeros.
    pub fn scale(&self, row: usize) -> f32 {
        self.scales[row]
    }
}

/// What scales each vector to length 1; 0 for a vector of zeros.
///
/// # Panics
/// If `width` is 0.
pub fn scales(rows: &[f32], width: usize) -> Vec<f32> {
    let rows = rows.par_chunks_exact(width);
    rows.map(|row| match exact(row, row).sqrt() {
        length if length > 0.0 => (1.0 / length) as f32,
        _ => 0.0,
    })
    .collect()
}

/// Lanes of sums: the compiler makes vector instructions of them.
const LANES: usize = 16;

/// The product of two vectors, in f32, in an order of its own that is always the same.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ([a, b], [rest, other]) = {
        let (a, rest) = a.as_chunks::<LANES>();
        let (b, other) = b.as_chunks::<LANES>();
        ([a, b], [rest, other])
    };
    let mut sums = [0.0f32; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest = rest.iter().zip(other).map(|(a, b)| a * b);
    sums.iter().sum::<f32>() + rest.sum::<f32>()
}

fn exact(a: &[f32], b: &[f32]) -> f64 {
    let products = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
    products.sum()
}

/// Rows beside the wanted ones that are compared once more in f64, so that rounding changes no order.
const SPARE: usize = 64;

/// The `top` rows with the largest cosine to that of the number `own`, which is not among them: the
/// largest first, and the first of equal ones first. Every row is compared.
///
/// # Errors
/// [`Cancelled`] when the job is stopped.
///
/// # Panics
/// If there is no such row.
pub fn nearest_to(
    vectors: &Vectors<'_>,
    own: usize,
    top: usize,
    job: &Job,
) -> Result<Vec<Nearest>, Cancelled> {
    job.check()?;
    let wanted = vectors.row(own);
    let scale = vectors.scale(own);
    let all = (0..vectors.count()).into_par_iter().with_min_len(512);
    let mut found: Vec<Nearest> = all
        .filter(|&row| row != own)
        .map(|row| Nearest {
            row,
            score: scale * vectors.scale(row) * dot(wanted, vectors.row(row)),
        })
        .collect();
    let best_first = |a: &Nearest, b: &Nearest| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row));
    let kept = top.saturating_add(SPARE);
    if kept < found.len() {
        found.select_nth_unstable_by(kept - 1, best_first);
        found.truncate(kept);
    }
    let length = exact(wanted, wanted).sqrt();
    for other in &mut found {
        let row = vectors.row(other.row);
        let lengths = length * exact(row, row).sqrt();
        other.score = match lengths > 0.0 {
            true => (exact(wanted, row) / lengths) as f32,
            false => 0.0,
        };
    }
    found.sort_by(best_first);
    found.truncate(top);
    job.check()?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::analysis::nearest;
    use crate::job::StopFlag;

    #[test]
    fn the_nearest_are_those_of_a_plain_loop() {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let width = 37;
        let mut rows: Vec<f32> = (0..300 * width)
            .map(|_| random.random_range(-1.0..1.0))
            .collect();
        // Equal ones, and one without a direction.
        rows.copy_within(0..width, 7 * width);
        rows[9 * width..10 * width].fill(0.0);
        let vectors = Vectors::new(&rows, width);
        for own in [0, 9, 123, 299] {
            let found = nearest_to(&vectors, own, 20, &Job::silent()).unwrap();
            let mut want = nearest(vectors.row(own), &rows, 300);
            want.retain(|other| other.row != own);
            want.truncate(20);
            assert_eq!(found, want, "{own}");
        }
        assert_eq!(
            nearest_to(&vectors, 0, 20, &Job::silent()).unwrap()[0].row,
            7
        );
        assert_eq!(
            nearest_to(&vectors, 0, 1000, &Job::silent()).unwrap().len(),
            299
        );
        let stop = StopFlag::default();
        stop.stop();
        assert_eq!(nearest_to(&vectors, 0, 20, &Job::new(stop)), Err(Cancelled));
    }
}
