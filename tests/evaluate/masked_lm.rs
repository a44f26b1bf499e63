//! Would catch: hidden tokens whose losses are not those that `surprise` measures; baselines of other
//! places, or other tokens, than the model's; a choice of tokens that is not the same each time.

use std::fs;

use auscult::engine::Tokenizer;
use auscult::job::Job;
use auscult::metrics::ngram::{KneserNey, Texts};
use serde_json::Value;

use super::common::{Temporary, fixture, spelling};
use super::{lines, path, refused, succeeds, words};

fn figure(report: &Value, name: &str) -> f64 {
    let found = &report["result"]["intervals"][name]["estimate"];
    found.as_f64().unwrap_or_else(|| panic!("{name}: {found}"))
}

#[track_caller]
fn near(got: f64, want: f64) {
    assert!(
        (got - want).abs() < 1e-6 * want.abs().max(1.0),
        "{got} instead of {want}"
    );
}

/// 25 notes of 3 to 40 words in two files.
fn notes(temporary: &Temporary) -> [std::path::PathBuf; 2] {
    let text = |number: usize| {
        (0..1 + number % 9)
            .map(|own| words(number + own))
            .collect::<Vec<_>>()
            .join(". ")
    };
    let rows = |numbers: std::ops::Range<usize>| {
        let rows = numbers.map(|number| format!("n{number},{},p{}\n", text(number), number / 2));
        "id,text,patient\n".to_owned() + &rows.collect::<String>()
    };
    [
        temporary.file("first.csv", rows(0..21)),
        temporary.file("second.csv", rows(21..25)),
    ]
}

#[test]
fn hidden_tokens_have_the_losses_that_surprise_measures() {
    let temporary = Temporary::new();
    let (tiny, [first, second]) = (fixture("tiny"), notes(&temporary));
    let model = ["--model", path(&tiny), path(&first), path(&second)];
    for reading in [&[][..], &["--max-tokens", "24", "--overlap", "0"]] {
        let surprise = [&["surprise", "--mask-every", "1"], &model[..], reading].concat();
        let (mut loss, mut hidden, mut bytes) = (0.0, 0, 0);
        let mut windows = 0;
        for note in lines(&surprise) {
            windows += usize::from(note["read"] == "windows");
            for token in note["measured"].as_array().unwrap() {
                loss += token["loss"].as_f64().unwrap();
                hidden += 1;
                bytes += token["end"].as_u64().unwrap() - token["start"].as_u64().unwrap();
            }
        }
        assert_eq!(windows > 3, !reading.is_empty());
        let all = [
            &["evaluate", "masked-lm", "--mask-rate", "1"],
            &model[..],
            reading,
        ]
        .concat();
        let report = &lines(&all)[0];
        assert_eq!(report["result"]["hidden"], hidden);
        assert_eq!(report["result"]["bytes"], bytes);
        near(figure(report, "loss"), loss / f64::from(hidden));
        near(
            figure(report, "perplexity"),
            (loss / f64::from(hidden)).exp(),
        );
        near(figure(report, "loss_per_byte"), loss / bytes as f64);
        assert!(figure(report, "top_1") <= figure(report, "top_5"));
    }
}

#[test]
fn baselines_are_counted_on_the_same_tokens_and_places() {
    let temporary = Temporary::new();
    let (tiny, [first, second]) = (fixture("tiny"), notes(&temporary));
    let tokenizer = Tokenizer::open(&tiny).unwrap();
    let config = fs::read(tiny.join("config.json")).unwrap();
    let config: Value = serde_json::from_slice(&config).unwrap();
    let mut texts = Texts::new(config["vocab_size"].as_u64().unwrap() as usize).unwrap();
    let tokens = |line: &str| {
        let encoding = tokenizer.encode(line.split(',').nth(1).unwrap()).unwrap();
        let own = encoding.ids.iter().zip(&encoding.special);
        own.filter(|(_, special)| !**special)
            .map(|(id, _)| *id)
            .collect::<Vec<u32>>()
    };
    for line in fs::read_to_string(&first).unwrap().lines().skip(1) {
        texts.add(&tokens(line)).unwrap();
    }
    let models = [1, 5].map(|order| KneserNey::count(&texts, order, &Job::silent()).unwrap());
    let ([mut losses, mut right], mut all) = ([[0.0; 2], [0.0; 2]], 0.0);
    for line in fs::read_to_string(&second).unwrap().lines().skip(1) {
        let own = tokens(line);
        for place in 0..own.len() {
            all += 1.0;
            for (which, model) in models.iter().enumerate() {
                losses[which] -= model.probability(&own[..place], own[place]).ln();
                right[which] += f64::from(model.best(&own[..place]) == own[place]);
            }
        }
    }
    let arguments = [
        "evaluate",
        "masked-lm",
        "--model",
        path(&tiny),
        "--mask-rate",
        "1",
    ];
    let both = ["--baselines", path(&first), path(&second)];
    let report = &lines(&[&arguments[..], &both].concat())[0];
    for (which, name) in ["unigram", "five_gram"].into_iter().enumerate() {
        near(figure(report, &format!("{name}_loss")), losses[which] / all);
        near(figure(report, &format!("{name}_top_1")), right[which] / all);
        let gain = losses[which] / all - figure(report, "loss");
        near(figure(report, &format!("gain_over_{name}")), gain);
    }
    assert_eq!(report["result"]["baselines"]["texts"], 21);
    assert_eq!(report["result"]["baselines"]["tokens"], texts.tokens());
    assert_eq!(report["data"]["remarks"], serde_json::json!([]));
    assert_eq!(report["data"]["patients"], 3);
    let outcomes = report["notes"].as_array().unwrap();
    let sum = |name: &str| {
        let of = |note: &Value| note[name].as_f64().unwrap() * note["hidden"].as_f64().unwrap();
        outcomes.iter().map(of).sum::<f64>() / all
    };
    near(sum("loss"), figure(report, "loss"));
    near(sum("five_gram_loss"), losses[1] / all);
    assert!(
        outcomes[0]["note"]
            .as_str()
            .unwrap()
            .ends_with("second.csv#n21")
    );

    let known = &lines(
        &[
            &arguments[..],
            &["--baselines", path(&second), path(&second)],
        ]
        .concat(),
    )[0];
    let remark = known["data"]["remarks"][0].as_str().unwrap();
    assert!(remark.starts_with("4 of 4 test notes are"), "{remark}");
}

