//! `auscult classify`: scores for the labels of notes.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::output::{Format, Lazy, Rows};
use super::passage::visible;
use super::progress::Terminal;
use super::reading::{LongNoteFlags, cells, describe as describe_coverage, header, row};
use super::{Global, Notes, badge, exit, report};
use crate::engine::{ClassifiedNote, ClassifyQuery, Function, counted};

#[derive(Args)]
#[command(
    after_help = "Scores are not calibrated: a score of 0.9 need not be right nine times of ten.\n\n\
                  Example: auscult classify --model models/my-section-classifier assets/notes"
)]
pub(super) struct Command {
    #[command(flatten)]
    notes: Notes,
    /// What makes scores of the model's numbers [default: what fits the model].
    #[arg(long, value_enum)]
    function: Option<FunctionChoice>,
    /// Labels that are shown per note; files get all.
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u16).range(1..))]
    top: u16,
    #[command(flatten)]
    long: LongNoteFlags,
}

#[derive(Clone, Copy, ValueEnum)]
enum FunctionChoice {
    /// Exactly one label holds.
    Softmax,
    /// Each label holds or not.
    Sigmoid,
    /// The model's numbers as they are.
    None,
}

impl Command {
    /// The files that are read.
    pub(super) fn files(&self) -> Vec<&Path> {
        self.notes.paths().chain(self.long.file()).collect()
    }

    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        let output = global.output(&[Format::Csv])?;
        let query = ClassifyQuery {
            function: self.function.map(|function| match function {
                FunctionChoice::Softmax => Function::Softmax,
                FunctionChoice::Sigmoid => Function::Sigmoid,
                FunctionChoice::None => Function::None,
            }),
            reading: self.long.options()?,
        };
        let read = global.read(&self.notes, terminal)?;
        let engine = global.engine_with_model(terminal)?;
        let finished = engine.classify(&read.notes, &query, &terminal.job("classifying"))?;
        output.write_lazily(Lazy {
            items: &finished.results,
            text: Box::new(|| describe(&finished.results, self.top.into())),
            table: Some(table(&finished.results)),
            array: None,
        })?;
        Ok(exit(report(&finished, &read, terminal)))
    }
}

fn describe(results: &[ClassifiedNote], top: usize) -> String {
    let mut text = String::new();
    for result in results {
        let badge = badge(result.random_weights);
        let coverage = describe_coverage(&result.coverage);
        let _ = writeln!(text, "{} ({coverage}){badge}", result.note);
        for label in result.labels.iter().take(top) {
            let _ = writeln!(
                text,
                "  score {:7.4}  {}",
                label.score,
                visible(&label.label)
            );
        }
        if result.labels.len() > top {
            let more = counted(result.labels.len() - top, "more label");
            let _ = writeln!(text, "  and {more}");
        }
    }
    text
}

fn table(results: &[ClassifiedNote]) -> Rows<'_> {
    let rows = results.iter().flat_map(|result| {
        let ranked = result.labels.iter().enumerate();
        ranked.map(|(rank, label)| {
            let own = [
                result.note.clone(),
                (rank + 1).to_string(),
                label.label.clone(),
                label.score.to_string(),
            ];
            row(own, cells(&result.coverage, result.random_weights))
        })
    });
    Rows {
        header: header(&["note", "rank", "label", "score"]),
        rows: Box::new(rows),
    }
}
