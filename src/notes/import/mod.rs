//! Reads notes from files of many shapes.
//!
//! Whatever cannot be read is reported with its place and the reason, and the rest still loads.
//! Files are only ever read.

mod brat;
mod fields;
mod files;
mod json;
mod json_text;
mod label_studio;
mod records;
mod spans;
mod table;
mod text;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::encoding::{Decoded, Encoding};
use super::map::{Runs, SourceMap};
use super::source::{Place, SourceFile};
use super::{Details, Note, Source};
use crate::job::{Cancelled, Job};

pub use brat::ann_lines;

/// A kind of file that notes are read from.
pub struct Importer {
    /// What it is called.
    pub name: &'static str,
    /// Endings of such files, without `.gz`.
    pub endings: &'static [&'static str],
    /// Whether a text is of this kind, as far as its content tells.
    recognises: fn(&str) -> bool,
    /// Reads all notes of a file.
    read: fn(&mut FileContext<'_>) -> Result<(), Failure>,
}

/// Every importer; what no content tells apart is told by the ending, and the last takes any text.
pub const IMPORTERS: &[Importer] = &[
    json::LINES,
    json::WHOLE,
    table::TABLE,
    brat::BRAT,
    text::TEXT,
];

/// What a person says about the files.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// How the bytes are to be decoded; recognised if not given.
    pub encoding: Option<Encoding>,
    /// Which columns or fields hold what.
    pub columns: Columns,
}

/// Names of columns or fields; those not given are recognised.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    /// The text; several are joined with a blank line between them.
    pub text: Vec<String>,
    /// The note's own name.
    pub id: Option<String>,
    /// Whose note it is.
    pub patient: Option<String>,
    /// A label of the whole note.
    pub label: Option<String>,
}

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
}

impl Import {
    /// Whether nothing was left out.
    pub fn is_complete(&self) -> bool {
        self.failures.is_empty() && !self.stopped && self.files.iter().all(|file| file.skipped == 0)
    }
}

/// Why the notes of a file were not read.
enum Failure {
    /// What is wrong with it.
    Reason(String),
    /// Stopped by the user; what was read stays.
    Cancelled,
}

impl From<Cancelled> for Failure {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self::Reason(reason)
    }
}

impl From<&str> for Failure {
    fn from(reason: &str) -> Self {
        Self::Reason(reason.to_owned())
    }
}

/// Reads each path: a file, a folder with all that is in it, or `-` for standard input.
pub fn import(paths: &[PathBuf], options: &ImportOptions, job: &Job) -> Import {
    let mut import = Import::default();
    let files = files::list(paths, &mut import);
    for (done, file) in files.iter().enumerate() {
        let result = match job.step(done, files.len(), "files") {
            Ok(()) => import.file(file, options, job),
            Err(cancelled) => Err(cancelled.into()),
        };
        match result {
            Ok(()) => {}
            Err(Failure::Reason(reason)) => import.failures.push(ImportError {
                path: file.clone(),
                reason,
            }),
            Err(Failure::Cancelled) => {
                import.stopped = true;
                return import;
            }
        }
    }
    let _ = job.step(files.len(), files.len(), "files");
    import
}

/// Reads a text that somebody pasted, as the file it would be.
pub fn import_text(text: &str, options: &ImportOptions, job: &Job) -> Import {
    let mut import = Import::default();
    let path = PathBuf::from("-");
    match import.bytes(&path, text.as_bytes().to_vec(), options, job) {
        Ok(()) => {}
        Err(Failure::Cancelled) => import.stopped = true,
        Err(Failure::Reason(reason)) => import.failures.push(ImportError { path, reason }),
    }
    import
}

impl Import {
    fn file(&mut self, path: &Path, options: &ImportOptions, job: &Job) -> Result<(), Failure> {
        let bytes = files::read(path)?;
        self.bytes(path, bytes, options, job)
    }

