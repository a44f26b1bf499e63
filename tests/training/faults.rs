//! What is wrong is said, and what was saved stays.

use std::fs;

use auscult::engine::{EngineError, TrainConfig, TrainError};

use crate::common::{Temporary, copy_folder, fixture};
use crate::{config, notes, resume, train};

#[test]
fn a_loss_that_is_no_number_ends_the_run_with_the_reason() {
    let temporary = Temporary::new();
    let model = temporary.path().join("broken");
    copy_folder(&fixture("tiny"), &model);
    let weights = model.join("model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&weights, bytes).unwrap();
    let config = TrainConfig {
        model,
        ..config(&temporary, "run", notes(&temporary, 8))
    };
    let run = config.run.clone();
    let error = train(config, None).0.unwrap_err();
    let EngineError::Train(train) = &error else {
        panic!("{error}");
    };
    assert!(
        matches!(**train, TrainError::NotFinite { step: 1, .. }),
        "{error}"
    );
    assert!(
        error.to_string().contains("step 1: the loss is NaN"),
        "{error}"
    );
    assert!(run.join("checkpoints/step-000000000/state.json").is_file());
}

#[test]
fn other_notes_than_the_run_began_with_are_refused_by_name() {
    let temporary = Temporary::new();
    let notes = notes(&temporary, 12);
    let config = config(&temporary, "run", notes.clone());
    let run = train(config, Some(2)).0.unwrap().run;
    let text = fs::read_to_string(&notes).unwrap();
    fs::write(&notes, text.replace("fever", "rash")).unwrap();
    let error = resume(&run, None).0.unwrap_err().to_string();
    assert!(
        error.contains("notes.csv") && error.contains("changed"),
        "{error}"
    );
    assert!(!error.contains("rash"), "{error}");
    fs::write(&notes, text).unwrap();
    resume(&run, None).0.unwrap();
}

#[test]
fn notes_that_cannot_be_learned_from_are_named_and_lose_no_other() {
    let temporary = Temporary::new();
    let rows = "id,text,label\n1,zyxa one,a\n2,zyxb two,\n3,zyxc three,b\n4,zyxd four,a\n";
    let config = TrainConfig {
        task: serde_json::from_value("classify".into()).unwrap(),
        label: Some("label".to_owned()),
        validation_share: 0.0,
        steps: 1,
        ..config(&temporary, "run", temporary.file("notes.csv", rows))
    };
    let (report, watched) = train(config, None);
    let report = report.unwrap();
    assert_eq!(report.examples, [3, 0]);
    let left_out = watched.start.unwrap().left_out;
    let said = left_out.join("\n");
    assert!(
        said.contains("notes.csv") && said.contains("no label"),
        "{said}"
    );
    assert!(!said.contains("zyx"), "{said}");
}

#[test]
fn what_cannot_be_begun_leaves_no_folder() {
    let temporary = Temporary::new();
    let good = || config(&temporary, "run", notes(&temporary, 8));
    let nothing = temporary.path().join("nothing.csv");
    for (wrong, says) in [
        (
            TrainConfig {
                model: nothing.clone(),
                ..good()
            },
            "nothing.csv",
        ),
        (
            TrainConfig {
                train: vec![nothing.clone()],
                ..good()
            },
            "no note could be read",
        ),
        (
            TrainConfig {
                max_tokens: 100_000,
                ..good()
            },
            "at most 8192",
        ),
        (
            TrainConfig {
                model: fixture("reference/encoder-tiny"),
                ..good()
            },
            "tokenizer",
        ),
        (TrainConfig { lr: -1.0, ..good() }, "lr is -1"),
    ] {
        let error = train(wrong, None).0.unwrap_err().to_string();
        assert!(error.contains(says), "{says}: {error}");
        assert!(!temporary.path().join("run").exists(), "{says}");
    }
    let task = |task: &str, label: Option<&str>| TrainConfig {
        task: serde_json::from_value(task.into()).unwrap(),
        label: label.map(str::to_owned),
        ..good()
    };
    let unlabelled = temporary.file("unlabelled.csv", "id,text\n1,one word\n2,two words\n");
    let empty = temporary.file("empty.csv", "id,text,label\n1,one word,\n2,two words,\n");
    let one = temporary.file("one.csv", "id,text,label\n1,one word,a\n2,two words,a\n");
    for (wrong, says) in [
        (
            TrainConfig {
                train: vec![unlabelled.clone()],
                ..task("classify", None)
            },
            "no note has a label",
        ),
        (
            TrainConfig {
                train: vec![one],
                ..task("classify", Some("label"))
            },
            "nothing to tell apart",
        ),
        (task("tag", None), "no note has a marked span"),
        (
            TrainConfig {
                validation: vec![empty],
                ..task("classify", Some("label"))
            },
            "2 notes of validation gave nothing",
        ),
    ] {
        let error = train(wrong, None).0.unwrap_err().to_string();
        assert!(error.contains(says), "{says}: {error}");
        assert!(!temporary.path().join("run").exists(), "{says}");
    }
    train(good(), Some(1)).0.unwrap();
    let error = train(good(), None).0.unwrap_err().to_string();
    assert!(error.contains("--resume"), "{error}");
}

#[test]
fn a_damaged_checkpoint_is_named_and_the_one_before_goes_on() {
    let temporary = Temporary::new();
    let run = train(config(&temporary, "run", notes(&temporary, 12)), Some(4))
        .0
        .unwrap()
        .run;
    let newest = run.join("checkpoints/step-000000004");
    let state = newest.join("optimizer.safetensors");
    let bytes = fs::read(&state).unwrap();
    fs::write(&state, &bytes[..bytes.len() - 1]).unwrap();
    let error = resume(&run, None).0.unwrap_err().to_string();
    assert!(
        error.contains("step-000000004") && error.contains("damaged"),
        "{error}"
    );
    fs::remove_dir_all(&newest).unwrap();
    assert_eq!(resume(&run, None).0.unwrap().steps, 8);
}
