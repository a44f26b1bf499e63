//! The model that a run begins with: from scratch, or from a checkpoint with the head of the task.

use std::sync::Arc;

use burn::tensor::Device;
use serde_json::{Map, Value};

use super::randomness::{Purpose, Randomness};
use crate::job::Job;
use crate::model::checkpoint::{Checkpoint, Head, LoadError, Structure};
use crate::model::config::{ConfigError, ModelConfig, ModelType};
use crate::model::init::first_values;
use crate::model::{Model, OpenError, Parameter, Parameters, layout};

/// What stands on the encoder, and what its logits mean.
#[derive(Debug, Clone, PartialEq)]
pub enum HeadWish {
    /// Guesses of tokens.
    MaskedLm,
    /// Classes of a sequence, by name in order; `several` if any number of them may hold.
    Sequence {
        /// Their names.
        labels: Vec<String>,
        /// Whether any number of them may hold.
        several: bool,
    },
    /// Classes of tokens, by name in order.
    Token(Vec<String>),
}

impl HeadWish {
    /// The configuration of a model with this head; whatever else `config` says stays.
    ///
    /// # Errors
    /// [`ConfigError`] if such a model cannot be.
    pub fn config(&self, config: &ModelConfig) -> Result<ModelConfig, ConfigError> {
        let (ending, labels, problem) = match self {
            Self::MaskedLm => ("ForMaskedLM", None, None),
            Self::Sequence { labels, several } => {
                let problem = match several {
                    true => "multi_label_classification",
                    false => "single_label_classification",
                };
                ("ForSequenceClassification", Some(labels), Some(problem))
            }
            Self::Token(labels) => ("ForTokenClassification", Some(labels), None),
        };
        let class = match config.model_type() {
            ModelType::ModernBert => "ModernBert",
            ModelType::Bert => "Bert",
        };
        let mut changes = vec![(
            "architectures",
            Value::from(vec![format!("{class}{ending}")]),
        )];
        if let Some(labels) = labels {
            let names = labels.iter().enumerate();
            let by_id: Map<String, Value> = names
                .clone()
                .map(|(id, label)| (id.to_string(), label.as_str().into()))
                .collect();
            let by_label: Map<String, Value> = names
                .map(|(id, label)| (label.clone(), id.into()))
                .collect();
            changes.push(("id2label", by_id.into()));
            changes.push(("label2id", by_label.into()));
            changes.push(("problem_type", problem.into()));
            if config.raw("num_labels").is_some() {
                changes.push(("num_labels", labels.len().into()));
            }
        }
        if config.random_weights() {
            changes.push(("auscult_random_weights", false.into()));
        }
        config.with(changes)
    }

    fn structure(&self, config: &ModelConfig) -> Structure {
        let head = match self {
            Self::MaskedLm => Head::MaskedLm,
            Self::Sequence { .. } => Head::SequenceClassification,
            Self::Token(_) => Head::TokenClassification,
        };
        Structure {
            head,
            pooler: head == Head::SequenceClassification && config.model_type() == ModelType::Bert,
            tied_decoder: head == Head::MaskedLm && config.tie_word_embeddings,
        }
    }
}

/// A model of which no value comes from a file.
///
/// # Errors
/// [`ConfigError`] if there is no such model with this head.
pub fn from_scratch(
    config: &ModelConfig,
    head: &HeadWish,
    randomness: &Randomness,
    device: &Device,
) -> Result<Model, ConfigError> {
    let config = head.config(config)?;
    let structure = head.structure(&config);
    let mut parameters = Parameters::default();
    for (number, spec) in layout(&config, structure).iter().enumerate() {
        let values = fresh(&config, spec, number, randomness);
        let parameter = Parameter::from_values(values, &spec.shape, device);
        parameters.push(&spec.name, parameter);
    }
    Ok(Model::assemble(
        Arc::new(config),
        structure,
        parameters,
        device,
    ))
}

/// A model whose encoder, and as much of its head as fits, comes from a checkpoint; the names of
/// the parameters that do not are returned beside it.
///
/// # Errors
/// [`OpenError`] if a tensor of the encoder is missing or does not fit, or `job` is stopped.
pub fn from_checkpoint(
    checkpoint: Checkpoint,
    head: &HeadWish,
    randomness: &Randomness,
    device: &Device,
    job: &Job,
) -> Result<(Model, Vec<String>), OpenError> {
    let config = head.config(checkpoint.config()).map_err(LoadError::from)?;
    let structure = head.structure(&config);
    let whole = layout(&config, structure);
    let checkpoint = checkpoint.with_head(config.clone(), structure);
    let stored: Vec<_> = whole
        .iter()
        .filter(|spec| !super::weights::of_head(&spec.name) || checkpoint.stores(spec))
        .cloned()
        .collect();
    let plan = checkpoint.plan(&stored).map_err(LoadError::from)?;
    let mut read = Parameters::default();
    let mut done = 0;
    checkpoint.read(&plan, &mut |spec, values| -> Result<(), OpenError> {
        job.step(done, stored.len(), "tensors")?;
        done += 1;
        read.push(
            &spec.name,
            Parameter::from_values(values, &spec.shape, device),
        );
        Ok(())
    })?;
    let mut read = read.into_iter().peekable();
    let (mut parameters, mut new) = (Parameters::default(), Vec::new());
    for (number, spec) in whole.iter().enumerate() {
        // What is read comes in the order of the layout.
        let parameter = match read.next_if(|(name, _)| *name == spec.name) {
            Some((_, parameter)) => parameter,
            None => {
                new.push(spec.name.clone());
                let values = fresh(&config, spec, number, randomness);
                Parameter::from_values(values, &spec.shape, device)
            }
        };
        parameters.push(&spec.name, parameter);
    }
    let model = Model::assemble(Arc::new(config), structure, parameters, device);
    Ok((model, new))
}

fn fresh(
    config: &ModelConfig,
    spec: &crate::model::checkpoint::ParameterSpec,
    number: usize,
    randomness: &Randomness,
) -> Vec<f32> {
    let mut stream = randomness.stream(Purpose::Weights, number as u64);
    first_values(config, spec, &mut || stream.normal())
}
