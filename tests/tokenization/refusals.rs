//! Would catch: a broken file that panics or is read as something else, a message that does not
//! say which file is wrong, and note text in an error or in `Debug`.

use std::fs;
use std::path::Path;

use auscult::tokenization::{Tokenizer, TokenizerError};
use serde_json::{Value, json};

use super::{Folder, Random, bpe, changed, legacy_vocabulary, reference};

#[test]
fn a_folder_without_a_usable_file_is_refused_with_a_reason() {
    let whole = fs::read_to_string(reference("tokenizers/bpe/tokenizer.json")).unwrap();
    let json = |contents: &str| Folder::new().with("tokenizer.json", contents);
    let gpt = Folder::new()
        .with("vocab.json", "{}")
        .with("merges.txt", "");
    let cases = [
        (Folder::new(), "found neither"),
        (gpt, "found only vocab.json, merges.txt"),
        (json(""), "is empty"),
        (json(&whole[..9000]), "cut off"),
        (json("\u{1}\u{2}\0"), "not the JSON"),
        (json("[]"), "not the JSON"),
        (json("{}"), "missing field `model`"),
        (
            json("version https://git-lfs.github.com/spec/v1\n"),
            "git lfs pull",
        ),
        (
            json(&whole).with("tokenizer_config.json", "[1]"),
            "tokenizer_config.json",
        ),
        (
            json(&whole).with("special_tokens_map.json", "{\"a\": "),
            "special_tokens_map.json",
        ),
        (
            json(&whole).with("tokenizer_config.json", [0xff]),
            "not UTF-8",
        ),
        (
            Folder::new().with("vocab.txt", "[UNK]\n[SEP]\n"),
            "no line `[CLS]`",
        ),
        (
            Folder::new().with("vocab.txt", "[CLS]\n[SEP]\n"),
            "no line `[UNK]`",
        ),
        (
            Folder::new().with("vocab.txt", "[UNK]\0[CLS]\n[SEP]\n"),
            "binary",
        ),
        (
            json(&whole).with("tokenizer_config.json", r#"{"mask_token": "<mask>"}"#),
            "names `<mask>` as mask_token",
        ),
    ];
    for (folder, part) in cases {
        let message = folder.refusal();
        assert!(message.contains(part), "{part}: {message}");
        let path = folder.0.display().to_string();
        assert!(message.contains(&path), "no file in {message}");
    }
    let nowhere = Tokenizer::open(Path::new("no such folder")).unwrap_err();
    assert!(matches!(nowhere, TokenizerError::Missing { .. }));
}

#[test]
fn a_broken_definition_is_not_replaced_by_the_vocabulary_beside_it() {
    let folder = Folder::new()
        .with("vocab.txt", legacy_vocabulary())
        .with("tokenizer.json", "{");
    assert!(folder.refusal().contains("tokenizer.json"));
}

#[test]
fn a_file_of_absurd_size_is_not_read() {
    let folder = Folder::new();
    let file = fs::File::create(folder.0.join("tokenizer.json")).unwrap();
    file.set_len(1 << 40).unwrap();
    assert!(folder.refusal().contains("1099511627776 bytes"));
    let folder = Folder::new();
    fs::create_dir(folder.0.join("vocab.txt")).unwrap();
    assert!(folder.refusal().contains("not a file"));
}

#[test]
fn a_definition_that_contradicts_itself_is_refused() {
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 15] = [
        (
            |d| d["normalizer"] = json!({"type": "Strip", "strip_left": true, "strip_right": true}),
            "removes the added token 42",
        ),
        (
            |d| d["added_tokens"][7]["id"] = json!(500),
            "`[CLS]` the id 500",
        ),
        (
            |d| d["added_tokens"][7]["content"] = json!(""),
            "no content",
        ),
        (
            |d| d["model"]["vocab"]["Ġpatient"] = json!(12),
            "two tokens have the id 12",
        ),
        (
            |d| d["model"]["vocab"]["Ġpatient"] = json!(u32::MAX),
            "no model has that many rows",
        ),
        (
            |d| d["model"]["vocab"]["Ġpatient"] = json!(-1),
            "cannot be used",
        ),
        (
            |d| d["model"]["continuing_subword_prefix"] = json!("##"),
            "continuing_subword_prefix",
        ),
        (
            |d| d["model"]["merges"][0] = json!(["Ġ", "nowhere"]),
            "nowhere",
        ),
        (
            |d| d["pre_tokenizer"] = json!({"type": "FixedLength", "length": 0}),
            "a length of 0",
        ),
        (
            |d| d["post_processor"]["special_tokens"] = json!({}),
            "without its special tokens",
        ),
        (
            |d| d["post_processor"]["special_tokens"]["[CLS]"]["ids"] = json!([5]),
            "`[CLS]` the id 5",
        ),
        (
            |d| d["post_processor"]["special_tokens"]["[CLS]"]["ids"] = json!([]),
            "different numbers",
        ),
        (
            |d| d["post_processor"]["single"] = json!([]),
            "drops or repeats",
        ),
        (
            |d| d["post_processor"]["single"][0] = d["post_processor"]["single"][1].clone(),
            "drops or repeats",
        ),
        (
            |d| d["post_processor"]["pair"][3] = d["post_processor"]["pair"][1].clone(),
            "drops or repeats",
        ),
    ];
    for (change, part) in cases {
        let message = changed("tokenizers/bpe", change).refusal();
        assert!(message.contains(part), "{part}: {message}");
        assert!(message.contains("tokenizer.json"), "{message}");
    }
}

