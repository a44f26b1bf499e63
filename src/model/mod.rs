//! The encoder family: a checkpoint and token ids in, hidden states and logits out.
//!
//! Sequences are packed: the tokens of a batch stand one after the other, and nothing is
//! computed for padding, because there is none.

mod bert;
pub mod capture;
pub mod checkpoint;
pub mod config;
mod heads;
pub mod init;
mod layers;
mod modernbert;
mod parameters;
mod stages;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::{Device, Tensor};

use self::bert::BertEncoder;
use self::capture::{Capture, Encoded, Observer};
use self::checkpoint::{Checkpoint, LoadError, ParameterSpec, SaveError, Structure};
use self::config::{Architecture, ModelConfig};
use self::heads::Head;
use self::modernbert::ModernBertEncoder;
use self::parameters::{Layout, ParameterSource};
use crate::job::{Cancelled, Job};
use crate::kernels::{Sequences, Targets};

pub use self::parameters::{Parameter, Parameters};
pub use self::stages::Stages;

/// Token ids of several sequences, packed.
#[derive(Clone)]
pub struct Batch {
    /// Token ids, `[tokens]`.
    ids: Vec<usize>,
    /// Token types, `[tokens]`; only BERT reads them.
    type_ids: Vec<usize>,
    /// Where each sequence lies.
    sequences: Sequences,
}

impl Batch {
    /// Packs sequences of token ids, each with its token types.
    ///
    /// # Panics
    /// If a sequence has not as many types as ids.
    pub fn new<'a>(sequences: impl IntoIterator<Item = (&'a [u32], &'a [u32])>) -> Self {
        let mut ids = Vec::new();
        let mut types = Vec::new();
        let mut lengths = Vec::new();
        for (own_ids, own_types) in sequences {
            assert_eq!(own_ids.len(), own_types.len(), "Batch: one type per id");
            ids.extend(own_ids.iter().map(|&id| id as usize));
            types.extend(own_types.iter().map(|&id| id as usize));
            lengths.push(own_ids.len());
        }
        Self {
            ids,
            type_ids: types,
            sequences: Sequences::from_lengths(&lengths),
        }
    }

    /// Where each sequence lies.
    pub fn sequences(&self) -> &Sequences {
        &self.sequences
    }
}

/// Prints the number of tokens only: ids are the text in another spelling.
impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Batch({} sequences, {} tokens)",
            self.sequences.len(),
            self.sequences.tokens()
        )
    }
}

/// Why a model cannot read a batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// A sequence without tokens.
    #[error("there is nothing to read: the text gives no token")]
    Empty,
    /// Longer than the model's positions.
    #[error(
        "the text has {tokens} tokens, special tokens included, but this model reads at most \
         {limit}; give it a shorter text"
    )]
    TooLong {
        /// Tokens of the longest sequence.
        tokens: usize,
        /// What the model can read.
        limit: usize,
    },
    /// A token id beyond the embedding table.
    #[error(
        "the tokenizer gives tokens beyond the {vocabulary} that the model knows: tokenizer and \
         model do not belong together"
    )]
    UnknownToken {
        /// Rows of the embedding table.
        vocabulary: usize,
    },
    /// A token type beyond the table.
    #[error("token type {id} does not exist: the model knows {types}")]
    UnknownType {
        /// The largest type.
        id: usize,
        /// Rows of the type table.
        types: usize,
    },
}

/// Why a model was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder is not a model that is whole and consistent.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Stopped by the user; nothing is loaded.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// The encoder of either architecture.
#[derive(Debug, Clone)]
enum Encoder {
    ModernBert(Box<ModernBertEncoder>),
    Bert(Box<BertEncoder>),
}

impl Encoder {
    fn new(source: &mut dyn ParameterSource, config: &ModelConfig, structure: Structure) -> Self {
        match &config.architecture {
            Architecture::ModernBert(own) => {
                Self::ModernBert(Box::new(ModernBertEncoder::new(source, config, own)))
            }
            Architecture::Bert(own) => Self::Bert(Box::new(BertEncoder::new(
                source,
                config,
                own,
                structure.pooler,
            ))),
        }
    }

