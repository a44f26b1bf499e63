//! Would catch: a file beside the vocabulary that is overlooked or misread, and lines that are
//! miscounted.

use auscult::tokenization::SpecialTokens;
use serde_json::json;
use std::fs;

use super::{Folder, changed, legacy_vocabulary, reference, wordpiece};

/// The fixture's tokens under RoBERTa's names, none of them marked as special.
fn renamed() -> String {
    let text = fs::read_to_string(reference("tokenizers/bpe/tokenizer.json")).unwrap();
    let names = [
        ("[CLS]", "<s>"),
        ("[SEP]", "</s>"),
        ("[MASK]", "<mask>"),
        ("[PAD]", "<pad>"),
    ];
    names
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to))
        .replace("\"special\": true", "\"special\": false")
}

#[test]
fn names_of_special_tokens_come_from_either_file_as_text_or_object() {
    let plain = Folder::new().with("tokenizer.json", renamed());
    let unnamed = plain.open().unwrap();
    assert_eq!(unnamed.special_tokens().cls, None);
    assert_eq!(unnamed.special_tokens().unk, Some(426));
    assert_eq!(unnamed.decode(&[427, 384, 430]).unwrap(), "<s>The<mask>");

    let folder = plain
        .with(
            "tokenizer_config.json",
            r#"{"cls_token": "<s>", "sep_token": {"content": "</s>"}, "model_max_length": 1e30}"#,
        )
        .with(
            "special_tokens_map.json",
            r#"{"mask_token": {"content": "<mask>", "lstrip": false}, "pad_token": "<pad>"}"#,
        );
    let named = folder.open().unwrap();
    let special = SpecialTokens {
        unk: Some(426),
        cls: Some(427),
        sep: Some(428),
        pad: Some(429),
        mask: Some(430),
    };
    assert_eq!(*named.special_tokens(), special);
    assert_eq!(named.decode(&[427, 384, 430]).unwrap(), "The");
    // How the token matches stays as in tokenizer.json: with the space before it.
    assert_eq!(named.encode("a <mask>").unwrap().spans[2], 1..8);
}

