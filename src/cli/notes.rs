//! `auscult notes`: what files hold.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use serde::Serialize;

use super::input::{Notes, tell};
use super::labels::{self, labels};
use super::outline::outline;
use super::output::{Format, Forms, Output, Table, write_text};
use super::passage::visible;
use super::progress::Terminal;
use super::written::{Written, table, written};
use super::{Global, exit, split};
use crate::engine::{
    Annotations, BUNDLED_RULES, ConllText, FileReport, IMPORTERS, Import, ImportError, Unflat,
    Warning, conll_text, counted, rule_list,
};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Read files of notes, count what is in them, and say what could not be read.
    ///
    /// With --out NOTES.jsonl the notes are written in one shape, which every command reads; a .csv
    /// file holds no marks, and a .conll file words and marked spans (IOB2) only.
    #[command(after_help = "Example: auscult notes import assets/notes")]
    Import(Notes),
    /// Show the sections of notes.
    #[command(after_help = "Example: auscult notes outline assets/notes/discharge-summary.txt")]
    Outline {
        #[command(flatten)]
        notes: Notes,
        /// A file with rules for headings; `auscult notes rules` prints the usual ones.
        #[arg(long, value_name = "FILE")]
        sections: Option<PathBuf>,
    },
    /// Count the labels of notes, and those without one.
    ///
    /// Labels of whole notes come from --column, or from what is recognised as the label; labels of
    /// what is marked are counted beside them.
    #[command(after_help = "Example: auscult notes labels assets/notes --column specialty")]
    Labels {
        #[command(flatten)]
        notes: Notes,
        #[command(flatten)]
        query: labels::Flags,
    },
    /// Divide notes into parts for training, validation and test, and look for what these share.
    ///
    /// Notes of one patient, or of one --group, stay together; without either, notes of the same
    /// text do. With --out FOLDER the parts are written as train.jsonl, validation.jsonl and
    /// test.jsonl, and the report as split.json. Parts that are there already are checked with
    /// --validation and --test.
    #[command(
        after_help = "Example: auscult notes split assets/notes --ratio 80:10:10 --out parts"
    )]
    Split(split::Command),
    /// Print the rules for section headings, as a file to change.
    ///
    /// With --out RULES.toml they are written there; with --json, or into a .json, .jsonl or .csv
    /// file, each section is a record of its name and headings.
    #[command(after_help = "Example: auscult notes rules --out my-rules.toml")]
    Rules,
}

impl Command {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        match self {
            Self::Import(notes) => import(notes, global, terminal),
            Self::Outline { notes, sections } => {
                outline(notes, sections.as_deref(), global, terminal)
            }
            Self::Labels { notes, query } => labels(notes, query, global, terminal),
            Self::Split(command) => command.run(global, terminal),
            Self::Rules => rules(global),
        }
    }
}

/// What an import was, in one object.
#[derive(Serialize)]
struct Report<'a> {
    notes: usize,
    bytes: usize,
    patients: usize,
    labels: Vec<(String, usize)>,
    spans: Vec<(String, usize)>,
    relations: usize,
    events: usize,
    attributes: usize,
    /// Annotators' remarks.
    comments: usize,
    files: &'a [FileReport],
    warnings: &'a [Warning],
    failures: &'a [ImportError],
    stopped: bool,
}

fn import(notes: &Notes, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
    if let Some(file) = global.out.as_deref().filter(|file| ends_in(file, "conll")) {
        let import = notes.import(terminal)?;
        let written = conll_text(&import.notes);
        write_text(file, &written.text)?;
        terminal.remark(&describe(&report(&import)));
        for sentence in lost(&written) {
            terminal.warning(&sentence);
        }
        tell(&import, terminal);
        let whole = written.notes_left_out.is_empty();
        return Ok(exit(import.is_complete() && whole));
    }
    let output = global.output(&[Format::Csv])?;
    let import = notes.import(terminal)?;
    let report = report(&import);
    match &output {
        Output::File(..) => {
            let items: Vec<Written<'_>> = import.notes.iter().map(written).collect();
            output.write(&Forms {
                items: &items,
                text: String::new(),
                table: Some(table(&items)),
                array: None,
            })?;
            terminal.remark(&describe(&report));
            let marked = items.iter().filter(|item| !item.annotations.is_empty());
            let marked = marked.count();
            if marked > 0 && matches!(output, Output::File(_, Format::Csv)) {
                terminal.warning(&format!(
                    "the marks of {} are not written, since CSV cannot hold them; --out with \
                     .jsonl keeps them",
                    counted(marked, "note")
                ));
            }
        }
        _ => output.write(&Forms {
            text: describe(&report),
            items: &[report],
            table: None,
            array: None,
        })?,
    }
    tell(&import, terminal);
    Ok(exit(import.is_complete()))
}

/// What CoNLL could not hold.
fn lost(written: &ConllText) -> Vec<String> {
    let mut whys: BTreeMap<Unflat, usize> = BTreeMap::new();
    for (_, _, why) in &written.spans_left_out {
        *whys.entry(*why).or_default() += 1;
    }
    let spans = whys.iter().map(|(why, count)| {
        let spans = counted(*count, "span");
        format!("{spans} {why} left out, since CoNLL cannot hold them; .jsonl keeps them")
    });
    let counts = [
        (
            written.words_cut,
            "cut",
            "word",
            "where a span begins or ends inside",
        ),
        (
            written.spans_divided,
            "divided",
            "span",
            "at the end of a line",
        ),
    ];
    let counts = counts.into_iter().filter(|(count, ..)| *count > 0);
    let changed =
        counts.map(|(count, done, what, at)| format!("{} {done} {at}", counted(count, what)));
    let notes = written.notes_left_out.iter();
    let notes = notes.map(|note| format!("{note}: left out, since CoNLL cannot hold its words"));
    spans.chain(changed).chain(notes).collect()
}

