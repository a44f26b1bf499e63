//! All of a run's state in a folder: the model, the optimiser, and where the run is.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use super::optimizer::{Means, Optimizer, OptimizerSettings};
use super::order::Position;
use super::run_folder::{RunError, RunFolder, remove, sync_folder, write_whole};
use super::weights::Weights;
use crate::model::checkpoint::SaveError;
use crate::model::{Parameter, Parameters};

/// The model's folder in a checkpoint, in Hugging Face layout.
pub const MODEL: &str = "model";
const OPTIMIZER: &str = "optimizer.safetensors";
const STATE: &str = "state.json";
/// Kinds of tensors in the optimiser's file: before the name of a parameter.
const FIRST: &str = "first";
const SECOND: &str = "second";
const VALUE: &str = "value";
const PREFIX: &str = "step-";

/// Where a run is, apart from weights and optimiser.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Steps that were made.
    pub step: u64,
    /// Where in the order of examples.
    pub position: Position,
    /// The step before which the model was last judged.
    pub evaluated: Option<u64>,
    /// The best that was found.
    pub best: Option<Best>,
    /// Evaluations since then.
    pub without_better: u64,
    /// Tokens that were read.
    pub tokens: u64,
    /// How long the run has taken, in seconds.
    pub seconds: f64,
    /// The version of the program that wrote it.
    pub auscult: String,
}

/// The best evaluation of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Steps made before it.
    pub step: u64,
    /// What it came to in the run's metric, so that more is better.
    pub goodness: f64,
}

impl State {
    /// Before the first step.
    pub fn start() -> Self {
        Self {
            step: 0,
            position: Position::default(),
            evaluated: None,
            best: None,
            without_better: 0,
            tokens: 0,
            seconds: 0.0,
            auscult: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// Why a checkpoint was not written; those before are whole.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file of the run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The model.
    #[error("{0}; what was saved before is whole, and --resume goes on from there")]
    Model(SaveError),
}

// Not by `#[from]`, which would have the message said twice.
impl From<SaveError> for CheckpointError {
    fn from(error: SaveError) -> Self {
        Self::Model(error)
    }
}

/// Writes a checkpoint of step `state.step`, unless it is there, and removes all but the newest
/// `keep`.
///
/// All is written aside, brought to the disk and renamed: a folder with the name of a checkpoint is
/// whole.
///
/// # Errors
/// [`CheckpointError`] when it cannot be written; nothing is left of it then.
pub fn save(
    run: &RunFolder,
    weights: &Weights,
    optimizer: &Optimizer,
    state: &State,
    tokenizer_files: &[PathBuf],
    keep: usize,
) -> Result<(), CheckpointError> {
    let name = format!("{PREFIX}{:09}", state.step);
    let all = run.checkpoints();
    let folder = all.join(&name);
    if folder.is_dir() {
        return Ok(());
    }
    let aside = all.join(format!(".{name}.partial"));
    remove(&aside)?;
    let written = (|| {
        fs::create_dir_all(&aside).map_err(RunError::at(&aside))?;
        weights.model().save(&aside.join(MODEL), tokenizer_files)?;
        let file = aside.join(OPTIMIZER);
        write_tensors(&file, weights, optimizer.means()).map_err(RunError::at(&file))?;
        let text = serde_json::to_string_pretty(state).expect("a state is plain data");
        write_whole(&aside.join(STATE), text.as_bytes())?;
        sync_folder(&aside.join(MODEL))?;
        sync_folder(&aside)?;
        fs::rename(&aside, &folder).map_err(RunError::at(&folder))?;
        Ok(sync_folder(&all)?)
    })();
    if written.is_err() {
        // The save has failed with a better reason than that this fails too.
        let _ = remove(&aside);
    }
    written.and_then(|()| Ok(prune(&all, keep)?))
}

fn prune(all: &Path, keep: usize) -> Result<(), RunError> {
    let steps = steps(all)?;
    for step in &steps[..steps.len().saturating_sub(keep)] {
        let name = format!("{PREFIX}{step:09}");
        // Under a name that is no checkpoint's before it is there by half.
        let aside = all.join(format!(".{name}.removed"));
        remove(&aside)?;
        fs::rename(all.join(name), &aside).map_err(RunError::at(&aside))?;
        remove(&aside)?;
    }
    Ok(())
}

/// Steps of all checkpoints, rising.
fn steps(all: &Path) -> Result<Vec<u64>, RunError> {
    let entries = fs::read_dir(all).map_err(RunError::at(all))?;
    let mut steps = Vec::new();
    for entry in entries {
        let name = entry.map_err(RunError::at(all))?.file_name();
        let step = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX)?.parse::<u64>().ok());
        steps.extend(step);
    }
    steps.sort_unstable();
    Ok(steps)
}

