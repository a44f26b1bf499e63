//! Reports on what a run held back, by what the engine says of the same notes.

use std::path::PathBuf;

use auscult::app::train::cells::Cell;
use auscult::app::{Action, Command, JudgeForm, JudgeOn, JudgeSubject, TrainAsk};
use auscult::engine::{ClassifyQuery, DeviceChoice, Engine, Job, ReadingOptions, held_back};
use eframe::egui::Event;
use egui_kittest::kittest::Queryable;

use super::training::{ask, describe, ended, set, window};
use super::{Setup, Window};
use crate::common::{Temporary, fixture};

/// Makes a run whose model is good but not perfect, and judges it on what it held back.
fn judged(window: &mut Window) -> PathBuf {
    describe(window, "12");
    window.act(Action::StartRun);
    ended(window);
    let folder = window.state().train.live.as_ref().unwrap().folder.clone();
    let form = JudgeForm {
        slices: "ward".to_owned(),
        ..window.state().train.judge.clone()
    };
    ask(window, TrainAsk::JudgeBy(Box::new(form)));
    window.act(Action::Judge);
    window.settle();
    folder
}

#[test]
fn cells_hold_the_notes_that_the_model_takes_so_and_parts_are_not_mixed() {
    let temporary = Temporary::new();
    let mut window = window(&temporary, 96);
    let folder = judged(&mut window);
    let judged = window.state().train.judged.value.clone().unwrap();
    assert!(
        judged.chosen_on.is_some() && judged.on.contains("24 test notes"),
        "{}",
        judged.on
    );

    // The same from the engine, note by note.
    let held = held_back(&folder, &Job::silent()).unwrap();
    assert_eq!((held.validation.len(), held.test.len()), (24, 24));
    let mut engine = Engine::open(DeviceChoice::Cpu).unwrap();
    engine
        .load_model(&folder.join("best"), &Job::silent())
        .unwrap();
    let query = ClassifyQuery {
        function: None,
        reading: ReadingOptions::default(),
    };
    let found = engine.classify(&held.test, &query, &Job::silent()).unwrap();
    let mut cells = 0;
    for (note, scored) in held.test.iter().zip(&found.results) {
        let truth = match note.text().contains("cough") {
            true => "lung",
            false => "heart",
        };
        let top = scored
            .labels
            .iter()
            .max_by(|a, b| a.score.total_cmp(&b.score));
        let cell = Cell::new(Some(truth), Some(&top.unwrap().label));
        let held = judged.cells.held(&cell).iter();
        let listed = held.filter_map(|own| judged.note(own.note));
        let source = note.source().to_string();
        let here = listed
            .filter(|own| own.source().to_string() == source)
            .count();
        assert_eq!(here, 1, "{source}");
        cells += here;
    }
    let listed: usize = judged.cells.sparse().iter().map(|own| own.1).sum();
    assert_eq!((cells, listed), (24, 24));

    // What was chosen on validation notes is reported on test notes.
    let auscult::engine::Judgement::SingleLabel(result) = &judged.report.result else {
        panic!("one class of each note");
    };
    let positive = result.positive.as_ref().unwrap();
    let threshold = positive.cheapest(4.0).unwrap().threshold;
    let at = positive.on_test(threshold).unwrap();
    let called = |scored: &auscult::engine::ClassifiedNote| {
        let own = scored.labels.iter().find(|own| own.label == positive.label);
        threshold.is_some_and(|from| f64::from(own.unwrap().score) >= from - 1e-6)
    };
    let right = held.test.iter().zip(&found.results);
    let right = right.filter(|(note, own)| note.text().contains("cough") && called(own));
    assert_eq!(at.tp as usize, right.count());
    assert_eq!(at.tp + at.fn_, 12, "of the test notes");
    let there = positive.on_validation(threshold).unwrap();
    let chosen = positive.cheapest(4.0).unwrap();
    assert_eq!(there.fp as usize, chosen.false_positives);

    // Slices under 20 notes have no figures.
    let slices = &judged.report.slices[0].slices;
    assert!(slices.iter().all(|own| own.too_few == (own.examples < 20)));
    window.harness.get_by_label("Slices").click();
    window.harness.run_steps(3);
    assert!(
        window
            .harness
            .query_all_by_label("too few")
            .next()
            .is_some()
    );

    // The notes that it learned from are not for judging.
    let form = JudgeForm {
        subject: JudgeSubject::Run(folder),
        on: JudgeOn::Files,
        test: Vec::from([temporary.path().join("visits.csv")]),
        ..JudgeForm::default()
    };
    ask(&mut window, TrainAsk::JudgeBy(Box::new(form)));
    window.act(Action::Judge);
    window.settle();
    let said = window.state().train.judged.failure.clone().unwrap();
    assert!(
        said.contains("48 texts") && said.contains("learned from"),
        "{said}"
    );
    // The report of what was asked for before stays, and says so.
    let now = window.state().train.judged.value.clone().unwrap();
    assert!(std::sync::Arc::ptr_eq(&now, &judged));
    window
        .harness
        .get_by_label_contains("This is of what was asked for before");
}

