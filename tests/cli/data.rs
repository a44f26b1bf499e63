//! Labels, parts and tokenizers from the command line.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::{Temporary, bundled_note, fixture};
use crate::{auscult, fails, lines, number, path, succeeds, table, text};

/// A table of 60 notes of 20 patients in two wards; two texts are the same but for case.
fn notes(temporary: &Temporary) -> std::path::PathBuf {
    let mut rows = "note_id,patient_id,ward,codes,text\n".to_owned();
    for n in 0..60 {
        let said = match n {
            7 => "Chest pain today.".to_owned(),
            41 => "chest PAIN today.".to_owned(),
            n => format!("Visit number {n}."),
        };
        let codes = if n % 3 == 0 { "a; b" } else { "b" };
        let ward = if n % 5 == 0 { "" } else { "w1" };
        rows.push_str(&format!("n{n},p{},{ward},{codes},{said}\n", n / 3));
    }
    temporary.file("notes.csv", rows)
}

#[test]
fn labels_are_counted_and_rows_without_one_are_named() {
    let temporary = Temporary::new();
    let notes = notes(&temporary);
    let own = &lines(&["notes", "labels", path(&notes), "--column", "ward"])[0];
    assert_eq!(own["labels"][0]["label"], "w1");
    assert_eq!(
        (
            &own["labels"][0]["notes"],
            own["unlabelled"].as_array().unwrap().len()
        ),
        (&48.into(), 12)
    );
    let multi = [
        "notes",
        "labels",
        path(&notes),
        "--column",
        "codes",
        "--separator",
        ";",
    ];
    assert_eq!(lines(&multi)[0]["several"], 20);
    let rows = table(&multi);
    assert_eq!(
        rows[1..],
        [["note", "a", "20", "0"], ["note", "b", "60", "0"]]
    );
    let marked = fixture("notes/good/tokens.iob");
    let said = succeeds(&["notes", "labels", path(&marked)]);
    assert!(said.contains("2  PROBLEM in 2 notes"), "{said}");
    fails(
        &["notes", "labels", path(&notes), "--column", "wrad"],
        2,
        "no note has a column \"wrad\"; there are: codes, id",
    );
}

#[test]
fn parts_are_written_and_leakage_is_said() {
    let temporary = Temporary::new();
    let notes = notes(&temporary);
    let folder = temporary.path().join("parts");
    let split = [
        "notes",
        "split",
        path(&notes),
        "--ratio",
        "70:15:15",
        "--out",
        path(&folder),
    ];
    let report = &lines(&[&split[..], &["--stratify", "codes"]].concat())[0];
    assert_eq!(report["group"], "patient");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let mut patients = Vec::new();
    for (number, part) in ["train", "validation", "test"].into_iter().enumerate() {
        let own: Vec<Value> = read(&format!("{part}.jsonl"))
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(report["parts"][number]["notes"], own.len());
        assert!(own.len() >= 6, "{part}: {}", own.len());
        let mut of_part: Vec<String> = own.iter().map(|note| note["patient"].to_string()).collect();
        of_part.dedup();
        patients.extend(of_part);
    }
    let all = patients.len();
    patients.sort();
    patients.dedup();
    assert_eq!((all, patients.len()), (20, 20), "a patient is in one part");
    let again = temporary.path().join("again");
    succeeds(&[
        "notes",
        "split",
        path(&notes),
        "--ratio",
        "70:15:15",
        "--stratify",
        "codes",
        "--out",
        path(&again),
        "--quiet",
    ]);
    assert_eq!(
        read("train.jsonl"),
        fs::read_to_string(again.join("train.jsonl")).unwrap()
    );
    let stored: Value = serde_json::from_str(&read("split.json")).unwrap();
    assert_eq!(stored[0]["parts"], report["parts"]);

    // Parts that are there already.
    let given = [
        "notes",
        "split",
        path(&notes),
        "--test",
        path(&notes),
        "--json",
    ];
    let report: Value = serde_json::from_str(&succeeds(&given)).unwrap();
    let leaks = report["leaks"].as_array().unwrap();
    let count = |kind: &str| leaks.iter().filter(|leak| leak["shared"] == kind).count();
    assert_eq!((count("text"), count("group"), count("row")), (60, 60, 60));
    let said = succeeds(&given[..5]);
    assert!(
        said.contains("60 notes of test: the same row of the same file as one of train"),
        "{said}"
    );
}

#[test]
fn a_split_that_makes_no_sense_is_refused() {
    let temporary = Temporary::new();
    let notes = notes(&temporary);
    let folder = temporary.path();
    fails(
        &["notes", "split", path(&notes), "--ratio", "80"],
        2,
        "two or three numbers",
    );
    fails(
        &["notes", "split", path(&notes), "--group", "team"],
        2,
        "no note has a column \"team\"",
    );
    fails(
        &["notes", "split", path(&notes), "--out", path(&notes)],
        2,
        "names a folder",
    );
    let train = temporary.file("train.jsonl", "{\"text\":\"Cough.\"}\n");
    fails(
        &["notes", "split", path(&train), "--out", path(folder)],
        2,
        "this file is read",
    );
    assert_eq!(
        fs::read_to_string(&train).unwrap(),
        "{\"text\":\"Cough.\"}\n"
    );
    let few = auscult(&["notes", "split", path(&train)]);
    assert!(
        text(&few.stdout).contains("test is empty"),
        "{}",
        text(&few.stdout)
    );
}

