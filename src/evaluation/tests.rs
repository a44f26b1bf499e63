//! What a report says, and that its files are what they should be.

mod masked_lm;

use super::classes::{self, judge_classes, slice_classes};
use super::labels::{self, judge_labels};
use super::plots::plots;
use super::spans::{Marked, judge_spans};
use super::vectors::{Labelled, judge_vectors};
use super::*;
use crate::job::{Job, StopFlag};
use crate::metrics::spans::Span;

const HOW: Settings = Settings {
    resampling: Resampling {
        seed: 3,
        resamples: 50,
        level: 0.95,
    },
    cost_ratio: Some(3.0),
};

fn names(count: usize) -> Vec<String> {
    // A name that both XML and Markdown have to be kept from.
    let name = |class: usize| match class {
        0 => "<b> & | \"x\"".to_owned(),
        _ => format!("class {class}"),
    };
    (0..count).map(name).collect()
}

/// Notes whose largest logit is right two times of three.
fn scored(classes: usize, notes: usize, gain: f64) -> classes::Scored {
    let mut scored = classes::Scored::default();
    for note in 0..notes {
        let truth = (note * note / 3) % classes;
        let guess = if note % 3 == 0 {
            (truth + 1) % classes
        } else {
            truth
        };
        for class in 0..classes {
            let own = if class == guess {
                1.0 + (note % 7) as f64 / 5.0
            } else {
                (class as f64) / 50.0
            };
            scored.logits.push(gain * own);
        }
        scored.truth.push(truth);
    }
    scored
}

fn evaluation(result: Judgement, slices: Vec<SliceTable>) -> Evaluation {
    Evaluation {
        auscult: "0",
        model: ModelFacts {
            name: "a|b".to_owned(),
            head: "sequence classification".to_owned(),
            parameters: 7,
            random_weights: true,
        },
        data: DataFacts {
            test: 60,
            validation: None,
            patients: None,
            truth: "one label of each note".to_owned(),
            remarks: vec!["A remark.".to_owned()],
        },
        resampling: HOW.resampling,
        result,
        slices,
        notes: Vec::new(),
    }
}

fn single(classes: usize) -> Evaluation {
    let (test, fit) = (scored(classes, 60, 4.0), scored(classes, 45, 4.0));
    let names = names(classes);
    let result = judge_classes(&names, 1, &test, Some(&fit), &HOW, &Job::silent()).unwrap();
    let values: Vec<String> = (0..60)
        .map(|note| if note < 19 { "a" } else { "b" }.to_owned())
        .collect();
    let slices = slice_classes(classes, &test, "kind", &values).unwrap();
    evaluation(Judgement::SingleLabel(result), vec![slices])
}

#[test]
fn thresholds_and_temperature_come_from_validation() {
    let (names, job) = (names(2), Job::silent());
    let test = scored(2, 60, 4.0);
    let of =
        |fit: Option<&classes::Scored>| judge_classes(&names, 1, &test, fit, &HOW, &job).unwrap();
    let none = of(None);
    let (calibration, positive) = (&none.calibration, none.positive.as_ref().unwrap());
    assert_eq!((calibration.temperature, calibration.fitted), (None, false));
    assert!(calibration.after.is_none() && positive.threshold.is_none());
    let near = of(Some(&scored(2, 45, 4.0)));
    let far = of(Some(&scored(2, 45, 8.0)));
    let temperature = |own: &classes::Classes| own.calibration.temperature.unwrap();
    // Logits twice as large need twice the temperature, and the test notes do not matter to it.
    assert!((temperature(&far) / temperature(&near) - 2.0).abs() < 1e-6);
    assert_eq!(
        (&near.figures, &near.intervals),
        (&none.figures, &none.intervals)
    );
    let after = near.calibration.after.unwrap();
    assert!(after.nll < near.calibration.before.nll && after.ece < near.calibration.before.ece);
    let positive = near.positive.as_ref().unwrap();
    let chosen = positive.threshold.unwrap();
    assert!(
        chosen.false_negatives <= 1 + positive.at_half.fn_ as usize,
        "{chosen:?}"
    );
    assert!(positive.at_threshold.unwrap().scores.recall >= positive.at_half.scores.recall);
}

