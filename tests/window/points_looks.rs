//! Pictures of the workspace Map in its states.

use std::path::PathBuf;
use std::time::Duration;

use auscult::app::jobs::Purpose;
use auscult::app::points::Wanted;
use auscult::app::points::command::{Combine, PointsCommand};
use auscult::app::{Action, Command, Look};
use auscult::engine::{PointUnit, Progress, StopFlag};
use eframe::egui::{Rect, pos2};
use egui_kittest::SnapshotResults;
use egui_kittest::kittest::Queryable;

use super::looks::{picture, setup};
use super::points::{ask, draw};
use super::{Setup, Window};

/// A state with its name.
type Case = (&'static str, fn(&mut Window));

/// States that are drawn twice as large as well; the one with neighbours takes too long for that.
const LARGE: &[&str] = &[
    "points",
    "points-nothing",
    "points-near",
    "points-near-failed",
    "points-failed",
    "points-arranging",
    "points-save",
];

/// A job that is given.
const TICKET: u64 = u64::MAX;

const CASES: [Case; 9] = [
    ("points-nothing", |window| window.act(Action::Points)),
    ("points-working", |window| {
        ask(
            window,
            PointsCommand::Want(Wanted {
                unit: PointUnit::Code,
                codes: usize::MAX,
                ..Wanted::default()
            }),
        );
        window.act(Action::DrawPoints);
        window.until("it is on its way", |state| {
            state
                .jobs
                .running()
                .iter()
                .any(|own| own.progress.is_some())
        });
    }),
    ("points-failed", |window| {
        window.execute(Command::UseModel(PathBuf::from("tests/fixtures/notes")));
        window.settle();
        window.act(Action::Points);
    }),
    ("points", |window| {
        draw(window, PointUnit::Sentence);
        window.settle();
        let row = middle(window);
        show_note_of(window, row);
        ask(window, PointsCommand::At(row));
    }),
    ("points-near", |window| {
        draw(window, PointUnit::Word);
        // Arranging them is not on this picture.
        window.act(Action::Stop);
        window.settle();
        let row = middle(window);
        show_note_of(window, row);
        ask(window, PointsCommand::At(row));
        window.act(Action::NearPoints);
        window.settle();
    }),
    ("points-near-failed", |window| {
        draw(window, PointUnit::Note);
        window.settle();
        ask(window, PointsCommand::At(1));
        window.act(Action::NearPoints);
        window.settle();
        let near = &mut window.harness.state_mut().state_mut().points.near;
        near.value = None;
        near.failure = Some("no thread answers any more; open Auscult again".to_owned());
    }),
    ("points-arranging", |window| {
        draw(window, PointUnit::Sentence);
        window.act(Action::Stop);
        window.settle();
        let row = middle(window);
        show_note_of(window, row);
        window.act(Action::ByNeighbours);
        window.act(Action::Stop);
        window.settle();
        let state = window.harness.state_mut().state_mut();
        let arranges = Purpose::Arrange(0);
        state.jobs.begin(TICKET, arranges, StopFlag::default());
        let progress = Progress {
            done: 320,
            total: 1000,
            unit: "rounds",
            inside: None,
            share: 0.32,
            remaining: Some(Duration::from_secs(17)),
        };
        state.jobs.progress(TICKET, progress);
        window.harness.run_steps(2);
    }),
    ("points-save", |window| {
        draw(window, PointUnit::Section);
        window.settle();
        let command = PointsCommand::Choose(vec![1, 2, 5], Combine::Replace);
        ask(window, command);
        window.settle();
        window.act(Action::SavePoints);
    }),
    ("points-chosen", |window| {
        let wanted = Wanted {
            codes: 400,
            ..window.state().points.wanted.clone()
        };
        ask(window, PointsCommand::Want(wanted));
        draw(window, PointUnit::Code);
        window.settle();
        window.act(Action::ByNeighbours);
        let places = window.state().points.places().unwrap();
        let rows = (0..places.len()).filter(|row| places[*row][0] < 0.0 && places[*row][1] > 0.0);
        let rows = rows.map(|row| row as u32).collect();
        ask(window, PointsCommand::Choose(rows, Combine::Replace));
        window.settle();
    }),
];

/// Puts the note of a point on view with all that is said of it, so that it does not move any more.
fn show_note_of(window: &mut Window, row: usize) {
    let key = window.state().points.map.value.as_ref().unwrap().note(row);
    window.execute(Command::Show(key.unwrap()));
    window.settle();
    window.harness.run_steps(20);
}

/// A point near the middle of all.
fn middle(window: &Window) -> usize {
    let places = window.state().points.places().unwrap();
    let far = |own: &[f32; 2]| own[0].powi(2) + own[1].powi(2);
    let nearest = places
        .iter()
        .enumerate()
        .min_by(|a, b| far(a.1).total_cmp(&far(b.1)));
    nearest.unwrap().0
}

#[test]
#[ignore = "draws on an adapter"]
fn points_look_as_they_did_when_a_person_looked_at_them() {
    let mut results = SnapshotResults::new();
    for (way, look, size, scale, states) in [
        ("light-100", Look::Light, [1280.0, 800.0], 1.0, &[][..]),
        ("dark-100", Look::Dark, [1280.0, 800.0], 1.0, &[][..]),
        (
            "contrast-100",
            Look::HighContrast,
            [1280.0, 800.0],
            1.0,
            &["points"][..],
        ),
        ("light-200", Look::Light, [640.0, 400.0], 2.0, LARGE),
        ("dark-200", Look::Dark, [640.0, 400.0], 2.0, LARGE),
    ] {
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
            let masked = match name {
                "points-working" => PROGRESS.to_vec(),
                // Its job is given, and never ends.
                "points-arranging" => vec![turning(&window)],
                _ => {
                    // The note comes to its place when its tokens are there.
                    window.settle();
                    Vec::new()
                }
            };
            window.harness.run_steps(20);
            let name = format!("{name}-{way}");
            results.add(picture(&mut window, &name, &masked));
        }
    }
    results.unwrap();
}

/// Where something turns before the words on the arranging.
fn turning(window: &Window) -> Rect {
    let words = window.harness.get_by_label_contains("Arranging: ").rect();
    let (right, y) = (words.min.x, words.center().y);
    Rect::from_x_y_ranges(right - 38.0..=right, y - 16.0..=y + 16.0)
}

/// Where the progress stands while nothing is drawn yet: at the left, and in the middle.
const PROGRESS: [Rect; 2] = [
    Rect {
        min: pos2(0.0, 330.0),
        max: pos2(240.0, 362.0),
    },
    Rect {
        min: pos2(240.0, 255.0),
        max: pos2(900.0, 285.0),
    },
];
