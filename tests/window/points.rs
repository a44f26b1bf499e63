//! The map of points: drawn, looked at, chosen in and saved, by keys and by the pointer.

use auscult::app::points::command::{Combine, Format, PointsCommand};
use auscult::app::points::{PointMap, Tool, Wanted, Way};
use auscult::app::{Action, Command, Panel, State, Workspace};
use auscult::engine::{
    DeviceChoice, EmbedQuery, Engine, ImportOptions, Job, PointUnit, Pooling, ReadingOptions, Unit,
    import,
};
use eframe::egui::{Key, Modifiers, Rect};
use egui_kittest::kittest::Queryable;

use super::looks::setup;
use super::{Setup, Window};
use crate::common::{bundled_note, fixture, spelling};

pub fn ask(window: &mut Window, command: PointsCommand) {
    window.execute(Command::Points(command));
}

pub fn want(window: &mut Window, unit: PointUnit) {
    let wanted = Wanted {
        unit,
        ..window.state().points.wanted.clone()
    };
    ask(window, PointsCommand::Want(wanted));
}

/// Wants so many codes.
pub fn want_codes(window: &mut Window, codes: usize) {
    let wanted = Wanted {
        unit: PointUnit::Code,
        codes,
        ..window.state().points.wanted.clone()
    };
    ask(window, PointsCommand::Want(wanted));
}

/// Draws points, and waits for them but not until they are arranged.
pub fn draw(window: &mut Window, unit: PointUnit) {
    want(window, unit);
    window.act(Action::DrawPoints);
    window.until("the points", |state| {
        let map = state.points.map.value.as_ref();
        map.is_some_and(|own| own.of.unit == unit)
    });
}

pub fn map(state: &State) -> &PointMap {
    state.points.map.value.as_deref().unwrap()
}

pub fn press(window: &mut Window, key: Key) {
    window.harness.key_press(key);
    window.harness.run_steps(2);
}

/// Whether a message says this.
pub fn is_told(window: &Window, words: &str) -> bool {
    let mut all = window.state().messages.all();
    all.any(|own| own.title.contains(words) || own.details.contains(words))
}

/// The part of the window that the plot has.
pub fn plot(window: &Window) -> Rect {
    window.harness.get_by_label_contains("as points:").rect()
}

#[test]
fn points_are_drawn_walked_through_and_opened_by_keys_alone() {
    let mut window = Setup::full().open();
    window
        .harness
        .key_press_modifiers(Modifiers::COMMAND, Key::Num3);
    window.harness.run_steps(2);
    assert_eq!(window.state().workspace, Workspace::Map);
    press(&mut window, Key::D);
    window.until("the points", |state| state.points.map.value.is_some());
    window.harness.run_steps(4);
    window.harness.check_accessibility();

    // The values are those of embedding.
    let paths = ["progress-note.txt", "discharge-summary.txt"].map(bundled_note);
    let notes = import(&paths, &ImportOptions::default(), &Job::silent()).notes;
    let mut engine = Engine::open(DeviceChoice::Cpu).unwrap();
    engine.load_model(&fixture("tiny"), &Job::silent()).unwrap();
    let query = EmbedQuery {
        unit: Unit::Sentence,
        pooling: Pooling::Mean,
        normalize: false,
        reading: ReadingOptions::default(),
    };
    let found = engine.embed(&notes, &query, &Job::silent()).unwrap();
    let units = found.results.iter().zip(&notes).flat_map(|(own, note)| {
        let is_text = |text: &str| text.chars().any(char::is_alphanumeric);
        let units = own.units.iter();
        units.filter(move |unit| is_text(&note.text()[unit.start..unit.end]))
    });
    let want: Vec<f32> = units.flat_map(|own| own.vector.clone()).collect();
    assert!(map(window.state()).points.vectors == want);

    // From no point to one, and on to others.
    for key in [Key::ArrowRight, Key::ArrowUp, Key::ArrowLeft] {
        press(&mut window, key);
    }
    let state = window.state();
    let at = state.point_at().unwrap();
    let (note, bytes) = (map(state).note(at).unwrap(), map(state).bytes(at));
    assert_eq!(state.selection.note(), Some(note));
    assert_eq!(state.selection.bytes(), Some(bytes.clone()));

    press(&mut window, Key::N);
    window.until("what is near", |state| state.points.near.value.is_some());
    let state = window.state();
    let near = state.points.near.value.clone().unwrap();
    let points = &map(state).points;
    let row = |row: usize| &points.vectors[row * points.width..][..points.width];
    let cosine = |a: &[f32], b: &[f32]| {
        let sum = |a: &[f32], b: &[f32]| -> f64 {
            a.iter()
                .zip(b)
                .map(|(a, b)| f64::from(*a) * f64::from(*b))
                .sum()
        };
        sum(a, b) / (sum(a, a) * sum(b, b)).sqrt()
    };
    let mut all: Vec<(f64, usize)> = (0..points.points.len())
        .filter(|own| *own != at)
        .map(|own| (cosine(row(at), row(own)), own))
        .collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    assert_eq!(near.point, at);
    for (found, want) in near.similar.iter().zip(&all).take(10) {
        assert!((f64::from(found.cosine) - want.0).abs() < 1e-5);
    }

    // Space takes it, Escape clears the list, then what is near.
    press(&mut window, Key::Space);
    assert_eq!(*window.state().points.chosen, [at as u32]);
    press(&mut window, Key::Escape);
    assert!(window.state().points.chosen.is_empty());
    // Closer and back.
    press(&mut window, Key::Plus);
    assert!(window.state().points.camera.is_some());
    press(&mut window, Key::Num0);
    assert!(window.state().points.camera.is_none());

    press(&mut window, Key::Enter);
    let state = window.state();
    assert_eq!(state.workspace, Workspace::Read);
    assert_eq!(state.entry().unwrap().key, note);
    assert_eq!(state.selection.bytes(), Some(bytes));
    // Back goes to what was chosen before, and the map follows.
    window
        .harness
        .key_press_modifiers(Modifiers::COMMAND, Key::OpenBracket);
    window.harness.run_steps(2);
    assert_ne!(window.state().point_at(), Some(at));
    // Elsewhere its keys are those of others.
    press(&mut window, Key::B);
    assert!(window.state().shown.tokens && window.state().points.tool == Tool::Move);
}

