//! Cases of transformers' pipelines: spans from token labels, and masks filled in.

use std::path::Path;

use burn::tensor::{Device, Tensor};
use serde_json::{Map, Value, json};

use super::ParityError;
use super::case::Case;
use super::compare::Check;
use super::outputs::Outputs;
use super::tensors::values;
use crate::job::Job;
use crate::model::capture::Capture;
use crate::model::{Batch, Model};
use crate::tasks::fill_mask::top;
use crate::tasks::tagging::{Aggregation, Entity, entities, merged, scored_tokens};
use crate::tokenization::Tokenizer;
use crate::tokenization::windows::{Cut, Window, windows};

const TAGGING: &str = "token-classification.json";
const FILL_MASK: &str = "fill-mask.json";

/// Files of values that this kind of case computes.
pub(super) const FILES: [&str; 2] = [TAGGING, FILL_MASK];

/// The largest difference of a score; the reference's own error is a thousandth of it.
const LIMIT: f64 = 2e-6;

/// Computes every value of the case's files; `None` if it has neither.
pub(super) fn run(
    case: &Case,
    device: &Device,
    outputs: &mut Outputs,
) -> Option<Result<Vec<Check>, ParityError>> {
    FILES
        .iter()
        .any(|file| case.has(file))
        .then(|| run_all(case, device, outputs))
}

fn run_all(case: &Case, device: &Device, outputs: &mut Outputs) -> Result<Vec<Check>, ParityError> {
    let mut checks = Vec::new();
    for file in FILES.into_iter().filter(|file| case.has(file)) {
        let whole = case.json(file)?;
        let unreadable = |reason: String| ParityError::new(&case.folder.join(file), reason);
        let named = whole
            .as_object()
            .ok_or_else(|| unreadable("it is no object".to_owned()))?;
        let mut computed = Map::new();
        for (name, value) in named {
            let (input, expected) = (&value["input"], &value["expected"]);
            let what = format!("{file}: {name}");
            let got = match file {
                TAGGING => tag(case, input, &what, &mut checks),
                _ => fill(case, input, device, &what, &mut checks),
            };
            let got = got.map_err(|reason| unreadable(format!("{name}: {reason}")))?;
            checks.extend(compare(&what, &got, expected));
            computed.insert(name.clone(), got);
        }
        outputs.values(file, Value::Object(computed));
    }
    Ok(checks)
}

fn open(case: &Case, folder: &Path) -> Result<Tokenizer, String> {
    Tokenizer::open(&case.all.join(folder)).map_err(|error| error.to_string())
}

fn strings(value: &Value) -> Vec<String> {
    let list = value.as_array().into_iter().flatten();
    list.filter_map(|one| one.as_str().map(str::to_owned))
        .collect()
}

/// The spans of each strategy, as transformers gives them.
fn tag(case: &Case, input: &Value, what: &str, checks: &mut Vec<Check>) -> Result<Value, String> {
    let text = input["text"].as_str().ok_or("no text")?;
    let folder = Path::new(input["tokenizer"].as_str().ok_or("no tokenizer")?);
    let tokenizer = open(case, folder.parent().unwrap_or(folder))?;
    let whole = tokenizer.encode(text).map_err(|error| error.to_string())?;
    let limit = input["max_length"].as_u64().unwrap_or(u64::MAX) as usize;
    let overlap = input["stride"].as_u64().unwrap_or(0) as usize;
    let windows = windows(&whole, limit, Cut::Windows { overlap }).map_err(|e| e.to_string())?;
    let chunks = input["chunks"].as_array().ok_or("no chunks")?;
    let same = windows.len() == chunks.len();
    let fault = (!same).then(|| format!("{} windows, expected {}", windows.len(), chunks.len()));
    checks.push(Check::exact(format!("{what}: windows"), fault));
    let mut tokens = Vec::new();
    for (window, chunk) in windows.iter().zip(chunks) {
        let logits: Vec<f32> = chunk["logits"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|row| row.as_array().into_iter().flatten())
            .filter_map(|logit| logit.as_f64().map(|logit| logit as f32))
            .collect();
        let labels = input["labels"].as_array().map_or(0, Vec::len);
        // The last window is padded there to the length of the others; here nothing is padded.
        let length = window.encoding.len();
        let unpadded = |name: &str| {
            let list = chunk[name].as_array();
            list.map(|list| list.iter().take(length).cloned().collect::<Vec<_>>())
        };
        let logits = logits
            .get(..length * labels)
            .ok_or("there are fewer logits than tokens")?;
        let scored = scored_tokens(text, window, logits, &tokenizer);
        let mut continues = vec![false; length];
        scored
            .iter()
            .for_each(|token| continues[token.row] = token.continues);
        let same = |name: &str, own: Value| unpadded(name).map(Value::Array) == Some(own);
        let fault = if !same("ids", json!(window.encoding.ids)) {
            Some("the ids differ".to_owned())
        } else if !same("is_subword", json!(continues)) {
            Some("is_subword differs".to_owned())
        } else {
            None
        };
        checks.push(Check::exact(format!("{what}: tokens"), fault));
        tokens.push(scored);
    }
    let (labels, ignored) = (strings(&input["labels"]), strings(&input["ignore_labels"]));
    let mut computed = Map::new();
    for name in strings(&input["strategies"]) {
        let strategy = match name.as_str() {
            "none" => Aggregation::None,
            "simple" => Aggregation::Simple,
            "first" => Aggregation::First,
            "average" => Aggregation::Average,
            "max" => Aggregation::Max,
            _ => return Err(format!("no strategy {name}")),
        };
        let found = tokens
            .iter()
            .map(|tokens| entities(tokens, &labels, strategy, &ignored));
        let found = merged(text, found.collect()).into_iter();
        let plain: Vec<Value> = found
            .map(|(window, entity)| plain(text, &windows[window], &entity, strategy, &tokenizer))
            .collect();
        computed.insert(name, Value::Array(plain));
    }
    Ok(Value::Object(computed))
}

