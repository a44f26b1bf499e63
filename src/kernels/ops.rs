//! The operations a backend must offer, with bodies that any backend can run.

use std::ops::Range;

use burn::backend::ops::ModuleOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, ExtensionType, backend_extension};

use super::adam::AdamStep;
use super::attention::{AttentionCall, HeadMix};
use super::cross_entropy::Targets;
use super::embedding::Lookup;
use super::rope::Direction;
use super::sequences::HeadShape;
use super::{
    activation, adam, attention, attention_backward, cross_entropy, embedding, linear, norm, rope,
};

/// Output and row statistics of an attention call, as a backend sees them.
#[derive(ExtensionType)]
pub struct AttentionParts<B: Backend> {
    /// `[tokens, heads * head_dim]`.
    pub out: FloatTensor<B>,
    /// Largest logit of each row, and the logarithm of the sum of exponentials of the
    /// differences from it: `[2, heads, tokens]`.
    pub stats: FloatTensor<B>,
}

/// Gradients of a LayerNorm, as a backend sees them.
#[derive(ExtensionType)]
pub struct LayerNormGrads<B: Backend> {
    /// `[rows, width]`.
    pub d_x: FloatTensor<B>,
    /// `[width]`.
    pub d_weight: FloatTensor<B>,
}

/// Losses and row statistics of a cross-entropy, as a backend sees them.
#[derive(ExtensionType)]
pub struct CrossEntropyParts<B: Backend> {
    /// `[rows, 1]`.
    pub losses: FloatTensor<B>,
    /// Largest logit of each row, and the logarithm of the sum of exponentials of the
    /// differences from it: `[rows, 2]`.
    pub stats: FloatTensor<B>,
}

/// Gradients of a cross-entropy, as a backend sees them.
#[derive(ExtensionType)]
pub struct CrossEntropyGrads<B: Backend> {
    /// `[rows, width]`.
    pub d_x: FloatTensor<B>,
    /// `[entries, width]`.
    pub d_weight: FloatTensor<B>,
    /// `[entries]`.
    pub d_bias: FloatTensor<B>,
}

/// A parameter and the means of its gradients after an update, as a backend sees them.
#[derive(ExtensionType)]
pub struct AdamParts<B: Backend> {
    /// The parameter.
    pub parameter: FloatTensor<B>,
    /// Mean of the gradient.
    pub first: FloatTensor<B>,
    /// Mean of its square.
    pub second: FloatTensor<B>,
}

/// Operations of the encoder that burn does not have; the default bodies are made of those it has.
///
/// Shapes and meaning are those of the functions of the same name in the parent module.
#[backend_extension(Cube, Flex, Autodiff)]
pub trait EncoderOps: Backend {
    /// `x Wᵀ`, `[rows, in]` and `[out, in]` to `[rows, out]`.
    fn linear(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        linear::linear::<Self>(x, weight)
    }

    /// Gradient of [`EncoderOps::linear`] with respect to `x`: `dY W`, `[rows, in]`.
    fn linear_grad_x(d_out: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        linear::grad_x::<Self>(d_out, weight)
    }

    /// Gradient of [`EncoderOps::linear`] with respect to the weight: `dYᵀ x`, `[out, in]`.
    fn linear_grad_weight(d_out: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self> {
        linear::grad_weight::<Self>(d_out, x)
    }

    /// Rotates q and k; `cos` and `sin` are `[tokens, head_dim / 2]`.
    fn rope(
        qkv: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        heads: HeadShape,
        direction: Direction,
    ) -> FloatTensor<Self> {
        rope::rotate::<Self>(qkv, cos, sin, heads, direction)
    }

    /// Attention with its row statistics.
    fn attention(qkv: FloatTensor<Self>, call: AttentionCall) -> AttentionParts<Self> {
        attention::forward::<Self>(qkv, &call)
    }

    /// Gradient of [`EncoderOps::attention`] with respect to `qkv`, `[tokens, 3 * heads * head_dim]`.
    fn attention_backward(
        qkv: FloatTensor<Self>,
        out: FloatTensor<Self>,
        stats: FloatTensor<Self>,
        d_out: FloatTensor<Self>,
        call: AttentionCall,
    ) -> FloatTensor<Self> {
        attention_backward::backward::<Self>(qkv, out, stats, d_out, &call)
    }

    /// Probabilities of a tile: rows of the packed batch, all of one sequence.
    fn attention_probabilities(
        qkv: FloatTensor<Self>,
        stats: FloatTensor<Self>,
        call: AttentionCall,
        queries: Range<usize>,
        keys: Range<usize>,
    ) -> FloatTensor<Self> {
        attention::probabilities::<Self>(qkv, stats, &call, queries, keys)
    }

    /// `[queries, keys]` of a tile, all heads mixed, together with `so_far` of the same shape.
    fn attention_mixed(
        so_far: FloatTensor<Self>,
        qkv: FloatTensor<Self>,
        stats: FloatTensor<Self>,
        call: AttentionCall,
        tile: [Range<usize>; 2],
        mix: HeadMix,
    ) -> FloatTensor<Self> {
        attention::mixed::<Self>([so_far, qkv, stats], &call, tile, &mix)
    }

    /// `gelu(a) * b` of the two halves of each row.
    fn geglu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        activation::geglu::<Self>(x)
    }

