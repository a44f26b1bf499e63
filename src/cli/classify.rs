//! `auscult classify`: scores for the labels of notes.

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::output::{Format, Forms, Table};
use super::passage::visible;
use super::progress::Terminal;
use super::reading::{LongNoteFlags, describe as describe_coverage};
use super::{Global, Notes, badge, exit, report};
use crate::engine::{ClassifiedNote, ClassifyQuery, Function};

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
        let read = self.notes.read(terminal)?;
        let engine = global.engine_with_model(terminal)?;
        let finished = engine.classify(&read.notes, &query, &terminal.job("classifying"))?;
        output.write(&Forms {
            items: &finished.results,
            text: describe(&finished.results, self.top.into()),
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
            let _ = writeln!(text, "  and {} more labels", result.labels.len() - top);
        }
    }
    text
}

fn table(results: &[ClassifiedNote]) -> Table {
    let mut rows = Vec::new();
    for result in results {
        for (rank, label) in result.labels.iter().enumerate() {
            rows.push(vec![
                result.note.clone(),
                (rank + 1).to_string(),
                label.label.clone(),
                label.score.to_string(),
            ]);
        }
    }
    Table {
        header: ["note", "rank", "label", "score"]
            .map(str::to_owned)
            .to_vec(),
        rows,
    }
}
