//! Attention block by block with a running softmax, from burn's own operations.
//!
//! For a block of queries the keys are visited in blocks; `m` is the largest logit so far, `l`
//! the sum of `exp(logit - m)` and `o` the sum of `exp(logit - m) v`. A new block rescales both
//! by `exp(m_old - m_new)`; at the end `out = o / l`. Kept of each row are `m` and `ln l`: their
//! sum is the log-sum-exp, but `exp((logit - m) - ln l)` stays exact where logits are so large
//! that the rounding of the sum would show.

use std::ops::Range;

use burn::backend::tensor::{BoolTensor, FloatTensor};
use burn::backend::{Backend, Slice, TensorMetadata, get_device_settings};
use burn::tensor::{Shape, TensorData};

use super::ops::{AttentionParts, EncoderOps};
use super::sequences::{HeadShape, Sequences};

/// Stands for minus infinity: a hidden logit. Finite, so that a block in which a row sees
/// nothing gives weights which a later block's rescaling wipes out, and not NaN.
pub(super) const HIDDEN: f32 = -1e30;

/// Keys of one block, and queries of one in global layers; bounds the logits that exist at a time.
pub(super) const KEY_BLOCK: usize = 512;

/// What one attention call needs besides its data.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionCall {
    /// Heads and their width.
    pub heads: HeadShape,
    /// The packed batch.
    pub sequences: Sequences,
    /// Sliding layers: query i sees key j if `|i - j| <= half_window`; global layers: `None`.
    pub half_window: Option<usize>,
    /// Factor of the logits, usually `head_dim^-0.5`.
    pub scale: f32,
}

impl AttentionCall {
    /// A call with the usual scale, `head_dim^-0.5`.
    pub fn new(heads: HeadShape, sequences: Sequences, half_window: Option<usize>) -> Self {
        let scale = (heads.head_dim as f64).powf(-0.5) as f32;
        Self {
            heads,
            sequences,
            half_window,
            scale,
        }
    }

    /// Those rows of `sequence` that can see, or be seen from, at least one of `rows`.
    pub(super) fn reach(&self, rows: &Range<usize>, sequence: &Range<usize>) -> Range<usize> {
        match self.half_window {
            None => sequence.clone(),
            Some(half) => {
                rows.start.saturating_sub(half).max(sequence.start)
                    ..(rows.end + half).min(sequence.end)
            }
        }
    }

    /// Whether row `query` sees row `key` of the same sequence.
    pub(super) fn sees(&self, query: usize, key: usize) -> bool {
        self.half_window
            .is_none_or(|half| query.abs_diff(key) <= half)
    }

    /// How many queries to treat together: enough to keep a device busy, few enough that a sliding
    /// layer does not compute much more than its window.
    pub(super) fn query_block(&self) -> usize {
        match self.half_window {
            None => KEY_BLOCK,
            Some(half) => (2 * half).clamp(64, KEY_BLOCK),
        }
    }
}

/// `range` in pieces of at most `block` rows.
pub(super) fn blocks(range: Range<usize>, block: usize) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range
        .step_by(block)
        .map(move |start| start..(start + block).min(end))
}

/// q, k and v as `[heads, tokens, head_dim]` each.
pub(super) fn split<B: Backend>(qkv: FloatTensor<B>, heads: HeadShape) -> [FloatTensor<B>; 3] {
    let tokens = qkv.shape()[0];
    let HeadShape { heads, head_dim } = heads;
    let parts = B::float_reshape(qkv, Shape::new([tokens, 3, heads, head_dim]));
    let parts = B::float_permute(parts, &[1, 2, 0, 3]);
    std::array::from_fn(|part| {
        let slices = [
            Slice::from(part..part + 1),
            Slice::full(),
            Slice::full(),
            Slice::full(),
        ];
        B::float_reshape(
            B::float_slice(parts.clone(), &slices),
            Shape::new([heads, tokens, head_dim]),
        )
    })
}

/// Rows `range` of a `[heads, tokens, width]` tensor.
pub(super) fn rows<B: Backend>(tensor: &FloatTensor<B>, range: &Range<usize>) -> FloatTensor<B> {
    B::float_slice(
        tensor.clone(),
        &[Slice::full(), Slice::from(range.clone()), Slice::full()],
    )
}

