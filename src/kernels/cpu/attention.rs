//! Attention block by block with a running softmax, blocks of queries spread over threads.
//!
//! The algorithm is that of the default body; a block's logits stay in the processor's cache, and
//! each row knows which of them it may see, so there is no mask.

use std::ops::Range;

use rayon::prelude::*;

use super::product::{Matrix, Product};
use super::simd::{LANES, WithSimd, exp_of_negative, vectorized};
use crate::kernels::attention::{AttentionCall, blocks};

/// Queries of one block.
pub(super) const QUERIES: usize = 128;

/// Keys of one block: with [`QUERIES`], 256 KiB of logits.
pub(super) const KEYS: usize = 512;

/// Output `[tokens, heads * head_dim]` and statistics `[2, heads, tokens]`.
pub(super) fn forward(qkv: &[f32], call: &AttentionCall) -> (Vec<f32>, Vec<f32>) {
    let tokens = call.sequences.tokens();
    let width = call.heads.width();
    let mut out = vec![0.0; tokens * width];
    let mut rest = out.as_mut_slice();
    let mut tasks = Vec::new();
    for sequence in call.sequences.ranges() {
        for queries in blocks(sequence.clone(), QUERIES) {
            let (own, others) = rest.split_at_mut(queries.len() * width);
            rest = others;
            tasks.push((sequence.clone(), queries, own));
        }
    }
    let block_stats: Vec<(Range<usize>, Vec<RowStats>)> = tasks
        .into_par_iter()
        .map_init(Vec::new, |logits, (sequence, queries, out)| {
            let mut stats = Vec::with_capacity(queries.len() * call.heads.heads);
            for head in 0..call.heads.heads {
                let block = Block {
                    qkv,
                    call,
                    head,
                    sequence: &sequence,
                    queries: &queries,
                };
                stats.extend(block.run(out, logits));
            }
            (queries, stats)
        })
        .collect();

    let heads = call.heads.heads;
    let mut stats = vec![0.0; 2 * heads * tokens];
    for (queries, rows) in block_stats {
        for (index, row) in rows.iter().enumerate() {
            let (head, token) = (index / queries.len(), queries.start + index % queries.len());
            stats[head * tokens + token] = row.max;
            stats[(heads + head) * tokens + token] = row.sum.ln();
        }
    }
    (out, stats)
}

/// A row's largest logit, and the sum of `exp(logit - max)`.
#[derive(Debug, Clone, Copy)]
struct RowStats {
    max: f32,
    sum: f32,
}

/// One head of one block of queries.
pub(super) struct Block<'a> {
    pub(super) qkv: &'a [f32],
    pub(super) call: &'a AttentionCall,
    pub(super) head: usize,
    pub(super) sequence: &'a Range<usize>,
    pub(super) queries: &'a Range<usize>,
}

