//! Every command, wherever it may be asked for.

use auscult::app::{Action, Command};
use eframe::egui::Key;
use egui_kittest::kittest::Queryable;

use super::Setup;

/// What the system would have to do: dialogs that wait for a person, and the end of the window.
const OUTSIDE: [Action; 8] = [
    Action::OpenFiles,
    Action::OpenFolder,
    Action::OpenModel,
    Action::OpenPredictor,
    Action::OpenRecipe,
    Action::SaveRecipe,
    Action::AddRuns,
    Action::Quit,
];

#[test]
fn every_command_can_be_asked_for_everywhere() {
    for (place, setup) in [
        ("the welcome", Setup::default()),
        (
            "a note without a model",
            Setup {
                model: None,
                ..Setup::full()
            },
        ),
        ("a note with a model", Setup::full()),
    ] {
        let mut window = setup.open();
        for action in Action::ALL.iter().filter(|own| !OUTSIDE.contains(own)) {
            window.act(*action);
            window.harness.run_steps(3);
            // What takes long is not waited for.
            window.act(Action::Stop);
            window.settle();
            // Every widget that can be used has a name.
            let unnamed = window.harness.unnamed_widgets();
            assert!(unnamed.is_empty(), "{place}: after {action:?}: {unnamed:?}");
            assert!(window.state().settings.zoom >= 0.8, "{place}: {action:?}");
        }
    }
}

#[test]
fn the_palette_finds_and_runs_by_keys_alone() {
    let mut window = Setup::full().open();
    window
        .harness
        .key_press_modifiers(eframe::egui::Modifiers::COMMAND, Key::K);
    window.harness.run_steps(3);
    window
        .harness
        .event(eframe::egui::Event::Text("show tok".to_owned()));
    window.harness.run_steps(2);
    window.harness.key_press(Key::Enter);
    window.harness.run_steps(3);
    let state = window.state();
    assert!(state.shown.tokens && state.over.is_none());
}

#[test]
fn letters_that_come_with_other_keys_in_a_slow_frame_run_nothing_else() {
    let mut window = Setup::full().open();
    let text = |text: &str| eframe::egui::Event::Text(text.to_owned());
    // The letter is a key of its own where no palette opens.
    let control = eframe::egui::Modifiers::COMMAND;
    let none = eframe::egui::Modifiers::NONE;
    window.harness.input_mut().events.extend([
        text("m"),
        key(Key::K, control),
        key(Key::B, none),
        text("show"),
    ]);
    window.harness.step();
    assert!(window.state().over.is_some() && !window.state().shown.tokens);
    // In the frame in which the palette is drawn first, and in a later one.
    window.harness.input_mut().events.push(text(" to"));
    window.harness.run_steps(2);
    let texts = texts(&window);
    assert!(texts.contains(&"show to".to_owned()), "{texts:?}");
    window
        .harness
        .input_mut()
        .events
        .extend([text("kens"), key(Key::Enter, none)]);
    window.harness.run_steps(3);
    assert!(window.state().over.is_none() && window.state().shown.tokens);
}

#[test]
fn the_palette_has_the_numbers_and_figures_of_the_panels_of_a_workspace() {
    let mut window = Setup::full().open();
    window.act(Action::Look);
    window.act(Action::NextWord);
    window.settle();
    window.act(Action::Palette);
    window.harness.run_steps(2);
    write(&mut window, "figure of m");
    let figure = window
        .harness
        .query_by_label_contains("Save a figure of Map");
    assert!(figure.is_some());
    window.act(Action::Palette);
    window.act(Action::Palette);
    window.harness.run_steps(2);
    write(&mut window, "numbers of attention");
    window.harness.key_press(Key::Enter);
    window.harness.run_steps(3);
    let mut said = window.state().messages.all();
    assert!(said.any(|own| own.title.starts_with("The numbers are in the clipboard")));
}

#[test]
fn spans_can_be_hidden_until_the_next_prediction() {
    let mut window = Setup::full().open();
    window.act(Action::Spans);
    assert!(!window.state().shown.without_spans, "there are none");
    let folder = crate::common::spelling("token-classification", &window.temporary);
    window.execute(Command::UsePredictor(folder));
    window.settle();
    window.act(Action::Predict);
    window.settle();
    assert!(window.harness.query_by_label("Spans").is_some());
    window.act(Action::Spans);
    assert!(window.state().shown.without_spans);
    window.act(Action::Predict);
    assert!(!window.state().shown.without_spans);
}

