//! The map of points: drawn, looked at, chosen in and saved, by keys and by the pointer.

use auscult::app::points::classes::ColourBy;
use auscult::app::points::command::{Combine, Format, PointsCommand};
use auscult::app::points::{PointMap, Sample, Tool, Wanted, Way};
use auscult::app::{Action, Command, Panel, State, Workspace};
use auscult::engine::{
    DeviceChoice, EmbedQuery, Engine, ImportOptions, Job, PointUnit, Pooling, ReadingOptions, Unit,
    import,
};
use eframe::egui::{Event, Key, Modifiers, PointerButton, Pos2, Rect, pos2};
use egui_kittest::kittest::Queryable;

use super::looks::setup;
use super::{Setup, Window};
use crate::common::{bundled_note, fixture, spelling};

pub fn ask(window: &mut Window, command: PointsCommand) {
    window.execute(Command::Points(command));
}

fn want(window: &mut Window, unit: PointUnit) {
    let wanted = Wanted {
        unit,
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

fn press(window: &mut Window, key: Key) {
    window.harness.key_press(key);
    window.harness.run_steps(2);
}

/// Whether a message says this.
fn is_told(window: &Window, words: &str) -> bool {
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

fn drag(window: &mut Window, line: &[Pos2], modifiers: Modifiers) {
    let button = |pos: Pos2, pressed: bool| Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers,
    };
    let (first, last) = (line[0], line[line.len() - 1]);
    window.harness.event(Event::ModifiersChanged(modifiers));
    window.harness.event(Event::PointerMoved(first));
    window.harness.step();
    window.harness.event(button(first, true));
    window.harness.step();
    for at in line {
        window.harness.event(Event::PointerMoved(*at));
        window.harness.step();
    }
    window.harness.event(button(last, false));
    window.harness.step();
    window
        .harness
        .event(Event::ModifiersChanged(Modifiers::NONE));
    window.harness.run_steps(2);
}

#[test]
fn points_are_chosen_by_a_line_and_a_box_and_hidden_ones_are_not() {
    let mut window = Setup::full().open();
    draw(&mut window, PointUnit::Sentence);
    window.act(Action::Stop);
    window.settle();
    let rect = plot(&window);
    let camera = |window: &mut Window| {
        let points = &window.state().points;
        assert!(points.camera.is_none(), "all is on the screen");
        let places = points.places().unwrap();
        let bounds = auscult::app::points::camera::bounds(places).unwrap();
        auscult::app::points::camera::Camera::whole(bounds, rect.size())
    };
    let camera = camera(&mut window);
    let screen: Vec<Pos2> = (window.state().points.places().unwrap().iter())
        .map(|own| camera.to_screen(rect, *own))
        .collect();
    assert!(screen.iter().all(|own| rect.contains(*own)));
    let inside = |screen: &[Pos2], part: Rect| -> Vec<u32> {
        let rows = (0..screen.len() as u32).filter(|row| part.contains(screen[*row as usize]));
        rows.collect()
    };
    // A box over the left half.
    let left = Rect::from_min_max(
        rect.min + eframe::egui::vec2(4.0, 4.0),
        pos2(rect.center().x, rect.max.y - 4.0),
    );
    press(&mut window, Key::B);
    assert_eq!(window.state().points.tool, Tool::Box);
    drag(
        &mut window,
        &[left.min, left.center(), left.max],
        Modifiers::NONE,
    );
    let want = inside(&screen, left);
    assert!(want.len() > 3 && want.len() < screen.len());
    assert_eq!(*window.state().points.chosen, want);
    // Shift adds the upper right, drawn around by a line.
    press(&mut window, Key::L);
    let right = Rect::from_min_max(
        pos2(rect.center().x + 1.0, rect.min.y + 4.0),
        pos2(rect.max.x - 4.0, rect.center().y),
    );
    let line = [
        right.left_top(),
        right.right_top(),
        right.right_bottom(),
        right.left_bottom(),
    ];
    drag(&mut window, &line, Modifiers::SHIFT);
    let mut want = [want, inside(&screen, right)].concat();
    want.sort_unstable();
    assert_eq!(*window.state().points.chosen, want);
    // Alt takes the left half out.
    press(&mut window, Key::B);
    drag(
        &mut window,
        &[left.min, left.center(), left.max],
        Modifiers::ALT,
    );
    want.retain(|row| !left.contains(screen[*row as usize]));
    assert_eq!(*window.state().points.chosen, want);
    // What the legend hides is neither chosen nor under the pointer.
    let slot = window.state().points.classes.slot(want[0] as usize);
    ask(&mut window, PointsCommand::Hide(slot, true));
    drag(
        &mut window,
        &[rect.min, rect.center(), rect.max],
        Modifiers::NONE,
    );
    let state = window.state();
    let drawn: Vec<u32> = (0..screen.len() as u32)
        .filter(|row| state.points.classes.slot(*row as usize) != slot)
        .collect();
    assert!(drawn.len() < screen.len());
    assert_eq!(*state.points.chosen, drawn);
    // Escape: back to moving, then the list is empty.
    press(&mut window, Key::Escape);
    assert_eq!(window.state().points.tool, Tool::Move);
    press(&mut window, Key::Escape);
    assert!(window.state().points.chosen.is_empty());
    // A click chooses what is under the pointer, and its words in the note.
    let alone = (0..screen.len()).find(|row| {
        let others = (0..screen.len()).filter(|other| other != row);
        others
            .map(|other| screen[other].distance(screen[*row]))
            .fold(f32::MAX, f32::min)
            > 12.0
            && drawn.contains(&(*row as u32))
    });
    let alone = alone.unwrap();
    drag(&mut window, &[screen[alone]], Modifiers::NONE);
    let state = window.state();
    assert_eq!(state.point_at(), Some(alone));
    assert_eq!(state.selection.bytes(), Some(map(state).bytes(alone)));
}

#[test]
fn a_box_a_row_and_a_class_are_chosen_without_a_pointer() {
    let mut window = Setup::full().open();
    draw(&mut window, PointUnit::Sentence);
    window.act(Action::Stop);
    window.settle();
    window.act(Action::Points);
    window.harness.run_steps(2);
    let shift = |window: &mut Window, key: Key| {
        window.harness.key_press_modifiers(Modifiers::SHIFT, key);
        window.harness.run_steps(2);
    };
    let at = |window: &Window| window.state().point_at().unwrap() as u32;
    let sorted = |mut rows: Vec<u32>| {
        rows.sort_unstable();
        rows.dedup();
        rows
    };
    // Arrows with Shift put what they go over into the list.
    press(&mut window, Key::ArrowRight);
    let mut gone = vec![at(&window)];
    for key in [Key::ArrowRight, Key::ArrowUp] {
        shift(&mut window, key);
        gone.push(at(&window));
    }
    let gone = sorted(gone);
    assert!(gone.len() > 1, "{gone:?}");
    assert_eq!(*window.state().points.chosen, gone);
    // With the box Enter sets its corners; what is between them is chosen, and no note is opened.
    press(&mut window, Key::B);
    window
        .harness
        .get_by_label_contains("press Enter at the point of a corner");
    press(&mut window, Key::Enter);
    let first = at(&window);
    window.harness.get_by_label_contains("the other corner");
    for key in [
        Key::ArrowLeft,
        Key::ArrowLeft,
        Key::ArrowDown,
        Key::ArrowDown,
    ] {
        press(&mut window, key);
    }
    let last = at(&window);
    press(&mut window, Key::Enter);
    let state = window.state();
    let places = state.points.places().unwrap();
    let (a, b) = (places[first as usize], places[last as usize]);
    let between =
        |axis: usize, own: f32| a[axis].min(b[axis]) <= own && own <= a[axis].max(b[axis]);
    let inside = |row: &u32| {
        let own = places[*row as usize];
        between(0, own[0]) && between(1, own[1])
    };
    let want: Vec<u32> = (0..places.len() as u32).filter(inside).collect();
    assert!(want.len() > 1 && want.contains(&first) && want.contains(&last));
    assert_eq!(*state.points.chosen, want);
    assert_eq!(
        (state.workspace, state.points.corner),
        (Workspace::Map, None)
    );
    press(&mut window, Key::Escape);
    press(&mut window, Key::Escape);
    assert!(window.state().points.chosen.is_empty());
    // The class of the point, and that of a line of the legend.
    let of_slot = |window: &Window, slot: usize| -> Vec<u32> {
        let points = &window.state().points;
        let rows = 0..map(window.state()).count();
        let rows = rows.filter(|row| points.classes.slot(*row) == slot);
        rows.map(|row| row as u32).collect()
    };
    let slot = window.state().points.classes.slot(at(&window) as usize);
    press(&mut window, Key::C);
    assert_eq!(*window.state().points.chosen, of_slot(&window, slot));
    let other = if slot == 0 { 1 } else { 0 };
    let words = window.state().points.classes.words(other);
    let name = format!("Choose all of {words}");
    window.harness.get_by_label(&name).click();
    window.harness.run_steps(3);
    assert_eq!(*window.state().points.chosen, of_slot(&window, other));
    window.harness.check_accessibility();
}

#[test]
fn what_is_chosen_is_saved_and_read_back() {
    let mut window = Setup::full().open();
    draw(&mut window, PointUnit::Section);
    window.act(Action::Stop);
    window.settle();
    ask(
        &mut window,
        PointsCommand::Choose(vec![0, 2, 3, 7], Combine::Replace),
    );
    window.act(Action::SavePoints);
    window.harness.run_steps(3);
    window
        .harness
        .get_by_label_contains("holds text of the notes");
    let (csv, notes) = (
        window.temporary.path().join("points.csv"),
        window.temporary.path().join("points.jsonl"),
    );
    ask(&mut window, PointsCommand::Save(Format::Csv, csv.clone()));
    ask(
        &mut window,
        PointsCommand::Save(Format::Notes, notes.clone()),
    );
    window.settle();
    let state = window.state();
    let rows = [0, 2, 3, 7];
    let texts: Vec<String> = (rows.iter())
        .map(|row| {
            let key = map(state).note(*row).unwrap();
            let text = state.library.get(key).unwrap().note.text();
            text[map(state).points.points[*row].bytes()].to_owned()
        })
        .collect();
    let classes: Vec<Option<&str>> = rows
        .iter()
        .map(|row| state.points.classes.name(*row))
        .collect();
    for path in [csv, notes] {
        let table = path.extension().is_some_and(|own| own == "csv");
        let found = import(
            std::slice::from_ref(&path),
            &ImportOptions::default(),
            &Job::silent(),
        );
        assert!(
            // Which column is the text is said of a table.
            found.failures.is_empty() && (table || found.warnings.is_empty()),
            "{:?}",
            (&found.failures, &found.warnings)
        );
        let read: Vec<&str> = found.notes.iter().map(|own| own.text()).collect();
        assert_eq!(read, texts, "{}", path.display());
        for (note, class) in found.notes.iter().zip(&classes) {
            let details = note.details();
            let own = match table {
                true => details.field("class").map(str::to_owned),
                false => details.labels.first().cloned(),
            };
            assert_eq!(own.as_deref().filter(|own| !own.is_empty()), *class);
        }
    }
    // What stands in the way is said, and nothing else happens.
    let nowhere = window.temporary.file("file", "").join("points.csv");
    ask(&mut window, PointsCommand::Save(Format::Csv, nowhere));
    window.settle();
    assert!(is_told(&window, "Saving points failed"));
}

#[test]
fn saved_points_are_those_that_were_chosen_and_are_labelled_and_opened() {
    let mut window = Setup::full().open();
    draw(&mut window, PointUnit::Section);
    window.act(Action::Stop);
    window.settle();
    let choose = |window: &mut Window| {
        ask(window, PointsCommand::Choose(vec![1, 4], Combine::Replace));
        window.act(Action::SavePoints);
        window.harness.run_steps(3);
    };
    choose(&mut window);
    window.harness.check_accessibility();
    window.harness.get_by_label("Label").click();
    window.harness.run_steps(2);
    window
        .harness
        .get_by_label("Label")
        .type_text("of interest");
    window.harness.run_steps(2);
    window
        .harness
        .get_by_label_contains("Open the notes once")
        .click();
    window.harness.run_steps(2);
    ask(&mut window, PointsCommand::AskSave(Format::Notes));
    let before = window.state().library.entries().len();
    let texts: Vec<String> = [1, 4]
        .iter()
        .map(|row| map(window.state()).text(*row, &window.state().library, usize::MAX))
        .map(|own| own.unwrap().0)
        .collect();
    // Others are chosen while the system asks for a file.
    ask(
        &mut window,
        PointsCommand::Choose(vec![2], Combine::Replace),
    );
    let path = window.temporary.path().join("labelled.jsonl");
    ask(
        &mut window,
        PointsCommand::Save(Format::Notes, path.clone()),
    );
    window.settle();
    let new = &window.state().library.entries()[before..];
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let read: Vec<String> = new.iter().map(|own| one_line(own.note.text())).collect();
    assert_eq!(read, texts);
    for own in new {
        let details = own.note.details();
        assert_eq!(details.labels, ["of interest"]);
        assert_eq!(details.field("pooling"), Some("mean"));
        assert_eq!(details.field("seed"), Some("1"));
        let model = window.state().model.info().unwrap().name.clone();
        assert_eq!(details.field("model"), Some(&model[..]));
    }
    let table = window.temporary.path().join("table.csv");
    ask(&mut window, PointsCommand::Save(Format::Csv, table.clone()));
    window.settle();
    let table = std::fs::read_to_string(table).unwrap();
    let first = table.lines().next().unwrap();
    assert!(
        first.ends_with("x,y,placed_by,place_seed,model,pooling,seed,text"),
        "{first}"
    );
    assert!(table.contains(",pca,1,") && table.contains(",mean,1,"));
    // Other points are drawn while it asks: there is nothing that could be saved.
    choose(&mut window);
    ask(&mut window, PointsCommand::AskSave(Format::Csv));
    draw(&mut window, PointUnit::Sentence);
    ask(
        &mut window,
        PointsCommand::Choose(vec![3], Combine::Replace),
    );
    let path = window.temporary.path().join("late.csv");
    ask(&mut window, PointsCommand::Save(Format::Csv, path.clone()));
    window.settle();
    assert!(!path.exists() && is_told(&window, "Nothing was saved"));
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

/// Wants so many codes.
fn want_codes(window: &mut Window, codes: usize) {
    let wanted = Wanted {
        unit: PointUnit::Code,
        codes,
        ..window.state().points.wanted.clone()
    };
    ask(window, PointsCommand::Want(wanted));
}

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