    /// Gradient of [`EncoderOps::geglu`] with respect to `x`.
    fn geglu_backward(x: FloatTensor<Self>, d_out: FloatTensor<Self>) -> FloatTensor<Self> {
        activation::geglu_backward::<Self>(x, d_out)
    }

    /// LayerNorm of rows, without a bias.
    fn layer_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f64) -> FloatTensor<Self> {
        <Self as ModuleOps<Self>>::layer_norm(x, weight, None, eps)
    }

    /// Gradients of [`EncoderOps::layer_norm`].
    fn layer_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        d_out: FloatTensor<Self>,
        eps: f64,
    ) -> LayerNormGrads<Self> {
        norm::backward::<Self>(x, weight, d_out, eps)
    }

    /// Rows of a table, `[entries, width]`, by index: `[indices, width]`.
    fn look_up(table: FloatTensor<Self>, lookup: Lookup) -> FloatTensor<Self> {
        embedding::look_up::<Self>(table, &lookup)
    }

    /// Gradient of [`EncoderOps::look_up`] with respect to a table of `entries` rows.
    fn look_up_backward(
        d_out: FloatTensor<Self>,
        lookup: Lookup,
        entries: usize,
    ) -> FloatTensor<Self> {
        embedding::backward::<Self>(d_out, &lookup, entries)
    }

    /// Cross-entropy of `x Wᵀ + b` against one entry per row; `x` is `[rows, width]`, the weight
    /// `[entries, width]`, the bias `[entries]`.
    fn cross_entropy(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: Targets,
    ) -> CrossEntropyParts<Self> {
        cross_entropy::forward::<Self>(x, weight, bias, &targets)
    }

    /// A step of [`EncoderOps::cross_entropy`]: maximum, sum and logit of the target so far,
    /// `[rows, 3]`, with those of `products + bias[chunk]`, `[rows, chunk]`.
    fn cross_entropy_add(
        running: FloatTensor<Self>,
        products: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        chunk: Range<usize>,
        targets: Targets,
    ) -> FloatTensor<Self> {
        cross_entropy::add::<Self>(running, products, bias, &chunk, &targets)
    }

    /// A step of [`EncoderOps::cross_entropy_backward`]: the gradient with respect to the logits of
    /// a chunk, `[rows, chunk]`.
    fn cross_entropy_grad(
        products: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        stats: FloatTensor<Self>,
        d_losses: FloatTensor<Self>,
        chunk: Range<usize>,
        targets: Targets,
    ) -> FloatTensor<Self> {
        cross_entropy::grad::<Self>([products, bias, stats, d_losses], &chunk, &targets)
    }

    /// Gradients of [`EncoderOps::cross_entropy`]; `d_losses` is `[rows, 1]`.
    fn cross_entropy_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        stats: FloatTensor<Self>,
        d_losses: FloatTensor<Self>,
        targets: Targets,
    ) -> CrossEntropyGrads<Self> {
        cross_entropy::backward::<Self>([x, weight, bias], stats, d_losses, &targets)
    }

    /// The exact GELU.
    fn gelu_erf(x: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::gelu(x)
    }

    /// Gradient of [`EncoderOps::gelu_erf`] with respect to `x`.
    fn gelu_erf_backward(x: FloatTensor<Self>, d_out: FloatTensor<Self>) -> FloatTensor<Self> {
        activation::gelu_backward::<Self>(x, d_out)
    }

    /// One update of a parameter; `scale`, `[1]`, multiplies the gradient. All others have the
    /// parameter's shape.
    fn adam(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        step: AdamStep,
    ) -> AdamParts<Self> {
        adam::update::<Self>([parameter, gradient, first, second], scale, step)
    }

    /// The sum of squares of all elements, `[1]`.
    fn sum_of_squares(tensor: FloatTensor<Self>) -> FloatTensor<Self> {
        adam::sum_of_squares::<Self>(tensor)
    }
}
