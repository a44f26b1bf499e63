//! Whole flows: what a person does, with what.

use auscult::app::{Action, Command};
use auscult::engine::{
    AttentionQuery, DeviceChoice, Direction, Engine, FillMaskQuery, HeadChoice, ImportOptions, Job,
    LayerChoice, Note, ReadingOptions, Reduction, Selection, Unit, import,
};
use eframe::egui::{Event, Key, Modifiers};

use super::Setup;
use crate::common::{bundled_note, fixture};

/// The tiny model, and the note that is on view at first.
fn engine() -> (Engine, Vec<Note>) {
    let note = bundled_note("progress-note.txt");
    let notes = import(&[note], &ImportOptions::default(), &Job::silent()).notes;
    let mut engine = Engine::open(DeviceChoice::Cpu).unwrap();
    engine.load_model(&fixture("tiny"), &Job::silent()).unwrap();
    (engine, notes)
}

#[test]
fn the_lens_shows_what_the_engine_says_by_keys_alone() {
    let mut window = Setup::full().open();
    window
        .harness
        .key_press_modifiers(Modifiers::COMMAND, Key::Num2);
    window.harness.run_steps(2);
    for _ in 0..7 {
        window
            .harness
            .key_press_modifiers(Modifiers::ALT, Key::ArrowRight);
        window.harness.run_steps(2);
    }
    // The second layer, the first head, the other way, sinks and all.
    for key in [Key::L, Key::L, Key::H, Key::T, Key::S] {
        window.harness.key_press(key);
        window.harness.run_steps(2);
    }
    window.settle();
    window.settle();
    let state = window.state();
    let chosen = state.selection.bytes().unwrap();
    let shown = state.results().unwrap().attention.value.clone().unwrap();
    let (engine, notes) = engine();
    let query = AttentionQuery {
        selection: Selection::Bytes(chosen),
        direction: Direction::LookedAtBy,
        layers: LayerChoice::Only(vec![1]),
        heads: HeadChoice::Only(vec![0]),
        reduction: Reduction::Mean,
        unit: Unit::Word,
        hide_sinks: false,
        rollout: false,
        reading: ReadingOptions::default(),
    };
    let want = engine.attention(&notes[0], &query, &Job::silent()).unwrap();
    assert!(*shown == want, "what the engine says");

    window.harness.key_press(Key::Period);
    window.harness.run_steps(2);
    window
        .harness
        .key_press_modifiers(Modifiers::ALT, Key::ArrowRight);
    window.settle();
    let state = window.state();
    let results = state.results().unwrap();
    assert_eq!(results.pins.len(), 1);
    assert!(*results.pins[0].attention == want);
    assert!(
        results.attention.value.as_deref() != Some(&want),
        "the lens went on"
    );
}

#[test]
fn all_heads_are_looked_at_layer_by_layer() {
    let mut window = Setup::full().open();
    window.act(Action::NextWord);
    window.act(Action::AllHeads);
    window.until("all layers", |state| {
        let heads = state.results().and_then(|own| own.heads.value.as_ref());
        heads.is_some_and(|own| own.layers.len() == 4)
    });
    window.settle();
    window.harness.check_accessibility();
    let state = window.state();
    let heads = state.results().unwrap().heads.value.clone().unwrap();
    for (number, layer) in heads.layers.iter().enumerate() {
        assert_eq!((layer.layer, layer.heads.len()), (number, 4));
        for head in &layer.heads {
            assert!(head.entropy > 0.0 && (0.0..=1.0).contains(&head.sinks));
            assert!(head.picture.iter().any(|value| *value > 0.0));
        }
    }
    window.execute(Command::Head(2, 1));
    assert_eq!(window.state().lens.layers, LayerChoice::Only(vec![2]));
}

#[test]
fn a_wrong_heading_is_mended_in_one_step_and_remembered() {
    let mut window = Setup::full().open();
    let names = |window: &super::Window| -> Vec<String> {
        let outline = &window.state().on_view.as_ref().unwrap().outline;
        outline.iter().map(|own| own.name.clone()).collect()
    };
    let before = names(&window);
    let view = window.state().on_view.as_ref().unwrap();
    let section = &view.outline[2];
    let heading = view.note.text()[section.title.clone()].to_owned();
    window.execute(Command::Heading(heading.clone(), String::new()));
    assert_eq!(names(&window).len(), before.len() - 1);
    window.execute(Command::Heading(heading.clone(), "Own name".to_owned()));
    assert!(names(&window).contains(&"Own name".to_owned()));
    let file = window.temporary.path().join("settings/settings.toml");
    assert!(std::fs::read_to_string(file).unwrap().contains("Own name"));
    window.execute(Command::UsualHeading(heading));
    assert_eq!(names(&window), before);
}

