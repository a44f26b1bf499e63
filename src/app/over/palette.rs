//! Search or run: every action, every open note, by a few letters of its name.

use eframe::egui::{self, Event, Id, Key, Modal, Modifiers, ScrollArea, Ui};

use crate::app::command::{Action, Command};
use crate::app::library::NoteKey;
use crate::app::state::State;
use crate::app::theme;
use crate::app::views::Panel;
use crate::app::widgets::parts::{self, name};

/// The palette.
#[derive(Default)]
pub struct Palette {
    text: String,
    chosen: usize,
    /// Whether it was open in the frame before.
    was_open: bool,
    /// What its field has when it opens, and what was typed with the keys that open it.
    begins: &'static str,
    typed: String,
}

/// What a line of the palette stands for.
#[derive(Debug, Clone, PartialEq)]
enum Line {
    Action(Action),
    Figure(Panel, String),
    Numbers(Panel, String),
    Note(NoteKey, String),
}

/// What its field has where a person wants to export something.
const EXPORT: &str = "export ";

/// Lines that are listed.
const MOST: usize = 60;

/// Width in points.
const WIDTH: f32 = 560.0;

impl Palette {
    /// What was typed in this frame after the keys that open it.
    pub fn begin_with(&mut self, typed: String) {
        self.typed = typed;
    }

    /// Opens, or opens anew, with what can be exported.
    pub fn lists_exports(&mut self) {
        self.begins = EXPORT;
        self.was_open = false;
    }

    /// Draws it if it is `open`; `panels` are those of the workspace.
    pub fn ui(
        &mut self,
        ui: &Ui,
        open: bool,
        panels: &[Panel],
        state: &State,
        commands: &mut Vec<Command>,
    ) {
        if !open {
            self.was_open = false;
            return;
        }
        let first = !std::mem::replace(&mut self.was_open, true);
        if first {
            self.text =
                std::mem::take(&mut self.begins).to_owned() + &std::mem::take(&mut self.typed);
            self.chosen = 0;
            // The field may have the keys from the next frame on only; where it has them, nothing comes twice.
            ui.input_mut(|input| {
                input.events.retain(|event| match event {
                    Event::Text(more) => {
                        self.text.push_str(more);
                        false
                    }
                    _ => true,
                });
            });
        }
        let (enter, up, down) = ui.input_mut(|input| {
            (
                input.consume_key(Modifiers::NONE, Key::Enter),
                input.consume_key(Modifiers::NONE, Key::ArrowUp),
                input.consume_key(Modifiers::NONE, Key::ArrowDown),
            )
        });
        let lines = lines(&self.text, panels, state);
        let last = lines.len().saturating_sub(1);
        self.chosen = match (up, down) {
            (true, _) => self.chosen.checked_sub(1).unwrap_or(last),
            (_, true) if self.chosen >= last => 0,
            (_, true) => self.chosen + 1,
            _ => self.chosen.min(last),
        };
        let moved = up || down;
        let mut clicked = None;
        let room = ui.ctx().content_rect().size();
        let modal = Modal::new(Id::unique("palette")).area(
            Modal::default_area(Id::unique("palette")).anchor(
                egui::Align2::CENTER_TOP,
                egui::vec2(0.0, room.y.min(700.0) * 0.1),
            ),
        );
        let response = modal.show(ui.ctx(), |ui| {
            ui.set_width(WIDTH.min(room.x - 60.0));
            let field = egui::TextEdit::singleline(&mut self.text)
                .id_salt("palette")
                .hint_text("Search notes and commands")
                .font(egui::FontId::proportional(16.0))
                .desired_width(f32::INFINITY);
            let field = ui.add(field);
            name(&field, "Search notes and commands");
            field.request_focus();
            if field.changed() {
                self.chosen = 0;
            }
            ui.add_space(4.0);
            if lines.is_empty() {
                parts::soft(ui, "Nothing has a name like this.");
            }
            ScrollArea::vertical()
                .max_height((room.y * 0.8 - 90.0).clamp(120.0, 380.0))
                .show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = 0.0;
                    for (number, line) in lines.iter().enumerate() {
                        let row = row(ui, line, number == self.chosen, state);
                        if moved && number == self.chosen {
                            row.scroll_to_me(None);
                        }
                        if row.clicked() {
                            clicked = Some(number);
                        }
                    }
                });
        });
        // Where frames are slow, letters and Enter come in one: what was typed counts, not what was
        // listed before.
        let line = match clicked {
            Some(number) => lines.into_iter().nth(number),
            None if enter => self::lines(&self.text, panels, state)
                .into_iter()
                .nth(self.chosen),
            None => None,
        };
        if let Some(line) = line {
            // It is closed first, since what is run may open something else.
            commands.push(Command::Do(Action::Palette));
            commands.push(match line {
                Line::Action(action) => Command::Do(action),
                Line::Figure(panel, _) => Command::Figure(panel),
                Line::Numbers(panel, _) => Command::Numbers(panel),
                Line::Note(key, _) => Command::Show(key),
            });
        } else if response.should_close() {
            commands.push(Command::Do(Action::Palette));
        }
    }
}