    /// Reads the notes of a file's bytes.
    fn bytes(
        &mut self,
        path: &Path,
        bytes: Vec<u8>,
        options: &ImportOptions,
        job: &Job,
    ) -> Result<(), Failure> {
        let sha256 = files::sha256(&bytes);
        let decoded = super::encoding::decode(files::decompressed(bytes)?, options.encoding)?;
        if decoded.text.trim().is_empty() {
            return Err("there is no text in it".into());
        }
        let ending = files::ending(path);
        let importer = choose(&ending, &decoded.text);
        let (notes, warnings) = (self.notes.len(), self.warnings.len());
        let Decoded {
            text,
            runs,
            encoding,
            guessed,
        } = decoded;
        let file = SourceFile {
            path: path.to_owned(),
            sha256: sha256.clone(),
            encoding,
            guessed,
        };
        let mut context = FileContext {
            import: self,
            options,
            job,
            path,
            text: &text,
            runs: Arc::new(runs),
            file: Arc::new(file),
            format: importer.name.to_owned(),
            skipped: 0,
        };
        let result = (importer.read)(&mut context);
        let (format, skipped) = (context.format, context.skipped);
        let known = importer.endings.contains(&ending.as_str()) || path.as_os_str() == "-";
        if !known && importer.name != text::TEXT.name && matches!(result, Ok(())) {
            let reason =
                format!("read as {format}, which is what is in it, whatever its name says");
            self.warn(path, None, reason);
        }
        self.name_notes(notes);
        match result {
            Err(Failure::Reason(reason)) => return Err(Failure::Reason(reason)),
            // Every row has its own reason; the first one stands for the file.
            Ok(()) if self.notes.len() == notes => {
                let first = self
                    .warnings
                    .get(warnings)
                    .map(|warning| match warning.line {
                        Some(line) => format!(" (line {line}: {})", warning.reason),
                        None => format!(" ({})", warning.reason),
                    });
                let first = first.unwrap_or_default();
                return Err(Failure::Reason(format!(
                    "no note could be read from it{first}"
                )));
            }
            _ => {}
        }
        self.files.push(FileReport {
            path: path.to_owned(),
            format,
            encoding,
            guessed,
            sha256,
            notes: self.notes.len() - notes,
            skipped,
        });
        result
    }

    fn warn(&mut self, path: &Path, line: Option<u64>, reason: String) {
        self.warnings.push(Warning {
            path: path.to_owned(),
            line,
            reason,
        });
    }

    /// Names the notes from number `first` on by their ids where these tell them apart, and by
    /// their numbers where not even their lines do.
    fn name_notes(&mut self, first: usize) {
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
        for (number, note) in self.notes[first..].iter_mut().enumerate() {
            let Source::File(_, place @ Place::Line(_)) = &mut note.source else {
                continue;
            };
            match (&note.details.id, &place) {
                (Some(id), _) if seen.get(id) == Some(&1) => *place = Place::Id(id.clone()),
                (_, Place::Line(line)) if lines.get(line) > Some(&1) => {
                    *place = Place::Record(number + 1);
                }
                _ => {}
            }
        }
    }
}

/// The importer for a text: by what is in it where that is certain, otherwise by its name's ending.
fn choose(ending: &str, text: &str) -> &'static Importer {
    let named = IMPORTERS.iter().find(|one| one.endings.contains(&ending));
    let found = || IMPORTERS.iter().find(|one| (one.recognises)(text));
    match named {
        Some(named) if (named.recognises)(text) => named,
        _ => found().or(named).unwrap_or(&text::TEXT),
    }
}

/// A file while its notes are read.
struct FileContext<'a> {
    import: &'a mut Import,
    options: &'a ImportOptions,
    job: &'a Job,
    path: &'a Path,
    /// All of it, decoded.
    text: &'a str,
    runs: Arc<Runs>,
    file: Arc<SourceFile>,
    format: String,
    skipped: usize,
}

impl FileContext<'_> {
    /// Something to be known, in this line.
    fn warn(&mut self, line: Option<u64>, reason: impl Into<String>) {
        self.import.warn(self.path, line, reason.into());
    }

    /// Leaves a row or record out.
    fn skip(&mut self, line: u64, reason: impl Into<String>) {
        self.skipped += 1;
        self.warn(Some(line), reason);
    }

    /// Adds a note whose characters come from the decoded file as `inner` says.
    fn add(&mut self, place: Place, text: String, details: Details, inner: Runs) {
        let source = Source::File(Arc::clone(&self.file), place);
        let map = SourceMap::new(inner, &self.runs);
        let note = Note::new(source, text).with_details(details).with_map(map);
        self.import.notes.push(note);
    }

    /// Lets the user stop, now and then.
    fn check(&self) -> Result<(), Failure> {
        Ok(self.job.check()?)
    }
}
