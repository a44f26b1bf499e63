//! Cases with training runs: loss and gradient norm of every step, and the weights after the last.

use burn::tensor::{Device, Tensor};
use serde::Deserialize;

use super::ParityError;
use super::case::{Case, Io};
use super::compare::Check;
use super::model_input::{Input, LabelValues};
use super::outputs::Outputs;
use super::tensors::values;
use crate::job::Job;
use crate::kernels::{AdamRule, Targets};
use crate::model::Model;
use crate::model::capture::Capture;
use crate::training::optimizer::{Optimizer, OptimizerSettings, decays};
use crate::training::schedule::{DecayShape, Schedule, ScheduleShape};
use crate::training::weights::{Tracked, Weights};

const RUNS: &str = "runs.json";

/// `runs.json`: what all runs share, and the runs.
#[derive(Deserialize)]
struct Runs {
    steps: u64,
    betas: [f64; 2],
    eps: f64,
    weight_decay: f64,
    gradient_clipping: Option<f64>,
    decayed: Vec<String>,
    not_decayed: Vec<String>,
    runs: std::collections::BTreeMap<String, RunSpec>,
}

#[derive(Deserialize)]
struct RunSpec {
    optimizer: String,
    schedule: String,
    lr: Vec<f64>,
}

/// Repeats every training run of the case; `None` if it has none.
pub(super) fn run(
    case: &Case,
    device: &Device,
    outputs: &mut Outputs,
) -> Option<Result<Vec<Check>, ParityError>> {
    case.has(RUNS).then(|| run_all(case, device, outputs))
}

fn run_all(case: &Case, device: &Device, outputs: &mut Outputs) -> Result<Vec<Check>, ParityError> {
    let file = case.folder.join(RUNS);
    let failed = |reason: String| ParityError::new(&file, reason);
    let runs: Runs =
        serde_json::from_value(case.json(RUNS)?).map_err(|error| failed(error.to_string()))?;
    let input = Io::read(&case.folder, "io", "noise.json")?;
    let input = Input::read(&input.tensors).map_err(failed)?;
    let mut checks = Vec::new();
    for (name, spec) in &runs.runs {
        let model = Model::load(&case.folder, device, &Job::silent())
            .map_err(|error| failed(error.to_string()))?;
        model
            .check(&input.batch)
            .map_err(|error| failed(error.to_string()))?;
        let io = Io::read_part(&case.folder, name, "noise.json", name)?;
        let run = Run {
            name,
            runs: &runs,
            spec,
            input: &input,
        };
        let more = run
            .compare(model, &io, outputs)
            .map_err(|reason| failed(format!("{name}: {reason}")))?;
        checks.extend(more);
    }
    Ok(checks)
}

struct Run<'a> {
    name: &'a str,
    runs: &'a Runs,
    spec: &'a RunSpec,
    input: &'a Input,
}

