//! Every fixture loads, and gives the values that are stored.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use auscult::model::checkpoint::{Checkpoint, Dtype, Head, LoadError, LoadPlan, Reason};
use serde_json::{Value, json};

use super::allocations::peak;
use super::folders::{Stored, Temporary, case, find, stored};
use super::layout;

/// Every folder with weights: its name, head, whether it has a pooler, how many tensors it leaves
/// aside.
pub const CASES: [(&str, Head, bool, usize); 14] = [
    ("masked-lm", Head::MaskedLm, false, 0),
    ("sharded", Head::MaskedLm, false, 0),
    ("biases", Head::MaskedLm, false, 0),
    ("bert-masked-lm", Head::MaskedLm, false, 0),
    ("bert-masked-lm-mosaic", Head::MaskedLm, false, 0),
    ("bert-legacy-names", Head::MaskedLm, false, 6),
    ("bert-legacy-names/before-1.6", Head::MaskedLm, false, 6),
    ("bert-encoder", Head::None, true, 0),
    ("bfloat16", Head::None, false, 0),
    ("float16", Head::None, false, 0),
    ("config-v4", Head::None, false, 0),
    (
        "sequence-classification-cls",
        Head::SequenceClassification,
        false,
        0,
    ),
    (
        "bert-sequence-classification",
        Head::SequenceClassification,
        true,
        0,
    ),
    (
        "bert-token-classification",
        Head::TokenClassification,
        false,
        0,
    ),
];

/// Opens a folder and plans the whole model in it.
pub fn planned(folder: &Path) -> (Checkpoint, LoadPlan) {
    let checkpoint = Checkpoint::open(folder).unwrap_or_else(|error| panic!("{error}"));
    let plan = checkpoint
        .plan(&layout::of(&checkpoint))
        .unwrap_or_else(|mismatch| panic!("{mismatch}"));
    (checkpoint, plan)
}

/// The bits of every parameter of the model in a folder.
pub fn loaded(folder: &Path) -> BTreeMap<String, Vec<u32>> {
    let (checkpoint, plan) = planned(folder);
    let mut parameters = BTreeMap::new();
    checkpoint
        .read(&plan, &mut |parameter, values| {
            assert_eq!(values.len(), parameter.shape.iter().product::<usize>());
            let bits = values.iter().map(|value| value.to_bits()).collect();
            assert!(parameters.insert(parameter.name.clone(), bits).is_none());
            Ok::<(), LoadError>(())
        })
        .unwrap();
    parameters
}

fn bits(tensor: &Stored) -> Vec<u32> {
    assert_eq!(tensor.dtype, Dtype::F32, "{}", tensor.name);
    tensor
        .bytes
        .as_chunks()
        .0
        .iter()
        .map(|bytes| u32::from_le_bytes(*bytes))
        .collect()
}

#[test]
fn every_case_opens_and_every_tensor_has_its_place() {
    for (name, head, pooler, aside) in CASES {
        let (checkpoint, plan) = planned(&case(name));
        let structure = checkpoint.structure();
        assert_eq!((structure.head, structure.pooler), (head, pooler), "{name}");
        assert_eq!(structure.tied_decoder, head == Head::MaskedLm, "{name}");
        assert_eq!(plan.left_aside().len(), aside, "{name}");
        let filled = plan.parameters().count();
        assert_eq!(filled + aside, checkpoint.tensors().len(), "{name}");
    }
}

#[test]
fn stored_values_arrive_bit_for_bit() {
    for name in [
        "masked-lm",
        "biases",
        "bert-masked-lm-mosaic",
        "bert-sequence-classification",
    ] {
        let parameters = loaded(&case(name));
        let tensors = stored(&case(name).join("model.safetensors"));
        assert_eq!(parameters.len(), tensors.len(), "{name}");
        for tensor in &tensors {
            assert!(
                parameters[&tensor.name] == bits(tensor),
                "{name}: {}",
                tensor.name
            );
        }
    }
}

#[test]
fn a_model_without_a_head_has_names_without_a_prefix() {
    for (name, prefix) in [("config-v4", "model."), ("bert-encoder", "bert.")] {
        let parameters = loaded(&case(name));
        for tensor in stored(&case(name).join("model.safetensors")) {
            assert!(!tensor.name.starts_with(prefix));
            assert!(parameters[&format!("{prefix}{}", tensor.name)] == bits(&tensor));
        }
    }
}

#[test]
fn shards_are_one_model() {
    assert!(loaded(&case("sharded")) == loaded(&case("masked-lm")));
}

