//! Models: which files to fetch elsewhere, and the folder to open then.

use eframe::egui::{RichText, Ui};

use super::dialog;
use crate::app::controls;

use crate::app::command::{Action, Command, Quiet};
use crate::app::state::State;
use crate::app::theme;
use crate::app::widgets::parts::{self, name};

/// A model that many will want.
struct Known {
    name: &'static str,
    /// Its name on the model hub.
    hub: &'static str,
    says: &'static str,
}

const KNOWN: [Known; 3] = [
    Known {
        name: "Clinical ModernBERT",
        hub: "Simonlee711/Clinical_ModernBERT",
        says: "clinical notes and biomedical text, 137 million parameters",
    },
    Known {
        name: "BioClinical ModernBERT",
        hub: "thomas-sounack/BioClinical-ModernBERT-base",
        says: "clinical notes and biomedical text, 150 million parameters",
    },
    Known {
        name: "ModernBERT",
        hub: "answerdotai/ModernBERT-base",
        says: "general English, 150 million parameters",
    },
];

/// The files of each.
const FILES: &str = "config.json, model.safetensors, tokenizer.json, tokenizer_config.json";

/// Draws it.
pub fn ui(ui: &Ui, state: &State, commands: &mut Vec<Command>) {
    let close = dialog(ui, "Add a model", 600.0, |ui| {
        let palette = theme::palette(ui);
        let said = "Auscult fetches nothing by itself: a browser gets the files, here or on another \
                    computer. Put them into one folder, then open that folder.";
        ui.label(said);
        ui.add_space(8.0);
        for own in &KNOWN {
            parts::sides(
                ui,
                |ui| {
                    ui.vertical(|ui| {
                        ui.set_min_width(400.0);
                        ui.spacing_mut().item_spacing.y = 1.0;
                        ui.label(RichText::new(own.name).font(theme::strong(13.5)));
                        parts::soft(ui, own.says);
                    });
                },
                |ui| {
                    let copy = ui.button("Copy link");
                    name(&copy, &format!("Copy link: {}", own.name));
                    let link = format!("https://huggingface.co/{}/tree/main", own.hub);
                    if copy.on_hover_text(&link).clicked() {
                        commands.push(Command::Copy(Quiet(link)));
                    }
                },
            );
            ui.add_space(2.0);
        }
        ui.add_space(8.0);
        parts::heading(ui, "Files of each");
        ui.label(RichText::new(FILES).monospace().color(palette.ink));
        let said = "The licence of each stands on its page. Models in several parts and BERT models with \
                    vocab.txt open as well; so do models of your own.";
        parts::soft(ui, said);
        ui.add_space(10.0);
        let open = ui.add(parts::primary(ui, "Choose the folder…"));
        if controls::hint(open, Action::OpenModel, state).clicked() {
            commands.push(Command::Do(Action::OpenModel));
            ui.close();
        }
    });
    if close {
        commands.push(Command::Do(Action::Models));
    }
}