    /// The table of token embeddings, `[vocabulary, hidden]`.
    fn word_table(&self) -> Tensor<2> {
        match self {
            Self::ModernBert(encoder) => encoder.embeddings.weight(),
            Self::Bert(encoder) => encoder.words.weight(),
        }
    }
}

/// Names and shapes of all parameters of a model, in order.
pub fn layout(config: &ModelConfig, structure: Structure) -> Vec<ParameterSpec> {
    let mut layout = Layout::default();
    let encoder = Encoder::new(&mut layout, config, structure);
    Head::new(&mut layout, config, structure, &encoder);
    layout.0
}

/// An encoder with its head, on a device.
#[derive(Debug, Clone)]
pub struct Model {
    config: Arc<ModelConfig>,
    structure: Structure,
    parameters: Parameters,
    encoder: Encoder,
    head: Head,
    device: Device,
}

impl Model {
    /// Loads a folder in Hugging Face layout onto `device`, tensor by tensor.
    ///
    /// # Errors
    /// [`OpenError`] when the folder is not such a model, whole and consistent, or when `job` is
    /// stopped; nothing is loaded then.
    pub fn load(folder: &Path, device: &Device, job: &Job) -> Result<Self, OpenError> {
        let checkpoint = Checkpoint::open(folder)?;
        Self::from_checkpoint(&checkpoint, checkpoint.config().clone(), device, job)
    }

