//! Would catch: a file of notes that is misread, one bad row that loses others, marks that do not
//! fit their text, a message that repeats note text, a source that is changed, a panic.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

#[path = "import/columns.rs"]
mod columns;
#[path = "import/conll.rs"]
mod conll;
#[path = "import/damage.rs"]
mod damage;
#[path = "import/export.rs"]
mod export;
#[path = "import/folders.rs"]
mod folders;
#[path = "import/properties.rs"]
mod properties;
#[path = "import/records.rs"]
mod records;
#[path = "import/stream.rs"]
mod stream;
#[path = "import/tables.rs"]
mod tables;
#[path = "import/units.rs"]
mod units;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use auscult::engine::{
    Columns, IMPORTERS, Import, ImportOptions, Job, Note, ann_lines, import, import_text,
};
use common::{Temporary, bundled_note, fixture};

fn read(path: &Path) -> Import {
    let paths = [path.to_owned()];
    import(&paths, &ImportOptions::default(), &Job::silent())
}

/// Read with this column named as the text.
fn named(path: &Path, text: &str) -> Import {
    let columns = Columns {
        text: vec![text.to_owned()],
        ..Columns::default()
    };
    let options = ImportOptions {
        columns,
        ..ImportOptions::default()
    };
    import(&[path.to_owned()], &options, &Job::silent())
}

fn good(name: &str) -> Import {
    let import = read(&fixture("notes/good").join(name));
    assert!(import.failures.is_empty(), "{name}: {:?}", import.failures);
    import
}

