//! The line at the bottom: what is always in sight.

use eframe::egui::{Align, Button, Frame, Layout, Margin, Panel, RichText, Ui};

use crate::app::command::{Action, Command};
use crate::app::state::{ModelState, State};
use crate::app::theme;
use crate::app::widgets::parts::{self, thousands};

/// What Auscult is not.
pub const NOTICE: &str = "Research use only — not a medical device";

/// Draws the line.
pub fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    let frame = Frame::new()
        .fill(palette.chrome)
        .inner_margin(Margin::symmetric(theme::PANEL, 3));
    Panel::bottom("status").frame(frame).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().button_padding.y = 1.0;
            let mut press = |ui: &mut Ui, text: RichText, action: Action| {
                let button = Button::new(text.small()).frame(false);
                if parts::hint(ui.add(button), action, state).clicked() {
                    commands.push(Command::Do(action));
                }
            };
            let offline = RichText::new("● Offline").color(palette.good);
            press(ui, offline, Action::Verify);
            ui.separator();
            press(ui, model(state, &palette), Action::OpenModel);
            if let Some(device) = &state.device {
                ui.separator();
                let held = thousands(state.cached() >> 20);
                let most = thousands(state.settings.cache_mb);
                let text = format!("{} · {held} of {most} MB", device.name);
                let text = RichText::new(text).color(palette.soft);
                press(ui, text, Action::Settings);
            }
            if let Some(tokens) = state.tokens() {
                ui.separator();
                let (used, most) = (tokens.coverage.tokens, tokens.coverage.max_tokens);
                let said = format!("{} of {} tokens", thousands(used), thousands(most));
                parts::soft(ui, said);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                parts::soft(ui, NOTICE);
                let count = state.jobs.running().len();
                if count > 0 {
                    ui.separator();
                    let said = RichText::new(format!("{count} running"));
                    press(ui, said, Action::Activity);
                } else {
                    ui.separator();
                    press(
                        ui,
                        RichText::new("Activity").color(palette.soft),
                        Action::Activity,
                    );
                }
            });
        });
    });
}

fn model(state: &State, palette: &theme::Palette) -> RichText {
    match &state.model {
        ModelState::None => RichText::new("No model").color(palette.soft),
        ModelState::Loading(_) => RichText::new("Loading the model…").color(palette.soft),
        ModelState::Failed(..) => RichText::new("The model failed").color(palette.bad),
        ModelState::Ready(_, info) if info.random_weights => {
            RichText::new(format!("{} (random weights)", info.name)).color(palette.warn)
        }
        ModelState::Ready(_, info) => RichText::new(info.name.clone()).color(palette.soft),
    }
}
