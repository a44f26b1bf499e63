//! What is over the workspace until it is closed.

pub mod help;
pub mod models;
pub mod palette;
pub mod points;
pub mod settings;
pub mod typed;
pub mod verify;

use eframe::egui::{Frame, Id, Modal, ScrollArea, Ui};

use super::widgets::parts;

/// Space between the edge of a dialog and what is in it.
const MARGIN: i8 = 20;

/// Draws a dialog with its title and a button that closes it; whether it is to be closed.
fn dialog(ui: &Ui, title: &str, width: f32, content: impl FnOnce(&mut Ui)) -> bool {
    let frame = Frame::window(ui.style()).inner_margin(MARGIN);
    let modal = Modal::new(Id::unique(("dialog", title))).frame(frame);
    let response = modal.show(ui.ctx(), |ui| {
        let room = ui.ctx().content_rect().size();
        ui.set_width(width.min(room.x - 80.0));
        parts::sides(
            ui,
            |ui| {
                ui.heading(title);
            },
            |ui| {
                if ui.button("Close").clicked() {
                    ui.close();
                }
            },
        );
        ui.add_space(8.0);
        let height = (room.y - 180.0).clamp(160.0, 600.0);
        ScrollArea::vertical()
            .max_height(height)
            .min_scrolled_height(height)
            .auto_shrink([false, true])
            .show(ui, content);
    });
    response.should_close()
}
