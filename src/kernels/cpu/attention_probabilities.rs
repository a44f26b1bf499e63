//! Attention probabilities of a tile, straight from the packed rows.
//!
//! Logits come from the same function as those of the forward pass, so that they are rounded as the
//! statistics were.

use std::ops::Range;

use rayon::prelude::*;

use super::attention::{Block, KEYS, QUERIES};
use super::simd::{WithSimd, exp_of_negative, vectorized};
use crate::kernels::attention::{AttentionCall, blocks};

/// What to compute.
pub(super) struct Tile<'a> {
    pub(super) qkv: &'a [f32],
    /// `[2, heads, tokens]`.
    pub(super) stats: &'a [f32],
    pub(super) call: &'a AttentionCall,
    /// Rows of the packed batch, all of one sequence; so are the keys.
    pub(super) queries: Range<usize>,
    pub(super) keys: Range<usize>,
}

impl Tile<'_> {
    /// `exp((logit - max) - ln sum)`, `[heads, queries, keys]`, 0 where hidden.
    pub(super) fn probabilities(&self) -> Vec<f32> {
        let head = self.queries.len() * self.keys.len();
        let mut out = vec![0.0; self.call.heads.heads * head];
        let row = self.keys.len();
        let tasks: Vec<(usize, Range<usize>, &mut [f32])> = out
            .chunks_mut(head)
            .enumerate()
            .flat_map(|(head, out)| {
                let blocks = blocks(self.queries.clone(), QUERIES);
                let outs = out.chunks_mut(QUERIES * row);
                blocks
                    .zip(outs)
                    .map(move |(queries, out)| (head, queries, out))
            })
            .collect();
        tasks
            .into_par_iter()
            .for_each_init(Vec::new, |logits, (head, queries, out)| {
                self.block(head, &queries, out, logits);
            });
        out
    }

    /// The rows `queries` of one head.
    fn block(&self, head: usize, queries: &Range<usize>, out: &mut [f32], logits: &mut Vec<f32>) {
        let tokens = self.call.sequences.tokens();
        let heads = self.call.heads.heads;
        let block = Block {
            qkv: self.qkv,
            call: self.call,
            head,
            // What lies outside of the tile is not asked for.
            sequence: &self.keys,
            queries,
        };
        let reach = self.call.reach(queries, &self.keys);
        if reach.start >= reach.end {
            return;
        }
        for keys in blocks(reach, KEYS) {
            logits.resize(queries.len() * keys.len(), 0.0);
            block.logits(&keys, logits);
            for (row, logits) in logits.chunks_exact(keys.len()).enumerate() {
                let token = queries.start + row;
                let max = self.stats[head * tokens + token];
                let log_sum = self.stats[(heads + head) * tokens + token];
                let visible = block.visible(token, &keys);
                let start = row * self.keys.len() + keys.start - self.keys.start;
                let out = &mut out[start..start + keys.len()];
                vectorized(Exponentials {
                    logits: &logits[visible.clone()],
                    max,
                    log_sum,
                    out: &mut out[visible],
                });
            }
        }
    }
}

/// `exp((logit - max) - ln sum)` of what a row sees.
struct Exponentials<'a> {
    logits: &'a [f32],
    max: f32,
    log_sum: f32,
    out: &'a mut [f32],
}

impl WithSimd for Exponentials<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) {
        let Self {
            logits,
            max,
            log_sum,
            out,
        } = self;
        for (out, &logit) in out.iter_mut().zip(logits) {
            *out = exp_of_negative((logit - max) - log_sum);
        }
    }
}
