//! Would catch: any number of the model, its attention, losses or gradients that differs from
//! transformers; a comparison that passes what is wrong; a case that is passed over in silence.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use std::fs;

use auscult::engine::{CaseReport, DeviceChoice, Engine, Job, Outcome};
use common::{Temporary, copy_folder, fixture};
use serde_json::Value;

fn run(folder: &std::path::Path, case: Option<&str>) -> Vec<CaseReport> {
    let engine = Engine::open(DeviceChoice::Cpu).unwrap();
    engine
        .parity(folder, case, None, &Job::silent(), &mut |_| {})
        .unwrap()
        .results
}

#[test]
fn the_cpu_agrees_with_transformers() {
    let folder = fixture("reference");
    let reports = run(&folder, None);
    let cases = fs::read_dir(&folder).unwrap().count();
    assert_eq!(reports.len(), cases, "every folder is a case");
    let mut comparisons = 0;
    for report in &reports {
        let Outcome::Compared(checks) = &report.outcome else {
            panic!("{}: {:?}", report.case, report.outcome);
        };
        let failed: Vec<_> = checks.iter().filter(|check| !check.passed()).collect();
        assert!(
            failed.is_empty() && !report.failed(),
            "{}: {failed:#?}",
            report.case
        );
        comparisons += checks.len();
    }
    assert!(comparisons > 900, "only {comparisons} comparisons");
}

