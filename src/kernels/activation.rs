//! GELU, its gradient, and GeGLU, from burn's own operations.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Slice, TensorMetadata};

use super::ops::EncoderOps;

/// The numerator of `erf(x) = x P(x²) / Q(x²)` on `|x| <= 4`, the lowest power first; fitted for
/// the least largest error, 5e-7.
pub(super) const ERF_P: [f32; 6] = [
    std::f32::consts::FRAC_2_SQRT_PI,
    1.962_493_2e-1,
    5.346_752_5e-2,
    4.003_660_4e-3,
    2.880_417_3e-4,
    1.974_827_2e-6,
];

/// Its denominator.
pub(super) const ERF_Q: [f32; 6] = [
    1.0,
    5.072_526e-1,
    1.164_765_7e-1,
    1.544_445_2e-2,
    1.216_363_4e-3,
    3.748_085e-5,
];

/// `gelu(a) * b` for rows `[a | b]`.
pub(super) fn geglu<B: EncoderOps>(x: FloatTensor<B>) -> FloatTensor<B> {
    let width = x.shape()[1] / 2;
    let a = B::float_slice(x.clone(), &[Slice::full(), Slice::from(0..width)]);
    let b = B::float_slice(x, &[Slice::full(), Slice::from(width..2 * width)]);
    B::float_mul(B::gelu_erf(a), b)
}

/// `[dOut * b * gelu'(a), dOut * gelu(a)]` for rows `[a | b]`.
pub(super) fn geglu_backward<B: EncoderOps>(
    x: FloatTensor<B>,
    d_out: FloatTensor<B>,
) -> FloatTensor<B> {
    let width = x.shape()[1] / 2;
    let a = B::float_slice(x.clone(), &[Slice::full(), Slice::from(0..width)]);
    let b = B::float_slice(x, &[Slice::full(), Slice::from(width..2 * width)]);
    let d_a = B::gelu_erf_backward(a.clone(), B::float_mul(d_out.clone(), b));
    let d_b = B::float_mul(d_out, B::gelu_erf(a));
    B::float_cat(vec![d_a, d_b], 1)
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
