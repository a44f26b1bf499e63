//! Would catch: figures that are not those of what `classify`, `tag` or `embed` give; thresholds or a
//! temperature that did not come from validation notes; an evaluation of what was left out, or of notes
//! that were chosen on; a message that repeats note text.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

#[path = "evaluate/classifying.rs"]
mod classifying;
#[path = "evaluate/masked_lm.rs"]
mod masked_lm;
#[path = "evaluate/tagging.rs"]
mod tagging;

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
fn vectors_are_judged_by_their_neighbours() {
    let temporary = Temporary::new();
    // Two kinds of text that share no letters.
    let mut rows = "text,chapter\n".to_owned();
    for number in 0..40 {
        let text = ["fever chills fever", "0 1 2 3 4 5 6 7 8"][number % 2];
        let chapter = 1 + number % 2;
        rows += &format!(
            "{text} {},{chapter},{},{chapter}\n",
            words(number),
            number / 10
        );
    }
    let notes = temporary.file("codes.csv", rows.replace("chapter\n", "chapter,ten,same\n"));
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
    let across = |column: &str| {
        let report = &lines(&[&arguments[..], &["--across", column]].concat())[0];
        let intervals = &report["result"]["intervals"];
        assert_eq!(intervals["knn_accuracy"]["estimate"], accuracy);
        intervals["knn_accuracy_across"]["estimate"].as_f64()
    };
    assert!(across("ten").unwrap() > 0.9);
    assert_eq!(
        across("same"),
        Some(0.0),
        "only wrong ones are left to vote"
    );
    let nothing = refused(&[&arguments[..], &["--across", "category"]].concat(), 2);
    assert!(nothing.contains("category"), "{nothing}");
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
