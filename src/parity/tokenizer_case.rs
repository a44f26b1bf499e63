//! Cases with tokenizers and strings: ids, tokens, offsets.

use std::path::Path;

use burn::tensor::Device;
use serde_json::{Value, json};

use super::ParityError;
use super::case::Case;
use super::compare::Check;
use super::outputs::Outputs;
use crate::tokenization::{Encoding, Tokenizer};

/// Encodes every string with every tokenizer of the case; `None` if there are no strings.
pub(super) fn run(
    case: &Case,
    _device: &Device,
    outputs: &mut Outputs,
) -> Option<Result<Vec<Check>, ParityError>> {
    case.has("strings.jsonl").then(|| run_all(case, outputs))
}

fn run_all(case: &Case, outputs: &mut Outputs) -> Result<Vec<Check>, ParityError> {
    let lines = case.json_lines("strings.jsonl")?;
    let mut saved: Vec<Value> = lines
        .iter()
        .map(|line| json!({ "id": line["id"] }))
        .collect();
    let mut checks = Vec::new();
    for (folder, result) in tokenizers(case, &lines)? {
        let path = case.folder.join(&folder);
        let tokenizer = Tokenizer::open(&path).map_err(|error| ParityError::new(&path, error))?;
        for (line, saved) in lines.iter().zip(&mut saved) {
            let encoding = encode(&tokenizer, line).map_err(|error| failed(&path, error))?;
            if saved.get(&result).is_none() {
                saved[result.as_str()] = json!({ "ids": encoding.ids });
            }
            let fault = difference(&tokenizer, &encoding, &line[result.as_str()]);
            checks.push(Check::exact(
                format!("{folder}: string {}", line["id"]),
                fault,
            ));
        }
    }
    saved.into_iter().for_each(|line| outputs.string(line));
    Ok(checks)
}

/// Folders with a tokenizer, each with the name of its results in a line of `strings.jsonl`: the
/// folder's own, or the beginning of it up to a hyphen. A tokenizer beside the strings has the
/// results that they hold.
fn tokenizers(case: &Case, lines: &[Value]) -> Result<Vec<(String, String)>, ParityError> {
    let results: Vec<String> = match lines.first().and_then(Value::as_object) {
        Some(line) => line
            .iter()
            .filter(|(_, v)| v.get("ids").is_some())
            .map(|(k, _)| k.clone()),
        None => {
            return Err(ParityError::new(
                &case.folder,
                "strings.jsonl holds no string",
            ));
        }
    }
    .collect();
    let is_tokenizer = |folder: &str| {
        let file = |name: &str| case.has(&format!("{folder}/{name}"));
        file("tokenizer.json") || file("vocab.txt")
    };
    let mut found = Vec::new();
    for folder in case.folders() {
        let result = results.iter().find(|result| {
            folder
                .strip_prefix(result.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        });
        if let (true, Some(result)) = (is_tokenizer(&folder), result) {
            found.push((folder, result.clone()));
        }
    }
    if let (true, [result]) = (is_tokenizer("."), results.as_slice()) {
        found.push((".".to_owned(), result.clone()));
    }
    match found.is_empty() {
        true => Err(ParityError::new(
            &case.folder,
            "no tokenizer belongs to strings.jsonl",
        )),
        false => Ok(found),
    }
}

fn failed(path: &Path, error: impl std::fmt::Display) -> ParityError {
    ParityError::new(path, error)
}

fn encode(
    tokenizer: &Tokenizer,
    line: &Value,
) -> Result<Encoding, crate::tokenization::TokenizerError> {
    let text = line["text"].as_str().unwrap_or_default();
    match line["pair"].as_str() {
        Some(pair) => tokenizer.encode_pair(text, pair),
        None => tokenizer.encode(text),
    }
}

/// Which fields differ from what is expected.
fn difference(tokenizer: &Tokenizer, got: &Encoding, want: &Value) -> Option<String> {
    let mask: Vec<u8> = got.special.iter().map(|&special| special.into()).collect();
    let offsets: Vec<[usize; 2]> = got
        .spans
        .iter()
        .map(|span| [span.start, span.end])
        .collect();
    let decoded = tokenizer.decode(&got.ids).ok();
    let fields = [
        ("ids", json!(got.ids)),
        ("type_ids", json!(got.type_ids)),
        ("sequence_ids", json!(got.sequences)),
        ("special_tokens_mask", json!(mask)),
        ("byte_offsets", json!(offsets)),
        ("decoded", json!(decoded)),
    ];
    let wrong: Vec<&str> = fields
        .iter()
        .filter(|(name, value)| &want[*name] != value)
        .map(|(name, _)| *name)
        .collect();
    (!wrong.is_empty()).then(|| format!("differs in {}", wrong.join(", ")))
}
