//! Reads notes from files of many shapes.
//!
//! Whatever cannot be read is reported with its place and the reason, and the rest still loads.
//! Files are only ever read.

mod beginning;
mod brat;
mod conll;
mod conll_text;
mod context;
mod fields;
mod files;
mod iob;
mod json;
mod json_text;
mod label_studio;
mod names;
mod own;
mod quotes;
mod records;
mod report;
mod row;
mod spans;
mod stream;
mod survey;
mod table;
mod text;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Details;
use super::decoding::{Damage, Decoded, damaged, decode};
use super::encoding::Encoding;
use super::map::Runs;
use super::source::{Place, SourceFile};
use crate::job::{Cancelled, Job};

use context::{Block, FileContext};

pub use beginning::beginning;
pub use brat::ann_lines;
pub use conll_text::{ConllText, conll_text};
pub use files::files_of;
pub use report::{FileReport, Import, ImportError, Warning};
pub use stream::NoteStream;

/// A kind of file that notes are read from.
pub struct Importer {
    /// What it is called.
    pub name: &'static str,
    /// Endings of such files, without `.gz`.
    pub endings: &'static [&'static str],
    /// Whether a row or record that is no text loses no other.
    rows: bool,
    /// Whether a text is of this kind, as far as its content tells.
    recognises: fn(&str, &Hint<'_>) -> bool,
    /// Reads all notes of a file.
    read: fn(&mut FileContext<'_>) -> Result<(), Failure>,
}

/// What is known of a file besides its content.
struct Hint<'a> {
    /// Whether its name says that it is of this kind.
    named: bool,
    columns: &'a Columns,
}

/// Every importer; what no content tells apart is told by the ending, and the last takes any text.
pub const IMPORTERS: &[Importer] = &[
    json::LINES,
    json::WHOLE,
    conll::CONLL,
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// The text; several are joined with a blank line between them.
    pub text: Vec<String>,
    /// The note's own name.
    pub id: Option<String>,
    /// Whose note it is.
    pub patient: Option<String>,
    /// A label of the whole note.
    pub label: Option<String>,
    /// What a text form names: where nothing else is the text, these stand for it until the form is
    /// filled.
    pub form: Vec<String>,
}

impl Columns {
    /// All that are named.
    fn names(&self) -> impl Iterator<Item = &String> {
        let one = [&self.id, &self.patient, &self.label];
        self.text.iter().chain(one.into_iter().flatten())
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
    import.total = files.len();
    for (done, file) in files.iter().enumerate() {
        let result = match job.step(done, files.len(), "files") {
            Ok(()) => import.file(file, options, job),
            Err(cancelled) => Err(cancelled.into()),
        };
        if !import.end(file, result) {
            return import;
        }
    }
    let _ = job.step(files.len(), files.len(), "files");
    import
}

/// Reads a text that somebody pasted, as the file it would be.
pub fn import_text(text: &str, options: &ImportOptions, job: &Job) -> Import {
    let mut import = Import {
        total: 1,
        ..Import::default()
    };
    let path = PathBuf::from("-");
    let result = import.bytes(&path, text.as_bytes().to_vec(), options, job);
    import.end(&path, result);
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
        self.content(path, sha256, files::decompressed(bytes)?, options, job)
    }

    /// Reads the notes of a file's content.
    fn content(
        &mut self,
        path: &Path,
        sha256: String,
        content: files::Content,
        options: &ImportOptions,
        job: &Job,
    ) -> Result<(), Failure> {
        let files::Content { bytes, cut } = content;
        let mut decoded = decode(bytes, options.encoding)?;
        if decoded.text.trim().is_empty() {
            let reason = if cut {
                files::CUT
            } else {
                "there is no text in it"
            };
            return Err(reason.into());
        }
        let ending = files::ending(path);
        let importer = choose(&ending, &decoded.text, &options.columns);
        if !importer.rows {
            decoded = decoded.whole()?;
        }
        let (notes, warnings) = (self.notes.len(), self.warnings.len());
        if cut {
            self.keep_beginning(path, &mut decoded, importer)?;
        }
        if importer.name == text::TEXT.name && options.columns.names().next().is_some() {
            self.warn_once(path, NO_COLUMNS);
        }
        let Decoded {
            text,
            runs,
            encoding,
            guessed,
            damage,
        } = decoded;
        let file = SourceFile {
            path: path.to_owned(),
            sha256: sha256.clone(),
            encoding,
            guessed,
            columns: Columns::default(),
        };
        let mut context = FileContext {
            import: self,
            options,
            job,
            path,
            text: &text,
            runs: Arc::new(runs),
            file: Arc::new(file),
            damage,
            format: importer.name.to_owned(),
            skipped: usize::from(cut),
            lines_before: 0,
            record: 0,
            records: Vec::new(),
        };
        let result = (importer.read)(&mut context);
        let (format, skipped, records) = (context.format, context.skipped, context.records);
        let known = importer.endings.contains(&ending.as_str()) || path.as_os_str() == "-";
        if !known && importer.name != text::TEXT.name && matches!(result, Ok(())) {
            let reason =
                format!("read as {format}, which is what is in it, whatever its name says");
            self.warn(path, None, reason);
        }
        self.name_notes(notes, &records);
        match result {
            Err(Failure::Reason(reason)) => return Err(Failure::Reason(reason)),
            Ok(()) if self.notes.len() == notes => return Err(self.nothing_read(warnings)),
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

    /// Leaves of a file that was cut the rows that are whole; who reads a list of records finds the
    /// whole ones itself.
    fn keep_beginning(
        &mut self,
        path: &Path,
        decoded: &mut Decoded,
        importer: &Importer,
    ) -> Result<(), Failure> {
        if importer.rows {
            // The last row may be one of which the end is lost.
            let end = decoded.text.rfind('\n').map_or(0, |at| at + 1);
            decoded.text.truncate(end);
        }
        let list = importer.name == json::WHOLE.name;
        if decoded.text.is_empty() || !(importer.rows || list) {
            return Err(format!("{}, so that it holds no whole note", files::CUT).into());
        }
        let line = decoded.text.matches('\n').count().max(1) as u64;
        let reason = format!("{}: what follows this line is lost", files::CUT);
        self.warn(path, Some(line), reason);
        Ok(())
    }
}

/// What a person is told who names columns for a file that has none.
const NO_COLUMNS: &str = "plain text has no columns: --text, --id, --patient and --label mean \
                          nothing here";

/// The importer for a text: by what is in it where that is certain, otherwise by its name's ending.
fn choose(ending: &str, text: &str, columns: &Columns) -> &'static Importer {
    let is = |one: &&Importer| {
        let named = one.endings.contains(&ending);
        (one.recognises)(text, &Hint { named, columns })
    };
    let named = IMPORTERS.iter().find(|one| one.endings.contains(&ending));
    let found = || IMPORTERS.iter().find(is);
    match named {
        Some(named) if is(&named) => named,
        _ => found().or(named).unwrap_or(&text::TEXT),
    }
}
