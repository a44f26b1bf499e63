//! The notes that are open: a list that can be filtered, and a search in all of them.

use eframe::egui::{self, Key, ScrollArea, Ui};

use super::View;
use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::jobs::Purpose;
use crate::app::library::NoteKey;
use crate::app::state::State;
use crate::app::theme;
use crate::app::widgets::parts::{self, name, thousands};
use crate::engine::counted;

/// The list of notes.
#[derive(Default)]
pub struct Library {
    /// The note that was in sight last.
    followed: Option<NoteKey>,
    /// How often the search in all notes was to get the keys.
    focused: u64,
}

/// Height of a row with the space after it.
const ROW: f32 = 42.0;

impl View for Library {
    fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        ui.horizontal(|ui| {
            let menu = egui::containers::menu::MenuButton::new("Open");
            menu.ui(ui, |ui| {
                for action in [Action::OpenFiles, Action::OpenFolder, Action::PasteNote] {
                    if controls::menu_item(ui, action, state) {
                        commands.push(Command::Do(action));
                        ui.close();
                    }
                }
                ui.separator();
                if controls::menu_item(ui, Action::CloseNote, state) {
                    commands.push(Command::Do(Action::CloseNote));
                }
                if controls::menu_item(ui, Action::CloseNotes, state) {
                    commands.push(Command::Do(Action::CloseNotes));
                    ui.close();
                }
            });
            let mut filter = state.library.filter().to_owned();
            let field = egui::TextEdit::singleline(&mut filter)
                .id_salt("library filter")
                .hint_text("Filter by name")
                .desired_width(f32::INFINITY);
            let field = ui.add(field);
            name(&field, "Filter notes by name");
            if field.changed() {
                commands.push(Command::Filter(filter));
            }
        });
        if state.find_all.open {
            search(ui, &mut self.focused, state, commands);
        }
        let (shown, all) = (state.library.shown().len(), state.library.entries().len());
        if all == 0 {
            if state.jobs.is_running(|own| *own == Purpose::Import) {
                controls::empty(ui, "Reading notes…", "They appear here.", None, commands);
            } else {
                let text = "Open files or a folder, drop them here, or paste a text.";
                let action = ("Open notes…", Command::Do(Action::OpenFiles));
                controls::empty(ui, "No notes yet", text, Some(action), commands);
            }
            return;
        }
        let said = match shown == all {
            true => counted(all, "note"),
            false => format!("{} of {}", thousands(shown), counted(all, "note")),
        };
        parts::soft(ui, said);
        if shown == 0 {
            controls::empty(
                ui,
                "Nothing found",
                "No note has these words.",
                None,
                commands,
            );
            return;
        }
        self.list(ui, state, commands);
    }

    fn help(&self) -> &'static str {
        "The notes that are open. Filter by title, or look for words in all of them; J and K go to the next \
         note and the one before. Drop files or folders anywhere, or paste a text."
    }
}

impl Library {
    fn list(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        let on_view = state.on_view.as_ref().map(|own| own.key);
        let mut area = ScrollArea::vertical().id_salt("notes").auto_shrink(false);
        if self.followed != on_view {
            self.followed = on_view;
            let place = state
                .library
                .shown()
                .position(|(own, _)| Some(own.key) == on_view);
            // As near the middle as it goes: what is in sight already may jump, but is never lost.
            if let Some(place) = place {
                let to = place as f32 * ROW - ui.available_height() / 2.0;
                area = area.vertical_scroll_offset(to.max(0.0));
            }
        }
        ui.spacing_mut().item_spacing.y = 0.0;
        let count = state.library.shown().len();
        area.show_rows(ui, ROW, count, |ui, rows| {
            let shown = state.library.shown().skip(rows.start).take(rows.len());
            for (entry, hits) in shown {
                let chosen = on_view == Some(entry.key);
                let hits = hits.map(|hits| counted(hits, "hit"));
                let row = ui.push_id(entry.key, |ui| {
                    parts::list_row(ui, chosen, &entry.title, &entry.origin, hits.as_deref())
                });
                let row = row.inner.on_hover_text(entry.note.source().to_string());
                if row.clicked() {
                    commands.push(Command::Show(entry.key));
                }
            }
        });
    }
}

/// The field of the search in all notes.
fn search(ui: &mut Ui, focused: &mut u64, state: &State, commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    let mut wanted = state.find_all.wanted.clone();
    let before = wanted.clone();
    let field = egui::TextEdit::singleline(&mut wanted.text)
        .id_salt("library search")
        .hint_text("Find in all notes")
        .desired_width(f32::INFINITY);
    let field = ui.add(field);
    name(&field, "Find in all notes");
    let focus = state.find_all.focus;
    if std::mem::replace(focused, focus) != focus {
        field.request_focus();
    }
    if field.lost_focus() && ui.input(|input| input.key_pressed(Key::Escape)) {
        commands.push(Command::Do(Action::Clear));
    }
    ui.horizontal_wrapped(|ui| {
        ui.checkbox(&mut wanted.pattern, "Pattern");
        ui.checkbox(&mut wanted.case, "Capitals");
    });
    if wanted != before {
        commands.push(Command::FindInLibrary(wanted));
    }
    if let Some(wrong) = &state.find_all.wrong {
        ui.colored_label(palette.bad, wrong);
    } else if let Some(found) = state.library.search_state() {
        let all = state.library.entries().len();
        let said = format!(
            "{} in {}{}",
            counted(found.hits, "hit"),
            counted(found.notes, "note"),
            match found.looked < all {
                true => format!(", {} % searched", 100 * found.looked / all.max(1)),
                false => String::new(),
            }
        );
        parts::soft(ui, said);
    }
}
