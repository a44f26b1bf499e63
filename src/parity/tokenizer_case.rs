//! Cases with tokenizers and strings: ids, tokens, offsets.

use std::path::Path;

use burn::tensor::Device;
use serde_json::{Value, json};

use super::ParityError;
use super::case::Case;
use super::compare::Check;
use super::outputs::Outputs;
use crate::tokenization::{Encoding, Tokenizer};

/// Which result of a line of `strings.jsonl` belongs to which folder inside the case; the first
/// of each result is the one that is saved.
const FOLDERS: [(&str, &str); 3] = [
    ("bpe", "bpe"),
    ("wordpiece", "wordpiece"),
    ("wordpiece-vocab-only", "wordpiece"),
];

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
    let mut tokenizers: Vec<(String, &str)> = FOLDERS
        .iter()
        .filter(|(folder, _)| case.has(folder))
        .map(|&(folder, result)| (folder.to_owned(), result))
        .collect();
    if tokenizers.is_empty() {
        // The tokenizer lies beside the strings; its results have the only name there is.
        let result = if lines.iter().all(|line| line.get("bpe").is_some()) {
            "bpe"
        } else {
            "wordpiece"
        };
        tokenizers.push((".".to_owned(), result));
    }
    for (folder, result) in tokenizers {
        let path = case.folder.join(&folder);
        let tokenizer = Tokenizer::open(&path).map_err(|error| ParityError::new(&path, error))?;
        for (line, saved) in lines.iter().zip(&mut saved) {
            let encoding = encode(&tokenizer, line).map_err(|error| failed(&path, error))?;
            if saved.get(result).is_none() {
                saved[result] = json!({ "ids": encoding.ids });
            }
            let fault = difference(&tokenizer, &encoding, &line[result]);
            checks.push(Check::exact(
                format!("{folder}: string {}", line["id"]),
                fault,
            ));
        }
    }
    saved.into_iter().for_each(|line| outputs.string(line));
    Ok(checks)
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
