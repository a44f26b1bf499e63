//! Folders and files beside each other: nothing is left out without a word.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use auscult::engine::{ImportOptions, Job, import};

use crate::common::Temporary;
use crate::{marked, read, texts};

fn packed(content: &str) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(content.as_bytes()).unwrap();
    packer.finish().unwrap()
}

#[test]
fn only_whole_names_are_about_the_folder() {
    let temporary = Temporary::new();
    for name in [
        "notice-of-discharge.txt",
        "readmission.txt",
        "a.txt",
        "README.txt",
        "Licence.txt.gz",
        "NOTICE",
        "x.pdf",
    ] {
        temporary.file(name, name);
    }
    let import = read(temporary.path());
    assert_eq!(
        texts(&import),
        ["a.txt", "notice-of-discharge.txt", "readmission.txt"]
    );
    let said = &import.warnings[0].reason;
    assert!(
        said.contains("1 file of other kinds and 3 files about the folder"),
        "{said}"
    );
}

#[test]
fn marks_are_found_beside_compressed_texts() {
    let (text, marks) = ("Chest pain.", "T1\tSymptom 6 10\tpain\n");
    for (text_name, marks_name) in [
        ("x.txt", "x.ann"),
        ("x.txt", "x.ann.gz"),
        ("x.txt.gz", "x.ann"),
        ("x.txt.gz", "x.ann.gz"),
    ] {
        let temporary = Temporary::new();
        let content = |name: &str, content: &str| match name.ends_with("gz") {
            true => packed(content),
            false => content.as_bytes().to_vec(),
        };
        temporary.file(text_name, content(text_name, text));
        let marks = temporary.file(marks_name, content(marks_name, marks));
        let import = read(temporary.path());
        assert_eq!(
            marked(&import.notes[0]),
            [("Symptom".to_owned(), "pain".to_owned())]
        );
        assert!(
            import.is_complete() && import.warnings.is_empty(),
            "{:?}",
            import.warnings
        );
        let said = read(&marks).failures[0].reason.clone();
        assert!(said.contains(text_name), "{said}");
    }
}

#[test]
fn markup_is_said_to_be_markup() {
    let temporary = Temporary::new();
    for (name, content, kind) in [
        (
            "a.xml",
            "<?xml version=\"1.0\"?>\n<note>zyxword</note>",
            Some("XML"),
        ),
        ("a.html", " <!DOCTYPE HTML>\n<p>zyxword", Some("HTML")),
        ("b.html", "<html>é", Some("HTML")),
        ("b.txt", "<5 years of pain", None),
    ] {
        let import = read(&temporary.file(name, content));
        assert_eq!(import.notes.len(), 1);
        let said: Vec<&str> = import.warnings.iter().map(|one| &*one.reason).collect();
        match kind {
            Some(kind) => assert!(
                said[0].contains(kind) && !said[0].contains("zyx"),
                "{said:?}"
            ),
            None => assert!(said.is_empty(), "{said:?}"),
        }
    }
}

/// As `DIR/*` of a shell does.
#[test]
fn marks_that_are_named_with_their_text_are_read_with_it() {
    let temporary = Temporary::new();
    let text = temporary.file("a.txt", "Chest pain.");
    let marks = temporary.file("a.ann", "T1\tSymptom 6 10\tpain\n");
    let alone = temporary.file("b.ann", "T1\tSymptom 6 10\tpain\n");
    let again = temporary.path().join(".").join("a.txt");
    for paths in [[&marks, &text], [&text, &marks], [&marks, &again]] {
        let paths = paths.map(Clone::clone);
        let import = import(&paths, &ImportOptions::default(), &Job::silent());
        assert!(import.is_complete(), "{:?}", import.failures);
        assert_eq!(texts(&import), ["Chest pain."]);
        assert_eq!(marked(&import.notes[0]).len(), 1);
    }
    for marks in [&marks, &alone] {
        assert_eq!(read(marks).failures.len(), 1, "{}", marks.display());
    }
}

/// Only its last row is lost, even if what is left of it looks like a row.
#[test]
fn rows_of_a_compressed_file_that_was_cut_are_read() {
    let temporary = Temporary::new();
    let rows = |row: &dyn Fn(usize) -> String| (0..2000).map(row).collect::<String>();
    let word = |row: usize| (row * 7919 % 10_007).to_string();
    let table = rows(&|row| format!("{row},Résumé of {} {}.\n", word(row), word(row + 1)));
    let lines = rows(&|row| format!("{{\"text\": \"Résumé of {}.\"}}\n", word(row)));
    for (name, content) in [
        ("t.csv.gz", format!("id,text\n{table}")),
        ("t.jsonl.gz", lines),
    ] {
        let whole = packed(&content);
        for lost in [1, 9, whole.len() / 3, whole.len() / 2] {
            let import = read(&temporary.file(name, &whole[..whole.len() - lost]));
            let case = format!("{name} without {lost} bytes: {:?}", import.warnings);
            assert!(
                import.warnings[0].reason.contains("ends too early"),
                "{case}"
            );
            assert_eq!(
                (import.warnings.len(), import.files[0].skipped),
                (1, 1),
                "{case}"
            );
            assert_eq!(import.files[0].encoding.to_string(), "UTF-8");
            assert!(!import.is_complete() && import.notes.len() > 300, "{case}");
            let ends = import.notes.iter().all(|note| note.text().ends_with('.'));
            assert!(ends, "{case}");
        }
    }
    let whole = packed(&"Cough. ".repeat(400));
    let import = read(&temporary.file("t.txt.gz", &whole[..whole.len() - 9]));
    assert!(
        import.failures[0].reason.contains("no whole note"),
        "{import:?}"
    );
}

#[test]
fn what_text_is_marked_up_is_said_whatever_its_name() {
    let temporary = Temporary::new();
    let page = "<!DOCTYPE html>\n<html><p>Cough.</p></html>";
    for (name, content, says) in [
        ("page.html", page, "HTML"),
        ("page.txt", page, "HTML"),
        ("x.nxml", "<?xml version=\"1.0\"?><p>Cough.</p>", "XML"),
        ("x.txt", "<?xml version=\"1.0\"?><p>Cough.</p>", "XML"),
    ] {
        let import = read(&temporary.file(name, content));
        assert_eq!(texts(&import), [content], "{name}");
        assert!(
            import.warnings[0].reason.contains(says),
            "{name}: {:?}",
            import.warnings
        );
    }
}
