//! Settings: colours, size, models, where to compute, keys.

use std::path::Path;

use eframe::egui::{self, Event, Grid, Key, RichText, ScrollArea, Ui};

use super::dialog;
use crate::app::controls;

use crate::app::command::{Action, Command};
use crate::app::keys::Shortcut;
use crate::app::settings::LongChoice;
use crate::app::state::{ModelState, State};
use crate::app::theme::{self, Look};
use crate::app::widgets::parts::{self, name, thousands};

/// The settings.
#[derive(Default)]
pub struct Settings {
    /// The action that waits for its key.
    waits: Option<Action>,
    filter: String,
}

/// Where to compute, as `--device` has it, with what it means.
const DEVICES: [(&str, &str); 4] = [
    ("auto", "Whatever is best"),
    ("gpu", "Graphics card"),
    ("cpu", "Processor"),
    ("software", "Software renderer"),
];

impl Settings {
    /// Draws them.
    pub fn ui(&mut self, ui: &Ui, state: &State, commands: &mut Vec<Command>) {
        let close = dialog(ui, "Settings", 680.0, |ui| {
            Grid::new("settings")
                .num_columns(2)
                .spacing([24.0, 12.0])
                .show(ui, |ui| {
                    self.general(ui, state, commands);
                    models(ui, state, commands);
                    headings(ui, state, commands);
                });
            ui.add_space(14.0);
            self.keys(ui, state, commands);
        });
        if close {
            if self.waits.take().is_some() {
                // Escape gives up the key, not the settings.
                return;
            }
            commands.push(Command::Do(Action::Settings));
        }
    }

    fn general(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        let own = &state.settings;
        ui.label("Colours");
        ui.horizontal_wrapped(|ui| {
            for look in Look::ALL {
                if ui.selectable_label(own.look == look, look.name()).clicked() {
                    commands.push(Command::Look(look));
                }
            }
        });
        ui.end_row();
        ui.label("Size");
        ui.horizontal_wrapped(|ui| {
            controls::action_button(ui, "−", Action::Smaller, state, commands);
            ui.monospace(format!("{:.0} %", 100.0 * own.zoom));
            controls::action_button(ui, "+", Action::Larger, state, commands);
        });
        ui.end_row();
        ui.label("Long notes");
        ui.horizontal_wrapped(|ui| {
            for choice in LongChoice::ALL {
                let chosen = own.long_notes == choice;
                if ui.selectable_label(chosen, choice.name()).clicked() {
                    commands.push(Command::Long(choice));
                }
            }
        });
        ui.end_row();
        ui.label("Memory for results");
        ui.horizontal_wrapped(|ui| {
            for megabytes in [256, 1024, 2048, 8192] {
                let text = format!("{} MB", thousands(megabytes));
                let chosen = own.cache_mb == megabytes;
                if ui.selectable_label(chosen, text).clicked() {
                    commands.push(Command::Cache(megabytes));
                }
            }
            let now = state.cached() >> 20;
            parts::soft(ui, format!("{} MB now", thousands(now)));
        });
        ui.end_row();
        ui.label("Compute on");
        ui.horizontal_wrapped(|ui| {
            for (device, text) in DEVICES {
                if ui.selectable_label(own.device == device, text).clicked() {
                    commands.push(Command::Device(device.to_owned()));
                }
            }
        });
        ui.end_row();
    }

