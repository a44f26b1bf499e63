//! The product of a linear layer, from burn's own operations.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

/// `x Wᵀ`, `[rows, in]` and `[out, in]` to `[rows, out]`.
pub(super) fn linear<B: Backend>(x: FloatTensor<B>, weight: FloatTensor<B>) -> FloatTensor<B> {
    B::float_matmul(x, B::float_transpose(weight))
}
