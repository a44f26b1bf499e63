//! LayerNorm and its gradient: `shaders/layer_norm{,_grad,_grad_weight}.wgsl`.

use burn::backend::ops::FloatTensorOps;
use burn::backend::wgpu::{CubeBackend, CubeTensor, into_contiguous};
use burn::backend::{DType, TensorMetadata};
use burn::tensor::Shape;

use super::catalogue::{Variant, shader};
use super::launch::{GROUPS_PER_LAYER, Use, call_numbers, count, elem, empty, launch, layers};
use super::source::{Elem, Shader, ShaderFile, Source, shader_file};

const THREADS: u32 = 64;

/// Rows that one invocation adds for the gradient of the weight.
const PIECE: u32 = 64;

call_numbers! {
    struct Call {
        rows: u32,
        width: u32,
        eps: f32,
    }
}

call_numbers! {
    struct WeightCall {
        rows: u32,
        width: u32,
    }
}

/// Which kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum NormPass {
    Forward,
    GradX,
    GradWeight,
}

impl NormPass {
    pub(super) const ALL: [Self; 3] = [Self::Forward, Self::GradX, Self::GradWeight];

    fn file(self) -> ShaderFile {
        match self {
            Self::Forward => shader_file!("layer_norm"),
            Self::GradX => shader_file!("layer_norm_grad"),
            Self::GradWeight => shader_file!("layer_norm_grad_weight"),
        }
    }
}

/// All that the text depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Norm {
    pub(super) pass: NormPass,
    pub(super) elem: Elem,
}

impl Norm {
    pub(super) fn compose(self) -> Shader {
        let source = Source::new(self.pass.file(), THREADS)
            .elem(self.elem)
            .constant("THREADS", THREADS);
        match self.pass {
            NormPass::Forward | NormPass::GradX => source
                .constant("GROUPS_PER_LAYER", GROUPS_PER_LAYER)
                .shared(shader_file!("shared/row_sum")),
            NormPass::GradWeight => source.constant("ROWS", PIECE),
        }
        .compose()
    }

    pub(super) fn call(self) -> &'static [&'static str] {
        match self.pass {
            NormPass::Forward | NormPass::GradX => Call::FIELDS,
            NormPass::GradWeight => WeightCall::FIELDS,
        }
    }
}

/// The kernels of one LayerNorm.
#[derive(Debug, Clone, Copy)]
pub(super) struct LayerNorm {
    elem: Elem,
    eps: f32,
}

impl LayerNorm {
    /// `None` if there is no kernel for such rows, or numbers of these types.
    pub(super) fn for_tensors(x: &CubeTensor, weight: &CubeTensor, eps: f64) -> Option<Self> {
        let elem = elem(x).filter(|_| x.dtype() == weight.dtype())?;
        let [rows, width] = x.shape().dims();
        (rows > 0 && width > 0 && width.is_multiple_of(4)).then_some(Self {
            elem,
            eps: eps as f32,
        })
    }

    fn shader(self, pass: NormPass) -> std::sync::Arc<Shader> {
        shader(Variant::Norm(Norm {
            pass,
            elem: self.elem,
        }))
    }

    fn numbers(self, x: &CubeTensor) -> Call {
        let [rows, width] = x.shape().dims();
        Call {
            rows: count(rows),
            width: count(width),
            eps: self.eps,
        }
    }

    /// The normalised rows times the weight.
    pub(super) fn forward(self, x: CubeTensor, weight: CubeTensor) -> CubeTensor {
        let [x, weight] = [x, weight].map(into_contiguous);
        let out = empty(&x, x.shape().dims::<2>(), x.dtype);
        let call = self.numbers(&x);
        launch(
            &self.shader(NormPass::Forward),
            &[Use::Read(&x), Use::Read(&weight), Use::Write(&out)],
            &call.words(),
            layers(call.rows),
        );
        out
    }

    /// Gradients with respect to `x` and to the weight.
    pub(super) fn backward(
        self,
        x: CubeTensor,
        weight: CubeTensor,
        d_out: CubeTensor,
    ) -> [CubeTensor; 2] {
        let [x, weight, d_out] = [x, weight, d_out].map(into_contiguous);
        let [rows, width] = x.shape().dims();
        let d_x = empty(&x, [rows, width], x.dtype);
        let kept = empty(&x, [rows, 2], DType::F32);
        let call = self.numbers(&x);
        launch(
            &self.shader(NormPass::GradX),
            &[
                Use::Read(&x),
                Use::Read(&weight),
                Use::Read(&d_out),
                Use::Write(&d_x),
                Use::Write(&kept),
            ],
            &call.words(),
            layers(call.rows),
        );
        let pieces = call.rows.div_ceil(PIECE);
        let sums = empty(&x, [pieces as usize, width], DType::F32);
        let weight_call = WeightCall {
            rows: call.rows,
            width: call.width,
        };
        launch(
            &self.shader(NormPass::GradWeight),
            &[
                Use::Read(&x),
                Use::Read(&d_out),
                Use::Read(&kept),
                Use::Write(&sums),
            ],
            &weight_call.words(),
            [(call.width / 4).div_ceil(THREADS), pieces, 1],
        );
        let d_weight = CubeBackend::float_sum_dim(sums, 0);
        let d_weight = CubeBackend::float_reshape(d_weight, Shape::new([width]));
        [
            d_x,
            CubeBackend::float_cast(d_weight, weight.dtype().into()),
        ]
    }
}
