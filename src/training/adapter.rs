//! Low-rank changes in the layout of PEFT, which loads them onto the model that the run began with.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::checkpoint::write_safetensors;
use super::run_folder::{RunError, write_whole};
use super::weights::{LowRank, Weights};
use crate::model::checkpoint::Head;

/// Before every name in an adapter's file.
const PREFIX: &str = "base_model.model.";

/// Writes `adapter_config.json` and `adapter_model.safetensors` into a new folder, and the
/// `config.json` of the changed model, which has the names of the labels.
///
/// # Errors
/// [`RunError::Io`] when it cannot be written.
pub fn save(
    folder: &Path,
    weights: &Weights,
    low_rank: &LowRank,
    base: &Path,
) -> Result<(), RunError> {
    fs::create_dir(folder).map_err(RunError::at(folder))?;
    let names = weights.trained().iter().map(|(name, _)| name);
    // The head is saved whole, by the names of its outermost modules.
    let mut heads: Vec<&str> = names
        .filter(|name| !name.contains(".lora_"))
        .map(|name| match name.strip_prefix("bert.") {
            Some(rest) => &name[..name.len() - rest.len() + rest.find('.').unwrap_or(rest.len())],
            None => name.split('.').next().unwrap_or(name),
        })
        .collect();
    heads.dedup();
    let task = match weights.structure().head {
        Head::SequenceClassification => Some("SEQ_CLS"),
        Head::TokenClassification => Some("TOKEN_CLS"),
        Head::MaskedLm | Head::None => None,
    };
    let config = json!({
        "peft_type": "LORA",
        "task_type": task,
        "base_model_name_or_path": base,
        "r": low_rank.rank,
        "lora_alpha": low_rank.alpha,
        "lora_dropout": 0.0,
        "target_modules": low_rank.targets,
        "modules_to_save": (!heads.is_empty()).then_some(heads),
        "bias": "none",
        "fan_in_fan_out": false,
        "init_lora_weights": true,
        "inference_mode": true,
    });
    let text = format!("{config:#}\n");
    write_whole(&folder.join("adapter_config.json"), text.as_bytes())?;
    let model = weights.config().to_json();
    write_whole(&folder.join("config.json"), model.as_bytes())?;
    let tensors: Vec<_> = weights
        .trained()
        .iter()
        .map(|(name, parameter)| (format!("{PREFIX}{name}"), parameter))
        .collect();
    let file = folder.join("adapter_model.safetensors");
    write_safetensors(&file, &tensors).map_err(RunError::at(&file))
}
