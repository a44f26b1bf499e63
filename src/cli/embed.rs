//! `auscult embed`: vectors for notes or their parts.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::output::{Array, Format, Lazy, Rows};
use super::passage::visible;
use super::progress::Terminal;
use super::reading::{LongNoteFlags, cells, describe as describe_coverage, header, row};
use super::unit::UnitChoice;
use super::{Global, Notes, badge, exit, report};
use crate::engine::{Coverage, EmbedQuery, Embedding, Pooling, Unit, counted};

#[derive(Args)]
#[command(
    after_help = "Example: auscult embed --model models/Clinical_ModernBERT \
                        --unit sentence --out sentences.npy assets/notes/discharge-summary.txt"
)]
pub(super) struct Command {
    #[command(flatten)]
    notes: Notes,
    /// What gets a vector.
    #[arg(long, value_enum, default_value_t = UnitChoice::Note)]
    unit: UnitChoice,
    /// How the vectors of the tokens become one.
    #[arg(long, value_enum, default_value_t = PoolingChoice::Mean)]
    pooling: PoolingChoice,
    /// Scale each vector to length 1.
    #[arg(long)]
    normalize: bool,
    #[command(flatten)]
    long: LongNoteFlags,
}

/// How the vectors of tokens become one.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PoolingChoice {
    /// The first token's vector; sections and sentences are read by themselves then.
    Cls,
    /// Their mean.
    Mean,
    /// The largest value of each dimension.
    Max,
}

impl From<PoolingChoice> for Pooling {
    fn from(choice: PoolingChoice) -> Self {
        match choice {
            PoolingChoice::Cls => Self::Cls,
            PoolingChoice::Mean => Self::Mean,
            PoolingChoice::Max => Self::Max,
        }
    }
}

/// One vector with its place.
#[derive(Serialize)]
struct Row<'a> {
    note: &'a str,
    #[serde(flatten)]
    coverage: &'a Coverage,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    random_weights: bool,
    start: usize,
    end: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<&'a str>,
    vector: &'a [f32],
}

impl Command {
    /// The files that are read.
    pub(super) fn files(&self) -> Vec<&Path> {
        self.notes.paths().chain(self.long.file()).collect()
    }

    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        let output = global.output(&[Format::Csv, Format::Npy])?;
        let query = EmbedQuery {
            unit: self.unit.into(),
            pooling: self.pooling.into(),
            normalize: self.normalize,
            reading: self.long.options()?,
        };
        let read = global.read(&self.notes, terminal)?;
        let engine = global.engine_with_model(terminal)?;
        let finished = engine.embed(&read.notes, &query, &terminal.job("embedding"))?;
        let results = &finished.results;
        let rows = rows(results);
        output.write_lazily(Lazy {
            items: &rows,
            text: Box::new(|| describe(results, query.unit)),
            table: Some(table(&rows)),
            array: Some(Box::new(|| array(&rows))),
        })?;
        let complete = report(&finished, &read, terminal);
        terminal.remark("An embedding can reveal its note: treat it as patient data.");
        Ok(exit(complete))
    }
}

fn rows(results: &[Embedding]) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for result in results {
        rows.extend(result.units.iter().map(|part| Row {
            note: &result.note,
            coverage: &result.coverage,
            random_weights: result.random_weights,
            start: part.start,
            end: part.end,
            section: part.section.as_deref(),
            vector: &part.vector,
        }));
    }
    rows
}

/// Values of a vector that a person is shown.
const SHOWN: usize = 6;

fn describe(results: &[Embedding], unit: Unit) -> String {
    let mut text = String::new();
    for result in results {
        let coverage = describe_coverage(&result.coverage);
        let badge = badge(result.random_weights);
        let _ = writeln!(text, "{} ({coverage}){badge}", result.note);
        for part in &result.units {
            let squares = part.vector.iter().map(|&x| f64::from(x).powi(2));
            let length = squares.sum::<f64>().sqrt();
            let first: Vec<String> = part
                .vector
                .iter()
                .take(SHOWN)
                .map(|value| format!("{value:.4}"))
                .collect();
            let more = if part.vector.len() > SHOWN {
                ", …"
            } else {
                ""
            };
            let place = match unit {
                Unit::Note => String::new(),
                _ => format!("bytes {}..{} ", part.start, part.end),
            };
            let section = match part.section.as_deref() {
                Some("") => "(before the first heading) ".to_owned(),
                Some(name) => format!("{} ", visible(name)),
                None => String::new(),
            };
            let _ = writeln!(
                text,
                "  {place}{section}{}, length {length:.4}: [{}{more}]",
                counted(part.vector.len(), "number"),
                first.join(", ")
            );
        }
    }
    text
}

fn table<'a>(rows: &'a [Row<'a>]) -> Rows<'a> {
    let width = rows.first().map_or(0, |row| row.vector.len());
    let mut header = header(&["note", "start", "end", "section"]);
    header.extend((0..width).map(|index| format!("d{index}")));
    let cells = |own: &Row<'_>| {
        let place = [
            own.note.to_owned(),
            own.start.to_string(),
            own.end.to_string(),
            own.section.unwrap_or_default().to_owned(),
        ];
        let mut cells = row(place, cells(own.coverage, own.random_weights));
        cells.extend(own.vector.iter().map(f32::to_string));
        cells
    };
    Rows {
        header,
        rows: Box::new(rows.iter().map(cells)),
    }
}

fn array<'a>(rows: &[Row<'_>]) -> Array<'a> {
    let width = rows.first().map_or(0, |row| row.vector.len());
    let values = rows.iter().flat_map(|row| row.vector.iter().copied());
    Array {
        shape: [rows.len(), width],
        values: values.collect(),
    }
}
