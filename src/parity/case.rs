//! A reference case: a folder, its files, and where to find what belongs to it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::ParityError;
use super::tensors::References;
use super::{metrics_case, pipeline_case};

/// One opened case.
#[derive(Debug)]
pub(super) struct Case {
    /// The case's own folder.
    pub(super) folder: PathBuf,
    /// The folder of all cases.
    pub(super) all: PathBuf,
    /// `case.json`, if there is one.
    description: Option<Value>,
}

/// Names of the folders in `folder` that can be cases, sorted.
pub(super) fn names(folder: &Path) -> Result<Vec<String>, ParityError> {
    let entries = fs::read_dir(folder).map_err(|error| ParityError::new(folder, error))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| ParityError::new(folder, error))?;
        if let (true, Ok(name)) = (entry.path().is_dir(), entry.file_name().into_string()) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return Err(ParityError::NoCase {
            folder: folder.to_owned(),
            reason: "no reference case here; a case is a folder with its files".to_owned(),
        });
    }
    names.sort();
    Ok(names)
}

impl Case {
    pub(super) fn open(all: &Path, name: &str) -> Result<Self, ParityError> {
        let folder = all.join(name);
        let mut case = Self {
            folder,
            all: all.to_owned(),
            description: None,
        };
        if case.has("case.json") {
            case.description = Some(case.json("case.json")?);
        }
        Ok(case)
    }

    pub(super) fn has(&self, file: &str) -> bool {
        self.folder.join(file).exists()
    }

    /// Why the case is of a kind that is not implemented, as far as its description says so.
    pub(super) fn unknown(&self) -> Option<String> {
        let values = self
            .description
            .as_ref()
            .and_then(|json| json.get("values"));
        let values = values.and_then(Value::as_array).map(Vec::as_slice);
        let ours = |file: &str| {
            pipeline_case::FILES.contains(&file) || metrics_case::FILES.contains(&file)
        };
        let known = |file: &Value| file.as_str().is_some_and(ours);
        if values.is_some_and(|files| !files.iter().all(known)) {
            Some("JSON values; this version has no such computation yet".to_owned())
        } else {
            None
        }
    }

    /// Where inputs and expected outputs lie: the case's own folder or the one it names.
    pub(super) fn io_folder(&self) -> PathBuf {
        let named = self
            .description
            .as_ref()
            .and_then(|json| json.get("outputs_of")?.as_str());
        named.map_or_else(|| self.folder.clone(), |name| self.all.join(name))
    }

    pub(super) fn json(&self, file: &str) -> Result<Value, ParityError> {
        read_json(&self.folder.join(file))
    }

    /// Names of the folders inside, sorted.
    pub(super) fn folders(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.path().is_dir());
        let mut names: Vec<String> = folders
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    /// Lines of a JSON Lines file.
    pub(super) fn json_lines(&self, file: &str) -> Result<Vec<Value>, ParityError> {
        let path = self.folder.join(file);
        let text = read(&path)?;
        text.lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| serde_json::from_str(line).map_err(|error| ParityError::new(&path, error)))
            .collect()
    }
}

/// Inputs and outputs of a folder, with the reference's own error per tensor.
pub(super) struct Io {
    pub(super) tensors: References,
    noise: Value,
}

impl Io {
    /// Reads `<stem>.safetensors` and the file of its noise, if there is one.
    pub(super) fn read(folder: &Path, stem: &str, noise: &str) -> Result<Self, ParityError> {
        let tensors = References::read(&folder.join(format!("{stem}.safetensors")))?;
        let noise = folder.join(noise);
        let noise = if noise.exists() {
            read_json(&noise)?
        } else {
            Value::Null
        };
        Ok(Self { tensors, noise })
    }

    /// [`Io::read`] where one file of noise serves several: `key` names the part for this one.
    pub(super) fn read_part(
        folder: &Path,
        stem: &str,
        noise: &str,
        key: &str,
    ) -> Result<Self, ParityError> {
        let mut io = Self::read(folder, stem, noise)?;
        io.noise = io.noise.get(key).cloned().unwrap_or(Value::Null);
        Ok(io)
    }

    /// The reference's |float32 - float64| of a tensor; 0 where it was not measured.
    pub(super) fn noise(&self, tensor: &str) -> f64 {
        self.noise
            .get(tensor)
            .and_then(|entry| entry.get("max_abs_f32_vs_f64")?.as_f64())
            .unwrap_or(0.0)
    }
}

fn read(path: &Path) -> Result<String, ParityError> {
    fs::read_to_string(path).map_err(|error| ParityError::new(path, error))
}

fn read_json(path: &Path) -> Result<Value, ParityError> {
    serde_json::from_str(&read(path)?).map_err(|error| ParityError::new(path, error))
}
