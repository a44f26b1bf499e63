//! Cases of metrics: figures that scikit-learn, seqeval and scipy got.

use std::collections::BTreeSet;

use burn::tensor::Device;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::ParityError;
use super::case::Case;
use super::compare::Check;
use super::outputs::Outputs;
use crate::job::Job;
use crate::metrics::agreement::agreement;
use crate::metrics::binary::{at_threshold, binary};
use crate::metrics::bootstrap::Interval;
use crate::metrics::embedding::{
    Distance, Vectors, nearest_neighbours, normalized_mutual_information, silhouette,
};
use crate::metrics::entities::{Scheme, entities, judge_tags, token_accuracy};
use crate::metrics::multiclass::{macro_f1, multiclass};
use crate::metrics::multilabel::multilabel;
use crate::metrics::spans::Span;
use crate::metrics::temperature::Logits;
use crate::metrics::{Confusion, MetricsError};

/// Computes what is expected of an input.
type Compute = fn(&Value) -> Result<Value, String>;

const COMPUTATIONS: [(&str, Compute); 8] = [
    ("multiclass.json", multiclass_of),
    ("binary.json", binary_of),
    ("multilabel.json", multilabel_of),
    ("entities.json", entities_of),
    ("bootstrap.json", bootstrap_of),
    ("temperature.json", temperature_of),
    ("embedding.json", embedding_of),
    ("agreement.json", agreement_of),
];

/// Files of values that this kind of case computes.
pub(super) const FILES: [&str; COMPUTATIONS.len()] = {
    let mut files = [""; COMPUTATIONS.len()];
    let mut index = 0;
    while index < files.len() {
        files[index] = COMPUTATIONS[index].0;
        index += 1;
    }
    files
};

/// The largest difference of a figure; the reference's two ways to each agree to 1e-13.
const LIMIT: f64 = 1e-6;

/// Computes every figure of the case's files; `None` if it has none of them.
pub(super) fn run(
    case: &Case,
    _device: &Device,
    outputs: &mut Outputs,
) -> Option<Result<Vec<Check>, ParityError>> {
    FILES
        .iter()
        .any(|file| case.has(file))
        .then(|| run_all(case, outputs))
}

fn run_all(case: &Case, outputs: &mut Outputs) -> Result<Vec<Check>, ParityError> {
    let mut checks = Vec::new();
    for (file, compute) in COMPUTATIONS {
        if !case.has(file) {
            continue;
        }
        let whole = case.json(file)?;
        let unreadable = |reason: String| ParityError::new(&case.folder.join(file), reason);
        let named = whole
            .as_object()
            .ok_or_else(|| unreadable("it is no object".to_owned()))?;
        let mut computed = Map::new();
        for (name, value) in named {
            let got = compute(&value["input"]);
            let got = got.map_err(|reason| unreadable(format!("{name}: {reason}")))?;
            checks.push(compare(
                &format!("{file}: {name}"),
                &got,
                &value["expected"],
            ));
            computed.insert(name.clone(), got);
        }
        outputs.values(file, Value::Object(computed));
    }
    Ok(checks)
}

/// An input in the shape that is needed.
fn read<T: DeserializeOwned>(input: &Value) -> Result<T, String> {
    serde_json::from_value(input.clone()).map_err(|error| format!("input: {error}"))
}

fn say(error: MetricsError) -> String {
    error.to_string()
}

/// Rows of one width as one list.
fn flat<T: Clone>(rows: &[Vec<T>], width: usize) -> Result<Vec<T>, String> {
    match rows.iter().all(|row| row.len() == width) {
        true => Ok(rows.concat()),
        false => Err(format!("input: a row is not {width} wide")),
    }
}

fn multiclass_of(input: &Value) -> Result<Value, String> {
    #[derive(Deserialize)]
    struct Input {
        classes: Vec<String>,
        y_true: Vec<usize>,
        y_score: Vec<Vec<f64>>,
    }
    let input: Input = read(input)?;
    let classes = input.classes.len();
    let scores = flat(&input.y_score, classes)?;
    let report = multiclass(classes, &input.y_true, &scores).map_err(say)?;
    Ok(json!(report))
}

