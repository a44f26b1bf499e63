//! What watching costs a run at the usual pace: the same run alone and watched, in two processes by
//! turns of a second, so that a machine that becomes slower does so for both.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write, stdin};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use auscult::engine::{
    DeviceChoice, Engine, Job, Note, Probe, Source, TrainConfig, TrainEvent, TrainObserver,
    TrainStart, WatchEvery, WatchPlan, film,
};

use crate::common::Temporary;

/// Where a process finds what it is to do: the folder of its run.
const ALONE: &str = "AUSCULT_RUN_ALONE";
const WATCHED: &str = "AUSCULT_RUN_WATCHED";

/// What a process says when it has had its turn. It begins, and goes on, when it is told a line.
const HAD: &str = "had its turn";

const TURN: Duration = Duration::from_secs(1);
const STEPS: u64 = 600;
const PAIRS: usize = 3;

/// Trains the bundled model:
/// `cargo test --release --test training what_watching_costs -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes, wants a machine for itself, and gives a figure to be read"]
fn what_watching_costs() {
    match (env::var_os(ALONE), env::var_os(WATCHED)) {
        (Some(run), _) => by_turns(run.into(), None),
        (_, Some(run)) => by_turns(run.into(), Some(plan())),
        _ => compared(),
    }
}

fn compared() {
    let [mut alone, mut watched] = [Duration::ZERO; 2];
    for pair in 0..PAIRS {
        let temporary = Temporary::new();
        let folder = |name: &str| temporary.path().join(name);
        let mut runs = [(ALONE, folder("alone")), (WATCHED, folder("watched"))]
            .map(|(role, run)| Run::begin(role, &run));
        while runs.iter().any(|own| own.left) {
            // Each begins as often as the other.
            let first = pair % 2;
            runs[first].turn();
            runs[1 - first].turn();
        }
        let took = runs.map(|own| own.took);
        let frames = film(&folder("watched"), &Job::silent()).unwrap().frames;
        println!(
            "alone {:.1} s, watched {:.1} s: {:+.1} %; {} frames kept",
            took[0].as_secs_f64(),
            took[1].as_secs_f64(),
            100.0 * (took[1].as_secs_f64() / took[0].as_secs_f64() - 1.0),
            frames.len(),
        );
        alone += took[0];
        watched += took[1];
    }
    let more = 100.0 * (watched.as_secs_f64() / alone.as_secs_f64() - 1.0);
    println!("all {PAIRS} pairs: watched runs took {more:+.1} %");
}

/// A run in a process of its own.
struct Run {
    process: Child,
    tell: ChildStdin,
    told: BufReader<ChildStdout>,
    /// How long all its turns took.
    took: Duration,
    /// Whether there is more to be done.
    left: bool,
}

impl Run {
    fn begin(role: &str, run: &Path) -> Self {
        let own = env::current_exe().unwrap();
        let name = concat!(module_path!(), "::what_watching_costs");
        let name = name.split_once("::").unwrap().1;
        let mut process = Command::new(own)
            .args([name, "--exact", "--ignored", "--nocapture"])
            .env(role, run)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            tell: process.stdin.take().unwrap(),
            told: BufReader::new(process.stdout.take().unwrap()),
            process,
            took: Duration::ZERO,
            left: true,
        }
    }

    fn turn(&mut self) {
        if !self.left {
            return;
        }
        let start = Instant::now();
        writeln!(self.tell).unwrap();
        let mut line = String::new();
        while self.left && !line.ends_with(&format!("{HAD}\n")) {
            line.clear();
            self.left = self.told.read_line(&mut line).unwrap() > 0;
        }
        self.took += start.elapsed();
        if !self.left {
            assert!(self.process.wait().unwrap().success());
        }
    }
}

/// A run that is made while this process has its turn.
struct ByTurns {
    plan: Option<WatchPlan>,
    since: Instant,
}

/// Waits to be told to go on.
fn wait() -> Instant {
    stdin().read_line(&mut String::new()).unwrap();
    Instant::now()
}

impl TrainObserver for ByTurns {
    fn begins(&mut self, _: &TrainStart) {}

    fn happens(&mut self, event: &TrainEvent) {
        // After a step: what is waited here is time of no step and of no frame.
        if matches!(event, TrainEvent::Step { .. }) && self.since.elapsed() >= TURN {
            println!("{HAD}");
            self.since = wait();
        }
    }

    fn watches(&mut self) -> Option<WatchPlan> {
        self.plan.clone()
    }
}

fn by_turns(run: PathBuf, plan: Option<WatchPlan>) {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    let config = TrainConfig {
        model: assets.join("models/auscult-small"),
        run,
        train: vec![assets.join("notes")],
        max_tokens: 128,
        batch: 2,
        steps: STEPS,
        evaluate_every: 50,
        validation_share: 0.2,
        ..TrainConfig::default()
    };
    let engine = Engine::open(DeviceChoice::Cpu).unwrap();
    let since = wait();
    let mut observer = ByTurns { plan, since };
    engine.train(config, &Job::silent(), &mut observer).unwrap();
}

fn plan() -> WatchPlan {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/notes/progress-note.txt");
    let text = fs::read_to_string(path).unwrap();
    WatchPlan {
        probes: vec![Probe {
            note: Arc::new(Note::new(Source::Typed, text)),
            chosen: Some(11..17),
        }],
        every: WatchEvery::Affordable,
    }
}
