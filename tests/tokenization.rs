//! Would catch: an id, span, segment or decoded text that differs from the reference; settings of
//! a file that cut, pad or change a text; a broken file that panics or is read as something else;
//! note text in an error or in `Debug`.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "tokenization/refusals.rs"]
mod refusals;
#[path = "tokenization/settings.rs"]
mod settings;
#[path = "tokenization/training.rs"]
mod training;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use auscult::tokenization::{SpecialTokens, Tokenizer, TokenizerError};
use serde::Deserialize;
use serde_json::{Value, json};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn reference(folder: &str) -> PathBuf {
    fixtures().join("reference").join(folder)
}

/// A folder of files, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("auscult-tokenization-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn with(self, name: &str, contents: impl AsRef<[u8]>) -> Self {
        fs::write(self.0.join(name), contents).unwrap();
        self
    }

    fn open(&self) -> Result<Tokenizer, TokenizerError> {
        Tokenizer::open(&self.0)
    }

    /// What the user reads when this folder is refused.
    fn refusal(&self) -> String {
        self.open().unwrap_err().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A folder with the reference's `tokenizer.json`, changed.
fn changed(folder: &str, change: impl FnOnce(&mut Value)) -> Folder {
    let bytes = fs::read(reference(folder).join("tokenizer.json")).unwrap();
    let mut definition: Value = serde_json::from_slice(&bytes).unwrap();
    change(&mut definition);
    Folder::new().with("tokenizer.json", definition.to_string())
}

fn bpe() -> Tokenizer {
    Tokenizer::open(&reference("tokenizers/bpe")).unwrap()
}

fn wordpiece() -> Tokenizer {
    Tokenizer::open(&reference("tokenizers/wordpiece")).unwrap()
}

fn legacy_vocabulary() -> String {
    fs::read_to_string(reference("bert-legacy-names/vocab.txt")).unwrap()
}

/// A line of `strings.jsonl`.
#[derive(Deserialize)]
struct Row {
    note: String,
    text: String,
    pair: Option<String>,
    bpe: Option<Expected>,
    wordpiece: Option<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    ids: Vec<u32>,
    tokens: Vec<String>,
    type_ids: Vec<u32>,
    sequence_ids: Vec<Option<u8>>,
    special_tokens_mask: Vec<u8>,
    byte_offsets: Vec<(usize, usize)>,
    decoded: String,
}

fn rows(folder: &str) -> Vec<Row> {
    let lines = fs::read_to_string(reference(folder).join("strings.jsonl")).unwrap();
    let rows: Vec<Row> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 71);
    rows
}

fn check(tokenizer: &Tokenizer, rows: &[Row], column: fn(&Row) -> Option<&Expected>) {
    for row in rows {
        let want = column(row).unwrap();
        let got = match &row.pair {
            None => tokenizer.encode(&row.text),
            Some(pair) => tokenizer.encode_pair(&row.text, pair),
        }
        .unwrap();
        let spans: Vec<_> = got.spans.iter().map(|s| (s.start, s.end)).collect();
        let special: Vec<_> = got.special.iter().map(|&s| u8::from(s)).collect();
        assert_eq!(got.ids, want.ids, "ids of {}", row.note);
        assert_eq!(got.type_ids, want.type_ids, "type ids of {}", row.note);
        assert_eq!(
            got.sequences, want.sequence_ids,
            "sequences of {}",
            row.note
        );
        assert_eq!(special, want.special_tokens_mask, "mask of {}", row.note);
        assert_eq!(spans, want.byte_offsets, "spans of {}", row.note);
        assert_eq!(got.words.len(), got.len(), "words of {}", row.note);
        for (&id, token) in got.ids.iter().zip(&want.tokens) {
            // A mask token that swallowed white space is listed with it.
            let spelled = tokenizer.token(id).unwrap();
            assert!(
                spelled == *token || spelled == token.trim_start(),
                "{}",
                row.note
            );
        }
        let decoded = tokenizer.decode(&want.ids).unwrap();
        assert_eq!(decoded, want.decoded, "decoded text of {}", row.note);
    }
}