fn files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(fixture("notes").join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

fn texts(import: &Import) -> Vec<&str> {
    import.notes.iter().map(Note::text).collect()
}

fn sources(import: &Import) -> Vec<String> {
    let name = |note: &Note| {
        let source = note.source().to_string();
        source.rsplit('/').next().unwrap().to_owned()
    };
    import.notes.iter().map(name).collect()
}

/// Label and text of each marked span.
fn marked(note: &Note) -> Vec<(String, String)> {
    let spans = note.details().annotations.spans.iter();
    spans
        .map(|span| {
            let pieces: Vec<&str> = span
                .pieces
                .iter()
                .map(|p| &note.text()[p.clone()])
                .collect();
            (span.label.clone(), pieces.join(" "))
        })
        .collect()
}

#[test]
fn every_importer_has_a_good_and_a_broken_file() {
    let used = |folder: &str| -> Vec<String> {
        let ending = |path: PathBuf| path.to_string_lossy().trim_end_matches(".gz").to_owned();
        files(folder).into_iter().map(ending).collect()
    };
    let (good, broken) = (used("good"), used("broken"));
    for importer in IMPORTERS {
        let has = |names: &[String]| {
            let of = |ending: &str| {
                names
                    .iter()
                    .any(|name| name.ends_with(&format!(".{ending}")))
            };
            importer.endings.iter().any(|ending| of(ending))
        };
        assert!(has(&good) && has(&broken), "{}", importer.name);
    }
    for path in files("good") {
        let marks = path.extension().is_some_and(|ending| ending == "ann");
        assert!(marks || !read(&path).notes.is_empty(), "{}", path.display());
    }
    for path in files("broken") {
        let import = read(&path);
        assert!(
            import.notes.is_empty() && import.failures.len() == 1,
            "{}",
            path.display()
        );
        let said = format!("{} {import:?}", import.failures[0]);
        assert!(!said.contains("zyx"), "{said}");
    }
}

#[test]
fn what_is_wrong_with_a_file_is_a_sentence() {
    for (name, says) in [
        ("empty.txt", "no text"),
        ("binary.txt", "NUL"),
        ("pdf.txt", "PDF"),
        ("marks-only.ann", "marks without their text"),
        ("no-text-column.csv", "there are 2, not named here"),
        ("data-first.csv", "does not look like names"),
        ("cut.json", "line 1: this is no JSON: it ends too early"),
        ("no-object.jsonl", "line 1: a record is an object"),
        ("no-text.jsonl", "name it with --text"),
        ("cut.csv.gz", "ends too early"),
        ("no-labels.conll", "no column holds labels"),
    ] {
        let import = read(&fixture("notes/broken").join(name));
        let said = import.failures[0].to_string();
        assert!(said.contains(says) && said.contains(name), "{said}");
    }
    let missing = read(Path::new("no/such/file.txt"));
    assert!(missing.failures[0].to_string().contains("no/such/file.txt"));
    let empty = Temporary::new();
    let import = read(empty.path());
    assert!(
        import.failures[0].reason.contains(".jsonl"),
        "{:?}",
        import.failures
    );
}

#[test]
fn text_in_three_encodings() {
    for (name, text, encoding, guessed) in [
        (
            "plain.txt",
            "HPI: 3 days of cough, temp 38.5 °C.\r\nPlan: rest 😀\n",
            "UTF-8",
            false,
        ),
        (
            "windows.txt",
            "Levothyroxine 75 µg daily – stable.\r\nTemp 36.8 °C",
            "Windows-1252",
            true,
        ),
        ("utf16.txt", "Café worker, 5 µg/kg.", "UTF-16LE", false),
    ] {
        let import = good(name);
        assert_eq!(texts(&import), [text]);
        let file = &import.files[0];
        assert_eq!(
            (file.encoding.to_string().as_str(), file.guessed),
            (encoding, guessed)
        );
        assert_eq!(file.sha256.len(), 64);
    }
    let options = ImportOptions {
        encoding: Some("utf-8".parse().unwrap()),
        ..ImportOptions::default()
    };
    let path = fixture("notes/good/windows.txt");
    let import = import(&[path], &options, &Job::silent());
    assert!(
        import.failures[0].reason.contains("byte 17"),
        "{:?}",
        import.failures
    );
}

#[test]
fn tables_are_read_with_their_columns() {
    let import = good("clinic.csv");
    assert_eq!(
        texts(&import),
        [
            "Cough, \"dry\".\nNo fever.",
            "Chest pain on exertion.",
            "Seen for µ-opioid taper."
        ]
    );
    assert_eq!(
        sources(&import),
        ["clinic.csv#n1", "clinic.csv#n2", "clinic.csv#n3"]
    );
    let details = import.notes[1].details();
    assert_eq!(details.patient.as_deref(), Some("p1"));
    assert_eq!(details.labels, ["Consult"]);
    assert_eq!(details.fields["author"], "B");
    assert_eq!(
        texts(&good("semicolon.csv"))[1],
        "Second; with a semicolon."
    );
    assert_eq!(texts(&good("tabs.tsv"))[0], "He said \"fine.");
    assert!(
        good("noteevents.csv").files[0]
            .format
            .contains("MIMIC-III NOTEEVENTS")
    );
    let discharge = good("discharge.csv.gz");
    assert!(discharge.files[0].format.contains("MIMIC-IV"));
    assert_eq!(
        texts(&discharge),
        ["Admitted with \"syncope\".\nDischarged."]
    );
}

#[test]
fn one_bad_row_loses_no_other() {
    let temporary = Temporary::new();
    let table = "ROW_ID,SUBJECT_ID,HADM_ID,CATEGORY,ISERROR,TEXT\n1,7,1,A,,First.\n2,7,1,A,1,zyxword wrong.\n\
                 3,7,1,A,,  \n4,7,1,A\n5,7,1,A,,\"open quote zyxword\n6,7,1,A,,Sixth.\n7,7,1,A,,\"Sev\nenth.\"\n";
    let import = read(&temporary.file("events.csv", table));
    assert_eq!(texts(&import), ["First.", "Sixth.", "Sev\nenth."]);
    let lines: Vec<Option<u64>> = import.warnings.iter().map(|w| w.line).collect();
    assert_eq!(
        lines,
        [Some(3), Some(4), Some(5), Some(6)],
        "{:?}",
        import.warnings
    );
    assert_eq!(import.files[0].skipped, 4);
    assert!(!import.is_complete() && !format!("{import:?}").contains("zyxword"));

    let lines = "{\"text\": \"First.\"}\n{\"text\": \"zyxword\n{\"text\": \"\"}\n[1]\n{\"text\": \"Fifth.\", \"n\": 1}\n";
    let import = read(&temporary.file("lines.jsonl", lines));
    assert_eq!(texts(&import), ["First.", "Fifth."]);
    let lines: Vec<Option<u64>> = import.warnings.iter().map(|w| w.line).collect();
    assert_eq!(lines, [Some(2), Some(3), Some(4)]);
    assert!(!format!("{import:?}").contains("zyxword"));
}

#[test]
fn marks_of_every_dialect_fit_their_text() {
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    };
    let brat = good("brat.txt");
    let want = [
        ("Symptom", "chest\npain"),
        ("Age", "Naïve patient"),
        ("Severity", "severe"),
    ];
    assert_eq!(marked(&brat.notes[0]), pairs(&want));
    let mut lines = ann_lines(&brat.notes[0].details().annotations, brat.notes[0].text());
    let own = std::fs::read_to_string(fixture("notes/good/brat.ann")).unwrap();
    let mut want: Vec<&str> = own.lines().collect();
    lines.sort();
    want.sort();
    assert_eq!(lines, want);

    let doccano = good("doccano.jsonl");
    assert!(doccano.files[0].format.contains("doccano"));
    assert_eq!(marked(&doccano.notes[0]), pairs(&[("DRUG", "metformin")]));
    assert_eq!(
        marked(&doccano.notes[1]),
        pairs(&[("PROBLEM", "asthma"), ("PROBLEM", "COPD")])
    );
    let relation = &doccano.notes[1].details().annotations.relations[0];
    assert_eq!(
        (relation.label.as_str(), relation.arguments[1].1.as_str()),
        ("SAME", "12")
    );

    let prodigy = good("prodigy.jsonl");
    assert_eq!(marked(&prodigy.notes[0]), pairs(&[("DRUG", "warfarin")]));
    assert_eq!(marked(&prodigy.notes[1]), []);
    assert!(prodigy.warnings[0].reason.contains("not accepted"));

    let studio = good("label-studio.json");
    assert_eq!(
        marked(&studio.notes[0]),
        pairs(&[("SYMPTOM", "Pain"), ("SITE", "knee")])
    );
    assert_eq!(studio.notes[0].details().labels, ["Ortho"]);
    assert_eq!(
        studio.notes[0].details().annotations.relations[0].label,
        "at"
    );
    assert_eq!(sources(&studio), ["label-studio.json#101"]);
}