impl Run<'_> {
    fn compare(&self, model: Model, io: &Io, outputs: &mut Outputs) -> Result<Vec<Check>, String> {
        let schedule = self.schedule()?;
        let mut weights = Weights::full(model);
        let mut checks = vec![self.groups(&weights), self.rates(&schedule)];
        let settings = OptimizerSettings {
            rule: match self.spec.optimizer.as_str() {
                "adamw" => AdamRule::AdamW,
                "stableadamw" => AdamRule::StableAdamW,
                "stableadamw-published" => AdamRule::StableAdamWPublished,
                other => return Err(format!("no optimiser is called \"{other}\"")),
            },
            betas: self.runs.betas,
            eps: self.runs.eps,
            weight_decay: self.runs.weight_decay,
            clip: self.runs.gradient_clipping,
        };
        let mut optimizer = Optimizer::new(settings, weights.trained(), weights.device());
        let (mut losses, mut norms) = (Vec::new(), Vec::new());
        for step in 0..self.runs.steps {
            let tracked = weights.tracked();
            let loss = self.loss(&tracked)?;
            let gradients = tracked.gradients(&loss);
            losses.extend(values(loss.inner())?);
            let lr = schedule.lr(step);
            let norm = weights.change(|own| optimizer.update(own, gradients, lr));
            norms.extend(values(norm)?);
        }
        let last = values(self.loss(&weights.tracked())?.inner())?;
        let mut compare = |what: &str, got: Vec<f32>| -> Result<(), String> {
            let (shape, want) = io.tensors.floats(what)?;
            let name = format!("{}/{what}", self.name);
            checks.push(Check::values(&name, &got, want, io.noise(what)));
            outputs.tensor(&name, shape, got);
            Ok(())
        };
        compare("output.loss", losses)?;
        compare("output.grad_norm", norms)?;
        compare("output.final_loss", last)?;
        for (name, parameter) in weights.trained().iter() {
            let own = parameter.values().map_err(|fault| fault.to_string())?;
            compare(&format!("final.{name}"), own)?;
        }
        Ok(checks)
    }

    /// The mean loss over all labelled tokens.
    fn loss(&self, tracked: &Tracked) -> Result<Tensor<1>, String> {
        let Some(LabelValues::Classes(labels)) = &self.input.labels else {
            return Err("input.labels is missing".to_owned());
        };
        let (rows, targets) = self.input.token_labels(labels);
        let job = Job::silent();
        let encoded = tracked
            .model
            .encode(&self.input.batch, &Capture::default(), &mut &job)
            .map_err(|error| error.to_string())?;
        let rows: Vec<i64> = rows.into_iter().map(|row| row as i64).collect();
        let rows = Tensor::from_data(rows.as_slice(), &encoded.last.device());
        let targets: Vec<usize> = targets.into_iter().map(|target| target as usize).collect();
        let losses = tracked
            .model
            .masked_lm_losses(encoded.last.select(0, rows), &Targets::new(&targets));
        Ok(losses.ok_or("the model has no masked-LM head")?.mean())
    }

    /// The schedules of the reference: 4 steps of warm-up, and a trapezoid that falls over 6.
    fn schedule(&self) -> Result<Schedule, String> {
        let (shape, warmup) = match self.spec.schedule.as_str() {
            "constant" => (ScheduleShape::Constant, 0),
            "cosine" => (ScheduleShape::Cosine, 4),
            "trapezoid" => (ScheduleShape::Trapezoid, 4),
            other => return Err(format!("no schedule is called \"{other}\"")),
        };
        Ok(Schedule {
            shape,
            peak: self.spec.lr.iter().copied().fold(0.0, f64::max),
            warmup,
            decay: 6,
            decay_shape: DecayShape::Linear,
            total: self.runs.steps,
        })
    }

    fn rates(&self, schedule: &Schedule) -> Check {
        let near = |(step, want): (usize, &f64)| {
            (schedule.lr(step as u64) - want).abs() <= 1e-12 * want.abs().max(1e-6)
        };
        let as_many = self.spec.lr.len() as u64 == self.runs.steps;
        let same = as_many && self.spec.lr.iter().enumerate().all(near);
        let fault = (!same).then(|| "not the rates of the schedule".to_owned());
        Check::exact(format!("{}/lr", self.name), fault)
    }

    /// That weight decay pulls at the parameters that the reference names.
    fn groups(&self, weights: &Weights) -> Check {
        let own = |decayed: bool| -> Vec<&str> {
            let parameters = weights.trained().iter();
            let mut names: Vec<&str> = parameters
                .filter(|(_, parameter)| decays(parameter) == decayed)
                .map(|(name, _)| name)
                .collect();
            names.sort_unstable();
            names
        };
        let sorted = |names: &[String]| {
            let mut names = names.to_vec();
            names.sort_unstable();
            names
        };
        let same =
            own(true) == sorted(&self.runs.decayed) && own(false) == sorted(&self.runs.not_decayed);
        let fault = (!same).then(|| "other parameters decay".to_owned());
        Check::exact(format!("{}/decayed", self.name), fault)
    }
}
