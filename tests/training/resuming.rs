//! A run that was stopped goes on as if it had not been.

use auscult::engine::{TrainConfig, TrainOutcome};

use crate::common::Temporary;
use crate::{bytes, config, notes, resume, train};

/// All that a checkpoint of step 8 and the best model hold.
const FILES: [&str; 3] = [
    "checkpoints/step-000000008/model/model.safetensors",
    "checkpoints/step-000000008/optimizer.safetensors",
    "best/model.safetensors",
];

fn masked_lm(temporary: &Temporary, run: &str) -> TrainConfig {
    TrainConfig {
        accumulate: 2,
        mask_rate_end: Some(0.15),
        ..config(temporary, run, notes(temporary, 24))
    }
}

#[test]
fn a_seed_decides_a_run_to_the_last_bit() {
    let temporary = Temporary::new();
    let (first, watched) = train(masked_lm(&temporary, "a"), None);
    let (second, again) = train(masked_lm(&temporary, "b"), None);
    let other = TrainConfig {
        seed: 1,
        ..masked_lm(&temporary, "c")
    };
    let (third, different) = train(other, None);
    let runs = [first, second, third].map(|report| report.unwrap().run);
    for file in FILES {
        assert!(bytes(&runs[0], file) == bytes(&runs[1], file), "{file}");
        assert!(bytes(&runs[0], file) != bytes(&runs[2], file), "{file}");
    }
    assert_eq!(watched.losses(), again.losses());
    assert_ne!(watched.losses(), different.losses());
}

/// Stopped in the middle of an epoch, right before an evaluation, and twice.
#[test]
fn a_run_that_was_stopped_ends_as_if_it_had_not_been() {
    let temporary = Temporary::new();
    let (whole, watched) = train(masked_lm(&temporary, "whole"), None);
    let whole = whole.unwrap();
    assert_eq!(whole.outcome, TrainOutcome::Finished);
    for stops in [vec![1], vec![3], vec![2, 5]] {
        let name = format!("stopped-{stops:?}");
        let (report, mut seen) = train(masked_lm(&temporary, &name), Some(stops[0]));
        let report = report.unwrap();
        assert_eq!(
            (report.outcome, report.steps),
            (TrainOutcome::Stopped, stops[0])
        );
        let mut losses = seen.losses();
        for stop in stops[1..].iter().copied().map(Some).chain([None]) {
            let report;
            (report, seen) = resume(&temporary.path().join(&name), stop);
            let report = report.unwrap();
            assert_eq!(report.steps, stop.unwrap_or(8));
            losses.extend(seen.losses());
        }
        assert_eq!(losses, watched.losses(), "{stops:?}");
        let run = temporary.path().join(&name);
        for file in FILES {
            assert!(
                bytes(&whole.run, file) == bytes(&run, file),
                "{stops:?}: {file}"
            );
        }
        // The history is that of a run in one piece, apart from times.
        let steps = |run: &std::path::Path| -> Vec<String> {
            let text = String::from_utf8(bytes(run, "history.jsonl")).unwrap();
            let line = |line: &str| line.split(",\"seconds\"").next().unwrap().to_owned();
            text.lines().map(line).collect()
        };
        assert_eq!(steps(&whole.run), steps(&run), "{stops:?}");
    }
}

#[test]
fn a_finished_run_stays_as_it_is() {
    let temporary = Temporary::new();
    let (report, _) = train(masked_lm(&temporary, "run"), None);
    let run = report.unwrap().run;
    let before = FILES.map(|file| bytes(&run, file));
    let (report, watched) = resume(&run, None);
    assert_eq!(report.unwrap().outcome, TrainOutcome::Finished);
    assert!(watched.losses().is_empty());
    assert!(before == FILES.map(|file| bytes(&run, file)));
}

#[test]
fn only_the_newest_checkpoints_are_kept() {
    let temporary = Temporary::new();
    let config = TrainConfig {
        keep: 2,
        ..masked_lm(&temporary, "run")
    };
    let run = train(config, None).0.unwrap().run;
    let entries = std::fs::read_dir(run.join("checkpoints")).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["step-000000006", "step-000000008"]);
}
