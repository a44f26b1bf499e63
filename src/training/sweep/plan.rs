//! Which runs a sweep makes: all of them are made out, and looked at, before the first begins.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::refusal::{LOSS, judged_mask_rate, refusal};
use super::{PlannedRun, Value, setting_name};
use crate::tokenization::Tokenizer;
use crate::training::config::{ConfigFault, Field, Kind, MetricName, TaskKind, TrainConfig};
use crate::training::preparation;

/// More runs than this are a slip.
pub const MOST_RUNS: usize = 1000;
/// The longest name of a setting's folder, in letters; file systems allow 255 bytes.
const LONGEST_NAME: usize = 80;

/// Why there is no such sweep.
#[derive(Debug, thiserror::Error)]
pub enum SweepFault {
    /// Words that are not a field with values.
    #[error("--sweep {words}: {reason}")]
    Axis {
        /// The field, or what was given.
        words: String,
        /// What is wrong.
        reason: String,
    },
    /// A number of seeds that cannot be.
    #[error("--seeds is {seeds}: {reason}")]
    Seeds {
        /// The number.
        seeds: u64,
        /// What is wrong.
        reason: String,
    },
    /// A setting whose runs cannot be.
    #[error("--sweep {setting}: {reason}")]
    Setting {
        /// Its values.
        setting: String,
        /// What is wrong.
        reason: String,
    },
    /// What all runs have in common.
    #[error(transparent)]
    Config(#[from] ConfigFault),
    /// What stands in the way of all runs together.
    #[error("{0}")]
    Unfit(String),
}

/// A field and the values that it is to have.
#[derive(Debug, Clone)]
pub struct Axis {
    field: &'static Field,
    values: Vec<String>,
}

impl Axis {
    /// A field and values apart by commas: `lr=1e-4,3e-4`. A field that takes several words gets one
    /// in each run.
    ///
    /// # Errors
    /// [`SweepFault::Axis`] says what is wrong with them.
    pub fn parse(words: &str) -> Result<Self, SweepFault> {
        let fault = |words: &str, reason: String| SweepFault::Axis {
            words: words.to_owned(),
            reason,
        };
        let Some((name, values)) = words.split_once('=') else {
            let reason = "name a field and its values, such as lr=1e-4,3e-4".to_owned();
            return Err(fault(words, reason));
        };
        let name = name.trim();
        let Some(field) = Field::named(name) else {
            let reason = "there is no such field; auscult train --help lists them".to_owned();
            return Err(fault(name, reason));
        };
        let values: Vec<String> = values.split(',').map(|own| own.trim().to_owned()).collect();
        for value in &values {
            if value.is_empty() {
                return Err(fault(words, "a value is empty".to_owned()));
            }
            let parsed = field.kind.parse(std::slice::from_ref(value));
            parsed.map_err(|reason| fault(name, reason))?;
            if let Kind::Choice(all) = field.kind
                && !all.contains(&value.as_str())
            {
                let reason = format!("\"{value}\" is none of {}", all.join(", "));
                return Err(fault(name, reason));
            }
        }
        Ok(Self { field, values })
    }

    /// The field's name.
    pub fn field(&self) -> &'static str {
        self.field.name
    }
}

/// All runs of a sweep, setting by setting, and seed by seed in each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The folder of the sweep.
    #[serde(skip)]
    pub run: PathBuf,
    /// In the order in which they are made.
    pub runs: Vec<PlannedRun>,
}

impl Plan {
    /// The runs of a description, as [`TrainConfig::read`] has it, with every combination of the
    /// values of `axes`, each with the `seeds` seeds from its own on.
    ///
    /// # Errors
    /// [`SweepFault`] says what is wrong with any of them.
    pub fn new(
        file: Option<&Path>,
        flags: &[(&str, Vec<String>)],
        axes: &[Axis],
        seeds: u64,
    ) -> Result<Self, SweepFault> {
        let mut names = BTreeSet::new();
        if let Some(twice) = axes.iter().find(|axis| !names.insert(axis.field())) {
            return Err(SweepFault::Axis {
                words: twice.field().to_owned(),
                reason: "it is there twice; name all values at once".to_owned(),
            });
        }
        let sizes = axes.iter().map(|axis| axis.values.len());
        let all = sizes.fold(seeds as usize, usize::saturating_mul);
        if seeds == 0 {
            let reason = "at least one run is made of every setting".to_owned();
            return Err(SweepFault::Seeds { seeds, reason });
        }
        if all > MOST_RUNS {
            return Err(SweepFault::Unfit(format!(
                "--sweep and --seeds ask for {all} runs, and at most {MOST_RUNS} are made; name \
                 fewer values or seeds"
            )));
        }
        let mut settings: Vec<(Vec<Value>, TrainConfig)> = Vec::new();
        for values in combinations(axes) {
            let config = setting(file, flags, &values)?;
            if let Some((other, _)) = settings.iter().find(|(_, other)| *other == config) {
                let reason = format!("it is the same as {}", setting_name(other));
                return Err(of_setting(&values, reason));
            }
            settings.push((values, config));
        }
        comparable(axes, &settings)?;
        looked_at(&settings)?;
        Self::of_settings(settings, seeds)
    }

