//! A sweep is its runs: each to the bit what it is alone, whatever was stopped or failed beside it.

use std::fs;
use std::path::Path;

use auscult::engine::{
    DeviceChoice, Engine, Job, PlannedRun, RunState, StopFlag, SweepAxis, SweepObserver, SweepPlan,
    SweepReport, TrainConfig, TrainEvent, TrainObserver, TrainReport, TrainStart,
};
use serde_json::Value;

use crate::common::{Temporary, copy_folder, fixture};
use crate::{bytes, config, notes, train};

/// All that a run leaves of numbers.
const FILES: [&str; 3] = [
    "checkpoints/step-000000004/model/model.safetensors",
    "checkpoints/step-000000004/optimizer.safetensors",
    "best/model.safetensors",
];

/// Stops a sweep in one of its runs, and remembers what happened.
#[derive(Default)]
struct Watch {
    stop: StopFlag,
    /// Folder of the run, and step of it.
    stop_in: Option<(&'static str, u64)>,
    now: String,
    /// Runs with the steps that were made of each.
    made: Vec<(String, usize)>,
    ended: Vec<(String, RunState)>,
}

impl TrainObserver for Watch {
    fn begins(&mut self, _: &TrainStart) {}

    fn happens(&mut self, event: &TrainEvent) {
        if let TrainEvent::Step { step, .. } = event {
            self.made.last_mut().unwrap().1 += 1;
            if (self.stop_in).is_some_and(|(run, at)| run == self.now && at == *step) {
                self.stop.stop();
            }
        }
    }
}

impl SweepObserver for Watch {
    fn run_begins(&mut self, run: &PlannedRun, _: usize, _: usize) {
        self.now.clone_from(&run.folder);
        self.made.push((run.folder.clone(), 0));
    }

