//! Pictures of the workspace Train in its states. What a run comes to differs between processors and from
//! one run to the next, so figures and times are given: see `given.rs`.

use std::path::PathBuf;
use std::sync::Arc;

use auscult::app::jobs::Purpose;
use auscult::app::train::live::Live;
use auscult::app::train::watch::WatchAsk;
use auscult::app::{Action, Command, Look, TrainAsk};
use auscult::engine::{Note, StopFlag, TrainConfig, TrainOutcome};
use eframe::egui::{Rect, vec2};
use egui_kittest::SnapshotResults;
use egui_kittest::kittest::Queryable;

use super::given::{self, RUN, STEPS};
use super::given_film::film;
use super::given_report::checked;
use super::looks::picture;
use super::training::{ask, describe, notes};
use super::{Setup, Window};
use crate::common::{Temporary, bundled_note};

/// A way to show it: its name, its colours, and whether it is the same window with everything twice as
/// large.
pub type Way = (&'static str, Look, bool);

pub const WAYS: [Way; 4] = [
    ("light-100", Look::Light, false),
    ("dark-100", Look::Dark, false),
    ("light-200", Look::Light, true),
    ("dark-200", Look::Dark, true),
];

/// Height of the window in pixels, and of one that has more in sight.
pub const USUAL: f32 = 800.0;
pub const TALL: f32 = 1280.0;

fn open(notes: Vec<PathBuf>, (_, look, large): Way, height: f32) -> Window {
    let scale = if large { 2.0 } else { 1.0 };
    let mut window = Setup {
        look,
        scale,
        size: vec2(1280.0, height) / scale,
        model: Some(PathBuf::from("tests/fixtures/tiny")),
        notes,
        pictures: true,
    }
    .open();
    window.act(Action::Train);
    window.settle();
    window
}

/// The window on the workspace, with notes in a table.
fn of_table(temporary: &Temporary, way: Way, height: f32) -> Window {
    open(Vec::from([notes(temporary, 96)]), way, height)
}

/// The same with a run that is described.
pub fn described(temporary: &Temporary, way: Way, height: f32) -> (Window, TrainConfig) {
    let mut window = of_table(temporary, way, height);
    describe(&mut window, "240");
    let run = Vec::from([RUN.to_owned()]);
    ask(&mut window, TrainAsk::Field("run", run));
    let config = window.state().train.draft.config().unwrap().clone();
    window.settle();
    (window, config)
}

/// Scrolls to the first thing whose name has these words.
pub fn bring(window: &mut Window, words: &str) {
    window.harness.run_steps(4);
    let own = window.harness.get_all_by_label_contains(words).next();
    own.unwrap().scroll_to_me();
    window.harness.run_steps(6);
}

/// Takes all messages off the screen.
fn dismiss_all(window: &mut Window) {
    let shown = window.state().messages.on_screen();
    let shown: Vec<u64> = shown.map(|own| own.number).collect();
    for own in shown {
        window.execute(Command::Dismiss(own));
    }
}

/// Shows a run of this window.
fn show(window: &mut Window, live: Live) {
    let train = &mut window.harness.state_mut().state_mut().train;
    // Its folder is not there, so no frames are read from it.
    train.watch.of = Some((live.folder.clone(), live.frames));
    train.live = Some(live);
    window.harness.run_steps(2);
    window.settle();
}

#[test]
#[ignore = "draws on an adapter"]
fn a_workspace_without_a_run_looks_as_it_did_when_a_person_looked_at_it() {
    let mut results = SnapshotResults::new();
    for way in WAYS {
        let temporary = Temporary::new();
        let mut window = of_table(&temporary, way, USUAL);
        window.harness.run_steps(4);
        let name = format!("train-nothing-{}", way.0);
        results.add(picture(&mut window, &name, &[]));
        window.act(Action::PlayFrames);
        let name = format!("watch-nothing-{}", way.0);
        results.add(picture(&mut window, &name, &[]));
        window.act(Action::WatchNote);
        let name = format!("watch-pinned-{}", way.0);
        results.add(picture(&mut window, &name, &[]));
    }
    results.unwrap();
}

/// Where the panel says when a run would end; the digits of a clock differ in width.
fn clocks(window: &Window) -> Vec<Rect> {
    let at = |label| window.harness.get_by_label(label).rect();
    let panel = at("Save recipe…").max.y..window.harness.ctx.content_rect().max.y;
    let all = (window.harness).get_all_by_label_contains("begun now it ends");
    let all = all.map(|own| own.rect().with_max_x(at("Run").min.x - 16.0));
    all.filter(|own| panel.contains(&own.max.y)).collect()
}

#[test]
#[ignore = "draws on an adapter"]
fn a_check_looks_as_it_did_when_a_person_looked_at_it() {
    let mut results = SnapshotResults::new();
    for way in WAYS {
        let temporary = Temporary::new();
        let (mut window, _) = described(&temporary, way, TALL);
        let power = Vec::from(["2".to_owned()]);
        ask(&mut window, TrainAsk::Field("focal-gamma", power));
        let config = window.state().train.draft.config().unwrap().clone();
        let device = window.state().device.clone().unwrap();
        for (name, fits) in [("fits", true), ("too-large", false)] {
            let train = &mut window.harness.state_mut().state_mut().train;
            train.check.set(checked(&config, &device, fits));
            window.harness.run_steps(4);
            bring(&mut window, "Start the run");
            if way.2 {
                // What the parts hold has a place of its own, further up.
                let words = if fits {
                    "The parts share no text"
                } else {
                    " examples to learn"
                };
                bring(&mut window, words);
            }
            let clocks = clocks(&window);
            let name = format!("train-{name}-{}", way.0);
            results.add(picture(&mut window, &name, &clocks));
        }
    }
    results.unwrap();
}

#[test]
#[ignore = "draws on an adapter"]
fn a_check_under_way_looks_as_it_did_when_a_person_looked_at_it() {
    let mut results = SnapshotResults::new();
    for way in WAYS {
        let temporary = Temporary::new();
        let (mut window, _) = described(&temporary, way, TALL);
        given::job(&mut window, Purpose::CheckRun, 0.7, 9);
        window.harness.run_steps(2);
        bring(&mut window, "Start the run");
        window.harness.get_by_label("Stop checking");
        let words = window.harness.get_by_label_contains("9 s left").rect();
        let name = format!("train-checking-{}", way.0);
        let spinner = [turning(words, false)];
        results.add(picture(&mut window, &name, &spinner));
        let state = window.harness.state_mut().state_mut();
        state.jobs.forget(|_| true);
        let said = "visits.csv: cannot be read: no such file; choose the notes again";
        state.train.check.failure = Some(said.to_owned());
        let said = "runs: cannot be read: the drive is not there; plug it in and look again";
        state.train.runs.failure = Some(said.to_owned());
        window.harness.run_steps(4);
        bring(&mut window, "choose the notes again");
        let name = format!("train-check-failed-{}", way.0);
        results.add(picture(&mut window, &name, &[]));
    }
    results.unwrap();
}

#[test]
#[ignore = "draws on an adapter"]
fn a_run_looks_as_it_did_when_a_person_looked_at_it() {
    let mut results = SnapshotResults::new();
    for way in WAYS {
        let temporary = Temporary::new();
        let (mut window, config) = described(&temporary, way, TALL);
        let mut add = |window: &mut Window, name: &str| {
            let name = format!("train-{name}-{}", way.0);
            results.add(picture(window, &name, &[]));
        };

        show(&mut window, given::live(&config, 137));
        let train = &mut window.harness.state_mut().state_mut().train;
        let live = train.live.as_mut().unwrap();
        live.ended = Some(given::ended(TrainOutcome::Stopped, 137));
        add(&mut window, "paused");

        // Its folder is not there, so it cannot go on.
        ask(&mut window, TrainAsk::GoOn(PathBuf::from(RUN)));
        window.settle();
        let live = window.state().train.live.as_ref().unwrap();
        assert!(live.failure().is_some());
        add(&mut window, "failed");

        dismiss_all(&mut window);
        let mut live = given::live(&config, STEPS);
        live.take_in();
        live.ended = Some(given::ended(TrainOutcome::Finished, STEPS));
        show(&mut window, live);
        add(&mut window, "done");

        show(&mut window, given::live(&config, 137));
        let run = Purpose::TrainRun(PathBuf::from(RUN));
        given::job(&mut window, run, 137.0 / STEPS as f64, 42);
        add(&mut window, "running");
        let state = window.harness.state_mut().state_mut();
        state.jobs.forget(|_| true);
    }
    results.unwrap();
}

#[test]
#[ignore = "draws on an adapter"]
fn runs_look_as_they_did_when_a_person_looked_at_them() {
    let mut results = SnapshotResults::new();
    for way in WAYS {
        let temporary = Temporary::new();
        let (mut window, config) = described(&temporary, way, TALL);
        let state = window.harness.state_mut().state_mut();
        state.settings.runs.push(PathBuf::from("runs"));
        let train = &mut state.train;
        let runs = given::runs(&config);
        let compared = runs[1..4].iter().map(|own| own.folder.clone());
        train.compared = compared.collect();
        train.runs.set(runs);
        train.opened.set(given::opened(&config));
        train.shows_opened = true;
        train.watch.of = Some((PathBuf::from(RUN), 0));
        window.harness.run_steps(4);
        results.add(picture(&mut window, &format!("train-runs-{}", way.0), &[]));
    }
    results.unwrap();
}

#[test]
#[ignore = "draws on an adapter"]
fn a_film_looks_as_it_did_when_a_person_looked_at_it() {
    let mut results = SnapshotResults::new();
    for way in WAYS {
        let names = ["progress-note.txt", "discharge-summary.txt"];
        let mut window = open(names.map(bundled_note).to_vec(), way, TALL);
        window.act(Action::PlayFrames);
        window.act(Action::WatchNote);
        let notes = window.state().library.entries().iter();
        let notes: Vec<Arc<Note>> = notes.map(|own| own.note.clone()).collect();
        let run = TrainConfig::default();
        let mut live = given::live(&run, STEPS);
        live.take_in();
        live.frames = 13;
        live.ended = Some(given::ended(TrainOutcome::Finished, STEPS));
        show(&mut window, live);
        let train = &mut window.harness.state_mut().state_mut().train;
        train.watch.film.set(film(&notes));
        let at = WatchAsk::Frame(Some(120));
        ask(&mut window, TrainAsk::Watch(at));
        bring(&mut window, "cardiology, ");
        let name = format!("watch-full-{}", way.0);
        results.add(picture(&mut window, &name, &[]));

        ask(&mut window, TrainAsk::Watch(WatchAsk::Use(120)));
        window.settle();
        let name = format!("watch-failed-{}", way.0);
        results.add(picture(&mut window, &name, &[]));

        let state = window.harness.state_mut().state_mut();
        let restored = Purpose::RestoreFrame;
        state.jobs.begin(u64::MAX, restored, StopFlag::default());
        dismiss_all(&mut window);
        bring(&mut window, "Watched");
        let beside = window.harness.get_by_label("Use this model").rect();
        let name = format!("watch-restoring-{}", way.0);
        results.add(picture(&mut window, &name, &[turning(beside, true)]));
        let state = window.harness.state_mut().state_mut();
        state.jobs.forget(|_| true);

        // A step of the window is longer than a frame is shown, so each shows the next one.
        ask(&mut window, TrainAsk::Watch(WatchAsk::Frame(Some(0))));
        ask(&mut window, TrainAsk::Watch(WatchAsk::Play(true)));
        let name = format!("watch-playing-{}", way.0);
        results.add(picture(&mut window, &name, &[]));
    }
    results.unwrap();
}

/// Where something turns beside a line or a button, after or before it.
pub fn turning(beside: Rect, after: bool) -> Rect {
    let at = match after {
        true => beside.max.x..=beside.max.x + 36.0,
        false => beside.min.x - 38.0..=beside.min.x,
    };
    let y = beside.center().y;
    Rect::from_x_y_ranges(at, y - 16.0..=y + 16.0)
}

#[test]
#[ignore = "draws on an adapter"]
fn a_film_that_begins_looks_as_it_did_when_a_person_looked_at_it() {
    let mut results = SnapshotResults::new();
    for way in WAYS {
        let mut window = open(vec![bundled_note("progress-note.txt")], way, USUAL);
        window.act(Action::PlayFrames);
        window.act(Action::WatchNote);
        show(&mut window, given::live(&TrainConfig::default(), 3));
        let state = window.harness.state_mut().state_mut();
        let run = Purpose::TrainRun(PathBuf::from(RUN));
        state.jobs.begin(u64::MAX, run, StopFlag::default());
        window.harness.run_steps(2);
        let beside = window.harness.get_by_label("The first frame comes soon.");
        let beside = turning(beside.rect(), false);
        let name = format!("watch-begins-{}", way.0);
        results.add(picture(&mut window, &name, &[beside]));
        let state = window.harness.state_mut().state_mut();
        state.jobs.forget(|_| true);
    }
    results.unwrap();
}
