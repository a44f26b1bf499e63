//! The rotation in place, rows spread over threads.

use rayon::prelude::*;

use super::ROWS_PER_TASK;
use super::simd::{WithSimd, vectorized};
use crate::kernels::rope::Direction;
use crate::kernels::sequences::HeadShape;

/// Rotates q and k of `qkv`, `[tokens, 3 * heads * head_dim]`; the tables are `[tokens, head_dim / 2]`.
pub(super) fn rotate(
    qkv: &mut [f32],
    cos: &[f32],
    sin: &[f32],
    heads: HeadShape,
    direction: Direction,
) {
    let half = heads.head_dim / 2;
    if half == 0 {
        return;
    }
    qkv.par_chunks_mut(ROWS_PER_TASK * 3 * heads.width())
        .zip(cos.par_chunks(ROWS_PER_TASK * half))
        .zip(sin.par_chunks(ROWS_PER_TASK * half))
        .for_each(|((rows, cos), sin)| {
            vectorized(Rotate {
                rows,
                cos,
                sin,
                heads,
                direction,
            })
        });
}

struct Rotate<'a> {
    rows: &'a mut [f32],
    cos: &'a [f32],
    sin: &'a [f32],
    heads: HeadShape,
    direction: Direction,
}

impl WithSimd for Rotate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) {
        let half = self.heads.head_dim / 2;
        let sign = match self.direction {
            Direction::Forward => 1.0,
            Direction::Backward => -1.0,
        };
        let rows = self.rows.chunks_exact_mut(3 * self.heads.width());
        let tables = self.cos.chunks_exact(half).zip(self.sin.chunks_exact(half));
        for (row, (cos, sin)) in rows.zip(tables) {
            let rotated = &mut row[..2 * self.heads.width()];
            for head in rotated.chunks_exact_mut(self.heads.head_dim) {
                let (first, second) = head.split_at_mut(half);
                for m in 0..half {
                    let (a, b) = (first[m], second[m]);
                    let (c, s) = (cos[m], sign * sin[m]);
                    first[m] = a * c - b * s;
                    second[m] = b * c + a * s;
                }
            }
        }
    }
}
