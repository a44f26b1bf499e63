//! Would catch: an operation that computes something else on an adapter than on the CPU; burn
//! choosing another shader compiler than WGSL's, under which hand-written kernels cannot run.
//!
//! These tests need a software adapter (Debian: mesa-vulkan-drivers) and fail without one, so they
//! are ignored by default; `.ci/run` runs them: `cargo test --test adapter -- --ignored`.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use auscult::engine::{
    DeviceChoice, Engine, EngineError, Job, Outcome, SelfCheck, StopFlag, TrainConfig, TrainEvent,
    TrainObserver, TrainStart,
};
use common::{Temporary, fixture};

fn engine() -> Engine {
    Engine::open(DeviceChoice::Software).expect("a software adapter")
}

#[test]
#[ignore = "needs a software adapter"]
fn the_software_adapter_agrees_with_transformers() {
    let reports = engine()
        .parity(
            &fixture("reference"),
            None,
            None,
            &Job::silent(),
            &mut |_| {},
        )
        .unwrap()
        .results;
    assert!(!reports.is_empty());
    for report in &reports {
        let Outcome::Compared(checks) = &report.outcome else {
            panic!("{}: {:?}", report.case, report.outcome);
        };
        let failed: Vec<_> = checks.iter().filter(|check| !check.passed()).collect();
        assert!(
            failed.is_empty() && !report.failed(),
            "{}: {failed:#?}",
            report.case
        );
    }
}

#[test]
#[ignore = "needs a software adapter"]
fn shaders_are_compiled_from_wgsl() {
    let runtime = engine().device().runtime.clone();
    assert!(runtime.contains("wgpu<wgsl>"), "{runtime}");
}

#[test]
#[ignore = "needs a software adapter"]
fn the_self_check_passes() {
    let checks = engine().self_check(&Job::silent()).unwrap();
    assert!(
        checks.len() >= 6 && checks.iter().all(SelfCheck::passed),
        "{checks:#?}"
    );
}

/// Kernels are chosen once; the choice is one that was right, and a file that is damaged or of
/// another device costs a new trial and nothing else.
#[test]
#[ignore = "needs a software adapter"]
fn the_choice_of_kernels_is_kept() {
    let (engine, temporary) = (engine(), Temporary::new());
    let stop = StopFlag::default();
    stop.stop();
    let stopped = engine.prepare_in(Some(temporary.path()), &Job::new(stop));
    assert!(matches!(stopped, Err(EngineError::Cancelled(_))));

    let prepare = || {
        let report = engine.prepare_in(Some(temporary.path()), &Job::silent());
        report.unwrap().expect("an adapter has kernels to choose")
    };
    let first = prepare();
    assert!(!first.remembered && first.not_kept.is_none());
    let chosen: Vec<_> = first.tuning.trials.iter().filter(|t| t.chosen).collect();
    assert!(chosen.len() >= 2 && chosen.iter().all(|trial| trial.error <= 1.0));
    let again = prepare();
    assert!(again.remembered && again.tuning.choice == first.tuning.choice);

    let file = first.file.unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let other = text.replacen("\"key\": \"", "\"key\": \"0", 1);
    assert_ne!(other, text);
    for damaged in [other, text[..text.len() / 2].to_owned()] {
        std::fs::write(&file, damaged).unwrap();
        assert!(!prepare().remembered);
    }
    assert!(prepare().remembered);
}

/// Losses of a short run, stopped after some steps and gone on with, or not.
fn losses(device: DeviceChoice, run: &std::path::Path, stop_after: Option<u64>) -> Vec<f64> {
    struct Watch(Vec<f64>, StopFlag, Option<u64>);
    impl TrainObserver for Watch {
        fn begins(&mut self, _start: &TrainStart) {}
        fn happens(&mut self, event: &TrainEvent) {
            if let TrainEvent::Step { step, loss, .. } = event {
                self.0.push(*loss);
                if Some(*step) == self.2 {
                    self.1.stop();
                }
            }
        }
    }
    let engine = Engine::open(device).unwrap();
    let config = TrainConfig {
        model: fixture("tiny"),
        run: run.to_owned(),
        train: vec![common::bundled_note("discharge-summary.txt")],
        validation_share: 0.0,
        max_tokens: 64,
        batch: 2,
        steps: 4,
        lr: 1e-3,
        ..TrainConfig::default()
    };
    let mut watch = Watch(Vec::new(), StopFlag::default(), stop_after);
    let job = Job::new(watch.1.clone());
    engine.train(config, &job, &mut watch).unwrap();
    if stop_after.is_some() {
        let job = Job::silent();
        engine.resume_training(run, &job, &mut watch).unwrap();
    }
    watch.0
}

#[test]
#[ignore = "needs a software adapter"]
fn a_run_on_an_adapter_is_that_on_the_cpu_and_goes_on() {
    let temporary = Temporary::new();
    let run = |name: &str| temporary.path().join(name);
    let cpu = losses(DeviceChoice::Cpu, &run("cpu"), None);
    let whole = losses(DeviceChoice::Software, &run("whole"), None);
    let resumed = losses(DeviceChoice::Software, &run("resumed"), Some(2));
    assert_eq!((cpu.len(), whole.len(), resumed.len()), (4, 4, 4));
    for step in 0..4 {
        let off = |other: f64| (whole[step] - other).abs() / whole[step];
        assert!(off(resumed[step]) <= 1e-5, "{whole:?} {resumed:?}");
        assert!(off(cpu[step]) <= 1e-4, "{whole:?} {cpu:?}");
    }
}
