//! What a check before a run found, and a report on a model, with figures that are given.

use std::path::PathBuf;

use auscult::app::train::Checked;
use auscult::app::train::judged::Judged;
use auscult::app::{JudgeForm, JudgeOn, JudgeSubject};
use auscult::engine::{
    Change, DataPart, DeviceInfo, Evaluation, Figures, Job, JudgedOutcome, Judgement, Known,
    LabelCount, Measured, NoteOutcome, PartReport, Proposal, RunTime, Settings, Slice, SliceTable,
    TrainCheck, TrainConfig, WhatMemory,
};
use auscult::evaluation::classes::{Scored, judge_classes};
use auscult::evaluation::outcomes::of_classes;
use auscult::evaluation::{DataFacts, ModelFacts, Resampling};
use toml::Value;

use super::given::{RUN, start};
use crate::common::Numbers;

/// The time of so many steps.
fn time(step_seconds: f64) -> RunTime {
    let (steps, evaluations) = (240_u32, 12_u32);
    let (evaluation_seconds, last_seconds) = (step_seconds, 2.0 * step_seconds);
    let judging = f64::from(evaluations) * evaluation_seconds + last_seconds;
    let seconds = f64::from(steps) * step_seconds + judging;
    RunTime {
        step_seconds,
        steps_per_epoch: 84,
        epoch_seconds: 84.0 * step_seconds,
        steps: steps.into(),
        evaluation_seconds,
        last_seconds,
        evaluations: evaluations.into(),
        validation_share: judging / seconds,
        seconds,
    }
}

/// What a check of this description found; a change is proposed if the run does not fit.
pub fn checked(config: &TrainConfig, device: &DeviceInfo, fits: bool) -> Checked {
    let measured = |bytes: u64, known, fits| {
        let mut own = Measured::default();
        (own.largest_tokens, own.needed_bytes) = (8192, Some(bytes));
        (own.known, own.fits) = (known, fits);
        // A run of some seconds, which hardly ever ends on another day.
        own.time = fits.then(|| time(0.08));
        own
    };
    let change = |field, from: i64, to: i64| Change {
        field,
        from: Value::Integer(from),
        to: Value::Integer(to),
    };
    let proposal = Proposal {
        changes: vec![change("batch", 8, 2), change("accumulate", 1, 4)],
        same_result: true,
        config: config.clone(),
        measured: measured(7_900_000_000, Known::Measured, true),
    };
    let mut start = start();
    start.data.parts = parts();
    Checked {
        config: config.clone(),
        found: TrainCheck {
            device: device.clone(),
            memory: WhatMemory::Process,
            free_bytes: Some(11_200_000_000),
            limited: false,
            measured: match fits {
                true => measured(3_460_000_000, Known::Measured, true),
                false => measured(19_700_000_000, Known::Extrapolated, false),
            },
            ends: None,
            examples: start.examples,
            proposal: (!fits).then_some(proposal),
        },
        start,
    }
}

/// What the parts of the notes hold.
fn parts() -> Vec<PartReport> {
    let of = |part, counts: [usize; 4]| PartReport {
        part,
        notes: counts.iter().sum(),
        bytes: 900 * counts.iter().sum::<usize>(),
        patients: counts.iter().sum::<usize>() / 3,
        unlabelled: 0,
        labels: (start().labels.into_iter().zip(counts))
            .map(|(label, notes)| LabelCount {
                label,
                notes,
                spans: 0,
            })
            .collect(),
        spans: Vec::new(),
    };
    vec![
        of(DataPart::Train, [244, 190, 152, 86]),
        of(DataPart::Validation, [52, 41, 33, 18]),
        of(DataPart::Test, [48, 24, 48, 24]),
    ]
}

/// Notes with scores of these classes: most right, some not.
fn scored(classes: usize, notes: usize, seed: u64) -> Scored {
    let mut numbers = Numbers(seed);
    let mut own = Scored::default();
    for note in 0..notes {
        let truth = (note * note + note / 3) % classes;
        own.truth.push(truth);
        for class in 0..classes {
            let noise = numbers.below(1000) as f64 / 250.0;
            let right = if class == truth { 2.25 } else { 0.0 };
            // Two that are like each other.
            let near = if class + truth == 3 { 0.5 } else { 0.0 };
            own.logits.push(noise + right + near);
        }
    }
    own
}

/// The classes of a report.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// The four of the run.
    Four,
    /// Two, of which one is the positive.
    Two,
}

/// A report on the best model of the run.
pub fn judged(of: Of) -> Judged {
    let names: Vec<String> = match of {
        Of::Four => start().labels,
        Of::Two => ["no fall", "fall"].map(str::to_owned).to_vec(),
    };
    let (test, validation) = (scored(names.len(), 144, 3), scored(names.len(), 120, 5));
    let resampling = Resampling {
        resamples: 200,
        ..Resampling::default()
    };
    let how = Settings {
        resampling,
        cost_ratio: (of == Of::Two).then_some(4.0),
    };
    let result = judge_classes(&names, 1, &test, Some(&validation), &how, &Job::silent());
    let result = result.expect("it can be judged");
    let outcomes = of_classes(&result, &test).into_iter().enumerate();
    let notes = outcomes.map(|(number, outcome): (usize, JudgedOutcome)| NoteOutcome {
        note: format!("visits.csv:{}", 2 + 5 * number),
        outcome,
    });
    let form = JudgeForm {
        subject: JudgeSubject::Run(PathBuf::from(RUN)),
        on: JudgeOn::HeldBack,
        slices: "ward, language".to_owned(),
        ..JudgeForm::default()
    };
    let report = Evaluation {
        auscult: env!("CARGO_PKG_VERSION"),
        model: ModelFacts {
            name: "best".to_owned(),
            head: "classifier".to_owned(),
            parameters: 1_234_564,
            random_weights: false,
        },
        data: DataFacts {
            test: 144,
            validation: Some(120),
            patients: Some(96),
            ..DataFacts::default()
        },
        resampling,
        result: Judgement::SingleLabel(result),
        slices: vec![
            table(
                "ward",
                &[("north", 61, 0.9016), ("south", 48, 0.8542), ("", 35, 0.8)],
            ),
            table(
                "language",
                &[("English", 129, 0.876), ("Portuguese", 11, 0.0)],
            ),
        ],
        notes: notes.collect(),
    };
    Judged::new(
        form,
        "the best model of visits-3".to_owned(),
        "144 test notes that the run held back to the end".to_owned(),
        Some("120 validation notes".to_owned()),
        report,
        Vec::new(),
    )
}

/// Figures by the values of a column; a value of few notes has none.
fn table(column: &str, values: &[(&str, usize, f64)]) -> SliceTable {
    let slices = values.iter().map(|(value, examples, accuracy)| Slice {
        value: (*value).to_owned(),
        examples: *examples,
        too_few: *examples < 20,
        figures: (*examples >= 20).then(|| {
            let all = [
                ("accuracy", Some(*accuracy)),
                ("macro_f1", Some(accuracy - 0.0213)),
                ("auroc_macro", Some(accuracy + 0.0721)),
            ];
            Figures::from(all)
        }),
    });
    SliceTable {
        column: column.to_owned(),
        slices: slices.collect(),
    }
}