#[test]
fn a_named_token_matches_in_raw_text_even_if_only_the_vocabulary_has_it() {
    let folder = changed("tokenizers/wordpiece", |definition| {
        definition["added_tokens"] = json!([]);
    });
    assert_eq!(folder.open().unwrap().special_tokens().mask, Some(4));
    assert!(
        !folder
            .open()
            .unwrap()
            .encode("[MASK]")
            .unwrap()
            .ids
            .contains(&4)
    );
    let folder = folder.with("tokenizer_config.json", r#"{"mask_token": "[MASK]"}"#);
    assert_eq!(
        folder.open().unwrap().encode("[MASK]").unwrap().ids,
        [2, 4, 3]
    );
}

#[test]
fn tokens_added_beside_a_vocabulary_keep_their_ids() {
    let vocabulary = legacy_vocabulary();
    let next = vocabulary.lines().count() as u32;
    let folder = Folder::new()
        .with("vocab.txt", &vocabulary)
        .with(
            "added_tokens.json",
            format!(r#"{{"|||ID|||": {next}, "[ROOM]": {}}}"#, next + 1),
        )
        .with(
            "special_tokens_map.json",
            r#"{"additional_special_tokens": ["[ROOM]"]}"#,
        );
    let tokenizer = folder.open().unwrap();
    assert_eq!(tokenizer.vocabulary_size() as u32, next + 2);
    assert_eq!(tokenizer.token(next).as_deref(), Some("|||ID|||"));
    let encoding = tokenizer.encode("|||ID||| [ROOM]").unwrap();
    assert_eq!(encoding.ids, [2, next, next + 1, 3]);
    assert_eq!(tokenizer.decode(&encoding.ids).unwrap(), "|||id|||");

    let decoder = json!({"added_tokens_decoder": {
        next.to_string(): {"content": "[ROOM]", "special": true, "rstrip": true},
    }});
    let folder = Folder::new()
        .with("vocab.txt", &vocabulary)
        .with("tokenizer_config.json", decoder.to_string());
    let tokenizer = folder.open().unwrap();
    // Special tokens match as they are written, not as the normalizer would have them.
    assert!(!tokenizer.encode("[room]").unwrap().ids.contains(&next));
    let encoding = tokenizer.encode("[ROOM] a").unwrap();
    assert_eq!((encoding.ids[1], &encoding.spans[1]), (next, &(0..7)));
    let folder = folder.with("added_tokens.json", format!(r#"{{"x y": {}}}"#, next + 7));
    let message = folder.refusal();
    assert!(
        message.contains("added_tokens.json") && message.contains("`x y`"),
        "{message}"
    );
}

#[test]
fn switches_of_a_bare_vocabulary_are_obeyed() {
    let ids = |config: &str, text: &str| {
        let folder = Folder::new()
            .with(
                "vocab.txt",
                "[UNK]\n[CLS]\n[SEP]\nmeniere\nménière\nMénière\nMeniere\nct\nCT\n患\n患者",
            )
            .with("tokenizer_config.json", config);
        folder.open().unwrap().encode(text).unwrap().ids
    };
    assert_eq!(ids("{}", "Ménière CT"), [1, 3, 7, 2]);
    assert_eq!(
        ids(r#"{"do_lower_case": true}"#, "Ménière CT"),
        [1, 3, 7, 2]
    );
    assert_eq!(
        ids(r#"{"do_lower_case": false}"#, "Ménière CT"),
        [1, 5, 8, 2]
    );
    assert_eq!(
        ids(r#"{"strip_accents": false}"#, "Ménière CT"),
        [1, 4, 7, 2]
    );
    let config = r#"{"do_lower_case": false, "strip_accents": true}"#;
    assert_eq!(ids(config, "Ménière CT"), [1, 6, 8, 2]);
    assert_eq!(
        ids(r#"{"tokenize_chinese_chars": null}"#, "患者"),
        [1, 9, 0, 2]
    );
    assert_eq!(
        ids(r#"{"tokenize_chinese_chars": false}"#, "患者"),
        [1, 10, 2]
    );
}

#[test]
fn beside_a_definition_switches_count_for_the_class_of_bert_only() {
    let ids = |class: &str| {
        let config = json!({"tokenizer_class": class, "do_lower_case": false});
        let folder = changed("tokenizers/wordpiece", |_| ())
            .with("tokenizer_config.json", config.to_string());
        folder.open().unwrap().encode("PAIN").unwrap().ids
    };
    let lower = wordpiece().encode("PAIN").unwrap().ids;
    assert_eq!(ids("PreTrainedTokenizerFast"), lower);
    assert_eq!(ids("BertTokenizer"), [2, 1, 3]);
    assert_eq!(ids("BertTokenizerFast"), [2, 1, 3]);
}

#[test]
fn lines_of_a_vocabulary_are_counted_as_they_stand() {
    let ids = |vocabulary: &str| {
        let folder = Folder::new().with("vocab.txt", vocabulary);
        let tokenizer = folder.open().unwrap();
        (
            tokenizer.encode("pain a").unwrap().ids,
            tokenizer.vocabulary_size(),
        )
    };
    let want = (vec![1, 3, 4, 2], 5);
    assert_eq!(ids("[UNK]\n[CLS]\n[SEP]\npain\na\n"), want);
    assert_eq!(ids("[UNK]\r\n[CLS]\r\n[SEP]\r\npain\r\na"), want);
    assert_eq!(ids("\u{feff}[UNK]\n[CLS]\n[SEP]\npain\na\n\n\n"), want);
    // Empty lines take an id, of equal lines the last one counts.
    assert_eq!(ids("[UNK]\n\n[CLS]\n[SEP]\npain\na\npain").0, [2, 6, 5, 3]);
    assert_eq!(
        ids("[UNK]\n[CLS]\n[SEP]\npain \na\u{2028}\n").0,
        [1, 3, 4, 2]
    );
    let message = Folder::new()
        .with("vocab.txt", "[UNK]\n[CLS]\r[SEP]\n")
        .refusal();
    assert!(message.contains("line 2"), "{message}");
}
