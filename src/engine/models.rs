//! What a model is, and whether a folder is one.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::runs::run_of_model;
use super::{EngineError, Job};
use crate::model::checkpoint::{
    Checkpoint, Content, FloatType, Head, LoadError, LoadPlan, Rounding, SaveError, Structure,
    save_as,
};
use crate::model::config::{Architecture, LayerKind, ModelConfig};
use crate::model::{Model, layout};
use crate::tasks::classification::Function;
use crate::tokenization::Tokenizer;

/// What a model is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelInfo {
    /// The folder's name.
    pub name: String,
    /// `modernbert` or `bert`.
    pub model_type: &'static str,
    /// What stands on the encoder.
    pub head: &'static str,
    /// The same, to be told apart.
    #[serde(skip)]
    pub task: Head,
    /// Numbers in all parameters together.
    pub parameters: usize,
    /// Layers in all.
    pub layers: usize,
    /// Layers in which every token sees its whole sequence.
    pub global_layers: usize,
    /// Whether each layer has a window.
    #[serde(skip)]
    pub local: Vec<bool>,
    /// Attention heads per layer.
    pub heads: usize,
    /// Width of a hidden state.
    pub hidden_size: usize,
    /// The longest text in tokens, special tokens included.
    pub max_tokens: usize,
    /// Rows of the token embedding.
    pub vocabulary: usize,
    /// Tokens that the tokenizer knows.
    pub tokenizer_vocabulary: usize,
    /// Names of the classes; empty without a classifier.
    pub labels: Vec<String>,
    /// Whether any number of its classes may hold of a note.
    #[serde(skip)]
    pub several_labels: bool,
    /// Whether the folder says that its weights are random: its output means nothing.
    pub random_weights: bool,
    /// Tensors of the files that the model does not use, each with the reason.
    pub left_aside: Vec<String>,
}

fn head_name(structure: Structure) -> &'static str {
    match structure.head {
        Head::None => "none",
        Head::MaskedLm if structure.tied_decoder => "masked language model, tied decoder",
        Head::MaskedLm => "masked language model, own decoder",
        Head::SequenceClassification => "sequence classification",
        Head::TokenClassification => "token classification",
    }
}

fn info(
    folder: &Path,
    config: &ModelConfig,
    structure: Structure,
    tokenizer: &Tokenizer,
) -> ModelInfo {
    let sizes = layout(config, structure);
    let sizes = sizes
        .iter()
        .map(|parameter| parameter.shape.iter().product::<usize>());
    let local: Vec<bool> = match &config.architecture {
        Architecture::Bert(_) => vec![false; config.num_layers],
        Architecture::ModernBert(own) => {
            let kinds = own.layer_kinds.iter();
            kinds.map(|kind| *kind == LayerKind::Sliding).collect()
        }
    };
    let classifies = matches!(
        structure.head,
        Head::SequenceClassification | Head::TokenClassification
    );
    let name = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let last = |path: &Path| {
        let own = path.file_name().unwrap_or_default();
        own.to_string_lossy().into_owned()
    };
    ModelInfo {
        // The best models of all runs lie in folders of one name.
        name: match run_of_model(&name) {
            Some(run) => format!("{} ({})", last(&run), last(&name)),
            None => last(&name),
        },
        model_type: config.model_type().name(),
        head: head_name(structure),
        task: structure.head,
        parameters: sizes.sum(),
        layers: config.num_layers,
        global_layers: local.iter().filter(|local| !**local).count(),
        local,
        heads: config.num_heads,
        hidden_size: config.hidden_size,
        max_tokens: config.max_positions,
        vocabulary: config.vocab_size,
        tokenizer_vocabulary: tokenizer.vocabulary_size(),
        labels: if classifies {
            config.labels.clone()
        } else {
            Vec::new()
        },
        several_labels: structure.head == Head::SequenceClassification
            && Function::usual(config.problem_type, config.labels.len()) == Function::Sigmoid,
        random_weights: config.random_weights(),
        left_aside: Vec::new(),
    }
}

