//! A run while the window is drawn, and while it is not, as when it is minimised.

use std::path::Path;
use std::time::{Duration, Instant};

use auscult::app::{Action, Command, Options, TrainAsk};
use eframe::egui::{Event, Pos2};

use super::{Bench, idle, many, row};

/// How long the window is drawn, or not, before it changes.
const TURN: Duration = Duration::from_secs(8);

/// Turns of each kind.
const TURNS: usize = 4;

/// Frames a second.
const PER_SECOND: u32 = 30;

pub fn while_training(options: Options, folder: &Path) {
    let (mut own, _) = Bench::open(Options {
        settings: Some(folder.join("settings-of-training")),
        ..options
    });
    own.until(Some(Command::Do(Action::TryDemo)), |state| {
        state.tokens().is_some() && state.predictor.folder().is_some() && idle(state)
    });
    own.act(Action::TrainOnDemo, |_| true);
    let run = folder.join("run");
    for (field, word) in [
        ("run", run.to_str().unwrap()),
        ("max-tokens", "128"),
        ("steps", "100000"),
        ("evaluate-every", "100000"),
    ] {
        let field = TrainAsk::Field(field, vec![word.to_owned()]);
        own.app.execute(Command::Train(Box::new(field)));
    }
    let history = run.join("history.jsonl");
    let steps = || {
        let text = std::fs::read_to_string(&history).unwrap_or_default();
        text.matches("\"event\":\"step\"").count()
    };
    own.act(Action::StartRun, |_| steps() > 20);
    own.app.execute(Command::Do(Action::Read));
    let (mut frames, mut made) = (Vec::new(), [0.0; 2]);
    for _ in 0..TURNS {
        for (drawn, made) in [true, false].into_iter().zip(&mut made) {
            let (start, before) = (Instant::now(), steps());
            while start.elapsed() < TURN {
                let frame = Instant::now();
                if drawn {
                    // A person who reads: the pointer goes down the note.
                    let turn = start.elapsed().as_secs_f32() / TURN.as_secs_f32();
                    let at = Pos2::new(600.0, 120.0 + 600.0 * turn);
                    frames.push(own.draw(vec![Event::PointerMoved(at)]));
                }
                let left = (Duration::from_secs(1) / PER_SECOND).checked_sub(frame.elapsed());
                std::thread::sleep(left.unwrap_or_default());
            }
            *made += (steps() - before) as f64 / start.elapsed().as_secs_f64();
        }
    }
    many("M13 a frame while a run is made", frames, "33 ms");
    let [visible, minimised] = made.map(|own| own / TURNS as f64);
    let found = format!("{minimised:.2} and {visible:.2} a second");
    let goal = "95 % of the visible speed";
    row("M13 steps while minimised, and while drawn", &found, goal);
    own.act(Action::StopAll, idle);
}
