//! What cannot be done, and what must not be: a sentence, never a panic, never text of a note.

use crate::common::{Numbers, Temporary, bundled_note, copy_folder, fixture};
use crate::{auscult, fails, path, succeeds, text};

#[test]
fn one_bad_note_does_not_lose_the_others() {
    let (tiny, temporary) = (fixture("tiny"), Temporary::new());
    temporary.file("good.txt", "A note.");
    temporary.file("bad.txt", b"A n\0te.");
    let output = auscult(&[
        "embed",
        "--model",
        path(&tiny),
        "--json",
        path(temporary.path()),
    ]);
    assert_eq!(output.status.code(), Some(1), "something is missing");
    assert_eq!(text(&output.stdout).lines().count(), 1);
    assert!(
        text(&output.stderr).contains("bad.txt: byte 3"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn what_cannot_be_done_is_a_sentence() {
    let (tiny, temporary) = (fixture("tiny"), Temporary::new());
    let tiny = path(&tiny);
    let note = bundled_note("progress-note.txt");
    let limited = |flags: &[&str], says: &str| {
        let arguments = ["embed", "--model", tiny, path(&note)];
        fails(&[&arguments[..], flags].concat(), 2, says);
    };
    limited(&["--max-tokens", "0"], "hold no text");
    limited(&["--max-tokens", "8193"], "at most 8192");
    limited(&["--max-tokens", "2"], "hold no text");
    limited(
        &["--max-tokens", "40", "--overlap", "38"],
        "smaller overlap",
    );
    fails(&["fill-mask", "--model", tiny, path(&note)], 1, "no [MASK]");
    fails(
        &["fill-mask", "--model", tiny, "--word", "qqqq", path(&note)],
        1,
        "does not occur",
    );
    let word = [
        "attention",
        "--model",
        tiny,
        "--word",
        "denies",
        path(&note),
    ];
    let flow = ["attention", "--model", tiny, "--flow", path(&note)];
    for asked in [&word[..], &flow] {
        fails(&[asked, &["--layers", "9"]].concat(), 2, "4 layers");
        fails(&[asked, &["--heads", "9"]].concat(), 2, "no head 9");
        fails(
            &[asked, &["--max-tokens", "9999"]].concat(),
            2,
            "at most 8192",
        );
    }
    let targets = [
        "fill-mask",
        "--model",
        tiny,
        "--word",
        "denies",
        path(&note),
    ];
    let targets = |words| [&targets[..], &["--targets", words]].concat();
    fails(&targets("fever,,cough"), 2, "no word");
    assert!(succeeds(&targets("fever, zzqq")).contains("\"zzqq\" is no token"));
    fails(&["embed", path(&note)], 2, "--model DIR");
    fails(
        &["fill-mask", "--model", tiny, "--word", " ", path(&note)],
        2,
        "no word",
    );
    fails(&["embed", "--model", tiny], 2, "NOTES");
    fails(&["embed", "--model", tiny, "missing.txt"], 1, "missing.txt");
    fails(
        &["fill-mask", "--model", tiny, "--top", "0", path(&note)],
        2,
        "--top",
    );
    let empty = temporary.file("empty.txt", " \n");
    fails(&["embed", "--model", tiny, path(&empty)], 1, "no text");
    let encoder = fixture("reference/bert-encoder");
    fails(
        &["embed", "--model", path(&encoder), path(&note)],
        1,
        "tokenizer",
    );
    fails(
        &["embed", "--model", tiny, "--device", "cuda", path(&note)],
        2,
        "gpu:N",
    );
}

/// Among many notes those without the word are no failure, unless all are.
#[test]
fn notes_without_the_word_are_counted() {
    let (tiny, temporary) = (fixture("tiny"), Temporary::new());
    let rows = "id,text\n1,No fever.\n2,Cough.\n3,Pain.\n4,No fever and no fever.\n";
    let notes = temporary.file("notes.csv", rows);
    for command in ["fill-mask", "attention"] {
        let ask = |word| {
            [
                command,
                "--model",
                path(&tiny),
                path(&notes),
                "--json",
                "--word",
                word,
            ]
        };
        for (flags, count, says) in [
            (&[][..], 2, "2 of 4 notes left out: the word"),
            (&["--occurrence", "2"], 1, "1 of 4 notes left out: the word"),
        ] {
            let output = auscult(&[&ask("fever")[..], flags].concat());
            let stderr = text(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{stderr}");
            assert_eq!(text(&output.stdout).lines().count(), count, "{stderr}");
            assert!(
                stderr.contains(says) && !stderr.contains("error"),
                "{stderr}"
            );
        }
        fails(&ask("qqqq"), 1, "error: 4 of 4 notes left out: the word");
        let stderr = auscult(&ask("qqqq")).stderr;
        assert_eq!(text(&stderr).matches("error: ").count(), 1);
        assert_eq!(text(&stderr).matches("occur").count(), 1);
    }
}

#[test]
fn results_never_replace_what_is_read() {
    let (tiny, temporary) = (fixture("tiny"), Temporary::new());
    let folder = temporary.path().join("notes");
    std::fs::create_dir(&folder).unwrap();
    let rows = "id,text\n1,Cough.\n";
    let note = temporary.file("notes/a.csv", rows);
    let other = folder.join("..").join("notes").join("a.csv");
    let model = temporary.path().join("model");
    copy_folder(&tiny, &model);
    let config = model.join("config.json");
    let own = ["embed", "--model", path(&model)];
    for (input, out) in [
        (&note, &note),
        (&note, &other),
        (&folder, &other),
        (&note, &config),
    ] {
        let arguments = [&own[..], &[path(input), "--out", path(out)]].concat();
        fails(&arguments, 2, "would replace it");
    }
    let import = ["notes", "import", path(&folder), "--out", path(&note)];
    fails(&import, 2, "would replace it");
    let check = ["models", "check", path(&model), "--out", path(&config)];
    fails(&check, 2, "would replace it");
    let bundled = bundled_note("progress-note.txt");
    let like = ["search", "--model", path(&tiny), path(&bundled)];
    let like = [&like[..], &["--like", path(&note), "--out", path(&note)]].concat();
    fails(&like, 2, "would replace it");
    assert_eq!(std::fs::read_to_string(&note).unwrap(), rows);
    let fresh = temporary.path().join("out.csv");
    for _ in 0..2 {
        succeeds(&[&own[..], &[path(&folder), "--out", path(&fresh)]].concat());
    }
}

/// What is missing is said before anything is read: the notes here do not exist.
#[test]
fn a_missing_model_or_file_of_rules_is_seen_first() {
    let tiny = fixture("tiny");
    for command in ["embed", "fill-mask", "surprise", "classify", "tag"] {
        fails(&[command, "none.txt"], 2, "--model DIR");
        let missing = [command, "--model", "no-model", "none.txt"];
        fails(&missing, 1, "no-model: no such folder");
        let rules = [
            command,
            "--model",
            path(&tiny),
            "--sections",
            "no-rules",
            "none.txt",
        ];
        fails(&rules, 2, "no-rules");
    }
}

#[test]
fn messages_hold_no_note_text() {
    let (tiny, temporary) = (fixture("tiny"), Temporary::new());
    let tiny = path(&tiny);
    let secret = "Zyxwvutsrq";
    let good = temporary.file("good.txt", format!("Seen by {secret}, [MASK] noted."));
    let bad = temporary.file("bad.txt", [secret.as_bytes(), b"\0"].concat());
    let long = temporary.file("long.txt", format!("{secret} ").repeat(9000));
    for arguments in [
        vec!["embed", "--model", tiny, path(&good)],
        vec!["embed", "--model", tiny, path(&bad)],
        vec![
            "embed",
            "--model",
            tiny,
            "--long",
            "last",
            "--max-tokens",
            "64",
            path(&long),
        ],
        vec![
            "search",
            "--model",
            tiny,
            "--query",
            "pain",
            "--json",
            path(&bad),
        ],
        vec!["notes", "import", path(&bad)],
        vec![
            "fill-mask",
            "--model",
            tiny,
            "--word",
            "absent",
            path(&good),
        ],
        vec!["fill-mask", "--model", tiny, "--json", path(&good)],
    ] {
        let stderr = auscult(&arguments).stderr;
        assert!(
            !text(&stderr).contains(&secret[..5]),
            "{arguments:?}: {}",
            text(&stderr)
        );
    }
}

/// A hundred damaged copies of a note: each gives a result or a sentence. What is still text gives
/// a result, and what holds a NUL does not.
#[test]
fn damaged_notes_never_panic() {
    let (tiny, temporary) = (fixture("tiny"), Temporary::new());
    let mut original = std::fs::read(bundled_note("progress-note.txt")).unwrap();
    original.truncate(400);
    let mut numbers = Numbers(42);
    let (mut sound, mut broken) = (Vec::new(), Vec::new());
    for index in 0..100 {
        let mut bytes = original.clone();
        match index % 4 {
            0 => bytes.truncate(1 + numbers.below(bytes.len())),
            1 => {
                let at = numbers.below(bytes.len());
                bytes[at] = [0, 0xFF, b'\r', 7][numbers.below(4)];
            }
            2 => {
                let at = numbers.below(bytes.len());
                let more: Vec<u8> = (0..9).map(|_| numbers.below(256) as u8).collect();
                bytes.splice(at..at, more);
            }
            _ => {
                let at = numbers.below(bytes.len());
                let emoji = "👩\u{200d}⚕️e\u{301}\u{a0}\r\n\u{200b}".bytes();
                bytes.splice(at..at, emoji);
            }
        }
        let name = format!("{index:03}.txt");
        match std::str::from_utf8(&bytes) {
            _ if bytes.contains(&0) => broken.push(name.clone()),
            Ok(_) => sound.push(name.clone()),
            Err(_) => {}
        }
        temporary.file(&name, bytes);
    }
    let output = auscult(&[
        "embed",
        "--model",
        path(&tiny),
        "--json",
        path(temporary.path()),
    ]);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(!stderr.contains("panicked"), "{stderr}");
    let errors = |line: &&str| line.starts_with("error: ");
    let errors: Vec<&str> = stderr.lines().filter(errors).collect();
    assert_eq!(stdout.lines().count() + errors.len(), 100, "{stderr}");
    assert!(sound.len() > 50 && broken.len() > 3, "{sound:?} {broken:?}");
    for name in &sound {
        let found = stdout.lines().filter(|line| line.contains(name)).count();
        assert_eq!(found, 1, "{name}: {stderr}");
    }
    for name in &broken {
        let said = |line: &&&str| line.contains(name);
        assert_eq!(errors.iter().filter(said).count(), 1, "{name}: {stderr}");
    }
}