    fn of_settings(
        settings: Vec<(Vec<Value>, TrainConfig)>,
        seeds: u64,
    ) -> Result<Self, SweepFault> {
        let (mut run, mut runs) = (PathBuf::new(), Vec::new());
        let mut taken = BTreeSet::new();
        for (number, (values, config)) in settings.into_iter().enumerate() {
            let config = config.located()?;
            run.clone_from(&config.run);
            let name = folder_name(&values);
            // Where case does not count, folders that differ in it are one.
            let is_good = name.len() <= LONGEST_NAME && taken.insert(name.to_lowercase());
            let name = match is_good {
                true => name,
                false => format!("setting-{}", number + 1),
            };
            for more in 0..seeds {
                let seed = config.seed.checked_add(more);
                let seed = seed.filter(|&seed| i64::try_from(seed).is_ok());
                let seed = seed.ok_or_else(|| SweepFault::Seeds {
                    seeds,
                    reason: format!("from seed {} on there are not so many", config.seed),
                })?;
                let folder = match name.is_empty() {
                    true => format!("seed-{seed}"),
                    false => format!("{name}/seed-{seed}"),
                };
                let config = TrainConfig {
                    seed,
                    run: run.join(&folder),
                    ..config.clone()
                };
                runs.push(PlannedRun {
                    folder,
                    values: values.clone(),
                    config,
                });
            }
        }
        Ok(Self { run, runs })
    }

    /// What tells the best of all.
    pub fn metric(&self) -> MetricName {
        let first = self.runs.first().expect("a plan has a run");
        first.config.settled_metric()
    }
}

/// Every combination of one value of each axis, the last axis changing first.
fn combinations(axes: &[Axis]) -> Vec<Vec<Value>> {
    let mut all = vec![Vec::new()];
    for axis in axes {
        let extended = all.iter().flat_map(|begun: &Vec<Value>| {
            axis.values.iter().map(|value| {
                let value = Value {
                    field: axis.field().to_owned(),
                    value: value.clone(),
                };
                [&begun[..], &[value]].concat()
            })
        });
        all = extended.collect();
    }
    all
}

/// The description with the values of a setting in place of its own.
fn setting(
    file: Option<&Path>,
    flags: &[(&str, Vec<String>)],
    values: &[Value],
) -> Result<TrainConfig, SweepFault> {
    let mut all: Vec<(&str, Vec<String>)> = flags.to_vec();
    all.retain(|(name, _)| values.iter().all(|own| own.field != *name));
    all.extend(
        values
            .iter()
            .map(|own| (own.field.as_str(), vec![own.value.clone()])),
    );
    TrainConfig::read(file, &all).map_err(|fault| {
        // What is wrong without these values as well is no fault of theirs.
        match TrainConfig::read(file, flags) {
            Err(own) if values.is_empty() || own.to_string() == fault.to_string() => own.into(),
            _ => of_setting(values, fault.to_string()),
        }
    })
}

fn of_setting(values: &[Value], reason: String) -> SweepFault {
    let setting = setting_name(values);
    SweepFault::Setting { setting, reason }
}

/// That all settings are judged alike.
fn comparable(axes: &[Axis], settings: &[(Vec<Value>, TrainConfig)]) -> Result<(), SweepFault> {
    let (_, first) = settings.first().expect("no axis is empty");
    for axis in axes {
        if let Some(reason) = refusal(axis.field(), first.task) {
            return Err(SweepFault::Axis {
                words: axis.field().to_owned(),
                reason: reason.to_owned(),
            });
        }
    }
    if first.validation.is_empty() && first.validation_share == 0.0 {
        return Err(SweepFault::Unfit(
            "validation-share is 0: runs are compared by validation notes; give them a share, or \
             name files with validation"
                .to_owned(),
        ));
    }
    let rate = judged_mask_rate(first);
    if settings
        .iter()
        .any(|(_, own)| judged_mask_rate(own) != rate)
    {
        return Err(SweepFault::Axis {
            words: "mask-rate".to_owned(),
            reason: "models would be judged with different shares of hidden tokens; \
                     mask-rate-end says with which all are"
                .to_owned(),
        });
    }
    Ok(())
}

/// That models and tokenizers are there, read texts of this length, and, where the loss of tokens is
/// compared, have the same tokens.
fn looked_at(settings: &[(Vec<Value>, TrainConfig)]) -> Result<(), SweepFault> {
    let mut last: Option<&TrainConfig> = None;
    let mut first: Option<(Tokenizer, &[Value])> = None;
    for (values, config) in settings {
        let same = |last: &TrainConfig| {
            last.model == config.model
                && last.tokenizer == config.tokenizer
                && last.from_scratch == config.from_scratch
                && last.max_tokens == config.max_tokens
        };
        if last.replace(config).is_some_and(same) {
            continue;
        }
        let own = preparation::look_at(config).map_err(|error| match values.is_empty() {
            true => SweepFault::Unfit(error.to_string()),
            false => of_setting(values, error.to_string()),
        })?;
        match &first {
            None => first = Some((own, values)),
            Some((first, of_first)) if config.task == TaskKind::MaskedLm => {
                if !have_same_tokens(first, &own) {
                    let other = setting_name(of_first);
                    let reason =
                        format!("its tokenizer is another than that of {other}, and {LOSS}");
                    return Err(of_setting(values, reason));
                }
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn have_same_tokens(one: &Tokenizer, other: &Tokenizer) -> bool {
    let size = one.vocabulary_size();
    let mut ids = 0..size as u32;
    size == other.vocabulary_size() && ids.all(|id| one.token(id) == other.token(id))
}

/// A name for the folder of a setting that every file system takes: `lr=3e-4,batch=16`; empty for a
/// setting without values.
fn folder_name(values: &[Value]) -> String {
    let safe = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' | '+' => letter,
        _ => '-',
    };
    let each = values.iter().map(|own| {
        let value: String = own.value.chars().map(safe).collect();
        format!("{}={value}", own.field)
    });
    // Windows drops a full stop at the end.
    let name = each.collect::<Vec<_>>().join(",");
    name.trim_end_matches('.').to_owned()
}
