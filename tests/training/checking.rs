//! A run that is looked at before it begins. What it needs of memory is measured in processes of
//! their own, in `tests/cli/checking.rs`.

use auscult::engine::{
    DeviceChoice, Engine, EngineError, Job, Known, StopFlag, TrainCheck, TrainConfig, WhatMemory,
};

use super::{Watch, config, notes, train};
use crate::common::Temporary;

fn check(
    config: TrainConfig,
    limit: Option<u64>,
    stop: &StopFlag,
) -> (Result<TrainCheck, EngineError>, Watch) {
    let engine = Engine::open(DeviceChoice::Cpu).unwrap();
    let mut watch = Watch::default();
    let job = Job::new(stop.clone());
    let checked = engine.check_training(config, limit, &job, &mut watch);
    (checked, watch)
}

#[test]
fn a_run_that_fits_is_said_to_and_nothing_is_written() {
    let temporary = Temporary::new();
    let config = config(&temporary, "run", notes(&temporary, 40));
    let run = config.run.clone();
    let (checked, told) = check(config.clone(), None, &StopFlag::default());
    let checked = checked.unwrap();
    assert!(checked.fits() && checked.proposal.is_none(), "{checked:?}");
    assert!(!run.exists() && told.events.is_empty());
    assert_eq!(checked.memory, WhatMemory::Process);
    let measured = &checked.measured;
    assert!(measured.trial_steps >= 4, "{checked:?}");
    assert!(measured.largest_tokens <= config.batch * config.max_tokens);
    let time = measured.time.unwrap();
    // After steps 3, 6 and 8.
    assert_eq!((time.steps, time.evaluations), (8, 3));
    let judging = 3.0 * time.evaluation_seconds + time.last_seconds;
    // The best model is judged once more, here by the same notes.
    assert!(time.last_seconds > 0.0);
    assert!((time.seconds - judging - 8.0 * time.step_seconds).abs() < 1e-9);
    assert!((time.validation_share - judging / time.seconds).abs() < 1e-9);
    assert!(time.step_seconds > 0.0 && time.evaluation_seconds > 0.0);
    let words = checked.in_words();
    for expected in [
        "it fits",
        "epoch ",
        "3 evaluations",
        "for 8 steps",
        "ends at",
    ] {
        assert!(words.contains(expected), "{words}");
    }
    // What it says of the run is what the run says of itself.
    let (report, watch) = train(config, None);
    let start = watch.start.unwrap();
    assert_eq!(report.unwrap().total_steps, time.steps);
    assert_eq!(start.examples, checked.examples);
    assert_eq!(start.total, told.start.unwrap().total);
    let tokens = watch.events.iter().map(|event| match event {
        auscult::engine::TrainEvent::Step { tokens, .. } => *tokens as usize,
        auscult::engine::TrainEvent::Evaluated { .. } => 0,
    });
    assert!(tokens.max().unwrap() <= measured.largest_tokens);
}

#[test]
fn what_cannot_fit_at_all_is_counted_and_nothing_is_proposed() {
    let temporary = Temporary::new();
    let config = config(&temporary, "run", notes(&temporary, 12));
    let (checked, _) = check(config, Some(1_000_000), &StopFlag::default());
    let checked = checked.unwrap();
    assert!(!checked.fits() && checked.proposal.is_none() && checked.limited);
    let measured = &checked.measured;
    assert_eq!((measured.known, measured.trial_steps), (Known::Counted, 0));
    // Weights, gradients and two means of the tiny model, four bytes each.
    let bytes = measured.needed_bytes.unwrap();
    assert!((3_000_000..4_000_000).contains(&bytes), "{bytes}");
    let words = checked.in_words();
    for expected in ["0.00 GB are allowed: it does not fit", "mode lora or head"] {
        assert!(words.contains(expected), "{words}");
    }
}

#[test]
fn a_check_can_be_stopped_and_ends_with_what_the_run_would_end_with() {
    let temporary = Temporary::new();
    let config = config(&temporary, "run", notes(&temporary, 12));
    let stop = StopFlag::default();
    stop.stop();
    let (stopped, _) = check(config.clone(), None, &stop);
    assert!(matches!(stopped, Err(EngineError::Cancelled(_))));
    assert!(!config.run.exists());

    std::fs::create_dir(&config.run).unwrap();
    std::fs::write(config.run.join("note.txt"), "kept").unwrap();
    let (refused, _) = check(config.clone(), None, &StopFlag::default());
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("already"), "{said}");

    let beyond = TrainConfig {
        run: temporary.path().join("other"),
        max_tokens: 1 << 20,
        ..config
    };
    let (refused, _) = check(beyond, None, &StopFlag::default());
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("max-tokens"), "{said}");
}
