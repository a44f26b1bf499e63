//! Fast forms of the operations on adapters: the WGSL of `shaders/`, launched through cubecl.
//!
//! Shapes and types without a kernel go through the default bodies: other types than f32 and f16,
//! rows that are no multiple of 4 wide (8 for RoPE's heads and GeGLU), heads wider than 128.

mod activation;
mod adam;
mod attention;
mod attention_rows;
mod catalogue;
mod cross_entropy;
mod embedding;
mod launch;
mod matmul;
mod norm;
mod rope;
mod source;
#[cfg(test)]
mod tests;
mod tiling;
mod trial;
mod tune;

use std::ops::Range;

use burn::backend::ops::{ActivationOps, ModuleOps};
use burn::backend::tensor::FloatTensor;
use burn::backend::wgpu::CubeBackend;

pub use catalogue::{Entry, catalogue};
pub use source::Shader;
pub use tiling::{Abilities, Choice, Tiling};
pub use tune::{
    Form as KernelForm, Trial, TuneError, Tuned, Tuning, assume, current, forms, set_choice, tune,
};

use super::adam::AdamStep;
use super::attention::{AttentionCall, HeadMix};
use super::cross_entropy::Targets;
use super::embedding::Lookup;
use super::ops::{AdamParts, AttentionParts, EncoderOps, LayerNormGrads};
use super::rope::Direction;
use super::sequences::HeadShape;
use activation::Activation;
use attention::Attention;
use attention_rows::MOST_QUERIES;
use cross_entropy::CrossEntropy;
use embedding::EmbeddingGrad;
use matmul::{Form, Matmul};
use norm::LayerNorm;
use rope::Rope;

impl EncoderOps for CubeBackend {
    fn linear(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        match Matmul::for_tensors(Form::Forward, &x, &weight) {
            Some(matmul) => matmul.product(x, weight),
            None => super::linear::linear::<Self>(x, weight),
        }
    }

    fn linear_grad_x(d_out: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        match Matmul::for_tensors(Form::GradX, &d_out, &weight) {
            Some(matmul) => matmul.product(d_out, weight),
            None => super::linear::grad_x::<Self>(d_out, weight),
        }
    }

    fn linear_grad_weight(d_out: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self> {
        match Matmul::for_tensors(Form::GradWeight, &d_out, &x) {
            Some(matmul) => matmul.product(d_out, x),
            None => super::linear::grad_weight::<Self>(d_out, x),
        }
    }

    fn look_up_backward(
        d_out: FloatTensor<Self>,
        lookup: Lookup,
        entries: usize,
    ) -> FloatTensor<Self> {
        match EmbeddingGrad::for_tensor(&d_out) {
            Some(embedding) => embedding.backward(d_out, &lookup, entries),
            None => super::embedding::backward::<Self>(d_out, &lookup, entries),
        }
    }

    fn geglu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        match Activation::for_tensor(&x, true, false) {
            Some(activation) => activation.forward(x),
            None => super::activation::geglu::<Self>(x),
        }
    }

    fn geglu_backward(x: FloatTensor<Self>, d_out: FloatTensor<Self>) -> FloatTensor<Self> {
        match Activation::for_tensor(&x, true, true) {
            Some(activation) => activation.backward(x, d_out),
            None => super::activation::geglu_backward::<Self>(x, d_out),
        }
    }

    fn gelu_erf(x: FloatTensor<Self>) -> FloatTensor<Self> {
        match Activation::for_tensor(&x, false, false) {
            Some(activation) => activation.forward(x),
            None => <Self as ActivationOps<Self>>::gelu(x),
        }
    }

    fn gelu_erf_backward(x: FloatTensor<Self>, d_out: FloatTensor<Self>) -> FloatTensor<Self> {
        match Activation::for_tensor(&x, false, true) {
            Some(activation) => activation.backward(x, d_out),
            None => super::activation::gelu_backward::<Self>(x, d_out),
        }
    }

