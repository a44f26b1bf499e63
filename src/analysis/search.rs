//! Finds the vectors that are most like a vector.

/// One vector among many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nearest {
    /// Its row.
    pub row: usize,
    /// Cosine of the angle between it and the query.
    pub score: f32,
}

/// The `top` rows with the largest cosine to `query`, the largest first and the first of equal ones
/// first; `rows` is row-major and as wide as the query.
///
/// Exact: every row is compared, sums are in f64. A vector of zeros has the cosine 0 with all.
///
/// # Panics
/// If `query` is empty or `rows` is not a whole number of rows.
pub fn nearest(query: &[f32], rows: &[f32], top: usize) -> Vec<Nearest> {
    assert!(
        !query.is_empty() && rows.len().is_multiple_of(query.len()),
        "nearest: {} values in rows of {}",
        rows.len(),
        query.len()
    );
    let length = dot(query, query).sqrt();
    let mut found: Vec<Nearest> = rows
        .chunks_exact(query.len())
        .enumerate()
        .map(|(row, vector)| {
            let lengths = length * dot(vector, vector).sqrt();
            let cosine = match lengths > 0.0 {
                true => dot(query, vector) / lengths,
                false => 0.0,
            };
            Nearest {
                row,
                score: cosine as f32,
            }
        })
        .collect();
    let best_first = |a: &Nearest, b: &Nearest| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row));
    if 0 < top && top < found.len() {
        found.select_nth_unstable_by(top - 1, best_first);
    }
    found.truncate(top);
    found.sort_by(best_first);
    found
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    let products = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
    products.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_angle_comes_first_whatever_the_length() {
        let rows = [0.0, 1.0, 10.0, 0.0, 0.1, 0.1, -1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        let found = nearest(&[2.0, 0.0], &rows, 4);
        assert_eq!(
            found.iter().map(|f| f.row).collect::<Vec<_>>(),
            [1, 5, 2, 0]
        );
        assert!((found[2].score - 0.5f32.sqrt()).abs() < 1e-7 && found[0].score == 1.0);
        assert_eq!(nearest(&[2.0, 0.0], &rows, 100).len(), 6);
        assert_eq!(nearest(&[2.0, 0.0], &rows, 100)[5].score, -1.0);
        assert!(nearest(&[2.0, 0.0], &rows, 0).is_empty());
    }
}
