//! Runs that are described, checked, made, paused, opened and judged in the window, by what the engine
//! says of the same.

use std::path::{Path, PathBuf};

use auscult::app::train::cells::Cell;
use auscult::app::{Action, Command, JudgeForm, JudgeOn, JudgeSubject, TrainAsk};
use auscult::engine::{
    ClassifyQuery, DeviceChoice, Engine, Job, ReadingOptions, TrainConfig, TrainEvent,
    TrainObserver, TrainOutcome, TrainStart, held_back, run_record,
};
use eframe::egui::{Event, Key, Modifiers};
use egui_kittest::kittest::Queryable;

use super::{Setup, Window};
use crate::common::{Temporary, fixture};

/// Invented notes of two kinds that a word tells apart, with a column to slice by.
pub fn notes(temporary: &Temporary, count: usize) -> PathBuf {
    let rows: String = (0..count)
        .map(|row| {
            let (label, word) = [("lung", "cough"), ("heart", "chest pain")][row % 2];
            let ward = ["north", "south", "south"][row % 3];
            format!("{row},She has {word} for {row} days and no fever.,{label},{ward}\n")
        })
        .collect();
    temporary.file("visits.csv", format!("id,text,kind,ward\n{rows}"))
}

/// A window on such notes with the tiny model.
pub fn window(temporary: &Temporary, count: usize) -> Window {
    Setup {
        model: Some(fixture("tiny")),
        notes: Vec::from([notes(temporary, count)]),
        ..Setup::default()
    }
    .open()
}

pub fn ask(window: &mut Window, own: TrainAsk) {
    window.execute(Command::Train(Box::new(own)));
}

fn set(window: &mut Window, field: &'static str, word: &str) {
    let words = Vec::from([word.to_owned()]);
    ask(window, TrainAsk::Field(field, words));
}

/// Describes a short run on the open notes.
pub fn describe(window: &mut Window, steps: &str) {
    window.act(Action::Train);
    window.settle();
    window.act(Action::TrainOnOpen);
    for (field, word) in [
        ("label", "kind"),
        ("max-tokens", "48"),
        ("steps", steps),
        ("lr", "0.003"),
        ("evaluate-every", "10"),
        ("validation-share", "0.25"),
        ("test-share", "0.25"),
    ] {
        set(window, field, word);
    }
    window.harness.run_steps(2);
}

pub fn ended(window: &mut Window) {
    window.until("the run has ended", |state| !state.train.runs_now());
    window.settle();
}

/// Searches for a command and runs it, by keys alone.
pub fn by_palette(window: &mut Window, words: &str) {
    window
        .harness
        .key_press_modifiers(Modifiers::COMMAND, Key::K);
    window.harness.run_steps(3);
    window.harness.event(Event::Text(words.to_owned()));
    window.harness.run_steps(2);
    window.harness.key_press(Key::Enter);
    window.harness.run_steps(3);
}

/// Goes to a field by Tab and puts words in the place of its own.
fn type_into(window: &mut Window, field: &str, words: &str) {
    tab_to(window, field);
    window
        .harness
        .key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.harness.event(Event::Text(words.to_owned()));
    window.harness.run_steps(2);
}

/// Presses Tab until something with this name has the focus.
pub fn tab_to(window: &mut Window, name: &str) {
    for _ in 0..300 {
        window.harness.key_press(Key::Tab);
        window.harness.run_steps(1);
        let found = window.harness.query_all_by_label_contains(name);
        if found.into_iter().any(|own| own.is_focused()) {
            return;
        }
    }
    panic!("Tab never came to: {name}");
}

struct Silent;

impl TrainObserver for Silent {
    fn begins(&mut self, _: &TrainStart) {}

    fn happens(&mut self, _: &TrainEvent) {}
}

fn losses(folder: &Path) -> Vec<f64> {
    let events = run_record(folder).unwrap().events;
    let loss = |event: &TrainEvent| match event {
        TrainEvent::Step { loss, .. } => Some(*loss),
        TrainEvent::Evaluated { .. } => None,
    };
    events.iter().filter_map(loss).collect()
}

