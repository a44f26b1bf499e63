//! Points that are chosen with the pointer or by keys, and what is done with them.

use auscult::app::points::Tool;
use auscult::app::points::command::{Combine, Format, PointsCommand};
use auscult::app::{Action, Workspace};
use auscult::engine::{ImportOptions, Job, PointUnit, import};
use eframe::egui::{Event, Key, Modifiers, PointerButton, Pos2, Rect, pos2};
use egui_kittest::kittest::Queryable;

use super::points::{ask, draw, is_told, map, plot, press};
use super::{Setup, Window};

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
