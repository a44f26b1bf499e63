//! What a run begins with: another model's encoder under a new head, or nothing but a seed.

use std::fs;
use std::path::{Path, PathBuf};

use auscult::engine::{TrainConfig, check_model};
use safetensors::SafeTensors;

use crate::common::{Temporary, fixture};
use crate::{bytes, config, notes, train};

const FIRST: &str = "checkpoints/step-000000000/model";

fn classify(temporary: &Temporary, run: &str, model: PathBuf) -> TrainConfig {
    TrainConfig {
        task: serde_json::from_value("classify".into()).unwrap(),
        label: Some("label".to_owned()),
        model,
        steps: 2,
        ..config(temporary, run, notes(temporary, 12))
    }
}

/// The tensors of a model's file, by name.
fn values(file: &[u8], name: &str) -> Vec<u8> {
    let all = SafeTensors::deserialize(file).unwrap();
    all.tensor(name).unwrap().data().to_vec()
}

fn weights(model: &Path) -> Vec<u8> {
    bytes(model, "model.safetensors")
}

#[test]
fn an_encoder_stays_and_a_head_of_other_labels_begins_anew() {
    let temporary = Temporary::new();
    let bert = fixture("reference/bert-masked-lm");
    let (report, watched) = train(classify(&temporary, "one", bert.clone()), None);
    let report = report.unwrap();
    let new = [
        "bert.pooler.dense.weight",
        "bert.pooler.dense.bias",
        "classifier.weight",
        "classifier.bias",
    ];
    assert_eq!(watched.start.unwrap().new_parameters, new);
    let first = weights(&report.run.join(FIRST));
    let name = "bert.encoder.layer.1.output.dense.weight";
    assert!(values(&first, name) == values(&weights(&bert), name));

    // The same labels: everything is taken over. Others: the classifier begins anew.
    let model = report.model.unwrap();
    let (again, watched) = train(classify(&temporary, "two", model.clone()), None);
    assert!(watched.start.unwrap().new_parameters.is_empty());
    let first = weights(&again.unwrap().run.join(FIRST));
    assert!(values(&first, "classifier.weight") == values(&weights(&model), "classifier.weight"));
    let mut other = classify(&temporary, "three", model);
    let text = fs::read_to_string(&other.train[0]).unwrap();
    other.train = vec![temporary.file("other.csv", text.replace("lung", "airway"))];
    let (report, watched) = train(other, None);
    assert_eq!(watched.start.unwrap().new_parameters, new[2..]);
    let saved = check_model(&report.unwrap().model.unwrap()).unwrap();
    assert_eq!(saved.labels, ["airway", "heart"]);
}

#[test]
fn a_model_from_scratch_takes_shape_and_words_but_no_weights() {
    let temporary = Temporary::new();
    let scratch = |run: &str, seed| TrainConfig {
        from_scratch: true,
        steps: 1,
        seed,
        ..config(&temporary, run, notes(&temporary, 8))
    };
    let of = |config| weights(&train(config, None).0.unwrap().run.join(FIRST));
    let (one, same, other) = (
        of(scratch("1", 5)),
        of(scratch("2", 5)),
        of(scratch("3", 6)),
    );
    let name = "model.layers.2.mlp.Wi.weight";
    assert!(one == same && values(&one, name) != values(&other, name));
    assert!(values(&one, name) != values(&weights(&fixture("tiny")), name));

    let wordpiece = TrainConfig {
        tokenizer: Some(fixture("reference/bert-masked-lm")),
        ..scratch("4", 5)
    };
    let run = train(wordpiece, None).0.unwrap().run;
    let saved = check_model(&run.join(FIRST)).unwrap();
    assert_eq!((saved.vocabulary, saved.tokenizer_vocabulary), (448, 400));
    let config: serde_json::Value =
        serde_json::from_slice(&bytes(&run.join(FIRST), "config.json")).unwrap();
    assert_eq!(config["auscult_random_weights"], false);
}

#[test]
fn a_model_whose_encoder_is_not_whole_is_refused() {
    let temporary = Temporary::new();
    let model = temporary.path().join("model");
    crate::common::copy_folder(&fixture("tiny"), &model);
    let text = fs::read_to_string(model.join("config.json")).unwrap();
    let wider = text.replace("\"intermediate_size\": 96", "\"intermediate_size\": 128");
    fs::write(model.join("config.json"), wider).unwrap();
    let error = train(classify(&temporary, "run", model), None)
        .0
        .unwrap_err()
        .to_string();
    assert!(error.contains("mlp.Wi.weight"), "{error}");
}
