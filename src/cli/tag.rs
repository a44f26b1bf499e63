//! `auscult tag`: spans that a tagger finds in notes.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::output::{Format, Lazy, Rows};
use super::passage::{beginning, visible};
use super::progress::Terminal;
use super::reading::{LongNoteFlags, cells, describe as describe_coverage, header, row};
use super::{Global, Notes, badge, exit, report};
use crate::engine::{Aggregation, TagQuery, TaggedNote, counted};

#[derive(Args)]
#[command(after_help = "Example: auscult tag --model models/my-disease-tagger \
                        assets/notes/discharge-summary.txt")]
pub(super) struct Command {
    #[command(flatten)]
    notes: Notes,
    /// How tokens become spans, as transformers' pipeline has it [default: as first, and without
    /// punctuation at the ends of spans].
    #[arg(long, value_enum)]
    aggregation: Option<AggregationChoice>,
    /// Labels that are left out, apart by commas.
    #[arg(
        long,
        value_name = "LABELS",
        default_value = "O",
        value_delimiter = ','
    )]
    ignore: Vec<String>,
    #[command(flatten)]
    long: LongNoteFlags,
}

/// The names are those of transformers' pipeline.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum AggregationChoice {
    /// Every token by itself.
    None,
    /// Neighbouring tokens of one kind together.
    Simple,
    /// Whole words, each with its first token's label.
    First,
    /// Whole words, each with the mean of its tokens' scores.
    Average,
    /// Whole words, each with its surest token's label.
    Max,
}

impl From<AggregationChoice> for Aggregation {
    fn from(choice: AggregationChoice) -> Self {
        match choice {
            AggregationChoice::None => Self::None,
            AggregationChoice::Simple => Self::Simple,
            AggregationChoice::First => Self::First,
            AggregationChoice::Average => Self::Average,
            AggregationChoice::Max => Self::Max,
        }
    }
}

impl Command {
    /// The files that are read.
    pub(super) fn files(&self) -> Vec<&Path> {
        self.notes.paths().chain(self.long.file()).collect()
    }

    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        let output = global.output(&[Format::Csv])?;
        let query = TagQuery {
            aggregation: self.aggregation.map_or(Aggregation::First, Into::into),
            tidy: self.aggregation.is_none(),
            ignored: self.ignore.clone(),
            reading: self.long.options()?,
        };
        let read = global.read(&self.notes, terminal)?;
        let engine = global.engine_with_model(terminal)?;
        let finished = engine.tag(&read.notes, &query, &terminal.job("tagging"))?;
        output.write_lazily(Lazy {
            items: &finished.results,
            text: Box::new(|| describe(&finished.results)),
            table: Some(table(&finished.results)),
            array: None,
        })?;
        Ok(exit(report(&finished, &read, terminal)))
    }
}

/// Characters of a span that are shown.
const SHOWN: usize = 60;

fn describe(results: &[TaggedNote]) -> String {
    let mut text = String::new();
    for result in results {
        let badge = badge(result.random_weights);
        let coverage = describe_coverage(&result.coverage);
        let spans = counted(result.spans.len(), "span");
        let _ = writeln!(text, "{} ({coverage}): {spans}{badge}", result.note);
        let widest = result
            .spans
            .iter()
            .map(|span| span.label.chars().count())
            .max();
        let width = widest.unwrap_or(0).min(24);
        for span in &result.spans {
            let bytes = format!("{}..{}", span.start, span.end);
            let _ = writeln!(
                text,
                "  {bytes:>13}  {:<width$}  score {:.4}  {}",
                visible(&span.label),
                span.score,
                beginning(&span.text, SHOWN)
            );
        }
    }
    text
}

fn table(results: &[TaggedNote]) -> Rows<'_> {
    let rows = results.iter().flat_map(|result| {
        result.spans.iter().map(|span| {
            let own = [
                result.note.clone(),
                span.start.to_string(),
                span.end.to_string(),
                span.label.clone(),
                span.score.to_string(),
                span.text.clone(),
            ];
            row(own, cells(&result.coverage, result.random_weights))
        })
    });
    Rows {
        header: header(&["note", "start", "end", "label", "score", "text"]),
        rows: Box::new(rows),
    }
}