#[test]
fn a_button_judges_the_run_that_it_stands_beside_and_a_report_stays_until_then() {
    let temporary = Temporary::new();
    let mut window = window(&temporary, 96);
    let first = judged(&mut window);
    let report = window.state().train.judged.value.clone().unwrap();
    // Another run ends, is paused, and is opened: it is what would be judged next, and the report stays.
    window.act(Action::StartRun);
    ended(&mut window);
    let second = window.state().train.live.as_ref().unwrap().folder.clone();
    assert_ne!(first, second);
    ask(&mut window, TrainAsk::OpenRun(second.clone()));
    window.settle();
    let same = |window: &Window, report: &_| {
        let now = window.state().train.judged.value.as_ref();
        now.is_some_and(|own| std::sync::Arc::ptr_eq(own, report))
    };
    assert!(same(&window, &report));
    let subject = window.state().train.judge.subject.clone();
    assert_eq!(subject, JudgeSubject::Run(second.clone()));
    window.harness.get_by_label("Judge it").click();
    window.harness.run_steps(2);
    window.settle();
    let now = window.state().train.judged.value.clone().unwrap();
    let name = second.file_name().unwrap().to_string_lossy().into_owned();
    assert!(now.of.contains(&name), "{}", now.of);
    assert_eq!(now.form.subject, JudgeSubject::Run(second.clone()));

    // A model that is opened from the folder of a run is known as that run's.
    window.execute(Command::UsePredictor(second.join("best")));
    window.settle();
    let form = JudgeForm {
        subject: JudgeSubject::Open,
        on: JudgeOn::Files,
        test: Vec::from([temporary.path().join("visits.csv")]),
        ..JudgeForm::default()
    };
    ask(&mut window, TrainAsk::JudgeBy(Box::new(form.clone())));
    window.act(Action::Judge);
    window.settle();
    let said = window.state().train.judged.failure.clone().unwrap();
    assert!(said.contains("learned from"), "{said}");

    // Other notes are judged by although those that it learned from have gone, which is said.
    let visits = temporary.path().join("visits.csv");
    let others = temporary.path().join("others.csv");
    let text = std::fs::read_to_string(&visits).unwrap();
    std::fs::write(&others, text.replace("She", "He")).unwrap();
    std::fs::remove_file(&visits).unwrap();
    let form = JudgeForm {
        test: Vec::from([others]),
        ..form
    };
    ask(&mut window, TrainAsk::JudgeBy(Box::new(form)));
    window.act(Action::Judge);
    window.settle();
    let now = window.state().train.judged.value.clone().unwrap();
    let remarks = now.report.data.remarks.join("; ");
    assert!(remarks.contains("is not known"), "{remarks}");
}

#[test]
fn a_run_with_a_text_form_is_judged_by_texts_of_that_form() {
    let temporary = Temporary::new();
    let mut window = window(&temporary, 48);
    describe(&mut window, "4");
    set(&mut window, "form", "From {ward}: {text}");
    window.act(Action::StartRun);
    ended(&mut window);
    let live = window.state().train.live.as_ref().unwrap();
    assert_eq!(live.failure(), None);
    let form = JudgeForm {
        subject: JudgeSubject::Run(live.folder.clone()),
        on: JudgeOn::Files,
        test: Vec::from([temporary.path().join("visits.csv")]),
        ..JudgeForm::default()
    };
    ask(&mut window, TrainAsk::JudgeBy(Box::new(form.clone())));
    window.act(Action::Judge);
    window.settle();
    let said = window.state().train.judged.failure.clone().unwrap();
    assert!(said.contains("24 texts"), "{said}");
    let rows = "id,text,kind,ward\n1,He coughs.,lung,east\n2,His chest hurts.,heart,west\n";
    let form = JudgeForm {
        test: Vec::from([temporary.file("others.csv", rows)]),
        ..form
    };
    ask(&mut window, TrainAsk::JudgeBy(Box::new(form)));
    window.act(Action::Judge);
    window.settle();
    let judged = window.state().train.judged.value.clone().unwrap();
    let texts: Vec<&str> = (0..2).map(|own| judged.note(own).unwrap().text()).collect();
    assert_eq!(
        texts,
        ["From east: He coughs.", "From west: His chest hurts."]
    );
}

#[test]
fn many_classes_are_listed_and_searched() {
    let temporary = Temporary::new();
    let row = |row: usize| {
        let cause = row % 160;
        format!("{row},Visit {row} for cause {cause} again.,cause {cause},north\n")
    };
    let rows: String = (0..640).map(row).collect();
    let file = temporary.file("visits.csv", format!("id,text,kind,ward\n{rows}"));
    let mut window = Setup {
        model: Some(fixture("tiny")),
        notes: Vec::from([file]),
        ..Setup::default()
    }
    .open();
    judged(&mut window);
    let train = &window.state().train;
    assert_eq!(train.judged.failure, None);
    assert!(train.judged.value.is_some());
    window.harness.get_by_label("Confusions").click();
    window.harness.run_steps(3);
    let said = window
        .harness
        .query_all_by_label_contains("160 classes: every pair");
    assert_eq!(said.count(), 1, "no table of so many");
    window.harness.get_by_label("Find classes").focus();
    window.harness.run_steps(1);
    window.harness.event(Event::Text("cause 15".to_owned()));
    window.harness.run_steps(3);
    // 15, 115, and 150 to 159.
    let said = window
        .harness
        .query_all_by_label_contains("12 of 160 classes");
    assert_eq!(said.count(), 1);
    window
        .harness
        .get_by_label_contains("Arrows move, Enter lists");
    let judged = window.state().train.judged.value.clone().unwrap();
    let all: usize = judged.cells.sparse().iter().map(|own| own.1).sum();
    assert_eq!(all, judged.report.notes.len());
}
