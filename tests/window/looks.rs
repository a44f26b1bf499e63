//! Pictures of every view in its states, both themes, two scales: compared with those that a person
//! looked at. `UPDATE_SNAPSHOTS=1 cargo test --test window -- --ignored` makes them anew.

use auscult::app::{Action, Command, Look, Weight};
use egui_kittest::SnapshotResults;
use egui_kittest::kittest::Queryable;

use std::path::PathBuf;

use eframe::egui::{Pos2, Rect, pos2};

use super::{Setup, Window};
use crate::common::spelling;

/// With names that are the same on every machine: tests run in the folder of the package.
pub(super) fn setup() -> Setup {
    Setup {
        model: Some(PathBuf::from("tests/fixtures/tiny")),
        pictures: true,
        ..Setup::full()
    }
}

/// Takes the picture, but for messages that go by themselves and the part of the bottom line that names
/// the processor.
pub(super) fn picture(
    window: &mut Window,
    name: &str,
    masked: &[Rect],
) -> egui_kittest::SnapshotResult {
    let messages = window.state().messages.on_screen();
    let going: Vec<u64> = messages
        .filter(|own| own.weight != Weight::Failure)
        .map(|own| own.number)
        .collect();
    for number in going {
        window.execute(Command::Dismiss(number));
    }
    window.harness.run_steps(4);
    let Pos2 {
        x: right,
        y: bottom,
    } = window.harness.ctx.content_rect().max;
    let named = Rect::from_min_max(pos2(0.0, bottom - 32.0), pos2(620.0, bottom));
    // After the last step: a step takes masks away.
    window.harness.mask(named);
    masked.iter().for_each(|own| window.harness.mask(*own));
    if name.starts_with("activity") {
        // Notes and model are read at the same time, and either may be done first.
        let done = Rect::from_min_max(pos2(0.0, bottom - 66.0), pos2(400.0, bottom - 32.0));
        window.harness.mask(done);
    }
    if name.starts_with("working") {
        // How far it is.
        let progress = Rect::from_min_max(
            pos2(right - 520.0, bottom - 212.0),
            pos2(right, bottom - 32.0),
        );
        window.harness.mask(progress);
    }
    window.harness.try_snapshot(name)
}

/// A state with its name.
type Case = (&'static str, fn(&mut super::Window));

const CASES: [Case; 19] = [
    ("welcome", |window| window.act(Action::Welcome)),
    ("read", |window| {
        window.act(Action::NextWord);
        window.act(Action::MaskWord);
        window.settle();
    }),
    ("surprise", |window| {
        window.act(Action::Surprise);
        window.settle();
    }),
    ("failed", |window| {
        window.execute(Command::UseModel(PathBuf::from("tests/fixtures/notes")));
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
        map(window);
        window.act(Action::Pin);
        window.settle();
    }),
    ("value", |window| {
        window.act(Action::Look);
        for _ in 0..24 {
            window.act(Action::NextWord);
        }
        window.execute(Command::Head(1, 2));
        map(window);
        window.act(Action::MapToSelection);
        window.settle();
        window.until("the part", |state| {
            state.results().is_some_and(|own| own.part.value.is_some())
        });
        window.settle();
    }),
    ("sections", |window| {
        window.act(Action::Flow);
        window.settle();
    }),
    ("ribbons", |window| {
        window.act(Action::Flow);
        window.settle();
        window.harness.get_by_label("Ribbons").click();
        window.harness.run_steps(4);
        window.harness.get_by_label("Medications looks").focus();
        window.harness.run_steps(2);
    }),
    ("tokens", |window| {
        window.act(Action::TokenIds);
        window.act(Action::FindInLibrary);
        window.settle();
    }),
    ("spans", |window| {
        let folder = spelling("token-classification", &window.temporary);
        window.execute(Command::UsePredictor(folder));
        window.settle();
        window.act(Action::Predict);
        window.settle();
    }),
    ("labels", |window| {
        let folder = spelling("sequence-classification-cls", &window.temporary);
        window.execute(Command::UsePredictor(folder));
        window.settle();
        window.act(Action::Predict);
        window.settle();
    }),
    ("similar", |window| {
        for _ in 0..30 {
            window.act(Action::NextWord);
        }
        window.act(Action::Similar);
        window.settle();
    }),
    ("working", |window| {
        window.act(Action::Surprise);
        window.act(Action::Activity);
    }),
    ("activity", |window| {
        window.execute(Command::UseModel(PathBuf::from("tests/fixtures/notes")));
        window.settle();
        window.act(Action::Activity);
    }),
    ("settings", |window| window.act(Action::Settings)),
    ("models", |window| window.act(Action::Models)),
    ("help", |window| window.act(Action::Help)),
    ("palette", |window| window.act(Action::Palette)),
    ("offline", |window| window.act(Action::Verify)),
];

/// Waits for the map of the head of the lens.
fn map(window: &mut Window) {
    window.settle();
    window.until("the map", |state| {
        let model = state.model.info().map(|own| state.lens.head(own));
        let map = state.results().and_then(|own| own.map.value.as_ref());
        map.map(|own| own.of) == model
    });
    window.settle();
}

/// A way to show it: its name, colours, size in points, pixels of a point, and the states that are
/// shown so; all where none is named.
type Way = (&'static str, Look, [f32; 2], f32, &'static [&'static str]);

const WAYS: [Way; 6] = [
    ("light-100", Look::Light, [1280.0, 800.0], 1.0, &[]),
    ("dark-100", Look::Dark, [1280.0, 800.0], 1.0, &[]),
    (
        "contrast-100",
        Look::HighContrast,
        [1280.0, 800.0],
        1.0,
        &["welcome", "read", "look"],
    ),
    // The same window with everything twice as large.
    ("light-200", Look::Light, [640.0, 400.0], 2.0, &[]),
    ("dark-200", Look::Dark, [640.0, 400.0], 2.0, &[]),
    (
        "light-large",
        Look::Light,
        [1920.0, 1080.0],
        1.0,
        &["read", "look"],
    ),
];

#[test]
#[ignore = "draws on an adapter"]
fn views_look_as_they_did_when_a_person_looked_at_them() {
    let mut results = SnapshotResults::new();
    for (way, look, size, scale, states) in WAYS {
        for (name, make) in CASES {
            if !states.is_empty() && !states.contains(&name) {
                continue;
            }
            let mut window = Setup {
                look,
                scale,
                size: size.into(),
                ..setup()
            }
            .open();
            make(&mut window);
            window.harness.run_steps(6);
            let name = format!("{name}-{way}");
            results.add(picture(&mut window, &name, &[]));
        }
    }
    for (way, look, size, scale, _) in WAYS.into_iter().filter(|own| own.4.is_empty()) {
        let mut empty = Setup {
            look,
            scale,
            size: size.into(),
            pictures: true,
            ..Setup::default()
        }
        .open();
        empty.act(Action::Read);
        empty.harness.run_steps(4);
        results.add(picture(&mut empty, &format!("nothing-{way}"), &[]));
    }
    results.unwrap();
}
