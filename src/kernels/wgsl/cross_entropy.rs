//! Cross-entropy over a chunk of the vocabulary: `shaders/cross_entropy{,_grad}.wgsl`.

use std::ops::Range;

use burn::backend::TensorMetadata;
use burn::backend::wgpu::{CubeTensor, into_contiguous};

use super::catalogue::{Variant, shader};
use super::launch::{GROUPS_PER_LAYER, Use, call_numbers, count, elem, launch, layers};
use super::source::{Elem, Shader, Source, shader_file};
use crate::kernels::cross_entropy::Targets;

const THREADS: u32 = 64;

call_numbers! {
    /// The shader's `Call` goes on with the targets.
    struct Call {
        rows: u32,
        columns: u32,
        first: u32,
    }
}

pub(super) const CALL: &[&str] = Call::FIELDS;

/// All that the text depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct CrossEntropy {
    pub(super) elem: Elem,
    pub(super) gradient: bool,
}

impl CrossEntropy {
    /// `None` if there is no kernel for numbers of this type.
    pub(super) fn for_tensor(logits: &CubeTensor, gradient: bool) -> Option<Self> {
        let elem = elem(logits)?;
        Some(Self { elem, gradient })
    }

    pub(super) fn compose(self) -> Shader {
        let file = match self.gradient {
            false => shader_file!("cross_entropy"),
            true => shader_file!("cross_entropy_grad"),
        };
        let source = Source::new(file, THREADS)
            .elem(self.elem)
            .constant("THREADS", THREADS)
            .constant("GROUPS_PER_LAYER", GROUPS_PER_LAYER);
        match self.gradient {
            false => source
                .shared(shader_file!("shared/row_max"))
                .shared(shader_file!("shared/row_sum")),
            true => source,
        }
        .compose()
    }

    fn run(self, tensors: &[Use], logits: &CubeTensor, chunk: &Range<usize>, targets: &Targets) {
        let [rows, columns] = logits.shape().dims();
        let call = Call {
            rows: count(rows),
            columns: count(columns),
            first: count(chunk.start),
        };
        let mut words = call.words();
        words.extend_from_slice(targets.entries());
        let shader = shader(Variant::CrossEntropy(self));
        launch(&shader, tensors, &words, layers(call.rows));
    }

    /// The statistics with those of `chunk`, `[rows, 3]`.
    pub(super) fn add(
        self,
        [running, logits, bias]: [CubeTensor; 3],
        chunk: &Range<usize>,
        targets: &Targets,
    ) -> CubeTensor {
        let [logits, bias] = [logits, bias].map(into_contiguous);
        let running = into_contiguous(running);
        let running = if running.can_mut() {
            running
        } else {
            running.copy()
        };
        let tensors = [Use::Read(&logits), Use::Read(&bias), Use::Change(&running)];
        self.run(&tensors, &logits, chunk, targets);
        running
    }

    /// The gradient with respect to the logits of `chunk`.
    pub(super) fn backward(
        self,
        [logits, bias, stats, d_losses]: [CubeTensor; 4],
        chunk: &Range<usize>,
        targets: &Targets,
    ) -> CubeTensor {
        let [logits, bias, d_losses] = [logits, bias, d_losses].map(into_contiguous);
        let stats = into_contiguous(stats);
        let logits = if logits.can_mut() {
            logits
        } else {
            logits.copy()
        };
        let tensors = [
            Use::Change(&logits),
            Use::Read(&bias),
            Use::Read(&stats),
            Use::Read(&d_losses),
        ];
        self.run(&tensors, &logits, chunk, targets);
        logits
    }
}
