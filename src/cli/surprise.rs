//! `auscult surprise`: which words of a note the model did not expect.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::input::Texts;
use super::output::{Format, Lazy, Rows};
use super::passage::passage;
use super::progress::Terminal;
use super::reading::{LongNoteFlags, cells, describe as describe_coverage, header, row};
use super::{Global, Notes, badge, exit, report_in_part};
use crate::engine::{SurpriseQuery, SurprisingNote, surprising_words};

#[derive(Args)]
#[command(
    after_help = "Each token is hidden by itself, so a note of n tokens is read n times. For long notes \
                  --mask-every 7 or --context 64 are much faster and a little different.\n\n\
                  Example: auscult surprise --model models/Clinical_ModernBERT \
                  --mask-every 7 assets/notes/progress-note.txt"
)]
pub(super) struct Command {
    #[command(flatten)]
    notes: Notes,
    /// Hide every N-th token at the same time: N passes in all. Approximate.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    mask_every: Option<u32>,
    /// Read at most this many tokens on either side of a hidden one. Approximate.
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u32).range(1..))]
    context: Option<u32>,
    /// Words that are shown per note; files get every token.
    #[arg(long, value_name = "N", default_value_t = 15,
          value_parser = clap::value_parser!(u16).range(1..))]
    top: u16,
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
        let query = SurpriseQuery {
            mask_every: self.mask_every.map(|every| every as usize),
            context: self.context.map(|context| context as usize),
            reading: self.long.options()?,
        };
        let read = global.read(&self.notes, terminal)?;
        let engine = global.engine_with_model(terminal)?;
        let finished = engine.surprise(&read.notes, &query, &terminal.job("measuring"))?;
        let texts = Texts::new(&read.notes);
        output.write_lazily(Lazy {
            items: &finished.results,
            text: Box::new(|| describe(&texts, &finished.results, self.top.into())),
            table: Some(table(&texts, &finished.results)),
            array: None,
        })?;
        let in_part = finished.results.iter().any(|note| !note.complete);
        Ok(exit(report_in_part(&finished, in_part, &read, terminal)))
    }
}

/// Bytes of the note to show on either side of a word.
const CONTEXT: usize = 30;

fn describe(texts: &Texts<'_>, results: &[SurprisingNote], top: usize) -> String {
    let mut text = String::new();
    for result in results {
        let note = texts.of(&result.note);
        let badge = badge(result.random_weights);
        let coverage = describe_coverage(&result.coverage);
        let approximate = match (result.approximate, result.complete) {
            (_, false) => ", stopped before its end",
            (true, _) => ", approximate",
            _ => "",
        };
        let _ = writeln!(
            text,
            "{} ({coverage}){badge}\n  mean loss {:.3} nats per token, pseudo-perplexity {:.1}{approximate}",
            result.note, result.mean_loss, result.pseudo_perplexity
        );
        let mut words = surprising_words(note, &result.measured);
        words.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.start.cmp(&b.0.start)));
        for (span, loss, tokens) in words.into_iter().take(top) {
            let before = passage(note, span.start.saturating_sub(CONTEXT), span.start);
            let word = passage(note, span.start, span.end);
            let after = passage(note, span.end, span.end + CONTEXT);
            let several = match tokens {
                1 => String::new(),
                _ => format!("  ({tokens} tokens)"),
            };
            let _ = writeln!(text, "  {loss:7.2}  …{before}⟦{word}⟧{after}…{several}");
        }
    }
    text
}

fn table<'a>(texts: &'a Texts<'_>, results: &'a [SurprisingNote]) -> Rows<'a> {
    let tokens = results
        .iter()
        .flat_map(|result| result.measured.iter().map(move |token| (result, token)));
    let rows = tokens.map(|(result, token)| {
        let own = [
            result.note.clone(),
            token.start.to_string(),
            token.end.to_string(),
            token.id.to_string(),
            token.loss.to_string(),
            texts.of(&result.note)[token.start..token.end].to_owned(),
            result.complete.to_string(),
        ];
        row(own, cells(&result.coverage, result.random_weights))
    });
    Rows {
        header: header(&["note", "start", "end", "id", "loss", "text", "complete"]),
        rows: Box::new(rows),
    }
}
