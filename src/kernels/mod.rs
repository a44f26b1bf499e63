//! Differentiable operations on packed sequences, each with a plain reference.
//!
//! An operation has up to three forms: f64 loops in [`reference`](mod@reference) (the oracle), burn tensor
//! operations (the default body of [`EncoderOps`], which runs on every device) and a fast
//! form for one kind of device. This file is what the rest of the crate calls.
//!
//! Layouts: activations are `[tokens, width]`, row-major, all sequences of a batch one after
//! the other without padding. `qkv` is `[tokens, 3 * heads * head_dim]`: all of q, then all of
//! k, then all of v, the heads contiguous in each.

mod activation;
mod adam;
mod attention;
mod attention_backward;
mod autodiff;
mod cpu;
mod cross_entropy;
mod embedding;
mod fault;
mod linear;
mod norm;
mod ops;
pub mod reference;
mod rope;
mod sequences;
#[cfg(test)]
mod tests;
mod wgsl;

use std::ops::Range;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

pub use adam::{AdamRule, AdamStep};
pub use attention::{AttentionCall, HeadMix};
pub(crate) use cpu::blocks;
pub use cross_entropy::Targets;
pub use embedding::Lookup;
#[cfg(test)]
pub(crate) use fault::planted as planted_faults;
pub use fault::{DeviceFault, is_lost, lost, unwatch, values, watch};
pub use ops::EncoderOps;
pub use rope::{Direction, RopeTable};
pub use sequences::{HeadShape, Sequences};
pub use wgsl::{
    Abilities, Choice, Entry, KernelForm, Shader, Tiling, Trial, TuneError, Tuned, Tuning, assume,
    catalogue, current, forms, set_choice, tune,
};

/// What [`attention`] computes.
#[derive(Debug, Clone)]
pub struct AttentionResult {
    /// `[tokens, heads * head_dim]`.
    pub out: Tensor<2>,
    /// Of each row of scaled, visible logits: the largest, and the natural logarithm of the sum of
    /// exponentials of the differences from it; `[2, heads, tokens]`. No gradient flows through it.
    pub stats: Tensor<3>,
}

impl AttentionResult {
    /// Natural logarithm of the sum of exponentials of the scaled, visible logits of each row:
    /// the sum of both statistics, `[heads, tokens]`.
    pub fn lse(&self) -> Tensor<2> {
        self.stats.clone().sum_dim(0).squeeze_dim(0)
    }
}

/// `x Wᵀ`, `[rows, in]` and `[out, in]` to `[rows, out]`.
///
/// # Panics
/// If both do not have the same number of columns.
pub fn linear(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    let (x_dims, weight_dims) = (x.dims(), weight.dims());
    assert_eq!(
        x_dims[1], weight_dims[1],
        "linear: x is {x_dims:?}, weight {weight_dims:?}"
    );
    Tensor::from_dispatch(<Dispatch as EncoderOps>::linear(
        x.into_dispatch(),
        weight.into_dispatch(),
    ))
}

/// Rows of `table`, `[entries, width]`, by index: `[indices, width]`. The gradient of an entry is
/// the sum of the gradients of its rows, in their order; the padding entry has none.
///
/// # Panics
/// If an index is not below the number of entries.
pub fn look_up(table: Tensor<2>, lookup: &Lookup) -> Tensor<2> {
    let [entries, _] = table.dims();
    let largest = lookup.largest();
    assert!(
        largest.is_none_or(|index| index < entries),
        "look_up: index {largest:?} of a table of {entries} entries"
    );
    Tensor::from_dispatch(<Dispatch as EncoderOps>::look_up(
        table.into_dispatch(),
        lookup.clone(),
    ))
}

/// Cross-entropy, in nats, of each row's logits `x Wᵀ + b` against its target: `[rows]`. The logits
/// are computed a chunk of the vocabulary at a time, forward and backward.
///
/// `x` is `[rows, width]`, `weight` `[entries, width]`, `bias` `[entries]`.
///
/// # Panics
/// If there is no row or no entry, if the shapes do not fit, or if a target is no entry.
pub fn cross_entropy(
    x: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    targets: &Targets,
) -> Tensor<1> {
    let ([rows, width], [entries, columns]) = (x.dims(), weight.dims());
    let fits = rows > 0 && rows == targets.len() && width == columns;
    assert!(
        fits && targets.largest().is_some_and(|target| target < entries),
        "cross_entropy: {rows} rows of {width}, weight [{entries}, {columns}], {} targets up to {:?}",
        targets.len(),
        targets.largest()
    );
    let bias = bias.unwrap_or_else(|| Tensor::zeros([entries], &x.device()));
    let parts = <Dispatch as EncoderOps>::cross_entropy(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        targets.clone(),
    );
    Tensor::<2>::from_dispatch(parts.losses).squeeze_dim(1)
}

