//! What a run is to do: the file, its defaults, and the limits of every value.

mod data;
mod fields;
mod metric;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::Table;

use super::objective::MaskStyle;
use super::schedule::{DecayShape, ScheduleShape};
use crate::kernels::AdamRule;

pub use fields::{FIELDS, Field, Kind};
pub use metric::MetricName;

/// A training run, as its file says it and as every field's flag can say otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[allow(missing_docs, reason = "FIELDS has a sentence for each")]
pub struct TrainConfig {
    pub task: TaskKind,
    pub model: PathBuf,
    pub from_scratch: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<PathBuf>,
    pub run: PathBuf,
    pub train: Vec<PathBuf>,
    pub validation: Vec<PathBuf>,
    pub test: Vec<PathBuf>,
    pub validation_share: f64,
    pub test_share: f64,
    pub text: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    pub several_labels: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    pub stratify: bool,
    pub data_memory: usize,
    pub max_tokens: usize,
    pub batch: usize,
    pub accumulate: usize,
    pub pack: bool,
    pub recompute: bool,
    pub epochs: u64,
    pub steps: u64,
    pub mask_rate: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask_rate_end: Option<f64>,
    pub mask_style: MaskStyle,
    pub optimizer: OptimizerName,
    pub lr: f64,
    pub beta1: f64,
    pub beta2: f64,
    pub eps: f64,
    pub weight_decay: f64,
    pub clip: f64,
    pub schedule: ScheduleShape,
    pub warmup: u64,
    pub decay: u64,
    pub decay_shape: DecayShape,
    pub class_weights: ClassWeights,
    pub focal_gamma: f64,
    pub label_smoothing: f64,
    pub mode: Mode,
    pub lora_rank: usize,
    pub lora_alpha: f64,
    pub lora_targets: Vec<String>,
    pub evaluate_every: u64,
    pub save_every: u64,
    pub keep: usize,
    pub patience: u64,
    pub metric: MetricName,
    pub seed: u64,
}

/// What a model is trained for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskKind {
    /// Masked-language modelling.
    MaskedLm,
    /// Classes of whole notes.
    Classify,
    /// Marked spans.
    Tag,
}

/// The rules of [`AdamRule`] by their names in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OptimizerName {
    /// [`AdamRule::AdamW`].
    #[serde(rename = "adamw")]
    AdamW,
    /// [`AdamRule::StableAdamW`].
    #[serde(rename = "stableadamw")]
    StableAdamW,
    /// [`AdamRule::StableAdamWPublished`].
    #[serde(rename = "stableadamw-published")]
    StableAdamWPublished,
}

impl OptimizerName {
    /// The rule.
    pub fn rule(self) -> AdamRule {
        match self {
            Self::AdamW => AdamRule::AdamW,
            Self::StableAdamW => AdamRule::StableAdamW,
            Self::StableAdamWPublished => AdamRule::StableAdamWPublished,
        }
    }
}

/// How much classes count in the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// All the same.
    None,
    /// The rarer the more: `examples / (classes · examples of the class)`; with several labels per
    /// note, what does not hold against what does.
    Balanced,
}

/// Which parameters are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// All.
    Full,
    /// Those of the head; the encoder stays.
    Head,
    /// The head, and a low-rank change of chosen matrices of the encoder (Hu et al. 2022).
    Lora,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            task: TaskKind::MaskedLm,
            model: PathBuf::new(),
            from_scratch: false,
            tokenizer: None,
            run: PathBuf::new(),
            train: Vec::new(),
            validation: Vec::new(),
            test: Vec::new(),
            validation_share: 0.1,
            test_share: 0.0,
            text: Vec::new(),
            form: None,
            label: None,
            separator: None,
            several_labels: false,
            patient: None,
            group: None,
            stratify: true,
            data_memory: 1024,
            max_tokens: 512,
            batch: 8,
            accumulate: 1,
            pack: true,
            recompute: false,
            epochs: 3,
            steps: 0,
            mask_rate: 0.3,
            mask_rate_end: None,
            mask_style: MaskStyle::Mixed,
            optimizer: OptimizerName::StableAdamW,
            lr: 5e-5,
            beta1: 0.9,
            beta2: 0.98,
            eps: 1e-6,
            weight_decay: 0.01,
            clip: 1.0,
            schedule: ScheduleShape::Linear,
            warmup: 0,
            decay: 0,
            decay_shape: DecayShape::OneMinusSqrt,
            class_weights: ClassWeights::None,
            focal_gamma: 0.0,
            label_smoothing: 0.0,
            mode: Mode::Full,
            lora_rank: 8,
            lora_alpha: 16.0,
            lora_targets: ["Wqkv", "query", "value"].map(str::to_owned).to_vec(),
            evaluate_every: 0,
            save_every: 0,
            keep: 2,
            patience: 0,
            metric: MetricName::Auto,
            seed: 0,
        }
    }
}

/// What is wrong with the description of a run.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFault {
    /// The file cannot be read.
    #[error("{}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The file is no TOML, or has a field that does not exist or holds something else.
    #[error("{}{reason}", file.as_ref().map_or(String::new(), |file| format!("{}: ", file.display())))]
    Syntax {
        /// The file; `None` where a flag is at fault.
        file: Option<PathBuf>,
        /// What is wrong.
        reason: String,
    },
    /// Paths cannot be told apart from the current folder.
    #[error("the current folder cannot be told: {0}")]
    Located(#[from] std::io::Error),
    /// A value beyond its limits.
    #[error("{field} is {found}: {rule}")]
    Limit {
        /// The field.
        field: &'static str,
        /// Its value.
        found: String,
        /// What is allowed.
        rule: String,
    },
}

