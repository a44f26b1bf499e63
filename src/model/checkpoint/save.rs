//! Writes a model as a Hugging Face folder that transformers reads too.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use ::safetensors::tensor::{Metadata, TensorInfo};

use super::folder::WEIGHT_FILES;
use super::names::base;
use super::narrow::{FloatType, Rounding};
use super::{Checkpoint, LoadError, ParameterSpec};
use crate::kernels::DeviceFault;
use crate::model::config::{CONFIG_FILE, ConfigError, ModelConfig};

const WEIGHTS: &str = WEIGHT_FILES[0];
/// Numbers that are rounded at a time.
const PIECE: usize = 4096;

/// Why a model was not saved. Nothing is left behind then.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Saving never replaces anything.
    #[error("{}: is there already and not empty; name a new folder", .0.display())]
    NotEmpty(PathBuf),
    /// The path has no name of its own, such as `/` or `..`.
    #[error("{}: is no name for a new folder", .0.display())]
    NoName(PathBuf),
    /// The operating system refused.
    #[error("{}: cannot be written: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A weight that the wanted type does not hold.
    #[error(
        "{name}: the weight {value} is too large for {} numbers, which end at {}; store the model as \
         bf16 or f32",
        dtype.name(),
        dtype.largest()
    )]
    TooLarge {
        /// The parameter.
        name: String,
        /// The weight.
        value: f32,
        /// The type.
        dtype: FloatType,
    },
    /// A tokenizer file that cannot be copied beside the weights under its own name.
    #[error("{}: cannot be saved beside the weights: {reason}", path.display())]
    TokenizerFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The values of a parameter do not fill its shape.
    #[error("{name}: {found} values for the shape {shape:?}")]
    Values {
        /// The parameter.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// How many values there are.
        found: usize,
    },
    /// The device does not give the values back.
    #[error(transparent)]
    Fault(#[from] DeviceFault),
    /// The configuration cannot be written for weights of this type.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What was written would not load again.
    #[error("the model would not load again: {0}")]
    Unloadable(LoadError),
}

/// Saves a model as a folder with `config.json`, `model.safetensors` and copies of the
/// tokenizer's files. The folder must be new or empty.
///
/// Each parameter of `layout` is asked for once, in order, so memory holds one at a time. Weights
/// are stored as F32, and `dtype` in `config.json` says so. All is written aside, opened again as
/// a check, and renamed in the end: the folder is never there by half.
///
/// # Errors
/// [`SaveError`], or what `values` returns.
pub fn save<E: From<SaveError>>(
    folder: &Path,
    config: &ModelConfig,
    layout: &[ParameterSpec],
    values: &mut dyn FnMut(&ParameterSpec) -> Result<Vec<f32>, E>,
    tokenizer_files: &[PathBuf],
) -> Result<(), E> {
    let content = Content {
        config,
        layout,
        dtype: FloatType::F32,
        files: tokenizer_files,
    };
    save_as(folder, &content, values).map(|_| ())
}

/// What a folder is made of, beside the values of the weights.
#[derive(Debug, Clone, Copy)]
pub struct Content<'a> {
    /// Becomes `config.json`, with the type of the weights.
    pub config: &'a ModelConfig,
    /// The parameters, in the order in which they are asked for and stored.
    pub layout: &'a [ParameterSpec],
    /// What the weights are stored as.
    pub dtype: FloatType,
    /// Files that are copied beside the weights.
    pub files: &'a [PathBuf],
}

/// [`save`] in a type of choice; tells what rounding did.
///
/// # Errors
/// [`SaveError`], also for a weight that is too large for the type, or what `values` returns.
pub fn save_as<E: From<SaveError>>(
    folder: &Path,
    content: &Content<'_>,
    values: &mut dyn FnMut(&ParameterSpec) -> Result<Vec<f32>, E>,
) -> Result<Rounding, E> {
    let target = Target::new(folder)?;
    target.write_config(content.config, content.dtype)?;
    let rounding = target.write_weights(content, values)?;
    target.copy(content.files)?;
    target.check(content.layout)?;
    target.finish()?;
    Ok(rounding)
}

/// A folder that is being written under another name; dropped before the end it is removed.
struct Target {
    folder: PathBuf,
    aside: PathBuf,
    finished: bool,
}

impl Target {
    fn new(folder: &Path) -> Result<Self, SaveError> {
        let name = folder
            .file_name()
            .ok_or_else(|| SaveError::NoName(folder.to_owned()))?;
        let is_free = match fs::read_dir(folder) {
            Ok(mut entries) => entries.next().is_none(),
            Err(_) => folder.symlink_metadata().is_err(),
        };
        if !is_free {
            return Err(SaveError::NotEmpty(folder.to_owned()));
        }
        let mut aside = std::ffi::OsString::from(".");
        aside.push(name);
        aside.push(".partial");
        let aside = folder.with_file_name(aside);
        let refused = |source| SaveError::Io {
            path: aside.clone(),
            source,
        };
        if let Some(parent) = folder.parent() {
            fs::create_dir_all(parent).map_err(refused)?;
        }
        // Left by a save that was killed.
        if aside.is_dir() {
            fs::remove_dir_all(&aside).map_err(refused)?;
        }
        fs::create_dir(&aside).map_err(refused)?;
        Ok(Self {
            folder: folder.to_owned(),
            aside,
            finished: false,
        })
    }

