//! Texts nobody wrote: offsets, the way back to the file, and round trips.

use std::fs;
use std::path::Path;

use auscult::engine::{ImportOptions, Job, Note, TextEncoding, import};
use encoding_rs::WINDOWS_1252;
use proptest::prelude::*;
use serde_json::json;

use crate::common::Temporary;

/// Text of letters with the characters on which offsets come to grief, never only white space.
pub fn awkward_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9 ,.:;'\"-]{1,8}",
        1 => prop::sample::select(vec![
            "\r\n", "\n", "\t", "\u{a0}", "\u{200b}", "\u{200d}", "e\u{301}", "é", "µg", "≥", "😀",
            "👩\u{200d}⚕\u{fe0f}", "\u{2028}", "\"\"", "\\", "{", "|", "\u{3000}", "ß", "İ",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 1..12).prop_map(|pieces| format!("x{}", pieces.concat()))
}

/// A text with spans of it, in code points.
pub fn marked_text() -> impl Strategy<Value = (String, Vec<(usize, usize)>)> {
    awkward_text().prop_flat_map(|text| {
        let length = text.chars().count();
        let span = (0..length).prop_flat_map(move |start| (Just(start), start + 1..=length));
        (Just(text), prop::collection::vec(span, 0..4))
    })
}

fn read(path: &Path) -> Vec<Note> {
    let import = import(
        &[path.to_owned()],
        &ImportOptions::default(),
        &Job::silent(),
    );
    assert!(
        import.is_complete(),
        "{:?} {:?}",
        import.failures,
        import.warnings
    );
    import.notes
}

fn slice(text: &str, (start, end): (usize, usize)) -> String {
    text.chars().skip(start).take(end - start).collect()
}

fn utf16(text: &str, point: usize) -> usize {
    text.chars().take(point).map(char::len_utf16).sum()
}

/// Each character of the note begins in the file where the map says, spelled as `spell` spells it.
fn check_map(note: &Note, file: &[u8], spell: impl Fn(char) -> Vec<Vec<u8>>) {
    let map = note.map().unwrap();
    for (at, c) in note.text().char_indices() {
        let there = &file[map.position(at)..];
        let spelled = spell(c).into_iter().any(|bytes| there.starts_with(&bytes));
        assert!(
            spelled,
            "character {:?} at {at}",
            c.escape_unicode().to_string()
        );
    }
    assert!(map.position(note.text().len()) <= file.len());
}

