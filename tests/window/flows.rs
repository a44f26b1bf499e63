//! Whole flows: what a person does, with what.

use auscult::app::{Action, Command, Panel};
use auscult::engine::{
    AttentionQuery, Block, CellQuery, DeviceChoice, Direction, Engine, FillMaskQuery, FlowQuery,
    HeadChoice, ImportOptions, Job, LayerChoice, MapQuery, Note, ReadingOptions, Reduction,
    Selection, TextEncoding, Unit, import,
};
use eframe::egui::{Event, Key, Modifiers};

use super::Setup;
use crate::common::{bundled_note, fixture, spelling};

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
        (state.jobs.running().iter()).any(|own| own.progress.is_some_and(|own| own.share > 0.5))
    });
    window.act(Action::Stop);
    window.settle();
    let state = window.state();
    let found = state.results().and_then(|own| own.surprise.value.clone());
    let found = found.expect("what was measured stays");
    assert!(!found.note.complete && !found.words.is_empty());
    assert!(
        state
            .messages
            .on_screen()
            .all(|own| own.title != "Measuring surprise failed")
    );
}

#[test]
fn the_map_goes_from_the_note_to_a_value_by_keys_alone_and_is_the_engines() {
    let mut window = Setup::full().open();
    window
        .harness
        .key_press_modifiers(Modifiers::COMMAND, Key::Num2);
    window.until("the whole map", |state| {
        state.results().is_some_and(|own| own.map.value.is_some())
    });
    // The third layer, the second head.
    for key in [Key::L, Key::L, Key::L, Key::H, Key::H] {
        window.harness.key_press(key);
        window.harness.run_steps(2);
    }
    for _ in 0..9 {
        window
            .harness
            .key_press_modifiers(Modifiers::ALT, Key::ArrowRight);
        window.harness.run_steps(2);
    }
    window.settle();
    let (engine, notes) = engine();
    let of = |window: &super::Window| window.state().results().unwrap().map.value.clone().unwrap();
    window.until("the head of the lens", |state| {
        let map = state.results().and_then(|own| own.map.value.as_ref());
        map.is_some_and(|own| (own.of.layer, own.of.head) == (2, 1))
    });
    let whole = of(&window);
    let query = MapQuery {
        of: whole.of,
        selection: Selection::Token(0),
        rows: 0..usize::MAX,
        columns: 0..usize::MAX,
        side: whole.side,
        block: Block::Max,
        reading: ReadingOptions::default(),
    };
    let map = |query: &MapQuery| {
        engine
            .attention_map(&mut None, &notes[0], query, &Job::silent())
            .unwrap()
    };
    assert!(*whole == map(&query), "the whole map");
    assert!(whole.side > 1, "a long note is not drawn token by token");

    // To where the chosen word looks most.
    window.harness.key_press(Key::Z);
    window.harness.run_steps(2);
    window.settle();
    let state = window.state();
    let cell = state.results().unwrap().cell.value.clone().unwrap();
    let chosen = state.selection.bytes().unwrap();
    let looks: Vec<usize> = (0..whole.spans.len())
        .filter(|row| {
            let own = &whole.spans[*row];
            own.start < chosen.end && chosen.start < own.end
        })
        .collect();
    assert!(looks.contains(&cell.row), "{looks:?}");
    let query = CellQuery {
        of: whole.of,
        selection: Selection::Token(0),
        rows: looks[0]..looks[looks.len() - 1] + 1,
        columns: 0..usize::MAX,
        reading: ReadingOptions::default(),
    };
    let want = engine.attention_cell(&mut None, &notes[0], &query, &Job::silent());
    assert!(*cell == want.unwrap());
    let marked = state.map.marked.clone().unwrap();
    let seen = &whole.spans[cell.column];
    assert!(seen.start <= marked.start && marked.end == seen.end);
    let view = state.map.view.unwrap();
    assert!(view.tokens <= 64.0 && view.top <= cell.row as f64 && view.left <= cell.column as f64);
    window.until("the part", |state| {
        let part = state.results().and_then(|own| own.part.value.as_ref());
        part.is_some_and(|own| own.side == 1 && own.rows.contains(&cell.row))
    });
    let part = window
        .state()
        .results()
        .unwrap()
        .part
        .value
        .clone()
        .unwrap();
    let query = MapQuery {
        of: part.of,
        selection: Selection::Token(0),
        rows: part.rows.clone(),
        columns: part.columns.clone(),
        side: 1,
        block: Block::Max,
        reading: ReadingOptions::default(),
    };
    assert!(*part == map(&query), "the part");
    // Closer by keys, and back to the whole.
    let before = window.state().map.view.unwrap().tokens;
    window.harness.key_press(Key::Plus);
    window.harness.run_steps(2);
    assert_eq!(window.state().map.view.unwrap().tokens, before / 2.0);
    window.harness.key_press(Key::W);
    window.harness.run_steps(2);
    assert_eq!(window.state().map.view, None);
    // Another word takes the mark away.
    window
        .harness
        .key_press_modifiers(Modifiers::ALT, Key::ArrowRight);
    window.settle();
    assert_eq!(window.state().map.marked, None);
}

