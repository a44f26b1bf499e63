//! Points that are more than the memory may hold, and samples of them.

use auscult::app::points::classes::ColourBy;
use auscult::app::points::command::PointsCommand;
use auscult::app::points::{Sample, Wanted};
use auscult::app::{Action, Command};
use auscult::engine::PointUnit;
use egui_kittest::kittest::Queryable;

use super::Setup;
use super::points::{ask, draw, is_told, map, want, want_codes};

#[test]
fn memory_that_may_not_be_taken_is_not_taken() {
    let mut window = Setup::full().open();
    window.execute(Command::Cache(0));
    want(&mut window, PointUnit::Token);
    window.act(Action::DrawPoints);
    window.settle();
    let points = &window.state().points;
    assert!(points.map.value.is_none());
    let failure = points.map.failure.clone().unwrap();
    assert!(failure.contains("allow more in Settings"), "{failure}");
}

#[test]
fn points_that_fill_the_memory_stay_when_another_panel_is_looked_at() {
    let mut window = Setup::full().open();
    window.execute(Command::Cache(1));
    want_codes(&mut window, 10_000);
    draw(&mut window, PointUnit::Code);
    let state = window.state();
    let points = &map(state).points;
    assert!(points.full && points.complete && points.all == 10_000);
    assert!(points.points.len() > 500, "{}", points.points.len());
    assert!(is_told(&window, "No more memory"));
    window.act(Action::Stop);
    window.settle();
    let state = window.state();
    assert!(state.cached() <= state.cache_limit(), "{}", state.cached());
    // What comes next makes room, and these are within the limit.
    window.act(Action::Read);
    window.act(Action::NextNote);
    window.settle();
    window.act(Action::PreviousNote);
    window.settle();
    let state = window.state();
    assert!(state.points.map.value.is_some());
    assert!(state.cached() <= state.cache_limit(), "{}", state.cached());
    // With a limit that they are over they go, with what was asked of them, and that is said.
    window.act(Action::ArrangePoints);
    window.act(Action::Read);
    assert!(window.state().jobs.is_running(|own| own.is_of_points()));
    window.execute(Command::Cache(0));
    let state = window.state();
    assert!(state.points.map.value.is_none());
    assert!(!state.jobs.is_running(|own| own.is_of_points()));
    assert!(is_told(&window, "The map of points was let go of"));
}

#[test]
fn a_sample_is_drawn_as_it_was_asked_for() {
    let mut window = Setup::full().open();
    let wanted = Wanted {
        unit: PointUnit::Word,
        sample: Some(Sample {
            most: 60,
            of_each: ColourBy::Note,
        }),
        ..Wanted::default()
    };
    ask(&mut window, PointsCommand::Want(wanted));
    draw(&mut window, PointUnit::Word);
    let state = window.state();
    let map = map(state);
    assert!(map.count() == 60 && map.points.all > 600 && !map.points.full);
    let of = |note| {
        map.points
            .points
            .iter()
            .filter(|own| own.of == note)
            .count()
    };
    assert_eq!((of(0), of(1)), (30, 30));
    window.harness.run_steps(3);
    window.harness.get_by_label_contains("60 of ");
    window.harness.get_by_label_contains("as many of each note");
    window.harness.check_accessibility();
}
