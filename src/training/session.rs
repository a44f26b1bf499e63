//! Everything a run needs before its first step: data, model, optimiser, position.

use std::path::Path;

use burn::tensor::Device;

use super::checkpoint::{CheckpointError, Saved, State};
use super::config::{ClassWeights, ConfigFault, Mode, TaskKind, TrainConfig};
use super::example::{Example, Label};
use super::from_notes::{self, DataError, Dataset};
use super::objective::{Masking, Objective};
use super::optimizer::{Optimizer, OptimizerSettings};
use super::order::{Batching, Order};
use super::randomness::Randomness;
use super::run_folder::{RunError, RunFolder};
use super::schedule::Schedule;
use super::start::{self, HeadWish};
use super::weights::{Weights, of_head};
use crate::job::Job;
use crate::model::checkpoint::Checkpoint;
use crate::model::config::{ConfigError, ModelConfig};
use crate::model::{Model, OpenError};
use crate::tasks::loss::{IGNORED, LossShape};
use crate::tokenization::{Tokenizer, TokenizerError};

/// Why a run cannot begin or go on. What was saved before stays whole.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Its description.
    #[error(transparent)]
    Config(#[from] ConfigFault),
    /// Its folder.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A checkpoint that could not be written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The model to begin with.
    #[error(transparent)]
    Model(#[from] OpenError),
    /// The configuration of a model from scratch.
    #[error(transparent)]
    ModelConfig(#[from] ConfigError),
    /// The tokenizer.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// What is to be learned from.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Model, tokenizer and description do not fit together.
    #[error("{0}")]
    Unfit(String),
    /// The loss or the gradient is no number.
    #[error(
        "step {step}: the {what} is {value}; the run ended before anything was saved of it. A lower lr, a \
         longer warmup or a smaller clip may help; --resume goes on from the last checkpoint"
    )]
    NotFinite {
        /// The step, from 1.
        step: u64,
        /// Loss or gradient.
        what: &'static str,
        /// What it is.
        value: f64,
    },
    /// The device failed, or ran out of memory.
    #[error(
        "step {step}: the device failed ({reason}); --resume goes on from the last checkpoint. If memory \
         was short, a smaller batch with more accumulate does the same"
    )]
    Device {
        /// The step, from 1.
        step: u64,
        /// What was said.
        reason: String,
    },
}

/// A run that can make its next step.
#[derive(Debug)]
pub struct Session {
    pub(super) config: TrainConfig,
    pub(super) run: RunFolder,
    pub(super) tokenizer_files: Vec<std::path::PathBuf>,
    pub(super) data: Dataset,
    pub(super) objective: Objective,
    pub(super) weights: Weights,
    pub(super) optimizer: Optimizer,
    pub(super) order: Order,
    pub(super) schedule: Schedule,
    pub(super) randomness: Randomness,
    pub(super) state: State,
    /// Steps after which every example was read once.
    pub(super) steps_per_epoch: u64,
    /// Parameters that the model to begin with did not have.
    pub(super) new_parameters: Vec<String>,
}

impl Session {
    /// A new run. Its folder is made last, when everything else is known to be right.
    ///
    /// # Errors
    /// [`TrainError`] says what is wrong; nothing is written then.
    pub fn begin(config: TrainConfig, device: &Device, job: &Job) -> Result<Self, TrainError> {
        config.validate()?;
        // The run may be gone on with from another folder.
        let config = config.with_absolute_paths().map_err(|error| {
            TrainError::Unfit(format!("the current folder cannot be told: {error}"))
        })?;
        Self::new(config, None, device, job)
    }

    /// A run that was begun, where its newest checkpoint left it.
    ///
    /// # Errors
    /// [`TrainError`] says what is wrong.
    pub fn resume(path: &Path, device: &Device, job: &Job) -> Result<Self, TrainError> {
        let (run, config) = RunFolder::open(path)?;
        Self::new(config, Some(run), device, job)
    }