fn row(ui: &mut Ui, line: &Line, chosen: bool, state: &State) -> egui::Response {
    let palette = theme::palette(ui);
    let keys = |action: Action| {
        let keys = state.keys.of(action);
        keys.first().map(|own| own.text(ui.ctx()))
    };
    let (text, keys) = match line {
        Line::Action(action) => (action.title(), keys(*action)),
        Line::Figure(_, title) | Line::Numbers(_, title) => (title.as_str(), None),
        Line::Note(_, title) => (title.as_str(), Some("note".to_owned())),
    };
    let mut button =
        egui::Button::selectable(chosen, text).min_size(egui::vec2(ui.available_width(), 28.0));
    if let Some(keys) = keys {
        let keys = egui::RichText::new(keys).small().color(palette.soft);
        button = button.right_text(keys);
    }
    ui.add(button)
}

/// Actions that take something out of the window.
const EXPORTS: [Action; 3] = [Action::SavePoints, Action::CopyPoints, Action::SaveRecipe];

/// The title of what takes something out of the window is found by that as well.
fn exported(title: &str) -> String {
    format!("{title} {}", EXPORT.trim())
}

/// What fits the text, the best first.
fn lines(text: &str, panels: &[Panel], state: &State) -> Vec<Line> {
    let wanted = text.trim().to_lowercase();
    let actions = (Action::ALL.iter())
        .filter(|action| **action != Action::Palette)
        .map(|action| {
            let title = action.title().to_lowercase();
            let exports = EXPORTS.contains(action);
            (
                Line::Action(*action),
                if exports { exported(&title) } else { title },
            )
        });
    let of_panels = panels.iter().flat_map(|panel| {
        let figure = format!("Save a figure of {} (PNG, SVG)…", panel.title());
        let numbers = format!("Copy the numbers of {}", panel.title());
        let lowered = |text: &String| exported(&text.to_lowercase());
        let titles = (lowered(&figure), lowered(&numbers));
        [
            (Line::Figure(*panel, figure), titles.0),
            (Line::Numbers(*panel, numbers), titles.1),
        ]
    });
    let notes = state.library.entries().iter().map(|own| {
        let line = Line::Note(own.key, own.title.clone());
        (line, own.title.to_lowercase())
    });
    let mut found: Vec<(usize, Line)> = actions
        .chain(of_panels)
        .chain(notes)
        .filter_map(|(line, title)| Some((fit(&wanted, &title)?, line)))
        .collect();
    found.sort_by_key(|(fit, _)| *fit);
    found.truncate(MOST);
    found.into_iter().map(|(_, line)| line).collect()
}

/// How well a title fits, 0 the best; nothing if the letters are not in it in this order.
fn fit(wanted: &str, title: &str) -> Option<usize> {
    if title.starts_with(wanted) {
        return Some(0);
    }
    if let Some(at) = title.find(wanted) {
        // At the beginning of a word is better than inside.
        let begins = title[..at].ends_with([' ', ':', '-']);
        return Some(if begins { 1 } else { 2 });
    }
    let mut letters = title.chars();
    let all = (wanted.chars()).all(|wanted| letters.any(|letter| letter == wanted));
    all.then_some(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_word_fits_best() {
        assert_eq!(fit("mask", "mask the word and fill it"), Some(0));
        assert_eq!(fit("word", "mask the word and fill it"), Some(1));
        assert_eq!(fit("ask", "mask the word and fill it"), Some(2));
        assert_eq!(fit("mwf", "mask the word and fill it"), Some(3));
        assert_eq!(fit("xyz", "mask the word and fill it"), None);
        assert_eq!(fit("", "anything"), Some(0));
    }
}
