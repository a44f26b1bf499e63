//! What a run, a report, a film and a job come to, with times and figures that are given: two pictures of them
//! are the same.

use std::path::{Path, PathBuf};
use std::time::Duration;

use auscult::app::jobs::Purpose;
use auscult::app::train::live::{Ended, Live};
use auscult::app::train::{Opened, curves::Curves};
use auscult::engine::{
    ClassFigures, DataReport, MetricName, Progress, RunRecord, RunStage, RunSummary, StopFlag,
    TrainConfig, TrainEvent, TrainJudged, TrainOutcome, TrainReport, TrainStart, ValidationFigures,
};
use auscult::training::checkpoint::Best;
use auscult::training::report::Times;

use super::Window;
use crate::common::Numbers;

/// The folder of the run, as a person in the folder above types it.
pub const RUN: &str = "runs/visits-3";

/// Steps of the run, and those after which it is judged.
pub const STEPS: u64 = 240;
const JUDGED: u64 = 20;

const CLASSES: [(&str, u64); 4] = [
    ("cardiology", 52),
    ("pulmonology", 41),
    ("gastroenterology", 33),
    ("neurology", 18),
];

/// Begins a job that never ends; this share of it is done.
pub fn job(window: &mut Window, purpose: Purpose, share: f64, seconds_left: u64) {
    const TICKET: u64 = u64::MAX;
    let jobs = &mut window.harness.state_mut().state_mut().jobs;
    jobs.begin(TICKET, purpose, StopFlag::default());
    let progress = Progress {
        done: (share * 100.0) as usize,
        total: 100,
        unit: "parts",
        inside: None,
        share,
        remaining: Some(Duration::from_secs(seconds_left)),
    };
    jobs.progress(TICKET, progress);
}

/// A number from 0 to 1.
fn share(numbers: &mut Numbers) -> f64 {
    numbers.below(10_000) as f64 / 10_000.0
}

/// How good the model is after these steps.
pub fn figures(step: u64) -> ValidationFigures {
    let learned = step as f64 / (step as f64 + 40.0);
    let mut numbers = Numbers(step + 9);
    let mut class = |number: usize| {
        let (name, support) = CLASSES[number];
        let least = 0.25 - 0.05 * number as f64;
        let mut figure = || (least + 0.7 * learned + 0.06 * share(&mut numbers)).min(1.0);
        let (precision, recall) = (figure(), figure());
        ClassFigures {
            name: name.to_owned(),
            precision,
            recall,
            f1: 2.0 * precision * recall / (precision + recall),
            support,
            auroc: Some(0.5 + 0.48 * learned),
            overlap_f1: None,
        }
    };
    let classes: Vec<ClassFigures> = (0..CLASSES.len()).map(&mut class).collect();
    let mean = classes.iter().map(|own| own.f1).sum::<f64>() / classes.len() as f64;
    ValidationFigures {
        loss: 0.22 + 1.2 * (1.0 - learned) + 0.0006 * step as f64,
        accuracy: mean + 0.02,
        macro_f1: Some(mean),
        micro_f1: Some(mean + 0.02),
        weighted_f1: Some(mean + 0.01),
        classes,
        answers: 144,
        ..ValidationFigures::default()
    }
}

/// What happened in the first steps of the run.
pub fn events(steps: u64) -> Vec<TrainEvent> {
    let mut numbers = Numbers(7);
    let mut all = Vec::new();
    let mut most = 0.0;
    for step in 1..=steps {
        let (at, noise) = (step as f64, share(&mut numbers));
        let rising = at / 24.0;
        let falling = (STEPS as f64 - at) / (STEPS as f64 - 24.0);
        all.push(TrainEvent::Step {
            step,
            epoch: step / 84,
            loss: 0.12 + 1.3 * 40.0 / (at + 40.0) + 0.12 * noise,
            gradient_norm: 0.5 + 30.0 / (at + 12.0) + 0.5 * share(&mut numbers),
            lr: 0.0003 * rising.min(falling),
            tokens: 1536,
            seconds: 0.4 + 0.02 * noise,
        });
        if step % JUDGED == 0 {
            let evaluation = Box::new(figures(step));
            let own = evaluation.macro_f1.unwrap_or(0.0);
            let best = own > most;
            most = f64::max(most, own);
            all.push(TrainEvent::Evaluated {
                step,
                evaluation,
                best,
                seconds: 1.5,
            });
        }
    }
    all
}

