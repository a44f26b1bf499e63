//! Tries a run out before it begins: real steps on its own data, of which nothing is kept.
//!
//! Memory is that of the largest micro-batch that the run will read. It is not read at once: steps
//! on an eighth, a quarter and half of it say first whether the rest would fit, because on most
//! systems a process that asks for too much is ended.

mod plan;
mod proposal;
mod step;
mod timing;

use burn::tensor::Device;
use serde::Serialize;

use self::plan::Plan;
use self::step::Step;
use super::config::{MetricName, TrainConfig};
use super::from_notes::{self, DataError, Dataset};
use super::objective::Objective;
use super::optimizer::Optimizer;
use super::preparation::{fits, given_tokenizer, objective, start_model, weights};
use super::randomness::Randomness;
use super::run_folder::RunFolder;
use super::session::TrainError;
use super::weights::Weights;
use crate::job::{Cancelled, Job};
use crate::model::OpenError;
use crate::tokenization::Tokenizer;

pub use self::proposal::{Change, Proposal};
pub use self::timing::RunTime;

/// Bytes of a number.
const NUMBER: u64 = 4;

/// Tells how much memory is in use.
pub trait Meter {
    /// Counts the peak anew from here.
    fn restart(&mut self);
    /// The largest use since, in bytes; `None` where it is not told.
    fn peak(&mut self) -> Option<u64>;
}

/// Why nothing was found out.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Stopped by the user.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// What a run would end with.
    #[error(transparent)]
    Train(TrainError),
}

impl<E: Into<TrainError>> From<E> for CheckError {
    fn from(error: E) -> Self {
        match error.into() {
            TrainError::Model(OpenError::Cancelled(cancelled))
            | TrainError::Data(DataError::Cancelled(cancelled)) => Self::Cancelled(cancelled),
            error => Self::Train(error),
        }
    }
}

/// How the memory that a run needs is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// A step with the largest micro-batch was made.
    Measured,
    /// Such a step would not have fitted: it follows from smaller ones.
    Extrapolated,
    /// Not even a small step fits; these are the weights, their gradients and the optimiser's means
    /// alone.
    Counted,
    /// A step was made, or failed for want of memory, and nobody tells how much it took.
    #[default]
    Untold,
}

/// What was found out of one way to make a run; by default nothing was.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Measured {
    /// Tokens of the largest micro-batch.
    pub largest_tokens: usize,
    /// The memory that is needed, in bytes, if it is known.
    pub needed_bytes: Option<u64>,
    /// How.
    pub known: Known,
    /// Whether that is there.
    pub fits: bool,
    /// How long it takes, if it fits.
    pub time: Option<RunTime>,
    /// Real steps that were made to find out.
    pub trial_steps: u64,
    /// Bytes by tokens of a micro-batch, as far as they were measured.
    #[serde(skip)]
    line: Option<Line>,
}

/// Memory by tokens: a line.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Line {
    start: f64,
    slope: f64,
}

impl Line {
    /// Through two points, rising.
    fn through([(x0, y0), (x1, y1)]: [(usize, u64); 2]) -> Self {
        let slope = (y1 as f64 - y0 as f64) / (x1 as f64 - x0 as f64).max(1.0);
        let slope = slope.max(0.0);
        Self {
            start: y1 as f64 - slope * x1 as f64,
            slope,
        }
    }

    fn at(self, tokens: usize) -> u64 {
        (self.start + self.slope * tokens as f64) as u64
    }
}

/// A run that can make steps, without a folder.
pub struct Trial<'a> {
    config: TrainConfig,
    device: &'a Device,
    meter: &'a mut dyn Meter,
    /// Bytes that may be used, if that is known.
    limit: Option<u64>,
    tokenizer: Tokenizer,
    data: Dataset,
    objective: Objective,
    weights: Weights,
    /// Made when it is known that it fits.
    optimizer: Option<Optimizer>,
    randomness: Randomness,
    new_parameters: Vec<String>,
    /// The largest use of memory until everything was read.
    loading: Option<u64>,
    /// Trial steps that were made.
    made: u64,
}

