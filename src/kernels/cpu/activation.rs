//! GELU and GeGLU, rows spread over threads.

use rayon::prelude::*;

use super::ROWS_PER_TASK;
use super::simd::{WithSimd, gelu as gelu_of, vectorized};

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