#[test]
fn every_string_of_the_reference_comes_out_exactly() {
    let rows_ = rows("tokenizers");
    check(&bpe(), &rows_, |row| row.bpe.as_ref());
    check(&wordpiece(), &rows_, |row| row.wordpiece.as_ref());
    let bare = Tokenizer::open(&reference("tokenizers/wordpiece-vocab-only")).unwrap();
    check(&bare, &rows_, |row| row.wordpiece.as_ref());
    let cased = Tokenizer::open(&reference("bert-legacy-names")).unwrap();
    check(&cased, &rows("bert-legacy-names"), |row| {
        row.wordpiece.as_ref()
    });
}

#[test]
#[ignore = "needs ModernBERT's tokenizer: AUSCULT_MODERNBERT_TOKENIZER names its folder"]
fn modernbert_ids_are_those_published() {
    #[derive(Deserialize)]
    struct Known {
        text: String,
        pair: Option<String>,
        ids: Vec<u32>,
    }
    let folder = std::env::var_os("AUSCULT_MODERNBERT_TOKENIZER").expect("the variable is set");
    let folder = Path::new(&folder);
    let tokenizer = Tokenizer::open(folder).unwrap();
    let known = fs::read(folder.join("expected-ids.json")).unwrap();
    let known: Vec<Known> = serde_json::from_slice(&known).unwrap();
    assert_eq!(known.len(), 22);
    for (number, Known { text, pair, ids }) in known.iter().enumerate() {
        let got = match pair {
            None => tokenizer.encode(text),
            Some(pair) => tokenizer.encode_pair(text, pair),
        };
        assert_eq!(got.unwrap().ids, *ids, "text {number}");
    }
    assert_eq!(tokenizer.vocabulary_size(), 50_368);
    assert_eq!(tokenizer.special_tokens().mask, Some(50_284));
    assert_eq!(tokenizer.files().len(), 3);
}

#[test]
fn special_tokens_sizes_and_files_are_found() {
    let tokenizer = bpe();
    let special = SpecialTokens {
        unk: Some(426),
        cls: Some(427),
        sep: Some(428),
        pad: Some(429),
        mask: Some(430),
    };
    assert_eq!(*tokenizer.special_tokens(), special);
    assert_eq!(tokenizer.vocabulary_size(), 431);
    assert_eq!(tokenizer.token(430).as_deref(), Some("[MASK]"));
    assert_eq!(tokenizer.token(265).as_deref(), Some("Ġd"));
    assert_eq!(tokenizer.token(431), None);
    assert_eq!(
        tokenizer.decode(&[384, 9999, 430, 406]).unwrap(),
        "The patient"
    );

    let folder = reference("bert-legacy-names");
    let files = ["tokenizer_config.json", "vocab.txt"].map(|name| folder.join(name));
    assert_eq!(Tokenizer::open(&folder).unwrap().files(), files);
}

#[test]
fn words_are_shared_by_their_pieces_and_start_again_in_the_second_text() {
    let words = wordpiece().encode("patient has.").unwrap().words;
    assert_eq!(words, [None, Some(0), Some(1), Some(1), Some(2), None]);
    let pair = bpe().encode_pair("patient", "patient has").unwrap();
    let first = [None, Some(0), Some(0), None];
    let second = [Some(0), Some(0), Some(1), Some(1), None];
    assert_eq!(pair.words, [&first[..], &second].concat());
}

#[test]
fn truncation_padding_and_dropout_of_the_file_have_no_effect() {
    let folder = changed("tokenizers/bpe", |definition| {
        definition["truncation"] = json!({
            "direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0
        });
        definition["padding"] = json!({
            "strategy": {"Fixed": 512}, "direction": "Right", "pad_to_multiple_of": null,
            "pad_id": 429, "pad_type_id": 0, "pad_token": "[PAD]"
        });
        definition["model"]["dropout"] = json!(0.9);
    });
    check(&folder.open().unwrap(), &rows("tokenizers"), |row| {
        row.bpe.as_ref()
    });
}

