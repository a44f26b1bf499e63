//! A tokenizer that is trained: the same each time, ModernBERT's layout, every text spelled.

use std::fs;
use std::time::Duration;

use auscult::job::{Job, StopFlag};
use auscult::tokenization::{
    LEAST_VOCABULARY, Tokenizer, TrainedTokenizer, TrainerError, TrainerOptions, train_tokenizer,
};
use serde_json::Value;

use crate::{Folder, fixtures};

fn options(vocabulary_size: usize) -> TrainerOptions {
    TrainerOptions {
        vocabulary_size,
        least_frequency: 2,
    }
}

/// Invented notes, and words that are equally frequent by the hundred, so that ties decide.
fn texts() -> Vec<String> {
    let notes = fixtures().join("../../assets/notes");
    let mut texts: Vec<String> = ["progress-note.txt", "discharge-summary.txt"]
        .map(|name| fs::read_to_string(notes.join(name)).unwrap())
        .to_vec();
    for n in 0..400u32 {
        let letter = |at: u32| char::from(b'a' + (at % 26) as u8);
        let word: String = [n, n / 3, n / 7, n / 11, n * 5]
            .map(letter)
            .iter()
            .collect();
        texts.push(format!("{word} {word}  {word}"));
    }
    texts
}

fn train(texts: Vec<String>, size: usize) -> TrainedTokenizer {
    train_tokenizer(texts.into_iter(), options(size), &Job::silent()).unwrap()
}

fn saved(tokenizer: &TrainedTokenizer) -> (Folder, Vec<u8>) {
    let folder = Folder::new();
    tokenizer.save(&folder.0).unwrap();
    let bytes = fs::read(folder.0.join("tokenizer.json")).unwrap();
    (folder, bytes)
}

/// Hash maps of the library are seeded anew in each run and each map; threads come in any order.
#[test]
fn the_same_texts_give_the_same_bytes() {
    let (_, first) = saved(&train(texts(), 900));
    for round in 0..6 {
        let mut again = texts();
        if round % 2 == 1 {
            again.reverse();
        }
        assert!(saved(&train(again, 900)).1 == first, "round {round}");
    }
    assert!(saved(&train(texts(), 899)).1 != first);
}

#[test]
fn the_layout_is_that_of_modernbert() {
    let trained = train(texts(), 700);
    assert_eq!(
        (trained.vocabulary_size, trained.merges),
        (700, 700 - LEAST_VOCABULARY + 1)
    );
    assert_eq!((trained.texts, trained.texts > 0), (402, true));
    let (folder, bytes) = saved(&trained);
    let own: Value = serde_json::from_slice(&bytes).unwrap();
    let reference = fixtures().join("reference/tokenizers/bpe/tokenizer.json");
    let reference: Value = serde_json::from_slice(&fs::read(reference).unwrap()).unwrap();
    for part in [
        "version",
        "truncation",
        "padding",
        "normalizer",
        "pre_tokenizer",
    ] {
        assert_eq!(own[part], reference[part], "{part}");
    }
    assert_eq!(
        own["post_processor"]["single"],
        reference["post_processor"]["single"]
    );
    for (key, value) in reference["model"].as_object().unwrap() {
        if !["vocab", "merges"].contains(&key.as_str()) {
            assert_eq!(&own["model"][key], value, "{key}");
        }
    }
    // The special tokens and runs of spaces that both have, but for their ids.
    let by_content = |value: &Value, content: &str| {
        let list = value["added_tokens"].as_array().unwrap();
        let mut found = list
            .iter()
            .find(|token| token["content"] == content)
            .unwrap()
            .clone();
        found["id"] = Value::Null;
        found
    };
    for content in [
        "  ", "   ", "    ", "        ", "[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]",
    ] {
        assert_eq!(
            by_content(&own, content),
            by_content(&reference, content),
            "{content:?}"
        );
    }
    let tokenizer = Tokenizer::open(&folder.0).unwrap();
    assert_eq!(tokenizer.vocabulary_size(), 700);
    let special = tokenizer.special_tokens();
    let ids = [
        special.unk,
        special.cls,
        special.sep,
        special.pad,
        special.mask,
    ];
    assert_eq!(ids, [695, 696, 697, 698, 699].map(Some));
}

