//! CoNLL: tokens with labels become texts with spans, and come back as they were.

use std::path::Path;

use auscult::engine::{Columns, Import, ImportOptions, Job, Note, conll_text, import, import_text};
use proptest::prelude::*;

use crate::common::Temporary;
use crate::properties::awkward_text;
use crate::{good, marked, read, sources, texts};

fn paste(text: &str) -> Import {
    import_text(text, &ImportOptions::default(), &Job::silent())
}

fn with(path: &Path, text: &str, label: &str) -> Import {
    let columns = Columns {
        text: vec![text.to_owned()],
        label: Some(label.to_owned()),
        ..Columns::default()
    };
    let options = ImportOptions {
        columns,
        ..ImportOptions::default()
    };
    import(&[path.to_owned()], &options, &Job::silent())
}

fn pairs(note: &Note) -> Vec<String> {
    let spans = marked(note).into_iter();
    spans
        .map(|(label, text)| format!("{label}={text}"))
        .collect()
}

#[test]
fn sentences_or_documents_are_notes() {
    let tokens = good("tokens.iob");
    assert_eq!(texts(&tokens), ["Naproxen helps knee pain .", "No asthma"]);
    assert_eq!(sources(&tokens), ["tokens.iob:1", "tokens.iob:7"]);
    assert_eq!(
        pairs(&tokens.notes[0]),
        ["DRUG=Naproxen", "PROBLEM=knee pain"]
    );
    assert_eq!(tokens.files[0].format, "CoNLL, IOB2");

    let visits = good("visits.conll");
    assert_eq!(texts(&visits), ["Café pain gout .\nRest", "Fever"]);
    assert_eq!(visits.files[0].format, "CoNLL, IOB1");
    let want = ["SITE=Café", "PROBLEM=pain", "PROBLEM=gout"];
    assert_eq!(pairs(&visits.notes[0]), want);
    let reason = &visits.warnings[0].reason;
    assert!(
        reason.contains("column 4") && reason.contains("--label: 3"),
        "{reason}"
    );
    // The way back to the file, across a character of two bytes.
    let map = visits.notes[0].map().unwrap();
    let file = std::fs::read(crate::fixture("notes/good/visits.conll")).unwrap();
    for word in ["Café", "pain", "gout", "Rest"] {
        let at = visits.notes[0].text().find(word).unwrap();
        assert!(
            file[map.position(at)..].starts_with(word.as_bytes()),
            "{word}"
        );
    }
}

#[test]
fn columns_are_named_by_number_or_by_name() {
    let temporary = Temporary::new();
    let rows = "n\tform\tner\tchunk\n1\tChest\tB-SITE\tB-NP\n2\tpain\tO\tI-NP\n";
    let path = temporary.file("a.conll", rows);
    for (text, label) in [("2", "3"), ("form", "NER")] {
        let import = with(&path, text, label);
        assert_eq!(texts(&import), ["Chest pain"]);
        assert_eq!(pairs(&import.notes[0]), ["SITE=Chest"]);
        let told = usize::from(text == "2");
        assert!(
            import.is_complete() && import.warnings.len() == told,
            "{import:?}"
        );
    }
    for (text, label, says) in [
        (
            "9",
            "3",
            "there is no column 9, which --text names; the rows have 4",
        ),
        (
            "form",
            "pos",
            "there is no column \"pos\", which --label names",
        ),
    ] {
        let import = with(&path, text, label);
        assert!(import.failures[0].reason.contains(says), "{import:?}");
    }
}

#[test]
fn a_bad_row_loses_only_itself() {
    let temporary = Temporary::new();
    let bad = "zyxword\nzyxword\tyes\n\tO\nzy\0x\tO\n";
    let rows = format!(
        "Chest\tB-X\npain\tI-X\n{bad}is\tO\n# zyxword\n{}",
        "here\tO\n".repeat(40)
    );
    let path = temporary.file("a.tsv", rows);
    let import = read(&path);
    assert_eq!(
        texts(&import),
        [format!("Chest pain is{}", " here".repeat(40))]
    );
    let lines: Vec<u64> = import.warnings.iter().filter_map(|w| w.line).collect();
    assert_eq!(lines, [3, 4, 5, 6], "{import:?}");
    assert_eq!(import.files[0].skipped, 4);
    assert!(!import.is_complete() && !format!("{import:?}").contains("zyx"));
}

#[test]
fn a_file_of_mixed_labels_says_so() {
    let import = paste("a\tB-X\nb\tI-Y\nc\tI-Y\nd\tO\n");
    assert_eq!(pairs(&import.notes[0]), ["X=a", "Y=b c"]);
    assert!(
        import.warnings[0].reason.contains("1 span without B-"),
        "{import:?}"
    );
    assert_eq!(import.files[0].format, "CoNLL, IOB, mixed");
}

