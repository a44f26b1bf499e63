//! Hugging Face folders: weights in, checked name by name and shape by shape, and out again.
//!
//! Opening reads headers only. [`Checkpoint::plan`] then matches what is stored with what a model
//! asks for, or says in one table what differs, and [`Checkpoint::read`] hands the values out,
//! one tensor at a time. Nothing is filled in, converted or left out in silence.

mod adapter;
mod error;
mod folder;
mod mismatch;
mod names;
mod narrow;
mod plan;
mod pytorch;
mod safetensors;
mod save;
mod structure;
mod upcast;

use std::path::{Path, PathBuf};

pub use ::safetensors::Dtype;

pub use self::adapter::base_of;
pub use self::error::{Fault, LoadError};
pub use self::mismatch::{Difference, Mismatch};
pub use self::narrow::{FloatType, Rounding};
pub use self::plan::{LeftAside, LoadPlan};
pub use self::save::{Content, SaveError, save, save_as};
pub use self::structure::{Head, Reason, Structure};

use self::folder::WeightFile;
use self::names::Spelling;
use super::config::{self, ConfigError, ModelConfig, ModelType};

/// A parameter that a model has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ParameterSpec {
    /// The name that transformers gives it in a model with a head: the encoder's begin with
    /// `model.` or `bert.`, also where the model has no head.
    pub name: String,
    /// Sizes of its dimensions; linear weights are `[out, in]`, embeddings `[entries, width]`.
    pub shape: Vec<usize>,
}

/// A tensor that a checkpoint holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTensor {
    /// The name in the file.
    pub name: String,
    /// The type of its numbers in the file.
    pub dtype: Dtype,
    /// Sizes of its dimensions.
    pub shape: Vec<usize>,
    /// The file that it is in.
    pub file: PathBuf,
}

/// An opened folder: what it describes, and which tensors lie where.
#[derive(Debug)]
pub struct Checkpoint {
    folder: PathBuf,
    config: ModelConfig,
    structure: Structure,
    files: Vec<WeightFile>,
    tensors: Vec<StoredTensor>,
    /// For each tensor the parameter that it would fill.
    parameters: Vec<String>,
    /// For each tensor its file and its index there.
    places: Vec<(usize, usize)>,
    /// What an adapter changes when values are read.
    changes: Option<adapter::Changes>,
}

impl Checkpoint {
    /// Opens the folder of a model: `config.json` and the first that is there of
    /// `model.safetensors`, its shards, `pytorch_model.bin`, its shards. A folder with
    /// `adapter_config.json` instead is opened with the model that the adapter changes, as one.
    ///
    /// # Errors
    /// [`LoadError`] when a file is missing, damaged or something else than its name says, or
    /// when configuration and names of tensors contradict each other.
    pub fn open(folder: &Path) -> Result<Self, LoadError> {
        if adapter::is_adapter(folder) {
            return adapter::open(folder);
        }
        let (text, config_file) = config::read_text(folder)?;
        let config = match ModelConfig::parse(&text, &config_file) {
            Err(ConfigError::NoModelType { .. }) => None,
            other => Some(other?),
        };
        let files = folder::open(folder)?;
        let mut tensors = Vec::new();
        let mut places = Vec::new();
        for (number, file) in files.iter().enumerate() {
            for (index, (name, dtype, shape)) in file.tensors().into_iter().enumerate() {
                places.push((number, index));
                tensors.push(StoredTensor {
                    name: name.to_owned(),
                    dtype,
                    shape: shape.to_vec(),
                    file: file.path.clone(),
                });
            }
        }
        let names = || tensors.iter().map(|tensor| tensor.name.as_str());
        let found = ModelType::of_tensors(names());
        let config = match config {
            Some(config) => config,
            None => ModelConfig::parse_beside(&text, &config_file, found)?,
        };
        let declared = config.model_type();
        if let Some(found) = found.filter(|found| *found != declared) {
            return Err(LoadError::ModelType {
                folder: folder.to_owned(),
                declared,
                found,
            });
        }
        let spelling = Spelling::of(names(), declared);
        let parameters: Vec<String> = names().map(|name| spelling.parameter(name)).collect();
        let structure = Structure::decide(&config, &parameters, folder)?;
        let folder = folder.to_owned();
        Ok(Self {
            folder,
            config,
            structure,
            files,
            tensors,
            parameters,
            places,
            changes: None,
        })
    }

    /// The folder of the model that an adapter changes; `None` for any other model.
    pub fn base(&self) -> Option<&Path> {
        self.changes.as_ref().map(adapter::Changes::base)
    }