#[test]
fn every_text_is_spelled_and_comes_back() {
    let (folder, _) = saved(&train(texts(), 800));
    let tokenizer = Tokenizer::open(&folder.0).unwrap();
    for text in [
        "Chest pain, 5 µg/kg.",
        "a     b\n\n\tc",
        "中文 😀 é",
        "",
        "\u{0}\u{7f}x",
    ] {
        let encoding = tokenizer.encode(text).unwrap();
        assert_eq!(tokenizer.decode(&encoding.ids).unwrap(), text);
        assert!(
            !encoding
                .ids
                .contains(&tokenizer.special_tokens().unk.unwrap())
        );
    }
    let masked = tokenizer.encode("No [MASK] pain").unwrap();
    let mask = tokenizer.special_tokens().mask.unwrap();
    let row = masked.ids.iter().position(|id| *id == mask).unwrap();
    assert_eq!(masked.spans[row], 2..9, "a mask takes the space before it");
    let five = tokenizer.encode("a     b").unwrap();
    assert_eq!(five.len(), 5, "a run of spaces is one token");
}

#[test]
fn few_texts_give_a_smaller_vocabulary() {
    let trained = train(vec!["pain pain".to_owned()], 5000);
    assert_eq!(trained.merges, 3, "pa, in, pain");
    assert_eq!(trained.vocabulary_size, LEAST_VOCABULARY - 1 + 3);
    let (folder, _) = saved(&trained);
    assert_eq!(
        Tokenizer::open(&folder.0).unwrap().vocabulary_size(),
        trained.vocabulary_size
    );
}

#[test]
fn what_cannot_be_trained_or_saved_is_said() {
    let job = Job::silent();
    let error = |texts: Vec<String>, size| {
        train_tokenizer(texts.into_iter(), options(size), &job).unwrap_err()
    };
    for size in [0, LEAST_VOCABULARY - 1, usize::MAX] {
        assert!(
            error(texts(), size).to_string().contains("cannot be"),
            "{size}"
        );
    }
    for nothing in [vec![], vec![String::new(), "   ".to_owned()]] {
        assert!(matches!(error(nothing, 500), TrainerError::NoText));
    }
    let trained = train(texts(), 400);
    let (folder, bytes) = saved(&trained);
    let again = train(vec!["other other".to_owned()], 400).save(&folder.0);
    assert!(matches!(again, Err(TrainerError::Exists(_))));
    assert_eq!(fs::read(folder.0.join("tokenizer.json")).unwrap(), bytes);
    let file = folder.0.join("tokenizer.json");
    assert!(matches!(
        trained.save(&file),
        Err(TrainerError::Write { .. })
    ));
    assert!(!format!("{trained:?}").contains("Ġ"));
}

#[test]
fn a_stopped_training_says_so() {
    let stop = StopFlag::default();
    let job = Job::new(stop.clone());
    let mut count = 0;
    let texts = texts().into_iter().cycle().inspect(move |_| {
        count += 1;
        if count == 1000 {
            stop.stop();
        }
    });
    let stopped = train_tokenizer(texts, options(5000), &job);
    assert!(matches!(stopped, Err(TrainerError::Cancelled(_))));
    // While pairs are merged, which begins with the second step.
    let stop = StopFlag::default();
    let flag = stop.clone();
    let job = Job::reporting(stop, Duration::ZERO, move |progress| {
        if progress.done == 1 {
            flag.stop();
        }
    });
    let words = (0..30_000u32).map(|n| {
        let odd = n.wrapping_mul(2_654_435_761);
        format!("w{odd}x{} w{odd}x{}", n % 9973, n % 9973)
    });
    let stopped = train_tokenizer(words, options(30_000), &job);
    assert!(
        matches!(stopped, Err(TrainerError::Cancelled(_))),
        "{stopped:?}"
    );
}