impl<'a> Trial<'a> {
    /// Reads what the run of `config` begins with; `limit` is the memory that it may use, in bytes.
    ///
    /// # Errors
    /// [`CheckError`] with what the run would end with, or when `job` is stopped.
    pub fn prepare(
        config: TrainConfig,
        device: &'a Device,
        limit: Option<u64>,
        meter: &'a mut dyn Meter,
        job: &Job,
    ) -> Result<Self, CheckError> {
        config.validate()?;
        let config = config.located()?;
        RunFolder::is_new(&config.run)?;
        meter.restart();
        let randomness = Randomness::new(config.seed);
        let tokenizer = given_tokenizer(&config)?;
        let data = from_notes::read(&config, &tokenizer, job)?;
        let (model, new_parameters) =
            start_model(&config, &tokenizer, &data.labels, &randomness, device, job)?;
        fits(&config, &tokenizer, model.config())?;
        let objective = objective(&config, &tokenizer, &data, job)?;
        let weights = weights(model, &config, &randomness)?;
        Ok(Self {
            loading: meter.peak(),
            config,
            device,
            meter,
            limit,
            tokenizer,
            data,
            objective,
            weights,
            optimizer: None,
            randomness,
            new_parameters,
            made: 0,
        })
    }

    /// Puts the weights that the run begins with in the place of those that there are.
    fn begin_anew(&mut self, job: &Job) -> Result<(), CheckError> {
        self.optimizer = None;
        let (config, labels) = (&self.config, &self.data.labels);
        let (model, _) = start_model(
            config,
            &self.tokenizer,
            labels,
            &self.randomness,
            self.device,
            job,
        )?;
        self.weights = weights(model, config, &self.randomness)?;
        Ok(())
    }

    /// What the run learns from.
    pub fn data(&self) -> &Dataset {
        &self.data
    }

    /// Steps of the whole run.
    pub fn steps(&self) -> u64 {
        Plan::new(&self.config, &self.data, self.randomness).steps
    }

    /// What tells the best model.
    pub fn metric(&self) -> MetricName {
        self.config.settled_metric()
    }

    /// The weights that it begins with, once steps were made a little off.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Parameters that begin with random values although the model is not from scratch.
    pub fn new_parameters(&self) -> &[String] {
        &self.new_parameters
    }

    /// Memory and time of the run as it is described.
    ///
    /// # Errors
    /// [`CheckError`] when a step fails otherwise than for want of memory, or `job` is stopped.
    pub fn measure(&mut self, job: &Job) -> Result<Measured, CheckError> {
        let config = self.config.clone();
        self.measure_with(&config, job)
    }

    /// The same with other values of `batch`, `accumulate`, `recompute`; `max_tokens` is that of
    /// the data.
    fn measure_with(&mut self, config: &TrainConfig, job: &Job) -> Result<Measured, CheckError> {
        let plan = Plan::new(config, &self.data, self.randomness);
        let before = self.made;
        let mut measured = self.memory(config, &plan, job)?;
        if measured.fits {
            measured.time = Some(self.time(config, &plan, job)?);
        }
        measured.trial_steps = self.made - before;
        Ok(measured)
    }

    /// Bytes of weights, gradients and means.
    fn counted(&self) -> u64 {
        let [trained, all] = self.numbers();
        NUMBER * (all + 3 * trained)
    }

    /// How many numbers are trained, and how many there are.
    fn numbers(&self) -> [u64; 2] {
        let trained = self.weights.trained().count() as u64;
        [trained, self.weights.model().parameters().count() as u64]
    }

