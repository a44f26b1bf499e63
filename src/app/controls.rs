//! What is drawn of commands: buttons and menu lines with their keys, and empty panels with the one thing to do.

use eframe::egui::{self, Response, RichText, Ui};

use super::command::{Action, Command};
use super::jobs::Purpose;
use super::state::State;
use super::theme;
use super::widgets::parts;

/// What an empty panel says: what it will show, and the one action that fills it.
pub fn empty(
    ui: &mut Ui,
    title: &str,
    text: &str,
    action: Option<(&str, Command)>,
    commands: &mut Vec<Command>,
) {
    let palette = theme::palette(ui);
    let height = ui.available_height();
    ui.vertical_centered(|ui| {
        ui.add_space((height * 0.28).clamp(12.0, 160.0));
        ui.label(RichText::new(title).font(theme::strong(14.5)));
        ui.set_max_width(ui.available_width().min(300.0));
        ui.label(RichText::new(text).color(palette.soft));
        if let Some((name, command)) = action {
            ui.add_space(6.0);
            if ui.add(parts::primary(ui, name)).clicked() {
                commands.push(command);
            }
        }
    });
}

/// A button for an action, with its keys where the pointer rests.
pub fn action_button(
    ui: &mut Ui,
    text: &str,
    action: Action,
    state: &State,
    commands: &mut Vec<Command>,
) -> Response {
    let response = ui.button(text);
    let response = hint(response, action, state);
    if response.clicked() {
        commands.push(Command::Do(action));
    }
    response
}

/// A button that stays down while something is on.
pub fn toggle(
    ui: &mut Ui,
    text: &str,
    on: bool,
    action: Action,
    state: &State,
    commands: &mut Vec<Command>,
) -> Response {
    let response = ui.selectable_label(on, text);
    let response = hint(response, action, state);
    if response.clicked() {
        commands.push(Command::Do(action));
    }
    response
}

/// Says the name and the keys of an action where the pointer rests.
pub fn hint(response: Response, action: Action, state: &State) -> Response {
    let ctx = response.ctx.clone();
    let keys = state.keys.of(action);
    response.on_hover_ui(|ui| {
        ui.horizontal(|ui| {
            ui.label(action.title());
            if let Some(own) = keys.first() {
                parts::soft(ui, own.text(&ctx));
            }
        });
    })
}

/// A line of a menu with the keys at its right.
pub fn menu_item(ui: &mut Ui, action: Action, state: &State) -> bool {
    let keys = state.keys.of(action);
    let mut button = egui::Button::new(action.title());
    if let Some(own) = keys.first() {
        button = button.shortcut_text(own.text(ui.ctx()));
    }
    ui.add(button).clicked()
}

/// How far a job is, with a button that stops it, while it runs.
pub fn progress(
    ui: &mut Ui,
    of: &Purpose,
    stops: &str,
    state: &State,
    commands: &mut Vec<Command>,
) {
    let Some(own) = state.jobs.of(|own| own == of) else {
        return;
    };
    ui.spinner();
    parts::soft(ui, own.words());
    let stop = ui.add(egui::Button::new("Stop").min_size(egui::vec2(0.0, 24.0)));
    parts::name(&stop, stops);
    if stop.clicked() {
        commands.push(Command::Stop(own.ticket));
    }
}