#[test]
fn small_slices_have_no_figures() {
    let report = single(3);
    let [large, small] = &report.slices[0].slices[..] else {
        panic!("two slices");
    };
    assert_eq!((large.examples, small.examples), (41, 19));
    assert!(small.too_few && small.figures.is_none());
    assert!(large.figures.as_ref().unwrap()["accuracy"].is_some());
    assert!(card(&report).contains("| a | 19 | too few | too few | too few |"));
}

#[test]
fn of_several_classes_the_mean_areas_have_intervals() {
    let report = single(3);
    let Judgement::SingleLabel(own) = &report.result else {
        panic!("classes");
    };
    for (name, want) in [
        ("auroc_macro", own.figures.auroc_macro),
        ("auprc_macro", own.figures.auprc_macro),
    ] {
        let found = own.intervals[name];
        assert!((found.estimate.unwrap() - want.unwrap()).abs() < 1e-12);
        assert!(
            found.low < found.high && found.low < want && found.high > want,
            "{name}"
        );
    }
    assert!(card(&report).contains("| auroc macro |"));
    let two = single(2);
    let Judgement::SingleLabel(own) = &two.result else {
        panic!("classes");
    };
    let positive = own.positive.as_ref().unwrap();
    let near = |name: &str, want: f64| (own.intervals[name].estimate.unwrap() - want).abs() < 1e-12;
    assert!(near("brier", positive.figures.brier));
    assert!(near("auroc", positive.figures.auroc.unwrap()));
    assert!(near("auprc", positive.figures.auprc.unwrap()));
}

#[test]
fn notes_of_a_patient_are_resampled_together() {
    let (names, mut test) = (names(3), scored(3, 60, 4.0));
    let of = |test: &classes::Scored| {
        let judged = judge_classes(&names, 1, test, None, &HOW, &Job::silent()).unwrap();
        judged.intervals["accuracy"]
    };
    let alone = of(&test);
    // The notes that are wrong are all of the same patients.
    test.patients = Some((0..60).map(|note| note % 3 + 3 * (note / 20)).collect());
    let together = of(&test);
    assert_eq!(alone.estimate, together.estimate);
    assert!(together.standard_deviation.unwrap() > 1.5 * alone.standard_deviation.unwrap());
    test.patients = Some((0..60).collect());
    assert_eq!(of(&test), alone);
}

#[test]
fn a_card_says_what_it_must() {
    let text = card(&single(2));
    for what in [
        "# Model card: a\\|b",
        "random weights",
        "50 resamples of notes with seed 3",
        "95 %",
        "A remark.",
        "not a medical device",
        "&lt;b> &amp; \\| \"x\"",
        "costs as much as 3 false positives",
        "(plots/roc.png)",
    ] {
        assert!(text.contains(what), "{what} is not in:\n{text}");
    }
    assert!(!text.contains("<b>"), "{text}");
}

#[test]
fn several_labels_have_a_threshold_each() {
    let single = scored(3, 60, 4.0);
    let scored = labels::Scored {
        logits: single.logits.iter().map(|logit| logit - 2.0).collect(),
        truth: single
            .truth
            .iter()
            .flat_map(|&own| (0..3).map(move |label| label == own))
            .collect(),
        patients: None,
    };
    let names = names(3);
    let of = |fit| judge_labels(&names, &scored, fit, &HOW, &Job::silent()).unwrap();
    let (without, with) = (of(None), of(Some(&scored)));
    assert!(without.thresholds.is_none() && without.at_half.is_none());
    assert_eq!(with.thresholds.as_ref().unwrap().len(), 3);
    assert_eq!(with.at_half.as_ref().unwrap(), &without.figures);
    assert_eq!(
        with.intervals["micro_f1"].estimate,
        Some(with.figures.micro.f1)
    );
    let auroc = with.intervals["auroc_macro"].estimate.unwrap();
    assert!((auroc - with.figures.auroc_macro.unwrap()).abs() < 1e-12);
    assert_eq!(
        with.intervals["hamming_loss"].estimate,
        Some(with.figures.hamming_loss)
    );
    let text = card(&evaluation(Judgement::MultiLabel(with), Vec::new()));
    assert!(text.contains("## Thresholds") && text.contains("At 0.5 for all labels"));
}