    fn memory(
        &mut self,
        config: &TrainConfig,
        plan: &Plan,
        job: &Job,
    ) -> Result<Measured, CheckError> {
        let tokens = plan.largest_tokens;
        let mut measured = Measured {
            largest_tokens: tokens,
            needed_bytes: None,
            known: Known::Untold,
            fits: false,
            time: None,
            trial_steps: 0,
            line: None,
        };
        let counted = self.counted();
        if self.limit.is_some_and(|limit| counted > limit) {
            measured.needed_bytes = Some(counted);
            measured.known = Known::Counted;
            return Ok(measured);
        }
        self.meter.restart();
        let mut before = self.meter.peak().map(|now| {
            let held = match &self.optimizer {
                Some(_) => NUMBER * self.numbers()[0],
                None => 3 * NUMBER * self.numbers()[0],
            };
            (0, now + held)
        });
        let mut share = match self.limit {
            Some(_) => 8,
            // Nothing would be compared with what a smaller step takes.
            None => 1,
        };
        let mut step = 0;
        loop {
            job.step(step, 4, "trial steps")?;
            step += 1;
            let part = plan.cut(&self.data, tokens.div_ceil(share));
            let part = part.map_err(DataError::from)?;
            let own = part.iter().map(|example| example.ids.len()).sum();
            self.meter.restart();
            let made = self.step(config, &[part], plan.most_hidden, job)?;
            if matches!(made, Step::NoRoom) {
                return Ok(measured);
            }
            if let (Some(peak), Some(last)) = (self.meter.peak(), before) {
                let line = Line::through([last, (own, peak)]);
                let needs = |tokens| line.at(tokens).max(peak);
                let needed = needs(tokens).max(self.loading.unwrap_or(0));
                before = Some((own, peak));
                measured.line = Some(line);
                measured.needed_bytes = Some(needed);
                let over = |bytes| self.limit.is_some_and(|limit| bytes > limit);
                if share == 1 {
                    measured.known = Known::Measured;
                    measured.fits = !over(needed);
                    return Ok(measured);
                }
                if over(needs(2 * own)) {
                    measured.known = Known::Extrapolated;
                    return Ok(measured);
                }
                // Far below the limit nothing is to be feared of the whole.
                share = match over(2 * needed) {
                    true => share / 2,
                    false => 1,
                };
            } else if share == 1 {
                measured.fits = true;
                return Ok(measured);
            } else {
                share = 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Silent;

    impl Meter for Silent {
        fn restart(&mut self) {}

        fn peak(&mut self) -> Option<u64> {
            None
        }
    }

    #[test]
    fn what_an_update_left_half_way_is_made_anew() {
        let temporary = tempfile::tempdir().unwrap();
        let notes = temporary.path().join("notes.csv");
        std::fs::write(&notes, "id,text\n1,She coughs.\n2,No fever at night.\n").unwrap();
        let config = TrainConfig {
            model: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tiny").into(),
            run: temporary.path().join("run"),
            train: vec![notes],
            max_tokens: 32,
            batch: 2,
            ..TrainConfig::default()
        };
        let (device, job) = (Device::flex(), Job::silent());
        let mut silent = Silent;
        let mut trial = Trial::prepare(config, &device, None, &mut silent, &job).unwrap();
        let count = trial.weights.trained().count();
        assert!(count > 0 && trial.measure(&job).unwrap().fits);
        // What a panic in the middle of an update leaves.
        let left = trial.weights.change(|own| (Default::default(), own));
        assert_eq!((trial.weights.trained().count(), left.count()), (0, count));
        trial.begin_anew(&job).unwrap();
        assert_eq!(trial.weights.trained().count(), count);
        assert!(trial.measure(&job).unwrap().fits);
    }

    #[test]
    fn memory_grows_in_a_line_and_never_falls() {
        let line = Line::through([(100, 1_000), (200, 1_500)]);
        assert_eq!((line.at(0), line.at(800)), (500, 4_500));
        let flat = Line::through([(100, 1_000), (200, 900)]);
        assert_eq!((flat.at(200), flat.at(800)), (900, 900));
    }
}
