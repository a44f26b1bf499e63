//! Reports on taggers and on classifiers of several labels, gone through by keys alone, with what the
//! engine says of the same notes.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use auscult::app::train::cells::Cell;
use auscult::app::{Action, Command, JudgeForm, JudgeOn, JudgeSubject, TrainAsk};
use auscult::engine::{
    Aggregation, ClassFigures, DeviceChoice, Engine, EvaluateQuery, Evaluation, ImportOptions, Job,
    JudgedOutcome, Judgement, Note, ReadingOptions, Settings, TagQuery, TrainConfig, TrainEvent,
    import,
};
use eframe::egui::accesskit::Role;
use eframe::egui::{Event, Key};
use egui_kittest::kittest::{NodeT, Queryable};

use super::given;
use super::given_report::{Of, judged};
use super::training::{self, ask, by_palette, tab_to};
use super::{Setup, Window};
use crate::common::{Temporary, spelling};

/// A text for each number, in the letters that the tiny models know.
fn words(number: usize) -> String {
    let letter =
        |at: usize| char::from(b'a' + ((number * 7 + at * at * 3 + number * at) % 26) as u8);
    let word = |start: usize| (start..start + 4).map(letter).collect::<String>();
    format!("{} {} {} {number}", word(0), word(5), word(11))
}

fn engine(model: &Path) -> Engine {
    let mut engine = Engine::open(DeviceChoice::Cpu).unwrap();
    engine.load_model(model, &Job::silent()).unwrap();
    engine
}

fn read(paths: &[PathBuf]) -> Vec<Note> {
    let options = ImportOptions::default();
    import(paths, &options, &Job::silent()).notes
}

/// A window that has judged this model by these notes, on the page of confusions.
fn open(model: PathBuf, test: &[PathBuf], validation: &[PathBuf]) -> Window {
    let mut window = Setup::full().open();
    window.execute(Command::UsePredictor(model));
    window.settle();
    let form = JudgeForm {
        subject: JudgeSubject::Open,
        on: JudgeOn::Files,
        test: test.to_vec(),
        validation: validation.to_vec(),
        ..JudgeForm::default()
    };
    ask(&mut window, TrainAsk::JudgeBy(Box::new(form)));
    by_palette(&mut window, "judge the model");
    window.settle();
    let own = &window.state().train.judged;
    assert_eq!(own.failure, None);
    tab_to(&mut window, "Confusions");
    press(&mut window, Key::Enter);
    window
}

fn press(window: &mut Window, key: Key) {
    window.harness.key_press(key);
    window.harness.run_steps(3);
}

/// The report that the window shows.
fn report(window: &Window) -> Evaluation {
    let judged = window.state().train.judged.value.clone().unwrap();
    judged.report.clone()
}

