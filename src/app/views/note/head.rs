//! What stands over the text: its name, the budget of tokens, what can be shown and what it means.

use eframe::egui::{self, RichText, Ui};

use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::jobs::Purpose;
use crate::app::settings::LongChoice;
use crate::app::state::{ModelState, State, Workspace};
use crate::app::theme;
use crate::app::widgets::parts::{self, name, thousands};
use crate::engine::{NoteTokens, Source, TextEncoding, Way};

/// A loss, in nats, at which the tint is as strong as it gets: a word that one in 3,000 expects.
pub(super) const STRONGEST: f32 = 8.0;

/// The name of the note, the budget of tokens, and what can be shown.
pub(super) fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let title = state
        .entry()
        .map(|own| own.title.clone())
        .unwrap_or_default();
    let label = egui::Label::new(RichText::new(title).font(theme::strong(16.0))).truncate();
    let room = if has_spans(state) { 340.0 } else { 270.0 };
    if ui.available_width() < room + TITLE {
        ui.add(label);
        ui.horizontal_wrapped(|ui| tools(ui, state, commands));
        ui.horizontal_wrapped(|ui| budget(ui, state, commands));
        surprise_legend(ui, state);
        return;
    }
    ui.horizontal(|ui| {
        let width = ui.available_width() - room;
        ui.scope(|ui| {
            ui.set_max_width(width);
            ui.add(label);
        });
        let right = egui::Layout::right_to_left(egui::Align::Center);
        ui.with_layout(right, |ui| tools(ui, state, commands));
    });
    ui.horizontal(|ui| budget(ui, state, commands));
    surprise_legend(ui, state);
}

/// Whether spans were predicted that can be shown.
fn has_spans(state: &State) -> bool {
    state.results().is_some_and(|own| own.tags.value.is_some())
}

/// With less room than this for the name the tools have a line of their own.
const TITLE: f32 = 120.0;

/// What can be shown and asked for.
fn tools(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let shown = state.shown;
    let measuring = (state.jobs).is_running(|own| matches!(own, Purpose::Surprise(_)));
    let name = if measuring { "Surprise…" } else { "Surprise" };
    controls::toggle(ui, name, shown.surprise, Action::Surprise, state, commands);
    controls::toggle(ui, "Tokens", shown.tokens, Action::Tokens, state, commands);
    if shown.tokens {
        let ids = shown.ids;
        controls::toggle(ui, "Numbers", ids, Action::TokenIds, state, commands);
    }
    if has_spans(state) {
        let drawn = !shown.without_spans;
        controls::toggle(ui, "Spans", drawn, Action::Spans, state, commands);
    }
    controls::action_button(ui, "Predict", Action::Predict, state, commands);
}

/// What the tint of surprise stands for, where it is drawn.
fn surprise_legend(ui: &mut Ui, state: &State) {
    let results = state.results();
    let Some(surprise) = results.and_then(|own| own.surprise.value.as_ref()) else {
        return;
    };
    if !state.shown.surprise || state.workspace == Workspace::Look {
        return;
    }
    let losses = surprise.words.iter().map(|(_, loss)| f64::from(*loss));
    let mean = losses.sum::<f64>() / surprise.words.len().max(1) as f64;
    ui.horizontal_wrapped(|ui| {
        parts::legend(
            ui,
            &format!("{STRONGEST:.0} nats and more"),
            parts::Scale::Even,
        );
        let said = format!("how little each word is expected, {mean:.1} in the mean");
        parts::soft(ui, said);
    });
}

/// How much of what the model can read at once the note takes, and what is done if it is more.
fn budget(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let Some(tokens) = state.tokens() else {
        let failure = state.results().and_then(|own| own.tokens.failure.as_ref());
        let said = match (&state.model, failure) {
            (_, Some(failure)) => failure.clone(),
            (ModelState::None, None) => "No model: the text can be read and searched".to_owned(),
            (ModelState::Loading(_), None) => "The model is loading…".to_owned(),
            (ModelState::Failed(..), None) => "The model could not be loaded".to_owned(),
            (ModelState::Ready(..), None) => "Cutting into tokens…".to_owned(),
        };
        parts::soft(ui, said);
        if matches!(state.model, ModelState::None | ModelState::Failed(..)) {
            let action = Action::OpenModel;
            controls::action_button(ui, "Choose a model…", action, state, commands);
        }
        return;
    };
    let (used, most) = (tokens.coverage.tokens, tokens.coverage.max_tokens);
    parts::budget(ui, used, most, 120.0);
    let said = format!("{} of {} tokens", thousands(used), thousands(most));
    parts::soft(ui, said);
    encoding(ui, state, commands);
    if used > most {
        let chosen = state.settings.long_notes;
        let what = egui::ComboBox::from_id_salt("long notes")
            .selected_text(chosen.name())
            .show_ui(ui, |ui| {
                for choice in LongChoice::ALL {
                    if ui
                        .selectable_label(choice == chosen, choice.name())
                        .clicked()
                    {
                        commands.push(Command::Long(choice));
                    }
                }
            });
        name(&what.response, "What is done with notes that are too long");
        parts::soft(ui, way(tokens));
    }
}

/// How the file was read, where that was not plain.
fn encoding(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let Some(Source::File(file, _)) = state.entry().map(|own| own.note.source()) else {
        return;
    };
    if !file.guessed && file.encoding == TextEncoding::Utf8 {
        return;
    }
    let said = match file.guessed {
        true => format!("{} (a guess)", file.encoding),
        false => file.encoding.to_string(),
    };
    let chooser = egui::ComboBox::from_id_salt("encoding")
        .selected_text(said)
        .show_ui(ui, |ui| {
            for own in TextEncoding::ALL {
                let label = ui.selectable_label(own == file.encoding, own.to_string());
                if label.clicked() {
                    commands.push(Command::Encoding(file.path.clone(), own));
                }
            }
        });
    name(&chooser.response, "How the file spells characters");
}

/// How a note that is too long is read, in words.
fn way(tokens: &NoteTokens) -> String {
    let windows = tokens.coverage.windows;
    match tokens.coverage.read {
        Way::Whole => String::new(),
        Way::First => "the grey end is not read".to_owned(),
        Way::Last => "the grey beginning is not read".to_owned(),
        Way::Windows => format!("read in {windows} windows"),
        Way::Sections => format!("read in {windows} windows of whole sections"),
    }
}
