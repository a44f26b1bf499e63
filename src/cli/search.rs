//! `auscult search`: what is most like a text?

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{ArgGroup, Args};

use super::embed::PoolingChoice;
use super::output::{Format, Lazy, Rows};
use super::passage::{beginning, visible};
use super::progress::Terminal;
use super::reading::{LongNoteFlags, cells, describe as describe_coverage, header, row};
use super::unit::{COMPARED, UnitChoice, among};
use super::{Global, Notes, badge, exit, report};
use crate::engine::{Found, Hit, Note, SearchQuery, Source, Unit, Way, counted};

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
    /// Look for what is like this note: a file, or a note's name as results print it, such as
    /// visits.csv#V-1001.
    #[arg(long, value_name = "NOTE")]
    like: Option<String>,
    /// What is compared.
    #[arg(long, default_value = "note", value_parser = among(COMPARED))]
    unit: UnitChoice,
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

fn not_empty(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("there is no text in it"),
        _ => Ok(text.to_owned()),
    }
}

impl Command {
    /// The files that are read.
    pub(super) fn files(&self) -> Vec<&Path> {
        let like = self.like.iter().flat_map(|name| files_of(name));
        let own = self.notes.paths().chain(self.long.file());
        own.chain(like).collect()
    }

    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        let output = global.output(&[Format::Csv])?;
        let query = SearchQuery {
            unit: self.unit.into(),
            pooling: self.pooling.into(),
            top: self.top as usize,
            reading: self.long.options()?,
        };
        let read = global.read(&self.notes, terminal)?;
        let wanted = self.wanted(&read.notes, terminal)?;
        let engine = global.engine_with_model(terminal)?;
        let job = terminal.job("searching");
        let found = engine.search(&wanted, &read.notes, &query, &job)?;
        if found.query.read != Way::Whole {
            let how = describe_coverage(&found.query);
            terminal.warning(&format!(
                "what is looked for is longer than the model: {how}"
            ));
        }
        if found.compared == 0 && found.passed_over > 0 && found.notes.failures.is_empty() {
            terminal.warning(
                "the note that is looked for is left out, and there is nothing else to compare",
            );
        }
        output.write_lazily(Lazy {
            items: &found.hits,
            text: Box::new(|| describe(&found, query.unit)),
            table: Some(table(&found.hits)),
            array: None,
        })?;
        Ok(exit(report(&found.notes, &read, terminal)))
    }

    /// What to look for: a text, one of the notes, or a note of another file.
    fn wanted(&self, notes: &[Note], terminal: &Terminal) -> Result<Note> {
        if let Some(text) = &self.text {
            return Ok(Note::new(Source::Typed, text.clone()));
        }
        let name = self.like.as_deref().unwrap_or_default();
        let is_named = |note: &&Note| note.source().to_string() == name;
        if let Some(note) = notes.iter().find(is_named) {
            return Ok(note.clone());
        }
        let Some(file) = files_of(name).next() else {
            bail!("--like {name}: no such file, and none of the notes is called so");
        };
        let mut read = self.notes.read_instead(&[file.to_owned()], terminal)?;
        if file.as_os_str() != name {
            let found = read.notes.iter().find(is_named);
            return found
                .cloned()
                .with_context(|| format!("--like {name}: the file has no such note"));
        }
        match (read.notes.len(), read.notes.pop()) {
            (1, Some(note)) => Ok(note),
            (count, last) => {
                let last = last.map_or(String::new(), |note| format!(", as in {}", note.source()));
                bail!("--like takes one note, but there are {count} in this file; name one{last}")
            }
        }
    }
}

/// The files that a note's name may begin with: all of it, or what stands before `#ID`, `:LINE` or
/// `[NUMBER]`.
fn files_of(name: &str) -> impl Iterator<Item = &Path> {
    let ends = name.match_indices(['#', ':', '[']).map(|(end, _)| end);
    std::iter::once(name.len())
        .chain(ends)
        .map(|end| Path::new(&name[..end]))
        .filter(|path| path.exists())
}

/// Characters of a hit that are shown.
const SHOWN: usize = 100;

fn describe(found: &Found, unit: Unit) -> String {
    let unit = match unit {
        Unit::Note => "note",
        Unit::Section => "section",
        Unit::Sentence => "sentence",
        Unit::Word => "word",
        Unit::Token => "token",
    };
    let compared = counted(found.compared, unit);
    let badge = badge(found.hits.first().is_some_and(|hit| hit.random_weights));
    let mut text = format!("{compared} compared{badge}\n");
    for hit in &found.hits {
        let coverage = describe_coverage(&hit.coverage);
        let section = match hit.section.as_deref() {
            None | Some("") => String::new(),
            Some(name) => format!(", {}", visible(name)),
        };
        let _ = writeln!(
            text,
            "\n{:3}. {:.4}  {} ({coverage}), bytes {}..{}{section}\n     {}",
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

fn table(hits: &[Hit]) -> Rows<'_> {
    let own = ["rank", "score", "note", "start", "end", "section", "text"];
    let rows = hits.iter().map(|hit| {
        let own = [
            hit.rank.to_string(),
            hit.score.to_string(),
            hit.note.clone(),
            hit.start.to_string(),
            hit.end.to_string(),
            hit.section.clone().unwrap_or_default(),
            hit.text.clone(),
        ];
        row(own, cells(&hit.coverage, hit.random_weights))
    });
    Rows {
        header: header(&own),
        rows: Box::new(rows),
    }
}
