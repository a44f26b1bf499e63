//! One trial step: its time, or that there was no room for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::{CheckError, Trial};
use crate::job::Job;
use crate::kernels::{DeviceFault, values};
use crate::training::config::TrainConfig;
use crate::training::example::Example;
use crate::training::gradients;
use crate::training::objective::Prepared;
use crate::training::optimizer::Optimizer;
use crate::training::preparation::settings;
use crate::training::randomness::Purpose;
use crate::training::session::TrainError;

/// How a step went.
pub(super) enum Step {
    Made(StepSeconds),
    /// The device has no memory left.
    NoRoom,
}

/// Where the time of a step went.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StepSeconds {
    /// Batches, losses, gradients.
    pub(super) gradients: f64,
    pub(super) update: f64,
}

impl Trial<'_> {
    /// A step of the micro-batches of `parts`; of more than two the second stands for the others.
    pub(super) fn step(
        &mut self,
        config: &TrainConfig,
        parts: &[Vec<Example>],
        hidden: f64,
        job: &Job,
    ) -> Result<Step, CheckError> {
        let step = self.guarded_step(config, parts, hidden)?;
        if matches!(step, Step::NoRoom) {
            // An update that stops half-way leaves weights and means of which some are changed.
            self.begin_anew(job)?;
        }
        Ok(step)
    }

    fn guarded_step(
        &mut self,
        config: &TrainConfig,
        parts: &[Vec<Example>],
        hidden: f64,
    ) -> Result<Step, CheckError> {
        self.made += 1;
        let made = catch_unwind(AssertUnwindSafe(|| {
            self.unguarded_step(config, parts, hidden)
        }));
        let failed = |reason: &str| TrainError::Unfit(format!("a trial step failed: {reason}"));
        match made {
            Ok(Ok(step)) => Ok(Step::Made(step)),
            Ok(Err(StepFault::Device(DeviceFault::Memory))) => Ok(Step::NoRoom),
            Ok(Err(StepFault::Device(fault))) => Err(failed(&fault.to_string()).into()),
            Ok(Err(StepFault::NotFinite(loss))) => Err(TrainError::Unfit(format!(
                "the loss of a trial step is {loss}: a lower lr or a longer warmup may help, or the model \
                 to begin with is damaged"
            ))
            .into()),
            Err(panic) => {
                let said = panic.downcast_ref::<String>().map(String::as_str);
                let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
                let said = said.unwrap_or("the device did not say why");
                match said.contains("allocate") || said.contains("memory") {
                    true => Ok(Step::NoRoom),
                    false => Err(failed(said).into()),
                }
            }
        }
    }

    fn unguarded_step(
        &mut self,
        config: &TrainConfig,
        parts: &[Vec<Example>],
        hidden: f64,
    ) -> Result<StepSeconds, StepFault> {
        let trained = self.weights.trained();
        let optimizer = (self.optimizer)
            .get_or_insert_with(|| Optimizer::new(settings(config), trained, self.device));
        let start = Instant::now();
        let mut stream = self.randomness.stream(Purpose::Masks, self.made);
        // The gradients of one micro-batch are held while those of the next are made.
        let made = config.accumulate.clamp(1, 2);
        let parts: Vec<Prepared> = (0..made)
            .map(|at| {
                let examples = &parts[at % parts.len()];
                self.objective.prepare(examples, hidden, &mut stream)
            })
            .collect();
        let weight: f64 = parts.iter().map(|part| part.weight).sum();
        if weight == 0.0 {
            // A run reads over what has nothing to be learned.
            return Ok(StepSeconds::default());
        }
        let (losses, gradients) = gradients::of_step(
            &self.weights,
            &self.objective,
            &parts,
            weight,
            config.recompute,
        );
        let mut loss = 0.0;
        for own in losses {
            loss += values(own)?.into_iter().map(f64::from).sum::<f64>();
        }
        let differentiated = Instant::now();
        // The learning rate of a run's first step.
        let lr = config.lr / config.warmup.max(1) as f64;
        let norm = self
            .weights
            .change(|own| optimizer.update(own, gradients, lr));
        values(norm)?;
        if !loss.is_finite() {
            return Err(StepFault::NotFinite(loss));
        }
        Ok(StepSeconds {
            gradients: (differentiated - start).as_secs_f64() / made as f64,
            update: differentiated.elapsed().as_secs_f64(),
        })
    }
}

/// Why a step was not made.
enum StepFault {
    Device(DeviceFault),
    NotFinite(f64),
}

impl From<DeviceFault> for StepFault {
    fn from(fault: DeviceFault) -> Self {
        Self::Device(fault)
    }
}
