//! The text of the note on view, as the model reads it.

mod head;

use std::ops::Range;
use std::sync::Arc;

use eframe::egui::{self, Id, Key, Modifiers, Ui};

use super::View;
use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::library::NoteKey;
use crate::app::moving;
use crate::app::results::{Results, Surprise};
use crate::app::state::{State, Workspace};
use crate::app::theme;
use crate::app::widgets::note_text::{Marks, NoteText, Touched, Underline};
use crate::app::widgets::parts::{self, name};
use crate::app::widgets::same::Of;
use crate::engine::{AttentionResult, Note, NoteTokens, TaggedNote, Way, words};

/// The text with its bar of tools.
#[derive(Default)]
pub struct NoteView {
    text: NoteText,
    read: Cached<NoteTokens, Vec<Range<usize>>>,
    tint: Cached<Surprise, Vec<(Range<usize>, f32)>>,
    glow: Cached<AttentionResult, Vec<(Range<usize>, f32)>>,
    /// The range that the glow has, where it is kept.
    range: Option<f32>,
    lines: Cached<TaggedNote, Vec<Underline>>,
    words: Cached<Note, Vec<Range<usize>>>,
    field: String,
    /// How often the search was to get the keys, and what is chosen was to be in view.
    focused: u64,
    revealed: u64,
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

impl View for NoteView {
    fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        let Some(key) = state.on_view.as_ref().map(|own| own.key) else {
            let text = "Choose one from the list, open files, or paste a text.";
            let action = ("Open notes…", Command::Do(Action::OpenFiles));
            controls::empty(ui, "No note on view", text, Some(action), commands);
            return;
        };
        ui.spacing_mut().item_spacing.y = 4.0;
        head::ui(ui, state, commands);
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

impl NoteView {
    /// The field of the search in the note.
    fn find(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
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
            let focus = state.find.focus;
            if std::mem::replace(&mut self.focused, focus) != focus {
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

    fn body(&mut self, ui: &mut Ui, key: NoteKey, state: &State, commands: &mut Vec<Command>) {
        let wanted = state.selection.reveal();
        let reveal = std::mem::replace(&mut self.revealed, wanted) != wanted;
        let Some(view) = &state.on_view else {
            return;
        };
        let (results, tokens) = (state.results(), state.tokens());
        let text = view.note.text();
        let read = self.read.get(tokens, read_parts);
        let surprise = results.and_then(|own| own.surprise.value.as_ref());
        let surprise = surprise.filter(|_| state.shown.surprise);
        let tint = self.tint.get(surprise, |own| {
            let strength = |loss: f32| (loss / head::STRONGEST).clamp(0.0, 1.0);
            let words = own.words.iter();
            words
                .map(|(bytes, loss)| (bytes.clone(), strength(*loss)))
                .collect()
        });
        let looks = state.workspace == Workspace::Look;
        let attention = results.and_then(|own| own.attention.value.as_ref());
        let range = state.shown.range;
        if std::mem::replace(&mut self.range, range) != range {
            self.glow = Cached::default();
        }
        let glow = (self.glow).get(attention.filter(|_| looks), |own| glow(own, range));
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

/// What the lens shows; the strongest value is as strong as it gets, or the one that is kept.
fn glow(found: &AttentionResult, range: Option<f32>) -> Vec<(Range<usize>, f32)> {
    let most = range.unwrap_or(found.strongest());
    if most <= 0.0 {
        return Vec::new();
    }
    let items = found.items.iter();
    items
        .map(|own| (own.start..own.end, (own.value / most).min(1.0)))
        .collect()
}

/// A value gets a line when it is at least this share of the strongest one.
const LINED: f32 = 0.35;

/// The strongest values of each pin, as lines of its own kind.
fn pinned(results: Option<&Results>) -> Vec<Underline> {
    let mut lines = Vec::new();
    for (number, pin) in results.iter().flat_map(|own| own.pins.iter().enumerate()) {
        for (bytes, strength) in glow(&pin.attention, None) {
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
