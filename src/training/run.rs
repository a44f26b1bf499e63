//! The loop: judge, save, step, until the run is done or somebody asks to stop.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;

use super::adapter;
use super::checkpoint::{self, Best, CheckpointError};
use super::evaluate::{Evaluation, Unjudged, Validation};
use super::gradients;
use super::history::{Event, History};
use super::objective::Prepared;
use super::randomness::Purpose;
use super::session::{Session, TrainError};
use crate::job::{Cancelled, Job};
use crate::kernels::{DeviceFault, values};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All steps were made.
    Finished,
    /// Nothing better came for as many evaluations as patience allows.
    NothingBetter,
    /// The user stopped it; everything is saved, and it can go on.
    Stopped,
}

/// What came of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Its folder.
    pub run: PathBuf,
    /// How it ended.
    pub outcome: Outcome,
    /// Steps that were made.
    pub steps: u64,
    /// Steps that were asked for.
    pub total_steps: u64,
    /// The best model, in Hugging Face layout; the last one where nothing is judged.
    pub model: Option<PathBuf>,
    /// When it was found, and how good it is in the run's metric, more being better.
    pub best: Option<Best>,
    /// The last evaluation.
    pub last: Option<Evaluation>,
    /// Numbers that are trained.
    pub trained: usize,
    /// Numbers of the whole model.
    pub parameters: usize,
    /// Examples to learn from and to be judged by.
    pub examples: [usize; 2],
    /// Names of the classes.
    pub labels: Vec<String>,
    /// Notes, rows or files that were left out.
    pub left_out: usize,
    /// Tokens that were read.
    pub tokens: u64,
    /// How long all steps took, in seconds.
    pub seconds: f64,
    /// Where the time of the steps of this process went; on a GPU parts overlap.
    pub times: Times,
}

/// Where the time of steps goes, in seconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Times {
    /// Batches and masks.
    pub prepare: f64,
    /// Loss and gradients.
    pub model: f64,
    /// The optimiser.
    pub update: f64,
    /// Everything else between two steps: history, checks, progress.
    pub rest: f64,
}

impl Session {
    /// Makes all steps that are left, telling `each` of what happens.
    ///
    /// A stopped `job` ends the run after the step, with a checkpoint.
    ///
    /// # Errors
    /// [`TrainError`] says what went wrong; the last checkpoint is whole then.
    pub fn run(&mut self, job: &Job, each: &mut dyn FnMut(&Event)) -> Result<Report, TrainError> {
        let mut history = History::open(&self.run.history(), &self.state)?;
        let mut times = Times::default();
        let mut last = None;
        let outcome = loop {
            if self.is_to_be_judged() {
                let Ok(event) = self.judge(job)? else {
                    break Outcome::Stopped;
                };
                if let Event::Evaluated { evaluation, .. } = &event {
                    last = Some(*evaluation);
                }
                history.add(&event)?;
                each(&event);
            }
            if self.is_to_be_saved() {
                history.sync()?;
                self.save()?;
            }
            if self.state.step >= self.total() {
                break Outcome::Finished;
            }
            if self.config.patience > 0 && self.state.without_better >= self.config.patience {
                break Outcome::NothingBetter;
            }
            if job
                .step(self.state.step as usize, self.total() as usize, "steps")
                .is_err()
            {
                break Outcome::Stopped;
            }
            let event = self.guarded_step(&mut times)?;
            let rest = Instant::now();
            history.add(&event)?;
            each(&event);
            times.rest += rest.elapsed().as_secs_f64();
        };
        history.sync()?;
        self.save()?;
        if outcome != Outcome::Stopped && self.data.validation.is_empty() {
            self.keep_best()?;
        }
        let total = self.total() as usize;
        let _ = job.step(total, total, "steps");
        let report = self.report(outcome, last, times);
        self.run.write_json("report.json", &report)?;
        Ok(report)
    }

    /// Whether this step count ends what `every` says; 0 is every epoch.
    fn is_due(&self, every: u64) -> bool {
        let every = match every {
            0 => self.steps_per_epoch,
            every => every,
        };
        let step = self.state.step;
        step > 0 && (step.is_multiple_of(every) || step >= self.total())
    }

    fn is_to_be_judged(&self) -> bool {
        let step = self.state.step;
        let judged = self.state.evaluated == Some(step);
        !self.data.validation.is_empty() && !judged && self.is_due(self.config.evaluate_every)
    }

    fn is_to_be_saved(&self) -> bool {
        let every = match self.config.save_every {
            0 => self.config.evaluate_every,
            every => every,
        };
        // Before the first step as well: from then on nothing but the run's folder is needed.
        self.state.step == 0 || self.is_due(every)
    }

    fn save(&self) -> Result<(), CheckpointError> {
        checkpoint::save(
            &self.run,
            &self.weights,
            &self.optimizer,
            &self.state,
            &self.tokenizer_files,
            self.config.keep,
        )
    }

    fn keep_best(&self) -> Result<(), CheckpointError> {
        self.run.replace_best(|folder| {
            let model = self.weights.model();
            model.save(folder, &self.tokenizer_files)?;
            if let Some(low_rank) = self.weights.thin() {
                let folder = folder.join("adapter");
                adapter::save(&folder, &self.weights, low_rank, &self.run.start())?;
            }
            Ok(())
        })
    }