/// Writes into the field that has the focus.
fn write(window: &mut super::Window, text: &str) {
    let event = eframe::egui::Event::Text(text.to_owned());
    window.harness.event(event);
    window.harness.run_steps(2);
}

#[test]
fn help_lists_what_fits() {
    let mut window = Setup::full().open();
    window.act(Action::Help);
    window.harness.run_steps(3);
    // The panels in sight say what can be done in them, those behind others do not.
    let says = |words| window.harness.query_by_label_contains(words).is_some();
    assert!(says("The sections of the note by their headings"));
    assert!(!says("Sentences of the open notes that are most like"));
    let has = |window: &super::Window, title: &str| {
        let found = window.harness.query_all_by_label(title).count();
        found > 0
    };
    let (mask, next) = (Action::MaskWord.title(), Action::NextNote.title());
    assert!(has(&window, next));
    window
        .harness
        .get_by_label("Filter panels, gestures and keys")
        .focus();
    window.harness.run_steps(2);
    write(&mut window, "MASK");
    assert!(has(&window, mask) && !has(&window, next));
    // The next time all of it is there.
    window.act(Action::Help);
    window.harness.run_steps(2);
    window.act(Action::Help);
    window.harness.run_steps(2);
    assert!(has(&window, next));
}

#[test]
fn a_key_that_was_changed_is_kept() {
    let mut window = Setup::full().open();
    let own: auscult::app::Shortcut = "Ctrl+Alt+T".parse().unwrap();
    window.execute(Command::Rebind(Action::Tokens, Some(own)));
    window.harness.key_press_modifiers(
        eframe::egui::Modifiers::COMMAND | eframe::egui::Modifiers::ALT,
        Key::T,
    );
    window.harness.run_steps(2);
    assert!(window.state().shown.tokens);
    // The usual key does nothing any more.
    window.harness.key_press(Key::B);
    window.harness.run_steps(2);
    assert!(window.state().shown.tokens);
    let file = window.temporary.path().join("settings/settings.toml");
    let kept = std::fs::read_to_string(file).unwrap();
    assert!(kept.contains("tokens = \"Ctrl+Alt+T\""), "{kept}");
    // What was given for this time only is not.
    assert!(
        kept.contains("device = \"auto\"") && !kept.contains("tiny"),
        "{kept}"
    );
}

#[test]
fn what_can_be_exported_is_found_by_its_key() {
    let mut window = Setup::full().open();
    window.act(Action::Look);
    window.act(Action::NextWord);
    window.settle();
    let keys = &mut window.harness;
    keys.key_press_modifiers(eframe::egui::Modifiers::COMMAND, Key::E);
    keys.run_steps(4);
    let has = |words: &str| keys.query_by_label_contains(words).is_some();
    assert!(has("Save a figure of Attention") && has("Copy the numbers of Attention"));
    assert!(!has("Mask the word"), "it takes nothing out of the window");
    // From the palette as well, and with letters that come in the frame of the keys.
    window.harness.key_press(Key::Escape);
    window.harness.run_steps(3);
    window.act(Action::Palette);
    window.harness.run_steps(2);
    write(&mut window, "export…");
    let enter = key(Key::Enter, eframe::egui::Modifiers::NONE);
    window.harness.input_mut().events.push(enter);
    window.harness.step();
    let letter = eframe::egui::Event::Text("p".to_owned());
    window.harness.input_mut().events.push(letter);
    window.harness.run_steps(3);
    assert!(texts(&window).contains(&"export p".to_owned()));
    window.harness.key_press(Key::Escape);
    window.harness.run_steps(3);
    let control = eframe::egui::Modifiers::COMMAND;
    window.harness.input_mut().events.extend([
        key(Key::E, control),
        key(Key::P, eframe::egui::Modifiers::NONE),
        eframe::egui::Event::Text("points".to_owned()),
    ]);
    window.harness.run_steps(3);
    assert!(texts(&window).contains(&"export points".to_owned()));
    let running = window.state().jobs.running();
    assert!(running.is_empty(), "P predicts where no palette opens");
}

