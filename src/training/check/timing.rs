//! How long a run will take, from steps that stand for the others.

use std::time::Instant;

use serde::Serialize;

use super::plan::Plan;
use super::step::Step;
use super::{CheckError, Trial};
use crate::job::Job;
use crate::training::config::TrainConfig;
use crate::training::dataset::Examples;
use crate::training::evaluate::{Unjudged, Validation};
use crate::training::from_notes::DataError;
use crate::training::session::TrainError;

/// Steps that are timed at least.
const LEAST: usize = 3;

/// Steps that are timed at most, where they are short.
const MOST: usize = 30;

/// Where steps are short, as many are timed as take about so long, in seconds.
const ENOUGH: f64 = 3.0;

/// How long a run takes, in seconds; checkpoints, whose writing depends on the disk, are not in it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RunTime {
    /// A step, all its micro-batches and the update.
    pub step_seconds: f64,
    /// Steps after which every example was read once.
    pub steps_per_epoch: u64,
    /// All steps of an epoch.
    pub epoch_seconds: f64,
    /// Steps of the run.
    pub steps: u64,
    /// One evaluation; 0 without validation notes.
    pub evaluation_seconds: f64,
    /// The evaluation of the best model at the end, by validation and test notes.
    pub last_seconds: f64,
    /// Evaluations of the run, if none ends it.
    pub evaluations: u64,
    /// The share of all evaluations in the time of the run, from 0 to 1.
    pub validation_share: f64,
    /// The whole run.
    pub seconds: f64,
}

impl Trial<'_> {
    /// Times steps whose numbers of tokens divide those of the epoch's micro-batches evenly.
    pub(super) fn time(
        &mut self,
        config: &TrainConfig,
        plan: &Plan,
        job: &Job,
    ) -> Result<RunTime, CheckError> {
        let (mut gradients, mut update) = self.mean_step(config, plan, LEAST, job)?;
        let once = gradients * config.accumulate.min(2) as f64 + update;
        if once * (LEAST as f64) < ENOUGH {
            let count = (ENOUGH / once.max(1e-9)) as usize;
            (gradients, update) = self.mean_step(config, plan, count.clamp(LEAST, MOST), job)?;
        }
        let micro_batches = plan.epoch.len() as f64;
        let epoch_seconds = gradients * micro_batches + update * plan.steps_per_epoch as f64;
        let step_seconds = epoch_seconds / plan.steps_per_epoch as f64;
        let evaluation_seconds = self.evaluation(config, &self.data.validation, job)?;
        // The best model is judged once more by all that was held back.
        let last_seconds = evaluation_seconds + self.evaluation(config, &self.data.test, job)?;
        let evaluations = match (self.data.validation.is_empty(), config.evaluate_every) {
            (true, _) => 0,
            (false, 0) => plan.steps.div_ceil(plan.steps_per_epoch),
            (false, every) => plan.steps.div_ceil(every),
        };
        let judging = evaluation_seconds * evaluations as f64 + last_seconds;
        let seconds = step_seconds * plan.steps as f64 + judging;
        Ok(RunTime {
            step_seconds,
            steps_per_epoch: plan.steps_per_epoch,
            epoch_seconds,
            steps: plan.steps,
            evaluation_seconds,
            last_seconds,
            evaluations,
            validation_share: judging / seconds.max(f64::MIN_POSITIVE),
            seconds,
        })
    }

    /// The mean time of the gradients of a micro-batch, and of an update, in seconds.
    fn mean_step(
        &mut self,
        config: &TrainConfig,
        plan: &Plan,
        count: usize,
        job: &Job,
    ) -> Result<(f64, f64), CheckError> {
        let (mut gradients, mut update) = (0.0, 0.0);
        for number in 0..count {
            job.step(number, count, "timed steps")?;
            let at = (2 * number + 1) * plan.epoch.len() / (2 * count);
            let part = self.data.train.read(plan.epoch[at].iter().copied());
            let part = part.map_err(DataError::from)?;
            match self.step(config, &[part], plan.usually_hidden, job)? {
                Step::Made(seconds) => {
                    gradients += seconds.gradients;
                    update += seconds.update;
                }
                Step::NoRoom => {
                    let reason = "the device ran out of memory in a step that had fitted before";
                    return Err(TrainError::Unfit(reason.to_owned()).into());
                }
            }
        }
        Ok((gradients / count as f64, update / count as f64))
    }

    /// The time of one evaluation by a part, from batches that divide its batches evenly.
    fn evaluation(
        &self,
        config: &TrainConfig,
        part: &Examples,
        job: &Job,
    ) -> Result<f64, CheckError> {
        let mut batches: Vec<Examples> = part.parts(config.batch).collect();
        batches.sort_by_key(|batch| batch.lengths().sum::<usize>());
        let count = batches.len().min(LEAST);
        let model = self.weights.model();
        let mut seconds = 0.0;
        for number in 0..count {
            let start = Instant::now();
            let validation = Validation {
                objective: &self.objective,
                examples: &batches[(2 * number + 1) * batches.len() / (2 * count)],
                batch: config.batch,
                mask_rate: config.last_mask_rate(),
                randomness: self.randomness,
                labels: &self.data.labels,
                metric: config.settled_metric(),
            };
            match validation.run(&model, job) {
                Ok(_) => seconds += start.elapsed().as_secs_f64(),
                Err(Unjudged::Cancelled(cancelled)) => return Err(cancelled.into()),
                Err(Unjudged::Store(error)) => return Err(DataError::from(error).into()),
                Err(Unjudged::Metrics(error)) => {
                    return Err(TrainError::Unfit(format!("a trial evaluation: {error}")).into());
                }
                Err(Unjudged::Fault(fault)) => {
                    return Err(TrainError::Unfit(format!("a trial evaluation: {fault}")).into());
                }
            }
        }
        Ok(seconds / count.max(1) as f64 * batches.len() as f64)
    }
}
