//! Would catch: a span that its tokens' labels do not give back, a label on a token that begins no
//! word, a span that is lost in silence.

use std::ops::Range;

use auscult::notes::annotation::Span;
use auscult::notes::flat::{Unflat, flat_spans};
use auscult::tasks::loss::IGNORED;
use auscult::tasks::token_labels::{TagError, TagSet, spans_of, token_labels};
use auscult::tokenization::Tokenizer;
use auscult::tokenization::windows::{Cut, windows};
use proptest::prelude::*;

use crate::common::fixture;

fn tokenizer(name: &str) -> Tokenizer {
    Tokenizer::open(&fixture(name)).unwrap()
}

fn span(label: &str, range: Range<usize>) -> Span {
    Span {
        id: "T1".to_owned(),
        label: label.to_owned(),
        pieces: std::iter::once(range).collect(),
    }
}

fn names(names: &str) -> Vec<String> {
    names.split(' ').map(str::to_owned).collect()
}

/// Token and label of each token that has one.
fn labelled(name: &str, text: &str, spans: &[Span]) -> Vec<(String, String)> {
    let encoding = tokenizer(name).encode(text).unwrap();
    let tags = TagSet::of_kinds(spans.iter().map(|span| span.label.as_str()));
    let labels = token_labels(text, spans, &encoding, &tags).labels;
    let rows = labels
        .iter()
        .enumerate()
        .filter(|(_, label)| **label != IGNORED);
    rows.map(|(row, &label)| {
        let token = text[encoding.spans[row].clone()].to_owned();
        (token, tags.names()[label as usize].clone())
    })
    .collect()
}

/// What transformers' recipe (`tokenize_and_align_labels` of its run_ner.py) gives for these words: the
/// first token of each has its label, and the space before it is the token's.
#[test]
fn first_tokens_have_the_labels() {
    let text = "No chest pain  (acute) today";
    let spans = [span("P", 3..13), span("Q", 16..21)];
    let words = ["No", "chest", "pain", "(", "acute", ")", "today"];
    for name in [
        "tiny",
        "reference/tokenizers/bpe",
        "reference/tokenizers/wordpiece",
    ] {
        let found = labelled(name, text, &spans);
        let labels: Vec<&str> = found.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels, ["O", "B-P", "I-P", "O", "B-Q", "O", "O"], "{name}");
        for ((token, _), word) in found.iter().zip(words) {
            assert!(word.starts_with(token.trim_start()), "{name}: {token:?}");
        }
    }
}

#[test]
fn what_bio_cannot_say_is_reported() {
    let text = "acute chest pain syndrome";
    let encoding = tokenizer("reference/tokenizers/wordpiece")
        .encode(text)
        .unwrap();
    let mut broken = span("A", 0..5);
    broken.pieces.push(17..25);
    let spans = [
        span("A", 6..16),
        span("A", 0..25),
        broken,
        span("A", 5..6),
        span("Z", 0..5),
    ];
    let tags = TagSet::of_kinds(["A"]);
    let found = token_labels(text, &spans, &encoding, &tags);
    let want = [
        (0, Unflat::Overlap),
        (2, Unflat::Pieces),
        (3, Unflat::Overlap),
        (4, Unflat::Overlap),
    ];
    assert_eq!(found.left_out, want);
    let found = token_labels(text, &[span("Z", 0..5), span("A", 5..6)], &encoding, &tags);
    assert_eq!(found.left_out, [(0, Unflat::Unknown), (1, Unflat::Blank)]);
}

#[test]
fn spans_within_a_token_are_reported() {
    let bpe = tokenizer("reference/tokenizers/bpe");
    let text = "the patient is in pain";
    let encoding = bpe.encode(text).unwrap();
    let token = (0..encoding.len())
        .find(|&row| encoding.spans[row].len() > 2)
        .unwrap();
    let own = encoding.spans[token].clone();
    let tags = TagSet::of_kinds(["A"]);
    let late = token_labels(text, &[span("A", own.end - 1..own.end)], &encoding, &tags);
    assert_eq!(late.left_out, [(0, Unflat::Inside)]);
    let start = own.end - text[own.clone()].trim_start().len();
    let early = token_labels(text, &[span("A", start..own.end - 1)], &encoding, &tags);
    assert_eq!((early.left_out.len(), early.inexact), (0, vec![0]));
}

#[test]
fn tag_sets_are_pairs_and_an_outside() {
    let tags = TagSet::of_names(&names("I-X B-Y O B-X I-Y")).unwrap();
    let own = TagSet::of_kinds(["Y", "X", "Y"]);
    assert_eq!(own.names(), names("O B-X I-X B-Y I-Y"));
    assert_eq!(TagSet::of_names(own.names()).unwrap(), own);
    assert_ne!(tags, own);
    for (wrong, error) in [
        ("B-X I-X", TagError::NoOutside),
        (
            "O B-X",
            TagError::Half {
                kind: "X".to_owned(),
                missing: "I",
            },
        ),
        (
            "O I-X",
            TagError::Half {
                kind: "X".to_owned(),
                missing: "B",
            },
        ),
        ("O O", TagError::Twice("O".to_owned())),
        ("O POS", TagError::Unknown("POS".to_owned())),
    ] {
        assert_eq!(TagSet::of_names(&names(wrong)), Err(error));
    }
}