#[test]
fn spans_are_judged_exactly_and_by_overlap() {
    let note = |shift: usize| Marked {
        truth: vec![Span::new("A", 0..5), Span::new("B", 10..15)],
        marked: vec![Span::new("A", 0..5 + shift), Span::new("B", 20..25)],
        patient: None,
    };
    let report = judge_spans(&[note(0), note(2)], &HOW, &Job::silent()).unwrap();
    assert_eq!(
        (report.exact.micro.f1, report.overlap.micro.f1),
        (0.25, 0.5)
    );
    assert_eq!(report.overlap.per_type["A"].scores.f1, 1.0);
    assert_eq!(report.intervals["exact_micro_f1"].estimate, Some(0.25));
    let text = card(&evaluation(Judgement::Spans(report), Vec::new()));
    assert!(text.contains("| A | 2 | 0.500 | 0.500 | 0.500 |"), "{text}");
}

fn vectors() -> Evaluation {
    let mut own = Labelled {
        width: 3,
        ..Labelled::default()
    };
    for at in 0..45 {
        let noise = f64::from(at % 7) / 20.0;
        let place = |axis: i32| {
            if at % 3 == axis {
                5.0
            } else {
                noise * f64::from(axis + 1)
            }
        };
        own.vectors.extend((0..3).map(place));
        own.labels.push((at % 3) as usize);
    }
    let report = judge_vectors(&names(3), &own, 5, &HOW, &Job::silent()).unwrap();
    evaluation(Judgement::Vectors(report), Vec::new())
}

#[test]
fn vectors_in_their_places_are_recognised() {
    let report = vectors();
    let Judgement::Vectors(own) = &report.result else {
        panic!("vectors");
    };
    assert_eq!(
        (own.intervals["knn_accuracy"].estimate, own.nmi),
        (Some(1.0), 1.0)
    );
    assert!(own.silhouette_cosine.unwrap() > 0.9 && own.majority == 15.0 / 45.0);
    assert_eq!(plots(&report).len(), 2);
}

/// Colours of a PNG, without its background.
fn ink(bytes: &[u8]) -> usize {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    pixels.chunks(3).filter(|pixel| *pixel != [255; 3]).count()
}

#[test]
fn every_plot_is_drawn_in_both_forms() {
    let mut seen = Vec::new();
    for report in [single(2), single(3), single(40), vectors()] {
        for plot in plots(&report) {
            let (svg, png) = (plot.svg().unwrap(), plot.png().unwrap());
            assert!(
                svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"),
                "{}",
                plot.name
            );
            assert!(!svg.contains("<b>"), "{}: a name is no markup", plot.name);
            assert!(ink(&png) > 5_000, "{}: {}", plot.name, ink(&png));
            seen.push(plot.name);
        }
    }
    seen.sort_unstable();
    seen.dedup();
    let all = [
        "components",
        "confusion",
        "decision",
        "neighbours",
        "precision-recall",
        "reliability",
        "roc",
    ];
    assert_eq!(seen, all);
}

#[test]
fn a_report_is_written_whole_or_says_why_not() {
    let folder = std::env::temp_dir().join(format!("auscult-report-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let report = single(2);
    let files = report.write(&folder.join("a/b"), &Job::silent()).unwrap();
    assert_eq!(files.len(), 2 * plots(&report).len() + 2);
    assert!(files.iter().all(|file| file.is_file()));
    let json = std::fs::read(folder.join("a/b/evaluation.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["result"]["task"], "single_label");
    assert_eq!(json["resampling"]["seed"], 3);
    assert_eq!(
        json["result"]["confusion_matrix"][0]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert!(json["result"].get("y_pred").is_none());

    let stop = StopFlag::default();
    stop.stop();
    let stopped = report.write(&folder.join("c"), &Job::new(stop));
    assert!(matches!(stopped, Err(EvaluationError::Cancelled(_))));
    let file = folder.join("a/b/evaluation.json");
    let error = report.write(&file, &Job::silent()).unwrap_err().to_string();
    assert!(error.contains("evaluation.json"), "{error}");
    std::fs::remove_dir_all(&folder).unwrap();
}
