//! Pictures of the workspace Map in its states.

use std::path::PathBuf;

use auscult::app::jobs::Purpose;
use auscult::app::points::Wanted;
use auscult::app::points::command::{Combine, PointsCommand};
use auscult::app::{Action, Command, Look};
use auscult::engine::PointUnit;
use eframe::egui::{Rect, vec2};
use egui_kittest::SnapshotResults;
use egui_kittest::kittest::Queryable;

use super::given;
use super::looks::{picture, setup};
use super::points::{ask, draw};
use super::{Setup, Window};

/// A state with its name.
type Case = (&'static str, fn(&mut Window));

const CASES: [Case; 9] = [
    ("points-nothing", |window| window.act(Action::Points)),
    ("points-working", |window| {
        let wanted = Wanted {
            unit: PointUnit::Code,
            codes: usize::MAX,
            ..Wanted::default()
        };
        ask(window, PointsCommand::Want(wanted.clone()));
        window.act(Action::Points);
        working(window, Purpose::Points(wanted, Vec::new()));
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
        working(window, Purpose::Arrange(0));
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

/// Begins a job that never ends.
fn working(window: &mut Window, purpose: Purpose) {
    // What moves comes to rest first: a job that has lasted a while has more on the screen.
    window.harness.run_steps(20);
    given::job(window, purpose, 0.32, 17);
    window.harness.run_steps(2);
}

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
    for (way, look, scale) in [
        ("light-100", Look::Light, 1.0),
        ("dark-100", Look::Dark, 1.0),
        ("contrast-100", Look::HighContrast, 1.0),
        ("light-200", Look::Light, 2.0),
        ("dark-200", Look::Dark, 2.0),
    ] {
        for (name, make) in CASES {
            if look == Look::HighContrast && name != "points" {
                continue;
            }
            let mut window = Setup {
                look,
                scale,
                size: vec2(1280.0, 800.0) / scale,
                ..setup()
            }
            .open();
            make(&mut window);
            let masked = match name {
                // Their jobs never end.
                "points-working" | "points-arranging" => turning(&window),
                _ => {
                    // The note comes to its place when its tokens are there.
                    window.settle();
                    window.harness.run_steps(20);
                    Vec::new()
                }
            };
            let name = format!("{name}-{way}");
            results.add(picture(&mut window, &name, &masked));
        }
    }
    results.unwrap();
}

/// Where something turns, before the words on how far a job is.
fn turning(window: &Window) -> Vec<Rect> {
    let words = window
        .harness
        .query_all_by_label_contains("32 % · 17 s left");
    let place = |words: Rect| {
        let (right, y) = (words.min.x, words.center().y);
        Rect::from_x_y_ranges(right - 38.0..=right, y - 16.0..=y + 16.0)
    };
    words.map(|own| place(own.rect())).collect()
}
