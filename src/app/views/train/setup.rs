//! A run as it is described: data, check, run.

use std::path::Path;

use eframe::egui::{Button, CollapsingHeader, Label, RichText, ScrollArea, TextEdit, Ui, vec2};
use toml::Value;

use super::counts::Counts;
use super::fields::{self, MAIN, others};
use super::{ask, bad, title};
use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::jobs::Purpose;
use crate::app::state::State;
use crate::app::theme;
use crate::app::train::draft::{self, Draft, Fault, choice};
use crate::app::train::outside::Dialog;
use crate::app::train::{Ask, Checked};
use crate::app::views::View;
use crate::app::widgets::parts::{self, name, thousands};
use crate::engine::{Change, counted};

/// The panel.
#[derive(Default)]
pub struct NewRun {
    counts: Counts,
}

/// Notes that were left out that are named.
const LEFT_OUT: usize = 30;

impl View for NewRun {
    fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        let draft = &state.train.draft;
        let faults = draft.faults();
        ui.horizontal_wrapped(|ui| {
            let pairs = [
                ("Open recipe…", Action::OpenRecipe),
                ("Save recipe…", Action::SaveRecipe),
            ];
            for (text, action) in pairs {
                controls::action_button(ui, text, action, state, commands);
            }
        });
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            self.data(ui, state, draft, faults, commands);
            model(ui, state, draft, faults, commands);
            check(ui, state, faults, commands);
            run(ui, state, draft, faults, commands);
            ui.add_space(16.0);
        });
    }

    fn help(&self) -> &'static str {
        "Describes a training run in three steps. Choose the notes and the model, check that it fits this \
         computer, then start it. A recipe is a file that the command auscult train reads as well."
    }
}

impl NewRun {
    fn data(
        &mut self,
        ui: &mut Ui,
        state: &State,
        draft: &Draft,
        faults: &[Fault],
        commands: &mut Vec<Command>,
    ) {
        title(ui, "1  Data");
        fields::one(ui, "task", draft, faults, commands);
        files(ui, "train", "Notes to learn from", draft, faults, commands);
        ui.horizontal_wrapped(|ui| {
            let pairs = [
                ("Use the open notes", Action::TrainOnOpen),
                ("Use Auscult’s notes", Action::TrainOnDemo),
            ];
            for (text, action) in pairs {
                controls::action_button(ui, text, action, state, commands);
            }
        });
        ui.add_space(6.0);
        let names: &[&'static str] = match draft.word("task") {
            "classify" => &["label", "group"],
            _ => &["group"],
        };
        fields::of_columns(ui, names, draft, faults, state, commands);
        fields::several(
            ui,
            &["validation-share", "test-share"],
            draft,
            faults,
            commands,
        );
        CollapsingHeader::new("Validation and test files").show(ui, |ui| {
            for (field, text) in [("validation", "Validation notes"), ("test", "Test notes")] {
                files(ui, field, text, draft, faults, commands);
            }
        });
        match state.train.checked() {
            Some(own) => self.counts.ui(ui, own),
            None => {
                let said = "Check reads the notes, counts their labels, and looks for what the parts share.";
                parts::soft(ui, said);
            }
        }
    }
}

