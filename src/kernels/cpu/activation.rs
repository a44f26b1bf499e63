//! GELU and GeGLU, rows spread over threads.

use rayon::prelude::*;

use super::ROWS_PER_TASK;
use super::simd::{WithSimd, erf, exp_of_negative, gelu as gelu_of, vectorized};

/// `gelu(a) * b` for rows `[a | b]`, `2 * width` long.
pub(super) fn geglu(x: &[f32], width: usize) -> Vec<f32> {
    let mut out = vec![0.0; x.len() / 2];
    if width > 0 {
        out.par_chunks_mut(ROWS_PER_TASK * width)
            .zip(x.par_chunks(ROWS_PER_TASK * 2 * width))
            .for_each(|(out, x)| vectorized(Geglu { x, out, width }));
    }
    out
}

struct Geglu<'a> {
    x: &'a [f32],
    out: &'a mut [f32],
    width: usize,
}

impl WithSimd for Geglu<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) {
        let rows = self.x.chunks_exact(2 * self.width);
        for (out, row) in self.out.chunks_exact_mut(self.width).zip(rows) {
            let (a, b) = row.split_at(self.width);
            for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
                *out = gelu_of(a) * b;
            }
        }
    }
}

/// `[dOut * b * gelu'(a), dOut * gelu(a)]` in place of rows `[a | b]`, `2 * width` long.
pub(super) fn geglu_backward(x: &mut [f32], d_out: &[f32], width: usize) {
    if width > 0 {
        x.par_chunks_mut(ROWS_PER_TASK * 2 * width)
            .zip(d_out.par_chunks(ROWS_PER_TASK * width))
            .for_each(|(x, d_out)| vectorized(GegluBackward { x, d_out, width }));
    }
}

struct GegluBackward<'a> {
    x: &'a mut [f32],
    d_out: &'a [f32],
    width: usize,
}

impl WithSimd for GegluBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) {
        let rows = self.x.chunks_exact_mut(2 * self.width);
        for (row, d_out) in rows.zip(self.d_out.chunks_exact(self.width)) {
            let (a, b) = row.split_at_mut(self.width);
            for ((a, b), &d) in a.iter_mut().zip(b).zip(d_out) {
                let x = *a;
                let [cdf, slope] = cdf_and_slope(x);
                *a = d * *b * slope;
                *b = d * x * cdf;
            }
        }
    }
}

/// The normal distribution's cumulative function, and the derivative of GELU.
#[inline(always)]
fn cdf_and_slope(x: f32) -> [f32; 2] {
    /// 1 / sqrt(2 π), the normal distribution's largest density.
    const DENSITY: f32 = 0.398_942_3;
    let cdf = 0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2));
    [cdf, cdf + x * DENSITY * exp_of_negative(-0.5 * x * x)]
}

/// GELU of every element, in place; a row has `width` elements.
pub(super) fn gelu(x: &mut [f32], width: usize) {
    if width > 0 {
        x.par_chunks_mut(ROWS_PER_TASK * width)
            .for_each(|x| vectorized(Gelu(x)));
    }
}

struct Gelu<'a>(&'a mut [f32]);

impl WithSimd for Gelu<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) {
        for x in self.0 {
            *x = gelu_of(*x);
        }
    }
}

/// `dOut * gelu'(x)` in place of `d_out`; a row has `width` elements.
pub(super) fn gelu_backward(x: &[f32], d_out: &mut [f32], width: usize) {
    if width > 0 {
        d_out
            .par_chunks_mut(ROWS_PER_TASK * width)
            .zip(x.par_chunks(ROWS_PER_TASK * width))
            .for_each(|(d, x)| vectorized(GeluBackward { x, d }));
    }
}

struct GeluBackward<'a> {
    x: &'a [f32],
    d: &'a mut [f32],
}

impl WithSimd for GeluBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) {
        for (d, &x) in self.d.iter_mut().zip(self.x) {
            let [_, slope] = cdf_and_slope(x);
            *d *= slope;
        }
    }
}
