//! What is chosen in the note: its tokens, and what could stand in its place.

use eframe::egui::{self, RichText, ScrollArea, Ui};

use super::View;
use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::jobs::Purpose;
use crate::app::moving;
use crate::app::state::State;
use crate::app::theme;
use crate::app::widgets::parts;

/// The panel.
#[derive(Default)]
pub struct SelectionView;

/// Tokens that are listed one by one.
const LISTED: usize = 40;

impl View for SelectionView {
    fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        let (Some(view), Some(chosen)) = (&state.on_view, state.selection.bytes()) else {
            let text = "Click a word of the note, or press → to go from token to token.";
            controls::empty(ui, "Nothing chosen", text, None, commands);
            return;
        };
        let palette = theme::palette(ui);
        let text = view.note.text();
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let words = text.get(chosen.clone()).unwrap_or_default();
            let shown = egui::Label::new(RichText::new(words).font(theme::strong(16.0)));
            ui.add(shown.truncate());
            let section = view
                .outline
                .iter()
                .find(|own| own.span.contains(&chosen.start));
            let section = section.map_or("", |own| own.name.as_str());
            let place = format!("bytes {} to {}", chosen.start, chosen.end);
            parts::soft(
                ui,
                match section {
                    "" => place,
                    section => format!("{section} · {place}"),
                },
            );
            if let Some(tokens) = state.tokens() {
                ui.add_space(6.0);
                let own: Vec<usize> = tokens.at(&chosen).collect();
                parts::heading(ui, &crate::engine::counted(own.len(), "token"));
                ui.horizontal_wrapped(|ui| {
                    ui.spacing_mut().item_spacing = egui::vec2(4.0, 4.0);
                    for &number in own.iter().take(LISTED) {
                        let token = &tokens.tokens[number];
                        let drawn = moving::drawn(text, token);
                        let label = match text.get(drawn).unwrap_or_default() {
                            own if own.contains('\n') => "⏎",
                            own if own.trim().is_empty() => "space",
                            own => own,
                        };
                        let label = RichText::new(label).monospace();
                        let chip = egui::Button::new(label).small();
                        let chip = ui.add(chip).on_hover_text(format!(
                            "token {number}, number {} in the vocabulary, written {}{}",
                            token.id,
                            token.spelling,
                            match tokens.is_read(number) {
                                true => "",
                                false => "; not read by the model",
                            }
                        ));
                        if chip.clicked() {
                            commands.push(Command::Select(moving::drawn(text, token)));
                        }
                    }
                    if own.len() > LISTED {
                        parts::soft(ui, format!("and {} more", own.len() - LISTED));
                    }
                });
            }
            ui.add_space(10.0);
            ui.horizontal(|ui| {
                parts::heading(ui, "What could stand here");
                let busy = (state.jobs).is_running(|own| matches!(own, Purpose::Fill(..)));
                if busy {
                    ui.spinner();
                }
            });
            let results = state.results();
            let fill = results.and_then(|own| own.fill.value.as_ref());
            let mask = fill.and_then(|own| own.masks.first());
            let fits = |start: usize, end: usize| start < chosen.end && chosen.start < end;
            match mask.filter(|own| fits(own.start, own.end)) {
                Some(mask) if mask.was_read => {
                    parts::soft(
                        ui,
                        "Scores of the model with the word hidden, not probabilities.",
                    );
                    if mask.approximate {
                        let said =
                            "Approximate: the word is several tokens, and one stands for them.";
                        parts::soft(ui, said);
                    }
                    for candidate in &mask.candidates {
                        let share = candidate.score;
                        let value = format!("{:.1} %", 100.0 * share);
                        let name = match candidate.text.trim() {
                            "" => spelled(&candidate.text),
                            name => name,
                        };
                        let bar = parts::bar(ui, share, name, &value, palette.accent);
                        bar.widget_info(|| {
                            let said = format!("{name}, score {value}");
                            egui::WidgetInfo::labeled(egui::Role::Label, true, said)
                        });
                    }
                    if fill.is_some_and(|own| own.random_weights) {
                        ui.colored_label(palette.warn, "Random weights: these mean nothing.");
                    }
                }
                Some(_) => {
                    parts::soft(ui, "This part of the note is not read.");
                }
                None => {
                    let action = Action::MaskWord;
                    controls::action_button(ui, "Mask and fill", action, state, commands);
                }
            }
            ui.add_space(10.0);
            let action = Action::Similar;
            controls::action_button(ui, "Find similar passages", action, state, commands);
        });
    }

    fn help(&self) -> &'static str {
        "What is chosen in the text: its tokens, and what the model would put in its place. M hides the \
         word and asks the model."
    }
}

/// What is said of a text without a letter.
fn spelled(text: &str) -> &'static str {
    match (text.contains('\n'), text.is_empty()) {
        (true, _) => "¶ (end of a line)",
        (false, true) => "(nothing)",
        (false, false) => "␣ (space)",
    }
}