#[test]
fn marks_that_do_not_fit_are_left_out_and_listed() {
    let temporary = Temporary::new();
    for (name, content) in [
        (
            "a.jsonl",
            r#"{"text": "abc def", "label": [[0, 3, "X"], [4, 9, "X"]]}"#,
        ),
        (
            "b.jsonl",
            r#"{"text": "abc def", "answer": "accept", "spans": [{"start": 0, "end": 3, "label": "X"}, {"start": 4, "end": 7, "label": "X", "text": "zyxword"}]}"#,
        ),
        (
            "c.json",
            r#"[{"data": {"text": "abc def"}, "annotations": [{"result": [{"value": {"start": 0, "end": 3, "labels": ["X"]}}, {"value": {"start": 0, "end": 3, "text": "zyxword", "labels": ["X"]}}]}]}]"#,
        ),
    ] {
        let import = read(&temporary.file(name, content));
        assert_eq!(marked(&import.notes[0]).len(), 1, "{name}");
        assert_eq!(import.files[0].skipped, 1, "{name}: {:?}", import.warnings);
        assert!(!format!("{import:?}").contains("zyxword"));
    }
}

#[test]
fn records_of_other_shapes() {
    let import = good("named-records.json");
    assert_eq!(texts(&import), ["First part.\nSecond part.", "Only part."]);
    assert_eq!(
        sources(&import),
        ["named-records.json#10", "named-records.json#11"]
    );
    assert_eq!(import.notes[0].details().labels, ["yes"]);
    assert_eq!(
        texts(&good("texts.json")),
        ["First note.", "Second \"note\"."]
    );
    let plain = good("plain.jsonl");
    assert_eq!(plain.notes[0].text(), "Two lines:\nhere µg 😀.");
    assert_eq!(plain.notes[0].details().fields["age"], "64");
    assert_eq!(plain.notes[1].details().labels, ["X", "Y"]);
}

