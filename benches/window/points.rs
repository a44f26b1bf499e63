//! All codes of the bundled table as points, about a hundred thousand.

use std::path::Path;
use std::time::Duration;

use auscult::app::points::Wanted;
use auscult::app::points::command::PointsCommand;
use auscult::app::{Action, Command, Options};
use auscult::engine::PointUnit;
use eframe::egui::{self, Event, Modifiers, Pos2};

use super::{Bench, FRAMES, Screen, idle, many, once, row};

/// All bundled codes as points, which are about 100,000.
pub fn many_points(options: Options, folder: &Path) {
    let screen = Screen::open();
    let drawn = screen.is_some();
    if let Some(screen) = &screen {
        row(
            "frames are drawn by",
            &screen.state.adapter.get_info().name,
            "",
        );
    }
    let options = Options {
        settings: Some(folder.join("settings-of-points")),
        ..options
    };
    let (mut own, _) = Bench::open_on(options, screen);
    own.until(Some(Command::Do(Action::TryDemo)), |state| {
        state.tokens().is_some() && state.predictor.folder().is_some() && idle(state)
    });
    let want = PointsCommand::Want(Wanted {
        unit: PointUnit::Code,
        codes: usize::MAX,
        ..Wanted::default()
    });
    own.app.execute(Command::Points(want));
    let took = own.act(Action::DrawPoints, |state| state.points.map.value.is_some());
    let count = own.app.state().points.map.value.as_ref().unwrap().count();
    let what = format!("M10 {count} codes are read and placed");
    once(&what, took, "");
    own.app.execute(Command::Do(Action::Stop));
    own.until(None, idle);
    let at = Pos2::new(570.0, 420.0);
    let frames = own.scrolled(at, 1.0, Modifiers::NONE);
    many("M10 a frame while zooming", frames, "16.7 ms");
    own.act(Action::AllPoints, idle);
    let moves = |own: &mut Bench| -> Vec<Duration> {
        let places = (0..FRAMES).map(|frame| frame as f32 / 20.0);
        let around = places.map(|turn| at + 180.0 * egui::Vec2::angled(turn));
        around
            .map(|place| own.draw(vec![Event::PointerMoved(place)]))
            .collect()
    };
    let frames = moves(&mut own);
    many(
        "M10 a frame with the point under the pointer",
        frames,
        "16.7 ms",
    );
    let button = |pressed| Event::PointerButton {
        pos: at,
        button: egui::PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    own.draw(vec![Event::PointerMoved(at)]);
    own.draw(vec![button(true)]);
    let frames = moves(&mut own);
    many("M10 a frame while moving", frames, "16.7 ms");
    own.draw(vec![button(false)]);
    own.act(Action::AllPoints, idle);
    if drawn {
        own.drawn = true;
        own.draw(Vec::new());
        let frames = own.scrolled(at, 1.0, Modifiers::NONE);
        many("M10 a frame while zooming, drawn", frames, "16.7 ms");
        own.drawn = false;
    }
    let near = (0..20).map(|number| {
        own.app
            .execute(Command::Points(PointsCommand::At(number * count / 20)));
        let point = number * count / 20;
        own.act(Action::NearPoints, move |state| {
            state
                .points
                .near
                .value
                .as_ref()
                .is_some_and(|own| own.point == point)
        })
    });
    let near = near.collect();
    many("M10 the nearest of a point, all compared", near, "100 ms");
    let took = own.act(Action::ArrangePoints, |state| {
        state.points.arranged.value.is_some()
    });
    once(
        "M10 all are arranged by neighbours, in the background",
        took,
        "",
    );
    let (held, most) = (own.app.state().cached(), own.app.state().cache_limit());
    let found = format!("{} of {} MB", held >> 20, most >> 20);
    row(
        "memory that is held",
        &found,
        "within 10 % of what is allowed",
    );
}
