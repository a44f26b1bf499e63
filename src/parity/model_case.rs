//! Cases with a model: hidden states, attention, logits, loss and gradients.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Gradients, Tensor};

use super::ParityError;
use super::case::{Case, Io};
use super::compare::Check;
use super::model_input::{Input, LabelValues};
use super::outputs::Outputs;
use super::tensors::{References, Values, values};
use crate::job::Job;
use crate::kernels::{Targets, attention_probabilities};
use crate::model::capture::{Capture, Encoded, Layers};
use crate::model::checkpoint::{Checkpoint, Head};
use crate::model::config::{ModelConfig, ProblemType};
use crate::model::{Model, Parameter, mean_of_sequences};
use crate::tasks::loss;

/// Runs the case on each set of weights it has; `None` if it has no model.
pub(super) fn run(
    case: &Case,
    device: &Device,
    outputs: &mut Outputs,
) -> Option<Result<Vec<Check>, ParityError>> {
    case.has("config.json")
        .then(|| run_all(case, device, outputs))
}

fn run_all(case: &Case, device: &Device, outputs: &mut Outputs) -> Result<Vec<Check>, ParityError> {
    let config =
        ModelConfig::read(&case.folder).map_err(|error| ParityError::new(&case.folder, error))?;
    let (weights, io) = match has_weights(&case.folder) {
        true => (case.folder.clone(), case.io_folder()),
        false => {
            let sibling = sibling_with_weights(case, &config)?;
            (sibling.clone(), sibling)
        }
    };
    let io = Io::read(&io, "io", "noise.json")?;
    let mut checks = run_weights(&weights, config, &io, device, outputs)?;
    for folder in nested_models(&case.folder) {
        let config =
            ModelConfig::read(&folder).map_err(|error| ParityError::new(&folder, error))?;
        let more = run_weights(&folder, config, &io, device, &mut Outputs::default())?;
        let name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        checks.extend(more.into_iter().map(|check| Check {
            what: format!("{name}/{}", check.what),
            ..check
        }));
    }
    Ok(checks)
}

fn has_weights(folder: &Path) -> bool {
    [
        "model.safetensors",
        "model.safetensors.index.json",
        "pytorch_model.bin",
    ]
    .iter()
    .any(|file| folder.join(file).exists())
}

/// A configuration alone is tried on the weights of a case that has the same model.
fn sibling_with_weights(case: &Case, config: &ModelConfig) -> Result<PathBuf, ParityError> {
    let same = |folder: &PathBuf| {
        has_weights(folder)
            && folder.join("io.safetensors").exists()
            && ModelConfig::read(folder).is_ok_and(|other| same_model(&other, config))
    };
    // Of several the one that says most about the model.
    let outputs = |folder: &PathBuf| {
        let file = folder.join("io.safetensors");
        References::read(&file).map_or(0, |tensors| tensors.iter().count())
    };
    super::case::names(&case.all)?
        .iter()
        .map(|name| case.all.join(name))
        .filter(same)
        .max_by_key(outputs)
        .ok_or_else(|| {
            let reason = "no weights here, and no other case has a model with this configuration";
            ParityError::new(&case.folder, reason)
        })
}

/// Whether two configurations, however they are written, describe the same model.
fn same_model(a: &ModelConfig, b: &ModelConfig) -> bool {
    let sizes = |config: &ModelConfig| {
        let ModelConfig {
            vocab_size,
            hidden_size,
            intermediate_size,
            num_heads,
            num_layers,
            ..
        } = *config;
        [
            vocab_size,
            hidden_size,
            intermediate_size,
            num_heads,
            num_layers,
        ]
    };
    a.architecture == b.architecture
        && sizes(a) == sizes(b)
        && a.norm_eps.to_bits() == b.norm_eps.to_bits()
        && a.labels == b.labels
}

/// Folders inside a case that hold the same model in another form.
fn nested_models(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.join("config.json").is_file() && has_weights(path))
        .collect();
    folders.sort();
    folders
}

