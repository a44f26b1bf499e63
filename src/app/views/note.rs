//! The text of the note on view, as the model reads it.

use std::ops::Range;
use std::sync::Arc;

use eframe::egui::{self, Id, Key, Modifiers, RichText, Ui};

use super::View;
use super::library::name;
use crate::app::command::{Action, Command};
use crate::app::jobs::Purpose;
use crate::app::library::NoteKey;
use crate::app::moving;
use crate::app::settings::LongChoice;
use crate::app::state::{ModelState, Results, State, Surprise, Workspace};
use crate::app::theme;
use crate::app::widgets::note_text::{Marks, NoteText, Touched, Underline};
use crate::app::widgets::parts::{self, thousands};
use crate::app::widgets::same::Of;
use crate::engine::{
    AttentionResult, Note, NoteTokens, Source, TaggedNote, TextEncoding, Way, words,
};

/// The text with its bar of tools.
#[derive(Default)]
pub struct NoteView {
    text: NoteText,
    read: Cached<NoteTokens, Vec<Range<usize>>>,
    tint: Cached<Surprise, Vec<(Range<usize>, f32)>>,
    glow: Cached<AttentionResult, Vec<(Range<usize>, f32)>>,
    lines: Cached<TaggedNote, Vec<Underline>>,
    words: Cached<Note, Vec<Range<usize>>>,
    field: String,
}

/// Something made of a result, until there is another one.
struct Cached<S, T> {
    of: Of<S>,
    value: T,
}

impl<S, T: Default> Default for Cached<S, T> {
    fn default() -> Self {
        Self {
            of: Of::default(),
            value: T::default(),
        }
    }
}

impl<S, T: Default> Cached<S, T> {
    fn get(&mut self, source: Option<&Arc<S>>, make: impl FnOnce(&S) -> T) -> &T {
        if self.of.changes(source) {
            self.value = source.map(|own| make(own)).unwrap_or_default();
        }
        &self.value
    }
}

/// A loss, in nats, at which the tint is as strong as it gets: a word that one in 3,000 expects.
const STRONGEST: f32 = 8.0;

impl View for NoteView {
    fn ui(&mut self, ui: &mut Ui, state: &mut State, commands: &mut Vec<Command>) {
        let Some(key) = state.on_view.as_ref().map(|own| own.key) else {
            let text = "Choose one from the list, open files, or paste a text.";
            let action = ("Open notes…", Command::Do(Action::OpenFiles));
            parts::empty(ui, "No note on view", text, Some(action), commands);
            return;
        };
        ui.spacing_mut().item_spacing.y = 4.0;
        head(ui, state, commands);
        if state.find.open {
            self.find(ui, state, commands);
        }
        ui.separator();
        self.body(ui, key, state, commands);
    }

    fn help(&self) -> &'static str {
        "Click a word to choose it, drag over a part. Arrows go from token to token, with Alt by words and \
         sentences, brackets by sections. M masks the word, U tints by surprise, B shows tokens. In Look \
         the text glows where the word under the pointer looks. The strip at the right is the whole note."
    }
}

