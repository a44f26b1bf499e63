//! Points under the pointer, their colours by a column, and lists of them in the clipboard.

use auscult::app::points::camera::{Camera, bounds};
use auscult::app::points::classes::ColourBy;
use auscult::app::points::command::{Combine, PointsCommand};
use auscult::app::{Action, Workspace};
use auscult::engine::PointUnit;
use eframe::egui::{Event, Modifiers, OutputCommand, PointerButton, Pos2};
use egui_kittest::kittest::Queryable;

use super::points::{ask, draw, map, plot};
use super::{Setup, Window};
use crate::common::Temporary;

/// Where points are on the screen, all of them being in sight.
fn on_screen(window: &Window) -> Vec<Pos2> {
    let points = &window.state().points;
    assert!(points.camera.is_none(), "all is on the screen");
    let (places, rect) = (points.places().unwrap(), plot(window));
    let camera = Camera::whole(bounds(places).unwrap(), rect.size());
    let places = places.iter();
    places.map(|own| camera.to_screen(rect, *own)).collect()
}

/// The point that is farthest from all others, so that nothing else is under a pointer there.
fn alone(screen: &[Pos2]) -> usize {
    let nearest = |row: usize| {
        let others = (0..screen.len()).filter(|own| *own != row);
        let others = others.map(|own| screen[own].distance(screen[row]));
        others.fold(f32::INFINITY, f32::min)
    };
    let rows = 0..screen.len();
    rows.max_by(|a, b| nearest(*a).total_cmp(&nearest(*b)))
        .unwrap()
}

/// Clicks so many times within a frame.
fn click(window: &mut Window, at: Pos2, times: usize) {
    let all = [true, false].repeat(times);
    let all = all.into_iter().map(|pressed| Event::PointerButton {
        pos: at,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    });
    window.harness.input_mut().events.extend(all);
    window.harness.run_steps(3);
}

#[test]
fn a_point_shows_its_text_a_click_chooses_it_and_two_open_its_note() {
    let mut window = Setup::full().open();
    draw(&mut window, PointUnit::Sentence);
    window.act(Action::Stop);
    window.settle();
    let screen = on_screen(&window);
    let row = alone(&screen);
    let state = window.state();
    let (text, place) = map(state).text(row, &state.library, 260).unwrap();
    let (key, bytes) = {
        let own = &map(state).points.points[row];
        let key = map(state).note(row).unwrap();
        (key, own.start as usize..own.end as usize)
    };
    assert!(window.harness.query_by_label(&text).is_none());
    window.harness.event(Event::PointerMoved(screen[row]));
    window.harness.run_steps(3);
    assert!(window.harness.query_by_label(&text).is_some());
    assert!(window.harness.query_by_label(&place).is_some());
    click(&mut window, screen[row], 1);
    let state = window.state();
    assert_eq!(state.point_at(), Some(row));
    assert_eq!(state.on_view.as_ref().unwrap().key, key);
    assert_eq!(state.selection.bytes(), Some(bytes.clone()));
    assert_eq!(state.workspace, Workspace::Map);
    // Long after the first one, so that these two are the double click.
    window.harness.run_steps(8);
    click(&mut window, screen[row], 2);
    let state = window.state();
    assert_eq!(state.workspace, Workspace::Read);
    assert_eq!(state.on_view.as_ref().unwrap().key, key);
    assert_eq!(state.selection.bytes(), Some(bytes));
}

#[test]
fn colours_stand_for_the_values_of_a_column() {
    let temporary = Temporary::new();
    let rows: String = (0..9)
        .map(|row| {
            let kind = ["lung", "heart", ""][row % 3];
            format!("{row},She has had pain for {row} days.,{kind}\n")
        })
        .collect();
    let file = temporary.file("visits.csv", format!("id,text,organ\n{rows}"));
    let mut window = Setup {
        notes: vec![file],
        ..Setup::full()
    }
    .open();
    draw(&mut window, PointUnit::Note);
    window.act(Action::Stop);
    window.settle();
    let colour = PointsCommand::Colour(ColourBy::Column("organ".to_owned()));
    ask(&mut window, colour);
    window.settle();
    let state = window.state();
    let names: Vec<&str> = (0..9)
        .map(|row| state.points.classes.name(row).unwrap_or("none"))
        .collect();
    assert_eq!(names[..3], ["lung", "heart", names[2]]);
    assert!(names.chunks(3).all(|own| own == &names[..3]), "{names:?}");
    window.harness.run_steps(3);
    let legend = window.harness.query_all_by_label_contains("heart");
    assert!(legend.count() > 0);
}

#[test]
fn a_list_in_the_clipboard_has_the_text_of_each_point() {
    let mut window = Setup::full().open();
    draw(&mut window, PointUnit::Sentence);
    window.act(Action::Stop);
    window.settle();
    ask(&mut window, PointsCommand::At(4));
    window.act(Action::NearPoints);
    window.settle();
    let near = window.state().points.near.value.clone().unwrap();
    window.harness.run_steps(3);
    window.harness.get_by_label("Choose these").click();
    window.harness.run_steps(3);
    let chosen = window.state().points.chosen.clone();
    let mut want: Vec<u32> = near.similar.iter().map(|own| own.point as u32).collect();
    want.sort_unstable();
    assert!(want.iter().all(|own| chosen.contains(own)), "{chosen:?}");
    ask(
        &mut window,
        PointsCommand::Choose(vec![2, 7], Combine::Replace),
    );
    window
        .harness
        .state_mut()
        .execute(auscult::app::Command::Do(Action::CopyPoints));
    window.harness.step();
    let output = window.harness.output();
    let copied = output
        .platform_output
        .commands
        .iter()
        .find_map(|own| match own {
            OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        });
    let copied = copied.expect("a text is copied");
    let state = window.state();
    for row in [2, 7] {
        let (text, _) = map(state).text(row, &state.library, 2000).unwrap();
        assert!(copied.contains(&text), "point {row}");
    }
    assert_eq!(copied.lines().count(), 2, "a line for each");
}
