//! `auscult notes labels`: which labels notes have.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::output::{Format, Forms, Table, Usage};
use super::passage::visible;
use super::progress::Terminal;
use super::{Global, Notes, exit};
use crate::engine::{LabelCount, LabelQuery, Unflat, counted, document_labels, span_labels};

/// Where labels stand.
#[derive(Clone, Args)]
pub(super) struct Flags {
    /// Column or field of the labels of whole notes [default: what is recognised as the label].
    #[arg(long, value_name = "NAME")]
    column: Option<String>,
    /// What stands between several labels in one cell, such as ";".
    #[arg(long, value_name = "TEXT")]
    separator: Option<String>,
}

/// Which labels notes have.
#[derive(Serialize)]
struct Report<'a> {
    notes: usize,
    /// Where the labels of whole notes stand.
    column: Option<&'a str>,
    labels: &'a [LabelCount],
    /// Notes with more than one label.
    several: usize,
    /// Notes without a label, by their sources.
    unlabelled: Vec<String>,
    spans: &'a [LabelCount],
    /// Notes in which nothing is marked.
    unmarked: usize,
    /// Spans that cannot be labels of words beside the others, by the reason.
    unflat: &'a BTreeMap<Unflat, usize>,
}

pub(super) fn labels(
    notes: &Notes,
    flags: &Flags,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitCode> {
    let output = global.output(&[Format::Csv])?;
    let read = notes.read(terminal)?;
    let query = LabelQuery {
        column: flags.column.clone(),
        separator: flags.separator.clone(),
    };
    let documents =
        document_labels(&read.notes, &query).map_err(|error| Usage(error.to_string()))?;
    let spans = span_labels(&read.notes);
    let unlabelled = documents.unlabelled();
    let report = Report {
        notes: read.notes.len(),
        column: flags.column.as_deref(),
        labels: &documents.classes,
        several: documents.several(),
        unlabelled: unlabelled
            .map(|note| read.notes[note].source().to_string())
            .collect(),
        spans: &spans.labels,
        unmarked: spans.notes_without,
        unflat: &spans.unflat,
    };
    output.write(&Forms {
        text: describe(&report),
        table: Some(table(&report)),
        items: &[report],
        array: None,
    })?;
    Ok(exit(read.complete))
}

/// Notes without a label that are named.
const SHOWN: usize = 10;

fn describe(report: &Report<'_>) -> String {
    let mut text = format!("{}\n", counted(report.notes, "note"));
    if report.labels.is_empty() && report.spans.is_empty() {
        text.push_str("no labels: name their column with --column, or mark spans\n");
        return text;
    }
    if !report.labels.is_empty() {
        let _ = writeln!(
            text,
            "\n{} of whole notes",
            counted(report.labels.len(), "label")
        );
        for own in report.labels {
            let _ = writeln!(text, "  {:>8}  {}", own.notes, visible(&own.label));
        }
        if report.several > 0 {
            let _ = writeln!(
                text,
                "{} with more than one label",
                counted(report.several, "note")
            );
        }
        if !report.unlabelled.is_empty() {
            let first = report.unlabelled.iter().take(SHOWN).cloned();
            let mut first: Vec<String> = first.collect();
            if let Some(more) = report.unlabelled.len().checked_sub(SHOWN + 1) {
                first.push(format!("and {} more", more + 1));
            }
            let notes = counted(report.unlabelled.len(), "note");
            let _ = writeln!(text, "{notes} without a label: {}", first.join(", "));
        }
    }
    if !report.spans.is_empty() {
        let _ = writeln!(
            text,
            "\n{} of marked spans",
            counted(report.spans.len(), "label")
        );
        for own in report.spans {
            let notes = counted(own.notes, "note");
            let _ = writeln!(
                text,
                "  {:>8}  {} in {notes}",
                own.spans,
                visible(&own.label)
            );
        }
        let _ = writeln!(text, "{} without a mark", counted(report.unmarked, "note"));
        for (why, count) in report.unflat {
            let spans = counted(*count, "span");
            let _ = writeln!(text, "{spans} {why}: no labels of words beside the others");
        }
    }
    text
}

fn table(report: &Report<'_>) -> Table {
    let row = |kind: &str, own: &LabelCount| {
        let numbers = [own.notes.to_string(), own.spans.to_string()];
        let [notes, spans] = numbers;
        vec![kind.to_owned(), own.label.clone(), notes, spans]
    };
    let labels = report.labels.iter().map(|own| row("note", own));
    let spans = report.spans.iter().map(|own| row("span", own));
    Table {
        header: ["of", "label", "notes", "spans"]
            .map(str::to_owned)
            .to_vec(),
        rows: labels.chain(spans).collect(),
    }
}
