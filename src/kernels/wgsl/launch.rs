//! Sends a shader with its buffers and numbers to a device: the one place where that happens.

use std::sync::Arc;

use burn::backend::wgpu::{CubeDim, CubeTensor};
use burn::backend::{DType, TensorMetadata};
use burn::cubecl::ir::{UIntKind, metadata::Info};
use burn::cubecl::prelude::*;
use burn::cubecl::server::{KernelArguments, MetadataBindingInfo};
use burn::tensor::Shape;

use super::source::{Elem, Shader};

/// The numbers of one call, as the `Call` struct of a shader has them: 4 bytes each, in order.
macro_rules! call_numbers {
    ($(#[$doc:meta])* struct $name:ident { $($field:ident: $kind:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub(super) struct $name { $(pub(super) $field: $kind,)* }

        impl $name {
            /// The names of the fields, for the test that compares them with the shader's.
            pub(super) const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

            /// The fields as the device reads them.
            pub(super) fn words(self) -> Vec<u32> {
                vec![$($crate::kernels::wgsl::launch::Word::word(self.$field)),*]
            }
        }
    };
}
pub(super) use call_numbers;

/// A number that a shader reads as 4 bytes.
pub(super) trait Word {
    fn word(self) -> u32;
}

impl Word for u32 {
    fn word(self) -> u32 {
        self
    }
}

impl Word for f32 {
    fn word(self) -> u32 {
        self.to_bits()
    }
}

/// A count as a shader takes it.
///
/// # Panics
/// If it does not fit 32 bits; no tensor that a device holds has so many rows.
pub(super) fn count(value: usize) -> u32 {
    u32::try_from(value).expect("a count of a tensor that fits a device fits 32 bits")
}

/// A shader as cubecl wants it.
struct Kernel(Arc<Shader>);

/// Tells one shader from another: the name for people, the hash of its text for certainty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct TextId(&'static str, [u8; 32]);

impl KernelMetadata for Kernel {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn id(&self) -> KernelId {
        // Checked mode would count the rounds of every loop in the shader.
        KernelId::new::<Self>()
            .mode(ExecutionMode::Unchecked)
            .cube_dim(CubeDim::new_1d(self.0.threads).0)
            .info(TextId(self.0.name, self.0.id))
    }

    fn address_type(&self) -> ElemType {
        UIntKind::U32.into()
    }
}

impl CubeKernel for Kernel {
    fn define(&self) -> KernelDefinition {
        let settings = KernelSettings::new(
            CubeDim::new_1d(self.0.threads).0,
            ExecutionMode::Unchecked,
            AddressType::U32,
        );
        KernelDefinition {
            body: Scope::root(settings.clone()),
            settings,
            info: Info::default(),
        }
    }

    fn source(&self) -> Option<PrecompiledSource> {
        Some(PrecompiledSource {
            source: self.0.text.clone(),
            entrypoint_name: "main".to_owned(),
            lang: "wgsl",
        })
    }
}

/// What a shader does with a tensor.
#[derive(Clone, Copy)]
pub(super) enum Use<'a> {
    Read(&'a CubeTensor),
    Write(&'a CubeTensor),
    Change(&'a CubeTensor),
}

impl<'a> Use<'a> {
    /// The same in a launch that is not the first into the tensor: what another wrote there stays, and
    /// where that other one failed this one is not to hide it.
    pub(super) fn again(self) -> Self {
        match self {
            Self::Write(tensor) => Self::Change(tensor),
            other => other,
        }
    }

    /// The tensor itself.
    pub(super) fn tensor(self) -> &'a CubeTensor {
        match self {
            Self::Read(tensor) | Self::Write(tensor) | Self::Change(tensor) => tensor,
        }
    }
}

/// Runs `shader` on `grid` workgroups. `tensors` are its bindings from 0 on, in order, contiguous;
/// `words` is the last one. What goes wrong on the device shows when a result is read.
pub(super) fn launch(shader: &Arc<Shader>, tensors: &[Use], words: &[u32], grid: [u32; 3]) {
    #[cfg(test)]
    return super::tests::watch::launch(shader, tensors, words, grid, || {
        send(shader, tensors, words, grid);
    });
    #[cfg(not(test))]
    send(shader, tensors, words, grid);
}

fn send(shader: &Arc<Shader>, tensors: &[Use], words: &[u32], grid: [u32; 3]) {
    let mut arguments = KernelArguments::new();
    let mut client = None;
    for usage in tensors {
        let tensor = usage.tensor();
        let io = match usage {
            Use::Read(_) => BufferIOAttr::ReadOnly,
            Use::Write(_) => BufferIOAttr::WriteOnly,
            Use::Change(_) => BufferIOAttr::ReadWrite,
        };
        debug_assert!(tensor.is_contiguous(), "{}: {tensor:?}", shader.name);
        client.get_or_insert(&tensor.client);
        arguments = arguments.with_buffer_io(tensor.handle.clone().binding(), io);
    }
    let pairs = words.chunks(2).map(|pair| {
        let high = pair.get(1).copied().unwrap_or(0);
        u64::from(pair[0]) | u64::from(high) << 32
    });
    let arguments = arguments.with_info(MetadataBindingInfo::custom(pairs.collect()));
    let [x, y, z] = grid;
    if let Some(client) = client {
        client.launch(
            Box::new(Kernel(Arc::clone(shader))),
            CubeCount::Static(x, y, z),
            arguments,
        );
    }
}

/// Workgroups in one layer of a grid: no more than a grid may have in one direction.
pub(super) const GROUPS_PER_LAYER: u32 = 32_768;

/// A grid of at least `groups` workgroups, in layers.
pub(super) fn layers(groups: u32) -> [u32; 3] {
    [
        groups.min(GROUPS_PER_LAYER),
        groups.div_ceil(GROUPS_PER_LAYER),
        1,
    ]
}

/// A tensor with memory of its own, its values not yet written.
pub(super) fn empty<const D: usize>(
    like: &CubeTensor,
    shape: [usize; D],
    dtype: DType,
) -> CubeTensor {
    let shape = Shape::new(shape);
    #[cfg(test)]
    if let Some(tensor) = super::tests::watch::empty(&shape, dtype) {
        return tensor;
    }
    let bytes = shape.num_elements() * dtype.size();
    CubeTensor::new_contiguous(
        like.client.clone(),
        like.device.clone(),
        shape,
        like.client.empty(bytes),
        dtype,
    )
}

/// How a tensor's numbers are stored, if kernels can read them.
pub(super) fn elem(tensor: &CubeTensor) -> Option<Elem> {
    match tensor.dtype() {
        DType::F32 => Some(Elem::F32),
        DType::F16 => Some(Elem::F16),
        _ => None,
    }
}
