//! The operations a backend must offer, with bodies that any backend can run.

use std::ops::Range;

use burn::backend::tensor::FloatTensor;
use burn::backend::wgpu::CubeBackend;
use burn::backend::{Backend, ExtensionType, backend_extension};

use super::attention::AttentionCall;
use super::rope::Direction;
use super::sequences::HeadShape;
use super::{activation, attention, attention_backward, linear, rope};

/// Output and row statistics of an attention call, as a backend sees them.
#[derive(ExtensionType)]
pub struct AttentionParts<B: Backend> {
    /// `[tokens, heads * head_dim]`.
    pub out: FloatTensor<B>,
    /// Largest logit of each row, and the logarithm of the sum of exponentials of the
    /// differences from it: `[2, heads, tokens]`.
    pub stats: FloatTensor<B>,
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

    /// `gelu(a) * b` of the two halves of each row.
    fn geglu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        activation::geglu::<Self>(x)
    }

    /// The exact GELU.
    fn gelu_erf(x: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::gelu(x)
    }

    /// Gradient of [`EncoderOps::gelu_erf`] with respect to `x`.
    fn gelu_erf_backward(x: FloatTensor<Self>, d_out: FloatTensor<Self>) -> FloatTensor<Self> {
        activation::gelu_backward::<Self>(x, d_out)
    }
}

impl EncoderOps for CubeBackend {}
