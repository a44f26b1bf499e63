//! Each task is learned, and what is trained is what was asked for.

use auscult::engine::{
    ClassifyQuery, DeviceChoice, Engine, Job, MetricName, ReadingOptions, TagQuery, TrainConfig,
    TrainEvent, TrainOutcome,
};
use auscult::model::Model;
use burn::tensor::Device;
use safetensors::SafeTensors;

use crate::common::Temporary;
use crate::{bytes, config, notes, train};

fn classify(temporary: &Temporary, run: &str) -> TrainConfig {
    TrainConfig {
        task: toml_word("classify"),
        label: Some("label".to_owned()),
        steps: 40,
        batch: 8,
        lr: 3e-3,
        evaluate_every: 10,
        validation_share: 0.25,
        ..config(temporary, run, notes(temporary, 32))
    }
}

/// A value by its name in a description.
fn toml_word<T: serde::de::DeserializeOwned>(word: &str) -> T {
    serde_json::from_value(serde_json::Value::from(word)).unwrap()
}

fn engine_with(model: &std::path::Path) -> Engine {
    let mut engine = Engine::open(DeviceChoice::Cpu).unwrap();
    engine.load_model(model, &Job::silent()).unwrap();
    engine
}

#[test]
fn a_classifier_learns_and_is_a_model_like_any_other() {
    let temporary = Temporary::new();
    let (report, watched) = train(classify(&temporary, "run"), None);
    let report = report.unwrap();
    let last = report.last.unwrap();
    assert_eq!((last.accuracy, last.macro_f1), (1.0, Some(1.0)), "{last:?}");
    assert_eq!(report.labels, ["heart", "lung"]);
    assert_eq!(report.examples, [24, 8]);
    let losses = watched.losses();
    assert!(losses[39] < 0.2 * losses[0], "{losses:?}");
    let new = watched.start.unwrap().new_parameters;
    assert_eq!(new, ["classifier.weight", "classifier.bias"]);

    let engine = engine_with(&report.model.unwrap());
    let info = engine.model().unwrap();
    assert_eq!(info.labels, ["heart", "lung"]);
    assert!(!info.random_weights);
    let import = auscult::engine::import_text(
        "He has chest pain for 3 days and no fever.",
        &Default::default(),
        &Job::silent(),
    );
    let query = ClassifyQuery {
        function: None,
        reading: ReadingOptions::default(),
    };
    let found = engine
        .classify(&import.notes, &query, &Job::silent())
        .unwrap();
    assert_eq!(found.results[0].labels[0].label, "heart");
}

#[test]
fn small_batches_accumulated_are_a_large_one() {
    let temporary = Temporary::new();
    let of = |run: &str, batch, accumulate| {
        let config = TrainConfig {
            batch,
            accumulate,
            steps: 2,
            // Weights make the mean over parts differ from the mean of their means.
            class_weights: toml_word("balanced"),
            ..classify(&temporary, run)
        };
        train(config, None).1.losses()
    };
    let (large, small) = (of("large", 6, 1), of("small", 2, 3));
    for (large, small) in large.iter().zip(&small) {
        assert!((large - small).abs() < 1e-5 * large, "{large} {small}");
    }
}

/// Every float tensor of a model's file.
fn tensors(file: &[u8]) -> Vec<(String, Vec<u8>)> {
    let all = SafeTensors::deserialize(file).unwrap();
    let mut tensors: Vec<_> = all
        .iter()
        .map(|(name, view)| (name.to_owned(), view.data().to_vec()))
        .collect();
    tensors.sort();
    tensors
}

#[test]
fn a_head_is_trained_alone() {
    let temporary = Temporary::new();
    let config = TrainConfig {
        mode: toml_word("head"),
        steps: 3,
        ..classify(&temporary, "run")
    };
    let report = train(config, None).0.unwrap();
    let of = |step: usize| {
        let file = format!("checkpoints/step-{step:09}/model/model.safetensors");
        tensors(&bytes(&report.run, &file))
    };
    for ((name, before), (_, after)) in of(0).into_iter().zip(of(3)) {
        let stays = name.starts_with("model.");
        assert_eq!(before == after, stays, "{name}");
    }
    assert!(report.trained < report.parameters);
}