/// `a bᵀ` for `[heads, n, width]` and `[heads, m, width]`: `[heads, n, m]`.
pub(super) fn times_transposed<B: Backend>(a: FloatTensor<B>, b: FloatTensor<B>) -> FloatTensor<B> {
    B::float_matmul(a, B::float_swap_dims(b, 1, 2))
}

/// `[heads, tokens, head_dim]` to `[tokens, heads * head_dim]`.
pub(super) fn join_heads<B: Backend>(tensor: FloatTensor<B>) -> FloatTensor<B> {
    let shape = tensor.shape();
    let (heads, tokens, head_dim) = (shape[0], shape[1], shape[2]);
    let tensor = B::float_permute(tensor, &[1, 0, 2]);
    B::float_reshape(tensor, Shape::new([tokens, heads * head_dim]))
}

/// Which pairs of `queries` and `keys` are hidden, `[heads, queries, keys]`; `None` if none is.
pub(super) fn hidden<B: Backend>(
    call: &AttentionCall,
    queries: &Range<usize>,
    keys: &Range<usize>,
    device: &B::Device,
) -> Option<BoolTensor<B>> {
    // The farthest pair of the block: if it is visible, all are.
    let far = [(queries.start, keys.end - 1), (queries.end - 1, keys.start)];
    if far.iter().all(|&(query, key)| call.sees(query, key)) {
        return None;
    }
    let mask: Vec<bool> = queries
        .clone()
        .flat_map(|query| keys.clone().map(move |key| (query, key)))
        .map(|(query, key)| !call.sees(query, key))
        .collect();
    let shape = [1, queries.len(), keys.len()];
    let dtype = get_device_settings::<B>(device).bool_dtype;
    let data = TensorData::new(mask, shape).convert_dtype(dtype.into());
    let mask = B::bool_from_data(data, device);
    Some(B::bool_expand(
        mask,
        Shape::new([call.heads.heads, queries.len(), keys.len()]),
    ))
}

/// Attention and row statistics of the whole batch.
pub(super) fn forward<B: Backend>(qkv: FloatTensor<B>, call: &AttentionCall) -> AttentionParts<B> {
    let [q, k, v] = split::<B>(qkv, call.heads);
    let q = B::float_mul_scalar(q, call.scale.into());
    let mut outs = Vec::new();
    let mut stats = Vec::new();
    for sequence in call.sequences.ranges() {
        for queries in blocks(sequence.clone(), call.query_block()) {
            let (out, stat) = forward_block::<B>([&q, &k, &v], call, &sequence, &queries);
            outs.push(out);
            stats.push(stat);
        }
    }
    AttentionParts {
        out: join_heads::<B>(B::float_cat(outs, 1)),
        stats: B::float_permute(B::float_cat(stats, 1), &[2, 0, 1]),
    }
}

/// Output `[heads, queries, head_dim]` and statistics `[heads, queries, 2]` of one block of rows;
/// `q` carries the scale already.
fn forward_block<B: Backend>(
    [q, k, v]: [&FloatTensor<B>; 3],
    call: &AttentionCall,
    sequence: &Range<usize>,
    queries: &Range<usize>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let device = q.device();
    let q = rows::<B>(q, queries);
    let mut running: Option<[FloatTensor<B>; 3]> = None;
    for keys in blocks(call.reach(queries, sequence), KEY_BLOCK) {
        let mut logits = times_transposed::<B>(q.clone(), rows::<B>(k, &keys));
        if let Some(mask) = hidden::<B>(call, queries, &keys, &device) {
            logits = B::float_mask_fill(logits, mask, HIDDEN.into());
        }
        let own_max = B::float_max_dim(logits.clone(), 2);
        let max = match &running {
            None => own_max,
            Some([m, ..]) => {
                let larger = B::float_cat(vec![m.clone(), own_max], 2);
                B::float_max_dim(larger, 2)
            }
        };
        let weights = B::float_exp(B::float_sub(logits, max.clone()));
        let mut sum = B::float_sum_dim(weights.clone(), 2);
        let mut out = B::float_matmul(weights, rows::<B>(v, &keys));
        if let Some([m, l, o]) = running {
            let rescale = B::float_exp(B::float_sub(m, max.clone()));
            sum = B::float_add(sum, B::float_mul(l, rescale.clone()));
            out = B::float_add(out, B::float_mul(o, rescale));
        }
        running = Some([max, sum, out]);
    }
    let [max, sum, out] = running.expect("a block of queries has at least one key: itself");
    let out = B::float_div(out, sum.clone());
    (out, B::float_cat(vec![max, B::float_log(sum)], 2))
}

