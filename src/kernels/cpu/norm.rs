//! The gradient of LayerNorm, rows spread over threads.

use rayon::prelude::*;

use super::ROWS_PER_TASK;
use super::simd::{LANES, WithSimd, sum, vectorized};

/// `dx` in place of `d_out`, rows as wide as `weight`; returns `dWeight`. The formulas are those of
/// the form from burn's own operations.
///
/// `dWeight` is summed by task and then in the order of tasks, so it does not depend on the number
/// of threads.
pub(super) fn backward(x: &[f32], weight: &[f32], d_out: &mut [f32], eps: f64) -> Vec<f32> {
    let width = weight.len();
    let mut d_weight = vec![0.0; width];
    if width == 0 {
        return d_weight;
    }
    let sums: Vec<Vec<f32>> = d_out
        .par_chunks_mut(ROWS_PER_TASK * width)
        .zip(x.par_chunks(ROWS_PER_TASK * width))
        .map(|(d, x)| vectorized(Backward { x, weight, d, eps }))
        .collect();
    for own in sums {
        for (sum, own) in d_weight.iter_mut().zip(own) {
            *sum += own;
        }
    }
    d_weight
}

struct Backward<'a> {
    x: &'a [f32],
    weight: &'a [f32],
    /// `d_out` before, `dx` after.
    d: &'a mut [f32],
    eps: f64,
}

impl WithSimd for Backward<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) -> Vec<f32> {
        let width = self.weight.len();
        let mean_of = |sum: f64| sum / width as f64;
        let mut d_weight = vec![0.0; width];
        let rows = self.x.chunks_exact(width);
        for (x, d) in rows.zip(self.d.chunks_exact_mut(width)) {
            let mean = mean_of(sum(x, x, |(&x, _)| x)) as f32;
            let variance = mean_of(sum(x, x, |(&x, _)| (x - mean) * (x - mean)));
            let scale = (variance + self.eps).sqrt().recip() as f32;
            let normed = |x: f32| (x - mean) * scale;
            let [g, along] = sums(x, self.weight, d, normed).map(|sum| mean_of(sum) as f32);
            let columns = x.iter().zip(self.weight).zip(d.iter_mut());
            for (((&x, &weight), d), d_weight) in columns.zip(&mut d_weight) {
                let n = normed(x);
                *d_weight += *d * n;
                *d = (*d * weight - g - n * along) * scale;
            }
        }
        d_weight
    }
}

/// `Σ g` and `Σ g n` with `g = d · weight` and `n = normed(x)`.
#[inline(always)]
fn sums(x: &[f32], weight: &[f32], d: &[f32], normed: impl Fn(f32) -> f32) -> [f64; 2] {
    let (x, rest_x) = x.as_chunks::<LANES>();
    let (weight, rest_weight) = weight.as_chunks::<LANES>();
    let (d, rest_d) = d.as_chunks::<LANES>();
    let mut lanes = [[0f32; LANES]; 2];
    for ((x, weight), d) in x.iter().zip(weight).zip(d) {
        for lane in 0..LANES {
            let g = d[lane] * weight[lane];
            lanes[0][lane] += g;
            lanes[1][lane] += g * normed(x[lane]);
        }
    }
    let mut sums = lanes.map(|lanes| lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>());
    for ((&x, &weight), &d) in rest_x.iter().zip(rest_weight).zip(rest_d) {
        let g = d * weight;
        sums[0] += f64::from(g);
        sums[1] += f64::from(g * normed(x));
    }
    sums
}