#[test]
fn the_same_tokens_are_hidden_each_time() {
    let temporary = Temporary::new();
    let (tiny, [first, second]) = (fixture("tiny"), notes(&temporary));
    let out = temporary.path().join("report");
    let arguments = [
        "evaluate",
        "masked-lm",
        "--model",
        path(&tiny),
        path(&first),
        path(&second),
    ];
    let more = ["--slice", "file", "--slice", "patient", "--resamples", "40"];
    let arguments = [&arguments[..], &more].concat();
    let printed = succeeds(&[&arguments[..], &["--out", path(&out)]].concat());
    assert!(
        printed.contains("resamples of whole patients (13, too few to trust the intervals)"),
        "{printed}"
    );
    let report = lines(&arguments);
    let written: Value =
        serde_json::from_slice(&fs::read(out.join("evaluation.json")).unwrap()).unwrap();
    assert_eq!(report, [written]);
    let card = fs::read_to_string(out.join("model-card.md")).unwrap();
    assert!(
        card.contains("15 % of each note") && !card.contains("zyx"),
        "{card}"
    );
    let report = &report[0];
    assert_eq!(report["slices"][0]["slices"][0]["examples"], 21);
    assert_eq!(report["slices"][0]["slices"][1]["too_few"], true);
    let other = &lines(&[&arguments[..], &["--seed", "1"]].concat())[0];
    assert_ne!(figure(other, "loss"), figure(report, "loss"));
    let hidden = report["result"]["hidden"].as_f64().unwrap();
    let all = &lines(&[&arguments[..], &["--mask-rate", "1"]].concat())[0];
    let share = hidden / all["result"]["hidden"].as_f64().unwrap();
    assert!((share - 0.15).abs() < 0.05, "{share}");
}

#[test]
fn what_cannot_be_judged_is_said_before_the_work() {
    let temporary = Temporary::new();
    let (tiny, [first, _]) = (fixture("tiny"), notes(&temporary));
    let classifier = spelling("sequence-classification-cls", &temporary);
    let empty = temporary.file("empty.csv", "text\n\" \"\n");
    let masked = ["evaluate", "masked-lm", path(&first), "--model"];
    let tiny = [&masked[..], &[path(&tiny)]].concat();
    for (more, what) in [
        (&["--mask-rate", "0"][..], "a share of 0 of the tokens"),
        (&["--mask-rate", "1.5"], "a share of 1.5"),
        (&["--mask-rate", "NaN"], "a share of NaN"),
        (
            &["--slice", "colour"],
            "column or field \"colour\" to slice by",
        ),
        (
            &["--overlap", "9", "--max-tokens", "9"],
            "cannot read notes in this way",
        ),
    ] {
        let said = refused(&[&tiny[..], more].concat(), 2);
        assert!(said.contains(what), "{said}");
    }
    let said = refused(&[&masked[..], &[path(&classifier)]].concat(), 1);
    assert!(said.contains("cannot be judged by hidden tokens"), "{said}");
    let mask = temporary.file("mask.csv", "text\n[MASK]\n");
    let nothing = ["evaluate", "masked-lm", path(&mask), "--model", tiny[4]];
    let said = refused(&nothing, 2);
    assert!(
        said.contains("no note has a token that could be hidden"),
        "{said}"
    );
    let nowhere = temporary.path().join("nowhere.csv");
    for file in [&nowhere, &empty] {
        let said = refused(&[&tiny[..], &["--baselines", path(file)]].concat(), 2);
        assert!(
            said.contains("texts for the baselines have no tokens"),
            "{said}"
        );
    }
    let out = temporary.path().join("zero.json");
    fs::write(&out, "{}").unwrap();
    refused(&[&tiny[..], &["--out", path(&out)]].concat(), 2);
}