#[test]
fn a_run_is_described_checked_made_and_judged_by_keys_alone() {
    let temporary = Temporary::new();
    let mut window = window(&temporary, 96);
    window
        .harness
        .key_press_modifiers(Modifiers::COMMAND, Key::Num5);
    window.settle();
    by_palette(&mut window, "learn from the open");
    type_into(&mut window, "Label column", "kind");
    for (field, words) in [
        ("Validation share", "0.25"),
        ("Test share", "0.25"),
        ("Epochs", "12"),
        ("Learning rate", "0.003"),
        ("Longest sequence", "48"),
    ] {
        type_into(&mut window, field, words);
    }
    let draft = &window.state().train.draft;
    assert_eq!(draft.faults(), [], "all of it was typed");
    assert_eq!((draft.word("epochs"), draft.word("lr")), ("12", "0.003"));

    by_palette(&mut window, "check whether");
    window.settle();
    let checked = window.state().train.checked().unwrap().clone();
    assert!(checked.found.fits() && checked.start.examples == [48, 24]);
    let report = window.state().train.data().unwrap();
    let held: Vec<usize> = report.parts.iter().map(|own| own.notes).collect();
    assert_eq!((held, report.leaks.len()), (vec![48, 24, 24], 0));

    by_palette(&mut window, "start the run");
    ended(&mut window);
    let live = window.state().train.live.as_ref().unwrap();
    let report = live.report().expect("a report");
    assert_eq!(report.outcome, TrainOutcome::Finished);
    // What is shown is what the run wrote.
    let text = std::fs::read_to_string(live.folder.join("report.json")).unwrap();
    let written: serde_json::Value = serde_json::from_str(&text).unwrap();
    let shown = &report.judged[1].evaluation;
    assert_eq!(written["judged"][1]["macro_f1"], shown.macro_f1.unwrap());
    assert_eq!(written["steps"], live.curves.steps());
    assert_eq!(live.curves.loss.len() as u64, report.steps);
    let last = written["last"]["loss"].as_f64().unwrap();
    assert_eq!(live.curves.judged.last().unwrap().1.loss, last);
    let shown = shown.line(report.metric);
    assert!(window.harness.query_by_label(&shown).is_some(), "{shown}");

    by_palette(&mut window, "judge the model");
    window.settle();
    assert!(window.state().train.judged.value.is_some());
    tab_to(&mut window, "Confusions");
    window.harness.key_press(Key::Enter);
    window.harness.run_steps(3);
    tab_to(&mut window, "Arrows move, Enter lists");
    window.harness.key_press(Key::ArrowDown);
    window.harness.run_steps(1);
    window.harness.key_press(Key::ArrowRight);
    window.harness.run_steps(1);
    window.harness.key_press(Key::Enter);
    window.harness.run_steps(3);
    let cell = window.state().train.cell.clone();
    assert_eq!(cell, Some(Cell::new(Some("lung"), Some("lung"))));
    tab_to(&mut window, "visits.csv");
    window.harness.key_press(Key::Enter);
    window.settle();
    let entry = window.state().entry().unwrap();
    assert!(entry.note.text().contains("cough"), "a note of the cell");
    window.harness.check_accessibility();
}

#[test]
fn a_run_that_was_paused_goes_on_as_if_it_had_not_been() {
    let temporary = Temporary::new();
    let mut window = window(&temporary, 64);
    describe(&mut window, "60");
    window.act(Action::StartRun);
    window.until("a few steps", |state| {
        state
            .train
            .live
            .as_ref()
            .is_some_and(|own| own.curves.steps() >= 5)
    });
    // Another workspace is shown meanwhile, and notes are read.
    window.act(Action::Read);
    window.act(Action::NextWord);
    window.act(Action::MaskWord);
    window.until("a word is filled while the run is made", |state| {
        state.results().is_some_and(|own| own.fill.value.is_some())
    });
    assert!(
        window.state().train.runs_now(),
        "notes do not wait for the run"
    );
    window.act(Action::PauseRun);
    ended(&mut window);
    let live = window.state().train.live.as_ref().unwrap();
    let (folder, paused) = (live.folder.clone(), live.curves.steps());
    assert_eq!(live.report().unwrap().outcome, TrainOutcome::Stopped);
    assert!((5..60).contains(&paused), "{paused}");
    let config = live.config.clone();

    window.act(Action::PauseRun);
    window.act(Action::Train);
    ended(&mut window);
    let live = window.state().train.live.as_ref().unwrap();
    assert_eq!(live.report().unwrap().outcome, TrainOutcome::Finished);
    assert_eq!(
        live.curves.loss.len(),
        60,
        "the curves are of the whole run"
    );

    let engine = Engine::open(DeviceChoice::Cpu).unwrap();
    let whole = TrainConfig {
        run: temporary.path().join("whole"),
        ..config
    };
    let report = engine.train(whole, &Job::silent(), &mut Silent).unwrap();
    assert_eq!(losses(&folder), losses(&report.run));
    let live = window.state().train.live.as_ref().unwrap();
    assert_eq!(live.report().unwrap().judged, report.judged);
}