    /// The list of actions with their keys.
    fn keys(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        let palette = theme::palette(ui);
        parts::sides(
            ui,
            |ui| {
                ui.label(RichText::new("Keys").font(theme::strong(14.0)));
            },
            |ui| {
                let field = egui::TextEdit::singleline(&mut self.filter)
                    .id_salt("keys filter")
                    .hint_text("Filter");
                let field = ui.add(field.desired_width(160.0));
                name(&field, "Filter keys");
            },
        );
        if let Some(action) = self.waits
            && let Some(pressed) = pressed(ui)
        {
            match state.keys.conflict(action, pressed) {
                Some(_) => {}
                None => {
                    commands.push(Command::Rebind(action, Some(pressed)));
                    self.waits = None;
                }
            }
        }
        let wanted = self.filter.to_lowercase();
        let shown = Action::ALL.iter().copied();
        let shown = shown.filter(|own| own.title().to_lowercase().contains(&wanted));
        for action in shown {
            ui.push_id(action.id(), |ui| {
                ui.horizontal(|ui| {
                    ui.label(action.title());
                    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                        if state.settings.keys.contains_key(action.id()) {
                            let back = ui.small_button("Usual");
                            name(&back, &format!("Usual keys: {}", action.title()));
                            if back.clicked() {
                                commands.push(Command::Rebind(action, None));
                            }
                        }
                        let waits = self.waits == Some(action);
                        let keys = state.keys.of(action);
                        let keys: Vec<String> = keys.iter().map(|own| own.text(ui.ctx())).collect();
                        let text = match (waits, keys.is_empty()) {
                            (true, _) => "Press a key…".to_owned(),
                            (false, true) => "No key".to_owned(),
                            (false, false) => keys.join("  "),
                        };
                        let button = ui.small_button(text);
                        name(&button, &format!("Change the key: {}", action.title()));
                        if button.clicked() {
                            self.waits = (!waits).then_some(action);
                        }
                        if waits
                            && let Some(pressed) = pressed(ui)
                            && let Some(other) = state.keys.conflict(action, pressed)
                        {
                            let said = format!("{pressed} is already: {}", other.title());
                            ui.colored_label(palette.warn, said);
                        }
                    });
                });
            });
        }
    }
}

/// The key that goes down in this frame, with what is held beside it.
fn pressed(ui: &Ui) -> Option<Shortcut> {
    ui.input(|input| {
        input.events.iter().find_map(|event| match event {
            Event::Key {
                key,
                pressed: true,
                repeat: false,
                modifiers,
                ..
            } if !matches!(key, Key::Escape | Key::Tab) => Some(Shortcut {
                command: modifiers.command,
                shift: modifiers.shift,
                alt: modifiers.alt,
                key: *key,
            }),
            _ => None,
        })
    })
}

fn models(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    for (title, own, action) in [
        ("Model", &state.model, Action::OpenModel),
        ("Predictor", &state.predictor, Action::OpenPredictor),
    ] {
        let palette = theme::palette(ui);
        ui.vertical(|ui| ui.label(title));
        ui.vertical(|ui| {
            ui.set_max_width(ui.available_width().min(420.0));
            match own {
                ModelState::None => {
                    parts::soft(ui, "None");
                }
                ModelState::Loading(folder) => {
                    parts::soft(ui, format!("Loading {}…", folder.display()));
                }
                ModelState::Ready(folder, info) => {
                    ui.label(RichText::new(&info.name).font(theme::strong(13.5)));
                    let local = info.layers - info.global_layers;
                    let said = format!(
                        "{}, {} parameters, {} layers ({} global, {local} local), {} heads, reads {} \
                         tokens",
                        info.head,
                        thousands(info.parameters),
                        info.layers,
                        info.global_layers,
                        info.heads,
                        thousands(info.max_tokens),
                    );
                    parts::soft(ui, said);
                    path(ui, folder);
                    if info.random_weights {
                        ui.colored_label(palette.warn, "Its weights are random.");
                    }
                }
                ModelState::Failed(folder, reason) => {
                    path(ui, folder);
                    // A table of tensors that do not fit has its columns under each other.
                    ScrollArea::both().max_height(160.0).show(ui, |ui| {
                        let text = RichText::new(reason).monospace().color(palette.bad);
                        ui.add(egui::Label::new(text).extend());
                    });
                }
            }
            controls::action_button(ui, "Choose a folder…", action, state, commands);
        });
        ui.end_row();
    }
}

/// The headings that stand for something else than usual.
fn headings(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    ui.label("Headings");
    ui.vertical(|ui| {
        if state.settings.headings.is_empty() {
            let said = "As usual. A wrong one is mended in the outline, with the right button.";
            parts::soft(ui, said);
        }
        for (heading, section) in &state.settings.headings {
            ui.horizontal(|ui| {
                let what = match section.is_empty() {
                    true => format!("“{heading}” is no heading"),
                    false => format!("“{heading}” stands for {section}"),
                };
                ui.label(what);
                let usual = ui.small_button("As usual");
                name(&usual, &format!("As usual: {heading}"));
                if usual.clicked() {
                    commands.push(Command::UsualHeading(heading.clone()));
                }
            });
        }
    });
    ui.end_row();
}

fn path(ui: &mut Ui, folder: &Path) {
    let text = RichText::new(folder.display().to_string()).small();
    let palette = theme::palette(ui);
    ui.add(egui::Label::new(text.color(palette.soft)).truncate());
}