/// The files of a field, each of which can be taken out.
fn files(
    ui: &mut Ui,
    field: &'static str,
    text: &str,
    draft: &Draft,
    faults: &[Fault],
    commands: &mut Vec<Command>,
) {
    let palette = theme::palette(ui);
    ui.label(RichText::new(text).font(theme::strong(12.5)));
    let all = draft.words(field);
    for (number, own) in all.iter().enumerate() {
        let path = Path::new(own);
        let short = path.file_name().unwrap_or(path.as_os_str());
        ui.horizontal(|ui| {
            let out = ui.small_button("×");
            let short = short.to_string_lossy();
            name(&out, &format!("Take out {short} of {text}"));
            if out.clicked() {
                let mut left = all.to_vec();
                left.remove(number);
                ask(commands, Ask::Field(field, left));
            }
            ui.add(Label::new(&*short).truncate()).on_hover_text(own);
        });
    }
    // What was not begun yet is not wrong.
    let colour = if all.is_empty() {
        palette.soft
    } else {
        palette.bad
    };
    for own in faults.iter().filter(|own| own.field == Some(field)) {
        ui.label(
            RichText::new(fields::sentence(&own.reason))
                .small()
                .color(colour),
        );
    }
    ui.horizontal_wrapped(|ui| {
        for (button, dialog) in [
            ("Files…", Dialog::Files(field)),
            ("Folder…", Dialog::Folder(field)),
        ] {
            let drawn = ui.button(button);
            name(&drawn, &format!("{button} {text}"));
            if drawn.clicked() {
                ask(commands, Ask::Dialog(dialog));
            }
        }
    });
}

fn model(ui: &mut Ui, state: &State, draft: &Draft, faults: &[Fault], commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    title(ui, "Model");
    let model = draft.word("model");
    let short = Path::new(model).file_name().unwrap_or_default();
    match model.is_empty() {
        true => parts::soft(ui, "None is chosen."),
        false => ui
            .add(Label::new(short.to_string_lossy()).truncate())
            .on_hover_text(model),
    };
    let colour = if model.is_empty() {
        palette.soft
    } else {
        palette.bad
    };
    for own in faults.iter().filter(|own| own.field == Some("model")) {
        ui.label(
            RichText::new(fields::sentence(&own.reason))
                .small()
                .color(colour),
        );
    }
    ui.horizontal_wrapped(|ui| {
        let choose = ui.button("Choose a folder…");
        name(&choose, "Choose the folder of the model to begin with…");
        if choose.clicked() {
            ask(commands, Ask::Dialog(Dialog::Folder("model")));
        }
        if let Some(open) = state.model.folder()
            && open != Path::new(model)
            && ui.button("Use the open model").clicked()
        {
            let words = Vec::from([open.display().to_string()]);
            ask(commands, Ask::Field("model", words));
        }
    });
    ui.add_space(6.0);
    fields::one(ui, "mode", draft, faults, commands);
    let of_classes = draft.word("task") == "classify";
    let shown = MAIN
        .iter()
        .copied()
        .filter(|own| of_classes || !matches!(*own, "class-weights" | "focal-gamma"));
    let shown: Vec<&'static str> = shown.collect();
    fields::several(ui, &shown, draft, faults, commands);
    let hidden = others().filter(|own| faults.iter().any(|fault| fault.field == Some(own.name)));
    let wrong = hidden.count();
    let text = match wrong {
        0 => "More".to_owned(),
        wrong => format!("More ({} to mend)", counted(wrong, "field")),
    };
    CollapsingHeader::new(text).id_salt("more").show(ui, |ui| {
        let names: Vec<&'static str> = others().map(|own| own.name).collect();
        fields::several(ui, &names, draft, faults, commands);
        if !of_classes {
            fields::several(
                ui,
                &["class-weights", "focal-gamma"],
                draft,
                faults,
                commands,
            );
        }
    });
}