#[test]
fn a_run_ends_when_nothing_better_comes() {
    let temporary = Temporary::new();
    let config = TrainConfig {
        patience: 2,
        evaluate_every: 1,
        metric: MetricName::Accuracy,
        // Nothing changes, so nothing gets better.
        lr: 1e-12,
        ..classify(&temporary, "run")
    };
    let report = train(config, None).0.unwrap();
    assert_eq!(report.outcome, TrainOutcome::NothingBetter);
    assert_eq!((report.steps, report.best.unwrap().step), (3, 1));
}

#[test]
fn a_tagger_learns_marked_spans() {
    let temporary = Temporary::new();
    let line = |number: usize| {
        let drug = ["aspirin", "metformin", "insulin"][number % 3];
        let text = format!("{drug} was given, then {drug} again on day {number}.");
        let second = text.rfind(drug).unwrap();
        let (end, last) = (drug.len(), second + drug.len());
        serde_json::json!({
            "text": text,
            "label": [[0, end, "DRUG"], [second, last, "DRUG"]],
        })
        .to_string()
    };
    let lines: Vec<String> = (0..60).map(line).collect();
    let config = TrainConfig {
        task: toml_word("tag"),
        steps: 120,
        batch: 6,
        lr: 5e-3,
        evaluate_every: 60,
        ..config(
            &temporary,
            "run",
            temporary.file("notes.jsonl", lines.join("\n")),
        )
    };
    let report = train(config, None).0.unwrap();
    assert_eq!(report.labels, ["O", "B-DRUG", "I-DRUG"]);
    let last = report.last.unwrap();
    assert!(last.accuracy > 0.99, "{last:?}");
    let engine = engine_with(&report.model.unwrap());
    let text = "metformin was given, then metformin again on day 4.";
    let import = auscult::engine::import_text(text, &Default::default(), &Job::silent());
    let query = TagQuery {
        aggregation: auscult::engine::Aggregation::First,
        tidy: false,
        ignored: vec!["O".to_owned()],
        reading: ReadingOptions::default(),
    };
    let found = engine.tag(&import.notes, &query, &Job::silent()).unwrap();
    let spans: Vec<_> = found.results[0]
        .spans
        .iter()
        .map(|span| text[span.start..span.end].trim())
        .collect();
    assert_eq!(spans, ["metformin", "metformin"]);
}

fn lora(temporary: &Temporary, run: &str) -> TrainConfig {
    TrainConfig {
        mode: toml_word("lora"),
        lora_rank: 4,
        lora_targets: vec!["Wqkv".to_owned(), "mlp.Wo".to_owned()],
        ..classify(temporary, run)
    }
}

/// The values of a float tensor by its name, and its shape.
fn floats(file: &[u8], name: &str) -> (Vec<usize>, Vec<f64>) {
    let all = SafeTensors::deserialize(file).unwrap();
    let view = all.tensor(name).unwrap();
    let values = view.data().chunks_exact(4);
    let values = values.map(|bytes| f64::from(f32::from_le_bytes(bytes.try_into().unwrap())));
    (view.shape().to_vec(), values.collect())
}