fn report(import: &Import) -> Report<'_> {
    let notes = &import.notes;
    let mut labels: BTreeMap<&str, usize> = BTreeMap::new();
    let mut spans: BTreeMap<&str, usize> = BTreeMap::new();
    let mut patients: Vec<&String> = Vec::new();
    for note in notes {
        let details = note.details();
        patients.extend(&details.patient);
        for label in &details.labels {
            *labels.entry(label).or_default() += 1;
        }
        for span in &details.annotations.spans {
            *spans.entry(&span.label).or_default() += 1;
        }
    }
    patients.sort();
    patients.dedup();
    let marks = |count: fn(&Annotations) -> usize| {
        let counts = notes.iter().map(|note| count(&note.details().annotations));
        counts.sum()
    };
    Report {
        notes: notes.len(),
        bytes: notes.iter().map(|note| note.text().len()).sum(),
        patients: patients.len(),
        labels: most(labels),
        spans: most(spans),
        relations: marks(|own| own.relations.len()),
        events: marks(|own| own.events.len()),
        attributes: marks(|own| own.attributes.len()),
        comments: marks(|own| own.comments.len()),
        files: &import.files,
        warnings: &import.warnings,
        failures: &import.failures,
        stopped: import.stopped,
    }
}

/// Counts, the largest first.
fn most(counts: BTreeMap<&str, usize>) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = counts
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count))
        .collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    counts
}

/// Files, and kinds of labels, that are shown one by one.
const SHOWN: usize = 12;

fn describe(report: &Report<'_>) -> String {
    if report.notes == 0 {
        return nothing();
    }
    let mut text = String::new();
    for file in report.files.iter().take(SHOWN) {
        let guess = if file.guessed { " (a guess)" } else { "" };
        let skipped = match file.skipped {
            0 => String::new(),
            skipped => format!(", {skipped} left out"),
        };
        let _ = writeln!(
            text,
            "{}\n  {}, {}{guess}: {}{skipped}",
            file.path.display(),
            file.format,
            file.encoding,
            counted(file.notes, "note")
        );
    }
    if report.files.len() > SHOWN {
        let more = counted(report.files.len() - SHOWN, "more file");
        let _ = writeln!(text, "and {more}");
    }
    let _ = write!(
        text,
        "\n{} in {}, {}",
        counted(report.notes, "note"),
        counted(report.files.len(), "file"),
        counted(report.bytes, "byte")
    );
    if report.patients > 0 {
        let _ = write!(text, ", {}", counted(report.patients, "patient"));
    }
    text.push('\n');
    for (what, counts) in [("label", &report.labels), ("marked span", &report.spans)] {
        if counts.is_empty() {
            continue;
        }
        let all: usize = counts.iter().map(|(_, count)| count).sum();
        let named: Vec<String> = counts
            .iter()
            .take(SHOWN)
            .map(|(name, count)| format!("{} {count}", visible(name)))
            .collect();
        let more = match counts.len() > SHOWN {
            true => format!(", and {}", counted(counts.len() - SHOWN, "more kind")),
            false => String::new(),
        };
        let what = counted(all, what);
        let _ = writeln!(text, "{what}: {}{more}", named.join(", "));
    }
    let others = [
        (report.relations, "relation"),
        (report.events, "event"),
        (report.attributes, "attribute"),
        (report.comments, "remark"),
    ];
    let others = others.into_iter().filter(|(count, _)| *count > 0);
    let others: Vec<String> = others.map(|(count, what)| counted(count, what)).collect();
    if !others.is_empty() {
        let _ = writeln!(text, "{}", others.join(", "));
    }
    text
}

/// What a person is told whose files hold no note: what is looked for.
fn nothing() -> String {
    let mut text =
        "No note was read. What is read, by the endings of its files, each also with .gz:\n"
            .to_owned();
    for importer in IMPORTERS {
        let endings: Vec<String> = importer
            .endings
            .iter()
            .map(|one| format!(".{one}"))
            .collect();
        let _ = writeln!(text, "  {:<10}  {}", importer.name, endings.join(", "));
    }
    text
}

/// Whether a file's name has this ending.
fn ends_in(file: &Path, ending: &str) -> bool {
    let own = file.extension().unwrap_or_default();
    own.eq_ignore_ascii_case(ending)
}

/// The rules for headings, as the file that they are or as records.
fn rules(global: &Global) -> Result<ExitCode> {
    if let Some(file) = global.out.as_deref().filter(|file| ends_in(file, "toml")) {
        write_text(file, BUNDLED_RULES)?;
        return Ok(ExitCode::SUCCESS);
    }
    let output = global.output(&[Format::Csv])?;
    let sections = rule_list(BUNDLED_RULES).map_err(anyhow::Error::msg)?;
    let rows = sections.iter().flat_map(|section| {
        let headings = section.headings.iter();
        headings.map(|heading| vec![section.name.clone(), heading.clone()])
    });
    let table = Table {
        header: ["name", "heading"].map(str::to_owned).to_vec(),
        rows: rows.collect(),
    };
    output.write(&Forms {
        items: &sections,
        text: BUNDLED_RULES.to_owned(),
        table: Some(table),
        array: None,
    })?;
    Ok(ExitCode::SUCCESS)
}
