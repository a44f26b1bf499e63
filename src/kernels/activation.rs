//! GELU, its gradient, and GeGLU, from burn's own operations.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Slice, TensorMetadata};

use super::ops::EncoderOps;

/// `gelu(a) * b` for rows `[a | b]`.
pub(super) fn geglu<B: EncoderOps>(x: FloatTensor<B>) -> FloatTensor<B> {
    let width = x.shape()[1] / 2;
    let a = B::float_slice(x.clone(), &[Slice::full(), Slice::from(0..width)]);
    let b = B::float_slice(x, &[Slice::full(), Slice::from(width..2 * width)]);
    B::float_mul(B::gelu_erf(a), b)
}

/// `d_out * (Φ(x) + x φ(x))`, with the normal distribution's Φ by erf; burn's own gradient is that
/// of the tanh approximation.
pub(super) fn gelu_backward<B: Backend>(
    x: FloatTensor<B>,
    d_out: FloatTensor<B>,
) -> FloatTensor<B> {
    let erf = B::float_erf(B::float_mul_scalar(x.clone(), FRAC_1_SQRT_2.into()));
    let cdf = B::float_mul_scalar(B::float_add_scalar(erf, 1f32.into()), 0.5f32.into());
    let square = B::float_mul(x.clone(), x.clone());
    let density = B::float_exp(B::float_mul_scalar(square, (-0.5f32).into()));
    let density = B::float_mul_scalar(density, TAU.sqrt().recip().into());
    let slope = B::float_add(cdf, B::float_mul(x, density));
    B::float_mul(d_out, slope)
}
