//! Attention rollout: attention followed through the layers (Abnar and Zuidema 2020).
//!
//! Each layer is `R = (A + I) / 2`, with `A` the mean over its heads; rollout is the product of the
//! layers' `R`. Since rows of `A` sum to 1, so do those of `R` and of the product. Only one row or
//! one column of the product is wanted, so that a vector goes through the layers and no square
//! matrix exists.

/// What of the product is wanted, which says how a vector goes through the layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// From the last layer to the first, `v R`: a row of the product.
    Row,
    /// From the first layer to the last, `R v`: a column of the product.
    Column,
}

/// One layer on the way of a vector, built row by row of its attention.
pub struct Layer<'a> {
    vector: &'a [f64],
    wanted: Wanted,
    out: Vec<f64>,
}

impl<'a> Layer<'a> {
    /// The vector before it has seen the layer's attention: its half of `I`.
    pub fn new(vector: &'a [f64], wanted: Wanted) -> Self {
        Self {
            vector,
            wanted,
            out: vector.iter().map(|value| value / 2.0).collect(),
        }
    }

    /// Adds what `row` looks at, the mean over heads.
    pub fn add(&mut self, row: usize, looks_at: &[f32]) {
        // The residual stream has the other half.
        let half = 0.5;
        match self.wanted {
            Wanted::Row => {
                let weight = half * self.vector[row];
                let pairs = self.out.iter_mut().zip(looks_at);
                pairs.for_each(|(out, &value)| *out += weight * f64::from(value));
            }
            Wanted::Column => {
                let pairs = looks_at.iter().zip(self.vector);
                let sum: f64 = pairs.map(|(&value, own)| f64::from(value) * own).sum();
                self.out[row] += half * sum;
            }
        }
    }

    /// The vector behind the layer.
    pub fn finish(self) -> Vec<f64> {
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYERS: [[[f32; 3]; 3]; 2] = [
        [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.25, 0.25, 0.5]],
        [[0.0, 1.0, 0.0], [0.125, 0.75, 0.125], [0.5, 0.0, 0.5]],
    ];

    /// The vector behind a layer.
    fn through(vector: &[f64], layer: usize, wanted: Wanted) -> Vec<f64> {
        let mut own = Layer::new(vector, wanted);
        for (row, looks_at) in LAYERS[layer].iter().enumerate() {
            own.add(row, looks_at);
        }
        own.finish()
    }

    #[test]
    fn vectors_are_rows_and_columns_of_the_product() {
        let r = |layer: usize, i: usize, j: usize| {
            (f64::from(LAYERS[layer][i][j]) + f64::from(u8::from(i == j))) / 2.0
        };
        // The last layer stands on the left: it looks at what the first one made.
        let product = |i: usize, j: usize| (0..3).map(|k| r(1, i, k) * r(0, k, j)).sum::<f64>();
        for token in 0..3 {
            let mut one = vec![0.0; 3];
            one[token] = 1.0;
            let row = through(&through(&one, 1, Wanted::Row), 0, Wanted::Row);
            let column = through(&through(&one, 0, Wanted::Column), 1, Wanted::Column);
            for other in 0..3 {
                assert!((row[other] - product(token, other)).abs() < 1e-12);
                assert!((column[other] - product(other, token)).abs() < 1e-12);
            }
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }
}