fn binary_of(input: &Value) -> Result<Value, String> {
    #[derive(Deserialize)]
    struct Input {
        y_true: Vec<u8>,
        y_score: Vec<f64>,
    }
    let input: Input = read(input)?;
    let truth: Vec<bool> = input.y_true.iter().map(|&y| y == 1).collect();
    let mut report = json!(binary(&truth, &input.y_score).map_err(say)?);
    let half = at_threshold(&truth, &input.y_score, Some(0.5)).map_err(say)?;
    report["at_0.5"] = json!(half);
    Ok(report)
}

fn multilabel_of(input: &Value) -> Result<Value, String> {
    #[derive(Deserialize)]
    struct Input {
        labels: Vec<String>,
        y_true: Vec<Vec<u8>>,
        y_score: Vec<Vec<f64>>,
    }
    let input: Input = read(input)?;
    let labels = input.labels.len();
    let truth = flat(&input.y_true, labels)?;
    let truth: Vec<bool> = truth.iter().map(|&y| y == 1).collect();
    let scores = flat(&input.y_score, labels)?;
    let called: Vec<bool> = scores.iter().map(|&score| score >= 0.5).collect();
    let report = multilabel(labels, &truth, &scores, &called).map_err(say)?;
    Ok(json!(report))
}

fn entities_of(input: &Value) -> Result<Value, String> {
    #[derive(Deserialize)]
    struct Input {
        y_true: Vec<Vec<String>>,
        y_pred: Vec<Vec<String>>,
    }
    let input: Input = read(input)?;
    let spelled = |tags: &[Vec<String>], scheme| -> Result<Value, String> {
        let sequences = tags.iter().enumerate();
        let found = sequences.map(|(sequence, tags)| entities(tags, scheme, sequence));
        let found: Vec<Vec<Span>> = found.collect::<Result<_, _>>().map_err(say)?;
        let plain = |span: &Span| json!([span.kind, span.pieces[0].0, span.pieces[0].1]);
        let rows = found.iter().map(|spans| spans.iter().map(plain).collect());
        Ok(Value::Array(rows.collect()))
    };
    let mut computed = Map::new();
    for (name, scheme) in [("default", Scheme::Default), ("strict", Scheme::Strict)] {
        let report = judge_tags(&input.y_true, &input.y_pred, scheme).map_err(say)?;
        let mut report = json!(report);
        report["entities_true"] = spelled(&input.y_true, scheme)?;
        report["entities_pred"] = spelled(&input.y_pred, scheme)?;
        computed.insert(name.to_owned(), report);
    }
    let accuracy = token_accuracy(&input.y_true, &input.y_pred).map_err(say)?;
    computed.insert("token_accuracy".to_owned(), json!(accuracy));
    Ok(Value::Object(computed))
}

fn bootstrap_of(input: &Value) -> Result<Value, String> {
    #[derive(Deserialize)]
    struct Input {
        classes: Vec<String>,
        y_true: Vec<usize>,
        y_pred: Vec<usize>,
        level: f64,
        indices: Vec<Vec<usize>>,
    }
    let input: Input = read(input)?;
    let statistics = |examples: &[usize]| -> Result<[Option<f64>; 2], String> {
        let take = |from: &[usize]| -> Result<Vec<usize>, String> {
            let chosen = examples.iter().map(|&example| from.get(example).copied());
            let chosen: Option<_> = chosen.collect();
            chosen.ok_or_else(|| "input: indices name an example that is not there".to_owned())
        };
        let (truth, predicted) = (take(&input.y_true)?, take(&input.y_pred)?);
        let table = Confusion::new(input.classes.len(), &truth, &predicted).map_err(say)?;
        Ok([Some(table.accuracy()), Some(macro_f1(&table))])
    };
    let all: Vec<usize> = (0..input.y_true.len()).collect();
    let estimates = statistics(&all)?;
    let resamples = input.indices.iter().map(|examples| statistics(examples));
    let resamples: Vec<[Option<f64>; 2]> = resamples.collect::<Result<_, _>>()?;
    let mut computed = Map::new();
    for (index, name) in ["accuracy", "macro_f1"].into_iter().enumerate() {
        let values: Vec<Option<f64>> = resamples.iter().map(|row| row[index]).collect();
        let interval = Interval::of(estimates[index], &values, input.level);
        computed.insert(name.to_owned(), json!(interval));
    }
    Ok(Value::Object(computed))
}