#[test]
fn the_spans_of_a_cell_are_chosen_in_their_notes() {
    let temporary = Temporary::new();
    let model = spelling("token-classification", &temporary);
    let folder = temporary.path().join("notes");
    fs::create_dir(&folder).unwrap();
    let files: Vec<PathBuf> = (0..4)
        .map(|own| folder.join(format!("{own}.txt")))
        .collect();
    for (number, file) in files.iter().enumerate() {
        fs::write(file, words(number)).unwrap();
    }
    let query = TagQuery {
        aggregation: Aggregation::First,
        tidy: true,
        ignored: vec!["O".to_owned()],
        reading: ReadingOptions::default(),
    };
    let tagged = engine(&model)
        .tag(&read(&files), &query, &Job::silent())
        .unwrap();
    // What is marked is true, but for one that begins later, one of another kind, one that is not
    // there, and one that is not marked.
    let mut planted = BTreeMap::new();
    for (note, own) in tagged.results.iter().enumerate() {
        let text = words(note);
        let mut lines = Vec::new();
        let mut last = 0;
        for (number, span) in own.spans.iter().enumerate() {
            let (mut kind, mut start) = (span.label.clone(), span.start);
            match (note, number) {
                (0, 0) if span.end > span.start + 1 => start += 1,
                (1, 0) => kind = if kind == "DRUG" { "PROBLEM" } else { "DRUG" }.to_owned(),
                (2, 0) => {
                    planted.insert("in vain", (span.label.clone(), span.start..span.end));
                    continue;
                }
                _ => {}
            }
            if span.start > last + 2 && !planted.contains_key("missed") && note == 3 {
                planted.insert("missed", ("DRUG".to_owned(), last..last + 1));
                lines.push(("DRUG".to_owned(), last, last + 1));
            }
            last = span.end + 1;
            lines.push((kind, start, span.end));
        }
        if note == 3 && !planted.contains_key("missed") {
            let end = text.len();
            planted.insert("missed", ("DRUG".to_owned(), end - 1..end));
            lines.push(("DRUG".to_owned(), end - 1, end));
        }
        let line = |(number, (kind, start, end)): (usize, &(String, usize, usize))| {
            format!(
                "T{}\t{kind} {start} {end}\t{}\n",
                number + 1,
                &text[*start..*end]
            )
        };
        let ann: String = lines.iter().enumerate().map(line).collect();
        fs::write(folder.join(format!("{note}.ann")), ann).unwrap();
    }

    assert_eq!(planted.len(), 2, "the model marks spans in these notes");
    let mut window = open(model.clone(), std::slice::from_ref(&folder), &[]);
    let shown = report(&window);
    let query = EvaluateQuery::default();
    let found = engine(&model).evaluate(&read(&[folder]), None, &query, &Job::silent());
    let own = found.unwrap().results.remove(0);
    assert_eq!(shown.notes, own.notes, "what the engine says of each note");
    // Rows are what is there, columns what was marked, span by span.
    let judged = window.state().train.judged.value.clone().unwrap();
    let (mut there, mut marked) = (0, 0);
    for (cell, count) in judged.cells.sparse() {
        there += if cell.truth.is_some() { count } else { 0 };
        marked += if cell.predicted.is_some() { count } else { 0 };
        let pairs = own.notes.iter().flat_map(|own| match &own.outcome {
            JudgedOutcome::Spans { pairs, .. } => pairs.iter(),
            _ => panic!("spans"),
        });
        let kind =
            |own: &Option<auscult::metrics::spans::Span>| own.as_ref().map(|own| own.kind.clone());
        let same = pairs.filter(|own| {
            (kind(&own.truth), kind(&own.marked)) == (cell.truth.clone(), cell.predicted.clone())
        });
        assert_eq!(same.count(), count, "{cell:?}");
    }
    let Judgement::Spans(result) = &own.result else {
        panic!("spans");
    };
    let support: u64 = result.exact.per_type.values().map(|own| own.support).sum();
    let all: usize = tagged.results.iter().map(|own| own.spans.len()).sum();
    assert_eq!((there as u64, marked), (support, all));

    // Down and across: drug, problem, nothing.
    let row = |kind: &str| usize::from(kind != "DRUG");
    for (what, (kind, bytes)) in &planted {
        let (down, across, cell) = match *what {
            "missed" => (row(kind), 2, Cell::new(Some(kind), None)),
            _ => (2, row(kind), Cell::new(None, Some(kind))),
        };
        window.act(Action::Judge);
        window.settle();
        tab_to(&mut window, "Arrows move, Enter lists the spans");
        for _ in 0..3 {
            press(&mut window, Key::ArrowUp);
            press(&mut window, Key::ArrowLeft);
        }
        (0..down).for_each(|_| press(&mut window, Key::ArrowDown));
        (0..across).for_each(|_| press(&mut window, Key::ArrowRight));
        press(&mut window, Key::Enter);
        assert_eq!(window.state().train.cell.as_ref(), Some(&cell));
        let place = format!("Bytes {} to {}, Ends {what}", bytes.start, bytes.end);
        tab_to(&mut window, &place);
        press(&mut window, Key::Enter);
        window.settle();
        let state = window.state();
        assert_eq!(state.selection.bytes().as_ref(), Some(bytes), "{what}");
        let number = if *what == "missed" { 3 } else { 2 };
        assert_eq!(state.entry().unwrap().note.text(), words(number));
        assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
    }
}

