//! `auscult search`: what is most like a text?

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{ArgGroup, Args, ValueEnum};

use super::embed::PoolingChoice;
use super::output::{Format, Forms, Table};
use super::passage::{beginning, visible};
use super::progress::Terminal;
use super::reading::LongNoteFlags;
use super::{Global, Notes, badge, exit, report};
use crate::engine::{Found, Hit, Note, SearchQuery, Source, Unit};

#[derive(Args)]
#[command(
    group = ArgGroup::new("wanted").required(true).args(["text", "like"]),
    after_help = "Scores are cosines. Those of an encoder that was not trained for similarity lie \
                  close together: they rank, and their size means little.\n\n\
                  Example: auscult search --model models/Clinical_ModernBERT \
                  --query \"chest pain on exertion\" --unit sentence assets/notes"
)]
pub(super) struct Command {
    #[command(flatten)]
    notes: Notes,
    /// Look for what is like this text.
    #[arg(long = "query", id = "text", value_name = "TEXT", value_parser = not_empty)]
    text: Option<String>,
    /// Look for what is like this note.
    #[arg(long, value_name = "NOTE")]
    like: Option<PathBuf>,
    /// What is compared.
    #[arg(long, value_enum, default_value_t = Compared::Note)]
    unit: Compared,
    /// How the vectors of the tokens become one.
    #[arg(long, value_enum, default_value_t = PoolingChoice::Mean)]
    pooling: PoolingChoice,
    /// Hits to give.
    #[arg(long, value_name = "N", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(1..))]
    top: u32,
    #[command(flatten)]
    long: LongNoteFlags,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Compared {
    /// Whole notes.
    Note,
    /// Their sections.
    Section,
    /// Their sentences.
    Sentence,
}

fn not_empty(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("there is no text in it"),
        _ => Ok(text.to_owned()),
    }
}

impl Command {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        let output = global.output(&[Format::Csv])?;
        let query = SearchQuery {
            unit: match self.unit {
                Compared::Note => Unit::Note,
                Compared::Section => Unit::Section,
                Compared::Sentence => Unit::Sentence,
            },
            pooling: self.pooling.into(),
            top: self.top as usize,
            reading: self.long.options()?,
        };
        let wanted = self.wanted(terminal)?;
        let read = self.notes.read(terminal)?;
        let engine = global.engine_with_model(terminal)?;
        let job = terminal.job("searching");
        let found = engine.search(&wanted, &read.notes, &query, &job)?;
        output.write(&Forms {
            items: &found.hits,
            text: describe(&found, self.unit),
            table: Some(table(&found.hits)),
            array: None,
        })?;
        Ok(exit(report(&found.notes, &read, terminal)))
    }

    /// What to look for.
    fn wanted(&self, terminal: &Terminal) -> Result<Note> {
        if let Some(text) = &self.text {
            return Ok(Note::new(Source::Typed, text.clone()));
        }
        let path: Vec<PathBuf> = self.like.iter().cloned().collect();
        let mut read = self.notes.read_instead(&path, terminal)?;
        match read.notes.len() {
            1 => read.notes.pop().context("there is one"),
            notes => anyhow::bail!("--like takes one note, but there are {notes} in it"),
        }
    }
}

/// Characters of a hit that are shown.
const SHOWN: usize = 100;

fn describe(found: &Found, unit: Compared) -> String {
    let unit = match unit {
        Compared::Note => "notes",
        Compared::Section => "sections",
        Compared::Sentence => "sentences",
    };
    let compared = found.compared;
    let badge = badge(found.hits.first().is_some_and(|hit| hit.random_weights));
    let mut text = format!("{compared} {unit} compared{badge}\n");
    for hit in &found.hits {
        let section = match hit.section.as_deref() {
            None | Some("") => String::new(),
            Some(name) => format!(", {}", visible(name)),
        };
        let _ = writeln!(
            text,
            "\n{:3}. {:.4}  {}, bytes {}..{}{section}\n     {}",
            hit.rank,
            hit.score,
            hit.note,
            hit.start,
            hit.end,
            beginning(&hit.text, SHOWN)
        );
    }
    text
}

fn table(hits: &[Hit]) -> Table {
    let header = ["rank", "score", "note", "start", "end", "section", "text"];
    let row = |hit: &Hit| {
        vec![
            hit.rank.to_string(),
            hit.score.to_string(),
            hit.note.clone(),
            hit.start.to_string(),
            hit.end.to_string(),
            hit.section.clone().unwrap_or_default(),
            hit.text.clone(),
        ]
    };
    Table {
        header: header.map(str::to_owned).to_vec(),
        rows: hits.iter().map(row).collect(),
    }
}