/// A checkpoint of a run.
#[derive(Debug)]
pub struct Saved {
    folder: PathBuf,
    /// Where the run was.
    pub state: State,
}

impl Saved {
    /// The newest checkpoint of a run; `None` if there is none yet.
    ///
    /// # Errors
    /// [`RunError`] when it cannot be read.
    pub fn newest(run: &RunFolder) -> Result<Option<Self>, RunError> {
        let all = run.checkpoints();
        let Some(&step) = steps(&all)?.last() else {
            return Ok(None);
        };
        let folder = all.join(format!("{PREFIX}{step:09}"));
        let path = folder.join(STATE);
        let text = fs::read_to_string(&path).map_err(|error| damaged(&folder, &path, &error))?;
        let state = serde_json::from_str(&text).map_err(|error| damaged(&folder, &path, &error))?;
        Ok(Some(Self { folder, state }))
    }

    /// The folder of its model.
    pub fn model(&self) -> PathBuf {
        self.folder.join(MODEL)
    }

    /// The optimiser as it was; where the model does not hold what is trained, `weights` gets that,
    /// too.
    ///
    /// # Errors
    /// [`RunError::Damaged`] when its file is not what belongs to these weights.
    pub fn restore(
        &self,
        weights: &mut Weights,
        settings: OptimizerSettings,
    ) -> Result<Optimizer, RunError> {
        let path = self.folder.join(OPTIMIZER);
        let fault = |error: &dyn std::fmt::Display| damaged(&self.folder, &path, error);
        let bytes = fs::read(&path).map_err(|error| fault(&error))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| fault(&error))?;
        let device = weights.device().clone();
        let read = |kind: &str, name: &str, like: &Parameter| -> Result<Parameter, RunError> {
            let name = format!("{kind}.{name}");
            let view = tensors.tensor(&name).map_err(|error| fault(&error))?;
            let shape = like.shape();
            if view.dtype() != Dtype::F32 || view.shape() != shape {
                return Err(fault(&format!("{name} is not F32 of shape {shape:?}")));
            }
            let (values, _) = view.data().as_chunks::<4>();
            let values = values.iter().map(|bytes| f32::from_le_bytes(*bytes));
            Ok(Parameter::from_values(values.collect(), &shape, &device))
        };
        let means = weights.trained().iter().map(|(name, like)| {
            Ok(Means {
                first: read(FIRST, name, like)?,
                second: read(SECOND, name, like)?,
            })
        });
        let means = means.collect::<Result<Vec<_>, RunError>>()?;
        if weights.thin().is_some() {
            let mut values = Parameters::default();
            for (name, like) in weights.trained().iter() {
                values.push(name, read(VALUE, name, like)?);
            }
            weights.change(|_| (values, ()));
        }
        Ok(Optimizer::restored(
            settings,
            self.state.step,
            means,
            weights.device(),
        ))
    }
}

fn damaged(folder: &Path, path: &Path, error: &dyn std::fmt::Display) -> RunError {
    RunError::Damaged {
        path: path.to_owned(),
        reason: format!(
            "is damaged: {error}; remove {} to go on from the checkpoint before it",
            folder.display()
        ),
    }
}

/// Writes both means of every trained parameter, and its value where no model holds it, one tensor
/// at a time.
fn write_tensors(path: &Path, weights: &Weights, means: &[Means]) -> io::Result<()> {
    let mut tensors = Vec::new();
    for ((name, value), means) in weights.trained().iter().zip(means) {
        tensors.push((format!("{FIRST}.{name}"), &means.first));
        tensors.push((format!("{SECOND}.{name}"), &means.second));
        if weights.thin().is_some() {
            tensors.push((format!("{VALUE}.{name}"), value));
        }
    }
    write_safetensors(path, &tensors)
}

/// Writes tensors as F32 in a safetensors file, and brings it to the disk.
pub(super) fn write_safetensors(path: &Path, tensors: &[(String, &Parameter)]) -> io::Result<()> {
    let mut end = 0;
    let infos = tensors.iter().map(|(name, parameter)| {
        let (start, shape) = (end, parameter.shape());
        end += shape.iter().product::<usize>() * size_of::<f32>();
        let info = TensorInfo {
            dtype: Dtype::F32,
            shape,
            data_offsets: (start, end),
        };
        (name.clone(), info)
    });
    let infos = infos.collect();
    let format = [("format".to_owned(), "pt".to_owned())]
        .into_iter()
        .collect();
    let metadata = Metadata::new(Some(format), infos).map_err(io::Error::other)?;
    let mut header = serde_json::to_vec(&metadata)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(&header)?;
    for (_, parameter) in tensors {
        for value in parameter.values().map_err(io::Error::other)? {
            file.write_all(&value.to_le_bytes())?;
        }
    }
    file.into_inner()?.sync_all()
}
