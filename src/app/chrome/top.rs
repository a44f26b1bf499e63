//! The bar at the top: workspaces, search, settings.

use eframe::egui::{self, Align, Frame, Layout, Margin, Panel, RichText, Ui};

use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::state::{State, Workspace};
use crate::app::theme;
use crate::app::widgets::parts::name;

/// Width of the field of search at most, and that at which its keys fit.
const SEARCH: f32 = 260.0;
const SEARCH_WITH_KEYS: f32 = 190.0;

/// Draws the bar.
pub fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    let frame = Frame::new()
        .fill(palette.chrome)
        .inner_margin(Margin::symmetric(theme::PANEL, 7));
    Panel::top("top").frame(frame).show(ui, |ui| {
        ui.horizontal(|ui| {
            let brand = RichText::new("Auscult").font(theme::strong(15.0));
            let brand = egui::Button::new(brand.color(palette.accent)).frame(false);
            let brand = controls::hint(ui.add(brand), Action::Welcome, state);
            name(&brand, Action::Welcome.title());
            if brand.clicked() {
                commands.push(Command::Do(Action::Welcome));
            }
            ui.add_space(10.0);
            for (text, workspace, action) in [
                ("Read", Workspace::Read, Action::Read),
                ("Look", Workspace::Look, Action::Look),
                ("Map", Workspace::Map, Action::Points),
                ("Train", Workspace::Train, Action::Train),
            ] {
                let on = !state.welcome && state.workspace == workspace;
                controls::toggle(ui, text, on, action, state, commands);
            }
            ui.add_space(6.0);
            let [back, forward] = state.selection.ways();
            for (text, action, can) in [("←", Action::Back, back), ("→", Action::Forward, forward)]
            {
                let button = ui.add_enabled(can, egui::Button::new(text).frame(false));
                let button = controls::hint(button, action, state);
                name(&button, action.title());
                if button.clicked() {
                    commands.push(Command::Do(action));
                }
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                for (text, action) in [("Help", Action::Help), ("Settings", Action::Settings)] {
                    let button = ui.add(egui::Button::new(text).frame(false));
                    if controls::hint(button, action, state).clicked() {
                        commands.push(Command::Do(action));
                    }
                }
                let keys = state.keys.of(Action::Palette);
                let keys = keys.first().map(|own| own.text(ui.ctx()));
                let soft = RichText::new("Search or run…").color(palette.soft);
                // It must not lie over the workspaces at its left.
                let width = ui.available_width().min(SEARCH);
                let button = egui::Button::new(soft)
                    .truncate()
                    .min_size(egui::vec2(width, 26.0));
                // With nothing at its right the text would stand in the middle.
                let keys = keys.filter(|_| width >= SEARCH_WITH_KEYS);
                if ui
                    .add(button.shortcut_text(keys.unwrap_or_default()))
                    .clicked()
                {
                    commands.push(Command::Do(Action::Palette));
                }
            });
        });
    });
}
