//! The line at the bottom: what is always in sight.

use eframe::egui::{
    Align, Button, Frame, Layout, Margin, Panel, RichText, TextStyle, TextWrapMode, Ui, WidgetText,
};

use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::state::{ModelState, State};
use crate::app::theme;
use crate::app::widgets::parts::thousands;

/// What Auscult is not.
pub const NOTICE: &str = "Research use only — not a medical device";

/// A part of the line.
struct Part {
    text: RichText,
    /// What a click on it does.
    action: Option<Action>,
    /// Of parts that have no room together, the one with the least goes first.
    worth: u8,
    right: bool,
}

/// Worth that is always in sight.
const ALWAYS: u8 = u8::MAX;

/// Room for the name of the model at least, in points; a longer one is cut off.
const NAME: f32 = 120.0;

/// Width of the line between two parts, in points.
const LINE: f32 = 6.0;

/// Draws the line.
pub fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    let frame = Frame::new()
        .fill(palette.chrome)
        .inner_margin(Margin::symmetric(theme::PANEL, 3));
    Panel::bottom("status").frame(frame).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().button_padding.y = 1.0;
            let mut all = parts(state, &palette);
            let name = drop_some(ui, &mut all);
            let (right, left): (Vec<Part>, Vec<Part>) = all.into_iter().partition(|own| own.right);
            let mut first = true;
            for own in left {
                if !std::mem::take(&mut first) {
                    ui.separator();
                }
                match own.action {
                    Some(Action::OpenModel) => {
                        ui.scope(|ui| {
                            ui.set_max_width(name);
                            draw(ui, own, state, commands);
                        });
                    }
                    _ => draw(ui, own, state, commands),
                }
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let mut first = true;
                for own in right {
                    if !std::mem::take(&mut first) {
                        ui.separator();
                    }
                    draw(ui, own, state, commands);
                }
            });
        });
    });
}

/// All that there is to say, as it stands from the left and from the right.
fn parts(state: &State, palette: &theme::Palette) -> Vec<Part> {
    let part = |text: RichText, action, worth| Part {
        text: text.small(),
        action,
        worth,
        right: false,
    };
    let soft = |text: String| RichText::new(text).color(palette.soft);
    let offline = RichText::new("● Offline").color(palette.good);
    let mut all = vec![
        part(offline, Some(Action::Verify), ALWAYS),
        part(model(state, palette), Some(Action::OpenModel), ALWAYS),
    ];
    if let Some(device) = &state.device {
        let held = thousands(state.cached() >> 20);
        let most = thousands(state.settings.cache_mb);
        let text = format!("{} · {held} of {most} MB", device.name);
        all.push(part(soft(text), Some(Action::Settings), 0));
    }
    if let Some(tokens) = state.tokens() {
        let (used, most) = (tokens.coverage.tokens, tokens.coverage.max_tokens);
        let said = format!("{} of {} tokens", thousands(used), thousands(most));
        all.push(part(soft(said), None, 1));
    }
    all.push(Part {
        right: true,
        ..part(soft(NOTICE.to_owned()), None, ALWAYS)
    });
    let activity = match state.jobs.running().len() {
        0 => part(soft("Activity".to_owned()), Some(Action::Activity), 2),
        count => {
            let said = RichText::new(format!("{count} running"));
            part(said, Some(Action::Activity), 3)
        }
    };
    all.push(Part {
        right: true,
        ..activity
    });
    all
}

/// Takes out what has no room beside what matters more; the room that is left for the name of the model.
fn drop_some(ui: &Ui, all: &mut Vec<Part>) -> f32 {
    let between = LINE + 2.0 * ui.spacing().item_spacing.x;
    loop {
        let name = |own: &Part| own.action == Some(Action::OpenModel);
        let others = all.iter().filter(|own| !name(own));
        let taken: f32 = others.map(|own| width(ui, &own.text) + between).sum();
        let left = ui.available_width() - taken;
        let wanted = (all.iter().find(|own| name(own))).map_or(0.0, |own| width(ui, &own.text));
        let least = (0..all.len())
            .filter(|own| all[*own].worth < ALWAYS)
            .min_by_key(|own| all[*own].worth);
        match least {
            Some(least) if left < wanted.min(NAME) => drop(all.remove(least)),
            _ => return left.max(0.0),
        }
    }
}

fn width(ui: &Ui, text: &RichText) -> f32 {
    let text = WidgetText::from(text.clone());
    let extend = Some(TextWrapMode::Extend);
    let drawn = text.into_galley(ui, extend, f32::INFINITY, TextStyle::Small);
    // Places on the screen are whole pixels.
    drawn.size().x.ceil() + 1.0
}

fn draw(ui: &mut Ui, own: Part, state: &State, commands: &mut Vec<Command>) {
    let Some(action) = own.action else {
        ui.label(own.text);
        return;
    };
    let button = Button::new(own.text).frame(false).truncate();
    if controls::hint(ui.add(button), action, state).clicked() {
        commands.push(Command::Do(action));
    }
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