/// Rotates q and k of `qkv` by their positions ("rotate half", Su et al. 2021); v passes through.
///
/// `qkv` is `[tokens, 3 * heads * head_dim]`, and so is the result.
///
/// # Panics
/// If `qkv` does not have the shape that `table` and `heads` say.
pub fn rope(qkv: Tensor<2>, table: &RopeTable, heads: HeadShape) -> Tensor<2> {
    heads.check("rope: qkv", qkv.dims(), table.tokens());
    Tensor::from_dispatch(<Dispatch as EncoderOps>::rope(
        qkv.into_dispatch(),
        table.cos().into_dispatch(),
        table.sin().into_dispatch(),
        heads,
        Direction::Forward,
    ))
}

/// Attention of every token over the visible tokens of its own sequence.
///
/// `softmax(scale · q kᵀ) v` per head, computed block by block with a running softmax (Milakov
/// and Gimelshein 2018, Dao et al. 2022): no matrix of all pairs exists, forward or backward.
///
/// # Panics
/// If `qkv` is not `[tokens, 3 * heads * head_dim]` for the tokens of `call.sequences`.
pub fn attention(qkv: Tensor<2>, call: &AttentionCall) -> AttentionResult {
    call.heads
        .check("attention: qkv", qkv.dims(), call.sequences.tokens());
    let parts = <Dispatch as EncoderOps>::attention(qkv.into_dispatch(), call.clone());
    AttentionResult {
        out: Tensor::from_dispatch(parts.out),
        stats: Tensor::from_dispatch(parts.stats),
    }
}

/// Attention probabilities of a tile of one sequence, `[heads, queries, keys]`: a row, a column or
/// any part.
///
/// `qkv` is what [`attention`] was given, `stats` what it returned; both ranges count from the
/// start of sequence number `sequence`. Hidden keys have probability 0. Not differentiable.
///
/// # Panics
/// If the sequence or the tile does not exist, or the shapes differ from those of [`attention`].
pub fn attention_probabilities(
    qkv: Tensor<2>,
    stats: Tensor<3>,
    call: &AttentionCall,
    sequence: usize,
    tile: [Range<usize>; 2],
) -> Tensor<3> {
    let [queries, keys] = packed_tile("attention_probabilities", &qkv, call, sequence, tile);
    Tensor::from_dispatch(<Dispatch as EncoderOps>::attention_probabilities(
        qkv.inner_if_autodiff().into_dispatch(),
        stats.inner_if_autodiff().into_dispatch(),
        call.clone(),
        queries,
        keys,
    ))
}

/// The same with the heads mixed, `[queries, keys]`, and together with `so_far`, which is that of
/// other layers: their sum, or the larger of each pair. Only this much is ever written.
///
/// # Panics
/// As [`attention_probabilities`]; also if `mix` does not fit the heads or `so_far` the tile.
pub fn attention_mixed(
    so_far: Option<Tensor<2>>,
    qkv: Tensor<2>,
    stats: Tensor<3>,
    call: &AttentionCall,
    sequence: usize,
    tile: [Range<usize>; 2],
    mix: &HeadMix,
) -> Tensor<2> {
    let shape = [tile[0].len(), tile[1].len()];
    let tile = packed_tile("attention_mixed", &qkv, call, sequence, tile);
    assert!(
        mix.fits(call.heads),
        "attention_mixed: {:?} for {mix:?}",
        call.heads
    );
    let device = qkv.device();
    let so_far = so_far.unwrap_or_else(|| Tensor::zeros(shape, &device));
    assert_eq!(so_far.dims(), shape, "attention_mixed: so_far");
    Tensor::from_dispatch(<Dispatch as EncoderOps>::attention_mixed(
        so_far.inner_if_autodiff().into_dispatch(),
        qkv.inner_if_autodiff().into_dispatch(),
        stats.inner_if_autodiff().into_dispatch(),
        call.clone(),
        tile,
        mix.clone(),
    ))
}

