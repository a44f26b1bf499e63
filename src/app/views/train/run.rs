//! What a training run does or did: where it is, its curves, how good it is, and its description.

use std::path::Path;

use eframe::egui::{CollapsingHeader, Frame, ProgressBar, RichText, ScrollArea, Ui};

use super::progress::RunCharts;
use super::{ask, bad};
use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::jobs::{Purpose, Running, in_words};
use crate::app::state::State;
use crate::app::theme;
use crate::app::train::Ask;
use crate::app::train::curves::Curves;
use crate::app::train::live::{Ended, Live};
use crate::app::views::View;
use crate::app::widgets::parts::{self, name, thousands};
use crate::engine::{
    MetricName, RunRecord, RunStage, TrainConfig, TrainOutcome, ValidationFigures,
};

/// The panel.
#[derive(Default)]
pub struct RunView {
    charts: RunCharts,
}

/// Where a run is, as the panel says it.
struct Where<'a> {
    name: String,
    folder: &'a Path,
    state: String,
    config: &'a TrainConfig,
    metric: MetricName,
    curves: &'a Curves,
}

impl View for RunView {
    fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        let train = &state.train;
        let opened = train.opened.value.as_ref().filter(|_| train.shows_opened);
        if let Some(failure) = &train.opened.failure {
            bad(ui, failure);
        }
        match (opened, &train.live) {
            (Some(own), live) => {
                ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                    if live.as_ref().is_some_and(|own| own.ended.is_none()) {
                        let back = ui.button("← The run that is being made");
                        if back.clicked() {
                            ask(commands, Ask::ShowLive);
                        }
                    }
                    let charts = &mut self.charts;
                    record(ui, &own.record, &own.curves, charts, state, commands);
                });
            }
            (None, Some(live)) => {
                ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                    self::live(ui, live, &mut self.charts, state, commands);
                });
            }
            (None, None) => {
                let text = "Loss, validation figures and speed of a run while it is made. Describe one at \
                            the left, or open one under Runs.";
                let action = ("Start the run", Command::Do(Action::StartRun));
                controls::empty(ui, "No run yet", text, Some(action), commands);
            }
        }
    }

    fn numbers(&self, state: &State) -> Option<String> {
        let train = &state.train;
        let opened = train.opened.value.as_ref().filter(|_| train.shows_opened);
        let curves = match (opened, &train.live) {
            (Some(own), _) => &own.curves,
            (None, Some(live)) => &live.curves,
            (None, None) => return None,
        };
        let mut out = String::from("step\tloss\tgradient norm\tlearning rate\ttokens a second\n");
        for (((loss, norm), lr), speed) in (curves.loss.iter())
            .zip(&curves.norm)
            .zip(&curves.lr)
            .zip(&curves.speed)
        {
            let [step, loss] = loss;
            out.push_str(&format!(
                "{step}\t{loss}\t{}\t{}\t{}\n",
                norm[1], lr[1], speed[1]
            ));
        }
        Some(out)
    }

    fn help(&self) -> &'static str {
        "A run while it is made, or one that was opened. Pause ends it within a step with a checkpoint, and \
         Go on continues from there as if it had not been stopped. A run goes on while other workspaces are \
         shown and while the window is minimised."
    }
}

fn header(ui: &mut Ui, own: &Where<'_>) {
    let palette = theme::palette(ui);
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(&own.name).font(theme::strong(16.0)))
            .on_hover_text(own.folder.display().to_string());
        ui.label(RichText::new(&own.state).color(palette.soft));
    });
}

fn live(
    ui: &mut Ui,
    live: &Live,
    charts: &mut RunCharts,
    state: &State,
    commands: &mut Vec<Command>,
) {
    let job =
        state.jobs.running().iter().find(
            |own| matches!(&own.purpose, Purpose::TrainRun(folder) if *folder == live.folder),
        );
    let metric = match &live.start {
        Some(start) => start.metric,
        None => live.config.settled_metric(),
    };
    let own = Where {
        name: live.name(),
        folder: &live.folder,
        state: said(live, job),
        config: &live.config,
        metric,
        curves: &live.curves,
    };
    header(ui, &own);
    progress(ui, live, job);
    buttons(ui, live, job.is_some(), state, commands);
    match &live.ended {
        Some(Ended::Failed(reason)) => bad(ui, reason),
        Some(Ended::Told(report)) => {
            for remark in &report.remarks {
                parts::soft(ui, remark.clone());
            }
            for own in &report.judged {
                let part = part(own.part);
                judged_line(ui, part, &own.evaluation, report.metric);
            }
        }
        _ => {}
    }
    body(ui, &own, charts);
}

/// Where a run of this window is, in words.
fn said(live: &Live, job: Option<&Running>) -> String {
    match (&live.ended, job, &live.start) {
        (None, Some(job), _) if job.words() == "stopping…" => "saving where it is…".to_owned(),
        (None, _, None) => "reading notes and model…".to_owned(),
        (None, _, Some(_)) => "running".to_owned(),
        (Some(Ended::Early), ..) if live.goes_on => "paused".to_owned(),
        (Some(Ended::Early), ..) => "stopped before its first step".to_owned(),
        (Some(Ended::Failed(_)), ..) => "failed".to_owned(),
        (Some(Ended::Told(report)), ..) => match report.outcome {
            TrainOutcome::Finished => "finished".to_owned(),
            TrainOutcome::NothingBetter => "ended, since nothing better came".to_owned(),
            TrainOutcome::Stopped => "paused".to_owned(),
        },
    }
}

