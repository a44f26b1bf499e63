//! Messages over the workspace, for as long as they matter.

use eframe::egui::{Align2, Area, Frame, Id, Order, RichText, ScrollArea, Ui, vec2};

use super::activity::mark;
use crate::app::command::Command;
use crate::app::messages::Message;
use crate::app::state::State;
use crate::app::theme;
use crate::app::widgets::parts::name;

/// Lines of a message that are shown at once.
const HEIGHT: f32 = 120.0;

/// Room for the button that closes a message, in points.
const CLOSE: f32 = 36.0;

/// Messages on the screen at most; the others wait in the list.
const MOST: usize = 4;

/// Draws them.
pub fn ui(ui: &Ui, state: &State, commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    let all: Vec<_> = state.messages.on_screen().collect();
    if all.is_empty() {
        return;
    }
    Area::new(Id::unique("toasts"))
        .order(Order::Foreground)
        .anchor(Align2::RIGHT_BOTTOM, vec2(-16.0, -42.0))
        .show(ui.ctx(), |ui| {
            for own in &all[all.len().saturating_sub(MOST)..] {
                let frame = Frame::popup(ui.style()).inner_margin(12);
                frame.show(ui, |ui| {
                    ui.set_width(360.0);
                    let (sign, colour) = mark(own.weight, &palette);
                    ui.horizontal_top(|ui| {
                        ui.label(RichText::new(sign).color(colour).font(theme::strong(14.0)));
                        ui.vertical(|ui| {
                            ui.set_width(ui.available_width() - CLOSE);
                            ui.label(RichText::new(&own.title).font(theme::strong(13.5)));
                            if !own.details.is_empty() {
                                let area = ScrollArea::vertical().max_height(HEIGHT);
                                area.id_salt(own.number).show(ui, |ui| {
                                    let text = RichText::new(&own.details).small();
                                    ui.label(text.color(palette.soft));
                                });
                            }
                            next(ui, own, commands);
                        });
                        let close = ui.small_button("×");
                        name(&close, &format!("Dismiss: {}", own.title));
                        if close.clicked() {
                            commands.push(Command::Dismiss(own.number));
                        }
                    });
                });
                ui.add_space(8.0);
            }
        });
}

/// The button of what may be done about a message; it takes the message off the screen.
pub fn next(ui: &mut Ui, message: &Message, commands: &mut Vec<Command>) {
    let Some(own) = &message.next else {
        return;
    };
    ui.add_space(4.0);
    let button = ui.button(own.title);
    name(&button, &format!("{}: {}", own.title, message.title));
    if button.clicked() {
        commands.push(own.command.clone());
        commands.push(Command::Dismiss(message.number));
    }
}
