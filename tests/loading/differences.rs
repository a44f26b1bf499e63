//! Tensors and parameters that do not match are all listed.

use auscult::model::checkpoint::{
    Checkpoint, Difference, Dtype, Head, Mismatch, Reason, StoredTensor,
};
use serde_json::json;

use super::cases::{loaded, planned};
use super::folders::{Stored, Temporary, case, find};
use super::layout;

/// The mismatch of an altered copy of a case.
fn mismatch(name: &str, change: impl FnOnce(&mut Vec<Stored>)) -> Mismatch {
    let folder = Temporary::copy_of(name);
    folder.alter(change);
    refused(&folder)
}

fn refused(folder: &Temporary) -> Mismatch {
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    match checkpoint.plan(&layout::of(&checkpoint)) {
        Ok(_) => panic!("it was accepted"),
        Err(mismatch) => mismatch,
    }
}

fn shape_of(tensor: &StoredTensor) -> &[usize] {
    &tensor.shape
}

#[test]
fn a_dropped_tensor_is_missing() {
    let name = "model.layers.2.mlp.Wi.weight";
    let found = mismatch("masked-lm", |tensors| {
        tensors.retain(|tensor| tensor.name != name)
    });
    match found.differences() {
        [
            Difference::Missing {
                parameter,
                nearest: None,
            },
        ] => assert_eq!(parameter.name, name),
        other => panic!("{other:?}"),
    }
    let text = found.to_string();
    assert!(text.contains("1 missing") && text.contains(name), "{text}");
}