    fn new(
        config: TrainConfig,
        begun: Option<RunFolder>,
        device: &Device,
        job: &Job,
    ) -> Result<Self, TrainError> {
        let randomness = Randomness::new(config.seed);
        let saved = match &begun {
            Some(run) => Saved::newest(run)?,
            None => None,
        };
        let of_run = begun.as_ref().and_then(RunFolder::tokenizer);
        let given = config.tokenizer.as_ref().unwrap_or(&config.model);
        let tokenizer = Tokenizer::open(of_run.as_ref().unwrap_or(given))?;
        let data = from_notes::read(&config, &tokenizer, job)?;
        let (model, new_parameters) = match &saved {
            Some(saved) => (Model::load(&saved.model(), device, job)?, Vec::new()),
            None => start_model(&config, &tokenizer, &data.labels, &randomness, device, job)?,
        };
        fits(&config, &tokenizer, model.config())?;
        let objective = objective(&config, &tokenizer, &data)?;
        let weights = match config.mode {
            Mode::Full => Weights::full(model),
            Mode::Head => Weights::new(model, of_head),
            Mode::Lora => {
                return Err(TrainError::Unfit(
                    "mode lora is not there yet; take full or head".to_owned(),
                ));
            }
        };
        let settings = OptimizerSettings {
            rule: config.optimizer.rule(),
            betas: [config.beta1, config.beta2],
            eps: config.eps,
            weight_decay: config.weight_decay,
            clip: (config.clip > 0.0).then_some(config.clip),
        };
        let optimizer = match &saved {
            Some(saved) => saved.optimizer(settings, weights.trained(), device)?,
            None => Optimizer::new(settings, weights.trained(), device),
        };
        let state = saved.map_or_else(State::start, |saved| saved.state);
        let lengths = data.train.iter().map(|example| example.ids.len());
        let batching = match config.pack && config.task == TaskKind::MaskedLm {
            true => Batching::Rows {
                rows: config.batch,
                tokens: config.max_tokens,
            },
            false => Batching::Examples(config.batch),
        };
        let start = Order::new(
            lengths.clone().collect(),
            batching,
            randomness,
            Default::default(),
        );
        let steps_per_epoch = start.in_epoch().div_ceil(config.accumulate) as u64;
        let order = Order::new(lengths.collect(), batching, randomness, state.position);
        let total = match config.steps {
            0 => config.epochs * steps_per_epoch,
            steps => steps,
        };
        let schedule = Schedule {
            shape: config.schedule,
            peak: config.lr,
            warmup: config.warmup,
            decay: config.decay,
            decay_shape: config.decay_shape,
            total,
        };
        let run = match begun {
            Some(run) => run,
            None => RunFolder::create(&config)?,
        };
        let tokenizer_files = run.hold_tokenizer(tokenizer.files())?;
        run.hold_data(&data.fingerprint)?;
        Ok(Self {
            config,
            run,
            tokenizer_files,
            data,
            objective,
            weights,
            optimizer,
            order,
            schedule,
            randomness,
            state,
            steps_per_epoch,
            new_parameters,
        })
    }

    /// Steps of the whole run.
    pub fn total(&self) -> u64 {
        self.schedule.total
    }

    /// Where the run is.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What is learned from.
    pub fn data(&self) -> &Dataset {
        &self.data
    }

    /// The weights as they are now.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Parameters that began with random values although the model was not from scratch.
    pub fn new_parameters(&self) -> &[String] {
        &self.new_parameters
    }
}

/// The model to begin with, and the names of its new parameters.
fn start_model(
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
    let mut of_model = ModelConfig::read(&config.model)?;
    if config.tokenizer.is_some() {
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
        of_model = of_model.with(ids.chain([("vocab_size", rows.into())]))?;
    }
    let model = start::from_scratch(&of_model, &head, randomness, device)?;
    Ok((model, Vec::new()))
}

/// That the model can read what the tokenizer gives it.
fn fits(
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

fn objective(
    config: &TrainConfig,
    tokenizer: &Tokenizer,
    data: &Dataset,
) -> Result<Objective, TrainError> {
    let shape = LossShape {
        class_weights: match config.class_weights {
            ClassWeights::None => None,
            ClassWeights::Balanced => Some(balanced(&data.train, data.labels.len())),
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
fn balanced(examples: &[Example], classes: usize) -> Vec<f32> {
    let mut counts = vec![0usize; classes];
    let (mut all, mut several) = (0, false);
    for example in examples {
        match &example.label {
            Label::Text => {}
            Label::Class(class) => {
                counts[*class] += 1;
                all += 1;
            }
            Label::Classes(holds) => {
                let held = counts.iter_mut().zip(holds);
                held.for_each(|(count, holds)| *count += usize::from(*holds == 1.0));
                all += 1;
                several = true;
            }
            Label::Tokens(labels) => {
                for &label in labels.iter().filter(|&&label| label != IGNORED) {
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
    counts.iter().map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_classes_count_more() {
        let example = |label| Example {
            ids: vec![1],
            type_ids: vec![0],
            label,
        };
        let single = [0, 0, 0, 1].map(|class| example(Label::Class(class)));
        assert_eq!(balanced(&single, 3), [4.0 / 9.0, 4.0 / 3.0, 1.0]);
        let several = [[1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]]
            .map(|holds| example(Label::Classes(holds.to_vec())));
        assert_eq!(balanced(&several, 2), [1.0 / 3.0, 3.0]);
        let tokens = [example(Label::Tokens(vec![IGNORED, 0, 0, 1, IGNORED]))];
        assert_eq!(balanced(&tokens, 2), [0.75, 1.5]);
    }
}
