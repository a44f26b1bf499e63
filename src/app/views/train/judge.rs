//! How good a model is on notes of which the truth is known.

use std::path::Path;

use eframe::egui::{Label, RichText, ScrollArea, TextEdit, Ui};

use super::classes::Classes;
use super::confusion::Confusion;
use super::threshold::Threshold;
use super::thresholds::Thresholds;
use super::{ask, bad, columns, fields, figures};
use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::jobs::Purpose;
use crate::app::state::State;
use crate::app::theme;
use crate::app::train::judged::Judged;
use crate::app::train::outside::Dialog;
use crate::app::train::{Ask, JudgeOn, Subject};
use crate::app::views::View;
use crate::app::widgets::parts::{self, name};
use crate::engine::Judgement;

/// The panel.
#[derive(Default)]
pub struct JudgeView {
    page: Page,
    classes: Classes,
    confusion: Confusion,
    threshold: Threshold,
    thresholds: Thresholds,
}

/// A part of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Page {
    #[default]
    Figures,
    Confusion,
    Curves,
    Threshold,
    Calibration,
    Slices,
}

impl Page {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Figures, "Figures"),
        (Self::Confusion, "Confusions"),
        (Self::Curves, "Curves"),
        (Self::Threshold, "Threshold"),
        (Self::Calibration, "Calibration"),
        (Self::Slices, "Slices"),
    ];

    /// Whether a report has such a part.
    fn is_of(self, own: &Judgement) -> bool {
        match own {
            Judgement::SingleLabel(classes) => {
                self != Self::Threshold || classes.positive.is_some()
            }
            Judgement::MultiLabel(_) => true,
            Judgement::Spans(_) => {
                matches!(self, Self::Figures | Self::Confusion | Self::Slices)
            }
            Judgement::MaskedLm(_) | Judgement::Vectors(_) => {
                matches!(self, Self::Figures | Self::Slices)
            }
        }
    }
}

impl View for JudgeView {
    fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            form(ui, state, commands);
            if let Some(failure) = &state.train.judged.failure {
                bad(ui, &fields::sentence(failure));
            }
            let Some(own) = &state.train.judged.value else {
                if state.train.judged.failure.is_none() {
                    let said = "Precision, recall and F1 of every class or kind of span, confusions with \
                                their notes, curves, calibration and slices.";
                    parts::soft(ui, said);
                }
                return;
            };
            self.report(ui, own, state, commands);
        });
    }

    fn numbers(&self, state: &State) -> Option<String> {
        state
            .train
            .judged
            .value
            .as_ref()
            .map(|own| figures::table(own))
    }

    fn help(&self) -> &'static str {
        "Judges the best model of a run on the notes that the run held back, or the open model on files of \
         notes with labels or marked spans. Thresholds and temperature are chosen on validation notes and \
         reported on test notes, never the other way."
    }
}

/// What is judged.
fn form(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let now = &state.train.judge;
    let mut own = now.clone();
    ui.horizontal_wrapped(|ui| {
        let open = state.predicting().map(|(_, info)| info.name.clone());
        let open = open.or_else(|| state.model.info().map(|own| own.name.clone()));
        let text = open.map_or_else(
            || "The open model".to_owned(),
            |own| format!("Open model: {own}"),
        );
        if ui
            .selectable_label(now.subject == Subject::Open, text)
            .clicked()
        {
            own.subject = Subject::Open;
            own.on = JudgeOn::Files;
        }
        let opened = state
            .train
            .opened
            .value
            .as_ref()
            .filter(|_| state.train.shows_opened);
        let opened = opened.map(|own| own.record.summary.folder.clone());
        let live = state.train.live.as_ref().map(|own| own.folder.clone());
        let of_form = match &now.subject {
            Subject::Run(folder) => Some(folder.clone()),
            Subject::Open => None,
        };
        if let Some(folder) = opened.or(of_form).or(live) {
            let run = folder.file_name().unwrap_or_default().to_string_lossy();
            let on = now.subject == Subject::Run(folder.clone());
            if ui
                .selectable_label(on, format!("Best model of {run}"))
                .clicked()
            {
                own.subject = Subject::Run(folder);
                own.on = JudgeOn::HeldBack;
            }
        }
    });
    if matches!(now.subject, Subject::Run(_)) {
        ui.horizontal_wrapped(|ui| {
            let held = now.on == JudgeOn::HeldBack;
            let text = "Notes that the run held back";
            if ui.selectable_label(held, text).clicked() {
                own.on = JudgeOn::HeldBack;
            }
            if ui.selectable_label(!held, "Other notes").clicked() {
                own.on = JudgeOn::Files;
            }
        });
    }
    if now.on == JudgeOn::Files {
        paths(
            ui,
            "Test notes",
            "Every figure is of these.",
            &now.test,
            &mut own.test,
            Dialog::Test,
            commands,
        );
        let said = "Thresholds and temperature are chosen on these. They are never judged.";
        let (had, list) = (&now.validation, &mut own.validation);
        paths(
            ui,
            "Validation notes",
            said,
            had,
            list,
            Dialog::Validation,
            commands,
        );
        ui.horizontal_wrapped(|ui| {
            ui.label("Label column");
            text_field(ui, &mut own.label, "Label column", "found by itself");
            if let Some(column) = columns::menu(ui, "Label column", state.file_columns()) {
                own.label = column;
            }
        });
    }
    let busy = state.jobs.is_running(|own| *own == Purpose::Judge);
    ui.horizontal_wrapped(|ui| {
        // As high as the button, so that all stands on one line.
        ui.set_row_height(30.0);
        ui.label("Slice by");
        text_field(
            ui,
            &mut own.slices,
            "Columns to slice by",
            "columns, with commas between",
        );
        if let Some(column) = columns::menu(ui, "Columns to slice by", state.file_columns()) {
            own.slices = columns::with(&own.slices, &column);
        }
        let drawn = ui.add_enabled(!busy, parts::primary(ui, "Judge"));
        if controls::hint(drawn, Action::Judge, state).clicked() {
            commands.push(Command::Do(Action::Judge));
        }
        controls::progress(ui, &Purpose::Judge, "Stop judging", state, commands);
    });
    if own != *now {
        ask(commands, Ask::JudgeBy(Box::new(own)));
    }
}

