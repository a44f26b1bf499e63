//! What an import gave, and what it had to leave out.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::encoding::Encoding;
use super::super::source::Place;
use super::super::{Note, Source};
use super::Failure;

/// Something that was left out, or that a person should know; the rest was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The file.
    pub path: PathBuf,
    /// The line it is about, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What and why; never text of a note.
    pub reason: String,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path.display(), self.reason),
            None => write!(f, "{}: {}", self.path.display(), self.reason),
        }
    }
}

/// Why a file gave no note at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct ImportError {
    /// The file or folder; `-` for standard input.
    pub path: PathBuf,
    /// What is wrong and what to do; never text of a note.
    pub reason: String,
}

/// What one file gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// The file; `-` for standard input.
    pub path: PathBuf,
    /// The kind of file, and its dialect where there are several.
    pub format: String,
    /// How it was decoded.
    pub encoding: Encoding,
    /// Whether that is a guess.
    pub guessed: bool,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Notes that were read.
    pub notes: usize,
    /// Rows or records that were left out; each has a warning.
    pub skipped: usize,
}

/// What was read, and what could not be.
#[derive(Debug, Default)]
pub struct Import {
    /// The notes, in the order of the paths, files of a folder by name.
    pub notes: Vec<Note>,
    /// Each file that was read.
    pub files: Vec<FileReport>,
    /// What was left out or should be known.
    pub warnings: Vec<Warning>,
    /// Files that gave nothing.
    pub failures: Vec<ImportError>,
    /// Whether the user stopped it.
    pub stopped: bool,
    /// Files that were read to their end, or could not be.
    pub done: usize,
    /// Files that were to be read.
    pub total: usize,
}

impl Import {
    /// Whether nothing was left out.
    pub fn is_complete(&self) -> bool {
        self.failures.is_empty() && !self.stopped && self.files.iter().all(|file| file.skipped == 0)
    }

    /// Counts a note as left out that was read, and says why.
    pub fn leave_out(&mut self, source: &Source, reason: String) {
        let Source::File(file, place) = source else {
            return;
        };
        if let Some(report) = self
            .files
            .iter_mut()
            .find(|report| report.path == file.path)
        {
            report.skipped += 1;
        }
        let line = match place {
            Place::Line(line) => Some(*line),
            _ => None,
        };
        let reason = match place {
            Place::Id(id) => format!("note {id}: {reason}"),
            Place::Record(number) => format!("record {number}: {reason}"),
            Place::Whole | Place::Line(_) => reason,
        };
        self.warn(&file.path, line, reason);
    }

    /// Notes how a file ended; returns whether to go on.
    pub(super) fn end(&mut self, path: &Path, result: Result<(), Failure>) -> bool {
        match result {
            Ok(()) => {}
            Err(Failure::Reason(reason)) => self.failures.push(ImportError {
                path: path.to_owned(),
                reason,
            }),
            Err(Failure::Cancelled) => {
                self.stopped = true;
                return false;
            }
        }
        self.done += 1;
        true
    }

    /// Why a file gave no note, all of whose warnings begin at number `first`.
    ///
    /// Every row has its own reason; the first one stands for the file, and the only one is not said
    /// twice.
    pub(super) fn nothing_read(&mut self, first: usize) -> Failure {
        let warning = match self.warnings.len() - first {
            1 => self.warnings.pop(),
            _ => self.warnings.get(first).cloned(),
        };
        let reason = warning.map(|warning| match warning.line {
            Some(line) => format!(" (line {line}: {})", warning.reason),
            None => format!(" ({})", warning.reason),
        });
        let reason = reason.unwrap_or_default();
        Failure::Reason(format!("no note could be read from it{reason}"))
    }

    pub(super) fn warn(&mut self, path: &Path, line: Option<u64>, reason: String) {
        self.warnings.push(Warning {
            path: path.to_owned(),
            line,
            reason,
        });
    }

    /// A warning that says the same of every file it is about, and is given for the first.
    pub(super) fn warn_once(&mut self, path: &Path, reason: &str) {
        if self.warnings.iter().all(|told| told.reason != reason) {
            self.warn(path, None, reason.to_owned());
        }
    }

    /// Names the notes from number `first` on by their ids where these tell them apart, and by
    /// the numbers of their records where not even their lines do.
    pub(super) fn name_notes(&mut self, first: usize, records: &[usize]) {
        let mut lines: HashMap<u64, usize> = HashMap::new();
        for note in &self.notes[first..] {
            if let Source::File(_, Place::Line(line)) = &note.source {
                *lines.entry(*line).or_default() += 1;
            }
        }
        let mut seen: HashMap<String, usize> = HashMap::new();
        for note in &self.notes[first..] {
            if let Some(id) = &note.details.id {
                *seen.entry(id.clone()).or_default() += 1;
            }
        }
        for (note, record) in self.notes[first..].iter_mut().zip(records) {
            let Source::File(_, place @ Place::Line(_)) = &mut note.source else {
                continue;
            };
            match (&note.details.id, &place) {
                (Some(id), _) if seen.get(id) == Some(&1) => *place = Place::Id(id.clone()),
                (_, Place::Line(line)) if lines.get(line) > Some(&1) => {
                    *place = Place::Record(*record);
                }
                _ => {}
            }
        }
    }
}