#[test]
fn windows_have_the_labels_of_their_tokens() {
    let tiny = tokenizer("tiny");
    let text = "No chest pain today, no fever, no cough and no wheeze at rest.";
    let encoding = tiny.encode(text).unwrap();
    let tags = TagSet::of_kinds(["P"]);
    let whole = token_labels(
        text,
        &[span("P", 3..13), span("P", 34..39)],
        &encoding,
        &tags,
    );
    for window in windows(&encoding, 9, Cut::Windows { overlap: 3 }).unwrap() {
        let own = whole.in_window(&window);
        assert_eq!(own.len(), window.encoding.len());
        for (row, label) in own.iter().enumerate() {
            match window.encoding.special[row] {
                true => assert_eq!(*label, IGNORED),
                false => assert_eq!(*label, whole.labels[window.rows.start + row - window.lead]),
            }
        }
    }
}

/// Words with characters on which offsets come to grief, and white space of every kind between them.
fn worded() -> impl Strategy<Value = (String, Vec<Range<usize>>)> {
    let word = prop_oneof![
        3 => "[a-zA-Z0-9,.:;'\"()%/-]{1,9}",
        1 => prop::sample::select(vec!["é", "e\u{301}tat", "µg", "≥5", "😀", "👩\u{200d}⚕\u{fe0f}", "ß", "中文", "[MASK]"]).prop_map(str::to_owned),
    ];
    let space = prop::sample::select(vec![
        " ", " ", " ", "  ", "     ", "\n", "\r\n\r\n", "\t", "\u{a0}", "\u{3000}",
    ]);
    prop::collection::vec((word, space), 1..14).prop_map(|pieces| {
        let (mut text, mut words) = (String::new(), Vec::new());
        for (word, space) in pieces {
            words.push(text.len()..text.len() + word.len());
            text.push_str(&word);
            text.push_str(space);
        }
        (text, words)
    })
}

type Marked = (String, Vec<(usize, usize, usize)>);

/// A text with spans of whole words that do not overlap: first word, end word, kind.
fn word_spans() -> impl Strategy<Value = (Marked, Vec<Range<usize>>)> {
    worded().prop_flat_map(|(text, words)| {
        let count = words.len();
        prop::collection::vec((0usize..3, 1usize..4, 0usize..2), 0..6).prop_map(move |steps| {
            let (mut at, mut spans) = (0, Vec::new());
            for (gap, length, kind) in steps {
                let start = at + gap;
                if start >= count {
                    break;
                }
                at = (start + length).min(count);
                spans.push((start, at, kind));
            }
            ((text.clone(), spans), words.clone())
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Spans of whole words, with byte-level tokens: all come back, and nothing is to be reported.
    #[test]
    fn words_come_back((marked, words) in word_spans()) {
        let (text, spans) = marked;
        let spans: Vec<Span> = spans.iter().map(|&(first, end, kind)| span(["X", "Y"][kind], words[first].start..words[end - 1].end)).collect();
        let tags = TagSet::of_kinds(["X", "Y"]);
        for name in ["tiny", "reference/tokenizers/bpe"] {
            let encoding = tokenizer(name).encode(&text).unwrap();
            let found = token_labels(&text, &spans, &encoding, &tags);
            prop_assert_eq!(&found.left_out, &[]);
            prop_assert_eq!(&found.inexact, &Vec::<usize>::new());
            let labelled = found.labels.iter().filter(|label| **label != IGNORED).count();
            prop_assert_eq!(labelled, words.len());
            let back: Vec<(String, Range<usize>)> = spans_of(&text, &found.labels, &encoding, &tags).into_iter().map(|one| (one.label, one.span)).collect();
            let want: Vec<(String, Range<usize>)> = spans.iter().map(|one| (one.label.clone(), one.pieces[0].clone())).collect();
            prop_assert_eq!(back, want);
        }
    }

    /// Spans anywhere, with every tokenizer: what is neither left out nor called inexact comes back.
    #[test]
    fn what_is_not_reported_comes_back((text, _) in worded(), ranges in prop::collection::vec((any::<prop::sample::Index>(), 1usize..12), 0..6)) {
        let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let spans: Vec<Span> = ranges.iter().map(|(start, length)| {
            let start = start.index(starts.len() - 1);
            span("X", starts[start]..starts[(start + length).min(starts.len() - 1)])
        }).collect();
        let tags = TagSet::of_kinds(["X"]);
        let (flat, _) = flat_spans(&spans);
        for name in ["tiny", "reference/tokenizers/bpe", "reference/tokenizers/wordpiece"] {
            let encoding = tokenizer(name).encode(&text).unwrap();
            let found = token_labels(&text, &spans, &encoding, &tags);
            let back: Vec<Range<usize>> = spans_of(&text, &found.labels, &encoding, &tags).into_iter().map(|one| one.span).collect();
            prop_assert_eq!(back.len() + found.left_out.len(), spans.len());
            for one in &flat {
                let number = one.number;
                let reported = found.left_out.iter().any(|(own, _)| *own == number) || found.inexact.contains(&number);
                let own = &text[one.span.clone()];
                let start = one.span.start + own.len() - own.trim_start().len();
                let end = one.span.start + own.trim_end().len();
                prop_assert!(reported || back.contains(&(start..end)));
            }
        }
    }
}