#[test]
fn sections_look_at_sections_in_a_note_and_in_all() {
    let mut window = Setup::full().open();
    window.harness.key_press(Key::F);
    window.until("the sections", |state| {
        state.results().is_some_and(|own| own.flow.value.is_some())
    });
    window.act(Action::FlowOfAll);
    window.settle();
    let state = window.state();
    let (engine, notes) = engine();
    let query = FlowQuery {
        layers: LayerChoice::Global,
        heads: HeadChoice::All,
        unit: Unit::Section,
        reading: ReadingOptions::default(),
    };
    let want = engine.attention_flow(&notes[0], &query, &Job::silent());
    assert!(*state.results().unwrap().flow.value.clone().unwrap() == want.unwrap());
    let mean = state.mean_flow.value.clone().unwrap();
    assert_eq!((mean.notes, mean.left_out, mean.complete), (2, 0, true));
    let count = mean.sections.len();
    for (row, outside) in mean.matrix.chunks(count).zip(&mean.outside) {
        assert!((row.iter().sum::<f32>() + outside - 1.0).abs() < 1e-4);
    }
}

#[test]
fn figures_of_panels_are_saved_and_one_that_is_not_in_sight_is_said() {
    let mut window = Setup::full().open();
    window.act(Action::Look);
    for _ in 0..3 {
        window.act(Action::NextWord);
    }
    window.settle();
    window.until("the map", |state| {
        state.results().is_some_and(|own| own.map.value.is_some())
    });
    window.harness.run_steps(4);
    let path = |name: &str| window.temporary.path().join(name);
    let [map, row, heads, none] = ["map.svg", "row.svg", "heads.svg", "none.svg"].map(path);
    for (panel, path) in [
        (Panel::Map, &map),
        (Panel::Row, &row),
        (Panel::Heads, &heads),
        (Panel::Flow, &none),
    ] {
        window.execute(Command::SaveFigure(panel, path.clone()));
        window.harness.run_steps(3);
    }
    let text = |path| std::fs::read_to_string(path).unwrap();
    let (map, row, heads) = (text(&map), text(&row), text(&heads));
    assert!(
        heads.contains("Look at all heads"),
        "its heads were not looked at"
    );
    assert!(map.contains("<image") && map.contains("data:image/png;base64,"));
    assert!(map.contains("Layer 1, head 1"), "text stays text");
    for own in [&map, &row] {
        assert!(own.starts_with("<svg") && own.trim_end().ends_with("</svg>"));
        assert!(own.contains("research use only") && own.contains("random weights"));
        assert_eq!(own.matches("<g ").count(), own.matches("</g>").count());
    }
    // The strongest item with its value, as on the screen.
    let shown = window
        .state()
        .results()
        .unwrap()
        .attention
        .value
        .clone()
        .unwrap();
    let most = shown.items.iter().map(|own| own.value).fold(0.0, f32::max);
    assert!(row.contains(&format!(">{most:.4}<")));
    assert!(!none.exists(), "it is behind another panel");
    window.act(Action::Welcome);
    window.execute(Command::SaveFigure(Panel::Map, none.clone()));
    window.harness.run_steps(3);
    assert!(window.state().figure.is_none() && !none.exists());
    window.act(Action::Look);
    let mut said = window.state().messages.all();
    assert!(said.any(|own| own.title == "The figure was not saved"));
}

