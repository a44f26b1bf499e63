//! `auscult notes split`: parts for training, validation and test.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use super::output::{Format, Forms, Output, Usage, print_text};
use super::overwriting::Inputs;
use super::parts::{counts, leakage};
use super::progress::Terminal;
use super::written::written;
use super::{Global, Notes, exit};
use crate::engine::{
    DataPart, Division, EngineError, LabelQuery, Leak, Note, PartReport, Ratio, SplitError,
    SplitOptions, counted, divide, divided,
};

#[derive(Clone, Args)]
pub(super) struct Command {
    #[command(flatten)]
    notes: Notes,
    /// Shares of train, validation and test; two numbers for no test part.
    #[arg(long, value_name = "A:B:C", default_value = "80:10:10",
          value_parser = str::parse::<Ratio>, conflicts_with_all = ["validation", "test"])]
    ratio: Ratio,
    /// Column of which notes with the same value stay together [default: the patient].
    #[arg(long, value_name = "COLUMN")]
    group: Option<String>,
    /// Notes of one patient need not stay together.
    #[arg(long, conflicts_with = "group")]
    ungrouped: bool,
    /// Column of labels of which each part gets its share.
    #[arg(long, value_name = "COLUMN")]
    stratify: Option<String>,
    /// What stands between several labels in one cell, such as ";".
    #[arg(long, value_name = "TEXT")]
    separator: Option<String>,
    /// Another number gives another division.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    seed: u64,
    /// Files of a validation part that is there already: NOTES are then all for training.
    #[arg(long, value_name = "NOTES")]
    validation: Vec<PathBuf>,
    /// Files of a test part that is there already.
    #[arg(long, value_name = "NOTES")]
    test: Vec<PathBuf>,
}

/// How notes were divided, and into what.
#[derive(Serialize)]
struct Report<'a> {
    notes: usize,
    /// Shares of train, validation and test; none for given parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<[f64; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    group: Option<&'a str>,
    stratify: Option<&'a str>,
    /// What stayed together, one note or several.
    units: usize,
    /// Notes that are in no group.
    ungrouped: usize,
    parts: &'a [PartReport],
    /// Parts that were to get notes and got none.
    empty: &'a [DataPart],
    leaks: &'a [Leak],
}

impl Command {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        if let Some(folder) = &global.out {
            self.spare(folder)?;
        }
        let mut read = self.notes.read(terminal)?;
        let given = !(self.validation.is_empty() && self.test.is_empty());
        let mut parts = vec![DataPart::Train; read.notes.len()];
        for (part, paths) in [
            (DataPart::Validation, &self.validation),
            (DataPart::Test, &self.test),
        ] {
            if !paths.is_empty() {
                let more = self.notes.read_instead(paths, terminal)?;
                parts.extend(more.notes.iter().map(|_| part));
                read.notes.extend(more.notes);
                read.complete &= more.complete;
                read.stopped |= more.stopped;
            }
        }
        if read.stopped {
            anyhow::bail!("stopped while reading: notes that are not all there are not divided");
        }
        let notes = &read.notes;
        let patients = notes.iter().any(|note| note.details().patient.is_some());
        let group = self
            .group
            .clone()
            .or((patients && !self.ungrouped).then(|| "patient".to_owned()));
        let query = LabelQuery {
            column: self.stratify.clone(),
            separator: self.separator.clone(),
        };
        let job = terminal.job("dividing");
        let division = match given {
            true => divided(notes, parts, &query, group.as_deref(), &job),
            false => {
                let options = SplitOptions {
                    ratio: self.ratio,
                    seed: self.seed,
                    group: group.clone(),
                    stratify: self.stratify.as_ref().map(|_| query),
                };
                divide(notes, &options, &job)
            }
        };
        let division = division.map_err(|error| match error {
            SplitError::Column(error) => anyhow::Error::new(Usage(error.to_string())),
            SplitError::Cancelled(cancelled) => EngineError::from(cancelled).into(),
        })?;
        let report = Report {
            notes: notes.len(),
            ratio: (!given).then(|| DataPart::ALL.map(|part| self.ratio.of(part))),
            seed: (!given).then_some(self.seed),
            group: group.as_deref(),
            stratify: self.stratify.as_deref(),
            units: division.split.units,
            ungrouped: division.split.ungrouped,
            parts: &division.parts,
            empty: &division.split.empty,
            leaks: &division.leaks,
        };
        if let Some(folder) = &global.out {
            write_parts(folder, &division, notes, &report)?;
        }
        let text = describe(&report, patients);
        match global.json {
            true => Output::Json.write(&Forms {
                items: &[report],
                text,
                table: None,
                array: None,
            })?,
            false => print_text(&text)?,
        }
        Ok(exit(read.complete))
    }

    /// That no file of the results is one that is read.
    fn spare(&self, folder: &Path) -> Result<()> {
        let others = self.validation.iter().chain(&self.test);
        let inputs = Inputs {
            files: self
                .notes
                .paths()
                .chain(others.map(PathBuf::as_path))
                .collect(),
            model: None,
        };
        for name in files() {
            inputs.spare(&folder.join(name))?;
        }
        match folder.is_file() {
            true => Err(Usage(format!(
                "{}: this is a file, and --out names a folder",
                folder.display()
            ))
            .into()),
            false => Ok(()),
        }
    }
}

/// Names of the files that are written.
fn files() -> impl Iterator<Item = String> {
    let parts = DataPart::ALL
        .into_iter()
        .map(|part| format!("{part}.jsonl"));
    parts.chain(["split.json".to_owned()])
}

fn write_parts(
    folder: &Path,
    division: &Division,
    notes: &[Note],
    report: &Report<'_>,
) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for part in DataPart::ALL {
        let own: Vec<_> = division
            .split
            .of(part)
            .into_iter()
            .map(|note| written(&notes[note]))
            .collect();
        let file = folder.join(format!("{part}.jsonl"));
        // A part of an earlier division would be taken for one of this.
        if own.is_empty() && !file.exists() {
            continue;
        }
        Output::File(file, Format::JsonLines).write(&Forms {
            items: &own,
            text: String::new(),
            table: None,
            array: None,
        })?;
    }
    Output::File(folder.join("split.json"), Format::Json).write(&Forms {
        items: std::slice::from_ref(report),
        text: String::new(),
        table: None,
        array: None,
    })
}

/// Leaks that are listed.
const SHOWN: usize = 20;

fn describe(report: &Report<'_>, patients: bool) -> String {
    let mut text = counted(report.notes, "note");
    text.push_str(&match report.group {
        Some(group) => format!(
            ", {} kept together by \"{group}\"",
            counted(report.units, "unit")
        ),
        None if patients => ", those of one patient in several parts".to_owned(),
        None => String::new(),
    });
    text.push('\n');
    if report.ungrouped > 0 {
        let notes = counted(report.ungrouped, "note");
        let _ = writeln!(
            text,
            "{notes} without a value there, each kept with those of the same text only"
        );
    }
    counts(report.parts, usize::MAX, &mut text);
    for part in report.empty {
        let _ = writeln!(
            text,
            "{part} is empty: there are too few units for its share"
        );
    }
    leakage(report.leaks, SHOWN, "--json lists them all", &mut text);
    text
}