    /// What `config.json` says.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Which parts the model has, by `architectures` and the tensors that are there.
    pub fn structure(&self) -> Structure {
        self.structure
    }

    /// The same tensors seen by a model with another head: those of other heads are left aside,
    /// and so is a classifier of other labels.
    pub fn with_head(mut self, config: ModelConfig, structure: Structure) -> Self {
        if self.config.labels != config.labels {
            let is_kept = |name: &String| !name.starts_with("classifier.");
            let kept: Vec<bool> = self.parameters.iter().map(is_kept).collect();
            self.retain(&kept);
        }
        (self.config, self.structure) = (config, structure);
        self
    }

    /// Whether a tensor has the name and the shape of a parameter.
    pub fn stores(&self, parameter: &ParameterSpec) -> bool {
        let mut stored = self.parameters.iter().zip(&self.tensors);
        stored.any(|(name, tensor)| *name == parameter.name && tensor.shape == parameter.shape)
    }

    /// Every tensor of the folder.
    pub fn tensors(&self) -> &[StoredTensor] {
        &self.tensors
    }

    /// Matches every parameter of a model with one tensor, and every tensor with a parameter or
    /// a reason to leave it aside. Reads no values but those of tied copies, to compare them.
    ///
    /// # Errors
    /// [`Mismatch`] with all that does not match.
    pub fn plan(&self, layout: &[ParameterSpec]) -> Result<LoadPlan, Mismatch> {
        plan::plan(self, layout)
    }

    /// Hands out each parameter of a plan of this checkpoint, row-major, in the order of the
    /// layout. Memory holds one tensor at a time, unless `each` keeps them.
    ///
    /// # Errors
    /// [`LoadError`] when a file can no longer be read, or what `each` returns.
    pub fn read<E: From<LoadError>>(
        &self,
        plan: &LoadPlan,
        each: &mut impl FnMut(&ParameterSpec, Vec<f32>) -> Result<(), E>,
    ) -> Result<(), E> {
        for (parameter, tensor) in &plan.fills {
            each(parameter, self.values(*tensor)?)?;
        }
        Ok(())
    }

    /// Keeps the tensors for which `kept` is true.
    fn retain(&mut self, kept: &[bool]) {
        retain(&mut self.tensors, kept);
        retain(&mut self.places, kept);
        retain(&mut self.parameters, kept);
    }

    /// The parameter of this number in a plan of this checkpoint, row-major.
    ///
    /// # Errors
    /// [`LoadError`] when a file can no longer be read.
    ///
    /// # Panics
    /// If the plan has no such parameter.
    pub fn parameter(&self, plan: &LoadPlan, number: usize) -> Result<Vec<f32>, LoadError> {
        self.values(plan.fills[number].1)
    }

    /// The values of a tensor as f32, changed as an adapter says.
    fn values(&self, tensor: usize) -> Result<Vec<f32>, LoadError> {
        let mut values = self.stored(self.places[tensor], &self.tensors[tensor])?;
        if let Some(changes) = &self.changes {
            changes.apply(self, &self.parameters[tensor], &mut values)?;
        }
        Ok(values)
    }

    /// The values of a tensor as they are stored.
    fn stored(&self, place: (usize, usize), tensor: &StoredTensor) -> Result<Vec<f32>, LoadError> {
        let (file, index) = place;
        let StoredTensor { name, dtype, .. } = tensor;
        let values = self.files[file].lend(index, |bytes| upcast::to_f32(*dtype, bytes))?;
        values.ok_or_else(|| {
            self.files[file].error(Fault::Type {
                name: name.clone(),
                dtype: *dtype,
            })
        })
    }

    /// Fails with the reason unless two tensors have the same shape and, bit for bit, values.
    fn compare(&self, copy: usize, original: usize) -> Result<(), String> {
        let [a, b] = [copy, original].map(|tensor| &self.tensors[tensor]);
        if a.shape != b.shape {
            return Err(format!("shape {:?} instead of {:?}", a.shape, b.shape));
        }
        let values = |tensor| self.values(tensor).map_err(|error| error.to_string());
        let (a, b) = (values(copy)?, values(original)?);
        let unequal = a
            .iter()
            .zip(&b)
            .filter(|(a, b)| a.to_bits() != b.to_bits())
            .count();
        match unequal {
            0 => Ok(()),
            _ => Err(format!("{unequal} of {} values are different", a.len())),
        }
    }
}

fn retain<T>(items: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    items.retain(|_| kept.next() == Some(&true));
}
