//! Classifiers are judged by what `classify` says, one label or several.

use super::*;

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