fn text_field(ui: &mut Ui, text: &mut String, called: &str, hint: &str) {
    let own = TextEdit::singleline(text)
        .id_salt(called)
        .hint_text(hint)
        // With room for the menu beside it.
        .desired_width((ui.available_size_before_wrap().x - 48.0).clamp(120.0, 250.0));
    let drawn = ui.add(own);
    name(&drawn, called);
}

/// Files of one part.
fn paths(
    ui: &mut Ui,
    title: &str,
    said: &str,
    had: &[std::path::PathBuf],
    list: &mut Vec<std::path::PathBuf>,
    dialog: Dialog,
    commands: &mut Vec<Command>,
) {
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(title).font(theme::strong(12.5)));
        parts::soft(ui, said);
    });
    for own in had {
        ui.horizontal(|ui| {
            let short = Path::new(own)
                .file_name()
                .unwrap_or_default()
                .to_string_lossy();
            let out = ui.small_button("×");
            name(&out, &format!("Take out {short} of {title}"));
            if out.clicked() {
                list.retain(|path| path != own);
            }
            ui.add(Label::new(&*short).truncate())
                .on_hover_text(own.display().to_string());
        });
    }
    let add = ui.button("Files…");
    name(&add, &format!("Files… {title}"));
    if add.clicked() {
        ask(commands, Ask::Dialog(dialog));
    }
}

impl JudgeView {
    fn report(
        &mut self,
        ui: &mut Ui,
        own: &std::sync::Arc<Judged>,
        state: &State,
        commands: &mut Vec<Command>,
    ) {
        let palette = theme::palette(ui);
        ui.separator();
        ui.horizontal_wrapped(|ui| {
            let of = fields::sentence(&own.of);
            ui.label(RichText::new(of).font(theme::strong(14.5)));
            ui.label(RichText::new(format!("on {}", own.on)).color(palette.soft));
        });
        let what = match &own.report.result {
            // Of more than two classes the largest score decides.
            Judgement::SingleLabel(classes) if classes.positive.is_none() => "The temperature was",
            _ => "Thresholds and temperature were",
        };
        let is_chosen = matches!(
            own.report.result,
            Judgement::SingleLabel(_) | Judgement::MultiLabel(_)
        );
        let chosen = match &own.chosen_on {
            Some(notes) => {
                format!("{what} chosen on {notes}; every figure is of the notes above.")
            }
            None if !is_chosen => "Every figure is of the notes above.".to_owned(),
            None => "Nothing was chosen on these notes: without validation notes there is neither \
                     threshold nor temperature."
                .to_owned(),
        };
        parts::soft(ui, chosen);
        if own.form != state.train.judge {
            let said =
                "This is of what was asked for before; judge again for what is asked for now.";
            parts::soft(ui, said);
        }
        if own.report.model.random_weights {
            ui.label(
                RichText::new("Its weights are random: the figures mean nothing.")
                    .color(palette.warn),
            );
        }
        for remark in &own.report.data.remarks {
            ui.label(
                RichText::new(format!("! {remark}"))
                    .small()
                    .color(palette.warn),
            );
        }
        let result = &own.report.result;
        if !self.page.is_of(result) {
            self.page = Page::Figures;
        }
        ui.horizontal_wrapped(|ui| {
            for (page, text) in Page::ALL.iter().filter(|(own, _)| own.is_of(result)) {
                let text = match (page, result) {
                    (Page::Threshold, Judgement::MultiLabel(_)) => "Thresholds",
                    _ => text,
                };
                if ui.selectable_label(self.page == *page, text).clicked() {
                    self.page = *page;
                }
            }
        });
        ui.add_space(4.0);
        match self.page {
            Page::Figures => figures::ui(ui, own, &mut self.classes),
            Page::Confusion => self.confusion.ui(ui, own, state, commands),
            Page::Curves => figures::curves(ui, result),
            Page::Threshold => match result {
                Judgement::SingleLabel(classes) => {
                    if let Some(positive) = &classes.positive {
                        self.threshold.ui(ui, own, positive);
                    }
                }
                Judgement::MultiLabel(labels) => {
                    self.thresholds.ui(ui, own, labels, state, commands);
                }
                _ => {}
            },
            Page::Calibration => figures::calibration(ui, result),
            Page::Slices => figures::slices(ui, &own.report.slices),
        }
    }
}
