//! Records of JSON files: every list of marks is read, nothing is dropped without a word.

use auscult::engine::{Columns, Import, ImportOptions, Job, import};

use crate::common::Temporary;
use crate::{marked, named, read, sources, texts};

fn records(name: &str, content: &str) -> Import {
    read(&Temporary::new().file(name, content))
}

fn labels(import: &Import) -> Vec<String> {
    let marks = import.notes.iter().flat_map(marked);
    marks
        .map(|(label, text)| format!("{label} {text}"))
        .collect()
}

#[test]
fn a_wrong_span_loses_no_other() {
    for (marks, want, says) in [
        (
            r#""spans":[{"start":0,"end":3,"label":"X"},{"begin":4,"end":7,"label":"X"}]"#,
            "X abc",
            "span 2 of \"spans\": it has no offsets",
        ),
        (
            r#""label":[[-1,7,"X"],[0,3,"X"]]"#,
            "X abc",
            "span 1 of \"label\": it has no offsets",
        ),
        (
            r#""labels":["zyxword",[0,3,"X"]]"#,
            "X abc",
            "span 1 of \"labels\"",
        ),
        (
            r#""entities":[{"start_offset":0,"end_offset":3},{"start_offset":4,"end_offset":7,"label":7}]"#,
            "7 def",
            "span 1 of \"entities\": it has no label",
        ),
        (
            r#""spans":[[0,3,"X"]],"relations":[{"from_id":1,"to_id":2,"type":"R"}]"#,
            "X abc",
            "relation 1: ",
        ),
    ] {
        let import = records("a.jsonl", &format!("{{\"text\":\"abc def\",{marks}}}"));
        assert_eq!(labels(&import), [want], "{:?}", import.warnings);
        assert_eq!((import.files[0].skipped, import.warnings.len()), (1, 1));
        let said = import.warnings[0].to_string();
        assert!(said.contains(says) && said.contains(":1:"), "{said}");
        assert!(!format!("{import:?}").contains("zyxword"));
    }
}

#[test]
fn every_list_of_marks_is_read() {
    let import = records(
        "a.jsonl",
        concat!(
            r#"{"text":"abc def","annotations":[{"label":"X","start_offset":0,"end_offset":3},{"label":4}]}"#,
            "\n",
            r#"{"text":"abc def","spans":[{"start":0,"end":3,"label":"Y"}],"entities":[{"start_offset":4,"end_offset":7,"label":"Z"}],"label":[[0,7,"W"]]}"#,
        ),
    );
    assert!(import.is_complete(), "{:?}", import.warnings);
    assert_eq!(labels(&import), ["X abc", "Y abc", "Z def", "W abc def"]);
    assert_eq!(import.notes[0].details().labels, ["4"]);
    assert!(
        import
            .notes
            .iter()
            .all(|note| note.details().fields.is_empty())
    );
}

#[test]
fn the_first_record_says_where_the_text_is() {
    let import = records(
        "null.jsonl",
        "{\"text\":\"A\",\"body\":\"B\"}\n{\"text\":null,\"body\":\"C\"}\n{\"body\":\"zyxword\"}\n\
         {\"label\":\"L\",\"text\":\"D\",\"body\":\"E\",\"patient\":null}\n{\"text\":\"E\",\"patient\":7}\n",
    );
    assert_eq!(texts(&import), ["A", "D", "E"]);
    assert_eq!(import.notes[1].details().labels, ["L"]);
    assert_eq!(import.notes[2].details().patient.as_deref(), Some("7"));
    let said: Vec<String> = import.warnings.iter().map(ToString::to_string).collect();
    assert!(said[1].ends_with(":2: the text is empty"), "{said:?}");
    assert!(said[2].contains(":3: it has no \"text\""), "{said:?}");
    assert_eq!(
        records(
            "n.jsonl",
            "{\"text\":null,\"body\":\"B\"}\n{\"text\":\"C\"}\n"
        )
        .notes
        .len(),
        1
    );
}