#[test]
fn spans_cut_inside_a_character_are_widened_to_it() {
    let folder = changed("tokenizers/bpe", |definition| {
        definition["post_processor"] = json!({
            "type": "RobertaProcessing", "sep": ["[SEP]", 428], "cls": ["[CLS]", 427],
            "trim_offsets": true, "add_prefix_space": false
        });
    });
    let encoding = folder.open().unwrap().encode("a\u{3000}[MASK]").unwrap();
    assert_eq!(encoding.ids[2], 430);
    assert_eq!(encoding.spans[2], 1..10);
}

/// Marsaglia's xorshift64.
struct Random(u64);

impl Random {
    /// A number below `end`, or 0.
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

const PIECES: [&str; 34] = [
    "a",
    "fever",
    "Pain",
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    "\u{a0}",
    "\u{3000}",
    "\u{200b}",
    "\u{200d}",
    "\u{feff}",
    "\u{ad}",
    "\0",
    "\u{1b}",
    "\u{301}",
    "\u{323}",
    "\u{302}",
    "e",
    "é",
    "İ",
    "ß",
    "ﬁ",
    "患",
    "者",
    "ｍｇ",
    "한",
    "\u{1112}\u{1161}\u{11ab}",
    "🤕",
    "👨\u{200d}👩\u{200d}👧",
    "1\u{fe0f}\u{20e3}",
    "[MASK]",
    ".",
];

#[test]
fn spans_of_random_texts_lie_in_order_and_leave_nothing_out() {
    let (bpe, wordpiece) = (bpe(), wordpiece());
    type MayBeLeftOut = fn(char) -> bool;
    // NFC composes marks and letters of a syllable with what stands before and keeps its span only.
    let composed: MayBeLeftOut = |c| "\u{301}\u{302}\u{323}\u{1161}\u{11ab}".contains(c);
    let kinds: [(_, MayBeLeftOut); 2] = [(&bpe, composed), (&wordpiece, |c| !c.is_alphanumeric())];
    let mut random = Random(0x0ff5_e75e_ed00_0001);
    for _ in 0..400 {
        let length = 1 + random.below(30);
        let text: String = (0..length).map(|_| *random.pick(&PIECES)).collect();
        for (tokenizer, may_be_left_out) in kinds {
            let encoding = tokenizer.encode(&text).unwrap();
            let mut covered = vec![false; text.len()];
            let (mut start, mut word) = (0, Some(0));
            for token in 1..encoding.len() - 1 {
                let span = encoding.spans[token].clone();
                assert!(text.get(span.clone()).is_some(), "{span:?} in {text:?}");
                assert!(
                    span.start >= start && !span.is_empty(),
                    "{span:?} in {text:?}"
                );
                assert!(encoding.words[token] >= word, "words of {text:?}");
                (start, word) = (span.start, encoding.words[token]);
                covered[span].fill(true);
            }
            for (_, c) in text.char_indices().filter(|(at, _)| !covered[*at]) {
                assert!(may_be_left_out(c), "{c:?} is in no span of {text:?}");
            }
        }
    }
}

#[test]
fn long_texts_are_read_whole() {
    let text = ["x".repeat(50_000), " ".repeat(50_000), "\n".repeat(50_000)].concat();
    let encoding = bpe().encode(&text).unwrap();
    assert_eq!(
        encoding
            .spans
            .iter()
            .map(ExactSizeIterator::len)
            .sum::<usize>(),
        text.len()
    );
    let sentence = "The patient denies fever. ".repeat(4000);
    let short = bpe().encode("The patient denies fever. ").unwrap().len() - 2;
    assert_eq!(bpe().encode(&sentence).unwrap().len(), short * 4000 + 2);
    assert_eq!(wordpiece().encode(&text).unwrap().ids, [2, 1, 3]);
}

#[test]
fn a_tokenizer_can_be_shared_by_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&bpe());
}
