//! The first screen: what this is, and three ways to begin.

use eframe::egui::{self, Align, CentralPanel, Frame, Layout, Margin, RichText, Stroke, Ui, vec2};

use super::status::NOTICE;
use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::jobs::Purpose;
use crate::app::state::State;
use crate::app::theme;
use crate::app::widgets::parts::{self, thousands};
use crate::engine::Kind;

/// A way to begin.
struct Card {
    title: &'static str,
    text: &'static str,
    button: &'static str,
    action: Action,
}

const CARDS: [Card; 3] = [
    Card {
        title: "Try it now",
        text: "A long invented note with the small model that comes with Auscult. It was trained by \
               Auscult itself and is not Clinical ModernBERT.",
        button: "Try it now",
        action: Action::TryDemo,
    },
    Card {
        title: "Add a model",
        text: "Clinical ModernBERT, BioClinical ModernBERT, ModernBERT or a model of your own, from a \
               folder on this computer.",
        button: "Add a model…",
        action: Action::Models,
    },
    Card {
        title: "Open my notes",
        text: "Text, tables, JSON or annotated files. Reading, outline and search work without a model.",
        button: "Open notes…",
        action: Action::OpenFiles,
    },
];

/// What the notice means.
const NOTICE_MORE: &str = "Auscult is a tool for research. What a model says of a note is no diagnosis and no advice, and may be \
     wrong in every way. Do not use it to decide about a patient.";

/// Width of a card with the space beside it.
const CARD: f32 = 280.0;
const SPACE: f32 = 18.0;

/// Draws the screen.
pub fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    let frame = Frame::new().fill(palette.surface).inner_margin(24);
    CentralPanel::default().frame(frame).show(ui, |ui| {
        egui::ScrollArea::vertical()
            .auto_shrink(false)
            .show(ui, |ui| {
                let height = ui.available_height();
                ui.add_space((height * 0.16).clamp(10.0, 180.0));
                ui.vertical_centered(|ui| {
                    ui.label(RichText::new("Auscult").font(theme::strong(34.0)));
                    ui.add_space(4.0);
                    let said = "See how a clinical language model reads your notes.";
                    ui.label(RichText::new(said).size(17.0));
                    ui.add_space(2.0);
                    let line = format!("{NOTICE}. Nothing leaves this computer.");
                    ui.label(RichText::new(line).color(palette.soft));
                    ui.add_space(30.0);
                });
                let wide = 3.0 * CARD + 2.0 * SPACE;
                match ui.available_width() >= wide {
                    true => {
                        let indent = (ui.available_width() - wide) / 2.0;
                        ui.horizontal_top(|ui| {
                            ui.spacing_mut().item_spacing.x = SPACE;
                            ui.add_space(indent);
                            CARDS.iter().for_each(|own| card(ui, own, state, commands));
                        });
                    }
                    false => {
                        ui.vertical_centered(|ui| {
                            ui.spacing_mut().item_spacing.y = SPACE;
                            CARDS.iter().for_each(|own| card(ui, own, state, commands));
                        });
                    }
                }
                ui.add_space(22.0);
                ui.vertical_centered(|ui| {
                    ui.label(RichText::new(computer(state)).color(palette.soft));
                });
                if !state.settings.notice_read {
                    ui.add_space(30.0);
                    ui.vertical_centered(|ui| notice(ui, commands));
                }
            });
    });
}

/// The notice over a workspace, until it was read.
pub fn strip(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    if state.settings.notice_read {
        return;
    }
    let palette = theme::palette(ui);
    let frame = Frame::new()
        .fill(palette.accent_soft)
        .inner_margin(Margin::symmetric(theme::PANEL, 5));
    egui::Panel::top("notice").frame(frame).show(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.label(NOTICE_MORE);
            if ui.button("I have read this").clicked() {
                commands.push(Command::NoticeRead);
            }
        });
    });
}

/// What this computer is, and how fast.
fn computer(state: &State) -> String {
    let Some(own) = &state.measured else {
        return match state.jobs.is_running(|own| *own == Purpose::Measure) {
            true => "Measuring how fast this computer reads…".to_owned(),
            false => String::new(),
        };
    };
    let how = match own.device.kind {
        Kind::Cpu | Kind::Software => "no graphics card is used, which is fine for single notes",
        _ => "on its graphics card",
    };
    format!(
        "This computer ({}) reads a note of {} tokens in {:.1} s with the small model; {how}.",
        own.device.name,
        thousands(own.tokens),
        own.took.as_secs_f64()
    )
}

fn card(ui: &mut Ui, own: &Card, state: &State, commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    let frame = Frame::new()
        .fill(palette.chrome)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(12)
        .inner_margin(18);
    frame.show(ui, |ui| {
        ui.allocate_ui_with_layout(
            vec2(CARD - 36.0, 158.0),
            Layout::top_down(Align::Min),
            |ui| {
                ui.set_min_size(vec2(CARD - 36.0, 158.0));
                ui.label(RichText::new(own.title).font(theme::strong(16.0)));
                ui.label(RichText::new(own.text).color(palette.soft));
                ui.with_layout(Layout::bottom_up(Align::Min), |ui| {
                    let button = match own.action {
                        Action::TryDemo => parts::primary(ui, own.button),
                        _ => egui::Button::new(own.button).min_size(vec2(0.0, 30.0)),
                    };
                    if controls::hint(ui.add(button), own.action, state).clicked() {
                        commands.push(Command::Do(own.action));
                    }
                });
            },
        );
    });
}

/// What is asked once to be read.
fn notice(ui: &mut Ui, commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    let frame = Frame::new()
        .fill(palette.chrome)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(10)
        .inner_margin(Margin::symmetric(16, 12));
    frame.show(ui, |ui| {
        ui.set_max_width(620.0);
        ui.label(NOTICE_MORE);
        ui.add_space(4.0);
        if ui.button("I have read this").clicked() {
            commands.push(Command::NoticeRead);
        }
    });
}