#[test]
fn fields_are_kept_whatever_they_hold() {
    let import = records(
        "f.jsonl",
        r#"{"text":"x","source":"ehr","tokens":12,"_x":"u","answer":"yes","codes":[{"c":"I10"}],"mixed":["a",true],"sha256":"0","none":null,"annotations":["a","b"]}"#,
    );
    let fields = &import.notes[0].details().fields;
    let found: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let want = [
        "_x=u",
        "annotations=a; b",
        "answer=yes",
        "codes=[{\"c\":\"I10\"}]",
        "mixed=[\"a\",true]",
        "sha256=0",
        "source=ehr",
        "tokens=12",
    ];
    assert_eq!(found, want);
}

#[test]
fn tasks_that_nobody_worked_on_are_read() {
    let content = r#"[{"id":1,"data":{"text":"Hello","meta":{"ward":"W"}}},{"id":2,"data":{"text":"World"}}]"#;
    let import = records("tasks.json", content);
    assert_eq!(texts(&import), ["Hello", "World"]);
    assert_eq!(sources(&import), ["tasks.json#1", "tasks.json#2"]);
    assert!(import.files[0].format.contains("Label Studio"));
    assert_eq!(import.notes[0].details().fields["meta.ward"], "W");
    let path = Temporary::new();
    let path = path.file("tasks.json", content);
    assert_eq!(texts(&named(&path, "data.text")), ["Hello", "World"]);
    let both = r#"{"text":"A","data":{"text":"B"}}"#;
    assert_eq!(texts(&records("b.json", both)), ["A"]);
}

#[test]
fn a_region_with_several_labels_keeps_them() {
    let import = records(
        "s.json",
        r#"[{"id": 1, "data": {"text": "abc def"}, "annotations": [{"result": [
            {"id": "a", "type": "labels", "value": {"start": 0, "end": 3, "labels": ["X", "Y"]}},
            {"type": "textarea", "value": {"start": 0, "end": 3, "text": ["zyxword"]}},
            {"type": "taxonomy", "value": {"taxonomy": [["A", "B"]]}},
            {"type": "zyxword", "value": {}}]}]}]"#,
    );
    assert_eq!(labels(&import), ["X abc", "Y abc"]);
    let ids: Vec<&str> = import.notes[0]
        .details()
        .annotations
        .spans
        .iter()
        .map(|s| &*s.id)
        .collect();
    assert_eq!(ids, ["a", "a-2"]);
    let said = format!("{:?}", import.warnings);
    for kind in ["textarea", "taxonomy", "not known here"] {
        assert!(said.contains(kind), "{said}");
    }
    assert!(!said.contains("zyxword") && import.warnings.len() == 3);
}