impl Block<'_> {
    /// Writes the head's columns of `out`, whose rows are the block's queries.
    fn run(&self, out: &mut [f32], logits: &mut Vec<f32>) -> Vec<RowStats> {
        let dim = self.call.heads.head_dim;
        let width = self.call.heads.width();
        let column = self.head * dim;
        let mut stats = vec![
            RowStats {
                max: f32::NEG_INFINITY,
                sum: 0.0
            };
            self.queries.len()
        ];
        for keys in blocks(self.call.reach(self.queries, self.sequence), KEYS) {
            logits.resize(self.queries.len() * keys.len(), 0.0);
            self.logits(&keys, logits);
            let visible = |row: usize| self.visible(self.queries.start + row, &keys);
            for (row, logits) in logits.chunks_exact_mut(keys.len()).enumerate() {
                let own = &mut out[row * width + column..][..dim];
                vectorized(Softmax {
                    logits,
                    visible: visible(row),
                    stats: &mut stats[row],
                    out: own,
                });
            }
            self.add_values(&keys, logits, out);
        }
        for (row, stats) in stats.iter().enumerate() {
            let scale = stats.sum.recip();
            out[row * width + column..][..dim]
                .iter_mut()
                .for_each(|out| *out *= scale);
        }
        stats
    }

    /// Where `keys` of the block begin and end to be visible from row `query`.
    pub(super) fn visible(&self, query: usize, keys: &Range<usize>) -> Range<usize> {
        let seen = self.call.reach(&(query..query + 1), self.sequence);
        let start = seen.start.clamp(keys.start, keys.end) - keys.start;
        let end = seen.end.clamp(keys.start, keys.end) - keys.start;
        start..end
    }

    /// First element of part 0 (q), 1 (k) or 2 (v) of the head in row `row` of `qkv`.
    pub(super) fn offset(&self, row: usize, part: usize) -> usize {
        let width = self.call.heads.width();
        row * 3 * width + part * width + self.head * self.call.heads.head_dim
    }

    /// `scale · q kᵀ` of the block, `[queries, keys]`. The gradient calls it for the same blocks, so
    /// that it sees logits of the same rounding.
    pub(super) fn logits(&self, keys: &Range<usize>, logits: &mut [f32]) {
        let stride = 3 * self.call.heads.width();
        let product = Product {
            sizes: [self.queries.len(), keys.len(), self.call.heads.head_dim],
            a: Matrix::new(self.qkv, self.offset(self.queries.start, 0), stride),
            b: Matrix::new(self.qkv, self.offset(keys.start, 1), stride).transposed(),
            factor: self.call.scale,
        };
        product.write(logits, keys.len());
    }

    /// Adds `weights · v` to the head's columns of `out`.
    fn add_values(&self, keys: &Range<usize>, weights: &[f32], out: &mut [f32]) {
        let width = self.call.heads.width();
        let dim = self.call.heads.head_dim;
        let product = Product {
            sizes: [self.queries.len(), dim, keys.len()],
            a: Matrix::new(weights, 0, keys.len()),
            b: Matrix::new(self.qkv, self.offset(keys.start, 2), 3 * width),
            factor: 1.0,
        };
        product.add(&mut out[self.head * dim..], width);
    }
}

/// One row: turns logits into weights relative to the largest logit so far, and rescales what was
/// summed up relative to the one before.
struct Softmax<'a> {
    logits: &'a mut [f32],
    visible: Range<usize>,
    stats: &'a mut RowStats,
    out: &'a mut [f32],
}

impl WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) {
        let Self {
            logits,
            visible,
            stats,
            out,
        } = self;
        logits[..visible.start].fill(0.0);
        logits[visible.end..].fill(0.0);
        let logits = &mut logits[visible];
        if logits.is_empty() {
            return;
        }
        let max = largest(logits).max(stats.max);
        let rescale = exp_of_negative(stats.max - max);
        if rescale != 1.0 {
            out.iter_mut().for_each(|out| *out *= rescale);
        }
        *stats = RowStats {
            max,
            sum: stats.sum * rescale + exponentials(logits, max),
        };
    }
}

/// The largest value; minus infinity of none, and what is not a number does not count.
#[inline(always)]
pub(super) fn largest(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = if value > *lane { value } else { *lane };
        }
    }
    lanes
        .iter()
        .chain(rest)
        .copied()
        .fold(f32::NEG_INFINITY, f32::max)
}

/// Replaces each logit by `exp(logit - max)` and returns their sum.
#[inline(always)]
pub(super) fn exponentials(logits: &mut [f32], max: f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let mut chunks = logits.chunks_exact_mut(LANES);
    for chunk in &mut chunks {
        for (lane, logit) in lanes.iter_mut().zip(chunk) {
            *logit = exp_of_negative(*logit - max);
            *lane += *logit;
        }
    }
    let mut sum: f32 = lanes.iter().sum();
    for logit in chunks.into_remainder() {
        *logit = exp_of_negative(*logit - max);
        sum += *logit;
    }
    sum
}
