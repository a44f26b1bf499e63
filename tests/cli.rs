//! Would catch: a command that fails on the tiny model and the bundled notes, prints its results
//! in the wrong place, or ends with the wrong status; a message that repeats note text.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

#[path = "cli/benching.rs"]
mod benching;
#[cfg(target_os = "linux")]
#[path = "cli/checking.rs"]
mod checking;
#[path = "cli/data.rs"]
mod data;
#[path = "cli/looking.rs"]
mod looking;
#[path = "cli/results.rs"]
mod results;
#[cfg(unix)]
#[path = "cli/stopping.rs"]
mod stopping;
#[cfg(unix)]
#[path = "cli/sweeping.rs"]
mod sweeping;
#[cfg(unix)]
#[path = "cli/training.rs"]
mod training;
#[path = "cli/wrong.rs"]
mod wrong;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::{Temporary, copy_folder, fixture};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
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

/// The JSON lines that a command prints.
#[track_caller]
fn lines(arguments: &[&str]) -> Vec<Value> {
    let printed = succeeds(&[arguments, &["--json"]].concat());
    let line = |line| serde_json::from_str::<Unique>(line).unwrap().0;
    printed.lines().map(line).collect()
}

/// A value none of whose objects has two fields of one name, of which most readers keep only one.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        value.deserialize_any(UniqueNames).map(Self)
    }
}

struct UniqueNames;

impl<'de> Visitor<'de> for UniqueNames {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = serde_json::Map::new();
        while let Some((name, Unique(value))) = map.next_entry::<String, Unique>()? {
            if object.insert(name.clone(), value).is_some() {
                return Err(Error::custom(format!("\"{name}\" is there twice")));
            }
        }
        Ok(object.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Unique(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

/// The rows of the table that a command writes, its header first; cells hold no comma.
#[track_caller]
fn table(arguments: &[&str]) -> Vec<Vec<String>> {
    let temporary = Temporary::new();
    let out = temporary.path().join("out.csv");
    let printed = succeeds(&[arguments, &["--out", path(&out)]].concat());
    assert_eq!(printed, "", "results go to the file");
    let text = std::fs::read_to_string(&out).unwrap();
    let cells = |line: &str| line.split(',').map(str::to_owned).collect();
    text.lines().map(cells).collect()
}

/// The cell of a row in the column of this name.
fn cell<'a>(table: &'a [Vec<String>], row: usize, column: &str) -> &'a str {
    let index = table[0].iter().position(|name| name == column).unwrap();
    &table[row][index]
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
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
fn a_tokenizer_with_more_tokens_than_the_model_is_a_problem() {
    let temporary = Temporary::new();
    let folder = temporary.path().join("model");
    copy_folder(&fixture("tiny"), &folder);
    let file = folder.join("tokenizer.json");
    let mut tokenizer: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let added = tokenizer["added_tokens"].as_array_mut().unwrap();
    added.push(serde_json::json!({
        "id": 1024, "content": "<new>", "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": false
    }));
    std::fs::write(&file, tokenizer.to_string()).unwrap();
    let output = auscult(&["models", "check", path(&folder)]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    assert!(
        stdout.contains("1025 tokens") && stdout.contains("1024 rows"),
        "{stdout}"
    );
    assert!(text(&output.stderr).contains("does not fit its tokenizer"));
}

#[test]
fn doctor_checks_the_device_and_reference_cases() {
    let report = succeeds(&["doctor"]);
    assert!(report.contains("--device auto takes: "), "{report}");
    assert!(
        report.contains("Chosen:") && report.matches("pass").count() >= 6,
        "{report}"
    );
    let report = lines(&["doctor"]).remove(0);
    let checks = report["self_check"].as_array().unwrap();
    assert!(report["passed"] == true && checks.iter().all(|check| check["passed"] == true));
    let reference = fixture("reference");
    let reference = path(&reference);
    let report = succeeds(&["doctor", "--reference", reference, "--case", "rope"]);
    assert!(report.contains("1 case passed, 0 failed"), "{report}");
    fails(
        &["doctor", "--reference", reference, "--case", "none"],
        2,
        "no case",
    );
    fails(&["doctor", "--case", "rope"], 2, "--reference");
}

/// On a machine without a screen a graphics driver may write there.
#[test]
fn standard_error_is_left_to_this_program() {
    let session = ["DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"];
    let note = fixture("notes/good/plain.txt");
    let tiny = fixture("tiny");
    let embed = ["embed", "--quiet", "--model", path(&tiny), path(&note)];
    for arguments in [&["doctor"][..], &embed] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_auscult"));
        for name in session {
            command.env_remove(name);
        }
        let output = command
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success());
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
    }
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
        &["bench", "attention"],
        &["bench", "training-step"],
        &["shaders"],
    ] {
        let help = succeeds(&[command, &["--help"]].concat());
        assert!(help.contains("Example: auscult"), "{command:?}: {help}");
    }
}

#[test]
fn shaders_are_written_as_text() {
    let temporary = Temporary::new();
    let folder = temporary.path().join("new");
    let listed = succeeds(&["shaders"]);
    succeeds(&["shaders", "--out", path(&folder)]);
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
    assert!(files.len() > 100 && files.len() == listed.lines().count());
    let text = std::fs::read_to_string(folder.join("attention_forward-01.wgsl")).unwrap();
    assert!(text.contains("fn main(") && text.contains("const HEAD_DIM: u32 = 16u;"));
    fails(&["shaders", "--json"], 2, "--json has no meaning");
}
