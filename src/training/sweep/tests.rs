//! Would catch: a combination that is missing or there twice, a value that is refused only when its
//! run begins, folders that are one where case does not count, a mean or deviation of other runs, and
//! a setting that is picked by anything else than validation notes.

use std::path::PathBuf;

use super::report::{Figures, Made, report};
use super::*;
use crate::training::config::MetricName;
use crate::training::figures::{ClassFigures, Evaluation};

fn tiny() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tiny").to_owned()
}

/// The plan of these flags, axes and seeds beside a model, notes and a folder.
fn plan(flags: &[(&'static str, &str)], axes: &[&str], seeds: u64) -> Result<Plan, SweepFault> {
    let tiny = tiny();
    let swept = |name: &str| {
        axes.iter()
            .any(|axis| axis.starts_with(&format!("{name}=")))
    };
    let base = [("model", tiny.as_str()), ("train", "t"), ("run", "r")];
    let base = base.into_iter().filter(|(name, _)| !swept(name));
    let flags: Vec<(&str, Vec<String>)> = base
        .chain(flags.iter().copied())
        .map(|(name, value)| (name, vec![value.to_owned()]))
        .collect();
    let axes: Result<Vec<Axis>, _> = axes.iter().map(|words| Axis::parse(words)).collect();
    Plan::new(None, &flags, &axes?, seeds)
}

#[test]
fn every_combination_is_made_once_with_every_seed() {
    let plan = plan(&[("seed", "7")], &["lr=1e-4,3e-4", "batch=4, 8"], 2).unwrap();
    let runs: Vec<_> = plan
        .runs
        .iter()
        .map(|run| {
            let config = &run.config;
            (run.folder.as_str(), config.lr, config.batch, config.seed)
        })
        .collect();
    assert_eq!(
        runs,
        [
            ("lr=1e-4,batch=4/seed-7", 1e-4, 4, 7),
            ("lr=1e-4,batch=4/seed-8", 1e-4, 4, 8),
            ("lr=1e-4,batch=8/seed-7", 1e-4, 8, 7),
            ("lr=1e-4,batch=8/seed-8", 1e-4, 8, 8),
            ("lr=3e-4,batch=4/seed-7", 3e-4, 4, 7),
            ("lr=3e-4,batch=4/seed-8", 3e-4, 4, 8),
            ("lr=3e-4,batch=8/seed-7", 3e-4, 8, 7),
            ("lr=3e-4,batch=8/seed-8", 3e-4, 8, 8),
        ]
    );
    for run in &plan.runs {
        assert!(run.config.run.is_absolute() && run.config.run.ends_with(&run.folder));
    }
}

#[test]
fn seeds_alone_are_runs_of_one_setting() {
    let plan = plan(&[], &[], 3).unwrap();
    let folders: Vec<&str> = plan.runs.iter().map(|run| run.folder.as_str()).collect();
    assert_eq!(folders, ["seed-0", "seed-1", "seed-2"]);
    assert_eq!(setting_name(&plan.runs[0].values), "as described");
}

#[test]
fn a_plan_is_what_its_file_says() {
    let plan = plan(&[], &["lr=1e-4,3e-4", "recompute=true,false"], 2).unwrap();
    let text = toml::to_string(&plan).unwrap();
    let read: Plan = toml::from_str(&text).unwrap();
    assert_eq!(read.runs, plan.runs);
}

#[test]
fn folders_have_names_that_every_system_takes() {
    let long = "x".repeat(100);
    let labels = format!("lora-targets=Wqkv,WQKV,a:b/c?,{long},end.");
    let plan = plan(&[("mode", "lora")], &[&labels], 1).unwrap();
    let folders: Vec<&str> = plan.runs.iter().map(|run| run.folder.as_str()).collect();
    assert_eq!(
        folders,
        [
            "lora-targets=Wqkv/seed-0",
            "setting-2/seed-0",
            "lora-targets=a-b-c-/seed-0",
            "setting-4/seed-0",
            "lora-targets=end/seed-0",
        ]
    );
}

#[test]
fn what_is_wrong_is_said_before_anything_runs() {
    let lm = [("task", "masked-lm")];
    let class = [("task", "classify")];
    for (flags, axes, seeds, says) in [
        (
            &lm[..],
            &["lr=fast"][..],
            1,
            "--sweep lr: \"fast\" is no number",
        ),
        (&lm, &["lr=1e-3,0"], 1, "--sweep lr=0: lr is 0"),
        (&lm, &["lr=1e-3,"], 1, "--sweep lr=1e-3,: a value is empty"),
        (&lm, &["lr"], 1, "--sweep lr: name a field and its values"),
        (
            &lm,
            &["learning=1"],
            1,
            "--sweep learning: there is no such field",
        ),
        (
            &lm,
            &["pack=maybe"],
            1,
            "--sweep pack: \"maybe\" is neither",
        ),
        (
            &lm,
            &["schedule=linear,often"],
            1,
            "\"often\" is none of constant",
        ),
        (
            &lm,
            &["schedule=linear,trapezoid"],
            1,
            "--sweep schedule=trapezoid: decay is 0",
        ),
        (
            &lm,
            &["lr=1e-3,0.001"],
            1,
            "--sweep lr=0.001: it is the same as lr=1e-3",
        ),
        (
            &lm,
            &["lr=1e-3", "lr=1e-4"],
            1,
            "--sweep lr: it is there twice",
        ),
        (&lm, &["run=a,b"], 1, "--sweep run: "),
        (&lm, &["seed=1,2"], 1, "--seeds N"),
        (&class, &["metric=loss,mcc"], 1, "--sweep metric: "),
        (
            &class,
            &["validation-share=0.1,0.2"],
            1,
            "--sweep validation-share: ",
        ),
        (&lm, &["mask-rate=0.15,0.3"], 1, "mask-rate-end"),
        (
            &lm,
            &["mask-style=mask,80-10-10"],
            1,
            "--sweep mask-style: ",
        ),
        (
            &lm,
            &["max-tokens=32,100000"],
            1,
            "--sweep max-tokens=100000: max-tokens is 100000",
        ),
        (
            &lm,
            &["model=nothing-here"],
            1,
            "--sweep model=nothing-here: ",
        ),
        (&lm, &[], 0, "--seeds is 0"),
        (&lm, &["lr=1e-3,1e-4"], 600, "1200 runs"),
        (&lm, &["lr=1e-3,1e-4"], u64::MAX, "at most 1000"),
        (
            &[("seed", "9223372036854775807")],
            &[],
            2,
            "--seeds is 2: from seed",
        ),
        (
            &[("validation-share", "0")],
            &[],
            2,
            "validation-share is 0",
        ),
        (&[("lr", "0")], &["batch=1,2"], 1, "lr is 0"),
    ] {
        let fault = plan(flags, axes, seeds).unwrap_err().to_string();
        assert!(fault.contains(says), "{axes:?} {seeds}: {fault}");
    }
    // What is wrong anyway is not put down to a value.
    let fault = plan(&[("lr", "0")], &["batch=1,2"], 1).unwrap_err();
    assert!(matches!(fault, SweepFault::Config(_)), "{fault}");
    // With the same rate at the end all are judged alike.
    plan(&[("mask-rate-end", "0.15")], &["mask-rate=0.15,0.3"], 1).unwrap();
    // A field that is wrong without its values is swept all the same.
    plan(&[("schedule", "trapezoid")], &["decay=1,2"], 1).unwrap();
}

/// Two tokens change places: losses of tokens are of other things then, and F1 of classes is not.
#[test]
fn losses_of_other_tokens_are_not_compared() {
    let folder = std::env::temp_dir().join(format!("auscult-sweep-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for entry in std::fs::read_dir(tiny()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
    let axis = format!("model={},{}", tiny(), folder.display());
    let alike = plan(&[], &[&axis], 1).map(|plan| plan.runs.len());
    let file = folder.join("tokenizer.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let vocabulary = &mut json["model"]["vocab"];
    let (a, b) = (vocabulary["a"].clone(), vocabulary["b"].clone());
    (vocabulary["a"], vocabulary["b"]) = (b, a);
    std::fs::write(&file, json.to_string()).unwrap();
    let refused = plan(&[], &[&axis], 1).unwrap_err().to_string();
    let classes = plan(&[("task", "classify")], &[&axis], 1).map(|plan| plan.runs.len());
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(alike.unwrap(), 2);
    assert!(refused.contains("its tokenizer is another"), "{refused}");
    assert_eq!(classes.unwrap(), 2);
}

fn judged(macro_f1: f64, loss: f64) -> Evaluation {
    Evaluation {
        loss,
        accuracy: 0.5,
        macro_f1: Some(macro_f1),
        classes: vec![ClassFigures {
            name: "a".to_owned(),
            precision: 1.0,
            recall: 1.0,
            f1: 1.0,
            support: 1,
            auroc: None,
            overlap_f1: None,
        }],
        answers: 8,
        ..Evaluation::default()
    }
}

/// The report of settings `lr=1`, `lr=2` … whose runs came to these macro-F1, on validation and on
/// test notes; `None` failed.
fn came_to(settings: &[&[Option<(f64, f64)>]]) -> (SweepReport, Vec<Made>, Plan) {
    let (mut runs, mut made) = (Vec::new(), Vec::new());
    for (number, seeds) in settings.iter().enumerate() {
        for (seed, figures) in seeds.iter().enumerate() {
            let folder = format!("lr={}/seed-{seed}", number + 1);
            let value = Value {
                field: "lr".to_owned(),
                value: (number + 1).to_string(),
            };
            runs.push(PlannedRun {
                config: TrainConfig {
                    task: crate::training::config::TaskKind::Classify,
                    run: PathBuf::from("r").join(&folder),
                    seed: seed as u64,
                    ..TrainConfig::default()
                },
                folder,
                values: vec![value],
            });
            made.push(match figures {
                None => Made {
                    state: RunState::Failed {
                        reason: "no | number".to_owned(),
                    },
                    figures: None,
                },
                Some((validation, test)) => Made::finished(Figures {
                    validation: judged(*validation, 1.0 - validation),
                    test: Some(judged(*test, 2.0)),
                }),
            });
        }
    }
    let plan = Plan {
        run: "r".into(),
        runs,
    };
    (report(&plan, &made), made, plan)
}

#[test]
fn the_best_mean_on_validation_is_picked_whatever_the_test_says() {
    // The best single run, and the best on test notes, are of the first setting.
    let first = [Some((0.9, 1.0)), Some((0.3, 1.0))];
    let second = [Some((0.6, 0.25)), Some((0.8, 0.5))];
    let (report, ..) = came_to(&[&first, &second]);
    let best = report.best.unwrap();
    assert_eq!(best.values[0].value, "2");
    assert_eq!(best.run, "lr=2/seed-1");
    assert_eq!(best.model, PathBuf::from("r/lr=2/seed-1/best"));
    assert_eq!(best.run_test.unwrap().macro_f1, Some(0.5));
    let of = |figures: &[Figure], metric| {
        let own = figures.iter().find(|own| own.metric == metric).unwrap();
        own.spread
    };
    // Worked out by hand: means 0.7 and 0.375; deviations are |a − b| / √2.
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
    let own = of(&best.validation, MetricName::MacroF1);
    near(own.mean, 0.7);
    near(own.sd.unwrap(), 0.2 / 2f64.sqrt());
    let own = of(&best.test, MetricName::MacroF1);
    near(own.mean, 0.375);
    near(own.sd.unwrap(), 0.25 / 2f64.sqrt());
    near(of(&best.validation, MetricName::Loss).mean, 0.3);
    let own = of(&report.settings[0].validation, MetricName::MacroF1);
    near(own.mean, 0.6);
    near(own.sd.unwrap(), 0.6 / 2f64.sqrt());
    assert_eq!(report.settings[0].validation[0].metric, MetricName::MacroF1);
}

#[test]
fn a_setting_whose_runs_failed_is_not_flattered_by_those_left() {
    let (good, bad) = (Some((0.9, 0.0)), Some((0.5, 0.0)));
    let best = |settings: &[&[_]]| {
        came_to(settings)
            .0
            .best
            .map(|best| best.values[0].value.clone())
    };
    assert_eq!(best(&[&[good, None], &[bad, bad]]).as_deref(), Some("2"));
    assert_eq!(best(&[&[good, None], &[bad, None]]).as_deref(), Some("1"));
    assert_eq!(best(&[&[None, None], &[bad, None]]).as_deref(), Some("2"));
    assert_eq!(best(&[&[None], &[None]]), None);
    // Of equals the first.
    assert_eq!(best(&[&[bad], &[bad]]).as_deref(), Some("1"));
}

#[test]
fn test_notes_are_told_of_for_the_best_only_and_when_all_is_done() {
    let first = [Some((0.5, 0.1234)), Some((0.5, 0.1234))];
    let second = [Some((0.75, 0.4321)), Some((0.75, 0.4321))];
    let (report, mut made, plan) = came_to(&[&first, &second]);
    let shown = [
        serde_json::to_string(&report).unwrap(),
        markdown::markdown(&report),
    ];
    for text in &shown {
        assert!(
            text.contains("0.4321") && !text.contains("0.1234"),
            "{text}"
        );
    }
    assert!(
        shown[1].contains("| lr=2 | 2 of 2 | 0.7500 ± 0.0000 |"),
        "{}",
        shown[1]
    );
    made[3].state = RunState::Stopped;
    made[3].figures = None;
    let report = super::report::report(&plan, &made);
    assert!(report.best.is_none() && !report.complete);
    let text = markdown::markdown(&report);
    assert!(
        text.contains("--resume") && !text.contains("0.4321"),
        "{text}"
    );
}

#[test]
fn a_failed_run_is_named_with_its_reason() {
    let text = markdown::markdown(&came_to(&[&[Some((0.5, 0.5)), None]]).0);
    assert!(text.contains("- lr=1/seed-1: no | number"), "{text}");
    assert!(text.contains("| lr=1 | 1 of 2 | 0.5000 |"), "{text}");
    assert!(text.contains("The seed also divides the notes"), "{text}");
    // A single seed divides them once, and nothing is said of it.
    let one = came_to(&[&[Some((0.5, 0.5))], &[Some((0.25, 0.5))]]).0;
    assert!(!one.divided_by_seed);
}
