//! The loop: judge, save, step, until the run is done or somebody asks to stop.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::checkpoint::{self, CheckpointError};
use super::from_notes::DataError;
use super::gradients;
use super::history::{Event, History, events};
use super::objective::Prepared;
use super::randomness::Purpose;
use super::report::{Outcome, Report, Times};
use super::session::{Session, TrainError};
use super::watch::{Film, Hears, Onlooker};
use crate::job::Job;
use crate::kernels::values;

impl Session {
    /// Makes all steps that are left, telling `each` of what happens.
    ///
    /// A stopped `job` ends the run after the step, with a checkpoint.
    ///
    /// # Errors
    /// [`TrainError`] says what went wrong; the last checkpoint is whole then.
    pub fn run(&mut self, job: &Job, each: &mut dyn FnMut(&Event)) -> Result<Report, TrainError> {
        self.run_before(job, &mut Hears(each))
    }

    /// [`run`](Self::run) before somebody who may watch notes while it is made.
    ///
    /// # Errors
    /// As [`run`](Self::run): what goes wrong in watching ends that alone.
    pub fn run_before(
        &mut self,
        job: &Job,
        onlooker: &mut dyn Onlooker,
    ) -> Result<Report, TrainError> {
        let mut history = History::open(&self.run.history(), &self.state)?;
        let mut film = Film::open(&self.run, self.state.step);
        let mut times = Times::default();
        let outcome = loop {
            if self.is_to_be_judged() {
                let Ok(event) = self.judge(job)? else {
                    break Outcome::Stopped;
                };
                history.add(&event)?;
                onlooker.happens(&event);
            }
            if self.is_to_be_saved() {
                history.sync()?;
                self.save()?;
            }
            self.watch(&mut film, job, onlooker);
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
            film.happens(&event);
            onlooker.happens(&event);
            times.rest += rest.elapsed().as_secs_f64();
        };
        history.sync()?;
        self.save()?;
        if outcome != Outcome::Stopped && self.data.validation.is_empty() {
            self.keep_best(&[])?;
        }
        // The run is whole without it.
        let (judged, remark) = match outcome {
            Outcome::Stopped => (Vec::new(), None),
            Outcome::Finished | Outcome::NothingBetter => match self.judge_best(job) {
                Ok(judged) => (judged, None),
                Err(error) => (Vec::new(), Some(error)),
            },
        };
        let total = self.total() as usize;
        let _ = job.step(total, total, "steps");
        let happened = events(&self.run.history())?;
        let mut report = self.report(outcome, judged, &happened, times);
        let remark = remark.map(|error| format!("the best model was not judged: {error}"));
        report.remarks.extend(remark);
        report.remarks.extend(film.remark());
        self.tell(&mut report, &happened);
        self.run.write_json(super::run_folder::REPORT, &report)?;
        Ok(report)
    }

    /// Whether this step count ends what `every` says; 0 is every epoch.
    pub(super) fn is_due(&self, every: u64) -> bool {
        let every = match every {
            0 => self.steps_per_epoch,
            every => every,
        };
        let step = self.state.step;
        step > 0 && (step.is_multiple_of(every) || step >= self.total())
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
            let values = values(tensor).map_err(|fault| TrainError::device(number, &fault))?;
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

    /// The micro-batches of the next step, and what their targets count together. The last step of
    /// an epoch has as many as are left, so that every example is read once an epoch.
    fn parts(&mut self) -> Result<(Vec<Prepared>, f64), TrainError> {
        let rate = self.config.mask_rate_at(self.state.step, self.total());
        // Micro-batches without any target are read over; a whole epoch of them is an error.
        for _ in 0..=self.order.in_epoch() {
            let mut parts = Vec::with_capacity(self.config.accumulate);
            let epoch = self.order.position().epoch;
            while parts.len() < self.config.accumulate && self.order.position().epoch == epoch {
                let number = self.order.position().number();
                let mut stream = self.randomness.stream(Purpose::Masks, number);
                let places = self.order.next_batch().iter().copied();
                let examples = self.data.train.read(places).map_err(DataError::from)?;
                parts.push(self.objective.prepare(&examples, rate, &mut stream));
            }
            let weight = parts.iter().map(|part| part.weight).sum();
            if weight > 0.0 {
                return Ok((parts, weight));
            }
        }
        let reason = "no example has anything to be learned: nothing is labelled in any of them";
        Err(TrainError::Unfit(reason.to_owned()))
    }
}