/// What the fields hold.
fn texts(window: &super::Window) -> Vec<String> {
    let fields = window
        .harness
        .get_all_by_role(eframe::egui::accesskit::Role::TextInput);
    fields.filter_map(|own| own.value()).collect()
}

fn key(key: Key, modifiers: eframe::egui::Modifiers) -> eframe::egui::Event {
    eframe::egui::Event::Key {
        key,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers,
    }
}

#[test]
fn the_search_in_all_notes_has_the_keys_also_after_all_were_closed() {
    let mut window = Setup::full().open();
    for text in ["fever", "cough"] {
        window.act(Action::FindInLibrary);
        window.harness.run_steps(3);
        write(&mut window, text);
        assert!(texts(&window).contains(&text.to_owned()), "{text}");
        window.act(Action::CloseNotes);
        window.settle();
        let notes = ["progress-note.txt", "discharge-summary.txt"];
        let notes = notes.map(crate::common::bundled_note).to_vec();
        window.execute(auscult::app::Command::Open(notes));
        window.settle();
    }
}

#[test]
fn the_range_of_the_lens_is_kept_from_head_to_head() {
    let mut window = Setup::full().open();
    window.act(Action::Look);
    window.act(Action::KeepRange);
    assert!(window.state().shown.range.is_none(), "nothing is shown yet");
    (0..3).for_each(|_| window.act(Action::NextWord));
    window.settle();
    let strongest = |window: &super::Window| {
        let results = window.state().results().unwrap();
        results.attention.value.as_ref().unwrap().strongest()
    };
    let first = strongest(&window);
    window.harness.key_press(Key::R);
    window.harness.run_steps(2);
    window.act(Action::NextHead);
    window.settle();
    window.harness.run_steps(2);
    assert!(strongest(&window) != first);
    assert_eq!(window.state().shown.range, Some(first));
    let legend = format!("Colours from 0 to {first:.4}");
    assert!(window.harness.query_by_label(&legend).is_some());
    window
        .harness
        .get_by_label("Keep the range of the lens")
        .click();
    window.harness.run_steps(3);
    let legend = format!("Colours from 0 to {:.4}", strongest(&window));
    assert!(window.state().shown.range.is_none());
    assert!(window.harness.query_by_label(&legend).is_some());
}

#[test]
fn escape_clears_the_selection_and_then_lets_go_of_pins() {
    let mut window = Setup::full().open();
    window.act(Action::Look);
    for _ in 0..5 {
        window.act(Action::NextWord);
        window.settle();
        window.act(Action::Pin);
    }
    let pins = |window: &super::Window| window.state().results().unwrap().pins.len();
    assert_eq!(pins(&window), 4);
    let told = |words: &str| {
        let mut said = window.state().messages.all();
        said.any(|own| own.title.contains(words))
    };
    assert!(told("The oldest pin was let go of"));
    let escape = |window: &mut super::Window| {
        window.harness.key_press(Key::Escape);
        window.harness.run_steps(2);
    };
    window.act(Action::Activity);
    escape(&mut window);
    assert!(window.state().selection.bytes().is_none());
    assert!(window.state().activity && pins(&window) == 4);
    escape(&mut window);
    assert!(!window.state().activity && pins(&window) == 4);
    for left in (0..4).rev() {
        escape(&mut window);
        assert_eq!(pins(&window), left);
    }
}

#[test]
fn a_change_of_the_layout_is_undone_and_redone_by_keys() {
    let mut window = Setup::full().open();
    window.act(Action::Look);
    window.harness.run_steps(2);
    window.act(Action::Flow);
    window.act(Action::StopAll);
    window.settle();
    window.harness.run_steps(3);
    let in_front = |window: &super::Window| {
        let own = window.harness.query_by_label("This note");
        own.is_some()
    };
    assert!(in_front(&window));
    let control = eframe::egui::Modifiers::COMMAND;
    window.harness.key_press_modifiers(control, Key::Z);
    window.harness.run_steps(3);
    assert!(!in_front(&window));
    window.harness.key_press_modifiers(control, Key::Y);
    window.harness.run_steps(3);
    assert!(in_front(&window));
}
