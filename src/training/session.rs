//! Everything a run needs before its first step: data, model, optimiser, position.

use std::path::Path;

use burn::tensor::Device;

use super::checkpoint::{CheckpointError, Saved, State};
use super::config::{ConfigFault, MetricName, Mode, TrainConfig};
use super::from_notes::{self, DataError, Dataset};
use super::objective::Objective;
use super::optimizer::Optimizer;
use super::order::Order;
use super::preparation::{
    batching, fits, given_tokenizer, objective, settings, start_model, weights,
};
use super::randomness::Randomness;
use super::run_folder::{RunError, RunFolder};
use super::schedule::Schedule;
use super::weights::Weights;
use crate::job::Job;
use crate::kernels::DeviceFault;
use crate::model::config::ConfigError;
use crate::model::{Model, OpenError};
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
        "step {step}: {reason}. --resume goes on from the last checkpoint; where memory was short, a \
         smaller batch with more accumulate does the same"
    )]
    Device {
        /// The step, from 1.
        step: u64,
        /// What was said.
        reason: String,
    },
}

impl TrainError {
    /// A step, or what was to be known after it, that the device did not finish.
    pub(super) fn device(step: u64, fault: &DeviceFault) -> Self {
        Self::Device {
            step,
            reason: fault.to_string(),
        }
    }
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
        Self::new(config.located()?, None, device, job)
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
        let tokenizer = match of_run {
            Some(own) => Tokenizer::open(&own)?,
            None => given_tokenizer(&config)?,
        };
        let data = from_notes::read(&config, &tokenizer, job)?;
        let lora = config.mode == Mode::Lora;
        let (model, new_parameters) = match (&saved, &begun) {
            // A checkpoint of such a run holds the changed matrices, and not what they were.
            (Some(_), Some(run)) if lora => (Model::load(&run.start(), device, job)?, Vec::new()),
            (Some(saved), _) => (Model::load(&saved.model(), device, job)?, Vec::new()),
            (None, _) => start_model(&config, &tokenizer, &data.labels, &randomness, device, job)?,
        };
        let start = lora.then(|| model.clone());
        fits(&config, &tokenizer, model.config())?;
        let objective = objective(&config, &tokenizer, &data, job)?;
        let mut weights = weights(model, &config, &randomness)?;
        let settings = settings(&config);
        let optimizer = match &saved {
            Some(saved) => saved.restore(&mut weights, settings)?,
            None => Optimizer::new(settings, weights.trained(), device),
        };
        let state = saved.map_or_else(State::start, |saved| saved.state);
        let lengths = data.train.lengths();
        let batching = batching(&config);
        let first = Order::new(
            lengths.clone().collect(),
            batching,
            randomness,
            Default::default(),
        );
        let steps_per_epoch = first.in_epoch().div_ceil(config.accumulate) as u64;
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
        if let Some(start) = start.filter(|_| !run.start().is_dir()) {
            let saved = start.save(&run.start(), &tokenizer_files);
            saved.map_err(CheckpointError::from)?;
        }
        run.hold_data(&data.fingerprint, &data.report)?;
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

    /// What tells the best model.
    pub fn metric(&self) -> MetricName {
        self.config.settled_metric()
    }

    /// Where the run is.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What is learned from.
    pub fn data(&self) -> &Dataset {
        &self.data
    }

    /// What it is to do.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// The files of its tokenizer.
    pub fn tokenizer_files(&self) -> &[std::path::PathBuf] {
        &self.tokenizer_files
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
