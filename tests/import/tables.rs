//! Rows of tables: one that is broken loses no other, and makes no note of what is none.

use std::time::Duration;

use auscult::engine::{Import, Job, StopFlag, import};

use crate::common::Temporary;
use crate::{marked, named, read, sources, texts};

fn table(content: impl AsRef<[u8]>) -> Import {
    read(&Temporary::new().file("t.csv", content))
}

fn ids(import: &Import) -> Vec<&str> {
    let notes = import.notes.iter();
    notes
        .filter_map(|note| note.details().id.as_deref())
        .collect()
}

fn lines(import: &Import) -> Vec<u64> {
    import.warnings.iter().filter_map(|one| one.line).collect()
}

#[test]
fn a_row_too_long_with_several_lines_makes_no_notes() {
    let import = table(
        "id,text\n1,\"First.\"\n7,\"Line one\nfever, cough and a zyxword\nend of note\",extra\n\
         8,\"Eighth.\"\n9\n10,\"Say \"no, x\" twice\nand, so\non.\"\n11,\"A \"\"b\"\".\"\n",
    );
    assert_eq!(ids(&import), ["1", "8", "11"]);
    assert_eq!(lines(&import), [3, 7, 8], "{:?}", import.warnings);
    assert!(!format!("{import:?}").contains("zyxword"));
}

#[test]
fn after_an_open_quote_the_next_row_is_one_like_those_before() {
    let import = table(
        "id,text,by\n1,First.,A\n2,\"Second,A\nfever, cough, zyxword\n\nend\n3,Third.,B\n4,\"Fo\nurth.\",B\n",
    );
    assert_eq!(texts(&import), ["First.", "Third.", "Fo\nurth."]);
    assert_eq!(lines(&import), [3]);
    assert!(
        import.warnings[0].reason.contains("up to line 6"),
        "{:?}",
        import.warnings
    );
    assert_eq!(sources(&import)[2], "t.csv#4");
    // A quote that is not closed in another column takes the next row's text for its own.
    let import = table("id,by,text\n1,A,First.\n2,\"B,Second.\n3,\"C\",Third.\n4,D,Fourth.\n");
    assert_eq!(ids(&import), ["1", "3", "4"]);
    assert_eq!(lines(&import), [3]);
}

#[test]
fn quotes_that_are_never_closed_do_not_take_forever() {
    let rows: String = (0..20_000).map(|row| format!("{row},\"\"x\n")).collect();
    let import = table(format!("id,text\n{rows}"));
    assert!(import.files.is_empty() || import.files[0].skipped > 0);
}

#[test]
fn a_byte_that_is_no_text_loses_its_row_only() {
    let table_of = |bad: &[u8]| {
        let start = "id,text\n1,Temp 38 °C and 5 µg\n2,\"Two\nlines ".as_bytes();
        [start, bad, b" zyxword\"\n3,Fine.\n"].concat()
    };
    for bad in [&b"\xFF"[..], b"\0", b"\xC3"] {
        let import = table(table_of(bad));
        assert_eq!(ids(&import), ["1", "3"], "{bad:?}");
        assert_eq!((lines(&import), import.files[0].skipped), (vec![3], 1));
        let said = &import.warnings[0].reason;
        assert!(
            said.contains("byte 45") && !said.contains("zyxword"),
            "{said}"
        );
    }
    let temporary = Temporary::new();
    let lines_of = |bad: &[u8]| {
        let start = "{\"text\": \"5 µg °\"}\n{\"text\": \"zyxword ".as_bytes();
        [start, bad, b"\"}\n{\"text\": \"Third.\"}\n"].concat()
    };
    for bad in [&b"\xFF"[..], b"\0"] {
        let import = read(&temporary.file("l.jsonl", lines_of(bad)));
        assert_eq!(texts(&import), ["5 µg °", "Third."]);
        assert_eq!(lines(&import), [2]);
    }
    let units: Vec<u8> = "id,text\n1,a\n2,b\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let wrong = [
        b"\xFF\xFE",
        &units[..],
        b"3\0,\0\x3D\xD8\n\0",
        b"4\0,\0d\0\n\0",
    ]
    .concat();
    assert_eq!(ids(&table(wrong)), ["1", "2", "4"]);
    // Marks are lines, too.
    temporary.file(
        "m.ann",
        b"T1\tX 0 1\ta\nT2\tX 2 3\t\xC2\xB5\nT3\tX 2 3\t\xC2\xB5\n#1\tN T1\t\xFFzyxword\n",
    );
    let import = read(&temporary.file("m.txt", "a µ"));
    assert_eq!(
        (marked(&import.notes[0]).len(), lines(&import)),
        (3, vec![4])
    );
    assert!(import.notes[0].details().annotations.comments.is_empty());
    // A text has no rows, and a table without names of columns cannot be read.
    for (name, content) in [
        ("a.txt", &b"5 \xC2\xB5g \xC2\xB0 \xFF"[..]),
        ("b.csv", b"id,te\xFFxt\n1,a \xC2\xB5\xC2\xB5\n"),
        ("c.json", b"[{\"text\": \"\xC2\xB5\xC2\xB5 \xFF\"}]"),
    ] {
        let import = read(&temporary.file(name, content));
        assert!(
            import.failures[0].reason.contains("byte "),
            "{:?}",
            import.failures
        );
    }
}