#[test]
fn an_unknown_word_needs_the_unknown_token_when_the_folder_is_opened() {
    let folder = changed("tokenizers/wordpiece", |d| {
        d["model"]["unk_token"] = json!("<none>")
    });
    assert!(folder.refusal().contains("UNK"));
}

#[test]
fn neither_errors_nor_debug_show_text() {
    let folder = changed("tokenizers/bpe", |definition| {
        // The byte 0x9f loses its token, so `ß` cannot be spelled.
        let vocabulary = definition["model"]["vocab"].as_object_mut().unwrap();
        let id = vocabulary.remove("Ł").unwrap();
        vocabulary.insert("ŁŁ".to_owned(), id);
        definition["model"]["unk_token"] = json!("[NONE]");
        definition["decoder"] = json!({"type": "Strip", "content": "x", "start": 0, "stop": 9});
    });
    let tokenizer = folder.open().unwrap();
    let ids = tokenizer.encode("x").unwrap().ids;
    let errors = [
        tokenizer.encode("Weiß, born 1931").unwrap_err(),
        tokenizer.encode_pair("born 1931", "Weiß").unwrap_err(),
        tokenizer.decode(&ids[1..2]).unwrap_err(),
    ];
    assert!(matches!(
        errors[0],
        TokenizerError::Encode { bytes: 16, .. }
    ));
    assert!(matches!(
        errors[2],
        TokenizerError::Decode { tokens: 1, .. }
    ));
    for error in errors {
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("Wei") && !shown.contains("1931"), "{shown}");
        assert!(shown.contains("tokenizer.json"), "{shown}");
    }
    let encoding = bpe().encode("Weiß, born 1931").unwrap();
    let length = encoding.len();
    assert_eq!(
        format!("{encoding:?}"),
        format!("Encoding {{ len: {length}, .. }}")
    );
    assert!(!format!("{:?}", bpe()).contains("Ġ"));
}

/// `bytes` with a flipped bit, a cut end, a hole, or a piece that is repeated.
fn damaged(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = random.below(bytes.len());
    let end = (at + 1 + random.below(40)).min(bytes.len());
    match random.below(4) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes.truncate(at),
        2 => drop(bytes.drain(at..end)),
        _ => {
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
        }
    }
    bytes
}

/// Where the values of a JSON document are.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields {
                let key = key.replace('~', "~0").replace('/', "~1");
                pointers(item, &format!("{at}/{key}"), found);
            }
        }
        _ => (),
    }
}