fn best(steps: u64) -> Option<Best> {
    let curves = Curves::of(&events(steps));
    let step = curves.best?;
    Some(Best {
        step,
        goodness: figures(step).macro_f1?,
    })
}

/// What the run is before its first step.
pub fn start() -> TrainStart {
    TrainStart {
        examples: [672, 144],
        test: 144,
        data: DataReport::default(),
        labels: CLASSES.map(|own| own.0.to_owned()).to_vec(),
        left_out: Vec::new(),
        new_parameters: Vec::new(),
        trained: 1_234_564,
        metric: MetricName::MacroF1,
        step: 0,
        total: STEPS,
    }
}

/// A run of the window after these steps; its thread has told of them, and not more.
pub fn live(config: &TrainConfig, steps: u64) -> Live {
    let config = TrainConfig {
        run: PathBuf::from(RUN),
        ..config.clone()
    };
    let live = Live::new(config, &Default::default());
    live.feed.tell(|told| {
        told.start = Some(start());
        told.events = events(steps);
        told.memory = Some(1_840_000_000);
    });
    live
}

/// How it ended.
pub fn ended(outcome: TrainOutcome, steps: u64) -> Ended {
    let finished = outcome != TrainOutcome::Stopped;
    let judged = |part, evaluation| TrainJudged { part, evaluation };
    let of_best = best(steps).map_or(steps, |own| own.step);
    let run = PathBuf::from(RUN);
    Ended::Told(Box::new(TrainReport {
        outcome,
        steps,
        total_steps: STEPS,
        model: finished.then(|| run.join("best")),
        run,
        metric: MetricName::MacroF1,
        best: best(steps),
        judged: match finished {
            true => vec![
                judged("validation", figures(of_best)),
                judged("test", figures(of_best - JUDGED)),
            ],
            false => Vec::new(),
        },
        last: Some(figures(steps)),
        last_step: Some(steps),
        trained: 1_234_564,
        parameters: 1_234_564,
        examples: [672, 144],
        labels: start().labels,
        left_out: 0,
        tokens: 1536 * steps,
        seconds: 0.41 * steps as f64,
        times: Times::default(),
        remarks: Vec::new(),
    }))
}

/// Runs of a folder, of which some differ in what they were told.
pub fn runs(config: &TrainConfig) -> Vec<RunSummary> {
    let of = |name: &str, stage, steps, best, begun: &str| RunSummary {
        folder: PathBuf::from("runs").join(name),
        name: name.to_owned(),
        stage,
        config: config.clone(),
        metric: MetricName::MacroF1,
        steps,
        total: STEPS,
        best,
        begun: begun.to_owned(),
        has_model: best.is_some(),
        wrong: None,
    };
    let of_run = best(STEPS).map(|own| own.goodness);
    let (done, paused) = (RunStage::Finished, RunStage::Stopped);
    let mut all = vec![
        of("visits-4", paused, 120, Some(0.7219), "2031-06-04 16:12"),
        of("visits-3", done, STEPS, of_run, "2031-06-04 09:30"),
        of("visits-2", done, STEPS, Some(0.7911), "2031-06-03 17:48"),
        of(
            "lora-of-all-layers-rank-16",
            done,
            STEPS,
            Some(0.7602),
            "2031-06-03 11:05",
        ),
        of("visits-1", RunStage::Damaged, 0, None, "2031-06-02 10:00"),
    ];
    all[0].config.lr = 0.001;
    all[2].config.lr = 0.0001;
    all[2].config.batch = 32;
    all[3].config.lr = 0.0005;
    all[4].total = 0;
    let wrong = "runs/visits-1/run.toml cannot be read: it is cut off";
    all[4].wrong = Some(wrong.to_owned());
    all
}

/// What the second of them left.
pub fn opened(config: &TrainConfig) -> Opened {
    let events = events(STEPS);
    let Some(best) = best(STEPS) else {
        panic!("it was judged");
    };
    Opened {
        curves: Curves::of(&events),
        record: RunRecord {
            summary: runs(config).swap_remove(1),
            events: Vec::new(),
            judged: vec![
                ("validation".to_owned(), figures(best.step)),
                ("test".to_owned(), figures(best.step - JUDGED)),
            ],
            best_step: Some(best.step),
            model: Some(Path::new(RUN).join("best")),
            told: String::new(),
        },
    }
}
