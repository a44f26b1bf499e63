//! `auscult bench`: what is measured, printed and refused.

use serde_json::Value;

#[cfg(unix)]
use crate::common::Temporary;
use crate::{auscult, fails, path, succeeds, text};

#[test]
fn bench_measures_what_it_is_asked_for() {
    let report = succeeds(&[
        "bench",
        "encoder",
        "--size",
        "tiny",
        "--lengths",
        "16,40",
        "--json",
    ]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let lengths = report["lengths"].as_array().unwrap();
    assert_eq!(lengths.len(), 2);
    for length in lengths {
        assert!(length["seconds"].as_f64().unwrap() > 0.0);
        assert!(length["parts"]["sliding_attention"].as_f64().unwrap() > 0.0);
    }
    fails(
        &["bench", "encoder", "--size", "tiny", "--lengths", "9000"],
        1,
        "at most 8192",
    );
    fails(&["bench", "encoder", "--lengths", "0"], 2, "--lengths");
}

#[test]
fn steps_of_training_are_timed() {
    let arguments = [
        "bench",
        "training-step",
        "--size",
        "tiny",
        "--vocab",
        "100",
        "--lengths",
        "20,30",
        "--json",
    ];
    for more in [&[][..], &["--recompute"]] {
        let json = succeeds(&[&arguments[..], more].concat());
        let report: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(report["recompute"], !more.is_empty());
        let steps = report["steps"].as_array().unwrap();
        assert_eq!(steps.len(), 2);
        for step in steps {
            let time = |name: &str| step[name].as_f64().unwrap();
            assert!(
                time("seconds") > 0.0 && time("model") > time("prepare"),
                "{step}"
            );
        }
    }
    fails(
        &[
            "bench",
            "training-step",
            "--size",
            "tiny",
            "--lengths",
            "9000",
        ],
        1,
        "at most 8192",
    );
}

/// Another program says what it needs in the last line that it prints.
#[cfg(unix)]
#[test]
fn steps_of_training_are_compared_with_those_of_another_program() {
    let temporary = Temporary::new();
    let says = |line: &str| {
        let script = format!("echo of \"$@\" >&2\necho loading\necho '{line}'\n");
        let script = temporary.file("other.sh", script);
        format!("sh {}", path(&script))
    };
    let step = [
        "bench",
        "training-step",
        "--size",
        "tiny",
        "--vocab",
        "100",
        "--lengths",
        "20",
    ];
    let beside = says(r#"{"tokens": 20, "seconds": 1000.0, "peak_bytes": 5, "more": 1}"#);
    let output = auscult(&[&step[..], &["--beside", &beside]].concat());
    let (printed, said) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("of --json --lengths 20 --size tiny --threads ")
            && said.contains(" --vocab 100"),
        "{said}"
    );
    let times = printed.split("Auscult is ").nth(1).unwrap();
    let times: f64 = times.split(' ').next().unwrap().parse().unwrap();
    let seconds = printed.split(": ").nth(1).unwrap();
    let seconds: f64 = seconds.split(' ').next().unwrap().parse().unwrap();
    assert!((times * seconds / 1000.0 - 1.0).abs() < 0.2, "{printed}");
    let beside = says("no numbers");
    fails_printing(
        &[&step[..], &["--beside", &beside]].concat(),
        "a line of JSON",
    );
    fails_printing(
        &[&step[..], &["--beside", "/no/such/program"]].concat(),
        "started",
    );
}

#[cfg(unix)]
#[track_caller]
fn fails_printing(arguments: &[&str], says: &str) {
    let output = auscult(arguments);
    let stderr = text(&output.stderr);
    assert!(
        output.status.code() == Some(1) && stderr.contains(says),
        "{stderr}"
    );
}

#[test]
fn attention_is_timed_beside_burns_own() {
    let arguments = ["bench", "attention", "--lengths", "40", "--heads", "2"];
    let json = succeeds(&[&arguments[..], &["--json"]].concat());
    let report: Value = serde_json::from_str(&json).unwrap();
    let timings = report["attention"].as_array().unwrap();
    assert_eq!(timings.len(), 2);
    for timing in timings {
        for time in [
            "forward",
            "with_gradient",
            "burn_forward",
            "burn_with_gradient",
        ] {
            assert!(timing[time].as_f64().unwrap() > 0.0, "{timing}");
        }
    }
    fails(&["bench", "attention", "--heads", "0"], 2, "--heads");
}