#[test]
fn a_run_ends_after_a_question_and_keeps_what_was_saved() {
    let temporary = Temporary::new();
    let mut window = window(&temporary, 64);
    describe(&mut window, "400");
    window.act(Action::StartRun);
    window.until("a few steps", |state| {
        state
            .train
            .live
            .as_ref()
            .is_some_and(|own| own.curves.steps() >= 2)
    });
    window.harness.get_by_label("End…").click();
    window.harness.run_steps(3);
    assert!(window.state().train.ending && window.state().train.runs_now());
    window.harness.get_by_label("Keep training").click();
    window.harness.run_steps(3);
    assert!(!window.state().train.ending && window.state().train.runs_now());
    window.harness.get_by_label("End…").click();
    window.harness.run_steps(3);
    window.harness.get_by_label("End the run").click();
    ended(&mut window);
    let folder = window.state().train.live.as_ref().unwrap().folder.clone();
    let record = run_record(&folder).unwrap();
    assert!(record.summary.steps >= 2 && record.summary.steps < 400);
    // It stands among the runs, and is opened from there with what it was told.
    let listed = window.state().train.runs.value.clone().unwrap();
    assert_eq!(listed[0].folder, folder);
    ask(&mut window, TrainAsk::OpenRun(folder.clone()));
    window.settle();
    let opened = window.state().train.opened.value.clone().unwrap();
    assert_eq!(opened.record.summary.config, record.summary.config);
    assert_eq!(opened.curves.loss.len() as u64, record.summary.steps);
    window.harness.get_by_label("Go on");
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let temporary = Temporary::new();
    let mut window = window(&temporary, 64);
    describe(&mut window, "4");
    set(&mut window, "label", "diagnosis");
    window.act(Action::StartRun);
    ended(&mut window);
    let failure = |window: &Window| {
        let live = window.state().train.live.as_ref().unwrap();
        live.failure().expect("it failed").to_owned()
    };
    let said = failure(&window);
    assert!(
        said.contains("diagnosis") || said.contains("label"),
        "{said}"
    );
    assert!(!said.contains("cough"), "no text of a note");

    set(&mut window, "label", "kind");
    let blocked = temporary.file("blocked", "").join("run");
    set(&mut window, "run", &blocked.display().to_string());
    window.act(Action::StartRun);
    ended(&mut window);
    let said = failure(&window);
    assert!(
        said.contains("blocked") && said.contains("cannot be written"),
        "{said}"
    );
    assert!(!said.contains("--resume"), "{said}");
    window.harness.run_steps(2);
    assert!(window.harness.query_all_by_label(&said).next().is_some());

    // A field that cannot be is named before anything begins.
    set(&mut window, "lr", "much");
    window.harness.run_steps(2);
    window.harness.get_by_label("\"much\" is no number");
    let before = window.state().jobs.running().len();
    window.act(Action::StartRun);
    assert_eq!(window.state().jobs.running().len(), before);
}

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
fn a_run_that_is_paused_before_its_next_step_can_still_go_on() {
    let temporary = Temporary::new();
    let mut window = window(&temporary, 64);
    describe(&mut window, "400");
    window.act(Action::StartRun);
    window.until("a few steps", |state| {
        let live = state.train.live.as_ref();
        live.is_some_and(|own| own.curves.steps() >= 5)
    });
    window.act(Action::PauseRun);
    ended(&mut window);
    let steps = window.state().train.live.as_ref().unwrap().curves.steps();
    // It goes on and is paused at once, before it has said anything.
    window.act(Action::PauseRun);
    window.act(Action::PauseRun);
    ended(&mut window);
    let live = window.state().train.live.as_ref().unwrap();
    assert!(live.can_go_on() && live.curves.steps() >= steps);
    window.harness.run_steps(2);
    window.harness.get_by_label("Go on");
    // Its notes have gone: what it did is still shown, and it can go on once they are back.
    let visits = temporary.path().join("visits.csv");
    let away = temporary.path().join("away.csv");
    std::fs::rename(&visits, &away).unwrap();
    window.act(Action::PauseRun);
    ended(&mut window);
    let live = window.state().train.live.as_ref().unwrap();
    assert!(live.failure().is_some() && live.can_go_on() && live.curves.steps() >= steps);
    std::fs::rename(&away, &visits).unwrap();
    set(&mut window, "steps", "1");
    window.act(Action::PauseRun);
    window.until("more steps", |state| {
        let live = state.train.live.as_ref();
        live.is_some_and(|own| own.curves.steps() > steps)
    });
    window.act(Action::PauseRun);
    ended(&mut window);
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

#[test]
fn a_recipe_comes_back_as_it_was_saved() {
    let temporary = Temporary::new();
    let mut window = window(&temporary, 8);
    describe(&mut window, "7");
    let before = window.state().train.draft.clone();
    let path = temporary.path().join("own.toml");
    ask(&mut window, TrainAsk::SaveRecipe(path.clone()));
    window.settle();
    let read = TrainConfig::read(Some(&path), &[]).unwrap();
    assert_eq!(read, *before.config().unwrap());
    set(&mut window, "steps", "9");
    ask(&mut window, TrainAsk::Recipe(path.clone()));
    window.settle();
    assert_eq!(window.state().train.draft, before);
    std::fs::write(&path, "steps = \"many\"").unwrap();
    ask(&mut window, TrainAsk::Recipe(path));
    window.settle();
    assert_eq!(
        window.state().train.draft,
        before,
        "a broken one changes nothing"
    );
}
