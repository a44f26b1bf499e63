//! Every command that lets a model read notes, on tiny models: what it prints, and its other forms.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::common::{Temporary, bundled_note, fixture, spelling};
use crate::{auscult, cell, fails, lines, number, path, succeeds, table, text};

/// The columns that every table has: how a note was read.
const READ: [&str; 6] = [
    "tokens",
    "read",
    "windows",
    "read_start",
    "read_end",
    "random_weights",
];

#[test]
fn embed_writes_every_form() {
    let (tiny, temporary) = (fixture("tiny"), Temporary::new());
    let notes = [
        bundled_note("progress-note.txt"),
        bundled_note("discharge-summary.txt"),
    ];
    let arguments = [
        "embed",
        "--model",
        path(&tiny),
        path(&notes[0]),
        path(&notes[1]),
    ];
    let lines = succeeds(&[&arguments[..], &["--json", "--normalize"]].concat());
    let vectors: Vec<Vec<f64>> = lines
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let vector = line["vector"].as_array().unwrap();
            vector.iter().map(|value| value.as_f64().unwrap()).collect()
        })
        .collect();
    assert_eq!(vectors.len(), 2);
    for vector in &vectors {
        let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
        assert!(
            vector.len() == 64 && (length - 1.0).abs() < 1e-5,
            "{length}"
        );
    }
    assert_ne!(vectors[0], vectors[1]);

    for ending in ["jsonl", "json", "csv", "npy"] {
        let out = temporary.path().join(format!("out.{ending}"));
        let printed = succeeds(&[&arguments[..], &["--out", path(&out)]].concat());
        assert_eq!(printed, "", "results go to the file");
        let bytes = std::fs::read(&out).unwrap();
        match ending {
            "npy" => {
                assert!(bytes.starts_with(b"\x93NUMPY") && bytes.len() == 128 + 2 * 64 * 4);
            }
            "csv" => {
                let lines: Vec<&str> = text(&bytes).lines().collect();
                assert!(
                    lines.len() == 3 && lines[1].split(',').count() == 74,
                    "{lines:?}"
                );
            }
            _ => assert!(text(&bytes).contains("\"vector\"")),
        }
    }
    fails(
        &[&arguments[..], &["--out", "x.xlsx"]].concat(),
        2,
        ".jsonl",
    );
    let nowhere = [&arguments[..], &["--out", "none/x.csv"]].concat();
    fails(&nowhere, 2, "no such folder");
    let check = ["models", "check", path(&tiny), "--out", "x.csv"];
    fails(&check, 2, "no such form");
}

#[test]
fn fill_mask_finds_written_masks_and_named_words() {
    let (tiny, temporary) = (fixture("tiny"), Temporary::new());
    let note = temporary.file("note.txt", "Patient denies [MASK] and [MASK].\n");
    let arguments = ["fill-mask", "--model", path(&tiny), "--json", "--top", "3"];
    let line = succeeds(&[&arguments[..], &[path(&note)]].concat());
    let line: Value = serde_json::from_str(&line).unwrap();
    let masks = line["masks"].as_array().unwrap();
    assert_eq!(masks.len(), 2);
    // [MASK] swallows the space before it.
    assert_eq!(
        (&masks[0]["start"], &masks[0]["end"]),
        (&14.into(), &21.into())
    );
    let candidates = masks[0]["candidates"].as_array().unwrap();
    let scores: Vec<f64> = candidates
        .iter()
        .map(|c| c["score"].as_f64().unwrap())
        .collect();
    assert!(
        scores.len() == 3 && scores.is_sorted_by(|a, b| a >= b),
        "{scores:?}"
    );

    let note = bundled_note("progress-note.txt");
    let line = succeeds(&[&arguments[..], &["--word", "denies", path(&note)]].concat());
    let line: Value = serde_json::from_str(&line).unwrap();
    let note = std::fs::read_to_string(&note).unwrap();
    for mask in line["masks"].as_array().unwrap() {
        let [start, end] = ["start", "end"].map(|key| mask[key].as_u64().unwrap() as usize);
        assert_eq!(note[start..end].trim(), "denies");
    }
    let shown = succeeds(&[
        "fill-mask",
        "--model",
        path(&tiny),
        "--word",
        "denies",
        path(&bundled_note("progress-note.txt")),
    ]);
    assert!(shown.contains('%'), "{shown}");
}

