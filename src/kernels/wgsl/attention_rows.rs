//! Attention row by row: `shaders/attention_{delta,probabilities,mixed}.wgsl`.

use std::ops::Range;

use burn::backend::wgpu::CubeTensor;

use super::attention::half_window;
use super::catalogue::{Variant, shader};
use super::launch::{Use, call_numbers, count, launch};
use super::source::{Elem, Shader, ShaderFile, Source, shader_file};
use crate::kernels::attention::{AttentionCall, HeadMix};

const THREADS: u32 = 64;

/// A grid has no more workgroups in one direction.
pub(super) const MOST_QUERIES: usize = 65_535;

call_numbers! {
    struct DeltaCall {
        tokens: u32,
        heads: u32,
    }
}

call_numbers! {
    struct ProbabilitiesCall {
        tokens: u32,
        heads: u32,
        half_window: u32,
        scale: f32,
        query_begin: u32,
        query_end: u32,
        key_begin: u32,
        key_end: u32,
    }
}

call_numbers! {
    /// The shader's `Call` goes on with the weights of the heads.
    struct MixedCall {
        tokens: u32,
        heads: u32,
        half_window: u32,
        scale: f32,
        query_begin: u32,
        query_end: u32,
        key_begin: u32,
        key_end: u32,
        largest: u32,
    }
}

/// A kernel in which every invocation works alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum RowsPass {
    Delta,
    Probabilities,
    Mixed,
}

impl RowsPass {
    pub(super) const ALL: [Self; 3] = [Self::Delta, Self::Probabilities, Self::Mixed];

    fn file(self) -> ShaderFile {
        match self {
            Self::Delta => shader_file!("attention_delta"),
            Self::Probabilities => shader_file!("attention_probabilities"),
            Self::Mixed => shader_file!("attention_mixed"),
        }
    }
}

/// All that the text depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct AttentionRows {
    pub(super) pass: RowsPass,
    pub(super) elem: Elem,
    /// A multiple of 4.
    pub(super) head_dim: u32,
}

impl AttentionRows {
    pub(super) fn compose(self) -> Shader {
        let source = Source::new(self.pass.file(), THREADS)
            .elem(self.elem)
            .constant("HEAD_DIM", self.head_dim)
            .constant("THREADS", THREADS);
        match self.pass {
            RowsPass::Delta => source,
            RowsPass::Probabilities | RowsPass::Mixed => source
                .shared(shader_file!("shared/visible"))
                .shared(shader_file!("shared/probability")),
        }
        .compose()
    }

    pub(super) fn call(self) -> &'static [&'static str] {
        match self.pass {
            RowsPass::Delta => DeltaCall::FIELDS,
            RowsPass::Probabilities => ProbabilitiesCall::FIELDS,
            RowsPass::Mixed => MixedCall::FIELDS,
        }
    }

    /// Fills `delta`.
    pub(super) fn delta(self, [out, d_out, delta]: [&CubeTensor; 3], call: &AttentionCall) {
        let numbers = DeltaCall {
            tokens: count(call.sequences.tokens()),
            heads: count(call.heads.heads),
        };
        launch(
            &shader(Variant::AttentionRows(self)),
            &[Use::Read(out), Use::Read(d_out), Use::Write(delta)],
            &numbers.words(),
            [numbers.tokens.div_ceil(THREADS), numbers.heads, 1],
        );
    }

    /// Fills `out` with the probabilities of a tile of no more than [`MOST_QUERIES`] queries.
    pub(super) fn probabilities(
        self,
        [qkv, stats, out]: [&CubeTensor; 3],
        call: &AttentionCall,
        queries: Range<usize>,
        keys: Range<usize>,
    ) {
        let numbers = ProbabilitiesCall {
            tokens: count(call.sequences.tokens()),
            heads: count(call.heads.heads),
            half_window: half_window(call),
            scale: call.scale,
            query_begin: count(queries.start),
            query_end: count(queries.end),
            key_begin: count(keys.start),
            key_end: count(keys.end),
        };
        launch(
            &shader(Variant::AttentionRows(self)),
            &[Use::Read(qkv), Use::Read(stats), Use::Write(out)],
            &numbers.words(),
            [
                count(keys.len()).div_ceil(THREADS),
                count(queries.len()),
                numbers.heads,
            ],
        );
    }

    /// Adds a tile of all heads, mixed, to what is in `mixed`; [`MOST_QUERIES`] at the most.
    pub(super) fn mixed(
        self,
        [qkv, stats, mixed]: [&CubeTensor; 3],
        call: &AttentionCall,
        queries: Range<usize>,
        keys: Range<usize>,
        mix: &HeadMix,
    ) {
        let numbers = MixedCall {
            tokens: count(call.sequences.tokens()),
            heads: count(call.heads.heads),
            half_window: half_window(call),
            scale: call.scale,
            query_begin: count(queries.start),
            query_end: count(queries.end),
            key_begin: count(keys.start),
            key_end: count(keys.end),
            largest: u32::from(matches!(mix, HeadMix::Max(_))),
        };
        let mut words = numbers.words();
        words.extend(mix.weights().into_iter().map(f32::to_bits));
        launch(
            &shader(Variant::AttentionRows(self)),
            &[Use::Read(qkv), Use::Read(stats), Use::Change(mixed)],
            &words,
            [count(keys.len()).div_ceil(THREADS), count(queries.len()), 1],
        );
    }
}
