//! GeGLU and GELU and their gradients: `shaders/geglu{,_grad}.wgsl`.

use burn::backend::TensorMetadata;
use burn::backend::wgpu::{CubeTensor, into_contiguous};

use super::catalogue::{Variant, shader};
use super::launch::{GROUPS_PER_LAYER, Use, call_numbers, count, elem, empty, launch, layers};
use super::source::{Elem, Shader, Source, shader_file};
use crate::kernels::activation::{ERF_P, ERF_Q};

const THREADS: u32 = 64;

call_numbers! {
    struct Call {
        rows: u32,
        width: u32,
    }
}

pub(super) const CALL: &[&str] = Call::FIELDS;

/// All that the text depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Activation {
    pub(super) elem: Elem,
    /// GeGLU of rows `[a | b]`, or GELU.
    pub(super) gated: bool,
    pub(super) gradient: bool,
}

impl Activation {
    /// `None` if there is no kernel for such rows, or numbers of this type.
    pub(super) fn for_tensor(x: &CubeTensor, gated: bool, gradient: bool) -> Option<Self> {
        let multiple = if gated { 8 } else { 4 };
        let width = x.shape()[1];
        let fits = x.shape()[0] > 0 && width > 0 && width.is_multiple_of(multiple);
        let elem = elem(x)?;
        fits.then_some(Self {
            elem,
            gated,
            gradient,
        })
    }

    pub(super) fn compose(self) -> Shader {
        let file = match self.gradient {
            false => shader_file!("geglu"),
            true => shader_file!("geglu_grad"),
        };
        let mut source = Source::new(file, THREADS)
            .elem(self.elem)
            .switch("GATED", self.gated)
            .constant("THREADS", THREADS)
            .constant("GROUPS_PER_LAYER", GROUPS_PER_LAYER)
            .shared(shader_file!("shared/gelu"));
        for (index, value) in ERF_P.into_iter().enumerate() {
            source = source.number(&format!("ERF_P{index}"), value);
        }
        for (index, value) in ERF_Q.into_iter().enumerate().skip(1) {
            source = source.number(&format!("ERF_Q{index}"), value);
        }
        source.compose()
    }

    /// Rows, and columns of the result.
    fn numbers(self, x: &CubeTensor) -> Call {
        let [rows, columns] = x.shape().dims();
        let width = if self.gated { columns / 2 } else { columns };
        Call {
            rows: count(rows),
            width: count(width),
        }
    }

    fn run(self, tensors: &[Use], call: Call) {
        let groups = (call.rows as usize * call.width as usize / 4).div_ceil(THREADS as usize);
        let grid = layers(count(groups));
        launch(
            &shader(Variant::Activation(self)),
            tensors,
            &call.words(),
            grid,
        );
    }

    /// The activation of `x`.
    pub(super) fn forward(self, x: CubeTensor) -> CubeTensor {
        let x = into_contiguous(x);
        let call = self.numbers(&x);
        let out = empty(&x, [call.rows as usize, call.width as usize], x.dtype);
        self.run(&[Use::Read(&x), Use::Write(&out)], call);
        out
    }

    /// The gradient with respect to `x`.
    pub(super) fn backward(self, x: CubeTensor, d_out: CubeTensor) -> CubeTensor {
        let [x, d_out] = [x, d_out].map(into_contiguous);
        let d_x = empty(&x, x.shape().dims::<2>(), x.dtype);
        let tensors = [Use::Read(&x), Use::Read(&d_out), Use::Write(&d_x)];
        self.run(&tensors, self.numbers(&x));
        d_x
    }
}