#[test]
fn notes_come_from_files_folders_and_standard_input() {
    let (tiny, temporary) = (fixture("tiny"), Temporary::new());
    temporary.file("b.txt", "Second note.");
    temporary.file("a.TXT", "First note.");
    temporary.file("c.md", "No note.");
    let folder = path(temporary.path());
    let lines = succeeds(&["embed", "--model", path(&tiny), "--json", folder]);
    let sources: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["note"].to_string())
        .collect();
    assert!(
        sources.len() == 2 && sources[0].contains("a.TXT"),
        "{sources:?}"
    );

    let mut child = Command::new(env!("CARGO_BIN_EXE_auscult"))
        .args([
            "embed",
            "--model",
            path(&tiny),
            "--device",
            "cpu",
            "--json",
            "-",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"First note.")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let [piped, read] = [text(&output.stdout), lines.lines().next().unwrap()]
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["vector"].clone());
    assert_eq!(piped, read);
}

#[test]
fn surprise_prints_words_and_writes_tokens() {
    let (tiny, temporary) = (fixture("tiny"), Temporary::new());
    let note = temporary.file("note.txt", "No fever. Cough for three days.");
    let arguments = ["surprise", "--model", path(&tiny), path(&note)];
    let found = lines(&arguments).remove(0);
    let tokens = found["measured"].as_array().unwrap();
    assert_eq!(found["tokens"], tokens.len() + 2);
    assert_eq!(tokens.len() + 1, table(&arguments).len());
    assert_eq!(
        (&found["complete"], &found["read"]),
        (&true.into(), &"whole".into())
    );
    let rows = table(&[&arguments[..], &["--max-tokens", "8"]].concat());
    for (name, value) in READ
        .into_iter()
        .zip(["", "windows", "2", "0", "31", "true"])
    {
        assert!(cell(&rows, 1, name).ends_with(value), "{name}: {rows:?}");
    }
    let shown = succeeds(&arguments);
    assert!(
        shown.contains("pseudo-perplexity") && shown.contains("⟦fever⟧"),
        "{shown}"
    );
}

#[test]
fn classify_and_tag_read_fine_tuned_models() {
    let temporary = Temporary::new();
    let note = temporary.file("note.txt", "no fever, cough for three days.");
    let classifier = spelling("sequence-classification-cls", &temporary);
    let arguments = ["classify", "--model", path(&classifier), path(&note)];
    let found = lines(&arguments).remove(0);
    let labels = found["labels"].as_array().unwrap();
    let sum: f64 = labels.iter().map(|label| number(&label["score"])).sum();
    assert!(labels.len() > 1 && (sum - 1.0).abs() < 1e-5, "{found}");
    let rows = table(&arguments);
    assert_eq!(rows.len(), labels.len() + 1);
    assert_eq!(
        cell(&rows, 1, "label"),
        labels[0]["label"].as_str().unwrap()
    );
    assert_eq!(
        (cell(&rows, 1, "read"), cell(&rows, 1, "windows")),
        ("whole", "1")
    );
    assert!(succeeds(&arguments).contains("score"));

    let tagger = spelling("token-classification", &temporary);
    let arguments = ["tag", "--model", path(&tagger), path(&note), "--ignore", ""];
    let found = lines(&arguments).remove(0);
    let spans = found["spans"].as_array().unwrap();
    let text = std::fs::read_to_string(&note).unwrap();
    for span in spans {
        let [start, end] = ["start", "end"].map(|key| span[key].as_u64().unwrap() as usize);
        assert_eq!(span["text"], text[start..end]);
    }
    let first = [
        "tag",
        "--model",
        path(&tagger),
        path(&note),
        "--long",
        "first",
    ];
    let rows = table(&[&first[..], &["--ignore", "", "--max-tokens", "9"]].concat());
    assert!(rows.len() > 1 && !spans.is_empty(), "{rows:?}");
    assert_eq!(cell(&rows, 1, "read"), "first");
    assert!(succeeds(&arguments).contains("spans"));
}

