//! Cases with configurations and what transformers reads from them.

use burn::tensor::Device;
use serde_json::Value;

use super::ParityError;
use super::case::Case;
use super::compare::Check;
use super::outputs::Outputs;
use crate::model::config::{Architecture, LayerKind, ModelConfig};

/// Reads every configuration of `variants.json`; `None` if there is no such file.
pub(super) fn run(
    case: &Case,
    _device: &Device,
    _outputs: &mut Outputs,
) -> Option<Result<Vec<Check>, ParityError>> {
    case.has("variants.json").then(|| {
        let variants = case.json("variants.json")?;
        let file = case.folder.join("variants.json");
        let variants = variants
            .as_array()
            .ok_or_else(|| ParityError::new(&file, "not a list of configurations"))?;
        let checks = variants.iter().enumerate().map(|(index, variant)| {
            let config = ModelConfig::parse(&variant["config"].to_string(), &file);
            let fault = match config {
                Err(error) => Some(error.to_string()),
                Ok(config) => difference(&config, &variant["understood"]),
            };
            Check::exact(format!("variants.json[{index}]"), fault)
        });
        Ok(checks.collect())
    })
}

/// What `config` understood otherwise than `want` says.
fn difference(config: &ModelConfig, want: &Value) -> Option<String> {
    let Architecture::ModernBert(own) = &config.architecture else {
        return Some("read as BERT".to_owned());
    };
    let kinds = own.layer_kinds.iter().map(|kind| match kind {
        LayerKind::Global => "full_attention",
        LayerKind::Sliding => "sliding_attention",
    });
    let got = serde_json::json!({
        "global_rope_theta": own.global_theta,
        "half_window": own.half_window,
        "layer_types": kinds.collect::<Vec<_>>(),
        "local_rope_theta": own.local_theta,
        "norm_eps": config.norm_eps,
    });
    let Some(want) = want.as_object().filter(|want| !want.is_empty()) else {
        return Some("the file does not say what is expected".to_owned());
    };
    let other = want
        .iter()
        .find(|(key, value)| !same(&got[key.as_str()], value));
    other.map(|(key, value)| format!("{key}: read as {}, expected {value}", got[key.as_str()]))
}

/// Equality that takes 1 and 1.0 as the same number.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}
