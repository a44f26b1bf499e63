//! Notes that are read one after the other are those that are read at once, wherever blocks end.

use std::io::Write;
use std::path::{Path, PathBuf};

use auscult::engine::{ImportOptions, Job, Note, NoteStream, StopFlag, TextEncoding};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use serde_json::json;

use crate::common::{Temporary, fixture};
use crate::properties::awkward_text;
use crate::read;

fn streamed<R>(paths: &[PathBuf], block: usize, with: impl FnOnce(NoteStream<'_>) -> R) -> R {
    let (options, job) = (ImportOptions::default(), Job::silent());
    with(NoteStream::in_blocks(paths, &options, &job, block))
}

/// That a file gives the same notes, marks, places, and warnings in blocks of this size.
#[track_caller]
fn same(path: &Path, block: usize) {
    let whole = read(path);
    streamed(&[path.to_owned()], block, |mut stream| {
        let notes: Vec<Note> = stream.by_ref().collect();
        let report = stream.into_report();
        assert_eq!(notes.len(), whole.notes.len(), "{report:?} {whole:?}");
        for (left, right) in notes.iter().zip(&whole.notes) {
            assert_eq!(left.text(), right.text());
            assert!(left.details() == right.details());
            let (left, right) = (left.map().unwrap(), right.map().unwrap());
            for at in [0, 1, 5] {
                assert_eq!(left.position(at), right.position(at));
            }
        }
        let (files, warnings) = (&report.files, &report.warnings);
        assert_eq!((files, warnings), (&whole.files, &whole.warnings));
        assert_eq!(report.failures, whole.failures);
        assert_eq!((report.done, report.total, report.stopped), (1, 1, false));
    });
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[test]
fn every_good_file_in_blocks_of_every_size() {
    for path in crate::files("good") {
        if path.extension().is_some_and(|ending| ending != "ann") {
            [1, 7, 64, 100, 1 << 20]
                .into_iter()
                .for_each(|block| same(&path, block));
        }
    }
}

#[test]
fn a_bad_row_is_told_with_its_line_wherever_blocks_end() {
    let temporary = Temporary::new();
    let table = "id,text,by\n1,First.,A\n2,\"open zyxword,A\n3,Third.,A\n4,zyxword\n5,\"Fif\nth, \"\"x\"\".\",A\n\n6,\"a\"b,A\n7,Last.,A";
    let lines = "{\"text\":\"First.\"}\n\n{\"text\":zyxword}\n{\"text\":\"\"}\r\n[1]\n{\"text\":\"Fifth.\"}";
    for (name, content) in [("t.csv", table), ("t.jsonl", lines)] {
        for mark in ["", "\u{feff}"] {
            let content = format!("{mark}{content}");
            let path = temporary.file(name, &content);
            (1..content.len() + 2).for_each(|block| same(&path, block));
            same(
                &temporary.file(&format!("{name}.gz"), packed(content.as_bytes())),
                16,
            );
        }
    }
}

#[test]
fn what_cannot_be_read_in_blocks_is_read_at_once() {
    let temporary = Temporary::new();
    let paths = [
        temporary.file(
            "a.csv",
            b"id,text\n1,5 \xB5g daily \x96 stable\n2,Temp 38 \xB0C\n",
        ),
        temporary.file("b.jsonl", "{\"text\":\"a\0b\"}\n{\"text\":\"Fine.\"}\n"),
        temporary.file("c.csv.gz", &packed(b"id,text\n1,Cough.\n2,Rest.\n")[..30]),
        temporary.file("e.csv", "id,text\n1,\u{1}\u{2}\u{3}\n"),
        temporary.file("d.jsonl", "no json\nat all\n"),
        fixture("notes/good/utf16.txt"),
        fixture("notes/good/brat.txt"),
    ];
    paths.iter().for_each(|path| same(path, 4));
    let (options, job) = (
        ImportOptions {
            encoding: Some(TextEncoding::Windows1252),
            ..ImportOptions::default()
        },
        Job::silent(),
    );
    let mut stream = NoteStream::in_blocks(&paths[..1], &options, &job, 4);
    assert_eq!(stream.next().unwrap().text(), "5 µg daily – stable");
}

#[test]
fn a_stopped_stream_ends_and_says_so() {
    let temporary = Temporary::new();
    let lines = "{\"text\":\"Cough.\"}\n".repeat(100);
    let path = temporary.file("a.jsonl", lines);
    let stop = StopFlag::default();
    let (options, job) = (ImportOptions::default(), Job::new(stop.clone()));
    let mut stream = NoteStream::in_blocks(&[path.clone(), path], &options, &job, 64);
    assert_eq!(
        stream
            .next()
            .unwrap()
            .source()
            .to_string()
            .rsplit(':')
            .next(),
        Some("1")
    );
    stop.stop();
    let rest = stream.by_ref().count();
    assert!(rest < 10, "{rest}");
    let report = stream.into_report();
    assert!(report.stopped && !report.is_complete());
    assert_eq!((report.done, report.total), (0, 2));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tables_and_lines(texts in prop::collection::vec(awkward_text(), 1..8), block in 1usize..200) {
        let temporary = Temporary::new();
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["id", "text", "rest"]).unwrap();
        let mut lines = String::new();
        for (id, text) in texts.iter().enumerate() {
            writer.write_record([id.to_string().as_str(), text, "…"]).unwrap();
            lines.push_str(&format!("{}\n", json!({"id": id, "text": text, "spans": [[0, 1, "X"]]})));
        }
        same(&temporary.file("t.csv", writer.into_inner().unwrap()), block);
        same(&temporary.file("t.jsonl", lines), block);
    }
}
