//! Training from the command line: killed, stopped, without room on the disk; and described wrongly.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::common::{Numbers, Temporary, fixture};
use crate::{auscult, fails, path, succeeds, text};

const STEPS: usize = 40;

/// The flags of a short run on a file of invented notes, without that of its folder.
struct Recipe {
    _temporary: Temporary,
    folder: PathBuf,
    config: PathBuf,
}

impl Recipe {
    fn new() -> Self {
        let temporary = Temporary::new();
        let rows: String = (0..40)
            .map(|row| format!("{row},She coughs for {row} days and has no fever.\n"))
            .collect();
        let notes = temporary.file("notes.csv", format!("id,text\n{rows}"));
        let config = format!(
            "model = {:?}\ntrain = [{:?}]\nsteps = {STEPS}\nmax-tokens = 32\nbatch = 1\nlr = 1e-3\n\
             evaluate-every = 7\nsave-every = 3\n",
            fixture("tiny"),
            notes
        );
        let config = temporary.file("recipe.toml", config);
        Self {
            folder: temporary.path().to_owned(),
            _temporary: temporary,
            config,
        }
    }

    fn run(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn begin(&self, run: &Path) -> Child {
        start(&["train", path(&self.config), "--run", path(run)])
    }
}

fn start(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_auscult"))
        .args(arguments)
        .args(["--device", "cpu"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the last checkpoint and the best model hold.
fn state(run: &Path) -> Vec<Vec<u8>> {
    let last = format!("checkpoints/step-{STEPS:09}");
    [
        format!("{last}/model/model.safetensors"),
        format!("{last}/optimizer.safetensors"),
        "best/model.safetensors".to_owned(),
    ]
    .iter()
    .map(|file| fs::read(run.join(file)).unwrap())
    .collect()
}

/// The history without its times.
fn history(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("history.jsonl")).unwrap();
    let event = |line: &str| {
        let mut event: Value = serde_json::from_str(line).unwrap();
        event.as_object_mut().unwrap().remove("seconds");
        event
    };
    text.lines().map(event).collect()
}

/// Kills a run again and again, at any moment, until it comes to its end all the same.
#[test]
fn a_run_that_is_killed_again_and_again_ends_as_if_it_had_not_been() {
    let recipe = Recipe::new();
    let whole = recipe.run("whole");
    succeeds(&["train", path(&recipe.config), "--run", path(&whole)]);
    let run = recipe.run("killed");
    let mut numbers = Numbers(0x5EED);
    let (mut kills, mut child) = (0, recipe.begin(&run));
    loop {
        std::thread::sleep(Duration::from_millis(150 + numbers.below(700) as u64));
        if let Some(status) = child.try_wait().unwrap() {
            let mut said = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut said)
                .unwrap();
            assert!(status.success(), "{said}");
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        assert!(kills < 500, "the run gets nowhere");
        // Before its folder is there, there is nothing to go on with.
        child = match run.join("config.toml").is_file() {
            true => start(&["train", "--resume", path(&run)]),
            false => recipe.begin(&run),
        };
    }
    assert!(kills > 1, "only {kills} kills");
    assert!(state(&run) == state(&whole), "after {kills} kills");
    assert_eq!(history(&run), history(&whole));
    let left: Vec<_> = fs::read_dir(run.join("checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn ctrl_c_saves_and_says_how_to_go_on() {
    let recipe = Recipe::new();
    let run = recipe.run("run");
    let mut child = recipe.begin(&run);
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("after step 7 of 40") {
        assert!(stderr.read_line(&mut said).unwrap() > 0, "{said}");
    }
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{said}");
    assert!(
        said.contains("stopped after step") && said.contains("--resume"),
        "{said}"
    );
    let step: usize = said
        .split("stopped after step ")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let saved = run.join(format!("checkpoints/step-{step:09}/state.json"));
    assert!(saved.is_file(), "{said}");
    let report = succeeds(&["train", "--resume", path(&run)]);
    assert!(report.contains("40 of 40"), "{report}");
}

/// A limit on the size of files stands for a disk that is full.
#[test]
fn a_full_disk_is_said_and_loses_no_checkpoint() {
    let recipe = Recipe::new();
    let run = recipe.run("run");
    succeeds(&[
        "train",
        path(&recipe.config),
        "--run",
        path(&run),
        "--steps",
        "6",
    ]);
    let toml = fs::read_to_string(run.join("config.toml")).unwrap();
    fs::write(
        run.join("config.toml"),
        toml.replace("steps = 6", "steps = 12"),
    )
    .unwrap();
    let before = fs::read(run.join("checkpoints/step-000000006/state.json")).unwrap();
    // Less than the model's 845 kB, more than the other files; the signal would end the program.
    let script = format!(
        "trap '' XFSZ; ulimit -f 400; exec {:?} train --resume {run:?} --device cpu",
        env!("CARGO_BIN_EXE_auscult")
    );
    let output = Command::new("bash")
        .args(["-c", &script])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("cannot be written") && said.contains("--resume"),
        "{said}"
    );
    assert!(!said.contains("panicked"), "{said}");
    let after = fs::read(run.join("checkpoints/step-000000006/state.json")).unwrap();
    assert_eq!(before, after);
    let names: Vec<_> = fs::read_dir(run.join("checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        names
            .iter()
            .all(|name| !name.to_str().unwrap().contains("partial")),
        "{names:?}"
    );
    let report = succeeds(&["train", "--resume", path(&run)]);
    assert!(report.contains("12 of 12"), "{report}");
}

/// What parts hold and share is on the terminal before the first step, and no text with it.
#[test]
fn a_run_says_what_it_learns_from() {
    let temporary = Temporary::new();
    let row = |n: usize| format!("{n},ward {},zyxa visit {n} {n},{}\n", n % 9, n % 2 + 9);
    let rows: String = (0..30).map(row).collect();
    let notes = temporary.file("notes.csv", format!("id,ward,text,label\n{rows}"));
    let again = "id,text,label\n1,Zyxa  VISIT 4 4,9\n";
    let test = temporary.file("test.csv", again);
    let run = temporary.path().join("run");
    let tiny = fixture("tiny");
    let flags = [
        ["--model", path(&tiny)],
        ["--train", path(&notes)],
        ["--test", path(&test)],
        ["--run", path(&run)],
        ["--task", "classify"],
        ["--label", "label"],
        ["--group", "ward"],
        ["--steps", "1"],
        ["--max-tokens", "16"],
    ];
    let output = auscult(&[&["train"], &flags.concat()[..]].concat());
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    for line in [
        "the notes, kept together by \"ward\"",
        "train  validation        test",
        "1 note of test: the same text as one of train",
        "test.csv#1: the same text as",
        "1 kept for the end",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let labels: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("  9 ") || line.starts_with("  10 "))
        .collect();
    assert_eq!(labels.len(), 2, "{said}");
    assert!(!said.to_lowercase().contains("zyxa"), "{said}");
}

#[test]
fn a_wrong_description_says_what_and_where() {
    let recipe = Recipe::new();
    let run = recipe.run("run");
    let with = |flags: &[&'static str]| -> Vec<String> {
        let all = [&["train", path(&recipe.config), "--run", path(&run)], flags].concat();
        all.iter().map(|argument| (*argument).to_owned()).collect()
    };
    for (flags, says) in [
        (vec!["--lr", "0"], "lr is 0"),
        (vec!["--lr", "fast"], "--lr: \"fast\" is no number"),
        (vec!["--schedule", "sometimes"], "possible values"),
        (vec!["--schedule", "trapezoid"], "decay is 0"),
        (vec!["--metric", "macro-f1"], "masked-LM"),
        (vec!["--form", "{text"], "form is \"{text\""),
        (vec!["--separator", ";"], "several-labels"),
        (vec!["--test-share", "0.85"], "test-share is 0.85"),
    ] {
        let arguments = with(&flags);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        fails(&arguments, 2, says);
        assert!(!run.exists());
    }
    let toml = fs::read_to_string(&recipe.config).unwrap();
    let wrong = recipe.folder.join("wrong.toml");
    fs::write(&wrong, toml.replace("lr =", "learning-rate =")).unwrap();
    fails(
        &["train", path(&wrong), "--run", path(&run)],
        2,
        "learning-rate",
    );
    let elsewhere = recipe.folder.join("elsewhere.toml");
    let train = toml.lines().find(|own| own.starts_with("train =")).unwrap();
    fs::write(
        &elsewhere,
        toml.replace(train, "train = [\"gone/notes.csv\"]"),
    )
    .unwrap();
    for more in [&[][..], &["--seeds", "2"]] {
        let asked = ["train", path(&elsewhere), "--run", path(&run)];
        fails(&[&asked[..], more].concat(), 2, "go to the folder");
        assert!(!run.exists());
    }
    fails(&["train", "--resume", path(&recipe.folder)], 1, "is no run");
    fails(&["train", path(&recipe.config)], 2, "run is missing");
    let help = succeeds(&["train", "--help"]);
    for flag in [
        "--mask-rate-end",
        "--lora-rank",
        "--several-labels",
        "--data-memory",
        "--seed",
    ] {
        assert!(help.contains(flag), "{flag}");
    }
    let status = auscult(&["train", "--resume", "x", "--lr", "1"]).status;
    assert_eq!(status.code(), Some(2));
}