/// The two statistics of rows, `[2, heads, tokens]`, as `[heads, tokens, 1]` each.
pub(super) fn split_stats<B: Backend>(stats: FloatTensor<B>) -> [FloatTensor<B>; 2] {
    let [_, heads, tokens] = stats.shape().dims();
    std::array::from_fn(|part| {
        let slices = [Slice::from(part..part + 1), Slice::full(), Slice::full()];
        B::float_reshape(
            B::float_slice(stats.clone(), &slices),
            Shape::new([heads, tokens, 1]),
        )
    })
}

/// `exp(scale · q kᵀ - lse)` of a tile, `[heads, queries, keys]`, 0 where hidden; only the rows of
/// the tile are read.
pub(super) fn probabilities<B: Backend>(
    qkv: FloatTensor<B>,
    stats: FloatTensor<B>,
    call: &AttentionCall,
    queries: Range<usize>,
    keys: Range<usize>,
) -> FloatTensor<B> {
    let device = qkv.device();
    let [max, log_sum] = split_stats::<B>(stats).map(|stat| rows::<B>(&stat, &queries));
    let HeadShape { heads, head_dim } = call.heads;
    let width = call.heads.width();
    let part = |rows: &Range<usize>, part: usize| {
        let slices = [
            Slice::from(rows.clone()),
            Slice::from(part * width..(part + 1) * width),
        ];
        let own = B::float_slice(qkv.clone(), &slices);
        let own = B::float_reshape(own, Shape::new([rows.len(), heads, head_dim]));
        B::float_permute(own, &[1, 0, 2])
    };
    let q = B::float_mul_scalar(part(&queries, 0), call.scale.into());
    let logits = times_transposed::<B>(q, part(&keys, 1));
    let weights = B::float_exp(B::float_sub(B::float_sub(logits, max), log_sum));
    match hidden::<B>(call, &queries, &keys, &device) {
        Some(mask) => B::float_mask_fill(weights, mask, 0f32.into()),
        None => weights,
    }
}

/// How the probabilities of the heads of a layer become one.
#[derive(Debug, Clone, PartialEq)]
pub enum HeadMix {
    /// The sum of all heads, each times its weight.
    Sum(Vec<f32>),
    /// The largest of the heads that are marked.
    Max(Vec<bool>),
}

impl HeadMix {
    fn heads(&self) -> usize {
        match self {
            Self::Sum(weights) => weights.len(),
            Self::Max(heads) => heads.len(),
        }
    }

    /// A weight for each head, 0 for those left out; of `Max` all others are 1.
    pub(super) fn weights(&self) -> Vec<f32> {
        match self {
            Self::Sum(weights) => weights.clone(),
            Self::Max(heads) => heads.iter().map(|&head| f32::from(head)).collect(),
        }
    }

    /// Whether it says something of each of `heads`.
    pub(super) fn fits(&self, heads: HeadShape) -> bool {
        self.heads() == heads.heads
    }
}

/// A tile of all heads, mixed, together with `so_far`: the sum of both, or the larger of each pair.
pub(super) fn mixed<B: EncoderOps>(
    [so_far, qkv, stats]: [FloatTensor<B>; 3],
    call: &AttentionCall,
    [queries, keys]: [Range<usize>; 2],
    mix: &HeadMix,
) -> FloatTensor<B> {
    let shape = [queries.len(), keys.len()];
    let heads = call.heads.heads;
    let weights = B::float_from_data(TensorData::new(mix.weights(), [heads, 1, 1]), &qkv.device());
    let all = B::attention_probabilities(qkv, stats, call.clone(), queries, keys);
    let all = B::float_mul(all, weights);
    let three = |tensor| B::float_reshape(tensor, Shape::new([1, shape[0], shape[1]]));
    let together = B::float_cat(vec![all, three(so_far)], 0);
    let one = match mix {
        HeadMix::Sum(_) => B::float_sum_dim(together, 0),
        HeadMix::Max(_) => B::float_max_dim(together, 0),
    };
    B::float_reshape(one, Shape::new(shape))
}
