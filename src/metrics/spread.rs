//! Mean and standard deviation of a few numbers.

use serde::Serialize;

/// What repeated measurements of one figure come to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The arithmetic mean.
    pub mean: f64,
    /// The standard deviation of a sample, `sqrt(Σ (x − mean)² / (n − 1))`, as NumPy's
    /// `std(ddof=1)`; `None` for a single number.
    pub sd: Option<f64>,
    /// How many numbers there are.
    pub count: usize,
}

impl Spread {
    /// Of these numbers; `None` if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        if count == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        // About the mean, and not from the sum of squares: that loses small spreads.
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let sd = (count > 1).then(|| (squares / (count - 1) as f64).sqrt());
        Some(Self { mean, sd, count })
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    /// Worked out by hand.
    #[test]
    fn mean_and_deviation_are_those_of_a_sample() {
        // Mean 5, squares 9 + 1 + 1 + 1 + 0 + 0 + 4 + 16 = 32, and 32 / 7.
        let spread = Spread::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert_eq!((spread.mean, spread.count), (5.0, 8));
        assert_eq!(spread.sd, Some((32.0_f64 / 7.0).sqrt()));
        // Mean 0.75, squares 2 · 0.0625, divided by 1.
        let pair = Spread::of(&[0.5, 1.0]).unwrap();
        assert_eq!((pair.mean, pair.sd), (0.75, Some(0.125_f64.sqrt())));
        let one = Spread::of(&[3.0]).unwrap();
        assert_eq!((one.mean, one.sd, one.count), (3.0, None, 1));
        assert_eq!(Spread::of(&[]), None);
        // A small spread far from 0.
        let far = Spread::of(&[1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0]).unwrap();
        assert_eq!(far.sd, Some(1.0));
    }
}