impl TrainConfig {
    /// Reads a file and puts the values of flags, by the names of their fields, in place of its
    /// own; what neither says has its default.
    ///
    /// # Errors
    /// [`ConfigFault`] says what is wrong and where.
    pub fn read(file: Option<&Path>, flags: &[(&str, Vec<String>)]) -> Result<Self, ConfigFault> {
        let config = Self::described(file, flags)?;
        config.validate()?;
        Ok(config)
    }

    /// The same of a description that may not be whole yet, such as one that names no folder: only
    /// that every value is of its field's kind is looked at.
    ///
    /// # Errors
    /// [`ConfigFault::Read`] and [`ConfigFault::Syntax`].
    pub fn described(
        file: Option<&Path>,
        flags: &[(&str, Vec<String>)],
    ) -> Result<Self, ConfigFault> {
        let mut table = match file {
            None => Table::new(),
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|error| ConfigFault::Read {
                    path: file.to_owned(),
                    error,
                })?;
                Self::table(&text, file)?
            }
        };
        for (name, values) in flags {
            let field = Field::named(name).expect("flags are made from the fields");
            let value = field
                .kind
                .parse(values)
                .map_err(|reason| ConfigFault::Syntax {
                    file: None,
                    reason: format!("--{name}: {reason}"),
                })?;
            table.insert(field.name.to_owned(), value);
        }
        table
            .try_into()
            .map_err(|error: toml::de::Error| ConfigFault::Syntax {
                file: file.map(Path::to_owned),
                reason: error.message().to_owned(),
            })
    }

    /// The values of a file, each of a kind that its field has.
    fn table(text: &str, file: &Path) -> Result<Table, ConfigFault> {
        let fault = |reason: String| ConfigFault::Syntax {
            file: Some(file.to_owned()),
            reason,
        };
        // With the position in the text; a table knows none.
        toml::from_str::<Self>(text).map_err(|error| fault(error.to_string()))?;
        text.parse()
            .map_err(|error: toml::de::Error| fault(error.to_string()))
    }

    /// The text of a file that says all of it.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a configuration is a table of plain values")
    }

    /// That every value is within its limits, and that they fit together.
    ///
    /// # Errors
    /// [`ConfigFault::Limit`] with the first that is not.
    pub fn validate(&self) -> Result<(), ConfigFault> {
        let table = Table::try_from(self).expect("a configuration is a table");
        for field in FIELDS {
            if let Some(value) = table.get(field.name) {
                field.check(value)?;
            }
        }
        let limit = |field: &'static str, found: &dyn std::fmt::Display, rule: &str| {
            Err(ConfigFault::Limit {
                field,
                found: found.to_string(),
                rule: rule.to_owned(),
            })
        };
        if self.model.as_os_str().is_empty() {
            return limit(
                "model",
                &"missing",
                "name the folder of a model to begin with",
            );
        }
        if self.run.as_os_str().is_empty() {
            return limit("run", &"missing", "name a new folder for the run");
        }
        if self.train.is_empty() {
            return limit(
                "train",
                &"missing",
                "name files or folders of notes to learn from",
            );
        }
        self.validate_data()?;
        if self.epochs == 0 && self.steps == 0 {
            return limit(
                "epochs",
                &0,
                "with steps 0 there is nothing to do; give one of both",
            );
        }
        if self.schedule == ScheduleShape::Trapezoid && self.decay == 0 {
            return limit(
                "decay",
                &0,
                "a trapezoid falls over this many steps at its end",
            );
        }
        if self.mode == Mode::Lora && self.lora_targets.is_empty() {
            return limit("lora-targets", &"empty", "name modules, such as Wqkv");
        }
        let judged = self.validation_share > 0.0 || !self.validation.is_empty();
        if self.patience > 0 && !judged {
            return limit(
                "patience",
                &self.patience,
                "without validation notes nothing is judged",
            );
        }
        if let Some(reason) = self.metric.refusal(self.task, self.several_labels) {
            return limit("metric", &self.metric.word(), reason);
        }
        Ok(())
    }

    /// The same with paths that mean the same in every folder.
    ///
    /// # Errors
    /// [`ConfigFault::Located`] when the current folder cannot be told.
    pub(super) fn located(mut self) -> Result<Self, ConfigFault> {
        let one = [&mut self.model, &mut self.run].into_iter();
        let paths = one
            .chain(self.tokenizer.as_mut())
            .chain(&mut self.train)
            .chain(&mut self.validation)
            .chain(&mut self.test);
        for path in paths {
            *path = std::path::absolute(&*path)?;
        }
        Ok(self)
    }

    /// The share of tokens that is hidden in the last step, and wherever models are judged.
    pub fn last_mask_rate(&self) -> f64 {
        self.mask_rate_end.unwrap_or(self.mask_rate)
    }

    /// The share of tokens that is hidden in step `step` of `total`: in a line from the first to
    /// the last.
    pub fn mask_rate_at(&self, step: u64, total: u64) -> f64 {
        let end = self.last_mask_rate();
        let last = total.saturating_sub(1).max(1) as f64;
        self.mask_rate + (end - self.mask_rate) * (step as f64 / last).min(1.0)
    }

    /// What judges checkpoints, settled.
    pub fn settled_metric(&self) -> MetricName {
        self.metric.settled(self.task)
    }
}
