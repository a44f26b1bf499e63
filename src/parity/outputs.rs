//! What was computed, collected under the names of what was expected.

use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};

use super::ParityError;

/// Everything one case computed.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
    /// Lines of `strings.jsonl`.
    strings: Vec<serde_json::Value>,
    /// Files of JSON values.
    values: Vec<(String, serde_json::Value)>,
}

impl Outputs {
    pub(super) fn tensor(&mut self, name: &str, shape: &[usize], values: Vec<f32>) {
        self.tensors.push((name.to_owned(), shape.to_vec(), values));
    }

    pub(super) fn string(&mut self, line: serde_json::Value) {
        self.strings.push(line);
    }

    pub(super) fn values(&mut self, file: &str, values: serde_json::Value) {
        self.values.push((file.to_owned(), values));
    }

    /// Writes files of values, `io.safetensors` and `strings.jsonl`, those that hold something, into `folder`.
    pub(super) fn write(&self, folder: &Path) -> Result<(), ParityError> {
        if self.tensors.is_empty() && self.strings.is_empty() && self.values.is_empty() {
            return Ok(());
        }
        fs::create_dir_all(folder).map_err(|error| ParityError::new(folder, error))?;
        if !self.tensors.is_empty() {
            self.write_tensors(&folder.join("io.safetensors"))?;
        }
        for (name, values) in &self.values {
            let file = folder.join(name);
            let text = format!("{values:#}\n");
            fs::write(&file, text).map_err(|error| ParityError::new(&file, error))?;
        }
        if !self.strings.is_empty() {
            let file = folder.join("strings.jsonl");
            let lines: String = self
                .strings
                .iter()
                .map(|line| format!("{line}\n"))
                .collect();
            fs::write(&file, lines).map_err(|error| ParityError::new(&file, error))?;
        }
        Ok(())
    }

    fn write_tensors(&self, file: &Path) -> Result<(), ParityError> {
        let failed = |error: &dyn std::fmt::Display| ParityError::new(file, error);
        let bytes: Vec<Vec<u8>> = self
            .tensors
            .iter()
            .map(|(_, _, values)| {
                values
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect()
            })
            .collect();
        let views = self
            .tensors
            .iter()
            .zip(&bytes)
            .map(|((name, shape, _), bytes)| {
                let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
                view.map(|view| (name.as_str(), view))
                    .map_err(|error| failed(&error))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let bytes = safetensors::serialize(views, None).map_err(|error| failed(&error))?;
        fs::write(file, bytes).map_err(|error| failed(&error))
    }
}
