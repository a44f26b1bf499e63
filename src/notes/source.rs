//! Where a note came from.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::encoding::Encoding;
use super::import::Columns;

/// A file that was read, as it was then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path; `-` for standard input.
    pub path: PathBuf,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// How it was decoded.
    pub encoding: Encoding,
    /// Whether that is a guess.
    pub guessed: bool,
    /// The columns or fields that became the text and the details of its notes.
    pub columns: Columns,
}

/// Which part of a file a note is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// All of it.
    Whole,
    /// What begins in this line, counted from 1.
    Line(u64),
    /// The record of this number, counted from 1, where several begin in one line.
    Record(usize),
    /// What has this id, which no other note of the file has.
    Id(String),
}

/// Where a note came from; written out it names the note in results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file, or a part of one.
    File(Arc<SourceFile>, Place),
    /// Text that somebody typed or pasted.
    Typed,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::File(file, place) = self else {
            return f.write_str("(typed)");
        };
        let path = file.path.display();
        match place {
            Place::Whole => path.fmt(f),
            Place::Line(line) => write!(f, "{path}:{line}"),
            Place::Record(number) => write!(f, "{path}[{number}]"),
            Place::Id(id) => write!(f, "{path}#{id}"),
        }
    }
}
