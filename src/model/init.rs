//! First values of parameters, as transformers gives them to a model that is trained from scratch.

use super::checkpoint::ParameterSpec;
use super::config::{Architecture, ModelConfig};

/// The standard deviation and the cut of a parameter's first values, or the one value of all.
#[derive(Debug, Clone, Copy, PartialEq)]
enum First {
    /// All are this.
    Constant(f32),
    /// Normal with this deviation; where `cut` is given nothing is further out than that many
    /// deviations.
    Normal { deviation: f64, cut: Option<f64> },
}

/// The first values of a parameter, row-major; `normal` gives numbers from the standard normal
/// distribution.
///
/// ModernBERT (`_init_weights` of transformers 5, after Megatron): weights of norms are 1, biases
/// 0, matrices truncated normal, cut at `initializer_cutoff_factor` (3 if absent) deviations, with
/// the deviation, where `r` is `initializer_range` (0.02 if absent):
///
/// | parameter | deviation |
/// |---|---|
/// | embedding, `Wqkv`, `Wi` | r |
/// | `Wo` of attention and MLP, `head.dense`, an untied decoder | r / sqrt(2 · layers) |
/// | classifier | 1 / sqrt(hidden) |
///
/// BERT: normal with deviation r, and 0 for the embedding of the padding token.
pub fn first_values(
    config: &ModelConfig,
    spec: &ParameterSpec,
    normal: &mut dyn FnMut() -> f64,
) -> Vec<f32> {
    let count = spec.shape.iter().product();
    let (deviation, cut) = match first(config, spec) {
        First::Constant(value) => return vec![value; count],
        First::Normal { deviation, cut } => (deviation, cut),
    };
    let mut draw = || loop {
        let value = normal();
        if cut.is_none_or(|cut| value.abs() <= cut) {
            return (deviation * value) as f32;
        }
    };
    let mut values: Vec<f32> = (0..count).map(|_| draw()).collect();
    let is_bert = matches!(config.architecture, Architecture::Bert(_));
    if let (true, Some(pad)) = (
        is_bert && spec.name.ends_with("word_embeddings.weight"),
        config.pad_token_id,
    ) {
        let width = spec.shape[1];
        values[pad * width..(pad + 1) * width].fill(0.0);
    }
    values
}

fn first(config: &ModelConfig, spec: &ParameterSpec) -> First {
    if spec.shape.len() == 1 {
        let is_norm = spec.name.ends_with("weight");
        return First::Constant(if is_norm { 1.0 } else { 0.0 });
    }
    let number = |key: &str, absent: f64| {
        let value = config.raw(key).and_then(serde_json::Value::as_f64);
        value.filter(|value| *value > 0.0).unwrap_or(absent)
    };
    let range = number("initializer_range", 0.02);
    if matches!(config.architecture, Architecture::Bert(_)) {
        return First::Normal {
            deviation: range,
            cut: None,
        };
    }
    let is = |ending: &str| spec.name.ends_with(ending);
    let deviation = if is(".attn.Wo.weight")
        || is(".mlp.Wo.weight")
        || spec.name == "head.dense.weight"
        || spec.name == "decoder.weight"
    {
        range / (2.0 * config.num_layers as f64).sqrt()
    } else if spec.name == "classifier.weight" {
        (config.hidden_size as f64).sqrt().recip()
    } else {
        range
    };
    First::Normal {
        deviation,
        cut: Some(number("initializer_cutoff_factor", 3.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::checkpoint::{Head, Structure};
    use super::*;

    fn config(model_type: &str) -> ModelConfig {
        let json = serde_json::json!({
            "model_type": model_type,
            "vocab_size": 500, "hidden_size": 64, "intermediate_size": 96,
            "num_attention_heads": 4, "num_hidden_layers": 8, "pad_token_id": 3,
            "initializer_cutoff_factor": 2.0,
        });
        ModelConfig::parse(&json.to_string(), "a test".as_ref()).unwrap()
    }

    /// Numbers of a normal distribution in even steps of probability, over and over.
    fn normal() -> impl FnMut() -> f64 {
        let mut state = 0x5EED_u64;
        let mut uniform = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        move || (-2.0 * (1.0 - uniform()).ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()
    }

    /// Deviation and largest value of each parameter of a masked-LM model.
    fn spread(model_type: &str, of: &str) -> (f64, f64) {
        let config = config(model_type);
        let structure = Structure {
            head: Head::SequenceClassification,
            pooler: model_type == "bert",
            tied_decoder: false,
        };
        let layout = super::super::layout(&config, structure);
        let spec = layout.iter().find(|spec| spec.name == of).unwrap();
        let values = first_values(&config, spec, &mut normal());
        let squares: f64 = values.iter().map(|&x| f64::from(x).powi(2)).sum();
        let largest = values.iter().fold(0f32, |largest, x| largest.max(x.abs()));
        ((squares / values.len() as f64).sqrt(), f64::from(largest))
    }

    #[test]
    fn modernbert_begins_as_in_transformers() {
        // A normal cut at two deviations has 0.8796 of the deviation.
        for (name, deviation) in [
            ("model.embeddings.tok_embeddings.weight", 0.02),
            ("model.layers.1.attn.Wqkv.weight", 0.02),
            ("model.layers.1.mlp.Wi.weight", 0.02),
            ("model.layers.1.attn.Wo.weight", 0.005),
            ("model.layers.1.mlp.Wo.weight", 0.005),
            ("head.dense.weight", 0.005),
            ("classifier.weight", 0.125),
        ] {
            let (found, largest) = spread("modernbert", name);
            let off = (found / (0.8796 * deviation) - 1.0).abs();
            assert!(
                off < 0.1 && largest <= 2.0 * deviation + 1e-9,
                "{name}: {found} {largest}"
            );
        }
        assert_eq!(spread("modernbert", "model.final_norm.weight"), (1.0, 1.0));
        assert_eq!(spread("modernbert", "classifier.bias"), (0.0, 0.0));
    }

    #[test]
    fn bert_begins_normal_with_an_empty_padding_row() {
        let (found, largest) = spread("bert", "bert.encoder.layer.0.intermediate.dense.weight");
        assert!(
            (found / 0.02 - 1.0).abs() < 0.05 && largest > 0.05,
            "{found} {largest}"
        );
        let config = config("bert");
        let spec = ParameterSpec {
            name: "bert.embeddings.word_embeddings.weight".to_owned(),
            shape: vec![500, 64],
        };
        let values = first_values(&config, &spec, &mut normal());
        assert!(values[3 * 64..4 * 64].iter().all(|&value| value == 0.0));
        assert!(values[4 * 64..5 * 64].iter().all(|&value| value != 0.0));
    }
}