#[test]
fn old_names_in_old_files_fill_what_they_mean() {
    let map: Value =
        serde_json::from_slice(&fs::read(case("bert-legacy-names/case.json")).unwrap()).unwrap();
    let map = map["stored"].as_object().unwrap();
    let want = loaded(&case("bert-masked-lm"));
    for folder in ["bert-legacy-names", "bert-legacy-names/before-1.6"] {
        let folder = case(folder);
        assert!(loaded(&folder) == want);
        let (checkpoint, plan) = planned(&folder);
        assert_eq!(checkpoint.tensors().len(), map.len());
        let embedding = "bert.embeddings.word_embeddings.weight";
        for aside in plan.left_aside() {
            let want = match map[&aside.name].as_str() {
                Some(original) => {
                    assert_eq!(original, embedding);
                    Reason::CopyOf(embedding.to_owned())
                }
                None if aside.name.contains("position_ids") => Reason::PositionIds,
                None if aside.name.contains("pooler") => Reason::Pooler,
                None => Reason::NextSentence,
            };
            assert_eq!(aside.reason, want, "{}", aside.name);
        }
    }
}

#[test]
fn sixteen_bit_weights_become_the_same_numbers() {
    for name in ["bfloat16", "float16"] {
        let parameters = loaded(&case(name));
        let mut expected = stored(&case(name).join("io.safetensors"));
        let expected = find(&mut expected, "output.upcast.layers.1.mlp.Wi.weight");
        assert!(
            parameters["model.layers.1.mlp.Wi.weight"] == bits(expected),
            "{name}"
        );
    }
}

#[test]
fn every_prefix_is_found_by_the_names() {
    let want = loaded(&case("bert-masked-lm"));
    let wrapped = Temporary::copy_of("bert-masked-lm");
    wrapped.alter(|tensors| {
        for tensor in tensors {
            tensor.name.insert_str(0, "module.");
        }
    });
    assert!(loaded(wrapped.path()) == want);

    let want = loaded(&case("config-v4"));
    let prefixed = Temporary::copy_of("config-v4");
    prefixed.alter(|tensors| {
        for tensor in tensors {
            tensor.name.insert_str(0, "model.");
        }
    });
    assert!(loaded(prefixed.path()) == want);
}

#[test]
fn without_architectures_the_tensors_decide() {
    for (name, head, ..) in CASES {
        let folder = Temporary::copy_of(name);
        folder.configure(&[("architectures", Value::Null)]);
        match Checkpoint::open(folder.path()) {
            Ok(checkpoint) => {
                assert_eq!(checkpoint.structure().head, head, "{name}");
                checkpoint.plan(&layout::of(&checkpoint)).unwrap();
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }
    let folder = Temporary::copy_of("sequence-classification-cls");
    folder.configure(&[
        ("architectures", Value::Null),
        ("problem_type", Value::Null),
    ]);
    let error = Checkpoint::open(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("ModernBertForTokenClassification"),
        "{error}"
    );
}

#[test]
fn without_a_model_type_the_tensors_decide() {
    for (name, ..) in CASES {
        let folder = Temporary::copy_of(name);
        folder.configure(&[("model_type", Value::Null)]);
        assert!(loaded(folder.path()) == loaded(&case(name)), "{name}");
    }
    let folder = Temporary::copy_of("masked-lm");
    folder.configure(&[("model_type", json!("bert"))]);
    let error = Checkpoint::open(folder.path()).unwrap_err();
    assert!(matches!(error, LoadError::ModelType { .. }), "{error}");
}

#[test]
fn unknown_classes_go_by_their_ending() {
    let folder = Temporary::copy_of("masked-lm");
    for (class, head) in [
        ("MyModernBertForMaskedLM", Some(Head::MaskedLm)),
        ("SomethingModel", Some(Head::None)),
        ("ModernBertForQuestionAnswering", None),
        ("BertLMHeadModel", None),
    ] {
        folder.configure(&[("architectures", json!([class]))]);
        let found = Checkpoint::open(folder.path()).map(|checkpoint| checkpoint.structure().head);
        match (found, head) {
            (Ok(found), Some(head)) => assert_eq!(found, head, "{class}"),
            (Err(LoadError::Head { reason, .. }), None) => assert!(reason.contains(class)),
            (found, _) => panic!("{class}: {found:?}"),
        }
    }
}

#[test]
fn one_tensor_is_in_memory_at_a_time() {
    let (checkpoint, plan) = planned(&case("config-v4"));
    let bytes = |shape: &[usize]| 4 * shape.iter().product::<usize>();
    let sizes: Vec<usize> = plan.parameters().map(|spec| bytes(&spec.shape)).collect();
    let (largest, all) = (*sizes.iter().max().unwrap(), sizes.iter().sum::<usize>());
    let (result, grown) = peak(|| checkpoint.read(&plan, &mut |_, _| Ok::<(), LoadError>(())));
    result.unwrap();
    assert!(
        (largest..largest + 10_000).contains(&grown),
        "{grown} of {all}, largest {largest}"
    );

    let opened = peak(|| Checkpoint::open(&case("config-v4")).unwrap()).1;
    assert!(opened < all / 4, "{opened} bytes to open a file of {all}");
}
