//! Runs as they are described: what is wrong is said beside its field, and recipes hold all of it.

use auscult::app::{Action, TrainAsk};
use auscult::engine::TrainConfig;
use eframe::egui::{Event, Key, Modifiers};
use egui_kittest::kittest::Queryable;

use super::Window;
use super::training::{ask, describe, ended, set, tab_to, window};
use crate::common::Temporary;

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
}
