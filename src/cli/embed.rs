//! `auscult embed`: one vector for each note.

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::output::{Array, Format, Forms, Table};
use super::progress::Terminal;
use super::{Global, Notes, badge, exit, report};
use crate::engine::{EmbedQuery, Embedding, Pooling};

#[derive(Args)]
#[command(
    after_help = "Example: auscult embed --model models/Clinical_ModernBERT \
                        --out notes.npy assets/notes/discharge-summary.txt"
)]
pub(super) struct Command {
    #[command(flatten)]
    notes: Notes,
    /// How the vectors of the tokens become one.
    #[arg(long, value_enum, default_value_t = PoolingChoice::Mean)]
    pooling: PoolingChoice,
    /// Scale each vector to length 1.
    #[arg(long)]
    normalize: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum PoolingChoice {
    /// The first token's vector.
    Cls,
    /// Their mean.
    Mean,
    /// The largest value of each dimension.
    Max,
}

impl Command {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        let output = global.output(&[Format::Csv, Format::Npy])?;
        let read = self.notes.read(terminal)?;
        let engine = global.engine_with_model(terminal)?;
        let query = EmbedQuery {
            pooling: match self.pooling {
                PoolingChoice::Cls => Pooling::Cls,
                PoolingChoice::Mean => Pooling::Mean,
                PoolingChoice::Max => Pooling::Max,
            },
            normalize: self.normalize,
        };
        let finished = engine.embed(&read.notes, query, &terminal.job("embedding"))?;
        let results = &finished.results;
        output.write(&Forms {
            items: results,
            text: describe(results),
            table: Some(table(results)),
            array: Some(array(results)),
        })?;
        let complete = report(&finished, &read, terminal);
        terminal.remark("An embedding can reveal its note: treat it as patient data.");
        Ok(exit(complete))
    }
}

/// Values of a vector that a person is shown.
const SHOWN: usize = 6;

fn describe(results: &[Embedding]) -> String {
    let mut text = String::new();
    for Embedding {
        note,
        tokens,
        random_weights,
        vector,
    } in results
    {
        let length = vector
            .iter()
            .map(|&x| f64::from(x).powi(2))
            .sum::<f64>()
            .sqrt();
        let first: Vec<String> = vector
            .iter()
            .take(SHOWN)
            .map(|value| format!("{value:.4}"))
            .collect();
        let more = if vector.len() > SHOWN { ", …" } else { "" };
        let _ = writeln!(text, "{note} ({tokens} tokens){}", badge(*random_weights));
        let _ = writeln!(
            text,
            "  {} numbers, length {length:.4}: [{}{more}]",
            vector.len(),
            first.join(", ")
        );
    }
    text
}

fn table(results: &[Embedding]) -> Table {
    let width = results.first().map_or(0, |result| result.vector.len());
    let header = ["note".to_owned(), "tokens".to_owned()].into_iter();
    let row = |result: &Embedding| {
        let start = [result.note.clone(), result.tokens.to_string()].into_iter();
        start
            .chain(result.vector.iter().map(f32::to_string))
            .collect()
    };
    Table {
        header: header
            .chain((0..width).map(|index| format!("d{index}")))
            .collect(),
        rows: results.iter().map(row).collect(),
    }
}

fn array(results: &[Embedding]) -> Array {
    let width = results.first().map_or(0, |result| result.vector.len());
    let values = results
        .iter()
        .flat_map(|result| result.vector.iter().copied())
        .collect();
    Array {
        shape: [results.len(), width],
        values,
    }
}
