//! What to do with notes that are longer than the model, on the command line.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::output::Usage;
use crate::engine::{Coverage, LongNotes, ReadingOptions, SectionRules, Way, counted};

/// Flags of every command that lets the model read notes.
#[derive(Clone, Args)]
#[command(next_help_heading = "Long notes")]
pub(super) struct LongNoteFlags {
    /// What to do with notes that are longer than the model.
    #[arg(long, value_enum, default_value_t = LongChoice::Windows)]
    long: LongChoice,
    /// Tokens that neighbouring windows share [default: an eighth of a window].
    #[arg(long, value_name = "TOKENS")]
    overlap: Option<usize>,
    /// Tokens to read at once, special tokens included [default: what the model reads].
    #[arg(long, value_name = "TOKENS")]
    max_tokens: Option<usize>,
    /// A file with rules for section headings; `auscult notes rules` prints the usual ones.
    #[arg(long, value_name = "FILE")]
    sections: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LongChoice {
    /// Read the beginning only.
    First,
    /// Read the end only.
    Last,
    /// Read all in overlapping windows and merge the results.
    Windows,
    /// The same, with windows that end where a section ends.
    Sections,
}

impl LongNoteFlags {
    /// The file of rules that is read.
    pub(super) fn file(&self) -> Option<&Path> {
        self.sections.as_deref()
    }

    /// The options that the flags name.
    pub(super) fn options(&self) -> Result<ReadingOptions> {
        let rules = match &self.sections {
            Some(file) => SectionRules::read(file).map_err(|error| Usage(error.to_string()))?,
            None => SectionRules::default(),
        };
        Ok(ReadingOptions {
            long: match self.long {
                LongChoice::First => LongNotes::First,
                LongChoice::Last => LongNotes::Last,
                LongChoice::Windows => LongNotes::Windows,
                LongChoice::Sections => LongNotes::Sections,
            },
            overlap: self.overlap,
            max_tokens: self.max_tokens,
            rules: Arc::new(rules),
        })
    }
}

/// How a note was read, for a person: `1123 tokens` or `11688 tokens in 2 windows`.
pub(super) fn describe(coverage: &Coverage) -> String {
    let Coverage {
        windows,
        read_start,
        read_end,
        ..
    } = coverage;
    let tokens = counted(coverage.tokens, "token");
    match coverage.read {
        Way::Whole => tokens,
        Way::First => format!("first part of {tokens}, to byte {read_end}"),
        Way::Last => format!("last part of {tokens}, from byte {read_start}"),
        Way::Windows if coverage.overlap == Some(0) => {
            format!("{tokens} in {windows} windows side by side")
        }
        Way::Windows => format!("{tokens} in {windows} overlapping windows"),
        Way::Sections if coverage.overlap.is_none() => {
            format!("{tokens} in {windows} windows of whole sections")
        }
        Way::Sections => {
            format!("{tokens} in {windows} windows by section, sections too long for one cut")
        }
    }
}

/// Columns of every table of results: how a note was read, and by what.
pub(super) const COLUMNS: [&str; 6] = [
    "tokens",
    "read",
    "windows",
    "read_start",
    "read_end",
    "random_weights",
];

/// The cells of [`COLUMNS`].
pub(super) fn cells(coverage: &Coverage, random_weights: bool) -> [String; 6] {
    [
        coverage.tokens.to_string(),
        coverage.read.to_string(),
        coverage.windows.to_string(),
        coverage.read_start.to_string(),
        coverage.read_end.to_string(),
        random_weights.to_string(),
    ]
}

/// The names of a table's own columns and of [`COLUMNS`].
pub(super) fn header(own: &[&str]) -> Vec<String> {
    let names = own.iter().chain(&COLUMNS);
    names.map(|name| (*name).to_owned()).collect()
}

/// A row of a table's own cells and those of [`COLUMNS`].
pub(super) fn row<const N: usize>(own: [String; N], shared: [String; 6]) -> Vec<String> {
    own.into_iter().chain(shared).collect()
}
