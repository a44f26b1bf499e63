//! What a run is made of, by its description: the model, what of it is trained, and what for.

use burn::tensor::Device;

use super::config::{ClassWeights, Mode, TaskKind, TrainConfig};
use super::dataset::Dataset;
use super::example::Label;
use super::from_notes::DataError;
use super::objective::{Masking, Objective};
use super::optimizer::OptimizerSettings;
use super::order::Batching;
use super::randomness::Randomness;
use super::session::TrainError;
use super::start::{self, HeadWish};
use super::weights::{LowRank, Weights, of_head};
use crate::job::Job;
use crate::model::checkpoint::{self, Checkpoint};
use crate::model::config::ModelConfig;
use crate::model::{Model, OpenError};
use crate::tasks::loss::{IGNORED, LossShape};
use crate::tokenization::Tokenizer;

/// The tokenizer that the description names, or that of the model.
pub(super) fn given_tokenizer(config: &TrainConfig) -> Result<Tokenizer, TrainError> {
    Ok(match &config.tokenizer {
        Some(folder) => Tokenizer::open(folder)?,
        None => {
            let base = checkpoint::base_of(&config.model).map_err(OpenError::from)?;
            Tokenizer::open_beside(&config.model, base.as_deref())?
        }
    })
}

/// The model to begin with, and the names of its new parameters.
pub(super) fn start_model(
    config: &TrainConfig,
    tokenizer: &Tokenizer,
    labels: &[String],
    randomness: &Randomness,
    device: &Device,
    job: &Job,
) -> Result<(Model, Vec<String>), TrainError> {
    let head = match config.task {
        TaskKind::MaskedLm => HeadWish::MaskedLm,
        TaskKind::Classify => HeadWish::Sequence {
            labels: labels.to_vec(),
            several: config.several_labels,
        },
        TaskKind::Tag => HeadWish::Token(labels.to_vec()),
    };
    if !config.from_scratch {
        let checkpoint = Checkpoint::open(&config.model).map_err(OpenError::from)?;
        return Ok(start::from_checkpoint(
            checkpoint, &head, randomness, device, job,
        )?);
    }
    let of_model = from_scratch(config, tokenizer)?;
    let model = start::from_scratch(&of_model, &head, randomness, device)?;
    Ok((model, Vec::new()))
}

/// The configuration of a model from scratch: that of its folder, with the tokens of a tokenizer that
/// is given beside it.
fn from_scratch(config: &TrainConfig, tokenizer: &Tokenizer) -> Result<ModelConfig, TrainError> {
    let of_model = ModelConfig::read(&config.model)?;
    if config.tokenizer.is_none() {
        return Ok(of_model);
    }
    let special = tokenizer.special_tokens();
    let ids = [
        ("pad_token_id", special.pad),
        ("cls_token_id", special.cls),
        ("bos_token_id", special.cls),
        ("sep_token_id", special.sep),
        ("eos_token_id", special.sep),
    ];
    // Rows in whole blocks of 64 keep matrix products fast.
    let rows = tokenizer.vocabulary_size().next_multiple_of(64);
    let ids = ids.into_iter().map(|(key, id)| (key, id.into()));
    Ok(of_model.with(ids.chain([("vocab_size", rows.into())]))?)
}

/// That the model and the tokenizer of a run are there and fit together, as far as can be told
/// without notes and without reading weights: the tokenizer.
pub(super) fn look_at(config: &TrainConfig) -> Result<Tokenizer, TrainError> {
    let tokenizer = Tokenizer::open(config.tokenizer.as_ref().unwrap_or(&config.model))?;
    let of_model = match config.from_scratch {
        true => from_scratch(config, &tokenizer)?,
        false => {
            let checkpoint = Checkpoint::open(&config.model).map_err(OpenError::from)?;
            checkpoint.config().clone()
        }
    };
    fits(config, &tokenizer, &of_model)?;
    Ok(tokenizer)
}

/// What of the model is trained.
pub(super) fn weights(
    model: Model,
    config: &TrainConfig,
    randomness: &Randomness,
) -> Result<Weights, TrainError> {
    match config.mode {
        Mode::Full => Ok(Weights::full(model)),
        Mode::Head => Ok(Weights::new(model, of_head)),
        Mode::Lora => low_rank(model, config, randomness),
    }
}

/// What all steps of the optimiser share.
pub(super) fn settings(config: &TrainConfig) -> OptimizerSettings {
    OptimizerSettings {
        rule: config.optimizer.rule(),
        betas: [config.beta1, config.beta2],
        eps: config.eps,
        weight_decay: config.weight_decay,
        clip: (config.clip > 0.0).then_some(config.clip),
    }
}

/// How micro-batches are made.
pub(super) fn batching(config: &TrainConfig) -> Batching {
    match config.pack && config.task == TaskKind::MaskedLm {
        // No row is padded, so sequences share all tokens of a batch and not those of a row.
        true => Batching::Tokens(config.batch * config.max_tokens),
        false => Batching::Examples(config.batch),
    }
}

