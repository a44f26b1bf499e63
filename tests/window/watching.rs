//! Notes that are watched while a run is made: pinned, scrubbed, played and restored by keys, and what
//! is shown is what the engine says.

use auscult::app::{Action, Command, TrainAsk, WatchAsk};
use auscult::engine::{
    ClassifyQuery, DeviceChoice, Engine, Job, Says, WatchEvery, film, probe_reading,
};
use eframe::egui::Key;
use egui_kittest::kittest::Queryable;

use super::Window;
use super::training::{ask, by_palette, describe, ended, tab_to, window};
use crate::common::Temporary;

fn watch(window: &mut Window, own: WatchAsk) {
    ask(window, TrainAsk::Watch(own));
}

/// The frame that is shown.
fn step(window: &Window) -> u64 {
    let watching = &window.state().train.watch;
    watching.frames()[watching.place().expect("a frame")].step
}

fn press(window: &mut Window, key: Key) {
    window.harness.key_press(key);
    window.harness.run_steps(3);
}

#[test]
fn a_note_is_watched_scrubbed_and_restored_by_keys_alone() {
    let temporary = Temporary::new();
    let mut window = window(&temporary, 64);
    describe(&mut window, "24");
    by_palette(&mut window, "watch this note");
    let pins = &window.state().train.watch.pins;
    assert_eq!(pins.len(), 1);
    assert!(window.harness.query_by_label("No frame yet").is_some());
    // How often, by keys.
    tab_to(&mut window, "How often");
    press(&mut window, Key::Enter);
    tab_to(&mut window, "After each step");
    press(&mut window, Key::Enter);
    assert_eq!(window.state().train.watch.every, WatchEvery::Steps(1));
    by_palette(&mut window, "start the run");
    ended(&mut window);
    by_palette(&mut window, "play the frames");
    window.until("the film was played to its end", |state| {
        !state.train.watch.playing
    });
    let run = window.state().train.live.as_ref().unwrap().folder.clone();
    let film = film(&run, &Job::silent()).unwrap();
    let shown = window.state().train.watch.film.value.clone().unwrap();
    assert_eq!((film.frames.len(), shown.frames.len()), (25, 25));

    tab_to(&mut window, "Frames of the run");
    press(&mut window, Key::Home);
    assert_eq!(step(&window), 0);
    for _ in 0..3 {
        press(&mut window, Key::ArrowRight);
    }
    assert_eq!(step(&window), 3);
    press(&mut window, Key::End);
    assert_eq!(step(&window), 24);
    press(&mut window, Key::ArrowLeft);
    press(&mut window, Key::ArrowLeft);
    assert_eq!(step(&window), 22);
    let frame = &film.frames[22];
    let said = format!("Step 22 · loss {:.4} · frame 23 of 25", frame.loss.unwrap());
    window.harness.get_by_label(&said);
    let Says::Labels { labels } = &frame.probes[0].seen.as_ref().unwrap().says else {
        panic!("it classifies");
    };
    for (label, score) in labels {
        let said = format!("{label}, score {score:.3}");
        window.harness.get_by_label(&said);
    }

    tab_to(&mut window, "Use this model");
    press(&mut window, Key::Enter);
    window.settle();
    let folder = run.join("restored/step-000000022");
    let (predictor, _) = window.state().predicting().expect("it predicts");
    assert_eq!(*predictor, folder);
    // The checkpoint says what was shown.
    let mut engine = Engine::open(DeviceChoice::Cpu).unwrap();
    engine.load_model(&folder, &Job::silent()).unwrap();
    let query = ClassifyQuery {
        function: None,
        reading: probe_reading(48),
    };
    let note = window.state().entry().unwrap().note.clone();
    let found = engine.classify(std::slice::from_ref(&*note), &query, &Job::silent());
    for (own, (label, score)) in found.unwrap().results[0].labels.iter().zip(labels) {
        assert_eq!((&own.label, own.score), (label, *score));
    }
    let unnamed = window.harness.unnamed_widgets();
    assert!(unnamed.is_empty(), "{unnamed:?}");
    window.harness.check_accessibility();
}

#[test]
fn pins_change_while_a_run_is_made_and_frames_come_back_with_a_run() {
    let temporary = Temporary::new();
    let mut window = window(&temporary, 64);
    describe(&mut window, "200");
    watch(&mut window, WatchAsk::Every(WatchEvery::Steps(1)));
    window.act(Action::StartRun);
    let steps = |least: u64| {
        move |state: &auscult::app::State| {
            let live = state.train.live.as_ref();
            live.is_some_and(|own| own.curves.steps() >= least)
        }
    };
    window.until("a few steps", steps(3));
    assert!(window.state().train.watch.frames().is_empty());
    window.act(Action::WatchNote);
    window.until("a frame", |state| !state.train.watch.frames().is_empty());
    window.act(Action::NextNote);
    window.act(Action::WatchNote);
    window.until("both notes", |state| {
        state
            .train
            .watch
            .film
            .value
            .as_ref()
            .is_some_and(|own| own.notes.len() == 2)
    });
    window.act(Action::UnwatchNotes);
    window.act(Action::PauseRun);
    ended(&mut window);
    let frames = window.state().train.watch.frames().len();
    let run = window.state().train.live.as_ref().unwrap().folder.clone();
    assert!(frames >= 2 && step(&window) > 0);

    // Another run is on show, then this one again; then its notes are closed.
    describe(&mut window, "2");
    window.act(Action::StartRun);
    ended(&mut window);
    assert!(
        window.state().train.watch.frames().is_empty(),
        "not watched"
    );
    ask(&mut window, TrainAsk::OpenRun(run.clone()));
    window.settle();
    assert_eq!(window.state().train.watch.frames().len(), frames);
    assert!(window.state().train.watch.open.iter().all(Option::is_some));
    window.act(Action::WatchNote);
    assert_eq!(window.state().train.watch.pins.len(), 1);
    window.act(Action::CloseNotes);
    window.settle();
    let watching = &window.state().train.watch;
    assert!(
        watching.pins.is_empty(),
        "a note that was closed is let go of"
    );
    assert!(watching.open.iter().all(Option::is_none));
    window.harness.run_steps(3);
    ask(&mut window, TrainAsk::OpenRun(run));
    window.act(Action::PlayFrames);
    window.settle();
    window.harness.get_by_label("This note is not open");
}

#[test]
fn four_notes_are_watched_at_most() {
    let temporary = Temporary::new();
    let mut window = window(&temporary, 8);
    for _ in 0..6 {
        window.act(Action::WatchNote);
        window.act(Action::NextNote);
    }
    let keys: Vec<_> = (window.state().train.watch.pins.iter())
        .map(|own| own.key)
        .collect();
    assert_eq!(keys.len(), 4);
    watch(&mut window, WatchAsk::Unpin(keys[1]));
    let left = &window.state().train.watch.board.plan().probes;
    assert_eq!(left.len(), 3, "the thread of a run is told");
    // A word that is chosen later takes the place of the first.
    window.execute(Command::Show(keys[0]));
    window.act(Action::NextWord);
    window.act(Action::WatchNote);
    let plan = window.state().train.watch.board.plan();
    assert!(plan.probes.len() == 3 && plan.probes[0].chosen.is_some());
    let said = format!("{plan:?}");
    assert!(!said.contains("fever"), "{said}");
}
