//! `auscult train --seeds` and `--sweep`: several runs of one description, and what they come to.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::exit;
use super::output::{Forms, Output, Usage};
use super::passage::visible;
use super::progress::Terminal;
use super::train::{Watch, learns_from_something};
use crate::engine::{
    BestSetting, Engine, MetricName, PlannedRun, RunState, SettingLine, SweepAxis, SweepFigure,
    SweepObserver, SweepPlan, SweepReport, TrainEvent, TrainObserver, TrainReport, TrainStart,
    counted, is_sweep, setting_name,
};

#[derive(Args)]
pub(super) struct SweepFlags {
    /// Make this many runs, with the seeds from --seed on, and tell the mean and standard deviation of
    /// their figures; --run is a folder with a run for each.
    #[arg(long, value_name = "N", conflicts_with_all = ["resume", "check", "fit", "memory_limit"])]
    seeds: Option<u64>,
    /// Make a run, or as many as --seeds says, with each of these values of a field; given several
    /// times, with all combinations. The best setting is picked by validation notes only.
    #[arg(long, value_name = "FIELD=A,B", conflicts_with_all = ["resume", "check", "fit", "memory_limit"])]
    sweep: Vec<String>,
}

/// Several runs to be made.
pub(super) enum Sweep {
    New(SweepPlan),
    Begun(PathBuf),
}

impl SweepFlags {
    /// The sweep in this folder, if it is that of one.
    pub(super) fn resumed(folder: &Path) -> Option<Sweep> {
        is_sweep(folder).then(|| Sweep::Begun(folder.to_owned()))
    }

    /// The runs that a description and its flags ask for; `None` if they ask for a single one.
    ///
    /// # Errors
    /// [`Usage`] says what is wrong with any of them.
    pub(super) fn planned(
        &self,
        file: Option<&Path>,
        fields: &[(&str, Vec<String>)],
    ) -> Result<Option<Sweep>> {
        if self.seeds.is_none() && self.sweep.is_empty() {
            return Ok(None);
        }
        let axes = self.sweep.iter().map(|words| SweepAxis::parse(words));
        let axes: Vec<SweepAxis> = axes
            .collect::<Result<_, _>>()
            .map_err(|fault| Usage(fault.to_string()))?;
        let given = |axis: &&SweepAxis| fields.iter().any(|(name, _)| *name == axis.field());
        if let Some(axis) = axes.iter().find(given) {
            let name = axis.field();
            let reason = format!("--{name} is given as well; leave out one of both");
            return Err(Usage(format!("--sweep {name}: {reason}")).into());
        }
        let plan = SweepPlan::new(file, fields, &axes, self.seeds.unwrap_or(1));
        let plan = plan.map_err(|fault| Usage(fault.to_string()))?;
        for run in &plan.runs {
            learns_from_something(file, fields, &run.config)?;
        }
        Ok(Some(Sweep::New(plan)))
    }
}

impl Sweep {
    /// Makes the runs that are to be made.
    pub(super) fn run(
        self,
        engine: &Engine,
        output: &Output,
        terminal: &Terminal,
    ) -> Result<ExitCode> {
        let mut watch = SweepWatch {
            terminal,
            run: Watch::new(terminal),
            introduced: false,
        };
        let job = terminal.job("training");
        let report = match self {
            Self::New(plan) => engine.sweep(plan, &job, &mut watch)?,
            Self::Begun(folder) => engine.resume_sweep(&folder, &job, &mut watch)?,
        };
        terminal.clear_line();
        let finished = report.runs.iter();
        let finished = finished
            .filter(|run| run.state == RunState::Finished)
            .count();
        let (runs, folder) = (counted(report.runs.len(), "run"), report.run.display());
        if !report.complete {
            terminal.remark(&format!(
                "stopped: {finished} of {runs} finished; go on with: auscult train --resume {folder}"
            ));
        } else if finished < report.runs.len() {
            terminal.remark(&format!(
                "{finished} of {runs} finished; try those that failed again with: auscult train \
                 --resume {folder}"
            ));
        }
        let all = finished == report.runs.len();
        let text = describe(&report);
        output.write(&Forms {
            items: &[report],
            text,
            table: None,
            array: None,
        })?;
        Ok(exit(all))
    }
}

/// Tells the person at the terminal what happens.
struct SweepWatch<'a> {
    terminal: &'a Terminal,
    run: Watch<'a>,
    /// Whether it was said what is learned from.
    introduced: bool,
}

