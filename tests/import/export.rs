//! What is written and read again: nothing changes on the way.

use std::fs;
use std::path::Path;
use std::process::Command;

use auscult::engine::Note;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::common::Temporary;
use crate::properties::{awkward_text, marked_text};
use crate::{read, texts};

/// Writes the notes of a path with the program; returns what it says.
fn export(from: &Path, to: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_auscult"))
        .args(["notes", "import"])
        .arg(from)
        .arg("--out")
        .arg(to)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    said
}

/// Names that mean something in one format or another, and some that do not.
fn names() -> impl Strategy<Value = Vec<&'static str>> {
    let all = vec![
        "note_id",
        "row_id",
        "id",
        "source",
        "tokens",
        "_x",
        "note",
        "fields",
        "annotations",
        "offset_unit",
        "sha256",
        "label",
        "labels",
        "patient",
        "mrn",
        "relations",
        "answer",
        "a.b",
        "Größe",
        "text 2",
        "data",
    ];
    prop::sample::subsequence(all, 0..8)
}

fn same(left: &[Note], right: &[Note]) -> bool {
    let pairs = left.iter().zip(right);
    left.len() == right.len()
        && pairs.fold(true, |same, (left, right)| {
            same && left.text() == right.text() && left.details() == right.details()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn notes_come_back_as_they_were(
        names in names(),
        values in prop::collection::vec(awkward_text(), 8),
        (text, spans) in marked_text(),
    ) {
        let temporary = Temporary::new();
        let folder = temporary.path().join("in");
        fs::create_dir(&folder).unwrap();
        let mut writer = csv::Writer::from_path(folder.join("a.csv")).unwrap();
        writer.write_record(["text"].iter().chain(&names)).unwrap();
        for text in [&text, "Another."] {
            let cells = values.iter().take(names.len()).map(String::as_str);
            writer.write_record(std::iter::once(text).chain(cells)).unwrap();
        }
        writer.flush().unwrap();
        let mut record = Map::new();
        for (name, value) in names.iter().zip(&values).filter(|(name, _)| **name != "offset_unit") {
            record.insert((*name).to_owned(), json!(value));
        }
        let marks: Vec<Value> = spans.iter().map(|(start, end)| json!([start, end, values[0]])).collect();
        record.insert("text".to_owned(), json!(text));
        record.insert("entities".to_owned(), json!(marks));
        record.insert("codes".to_owned(), json!([{"code": values[1]}]));
        fs::write(folder.join("b.jsonl"), Value::Object(record).to_string()).unwrap();
        fs::write(folder.join("c.txt"), "Chest pain.").unwrap();
        let marks = "T1\tSymptom 6 10\tpain\nT2\tSite 0 5;6 10\tChest pain\nR1\tAt Arg1:T1 Arg2:T2\n\
                     E1\tSymptom:T1 Site:T2\nA1\tSevere E1\nA2\tLevel T1 high\n#1\tNote T1\tremark\n*\tSAME T1 T2\n";
        fs::write(folder.join("c.ann"), marks).unwrap();

        let (once, twice) = (temporary.path().join("1.jsonl"), temporary.path().join("2.jsonl"));
        let was = read(&folder);
        prop_assert!(was.is_complete(), "{:?} {:?}", was.failures, was.warnings);
        export(&folder, &once);
        export(&once, &twice);
        for path in [&once, &twice] {
            let import = read(path);
            prop_assert!(import.files[0].format.contains("Auscult"));
            prop_assert!(same(&was.notes, &import.notes), "{} {:?}", path.display(), import.warnings);
        }
    }
}

#[test]
fn a_table_keeps_fields_and_says_what_it_cannot_keep() {
    let temporary = Temporary::new();
    let folder = temporary.path().join("in");
    fs::create_dir(&folder).unwrap();
    let lines = "{\"id\":\"n1\",\"text\":\"Cough.\",\"ward\":\"W1\",\"Source\":\"ehr\"}\n\
                 {\"id\":\"n2\",\"text\":\"Chest pain.\",\"spans\":[[6,10,\"X\"]]}\n";
    fs::write(folder.join("a.jsonl"), lines).unwrap();
    let (table, all) = (
        temporary.path().join("t.csv"),
        temporary.path().join("t.jsonl"),
    );
    let said = export(&folder, &table);
    assert!(
        said.contains("the marks of 1 note are not written"),
        "{said}"
    );
    assert!(!export(&folder, &all).contains("not written"));
    let content = fs::read_to_string(&table).unwrap();
    let header = content.lines().next().unwrap();
    assert_eq!(header, "id,source,patient,label,text,Source_,ward");
    let import = read(&table);
    assert_eq!(texts(&import), ["Cough.", "Chest pain."]);
    let fields = &import.notes[0].details().fields;
    assert_eq!((&*fields["ward"], &*fields["Source_"]), ("W1", "ehr"));
}

#[test]
fn records_with_signs_of_ours_are_not_all_ours() {
    let temporary = Temporary::new();
    let path = temporary.file(
        "a.jsonl",
        r#"{"note_id":"n1","text":"Cough.","source":"ehr","annotations":{"by":"B","n":2}}"#,
    );
    let import = read(&path);
    let details = import.notes[0].details();
    assert_eq!(details.id.as_deref(), Some("n1"));
    let fields: Vec<&str> = details.fields.keys().map(String::as_str).collect();
    assert_eq!(fields, ["annotations.by", "annotations.n", "source"]);
    // What somebody added to a record of ours is kept; a named column is looked for.
    let path = temporary.file(
        "b.jsonl",
        r#"{"id":"n1","source":"x.txt","text":"Cough.","offset_unit":"bytes","annotations":{},"fields":{"row_id":"5"},"extra":1}"#,
    );
    let details = read(&path).notes[0].details().clone();
    assert_eq!(details.id.as_deref(), Some("n1"));
    assert_eq!(
        (&*details.fields["row_id"], &*details.fields["extra"]),
        ("5", "1")
    );
    assert_eq!(texts(&crate::named(&path, "row_id")), ["5"]);
}