fn run_weights(
    weights: &Path,
    config: ModelConfig,
    io: &Io,
    device: &Device,
    outputs: &mut Outputs,
) -> Result<Vec<Check>, ParityError> {
    let failed = |reason: String| ParityError::new(weights, reason);
    let checkpoint = Checkpoint::open(weights).map_err(|error| failed(error.to_string()))?;
    let model = Model::from_checkpoint(&checkpoint, config, device, &Job::silent())
        .map_err(|error| failed(error.to_string()))?;
    let input = Input::read(&io.tensors).map_err(failed)?;
    model
        .check(&input.batch)
        .map_err(|error| failed(error.to_string()))?;
    let job = Job::silent();
    let capture = Capture {
        embeddings: true,
        hidden: Layers::All,
        attention: Layers::All,
    };
    let encoded = model.encode(&input.batch, &capture, &mut &job)?;
    let trained = match io.tensors.get("output.loss") {
        Some(_) => Some(Trained::run(model.clone(), &input).map_err(failed)?),
        None => None,
    };
    let run = Run {
        model: &model,
        input: &input,
        encoded: &encoded,
        trained,
    };

    let mut checks = Vec::new();
    for (name, want) in io.tensors.iter() {
        let Values::Float(wanted) = &want.values else {
            continue;
        };
        if !(name.starts_with("output.") || name.starts_with("grad.")) {
            continue;
        }
        checks.push(match run.compute(name, &want.shape) {
            Ok(got) => {
                let check = if name.starts_with("output.upcast.") {
                    let same = bits(&got).eq(bits(wanted));
                    Check::exact(name, (!same).then(|| "not the same bits".to_owned()))
                } else {
                    Check::values(name, &got, wanted, io.noise(name))
                };
                outputs.tensor(name, &want.shape, got);
                check
            }
            Err(fault) => Check::exact(name, Some(fault)),
        });
    }
    Ok(checks)
}

fn bits(values: &[f32]) -> impl Iterator<Item = u32> {
    values.iter().map(|value| value.to_bits())
}

/// Loss and gradients.
struct Trained {
    model: Model,
    loss: Tensor<1>,
    gradients: Gradients,
}

impl Trained {
    fn run(model: Model, input: &Input) -> Result<Self, String> {
        let model = model.tracked();
        let job = Job::silent();
        let encoded = model
            .encode(&input.batch, &Capture::default(), &mut &job)
            .map_err(|error| error.to_string())?;
        let loss = model_loss(&model, encoded.last, input)?;
        let gradients = loss.backward();
        Ok(Self {
            model,
            loss,
            gradients,
        })
    }

    fn gradient(&self, name: &str) -> Result<Vec<f32>, String> {
        let parameter = self.model.parameters().iter().find(|(own, _)| *own == name);
        let (_, parameter) = parameter.ok_or("the model has no such parameter")?;
        let gradient = match parameter {
            Parameter::Vector(tensor) => tensor.grad(&self.gradients).map(values),
            Parameter::Matrix(tensor) => tensor.grad(&self.gradients).map(values),
        };
        gradient.ok_or("no gradient reaches this parameter")?
    }
}

fn model_loss(model: &Model, last: Tensor<2>, input: &Input) -> Result<Tensor<1>, String> {
    let labels = input
        .labels
        .as_ref()
        .ok_or("a loss is expected, but input.labels is missing")?;
    if let Some((_, logits)) = model.sequence_logits(last.clone(), input.sequences()) {
        let implied = model.config().problem_type.is_none() && model.config().labels.len() == 1;
        if implied || model.config().problem_type == Some(ProblemType::Regression) {
            return Err("this version has no loss for regression".to_owned());
        }
        return Ok(match labels {
            LabelValues::Classes(classes) => loss::cross_entropy(logits, classes),
            LabelValues::Targets(targets) => loss::binary_cross_entropy(logits, targets),
        });
    }
    let LabelValues::Classes(classes) = labels else {
        return Err("labels of tokens must be integers".to_owned());
    };
    let (rows, classes) = input.token_labels(classes);
    let rows: Vec<i64> = rows.into_iter().map(|row| row as i64).collect();
    let rows = Tensor::from_data(rows.as_slice(), &last.device());
    let last = last.select(0, rows);
    if classes.is_empty() {
        return Err("input.labels labels nothing".to_owned());
    }
    let entries = model.config().vocab_size as i64;
    if model.structure().head == Head::MaskedLm
        && classes.iter().any(|own| !(0..entries).contains(own))
    {
        return Err(format!("a label is no token: there are {entries}"));
    }
    let targets: Vec<usize> = classes.iter().map(|&class| class.max(0) as usize).collect();
    if let Some(losses) = model.masked_lm_losses(last.clone(), &Targets::new(&targets)) {
        return Ok(losses.mean());
    }
    let logits = model.token_logits(last);
    let logits = logits.ok_or("a loss is expected, but the model has no head")?;
    Ok(loss::cross_entropy(logits, &classes))
}

