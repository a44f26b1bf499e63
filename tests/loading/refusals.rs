//! An impossible `config.json` is refused with a sentence that names file and key.

use std::fs;

use auscult::model::config::{ConfigError, ModelConfig};
use serde_json::{Value, json};

use super::configs::parse;
use super::folders::Temporary;

/// Model type, key, value, and the key named in the error where it is another one.
fn impossible() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let mut all = Vec::new();
    let sizes = [
        "vocab_size",
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "max_position_embeddings",
    ];
    for kind in ["modernbert", "bert"] {
        for key in sizes {
            for value in [
                json!(0),
                json!(-1),
                json!(1.5),
                json!(768.0),
                json!("7"),
                json!(null),
            ] {
                all.push((kind, key, value, key));
            }
            all.push((kind, key, json!(1_u64 << 31), key));
            all.push((kind, key, json!(u64::MAX), key));
        }
        all.extend([
            (
                kind,
                "num_hidden_layers",
                json!(100_000),
                "num_hidden_layers",
            ),
            (kind, "num_attention_heads", json!(7), "hidden_size"),
            (kind, "hidden_size", json!(i32::MAX), "hidden_size"),
            (kind, "vocab_size", json!(i32::MAX), "vocab_size"),
            (kind, "pad_token_id", json!(60_000), "pad_token_id"),
            (kind, "pad_token_id", json!(-1), "pad_token_id"),
            (
                kind,
                "tie_word_embeddings",
                json!(null),
                "tie_word_embeddings",
            ),
            (kind, "tie_word_embeddings", json!(1), "tie_word_embeddings"),
            (kind, "architectures", json!("BertModel"), "architectures"),
            (kind, "architectures", json!([1]), "architectures"),
            (kind, "problem_type", json!("ranking"), "problem_type"),
            (kind, "num_labels", json!(0), "num_labels"),
            (kind, "num_labels", json!(1_u64 << 30), "num_labels"),
            (kind, "id2label", json!({}), "id2label"),
            (kind, "id2label", json!({"0": "a", "2": "b"}), "id2label"),
            (kind, "id2label", json!({"0": "a", "00": "b"}), "id2label"),
            (kind, "id2label", json!({"0": 1}), "id2label"),
            (kind, "id2label", json!(["a"]), "id2label"),
            (
                kind,
                "per_layer_config",
                json!({"0": {}}),
                "per_layer_config",
            ),
        ]);
    }
    for value in [json!(0.0), json!(-1e-5), json!(null), json!("1e-5")] {
        all.push(("modernbert", "norm_eps", value.clone(), "norm_eps"));
        all.push(("bert", "layer_norm_eps", value.clone(), "layer_norm_eps"));
        all.push((
            "modernbert",
            "global_rope_theta",
            value.clone(),
            "global_rope_theta",
        ));
        all.push(("modernbert", "local_rope_theta", value, "local_rope_theta"));
    }
    let rope = |value: Value| json!({"full_attention": value});
    all.extend([
        (
            "modernbert",
            "global_attn_every_n_layers",
            json!(0),
            "global_attn_every_n_layers",
        ),
        (
            "modernbert",
            "global_attn_every_n_layers",
            json!(null),
            "global_attn_every_n_layers",
        ),
        (
            "modernbert",
            "local_attention",
            json!(-1),
            "local_attention",
        ),
        ("modernbert", "hidden_size", json!(36), "hidden_size"),
        (
            "modernbert",
            "hidden_activation",
            json!("relu"),
            "hidden_activation",
        ),
        (
            "modernbert",
            "classifier_activation",
            json!("gelu_new"),
            "classifier_activation",
        ),
        (
            "modernbert",
            "classifier_pooling",
            json!("max"),
            "classifier_pooling",
        ),
        ("modernbert", "norm_bias", json!("false"), "norm_bias"),
        ("modernbert", "layer_types", json!([]), "layer_types"),
        (
            "modernbert",
            "layer_types",
            json!(vec!["full_attention"; 21]),
            "layer_types",
        ),
        (
            "modernbert",
            "layer_types",
            json!(vec!["linear_attention"; 22]),
            "layer_types",
        ),
        (
            "modernbert",
            "rope_parameters",
            json!({"rope_theta": 1.0}),
            "rope_parameters",
        ),
        (
            "modernbert",
            "rope_parameters",
            rope(json!(null)),
            "rope_parameters",
        ),
        (
            "modernbert",
            "rope_parameters",
            rope(json!({"rope_type": "yarn"})),
            "rope_parameters.full_attention.rope_type",
        ),
        (
            "modernbert",
            "rope_parameters",
            rope(json!({"rope_theta": 0})),
            "rope_parameters.full_attention.rope_theta",
        ),
        (
            "modernbert",
            "rope_scaling",
            json!({"type": "linear"}),
            "rope_scaling.type",
        ),
        ("bert", "hidden_act", json!("gelu_new"), "hidden_act"),
        (
            "bert",
            "position_embedding_type",
            json!("relative_key"),
            "position_embedding_type",
        ),
        ("bert", "type_vocab_size", json!(0), "type_vocab_size"),
        ("bert", "is_decoder", json!(true), "is_decoder"),
    ]);
    all
}

