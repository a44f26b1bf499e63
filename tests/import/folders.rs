//! Folders and files beside each other: nothing is left out without a word.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

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
