//! The gradient of a look-up: `shaders/embedding_grad.wgsl`.

use burn::backend::TensorMetadata;
use burn::backend::ops::FloatTensorOps;
use burn::backend::wgpu::{CubeBackend, CubeTensor, into_contiguous};
use burn::tensor::Shape;

use super::catalogue::{Variant, shader};
use super::launch::{GROUPS_PER_LAYER, Use, call_numbers, count, elem, launch};
use super::source::{Elem, Shader, Source, shader_file};
use crate::kernels::embedding::Lookup;

const THREADS: u32 = 64;

call_numbers! {
    struct Call {
        width: u32,
        entries: u32,
    }
}

/// The shader's `Call` goes on with its list.
pub(super) const CALL: &[&str] = Call::FIELDS;

/// All that the text depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct EmbeddingGrad {
    pub(super) elem: Elem,
}

impl EmbeddingGrad {
    /// `None` if there is no kernel for such rows, or numbers of this type.
    pub(super) fn for_tensor(d_out: &CubeTensor) -> Option<Self> {
        let elem = elem(d_out)?;
        d_out.shape()[1].is_multiple_of(4).then_some(Self { elem })
    }

    pub(super) fn compose(self) -> Shader {
        Source::new(shader_file!("embedding_grad"), THREADS)
            .elem(self.elem)
            .constant("THREADS", THREADS)
            .compose()
    }

    /// The gradient of a table of `entries` rows.
    pub(super) fn backward(self, d_out: CubeTensor, lookup: &Lookup, entries: usize) -> CubeTensor {
        let d_out = into_contiguous(d_out);
        let width = d_out.shape()[1];
        let shape = Shape::new([entries, width]);
        let d_table = CubeBackend::float_zeros(shape, &d_out.device, d_out.dtype().into());
        let d_table = into_contiguous(d_table);
        for entries in lookup.by_entry().chunks(GROUPS_PER_LAYER as usize) {
            let call = Call {
                width: count(width),
                entries: count(entries.len()),
            };
            let mut words = call.words();
            let mut begin = 0;
            for (entry, places) in entries {
                words.extend([*entry, begin, begin + count(places.len())]);
                begin += count(places.len());
            }
            words.extend(entries.iter().flat_map(|(_, places)| places));
            launch(
                &shader(Variant::EmbeddingGrad(self)),
                &[Use::Read(&d_out), Use::Change(&d_table)],
                &words,
                [(call.width / 4).div_ceil(THREADS), call.entries, 1],
            );
        }
        d_table
    }
}