fn utf8(c: char) -> Vec<u8> {
    c.to_string().into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn text_files_in_every_encoding(text in awkward_text()) {
        let temporary = Temporary::new();
        let units = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        let one = |name: &str, bytes: &[u8]| {
            let mut notes = read(&temporary.file(name, bytes));
            assert_eq!(notes[0].text(), text);
            notes.remove(0)
        };
        check_map(&one("a.txt", text.as_bytes()), text.as_bytes(), |c| vec![utf8(c)]);
        let little = [b"\xFF\xFE".to_vec(), units(u16::to_le_bytes)].concat();
        let spell = |c: char| vec![c.encode_utf16(&mut [0; 2]).iter().flat_map(|u| u.to_le_bytes()).collect()];
        check_map(&one("b.txt", &little), &little, spell);
        let big = [b"\xFE\xFF".to_vec(), units(u16::to_be_bytes)].concat();
        let spell = |c: char| vec![c.encode_utf16(&mut [0; 2]).iter().flat_map(|u| u.to_be_bytes()).collect()];
        check_map(&one("c.txt", &big), &big, spell);
    }

    #[test]
    fn text_files_in_windows_1252(text in awkward_text()) {
        let one = |c: char| WINDOWS_1252.encode(&c.to_string()).0.into_owned();
        let text: String = text.chars().filter(|c| !WINDOWS_1252.encode(&c.to_string()).2).collect();
        let bytes: Vec<u8> = text.chars().flat_map(one).collect();
        let path = Temporary::new();
        let path = path.file("d.txt", &bytes);
        let options = ImportOptions { encoding: Some(TextEncoding::Windows1252), ..ImportOptions::default() };
        // Letters beyond ASCII are no UTF-8 when they are bytes, so that the guess is right; a row
        // of them can be by chance.
        let beyond = bytes.iter().filter(|byte| !byte.is_ascii()).count();
        let guessed = import(&[path.to_owned()], &ImportOptions::default(), &Job::silent());
        let told = import(&[path], &options, &Job::silent());
        let all = if beyond > 1 { vec![told] } else { vec![told, guessed] };
        for import in all {
            prop_assert_eq!(import.notes[0].text(), &text);
            check_map(&import.notes[0], &bytes, |c| vec![one(c)]);
        }
    }

    #[test]
    fn tables(texts in prop::collection::vec(awkward_text(), 1..4)) {
        let temporary = Temporary::new();
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["id", "text", "rest"]).unwrap();
        for (id, text) in texts.iter().enumerate() {
            writer.write_record([id.to_string().as_str(), text, "…"]).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let notes = read(&temporary.file("t.csv", &bytes));
        prop_assert_eq!(notes.iter().map(Note::text).collect::<Vec<_>>(), texts.iter().map(String::as_str).collect::<Vec<_>>());
        for note in &notes {
            check_map(note, &bytes, |c| match c {
                '"' => vec![b"\"\"".to_vec(), b"\"".to_vec()],
                c => vec![utf8(c)],
            });
        }
    }

    #[test]
    fn json_dialects_and_brat((text, spans) in marked_text()) {
        let temporary = Temporary::new();
        let points: Vec<_> = spans.iter().map(|&(s, e)| json!([s, e, "X"])).collect();
        let doccano = json!({"text": text, "label": points}).to_string();
        let objects: Vec<_> = spans.iter().map(|&(s, e)| json!({"start": s, "end": e, "label": "X"})).collect();
        let prodigy = json!({"text": text, "spans": objects, "answer": "accept"}).to_string();
        let results: Vec<_> = spans.iter().map(|&span| {
            let (start, end) = (utf16(&text, span.0), utf16(&text, span.1));
            json!({"type": "labels", "value": {"start": start, "end": end, "text": slice(&text, span), "labels": ["X"]}})
        }).collect();
        let studio = json!([{"data": {"text": text}, "annotations": [{"result": results}]}]).to_string();
        let want: Vec<String> = spans.iter().map(|&span| slice(&text, span)).collect();
        for (name, content) in [("a.jsonl", doccano), ("b.jsonl", prodigy), ("c.json", studio)] {
            let notes = read(&temporary.file(name, &content));
            prop_assert_eq!(notes[0].text(), &text);
            let found: Vec<&str> = notes[0].details().annotations.spans.iter().map(|s| &notes[0].text()[s.pieces[0].clone()]).collect();
            prop_assert_eq!(&found, &want);
            let spelled = |c: char| {
                let escaped = serde_json::to_string(&c.to_string()).unwrap();
                vec![escaped.as_bytes()[1..escaped.len() - 1].to_vec()]
            };
            check_map(&notes[0], content.as_bytes(), spelled);
        }
        fs::write(temporary.path().join("d.txt"), &text).unwrap();
        let mut marks = String::new();
        for (number, &(start, end)) in spans.iter().enumerate() {
            let stored = slice(&text, (start, end)).replace(['\n', '\r', '\t'], " ");
            // A line of marks cannot hold what ends a line.
            marks.push_str(&format!("T{number}\tX {start} {end}\t{stored}\n"));
        }
        fs::write(temporary.path().join("d.ann"), marks).unwrap();
        let notes = read(&temporary.path().join("d.txt"));
        let found: Vec<&str> = notes[0].details().annotations.spans.iter().map(|s| &notes[0].text()[s.pieces[0].clone()]).collect();
        prop_assert_eq!(&found, &want);
    }
}