/// `bytes`, a JSON document, with two values exchanged or one replaced.
fn rearranged(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(bytes).unwrap();
    let mut all = Vec::new();
    pointers(&value, "", &mut all);
    let settings: Vec<String> = all
        .iter()
        .filter(|at| !at.starts_with("/model/vocab/") && !at.starts_with("/model/merges/"))
        .cloned()
        .collect();
    let from = if random.below(4) == 0 {
        &all
    } else {
        &settings
    };
    let (one, other) = (random.pick(from).clone(), random.pick(from).clone());
    let strange = [
        json!(null),
        json!(-1),
        json!(0),
        json!(1e300),
        json!(""),
        json!([]),
        json!({}),
    ];
    let new = match random.below(2) {
        0 => random.pick(&strange).clone(),
        _ => {
            let old = value.pointer(&one).unwrap().clone();
            std::mem::replace(value.pointer_mut(&other).unwrap(), old)
        }
    };
    // Gone if it was inside of the other one.
    if let Some(place) = value.pointer_mut(&one) {
        *place = new;
    }
    value.to_string().into_bytes()
}

/// Opens and uses a tokenizer; whatever happens must be a value.
fn survives(folder: &Folder) -> bool {
    let Ok(tokenizer) = folder.open() else {
        return false;
    };
    for text in [
        "",
        " ",
        "Ménière [MASK] 患者 🤕\r\n\u{301}b.i.d.",
        &"é-".repeat(300),
    ] {
        let encodings = [tokenizer.encode(text), tokenizer.encode_pair(text, "MRI 2")];
        for encoding in encodings.into_iter().flatten() {
            let _ = tokenizer.decode(&encoding.ids);
            for (span, sequence) in encoding.spans.iter().zip(&encoding.sequences) {
                let text = if *sequence == Some(1) { "MRI 2" } else { text };
                assert!(text.get(span.clone()).is_some());
            }
        }
    }
    let _ = (tokenizer.token(3), tokenizer.decode(&[0, 7, u32::MAX]));
    true
}

#[test]
fn damaged_files_give_a_result_or_an_error() {
    const CONFIG: &str = r#"{"tokenizer_class": "BertTokenizer", "do_lower_case": false,
        "strip_accents": null, "cls_token": "[CLS]", "mask_token": {"content": "[MASK]",
        "lstrip": true}, "additional_special_tokens": ["[PAD]"], "model_max_length": 512,
        "added_tokens_decoder": {"1": {"content": "[UNK]", "special": true}}}"#;
    let bpe = fs::read(reference("tokenizers/bpe/tokenizer.json")).unwrap();
    let wordpiece = fs::read(reference("tokenizers/wordpiece/tokenizer.json")).unwrap();
    let vocabulary = legacy_vocabulary();
    let mut random = Random(0x5eed_0123_4567_89ab);
    let mut opened = [0; 3];
    let rounds = 150;
    for round in 0..rounds {
        let definition = if round % 2 == 0 { &bpe } else { &wordpiece };
        let definition = match random.below(3) {
            0 => damaged(definition, &mut random),
            _ => rearranged(definition, &mut random),
        };
        let config = match random.below(2) {
            0 => damaged(CONFIG.as_bytes(), &mut random),
            _ => rearranged(CONFIG.as_bytes(), &mut random),
        };
        let lines = damaged(vocabulary.as_bytes(), &mut random);
        let whole = Folder::new().with("vocab.txt", &vocabulary);
        for (kind, folder) in [
            Folder::new().with("tokenizer.json", definition),
            Folder::new().with("vocab.txt", lines),
            whole.with("tokenizer_config.json", config),
        ]
        .iter()
        .enumerate()
        {
            opened[kind] += usize::from(survives(folder));
        }
    }
    // Damage that always or never shows would test one half only.
    assert!(opened.iter().all(|&n| n > 10 && n < rounds), "{opened:?}");
}
