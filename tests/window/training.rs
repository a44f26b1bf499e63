//! Runs that are described, checked, made, paused, opened and judged in the window, by what the engine
//! says of the same.

use std::path::{Path, PathBuf};

use auscult::app::train::cells::Cell;
use auscult::app::{Action, Command, TrainAsk};
use auscult::engine::{
    DeviceChoice, Engine, Job, TrainConfig, TrainEvent, TrainObserver, TrainOutcome, TrainStart,
    run_record,
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

pub fn set(window: &mut Window, field: &'static str, word: &str) {
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