/// The merged model is the one that the run began with plus the products of the adapter.
#[test]
fn thin_matrices_are_trained_merged_and_saved_for_peft() {
    let temporary = Temporary::new();
    let config = TrainConfig {
        lr: 2e-2,
        steps: 80,
        evaluate_every: 40,
        ..lora(&temporary, "run")
    };
    let report = train(config, None).0.unwrap();
    let last = report.last.unwrap();
    assert_eq!(last.accuracy, 1.0, "{last:?}");
    assert!(
        report.trained < report.parameters / 10,
        "{}",
        report.trained
    );
    let config: serde_json::Value =
        serde_json::from_slice(&bytes(&report.run, "best/adapter/adapter_config.json")).unwrap();
    assert_eq!(config["peft_type"], "LORA");
    assert_eq!(
        config["modules_to_save"],
        serde_json::json!(["head", "classifier"])
    );
    let model =
        |folder| Model::load(&report.run.join(folder), &Device::flex(), &Job::silent()).unwrap();
    let (opened, own) = (model("best/adapter"), model("best"));
    assert_eq!(opened.config(), own.config());
    for ((name, a), (_, b)) in opened.parameters().iter().zip(own.parameters().iter()) {
        let (a, b) = (a.values().unwrap(), b.values().unwrap());
        let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-6;
        assert!(a.iter().zip(&b).all(near), "{name}");
    }
    let adapter = bytes(&report.run, "best/adapter/adapter_model.safetensors");
    let start = bytes(&report.run, "start/model.safetensors");
    let merged = bytes(&report.run, "best/model.safetensors");
    for (name, before) in tensors(&start) {
        let module = name.strip_suffix(".weight").unwrap_or(&name);
        let saved = format!("base_model.model.{name}");
        if module.ends_with("Wqkv") || module.ends_with("mlp.Wo") {
            let thin = |end| floats(&adapter, &format!("base_model.model.{module}.{end}.weight"));
            let ((shape_a, a), (shape_b, b)) = (thin("lora_A"), thin("lora_B"));
            let (rank, input) = (shape_a[0], shape_a[1]);
            assert_eq!(shape_b[1], rank);
            let (_, was) = floats(&start, &name);
            let (_, is) = floats(&merged, &name);
            let mut largest = 0f64;
            for (at, (was, is)) in was.iter().zip(&is).enumerate() {
                let (row, column) = (at / input, at % input);
                let product: f64 = (0..rank)
                    .map(|k| b[row * rank + k] * a[k * input + column])
                    .sum();
                let change = 16.0 / rank as f64 * product;
                assert!((was + change - is).abs() < 1e-5, "{name} {at}");
                largest = largest.max(change.abs());
            }
            assert!(largest > 1e-4, "{name} did not change");
        } else if name.starts_with("model.") {
            let after = tensors(&merged).into_iter().find(|(own, _)| *own == name);
            assert!(after.unwrap().1 == before, "{name}");
        } else {
            assert_eq!(floats(&adapter, &saved), floats(&merged, &name), "{name}");
        }
    }
}

#[test]
fn a_run_with_thin_matrices_goes_on_to_the_bit() {
    let temporary = Temporary::new();
    let short = |run| TrainConfig {
        steps: 6,
        evaluate_every: 2,
        ..lora(&temporary, run)
    };
    let (whole, watched) = train(short("whole"), None);
    let (stopped, before) = train(short("stopped"), Some(3));
    let (_, after) = crate::resume(&stopped.unwrap().run, None);
    let losses = [before.losses(), after.losses()].concat();
    assert_eq!(losses, watched.losses());
    let files = ["model.safetensors", "adapter/adapter_model.safetensors"];
    for file in files.map(|file| format!("best/{file}")) {
        let stopped = bytes(&temporary.path().join("stopped"), &file);
        assert!(
            bytes(&whole.as_ref().unwrap().run, &file) == stopped,
            "{file}"
        );
    }
    let wrong = TrainConfig {
        lora_targets: vec!["kqv".to_owned()],
        ..short("wrong")
    };
    let error = train(wrong, None).0.unwrap_err().to_string();
    assert!(error.contains("layers.0.attn.Wqkv"), "{error}");
}