#[test]
fn a_mask_that_is_not_read_is_shown_without_candidates() {
    let (tiny, temporary) = (fixture("tiny"), Temporary::new());
    let note = temporary.file("note.txt", "No fever. Cough for three days. No fever.");
    let short = ["--long", "first", "--max-tokens", "10", path(&note)];
    let arguments = [
        &["fill-mask", "--model", path(&tiny), "--word", "fever"][..],
        &short,
    ]
    .concat();
    let found = lines(&arguments).remove(0);
    let read: Vec<bool> = found["masks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mask| mask["was_read"] == true && mask["candidates"].as_array().unwrap().len() == 5)
        .collect();
    assert_eq!(read, [true, false], "{found}");
    let rows = table(&arguments);
    assert_eq!(
        (rows.len(), cell(&rows, 6, "rank"), cell(&rows, 6, "read")),
        (7, "", "first")
    );
    assert!(succeeds(&arguments).contains("not filled"));
}

#[test]
fn notes_outline_and_rules_need_no_model() {
    let note = bundled_note("discharge-summary.txt");
    let found = lines(&["notes", "outline", path(&note)]).remove(0);
    assert!(found["sections"].as_array().unwrap().len() > 3, "{found}");
    assert!(succeeds(&["notes", "outline", path(&note)]).contains("sections"));
    let (rules, temporary) = (succeeds(&["notes", "rules"]), Temporary::new());
    let plain = temporary.file("plain.txt", "Cough.");
    assert!(succeeds(&["notes", "outline", path(&plain)]).contains("(no headings)"));
    let file = temporary.file("rules.toml", &rules);
    let again = lines(&["notes", "outline", path(&note), "--sections", path(&file)]);
    assert_eq!(again, [found]);
}

#[test]
fn quiet_leaves_results_and_errors() {
    let (tiny, temporary) = (fixture("tiny"), Temporary::new());
    // A guess at the encoding is a remark, a row that is left out a warning.
    temporary.file("a.txt", b"caf\xe9");
    temporary.file("b.csv", "id,text\n1,Cough.\n2,\n");
    temporary.file("c.txt", "");
    let arguments = ["embed", "--model", path(&tiny), path(temporary.path())];
    let loud = auscult(&arguments);
    let quiet = auscult(&[&arguments[..], &["--quiet"]].concat());
    assert!(
        text(&loud.stderr).contains("warning: "),
        "{}",
        text(&loud.stderr)
    );
    let errors = text(&quiet.stderr);
    assert!(errors.contains("c.txt"), "{errors}");
    assert!(
        errors.lines().all(|line| line.starts_with("error: ")),
        "{errors}"
    );
    assert_eq!((loud.stdout, loud.status), (quiet.stdout, quiet.status));
}

#[test]
fn import_counts_every_kind_of_mark() {
    let temporary = Temporary::new();
    let note = temporary.file("a.txt", "Chest pain, severe.");
    let marks = "T1\tSymptom 6 10\tpain\nT2\tSeverity 12 18\tsevere\nR1\tOf Arg1:T2 Arg2:T1\n\
                 E1\tSymptom:T1\nA1\tNegated E1\n#1\tNote T1\tsee chart\n";
    temporary.file("a.ann", marks);
    let shown = succeeds(&["notes", "import", path(&note)]);
    for what in [
        "2 marked spans",
        "1 relation, 1 event, 1 attribute, 1 remark",
    ] {
        assert!(shown.contains(what), "{what}: {shown}");
    }
    let found = lines(&["notes", "import", path(&note)]).remove(0);
    for kind in ["relations", "events", "attributes", "comments"] {
        assert_eq!(found[kind], 1, "{kind}: {found}");
    }
    let empty = temporary.file("b.txt", "");
    let nothing = auscult(&["notes", "import", path(&empty)]);
    let shown = text(&nothing.stdout);
    assert!(
        shown.contains("No note was read") && shown.contains(".jsonl"),
        "{shown}"
    );
    assert_eq!(nothing.status.code(), Some(1));
}
