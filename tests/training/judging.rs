//! What a run says of its model: the figures that `evaluate` gives for it, told while it goes on and
//! when it is over.

use std::path::{Path, PathBuf};

use auscult::engine::{
    DeviceChoice, Engine, EvaluateQuery, ImportOptions, Job, MetricName, Resampling, Settings,
    TrainConfig, TrainEvent, TrainOutcome, ValidationFigures, import,
};
use serde_json::Value;

use crate::common::Temporary;
use crate::{bytes, config, notes, resume, train};

fn named<T: serde::de::DeserializeOwned>(word: &str) -> T {
    serde_json::from_value(Value::from(word)).unwrap()
}

/// Lines of JSON, one for each of these numbers.
fn lines(
    temporary: &Temporary,
    name: &str,
    numbers: std::ops::Range<usize>,
    line: fn(usize) -> Value,
) -> PathBuf {
    let lines: Vec<String> = numbers.map(|number| line(number).to_string()).collect();
    temporary.file(name, lines.join("\n"))
}

/// A short run on notes of which a part cannot be guessed.
fn run(temporary: &Temporary, task: &str, line: fn(usize) -> Value) -> TrainConfig {
    TrainConfig {
        task: named(task),
        validation: vec![lines(temporary, "validation.jsonl", 100..160, line)],
        steps: 60,
        batch: 8,
        lr: 3e-3,
        evaluate_every: 20,
        ..config(
            temporary,
            "run",
            lines(temporary, "train.jsonl", 0..96, line),
        )
    }
}

/// What `auscult evaluate` says of a model by these notes.
fn evaluated(model: &Path, notes: &Path) -> Value {
    let mut engine = Engine::open(DeviceChoice::Cpu).unwrap();
    engine.load_model(model, &Job::silent()).unwrap();
    let notes = import(
        &[notes.to_owned()],
        &ImportOptions::default(),
        &Job::silent(),
    )
    .notes;
    let query = EvaluateQuery {
        settings: Settings {
            resampling: Resampling {
                resamples: 10,
                ..Resampling::default()
            },
            ..Settings::default()
        },
        ..EvaluateQuery::default()
    };
    let found = engine.evaluate(&notes, None, &query, &Job::silent());
    let found = found.unwrap();
    assert!(found.failures.is_empty(), "{:?}", found.failures);
    serde_json::to_value(&found.results[0]).unwrap()["result"].clone()
}

#[track_caller]
fn same(own: Option<f64>, theirs: &Value) {
    assert_eq!(own.is_some(), theirs.is_number(), "{own:?} {theirs}");
    let (Some(own), Some(theirs)) = (own, theirs.as_f64()) else {
        return;
    };
    assert!((own - theirs).abs() < 1e-9, "{own} {theirs}");
}

/// Trains, and returns the figures of the best model by the validation notes with those of `evaluate`.
fn both(config: TrainConfig) -> (ValidationFigures, Value) {
    let notes = config.validation[0].clone();
    let (report, watched) = train(config, None);
    let report = report.unwrap();
    assert_eq!(report.outcome, TrainOutcome::Finished);
    let [judged] = &report.judged[..] else {
        panic!("{:?}", report.judged);
    };
    assert_eq!(judged.part, "validation");
    // The model that lies in the folder is the one that was the best on the way.
    let best = report.best.unwrap().step;
    let on_the_way = watched.events.iter().find_map(|event| match event {
        TrainEvent::Evaluated {
            step,
            evaluation,
            best: true,
            ..
        } if *step == best => Some(evaluation.as_ref()),
        _ => None,
    });
    assert_eq!(on_the_way, Some(&judged.evaluation));
    let theirs = evaluated(&report.model.unwrap(), &notes);
    (judged.evaluation.clone(), theirs)
}

