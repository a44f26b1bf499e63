//! The drawer of jobs and messages, and the line of the job that takes longest.

use std::time::Duration;

use eframe::egui::{Align, Frame, Layout, Margin, Panel, ProgressBar, RichText, ScrollArea, Ui};

use super::toasts;
use crate::app::command::{Action, Command};
use crate::app::jobs::{Ended, Running, in_words};
use crate::app::messages::Weight;
use crate::app::state::State;
use crate::app::theme;
use crate::app::widgets::parts::{self, name};

/// A job gets a line of its own when it takes longer than this.
const PATIENCE: Duration = Duration::from_millis(600);

/// How long a job took is told from here on.
const QUICK: Duration = Duration::from_secs(30);

/// How long ago something was.
fn ago(time: Duration) -> String {
    match time.as_secs() {
        0..60 => "just now".to_owned(),
        _ => format!("{} ago", in_words(time)),
    }
}

/// Draws what there is to be drawn.
pub fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    let frame = Frame::new()
        .fill(palette.chrome)
        .inner_margin(Margin::symmetric(theme::PANEL, 6));
    if state.activity {
        Panel::bottom("activity")
            .frame(frame)
            .resizable(true)
            .default_size(190.0)
            .show(ui, |ui| drawer(ui, state, commands));
        return;
    }
    let long: Vec<&Running> = (state.jobs.running().iter())
        .filter(|own| own.since.elapsed() > PATIENCE)
        .collect();
    if long.is_empty() {
        if !state.jobs.running().is_empty() {
            ui.ctx().request_repaint_after(PATIENCE);
        }
        return;
    }
    Panel::bottom("jobs").frame(frame).show(ui, |ui| {
        for own in long {
            job(ui, own, commands);
        }
    });
}

fn drawer(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    parts::sides(
        ui,
        |ui| {
            parts::heading(ui, "Activity");
        },
        |ui| {
            if ui.small_button("Close").clicked() {
                commands.push(Command::Do(Action::Activity));
            }
        },
    );
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for own in state.jobs.running() {
            job(ui, own, commands);
        }
        for own in state.messages.all() {
            let (mark, colour) = mark(own.weight, &palette);
            ui.horizontal(|ui| {
                ui.label(RichText::new(mark).color(colour));
                ui.label(&own.title);
                parts::soft(ui, ago(own.at.elapsed()));
            });
            if !own.details.is_empty() {
                ui.indent(own.number, |ui| {
                    ui.label(RichText::new(&own.details).small().color(palette.soft));
                    toasts::next(ui, own, commands);
                });
            }
        }
        for own in state.jobs.past() {
            let ended = match own.ended {
                Ended::Done => "done",
                Ended::Stopped => "stopped",
                Ended::Failed => "failed",
            };
            let after = match own.took < QUICK {
                true => ended.to_owned(),
                false => format!("{ended} after {}", in_words(own.took)),
            };
            ui.horizontal(|ui| {
                ui.label(RichText::new(own.title).color(palette.soft));
                parts::soft(ui, after);
            });
        }
        let nothing = state.jobs.running().is_empty()
            && state.jobs.past().next().is_none()
            && state.messages.all().next().is_none();
        if nothing {
            parts::soft(
                ui,
                "Nothing has happened yet. Jobs and messages are listed here.",
            );
        }
    });
}

fn job(ui: &mut Ui, own: &Running, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        ui.label(own.purpose.title());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let stop = ui.small_button("Stop");
            name(&stop, &format!("Stop: {}", own.purpose.title()));
            if stop.clicked() {
                commands.push(Command::Stop(own.ticket));
            }
            parts::soft(ui, own.words());
            let share = own.progress.map_or(0.0, |own| own.share as f32);
            let bar = ProgressBar::new(share)
                .desired_width(ui.available_width().min(360.0))
                .desired_height(6.0);
            let bar = ui.add(bar);
            name(&bar, &format!("Progress: {}", own.purpose.title()));
        });
    });
}

/// The sign and the colour of a message.
pub fn mark(weight: Weight, palette: &theme::Palette) -> (&'static str, eframe::egui::Color32) {
    match weight {
        Weight::Note => ("✓", palette.good),
        Weight::Warning => ("!", palette.warn),
        Weight::Failure => ("✗", palette.bad),
    }
}
