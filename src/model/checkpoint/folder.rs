//! Finds the files of a folder that hold weights, and opens them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::Dtype;
use super::error::{Fault, LoadError};
use super::pytorch::PytorchFile;
use super::safetensors::SafetensorsFile;
use crate::model::config::file;

/// The names under which weights are looked for; the first that is there is taken.
pub(super) const WEIGHT_FILES: [&str; 4] = [
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
];

/// The largest index that is read, in bytes.
const MAX_INDEX_BYTES: u64 = 100 << 20;

/// An open file with tensors.
#[derive(Debug)]
pub(super) struct WeightFile {
    /// Where it is.
    pub(super) path: PathBuf,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Safetensors(SafetensorsFile),
    Pytorch(PytorchFile),
}

impl WeightFile {
    fn open(path: PathBuf, format: Format) -> Result<Self, LoadError> {
        let content = match format {
            Format::Safetensors => SafetensorsFile::open(&path).map(Content::Safetensors),
            Format::Pytorch => PytorchFile::open(&path).map(Content::Pytorch),
        };
        let file = match content {
            Ok(content) => Self { path, content },
            Err(fault) => return Err(LoadError::File { file: path, fault }),
        };
        match file.tensors().iter().any(|(name, ..)| has_control(name)) {
            true => Err(file.error(Fault::Name)),
            false => Ok(file),
        }
    }

    /// Opens a safetensors file of any name.
    pub(super) fn safetensors(path: PathBuf) -> Result<Self, LoadError> {
        Self::open(path, Format::Safetensors)
    }

    /// Name, type and shape of every tensor.
    pub(super) fn tensors(&self) -> Vec<(&str, Dtype, &[usize])> {
        match &self.content {
            Content::Safetensors(file) => file.tensors().collect(),
            Content::Pytorch(file) => file.tensors().collect(),
        }
    }

    /// Lends the bytes of one tensor: little-endian, row-major.
    pub(super) fn lend<T>(
        &self,
        tensor: usize,
        borrow: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, LoadError> {
        let lent = match &self.content {
            Content::Safetensors(file) => file.lend(tensor, borrow),
            Content::Pytorch(file) => file.bytes(tensor).map(|bytes| borrow(&bytes)),
        };
        lent.map_err(|fault| self.error(fault))
    }

    /// The error for a fault of this file.
    pub(super) fn error(&self, fault: Fault) -> LoadError {
        LoadError::File {
            file: self.path.clone(),
            fault,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Format {
    Safetensors,
    Pytorch,
}

/// Whether a folder holds anything under the names of weights.
pub(super) fn has_weights(folder: &Path) -> bool {
    let mut names = WEIGHT_FILES.iter();
    names.any(|name| folder.join(name).symlink_metadata().is_ok())
}

/// Opens the weights of a folder: one file, or the shards of an index.
pub(super) fn open(folder: &Path) -> Result<Vec<WeightFile>, LoadError> {
    let [safetensors, safetensors_index, bin, bin_index] =
        WEIGHT_FILES.map(|name| folder.join(name));
    // A link to nowhere counts as being there: what it lacks is then said of the file itself.
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    if is_there(&safetensors) {
        Ok(vec![WeightFile::open(safetensors, Format::Safetensors)?])
    } else if is_there(&safetensors_index) {
        open_shards(folder, safetensors_index, Format::Safetensors)
    } else if is_there(&bin) {
        Ok(vec![WeightFile::open(bin, Format::Pytorch)?])
    } else if is_there(&bin_index) {
        open_shards(folder, bin_index, Format::Pytorch)
    } else {
        Err(LoadError::NoWeights(folder.to_owned()))
    }
}

fn open_shards(
    folder: &Path,
    index: PathBuf,
    format: Format,
) -> Result<Vec<WeightFile>, LoadError> {
    let map = read_index(&index)?;
    let names: BTreeSet<&str> = map.values().map(String::as_str).collect();
    let missing: Vec<String> = names
        .iter()
        .filter(|name| folder.join(name).symlink_metadata().is_err())
        .map(|name| (*name).to_owned())
        .collect();
    if !missing.is_empty() {
        return Err(LoadError::MissingShards {
            index,
            shards: missing,
        });
    }
    let open = |name: &&str| WeightFile::open(folder.join(name), format);
    let files = names.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let mut homes: HashMap<&str, &str> = HashMap::new();
    for (name, file) in names.iter().zip(&files) {
        for (tensor, ..) in file.tensors() {
            if let Some(other) = homes.insert(tensor, name) {
                let reason = format!("{tensor} is in two shards, {other} and {name}");
                return Err(LoadError::Index { index, reason });
            }
        }
    }
    let absent: Vec<String> = map
        .iter()
        .filter(|(tensor, shard)| homes.get(tensor.as_str()) != Some(&shard.as_str()))
        .map(|(tensor, shard)| format!("{tensor} (in {shard})"))
        .collect();
    if !absent.is_empty() {
        let reason = format!(
            "it names tensors that are not in their shard, fetch index and shards of the same \
             model: {}",
            absent.join(", ")
        );
        return Err(LoadError::Index { index, reason });
    }
    Ok(files)
}

/// The shard of each tensor that an index names; every shard is a file in the same folder.
fn read_index(index: &Path) -> Result<BTreeMap<String, String>, LoadError> {
    let wrong = |reason: String| LoadError::Index {
        index: index.to_owned(),
        reason,
    };
    let text = file::read_text(index, MAX_INDEX_BYTES).map_err(|fault| LoadError::File {
        file: index.to_owned(),
        fault: fault.into(),
    })?;
    let content: Value =
        serde_json::from_str(&text).map_err(|error| wrong(format!("is not JSON: {error}")))?;
    let entries = content.get("weight_map").and_then(Value::as_object);
    let map: Option<BTreeMap<String, String>> = entries.and_then(|entries| {
        let entry =
            |(tensor, shard): (&String, &Value)| Some((tensor.clone(), shard.as_str()?.to_owned()));
        entries.iter().map(entry).collect()
    });
    let map = map
        .filter(|map| !map.is_empty())
        .ok_or_else(|| wrong("it has no \"weight_map\" that gives tensors a file".to_owned()))?;
    if let Some(shard) = map.values().find(|shard| !is_file_name(shard)) {
        let shard: String = shard.chars().take(100).collect();
        return Err(wrong(format!(
            "it names a shard {shard:?}; shards must be files in the same folder"
        )));
    }
    match map.keys().any(|tensor| has_control(tensor)) {
        true => Err(wrong(
            "it names a tensor with control characters".to_owned(),
        )),
        false => Ok(map),
    }
}

/// Whether a name leads to the same folder on every system.
fn is_file_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name)
        && !name.contains(['/', '\\', ':'])
        && !has_control(name)
}

/// Whether a name, shown in a terminal, could be taken for commands to it.
fn has_control(name: &str) -> bool {
    name.contains(char::is_control)
}
