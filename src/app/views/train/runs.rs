//! Training runs in a table, and in what those that are compared differ.

use eframe::egui::{Checkbox, Grid, Label, RichText, ScrollArea, Ui};

use super::run::stage;
use super::{GRID, ask, bad, title, wide};
use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::jobs::Purpose;
use crate::app::state::State;
use crate::app::theme;
use crate::app::train::Ask;
use crate::app::train::compare::differences;
use crate::app::train::draft;
use crate::app::train::live::Live;
use crate::app::views::View;
use crate::app::widgets::parts::{self, name, thousands};
use crate::app::widgets::table::{Column, head, of_numbers, of_words, row};
use crate::engine::{RunSummary, TaskKind};

/// The panel.
#[derive(Default)]
pub struct RunsView {
    order: Order,
}

/// How runs are put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Order {
    #[default]
    Newest,
    Best,
    Name,
}

const COLUMNS: [Column; 7] = [
    of_words("Name", 2.2),
    of_words("State", 1.8),
    of_numbers("Best", 2.2),
    of_numbers("Steps", 1.5),
    of_words("Begun", 2.4),
    of_words("Task", 1.1),
    of_words("Model", 1.4),
];

/// Columns that a table of this width has: those that stand last go first.
fn columns(width: f32) -> &'static [Column] {
    let count = match width {
        ..430.0 => 3,
        ..620.0 => 5,
        _ => 7,
    };
    &COLUMNS[..count]
}

impl View for RunsView {
    fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        let train = &state.train;
        let listed: &[RunSummary] = train.runs.value.as_ref().map_or(&[], |own| own);
        ui.horizontal_wrapped(|ui| {
            controls::action_button(ui, "Add folder…", Action::AddRuns, state, commands);
            controls::action_button(ui, "Look again", Action::ReadRuns, state, commands);
            for (own, text) in [
                (Order::Newest, "Newest"),
                (Order::Best, "Best"),
                (Order::Name, "Name"),
            ] {
                let order = ui.selectable_label(self.order == own, text);
                name(&order, &format!("Runs in order: {text}"));
                if order.clicked() {
                    self.order = own;
                }
            }
            if state.jobs.is_running(|own| *own == Purpose::Runs) {
                ui.spinner();
            }
        });
        if let Some(failure) = &train.runs.failure {
            bad(ui, failure);
        }
        if listed.is_empty() {
            let text = "Runs that were made on this computer, here or by the command auscult train, in the \
                        folders that are named.";
            let action = ("Add a folder…", Command::Do(Action::AddRuns));
            controls::empty(ui, "No runs yet", text, Some(action), commands);
            return;
        }
        let mut all: Vec<&RunSummary> = listed.iter().collect();
        match self.order {
            Order::Newest => {}
            // Figures of one kind stand together, those of which less is better the other way round.
            Order::Best => all.sort_by(|a, b| {
                let of = |own: &RunSummary| own.goodness().unwrap_or(f64::NEG_INFINITY);
                let kinds = (a.metric.title()).cmp(b.metric.title());
                kinds.then(of(b).total_cmp(&of(a)))
            }),
            Order::Name => all.sort_by(|a, b| a.name.cmp(&b.name)),
        }
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let shown = train.opened.value.as_ref().filter(|_| train.shows_opened);
            let shown = shown.map(|own| &own.record.summary.folder);
            ui.horizontal(|ui| {
                // As wide as the box of a row.
                ui.add_space(ui.spacing().interact_size.y + ui.spacing().item_spacing.x);
                head(ui, columns(ui.available_width()));
            });
            for own in &all {
                let live = train.live.as_ref();
                let live = live.filter(|live| live.folder == own.folder && live.ended.is_none());
                let chosen = match live {
                    Some(_) => !train.shows_opened,
                    None => shown == Some(&own.folder),
                };
                line(ui, own, live, chosen, state, commands);
            }
            let compared: Vec<&RunSummary> = (all.iter().copied())
                .filter(|own| train.compared.contains(&own.folder))
                .collect();
            if compared.len() > 1 {
                compare(ui, &compared);
            }
            folders(ui, state, commands);
        });
    }

    fn numbers(&self, state: &State) -> Option<String> {
        let all = state.train.runs.value.as_ref()?;
        let mut out = String::from("name\tstate\tmetric\tbest\tsteps\tbegun\ttask\tmodel\n");
        for own in all.iter() {
            let cells = cells(own, None);
            let best = own.best.map_or_else(String::new, |own| own.to_string());
            out.push_str(&format!(
                "{}\t{}\t{}\t{best}\t{}\t{}\t{}\t{}\n",
                cells[0],
                cells[1],
                own.metric.title(),
                own.steps,
                own.begun,
                cells[5],
                cells[6]
            ));
        }
        Some(out)
    }

    fn help(&self) -> &'static str {
        "Runs in the folders that are named below. Choose one to open it: its curves, its report, and what it \
         was told. Tick several to see only the fields in which they differ."
    }
}

