//! Would catch: a view that panics or is empty in some state, a command that panics somewhere, a widget
//! without a name, a flow that needs a mouse, a value on the screen that is not the engine's, a picture
//! that changed.

#![cfg(feature = "gui")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

#[path = "window/commands.rs"]
mod commands;
#[path = "window/describing.rs"]
mod describing;
#[path = "window/flows.rs"]
mod flows;
#[path = "window/given.rs"]
mod given;
#[path = "window/given_film.rs"]
mod given_film;
#[path = "window/given_report.rs"]
mod given_report;
#[path = "window/judged_runs.rs"]
mod judged_runs;
#[path = "window/judging.rs"]
mod judging;
#[path = "window/looks.rs"]
mod looks;
#[path = "window/narrow.rs"]
mod narrow;
#[path = "window/opening.rs"]
mod opening;
#[path = "window/points.rs"]
mod points;
#[path = "window/points_chosen.rs"]
mod points_chosen;
#[path = "window/points_limits.rs"]
mod points_limits;
#[path = "window/points_looks.rs"]
mod points_looks;
#[path = "window/points_pointer.rs"]
mod points_pointer;
#[path = "window/report_looks.rs"]
mod report_looks;
#[path = "window/training.rs"]
mod training;
#[path = "window/training_looks.rs"]
mod training_looks;
#[path = "window/watching.rs"]
mod watching;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use auscult::app::{Action, App, Command, Look, Options, State};
use eframe::egui::{Vec2, vec2};
use egui_kittest::Harness;

use common::{Temporary, fixture};

/// A window without a screen.
struct Window {
    harness: Harness<'static, App>,
    temporary: Temporary,
}

/// How a window is to be.
struct Setup {
    size: Vec2,
    look: Look,
    scale: f32,
    model: Option<PathBuf>,
    notes: Vec<PathBuf>,
    /// Whether pictures are taken, which needs an adapter.
    pictures: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            size: vec2(1280.0, 800.0),
            look: Look::Light,
            scale: 1.0,
            model: None,
            notes: Vec::new(),
            pictures: false,
        }
    }
}

impl Setup {
    /// With the tiny model and notes of every kind.
    fn full() -> Self {
        let notes = ["progress-note.txt", "discharge-summary.txt"];
        Self {
            model: Some(fixture("tiny")),
            notes: notes.map(common::bundled_note).to_vec(),
            ..Self::default()
        }
    }

    fn open(self) -> Window {
        let temporary = Temporary::new();
        let options = Options {
            model: self.model,
            device: Some("cpu".to_owned()),
            notes: self.notes,
            settings: Some(temporary.path().join("settings")),
            data: Some(temporary.path().join("data")),
            measure: false,
        };
        let look = self.look;
        // Who opens notes has seen the welcome before.
        let first = options.notes.is_empty();
        let builder = Harness::builder()
            .with_size(self.size)
            .with_pixels_per_point(self.scale)
            .with_max_steps(64);
        let builder = match self.pictures {
            true => builder.wgpu(),
            false => builder,
        };
        let harness = builder.build_eframe(|context| {
            let mut app = App::new(&context.egui_ctx, options);
            app.execute(Command::Look(look));
            if !first {
                app.execute(Command::NoticeRead);
            }
            app
        });
        let mut window = Window { harness, temporary };
        window.settle();
        window
    }
}

impl Window {
    fn state(&self) -> &State {
        self.harness.state().state()
    }

    fn act(&mut self, action: Action) {
        self.execute(Command::Do(action));
    }

    fn execute(&mut self, command: Command) {
        self.harness.state_mut().execute(command);
        self.harness.step();
    }

    /// Goes on until nothing runs any more.
    fn settle(&mut self) {
        self.until("nothing runs", |state| state.jobs.running().is_empty());
        self.harness.run_steps(4);
    }

    /// Goes on until something is so.
    fn until(&mut self, what: &str, so: impl Fn(&State) -> bool) {
        let start = Instant::now();
        loop {
            self.harness.step();
            if so(self.state()) {
                return;
            }
            assert!(
                start.elapsed() < Duration::from_secs(120),
                "waited for: {what}; running: {:?}",
                (self.state().jobs.running().iter())
                    .map(|own| &own.purpose)
                    .collect::<Vec<_>>()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
