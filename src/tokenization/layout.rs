//! The parts of a tokenizer around its vocabulary, as ModernBERT has them.

use serde_json::{Value, json};

/// The longest run of spaces that is a token; GPT-NeoX's tokenizer, of which ModernBERT's is made, has
/// these.
const LONGEST_RUN: usize = 24;

/// Special tokens in the order of their ids.
const SPECIAL: [&str; 5] = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"];

/// Tokens beside those of the model: runs of 24 to 2 spaces, and the special ones.
pub(super) const ADDED: usize = LONGEST_RUN - 1 + SPECIAL.len();

/// The tokens a model of ModernBERT's size reads at most.
const LONGEST_TEXT: usize = 8192;

/// The parts of a text between runs of two spaces or more.
pub(super) fn between_runs(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let own = rest?;
        match own.find("  ") {
            None => {
                rest = None;
                Some(own)
            }
            Some(at) => {
                rest = Some(own[at..].trim_start_matches(' '));
                Some(&own[..at])
            }
        }
    })
    .filter(|part| !part.is_empty())
}

/// `tokenizer.json` for a BPE model with this many entries.
pub(super) fn definition(model: Value, entries: usize) -> String {
    let runs = (2..=LONGEST_RUN).rev().map(|length| " ".repeat(length));
    let contents = runs.chain(SPECIAL.map(str::to_owned));
    let added: Vec<Value> = (entries..)
        .zip(contents)
        .map(|(id, content)| {
            let special = SPECIAL.contains(&content.as_str());
            json!({
                "id": id,
                "content": content,
                "single_word": false,
                // The space before a mask is part of it, as of any word.
                "lstrip": content == "[MASK]",
                "rstrip": false,
                "normalized": !special,
                "special": special,
            })
        })
        .collect();
    let id = |name: &str| {
        let place = SPECIAL.iter().position(|own| *own == name);
        entries + LONGEST_RUN - 1 + place.unwrap_or_default()
    };
    let special = |name: &str| json!({"SpecialToken": {"id": name, "type_id": 0}});
    let text = |name: &str| json!({"Sequence": {"id": name, "type_id": 0}});
    let known = |name: &str| json!({"id": name, "ids": [id(name)], "tokens": [name]});
    let byte_level = json!({
        "type": "ByteLevel",
        "add_prefix_space": false,
        "trim_offsets": true,
        "use_regex": true,
    });
    let (cls, sep) = (special("[CLS]"), special("[SEP]"));
    let definition = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": byte_level,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [cls, text("A"), sep],
            "pair": [cls, text("A"), sep, text("B"), sep],
            "special_tokens": {"[CLS]": known("[CLS]"), "[SEP]": known("[SEP]")},
        },
        "decoder": byte_level,
        "model": model,
    });
    format!("{definition:#}\n")
}

/// `tokenizer_config.json`.
pub(super) fn config() -> String {
    let config = json!({
        "clean_up_tokenization_spaces": true,
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": LONGEST_TEXT,
        "pad_token": "[PAD]",
        "sep_token": "[SEP]",
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": "[UNK]",
    });
    format!("{config:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_spaces_divide() {
        let parts: Vec<&str> = between_runs("  a b   c d  ").collect();
        assert_eq!(parts, ["a b", "c d"]);
        assert_eq!(between_runs("    ").count(), 0);
    }
}