#[test]
fn records_are_counted_as_they_stand_in_the_file() {
    let import = records("one.json", r#"[{"text":"a a"},{"text":""},{"text":"c c"}]"#);
    assert_eq!(sources(&import), ["one.json[1]", "one.json[3]"]);
}

#[test]
fn one_line_is_json_lines_if_its_file_says_so() {
    for content in ["{\"text\":\"One note.\"}\n", "\"One note.\"\n"] {
        let import = records("single.jsonl", content);
        assert_eq!(
            (texts(&import), import.warnings.len()),
            (vec!["One note."], 0)
        );
        assert!(import.files[0].format.starts_with("JSON Lines"));
    }
    let import = records("list.jsonl", "[{\"text\":\"a\"},{\"text\":\"b\"}]\n");
    assert_eq!(import.notes.len(), 2);
    assert!(import.warnings[0].reason.contains("whatever its name says"));
}

/// The patient, the label and the id of a record are what it may lack.
#[test]
fn a_record_without_a_named_detail_is_read() {
    let content = "{\"meta\":{\"body\":\"One.\"},\"patient\":\"x\"}\n\
                   {\"meta\":{\"body\":\"Two.\",\"who\":\"p2\"},\"more\":\"Extra.\"}\n";
    let temporary = Temporary::new();
    let path = temporary.file("x.jsonl", content);
    let read = |text: &[&str], patient: &str| {
        let columns = Columns {
            text: text.iter().map(|name| (*name).to_owned()).collect(),
            patient: Some(patient.to_owned()),
            ..Columns::default()
        };
        let options = ImportOptions {
            columns,
            ..ImportOptions::default()
        };
        import(std::slice::from_ref(&path), &options, &Job::silent())
    };
    let found = read(&["meta.body", "more"], "meta.who");
    assert!(
        found.is_complete() && found.warnings.is_empty(),
        "{:?}",
        found.warnings
    );
    assert_eq!(texts(&found), ["One.", "Two.\n\nExtra."]);
    let patients: Vec<Option<&str>> = found
        .notes
        .iter()
        .map(|note| note.details().patient.as_deref())
        .collect();
    assert_eq!(patients, [None, Some("p2")]);
    let found = read(&["meta.body"], "meta.wo");
    assert_eq!(texts(&found).len(), 2);
    let said = found.warnings[0].to_string();
    assert!(
        said.contains("meta.wo") && said.contains("--patient"),
        "{said}"
    );
    assert!(read(&["meta.boy"], "meta.who").notes.is_empty());
}

#[test]
fn fhir_is_called_so_once() {
    let bundle = r#"{"resourceType": "Bundle", "entry": [{"note": "zyxword"}]}"#;
    for (name, content) in [
        ("b.json", bundle.to_owned()),
        ("b.ndjson", format!("{bundle}\n{bundle}\n")),
    ] {
        let import = records(name, &content);
        assert_eq!(
            (import.failures.len(), import.warnings.len()),
            (1, 0),
            "{name}"
        );
        let said = &import.failures[0].reason;
        assert!(
            said.contains("FHIR (Bundle)") && !said.contains("zyxword"),
            "{said}"
        );
    }
    let strange = records("b.json", r#"{"resourceType": "zyx word", "entry": 1}"#);
    assert!(!strange.failures[0].reason.contains("zyx"), "{strange:?}");
    let path = Temporary::new();
    let path = path.file(
        "n.json",
        r#"{"resourceType": "X", "text": {"div": "Own."}}"#,
    );
    assert_eq!(texts(&named(&path, "text.div")), ["Own."]);
}

#[test]
fn a_list_that_was_cut_gives_its_whole_records() {
    let whole = "[{\"text\": \"One.\"},\n {\"text\": \"Two.\"},\n {\"text\": \"zyxword\"}]";
    for (kept, notes) in [(whole.len() - 3, 2), (whole.len() - 1, 3), (45, 2), (25, 1)] {
        let import = records("c.json", &whole[..kept]);
        let case = format!("{kept} bytes: {:?}", import.warnings);
        assert_eq!(
            (import.notes.len(), import.files[0].skipped),
            (notes, 1),
            "{case}"
        );
        assert!(
            case.contains("ends too early") && !case.contains("zyxword"),
            "{case}"
        );
    }
    let import = records(
        "c.json",
        "[{\"text\": \"One.\"}, oops, {\"text\": \"Two.\"}]",
    );
    assert_eq!((texts(&import), import.warnings.len()), (vec!["One."], 1));
}

#[test]
fn reversed_offsets_are_called_so() {
    for spans in [
        r#""label": [[5, 2, "X"]]"#,
        r#""annotations": {"spans": [{"id": "T1", "label": "X", "pieces": [{"start": 5, "end": 2}]}]}"#,
    ] {
        let import = records("r.jsonl", &format!("{{\"text\": \"abc def\", {spans}}}\n"));
        let said = format!("{:?} {:?}", import.warnings, import.failures);
        assert!(said.contains("reversed"), "{said}");
    }
}