#[test]
fn a_file_is_read_in_the_encoding_that_a_person_chooses_and_stays_so() {
    let mut window = Setup::full().open();
    let file = window.temporary.path().join("umlaut.txt");
    // In Windows-1252, of which nothing in the file says so.
    std::fs::write(&file, b"Fi\xe8vre").unwrap();
    window.execute(Command::Open(vec![file.clone()]));
    window.settle();
    window.act(Action::NextNote);
    window.act(Action::NextNote);
    window.settle();
    let text = |window: &super::Window| window.state().entry().unwrap().note.text().to_owned();
    assert_eq!(text(&window), "Fi\u{e8}vre");
    // As UTF-8 the same bytes are no text: that is said, and the note stays as it was.
    window.execute(Command::Encoding(file.clone(), TextEncoding::Utf8));
    window.settle();
    window.settle();
    assert_eq!(text(&window), "Fi\u{e8}vre");
    let said = |window: &super::Window| {
        let mut all = window.state().messages.all();
        all.any(|own| own.details.contains("umlaut.txt") && own.details.contains("UTF-8"))
    };
    assert!(said(&window));
    // What is UTF-8 can be read as something else, since a person knows better.
    std::fs::write(&file, "Fi\u{e8}vre").unwrap();
    window.execute(Command::Encoding(file, TextEncoding::Windows1252));
    window.settle();
    assert_eq!(text(&window), "Fi\u{c3}\u{a8}vre");
    assert_eq!(window.state().library.entries().len(), 3);
}

#[test]
fn a_change_of_the_layout_can_be_undone() {
    let mut window = Setup::full().open();
    window.act(Action::Look);
    window.settle();
    let has = |window: &super::Window, label: &str| {
        use egui_kittest::kittest::Queryable;
        window.harness.query_by_label(label).is_some()
    };
    assert!(has(&window, "Map: closer"));
    window.harness.key_press(Key::F);
    window.harness.run_steps(3);
    window.settle();
    assert!(has(&window, "Ribbons") && !has(&window, "Map: closer"));
    window.act(Action::MaskWord);
    window.harness.run_steps(3);
    assert!(has(&window, "Nothing chosen"));
    // Step by step.
    let undo = |window: &mut super::Window| {
        let harness = &mut window.harness;
        harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
        harness.run_steps(3);
    };
    undo(&mut window);
    assert!(has(&window, "Ribbons") && !has(&window, "Nothing chosen"));
    undo(&mut window);
    assert!(has(&window, "Map: closer") && !has(&window, "Ribbons"));
}

#[test]
fn a_model_with_fewer_layers_takes_the_place_of_one_with_more() {
    let mut window = Setup::full().open();
    window.act(Action::Look);
    window.act(Action::NextWord);
    window.execute(Command::Head(3, 3));
    window.settle();
    let folder = spelling("bert-masked-lm", &window.temporary);
    window.execute(Command::UseModel(folder));
    window.settle();
    let state = window.state();
    assert_eq!(state.model.info().unwrap().layers, 3);
    assert_eq!(state.lens.layers, LayerChoice::Global);
    window.act(Action::NextWord);
    window.settle();
    let results = window.state().results().unwrap();
    let (shown, failure) = (&results.attention.value, &results.attention.failure);
    assert_eq!(
        shown.as_ref().map(|own| &own.layers[..]),
        Some(&[0, 1, 2][..]),
        "{failure:?}"
    );
}

#[test]
fn passages_of_notes_without_a_name_are_those_of_their_own_note() {
    let mut window = Setup {
        notes: Vec::new(),
        ..Setup::full()
    }
    .open();
    for text in [
        "\u{a0}Aspirin was stopped. Later the fever rose again.",
        "No pain. The fever rose again in the night.",
    ] {
        window.harness.event(Event::Paste(text.to_owned()));
        window.harness.run_steps(2);
        window.settle();
    }
    // The first section of a note without a heading begins with a space of two bytes.
    window.act(Action::PreviousNote);
    window.act(Action::NextSection);
    window.act(Action::Similar);
    window.settle();
    let state = window.state();
    let found = state.results().unwrap().similar.value.clone().unwrap();
    let texts: Vec<&str> = (found.hits.iter())
        .map(|(key, bytes, _)| {
            let note = &state.library.get(*key).unwrap().note;
            note.text().get(bytes.clone()).unwrap().trim()
        })
        .collect();
    for wanted in [
        "Later the fever rose again.",
        "The fever rose again in the night.",
    ] {
        let own = texts.iter().filter(|own| **own == wanted);
        assert_eq!(own.count(), 1, "{texts:?}");
    }
}

#[test]
fn commands_say_nothing_of_the_text_that_they_carry() {
    use auscult::app::Quiet;
    let text = || Quiet("Zyxwv denies fever.".to_owned());
    for command in [
        Command::Paste(text()),
        Command::Copy(text()),
        Command::CopyNumbers(Some(text())),
    ] {
        let said = format!("{command:?}");
        assert!(
            said.contains("19 bytes") && !said.contains("Zyxwv"),
            "{said}"
        );
    }
}
