//! What a run leaves to be read, also when it was stopped: a report, curves, and a card that goes with
//! the model and gives nothing else away.

use std::fs;

use auscult::engine::{TrainConfig, TrainOutcome};

use crate::common::Temporary;
use crate::{bytes, config, notes, resume, train};

fn classify(temporary: &Temporary) -> TrainConfig {
    TrainConfig {
        task: serde_json::from_value("classify".into()).unwrap(),
        label: Some("label".to_owned()),
        ..config(temporary, "secret-run", notes(temporary, 24))
    }
}

fn text(run: &std::path::Path, file: &str) -> String {
    String::from_utf8(bytes(run, file)).unwrap()
}

#[test]
fn a_run_has_a_report_and_its_model_a_card() {
    let temporary = Temporary::new();
    let report = train(classify(&temporary), None).0.unwrap();
    assert!(report.remarks.is_empty(), "{:?}", report.remarks);
    assert_eq!(report.last_step, Some(8));
    let own = text(&report.run, "report.md");
    for said in [
        "# Training run: secret-run",
        "All steps were made.",
        "| steps | 8 of 8 |",
        "| figure | best, validation |",
        "| heart |",
        "![curves](curves.png)",
        "notes.csv",
        "lr = 0.001",
    ] {
        assert!(own.contains(said), "{said} is not in:\n{own}");
    }
    let svg = text(&report.run, "curves.svg");
    for said in ["Loss", "Macro-F1 on the validation notes", "Learning rate"] {
        assert!(svg.contains(said), "{said}");
    }
    let png = bytes(&report.run, "curves.png");
    assert!(png.starts_with(b"\x89PNG") && png.len() > 10_000);

    let card = text(&report.run, "best/README.md");
    let best = report.best.unwrap().step;
    for said in [
        "library_name: transformers",
        "gives each note one of 2 classes",
        &format!("as it was after step {best} of 8"),
        &format!("| training | {} |", report.examples[0]),
        "| heart |",
        "lr = 0.001",
        "not a medical device",
        "![curves](curves.png)",
    ] {
        assert!(card.contains(said), "{said} is not in:\n{card}");
    }
    assert!(bytes(&report.run, "best/curves.png") == png);
    // It goes where the model goes; paths, files and columns do not.
    for kept in ["secret-run", "notes.csv", "run = ", "label = ", "fever"] {
        assert!(!card.contains(kept), "{kept} is in:\n{card}");
    }
    assert!(!own.contains("fever"), "{own}");
}

#[test]
fn a_stopped_run_is_told_as_far_as_it_came() {
    let temporary = Temporary::new();
    let report = train(classify(&temporary), Some(4)).0.unwrap();
    assert_eq!(report.outcome, TrainOutcome::Stopped);
    let own = text(&report.run, "report.md");
    for said in [
        "It was stopped and can go on",
        "| steps | 4 of 8 |",
        "last, validation",
        "Of the last model on the validation notes.",
        "| heart |",
    ] {
        assert!(own.contains(said), "{said} is not in:\n{own}");
    }
    assert!(bytes(&report.run, "curves.png").len() > 10_000);
    let card = text(&report.run, "best/README.md");
    assert!(card.contains("as it was after step 3 of 8"), "{card}");
    assert!(!card.contains("curves"), "{card}");
}

/// Without validation notes the last model is kept, and nothing is said of how good it is.
#[test]
fn a_run_that_nothing_judges_is_told_without_figures() {
    let temporary = Temporary::new();
    let config = TrainConfig {
        validation_share: 0.0,
        ..classify(&temporary)
    };
    let report = train(config, None).0.unwrap();
    assert!(report.judged.is_empty() && report.last.is_none());
    for file in ["report.md", "best/README.md"] {
        let own = text(&report.run, file);
        assert!(
            !own.contains("## Figures") && own.contains("## Data"),
            "{own}"
        );
    }
}

/// The run is whole without what is to be read of it.
#[test]
fn a_report_that_cannot_be_written_is_a_remark() {
    let temporary = Temporary::new();
    let report = train(classify(&temporary), Some(4)).0.unwrap();
    for file in ["report.md", "curves.svg"] {
        fs::remove_file(report.run.join(file)).unwrap();
        fs::create_dir_all(report.run.join(file).join("in-the-way")).unwrap();
    }
    let report = resume(&report.run, None).0.unwrap();
    assert_eq!(report.outcome, TrainOutcome::Finished);
    let said = report.remarks.join("\n");
    assert!(
        said.contains("report.md") && said.contains("curves"),
        "{said}"
    );
    let written: serde_json::Value =
        serde_json::from_str(&text(&report.run, "report.json")).unwrap();
    assert_eq!(written["remarks"].as_array().unwrap().len(), 2);
}
