//! `auscult fill-mask`: what stands behind masks in notes.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::input::{Texts, word};
use super::output::{Format, Lazy, Rows};
use super::passage::{passage, visible};
use super::progress::Terminal;
use super::reading::{self, LongNoteFlags, describe as describe_coverage, header, row};
use super::{Global, Notes, badge, exit, report};
use crate::engine::{Candidate, FillMaskQuery, FilledNote};

#[derive(Args)]
#[command(
    after_help = "Example: auscult fill-mask --model models/Clinical_ModernBERT \
                        --word metformin assets/notes/progress-note.txt"
)]
pub(super) struct Command {
    #[command(flatten)]
    notes: Notes,
    /// Mask the occurrences of this word, in these small and capital letters; without it, the masks in
    /// the notes are filled.
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
    #[arg(long, value_name = "WORDS", value_delimiter = ',', value_parser = word)]
    targets: Vec<String>,
    #[command(flatten)]
    long: LongNoteFlags,
}

impl Command {
    /// The files that are read.
    pub(super) fn files(&self) -> Vec<&Path> {
        self.notes.paths().chain(self.long.file()).collect()
    }

    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        let output = global.output(&[Format::Csv])?;
        let query = FillMaskQuery {
            word: self.word.clone(),
            at: None,
            occurrence: self.occurrence.map(|number| number as usize),
            together: self.together,
            candidates: self.top.into(),
            targets: self.targets.clone(),
            reading: self.long.options()?,
        };
        let read = global.read(&self.notes, terminal)?;
        let engine = global.engine_with_model(terminal)?;
        let finished = engine.fill_mask(&read.notes, &query, &terminal.job("filling"))?;
        output.write_lazily(Lazy {
            items: &finished.results,
            text: Box::new(|| describe(&Texts::new(&read.notes), &finished.results)),
            table: Some(table(&finished.results)),
            array: None,
        })?;
        Ok(exit(report(&finished, &read, terminal)))
    }
}

/// Bytes of the note to show around a mask.
const CONTEXT: usize = 40;

fn describe(texts: &Texts<'_>, results: &[FilledNote]) -> String {
    let mut text = String::new();
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
        let note = texts.of(&result.note);
        for mask in &result.masks {
            let before = passage(note, mask.start.saturating_sub(CONTEXT), mask.start);
            let after = passage(note, mask.end, mask.end + CONTEXT);
            let hint = match (mask.was_read, mask.approximate) {
                (false, _) => " (not filled: it lies outside of the part that is read)",
                (_, true) => " (several tokens, approximate)",
                _ => "",
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

/// A row per candidate; a mask that was not read has one without.
fn table(results: &[FilledNote]) -> Rows<'_> {
    let own = [
        "note",
        "start",
        "end",
        "approximate",
        "rank",
        "id",
        "text",
        "score",
    ];
    let masks = results
        .iter()
        .flat_map(|result| result.masks.iter().map(move |mask| (result, mask)));
    let rows = masks.flat_map(|(result, mask)| {
        let ranked = mask.candidates.iter().enumerate();
        let cells = ranked.map(|(rank, candidate)| {
            [
                (rank + 1).to_string(),
                candidate.id.to_string(),
                candidate.text.clone(),
                candidate.score.to_string(),
            ]
        });
        let nothing = mask.candidates.is_empty().then(Default::default);
        cells.chain(nothing).map(|[rank, id, text, score]| {
            let own = [
                result.note.clone(),
                mask.start.to_string(),
                mask.end.to_string(),
                mask.approximate.to_string(),
                rank,
                id,
                text,
                score,
            ];
            row(own, reading::cells(&result.coverage, result.random_weights))
        })
    });
    Rows {
        header: header(&own),
        rows: Box::new(rows),
    }
}
