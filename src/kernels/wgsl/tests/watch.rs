//! Watches launches: outputs get guard bands and are filled with NaN first, and every launch can
//! be run a second time by wgpu itself, with the bounds of its shader checked.

use std::cell::RefCell;
use std::sync::Arc;

use burn::backend::wgpu::CubeTensor;
use burn::backend::{DType, TensorMetadata};
use burn::tensor::{Shape, TensorData};

use super::{ADAPTER, read};
use crate::kernels::wgsl::launch::Use;
use crate::kernels::wgsl::source::Shader;

/// Elements behind an output that no kernel may touch.
const BAND: usize = 256;
/// What stands in them; exact in 16 bits.
const UNTOUCHED: f32 = -1234.0;

/// One launch, with what its tensors held before and after.
pub(in crate::kernels::wgsl) struct Launch {
    pub(super) shader: Arc<Shader>,
    pub(super) before: Vec<Vec<u8>>,
    pub(super) after: Vec<Vec<u8>>,
    pub(super) words: Vec<u32>,
    pub(super) grid: [u32; 3],
}

#[derive(Default)]
struct Watch {
    /// The whole memory of each output, and how many elements of it are the tensor's.
    outputs: Vec<(CubeTensor, usize)>,
    record: bool,
    launches: Vec<Launch>,
}

thread_local! {
    static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
}

/// What [`super::super::launch::empty`] gives out while launches are watched.
pub(in crate::kernels::wgsl) fn empty(shape: &Shape, dtype: DType) -> Option<CubeTensor> {
    WATCH.with_borrow_mut(|watch| {
        let watch = watch.as_mut()?;
        let elements = shape.num_elements();
        let mut values = vec![f32::NAN; elements];
        values.extend([UNTOUCHED; BAND]);
        let length = values.len();
        let data = TensorData::new(values, [length]).convert_dtype(dtype);
        let whole = (ADAPTER.of)(data);
        watch.outputs.push((whole.clone(), elements));
        Some(CubeTensor::new_contiguous(
            whole.client.clone(),
            whole.device.clone(),
            shape.clone(),
            whole.handle.clone(),
            dtype,
        ))
    })
}

fn bytes(tensor: &CubeTensor) -> Vec<u8> {
    let read = tensor.client.read_one(tensor.handle.clone());
    let bytes = read.expect("the tensor can be read");
    let length = tensor.shape().num_elements() * tensor.dtype().size();
    bytes[..length].to_vec()
}

/// Runs `launch`, keeping its tensors' bytes if launches are recorded.
pub(in crate::kernels::wgsl) fn launch(
    shader: &Arc<Shader>,
    tensors: &[Use],
    words: &[u32],
    grid: [u32; 3],
    launch: impl FnOnce(),
) {
    let recorded = WATCH.with_borrow(|watch| watch.as_ref().is_some_and(|watch| watch.record));
    if !recorded {
        return launch();
    }
    let held = || -> Vec<Vec<u8>> {
        tensors
            .iter()
            .map(|tensor| bytes(tensor.tensor()))
            .collect()
    };
    let before = held();
    launch();
    let after = held();
    WATCH.with_borrow_mut(|watch| {
        let watch = watch.as_mut().expect("it was there a moment ago");
        watch.launches.push(Launch {
            shader: Arc::clone(shader),
            before,
            after,
            words: words.to_vec(),
            grid,
        });
    });
}

/// Runs `work` with watched outputs. Fails if a band was touched or an element not written.
/// Returns the launches, if they are to be recorded.
pub(super) fn watched(record: bool, work: impl FnOnce()) -> Vec<Launch> {
    WATCH.set(Some(Watch {
        record,
        ..Watch::default()
    }));
    work();
    let watch = WATCH.take().expect("nobody else takes it");
    assert!(!watch.outputs.is_empty());
    for (whole, elements) in watch.outputs {
        let values = read(whole);
        let (own, band) = values.split_at(elements);
        let touched = band.iter().filter(|&&value| value != UNTOUCHED).count();
        assert_eq!(touched, 0, "elements behind an output of {elements}");
        let missing = own.iter().filter(|value| value.is_nan()).count();
        assert_eq!(missing, 0, "elements of {elements} that were not written");
    }
    watch.launches
}