    fn layer_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f64) -> FloatTensor<Self> {
        match LayerNorm::for_tensors(&x, &weight, eps) {
            Some(norm) => norm.forward(x, weight),
            None => <Self as ModuleOps<Self>>::layer_norm(x, weight, None, eps),
        }
    }

    fn layer_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        d_out: FloatTensor<Self>,
        eps: f64,
    ) -> LayerNormGrads<Self> {
        match LayerNorm::for_tensors(&x, &weight, eps) {
            Some(norm) => {
                let [d_x, d_weight] = norm.backward(x, weight, d_out);
                LayerNormGrads { d_x, d_weight }
            }
            None => super::norm::backward::<Self>(x, weight, d_out, eps),
        }
    }

    fn cross_entropy_add(
        running: FloatTensor<Self>,
        products: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        chunk: Range<usize>,
        targets: Targets,
    ) -> FloatTensor<Self> {
        match CrossEntropy::for_tensor(&products, false) {
            Some(own) => own.add([running, products, bias], &chunk, &targets),
            None => super::cross_entropy::add::<Self>(running, products, bias, &chunk, &targets),
        }
    }

    fn cross_entropy_grad(
        products: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        stats: FloatTensor<Self>,
        d_losses: FloatTensor<Self>,
        chunk: Range<usize>,
        targets: Targets,
    ) -> FloatTensor<Self> {
        let tensors = [products, bias, stats, d_losses];
        match CrossEntropy::for_tensor(&tensors[0], true) {
            Some(own) => own.backward(tensors, &chunk, &targets),
            None => super::cross_entropy::grad::<Self>(tensors, &chunk, &targets),
        }
    }

    fn rope(
        qkv: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        heads: HeadShape,
        direction: Direction,
    ) -> FloatTensor<Self> {
        match Rope::for_tensor(&qkv, heads) {
            Some(rope) => rope.rotate(qkv, [cos, sin], heads, direction),
            None => super::rope::rotate::<Self>(qkv, cos, sin, heads, direction),
        }
    }

    fn attention(qkv: FloatTensor<Self>, call: AttentionCall) -> AttentionParts<Self> {
        match Attention::for_tensor(&qkv, &call) {
            Some(attention) => attention.forward(qkv, &call),
            None => super::attention::forward::<Self>(qkv, &call),
        }
    }

    fn attention_backward(
        qkv: FloatTensor<Self>,
        out: FloatTensor<Self>,
        stats: FloatTensor<Self>,
        d_out: FloatTensor<Self>,
        call: AttentionCall,
    ) -> FloatTensor<Self> {
        match Attention::for_tensor(&qkv, &call) {
            Some(attention) => attention.backward([qkv, out, stats, d_out], &call),
            None => super::attention_backward::backward::<Self>(qkv, out, stats, d_out, &call),
        }
    }

    fn attention_probabilities(
        qkv: FloatTensor<Self>,
        stats: FloatTensor<Self>,
        call: AttentionCall,
        queries: Range<usize>,
        keys: Range<usize>,
    ) -> FloatTensor<Self> {
        match Attention::for_tensor(&qkv, &call) {
            Some(attention) if queries.len() <= MOST_QUERIES => {
                attention.probabilities([qkv, stats], &call, queries, keys)
            }
            _ => super::attention::probabilities::<Self>(qkv, stats, &call, queries, keys),
        }
    }

    fn attention_mixed(
        so_far: FloatTensor<Self>,
        qkv: FloatTensor<Self>,
        stats: FloatTensor<Self>,
        call: AttentionCall,
        [queries, keys]: [Range<usize>; 2],
        mix: HeadMix,
    ) -> FloatTensor<Self> {
        match Attention::for_tensor(&qkv, &call) {
            Some(attention) if queries.len() <= MOST_QUERIES => {
                attention.mixed([so_far, qkv, stats], &call, queries, keys, &mix)
            }
            _ => {
                super::attention::mixed::<Self>([so_far, qkv, stats], &call, [queries, keys], &mix)
            }
        }
    }

    fn adam(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        step: AdamStep,
    ) -> AdamParts<Self> {
        let tensors = [parameter, gradient, first, second];
        if !adam::fits(&tensors[0]) {
            return super::adam::update::<Self>(tensors, scale, step);
        }
        let [parameter, first, second] = adam::update(tensors, scale, step);
        AdamParts {
            parameter,
            first,
            second,
        }
    }
}
