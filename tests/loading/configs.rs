//! `config.json` is understood as transformers understands it.

use std::fs;
use std::path::Path;

use auscult::model::config::{
    Architecture, ConfigError, LayerKind, ModelConfig, ModernBert, Pooling, ProblemType,
};
use serde_json::{Value, json};

use super::folders::case;

pub fn parse(config: &Value) -> Result<ModelConfig, ConfigError> {
    ModelConfig::parse(&config.to_string(), Path::new("here/config.json"))
}

fn modernbert(config: &ModelConfig) -> &ModernBert {
    match &config.architecture {
        Architecture::ModernBert(own) => own,
        Architecture::Bert(_) => panic!("bert"),
    }
}

fn kinds(config: &ModelConfig) -> Vec<&'static str> {
    let name = |kind: &LayerKind| match kind {
        LayerKind::Global => "full_attention",
        LayerKind::Sliding => "sliding_attention",
    };
    modernbert(config).layer_kinds.iter().map(name).collect()
}

/// What the fixtures call `understood`.
fn understood(config: &ModelConfig) -> Value {
    let own = modernbert(config);
    json!({
        "global_rope_theta": own.global_theta,
        "half_window": own.half_window,
        "layer_types": kinds(config),
        "local_rope_theta": own.local_theta,
        "norm_eps": config.norm_eps,
    })
}

#[test]
fn both_layouts_are_understood_as_transformers_does() {
    let mut count = 0;
    for folder in ["config-v4", "config-v5"] {
        let text = fs::read(case(folder).join("variants.json")).unwrap();
        let variants: Vec<Value> = serde_json::from_slice(&text).unwrap();
        for variant in &variants {
            let config = parse(&variant["config"]).unwrap();
            assert_eq!(understood(&config), variant["understood"], "{variant}");
            count += 1;
        }
    }
    assert_eq!(count, 15);
    let [v4, v5] = ["config-v4", "config-v5"].map(|name| ModelConfig::read(&case(name)).unwrap());
    assert_eq!(v4.architecture, v5.architecture);
    assert_eq!(
        (v4.vocab_size, v4.hidden_size, v4.intermediate_size),
        (600, 64, 96)
    );
    assert_eq!((v4.num_heads, v4.num_layers, v4.max_positions), (4, 6, 512));
    assert_eq!(
        (v4.head_dim(), v4.pad_token_id, v4.tie_word_embeddings),
        (16, Some(3), true)
    );
}

#[test]
fn defaults_are_those_of_transformers() {
    let base = parse(&json!({"model_type": "modernbert"})).unwrap();
    let sizes = |config: &ModelConfig| {
        [
            config.vocab_size,
            config.hidden_size,
            config.intermediate_size,
            config.num_heads,
            config.num_layers,
            config.max_positions,
        ]
    };
    assert_eq!(sizes(&base), [50368, 768, 1152, 12, 22, 8192]);
    assert_eq!((base.norm_eps, base.pad_token_id), (1e-5, Some(50283)));
    let own = modernbert(&base);
    assert_eq!(
        (own.global_theta, own.local_theta, own.half_window),
        (160_000.0, 10_000.0, 64)
    );
    assert_eq!(
        own.layer_kinds
            .iter()
            .filter(|kind| **kind == LayerKind::Global)
            .count(),
        8
    );
    let biases = [
        own.attention_bias,
        own.mlp_bias,
        own.norm_bias,
        own.classifier_bias,
    ];
    assert_eq!(
        (biases, own.decoder_bias, own.pooling),
        ([false; 4], true, Pooling::Cls)
    );
    assert_eq!(
        (
            base.labels.len(),
            base.problem_type,
            base.tie_word_embeddings
        ),
        (2, None, true)
    );

    let bert = parse(&json!({"model_type": "bert"})).unwrap();
    assert_eq!(sizes(&bert), [30522, 768, 3072, 12, 12, 512]);
    assert_eq!((bert.norm_eps, bert.pad_token_id), (1e-12, Some(0)));
    assert_eq!((bert.tie_word_embeddings, bert.labels.len()), (true, 2));
    assert!(matches!(&bert.architecture, Architecture::Bert(own) if own.type_vocab_size == 2));
}