fn progress(ui: &mut Ui, live: &Live, job: Option<&Running>) {
    if live.start.is_none() {
        return;
    }
    let steps = live.curves.steps();
    let total = live.start.as_ref().map_or(0, |own| own.total);
    let share = steps as f32 / total.max(1) as f32;
    let bar = ui.add(
        ProgressBar::new(share)
            .desired_height(8.0)
            .fill(theme::palette(ui).accent),
    );
    name(&bar, &format!("{steps} of {total} steps"));
    let mut parts = vec![format!(
        "{} of {} steps",
        thousands(steps as usize),
        thousands(total as usize)
    )];
    if let Some(speed) = live.curves.recent_speed() {
        parts.push(format!("{} tokens a second", thousands(speed as usize)));
    }
    if let Some(memory) = live.memory {
        parts.push(format!("{:.2} GB held", memory as f64 / 1e9));
    }
    let left = job.and_then(|own| own.progress?.remaining);
    if let Some(left) = left {
        parts.push(format!("{} left", in_words(left)));
    }
    parts::soft(ui, parts.join(" · "));
}

fn buttons(ui: &mut Ui, live: &Live, runs: bool, state: &State, commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    if state.train.ending && runs {
        Frame::new()
            .fill(palette.accent_soft)
            .corner_radius(6)
            .inner_margin(10)
            .show(ui, |ui| {
                let said = "End this run? What was saved is kept in its folder, with the best model so \
                            far, and it can go on later.";
                ui.label(said);
                ui.horizontal_wrapped(|ui| {
                    if ui.button("End the run").clicked() {
                        ask(commands, Ask::ReallyEnd(true));
                    }
                    if ui.button("Keep training").clicked() {
                        ask(commands, Ask::ReallyEnd(false));
                    }
                });
            });
        return;
    }
    ui.horizontal_wrapped(|ui| {
        if runs {
            controls::action_button(ui, "Pause", Action::PauseRun, state, commands);
            if ui.button("End…").clicked() {
                ask(commands, Ask::End);
            }
            return;
        }
        if live.can_go_on() && ui.add(parts::primary(ui, "Go on")).clicked() {
            ask(commands, Ask::GoOn(live.folder.clone()));
        }
        if let Some(Ended::Told(report)) = &live.ended
            && let Some(model) = &report.model
        {
            best(ui, model, &live.folder, commands);
        }
    });
}

/// What can be done with a best model.
fn best(ui: &mut Ui, model: &Path, run: &Path, commands: &mut Vec<Command>) {
    if ui.button("Open the best model").clicked() {
        ask(commands, Ask::UseBest(model.to_owned()));
    }
    if ui.button("Judge it").clicked() {
        ask(commands, Ask::JudgeRun(run.to_owned()));
    }
}

fn record(
    ui: &mut Ui,
    record: &RunRecord,
    curves: &Curves,
    charts: &mut RunCharts,
    state: &State,
    commands: &mut Vec<Command>,
) {
    let summary = &record.summary;
    let own = Where {
        name: summary.name.clone(),
        folder: &summary.folder,
        state: format!("{}, begun {}", stage(summary.stage), summary.begun),
        config: &summary.config,
        metric: summary.metric,
        curves,
    };
    header(ui, &own);
    if let Some(wrong) = &summary.wrong {
        bad(ui, wrong);
    }
    ui.horizontal_wrapped(|ui| {
        let can = matches!(summary.stage, RunStage::Stopped | RunStage::Open);
        if can && !state.train.runs_now() && ui.add(parts::primary(ui, "Go on")).clicked() {
            ask(commands, Ask::GoOn(summary.folder.clone()));
        }
        if let Some(model) = &record.model {
            best(ui, model, &summary.folder, commands);
        }
        if ui.button("New run like this").clicked() {
            ask(commands, Ask::Like(summary.folder.clone()));
        }
    });
    for (part_name, evaluation) in &record.judged {
        judged_line(ui, part(part_name), evaluation, summary.metric);
    }
    body(ui, &own, charts);
    if !record.told.is_empty() {
        CollapsingHeader::new("Report").show(ui, |ui| {
            ui.label(RichText::new(&record.told).monospace());
        });
    }
}

/// Where a run in a folder is, in words.
pub fn stage(own: RunStage) -> &'static str {
    match own {
        RunStage::Finished => "finished",
        RunStage::Stopped => "paused",
        RunStage::Open => "not finished",
        RunStage::Nothing => "cut off at once",
        RunStage::Damaged => "cannot be read",
    }
}

fn part(own: &str) -> &'static str {
    match own {
        "test" => "Best model on test notes",
        _ => "Best model on validation notes",
    }
}

fn judged_line(ui: &mut Ui, part: &str, own: &ValidationFigures, metric: MetricName) {
    let palette = theme::palette(ui);
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(part).font(theme::strong(12.5)));
        ui.label(RichText::new(own.line(metric)).color(palette.ink));
    });
}

/// Charts, the last evaluation, and the description.
fn body(ui: &mut Ui, own: &Where<'_>, charts: &mut RunCharts) {
    let curves = own.curves;
    if curves.loss.is_empty() {
        parts::soft(ui, "No step was made yet.");
    } else {
        ui.add_space(4.0);
        charts.ui(ui, own.folder, curves, own.metric);
    }
    ui.add_space(4.0);
    CollapsingHeader::new("What this run was told").show(ui, |ui| {
        ui.label(RichText::new(own.config.to_toml()).monospace());
    });
}
