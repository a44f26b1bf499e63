//! Pictures of every view in its states, both themes, two scales: compared with those that a person
//! looked at. `UPDATE_SNAPSHOTS=1 cargo test --test window -- --ignored` makes them anew.

use auscult::app::{Action, Command, Look, Weight};
use egui_kittest::SnapshotResults;

use std::path::PathBuf;

use eframe::egui::{Rect, pos2};

use super::{Setup, Window};

/// With names that are the same on every machine: tests run in the folder of the package.
fn setup() -> Setup {
    Setup {
        model: Some(PathBuf::from("tests/fixtures/tiny")),
        pictures: true,
        ..Setup::full()
    }
}

/// Takes the picture, but for messages that go by themselves and the part of the bottom line that names
/// the processor.
fn picture(window: &mut Window, name: &str) -> egui_kittest::SnapshotResult {
    let messages = window.state().messages.on_screen();
    let going: Vec<u64> = messages
        .filter(|own| own.weight != Weight::Failure)
        .map(|own| own.number)
        .collect();
    for number in going {
        window.execute(Command::Dismiss(number));
    }
    window.harness.run_steps(4);
    let bottom = window.harness.ctx.content_rect().max.y;
    let named = Rect::from_min_max(pos2(0.0, bottom - 32.0), pos2(620.0, bottom));
    window.harness.mask(named);
    window.harness.try_snapshot(name)
}

/// A state with its name.
type Case = (&'static str, fn(&mut super::Window));

const CASES: [Case; 8] = [
    ("welcome", |window| window.act(Action::Welcome)),
    ("read", |window| {
        window.act(Action::NextWord);
        window.act(Action::MaskWord);
        window.settle();
    }),
    ("look", |window| {
        for _ in 0..12 {
            window.act(Action::NextWord);
        }
        window.act(Action::AllHeads);
        window.until("all layers", |state| {
            let heads = state.results().and_then(|own| own.heads.value.as_ref());
            heads.is_some_and(|own| own.layers.len() == 4)
        });
        window.settle();
        window.act(Action::Pin);
        window.settle();
    }),
    ("tokens", |window| {
        window.act(Action::TokenIds);
        window.act(Action::FindInLibrary);
        window.settle();
    }),
    ("settings", |window| window.act(Action::Settings)),
    ("models", |window| window.act(Action::Models)),
    ("help", |window| window.act(Action::Help)),
    ("palette", |window| window.act(Action::Palette)),
];

#[test]
#[ignore = "draws on an adapter"]
fn views_look_as_they_did_when_a_person_looked_at_them() {
    let mut results = SnapshotResults::new();
    for (theme, look) in [("light", Look::Light), ("dark", Look::Dark)] {
        for (name, make) in CASES {
            for (scale_name, scale) in [("100", 1.0), ("200", 2.0)] {
                // Twice the size only where letters and lines are: pictures are large.
                if scale > 1.0 && name != "read" {
                    continue;
                }
                let mut window = Setup {
                    look,
                    scale,
                    ..setup()
                }
                .open();
                make(&mut window);
                window.harness.run_steps(6);
                let name = format!("{name}-{theme}-{scale_name}");
                results.add(picture(&mut window, &name));
            }
        }
    }
    let mut empty = Setup {
        pictures: true,
        ..Setup::default()
    }
    .open();
    empty.act(Action::Read);
    empty.harness.run_steps(4);
    results.add(picture(&mut empty, "nothing-light-100"));
    let mut failed = setup().open();
    failed.execute(Command::UseModel(PathBuf::from("tests/fixtures/notes")));
    failed.settle();
    results.add(picture(&mut failed, "failed-light-100"));
    results.unwrap();
}
