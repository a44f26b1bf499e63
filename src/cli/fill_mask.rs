//! `auscult fill-mask`: what stands behind masks in notes.

use std::collections::HashMap;
use std::fmt::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::output::{Format, Forms, Table};
use super::passage::{passage, visible};
use super::progress::Terminal;
use super::reading::{LongNoteFlags, describe as describe_coverage};
use super::{Global, Notes, badge, exit, report};
use crate::engine::{Candidate, FillMaskQuery, FilledNote, Note};

#[derive(Args)]
#[command(
    after_help = "Example: auscult fill-mask --model models/Clinical_ModernBERT \
                        --word metformin assets/notes/progress-note.txt"
)]
pub(super) struct Command {
    #[command(flatten)]
    notes: Notes,
    /// Mask the occurrences of this word; without it, the masks in the notes are filled.
    #[arg(long, value_name = "WORD", value_parser = word)]
    word: Option<String>,
    /// Only this occurrence of the word, counted from 1.
    #[arg(long, value_name = "N", requires = "word",
          value_parser = clap::value_parser!(u32).range(1..))]
    occurrence: Option<u32>,
    /// Mask all occurrences of the word at the same time, not one by one.
    #[arg(long, requires = "word")]
    together: bool,
    /// Candidates per mask.
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u16).range(1..))]
    top: u16,
    /// Only these words are candidates, apart by commas.
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    targets: Vec<String>,
    #[command(flatten)]
    long: LongNoteFlags,
}

/// A word is something between white space.
fn word(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("there is no word in it"),
        word => Ok(word.to_owned()),
    }
}

impl Command {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        let output = global.output(&[Format::Csv])?;
        let read = self.notes.read(terminal)?;
        let engine = global.engine_with_model(terminal)?;
        let query = FillMaskQuery {
            word: self.word.clone(),
            occurrence: self.occurrence.map(|number| number as usize),
            together: self.together,
            candidates: self.top.into(),
            targets: self.targets.clone(),
            reading: self.long.options()?,
        };
        let finished = engine.fill_mask(&read.notes, &query, &terminal.job("filling"))?;
        let text = describe(&read.notes, &finished.results);
        let table = Some(table(&finished.results));
        output.write(&Forms {
            items: &finished.results,
            text,
            table,
            array: None,
        })?;
        Ok(exit(report(&finished, &read, terminal)))
    }
}

/// Bytes of the note to show around a mask.
const CONTEXT: usize = 40;

fn describe(notes: &[Note], results: &[FilledNote]) -> String {
    let mut text = String::new();
    let texts: HashMap<String, &str> = notes
        .iter()
        .map(|note| (note.source().to_string(), note.text()))
        .collect();
    for result in results {
        let badge = badge(result.random_weights);
        let _ = writeln!(
            text,
            "{} ({}){badge}",
            result.note,
            describe_coverage(&result.coverage)
        );
        for target in &result.shortened_targets {
            let _ = writeln!(
                text,
                "  \"{}\" is no token: its first one stands for it",
                visible(target)
            );
        }
        let note = texts.get(&result.note).copied().unwrap_or_default();
        for mask in &result.masks {
            let before = passage(note, mask.start.saturating_sub(CONTEXT), mask.start);
            let after = passage(note, mask.end, mask.end + CONTEXT);
            let hint = if mask.approximate {
                " (several tokens, approximate)"
            } else {
                ""
            };
            let _ = writeln!(text, "\n  …{before}▁▁▁▁{after}…{hint}");
            for candidate in &mask.candidates {
                let _ = writeln!(
                    text,
                    "  {:6.2} %  {}",
                    candidate.score * 100.0,
                    shown(candidate)
                );
            }
        }
        text.push('\n');
    }
    text
}

/// A candidate as it is shown.
fn shown(candidate: &Candidate) -> String {
    match candidate.text.trim() {
        "" => "(white space)".to_owned(),
        text => visible(text),
    }
}

fn table(results: &[FilledNote]) -> Table {
    let header = [
        "note",
        "start",
        "end",
        "approximate",
        "rank",
        "id",
        "text",
        "score",
    ];
    let mut rows = Vec::new();
    for result in results {
        for mask in &result.masks {
            for (rank, candidate) in mask.candidates.iter().enumerate() {
                rows.push(vec![
                    result.note.clone(),
                    mask.start.to_string(),
                    mask.end.to_string(),
                    mask.approximate.to_string(),
                    (rank + 1).to_string(),
                    candidate.id.to_string(),
                    candidate.text.clone(),
                    candidate.score.to_string(),
                ]);
            }
        }
    }
    Table {
        header: header.map(str::to_owned).to_vec(),
        rows,
    }
}