#[test]
fn an_added_tensor_is_unexpected() {
    for name in [
        "model.layers.0.attn.Wo.bias",
        "model.layers.9.mlp_norm.weight",
        "qa_outputs.bias",
    ] {
        let found = mismatch("masked-lm", |tensors| {
            tensors.push(Stored::new(name, Dtype::F32, &[1], vec![0; 4]));
        });
        match found.differences() {
            [
                Difference::Unexpected {
                    tensor,
                    nearest: None,
                },
            ] => assert_eq!(tensor.name, name),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_transposed_tensor_is_misshapen() {
    let name = "model.layers.1.mlp.Wo.weight";
    let found = mismatch("masked-lm", |tensors| find(tensors, name).shape.reverse());
    match found.differences() {
        [Difference::Misshapen { parameter, tensor }] => {
            assert_eq!(
                (parameter.shape.as_slice(), shape_of(tensor)),
                (&[32, 48][..], &[48, 32][..])
            );
        }
        other => panic!("{other:?}"),
    }
    let text = found.to_string();
    assert!(
        text.contains("expected [32, 48]") && text.contains("found [48, 32]"),
        "{text}"
    );
}

#[test]
fn a_renamed_tensor_is_proposed() {
    let (old, new) = (
        "model.layers.1.mlp.Wo.weight",
        "model.layers.1.mlp.W_o.weight",
    );
    let found = mismatch("masked-lm", |tensors| {
        find(tensors, old).name = new.to_owned()
    });
    let text = found.to_string();
    match found.differences() {
        [
            Difference::Missing {
                parameter,
                nearest: Some(stored),
            },
            Difference::Unexpected {
                tensor,
                nearest: Some(wanted),
            },
        ] => {
            assert_eq!((parameter.name.as_str(), stored.as_str()), (old, new));
            assert_eq!((tensor.name.as_str(), wanted.as_str()), (new, old));
        }
        _ => panic!("{text}"),
    }
    assert!(
        text.contains(&format!("nearest in the file: {new}")),
        "{text}"
    );
    assert!(
        text.contains(&format!("nearest in the model: {old}")),
        "{text}"
    );
}

#[test]
fn the_most_similar_name_is_proposed_or_none() {
    let renamed = [
        (
            "model.layers.1.mlp.Wo.weight",
            "model.layers.1.mlp.W_o.weight",
        ),
        (
            "model.layers.3.mlp.Wo.weight",
            "model.layers.3.mlp.W_o.weight",
        ),
        (
            "model.layers.2.mlp.Wo.weight",
            "model.layers.2.mlp.W_o.weight",
        ),
        ("head.dense.weight", "projection"),
    ];
    let found = mismatch("masked-lm", |tensors| {
        for (old, new) in renamed {
            find(tensors, old).name = new.to_owned();
        }
    });
    let mut count = 0;
    for row in found.differences() {
        let Difference::Missing { parameter, nearest } = row else {
            continue;
        };
        let (_, new) = renamed
            .iter()
            .find(|(old, _)| *old == parameter.name)
            .unwrap();
        let like = *new != "projection";
        assert_eq!(nearest.as_deref(), like.then_some(*new), "{found}");
        count += 1;
    }
    assert_eq!(count, 4, "{found}");
}

#[test]
fn a_tensor_of_the_file_is_proposed_by_its_name_there() {
    let found = mismatch("bert-encoder", |tensors| {
        find(tensors, "pooler.dense.weight").name = "pooler.danse.weight".to_owned();
    });
    assert!(
        found
            .to_string()
            .contains("in the file: pooler.danse.weight"),
        "{found}"
    );
}

#[test]
fn two_tensors_for_one_parameter_are_listed() {
    let found = mismatch("bert-masked-lm", |tensors| {
        let mut old = find(tensors, "bert.embeddings.LayerNorm.weight").clone();
        old.name = "bert.embeddings.LayerNorm.gamma".to_owned();
        tensors.push(old);
    });
    match found.differences() {
        [Difference::Doubled { parameter, tensors }] => {
            assert_eq!(parameter, "bert.embeddings.LayerNorm.weight");
            assert_eq!(tensors.len(), 2);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn other_types_are_no_weights() {
    for (dtype, size) in [(Dtype::F64, 8), (Dtype::I32, 4), (Dtype::F8_E4M3, 1)] {
        let name = "model.final_norm.weight";
        let found = mismatch("masked-lm", |tensors| {
            *find(tensors, name) = Stored::new(name, dtype, &[32], vec![0; 32 * size]);
        });
        match found.differences() {
            [Difference::WrongType { tensor }] => assert_eq!(tensor.dtype, dtype),
            other => panic!("{other:?}"),
        }
        assert!(found.to_string().contains("F32, F16 and BF16"), "{found}");
    }
}

#[test]
fn every_difference_is_in_the_table() {
    let found = mismatch("masked-lm", |tensors| {
        for tensor in tensors.iter_mut() {
            tensor.name = tensor.name.replace("layers", "blocks");
        }
        find(tensors, "decoder.bias").shape = vec![224, 2];
    });
    let text = found.to_string();
    for part in [
        "23 missing",
        "23 unexpected",
        "1 misshapen",
        "layers.3.mlp.Wi",
        "blocks.3.mlp.Wi",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(found.differences().len(), 47);
    assert_eq!(
        text.lines().filter(|line| line.starts_with("  ")).count(),
        47
    );
}

/// A decoder with the values of the embedding, or other ones.
fn decoder(tensors: &mut Vec<Stored>, bert: bool) -> &mut Stored {
    let (embedding, decoder) = match bert {
        true => (
            "bert.embeddings.word_embeddings.weight",
            "cls.predictions.decoder.weight",
        ),
        false => ("model.embeddings.tok_embeddings.weight", "decoder.weight"),
    };
    let mut copy = find(tensors, embedding).clone();
    copy.name = decoder.to_owned();
    tensors.push(copy);
    tensors.last_mut().unwrap()
}

#[test]
fn a_copy_of_the_tied_embedding_is_left_aside() {
    for (name, bert) in [("masked-lm", false), ("bert-masked-lm", true)] {
        let folder = Temporary::copy_of(name);
        folder.alter(|tensors| {
            decoder(tensors, bert);
        });
        let (_, plan) = planned(folder.path());
        assert!(matches!(&plan.left_aside()[0].reason, Reason::CopyOf(of) if of.contains("embed")));
        assert!(loaded(folder.path()) == loaded(&case(name)), "{name}");
    }
}

#[test]
fn a_copy_with_one_other_bit_is_a_difference() {
    for (name, bert) in [("masked-lm", false), ("bert-masked-lm", true)] {
        let found = mismatch(name, |tensors| decoder(tensors, bert).bytes[4001] ^= 1);
        match found.differences() {
            [Difference::Differs { reason, .. }] => {
                assert!(reason.starts_with("1 of"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
        assert!(found.hints()[0].contains("tie_word_embeddings"), "{found}");
    }
}

#[test]
fn the_bias_of_the_decoder_may_be_stored_under_two_names() {
    let (name, other) = ("cls.predictions.bias", "cls.predictions.decoder.bias");
    let want = loaded(&case("bert-masked-lm"));
    for (tie, keep_both) in [(true, true), (false, true), (true, false), (false, false)] {
        let folder = Temporary::copy_of("bert-masked-lm");
        folder.configure(&[("tie_word_embeddings", json!(tie))]);
        folder.alter(|tensors| {
            let mut copy = find(tensors, name).clone();
            copy.name = other.to_owned();
            tensors.retain(|tensor| keep_both || tensor.name != name);
            tensors.push(copy);
            decoder(tensors, true);
        });
        // An untied decoder has a bias of its own; the other is nobody's then.
        let parameter = if tie { name } else { other };
        let found = loaded(folder.path());
        assert!(
            found[parameter] == want[name],
            "tie {tie}, both {keep_both}"
        );
        folder.alter(|tensors| find(tensors, other).bytes[0] ^= 1);
        match tie && keep_both {
            true => assert!(refused(&folder).to_string().contains(other)),
            false => assert!(loaded(folder.path())[parameter] != want[name]),
        }
    }
}

#[test]
fn a_copy_of_another_type_is_a_difference() {
    let found = mismatch("masked-lm", |tensors| {
        let copy = decoder(tensors, false);
        copy.dtype = Dtype::I32;
    });
    assert!(found.to_string().contains("I32"), "{found}");
}

#[test]
fn a_copy_alone_fills_what_it_is_tied_to() {
    for (name, bert) in [("masked-lm", false), ("bert-masked-lm", true)] {
        let folder = Temporary::copy_of(name);
        folder.alter(|tensors| {
            decoder(tensors, bert);
            tensors.retain(|tensor| {
                !tensor.name.contains("tok_embeddings") && !tensor.name.contains("word_embeddings")
            });
        });
        assert!(loaded(folder.path()) == loaded(&case(name)), "{name}");
    }
}

#[test]
fn an_untied_decoder_is_a_parameter() {
    for (name, bert) in [("masked-lm", false), ("bert-masked-lm", true)] {
        let folder = Temporary::copy_of(name);
        folder.configure(&[("tie_word_embeddings", json!(false))]);
        let found = refused(&folder);
        assert!(
            matches!(found.differences(), [Difference::Missing { parameter, .. }]
                if parameter.name.ends_with("decoder.weight")),
            "{found}"
        );
        folder.alter(|tensors| decoder(tensors, bert).bytes[4001] ^= 1);
        let (checkpoint, plan) = planned(folder.path());
        assert!(!checkpoint.structure().tied_decoder);
        assert!(plan.left_aside().is_empty());
        let parameters = loaded(folder.path()).into_values();
        assert_eq!(
            parameters.filter(|values| values.len() > 10_000).count(),
            2,
            "{name}"
        );
    }
}

#[test]
fn a_head_that_is_not_there_is_missing() {
    let folder = Temporary::copy_of("masked-lm");
    folder.configure(&[(
        "architectures",
        json!(["ModernBertForSequenceClassification"]),
    )]);
    let found = refused(&folder);
    assert!(found.to_string().contains("classifier.weight"), "{found}");
    assert!(
        found.hints()[0].contains("holds no sequence classifier"),
        "{found}"
    );
}

#[test]
fn heads_that_the_model_does_not_have_are_left_aside() {
    for (name, class) in [
        ("masked-lm", "ModernBertModel"),
        ("bert-masked-lm", "BertModel"),
    ] {
        let folder = Temporary::copy_of(name);
        folder.configure(&[("architectures", json!([class]))]);
        let (checkpoint, plan) = planned(folder.path());
        assert_eq!(checkpoint.structure().head, Head::None);
        assert!(plan.left_aside().len() >= 3);
        assert!(
            plan.left_aside()
                .iter()
                .all(|aside| aside.reason == Reason::OtherHead)
        );
    }
    let folder = Temporary::copy_of("bert-sequence-classification");
    folder.configure(&[("architectures", json!(["BertForTokenClassification"]))]);
    let (_, plan) = planned(folder.path());
    assert!(
        plan.left_aside()
            .iter()
            .all(|aside| aside.reason == Reason::Pooler)
    );
    assert_eq!(plan.left_aside().len(), 2);
}

#[test]
fn weights_of_another_size_say_so() {
    let folder = Temporary::copy_of("masked-lm");
    folder.configure(&[("vocab_size", json!(449)), ("num_hidden_layers", json!(4))]);
    let found = refused(&folder);
    assert_eq!(
        found.differences().len(),
        2,
        "embedding and decoder bias: {found}"
    );
    let other = Temporary::copy_of("bert-masked-lm");
    other.alter(|tensors| {
        for (number, tensor) in tensors.iter_mut().enumerate() {
            tensor.name = format!("{number}.{}", tensor.dtype);
        }
    });
    let found = refused(&other);
    assert!(
        found
            .hints()
            .iter()
            .any(|hint| hint.contains("different models")),
        "{found}"
    );
}