fn temperature_of(input: &Value) -> Result<Value, String> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Rows {
        Lone(Vec<f64>),
        Several(Vec<Vec<f64>>),
    }
    #[derive(Deserialize)]
    struct Input {
        logits: Rows,
        y_true: Vec<usize>,
    }
    let input: Input = read(input)?;
    let values;
    let logits = match &input.logits {
        Rows::Lone(values) => Logits::sigmoid(values, &input.y_true),
        Rows::Several(rows) => {
            let classes = rows.first().map_or(0, Vec::len);
            values = flat(rows, classes)?;
            Logits::softmax(classes, &values, &input.y_true)
        }
    };
    let logits = logits.map_err(say)?;
    let temperature = logits.fit_temperature(&Job::silent()).map_err(say)?;
    let before = logits.fit_at(1.0).map_err(say)?;
    let after = temperature.map(|temperature| logits.fit_at(temperature));
    let after = after.transpose().map_err(say)?;
    Ok(json!({
        "temperature": temperature,
        "nll_before": before.nll,
        "ece_before": before.ece,
        "nll_after": after.map(|after| after.nll),
        "ece_after": after.map(|after| after.ece),
    }))
}

fn embedding_of(input: &Value) -> Result<Value, String> {
    #[derive(Deserialize)]
    struct Input {
        vectors: Vec<Vec<f64>>,
        labels: Vec<usize>,
        clusters: Vec<usize>,
        k: usize,
    }
    let input: Input = read(input)?;
    let width = input.vectors.first().map_or(0, Vec::len);
    let values = flat(&input.vectors, width)?;
    let vectors = Vectors::new(width, &values).map_err(say)?;
    let (labels, job) = (&input.labels, Job::silent());
    let silhouette = |distance| silhouette(vectors, labels, distance, &job).map_err(say);
    let predicted = nearest_neighbours(vectors, labels, input.k, &job).map_err(say)?;
    let right = predicted.iter().zip(labels).filter(|(a, b)| a == b).count();
    Ok(json!({
        "silhouette_euclidean": silhouette(Distance::Euclidean)?,
        "silhouette_cosine": silhouette(Distance::Cosine)?,
        "nmi": normalized_mutual_information(labels, &input.clusters).map_err(say)?,
        "knn_accuracy": right as f64 / labels.len() as f64,
        "knn_pred": predicted,
    }))
}

fn agreement_of(input: &Value) -> Result<Value, String> {
    #[derive(Deserialize)]
    struct Input {
        classes: Vec<String>,
        first: Vec<usize>,
        second: Vec<usize>,
    }
    let input: Input = read(input)?;
    let report = agreement(input.classes.len(), &input.first, &input.second).map_err(say)?;
    Ok(json!(report))
}

/// Compares two values: numbers within the limit, all else exactly; nothing may be missing and
/// nothing more.
fn compare(what: &str, got: &Value, want: &Value) -> Check {
    let mut largest: f64 = 0.0;
    let mut faults = Vec::new();
    differences("", got, want, &mut largest, &mut faults);
    Check {
        what: what.to_owned(),
        difference: Some(largest),
        limit: Some(LIMIT),
        fault: (!faults.is_empty()).then(|| faults.join("; ")),
    }
}

fn differences(path: &str, got: &Value, want: &Value, largest: &mut f64, faults: &mut Vec<String>) {
    match (got, want) {
        (Value::Object(own), Value::Object(wanted)) => {
            let names: BTreeSet<&String> = own.keys().chain(wanted.keys()).collect();
            for name in names {
                let path = format!("{path}/{name}");
                match (own.get(name), wanted.get(name)) {
                    (Some(got), Some(want)) => differences(&path, got, want, largest, faults),
                    (None, _) => faults.push(format!("{path} is missing")),
                    (_, None) => faults.push(format!("{path} is not expected")),
                }
            }
        }
        (Value::Array(own), Value::Array(wanted)) if own.len() == wanted.len() => {
            for (index, (got, want)) in own.iter().zip(wanted).enumerate() {
                differences(&format!("{path}/{index}"), got, want, largest, faults);
            }
        }
        (Value::Array(own), Value::Array(wanted)) => {
            let (own, wanted) = (own.len(), wanted.len());
            faults.push(format!("{path}: {own} entries, expected {wanted}"));
        }
        (Value::Number(got), Value::Number(want)) => match (got.as_f64(), want.as_f64()) {
            (Some(got), Some(want)) => *largest = largest.max((got - want).abs()),
            _ => faults.push(format!("{path} is no number")),
        },
        _ if got != want => faults.push(format!("{path} differs")),
        _ => {}
    }
}
