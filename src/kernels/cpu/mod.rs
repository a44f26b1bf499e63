//! Fast forms of the operations on the CPU.
//!
//! burn's CPU backend computes one element after the other on one thread outside of its matrix
//! product; what remains of an encoder would take longer than the products. Here rows are spread
//! over threads and loops are written so that the compiler turns them into vector instructions.
//! Other types than f32 go through the default bodies.

mod activation;
mod adam;
mod attention;
mod attention_backward;
mod attention_probabilities;
pub(crate) mod blocks;
mod cross_entropy;
mod embedding;
mod norm;
mod product;
mod rope;
mod simd;

use std::ops::Range;

use burn::backend::ops::ActivationOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{DType, Flex, TensorMetadata};
use burn::tensor::{Shape, TensorData};

use super::adam::AdamStep;
use super::attention::AttentionCall;
use super::cross_entropy::Targets;
use super::embedding::Lookup;
use super::ops::{AdamParts, AttentionParts, EncoderOps, LayerNormGrads};
use super::rope::Direction;
use super::sequences::HeadShape;

/// Rows that one thread takes at a time where a row is little work.
const ROWS_PER_TASK: usize = 32;

impl EncoderOps for Flex {
    fn linear(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        let [rows, inputs] = x.shape().dims();
        let [outputs, _] = weight.shape().dims();
        if x.dtype() != DType::F32 || rows * inputs * outputs == 0 {
            return super::linear::linear::<Self>(x, weight);
        }
        let [x, weight] = [x, weight].map(in_order);
        let out = product::linear(values(&x), values(&weight), [inputs, outputs]);
        from_values(out, Shape::new([rows, outputs]))
    }

    fn linear_grad_x(d_out: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        let [rows, outputs] = d_out.shape().dims();
        let [_, inputs] = weight.shape().dims();
        if d_out.dtype() != DType::F32 || rows * inputs * outputs == 0 {
            return super::linear::grad_x::<Self>(d_out, weight);
        }
        let [d_out, weight] = [d_out, weight].map(in_order);
        let d_x = product::linear_grad_x(values(&d_out), values(&weight), [inputs, outputs]);
        from_values(d_x, Shape::new([rows, inputs]))
    }

    fn linear_grad_weight(d_out: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self> {
        let [rows, outputs] = d_out.shape().dims();
        let [_, inputs] = x.shape().dims();
        if x.dtype() != DType::F32 || rows * inputs * outputs == 0 {
            return super::linear::grad_weight::<Self>(d_out, x);
        }
        let [d_out, x] = [d_out, x].map(in_order);
        let d_weight = product::linear_grad_weight(values(&d_out), values(&x), [inputs, outputs]);
        from_values(d_weight, Shape::new([outputs, inputs]))
    }

    fn rope(
        qkv: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        heads: HeadShape,
        direction: Direction,
    ) -> FloatTensor<Self> {
        if qkv.dtype() != DType::F32 {
            return super::rope::rotate::<Self>(qkv, cos, sin, heads, direction);
        }
        let [cos, sin] = [cos, sin].map(contiguous);
        let mut qkv = contiguous(qkv);
        rope::rotate(
            qkv.storage_mut(),
            values(&cos),
            values(&sin),
            heads,
            direction,
        );
        qkv
    }

    fn attention(qkv: FloatTensor<Self>, call: AttentionCall) -> AttentionParts<Self> {
        if qkv.dtype() != DType::F32 {
            return super::attention::forward::<Self>(qkv, &call);
        }
        let tokens = call.sequences.tokens();
        let qkv = contiguous(qkv);
        let (out, stats) = attention::forward(values(&qkv), &call);
        AttentionParts {
            out: from_values(out, Shape::new([tokens, call.heads.width()])),
            stats: from_values(stats, Shape::new([2, call.heads.heads, tokens])),
        }
    }

    fn attention_backward(
        qkv: FloatTensor<Self>,
        out: FloatTensor<Self>,
        stats: FloatTensor<Self>,
        d_out: FloatTensor<Self>,
        call: AttentionCall,
    ) -> FloatTensor<Self> {
        if qkv.dtype() != DType::F32 {
            return super::attention_backward::backward::<Self>(qkv, out, stats, d_out, &call);
        }
        let shape = qkv.shape();
        let [qkv, out, stats, d_out] = [qkv, out, stats, d_out].map(contiguous);
        let d_qkv = attention_backward::backward(&attention_backward::Saved {
            qkv: values(&qkv),
            out: values(&out),
            stats: values(&stats),
            d_out: values(&d_out),
            call: &call,
        });
        from_values(d_qkv, shape)
    }

    fn attention_probabilities(
        qkv: FloatTensor<Self>,
        stats: FloatTensor<Self>,
        call: AttentionCall,
        queries: Range<usize>,
        keys: Range<usize>,
    ) -> FloatTensor<Self> {
        if qkv.dtype() != DType::F32 {
            return super::attention::probabilities::<Self>(qkv, stats, &call, queries, keys);
        }
        let shape = Shape::new([call.heads.heads, queries.len(), keys.len()]);
        let [qkv, stats] = [qkv, stats].map(contiguous);
        let tile = attention_probabilities::Tile {
            qkv: values(&qkv),
            stats: values(&stats),
            call: &call,
            queries,
            keys,
        };
        from_values(tile.probabilities(), shape)
    }

    fn geglu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        if x.dtype() != DType::F32 {
            return super::activation::geglu::<Self>(x);
        }
        let [rows, columns] = x.shape().dims();
        let x = contiguous(x);
        let out = activation::geglu(values(&x), columns / 2);
        from_values(out, Shape::new([rows, columns / 2]))
    }