#[test]
fn the_arranging_can_be_stopped_and_what_was_drawn_stays() {
    let mut window = Setup::full().open();
    draw(&mut window, PointUnit::Word);
    window.act(Action::ByNeighbours);
    window.until("it is on its way", |state| {
        state.points.sketched.1.is_some()
    });
    let state = window.state();
    assert_eq!(state.points.places().unwrap().len(), map(state).count());
    window.act(Action::Stop);
    window.settle();
    let points = &window.state().points;
    assert!(points.arranged.value.is_none() && points.map.value.is_some());
    window.act(Action::ByComponents);
    let points = &window.state().points;
    assert_eq!(points.way, Way::Components);
    assert_eq!(**points.places().unwrap(), map(window.state()).points.plane);
}

/// Jobs that have ended, by what they are called.
fn ended(window: &Window, title: &str) -> bool {
    let mut past = window.state().jobs.past();
    past.any(|own| own.title == title)
}

#[test]
fn to_stop_the_reading_stops_nothing_else_and_nothing_goes_on_after_it() {
    let mut window = Setup::full().open();
    want_codes(&mut window, usize::MAX);
    window.act(Action::DrawPoints);
    window.until("it is on its way", |state| {
        // Not while the model is opened for it.
        let running = state.jobs.running().iter();
        let mut running = running.filter_map(|own| own.progress);
        running.any(|own| {
            let inside = own.inside.map(|own| (own.unit, own.done));
            let all = [Some((own.unit, own.done)), inside];
            (all.iter().flatten()).any(|(unit, done)| *unit == "codes" && *done > 100)
        })
    });
    // Waits for the points, on the same thread.
    window.act(Action::Surprise);
    window.act(Action::Points);
    window.harness.run_steps(2);
    window.harness.get_by_label("Stop").click();
    window.settle();
    let state = window.state();
    assert!(!map(state).points.complete && map(state).count() > 20);
    assert!(state.results().unwrap().surprise.value.is_some());
    // Whoever stopped it did not ask for hours of arranging.
    assert!(!ended(&window, "Arranging the points"));
    assert!(window.state().points.arranged.value.is_none());
}

#[test]
fn nothing_waits_for_the_arranging() {
    let mut window = Setup::full().open();
    want_codes(&mut window, 2_000);
    draw(&mut window, PointUnit::Code);
    let arranges = |state: &State| state.jobs.is_running(|own| own.is_of_points());
    assert!(arranges(window.state()));
    window.act(Action::Surprise);
    window.until("the surprise", |state| {
        state
            .results()
            .is_some_and(|own| own.surprise.value.is_some())
    });
    assert!(arranges(window.state()), "it was waited for");
    window.act(Action::Stop);
    window.settle();
}