#[test]
fn rows_marked_as_errors_are_left_out_in_every_spelling() {
    let import = table(
        "ROW_ID,CATEGORY,ISERROR,TEXT\n1,A,1.0,x\n2,A,,y\n3,A,0.0,y\n4,A, 1 ,x\n5,A,true,x\n6,A,nan,y\n",
    );
    assert_eq!(ids(&import), ["2", "3", "6"]);
    let import = read(&Temporary::new().file(
        "e.jsonl",
        "{\"id\":1,\"ISERROR\":\"1\",\"TEXT\":\"x\"}\n{\"id\":2,\"ISERROR\":\"\",\"TEXT\":\"y\"}\n\
         {\"id\":3,\"ISERROR\":1.0,\"TEXT\":\"x\"}\n{\"id\":4,\"ISERROR\":null,\"TEXT\":\"y\"}\n",
    ));
    assert_eq!(ids(&import), ["2", "4"]);
    assert_eq!(import.files[0].skipped, 2);
}

#[test]
fn columns_of_one_name_are_kept_apart() {
    let import = table("id,text,by,by,by_2\n1,Cough.,A,B,C\n");
    let fields = &import.notes[0].details().fields;
    let values: Vec<&str> = fields.values().map(String::as_str).collect();
    assert_eq!(values, ["A", "B", "C"]);
    assert!(
        import.warnings[0].reason.contains("2 columns"),
        "{:?}",
        import.warnings
    );
}

#[test]
fn a_note_is_not_taken_for_a_table() {
    let temporary = Temporary::new();
    for note in [
        "Radiology, Report\nPatient with cough, fever and chills.\nNo effusion.\n",
        "Jane Doe, Note\nCough, fever.\nNausea, vomiting.\n",
        "Patient, Note\nLong prose, with commas, and more.\nAnother, line, too.\nNone.\n",
    ] {
        let path = temporary.file("note.txt", note);
        assert_eq!(texts(&read(&path)), [note]);
        // A column that is not there does not make it one.
        let import = named(&path, "foo");
        assert_eq!(texts(&import), [note]);
        let said = &import.warnings[0].reason;
        assert!(said.contains("--text") && !said.contains("Jane"), "{said}");
    }
    let table = "note_id,text\n1,First.\n2,Second.\n";
    assert_eq!(read(&temporary.file("table.txt", table)).notes.len(), 2);
    // With a column named, the text is a table that has it.
    for name in ["table.dat", "table.txt"] {
        let path = temporary.file(name, "id,narrative\n1,First.\n2,Second.\n");
        assert_eq!(texts(&named(&path, "narrative")), ["First.", "Second."]);
        assert_eq!(read(&path).notes.len(), 1, "{name}");
    }
}

#[test]
fn names_that_could_be_data_are_not_repeated() {
    for content in [
        "Smith John,Chest pain\nDoe Jane,Fever\n",
        "id,Jane Doe\n1,Fever\n",
    ] {
        let said = table(content).failures[0].to_string();
        assert!(
            said.contains("there are 2") && !said.contains("J"),
            "{said}"
        );
    }
    let said = table("id,patient,words\n1,2,3\n").failures[0].to_string();
    assert!(said.contains("there are: id, patient, words"), "{said}");
    let record = "{\"Jane Doe\": \"fever\", \"id\": 1}\n{\"id\": 2, \"Jane Doe\": \"cough\"}\n";
    let import = read(&Temporary::new().file("r.jsonl", record));
    assert!(!format!("{:?} {:?}", import.failures, import.warnings).contains("Jane"));
}

/// The first report stops the import, when the first file is about to be read.
#[test]
fn a_stopped_import_keeps_what_was_read() {
    let temporary = Temporary::new();
    temporary.file("1.txt", "First.");
    temporary.file("2.csv", "id,text\n1,Second.\n");
    temporary.file("3.txt", "Third.");
    let stop = StopFlag::default();
    let job = Job::reporting(stop.clone(), Duration::ZERO, move |_| _ = stop.stop());
    let import = import(&[temporary.path().to_owned()], &Default::default(), &job);
    assert_eq!(texts(&import), ["First."]);
    assert_eq!((import.files.len(), import.failures.len()), (1, 0));
    assert!(import.stopped && !import.is_complete());
    assert_eq!((import.done, import.total), (1, 3));
}