/// All objectives and modes, with one layer held at a time: the same to the bit.
#[test]
fn layers_computed_again_give_the_same_numbers() {
    let temporary = Temporary::new();
    let masked_lm = |run: &str| TrainConfig {
        steps: 3,
        accumulate: 2,
        ..config(&temporary, run, notes(&temporary, 16))
    };
    let short = |config: TrainConfig| TrainConfig { steps: 3, ..config };
    let head = |run: &str| TrainConfig {
        mode: toml_word("head"),
        ..classify(&temporary, run)
    };
    let bert = |run: &str| TrainConfig {
        model: crate::common::fixture("reference/bert-masked-lm"),
        ..classify(&temporary, run)
    };
    type Describe<'a> = &'a dyn Fn(&str) -> TrainConfig;
    let kinds: [(&str, Describe); 5] = [
        ("masked-lm", &masked_lm),
        ("full", &|run| classify(&temporary, run)),
        ("head", &head),
        ("lora", &|run| lora(&temporary, run)),
        ("bert", &bert),
    ];
    for (name, of) in kinds {
        let runs = [false, true].map(|recompute| {
            let config = TrainConfig {
                recompute,
                ..short(of(&format!("{name}-{recompute}")))
            };
            let (report, watched) = train(config, None);
            (report.unwrap().run, watched.losses())
        });
        let [(held, held_losses), (again, again_losses)] = &runs;
        assert_eq!(held_losses, again_losses, "{name}");
        let file = "checkpoints/step-000000003/model/model.safetensors";
        assert!(bytes(held, file) == bytes(again, file), "{name}");
    }
}

#[test]
fn any_number_of_labels_is_learned() {
    let temporary = Temporary::new();
    let line = |number: usize| {
        let signs = [("lung", "cough"), ("heart", "chest pain")];
        let own = signs
            .iter()
            .enumerate()
            .filter(|(sign, _)| number >> sign & 1 == 1);
        let (labels, words): (Vec<&str>, Vec<&str>) = own.map(|(_, sign)| *sign).unzip();
        let text = format!("Day {number}: {}.", words.join(" and "));
        serde_json::json!({ "text": text, "label": labels }).to_string()
    };
    let lines: Vec<String> = (0..48).map(line).collect();
    let config = TrainConfig {
        several_labels: true,
        class_weights: toml_word("balanced"),
        focal_gamma: 1.0,
        label_smoothing: 0.05,
        steps: 120,
        evaluate_every: 60,
        train: vec![temporary.file("notes.jsonl", lines.join("\n"))],
        ..classify(&temporary, "run")
    };
    let report = train(config, None).0.unwrap();
    assert_eq!(report.labels, ["heart", "lung"]);
    let last = report.last.unwrap();
    assert!(
        last.accuracy > 0.95 && last.macro_f1.unwrap() > 0.95,
        "{last:?}"
    );
    let saved: serde_json::Value =
        serde_json::from_slice(&bytes(&report.run, "best/config.json")).unwrap();
    assert_eq!(saved["problem_type"], "multi_label_classification");
}

/// The last step of an epoch reads what is left and nothing of the next.
#[test]
fn every_note_is_read_once_an_epoch_however_many_make_a_step() {
    let temporary = Temporary::new();
    let config = TrainConfig {
        batch: 4,
        accumulate: 2,
        steps: 0,
        epochs: 3,
        validation_share: 0.0,
        ..classify(&temporary, "run")
    };
    let (report, watched) = train(
        TrainConfig {
            train: vec![notes(&temporary, 10)],
            ..config
        },
        None,
    );
    let report = report.unwrap();
    assert_eq!(report.steps, 6);
    let steps: Vec<(u64, u64)> = watched
        .events
        .iter()
        .filter_map(|event| match event {
            TrainEvent::Step { epoch, tokens, .. } => Some((*epoch, *tokens)),
            TrainEvent::Evaluated { .. } => None,
        })
        .collect();
    let of = |wanted: u64| {
        let own = steps.iter().filter(|(epoch, _)| *epoch == wanted);
        own.map(|(_, tokens)| tokens).sum::<u64>()
    };
    assert!(of(0) > 0 && of(0) == of(1) && of(1) == of(2), "{steps:?}");
}
