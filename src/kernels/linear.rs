//! The products of a linear layer, from burn's own operations.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

/// `x Wᵀ`, `[rows, in]` and `[out, in]` to `[rows, out]`.
pub(super) fn linear<B: Backend>(x: FloatTensor<B>, weight: FloatTensor<B>) -> FloatTensor<B> {
    B::float_matmul(x, B::float_transpose(weight))
}

/// `dY W`, `[rows, out]` and `[out, in]` to `[rows, in]`.
pub(super) fn grad_x<B: Backend>(d_out: FloatTensor<B>, weight: FloatTensor<B>) -> FloatTensor<B> {
    B::float_matmul(d_out, weight)
}

/// `dYᵀ x`, `[rows, out]` and `[rows, in]` to `[out, in]`.
pub(super) fn grad_weight<B: Backend>(d_out: FloatTensor<B>, x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_matmul(B::float_transpose(d_out), x)
}
