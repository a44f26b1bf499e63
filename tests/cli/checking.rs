//! `auscult train --check` and `--fit`: memory that is measured, a limit, and what is done then.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::common::{Temporary, fixture};
use crate::{auscult, fails, path, text};

/// The run of a batch that takes more than everything else in the process.
struct Recipe {
    temporary: Temporary,
    config: PathBuf,
}

impl Recipe {
    fn new() -> Self {
        let temporary = Temporary::new();
        let rows: String = (0..18)
            .map(|row| format!("{row},{}\n", "She coughs and has no fever. ".repeat(30)))
            .collect();
        let notes = temporary.file("notes.csv", format!("id,text\n{rows}"));
        let config = format!(
            "model = {:?}\ntrain = [{notes:?}]\nepochs = 1\nmax-tokens = 256\nbatch = 16\nlr = 1e-3\n",
            fixture("tiny"),
        );
        let config = temporary.file("recipe.toml", config);
        Self { temporary, config }
    }

    fn run(&self) -> PathBuf {
        self.temporary.path().join("run")
    }

    /// Exit status, standard output and standard error.
    fn train(&self, flags: &[&str]) -> (i32, String, String) {
        let run = self.run();
        let all = [&["train", path(&self.config), "--run", path(&run)], flags].concat();
        let output = auscult(&all);
        let [out, err] = [text(&output.stdout), text(&output.stderr)];
        (
            output.status.code().unwrap(),
            out.to_owned(),
            err.to_owned(),
        )
    }

    fn check(&self, flags: &[&str]) -> (i32, Value) {
        let (status, out, err) = self.train(&[&["--check", "--json"], flags].concat());
        let json = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
        assert!(!self.run().exists(), "nothing is written");
        (status, json)
    }

    /// The largest resident memory of a run, in bytes.
    fn actual_peak(&self, flags: &[&str]) -> f64 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_auscult"))
            .args(["train", path(&self.config), "--run", path(&self.run())])
            .args(["--device", "cpu", "--quiet"])
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let status = format!("/proc/{}/status", child.id());
        let mut peak = 0.0_f64;
        while child.try_wait().unwrap().is_none() {
            let now = fs::read_to_string(&status).unwrap_or_default();
            let line = now.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kilobytes =
                line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
            peak = kilobytes.map_or(peak, |own: f64| peak.max(own * 1024.0));
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        assert!(child.wait().unwrap().success());
        fs::remove_dir_all(self.run()).unwrap();
        peak
    }
}

fn needed(check: &Value) -> f64 {
    check["needed_bytes"].as_f64().unwrap()
}

/// Bytes as the flag takes them.
fn limit(bytes: f64) -> String {
    format!("{}", bytes / 1e9)
}

#[test]
fn memory_is_what_the_run_then_takes_and_a_change_makes_it_fit() {
    let recipe = Recipe::new();
    let (status, check) = recipe.check(&[]);
    assert_eq!((status, &check["known"]), (0, &Value::from("measured")));
    let actual = recipe.actual_peak(&[]);
    let ratio = needed(&check) / actual;
    assert!((0.85..1.15).contains(&ratio), "{ratio}: {check}");

    // Three quarters of what it takes beyond a run with the smallest batch.
    let (_, smallest) = recipe.check(&["--batch", "1"]);
    let allowed = needed(&smallest) + 0.75 * (needed(&check) - needed(&smallest));
    let allowed = limit(allowed);
    let (status, narrow) = recipe.check(&["--memory-limit", &allowed]);
    assert_eq!(
        (status, &narrow["fits"]),
        (1, &Value::from(false)),
        "{narrow}"
    );
    assert!(needed(&narrow) > narrow["free_bytes"].as_f64().unwrap());
    let proposal = &narrow["proposal"];
    assert_eq!(proposal["fits"], true, "{narrow}");
    assert_eq!(proposal["same_result"], true, "{narrow}");
    assert!(needed(proposal) <= narrow["free_bytes"].as_f64().unwrap());
    let changed = proposal["changes"].as_array().unwrap();
    assert!(!changed.is_empty());

    let (status, fields, said) = recipe.train(&["--check", "--fit", "--memory-limit", &allowed]);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("does not fit"), "{said}");
    assert!(!recipe.run().exists());
    let flags: Vec<String> = fields
        .lines()
        .flat_map(|line| {
            let (field, value) = line.split_once(" = ").unwrap();
            match value {
                "true" => vec![format!("--{field}")],
                value => vec![format!("--{field}"), value.to_owned()],
            }
        })
        .collect();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let with_them = recipe.actual_peak(&flags);
    assert!(with_them < actual, "{with_them} of {actual}: {fields}");

    // A limit alone keeps a run from beginning that does not fit.
    let (status, _, said) = recipe.train(&["--memory-limit", &allowed]);
    assert!(status == 1 && said.contains("not begun"), "{said}");
    assert!(!recipe.run().exists());

    let (status, _, said) = recipe.train(&["--fit", "--memory-limit", &allowed]);
    assert_eq!(status, 0, "{said}");
    let stored = fs::read_to_string(recipe.run().join("config.toml")).unwrap();
    for line in fields.lines() {
        assert!(stored.lines().any(|own| own == line), "{line}: {stored}");
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    let recipe = Recipe::new();
    let config = path(&recipe.config);
    fails(
        &["train", "--resume", "x", "--check"],
        2,
        "cannot be used with",
    );
    fails(&["train", config, "--memory-limit", "none"], 2, "gigabytes");
    fails(&["train", config, "--check"], 2, "run is missing");
}
