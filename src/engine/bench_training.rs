//! Measures steps of masked-LM training, and where their time goes.

use std::time::Instant;

use serde::Serialize;

use super::bench::{RandomModel, batch};
use super::memory::{peak_bytes, reset_peak};
use super::{DeviceInfo, Engine, EngineError, Job};
use crate::kernels::blocks::Kept;
use crate::kernels::{AdamRule, values};
use crate::model::checkpoint::Head;
use crate::training::example::{Example, Label};
use crate::training::gradients;
use crate::training::objective::{MaskStyle, Masking, Objective};
use crate::training::optimizer::{Optimizer, OptimizerSettings};
use crate::training::randomness::{Purpose, Randomness};
use crate::training::weights::Weights;

/// What is measured.
#[derive(Debug, Clone)]
pub struct TrainingBench {
    /// The model, if none is loaded.
    pub model: RandomModel,
    /// Tokens of the one sequence of a step.
    pub lengths: Vec<usize>,
    /// Whether layers are computed again for their gradient instead of kept.
    pub recompute: bool,
}

/// What was measured on one device.
#[derive(Debug, Clone, Serialize)]
pub struct TrainingBenchReport {
    /// Where.
    pub device: DeviceInfo,
    /// What was trained.
    pub model: String,
    /// Its parameters.
    pub parameters: usize,
    /// Whether layers were computed again.
    pub recompute: bool,
    /// One entry per length.
    pub steps: Vec<StepTiming>,
    /// Whether the user stopped it before the last length.
    pub stopped: bool,
}

/// Times of one step at one length, in seconds, medians.
#[derive(Debug, Clone, Serialize)]
pub struct StepTiming {
    /// Tokens of the sequence.
    pub tokens: usize,
    /// Steps that were timed, after one that was not.
    pub runs: usize,
    /// A whole step.
    pub seconds: f64,
    /// Tokens per second at the median.
    pub tokens_per_second: f64,
    /// Of the last step: masks and batch,
    pub prepare: f64,
    /// loss and gradients, the device waited for,
    pub model: f64,
    /// and the update, likewise.
    pub update: f64,
    /// The largest resident memory of the process meanwhile, in bytes, where the system tells it.
    pub peak_bytes: Option<u64>,
    /// What the device had reserved at the end, in bytes, where it tells.
    pub device_bytes: Option<u64>,
}

/// A step as Clinical ModernBERT's recipe has it: 30 % of tokens hidden, AdamW, clipping at 1.
const SETTINGS: OptimizerSettings = OptimizerSettings {
    rule: AdamRule::AdamW,
    betas: [0.9, 0.98],
    eps: 1e-6,
    weight_decay: 1e-5,
    clip: Some(1.0),
};
const MASK_RATE: f64 = 0.3;
const LR: f64 = 1e-4;

impl Engine {
    /// Trains on sequences of random tokens, one at a time. `each` is told of every length as it
    /// ends.
    ///
    /// # Errors
    /// [`EngineError`] when a length is more than the model reads, or the device fails.
    pub fn bench_training(
        &self,
        bench: &TrainingBench,
        job: &Job,
        each: &mut dyn FnMut(&StepTiming),
    ) -> Result<TrainingBenchReport, EngineError> {
        let (model, name) = match &self.loaded {
            Some(loaded) => (loaded.model.clone(), loaded.info.name.clone()),
            None => {
                let model = self.random_model(bench.model, Head::MaskedLm)?;
                (model, bench.model.to_string())
            }
        };
        if model.structure().head != Head::MaskedLm {
            return Err(EngineError::Unable {
                operation: "be trained here",
                reason: "it has no masked-LM head".to_owned(),
            });
        }
        let mut report = TrainingBenchReport {
            device: self.device.info.clone(),
            model: name,
            parameters: model.parameters().count(),
            recompute: bench.recompute,
            steps: Vec::new(),
            stopped: false,
        };
        for &tokens in &bench.lengths {
            // A length that the model does not read is an error before any work.
            batch(&model, tokens)?;
        }
        for (done, &tokens) in bench.lengths.iter().enumerate() {
            if job.step(done, bench.lengths.len(), "lengths").is_err() {
                report.stopped = true;
                break;
            }
            let weights = Weights::full(model.clone());
            let timing = self.step_timing(weights, tokens, bench.recompute)?;
            each(&timing);
            report.steps.push(timing);
        }
        Ok(report)
    }

    fn step_timing(
        &self,
        mut weights: Weights,
        tokens: usize,
        recompute: bool,
    ) -> Result<StepTiming, EngineError> {
        let _kept = Kept::new();
        let device = &self.device.device;
        let vocabulary = weights.config().vocab_size;
        let objective = Objective::MaskedLm(Masking {
            style: MaskStyle::Mixed,
            mask: 0,
            special: Vec::new(),
            vocabulary,
        });
        let ids = (1..=tokens as u64)
            .map(|index| (index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) % vocabulary as u64);
        let example = Example {
            ids: ids.map(|id| id as u32).collect(),
            type_ids: vec![0; tokens],
            label: Label::Text,
        };
        let mut optimizer = Optimizer::new(SETTINGS, weights.trained(), device);
        let randomness = Randomness::new(0);
        let differentiate = match recompute {
            true => gradients::by_layer,
            false => gradients::at_once,
        };
        let mut number = 0;
        // With `apart` the device is waited for between the parts.
        let mut step = |apart: bool| -> Result<[f64; 4], EngineError> {
            number += 1;
            let start = Instant::now();
            let mut stream = randomness.stream(Purpose::Masks, number);
            let part = objective.prepare([&example], MASK_RATE, &mut stream);
            let prepared = Instant::now();
            let (loss, gradients) = differentiate(&weights, &objective, &part, part.weight)
                .expect("some token is always hidden");
            if apart {
                values(loss.clone())?;
            }
            let differentiated = Instant::now();
            let norm = weights.change(|own| optimizer.update(own, gradients, LR));
            values(norm)?;
            values(loss)?;
            let updated = Instant::now();
            Ok([
                updated - start,
                prepared - start,
                differentiated - prepared,
                updated - differentiated,
            ]
            .map(|time| time.as_secs_f64()))
        };
        device.memory_cleanup();
        reset_peak();
        let first = step(false)?[0];
        let runs = match first {
            ..1.0 => 5,
            1.0..10.0 => 3,
            _ => 1,
        };
        let mut times = Vec::with_capacity(runs);
        for _ in 0..runs {
            times.push(step(false)?[0]);
        }
        times.sort_by(f64::total_cmp);
        let seconds = times[runs / 2];
        let [_, prepare, model, update] = step(true)?;
        Ok(StepTiming {
            tokens,
            runs,
            seconds,
            tokens_per_second: tokens as f64 / seconds,
            prepare,
            model,
            update,
            peak_bytes: peak_bytes(),
            device_bytes: device.memory_pool_usage().map(|usage| usage.bytes_reserved),
        })
    }
}