/// A span in the shape of transformers' results, with byte offsets beside its own.
fn plain(
    text: &str,
    window: &Window,
    entity: &Entity,
    strategy: Aggregation,
    tokenizer: &Tokenizer,
) -> Value {
    let points = |byte: usize| text[..byte].chars().count();
    let (first, last) = entity.rows;
    let ids = &window.encoding.ids[first..=last];
    let mut value = json!({
        "score": entity.score,
        "start": points(entity.span.start),
        "end": points(entity.span.end),
        "start_byte": entity.span.start,
        "end_byte": entity.span.end,
    });
    match strategy {
        Aggregation::None => {
            value["entity"] = json!(entity.label);
            value["index"] = json!(first);
            value["word"] = json!(tokenizer.token(ids[0]));
        }
        _ => {
            value["entity_group"] = json!(entity.label);
            value["word"] = json!(tokenizer.decode(ids).unwrap_or_default());
        }
    }
    value
}

/// The candidates of each mask, as transformers gives them.
fn fill(
    case: &Case,
    input: &Value,
    device: &Device,
    what: &str,
    checks: &mut Vec<Check>,
) -> Result<Value, String> {
    let text = input["text"].as_str().ok_or("no text")?;
    let folder = Path::new(input["model"].as_str().ok_or("no model")?);
    let tokenizer = open(case, folder)?;
    let model = Model::load(&case.all.join(folder), device, &Job::silent());
    let model = model.map_err(|error| error.to_string())?;
    let encoding = tokenizer.encode(text).map_err(|error| error.to_string())?;
    let fault = (json!(encoding.ids) != input["input_ids"]).then(|| "the ids differ".to_owned());
    checks.push(Check::exact(format!("{what}: tokens"), fault));
    let batch = Batch::new([(&encoding.ids[..], &encoding.type_ids[..])]);
    model.check(&batch).map_err(|error| error.to_string())?;
    let encoded = model.encode(&batch, &Capture::default(), &mut &Job::silent());
    let last = encoded.map_err(|error| error.to_string())?.last;
    let mask = tokenizer.special_tokens().mask.ok_or("no mask token")?;
    let rows: Vec<usize> = (0..encoding.len())
        .filter(|&row| encoding.ids[row] == mask)
        .collect();
    let count = input["top_k"].as_u64().unwrap_or(5) as usize;
    let targets = strings(&input["targets"]);
    let targets: Vec<u32> = targets
        .iter()
        .filter_map(|target| Some(tokenizer.target(target)?.0))
        .collect();
    let mut masks = Vec::new();
    for &row in &rows {
        let index = Tensor::from_data([row as i64].as_slice(), model.device());
        let logits = model.masked_lm_logits(last.clone().select(0, index));
        let logits = values(logits.ok_or("the model has no masked language model head")?)?;
        let among = (!targets.is_empty()).then_some(&targets[..]);
        let candidates = top(&logits, count, among).into_iter().map(|(id, score)| {
            let mut ids = encoding.ids.clone();
            ids[row] = id;
            let sequence = match rows.len() {
                1 => tokenizer.decode(&ids),
                _ => tokenizer.decode_all(&ids),
            };
            json!({
                "score": score,
                "token": id,
                "token_str": tokenizer.decode_all(&[id]).unwrap_or_default(),
                "sequence": sequence.unwrap_or_default(),
            })
        });
        masks.push(Value::Array(candidates.collect()));
    }
    Ok(Value::Array(masks))
}

/// Compares two values of the same shape: scores within the limit, all else exactly. `word` is only
/// informative.
fn compare(what: &str, got: &Value, want: &Value) -> Vec<Check> {
    let mut largest: f64 = 0.0;
    let mut faults = Vec::new();
    differences("", got, want, &mut largest, &mut faults);
    vec![Check {
        what: what.to_owned(),
        difference: Some(largest),
        limit: Some(LIMIT),
        fault: (!faults.is_empty()).then(|| faults.join("; ")),
    }]
}

fn differences(path: &str, got: &Value, want: &Value, largest: &mut f64, faults: &mut Vec<String>) {
    match (got, want) {
        (Value::Object(own), Value::Object(wanted)) => {
            for (name, want) in wanted.iter().filter(|(name, _)| *name != "word") {
                let path = format!("{path}/{name}");
                match own.get(name) {
                    Some(got) => differences(&path, got, want, largest, faults),
                    None => faults.push(format!("{path} is missing")),
                }
            }
        }
        (Value::Array(own), Value::Array(wanted)) => {
            if own.len() != wanted.len() {
                faults.push(format!(
                    "{path}: {} entries, expected {}",
                    own.len(),
                    wanted.len()
                ));
            }
            for (index, (got, want)) in own.iter().zip(wanted).enumerate() {
                differences(&format!("{path}/{index}"), got, want, largest, faults);
            }
        }
        _ if path.ends_with("/score") => match (got.as_f64(), want.as_f64()) {
            (Some(got), Some(want)) => *largest = largest.max((got - want).abs()),
            _ => faults.push(format!("{path} is no number")),
        },
        _ if got != want => faults.push(format!("{path} differs")),
        _ => {}
    }
}
