//! `auscult tokenizer`: a vocabulary of one's own.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::output::{Forms, Output, Usage};
use super::progress::Terminal;
use super::{Global, Notes, exit};
use crate::engine::{
    EngineError, LengthsError, TextLengths, Tokenizer, TrainerError, TrainerOptions, check_folder,
    counted, text_lengths, train_tokenizer,
};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Train a byte-level BPE tokenizer on notes, laid out like ModernBERT's.
    ///
    /// It is saved as tokenizer.json and tokenizer_config.json in the folder --out, which
    /// transformers opens as well. The same notes give the same files, byte for byte. Notes are read
    /// one after the other and may be more than fit into memory.
    #[command(
        after_help = "Example: auscult tokenizer train assets/notes --vocab-size 1024 --out my-tokenizer"
    )]
    Train(Train),
}

#[derive(Clone, Args)]
pub(super) struct Train {
    #[command(flatten)]
    notes: Notes,
    /// Entries of the vocabulary in all; 28 are runs of spaces and special tokens, 256 bytes.
    #[arg(long, value_name = "NUMBER")]
    vocab_size: usize,
    /// How often a pair has to occur to become a token.
    #[arg(long, value_name = "NUMBER", default_value_t = 2)]
    min_frequency: u64,
    /// Files of other notes, to measure how many tokens a word takes.
    #[arg(long, value_name = "NOTES")]
    held_out: Vec<PathBuf>,
    /// Folder of a tokenizer that is measured beside it; may be given several times.
    #[arg(long, value_name = "DIR", requires = "held_out")]
    beside: Vec<PathBuf>,
}

/// What was trained.
#[derive(Serialize)]
struct Report {
    folder: String,
    vocabulary_size: usize,
    merges: usize,
    notes: usize,
    bytes: usize,
    held_out: Vec<Measured>,
}

/// How one tokenizer cuts the notes that were held out.
#[derive(Serialize)]
struct Measured {
    tokenizer: String,
    vocabulary_size: usize,
    #[serde(flatten)]
    lengths: TextLengths,
    tokens_per_word: Option<f64>,
    bytes_per_token: Option<f64>,
}

impl Command {
    /// What it reads.
    pub(super) fn files(&self) -> Vec<&Path> {
        let Self::Train(train) = self;
        let held_out = train.held_out.iter().map(PathBuf::as_path);
        train.notes.paths().chain(held_out).collect()
    }

    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        let Self::Train(train) = self;
        train.run(global, terminal)
    }
}

impl Train {
    fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        let folder = global.out.as_deref().ok_or_else(|| {
            Usage("this command needs a folder for the tokenizer: --out DIR".to_owned())
        })?;
        check_folder(folder).map_err(usage)?;
        let beside: Result<Vec<Tokenizer>, _> = self
            .beside
            .iter()
            .map(|folder| Tokenizer::open(folder))
            .collect();
        let beside = beside?;
        let options = TrainerOptions {
            vocabulary_size: self.vocab_size,
            least_frequency: self.min_frequency,
        };
        let job = terminal.job("training");
        let (trained, complete) = self.notes.texts(None, &job, terminal, |texts| {
            train_tokenizer(texts, options, &job)
        })?;
        let trained = trained.map_err(usage)?;
        trained.save(folder).map_err(usage)?;
        if trained.vocabulary_size < self.vocab_size {
            terminal.remark(&format!(
                "{} entries instead of {}: no more pairs occur {}",
                trained.vocabulary_size,
                self.vocab_size,
                counted(self.min_frequency.max(1) as usize, "time")
            ));
        }
        let mut report = Report {
            folder: folder.display().to_string(),
            vocabulary_size: trained.vocabulary_size,
            merges: trained.merges,
            notes: trained.texts,
            bytes: trained.bytes,
            held_out: Vec::new(),
        };
        let mut complete = complete;
        if !self.held_out.is_empty() {
            let own = Tokenizer::open(folder)?;
            let folders = [folder]
                .into_iter()
                .chain(self.beside.iter().map(PathBuf::as_path));
            for (tokenizer, folder) in [&own].into_iter().chain(&beside).zip(folders) {
                let job = terminal.job("measuring");
                let (lengths, all) =
                    self.notes
                        .texts(Some(&self.held_out), &job, terminal, |texts| {
                            text_lengths(tokenizer, texts, &job)
                        })?;
                let lengths = lengths.map_err(|error| match error {
                    LengthsError::Cancelled(cancelled) => EngineError::from(cancelled),
                    LengthsError::Tokenizer(error) => EngineError::from(error),
                })?;
                complete &= all;
                report.held_out.push(Measured {
                    tokenizer: folder.display().to_string(),
                    vocabulary_size: tokenizer.vocabulary_size(),
                    tokens_per_word: lengths.tokens_per_word(),
                    bytes_per_token: lengths.bytes_per_token(),
                    lengths,
                });
            }
        }
        let output = match global.json {
            true => Output::Json,
            false => Output::Text,
        };
        output.write(&Forms {
            text: describe(&report),
            items: &[report],
            table: None,
            array: None,
        })?;
        Ok(exit(complete))
    }
}

/// What was asked for in vain is wrong usage; the rest is a failure.
fn usage(error: TrainerError) -> anyhow::Error {
    match error {
        TrainerError::Size { .. } | TrainerError::Exists(_) => Usage(error.to_string()).into(),
        TrainerError::Cancelled(cancelled) => EngineError::from(cancelled).into(),
        error => error.into(),
    }
}

fn describe(report: &Report) -> String {
    let (notes, bytes) = (counted(report.notes, "note"), counted(report.bytes, "byte"));
    let mut text = format!(
        "{}: {} tokens, {} of them merged pairs, from {notes} with {bytes}\n",
        report.folder, report.vocabulary_size, report.merges
    );
    if let Some(first) = report.held_out.first() {
        let notes = counted(first.lengths.texts, "note");
        let words = counted(first.lengths.words, "word");
        let _ = writeln!(text, "\n{notes} that were held out, {words}");
        let _ = writeln!(text, "  tokens  per word  bytes each  entries");
    }
    for own in &report.held_out {
        let number =
            |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.3}"));
        let _ = writeln!(
            text,
            "{:>8}  {:>8}  {:>10}  {:>7}  {}",
            own.lengths.tokens,
            number(own.tokens_per_word),
            number(own.bytes_per_token),
            own.vocabulary_size,
            own.tokenizer
        );
    }
    text
}