fn cells(own: &RunSummary, live: Option<&Live>) -> [String; 7] {
    let model = own.config.model.file_name().unwrap_or_default();
    let best = match own.best {
        Some(best) => format!("{} {best:.4}", own.metric.title()),
        None => "–".to_owned(),
    };
    let (made, total) = match live {
        Some(live) => (
            live.curves.steps(),
            live.start.as_ref().map_or(own.total, |own| own.total),
        ),
        None => (own.steps, own.total),
    };
    let steps = match total {
        0 => "–".to_owned(),
        total => format!("{made} / {total}"),
    };
    [
        own.name.clone(),
        match live {
            Some(_) => "running".to_owned(),
            None => stage(own.stage).to_owned(),
        },
        best,
        steps,
        own.begun.clone(),
        match own.config.task {
            TaskKind::Classify => "Labels",
            TaskKind::Tag => "Spans",
            TaskKind::MaskedLm => "Words",
        }
        .to_owned(),
        model.to_string_lossy().into_owned(),
    ]
}

fn line(
    ui: &mut Ui,
    own: &RunSummary,
    live: Option<&Live>,
    chosen: bool,
    state: &State,
    commands: &mut Vec<Command>,
) {
    ui.push_id(&own.folder, |ui| {
        ui.horizontal(|ui| {
            let mut on = state.train.compared.contains(&own.folder);
            let tick = ui.add(Checkbox::without_text(&mut on));
            name(&tick, &format!("Compare {}", own.name));
            if tick.changed() {
                ask(commands, Ask::Compare(own.folder.clone(), on));
            }
            let columns = columns(ui.available_width());
            let cells = cells(own, live);
            let drawn = row(ui, columns, &cells[..columns.len()], chosen);
            let drawn = drawn.on_hover_text(own.folder.display().to_string());
            if drawn.clicked() {
                ask(commands, Ask::OpenRun(own.folder.clone()));
            }
        });
        if let Some(wrong) = &own.wrong {
            bad(ui, wrong);
        }
    });
}

/// The fields in which runs differ.
fn compare(ui: &mut Ui, runs: &[&RunSummary]) {
    title(ui, "What differs");
    let configs: Vec<_> = runs.iter().map(|own| &own.config).collect();
    let found = differences(&configs);
    if found.is_empty() {
        parts::soft(ui, "They were told the same.");
        return;
    }
    wide(ui, "differences", |ui| {
        let grid = Grid::new("differences").striped(true).spacing(GRID);
        grid.show(ui, |ui| {
            ui.label("");
            for own in runs {
                ui.label(RichText::new(&own.name).font(theme::strong(12.0)));
            }
            ui.end_row();
            for own in &found {
                ui.label(draft::title(own.field));
                for value in &own.values {
                    let said = match &**value {
                        "" => "–",
                        value => value,
                    };
                    ui.add(Label::new(said).truncate());
                }
                ui.end_row();
            }
            ui.label("Best");
            for own in runs {
                let best = own
                    .best
                    .map_or_else(|| "–".to_owned(), |own| format!("{own:.4}"));
                ui.label(format!("{} {best}", own.metric.title()));
            }
            ui.end_row();
        });
    });
}

/// The folders that are looked into, each of which can be let go of.
fn folders(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let own = &state.settings.runs;
    if own.is_empty() {
        return;
    }
    ui.add_space(8.0);
    let count = thousands(own.len());
    parts::heading(ui, &format!("Folders of runs: {count}"));
    for folder in own {
        ui.horizontal(|ui| {
            let out = ui.small_button("×");
            name(&out, &format!("Look no more into {}", folder.display()));
            if out.clicked() {
                ask(commands, Ask::ForgetRuns(folder.clone()));
            }
            parts::soft(ui, folder.display().to_string());
        });
    }
}