    /// Loads the weights of an opened checkpoint as the model that `config` describes.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn from_checkpoint(
        checkpoint: &Checkpoint,
        config: ModelConfig,
        device: &Device,
        job: &Job,
    ) -> Result<Self, OpenError> {
        let structure = checkpoint.structure();
        let layout = layout(&config, structure);
        let plan = checkpoint.plan(&layout).map_err(LoadError::from)?;
        let mut parameters = Parameters::default();
        let mut done = 0;
        checkpoint.read(&plan, &mut |spec, values| -> Result<(), OpenError> {
            job.step(done, layout.len(), "tensors")?;
            done += 1;
            parameters.push(
                &spec.name,
                Parameter::from_values(values, &spec.shape, device),
            );
            Ok(())
        })?;
        Ok(Self::assemble(
            Arc::new(config),
            structure,
            parameters,
            device,
        ))
    }

    /// A model with random weights.
    pub fn random(config: ModelConfig, structure: Structure, device: &Device) -> Self {
        let parameters = Parameters::random(&layout(&config, structure), device);
        Self::assemble(Arc::new(config), structure, parameters, device)
    }

    /// A model of these parameters, which need not be leaves: whatever a tensor was made from gets
    /// its gradient. Copies no values, so it may be done anew for every step.
    ///
    /// # Panics
    /// If a parameter of the [`layout`] is missing.
    pub fn assemble(
        config: Arc<ModelConfig>,
        structure: Structure,
        parameters: Parameters,
        device: &Device,
    ) -> Self {
        let mut source = &parameters;
        let encoder = Encoder::new(&mut source, &config, structure);
        let head = Head::new(&mut source, &config, structure, &encoder);
        Self {
            config,
            structure,
            parameters,
            encoder,
            head,
            device: device.clone(),
        }
    }

    /// The same model as part of an autodiff graph: every parameter is a leaf with a gradient.
    pub fn tracked(self) -> Self {
        let device = self.device.clone().autodiff();
        let parameters = self.parameters.map(|_, parameter| parameter.tracked());
        Self::assemble(self.config, self.structure, parameters, &device)
    }

    /// Writes the model in Hugging Face layout, together with its tokenizer's files.
    ///
    /// # Errors
    /// [`SaveError`] when the folder cannot be written; what was there before stays then.
    pub fn save(&self, folder: &Path, tokenizer_files: &[PathBuf]) -> Result<(), SaveError> {
        let layout = layout(&self.config, self.structure);
        let mut parameters = self.parameters.iter();
        checkpoint::save(
            folder,
            &self.config,
            &layout,
            &mut |_spec| {
                let (_, parameter) = parameters.next().expect("the layout is the parameters'");
                Ok(parameter.values()?)
            },
            tokenizer_files,
        )
    }

    /// What the model is made of.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Which head stands on the encoder.
    pub fn structure(&self) -> Structure {
        self.structure
    }

    /// All parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// All parameters, held by nobody else.
    pub fn into_parameters(self) -> Parameters {
        self.parameters
    }

    /// Where the model lies.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Whether the model can read `batch`.
    ///
    /// # Errors
    /// [`InputError`] says why not.
    pub fn check(&self, batch: &Batch) -> Result<(), InputError> {
        let lengths = || batch.sequences.ranges().map(|range| range.len());
        if batch.sequences.is_empty() || lengths().any(|length| length == 0) {
            return Err(InputError::Empty);
        }
        let tokens = lengths().max().unwrap_or(0);
        let limit = self.config.max_positions;
        if tokens > limit {
            return Err(InputError::TooLong { tokens, limit });
        }
        let id = batch.ids.iter().copied().max().unwrap_or(0);
        let vocabulary = self.config.vocab_size;
        if id >= vocabulary {
            return Err(InputError::UnknownToken { vocabulary });
        }
        if let Architecture::Bert(own) = &self.config.architecture {
            let id = batch.type_ids.iter().copied().max().unwrap_or(0);
            let types = own.type_vocab_size;
            if id >= types {
                return Err(InputError::UnknownType { id, types });
            }
        }
        Ok(())
    }

    /// Runs the encoder.
    ///
    /// # Errors
    /// [`Cancelled`] when `observer` wishes to stop.
    ///
    /// # Panics
    /// If [`Model::check`] would refuse the batch.
    pub fn encode(
        &self,
        batch: &Batch,
        capture: &Capture,
        observer: &mut dyn Observer,
    ) -> Result<Encoded, Cancelled> {
        match &self.encoder {
            Encoder::ModernBert(encoder) => encoder.forward(batch, capture, observer),
            Encoder::Bert(encoder) => encoder.forward(batch, capture, observer),
        }
    }

    /// Logits of masked-language modelling for rows of the encoder's output, `[rows, hidden]` to
    /// `[rows, vocabulary]`; `None` without such a head.
    pub fn masked_lm_logits(&self, rows: Tensor<2>) -> Option<Tensor<2>> {
        self.head.masked_lm_logits(rows)
    }

    /// Masked-LM losses, in nats, of rows of the encoder's output against one token each, `[rows]`;
    /// the logits of the whole vocabulary never exist together. `None` without such a head.
    pub fn masked_lm_losses(&self, rows: Tensor<2>, targets: &Targets) -> Option<Tensor<1>> {
        self.head.masked_lm_losses(rows, targets)
    }

    /// What the sequence classifier reads, `[sequences, hidden]`, and its logits, `[sequences,
    /// labels]`; `None` without such a head.
    pub fn sequence_logits(
        &self,
        last: Tensor<2>,
        sequences: &Sequences,
    ) -> Option<(Tensor<2>, Tensor<2>)> {
        self.head.sequence_logits(last, sequences, &self.encoder)
    }

    /// Logits of the token classifier, `[tokens, labels]`; `None` without such a head.
    pub fn token_logits(&self, last: Tensor<2>) -> Option<Tensor<2>> {
        self.head.token_logits(last)
    }

    /// BERT's pooler output, `[sequences, hidden]`; `None` without a pooler.
    pub fn pooler_output(&self, last: Tensor<2>, sequences: &Sequences) -> Option<Tensor<2>> {
        match &self.encoder {
            Encoder::Bert(encoder) => encoder.pool(heads::first_rows(last, sequences)),
            Encoder::ModernBert(_) => None,
        }
    }
}

/// The mean of the rows of each sequence, `[tokens, width]` to `[sequences, width]`.
pub fn mean_of_sequences(rows: Tensor<2>, sequences: &Sequences) -> Tensor<2> {
    heads::mean_rows(rows, sequences)
}