#[test]
fn a_word_is_masked_and_filled_by_keys_alone_and_the_values_are_the_engines() {
    let mut window = Setup::full().open();
    // From word to word, to the fifth.
    for _ in 0..5 {
        window
            .harness
            .key_press_modifiers(Modifiers::ALT, Key::ArrowRight);
        window.harness.run_steps(2);
    }
    let chosen = window.state().selection.bytes().unwrap();
    window.harness.key_press(Key::M);
    window.harness.step();
    window.settle();
    let state = window.state();
    let shown = state.results().unwrap().fill.value.clone().unwrap();
    assert_eq!(shown.masks.len(), 1);
    assert!(shown.masks[0].start <= chosen.start && chosen.end <= shown.masks[0].end);

    let (engine, notes) = engine();
    let query = FillMaskQuery {
        at: Some(chosen),
        candidates: 10,
        reading: ReadingOptions::default(),
        ..FillMaskQuery::default()
    };
    let filled = engine.fill_mask(&notes, &query, &Job::silent()).unwrap();
    let same = |a: &auscult::engine::FilledMask, b: &auscult::engine::FilledMask| {
        let pairs = a.candidates.iter().zip(&b.candidates);
        a.candidates.len() == b.candidates.len()
            && pairs.fold(true, |same, (a, b)| {
                same && a.id == b.id && a.score == b.score
            })
    };
    assert!(same(&shown.masks[0], &filled.results[0].masks[0]));
}

#[test]
fn notes_are_listed_filtered_searched_and_walked_through() {
    let mut window = Setup::full().open();
    let titles = |window: &super::Window| -> Vec<String> {
        let shown = window.state().library.shown();
        shown.map(|(own, _)| own.title.clone()).collect()
    };
    assert_eq!(titles(&window), ["progress note", "discharge summary"]);
    window.harness.key_press(Key::J);
    window.harness.run_steps(2);
    assert_eq!(window.state().entry().unwrap().title, "discharge summary");
    window
        .harness
        .key_press_modifiers(Modifiers::COMMAND, Key::OpenBracket);
    window.harness.run_steps(2);
    assert_eq!(window.state().entry().unwrap().title, "progress note");

    window.execute(Command::Filter("summary".to_owned()));
    assert_eq!(titles(&window), ["discharge summary"]);
    window.execute(Command::Filter(String::new()));

    window
        .harness
        .key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::F);
    window.harness.run_steps(2);
    window.harness.event(Event::Text("furosemide".to_owned()));
    window.harness.run_steps(6);
    let found = window.state().library.search_state().unwrap();
    let texts = ["progress-note.txt", "discharge-summary.txt"].map(|name| {
        std::fs::read_to_string(bundled_note(name))
            .unwrap()
            .to_lowercase()
    });
    let hits = texts.map(|text| text.matches("furosemide").count());
    assert_eq!(found.hits, hits.iter().sum::<usize>());
    assert_eq!(found.notes, hits.iter().filter(|own| **own > 0).count());
}

#[test]
fn a_text_that_is_pasted_becomes_a_note_and_leaves_nothing_on_the_disk() {
    let mut window = Setup::full().open();
    window
        .harness
        .event(Event::Paste("Zyxwv denies fever.".to_owned()));
    window.harness.run_steps(2);
    window.settle();
    assert_eq!(
        window.state().entry().unwrap().note.text(),
        "Zyxwv denies fever."
    );
    window.act(Action::Tokens);
    window.settle();
    let mut looked = 0;
    let mut folders = vec![window.temporary.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            looked += 1;
            let bytes = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("Zyxwv"), "{}", path.display());
        }
    }
    assert!(looked > 0, "settings are kept");
}

#[test]
fn a_folder_that_is_no_model_is_said_to_be_none_and_the_note_stays() {
    let mut window = Setup::full().open();
    let folder = window.temporary.path().join("settings");
    window.execute(Command::UseModel(folder));
    window.settle();
    let state = window.state();
    let said: Vec<String> = state
        .messages
        .on_screen()
        .map(|own| own.details.clone())
        .collect();
    assert!(
        said.iter().any(|own| own.contains("config.json")),
        "{said:?}"
    );
    assert!(state.on_view.is_some() && state.model.folder().is_none());
    // What needs a model says so.
    window.act(Action::NextWord);
    window.act(Action::MaskWord);
    let mut said = window.state().messages.all().map(|own| own.title.clone());
    assert!(said.any(|own| own.contains("needs a model")));
}

#[test]
fn a_job_is_stopped_and_what_was_measured_stays() {
    let mut window = Setup::full().open();
    window.act(Action::NextNote);
    window.settle();
    window.act(Action::Surprise);
    window.until("the measuring is on its way", |state| {
        (state.jobs.running().iter()).any(|own| own.progress.is_some_and(|own| own.share > 0.0))
    });
    window.act(Action::Stop);
    window.settle();
    let state = window.state();
    let found = state.results().and_then(|own| own.surprise.value.clone());
    if let Some(found) = found {
        assert!(!found.note.complete && !found.words.is_empty());
    }
    assert!(
        state
            .messages
            .on_screen()
            .all(|own| own.title != "Measuring surprise failed")
    );
}
