//! Many notes: listed and opened, and the mean flow between their sections.

use std::fmt::Write as _;
use std::path::Path;

use auscult::app::{Action, Command, Options};
use eframe::egui::{Modifiers, Pos2};

use super::{Bench, idle, many, once};

pub fn many_notes(options: Options, folder: &Path) {
    let mut lines = String::new();
    for number in 0..10_000 {
        let text =
            format!("Note {number}. Denies chest pain; {number} mg of aspirin daily. ").repeat(20);
        let _ = writeln!(lines, "{{\"id\":\"{number}\",\"text\":\"{text}\"}}");
    }
    let file = folder.join("many.jsonl");
    std::fs::write(&file, lines).unwrap();
    let (mut own, _) = Bench::open(Options {
        notes: vec![folder.join("none.txt")],
        settings: Some(folder.join("settings-of-many")),
        ..options
    });
    own.until(None, idle);
    let took = own.until(Some(Command::Open(vec![file])), |state| {
        state.library.entries().len() == 10_000 && idle(state)
    });
    once("M1 10,000 notes are listed", took, "3 s");
    own.act(Action::Read, idle);
    let frames = own.scrolled(Pos2::new(120.0, 500.0), -3.0, Modifiers::NONE);
    many("M1 a frame while scrolling through them", frames, "16.7 ms");
    let keys = own.app.state().library.entries().iter();
    let keys: Vec<_> = keys.step_by(250).map(|own| own.key).collect();
    let all = keys.iter().map(|&key| {
        own.until(Some(Command::Show(key)), move |state| {
            state.on_view.as_ref().is_some_and(|own| own.key == key)
        })
    });
    let all = all.collect();
    many("M1 one of them is opened", all, "100 ms");
}

/// Sections of a thousand notes, which look at each other in the mean.
pub fn sections_of_many(options: Options, folder: &Path) {
    let mut lines = String::new();
    for number in 0..1_000 {
        let text = format!(
            "HPI:\\nNote {number}. Fever for {number} days, no cough.\\n\\nMedications:\\nAspirin {number} mg \
             daily.\\n\\nAllergies:\\nNone.\\n\\nAssessment and Plan:\\nRest, fluids, see again in a week.\\n"
        );
        let _ = writeln!(lines, "{{\"id\":\"{number}\",\"text\":\"{text}\"}}");
    }
    let file = folder.join("sections.jsonl");
    std::fs::write(&file, lines).unwrap();
    let (mut own, _) = Bench::open(Options {
        settings: Some(folder.join("settings-of-sections")),
        ..options
    });
    own.until(Some(Command::Do(Action::TryDemo)), |state| {
        state.model.folder().is_some() && idle(state)
    });
    own.act(Action::CloseNotes, idle);
    own.until(Some(Command::Open(vec![file])), |state| {
        state.library.entries().len() == 1_000 && idle(state)
    });
    let took = own.act(Action::FlowOfAll, |state| state.mean_flow.value.is_some());
    let found = own.app.state().mean_flow.value.clone().unwrap();
    let what = format!(
        "X2 {} sections of {} notes, {} layers",
        found.sections.len(),
        found.notes,
        found.by_layer.len()
    );
    once(&what, took, "");
}
