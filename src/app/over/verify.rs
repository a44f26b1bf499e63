//! Offline: how anyone can check it.

use eframe::egui::{RichText, Ui};

use super::dialog;

use crate::app::command::{Action, Command};
use crate::app::theme;
use crate::app::widgets::parts;

/// What to do, and what it shows.
const WAYS: [(&str, &str); 3] = [
    (
        "cargo test --test architecture",
        "reads the list of all crates that are built and fails if an HTTP, TLS or networking crate is among them",
    ),
    (
        "unshare --net --map-root-user auscult",
        "runs Auscult on Linux without any network; everything works as before",
    ),
    (
        "ss --processes --tcp --udp | grep auscult",
        "lists its connections on Linux while it runs: there is none",
    ),
];

/// Draws it.
pub fn ui(ui: &Ui, commands: &mut Vec<Command>) {
    let close = dialog(ui, "Offline", 560.0, |ui| {
        let palette = theme::palette(ui);
        let said = "Auscult has no account, sends no reports, and asks for no updates: no HTTP, \
                    TLS or networking crate is built into it. On Linux it speaks with the desktop of this \
                    computer (D-Bus), for dialogs and screen readers. You need not believe it:";
        ui.label(said);
        for (command, shows) in WAYS {
            ui.add_space(8.0);
            ui.label(RichText::new(command).monospace().color(palette.accent));
            parts::soft(ui, shows);
        }
        ui.add_space(8.0);
        let said = "On the disk it keeps settings and the names of the files that were open, never text \
                    of notes.";
        parts::soft(ui, said);
    });
    if close {
        commands.push(Command::Do(Action::Verify));
    }
}
