//! The gradient of attention, heads spread over threads.
//!
//! The algorithm is that of the default body. A head belongs to one thread, so that every sum has
//! one order and the result does not depend on the number of threads.

use std::ops::Range;

use rayon::prelude::*;

use super::attention::{Block, KEYS, QUERIES};
use super::product::{Matrix, Product};
use super::simd::{WithSimd, exp_of_negative, vectorized};
use crate::kernels::attention::{AttentionCall, blocks};

/// What the forward pass left, and the gradient of its output; layouts are those of the parent.
pub(super) struct Saved<'a> {
    pub(super) qkv: &'a [f32],
    pub(super) out: &'a [f32],
    pub(super) stats: &'a [f32],
    pub(super) d_out: &'a [f32],
    pub(super) call: &'a AttentionCall,
}

/// Gradient with respect to `qkv`, `[tokens, 3 * heads * head_dim]`.
pub(super) fn backward(saved: &Saved<'_>) -> Vec<f32> {
    let shape = saved.call.heads;
    let tokens = saved.call.sequences.tokens();
    let by_head: Vec<[Vec<f32>; 3]> = (0..shape.heads)
        .into_par_iter()
        .map(|head| saved.head(head))
        .collect();
    let mut d_qkv = vec![0.0; tokens * 3 * shape.width()];
    for (token, row) in d_qkv.chunks_exact_mut(3 * shape.width()).enumerate() {
        for (index, column) in row.chunks_exact_mut(shape.head_dim).enumerate() {
            let (part, head) = (index / shape.heads, index % shape.heads);
            let start = token * shape.head_dim;
            column.copy_from_slice(&by_head[head][part][start..start + shape.head_dim]);
        }
    }
    d_qkv
}

/// Reused memory of one head: P and dS of a block, `[queries, keys]` each.
#[derive(Default)]
struct Scratch {
    p: Vec<f32>,
    d_s: Vec<f32>,
}

impl Saved<'_> {
    /// dQ, dK and dV of one head, `[tokens, head_dim]` each.
    fn head(&self, head: usize) -> [Vec<f32>; 3] {
        let size = self.call.sequences.tokens() * self.call.heads.head_dim;
        let mut gradients = [vec![0.0; size], vec![0.0; size], vec![0.0; size]];
        let mut scratch = Scratch::default();
        for sequence in self.call.sequences.ranges() {
            for queries in blocks(sequence.clone(), QUERIES) {
                let block = Block {
                    qkv: self.qkv,
                    call: self.call,
                    head,
                    sequence: &sequence,
                    queries: &queries,
                };
                for keys in blocks(self.call.reach(&queries, &sequence), KEYS) {
                    self.scores(&block, &keys, &mut scratch);
                    self.accumulate(&block, &keys, &scratch, &mut gradients);
                }
            }
        }
        gradients
    }

    /// Where the head's columns of row `row` begin in `out` and `d_out`.
    fn column(&self, block: &Block<'_>, row: usize) -> usize {
        row * self.call.heads.width() + block.head * self.call.heads.head_dim
    }

    /// P and dS of one block.
    fn scores(&self, block: &Block<'_>, keys: &Range<usize>, scratch: &mut Scratch) {
        let shape = self.call.heads;
        let tokens = self.call.sequences.tokens();
        let size = block.queries.len() * keys.len();
        scratch.p.resize(size, 0.0);
        scratch.d_s.resize(size, 0.0);
        block.logits(keys, &mut scratch.p);
        let queries = block.queries;
        let d_out = Matrix::new(self.d_out, self.column(block, queries.start), shape.width());
        let values = Matrix::new(self.qkv, block.offset(keys.start, 2), 3 * shape.width());
        let product = Product {
            sizes: [queries.len(), keys.len(), shape.head_dim],
            a: d_out,
            b: values.transposed(),
            factor: 1.0,
        };
        product.write(&mut scratch.d_s, keys.len());
        let rows = scratch.p.chunks_exact_mut(keys.len());
        for (index, (p, d_s)) in rows
            .zip(scratch.d_s.chunks_exact_mut(keys.len()))
            .enumerate()
        {
            let query = queries.start + index;
            let start = self.column(block, query);
            let out = &self.out[start..start + shape.head_dim];
            let d_out = &self.d_out[start..start + shape.head_dim];
            let row = block.head * tokens + query;
            vectorized(Scores {
                p,
                d_s,
                visible: block.visible(query, keys),
                max: self.stats[row],
                log_sum: self.stats[shape.heads * tokens + row],
                delta: out.iter().zip(d_out).map(|(out, d_out)| out * d_out).sum(),
            });
        }
    }

    /// Adds what one block gives to dQ, dK and dV.
    fn accumulate(
        &self,
        block: &Block<'_>,
        keys: &Range<usize>,
        scratch: &Scratch,
        [d_q, d_k, d_v]: &mut [Vec<f32>; 3],
    ) {
        let shape = self.call.heads;
        let dim = shape.head_dim;
        let (queries, scale) = (block.queries, self.call.scale);
        let qkv = |row, part| Matrix::new(self.qkv, block.offset(row, part), 3 * shape.width());
        let d_out = Matrix::new(self.d_out, self.column(block, queries.start), shape.width());
        let p = Matrix::new(&scratch.p, 0, keys.len());
        let d_s = Matrix::new(&scratch.d_s, 0, keys.len());
        let (n, m) = (queries.len(), keys.len());
        let add = |sizes, a, b, factor, onto: &mut [f32]| {
            let product = Product {
                sizes,
                a,
                b,
                factor,
            };
            product.add(onto, dim);
        };
        let (k, q) = (qkv(keys.start, 1), qkv(queries.start, 0));
        add([n, dim, m], d_s, k, scale, &mut d_q[queries.start * dim..]);
        let d_k = &mut d_k[keys.start * dim..];
        add([m, dim, n], d_s.transposed(), q, scale, d_k);
        let d_v = &mut d_v[keys.start * dim..];
        add([m, dim, n], p.transposed(), d_out, 1.0, d_v);
    }
}

/// One row: logits become probabilities, dP becomes dS.
struct Scores<'a> {
    p: &'a mut [f32],
    d_s: &'a mut [f32],
    visible: Range<usize>,
    max: f32,
    log_sum: f32,
    delta: f32,
}

impl WithSimd for Scores<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) {
        let Self {
            p,
            d_s,
            visible,
            max,
            log_sum,
            delta,
        } = self;
        for values in [&mut *p, &mut *d_s] {
            values[..visible.start].fill(0.0);
            values[visible.end..].fill(0.0);
        }
        for (p, d_s) in p[visible.clone()].iter_mut().zip(&mut d_s[visible]) {
            *p = exp_of_negative((*p - max) - log_sum);
            *d_s = *p * (*d_s - delta);
        }
    }
}
