//! The gradient of LayerNorm, from burn's own operations.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::Shape;

use super::ops::LayerNormGrads;

/// With `n = (x - mean) / s`, `s = sqrt(variance + eps)` and `g = dOut * weight`:
/// `dx = (g - mean(g) - n mean(g n)) / s` and `dWeight = sum over rows of dOut * n`.
pub(super) fn backward<B: Backend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    d_out: FloatTensor<B>,
    eps: f64,
) -> LayerNormGrads<B> {
    let width = x.shape()[1];
    let mean = |tensor: FloatTensor<B>| B::float_mean_dim(tensor, 1);
    let centered = B::float_sub(x.clone(), mean(x));
    let variance = mean(B::float_mul(centered.clone(), centered.clone()));
    let deviation = B::float_sqrt(B::float_add_scalar(variance, eps.into()));
    let normed = B::float_div(centered, deviation.clone());
    let weight = B::float_reshape(weight, Shape::new([1, width]));
    let g = B::float_mul(d_out.clone(), weight);
    let along = B::float_mul(
        normed.clone(),
        mean(B::float_mul(g.clone(), normed.clone())),
    );
    let d_x = B::float_sub(B::float_sub(g.clone(), mean(g)), along);
    let d_weight = B::float_sum_dim(B::float_mul(d_out, normed), 0);
    LayerNormGrads {
        d_x: B::float_div(d_x, deviation),
        d_weight: B::float_reshape(d_weight, Shape::new([width])),
    }
}