/// Notes with any number of labels.
fn labelled(temporary: &Temporary, name: &str, numbers: Range<usize>) -> PathBuf {
    let row = |number: usize| {
        let all: [&[&str]; 4] = [
            &["LABEL_0"],
            &["LABEL_0", "LABEL_2"],
            &[],
            &["LABEL_1", "LABEL_2"],
        ];
        let labels = all[number % 4].join("\", \"");
        let labels = if labels.is_empty() {
            labels
        } else {
            format!("\"{labels}\"")
        };
        format!(
            "{{\"text\": \"{}\", \"labels\": [{labels}]}}\n",
            words(number)
        )
    };
    temporary.file(name, numbers.map(row).collect::<String>())
}

#[test]
fn the_notes_of_a_label_are_listed_and_opened() {
    let temporary = Temporary::new();
    let model = spelling("sequence-classification-multilabel", &temporary);
    let test = labelled(&temporary, "test.jsonl", 0..30);
    let fit = labelled(&temporary, "fit.jsonl", 100..140);
    let mut window = open(
        model.clone(),
        std::slice::from_ref(&test),
        std::slice::from_ref(&fit),
    );
    let shown = report(&window);
    let settings = Settings {
        cost_ratio: Some(1.0),
        ..Settings::default()
    };
    let query = EvaluateQuery {
        settings,
        ..EvaluateQuery::default()
    };
    let (test, fit) = (read(&[test]), read(&[fit]));
    let found = engine(&model).evaluate(&test, Some(&fit), &query, &Job::silent());
    let own = found.unwrap().results.remove(0);
    assert_eq!(shown.notes, own.notes, "what the engine says of each note");
    let judged = window.state().train.judged.value.clone().unwrap();
    for label in judged.names() {
        let count = |truth: bool, called: bool| {
            let is = |own: &&auscult::engine::NoteOutcome| match &own.outcome {
                JudgedOutcome::Labels {
                    truth: there,
                    predicted,
                    ..
                } => (there.contains(label), predicted.contains(label)) == (truth, called),
                _ => false,
            };
            own.notes.iter().filter(is).count()
        };
        for (truth, called) in [(true, true), (true, false), (false, true)] {
            let so = |own: bool| own.then_some(label.as_str());
            let held = judged.cells.held(&Cell::new(so(truth), so(called)));
            assert_eq!(
                held.len(),
                count(truth, called),
                "{label}: {truth}, {called}"
            );
        }
    }
    // Mistakes stand first, the most frequent of them on top.
    let (cell, count) = judged
        .cells
        .sparse()
        .first()
        .map(|own| (own.0.clone(), own.1))
        .unwrap();
    assert!(!cell.is_right());
    let what = match cell.truth {
        Some(_) => "true, not called",
        None => "called, not true",
    };
    let name = cell.names().next().unwrap().to_owned();
    assert_eq!(
        window.harness.query_all_by_label("Table").count(),
        0,
        "there is none"
    );
    tab_to(&mut window, "Find labels");
    window.harness.event(Event::Text(name.clone()));
    window.harness.run_steps(3);
    window.harness.get_by_label_contains("1 of 3 labels");
    tab_to(
        &mut window,
        &format!("Label {name}, What came of it {what}, Notes {count}"),
    );
    press(&mut window, Key::Enter);
    assert_eq!(window.state().train.cell.as_ref(), Some(&cell));
    let first = judged.cells.held(&cell)[0];
    let score = judged.score(&cell, &first).unwrap();
    let JudgedOutcome::Labels { scores, .. } = &own.notes[first.note].outcome else {
        panic!("labels");
    };
    assert_eq!(score, scores[judged.number(&name).unwrap()]);
    tab_to(&mut window, &format!("Score {score:.4}"));
    press(&mut window, Key::Enter);
    window.settle();
    assert_eq!(
        window.state().entry().unwrap().note.text(),
        words(first.note)
    );
}

