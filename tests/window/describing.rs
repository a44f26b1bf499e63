//! Runs as they are described: what is wrong is said beside its field, and recipes hold all of it.

use auscult::app::{Action, TrainAsk};
use auscult::engine::TrainConfig;
use eframe::egui::{Event, Key, Modifiers};
use egui_kittest::kittest::Queryable;

use super::training::{ask, describe, ended, notes, set, tab_to, window};
use super::{Setup, Window};
use crate::common::{Temporary, fixture};

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let temporary = Temporary::new();
    let mut window = window(&temporary, 64);
    describe(&mut window, "4");
    set(&mut window, "label", "diagnosis");
    window.act(Action::StartRun);
    ended(&mut window);
    let failure = |window: &Window| {
        let live = window.state().train.live.as_ref().unwrap();
        live.failure().expect("it failed").to_owned()
    };
    let said = failure(&window);
    assert!(
        said.contains("diagnosis") || said.contains("label"),
        "{said}"
    );
    assert!(!said.contains("cough"), "no text of a note");

    set(&mut window, "label", "kind");
    let blocked = temporary.file("blocked", "").join("run");
    set(&mut window, "run", &blocked.display().to_string());
    window.act(Action::StartRun);
    ended(&mut window);
    let said = failure(&window);
    assert!(
        said.contains("blocked") && said.contains("cannot be written"),
        "{said}"
    );
    assert!(!said.contains("--resume"), "{said}");
    window.harness.run_steps(2);
    assert!(window.harness.query_all_by_label(&said).next().is_some());

    // A field that cannot be is named before anything begins.
    set(&mut window, "lr", "much");
    window.harness.run_steps(2);
    window.harness.get_by_label("\"much\" is no number");
    let before = window.state().jobs.running().len();
    window.act(Action::StartRun);
    assert_eq!(window.state().jobs.running().len(), before);
}

#[test]
fn a_recipe_comes_back_as_it_was_saved() {
    let temporary = Temporary::new();
    let mut window = window(&temporary, 8);
    describe(&mut window, "7");
    let before = window.state().train.draft.clone();
    let path = temporary.path().join("own.toml");
    ask(&mut window, TrainAsk::SaveRecipe(path.clone()));
    window.settle();
    let read = TrainConfig::read(Some(&path), &[]).unwrap();
    assert_eq!(read, *before.config().unwrap());
    set(&mut window, "steps", "9");
    ask(&mut window, TrainAsk::Recipe(path.clone()));
    window.settle();
    assert_eq!(window.state().train.draft, before);
    std::fs::write(&path, "steps = \"many\"").unwrap();
    ask(&mut window, TrainAsk::Recipe(path));
    window.settle();
    assert_eq!(
        window.state().train.draft,
        before,
        "a broken one changes nothing"
    );
}

#[test]
fn the_focal_loss_is_switched_on_with_a_power_that_can_be_typed() {
    let temporary = Temporary::new();
    let mut window = window(&temporary, 8);
    describe(&mut window, "4");
    let gamma = |window: &Window| {
        let config = window.state().train.draft.config().unwrap();
        config.focal_gamma
    };
    let power = "Power of the focal loss";
    assert_eq!(gamma(&window), 0.0);
    assert_eq!(window.harness.query_all_by_label(power).count(), 0);
    tab_to(&mut window, "Focal loss");
    window.harness.key_press(Key::Space);
    window.harness.run_steps(2);
    assert_eq!(gamma(&window), 2.0);

    // On its way to 0.5 it is 0, and stays where it is.
    window.harness.get_by_label(power).focus();
    window.harness.run_steps(2);
    window
        .harness
        .key_press_modifiers(Modifiers::COMMAND, Key::A);
    for letter in ["0", ".", "5"] {
        window.harness.event(Event::Text(letter.to_owned()));
        window.harness.run_steps(2);
    }
    assert_eq!(gamma(&window), 0.5);
    assert!(window.harness.get_by_label(power).is_focused());

    window.harness.get_by_label("Focal loss").focus();
    window.harness.run_steps(2);
    window.harness.key_press(Key::Space);
    window.harness.run_steps(2);
    assert_eq!(gamma(&window), 0.0);
    assert_eq!(window.harness.query_all_by_label(power).count(), 0);
    window.harness.key_press(Key::Space);
    window.harness.run_steps(2);
    assert_eq!(gamma(&window), 0.5, "as it was before");
}

#[test]
fn columns_of_files_that_are_named_are_offered_before_they_are_open() {
    let temporary = Temporary::new();
    let mut window = Setup {
        model: Some(fixture("tiny")),
        ..Setup::default()
    }
    .open();
    window.act(Action::Train);
    window.settle();
    let menu = "Known columns for: Label column";
    assert_eq!(window.harness.query_all_by_label(menu).count(), 0);

    let file = notes(&temporary, 8);
    let paths = Vec::from([file, temporary.path().join("not-there.csv")]);
    ask(&mut window, TrainAsk::AddPaths("train", paths));
    window.settle();
    assert_eq!(window.state().library.entries().len(), 0);
    tab_to(&mut window, menu);
    window.harness.key_press(Key::Enter);
    window.harness.run_steps(2);
    for own in ["kind", "ward"] {
        assert_eq!(window.harness.query_all_by_label(own).count(), 1, "{own}");
    }
    window.harness.get_by_label("kind").click();
    window.harness.run_steps(2);
    assert_eq!(window.state().train.draft.word("label"), "kind");
    // What cannot be read is said by the check, and not while files are chosen.
    assert_eq!(window.state().messages.all().count(), 0);

    // Files that are named at once one after the other: those of the last count.
    let second = temporary.file(
        "two.csv",
        "text,label,floor\nHe coughs at night again.,lung,2\n",
    );
    for path in [&second, &temporary.path().join("visits.csv")] {
        let words = Vec::from([path.display().to_string()]);
        ask(&mut window, TrainAsk::Field("train", words));
    }
    window.settle();
    assert!(window.state().file_columns().eq(["kind", "ward"]));
    // One that was there the last time and is changed is read again with a check.
    std::fs::write(
        temporary.path().join("visits.csv"),
        "text,cause\nShe walks well again.,fall\n",
    )
    .unwrap();
    window.act(Action::CheckRun);
    window.until("it is read again", |state| {
        state.file_columns().eq(["cause"])
    });
    window.settle();

    // For judging as well, and no longer than the files are named.
    set(&mut window, "train", "");
    window.settle();
    assert_eq!(window.state().file_columns().count(), 0);
    let labelled = temporary.file("one.jsonl", r#"{"text": "He coughs.", "shift": "night"}"#);
    let paths = Vec::from([labelled]);
    ask(&mut window, TrainAsk::AddPaths("judge-test", paths));
    window.settle();
    assert!(window.state().file_columns().eq(["shift"]));
}