pub(super) fn describe(folder: &Path, model: &Model, tokenizer: &Tokenizer) -> ModelInfo {
    info(folder, model.config(), model.structure(), tokenizer)
}

/// Whether a folder is a model that loads and fits its tokenizer: everything but moving the weights to a
/// device.
///
/// # Errors
/// [`EngineError`] says what is wrong; for tensors that do not match it is the whole table.
/// [`EngineError::Tokens`] is of a model that loads all the same: most notes may not need what is missing.
pub fn check_model(folder: &Path) -> Result<ModelInfo, EngineError> {
    let checkpoint = Checkpoint::open(folder)?;
    let layout = layout(checkpoint.config(), checkpoint.structure());
    let plan: LoadPlan = checkpoint.plan(&layout).map_err(LoadError::from)?;
    let tokenizer = Tokenizer::open_beside(folder, checkpoint.base())?;
    let (tokens, rows) = (tokenizer.vocabulary_size(), checkpoint.config().vocab_size);
    if tokens > rows {
        return Err(EngineError::Tokens { tokens, rows });
    }
    let mut info = info(
        folder,
        checkpoint.config(),
        checkpoint.structure(),
        &tokenizer,
    );
    info.left_aside = left_aside(&plan);
    Ok(info)
}

fn left_aside(plan: &LoadPlan) -> Vec<String> {
    let tensors = plan.left_aside().iter();
    tensors
        .map(|tensor| format!("{}: {}", tensor.name, tensor.reason))
        .collect()
}

/// What says something of a model beside its weights, and goes with them.
const CARDS: [&str; 5] = [
    "README.md",
    "model-card.md",
    "LICENSE",
    "LICENSE.txt",
    "NOTICE",
];

/// A model that was written in another type.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConvertedModel {
    /// The new folder.
    pub folder: PathBuf,
    /// The type of its weights, as `config.json` has it.
    pub dtype: &'static str,
    /// Bytes of the files in the folder.
    pub bytes: u64,
    /// What rounding did to the weights.
    pub rounding: Rounding,
    /// Tensors that the model does not use, each with the reason; they were not written.
    pub left_aside: Vec<String>,
    /// The files beside the weights that were copied.
    pub copied: Vec<String>,
}

/// Writes a model in another type of numbers into a new folder, with its configuration, its tokenizer
/// and its card. Each weight is rounded to the nearest number of the type, of two to the even one;
/// what is shared, such as a tied decoder, is written once. Memory holds one tensor at a time.
///
/// # Errors
/// [`EngineError`] when the folder is no model, the new one is there and not empty, a weight is too
/// large for the type, or the job is stopped; nothing is left behind then.
pub fn convert_model(
    folder: &Path,
    target: &Path,
    dtype: FloatType,
    job: &Job,
) -> Result<ConvertedModel, EngineError> {
    let checkpoint = Checkpoint::open(folder)?;
    let layout = layout(checkpoint.config(), checkpoint.structure());
    let plan = checkpoint.plan(&layout).map_err(LoadError::from)?;
    let tokenizer = Tokenizer::open_beside(folder, checkpoint.base())?;
    let mut files = tokenizer.files().to_vec();
    let cards = CARDS.map(|name| folder.join(name)).into_iter();
    files.extend(cards.filter(|path| path.is_file()));
    let content = Content {
        config: checkpoint.config(),
        layout: &layout,
        dtype,
        files: &files,
    };
    let mut done = 0;
    let rounding = save_as(target, &content, &mut |_| {
        job.step(done, layout.len(), "tensors")?;
        done += 1;
        Ok::<_, EngineError>(checkpoint.parameter(&plan, done - 1)?)
    })?;
    job.step(done, layout.len(), "tensors")?;
    let name = |path: &PathBuf| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    Ok(ConvertedModel {
        folder: target.to_owned(),
        dtype: dtype.name(),
        bytes: size(target).map_err(|source| SaveError::Io {
            path: target.to_owned(),
            source,
        })?,
        rounding,
        left_aside: left_aside(&plan),
        copied: files.iter().filter_map(name).collect(),
    })
}

/// Bytes of the files in a folder.
fn size(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}