/// Changes one expected number of a copy and returns what became of the case.
fn with_changed_number(case: &str, tensor: &str, change: f32) -> CaseReport {
    let temporary = Temporary::new();
    let copy = temporary.path().join(case);
    copy_folder(&fixture("reference").join(case), &copy);
    let file = copy.join("io.safetensors");
    let mut bytes = fs::read(&file).unwrap();
    let (header, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let start = 8 + header + metadata.info(tensor).unwrap().data_offsets.0;
    let number = f32::from_le_bytes(bytes[start..start + 4].try_into().unwrap()) + change;
    bytes[start..start + 4].copy_from_slice(&number.to_le_bytes());
    fs::write(&file, bytes).unwrap();
    run(temporary.path(), Some(case)).remove(0)
}

#[test]
fn a_wrong_number_fails_its_case() {
    for tensor in [
        "output.logits",
        "output.loss",
        "grad.model.final_norm.weight",
    ] {
        assert!(!with_changed_number("masked-lm", tensor, 0.0).failed());
        assert!(
            with_changed_number("masked-lm", tensor, 1e-3).failed(),
            "{tensor}"
        );
        assert!(
            with_changed_number("masked-lm", tensor, f32::NAN).failed(),
            "{tensor}"
        );
    }
    assert!(with_changed_number("bert-encoder", "output.attention.1.0", 1e-3).failed());
}

/// Changes one value of a copy of hf-pipelines and returns what became of the case.
fn with_changed_value(file: &str, pointer: &str, change: impl Fn(&mut Value)) -> CaseReport {
    let temporary = Temporary::new();
    let reference = fixture("reference");
    for case in [
        "hf-pipelines",
        "masked-lm",
        "bert-masked-lm",
        "bert-masked-lm-mosaic",
    ] {
        copy_folder(&reference.join(case), &temporary.path().join(case));
    }
    let file = temporary.path().join("hf-pipelines").join(file);
    let mut cases: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    change(cases.pointer_mut(pointer).unwrap());
    fs::write(&file, cases.to_string()).unwrap();
    run(temporary.path(), Some("hf-pipelines")).remove(0)
}

#[test]
fn a_wrong_score_span_or_label_fails_the_pipelines() {
    let tags = "token-classification.json";
    let span = "/wordpiece-bio/expected/first/0";
    let mask = "/modernbert-one/expected/0/0";
    let more = |value: &mut Value| *value = Value::from(value.as_f64().unwrap() + 1e-4);
    let next = |value: &mut Value| *value = Value::from(value.as_u64().unwrap() + 1);
    let other = |value: &mut Value| *value = Value::from("OTHER");
    let failed = |file: &str, pointer: String, change: &dyn Fn(&mut Value)| {
        with_changed_value(file, &pointer, change).failed()
    };
    assert!(!failed(tags, format!("{span}/score"), &|_| {}));
    assert!(failed(tags, format!("{span}/score"), &more));
    assert!(failed(tags, format!("{span}/start_byte"), &next));
    assert!(failed(tags, format!("{span}/end"), &next));
    assert!(failed(tags, format!("{span}/entity_group"), &other));
    assert!(failed("fill-mask.json", format!("{mask}/score"), &more));
    assert!(failed("fill-mask.json", format!("{mask}/token"), &next));
}

/// Changes a hyper-parameter of a copy of training-trajectory, which is what an optimiser that
/// leaves it out or takes another would do, and returns the names of the checks that fail.
fn failing_with(pointer: &str, value: Value) -> Vec<String> {
    let case = "training-trajectory";
    let temporary = Temporary::new();
    let copy = temporary.path().join(case);
    copy_folder(&fixture("reference").join(case), &copy);
    let file = copy.join("runs.json");
    let mut runs: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    *runs.pointer_mut(pointer).unwrap() = value;
    fs::write(&file, runs.to_string()).unwrap();
    let Outcome::Compared(checks) = run(temporary.path(), Some(case)).remove(0).outcome else {
        panic!("the case was not compared");
    };
    let failed = checks.into_iter().filter(|check| !check.passed());
    failed.map(|check| check.what).collect()
}

#[test]
fn an_optimiser_that_does_something_else_fails() {
    assert!(failing_with("/eps", Value::from(1e-6)).is_empty());
    for (pointer, value) in [
        ("/weight_decay", Value::from(0.0)),
        ("/betas/1", Value::from(0.99)),
        ("/gradient_clipping", Value::from(1.0)),
        ("/runs/stableadamw-constant/optimizer", "adamw".into()),
        (
            "/runs/stableadamw-published-constant/optimizer",
            "stableadamw".into(),
        ),
        ("/runs/adamw-trapezoid/schedule", "constant".into()),
    ] {
        let failed = failing_with(pointer, value);
        let wrong_weights = failed.iter().any(|what| what.contains("/final.model."));
        assert!(wrong_weights, "{pointer}: {failed:?}");
    }
    let failed = failing_with("/decayed", Value::from(Vec::<String>::new()));
    assert!(failed.iter().all(|what| what.ends_with("/decayed")) && failed.len() == 3);
}

/// Changes one value of a copy of metrics and returns what became of the case.
fn with_changed_figure(file: &str, pointer: &str, change: impl Fn(&mut Value)) -> CaseReport {
    let temporary = Temporary::new();
    let copy = temporary.path().join("metrics");
    copy_folder(&fixture("reference/metrics"), &copy);
    let file = copy.join(file);
    let mut cases: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    change(cases.pointer_mut(pointer).unwrap());
    fs::write(&file, cases.to_string()).unwrap();
    run(temporary.path(), Some("metrics")).remove(0)
}

#[test]
fn a_wrong_figure_fails_the_metrics() {
    let more = |value: &mut Value| *value = Value::from(value.as_f64().unwrap() + 1e-5);
    let nothing = |value: &mut Value| *value = Value::Null;
    let zero = |value: &mut Value| *value = Value::from(0.0);
    let fewer = |value: &mut Value| *value = Value::Array(Vec::new());
    let known = "/class-without-positives/expected";
    let failed = |file: &str, pointer: &str, change: &dyn Fn(&mut Value)| {
        with_changed_figure(file, pointer, change).failed()
    };
    assert!(!failed("multiclass.json", known, &|_| {}));
    for (file, pointer) in [
        ("multiclass.json", "/two-classes/expected/auroc_weighted"),
        ("multiclass.json", "/two-classes/expected/per_class/f1/1"),
        ("binary.json", "/ties/expected/bins/1/confidence"),
        ("binary.json", "/ties/expected/pr_curve/precision/3"),
        ("binary.json", "/ties/expected/at_0.5/fn"),
        ("multilabel.json", "/five-labels/expected/samples/recall"),
        ("entities.json", "/legal/expected/strict/weighted/f1"),
        ("bootstrap.json", "/three-classes/expected/macro_f1/low"),
        ("temperature.json", "/binary/expected/temperature"),
        ("embedding.json", "/three-clusters/expected/nmi"),
        ("agreement.json", "/four-grades/expected/kappa_linear"),
    ] {
        assert!(failed(file, pointer, &more), "{file}{pointer}");
        assert!(failed(file, pointer, &nothing), "{file}{pointer}");
    }
    // Not defined is not 0.
    assert!(failed(
        "multiclass.json",
        &format!("{known}/auroc/3"),
        &zero
    ));
    assert!(failed(
        "multiclass.json",
        &format!("{known}/y_pred"),
        &fewer
    ));
    let kind = "/legal/expected/strict/entities_true/0/0/0";
    let other = |value: &mut Value| *value = Value::from("OTHER");
    assert!(failed("entities.json", kind, &other));
}

#[test]
fn what_is_not_known_is_not_passed() {
    let temporary = Temporary::new();
    let case = temporary.path().join("new-kind");
    fs::create_dir(&case).unwrap();
    fs::write(case.join("something.json"), "{}").unwrap();
    let report = run(temporary.path(), None).remove(0);
    assert!(
        matches!(report.outcome, Outcome::NotRun(_)),
        "{:?}",
        report.outcome
    );

    fs::write(case.join("case.json"), r#"{"values": ["unheard-of.json"]}"#).unwrap();
    let report = run(temporary.path(), None).remove(0);
    assert!(
        matches!(report.outcome, Outcome::NotRun(_)),
        "{:?}",
        report.outcome
    );
}

/// A case that does not fit together fails and loses no other.
#[test]
fn a_malformed_case_fails_alone() {
    let temporary = Temporary::new();
    let reference = fixture("reference");
    copy_folder(&reference.join("rope"), &temporary.path().join("b-good"));
    let bad = temporary.path().join("a-bad");
    copy_folder(&reference.join("attention-kernel"), &bad);
    let cases = fs::read_to_string(bad.join("cases.json")).unwrap();
    let wrong = cases.replace("\"D\": 16", "\"D\": 32");
    assert_ne!(wrong, cases);
    fs::write(bad.join("cases.json"), wrong).unwrap();
    let reports = run(temporary.path(), None);
    let failed: Vec<bool> = reports.iter().map(CaseReport::failed).collect();
    assert_eq!(failed, [true, false]);
}

#[test]
fn what_was_computed_is_saved_under_the_expected_names() {
    let temporary = Temporary::new();
    let engine = Engine::open(DeviceChoice::Cpu).unwrap();
    let reference = fixture("reference");
    let save = Some(temporary.path());
    for case in ["sequence-classification-mean", "tokenizers"] {
        engine
            .parity(&reference, Some(case), save, &Job::silent(), &mut |_| {})
            .unwrap();
    }
    let names = |file: &std::path::Path| {
        let bytes = fs::read(file).unwrap();
        let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        let mut names: Vec<String> = metadata.tensors().into_keys().collect();
        names.retain(|name| !name.starts_with("input."));
        names.sort();
        names
    };
    let file = "sequence-classification-mean/io.safetensors";
    assert_eq!(
        names(&temporary.path().join(file)),
        names(&reference.join(file))
    );

    let saved = fs::read_to_string(temporary.path().join("tokenizers/strings.jsonl")).unwrap();
    let expected = fs::read_to_string(reference.join("tokenizers/strings.jsonl")).unwrap();
    assert_eq!(saved.lines().count(), expected.lines().count());
    for (saved, expected) in saved.lines().zip(expected.lines()) {
        let [saved, expected] =
            [saved, expected].map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        assert_eq!(saved["id"], expected["id"]);
        for kind in ["bpe", "wordpiece"] {
            assert_eq!(saved[kind]["ids"], expected[kind]["ids"]);
        }
    }
}

#[test]
fn a_case_that_is_not_there_is_named() {
    let engine = Engine::open(DeviceChoice::Cpu).unwrap();
    let job = Job::silent();
    let error = engine
        .parity(
            &fixture("reference"),
            Some("nothing"),
            None,
            &job,
            &mut |_| {},
        )
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("nothing") && error.contains("masked-lm"),
        "{error}"
    );
}