#[track_caller]
fn same_classes(own: &ValidationFigures, columns: &Value, auroc: &Value) {
    for (class, figures) in own.classes.iter().enumerate() {
        same(Some(figures.precision), &columns["precision"][class]);
        same(Some(figures.recall), &columns["recall"][class]);
        same(Some(figures.f1), &columns["f1"][class]);
        same(figures.auroc, &auroc[class]);
        assert_eq!(columns["support"][class], figures.support, "{figures:?}");
    }
    assert_eq!(
        own.classes.len(),
        columns["f1"].as_array().map_or(0, Vec::len)
    );
}

#[test]
fn a_classifier_is_judged_as_evaluate_judges_it() {
    let temporary = Temporary::new();
    let line = |number: usize| {
        let (word, label) = [
            ("cough", "lung"),
            ("chest pain", "heart"),
            ("rash", ["skin", "lung"][number / 3 % 2]),
        ][number % 3];
        serde_json::json!({ "text": format!("{word} on day {number}"), "label": label })
    };
    let (own, theirs) = both(run(&temporary, "classify", line));
    assert!(own.accuracy > 0.5 && own.accuracy < 1.0, "{own:?}");
    same(Some(own.accuracy), &theirs["accuracy"]);
    same(own.macro_f1, &theirs["macro"]["f1"]);
    same(own.micro_f1, &theirs["micro"]["f1"]);
    same(own.weighted_f1, &theirs["weighted"]["f1"]);
    same(own.mcc, &theirs["mcc"]);
    same(own.auroc, &theirs["auroc_macro"]);
    same_classes(&own, &theirs["per_class"], &theirs["auroc"]);
    let nll = theirs["calibration"]["before"]["nll"].as_f64().unwrap();
    assert!((own.loss - nll).abs() < 1e-5 * nll, "{} {nll}", own.loss);
}

#[test]
fn several_labels_are_judged_as_evaluate_judges_them() {
    let temporary = Temporary::new();
    let line = |number: usize| {
        let mut labels = vec!["any"];
        let mut text = format!("day {number}");
        if number.is_multiple_of(2) {
            text += " with cough";
            labels.push("lung");
        }
        if number.is_multiple_of(5) {
            labels.push("hidden");
        }
        serde_json::json!({ "text": text, "label": labels })
    };
    let (own, theirs) = both(TrainConfig {
        several_labels: true,
        metric: MetricName::Auroc,
        ..run(&temporary, "classify", line)
    });
    assert!(own.accuracy > 0.5 && own.accuracy < 1.0, "{own:?}");
    let loss = theirs["hamming_loss"].as_f64().unwrap();
    same(Some(1.0 - own.accuracy), &loss.into());
    same(own.subset_accuracy, &theirs["subset_accuracy"]);
    same(own.macro_f1, &theirs["macro"]["f1"]);
    same(own.micro_f1, &theirs["micro"]["f1"]);
    same(own.micro_precision, &theirs["micro"]["precision"]);
    same(own.micro_recall, &theirs["micro"]["recall"]);
    same(own.weighted_f1, &theirs["weighted"]["f1"]);
    same(own.auroc, &theirs["auroc_macro"]);
    same_classes(&own, &theirs["per_label"], &theirs["auroc"]);
    assert_eq!(own.mcc, None);
}

