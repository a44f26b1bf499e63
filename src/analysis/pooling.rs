//! Makes one vector of several.

/// How the vectors of several tokens become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The first token's.
    Cls,
    /// The mean.
    Mean,
    /// The largest value of each dimension.
    Max,
}

/// Pools `rows`, row-major and `width` wide, into one vector.
///
/// # Panics
/// If there is no row.
pub fn pool(rows: &[f32], width: usize, pooling: Pooling) -> Vec<f32> {
    assert!(
        width > 0 && rows.len() >= width,
        "pool: no row of width {width}"
    );
    let first = rows[..width].to_vec();
    let rows = rows.chunks_exact(width);
    match pooling {
        Pooling::Cls => first,
        Pooling::Mean => {
            let count = rows.len() as f64;
            let mut sums = vec![0.0f64; width];
            for row in rows {
                sums.iter_mut()
                    .zip(row)
                    .for_each(|(sum, &value)| *sum += f64::from(value));
            }
            sums.iter().map(|sum| (sum / count) as f32).collect()
        }
        Pooling::Max => rows.skip(1).fold(first, |mut largest, row| {
            largest
                .iter_mut()
                .zip(row)
                .for_each(|(largest, &value)| *largest = largest.max(value));
            largest
        }),
    }
}

/// Scales a vector to Euclidean length 1; a vector of zeros stays.
pub fn normalize(vector: &mut [f32]) {
    let length = vector
        .iter()
        .map(|&x| f64::from(x).powi(2))
        .sum::<f64>()
        .sqrt();
    if length > 0.0 {
        vector
            .iter_mut()
            .for_each(|x| *x = (f64::from(*x) / length) as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pooling_by_hand() {
        let rows = [1.0, -4.0, 3.0, -8.0, 5.0, 0.0];
        assert_eq!(pool(&rows, 2, Pooling::Cls), [1.0, -4.0]);
        assert_eq!(pool(&rows, 2, Pooling::Mean), [3.0, -4.0]);
        assert_eq!(pool(&rows, 2, Pooling::Max), [5.0, 0.0]);
    }

    #[test]
    fn a_normalised_vector_has_length_one() {
        let mut vector = [3.0, 4.0];
        normalize(&mut vector);
        assert_eq!(vector, [0.6, 0.8]);
        let mut zeros = [0.0, 0.0];
        normalize(&mut zeros);
        assert_eq!(zeros, [0.0, 0.0]);
    }
}