#[test]
fn left_over_keys_mean_nothing() {
    let config = ModelConfig::read(&case("bert-masked-lm-mosaic")).unwrap();
    assert_eq!(config.norm_eps, 1e-5, "norm_eps is 1e-3 and not for bert");
    assert!(matches!(config.architecture, Architecture::Bert(_)));
    let base = json!({"model_type": "modernbert"});
    let mut more = base.clone();
    for (key, value) in [
        ("layer_norm_eps", json!(1)),
        ("hidden_act", json!("relu")),
        ("position_embedding_type", json!("alibi")),
        ("rope_theta", json!(-1)),
        ("alibi", json!(true)),
        ("type_vocab_size", json!(0)),
    ] {
        more[key] = value;
    }
    assert_eq!(
        parse(&more).unwrap().architecture,
        parse(&base).unwrap().architecture
    );
}

/// Where keys of several layouts contradict each other; expected from running transformers 5.23.
#[test]
fn newer_keys_overrule_older_ones() {
    let parsed = |changes: Value| {
        let mut config = json!({
            "model_type": "modernbert", "num_hidden_layers": 3, "global_attn_every_n_layers": 2,
            "global_rope_theta": 5.0, "local_rope_theta": 6.0,
        });
        config
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        let config = parse(&config).unwrap();
        let own = modernbert(&config);
        (
            own.global_theta,
            own.local_theta,
            kinds(&config).concat().replace("_attention", " "),
        )
    };
    let periodic = "full sliding full ".to_owned();
    assert_eq!(parsed(json!({})), (5.0, 6.0, periodic.clone()));
    let full = json!({"rope_parameters": {"full_attention": {"rope_theta": 7}}});
    assert_eq!(parsed(full), (7.0, 6.0, periodic.clone()));
    let empty = json!({"rope_parameters": {}, "layer_types": null, "rope_scaling": null});
    assert_eq!(parsed(empty), (5.0, 6.0, periodic.clone()));
    let scaling = json!({
        "rope_scaling": {"rope_theta": 8.0, "rope_type": "default"},
        "rope_parameters": {"full_attention": {"rope_theta": 7}, "sliding_attention": {}},
    });
    assert_eq!(parsed(scaling), (8.0, 8.0, periodic));
    let types = ["sliding_attention", "full_attention", "full_attention"];
    let listed = json!({"layer_types": types, "global_attn_every_n_layers": 0});
    assert_eq!(parsed(listed), (5.0, 6.0, "sliding full full ".to_owned()));
}

#[test]
fn labels_come_in_the_order_of_their_ids() {
    let labels = |changes: Value| {
        let mut config = json!({"model_type": "bert"});
        config
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        parse(&config).map(|config| config.labels)
    };
    let reversed = json!({"id2label": {"2": "c", "0": "a", "1": "b"}, "label2id": {"c": 2}});
    assert_eq!(labels(reversed).unwrap(), ["a", "b", "c"]);
    assert_eq!(
        labels(json!({"num_labels": 3})).unwrap(),
        ["LABEL_0", "LABEL_1", "LABEL_2"]
    );
    assert_eq!(
        labels(json!({"id2label": null})).unwrap(),
        ["LABEL_0", "LABEL_1"]
    );
    let ten: Value = (0..11)
        .map(|id| (id.to_string(), json!(format!("l{id}"))))
        .collect();
    assert_eq!(labels(json!({"id2label": ten})).unwrap()[10], "l10");
    let config = ModelConfig::read(&case("sequence-classification-cls")).unwrap();
    assert_eq!(config.problem_type, Some(ProblemType::SingleLabel));
    assert_eq!(config.labels.len(), 3);
}

#[test]
fn every_key_is_written_back() {
    for name in [
        "config-v4",
        "config-v5",
        "bert-masked-lm-mosaic",
        "bert-legacy-names",
    ] {
        let file = case(name).join("config.json");
        let text = fs::read_to_string(&file).unwrap();
        let config = ModelConfig::parse(&text, &file).unwrap();
        let written = config.to_json();
        let [before, after]: [Value; 2] =
            [&text, &written].map(|text| serde_json::from_str(text).unwrap());
        assert_eq!(before, after);
        assert_eq!(ModelConfig::parse(&written, &file).unwrap(), config);
    }
}

#[test]
fn changes_are_checked_and_reach_the_file() {
    let config = ModelConfig::read(&case("config-v4")).unwrap();
    let labels = json!({"0": "no", "1": "yes", "2": "unknown"});
    let changed = config
        .with([("id2label", labels), ("classifier_pooling", json!("mean"))])
        .unwrap();
    assert_eq!(changed.labels, ["no", "yes", "unknown"]);
    assert_eq!(modernbert(&changed).pooling, Pooling::Mean);
    let again = ModelConfig::parse(&changed.to_json(), Path::new("config.json")).unwrap();
    assert_eq!(again, changed);
    assert!(config.with([("hidden_size", json!(65))]).is_err());
}
