//! Says why a folder gives no model.

use std::path::PathBuf;

use super::folder::WEIGHT_FILES;
use super::mismatch::Mismatch;
use crate::model::config::{ConfigError, FileFault, ModelType};

/// Why a checkpoint cannot be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// `config.json` is missing or describes no supported model.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The folder holds no weights.
    #[error(
        "{}: no weights in this folder; looked for {}", .0.display(), WEIGHT_FILES.join(", ")
    )]
    NoWeights(PathBuf),
    /// A file with weights is damaged or something else.
    #[error("{}: {fault}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        fault: Fault,
    },
    /// Shards that the index names are not there.
    #[error(
        "{}: these shards that it names are not in the folder, fetch them too: {}",
        index.display(), shards.join(", ")
    )]
    MissingShards {
        /// The index.
        index: PathBuf,
        /// Names of the files, sorted.
        shards: Vec<String>,
    },
    /// The index is malformed or disagrees with its shards.
    #[error("{}: {reason}", index.display())]
    Index {
        /// The index.
        index: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// `model_type` and the names of the tensors tell of different models.
    #[error(
        "{}: model_type in config.json is \"{}\", but the tensors have the names of \"{}\"; \
         fetch the config.json that belongs to these weights",
        folder.display(), declared.name(), found.name()
    )]
    ModelType {
        /// The folder.
        folder: PathBuf,
        /// From `config.json`.
        declared: ModelType,
        /// From the tensors.
        found: ModelType,
    },
    /// It cannot be told which head the model has.
    #[error("{}: {reason}", config.display())]
    Head {
        /// The `config.json`.
        config: PathBuf,
        /// What is wrong and what to write instead.
        reason: String,
    },
    /// An adapter is damaged, of a kind that is not supported, or without its base.
    #[error("{}: {reason}", file.display())]
    Adapter {
        /// Its `adapter_config.json`.
        file: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Tensors and parameters do not match.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
}

/// What is wrong with a file of weights.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It gives no bytes, or those of something else.
    #[error(transparent)]
    File(#[from] FileFault),
    /// It ends before what it announces.
    #[error("is truncated: {expected} bytes are announced, {found} are there; fetch it again")]
    Truncated {
        /// Bytes that the file should have.
        expected: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// It goes on after what it announces.
    #[error("is damaged: {surplus} bytes follow after the last tensor; fetch it again")]
    Surplus {
        /// Bytes that belong to no tensor.
        surplus: u64,
    },
    /// Its first eight bytes are no plausible length of a header.
    #[error(
        "is no safetensors file, or damaged: its header would have {bytes} bytes (at most \
         {limit} are allowed)"
    )]
    HeaderLength {
        /// The announced length.
        bytes: u64,
        /// The longest header that is read.
        limit: u64,
    },
    /// Its header is not what the format asks for.
    #[error("is damaged: its safetensors header is wrong: {0}")]
    Header(String),
    /// A PyTorch file under the name of a safetensors file.
    #[error("is a PyTorch file, not safetensors; rename it to pytorch_model.bin")]
    Pytorch,
    /// The PyTorch reader refused it.
    #[error("is no PyTorch checkpoint that can be read: {0}")]
    Pickle(String),
    /// A name that a terminal could take for commands.
    #[error("is damaged: a tensor has a name with control characters")]
    Name,
    /// A tensor is of a type that is no weight.
    #[error(
        "{name} is of type {dtype}; weights must be {}",
        super::upcast::SUPPORTED
    )]
    Type {
        /// The tensor.
        name: String,
        /// Its type.
        dtype: super::Dtype,
    },
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::File(FileFault::Io(error))
    }
}
