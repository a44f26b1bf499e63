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
use auscult::evaluation::labels::{self, judge_labels};
use auscult::evaluation::masked_lm::{Guessed, Tally, judge_masked_lm};
use auscult::evaluation::outcomes::{of_classes, of_hidden, of_labels, of_spans};
use auscult::evaluation::spans::{Marked, judge_spans};
use auscult::evaluation::{DataFacts, ModelFacts, Resampling};
use auscult::metrics::spans::Span;
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

/// What a report is of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// The four classes of the run.
    Four,
    /// Two, of which one is the positive.
    Two,
    /// A thousand.
    Classes,
    /// So many labels, of which a note has any number.
    Labels(usize),
    /// Three kinds of spans.
    Spans,
    /// Hidden tokens.
    Hidden,
}

const LABELS: [&str; 16] = [
    "Asthma",
    "Atrial fibrillation",
    "Chronic kidney disease, stage 3 or worse",
    "COPD",
    "Deep vein thrombosis",
    "Delirium",
    "Depression",
    "Fall",
    "Gastrointestinal bleeding",
    "Heart failure",
    "Hypertension",
    "Hypothyroidism",
    "Pneumonia",
    "Sepsis",
    "Stroke",
    "Type 2 diabetes mellitus",
];

/// Notes with scores of these labels: most right, some not.
fn scored_labels(labels: usize, notes: usize, seed: u64) -> labels::Scored {
    let mut numbers = Numbers(seed);
    let mut own = labels::Scored::default();
    for _ in 0..notes {
        for label in 0..labels {
            let truth = numbers.below(5 + label) == 0;
            own.truth.push(truth);
            let noise = numbers.below(1000) as f64 / 200.0;
            own.logits.push(noise - if truth { 1.5 } else { 4.0 });
        }
    }
    own
}

/// Notes with spans of three kinds; some marks are short, of another kind, in vain or not there.
fn marked() -> Vec<Marked> {
    let mut numbers = Numbers(11);
    let kinds = ["drug", "problem", "test"];
    let note = |note: usize| {
        let mut own = Marked::default();
        for at in 0..4 + note % 5 {
            let (start, kind) = (60 * at + numbers.below(20), kinds[numbers.below(3)]);
            let end = start + 5 + numbers.below(25);
            let other = kinds[numbers.below(3)];
            let chance = numbers.below(20);
            if chance > 0 {
                own.truth.push(Span::new(kind, start..end));
            }
            match chance {
                0 | 5.. => own.marked.push(Span::new(kind, start..end)),
                1 => own.marked.push(Span::new(other, start..end)),
                2 | 3 => own.marked.push(Span::new(kind, start..end - 3)),
                _ => {}
            }
        }
        own
    };
    (0..144).map(note).collect()
}

fn guessed() -> Vec<Guessed> {
    let mut numbers = Numbers(13);
    let mut tally = |hidden: usize, loss: f64, right: usize| Tally {
        loss: loss * hidden as f64 + numbers.below(100) as f64 / 20.0,
        first: hidden * right / 100,
        among_five: hidden * (right + 15) / 100,
    };
    let mut note = |own: usize| {
        let hidden = 20 + own % 11;
        Guessed {
            hidden,
            bytes: 4 * hidden + own % 7,
            model: tally(hidden, 1.42, 68),
            baselines: None,
            patient: None,
        }
    };
    (0..144).map(&mut note).collect()
}

/// How good a model of this is, and what came of each note.
fn judgement(of: Of, resampling: Resampling) -> (Judgement, Vec<JudgedOutcome>) {
    let quiet = Job::silent();
    let how = |cost_ratio| Settings {
        resampling,
        cost_ratio,
    };
    match of {
        Of::Four | Of::Two | Of::Classes => {
            let names: Vec<String> = match of {
                Of::Four => start().labels,
                Of::Two => ["no fall", "fall"].map(str::to_owned).to_vec(),
                _ => (0..1000).map(|own| format!("cause {own}")).collect(),
            };
            let (test, validation) = (scored(names.len(), 144, 3), scored(names.len(), 120, 5));
            let how = how((of == Of::Two).then_some(4.0));
            let result = judge_classes(&names, 1, &test, Some(&validation), &how, &quiet);
            let result = result.expect("it can be judged");
            let outcomes = of_classes(&result, &test);
            (Judgement::SingleLabel(result), outcomes)
        }
        Of::Labels(count) => {
            let name = |own: usize| match LABELS.get(own) {
                Some(own) => (*own).to_owned(),
                None => format!("Label {own}"),
            };
            let names: Vec<String> = (0..count).map(name).collect();
            let (test, validation) = (scored_labels(count, 144, 3), scored_labels(count, 120, 5));
            let how = how(Some(1.0));
            let result = judge_labels(&names, &test, Some(&validation), &how, &quiet);
            let result = result.expect("it can be judged");
            let outcomes = of_labels(&result, &test);
            (Judgement::MultiLabel(result), outcomes)
        }
        Of::Spans => {
            let notes = marked();
            let result = judge_spans(&notes, &how(None), &quiet).expect("it can be judged");
            (Judgement::Spans(result), of_spans(&notes))
        }
        Of::Hidden => {
            let notes = guessed();
            let result = judge_masked_lm(&notes, (0.15, 1), None, &how(None), &quiet);
            let result = result.expect("it can be judged");
            (Judgement::MaskedLm(result), of_hidden(&notes))
        }
    }
}

/// A report on the best model of the run.
pub fn judged(of: Of) -> Judged {
    let resampling = Resampling {
        resamples: if matches!(of, Of::Classes | Of::Labels(1000)) {
            2
        } else {
            200
        },
        ..Resampling::default()
    };
    let (result, outcomes) = judgement(of, resampling);
    let outcomes = outcomes.into_iter().enumerate();
    let notes = outcomes.map(|(number, outcome): (usize, JudgedOutcome)| NoteOutcome {
        note: format!("visits.csv:{}", 2 + 5 * number),
        outcome,
    });
    let chosen = !matches!(of, Of::Spans | Of::Hidden);
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
            validation: chosen.then_some(120),
            patients: Some(96),
            ..DataFacts::default()
        },
        resampling,
        result,
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
        chosen.then(|| "120 validation notes".to_owned()),
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
