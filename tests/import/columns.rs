//! The columns that files have, by their beginning.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use auscult::engine::{Cancelled, Columns, Job, StopFlag, columns_of_files};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::common::Temporary;

fn of(paths: &[PathBuf], columns: &Columns) -> Vec<String> {
    let names = columns_of_files(paths, columns, &Job::silent()).unwrap();
    names.into_iter().collect()
}

#[test]
fn files_have_the_columns_of_their_notes() {
    let temporary = Temporary::new();
    let mut paths = Vec::from([
        temporary.file(
            "a.csv",
            "id,text,label,ward\n1,She has had a cough for days.,lung,north\n",
        ),
        temporary.file(
            "b.jsonl",
            concat!(
                "{\"text\": \"He fell.\", \"patient\": \"7\"}\n",
                "{\"text\": \"He walks.\", \"shift\": \"night\"}\n"
            ),
        ),
        temporary.file("c.txt", "It has no columns."),
        temporary.path().join("not-there"),
    ]);
    let usual = Columns::default();
    let all = ["label", "patient", "shift", "ward"];
    assert_eq!(of(&paths, &usual), all);
    assert_eq!(of(&[temporary.path().to_owned()], &usual), all);
    paths.truncate(1);
    assert_eq!(of(&paths, &usual), ["label", "ward"]);

    // A column that only a person knows to be the text; the other file has no such one.
    paths.push(temporary.file(
        "d.csv",
        "nr,anamnese,befund\n1,Er hat seit Tagen Husten.,lunge\n",
    ));
    assert_eq!(of(&paths, &usual), ["label", "ward"]);
    let columns = Columns {
        text: Vec::from(["anamnese".to_owned()]),
        ..Columns::default()
    };
    assert_eq!(of(&paths, &columns), ["befund", "label", "nr", "ward"]);

    let stop = StopFlag::default();
    stop.stop();
    let stopped = columns_of_files(&paths, &usual, &Job::new(stop));
    assert_eq!(stopped, Err(Cancelled));
}

#[test]
fn of_a_large_file_the_beginning_is_read() {
    let temporary = Temporary::new();
    let text = "é".repeat(900);
    let row = |row: usize, more: &str| format!("{{\"text\": \"{row} {text}\", \"{more}\": 1}}");
    let column = |row: usize| if row < 9 { "früh" } else { "später" };
    let mut rows: Vec<String> = (0..2000).map(|own| row(own, column(own))).collect();
    rows.push(row(0, "zuletzt"));
    let lines = rows.join("\n");
    // Of two places beside each other one is in the middle of a letter.
    let moved = format!(" {lines}");
    let packed = temporary.path().join("c.jsonl.gz");
    let mut packer = GzEncoder::new(File::create(&packed).unwrap(), Compression::fast());
    packer.write_all(lines.as_bytes()).unwrap();
    packer.finish().unwrap();
    for path in [
        temporary.file("a.jsonl", lines),
        temporary.file("d.jsonl", moved),
        temporary.file("b.json", format!("[{}]", rows.join(","))),
        packed,
    ] {
        let names = of(std::slice::from_ref(&path), &Columns::default());
        assert_eq!(names, ["früh", "später"], "{path:?}");
    }
}
