//! What a model is, and whether a folder is one.

use std::path::Path;

use serde::Serialize;

use super::EngineError;
use crate::model::checkpoint::{Checkpoint, Head, LoadError, LoadPlan, Structure};
use crate::model::config::{Architecture, LayerKind, ModelConfig};
use crate::model::{Model, layout};
use crate::tokenization::{Tokenizer, TokenizerError};

/// What a model is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelInfo {
    /// The folder's name.
    pub name: String,
    /// `modernbert` or `bert`.
    pub model_type: &'static str,
    /// What stands on the encoder.
    pub head: &'static str,
    /// Numbers in all parameters together.
    pub parameters: usize,
    /// Layers in all.
    pub layers: usize,
    /// Layers in which every token sees its whole sequence.
    pub global_layers: usize,
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
    let global_layers = match &config.architecture {
        Architecture::Bert(_) => config.num_layers,
        Architecture::ModernBert(own) => own
            .layer_kinds
            .iter()
            .filter(|kind| **kind == LayerKind::Global)
            .count(),
    };
    let classifies = matches!(
        structure.head,
        Head::SequenceClassification | Head::TokenClassification
    );
    let name = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    ModelInfo {
        name: name
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        model_type: config.model_type().name(),
        head: head_name(structure),
        parameters: sizes.sum(),
        layers: config.num_layers,
        global_layers,
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
        random_weights: config.random_weights(),
        left_aside: Vec::new(),
    }
}

pub(super) fn describe(folder: &Path, model: &Model, tokenizer: &Tokenizer) -> ModelInfo {
    info(folder, model.config(), model.structure(), tokenizer)
}

/// The tokenizer of an opened folder: its own, or for an adapter without one that of the model
/// which it changes.
pub(super) fn tokenizer(
    folder: &Path,
    checkpoint: &Checkpoint,
) -> Result<Tokenizer, TokenizerError> {
    let base = checkpoint.base().filter(|_| !Tokenizer::is_in(folder));
    Tokenizer::open(base.unwrap_or(folder))
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
    let tokenizer = tokenizer(folder, &checkpoint)?;
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
    info.left_aside = plan
        .left_aside()
        .iter()
        .map(|tensor| format!("{}: {}", tensor.name, tensor.reason))
        .collect();
    Ok(info)
}
