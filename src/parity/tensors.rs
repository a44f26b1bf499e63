//! The tensors of a reference file, read whole.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Tensor;
use safetensors::{Dtype, SafeTensors};

use super::ParityError;
use crate::kernels;

/// The values of a tensor of ours, row-major.
pub(super) fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, String> {
    kernels::values(tensor).map_err(|fault| fault.to_string())
}

/// One tensor of a reference file.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    pub(super) shape: Vec<usize>,
    pub(super) values: Values,
}

/// Row-major values.
#[derive(Debug, Clone)]
pub(super) enum Values {
    Float(Vec<f32>),
    Int(Vec<i64>),
}

/// A file of reference tensors by name.
#[derive(Debug, Clone, Default)]
pub(super) struct References {
    tensors: BTreeMap<String, Reference>,
}

impl References {
    /// Reads all tensors of `file`.
    pub(super) fn read(file: &Path) -> Result<Self, ParityError> {
        let unreadable = |reason: String| ParityError::new(file, reason);
        let bytes = std::fs::read(file).map_err(|error| unreadable(error.to_string()))?;
        let parsed =
            SafeTensors::deserialize(&bytes).map_err(|error| unreadable(error.to_string()))?;
        let mut tensors = BTreeMap::new();
        for (name, view) in parsed.iter() {
            let values = match view.dtype() {
                Dtype::F32 => Values::Float(numbers(view.data(), f32::from_le_bytes)),
                Dtype::I64 => Values::Int(numbers(view.data(), i64::from_le_bytes)),
                Dtype::I32 => Values::Int(numbers(view.data(), |b| i32::from_le_bytes(b).into())),
                other => {
                    return Err(unreadable(format!(
                        "{name} is {other:?}; reference tensors are F32, I32 or I64"
                    )));
                }
            };
            let shape = view.shape().to_vec();
            tensors.insert(name.to_owned(), Reference { shape, values });
        }
        Ok(Self { tensors })
    }

    /// Every tensor with its name, sorted.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Reference)> {
        self.tensors
            .iter()
            .map(|(name, tensor)| (name.as_str(), tensor))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Reference> {
        self.tensors.get(name)
    }

    /// The float tensor called `name`, or a sentence.
    pub(super) fn floats(&self, name: &str) -> Result<(&[usize], &[f32]), String> {
        match self.get(name) {
            Some(Reference {
                shape,
                values: Values::Float(values),
            }) => Ok((shape, values)),
            Some(_) => Err(format!("{name} is not F32")),
            None => Err(format!("{name} is missing")),
        }
    }

    /// The integer tensor called `name`, or a sentence.
    pub(super) fn ints(&self, name: &str) -> Result<(&[usize], &[i64]), String> {
        match self.get(name) {
            Some(Reference {
                shape,
                values: Values::Int(values),
            }) => Ok((shape, values)),
            Some(_) => Err(format!("{name} is not an integer tensor")),
            None => Err(format!("{name} is missing")),
        }
    }
}

fn numbers<const N: usize, T>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes
        .chunks_exact(N)
        .map(|chunk| number(chunk.try_into().expect("chunks are exact")))
        .collect()
}
