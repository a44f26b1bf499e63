//! RoPE: `shaders/rope.wgsl`.

use burn::backend::TensorMetadata;
use burn::backend::wgpu::{CubeTensor, into_contiguous};

use super::catalogue::{Variant, shader};
use super::launch::{Use, call_numbers, count, elem, launch};
use super::source::{Elem, Shader, Source, shader_file};
use crate::kernels::rope::Direction;
use crate::kernels::sequences::HeadShape;

const THREADS: u32 = 64;

/// Rows in one layer of the grid: no more than a grid may have in one direction.
const ROWS_PER_LAYER: u32 = 32_768;

call_numbers! {
    struct Call {
        tokens: u32,
        heads: u32,
        rows_per_layer: u32,
        direction: f32,
    }
}

pub(super) const CALL: &[&str] = Call::FIELDS;

/// All that the text depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Rope {
    pub(super) elem: Elem,
    /// A multiple of 8.
    pub(super) head_dim: u32,
}

impl Rope {
    /// `None` if there is no kernel for such heads, or numbers of this type.
    pub(super) fn for_tensor(qkv: &CubeTensor, heads: HeadShape) -> Option<Self> {
        let head_dim = count(heads.head_dim);
        let elem = elem(qkv)?;
        (head_dim > 0 && head_dim.is_multiple_of(8)).then_some(Self { elem, head_dim })
    }

    pub(super) fn compose(self) -> Shader {
        Source::new(shader_file!("rope"), THREADS)
            .elem(self.elem)
            .constant("HEAD_DIM", self.head_dim)
            .constant("THREADS", THREADS)
            .compose()
    }

    /// Rotates q and k, in place if nobody else holds the tensor.
    pub(super) fn rotate(
        self,
        qkv: CubeTensor,
        tables: [CubeTensor; 2],
        heads: HeadShape,
        direction: Direction,
    ) -> CubeTensor {
        let qkv = into_contiguous(qkv);
        let qkv = if qkv.can_mut() { qkv } else { qkv.copy() };
        let [cos, sin] = tables.map(into_contiguous);
        let tokens = count(qkv.shape()[0]);
        let call = Call {
            tokens,
            heads: count(heads.heads),
            rows_per_layer: ROWS_PER_LAYER,
            direction: match direction {
                Direction::Forward => 1.0,
                Direction::Backward => -1.0,
            },
        };
        let groups = 2 * call.heads * self.head_dim / 8;
        let grid = [
            groups.div_ceil(THREADS),
            tokens.min(ROWS_PER_LAYER),
            tokens.div_ceil(ROWS_PER_LAYER),
        ];
        let tensors = [Use::Change(&qkv), Use::Read(&cos), Use::Read(&sin)];
        launch(&shader(Variant::Rope(self)), &tensors, &call.words(), grid);
        qkv
    }
}
