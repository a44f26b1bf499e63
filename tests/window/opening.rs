//! What is opened, closed, and there again the next time.

use std::time::{Duration, Instant};

use auscult::app::{Action, App, Command, Options, TrainAsk};
use eframe::App as _;
use eframe::egui::{Context, Event};
use egui_kittest::kittest::Queryable;

use super::training::notes;
use super::{Setup, Window};
use crate::common::{Temporary, fixture};

fn titles(window: &Window) -> Vec<String> {
    let entries = window.state().library.entries().iter();
    entries.map(|own| own.title.clone()).collect()
}

#[test]
fn pasted_notes_have_names_and_close_one_by_one() {
    let mut window = Setup {
        notes: Vec::new(),
        ..Setup::full()
    }
    .open();
    for text in ["Aspirin was stopped.", "The fever rose.", "No pain at all."] {
        window.harness.event(Event::Paste(text.to_owned()));
        window.harness.run_steps(2);
        window.settle();
    }
    let all = ["Pasted note 1", "Pasted note 2", "Pasted note 3"];
    assert_eq!(titles(&window), all);
    window.act(Action::PreviousNote);
    window.settle();
    window.act(Action::CloseNote);
    window.settle();
    assert_eq!(titles(&window), [all[0], all[2]]);
    let shown = |window: &Window| window.state().entry().map(|own| own.title.clone());
    assert_eq!(shown(&window).as_deref(), Some(all[2]), "the next one");
    window.act(Action::CloseNote);
    window.settle();
    assert_eq!(shown(&window).as_deref(), Some(all[0]), "the one before");
    window.act(Action::CloseNote);
    window.settle();
    assert_eq!((titles(&window).len(), shown(&window)), (0, None));
}

#[test]
fn a_passage_is_not_among_those_that_are_like_it() {
    let mut window = Setup::full().open();
    for _ in 0..12 {
        window.act(Action::NextWord);
    }
    window.act(Action::Similar);
    window.settle();
    let state = window.state();
    let found = state.results().unwrap().similar.value.clone().unwrap();
    let here = state.on_view.as_ref().unwrap().key;
    assert!(!found.hits.is_empty());
    for (key, bytes, _) in &found.hits {
        let itself = bytes.start < found.bytes.end && found.bytes.start < bytes.end;
        assert!(*key != here || !itself);
    }
}

#[test]
fn the_notice_stays_until_it_was_read() {
    let mut window = Setup::default().open();
    window.act(Action::Read);
    window.act(Action::Look);
    window.harness.run_steps(2);
    window.harness.get_by_label("I have read this").click();
    window.harness.run_steps(3);
    let left = window.harness.query_by_label("I have read this");
    assert!(left.is_none() && window.state().settings.notice_read);
}

#[test]
fn a_run_that_the_window_was_closed_on_is_offered_the_next_time() {
    let temporary = Temporary::new();
    let options = Options {
        model: Some(fixture("tiny")),
        device: Some("cpu".to_owned()),
        notes: Vec::from([notes(&temporary, 48)]),
        settings: Some(temporary.path().join("settings")),
        data: Some(temporary.path().join("data")),
        measure: false,
    };
    let ctx = Context::default();
    let until = |app: &mut App, so: &dyn Fn(&App) -> bool| {
        let begun = Instant::now();
        while !so(app) {
            app.advance(&ctx);
            assert!(begun.elapsed() < Duration::from_secs(120));
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let idle = |app: &App| app.state().jobs.running().is_empty();
    let mut app = App::new(&ctx, options.clone());
    until(&mut app, &idle);
    app.execute(Command::Do(Action::TrainOnOpen));
    for (field, word) in [("label", "kind"), ("max-tokens", "48"), ("steps", "400")] {
        let own = TrainAsk::Field(field, Vec::from([word.to_owned()]));
        app.execute(Command::Train(Box::new(own)));
    }
    app.execute(Command::Do(Action::StartRun));
    let steps = |app: &App| {
        app.state()
            .train
            .live
            .as_ref()
            .map_or(0, |own| own.curves.steps())
    };
    until(&mut app, &|app| steps(app) >= 3);
    app.on_exit();
    drop(app);

    let mut app = App::new(
        &ctx,
        Options {
            notes: Vec::new(),
            ..options
        },
    );
    until(&mut app, &idle);
    let all = app.state().messages.all();
    let offered = all.filter_map(|own| own.next.clone()).next();
    let offered = offered.expect("the run is offered");
    assert_eq!(offered.title, "Show the run");
    app.execute(offered.command);
    until(&mut app, &idle);
    let opened = app.state().train.opened.value.clone().unwrap();
    assert!(opened.record.summary.steps >= 3 && opened.record.summary.steps < 400);
}