#[test]
fn texts_are_made_from_columns() {
    let temporary = Temporary::new();
    let codes = temporary.file("codes.tsv", "code\tdescription\tchapter\nE11.9\tType 2 diabetes\t4\nI10\tHypertension\t9\nX\tNothing\t\n");
    let out = temporary.path().join("out.jsonl");
    let form = [
        "--form",
        "ICD 10 code for {code}: {description} ({chapter})",
    ];
    let said = auscult(
        &[
            &["notes", "import", path(&codes), "--out", path(&out)],
            &form[..],
        ]
        .concat(),
    );
    assert!(
        text(&said.stderr).contains("it has no \"chapter\""),
        "{}",
        text(&said.stderr)
    );
    assert_eq!(said.status.code(), Some(1), "a row is left out");
    let texts: Vec<Value> = fs::read_to_string(&out)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(texts.len(), 2);
    assert_eq!(
        texts[0]["text"],
        "ICD 10 code for E11.9: Type 2 diabetes (4)"
    );
    fails(
        &[
            "notes",
            "labels",
            path(&codes),
            "--text",
            "description",
            "--form",
            "{cod}",
        ],
        2,
        "no note has a column \"cod\"",
    );
    fails(
        &["notes", "labels", path(&codes), "--form", "{cod}"],
        1,
        "the text form names no column of it",
    );
    let flags = ["--form", "{code}: {description}", "--label", "chapter"];
    let labels = succeeds(&[&["notes", "labels", path(&codes)], &flags[..]].concat());
    assert!(labels.contains("       1  9\n"), "{labels}");
    let records = "{\"code\": \"I10\", \"meta\": {\"description\": \"Hypertension\"}}\n";
    let records = temporary.file("codes.jsonl", records.repeat(2));
    let read = [
        "notes",
        "import",
        path(&records),
        "--form",
        "{code}: {meta.description}",
    ];
    succeeds(&[&read[..], &["--out", path(&out)]].concat());
    let texts = fs::read_to_string(&out).unwrap();
    assert_eq!(texts.matches("I10: Hypertension").count(), 2, "{texts}");
    fails(
        &["notes", "labels", path(&codes), "--form", "{cod"],
        2,
        "without its other half",
    );
}

#[test]
fn conll_is_written() {
    let temporary = Temporary::new();
    let (notes, out) = (
        fixture("notes/good/doccano.jsonl"),
        temporary.path().join("x.conll"),
    );
    let said = succeeds(&["notes", "import", path(&notes), "--out", path(&out)]);
    assert_eq!(said, "");
    let rows = fs::read_to_string(&out).unwrap();
    assert!(rows.contains("metformin\tB-DRUG\n"), "{rows}");
}

#[test]
fn a_tokenizer_is_trained_saved_and_measured() {
    let temporary = Temporary::new();
    let (folder, again) = (temporary.path().join("own"), temporary.path().join("again"));
    let notes = bundled_note("progress-note.txt");
    let notes = path(notes.parent().unwrap()).to_owned();
    let train = |out: &Path| {
        let all = ["tokenizer", "train", &notes, "--vocab-size", "700", "--out"];
        [&all.map(str::to_owned)[..], &[path(out).to_owned()]].concat()
    };
    let arguments = train(&folder);
    let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let tiny = fixture("tiny");
    arguments.extend(["--held-out", &notes, "--beside", path(&tiny)]);
    let report = &lines(&arguments)[0];
    assert_eq!(report["vocabulary_size"], 700);
    let held_out = report["held_out"].as_array().unwrap();
    assert_eq!(
        (held_out.len(), &held_out[0]["texts"]),
        (2, &report["notes"])
    );
    for own in held_out {
        let per_word = number(&own["tokens"]) / number(&own["words"]);
        assert_eq!(number(&own["tokens_per_word"]), per_word);
        assert!(per_word > 1.0 && per_word < 5.0, "{own}");
    }
    let train_again = train(&again);
    let train_again: Vec<&str> = train_again.iter().map(String::as_str).collect();
    let said = succeeds(&train_again);
    assert!(
        said.contains("700 tokens, 416 of them merged pairs"),
        "{said}"
    );
    for name in ["tokenizer.json", "tokenizer_config.json"] {
        let read = |folder: &Path| fs::read(folder.join(name)).unwrap();
        assert!(read(&folder) == read(&again), "{name}");
    }
    fails(&train_again, 2, "there is a tokenizer already");
    fails(
        &["tokenizer", "train", &notes, "--vocab-size", "284"],
        2,
        "--out DIR",
    );
    let other = temporary.path().join("other");
    fails(
        &[
            "tokenizer",
            "train",
            &notes,
            "--vocab-size",
            "284",
            "--out",
            path(&other),
        ],
        2,
        "285 are the fewest",
    );
    assert!(!other.exists());
}

#[test]
fn a_tokenizer_learns_texts_made_from_columns() {
    let temporary = Temporary::new();
    let rows = (0..50).map(|n| format!("E{n}\tchronic kidney disease {n}\n"));
    let codes = format!("code\tdescription\n{}\tno code\n", rows.collect::<String>());
    let codes = temporary.file("codes.tsv", codes);
    let out = temporary.path().join("own");
    let train = [
        "tokenizer",
        "train",
        path(&codes),
        "--text",
        "description",
        "--vocab-size",
        "300",
        "--out",
        path(&out),
        "--form",
    ];
    fails(
        &[&train[..], &["{kode}"]].concat(),
        2,
        "no note has a column \"kode\"",
    );
    let output = auscult(&[&train[..], &["ICD 10 code for {code}: {description}"]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("codes.tsv:52: left out, since it has no \"code\""),
        "{}",
        text(&output.stderr)
    );
    assert!(
        text(&output.stdout).contains("from 50 notes"),
        "{}",
        text(&output.stdout)
    );
    let definition = fs::read_to_string(out.join("tokenizer.json")).unwrap();
    assert!(
        definition.contains("ĠICD") || definition.contains("ICD"),
        "the form is learned"
    );
}
