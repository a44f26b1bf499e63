//! Ctrl-C: the step is finished, what was done is kept, and the exit status says that some is missing.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::{Temporary, fixture};
use crate::path;

/// Notes that take minutes together and some milliseconds each.
const NOTES: usize = 50_000;

#[test]
fn ctrl_c_keeps_what_was_done() {
    let (tiny, temporary) = (fixture("tiny"), Temporary::new());
    let rows: String = (0..NOTES)
        .map(|row| format!("{row},Cough for {row} days.\n"))
        .collect();
    let notes = temporary.file("notes.csv", format!("id,text\n{rows}"));
    let out = temporary.path().join("out.jsonl");
    let mut child = Command::new(env!("CARGO_BIN_EXE_auscult"))
        .args([
            "embed",
            "--device",
            "cpu",
            "--model",
            path(&tiny),
            path(&notes),
        ])
        .args(["--out", path(&out)])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    // The model is loaded and the first notes are read after this remark.
    while !said.contains("This model has random weights") {
        assert!(stderr.read_line(&mut said).unwrap() > 0, "{said}");
    }
    std::thread::sleep(Duration::from_secs(2));
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{said}");
    let kept = std::fs::read_to_string(&out).unwrap().lines().count();
    assert!(0 < kept && kept < NOTES, "{kept}");
    let sentence = format!("stopped: {kept} of {NOTES} notes kept");
    assert!(said.contains(&sentence), "{said}");
}
