//! The sections of the note on view.

use eframe::egui::{self, Key, Modifiers, ScrollArea, Ui};

use super::View;
use crate::app::command::Command;
use crate::app::controls;
use crate::app::moving;
use crate::app::state::State;
use crate::app::widgets::parts::{self, thousands};

/// The list of sections.
#[derive(Default)]
pub struct Outline;

impl View for Outline {
    fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        let Some(view) = &state.on_view else {
            let text = "The sections of a note, to jump to.";
            controls::empty(ui, "No note on view", text, None, commands);
            return;
        };
        if view.outline.len() < 2 {
            let text = "No line of this note looks like a heading.";
            controls::empty(ui, "One piece", text, None, commands);
            return;
        }
        let now = state.selection.bytes().map(|own| own.start);
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for (number, section) in view.outline.iter().enumerate() {
                let here = now.is_some_and(|now| section.span.contains(&now));
                let name = match section.name.trim() {
                    "" => "Before the first heading",
                    name => name,
                };
                let text = view.note.text();
                let words = text[section.body.clone()].split_whitespace().count();
                let second = match section.known || section.title.is_empty() {
                    true => format!("{} words", thousands(words)),
                    false => format!("{} words · heading of its own", thousands(words)),
                };
                let row = ui.push_id(number, |ui| parts::list_row(ui, here, name, &second, None));
                // The menu of the right button is there for keys as well.
                let asked = row.inner.has_focus()
                    && ui.input_mut(|own| own.consume_key(Modifiers::SHIFT, Key::Enter));
                if asked {
                    egui::Popup::open_id(ui.ctx(), egui::Popup::default_response_id(&row.inner));
                }
                if row.inner.clicked() && !asked {
                    commands.push(Command::Select(moving::heading(text, section)));
                }
                let heading = text.get(section.title.clone()).unwrap_or_default();
                if !heading.is_empty() {
                    row.inner
                        .context_menu(|ui| menu(ui, heading, state, commands));
                }
            }
        });
    }

    fn help(&self) -> &'static str {
        "The sections of the note by their headings. Click one to go there; its menu (right button, or Shift+Enter) gives a heading another \
         name or says that it is none, and that is remembered."
    }
}

/// What can be done about a heading.
fn menu(ui: &mut Ui, heading: &str, state: &State, commands: &mut Vec<Command>) {
    if ui.button("Not a heading").clicked() {
        commands.push(Command::Heading(heading.to_owned(), String::new()));
        ui.close();
    }
    ui.menu_button("It stands for", |ui| {
        ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
            for name in state.rules.section_names() {
                if ui.button(name).clicked() {
                    commands.push(Command::Heading(heading.to_owned(), name.to_owned()));
                    ui.close();
                }
            }
        });
    });
    if state.settings.headings.contains_key(heading) && ui.button("As usual").clicked() {
        commands.push(Command::UsualHeading(heading.to_owned()));
        ui.close();
    }
}
