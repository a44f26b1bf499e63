//! Sweeps from the command line: what they print and leave, stopped and gone on with; and described
//! wrongly.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::common::{Temporary, fixture};
use crate::{auscult, fails, lines, path, succeeds, text};

struct Recipe {
    temporary: Temporary,
    config: PathBuf,
}

impl Recipe {
    fn new(steps: usize) -> Self {
        let temporary = Temporary::new();
        let rows: String = (0..40)
            .map(|row| format!("{row},She coughs for {row} days.,{}\n", ["a", "b"][row % 2]))
            .collect();
        let notes = temporary.file("notes.csv", format!("id,text,label\n{rows}"));
        let config = format!(
            "task = \"classify\"\nlabel = \"label\"\nmodel = {:?}\ntrain = [{notes:?}]\n\
             steps = {steps}\nmax-tokens = 32\nbatch = 1\nevaluate-every = 2\n\
             validation-share = 0.2\ntest-share = 0.2\n",
            fixture("tiny"),
        );
        let config = temporary.file("recipe.toml", config);
        Self { temporary, config }
    }

    fn run(&self) -> PathBuf {
        self.temporary.path().join("sweep")
    }
}

#[test]
fn a_sweep_tells_its_settings_and_the_best_model() {
    let recipe = Recipe::new(2);
    let run = recipe.run();
    let flags = [
        ["train", path(&recipe.config)],
        ["--run", path(&run)],
        ["--sweep", "lr=1e-4,1e-2"],
        ["--seeds", "2"],
    ]
    .concat();
    let output = auscult(&flags);
    let [out, said] = [text(&output.stdout), text(&output.stderr)];
    assert!(output.status.success(), "{said}");
    for line in [
        "run 1 of 4: lr=1e-4/seed-0",
        "run 4 of 4: lr=1e-2/seed-1",
        "after step 2 of 2",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    for line in [
        "macro-F1",
        "lr=1e-4  2 of 2",
        "on test notes",
        "best run",
        "sweep.md",
    ] {
        assert!(out.contains(line), "{line}: {out}");
    }
    assert_eq!(out.matches(" ± 0.").count(), 2 * 3 + 3, "{out}");
    let model = out
        .lines()
        .find_map(|line| line.strip_prefix("model      "));
    succeeds(&["models", "check", model.unwrap()]);
    // A finished sweep is told again.
    let again = lines(&["train", "--resume", path(&run)]);
    let [report] = &again[..] else {
        panic!("{again:?}");
    };
    assert_eq!(report["complete"], true);
    assert_eq!(report["runs"].as_array().unwrap().len(), 4);
    assert_eq!(report["runs"][3]["state"], "finished");
    assert!(report["settings"][0]["validation"][0]["sd"].is_number());
    fails(&flags, 1, "not empty");
}

#[test]
fn ctrl_c_stops_a_sweep_that_can_go_on() {
    let recipe = Recipe::new(40);
    let run = recipe.run();
    let mut child = Command::new(env!("CARGO_BIN_EXE_auscult"))
        .args(["train", path(&recipe.config), "--run", path(&run)])
        .args(["--seeds", "2", "--device", "cpu"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("after step 4 of 40") {
        assert!(stderr.read_line(&mut said).unwrap() > 0, "{said}");
    }
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(sent.success());
    std::io::Read::read_to_string(&mut stderr, &mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{said}");
    let resume = format!(
        "stopped: 0 of 2 runs finished; go on with: auscult train --resume {}",
        run.display()
    );
    assert!(said.contains(&resume), "{said}");
    let report = fs::read_to_string(run.join("sweep.json")).unwrap();
    assert!(
        report.contains("\"stopped\"") && report.contains("\"waiting\""),
        "{report}"
    );
    let output = auscult(&["train", "--resume", path(&run)]);
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("going on after step"), "{said}");
    assert!(text(&output.stdout).contains("2 of 2"));
}

#[test]
fn a_wrong_sweep_is_refused_before_anything_is_made() {
    let recipe = Recipe::new(2);
    let run = recipe.run();
    let base = ["train", path(&recipe.config), "--run", path(&run)];
    for (flags, says) in [
        (
            &["--sweep", "lr=1e-3,fast"][..],
            "--sweep lr: \"fast\" is no number",
        ),
        (&["--sweep", "lr=1e-3,-1"], "--sweep lr=-1: lr is -1"),
        (
            &["--sweep", "rate=1"],
            "--sweep rate: there is no such field",
        ),
        (&["--sweep", "lr=1", "--lr", "2"], "--lr is given as well"),
        (
            &["--sweep", "max-tokens=32,99999"],
            "--sweep max-tokens=99999",
        ),
        (&["--seeds", "0"], "--seeds is 0"),
        (&["--seeds", "some"], "--seeds"),
        (&["--seeds", "2", "--check"], "--check"),
        (
            &["--seeds", "2", "--validation-share", "0"],
            "validation-share is 0",
        ),
    ] {
        fails(&[&base[..], flags].concat(), 2, says);
        assert!(!run.exists(), "{flags:?}");
    }
    fails(
        &["train", "--resume", path(&run), "--seeds", "2"],
        2,
        "--seeds",
    );
}