#[test]
fn a_first_row_that_could_be_names_is_said() {
    let import = paste("zyxword\ttag\na\tB-X\nb\tO\n");
    assert_eq!(texts(&import), ["a b"]);
    assert_eq!(import.warnings[0].line, Some(1));
    assert!(
        import.warnings[0].reason.contains("names of the columns"),
        "{import:?}"
    );
    let almost = paste("-DOCSTART-ed\tB-X\nb\tO\n");
    assert_eq!(texts(&almost), ["-DOCSTART-ed b"]);
}

#[test]
fn a_text_of_words_is_no_conll() {
    for text in [
        "blood type B\nblood type O\n",
        "Vitamin B\nVitamin E\nVitamin O\n",
    ] {
        assert_eq!(texts(&paste(text)), [text]);
    }
    let table = "text\tlabel\nChest pain.\tO\nCough.\tO\n";
    assert_eq!(texts(&paste(table)), ["Chest pain.", "Cough."]);
}

#[test]
fn what_conll_cannot_hold_is_said() {
    let line = r#"{"text":"acute chest-pain today\nand gone","entities":[[0,11,"A"],[6,16,"B"],[17,27,"C"],[5,6,"D"]]}"#;
    let import = paste(&format!("{line}\n{{\"text\":\"see -DOCSTART- here\"}}\n"));
    let written = conll_text(&import.notes);
    let want =
        "-DOCSTART-\tO\n\nacute\tB-A\nchest\tI-A\n-pain\tO\ntoday\tB-C\n\nand\tB-C\ngone\tO\n\n";
    assert_eq!(written.text, want);
    let left_out: Vec<usize> = written.spans_left_out.iter().map(|(_, n, _)| *n).collect();
    assert_eq!(left_out, [1, 3]);
    assert_eq!((written.words_cut, written.spans_divided), (1, 1));
    assert_eq!(written.notes_left_out, ["-:2"]);
}

/// Sentences of words, each with how many words a span from here has (0: none) and its kind.
fn sentences() -> impl Strategy<Value = Vec<Vec<(String, usize, usize)>>> {
    let word = (awkward_text(), 0usize..4, 0usize..3).prop_map(|(text, length, kind)| {
        let word: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        (word, length, kind)
    });
    prop::collection::vec(prop::collection::vec(word, 1..8), 1..5)
}

/// Labels of a sentence in a scheme, and its spans as first and end word with their kind.
fn labels(
    words: &[(String, usize, usize)],
    scheme: usize,
) -> (Vec<String>, Vec<(usize, usize, usize)>) {
    let kinds = ["X", "Adverse Effect", "A-1"];
    let (mut labels, mut spans): (Vec<String>, Vec<(usize, usize, usize)>) = Default::default();
    while labels.len() < words.len() {
        let (_, length, kind) = words[labels.len()];
        let start = labels.len();
        let length = length.min(words.len() - start);
        let follows = spans
            .last()
            .is_some_and(|&(_, end, own)| end == start && own == kind);
        for place in 0..length {
            let prefix = match (scheme, place, length) {
                (2, 0, 1) => "S",
                (2, _, _) if place > 0 && place + 1 == length => "E",
                (0, 0, _) if !follows => "I",
                (_, 0, _) => "B",
                _ => "I",
            };
            labels.push(format!("{prefix}-{}", kinds[kind]));
        }
        match length {
            0 => labels.push("O".to_owned()),
            _ => spans.push((start, start + length, kind)),
        }
    }
    (labels, spans)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn read_written_and_read_again(sentences in sentences(), scheme in 0usize..3, documents in any::<bool>()) {
        let mut rows = String::new();
        let mut want: Vec<Vec<String>> = Vec::new();
        for words in &sentences {
            if documents {
                rows.push_str("-DOCSTART-\tO\n\n");
            }
            let (labels, spans) = labels(words, scheme);
            for ((word, ..), label) in words.iter().zip(&labels) {
                rows.push_str(&format!("{word}\t{label}\n"));
            }
            rows.push('\n');
            let words: Vec<&str> = words.iter().map(|(word, ..)| word.as_str()).collect();
            want.push(spans.iter().map(|&(start, end, _)| words[start..end].join(" ")).collect());
        }
        let temporary = Temporary::new();
        let first = read(&temporary.file("a.conll", &rows));
        prop_assert!(first.is_complete(), "{:?} {:?}", first.failures, first.warnings);
        let found: Vec<Vec<String>> = first.notes.iter().map(|note| marked(note).into_iter().map(|(_, text)| text).collect()).collect();
        prop_assert_eq!(found, want);
        let written = conll_text(&first.notes);
        prop_assert!(written.notes_left_out.is_empty() && written.spans_left_out.is_empty());
        prop_assert_eq!((written.words_cut, written.spans_divided), (0, 0));
        let again = read(&temporary.file("b.conll", &written.text));
        prop_assert_eq!(first.notes.len(), again.notes.len());
        for (left, right) in first.notes.iter().zip(&again.notes) {
            prop_assert_eq!(left.text(), right.text());
            prop_assert!(left.details() == right.details());
        }
        prop_assert_eq!(conll_text(&again.notes).text, written.text);
    }
}