/// A case after its forward and backward passes.
struct Run<'a> {
    model: &'a Model,
    input: &'a Input,
    encoded: &'a Encoded,
    trained: Option<Trained>,
}

impl Run<'_> {
    /// What we have under the name of an expected tensor, in its layout.
    fn compute(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
        if let Some(parameter) = name.strip_prefix("grad.") {
            let trained = self
                .trained
                .as_ref()
                .ok_or("a gradient without output.loss")?;
            return trained.gradient(parameter);
        }
        let last = || self.encoded.last.clone();
        let rows = |tensor: Tensor<2>| values(tensor).map(|rows| self.input.arrange(&rows));
        let parts: Vec<&str> = name.split('.').skip(1).collect();
        Ok(match parts.as_slice() {
            ["embeddings"] => rows(self.encoded.embeddings.clone().ok_or("not captured")?)?,
            ["layer", layer] => rows(self.layer(layer)?)?,
            ["final_norm" | "final"] => rows(last())?,
            ["attention", layer, sequence] => self.attention(layer, sequence, shape)?,
            ["mean_pooled"] => values(mean_of_sequences(last(), self.input.sequences()))?,
            ["pooler_output"] => values(
                self.model
                    .pooler_output(last(), self.input.sequences())
                    .ok_or("the model has no pooler")?,
            )?,
            ["pooled"] => values(self.sequence()?.0)?,
            ["logits"] => self.logits()?,
            ["loss"] => {
                let trained = self.trained.as_ref().ok_or("no loss was computed")?;
                values(trained.loss.clone().inner())?
            }
            ["upcast", ..] => self.parameter(name.trim_start_matches("output.upcast."))?,
            _ => return Err("this version does not compute it".to_owned()),
        })
    }

    fn layer(&self, layer: &str) -> Result<Tensor<2>, String> {
        let layer: usize = layer.parse().map_err(|_| "not the number of a layer")?;
        self.encoded
            .hidden
            .get(&layer)
            .cloned()
            .ok_or_else(|| "no such layer".to_owned())
    }

    fn attention(&self, layer: &str, sequence: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
        let number = |text: &str| text.parse::<usize>().map_err(|_| "not a number".to_owned());
        let (layer, sequence) = (number(layer)?, number(sequence)?);
        let taps = self.encoded.attention.get(&layer).ok_or("no such layer")?;
        let length = self.input.sequences().range(sequence).len();
        let rows = 0..length;
        let (qkv, stats) = (taps.qkv.clone(), taps.stats.clone());
        let all = values(attention_probabilities(
            qkv,
            stats,
            &taps.call,
            sequence,
            [rows.clone(), rows],
        ))?;
        match (&self.input.attention_rows, shape) {
            (Some(chosen), &[heads, rows, _]) if sequence == 0 && rows == chosen.len() => {
                let row = |head: usize, row: usize| {
                    let start = (head * length + row) * length;
                    all[start..start + length].to_vec()
                };
                let rows = |head| chosen.iter().flat_map(move |&chosen| row(head, chosen));
                Ok((0..heads).flat_map(rows).collect())
            }
            _ => Ok(all),
        }
    }

    fn sequence(&self) -> Result<(Tensor<2>, Tensor<2>), String> {
        self.model
            .sequence_logits(self.encoded.last.clone(), self.input.sequences())
            .ok_or_else(|| "the model does not classify sequences".to_owned())
    }

    fn logits(&self) -> Result<Vec<f32>, String> {
        if let Ok((_, logits)) = self.sequence() {
            return values(logits);
        }
        let last = self.encoded.last.clone();
        let logits = self
            .model
            .masked_lm_logits(last.clone())
            .or_else(|| self.model.token_logits(last));
        Ok(self
            .input
            .arrange(&values(logits.ok_or("the model has no head")?)?))
    }

    fn parameter(&self, name: &str) -> Result<Vec<f32>, String> {
        let mut all = self.model.parameters().iter();
        let found = all.find(|(own, _)| *own == name || own.ends_with(&format!(".{name}")));
        let (_, parameter) = found.ok_or("the model has no such parameter")?;
        parameter.values().map_err(|fault| fault.to_string())
    }
}
