//! Would catch: a command that fails on the tiny model and the bundled notes, prints its results
//! in the wrong place, or ends with the wrong status; a message that repeats note text.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::{Numbers, Temporary, bundled_note, fixture};
use serde_json::Value;

fn auscult(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_auscult"))
        .args(arguments)
        .args(["--device", "cpu"])
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[track_caller]
fn succeeds(arguments: &[&str]) -> String {
    let output = auscult(arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout).to_owned()
}

#[track_caller]
fn fails(arguments: &[&str], status: i32, says: &str) {
    let output = auscult(arguments);
    let stderr = text(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(status),
        "{arguments:?}: {stderr}"
    );
    assert!(
        stderr.contains(says),
        "{arguments:?} should say {says:?}: {stderr}"
    );
    assert!(
        output.stdout.is_empty(),
        "{arguments:?}: {}",
        text(&output.stdout)
    );
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn models_check_says_what_the_model_is() {
    let tiny = fixture("tiny");
    let report = succeeds(&["models", "check", path(&tiny)]);
    for word in [
        "modernbert",
        "masked language model",
        "8192 tokens",
        "random weights",
    ] {
        assert!(report.contains(word), "{word}: {report}");
    }
    let legacy = fixture("reference/bert-legacy-names");
    let report = succeeds(&["models", "check", path(&legacy)]);
    assert!(
        report.contains("left aside") && report.contains("cls.seq_relationship"),
        "{report}"
    );
    let json: Value =
        serde_json::from_str(&succeeds(&["models", "check", path(&tiny), "--json"])).unwrap();
    assert_eq!(json["max_tokens"], 8192);
}

/// What is wrong with a folder is this command's result: on standard output, or in the file.
#[test]
fn models_check_prints_what_is_wrong() {
    for (folder, says) in [
        ("nothing", "nothing"),
        ("reference/bert-encoder", "tokenizer"),
        ("reference/config-v5", "no weights"),
    ] {
        let folder = fixture(folder);
        let output = auscult(&["models", "check", path(&folder)]);
        assert_eq!(output.status.code(), Some(1));
        let stdout = text(&output.stdout);
        assert!(stdout.contains(says), "{says}: {stdout}");
        assert!(text(&output.stderr).contains("does not load"));
        let output = auscult(&["models", "check", path(&folder), "--json"]);
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(json["problem"].as_str().unwrap().contains(says), "{json}");
    }
}

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
                    lines.len() == 3 && lines[1].split(',').count() == 69,
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
        fails(&[&arguments[..], flags].concat(), 1, says);
    };
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

#[test]
fn doctor_checks_the_device_and_reference_cases() {
    let report = succeeds(&["doctor"]);
    assert!(report.contains("--device auto takes: "), "{report}");
    assert!(
        report.contains("Chosen:") && report.matches("pass").count() >= 6,
        "{report}"
    );
    let reference = fixture("reference");
    let reference = path(&reference);
    let report = succeeds(&["doctor", "--reference", reference, "--case", "rope"]);
    assert!(report.contains("1 cases passed, 0 failed"), "{report}");
    fails(
        &["doctor", "--reference", reference, "--case", "none"],
        1,
        "no case",
    );
    fails(&["doctor", "--case", "rope"], 2, "--reference");
}

#[test]
fn bench_measures_what_it_is_asked_for() {
    let report = succeeds(&[
        "bench",
        "encoder",
        "--size",
        "tiny",
        "--lengths",
        "16,40",
        "--json",
    ]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let lengths = report["lengths"].as_array().unwrap();
    assert_eq!(lengths.len(), 2);
    for length in lengths {
        assert!(length["seconds"].as_f64().unwrap() > 0.0);
        assert!(length["parts"]["sliding_attention"].as_f64().unwrap() > 0.0);
    }
    fails(
        &["bench", "encoder", "--size", "tiny", "--lengths", "9000"],
        1,
        "at most 8192",
    );
    fails(&["bench", "encoder", "--lengths", "0"], 2, "--lengths");
}

#[test]
fn rules_for_headings_go_where_they_are_asked_for() {
    let temporary = Temporary::new();
    let rules = succeeds(&["notes", "rules"]);
    let toml = temporary.path().join("rules.toml");
    assert_eq!(succeeds(&["notes", "rules", "--out", path(&toml)]), "");
    assert_eq!(std::fs::read_to_string(&toml).unwrap(), rules);
    let json = succeeds(&["notes", "rules", "--json"]);
    let first: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert!(
        first["name"].is_string() && first["headings"][0].is_string(),
        "{first}"
    );
    let table = temporary.path().join("rules.csv");
    succeeds(&["notes", "rules", "--out", path(&table)]);
    let table = std::fs::read_to_string(table).unwrap();
    assert!(table.starts_with("name,heading\r\n") && table.lines().count() > 50);
    fails(&["notes", "rules", "--out", "rules.npy"], 2, "no such form");
    let nowhere = temporary.path().join("none/rules.toml");
    fails(
        &["notes", "rules", "--out", path(&nowhere)],
        1,
        "cannot write",
    );
}

#[test]
fn every_command_has_an_example() {
    for command in [
        &["models", "check"][..],
        &["fill-mask"],
        &["embed"],
        &["search"],
        &["surprise"],
        &["classify"],
        &["tag"],
        &["attention"],
        &["notes", "import"],
        &["notes", "outline"],
        &["notes", "rules"],
        &["doctor"],
        &["bench", "encoder"],
    ] {
        let help = succeeds(&[command, &["--help"]].concat());
        assert!(help.contains("Example: auscult"), "{command:?}: {help}");
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