#[test]
fn named_columns_win_and_may_be_nested() {
    let temporary = Temporary::new();
    let path = temporary.file(
        "x.jsonl",
        "{\"meta\": {\"body\": \"Deep.\"}, \"text\": \"Flat.\", \"who\": 7}\n",
    );
    let options = ImportOptions {
        columns: Columns {
            text: vec!["text".to_owned(), "meta.body".to_owned()],
            patient: Some("who".to_owned()),
            ..Columns::default()
        },
        ..ImportOptions::default()
    };
    let import = import(&[path], &options, &Job::silent());
    assert_eq!(texts(&import), ["Flat.\n\nDeep."]);
    assert_eq!(import.notes[0].details().patient.as_deref(), Some("7"));
}

#[test]
fn misnamed_files_are_read_as_what_they_are() {
    let temporary = Temporary::new();
    let lines = std::fs::read(fixture("notes/good/doccano.jsonl")).unwrap();
    let import = read(&temporary.file("really-lines.txt", &lines));
    assert_eq!(import.notes.len(), 2);
    assert!(
        import.warnings[0].reason.contains("JSON Lines"),
        "{:?}",
        import.warnings
    );
    let packed = std::fs::read(fixture("notes/good/discharge.csv.gz")).unwrap();
    assert_eq!(read(&temporary.file("packed.csv", packed)).notes.len(), 1);
    let table = std::fs::read(fixture("notes/good/clinic.csv")).unwrap();
    assert_eq!(read(&temporary.file("table.json", table)).notes.len(), 3);
}

#[test]
fn folders_are_read_by_name_and_sources_stay_as_they_are() {
    let folder = fixture("notes/good");
    let contents = || -> BTreeMap<PathBuf, Vec<u8>> {
        let files = files("good").into_iter();
        files
            .map(|path| (path.clone(), std::fs::read(path).unwrap()))
            .collect()
    };
    let before = contents();
    let import = read(&folder);
    assert!(import.failures.is_empty(), "{:?}", import.failures);
    assert_eq!(contents(), before);
    assert!(import.files.is_sorted_by_key(|file| file.path.clone()));
    let mut names = sources(&import);
    assert_eq!(names.len(), 29);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 29, "every note has a name of its own");
    let bundled = read(bundled_note("progress-note.txt").parent().unwrap());
    assert!(
        bundled.is_complete(),
        "{:?} {:?}",
        bundled.failures,
        bundled.warnings
    );
    assert!(bundled.notes.len() >= 10);
}

#[test]
fn pasted_text_is_read_as_the_file_it_would_be() {
    let paste = |text: &str| import_text(text, &ImportOptions::default(), &Job::silent());
    assert_eq!(texts(&paste("Cough.\nRest.")), ["Cough.\nRest."]);
    let lines = paste("{\"text\": \"First.\"}\n{\"text\": \"Second.\"}\n");
    assert_eq!(texts(&lines), ["First.", "Second."]);
    assert_eq!(paste(" \n").failures.len(), 1);
}
