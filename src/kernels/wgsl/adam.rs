//! One update of a parameter in two launches: `shaders/adam_{means,apply}.wgsl`.

use std::sync::Arc;

use burn::backend::wgpu::{CubeTensor, into_contiguous};
use burn::backend::{DType, TensorMetadata};

use super::catalogue::{Variant, shader};
use super::launch::{Use, call_numbers, count, empty, launch};
use super::source::{Shader, ShaderFile, Source, shader_file};
use crate::kernels::adam::{AdamRule, AdamStep};

const THREADS: u32 = 256;

/// Workgroups of a launch at most: enough to fill a large GPU, and few sums to add up.
const GROUPS: usize = 1024;

call_numbers! {
    struct MeansCall {
        count: u32,
        groups: u32,
        kept_first: f32,
        new_first: f32,
        kept_second: f32,
        new_second: f32,
        eps: f32,
        unbias: f32,
    }
}

call_numbers! {
    struct ApplyCall {
        count: u32,
        groups: u32,
        lr: f32,
        decay: f32,
        rate: f32,
        root: f32,
        eps: f32,
    }
}

/// Which half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum AdamPass {
    Means,
    Apply,
}

impl AdamPass {
    pub(super) const ALL: [Self; 2] = [Self::Means, Self::Apply];

    fn file(self) -> ShaderFile {
        match self {
            Self::Means => shader_file!("adam_means"),
            Self::Apply => shader_file!("adam_apply"),
        }
    }
}

/// All that the text depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Adam {
    pub(super) pass: AdamPass,
    pub(super) rule: AdamRule,
}

const ADAMW: u32 = 0;
const STABLE: u32 = 1;
const PUBLISHED: u32 = 2;

impl Adam {
    pub(super) fn compose(self) -> Shader {
        Source::new(self.pass.file(), THREADS)
            .constant("ADAMW", ADAMW)
            .constant("STABLE", STABLE)
            .constant("PUBLISHED", PUBLISHED)
            .constant(
                "RULE",
                match self.rule {
                    AdamRule::AdamW => ADAMW,
                    AdamRule::StableAdamW => STABLE,
                    AdamRule::StableAdamWPublished => PUBLISHED,
                },
            )
            .constant("THREADS", THREADS)
            .shared(shader_file!("shared/row_sum"))
            .compose()
    }

    pub(super) fn call(self) -> &'static [&'static str] {
        match self.pass {
            AdamPass::Means => MeansCall::FIELDS,
            AdamPass::Apply => ApplyCall::FIELDS,
        }
    }
}

/// Whether there is a kernel for parameters like this one.
pub(super) fn fits(parameter: &CubeTensor) -> bool {
    parameter.dtype() == DType::F32 && parameter.shape().num_elements() > 0
}

/// Parameter and both means after the step, in place where nobody else holds them.
pub(super) fn update(
    tensors: [CubeTensor; 4],
    scale: CubeTensor,
    step: AdamStep,
) -> [CubeTensor; 3] {
    let shader = |pass| {
        let rule = step.rule;
        shader(Variant::Adam(Adam { pass, rule }))
    };
    let shaders = AdamPass::ALL.map(shader);
    update_by(&shaders, tensors, scale, step)
}

/// [`update`] by these shaders of both passes.
pub(super) fn update_by(
    [means, apply]: &[Arc<Shader>; 2],
    [parameter, gradient, first, second]: [CubeTensor; 4],
    scale: CubeTensor,
    step: AdamStep,
) -> [CubeTensor; 3] {
    let own = |tensor: CubeTensor| {
        let tensor = into_contiguous(tensor);
        match tensor.can_mut() {
            true => tensor,
            false => tensor.copy(),
        }
    };
    let [parameter, first, second] = [parameter, first, second].map(own);
    let [gradient, scale] = [gradient, scale].map(into_contiguous);
    let elements = parameter.shape().num_elements();
    let groups = elements.div_ceil(THREADS as usize).min(GROUPS);
    let sums = empty(&parameter, [groups, 2], DType::F32);
    let (elements, groups) = (count(elements), count(groups));
    let c = step.constants();
    let [kept, new] = [c.kept, c.kept.map(|kept| 1.0 - kept)];
    let call = MeansCall {
        count: elements,
        groups,
        kept_first: kept[0] as f32,
        new_first: new[0] as f32,
        kept_second: kept[1] as f32,
        new_second: new[1] as f32,
        eps: c.eps as f32,
        unbias: c.unbias as f32,
    };
    let tensors = [
        Use::Read(&gradient),
        Use::Read(&scale),
        Use::Change(&first),
        Use::Change(&second),
        Use::Write(&sums),
    ];
    launch(means, &tensors, &call.words(), [groups, 1, 1]);
    let call = ApplyCall {
        count: elements,
        groups,
        lr: c.lr as f32,
        decay: c.weight_decay as f32,
        rate: c.rate as f32,
        root: c.root as f32,
        eps: c.eps as f32,
    };
    let tensors = [
        Use::Change(&parameter),
        Use::Read(&first),
        Use::Read(&second),
        Use::Read(&sums),
    ];
    launch(apply, &tensors, &call.words(), [groups, 1, 1]);
    [parameter, first, second]
}
