//! Would catch: figures that are not those of what `classify`, `tag` or `embed` give; thresholds or a
//! temperature that did not come from validation notes; an evaluation of what was left out, or of notes
//! that were chosen on; a message that repeats note text.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;
#[path = "evaluate/masked_lm.rs"]
mod masked_lm;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use auscult::engine::{
    Columns, DeviceChoice, Engine, EngineError, EvaluateQuery, ImportOptions, Job, StopFlag, import,
};
use common::{Temporary, fixture, spelling};
use serde_json::Value;

fn auscult(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_auscult"))
        .args(arguments)
        .args(["--device", "cpu"])
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[track_caller]
fn succeeds(arguments: &[&str]) -> String {
    let output = auscult(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// The JSON lines of a command.
#[track_caller]
fn lines(arguments: &[&str]) -> Vec<Value> {
    let printed = succeeds(&[arguments, &["--json"]].concat());
    printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What a command says that is refused with this status.
#[track_caller]
fn refused(arguments: &[&str], status: i32) -> String {
    let output = auscult(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
    assert!(!said.contains("zyx"), "note text in: {said}");
    said
}

/// A text for each number, none like another, in the letters that the tiny models know.
fn words(number: usize) -> String {
    let letter =
        |at: usize| char::from(b'a' + ((number * 7 + at * at * 3 + number * at) % 26) as u8);
    let word = |start: usize| (start..start + 4).map(letter).collect::<String>();
    format!("zyx {} {} {} {number}", word(0), word(5), word(11))
}

/// A table of 75 rows: 48 for the test, 21 for validation, 6 for neither.
fn table(temporary: &Temporary) -> PathBuf {
    let mut rows = "text,gold,part,sex\n".to_owned();
    for number in 0..75 {
        let part = ["test", "test", "test", "dev", "test"][number % 5];
        let part = if number >= 60 {
            ["dev", "train"][usize::from(number >= 69)]
        } else {
            part
        };
        let sex = if number % 9 == 0 {
            "unknown"
        } else {
            ["F", "M"][number % 2]
        };
        rows += &format!("{},label_{},{part},{sex}\n", words(number), number % 3);
    }
    temporary.file("rows.csv", rows)
}

#[test]
fn a_classifier_is_judged_by_what_it_predicts() {
    let temporary = Temporary::new();
    let model = spelling("sequence-classification-cls", &temporary);
    let notes = table(&temporary);
    let out = temporary.path().join("report");
    let arguments = [
        "evaluate",
        "--model",
        path(&model),
        path(&notes),
        "--label-column",
        "gold",
    ];
    let more = [
        "--split-column",
        "part",
        "--slice",
        "sex",
        "--seed",
        "5",
        "--resamples",
        "60",
    ];
    let arguments = [&arguments[..], &more].concat();
    let printed = succeeds(&[&arguments[..], &["--out", path(&out)]].concat());
    assert!(
        printed.contains("48 test notes") && printed.contains("seed 5"),
        "{printed}"
    );
    let report = fs::read(out.join("evaluation.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(
        vec![report.clone()],
        lines(&arguments),
        "printed and written are the same"
    );

    let classified = lines(&[
        "classify",
        "--model",
        path(&model),
        path(&notes),
        "--label",
        "gold",
    ]);
    let gold = fs::read_to_string(&notes).unwrap();
    let (mut right, mut all) = (0, 0);
    let outcomes = report["notes"].as_array().unwrap();
    for (line, result) in gold.lines().skip(1).zip(&classified) {
        let cells: Vec<&str> = line.split(',').collect();
        if cells[2] == "test" {
            all += 1;
            let predicted = result["labels"][0]["label"].as_str().unwrap();
            // Each note can be found again by its name.
            let outcome = &outcomes[all - 1];
            assert_eq!(outcome["note"], result["note"]);
            assert_eq!(outcome["predicted"], predicted);
            assert!(cells[1].eq_ignore_ascii_case(outcome["truth"].as_str().unwrap()));
            let score = result["labels"][0]["score"].as_f64().unwrap();
            assert!((outcome["score"].as_f64().unwrap() - score).abs() < 1e-6);
            right += usize::from(predicted.eq_ignore_ascii_case(cells[1]));
        }
    }
    assert_eq!((all, &report["data"]["test"]), (48, &Value::from(48)));
    let accuracy = report["result"]["accuracy"].as_f64().unwrap();
    assert!((accuracy - right as f64 / all as f64).abs() < 1e-12);
    let interval = &report["result"]["intervals"]["accuracy"];
    assert_eq!(interval["estimate"], accuracy);
    assert!(interval["low"].as_f64() <= interval["estimate"].as_f64());
    assert_eq!(report["data"]["validation"], 21);
    assert_eq!(report["result"]["calibration"]["fitted"], true);
    let slices = report["slices"][0]["slices"].as_array().unwrap();
    assert_eq!(slices.len(), 3);
    for slice in slices {
        let few = slice["examples"].as_u64().unwrap() < 20;
        assert_eq!(
            (&slice["too_few"], slice["figures"].is_null()),
            (&Value::from(few), few)
        );
    }
    for file in [
        "confusion",
        "reliability",
        "roc",
        "precision-recall",
        "decision",
    ] {
        let png = fs::read(out.join(format!("plots/{file}.png"))).unwrap();
        assert!(png.starts_with(b"\x89PNG") && png.len() > 5000, "{file}");
        assert!(out.join(format!("plots/{file}.svg")).is_file());
    }
    let card = fs::read_to_string(out.join("model-card.md")).unwrap();
    assert!(
        card.contains("too few") && card.contains("21 other notes"),
        "{card}"
    );
    assert!(!card.contains("zyx"), "a card holds no text of notes");
    assert!(!report.to_string().contains("zyx"), "nor does the report");
    assert_eq!(outcomes.len(), 48);
}

#[test]
fn several_labels_get_thresholds_from_validation() {
    let temporary = Temporary::new();
    let model = spelling("sequence-classification-multilabel", &temporary);
    let rows = |from: usize| {
        let mut rows = "text,label\n".to_owned();
        for number in from..from + 30 {
            let labels = ["LABEL_0", "LABEL_0;LABEL_2", "", "LABEL_1; LABEL_2"][number % 4];
            rows += &format!("{},{labels}\n", words(number));
        }
        rows
    };
    let test = temporary.file("test.csv", rows(0));
    let fit = temporary.file("fit.csv", rows(100));
    let arguments = [
        "evaluate",
        "--model",
        path(&model),
        path(&test),
        "--separator",
        ";",
    ];
    let validation = ["--validation", path(&fit), "--cost-ratio", "3"];
    let report = &lines(&[&arguments[..], &validation].concat())[0];
    assert_eq!(report["result"]["task"], "multi_label");
    assert_eq!(
        (&report["data"]["test"], &report["data"]["validation"]),
        (&30.into(), &30.into())
    );
    let result = &report["result"];
    assert_eq!(
        result["per_label"]["support"],
        serde_json::json!([16, 7, 15])
    );
    let thresholds = result["thresholds"].as_array().unwrap();
    assert!(thresholds.iter().all(|own| own["cost_ratio"] == 3.0));
    let said = refused(&[&arguments[..], &["--positive", "LABEL_0"]].concat(), 2);
    assert!(said.contains("judged by itself"), "{said}");
    let plain = &lines(&arguments)[0];
    let first = &plain["notes"][1];
    assert_eq!(first["truth"], serde_json::json!(["LABEL_0", "LABEL_2"]));
    for (label, score) in first["scores"].as_array().unwrap().iter().enumerate() {
        let called = first["predicted"]
            .as_array()
            .unwrap()
            .contains(&format!("LABEL_{label}").into());
        assert_eq!(called, score.as_f64().unwrap() >= 0.5);
    }
    assert!(plain["result"]["thresholds"].is_null());
    assert_eq!(plain["result"]["per_label"], result["at_0.5"]["per_label"]);
}

#[test]
fn a_tagger_is_judged_by_its_spans() {
    let temporary = Temporary::new();
    let model = spelling("token-classification", &temporary);
    let folder = temporary.path().join("notes");
    fs::create_dir(&folder).unwrap();
    for number in 0..4 {
        fs::write(folder.join(format!("{number}.txt")), words(number)).unwrap();
    }
    let tagged = lines(&["tag", "--model", path(&model), path(&folder)]);
    let (mut spans, mut kinds) = (0, Vec::new());
    for (number, note) in tagged.iter().enumerate() {
        let mut ann = String::new();
        for (index, span) in note["spans"].as_array().unwrap().iter().enumerate() {
            let (kind, text) = (
                span["label"].as_str().unwrap(),
                span["text"].as_str().unwrap(),
            );
            ann += &format!(
                "T{}\tTheir-{kind} {} {}\t{text}\n",
                index + 1,
                span["start"],
                span["end"]
            );
            spans += 1;
            kinds.push(kind.to_owned());
        }
        fs::write(folder.join(format!("{number}.ann")), ann).unwrap();
    }
    kinds.sort();
    kinds.dedup();
    assert!(spans > 3 && !kinds.is_empty(), "the model marks something");
    let map: Vec<String> = kinds
        .iter()
        .map(|kind| format!("Their-{kind}={kind}"))
        .collect();
    let arguments = ["evaluate", "--model", path(&model), path(&folder)];
    let mapped = map.iter().flat_map(|map| ["--map", map.as_str()]);
    let all: Vec<&str> = arguments.iter().copied().chain(mapped).collect();
    let report = &lines(&all)[0];
    assert_eq!(report["result"]["task"], "spans");
    for matching in ["exact", "overlap"] {
        assert_eq!(report["result"][matching]["micro"]["f1"], 1.0, "{matching}");
    }
    let counts = |part: &str| {
        let notes = report["notes"].as_array().unwrap().iter();
        notes
            .map(|note| note["exact"][part].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!((counts("right"), counts("there")), (spans, spans));
    // A true span that begins one byte later is still found, but not exactly.
    let file = folder.join("0.ann");
    let ann = fs::read_to_string(&file).unwrap();
    let first = ann.lines().next().unwrap();
    let cells: Vec<&str> = first.split('\t').collect();
    let mut place = cells[1].split(' ');
    let (kind, start) = (
        place.next().unwrap(),
        place.next().unwrap().parse::<usize>().unwrap(),
    );
    let moved = format!(
        "T1\t{kind} {} {}\t{}",
        start + 1,
        place.next().unwrap(),
        &cells[2][1..]
    );
    fs::write(&file, ann.replace(first, &moved)).unwrap();
    let moved = &lines(&all)[0];
    assert_eq!(moved["result"]["overlap"]["micro"]["f1"], 1.0);
    let exact = moved["result"]["exact"]["micro"]["recall"]
        .as_f64()
        .unwrap();
    assert!(
        (exact - (spans - 1) as f64 / spans as f64).abs() < 1e-12,
        "{exact}"
    );

    let said = refused(&arguments, 2);
    assert!(said.contains("--map") && said.contains("PROBLEM"), "{said}");
    let other = temporary.file("other.txt", "zyx and nothing else");
    for (more, what) in [
        (
            ["--validation", path(&other)],
            "neither threshold nor temperature",
        ),
        (
            ["--validation", path(&folder)],
            "text of one in the validation part",
        ),
        (["--positive", "DRUG"], "no positive class"),
        (["--separator", ";"], "not by labels"),
        (["--map", "DRUG=NONE"], "marks no \"NONE\""),
    ] {
        let said = refused(&[&all[..], &more].concat(), 2);
        assert!(said.contains(what), "{said}");
    }
}

#[test]
fn vectors_are_judged_by_their_neighbours() {
    let temporary = Temporary::new();
    // Two kinds of text that share no letters.
    let mut rows = "text,chapter\n".to_owned();
    for number in 0..40 {
        let text = ["fever chills fever", "0 1 2 3 4 5 6 7 8"][number % 2];
        rows += &format!("{text} {},{}\n", words(number), 1 + number % 2);
    }
    let notes = temporary.file("codes.csv", rows);
    let (tiny, out) = (fixture("tiny"), temporary.path().join("map"));
    let arguments = [
        "evaluate",
        "embeddings",
        "--model",
        path(&tiny),
        path(&notes),
    ];
    let arguments = [
        &arguments[..],
        &["--label-column", "chapter", "--neighbours", "3"],
    ]
    .concat();
    let report = &lines(&arguments)[0];
    let result = &report["result"];
    assert_eq!(
        (&result["task"], &result["labels"]),
        (&"vectors".into(), &serde_json::json!(["1", "2"]))
    );
    assert_eq!(result["majority"], 0.5);
    let accuracy = result["intervals"]["knn_accuracy"]["estimate"]
        .as_f64()
        .unwrap();
    assert!(accuracy > 0.9, "{accuracy}");
    assert_eq!(
        report,
        &lines(&arguments)[0],
        "the seed makes two runs the same"
    );
    let printed = succeeds(&[&arguments[..], &["--out", path(&out)]].concat());
    assert!(printed.contains("knn accuracy"), "{printed}");
    for file in ["components", "neighbours"] {
        assert!(
            fs::read(out.join(format!("plots/{file}.png")))
                .unwrap()
                .len()
                > 5000,
            "{file}"
        );
    }
    let many = [&arguments[..arguments.len() - 1], &["40"]].concat();
    let said = refused(&many, 2);
    assert!(said.contains("40"), "{said}");
}

#[test]
fn what_cannot_be_judged_is_refused_with_a_sentence() {
    let temporary = Temporary::new();
    let model = spelling("sequence-classification-cls", &temporary);
    let notes = table(&temporary);
    let rows = path(&notes);
    let same = temporary.file("same.csv", fs::read_to_string(&notes).unwrap());
    let out = temporary.path().join("folder");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("a.txt"), "zyx a").unwrap();
    let file = temporary.file("report", "");
    let only = fs::read_to_string(&notes)
        .unwrap()
        .replace(",dev,", ",test,");
    let only = temporary.file("only.csv", only);
    for (arguments, what) in [
        (vec![rows, "--cost-ratio", "2"], "on validation notes only"),
        (
            vec![rows, "--validation", path(&same)],
            "75 notes in the test part",
        ),
        (
            vec![rows, "--split-column", "sex"],
            "no row of it says test",
        ),
        (
            vec![path(&only), "--split-column", "part", "--cost-ratio", "2"],
            "give validation notes as well",
        ),
        (
            vec![rows, "--split-column", "part", "--cost-ratio", "2"],
            "this model has 3",
        ),
        (
            vec![rows, "--split-column", "part", "--cost-ratio", "0"],
            "above 0",
        ),
        (vec![rows, "--positive", "label_1"], "this model has 3"),
        (vec![rows, "--slice", "nothing"], "\"nothing\" to slice by"),
        (vec![rows, "--map", "a=b"], "no kinds of spans"),
        (
            vec![rows, "--label", "sex"],
            "none of the model's, which are LABEL_0",
        ),
        (
            vec![rows, "--label", "text"],
            "no test note of 75 can be judged",
        ),
        (
            vec![path(&out), "--out", path(&out)],
            "would be read as notes",
        ),
        (vec![rows, "--out", path(&file)], "is a file"),
    ] {
        let own = ["evaluate", "--model", path(&model)];
        let label: &[&str] = match arguments.contains(&"--label") {
            true => &[],
            false => &["--label", "gold"],
        };
        let arguments = [&own[..], label, &arguments].concat();
        let said = refused(&arguments, 2);
        assert!(said.contains(what), "{arguments:?} says {said}");
    }
    let tiny = fixture("tiny");
    let said = refused(
        &["evaluate", "--model", path(&tiny), rows, "--label", "gold"],
        1,
    );
    assert!(said.contains("evaluate embeddings"), "{said}");
}

#[test]
fn a_stopped_evaluation_gives_no_figures_of_a_part() {
    let temporary = Temporary::new();
    let model = spelling("sequence-classification-cls", &temporary);
    let columns = Columns {
        label: Some("gold".to_owned()),
        ..Columns::default()
    };
    let options = ImportOptions {
        columns,
        ..ImportOptions::default()
    };
    let notes = import(&[table(&temporary)], &options, &Job::silent()).notes;
    let mut engine = Engine::open(DeviceChoice::Cpu).unwrap();
    engine.load_model(&model, &Job::silent()).unwrap();
    let query = EvaluateQuery::default();
    let whole = engine
        .evaluate(&notes, None, &query, &Job::silent())
        .unwrap();
    assert_eq!(whole.results.len(), 1);
    // The stop comes while the model reads, and while the intervals are made.
    for (unit, after) in [("notes", 40), ("resamples", 64)] {
        let stop = StopFlag::default();
        let flag = stop.clone();
        let job = Job::reporting(stop, Duration::ZERO, move |progress| {
            if progress.unit == unit && progress.done >= after {
                flag.stop();
            }
        });
        let stopped = engine.evaluate(&notes, None, &query, &job);
        assert!(matches!(stopped, Err(EngineError::Cancelled(_))), "{unit}");
    }
}