    fn write_config(&self, config: &ModelConfig, dtype: FloatType) -> Result<(), SaveError> {
        // transformers loads weights as this type, whatever type they are stored in.
        let mut keys = Vec::from(["dtype", "torch_dtype"]);
        keys.retain(|key| config.raw(key).is_some());
        if keys.is_empty() && dtype != FloatType::F32 {
            keys.push("dtype");
        }
        let changes = keys.into_iter().map(|key| (key, dtype.name().into()));
        let config = config.with(changes)?;
        let path = self.aside.join(CONFIG_FILE);
        let written = File::create(&path).and_then(|mut file| {
            file.write_all(config.to_json().as_bytes())?;
            file.sync_all()
        });
        written.map_err(|source| SaveError::Io { path, source })
    }

    fn write_weights<E: From<SaveError>>(
        &self,
        content: &Content<'_>,
        values: &mut dyn FnMut(&ParameterSpec) -> Result<Vec<f32>, E>,
    ) -> Result<Rounding, E> {
        let path = self.aside.join(WEIGHTS);
        let refused = |source| SaveError::Io {
            path: path.clone(),
            source,
        };
        let header = header(content).map_err(refused)?;
        let mut file = BufWriter::new(File::create(&path).map_err(refused)?);
        file.write_all(&(header.len() as u64).to_le_bytes())
            .map_err(refused)?;
        file.write_all(&header).map_err(refused)?;
        let (mut rounding, mut bytes) = (Rounding::default(), Vec::new());
        for parameter in content.layout {
            let numbers = values(parameter)?;
            if numbers.len() != parameter.shape.iter().product::<usize>() {
                let ParameterSpec { name, shape } = parameter.clone();
                return Err(SaveError::Values {
                    name,
                    shape,
                    found: numbers.len(),
                }
                .into());
            }
            let dtype = content.dtype;
            for piece in numbers.chunks(PIECE) {
                bytes.clear();
                rounding.append(piece, dtype, &mut bytes).map_err(|value| {
                    let name = parameter.name.clone();
                    SaveError::TooLarge { name, value, dtype }
                })?;
                file.write_all(&bytes).map_err(refused)?;
            }
        }
        let file = file
            .into_inner()
            .map_err(|error| refused(error.into_error()))?;
        file.sync_all().map_err(refused)?;
        Ok(rounding)
    }

    fn copy(&self, files: &[PathBuf]) -> Result<(), SaveError> {
        for path in files {
            let refused = |reason: &str| SaveError::TokenizerFile {
                path: path.clone(),
                reason: reason.to_owned(),
            };
            let name = path.file_name().filter(|_| path.is_file());
            let copy = self
                .aside
                .join(name.ok_or_else(|| refused("it is no ordinary file"))?);
            if copy.exists() {
                return Err(refused("another file of the model has its name"));
            }
            // Not `fs::copy`, which would also copy that a file must not be written to.
            let copied = File::open(path).and_then(|mut from| {
                let mut to = File::create(&copy)?;
                io::copy(&mut from, &mut to)?;
                to.sync_all()
            });
            copied.map_err(|error| refused(&error.to_string()))?;
        }
        Ok(())
    }

    fn check(&self, layout: &[ParameterSpec]) -> Result<(), SaveError> {
        let written = Checkpoint::open(&self.aside).map_err(SaveError::Unloadable)?;
        written
            .plan(layout)
            .map_err(|mismatch| SaveError::Unloadable(mismatch.into()))?;
        Ok(())
    }

    fn finish(mut self) -> Result<(), SaveError> {
        let refused = |source| SaveError::Io {
            path: self.folder.clone(),
            source,
        };
        // An empty folder in the place stops renaming on some systems.
        if self.folder.is_dir() {
            fs::remove_dir(&self.folder).map_err(refused)?;
        }
        fs::rename(&self.aside, &self.folder).map_err(refused)?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.finished {
            // The save has failed with a better reason than that this fails too.
            let _ = fs::remove_dir_all(&self.aside);
        }
    }
}

/// The header of a safetensors file, padded so that the data begin at a multiple of 8 bytes.
fn header(content: &Content<'_>) -> io::Result<Vec<u8>> {
    let (layout, dtype) = (content.layout, content.dtype);
    let prefix = base(content.config.model_type());
    // transformers writes the prefix only where there is a head beside the encoder.
    let headless = layout
        .iter()
        .all(|parameter| parameter.name.starts_with(prefix));
    let mut end = 0;
    let tensors = layout.iter().map(|ParameterSpec { name, shape }| {
        let name = if headless {
            &name[prefix.len()..]
        } else {
            name
        };
        let start = end;
        end += shape.iter().product::<usize>() * dtype.bytes();
        let info = TensorInfo {
            dtype: dtype.dtype(),
            shape: shape.clone(),
            data_offsets: (start, end),
        };
        (name.to_owned(), info)
    });
    let tensors = tensors.collect();
    let format = [("format".to_owned(), "pt".to_owned())]
        .into_iter()
        .collect();
    let metadata = Metadata::new(Some(format), tensors).map_err(io::Error::other)?;
    let mut header = serde_json::to_vec(&metadata).map_err(io::Error::other)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok(header)
}
