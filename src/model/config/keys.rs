//! Which keys a model of each type reads, with their defaults, as transformers 5.23 does.

use serde_json::Value;

use super::json::Fields;
use super::{
    Architecture, Bert, ConfigError, LayerKind, ModelConfig, ModernBert, Pooling, ProblemType,
    labels,
};

/// More layers than this are a slip.
const MAX_LAYERS: usize = 4096;

const GELU_RULE: &str = "only \"gelu\" (the exact one, with erf) is supported";

/// How the types differ in keys that both read.
struct Defaults {
    vocab_size: usize,
    intermediate_size: usize,
    num_layers: usize,
    max_positions: usize,
    norm_eps: (&'static str, f64),
    pad_token_id: usize,
}

const MODERNBERT: Defaults = Defaults {
    vocab_size: 50368,
    intermediate_size: 1152,
    num_layers: 22,
    max_positions: 8192,
    norm_eps: ("norm_eps", 1e-5),
    pad_token_id: 50283,
};

const BERT: Defaults = Defaults {
    vocab_size: 30522,
    intermediate_size: 3072,
    num_layers: 12,
    max_positions: 512,
    norm_eps: ("layer_norm_eps", 1e-12),
    pad_token_id: 0,
};

/// Reads the keys of `model_type` `modernbert`; `raw` is left empty.
pub(super) fn modernbert(fields: Fields) -> Result<ModelConfig, ConfigError> {
    for key in ["hidden_activation", "classifier_activation"] {
        fields.only(key, "gelu", GELU_RULE)?;
    }
    let pooling = match fields.text("classifier_pooling")? {
        None | Some("cls") => Pooling::Cls,
        Some("mean") => Pooling::Mean,
        Some(_) => {
            return Err(fields.refuse("classifier_pooling", "it must be \"cls\" or \"mean\""));
        }
    };
    let (global_theta, local_theta) = thetas(fields)?;
    let own = ModernBert {
        layer_kinds: layer_kinds(fields, layers(fields, &MODERNBERT)?)?,
        global_theta,
        local_theta,
        half_window: fields.size_or_zero("local_attention", 128)? / 2,
        attention_bias: fields.flag("attention_bias", false)?,
        mlp_bias: fields.flag("mlp_bias", false)?,
        norm_bias: fields.flag("norm_bias", false)?,
        decoder_bias: fields.flag("decoder_bias", true)?,
        classifier_bias: fields.flag("classifier_bias", false)?,
        pooling,
    };
    common(fields, Architecture::ModernBert(own), &MODERNBERT)
}

/// Reads the keys of `model_type` `bert`; `raw` is left empty.
pub(super) fn bert(fields: Fields) -> Result<ModelConfig, ConfigError> {
    fields.only("hidden_act", "gelu", GELU_RULE)?;
    fields.only(
        "position_embedding_type",
        "absolute",
        "only \"absolute\" is supported",
    )?;
    for key in ["is_decoder", "add_cross_attention"] {
        if fields.flag(key, false)? {
            return Err(fields.refuse(key, "only encoders are supported"));
        }
    }
    let own = Bert {
        type_vocab_size: fields.size("type_vocab_size", 2)?,
    };
    common(fields, Architecture::Bert(own), &BERT)
}

fn common(
    fields: Fields,
    architecture: Architecture,
    defaults: &Defaults,
) -> Result<ModelConfig, ConfigError> {
    if fields.given("per_layer_config").is_some() {
        return Err(fields.refuse(
            "per_layer_config",
            "layers of different sizes are unsupported",
        ));
    }
    let vocab_size = fields.size("vocab_size", defaults.vocab_size)?;
    let (eps_key, eps) = defaults.norm_eps;
    let labels = labels::read(fields)?;
    Ok(ModelConfig {
        architecture,
        vocab_size,
        hidden_size: fields.size("hidden_size", 768)?,
        intermediate_size: fields.size("intermediate_size", defaults.intermediate_size)?,
        num_heads: fields.size("num_attention_heads", 12)?,
        num_layers: layers(fields, defaults)?,
        max_positions: fields.size("max_position_embeddings", defaults.max_positions)?,
        norm_eps: fields.positive(eps_key)?.unwrap_or(eps),
        pad_token_id: fields.index("pad_token_id", defaults.pad_token_id, vocab_size)?,
        tie_word_embeddings: fields.flag("tie_word_embeddings", true)?,
        problem_type: problem_type(fields, labels.len())?,
        labels,
        architectures: architectures(fields)?,
        raw: Default::default(),
    })
}

fn layers(fields: Fields, defaults: &Defaults) -> Result<usize, ConfigError> {
    let layers = fields.size("num_hidden_layers", defaults.num_layers)?;
    if layers > MAX_LAYERS {
        let rule = format!("more than {MAX_LAYERS} layers are taken for a slip");
        return Err(fields.refuse("num_hidden_layers", rule));
    }
    Ok(layers)
}

/// `layer_types` if it is there, otherwise every n-th layer is global, beginning with the first.
fn layer_kinds(fields: Fields, num_layers: usize) -> Result<Vec<LayerKind>, ConfigError> {
    let Some(types) = fields.given("layer_types") else {
        let every = fields.size("global_attn_every_n_layers", 3)?;
        let kind = |layer: usize| match layer.is_multiple_of(every) {
            true => LayerKind::Global,
            false => LayerKind::Sliding,
        };
        return Ok((0..num_layers).map(kind).collect());
    };
    let kinds: Option<Vec<LayerKind>> = types.as_array().and_then(|types| {
        let kind = |kind: &Value| match kind.as_str() {
            Some("full_attention") => Some(LayerKind::Global),
            Some("sliding_attention") => Some(LayerKind::Sliding),
            _ => None,
        };
        types.iter().map(kind).collect()
    });
    kinds
        .filter(|kinds| kinds.len() == num_layers)
        .ok_or_else(|| {
            let rule = format!(
                "it must list \"full_attention\" or \"sliding_attention\" for each of the \
             {num_layers} layers of num_hidden_layers"
            );
            fields.refuse("layer_types", rule)
        })
}

/// Bases of the rotation in global and in sliding layers.
fn thetas(fields: Fields) -> Result<(f64, f64), ConfigError> {
    let kinds = ["full_attention", "sliding_attention"];
    if let Some(parameters) = fields.object("rope_parameters")?
        && parameters.keys().any(|key| !kinds.contains(&key.as_str()))
    {
        let rule = "it must hold full_attention and sliding_attention, and nothing else";
        return Err(fields.refuse("rope_parameters", rule));
    }
    Ok((
        theta(fields, kinds[0], "global_rope_theta", 160_000.0)?,
        theta(fields, kinds[1], "local_rope_theta", 10_000.0)?,
    ))
}

/// `rope_scaling` overrules `rope_parameters`, which overrules the key of 4.48.
fn theta(fields: Fields, kind: &str, legacy_key: &str, default: f64) -> Result<f64, ConfigError> {
    let scaling = match fields.object("rope_scaling")? {
        Some(scaling) => rope_theta(fields.inside("rope_scaling.", scaling))?,
        None => None,
    };
    let own = match fields
        .object("rope_parameters")?
        .and_then(|parameters| parameters.get(kind))
    {
        Some(Value::Object(own)) => {
            rope_theta(fields.inside(&format!("rope_parameters.{kind}."), own))?
        }
        Some(_) => {
            let rule = format!("{kind} in it must be an object with rope_type and rope_theta");
            return Err(fields.refuse("rope_parameters", rule));
        }
        None => None,
    };
    match scaling.or(own) {
        Some(theta) => Ok(theta),
        None => Ok(fields.positive(legacy_key)?.unwrap_or(default)),
    }
}

/// The `rope_theta` in an object of RoPE parameters of the default type.
fn rope_theta(fields: Fields) -> Result<Option<f64>, ConfigError> {
    for key in ["rope_type", "type"] {
        fields.only(key, "default", "only \"default\" is supported")?;
    }
    fields.positive("rope_theta")
}

fn problem_type(fields: Fields, labels: usize) -> Result<Option<ProblemType>, ConfigError> {
    match fields.text("problem_type")? {
        None => Ok(None),
        Some("regression") => Ok(Some(ProblemType::Regression)),
        Some("single_label_classification") if labels == 1 => Err(fields.refuse(
            "problem_type",
            "that takes at least two labels, and there is one",
        )),
        Some("single_label_classification") => Ok(Some(ProblemType::SingleLabel)),
        Some("multi_label_classification") => Ok(Some(ProblemType::MultiLabel)),
        Some(_) => Err(fields.refuse(
            "problem_type",
            "it must be \"regression\", \"single_label_classification\" or \
             \"multi_label_classification\"",
        )),
    }
}

fn architectures(fields: Fields) -> Result<Vec<String>, ConfigError> {
    let names = match fields.given("architectures") {
        None => Some(Vec::new()),
        Some(value) => value.as_array().and_then(|names| {
            names
                .iter()
                .map(|name| name.as_str().map(str::to_owned))
                .collect()
        }),
    };
    names.ok_or_else(|| fields.refuse("architectures", "it must be a list of class names"))
}