/// The weights of a run with thin matrices. A masked-LM head stays as it is: it is tied to the
/// embedding, which stays.
fn low_rank(
    model: Model,
    config: &TrainConfig,
    randomness: &Randomness,
) -> Result<Weights, TrainError> {
    let low_rank = LowRank {
        rank: config.lora_rank,
        alpha: config.lora_alpha,
        targets: config.lora_targets.clone(),
        with_head: config.task != TaskKind::MaskedLm,
    };
    Weights::low_rank(model, low_rank, randomness).map_err(|modules| {
        TrainError::Unfit(format!(
            "lora-targets names no module of this model; it has {}",
            modules.join(", ")
        ))
    })
}

/// That the model can read what the tokenizer gives it.
pub(super) fn fits(
    config: &TrainConfig,
    tokenizer: &Tokenizer,
    model: &ModelConfig,
) -> Result<(), TrainError> {
    let (tokens, rows) = (tokenizer.vocabulary_size(), model.vocab_size);
    if tokens > rows {
        return Err(TrainError::Unfit(format!(
            "the tokenizer has {tokens} tokens, and the model knows {rows}; take the tokenizer that \
             belongs to it, or from-scratch with the new one"
        )));
    }
    if config.max_tokens > model.max_positions {
        return Err(TrainError::Unfit(format!(
            "max-tokens is {}, and this model reads at most {}",
            config.max_tokens, model.max_positions
        )));
    }
    Ok(())
}

pub(super) fn objective(
    config: &TrainConfig,
    tokenizer: &Tokenizer,
    data: &Dataset,
    job: &Job,
) -> Result<Objective, TrainError> {
    let shape = LossShape {
        class_weights: match config.class_weights {
            ClassWeights::None => None,
            ClassWeights::Balanced => {
                let labels = data.train.labels().map(|label| {
                    job.check()?;
                    Ok::<_, DataError>(label?)
                });
                Some(balanced(labels, data.labels.len())?)
            }
        },
        focal_gamma: config.focal_gamma,
        smoothing: config.label_smoothing,
    };
    Ok(match (config.task, config.several_labels) {
        (TaskKind::MaskedLm, _) => {
            let special = tokenizer.special_tokens();
            let mask = special.mask.ok_or_else(|| {
                TrainError::Unfit("the tokenizer has no mask token to hide others with".to_owned())
            })?;
            let never = [
                special.cls,
                special.sep,
                special.pad,
                special.unk,
                Some(mask),
            ];
            Objective::MaskedLm(Masking {
                style: config.mask_style,
                mask,
                special: never.into_iter().flatten().collect(),
                vocabulary: tokenizer.vocabulary_size(),
            })
        }
        (TaskKind::Classify, false) => Objective::Class(shape),
        (TaskKind::Classify, true) => Objective::Classes(shape),
        (TaskKind::Tag, _) => Objective::Tokens(shape),
    })
}

/// Weights by which every class counts the same: `all / (classes · own)`, 1 for a class without
/// examples; with several labels per example, those without a label against those with it.
fn balanced<E>(
    labels: impl IntoIterator<Item = Result<Label, E>>,
    classes: usize,
) -> Result<Vec<f32>, E> {
    let mut counts = vec![0usize; classes];
    let (mut all, mut several) = (0, false);
    for label in labels {
        match label? {
            Label::Text => {}
            Label::Class(class) => {
                counts[class] += 1;
                all += 1;
            }
            Label::Classes(holds) => {
                let held = counts.iter_mut().zip(holds);
                held.for_each(|(count, holds)| *count += usize::from(holds == 1.0));
                all += 1;
                several = true;
            }
            Label::Tokens(labels) => {
                for label in labels.into_iter().filter(|&label| label != IGNORED) {
                    counts[label as usize] += 1;
                    all += 1;
                }
            }
        }
    }
    let weight = |&own: &usize| match (own, several) {
        (0, _) => 1.0,
        (own, true) => (all - own) as f32 / own as f32,
        (own, false) => all as f32 / (classes * own) as f32,
    };
    Ok(counts.iter().map(weight).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_classes_count_more() {
        let of = |labels: &[Label], classes| {
            let labels = labels.iter().cloned().map(Ok::<_, ()>);
            balanced(labels, classes).unwrap()
        };
        let single = [0, 0, 0, 1].map(Label::Class);
        assert_eq!(of(&single, 3), [4.0 / 9.0, 4.0 / 3.0, 1.0]);
        let several = [[1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]];
        let several = several.map(|holds| Label::Classes(holds.to_vec()));
        assert_eq!(of(&several, 2), [1.0 / 3.0, 3.0]);
        let tokens = [Label::Tokens(vec![IGNORED, 0, 0, 1, IGNORED])];
        assert_eq!(of(&tokens, 2), [0.75, 1.5]);
    }
}
