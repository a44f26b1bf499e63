//! The lines at the top and at the bottom of windows of any width: nothing lies over anything else.

use auscult::app::Action;
use auscult::app::jobs::Purpose;
use auscult::engine::StopFlag;
use eframe::egui::{Rect, vec2};
use egui_kittest::kittest::Queryable;

use super::{Setup, Window};

const NOTICE: &str = "Research use only — not a medical device";

/// What may stand in the line at the bottom, and what always does.
const BOTTOM: [&str; 7] = [
    "● Offline",
    "(random weights)",
    NOTICE,
    " MB",
    " tokens",
    "Activity",
    " running",
];
const ALWAYS: usize = 3;

const TOP: [&str; 8] = [
    "Read",
    "Look",
    "Map",
    "Train",
    "←",
    "→",
    "Search or run…",
    "Settings",
];

/// Where these texts are, of those within `line`.
fn places(window: &Window, texts: &[&str], line: Rect) -> Vec<Option<Rect>> {
    let at = |text: &&str| {
        let found = window.harness.query_all_by_label_contains(text);
        let found: Vec<Rect> = found.map(|own| own.rect()).collect();
        found.into_iter().find(|own| line.contains(own.center()))
    };
    texts.iter().map(at).collect()
}

/// None lies over another, and all are within the line.
fn are_apart(places: &[Option<Rect>], line: Rect, what: &str) {
    let mut all: Vec<Rect> = places.iter().flatten().copied().collect();
    all.sort_by(|a, b| a.min.x.total_cmp(&b.min.x));
    for own in &all {
        assert!(line.x_range().contains(own.min.x), "{what}: {all:?}");
        assert!(line.x_range().contains(own.max.x), "{what}: {all:?}");
    }
    for pair in all.windows(2) {
        assert!(pair[0].max.x < pair[1].min.x, "{what}: {all:?}");
    }
}

#[test]
fn nothing_lies_over_anything_else_at_any_width() {
    for runs in [false, true] {
        let mut window = Setup::full().open();
        window.act(Action::Train);
        window.settle();
        let state = window.harness.state_mut().state_mut();
        if let Some(device) = &mut state.device {
            device.name = "A processor with a name that is as long as some of them are".to_owned();
        }
        if runs {
            let flag = StopFlag::default();
            state.jobs.begin(u64::MAX, Purpose::CheckRun, flag);
        }
        let mut seen = [0; BOTTOM.len()];
        for width in (640..1600).step_by(32) {
            window.harness.set_size(vec2(width as f32, 420.0));
            window.harness.run_steps(3);
            let whole = window.harness.ctx.content_rect();
            let what = format!("{width} points wide, runs: {runs}");

            let line = whole.with_min_y(whole.max.y - 30.0);
            let found = places(&window, &BOTTOM, line);
            assert!(found[..ALWAYS].iter().all(Option::is_some), "{what}");
            are_apart(&found, line, &what);
            for (count, own) in seen.iter_mut().zip(&found) {
                *count += usize::from(own.is_some());
            }

            let line = whole.with_max_y(40.0);
            let found = places(&window, &TOP, line);
            assert!(found[..4].iter().all(Option::is_some), "{what}");
            are_apart(&found, line, &what);
        }
        // The processor goes first, then the tokens, and what runs goes last.
        let [.., device, tokens, activity, running] = seen;
        assert!(0 < device && device < tokens, "{seen:?}");
        assert!(tokens <= activity + running, "{seen:?}");
        let state = window.harness.state_mut().state_mut();
        state.jobs.forget(|_| true);
    }
}