    fn geglu_backward(x: FloatTensor<Self>, d_out: FloatTensor<Self>) -> FloatTensor<Self> {
        if x.dtype() != DType::F32 {
            return super::activation::geglu_backward::<Self>(x, d_out);
        }
        let width = x.shape()[1] / 2;
        let (mut x, d_out) = (contiguous(x), contiguous(d_out));
        activation::geglu_backward(x.storage_mut(), values(&d_out), width);
        x
    }

    fn layer_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        d_out: FloatTensor<Self>,
        eps: f64,
    ) -> LayerNormGrads<Self> {
        if x.dtype() != DType::F32 {
            return super::norm::backward::<Self>(x, weight, d_out, eps);
        }
        let shape = weight.shape();
        let [x, weight] = [x, weight].map(in_order);
        let mut d_out = contiguous(d_out);
        let d_weight = norm::backward(values(&x), values(&weight), d_out.storage_mut(), eps);
        LayerNormGrads {
            d_x: d_out,
            d_weight: from_values(d_weight, shape),
        }
    }

    fn look_up_backward(
        d_out: FloatTensor<Self>,
        lookup: Lookup,
        entries: usize,
    ) -> FloatTensor<Self> {
        if d_out.dtype() != DType::F32 {
            return super::embedding::backward::<Self>(d_out, &lookup, entries);
        }
        let width = d_out.shape()[1];
        let d_out = in_order(d_out);
        let d_table = embedding::backward(values(&d_out), &lookup, [entries, width]);
        from_values(d_table, Shape::new([entries, width]))
    }

    fn cross_entropy_add(
        running: FloatTensor<Self>,
        products: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        chunk: Range<usize>,
        targets: Targets,
    ) -> FloatTensor<Self> {
        if products.dtype() != DType::F32 {
            return super::cross_entropy::add::<Self>(running, products, bias, &chunk, &targets);
        }
        let bias = contiguous(bias);
        let [mut running, mut products] = [running, products].map(contiguous);
        let chunk = cross_entropy::Chunk {
            bias: &values(&bias)[chunk.clone()],
            start: chunk.start,
            targets: targets.entries(),
        };
        cross_entropy::add(running.storage_mut(), products.storage_mut(), &chunk);
        running
    }

    fn cross_entropy_grad(
        products: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        stats: FloatTensor<Self>,
        d_losses: FloatTensor<Self>,
        chunk: Range<usize>,
        targets: Targets,
    ) -> FloatTensor<Self> {
        if products.dtype() != DType::F32 {
            let tensors = [products, bias, stats, d_losses];
            return super::cross_entropy::grad::<Self>(tensors, &chunk, &targets);
        }
        let mut products = contiguous(products);
        let [bias, stats, d_losses] = [bias, stats, d_losses].map(contiguous);
        let chunk = cross_entropy::Chunk {
            bias: &values(&bias)[chunk.clone()],
            start: chunk.start,
            targets: targets.entries(),
        };
        let (stats, d_losses) = (values(&stats), values(&d_losses));
        cross_entropy::grad(products.storage_mut(), stats, d_losses, &chunk);
        products
    }

    fn gelu_erf(x: FloatTensor<Self>) -> FloatTensor<Self> {
        if x.dtype() != DType::F32 {
            return <Self as ActivationOps<Self>>::gelu(x);
        }
        let width = x.shape()[x.rank() - 1];
        let mut x = contiguous(x);
        activation::gelu(x.storage_mut(), width);
        x
    }

    fn gelu_erf_backward(x: FloatTensor<Self>, d_out: FloatTensor<Self>) -> FloatTensor<Self> {
        if x.dtype() != DType::F32 {
            return super::activation::gelu_backward::<Self>(x, d_out);
        }
        let width = x.shape()[x.rank() - 1];
        let (x, mut d_out) = (in_order(x), contiguous(d_out));
        activation::gelu_backward(values(&x), d_out.storage_mut(), width);
        d_out
    }

    fn adam(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        step: AdamStep,
    ) -> AdamParts<Self> {
        if parameter.dtype() != DType::F32 {
            let tensors = [parameter, gradient, first, second];
            return super::adam::update::<Self>(tensors, scale, step);
        }
        let gradient = contiguous(gradient);
        let [mut parameter, mut first, mut second] = [parameter, first, second].map(contiguous);
        adam::update(
            [
                parameter.storage_mut(),
                first.storage_mut(),
                second.storage_mut(),
            ],
            values(&gradient),
            values(&contiguous(scale))[0],
            step,
        );
        AdamParts {
            parameter,
            first,
            second,
        }
    }

    fn sum_of_squares(tensor: FloatTensor<Self>) -> FloatTensor<Self> {
        if tensor.dtype() != DType::F32 {
            return super::adam::sum_of_squares::<Self>(tensor);
        }
        let sum = adam::sum_of_squares(values(&contiguous(tensor)));
        from_values(vec![sum], Shape::new([1]))
    }
}

/// The values of an f32 tensor that are in order.
fn values(tensor: &FloatTensor<Flex>) -> &[f32] {
    tensor
        .as_slice()
        .expect("the values were put in order and are f32")
}

fn from_values(values: Vec<f32>, shape: Shape) -> FloatTensor<Flex> {
    FloatTensor::<Flex>::from_data(TensorData::new(values, shape))
}

/// The tensor with its values in order, to be read; copied only if they are not.
fn in_order(tensor: FloatTensor<Flex>) -> FloatTensor<Flex> {
    match tensor.layout().contiguous_offsets() {
        Some(_) => tensor,
        None => tensor.to_contiguous(),
    }
}

/// The tensor with its values in order from the start of its memory, and nothing else in there;
/// copied only if it is not so. burn's own function keeps a second handle to the memory, because
/// of which a change in place would copy.
fn contiguous(tensor: FloatTensor<Flex>) -> FloatTensor<Flex> {
    let bytes = tensor.shape().num_elements() * size_of::<f32>();
    let whole = tensor.layout().start_offset() == 0 && tensor.bytes().len() == bytes;
    match whole && tensor.is_contiguous() {
        true => tensor,
        false => tensor.to_contiguous(),
    }
}