#[test]
fn a_tagger_is_judged_as_evaluate_judges_it() {
    let temporary = Temporary::new();
    let line = |number: usize| {
        let drug = ["aspirin", "insulin glargine", "metformin"][number % 3];
        let text = format!("gave {drug} in the early morning of day {number} .");
        let start = |word: &str| text.find(word).unwrap();
        let mut spans = vec![serde_json::json!([5, 5 + drug.len(), "DRUG"])];
        if number.is_multiple_of(2) {
            let morning = start("early");
            spans.push(serde_json::json!([morning, morning + 13, "TIME"]));
        } else if number.is_multiple_of(3) {
            let morning = start("morning");
            spans.push(serde_json::json!([morning, morning + 7, "TIME"]));
        }
        serde_json::json!({ "text": text, "label": spans })
    };
    let (own, theirs) = both(TrainConfig {
        max_tokens: 96,
        steps: 120,
        ..run(&temporary, "tag", line)
    });
    let f1 = own.macro_f1.unwrap();
    assert!(f1 > 0.3 && f1 < 1.0, "{own:?}");
    assert_ne!(own.micro_f1, own.overlap_micro_f1);
    let (exact, overlap) = (&theirs["exact"], &theirs["overlap"]);
    same(own.macro_f1, &exact["macro"]["f1"]);
    same(own.micro_f1, &exact["micro"]["f1"]);
    same(own.micro_precision, &exact["micro"]["precision"]);
    same(own.micro_recall, &exact["micro"]["recall"]);
    same(own.weighted_f1, &exact["weighted"]["f1"]);
    same(own.overlap_macro_f1, &overlap["macro"]["f1"]);
    same(own.overlap_micro_f1, &overlap["micro"]["f1"]);
    let kinds = exact["per_type"].as_object().unwrap();
    assert_eq!(own.classes.len(), kinds.len());
    for figures in &own.classes {
        let kind = &kinds[&figures.name];
        same(Some(figures.precision), &kind["precision"]);
        same(Some(figures.recall), &kind["recall"]);
        same(Some(figures.f1), &kind["f1"]);
        assert_eq!(kind["support"], figures.support);
        let kind = &overlap["per_type"][&figures.name];
        same(figures.overlap_f1, &kind["f1"]);
    }
}

/// A run that is read while it goes on, or after it was stopped.
#[test]
fn the_history_has_the_figures_of_each_class() {
    let temporary = Temporary::new();
    let config = TrainConfig {
        task: named("classify"),
        label: Some("label".to_owned()),
        metric: MetricName::Mcc,
        ..config(&temporary, "run", notes(&temporary, 24))
    };
    let run = train(config, Some(4)).0.unwrap();
    assert!(run.judged.is_empty(), "{:?}", run.judged);
    assert_eq!(run.metric, MetricName::Mcc);
    let text = String::from_utf8(bytes(&run.run, "history.jsonl")).unwrap();
    assert!(text.ends_with('\n'));
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let evaluated: Vec<&Value> = events
        .iter()
        .filter(|event| event["event"] == "evaluated")
        .collect();
    assert_eq!(evaluated.len(), 1);
    let classes = evaluated[0]["classes"].as_array().unwrap();
    let names: Vec<&Value> = classes.iter().map(|class| &class["name"]).collect();
    assert_eq!(names, ["heart", "lung"]);
    assert!(classes.iter().all(|class| class["f1"].is_number()));
    assert_eq!(
        run.best.unwrap().goodness,
        evaluated[0]["mcc"].as_f64().unwrap()
    );

    // When it is over, the last evaluation and the best model are told, also again.
    let finished = resume(&run.run, None).0.unwrap();
    let again = resume(&run.run, None).0.unwrap();
    assert_eq!(again.judged, finished.judged);
    assert_eq!(again.last, finished.last);
    assert!(again.last.is_some() && again.judged.len() == 1);
}

/// The test part does not tell the best: the best model is judged by it when the run is over.
#[test]
fn the_best_model_is_judged_by_the_test_part() {
    let temporary = Temporary::new();
    let config = TrainConfig {
        task: named("classify"),
        label: Some("label".to_owned()),
        test_share: 0.25,
        ..config(&temporary, "run", notes(&temporary, 32))
    };
    let run = train(config, None).0.unwrap();
    let parts: Vec<&str> = run.judged.iter().map(|own| own.part).collect();
    assert_eq!(parts, ["validation", "test"]);
    assert_eq!(run.judged[1].evaluation.answers, 8);
    assert_ne!(run.judged[0].evaluation, run.judged[1].evaluation);
    let report = String::from_utf8(bytes(&run.run, "report.md")).unwrap();
    assert!(report.contains("| test | 8 |"), "{report}");
}
