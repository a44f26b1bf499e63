//! Pictures of judging and of reports, of which figures are given: see `given_report.rs`.

use auscult::app::Action;
use auscult::app::jobs::Purpose;
use auscult::app::train::cells::Cell;
use egui_kittest::SnapshotResults;
use egui_kittest::kittest::Queryable;

use super::given;
use super::given_report::{Of, judged};
use super::looks::picture;
use super::training_looks::{TALL, USUAL, WAYS, bring, described, turning};
use crate::common::Temporary;

/// A page of a report: its name on the screen and that of its picture, what it is of, and what it is
/// scrolled to where everything is large.
type Page = (&'static str, &'static str, Of, &'static str);

const PAGES: [Page; 11] = [
    ("Figures", "figures", Of::Four, "Accuracy"),
    ("Confusions", "confusions", Of::Four, "Confusions. "),
    ("Threshold", "threshold", Of::Two, "Specificity"),
    ("Calibration", "calibration", Of::Four, "Brier"),
    ("Slices", "slices", Of::Four, "too few"),
    ("Curves", "curves", Of::Four, "Curves"),
    ("Figures", "figures-spans", Of::Spans, "By kind of span"),
    ("Figures", "figures-hidden", Of::Hidden, "Perplexity"),
    (
        "Confusions",
        "confusions-spans",
        Of::Spans,
        "Close the list",
    ),
    (
        "Confusions",
        "confusions-labels",
        Of::Labels(16),
        "Close the list",
    ),
    (
        "Thresholds",
        "thresholds-labels",
        Of::Labels(16),
        "Specificity",
    ),
];

/// The cell whose content is listed on a page.
fn cell(of: Of) -> Cell {
    match of {
        Of::Spans => Cell::new(Some("problem"), Some("problem")),
        Of::Labels(_) => Cell::new(Some("Asthma"), None),
        _ => Cell::new(Some("cardiology"), Some("neurology")),
    }
}

#[test]
#[ignore = "draws on an adapter"]
fn a_report_looks_as_it_did_when_a_person_looked_at_it() {
    let mut results = SnapshotResults::new();
    for way in WAYS {
        let temporary = Temporary::new();
        let (mut window, _) = described(&temporary, way, TALL);
        // Nothing can be judged yet; its panel comes to the front.
        window.act(Action::Judge);
        for (page, name, of, words) in PAGES {
            let own = judged(of);
            let train = &mut window.harness.state_mut().state_mut().train;
            train.judge = own.form.clone();
            train.judged.set(own);
            train.cell = (page == "Confusions").then(|| cell(of));
            window.harness.run_steps(4);
            // The pointer would be in the picture.
            window.harness.get_by_label(page).click_accesskit();
            window.harness.run_steps(4);
            if page == "Thresholds" {
                let row = window.harness.get_by_label_contains("Label Delirium, ");
                row.click_accesskit();
                window.harness.run_steps(4);
            }
            if way.2 && !words.is_empty() {
                bring(&mut window, words);
            }
            let name = format!("judge-{name}-{}", way.0);
            results.add(picture(&mut window, &name, &[]));
        }
    }
    results.unwrap();
}

#[test]
#[ignore = "draws on an adapter"]
fn judging_looks_as_it_did_when_a_person_looked_at_it() {
    let mut results = SnapshotResults::new();
    for way in WAYS {
        let temporary = Temporary::new();
        let (mut window, _) = described(&temporary, way, USUAL);
        window.act(Action::Judge);
        results.add(picture(
            &mut window,
            &format!("judge-nothing-{}", way.0),
            &[],
        ));

        given::job(&mut window, Purpose::Judge, 0.42, 18);
        window.harness.run_steps(4);
        let beside = window.harness.get_by_label("Stop judging");
        beside.scroll_to_me();
        window.harness.run_steps(4);
        // Its panel is called so, too.
        let named = window
            .harness
            .get_all_by_label("Judge")
            .map(|own| own.rect());
        let button = named.max_by(|a, b| a.min.y.total_cmp(&b.min.y)).unwrap();
        let name = format!("judge-working-{}", way.0);
        results.add(picture(&mut window, &name, &[turning(button, true)]));

        let state = window.harness.state_mut().state_mut();
        state.jobs.forget(|_| true);
        let said = "the notes have no label that the model knows; it has cardiology, pulmonology, \
                    gastroenterology, neurology";
        state.train.judged.failure = Some(said.to_owned());
        bring(&mut window, "no label that");
        results.add(picture(
            &mut window,
            &format!("judge-failed-{}", way.0),
            &[],
        ));
    }
    results.unwrap();
}