fn check(ui: &mut Ui, state: &State, faults: &[Fault], commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    title(ui, "2  Check");
    let busy = state.jobs.is_running(|own| *own == Purpose::CheckRun);
    ui.horizontal_wrapped(|ui| {
        let button = Button::new("Check whether it fits").min_size(vec2(0.0, 30.0));
        let drawn = ui.add_enabled(faults.is_empty() && !busy, button);
        if controls::hint(drawn, Action::CheckRun, state).clicked() {
            commands.push(Command::Do(Action::CheckRun));
        }
    });
    if busy {
        ui.horizontal(|ui| {
            controls::progress(ui, &Purpose::CheckRun, "Stop checking", state, commands);
        });
        parts::soft(ui, "Real steps are made, and nothing is written.");
    }
    let limit = state.train.limit();
    ui.horizontal_wrapped(|ui| {
        let label = ui.label("Memory it may use, in GB");
        let mut text = state.train.memory.clone();
        let field = TextEdit::singleline(&mut text)
            .id_salt("memory")
            .hint_text("what is free")
            .desired_width(110.0);
        let field = ui.add(field).labelled_by(label.id);
        name(&field, "Memory it may use, in GB");
        if field.changed() {
            ask(commands, Ask::Memory(text));
        }
    });
    if let Err(reason) = &limit {
        bad(ui, reason);
    }
    if let Some(failure) = &state.train.check.failure {
        bad(ui, failure);
    }
    match state.train.checked() {
        Some(own) => checked(ui, own, commands),
        None if state.train.check.value.is_some() && !busy => {
            let said = "The description has changed since it was checked.";
            ui.label(RichText::new(said).small().color(palette.soft));
        }
        None => {
            let said = "Makes three real steps and says what memory and time the run takes.";
            parts::soft(ui, said);
        }
    }
}

/// What was found out, in words.
fn checked(ui: &mut Ui, own: &Checked, commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    let fits = own.found.fits();
    let (sign, colour) = match fits {
        true => ("✓ It fits", palette.good),
        false => ("✗ It does not fit", palette.bad),
    };
    ui.label(RichText::new(sign).font(theme::strong(13.5)).color(colour));
    let words = own.found.in_words();
    for line in words.lines() {
        let (head, text) = line.split_at_checked(11).unwrap_or(("", line));
        let (head, text) = (head.trim(), text.trim());
        match head {
            "" => {
                parts::soft(ui, fields::sentence(text));
            }
            head => {
                parts::heading(ui, &fields::sentence(head));
                match (head, &own.found.proposal) {
                    ("change", Some(proposal)) => {
                        for change in &proposal.changes {
                            ui.label(said(change));
                        }
                    }
                    _ => {
                        ui.label(fields::sentence(text));
                    }
                }
            }
        }
    }
    if own.found.proposal.is_some() && ui.add(parts::primary(ui, "Apply this change")).clicked() {
        ask(commands, Ask::Apply);
    }
    let start = &own.start;
    let [train, validation] = start.examples;
    let said = format!(
        "{} to learn from, {validation} to choose by, {} to judge by; {} numbers are trained.",
        counted(train, "example"),
        start.test,
        thousands(start.trained)
    );
    parts::soft(ui, said);
    if !start.left_out.is_empty() {
        let text = format!("{} left out", counted(start.left_out.len(), "note"));
        CollapsingHeader::new(text).show(ui, |ui| {
            for own in start.left_out.iter().take(LEFT_OUT) {
                parts::soft(ui, own.clone());
            }
        });
    }
}

/// A change as the form has it.
fn said(own: &Change) -> String {
    let value = |value: &Value| match value {
        Value::Boolean(true) => "on".to_owned(),
        Value::Boolean(false) => "off".to_owned(),
        Value::String(word) => choice(own.field, word),
        other => other.to_string(),
    };
    let (from, to) = (value(&own.from), value(&own.to));
    format!("{}: {to}, in place of {from}", draft::title(own.field))
}

fn run(ui: &mut Ui, state: &State, draft: &Draft, faults: &[Fault], commands: &mut Vec<Command>) {
    title(ui, "3  Run");
    fields::one(ui, "run", draft, faults, commands);
    let busy = state.train.runs_now();
    let text = match busy {
        true => "A run is being made",
        false => "Start the run",
    };
    let button = parts::primary(ui, text);
    let drawn = ui.add_enabled(faults.is_empty() && !busy, button);
    if controls::hint(drawn, Action::StartRun, state).clicked() {
        commands.push(Command::Do(Action::StartRun));
    }
    for own in faults.iter().filter(|own| own.field.is_none()) {
        bad(ui, &own.reason);
    }
    if !faults.is_empty() {
        let said = format!("{} to mend above.", counted(faults.len(), "field"));
        parts::soft(ui, said);
    }
}