#[test]
fn they_are_arranged_and_the_same_seed_arranges_them_so_again() {
    let mut window = Setup::full().open();
    draw(&mut window, PointUnit::Section);
    window.settle();
    let first = window.state().points.arranged.value.clone().unwrap();
    assert_eq!(first.places.len(), map(window.state()).count());
    // The plane is on the screen until the other is asked for, and that takes no time.
    assert_eq!(window.state().points.way, Way::Components);
    window.act(Action::ByNeighbours);
    assert!(std::sync::Arc::ptr_eq(
        window.state().points.places().unwrap(),
        &first.places
    ));
    assert!(window.state().jobs.running().is_empty());
    window.act(Action::ArrangePoints);
    window.settle();
    let again = window.state().points.arranged.value.clone().unwrap();
    assert!(again.places == first.places && again.seed == first.seed);
}

#[test]
fn of_codes_nothing_is_said_that_is_true_of_notes_alone() {
    let mut window = Setup::full().open();
    want_codes(&mut window, 200);
    draw(&mut window, PointUnit::Code);
    window.act(Action::Stop);
    window.settle();
    let points = &map(window.state()).points;
    assert!(!points.full && points.complete, "fewer were asked for");
    window
        .harness
        .get_by_label_contains("200 of 98,186 codes, as many of each chapter");
    ask(&mut window, PointsCommand::At(5));
    press(&mut window, Key::Enter);
    assert_eq!(window.state().workspace, Workspace::Map);
    assert!(is_told(&window, "A code is in no note"));
    ask(
        &mut window,
        PointsCommand::Choose(vec![5, 6], Combine::Replace),
    );
    window.act(Action::SavePoints);
    window.harness.run_steps(3);
    window.harness.get_by_label_contains("no text of notes");
    let path = window.temporary.path().join("codes.csv");
    ask(&mut window, PointsCommand::Save(Format::Csv, path));
    window.act(Action::CopyPoints);
    window.settle();
    assert!(is_told(&window, "no text of notes") && !is_told(&window, "text of the notes"));
}

#[test]
fn what_is_said_of_the_picture_is_true_of_what_is_drawn() {
    let mut window = Setup::full().open();
    // Two points cannot be arranged: they stand along the components whatever was chosen.
    draw(&mut window, PointUnit::Note);
    window.settle();
    window.act(Action::ByNeighbours);
    window.settle();
    let points = &window.state().points;
    assert!(points.way == Way::Neighbours && points.arranged.value.is_none());
    window.harness.get_by_label_contains("The axes keep");
    window.harness.get_by_label_contains(" · mean of tokens");
    // How they are placed is a choice, which stays with other points.
    window.execute(Command::UseModel(fixture("tiny")));
    window.settle();
    assert_eq!(window.state().points.way, Way::Neighbours);
    draw(&mut window, PointUnit::Section);
    window.settle();
    window.harness.get_by_label_contains("next to whom");
}

#[test]
fn codes_spans_and_predictions_have_points_and_colours() {
    let mut window = Setup::full().open();
    // Without notes that are labelled there is nothing to draw, which is said.
    want(&mut window, PointUnit::Span);
    window.act(Action::DrawPoints);
    window.settle();
    assert!(is_told(&window, "Nothing is marked"));
    let folder = spelling("token-classification", &window.temporary);
    window.execute(Command::UsePredictor(folder));
    window.settle();
    window.act(Action::Predict);
    window.settle();
    draw(&mut window, PointUnit::Span);
    let state = window.state();
    let spans = &state.results().unwrap().tags.value.clone().unwrap().spans;
    assert!(map(state).count() > 0 && map(state).count() <= spans.len());
    assert_eq!(state.points.classes.name(0), Some(spans[0].label.as_str()));
    assert_eq!(
        window.state().points.wanted.codes,
        usize::MAX,
        "all, unless asked"
    );
    want_codes(&mut window, 2_000);
    draw(&mut window, PointUnit::Code);
    let state = window.state();
    assert!(
        (1900..=2000).contains(&map(state).count()),
        "{}",
        map(state).count()
    );
    assert_eq!(state.points.classes.names.len(), 22);
    ask(&mut window, PointsCommand::At(5));
    assert_eq!(window.state().point_at(), Some(5));
    // Another model: these are not its points.
    window.execute(Command::UseModel(fixture("tiny")));
    window.settle();
    assert!(window.state().points.map.value.is_none());
}

#[test]
#[ignore = "draws on an adapter"]
fn a_figure_of_the_points_has_a_shape_for_each() {
    let mut window = setup().open();
    draw(&mut window, PointUnit::Sentence);
    window.act(Action::Stop);
    window.settle();
    let path = window.temporary.path().join("points.svg");
    window.execute(Command::SaveFigure(Panel::Points, path.clone()));
    window.harness.run_steps(4);
    let text = std::fs::read_to_string(path).unwrap();
    let shapes = text.matches("<circle").count()
        + text.matches("<path").count()
        + text.matches("<rect").count()
        + text.matches("<poly").count();
    let count = map(window.state()).count();
    assert!(shapes >= count, "{shapes} for {count} points");
}