    /// Judges the model, and keeps it if it is the best; or says that the user does not want to
    /// wait for that.
    fn judge(&mut self, job: &Job) -> Result<Result<Event, Cancelled>, TrainError> {
        let start = Instant::now();
        let validation = Validation {
            objective: &self.objective,
            examples: &self.data.validation,
            batch: self.config.batch,
            mask_rate: self.config.mask_rate_end.unwrap_or(self.config.mask_rate),
            randomness: self.randomness,
            classes: self.data.labels.len(),
        };
        let model = self.weights.model();
        let evaluation = match job.within(0.0..1.0, || validation.run(&model, job)) {
            Ok(Some(evaluation)) => evaluation,
            Ok(None) => {
                let reason = "the validation notes hold nothing that could be judged by";
                return Err(TrainError::Unfit(reason.to_owned()));
            }
            Err(Unjudged::Cancelled(cancelled)) => return Ok(Err(cancelled)),
            Err(Unjudged::Fault(fault)) => return Err(failed(self.state.step, &fault)),
        };
        let goodness = evaluation.goodness(self.config.settled_metric());
        let is_best = self.state.best.is_none_or(|best| goodness > best.goodness);
        if is_best {
            self.keep_best()?;
            let step = self.state.step;
            self.state.best = Some(Best { step, goodness });
            self.state.without_better = 0;
        } else {
            self.state.without_better += 1;
        }
        self.state.evaluated = Some(self.state.step);
        Ok(Ok(Event::Evaluated {
            step: self.state.step,
            evaluation,
            best: is_best,
            seconds: start.elapsed().as_secs_f64(),
        }))
    }

    /// A step whose failure on the device becomes an error.
    fn guarded_step(&mut self, times: &mut Times) -> Result<Event, TrainError> {
        let number = self.state.step + 1;
        // After a panic nothing of the session is used again but what lies on the disk.
        let result = catch_unwind(AssertUnwindSafe(|| self.step(times)));
        result.unwrap_or_else(|panic| {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(TrainError::Device {
                step: number,
                reason: said.unwrap_or("it did not say why").to_owned(),
            })
        })
    }

    /// One step: batches, loss, gradients, update.
    fn step(&mut self, times: &mut Times) -> Result<Event, TrainError> {
        let start = Instant::now();
        let number = self.state.step + 1;
        let epoch = self.order.position().epoch;
        let (parts, weight) = self.parts()?;
        let tokens: usize = parts
            .iter()
            .map(|part| part.batch.sequences().tokens())
            .sum();
        let prepared = Instant::now();
        let (losses, sum) = gradients::of_step(
            &self.weights,
            &self.objective,
            &parts,
            weight,
            self.config.recompute,
        );
        let computed = Instant::now();
        let lr = self.schedule.lr(self.state.step);
        let optimizer = &mut self.optimizer;
        let norm = self.weights.change(|own| optimizer.update(own, sum, lr));
        // Here the device is waited for.
        let read = |tensor| -> Result<f64, TrainError> {
            let values = values(tensor).map_err(|fault| failed(number, &fault))?;
            Ok(values.into_iter().map(f64::from).sum())
        };
        let loss: f64 = losses.into_iter().map(read).sum::<Result<_, _>>()?;
        let norm = read(norm)?;
        let updated = Instant::now();
        for (what, value) in [("loss", loss), ("gradient", norm)] {
            if !value.is_finite() {
                let step = number;
                return Err(TrainError::NotFinite { step, what, value });
            }
        }
        let seconds = (updated - start).as_secs_f64();
        times.prepare += (prepared - start).as_secs_f64();
        times.model += (computed - prepared).as_secs_f64();
        times.update += (updated - computed).as_secs_f64();
        self.state.step = number;
        self.state.position = self.order.position();
        self.state.tokens += tokens as u64;
        self.state.seconds += seconds;
        Ok(Event::Step {
            step: number,
            epoch,
            loss,
            gradient_norm: norm,
            lr,
            tokens: tokens as u64,
            seconds,
        })
    }

    /// The micro-batches of the next step, and what their targets count together.
    fn parts(&mut self) -> Result<(Vec<Prepared>, f64), TrainError> {
        let rate = self.config.mask_rate_at(self.state.step, self.total());
        // Micro-batches without any target are read over; a whole epoch of them is an error.
        for _ in 0..=self.order.in_epoch() {
            let mut parts = Vec::with_capacity(self.config.accumulate);
            for _ in 0..self.config.accumulate {
                let number = self.order.position().number();
                let mut stream = self.randomness.stream(Purpose::Masks, number);
                let examples = self
                    .order
                    .next_batch()
                    .iter()
                    .map(|&at| &self.data.train[at]);
                parts.push(self.objective.prepare(examples, rate, &mut stream));
            }
            let weight = parts.iter().map(|part| part.weight).sum();
            if weight > 0.0 {
                return Ok((parts, weight));
            }
        }
        let reason = "no example has anything to be learned: nothing is labelled in any of them";
        Err(TrainError::Unfit(reason.to_owned()))
    }

    fn report(&self, outcome: Outcome, last: Option<Evaluation>, times: Times) -> Report {
        let model = Some(self.run.best()).filter(|folder| folder.is_dir());
        Report {
            run: self.run.path().to_owned(),
            outcome,
            steps: self.state.step,
            total_steps: self.total(),
            model,
            best: self.state.best,
            last,
            trained: self.weights.trained().count(),
            parameters: self.weights.model().parameters().count(),
            examples: [self.data.train.len(), self.data.validation.len()],
            labels: self.data.labels.clone(),
            left_out: self.data.left_out.len(),
            tokens: self.state.tokens,
            seconds: self.state.seconds,
            times,
        }
    }
}

/// A step that the device did not finish.
fn failed(step: u64, fault: &DeviceFault) -> TrainError {
    TrainError::Device {
        step,
        reason: fault.to_string(),
    }
}