    fn run_ends(&mut self, run: &PlannedRun, state: &RunState, _: Option<&TrainReport>) {
        self.ended.push((run.folder.clone(), state.clone()));
    }
}

/// A classifier on invented notes, judged by validation and test notes.
fn recipe(temporary: &Temporary, run: &str) -> TrainConfig {
    TrainConfig {
        task: serde_json::from_value("classify".into()).unwrap(),
        label: Some("label".to_owned()),
        steps: 4,
        evaluate_every: 2,
        test_share: 0.2,
        ..config(temporary, run, notes(temporary, 24))
    }
}

fn plan(temporary: &Temporary, config: &TrainConfig, axes: &[&str], seeds: u64) -> SweepPlan {
    let file = temporary.file("recipe.toml", config.to_toml());
    let axes: Vec<SweepAxis> = axes
        .iter()
        .map(|own| SweepAxis::parse(own).unwrap())
        .collect();
    SweepPlan::new(Some(&file), &[], &axes, seeds).unwrap()
}

fn sweep(plan: SweepPlan, stop_in: Option<(&'static str, u64)>) -> (SweepReport, Watch) {
    let engine = Engine::open(DeviceChoice::Cpu).unwrap();
    let mut watch = Watch {
        stop_in,
        ..Watch::default()
    };
    let job = Job::new(watch.stop.clone());
    (engine.sweep(plan, &job, &mut watch).unwrap(), watch)
}

fn resume(folder: &Path) -> (SweepReport, Watch) {
    let engine = Engine::open(DeviceChoice::Cpu).unwrap();
    let mut watch = Watch::default();
    let report = engine.resume_sweep(folder, &Job::silent(), &mut watch);
    (report.unwrap(), watch)
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn two_seeds_are_two_single_runs_to_the_bit() {
    let temporary = Temporary::new();
    let (report, _) = sweep(plan(&temporary, &recipe(&temporary, "sweep"), &[], 2), None);
    assert!(report.complete);
    for seed in 0..2 {
        let single = TrainConfig {
            seed,
            ..recipe(&temporary, &format!("single-{seed}"))
        };
        let single = train(single, None).0.unwrap();
        let run = report.run.join(format!("seed-{seed}"));
        for file in FILES {
            assert!(
                bytes(&single.run, file) == bytes(&run, file),
                "{seed}: {file}"
            );
        }
        let own = report.runs[seed as usize].validation.as_ref().unwrap();
        assert_eq!(*own, single.judged[0].evaluation);
    }
    assert!(
        bytes(&report.run, "seed-0/best/model.safetensors")
            != bytes(&report.run, "seed-1/best/model.safetensors")
    );
}

#[test]
fn a_sweep_that_was_stopped_goes_on_as_if_it_had_not_been() {
    let temporary = Temporary::new();
    let axes = ["lr=1e-3,1e-2"];
    let whole = plan(&temporary, &recipe(&temporary, "whole"), &axes, 2);
    let (whole, _) = sweep(whole, None);
    let stopped = plan(&temporary, &recipe(&temporary, "stopped"), &axes, 2);
    let (report, watch) = sweep(stopped, Some(("lr=1e-3/seed-1", 3)));
    assert!(!report.complete && report.best.is_none());
    assert_eq!(
        watch.ended,
        [
            ("lr=1e-3/seed-0".to_owned(), RunState::Finished),
            ("lr=1e-3/seed-1".to_owned(), RunState::Stopped),
        ]
    );
    let states: Vec<RunState> = report.runs.iter().map(|run| run.state.clone()).collect();
    assert_eq!(states[2..], [RunState::Waiting, RunState::Waiting]);
    // It may be moved meanwhile.
    let moved = temporary.path().join("moved");
    fs::rename(&report.run, &moved).unwrap();
    let (report, watch) = resume(&moved);
    let made: Vec<(&str, usize)> = watch
        .made
        .iter()
        .map(|(run, steps)| (run.as_str(), *steps))
        .collect();
    assert_eq!(
        made,
        [
            ("lr=1e-3/seed-1", 1),
            ("lr=1e-2/seed-0", 4),
            ("lr=1e-2/seed-1", 4)
        ]
    );
    assert!(report.complete);
    for run in &whole.runs {
        for file in FILES {
            let file = format!("{}/{file}", run.folder);
            assert!(bytes(&whole.run, &file) == bytes(&moved, &file), "{file}");
        }
    }
    assert_eq!(report.runs, whole.runs);
    assert_eq!(report.settings, whole.settings);
    let (mut own, other) = (report.best.clone().unwrap(), whole.best.unwrap());
    assert!(own.model.starts_with(&moved) && own.model.join("config.json").is_file());
    own.model.clone_from(&other.model);
    assert_eq!(own, other);
    // Nothing is left to be done.
    let (again, watch) = resume(&moved);
    assert!(watch.made.is_empty());
    assert_eq!(again, report);
    // Killed before the state was written: what the runs have done is not done again.
    fs::remove_file(moved.join("sweep.json")).unwrap();
    let (again, watch) = resume(&moved);
    let steps: Vec<usize> = watch.made.iter().map(|(_, steps)| *steps).collect();
    assert_eq!(steps, [0; 4]);
    assert_eq!(again, report);
}

#[test]
fn a_run_that_fails_loses_no_other_and_is_tried_again() {
    let temporary = Temporary::new();
    let broken = temporary.path().join("broken");
    copy_folder(&fixture("tiny"), &broken);
    let weights = broken.join("model.safetensors");
    let good = fs::read(&weights).unwrap();
    let mut bad = good.clone();
    let end = bad.len();
    bad[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&weights, bad).unwrap();
    let recipe = TrainConfig {
        task: serde_json::from_value("masked-lm".into()).unwrap(),
        label: None,
        ..recipe(&temporary, "sweep")
    };
    let axis = format!("model={},{}", broken.display(), fixture("tiny").display());
    let (report, watch) = sweep(plan(&temporary, &recipe, &[&axis], 1), None);
    let [(_, RunState::Failed { reason }), (_, RunState::Finished)] = &watch.ended[..] else {
        panic!("{:?}", watch.ended);
    };
    assert!(reason.contains("step 1: the loss is NaN"), "{reason}");
    assert!(report.complete);
    assert_eq!(
        [report.settings[0].failed, report.settings[1].failed],
        [1, 0]
    );
    let best = report.best.unwrap();
    assert_eq!(best.run, report.runs[1].folder);
    let table = fs::read_to_string(report.run.join("sweep.md")).unwrap();
    assert!(table.contains("the loss is NaN"), "{table}");
    // Its checkpoint holds the number that is none, so it fails again; the other stays as it is.
    let (_, watch) = resume(&report.run);
    let [(run, RunState::Failed { .. })] = &watch.ended[..] else {
        panic!("{:?}", watch.ended);
    };
    assert_eq!(*run, report.runs[0].folder);
}

/// Mean and deviation, worked out here from what the runs themselves report.
#[test]
fn the_table_is_made_of_the_reports_of_the_runs() {
    let temporary = Temporary::new();
    let recipe = recipe(&temporary, "sweep");
    let (report, _) = sweep(plan(&temporary, &recipe, &["lr=1e-3,1e-2"], 2), None);
    let figure = |run: &str, part: &str, name: &str| -> f64 {
        let own = json(&report.run.join(run).join("report.json"));
        let judged = own["judged"].as_array().unwrap();
        let part = judged.iter().find(|own| own["part"] == part).unwrap();
        part[name].as_f64().unwrap()
    };
    let told = json(&report.run.join("sweep.json"));
    let near = |own: &Value, [a, b]: [f64; 2]| {
        let own = [&own["mean"], &own["sd"]].map(|own| own.as_f64().unwrap());
        let want = [(a + b) / 2.0, (a - b).abs() / 2f64.sqrt()];
        for (own, want) in own.into_iter().zip(want) {
            assert!(
                (own - want).abs() <= 1e-12 * want.abs().max(1.0),
                "{own} {want}"
            );
        }
    };
    let of = |figures: &Value, metric: &str| {
        let all = figures.as_array().unwrap();
        all.iter()
            .find(|own| own["metric"] == metric)
            .unwrap()
            .clone()
    };
    for (number, lr) in ["1e-3", "1e-2"].iter().enumerate() {
        for (metric, name) in [
            ("loss", "loss"),
            ("accuracy", "accuracy"),
            ("macro-f1", "macro_f1"),
        ] {
            let seeds =
                [0, 1].map(|seed| figure(&format!("lr={lr}/seed-{seed}"), "validation", name));
            near(&of(&told["settings"][number]["validation"], metric), seeds);
        }
    }
    let best = &told["best"];
    let lr = best["values"][0]["value"].as_str().unwrap();
    let seeds = [0, 1].map(|seed| figure(&format!("lr={lr}/seed-{seed}"), "test", "loss"));
    near(&of(&best["test"], "loss"), seeds);
    let run = best["run"].as_str().unwrap();
    assert_eq!(
        best["run_test"]["loss"].as_f64().unwrap(),
        figure(run, "test", "loss")
    );
}

#[test]
fn a_damaged_or_taken_folder_is_told() {
    let temporary = Temporary::new();
    let recipe = recipe(&temporary, "sweep");
    let engine = Engine::open(DeviceChoice::Cpu).unwrap();
    fs::create_dir(&recipe.run).unwrap();
    fs::write(recipe.run.join("mine.txt"), "").unwrap();
    let taken = plan(&temporary, &recipe, &[], 2);
    let error = engine.sweep(taken, &Job::silent(), &mut Watch::default());
    let error = error.unwrap_err().to_string();
    assert!(error.contains("not empty"), "{error}");
    fs::write(recipe.run.join("sweep.toml"), "runs = 3").unwrap();
    let error = engine.resume_sweep(&recipe.run, &Job::silent(), &mut Watch::default());
    let error = error.unwrap_err().to_string();
    assert!(error.contains("sweep.toml"), "{error}");
    fs::write(recipe.run.join("sweep.toml"), "runs = []").unwrap();
    let error = engine.resume_sweep(&recipe.run, &Job::silent(), &mut Watch::default());
    let error = error.unwrap_err().to_string();
    assert!(error.contains("no run"), "{error}");
}
