//! `config.json`: what a model is made of, checked before anything is built from it.
//!
//! Keys, defaults and their precedence are those of transformers 5, in both layouts in use: the
//! one of 4.48, which published ModernBERT checkpoints have, and the one that version 5 writes
//! (`rope_parameters`, `layer_types`). A key that no model of the given type reads means nothing
//! here either, whatever its name promises (`alibi`, `rope_theta`, `gated_linear_units`).

mod error;
pub(in crate::model) mod file;
mod json;
mod keys;
mod labels;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

pub use self::error::ConfigError;
pub use self::file::FileFault;
use self::json::Fields;

/// The name of the file.
pub const CONFIG_FILE: &str = "config.json";

/// The largest `config.json` that is read, in bytes: some carry 100,000 label names.
const MAX_BYTES: u64 = 64 << 20;

/// More parameters than this are a slip.
const MAX_PARAMETERS: f64 = (1_u64 << 40) as f64;

/// What a `config.json` says about a model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// What the two kinds of model do not share.
    pub architecture: Architecture,
    /// Rows of the token embedding.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width inside the MLP.
    pub intermediate_size: usize,
    /// Attention heads per layer; divides `hidden_size`.
    pub num_heads: usize,
    /// Layers.
    pub num_layers: usize,
    /// The longest sequence in tokens, special tokens included.
    pub max_positions: usize,
    /// Added to the variance in every LayerNorm.
    pub norm_eps: f64,
    /// The token that fills up batches; look-ups of it give its embedding no gradient.
    pub pad_token_id: Option<usize>,
    /// Whether a masked-LM decoder uses the token embedding as its weight.
    pub tie_word_embeddings: bool,
    /// Names of the classes in order of their index, at least one.
    pub labels: Vec<String>,
    /// What a sequence classifier's logits mean.
    pub problem_type: Option<ProblemType>,
    /// Names of the model classes that the weights were saved from.
    pub architectures: Vec<String>,
    raw: Map<String, Value>,
}

/// The kind of a model, with what only that kind has.
#[derive(Debug, Clone, PartialEq)]
pub enum Architecture {
    /// `model_type` `modernbert`.
    ModernBert(ModernBert),
    /// `model_type` `bert`.
    Bert(Bert),
}

/// What only ModernBERT has.
#[derive(Debug, Clone, PartialEq)]
pub struct ModernBert {
    /// The kind of each layer.
    pub layer_kinds: Vec<LayerKind>,
    /// Base of the rotation in global layers.
    pub global_theta: f64,
    /// Base of the rotation in sliding layers.
    pub local_theta: f64,
    /// In a sliding layer token i sees token j when |i − j| is at most this.
    pub half_window: usize,
    /// Whether `Wqkv` and `Wo` of the attention have biases.
    pub attention_bias: bool,
    /// Whether `Wi` and `Wo` of the MLP have biases.
    pub mlp_bias: bool,
    /// Whether LayerNorms have biases.
    pub norm_bias: bool,
    /// Whether the masked-LM decoder has a bias.
    pub decoder_bias: bool,
    /// Whether `head.dense` has a bias; the classifier itself always has one.
    pub classifier_bias: bool,
    /// What a sequence classifier reads.
    pub pooling: Pooling,
}

/// What only BERT has.
#[derive(Debug, Clone, PartialEq)]
pub struct Bert {
    /// Rows of the token type embedding.
    pub type_vocab_size: usize,
}

/// What the tokens of a layer may look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerKind {
    /// Every token of the sequence.
    Global,
    /// Tokens at most half a window away.
    Sliding,
}

/// How a sequence becomes one vector for a classifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// The first token's.
    Cls,
    /// The mean over all tokens.
    Mean,
}

/// What the logits of a sequence classifier mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemType {
    /// One number per label.
    Regression,
    /// Exactly one label holds.
    SingleLabel,
    /// Each label holds or not.
    MultiLabel,
}

/// The two values of `model_type` that are supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelType {
    /// `modernbert`.
    ModernBert,
    /// `bert`.
    Bert,
}

impl ModelType {
    /// The value of `model_type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ModernBert => "modernbert",
            Self::Bert => "bert",
        }
    }

    /// The type whose first attention layer is among the names of the tensors; `None` when
    /// neither is or both are.
    pub fn of_tensors<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let (mut modernbert, mut bert) = (false, false);
        for name in names {
            modernbert |= name.contains("layers.0.attn.Wqkv.");
            bert |= name.contains("encoder.layer.0.attention.self.query.");
        }
        match (modernbert, bert) {
            (true, false) => Some(Self::ModernBert),
            (false, true) => Some(Self::Bert),
            _ => None,
        }
    }
}

impl ModelConfig {
    /// Reads `config.json` in `folder`.
    ///
    /// # Errors
    /// [`ConfigError`] when it is missing, unreadable, or describes no supported model.
    pub fn read(folder: &Path) -> Result<Self, ConfigError> {
        let (text, file) = read_text(folder)?;
        Self::parse(&text, &file)
    }

    /// Whether the file says that its weights are random, as those of this project's test model.
    pub fn random_weights(&self) -> bool {
        self.raw.get("auscult_random_weights") == Some(&Value::Bool(true))
    }

