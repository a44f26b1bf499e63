//! The gradient of attention, block by block, from burn's own operations.
//!
//! With `P = exp(scale · q kᵀ - lse)`, `D = rowsum(dO ∘ O)`, `dP = dO vᵀ` and `dS = P ∘ (dP - D)`:
//! `dV = Pᵀ dO`, `dQ = scale · dS k`, `dK = scale · dSᵀ q` (Dao et al. 2022). The blocks are those
//! of the forward pass, so that the logits come out with the same rounding and P stays exact where
//! they are large; P is computed again, so that nothing of the size of all pairs is kept.

use std::ops::Range;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Slice, TensorMetadata};
use burn::tensor::Shape;

use super::attention::{
    AttentionCall, KEY_BLOCK, blocks, hidden, rows, split, split_stats, times_transposed,
};

/// Everything the gradient of one block needs, `[heads, tokens, …]` each.
struct Saved<'a, B: Backend> {
    /// Carries the scale.
    q: FloatTensor<B>,
    k: FloatTensor<B>,
    v: FloatTensor<B>,
    d_out: FloatTensor<B>,
    max: FloatTensor<B>,
    log_sum: FloatTensor<B>,
    delta: FloatTensor<B>,
    call: &'a AttentionCall,
}

/// Gradient with respect to `qkv`, `[tokens, 3 * heads * head_dim]`.
pub(super) fn backward<B: Backend>(
    qkv: FloatTensor<B>,
    out: FloatTensor<B>,
    stats: FloatTensor<B>,
    d_out: FloatTensor<B>,
    call: &AttentionCall,
) -> FloatTensor<B> {
    let tokens = qkv.shape()[0];
    let (heads, head_dim) = (call.heads.heads, call.heads.head_dim);
    let by_head = |tensor: FloatTensor<B>| {
        let tensor = B::float_reshape(tensor, Shape::new([tokens, heads, head_dim]));
        B::float_permute(tensor, &[1, 0, 2])
    };
    let [q, k, v] = split::<B>(qkv, call.heads);
    let d_out = by_head(d_out);
    let delta = B::float_sum_dim(B::float_mul(d_out.clone(), by_head(out)), 2);
    let [max, log_sum] = split_stats::<B>(stats);
    // The scale goes into q, as in the forward pass: the same rounding gives the same logits.
    let q = B::float_mul_scalar(q, call.scale.into());
    let saved = Saved::<B> {
        q,
        k,
        v,
        d_out,
        max,
        log_sum,
        delta,
        call,
    };

    let zeros = || B::float_zeros(saved.q.shape(), &saved.q.device(), saved.q.dtype().into());
    let mut d_queries = Vec::new();
    let (mut d_k, mut d_v) = (zeros(), zeros());
    for sequence in call.sequences.ranges() {
        for queries in blocks(sequence.clone(), call.query_block()) {
            let mut d_q: Option<FloatTensor<B>> = None;
            for keys in blocks(call.reach(&queries, &sequence), KEY_BLOCK) {
                let [to_q, to_k, to_v] = saved.gradients(&queries, &keys);
                d_q = Some(match d_q {
                    Some(d_q) => B::float_add(d_q, to_q),
                    None => to_q,
                });
                d_k = add_rows::<B>(d_k, &keys, to_k);
                d_v = add_rows::<B>(d_v, &keys, to_v);
            }
            d_queries.push(d_q.expect("a block of queries sees at least itself"));
        }
    }
    let d_q = B::float_mul_scalar(B::float_cat(d_queries, 1), call.scale.into());
    let shape = Shape::new([1, heads, tokens, head_dim]);
    let parts = [d_q, d_k, d_v].map(|part| B::float_reshape(part, shape.clone()));
    let d_qkv = B::float_permute(B::float_cat(parts.to_vec(), 0), &[2, 0, 1, 3]);
    B::float_reshape(d_qkv, Shape::new([tokens, 3 * heads * head_dim]))
}

/// Adds `more` to rows `range` of a `[heads, tokens, width]` tensor.
fn add_rows<B: Backend>(
    tensor: FloatTensor<B>,
    range: &Range<usize>,
    more: FloatTensor<B>,
) -> FloatTensor<B> {
    let sum = B::float_add(rows::<B>(&tensor, range), more);
    let slices = [Slice::full(), Slice::from(range.clone()), Slice::full()];
    B::float_slice_assign(tensor, &slices, sum)
}

impl<B: Backend> Saved<'_, B> {
    /// P and dS of one block, `[heads, queries, keys]` each.
    fn scores(
        &self,
        queries: &Range<usize>,
        keys: &Range<usize>,
    ) -> (FloatTensor<B>, FloatTensor<B>) {
        let logits = times_transposed::<B>(rows::<B>(&self.q, queries), rows::<B>(&self.k, keys));
        let shifted = B::float_sub(logits, rows::<B>(&self.max, queries));
        let mut p = B::float_exp(B::float_sub(shifted, rows::<B>(&self.log_sum, queries)));
        let device = self.q.device();
        if let Some(mask) = hidden::<B>(self.call, queries, keys, &device) {
            p = B::float_mask_fill(p, mask, 0f32.into());
        }
        let d_p = times_transposed::<B>(rows::<B>(&self.d_out, queries), rows::<B>(&self.v, keys));
        let d_s = B::float_mul(
            p.clone(),
            B::float_sub(d_p, rows::<B>(&self.delta, queries)),
        );
        (p, d_s)
    }

    /// What one block adds to dQ, still without the scale, to dK and to dV.
    fn gradients(&self, queries: &Range<usize>, keys: &Range<usize>) -> [FloatTensor<B>; 3] {
        let (p, d_s) = self.scores(queries, keys);
        let transposed = |tensor: &FloatTensor<B>| B::float_swap_dims(tensor.clone(), 1, 2);
        [
            B::float_matmul(d_s.clone(), rows::<B>(&self.k, keys)),
            B::float_matmul(transposed(&d_s), rows::<B>(&self.q, queries)),
            B::float_matmul(transposed(&p), rows::<B>(&self.d_out, queries)),
        ]
    }
}
