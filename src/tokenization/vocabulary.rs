//! BERT's `vocab.txt`, rewritten as the `tokenizer.json` it stands for.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::error::TokenizerError;
use super::files::{inconsistent, malformed};
use super::settings::{Role, Settings};

/// Words longer than this many characters become the unknown token.
const LONGEST_WORD: usize = 100;

/// The bytes of a `tokenizer.json` with `vocabulary`, the contents of `file`.
///
/// The line number is the id, from 0. White space at the end of a line is cut off. An empty line
/// takes up an id without a token; of equal lines the last one counts.
pub(super) fn as_definition(
    file: &Path,
    vocabulary: &str,
    settings: &Settings,
) -> Result<Vec<u8>, TokenizerError> {
    let ids = ids(file, vocabulary)?;
    let named = |role: Role| settings.name(role).unwrap_or(role.usual());
    let id = |role: Role| {
        ids.get(named(role)).cloned().ok_or_else(|| {
            let (name, key) = (named(role), role.key());
            inconsistent(
                file,
                format!(
                    "it has no line `{name}`, the {key}; check that this is the whole vocabulary, \
                     or name the token in tokenizer_config.json (\"{key}\")"
                ),
            )
        })
    };
    let (cls, sep) = (named(Role::Cls), named(Role::Sep));
    let (cls_id, sep_id) = (id(Role::Cls)?, id(Role::Sep)?);
    id(Role::Unk)?;
    let special =
        |role: Role, segment: u32| json!({"SpecialToken": {"id": named(role), "type_id": segment}});
    let text = |name: &str, segment: u32| json!({"Sequence": {"id": name, "type_id": segment}});
    let single = [special(Role::Cls, 0), text("A", 0), special(Role::Sep, 0)];
    let second = [text("B", 1), special(Role::Sep, 1)];
    let added: Vec<Value> = Role::ALL
        .into_iter()
        .filter(|&role| settings.name(role).is_none())
        .filter_map(|role| Some((role.usual(), ids.get(role.usual())?)))
        .map(|(token, id)| {
            json!({
                "id": id, "content": token, "special": true, "normalized": false,
                "single_word": false, "lstrip": false, "rstrip": false,
            })
        })
        .collect();
    let definition = json!({
        "version": "1.0",
        "added_tokens": added,
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": true,
            "handle_chinese_chars": settings.split_chinese.unwrap_or(true),
            "strip_accents": settings.strip_accents,
            "lowercase": settings.lower_case.unwrap_or(true),
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": single,
            "pair": single.iter().chain(&second).collect::<Vec<_>>(),
            "special_tokens": {
                cls: {"id": cls, "ids": [cls_id], "tokens": [cls]},
                sep: {"id": sep, "ids": [sep_id], "tokens": [sep]},
            },
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {
            "type": "WordPiece",
            "unk_token": named(Role::Unk),
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": LONGEST_WORD,
            "vocab": ids,
        },
    });
    Ok(definition.to_string().into_bytes())
}

/// Token to id.
fn ids(file: &Path, vocabulary: &str) -> Result<Map<String, Value>, TokenizerError> {
    let mut ids = Map::new();
    for (id, line) in vocabulary.split('\n').enumerate() {
        let token = line.trim_end();
        if token.contains('\r') {
            return Err(malformed(
                file,
                format!(
                    "line {} has a carriage return inside, so ids cannot be counted; \
                     end every line with a line feed",
                    id + 1
                ),
            ));
        }
        if !token.is_empty() {
            ids.insert(token.to_owned(), Value::from(id));
        }
    }
    Ok(ids)
}
