//! Would catch: a lost graphics card, or a frame that panics, that takes notes, results or a run with it;
//! a window that is opened again and again without an end.
//!
//! It opens real windows one after the other, so it needs a screen and the main thread:
//! `xvfb-run -a cargo test --test desktop_lost`.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "../common/mod.rs"]
mod common;

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use auscult::app::{Action, App, Command, Options, State, TrainAsk, Weight, run_with};
use auscult::engine::TrainOutcome;
use common::{Temporary, fixture};
use eframe::egui::Context;

/// What happens, one after the other.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Opened,
    Running,
    Lost,
    RunEnds,
    Failed,
    Again,
    Closed,
}

fn main() {
    let temporary = Temporary::new();
    let rows: String = (0..48)
        .map(|row| {
            let (label, word) = [("lung", "cough"), ("heart", "chest pain")][row % 2];
            format!("{row},She has {word} for {row} days and no fever.,{label}\n")
        })
        .collect();
    let notes = temporary.file("visits.csv", format!("id,text,kind\n{rows}"));
    let options = || Options {
        model: Some(fixture("tiny")),
        device: Some("cpu".to_owned()),
        notes: Vec::from([notes.clone()]),
        settings: Some(temporary.path().join("settings")),
        data: Some(temporary.path().join("data")),
        measure: false,
    };
    let part = Rc::new(Cell::new(Part::Opened));
    let told = Rc::clone(&part);
    let begun = Instant::now();
    let ran = run_with(options(), move |app, ctx, frame| {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{:?}: {:?}",
            told.get(),
            app.state().messages.all().collect::<Vec<_>>()
        );
        ctx.request_repaint_after(Duration::from_millis(20));
        let next = step(told.get(), app, ctx, frame);
        if next != told.get() {
            println!("{:5} ms {next:?}", begun.elapsed().as_millis());
        }
        told.set(next);
        if next == Part::Failed && failures(app.state()) == 1 {
            panic!("planted: a view fails");
        }
    });
    ran.unwrap();
    assert_eq!(part.get(), Part::Closed);
    assert!(temporary.path().join("settings/session.toml").is_file());

    // What cannot be drawn at all ends, with a sentence, and what was open is kept.
    std::fs::remove_file(temporary.path().join("settings/session.toml")).unwrap();
    let frames = Rc::new(Cell::new(0));
    let counted = Rc::clone(&frames);
    let ran = run_with(options(), move |_, _, _| {
        counted.set(counted.get() + 1);
        panic!("planted: no frame can be drawn");
    });
    let said = ran.unwrap_err().to_string();
    assert!(said.contains("could not be drawn 4 times"), "{said}");
    assert_eq!(frames.get(), 4);
    assert!(temporary.path().join("settings/session.toml").is_file());
    println!("all parts passed");
}

fn failures(state: &State) -> usize {
    let all = state.messages.all();
    all.filter(|own| own.weight == Weight::Failure).count()
}

fn step(part: Part, app: &mut App, ctx: &Context, frame: &eframe::Frame) -> Part {
    let settled = |app: &App| app.state().jobs.running().is_empty();
    match part {
        Part::Opened if settled(app) && app.state().model.info().is_some() => {
            app.execute(Command::Do(Action::NextWord));
            app.execute(Command::Do(Action::MaskWord));
            app.execute(Command::Do(Action::TrainOnOpen));
            let folder = app.state().settings.runs.clone();
            assert!(folder.is_empty());
            for (field, word) in [
                ("label", "kind"),
                ("max-tokens", "48"),
                ("steps", "150"),
                ("evaluate-every", "50"),
                ("validation-share", "0.25"),
            ] {
                let own = TrainAsk::Field(field, Vec::from([word.to_owned()]));
                app.execute(Command::Train(Box::new(own)));
            }
            app.execute(Command::Do(Action::StartRun));
            Part::Running
        }
        Part::Running if steps(app) >= 5 => {
            assert!(app.state().train.runs_now());
            let window = frame.wgpu_render_state().unwrap();
            window.device.destroy();
            Part::Lost
        }
        // Frames of the window that was lost may come before those of the next.
        Part::Lost if failures(app.state()) == 1 => {
            let message = app
                .state()
                .messages
                .all()
                .find(|own| own.weight == Weight::Failure);
            assert!(message.unwrap().title.contains("graphics card was lost"));
            assert!(app.state().results().unwrap().fill.value.is_some());
            assert!(steps(app) >= 5);
            Part::RunEnds
        }
        Part::RunEnds if !app.state().train.runs_now() && settled(app) => {
            let live = app.state().train.live.as_ref().unwrap();
            assert_eq!(live.report().unwrap().outcome, TrainOutcome::Finished);
            assert_eq!(live.curves.loss.len(), 150);
            Part::Failed
        }
        Part::Failed if failures(app.state()) == 2 => {
            app.execute(Command::Do(Action::Read));
            app.execute(Command::Do(Action::NextWord));
            app.execute(Command::Do(Action::MaskWord));
            Part::Again
        }
        Part::Again if settled(app) => {
            assert_eq!(app.state().library.entries().len(), 48);
            assert!(app.state().results().unwrap().fill.value.is_some());
            ctx.send_viewport_cmd(eframe::egui::ViewportCommand::Close);
            Part::Closed
        }
        part => part,
    }
}

fn steps(app: &App) -> u64 {
    app.state()
        .train
        .live
        .as_ref()
        .map_or(0, |own| own.curves.steps())
}
