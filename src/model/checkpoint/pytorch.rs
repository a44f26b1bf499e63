//! Reads one PyTorch file, tensor by tensor, without running the pickle inside.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use burn_store::pytorch_reader::{DType, PytorchReader, Tensor};

use super::Dtype;
use super::error::Fault;
use crate::model::config::file::{self, IMPOSTOR_BYTES};

/// The longest message of the reader that is passed on, in characters.
const MAX_MESSAGE: usize = 300;

/// An open file: a zip archive (PyTorch 1.6 and later) or the older stream of pickles.
#[derive(Debug)]
pub(super) struct PytorchFile {
    tensors: Vec<Tensor>,
}

impl PytorchFile {
    /// Opens a file and lists its tensors, sorted by name.
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let (file, size) = file::open(path)?;
        let mut start = Vec::new();
        file.take(IMPOSTOR_BYTES as u64).read_to_end(&mut start)?;
        if let Some(fault) = file::impostor(&start) {
            return Err(fault.into());
        }
        let mut tensors: Vec<Tensor> =
            guarded(|| PytorchReader::new(path).map(PytorchReader::into_tensors))?
                .into_values()
                .collect();
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        // A view with stride 0 can be larger than any file; no weight is one.
        if let Some(tensor) = tensors
            .iter()
            .find(|tensor| tensor.byte_len() as u64 > size)
        {
            let reason = format!("{} is larger than the file", tensor.name);
            return Err(Fault::Pickle(reason));
        }
        if tensors.is_empty() {
            return Err(Fault::Pickle("there is no tensor in it".to_owned()));
        }
        Ok(Self { tensors })
    }

    /// Name, type and shape of every tensor, sorted by name.
    pub(super) fn tensors(&self) -> impl Iterator<Item = (&str, Dtype, &[usize])> {
        self.tensors
            .iter()
            .map(|tensor| (tensor.name.as_str(), dtype(tensor.dtype()), tensor.shape()))
    }

    /// The bytes of one tensor, row-major whatever its strides in the file.
    pub(super) fn bytes(&self, tensor: usize) -> Result<Vec<u8>, Fault> {
        guarded(|| self.tensors[tensor].read())
    }
}

/// Calls the reader and makes faults of its errors.
///
/// Also of its panics: the reader is not ours and parses a format that can express programs, so
/// this one place makes sure that a damaged file ends in a sentence.
fn guarded<T, E: std::fmt::Display>(read: impl FnOnce() -> Result<T, E>) -> Result<T, Fault> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Fault::Pickle(
            error.to_string().chars().take(MAX_MESSAGE).collect(),
        )),
        Err(_) => Err(Fault::Pickle("the reader gave up on it".to_owned())),
    }
}

fn dtype(dtype: DType) -> Dtype {
    match dtype {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I16 => Dtype::I16,
        DType::I8 => Dtype::I8,
        DType::U64 => Dtype::U64,
        DType::U32 => Dtype::U32,
        DType::U16 => Dtype::U16,
        DType::U8 => Dtype::U8,
        DType::Bool => Dtype::BOOL,
    }
}
