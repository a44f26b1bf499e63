//! Damaged copies of every format: a result or a sentence, never a panic, never note text.

use auscult::engine::{ImportOptions, Job, import};

use crate::common::{Numbers, Temporary};
use crate::files;

#[test]
fn a_hundred_damaged_copies_of_each_file() {
    let mut numbers = Numbers(7);
    for path in files("good") {
        let (mut read, mut refused) = (0, 0);
        let original = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let temporary = Temporary::new();
        for _ in 0..100 {
            let mut bytes = original.clone();
            for _ in 0..=numbers.below(3) {
                let at = numbers.below(bytes.len().max(1));
                match numbers.below(5) {
                    0 => bytes.truncate(at),
                    1 if !bytes.is_empty() => bytes[at] = numbers.below(256) as u8,
                    2 => drop(bytes.splice(at..at, b"\"\0\xFF{[,\t\r\n".iter().copied())),
                    3 => drop(bytes.drain(at..(at + numbers.below(9)).min(bytes.len()))),
                    _ => {
                        let end = (at + numbers.below(40)).min(bytes.len());
                        let again = bytes[at..end].to_vec();
                        bytes.splice(at..at, again);
                    }
                }
            }
            let file = temporary.file(name, &bytes);
            if let Some(stem) = name.strip_suffix(".ann") {
                let text = std::fs::read(path.with_extension("txt")).unwrap();
                temporary.file(&format!("{stem}.txt"), text);
            }
            let file = match name.strip_suffix(".ann") {
                Some(stem) => temporary.path().join(format!("{stem}.txt")),
                None => file,
            };
            let import = import(&[file], &ImportOptions::default(), &Job::silent());
            match import.notes.is_empty() {
                true => {
                    assert_eq!(import.failures.len(), 1, "{name}");
                    refused += 1;
                }
                false => read += 1,
            }
            for note in &import.notes {
                let spans = &note.details().annotations.spans;
                for piece in spans.iter().flat_map(|span| &span.pieces) {
                    assert!(!note.text()[piece.clone()].is_empty());
                }
                let map = note.map().unwrap();
                assert!(map.position(0) <= map.position(note.text().len()));
            }
            let messages = format!("{:?} {:?} {:?}", import, import.failures, import.warnings);
            for word in [
                "cough",
                "syncope",
                "Stable",
                "warfarin",
                "metformin",
                "knee",
            ] {
                assert!(!messages.contains(word), "{name}: {messages}");
            }
        }
        // Marks never take their text with them, rows are lost one by one, a list of JSON from there
        // on, and a checksum finds nearly everything.
        let (least_read, least_refused) = match name.rsplit('.').next() {
            Some("ann") => (100, 0),
            Some("csv" | "tsv" | "jsonl") => (40, 10),
            Some("conll" | "iob") => (60, 0),
            Some("txt") => (30, 30),
            Some("json") => (1, 30),
            Some("gz") => (0, 90),
            _ => panic!("{name}: what becomes of its copies?"),
        };
        assert!(
            read >= least_read && refused >= least_refused,
            "{name}: {read} read, {refused} refused"
        );
    }
}

/// Each byte of one row, replaced by and preceded by what has a meaning somewhere: all other rows
/// are read as they are, and nothing becomes a note that is none.
#[test]
fn a_damaged_row_loses_no_other() {
    const ROWS: usize = 7;
    let text = |row: usize| format!("Row {row}, 5 µg at 37 °C.");
    let csv = |row: usize| format!("{row},\"{}\",A{row}\n", text(row));
    let tsv = |row: usize| format!("{row}\t{}\tA{row}\n", text(row));
    let json = |row: usize| format!("{{\"id\": {row}, \"text\": \"{}\"}}\n", text(row));
    type Row<'a> = &'a dyn Fn(usize) -> String;
    let rows: [(&str, &str, Row<'_>); 3] = [
        ("t.csv", "id,text,by\n", &csv),
        ("t.tsv", "id\ttext\tby\n", &tsv),
        ("t.jsonl", "", &json),
    ];
    let temporary = Temporary::new();
    for (name, header, row) in rows {
        let part = |rows: std::ops::Range<usize>| rows.map(row).collect::<String>();
        let start = format!("{header}{}", part(0..3));
        let (damaged, end) = (row(3), part(4..ROWS));
        for at in 0..damaged.len() - 1 {
            for (byte, replaced) in b"\",\t\n\r\0\xFF{\\x"
                .iter()
                .flat_map(|b| [(*b, 0), (*b, 1)])
            {
                let own = damaged.as_bytes();
                let bytes = [
                    start.as_bytes(),
                    &own[..at],
                    &[byte],
                    &own[at + replaced..],
                    end.as_bytes(),
                ];
                let import = import(
                    &[temporary.file(name, bytes.concat())],
                    &ImportOptions::default(),
                    &Job::silent(),
                );
                let case = format!(
                    "{name}: {byte:#04x} at {at}, {replaced} replaced: {:?}",
                    import.warnings
                );
                assert!(import.notes.len() <= ROWS, "{case}");
                for other in (0..ROWS).filter(|&row| row != 3) {
                    let found = import
                        .notes
                        .iter()
                        .filter(|note| note.text() == text(other));
                    assert_eq!(found.count(), 1, "row {other} of {case}");
                }
            }
        }
    }
}