#[test]
fn a_threshold_of_a_label_is_chosen_on_validation_notes_and_reported_on_test_notes() {
    let temporary = Temporary::new();
    let model = spelling("sequence-classification-multilabel", &temporary);
    let test = labelled(&temporary, "test.jsonl", 0..30);
    let fit = labelled(&temporary, "fit.jsonl", 100..140);
    let mut window = open(model, &[test], &[fit]);
    tab_to(&mut window, "Thresholds");
    press(&mut window, Key::Enter);
    let shown = report(&window);
    let Judgement::MultiLabel(labels) = &shown.result else {
        panic!("labels");
    };
    let chosen = labels.thresholds.as_ref().unwrap();
    let per_label = &labels.figures.per_label;
    for (label, name) in labels.labels.iter().enumerate() {
        let positive = labels.positive(label).unwrap();
        assert_eq!(positive.cheapest(1.0).unwrap(), chosen[label]);
        let at = positive.on_test(chosen[label].threshold).unwrap();
        let figures = [at.scores.precision, at.scores.recall, at.scores.f1];
        let [precision, recall, f1] = figures;
        assert_eq!(precision, per_label.precision[label]);
        assert_eq!((recall, f1), (per_label.recall[label], per_label.f1[label]));
        let threshold = match chosen[label].threshold {
            Some(own) => format!("{own:.4}"),
            None => "never called".to_owned(),
        };
        let row = format!(
            "Label {name}, From a score of {threshold}, Precision {precision:.4}, Recall {recall:.4}, F1 {f1:.4}"
        );
        window.harness.get_by_label_contains(&row);
    }
    for label in [1, 2] {
        tab_to(&mut window, &format!("Label LABEL_{label}, "));
        press(&mut window, Key::Enter);
        tab_to_exactly(&mut window, "False positives that one false negative costs");
        for _ in 0..16 {
            press(&mut window, Key::ArrowRight);
        }
        let slider = "False positives that one false negative costs";
        let all = window.harness.query_all_by_label(slider);
        let mut values = all.filter_map(|own| own.accesskit_node().numeric_value());
        let ratio = values.next_back().unwrap();
        assert!(ratio > 1.0, "{ratio}");
        let positive = labels.positive(label).unwrap();
        let threshold = positive.cheapest(ratio).unwrap().threshold;
        let there = positive.on_validation(threshold).unwrap();
        let said = format!(
            "40 validation notes: {} false positive{}, {} false negative{}, a cost of {:.3} a note",
            there.fp,
            if there.fp == 1 { "" } else { "s" },
            there.fn_,
            if there.fn_ == 1 { "" } else { "s" },
            (there.fp as f64 + ratio * there.fn_ as f64) / 40.0
        );
        window.harness.get_by_label(&said);
        let at = positive.on_test(threshold).unwrap();
        assert_ne!(at, there, "so that the one is not taken for the other");
        let scores = at.scores;
        let figures = [scores.precision, scores.recall, scores.f1, at.specificity];
        let counts = [at.tp, at.fp, at.fn_, at.tn];
        let names = [
            "Precision",
            "Recall",
            "F1",
            "Specificity",
            "True positives",
            "False positives",
            "False negatives",
            "True negatives",
        ];
        let figures = figures.map(|own| format!("{own:.4}")).into_iter();
        let values = figures.chain(counts.map(|own| own.to_string()));
        let want: Vec<String> = (names.map(str::to_owned).into_iter().zip(values))
            .flat_map(|(name, value)| [name, value])
            .collect();
        let all = window.harness.root().children_recursive();
        let labels = all.filter(|own| own.accesskit_node().role() == Role::Label);
        let texts = labels.filter_map(|own| own.accesskit_node().value());
        let below = texts.skip_while(|own| own != "Reported on test notes");
        let shown: Vec<String> = below.skip(1).take(want.len()).collect();
        assert_eq!(shown, want);
    }
    assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
}

/// Presses Tab until what has this very name has the focus.
fn tab_to_exactly(window: &mut Window, name: &str) {
    for _ in 0..300 {
        window.harness.key_press(Key::Tab);
        window.harness.run_steps(1);
        let found = window.harness.query_all_by_label(name);
        if found.into_iter().any(|own| own.is_focused()) {
            return;
        }
    }
    panic!("Tab never came to: {name}");
}

