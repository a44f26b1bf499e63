//! The layers that both architectures are made of.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::parameters::ParameterSource;
use crate::kernels::{self, Lookup, Targets};

/// `x Wᵀ + b`.
#[derive(Debug, Clone)]
pub(super) struct Linear {
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
}

impl Linear {
    /// Asks for `<name>.weight`, `[out, in]`, and with `bias` for `<name>.bias`.
    pub(super) fn new(
        source: &mut dyn ParameterSource,
        name: &str,
        [input, output]: [usize; 2],
        bias: bool,
    ) -> Self {
        Self {
            weight: source.matrix(&format!("{name}.weight"), [output, input]),
            bias: bias.then(|| source.vector(&format!("{name}.bias"), output)),
        }
    }

    /// A layer that shares the weight of an embedding.
    pub(super) fn tied(weight: Tensor<2>, bias: Option<Tensor<1>>) -> Self {
        Self { weight, bias }
    }

    /// `[rows, in]` to `[rows, out]`.
    pub(super) fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let y = product(x, self.weight.clone());
        match &self.bias {
            Some(bias) => y + bias.clone().unsqueeze(),
            None => y,
        }
    }
}

impl Linear {
    /// Cross-entropy of each row of `[rows, in]`, with the layer's outputs as logits: `[rows]`.
    pub(super) fn cross_entropy(&self, x: Tensor<2>, targets: &Targets) -> Tensor<1> {
        kernels::cross_entropy(x, self.weight.clone(), self.bias.clone(), targets)
    }
}

/// Results of a matrix product up to this size are computed by another routine on the CPU.
const SMALL_PRODUCT: usize = 256;

/// `x Wᵀ`, with rows of zeros added where the product would be small: it would round otherwise,
/// and a short text alone would differ from the same text in a batch.
fn product(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    let [rows, inputs] = x.dims();
    let [outputs, _] = weight.dims();
    let enough = SMALL_PRODUCT / outputs + 2;
    if rows >= enough {
        return kernels::linear(x, weight);
    }
    let zeros = Tensor::zeros([enough - rows, inputs], &x.device());
    kernels::linear(Tensor::cat(vec![x, zeros], 0), weight).slice([0..rows, 0..outputs])
}

/// LayerNorm over the last dimension.
#[derive(Debug, Clone)]
pub(super) struct LayerNorm {
    weight: Tensor<1>,
    bias: Option<Tensor<1>>,
    eps: f64,
}

impl LayerNorm {
    /// Asks for `<name>.weight` and with `bias` for `<name>.bias`.
    pub(super) fn new(
        source: &mut dyn ParameterSource,
        name: &str,
        width: usize,
        bias: bool,
        eps: f64,
    ) -> Self {
        Self {
            weight: source.vector(&format!("{name}.weight"), width),
            bias: bias.then(|| source.vector(&format!("{name}.bias"), width)),
            eps,
        }
    }

    /// `[rows, width]` to the same.
    pub(super) fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        kernels::layer_norm(x, self.weight.clone(), self.bias.clone(), self.eps)
    }
}

/// A table of vectors, looked up by index.
#[derive(Debug, Clone)]
pub(super) struct Embedding {
    weight: Tensor<2>,
    /// The entry that gets no gradient from look-ups.
    padding: Option<usize>,
}

impl Embedding {
    /// Asks for `<name>.weight`, `[entries, width]`.
    pub(super) fn new(
        source: &mut dyn ParameterSource,
        name: &str,
        shape: [usize; 2],
        padding: Option<usize>,
    ) -> Self {
        Self {
            weight: source.matrix(&format!("{name}.weight"), shape),
            padding,
        }
    }

    /// The table itself, `[entries, width]`.
    pub(super) fn weight(&self) -> Tensor<2> {
        self.weight.clone()
    }

    /// `[rows, width]`, one row per index.
    pub(super) fn forward(&self, indices: &[usize]) -> Tensor<2> {
        kernels::look_up(self.weight.clone(), &Lookup::new(indices, self.padding))
    }
}

/// Indices as a tensor; they fit the device's integers because they index a tensor of its.
pub(super) fn index_tensor(indices: &[usize], device: &Device) -> Tensor<1, Int> {
    let indices: Vec<i64> = indices.iter().map(|&index| index as i64).collect();
    let length = indices.len();
    Tensor::from_data(TensorData::new(indices, [length]), device)
}
