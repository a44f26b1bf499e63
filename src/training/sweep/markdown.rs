//! What came of a sweep, as a table to be read.

use std::fmt::Write;

use super::report::{BestSetting, Figure, SweepReport};
use super::{RunState, setting_name};
use crate::evaluation::markdown::{cell, table};
use crate::metrics::spread::Spread;
use crate::notes::counted;
use crate::training::config::MetricName;

/// The report of a sweep.
pub(super) fn markdown(report: &SweepReport) -> String {
    let name = report.run.file_name().unwrap_or_default();
    let mut text = format!("# Sweep: {}\n\n", cell(&name.to_string_lossy()));
    let ended = |run: &&super::RunLine| run.state == RunState::Finished;
    let finished = report.runs.iter().filter(ended).count();
    let runs = counted(report.runs.len(), "run");
    let settings = counted(report.settings.len(), "setting");
    let _ = writeln!(text, "{runs} of {settings}; {finished} finished.");
    if !report.complete {
        text.push_str("It goes on with `auscult train --resume` and this folder.\n");
    }
    text.push_str(
        "\n## Settings\n\nEach figure is of the best models of a setting's runs on validation notes: \
         mean ± standard deviation of the sample (n − 1).\n",
    );
    if report.divided_by_seed {
        text.push_str(
            "The seed also divides the notes, so each seed is judged by other notes, the same for \
             every setting; files named by `validation` and `test` are the same for all.\n",
        );
    }
    text.push('\n');
    settings_table(report, &mut text);
    let failed = report.runs.iter().filter_map(|run| match &run.state {
        RunState::Failed { reason } => Some((&run.folder, reason)),
        _ => None,
    });
    let failed: Vec<_> = failed.collect();
    if !failed.is_empty() {
        text.push_str("## Runs that failed\n\n");
        for (folder, reason) in failed {
            let reason = reason.replace(char::is_control, " ");
            let _ = writeln!(text, "- {}: {reason}", cell(folder));
        }
        text.push('\n');
    }
    match &report.best {
        Some(best) => best_setting(report.metric, best, &mut text),
        None if report.complete => {
            text.push_str("## Best setting\n\nNone: no run could be judged.\n");
        }
        None => {}
    }
    text
}

/// The figures that matter most, the metric first, over all settings.
fn main_figures(report: &SweepReport) -> Vec<MetricName> {
    let with = report
        .settings
        .iter()
        .find(|own| !own.validation.is_empty());
    let figures = with.map_or(&[][..], |own| &own.validation[..]);
    figures
        .iter()
        .filter(|own| own.main)
        .map(|own| own.metric)
        .collect()
}

fn settings_table(report: &SweepReport, text: &mut String) {
    let metrics = main_figures(report);
    let header: Vec<&str> = ["setting", "runs finished"]
        .into_iter()
        .chain(metrics.iter().map(|metric| metric.title()))
        .collect();
    let rows = report.settings.iter().map(|own| {
        let runs = format!("{} of {}", own.finished, own.runs);
        let figures = metrics.iter().map(|&metric| of(&own.validation, metric));
        [cell(&setting_name(&own.values)), runs]
            .into_iter()
            .chain(figures)
            .collect()
    });
    table(text, &header, rows);
}

fn best_setting(metric: MetricName, best: &BestSetting, text: &mut String) {
    let _ = write!(
        text,
        "## Best setting\n\n{}: it has the best mean {} on validation notes, and was picked by that \
         alone.\nFigures that something was picked by are better than those on new notes will be.\n",
        cell(&setting_name(&best.values)),
        metric.title()
    );
    if !best.test.is_empty() {
        text.push_str(
            "Nothing was picked by the test notes; they are told of for this setting only.\n",
        );
    }
    let _ = write!(
        text,
        "Its best run on validation notes is {}, and its model is in the folder best there.\n\n",
        cell(&best.run)
    );
    let mut header = vec!["figure", "validation, over seeds", "validation, best run"];
    if !best.test.is_empty() {
        header.extend(["test, over seeds", "test, best run"]);
    }
    let rows = best.validation.iter().map(|figure| {
        let own = figure.metric;
        let single = |value: Option<f64>| value.map_or("–".to_owned(), |own| format!("{own:.4}"));
        let mut row = vec![
            own.title().to_owned(),
            spread(&figure.spread),
            single(best.run_validation.value(own)),
        ];
        if !best.test.is_empty() {
            let test = best.run_test.as_ref().and_then(|test| test.value(own));
            row.extend([of(&best.test, own), single(test)]);
        }
        row
    });
    table(text, &header, rows);
}

/// A figure among others, or a dash where there is none.
fn of(figures: &[Figure], metric: MetricName) -> String {
    let own = figures.iter().find(|own| own.metric == metric);
    own.map_or("–".to_owned(), |own| spread(&own.spread))
}

/// `0.8123 ± 0.0045`, or the mean alone where there is one number.
fn spread(own: &Spread) -> String {
    match own.sd {
        Some(sd) => format!("{:.4} ± {sd:.4}", own.mean),
        None => format!("{:.4}", own.mean),
    }
}