#[test]
fn a_thousand_classes_take_no_more_widgets_than_fit_on_the_screen() {
    let mut window = Setup::full().open();
    window.act(Action::Train);
    window.settle();
    window.act(Action::Judge);
    window.settle();
    for (of, pages) in [
        (Of::Classes, &["Figures", "Confusions"][..]),
        (Of::Labels(1000), &["Figures", "Confusions", "Thresholds"]),
    ] {
        let own = judged(of);
        let train = &mut window.harness.state_mut().state_mut().train;
        train.judge = own.form.clone();
        train.judged.set(own);
        for page in pages {
            window.harness.run_steps(3);
            window.harness.get_by_label(page).click_accesskit();
            window.harness.run_steps(4);
            let widgets = window.harness.root().children_recursive().count();
            assert!((50..400).contains(&widgets), "{page}: {widgets}");
            assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
        }
    }
}

#[test]
fn the_classes_of_a_run_are_searched_and_put_in_order() {
    let mut window = Setup::full().open();
    window.act(Action::Train);
    window.settle();
    let live = given::live(&TrainConfig::default(), 40);
    live.feed.tell(|told| {
        for own in &mut told.events {
            let TrainEvent::Evaluated { evaluation, .. } = own else {
                continue;
            };
            let first = evaluation.classes[0].clone();
            let class = |number: u64| ClassFigures {
                name: format!("cause {number}"),
                f1: number as f64 / 1000.0,
                support: 1000 - number,
                ..first.clone()
            };
            evaluation.classes = (0..1000).map(class).collect();
        }
    });
    let train = &mut window.harness.state_mut().state_mut().train;
    train.watch.of = Some((live.folder.clone(), live.frames));
    train.live = Some(live);
    window.settle();
    let widgets = |window: &Window| window.harness.root().children_recursive().count();
    assert!(
        (50..400).contains(&widgets(&window)),
        "{}",
        widgets(&window)
    );
    tab_to(&mut window, "Find classes of the run");
    window.harness.event(Event::Text("cause 12".to_owned()));
    window.harness.run_steps(3);
    let rows = |window: &Window| -> Vec<String> {
        let found = (window.harness).query_all_by_label_contains("Class cause ");
        found
            .filter_map(|own| own.accesskit_node().value())
            .collect()
    };
    let found = rows(&window);
    assert!(found[0].starts_with("Class cause 12,"), "{found:?}");
    assert!(
        found.len() > 5 && found.iter().all(|own| own.contains("12")),
        "{found:?}"
    );
    tab_to(&mut window, "Order of classes of the run");
    press(&mut window, Key::Space);
    tab_to(&mut window, "Largest F1 first");
    press(&mut window, Key::Enter);
    let first = rows(&window).swap_remove(0);
    assert!(
        first.starts_with("Class cause 912,") && first.contains("F1 0.9120"),
        "{first}"
    );
    assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
}

#[test]
fn known_columns_are_chosen_from_a_menu_beside_the_field() {
    let temporary = Temporary::new();
    let mut window = training::window(&temporary, 8);
    window.act(Action::Train);
    window.settle();
    let choose = |window: &mut Window, field: &str, column: &str| {
        tab_to(window, &format!("Known columns for: {field}"));
        press(window, Key::Enter);
        tab_to_exactly(window, column);
        press(window, Key::Enter);
    };
    choose(&mut window, "Label column", "kind");
    choose(&mut window, "Keep together by", "ward");
    let draft = &window.state().train.draft;
    assert_eq!((draft.word("label"), draft.word("group")), ("kind", "ward"));

    window.act(Action::Judge);
    window.settle();
    choose(&mut window, "Columns to slice by", "ward");
    choose(&mut window, "Columns to slice by", "kind");
    choose(&mut window, "Columns to slice by", "ward");
    assert_eq!(window.state().train.judge.slices, "ward, kind");
    assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
}