/// The name of the note, the budget of tokens, and what can be shown.
fn head(ui: &mut Ui, state: &mut State, commands: &mut Vec<Command>) {
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
    parts::toggle(ui, name, shown.surprise, Action::Surprise, state, commands);
    parts::toggle(ui, "Tokens", shown.tokens, Action::Tokens, state, commands);
    if shown.tokens {
        let ids = shown.ids;
        parts::toggle(ui, "Numbers", ids, Action::TokenIds, state, commands);
    }
    if has_spans(state) {
        let drawn = !shown.without_spans;
        parts::toggle(ui, "Spans", drawn, Action::Spans, state, commands);
    }
    parts::action_button(ui, "Predict", Action::Predict, state, commands);
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
            parts::action_button(ui, "Choose a model…", action, state, commands);
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

impl NoteView {
    /// The field of the search in the note.
    fn find(&mut self, ui: &mut Ui, state: &mut State, commands: &mut Vec<Command>) {
        let palette = theme::palette(ui);
        let mut wanted = state.find.wanted.clone();
        if self.field != wanted.text {
            wanted.text.clone_into(&mut self.field);
        }
        let before = wanted.clone();
        ui.horizontal(|ui| {
            let field = egui::TextEdit::singleline(&mut wanted.text)
                .id_salt("find")
                .hint_text("Find")
                .desired_width(220.0);
            let field = ui.add(field);
            name(&field, "Find in this note");
            if std::mem::take(&mut state.find.focus) {
                field.request_focus();
                // What was looked for last is replaced by what is typed now.
                parts::select_all(ui, field.id, &wanted.text);
            }
            if field.lost_focus() {
                let (enter, back, escape) = ui.input(|input| {
                    let enter = input.key_pressed(Key::Enter);
                    let shift = input.modifiers.matches_exact(Modifiers::SHIFT);
                    (enter, shift, input.key_pressed(Key::Escape))
                });
                if enter {
                    commands.push(Command::Hit(if back { -1 } else { 1 }));
                    field.request_focus();
                } else if escape {
                    commands.push(Command::Do(Action::Clear));
                }
            }
            ui.checkbox(&mut wanted.pattern, "Pattern");
            ui.checkbox(&mut wanted.case, "Capitals");
            if let Some(wrong) = &state.find.wrong {
                ui.colored_label(palette.bad, wrong);
            } else if !wanted.text.is_empty() {
                let hits = state.on_view.as_ref().map_or(0, |own| own.hits.len());
                for (text, by, said) in [("↑", -1, "Previous hit"), ("↓", 1, "Next hit")] {
                    let button = ui.button(text).on_hover_text(said);
                    name(&button, said);
                    if button.clicked() {
                        commands.push(Command::Hit(by));
                    }
                }
                parts::soft(ui, crate::engine::counted(hits, "hit"));
            }
        });
        if wanted != before {
            commands.push(Command::Find(wanted));
        }
    }

    fn body(&mut self, ui: &mut Ui, key: NoteKey, state: &mut State, commands: &mut Vec<Command>) {
        let reveal = state.selection.take_reveal();
        let state = &*state;
        let Some(view) = &state.on_view else {
            return;
        };
        let (results, tokens) = (state.results(), state.tokens());
        let text = view.note.text();
        let read = self.read.get(tokens, read_parts);
        let surprise = results.and_then(|own| own.surprise.value.as_ref());
        let surprise = surprise.filter(|_| state.shown.surprise);
        let tint = self.tint.get(surprise, |own| {
            let strength = |loss: f32| (loss / STRONGEST).clamp(0.0, 1.0);
            let words = own.words.iter();
            words
                .map(|(bytes, loss)| (bytes.clone(), strength(*loss)))
                .collect()
        });
        let looks = state.workspace == Workspace::Look;
        let attention = results.and_then(|own| own.attention.value.as_ref());
        let glow = self.glow.get(attention.filter(|_| looks), glow);
        let tags = results.and_then(|own| own.tags.value.as_ref());
        let tags = tags.filter(|_| !state.shown.without_spans);
        let tags = self.lines.get(tags, underlines);
        let pins;
        let lines = match looks {
            true => {
                pins = pinned(results);
                &pins
            }
            false => tags,
        };
        let chosen = match looks {
            true => state.looked_at(),
            false => state.selection.bytes(),
        };
        let marks = Marks {
            chosen,
            marked: state.map.marked.clone().filter(|_| looks),
            hits: &view.hits,
            tint: if looks { glow } else { tint },
            lines,
            tokens: tokens
                .filter(|_| state.shown.tokens)
                .map(|own| &own.tokens[..]),
            ids: state.shown.ids && state.shown.tokens,
            read,
        };
        let id = Id::unique(("note", key));
        let fill = theme::palette(ui).surface;
        let rect = ui.available_rect_before_wrap();
        ui.painter().rect_filled(rect, 0.0, fill);
        let touched = self.text.show(ui, id, text, &marks, reveal);
        self.touch(ui, state, &touched, commands);
    }

    fn touch(
        &mut self,
        ui: &mut Ui,
        state: &State,
        touched: &Touched,
        commands: &mut Vec<Command>,
    ) {
        let Some(view) = &state.on_view else {
            return;
        };
        let words = self.words.get(Some(&view.note), |own| words(own.text()));
        let word_at = |byte: usize| moving::part_at(words, byte);
        if let Some(bytes) = &touched.dragged {
            commands.push(Command::Point(bytes.clone()));
        }
        if let Some(byte) = touched.clicked {
            let word = word_at(byte);
            commands.push(Command::Point(word.unwrap_or(0..0)));
        }
        if state.workspace == Workspace::Look {
            let under = touched.hovered.and_then(word_at);
            if under != state.hovered {
                commands.push(Command::Hover(under));
            }
        }
        let Some(byte) = touched.hovered else {
            return;
        };
        let lines = self.lines.value.iter();
        let mut said: Vec<String> = lines
            .filter(|line| line.bytes.contains(&byte))
            .map(|line| line.label.clone())
            .collect();
        if state.shown.surprise {
            let results = state.results();
            let surprise = results.and_then(|own| own.surprise.value.as_ref());
            let words = surprise.map_or(&[][..], |own| &own.words);
            let place = words.partition_point(|(own, _)| own.end <= byte);
            if let Some((_, loss)) = words.get(place).filter(|(own, _)| own.contains(&byte)) {
                said.push(format!("Surprise {loss:.1} nats"));
            }
        }
        if !said.is_empty() {
            egui::Tooltip::always_open(
                ui.ctx().clone(),
                ui.layer_id(),
                ui.scope_id().with("said"),
                egui::PopupAnchor::Pointer,
            )
            .show(|ui| {
                for line in said {
                    ui.label(line);
                }
            });
        }
    }
}

/// The bytes that are read, where not all are.
fn read_parts(tokens: &NoteTokens) -> Vec<Range<usize>> {
    let coverage = &tokens.coverage;
    match coverage.read {
        Way::First | Way::Last => std::iter::once(coverage.read_start..coverage.read_end).collect(),
        Way::Whole | Way::Windows | Way::Sections => Vec::new(),
    }
}

/// What the lens shows, the strongest value as strong as it gets.
fn glow(found: &AttentionResult) -> Vec<(Range<usize>, f32)> {
    let most = found.items.iter().map(|own| own.value).fold(0.0, f32::max);
    if most <= 0.0 {
        return Vec::new();
    }
    let items = found.items.iter();
    items
        .map(|own| (own.start..own.end, own.value / most))
        .collect()
}

/// A value gets a line when it is at least this share of the strongest one.
const LINED: f32 = 0.35;

/// The strongest values of each pin, as lines of its own kind.
fn pinned(results: Option<&Results>) -> Vec<Underline> {
    let mut lines = Vec::new();
    for (number, pin) in results.iter().flat_map(|own| own.pins.iter().enumerate()) {
        for (bytes, strength) in glow(&pin.attention) {
            if strength >= LINED {
                lines.push(Underline {
                    bytes,
                    kind: number,
                    label: format!(
                        "Pin {}: {:.0} % of its strongest",
                        number + 1,
                        100.0 * strength
                    ),
                });
            }
        }
    }
    lines.sort_by_key(|own| own.bytes.start);
    lines
}

/// Spans as lines under the text, each kind with a line of its own.
fn underlines(tagged: &TaggedNote) -> Vec<Underline> {
    let mut kinds: Vec<&str> = tagged.spans.iter().map(|own| own.label.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let spans = tagged.spans.iter();
    spans
        .map(|span| Underline {
            bytes: span.start..span.end,
            kind: kinds.binary_search(&span.label.as_str()).unwrap_or(0),
            label: format!("{} · score {:.2}", span.label, span.score),
        })
        .collect()
}