    /// Understands the text of a `config.json`; `file` appears in errors.
    ///
    /// # Errors
    /// [`ConfigError`] when it describes no supported model.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        Self::parse_beside(text, file, None)
    }

    /// The same for a file beside weights: `tensors` decides where `model_type` is missing.
    ///
    /// # Errors
    /// [`ConfigError`] when it describes no supported model.
    pub fn parse_beside(
        text: &str,
        file: &Path,
        tensors: Option<ModelType>,
    ) -> Result<Self, ConfigError> {
        let not_json = |reason: String| ConfigError::NotJson {
            file: file.to_owned(),
            reason,
        };
        let raw = match serde_json::from_str(text) {
            Ok(Value::Object(raw)) => raw,
            Ok(_) => return Err(not_json("it holds another kind of value".to_owned())),
            Err(error) => return Err(not_json(error.to_string())),
        };
        Self::from_object(raw, file, tensors)
    }

    /// The same configuration with some keys set, checked like one from a file.
    ///
    /// # Errors
    /// [`ConfigError`] when the changes describe no supported model.
    pub fn with<'a>(
        &self,
        changes: impl IntoIterator<Item = (&'a str, Value)>,
    ) -> Result<Self, ConfigError> {
        let mut raw = self.raw.clone();
        for (key, value) in changes {
            raw.insert(key.to_owned(), value);
        }
        Self::from_object(raw, Path::new(CONFIG_FILE), None)
    }

    /// Width of one attention head.
    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.num_heads
    }

    /// The value of `model_type`.
    pub fn model_type(&self) -> ModelType {
        match self.architecture {
            Architecture::ModernBert(_) => ModelType::ModernBert,
            Architecture::Bert(_) => ModelType::Bert,
        }
    }

    /// The text of the file: every key it was read with, also those that mean nothing here.
    ///
    /// Fields that were assigned to are not in it; [`ModelConfig::with`] changes both.
    pub fn to_json(&self) -> String {
        let mut text =
            serde_json::to_string_pretty(&self.raw).expect("an object that came from JSON is JSON");
        text.push('\n');
        text
    }

    /// The value of a key of the file, understood or not.
    pub fn raw(&self, key: &str) -> Option<&Value> {
        self.raw.get(key)
    }

    fn from_object(
        mut raw: Map<String, Value>,
        file: &Path,
        tensors: Option<ModelType>,
    ) -> Result<Self, ConfigError> {
        let model_type = model_type(&raw, file, tensors)?;
        if !raw.contains_key("model_type") {
            raw.insert("model_type".to_owned(), model_type.name().into());
        }
        let mut config = match model_type {
            ModelType::ModernBert => keys::modernbert(Fields::new(file, "", &raw))?,
            ModelType::Bert => keys::bert(Fields::new(file, "", &raw))?,
        };
        config.refuse_slips(Fields::new(file, "", &raw), file)?;
        config.raw = raw;
        Ok(config)
    }

    /// Refuses sizes that contradict each other or would fill no machine's memory.
    fn refuse_slips(&self, fields: Fields, file: &Path) -> Result<(), ConfigError> {
        if !self.hidden_size.is_multiple_of(self.num_heads) {
            let rule = format!("num_attention_heads ({}) must divide it", self.num_heads);
            return Err(fields.refuse("hidden_size", rule));
        }
        if self.model_type() == ModelType::ModernBert && !self.head_dim().is_multiple_of(2) {
            let rule = format!(
                "rotary positions need an even hidden_size / num_attention_heads, and it is {}",
                self.head_dim()
            );
            return Err(fields.refuse("hidden_size", rule));
        }
        let [hidden, inner, layers] =
            [self.hidden_size, self.intermediate_size, self.num_layers].map(|size| size as f64);
        let rows = [self.vocab_size, self.max_positions, self.labels.len()];
        let rows = rows.map(|size| size as f64).iter().sum::<f64>();
        let parameters = rows * hidden + layers * (4.0 * hidden * hidden + 3.0 * hidden * inner);
        if parameters > MAX_PARAMETERS {
            return Err(ConfigError::TooLarge {
                file: file.to_owned(),
                parameters,
            });
        }
        Ok(())
    }
}

/// The text of `config.json` in a folder, and its path.
pub(in crate::model) fn read_text(folder: &Path) -> Result<(String, PathBuf), ConfigError> {
    if !folder.is_dir() {
        return Err(ConfigError::NoFolder(folder.to_owned()));
    }
    let file = folder.join(CONFIG_FILE);
    if !file.exists() {
        return Err(ConfigError::NoConfig(folder.to_owned()));
    }
    match file::read_text(&file, MAX_BYTES) {
        Ok(text) => Ok((text, file)),
        Err(fault) => Err(ConfigError::File { file, fault }),
    }
}

fn model_type(
    raw: &Map<String, Value>,
    file: &Path,
    tensors: Option<ModelType>,
) -> Result<ModelType, ConfigError> {
    match raw.get("model_type") {
        None => tensors.ok_or_else(|| ConfigError::NoModelType {
            file: file.to_owned(),
        }),
        Some(Value::String(name)) if name == "modernbert" => Ok(ModelType::ModernBert),
        Some(Value::String(name)) if name == "bert" => Ok(ModelType::Bert),
        Some(other) => Err(ConfigError::UnknownModelType {
            file: file.to_owned(),
            found: json::shortened(other),
        }),
    }
}