impl TrainObserver for SweepWatch<'_> {
    fn begins(&mut self, start: &TrainStart) {
        // All learn from the same files; what each has of them is in its folder.
        match self.introduced {
            true => self.run.begins_shortly(start),
            false => self.run.begins(start),
        }
        self.introduced = true;
    }

    fn happens(&mut self, event: &TrainEvent) {
        self.run.happens(event);
    }
}

impl SweepObserver for SweepWatch<'_> {
    fn run_begins(&mut self, run: &PlannedRun, number: usize, all: usize) {
        // Loss and speed are told of this run alone.
        self.run = Watch::new(self.terminal);
        let number = number + 1;
        self.terminal
            .remark(&format!("run {number} of {all}: {}", run.folder));
    }

    fn run_ends(&mut self, run: &PlannedRun, state: &RunState, report: Option<&TrainReport>) {
        for remark in report.iter().flat_map(|report| &report.remarks) {
            self.terminal.warning(remark);
        }
        if let RunState::Failed { reason } = state {
            let folder = &run.folder;
            self.terminal
                .error(&format!("{folder}: {reason}; the other runs go on"));
        }
    }
}

fn describe(report: &SweepReport) -> String {
    let mut text = String::new();
    let metrics = main_figures(report);
    let mut rows = vec![header("setting", &["runs"], &metrics)];
    rows.extend(report.settings.iter().map(|own| row(own, &metrics)));
    let _ = writeln!(text, "on validation notes, mean ± standard deviation");
    table(&rows, &mut text);
    if let Some(best) = &report.best {
        best_setting(best, report.metric, &metrics, &mut text);
    }
    let told = report.run.join("sweep.md");
    let _ = writeln!(text, "\nreport     {}", told.display());
    text
}

/// The figures that matter most, the metric first, over all settings.
fn main_figures(report: &SweepReport) -> Vec<MetricName> {
    let figures = report.settings.iter().map(|own| &own.validation);
    let figures = figures.max_by_key(|own| own.len());
    let main = figures.into_iter().flatten().filter(|own| own.main);
    main.map(|own| own.metric).collect()
}

fn header(first: &str, others: &[&str], metrics: &[MetricName]) -> Vec<String> {
    let titles = metrics.iter().map(|metric| metric.title());
    let all = std::iter::once(first).chain(others.iter().copied());
    all.chain(titles).map(str::to_owned).collect()
}

fn row(own: &SettingLine, metrics: &[MetricName]) -> Vec<String> {
    let runs = format!("{} of {}", own.finished, own.runs);
    let figures = metrics
        .iter()
        .map(|&metric| figure(&own.validation, metric));
    [visible(&setting_name(&own.values)), runs]
        .into_iter()
        .chain(figures)
        .collect()
}

fn figure(figures: &[SweepFigure], metric: MetricName) -> String {
    let Some(own) = figures.iter().find(|own| own.metric == metric) else {
        return "–".to_owned();
    };
    match own.spread.sd {
        Some(sd) => format!("{:.4} ± {sd:.4}", own.spread.mean),
        None => format!("{:.4}", own.spread.mean),
    }
}

fn best_setting(best: &BestSetting, metric: MetricName, metrics: &[MetricName], text: &mut String) {
    let name = visible(&setting_name(&best.values));
    let _ = writeln!(
        text,
        "\nbest       {name}, by {} on validation notes",
        metric.title()
    );
    if !best.test.is_empty() {
        let _ = writeln!(text, "\non test notes, by which nothing was picked");
        let of_setting = metrics.iter().map(|&metric| figure(&best.test, metric));
        let of_run = metrics.iter().map(|&metric| {
            let value = best.run_test.as_ref().and_then(|own| own.value(metric));
            value.map_or("–".to_owned(), |value| format!("{value:.4}"))
        });
        let rows = [
            header("", &[], metrics),
            std::iter::once("over its seeds".to_owned())
                .chain(of_setting)
                .collect(),
            std::iter::once("its best run".to_owned())
                .chain(of_run)
                .collect(),
        ];
        table(&rows, text);
        text.push('\n');
    }
    let _ = writeln!(text, "best run   {}", best.run);
    let _ = write!(text, "model      {}", best.model.display());
}

/// Columns as wide as what is in them, the first to the left.
fn table(rows: &[Vec<String>], text: &mut String) {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let mut line = String::from(" ");
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = match column {
                0 => write!(line, " {cell:<width$}"),
                _ => write!(line, "  {cell:>width$}"),
            };
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
}