#[test]
fn impossible_values_are_refused_by_name() {
    for (kind, key, value, named) in impossible() {
        let error = match parse(&json!({"model_type": kind, key: value})) {
            Ok(_) => panic!("{kind}: {key} = {value} was accepted"),
            Err(error) => error.to_string(),
        };
        assert!(error.starts_with("here/config.json: "), "{error}");
        assert!(error.contains(named), "{key} = {value}: {error}");
        assert!(error.len() < 300, "{error}");
    }
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    for (config, named) in [
        (
            json!({"num_labels": 1, "problem_type": "single_label_classification"}),
            "problem_type",
        ),
        (
            json!({"num_labels": 5, "id2label": {"0": "a"}}),
            "num_labels",
        ),
        (
            json!({"id2label": {"0": "a", "1": "b"}, "label2id": {"a": 1, "b": 0}}),
            "label2id",
        ),
        (
            json!({"hidden_size": 30, "num_attention_heads": 10}),
            "hidden_size",
        ),
        (json!({"vocab_size": 600}), "pad_token_id"),
    ] {
        let mut full = json!({"model_type": "modernbert"});
        full.as_object_mut()
            .unwrap()
            .extend(config.as_object().unwrap().clone());
        let error = parse(&full).unwrap_err().to_string();
        assert!(error.contains(named), "{config}: {error}");
    }
}

#[test]
fn files_that_are_no_configuration_are_named() {
    let folder = Temporary::new();
    let refused = |content: &str| {
        folder.write("config.json", content);
        ModelConfig::read(folder.path()).unwrap_err().to_string()
    };
    for (content, said) in [
        ("", "empty"),
        ("{", "JSON"),
        ("[]", "JSON"),
        ("{\"model_type\": \"bert\", \"hidden_size\": NaN}", "JSON"),
        ("<!DOCTYPE html><html>", "web page"),
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "Git LFS",
        ),
        ("{}", "model_type"),
        (
            "{\"model_type\": \"roberta\"}",
            "\"modernbert\" and \"bert\"",
        ),
        ("{\"model_type\": null}", "\"modernbert\" and \"bert\""),
    ] {
        let error = refused(content);
        assert!(
            error.contains(said) && error.contains("config.json"),
            "{content}: {error}"
        );
    }
    folder.write("config.json", b"{\"a\": \"\xff\"}");
    assert!(
        ModelConfig::read(folder.path())
            .unwrap_err()
            .to_string()
            .contains("UTF-8")
    );
    let missing = folder.file("missing");
    assert!(matches!(
        ModelConfig::read(&missing),
        Err(ConfigError::NoFolder(_))
    ));
    fs::remove_file(folder.file("config.json")).unwrap();
    assert!(matches!(
        ModelConfig::read(folder.path()),
        Err(ConfigError::NoConfig(_))
    ));
}
