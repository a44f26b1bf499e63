//! Damaged copies of every format: a result or a sentence, never a panic, never note text.

use auscult::engine::{ImportOptions, Job, import};

use crate::common::{Numbers, Temporary};
use crate::files;

#[test]
fn a_hundred_damaged_copies_of_each_file() {
    let mut numbers = Numbers(7);
    let (mut read, mut refused) = (0, 0);
    for path in files("good") {
        let original = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let temporary = Temporary::new();
        for _ in 0..100 {
            let mut bytes = original.clone();
            for _ in 0..=numbers.below(3) {
                let at = numbers.below(bytes.len().max(1));
                match numbers.below(5) {
                    0 => bytes.truncate(at),
                    1 if !bytes.is_empty() => bytes[at] = numbers.below(256) as u8,
                    2 => drop(bytes.splice(at..at, b"\"\0\xFF{[,\t\r\n".iter().copied())),
                    3 => drop(bytes.drain(at..(at + numbers.below(9)).min(bytes.len()))),
                    _ => {
                        let end = (at + numbers.below(40)).min(bytes.len());
                        let again = bytes[at..end].to_vec();
                        bytes.splice(at..at, again);
                    }
                }
            }
            let file = temporary.file(name, &bytes);
            if let Some(stem) = name.strip_suffix(".ann") {
                let text = std::fs::read(path.with_extension("txt")).unwrap();
                temporary.file(&format!("{stem}.txt"), text);
            }
            let file = match name.strip_suffix(".ann") {
                Some(stem) => temporary.path().join(format!("{stem}.txt")),
                None => file,
            };
            let import = import(&[file], &ImportOptions::default(), &Job::silent());
            match import.notes.is_empty() {
                true => {
                    assert_eq!(import.failures.len(), 1, "{name}");
                    refused += 1;
                }
                false => read += 1,
            }
            for note in &import.notes {
                let spans = &note.details().annotations.spans;
                for piece in spans.iter().flat_map(|span| &span.pieces) {
                    assert!(!note.text()[piece.clone()].is_empty());
                }
                let map = note.map().unwrap();
                assert!(map.position(0) <= map.position(note.text().len()));
            }
            let messages = format!("{:?} {:?} {:?}", import, import.failures, import.warnings);
            for word in [
                "cough",
                "syncope",
                "Stable",
                "warfarin",
                "metformin",
                "knee",
            ] {
                assert!(!messages.contains(word), "{name}: {messages}");
            }
        }
    }
    assert!(
        read > 300 && refused > 100,
        "{read} read, {refused} refused"
    );
}