/// A tile of a sequence as rows of the packed batch.
fn packed_tile(
    what: &str,
    qkv: &Tensor<2>,
    call: &AttentionCall,
    sequence: usize,
    tile: [Range<usize>; 2],
) -> [Range<usize>; 2] {
    call.heads.check(what, qkv.dims(), call.sequences.tokens());
    let own = call.sequences.range(sequence);
    tile.map(|range| {
        assert!(
            range.start < range.end && range.end <= own.len(),
            "{what}: {range:?} of a sequence of {} tokens",
            own.len()
        );
        own.start + range.start..own.start + range.end
    })
}

/// `gelu(a) * b` for `x = [a | b]`, `[tokens, 2 * width]` to `[tokens, width]`, with the exact
/// (erf) GELU: GeGLU of Shazeer 2020.
pub fn geglu(x: Tensor<2>) -> Tensor<2> {
    let [_, width] = x.dims();
    assert!(
        width.is_multiple_of(2),
        "geglu: {width} columns cannot be halved"
    );
    Tensor::from_dispatch(<Dispatch as EncoderOps>::geglu(x.into_dispatch()))
}

/// The exact (erf) GELU, element by element: Hendrycks and Gimpel 2016.
pub fn gelu(x: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as EncoderOps>::gelu_erf(x.into_dispatch()))
}

/// LayerNorm of rows with biased variance and `eps` inside the root (Ba et al. 2016).
///
/// # Panics
/// If `weight` is not as wide as `x`.
pub fn layer_norm(x: Tensor<2>, weight: Tensor<1>, bias: Option<Tensor<1>>, eps: f64) -> Tensor<2> {
    let (x_dims, weight_dims) = (x.dims(), weight.dims());
    assert_eq!(
        x_dims[1], weight_dims[0],
        "layer_norm: x is {x_dims:?}, weight {weight_dims:?}"
    );
    let normed = Tensor::from_dispatch(<Dispatch as EncoderOps>::layer_norm(
        x.into_dispatch(),
        weight.into_dispatch(),
        eps,
    ));
    match bias {
        Some(bias) => normed + bias.unsqueeze(),
        None => normed,
    }
}

/// A parameter with the means of its gradients.
#[derive(Debug, Clone)]
pub struct Moments<const D: usize> {
    /// The parameter.
    pub parameter: Tensor<D>,
    /// Mean of the gradient.
    pub first: Tensor<D>,
    /// Mean of its square.
    pub second: Tensor<D>,
}

/// One update of a parameter by its gradient times `scale`, `[1]`. Where nobody else holds the
/// tensors they are changed in place.
///
/// # Panics
/// If gradient and means do not have the shape of the parameter.
pub fn adam<const D: usize>(
    moments: Moments<D>,
    gradient: Tensor<D>,
    scale: Tensor<1>,
    step: AdamStep,
) -> Moments<D> {
    let shape = moments.parameter.dims();
    let others = [&gradient, &moments.first, &moments.second].map(|tensor| tensor.dims());
    assert_eq!(others, [shape; 3], "adam: a parameter of shape {shape:?}");
    let parts = <Dispatch as EncoderOps>::adam(
        moments.parameter.into_dispatch(),
        gradient.into_dispatch(),
        moments.first.into_dispatch(),
        moments.second.into_dispatch(),
        scale.into_dispatch(),
        step,
    );
    Moments {
        parameter: Tensor::from_dispatch(parts.parameter),
        first: Tensor::from_dispatch(parts.first),
        second: Tensor::from_dispatch(parts.second),
    }
}

/// The sum of squares of all elements, `[1]`.
pub fn sum_of_squares<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let sum = <Dispatch as EncoderOps>::sum_of_squares(tensor.into_dispatch());
    Tensor::from_dispatch(sum)
}

/// Threads that compute on the CPU.
pub fn cpu_threads() -> usize {
    rayon::current_num_threads()
}

/// Turns a tensor that takes part in autodiff into its plain values.
trait InnerIfAutodiff {
    fn inner_if_autodiff(self) -> Self;
}

impl<const D: usize> InnerIfAutodiff for Tensor<D> {
    fn inner_if_autodiff(self) -> Self {
        if self.is_autodiff() {
            self.inner()
        } else {
            self
        }
    }
}
