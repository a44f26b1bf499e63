//! Clinical text, read from files.

pub mod read;

use std::fmt;
use std::path::{Path, PathBuf};

pub use read::ReadError;

/// One clinical note.
///
/// `Debug` prints the source and the length only: the text is a patient's.
#[derive(Clone, PartialEq, Eq)]
pub struct Note {
    source: Source,
    text: String,
}

/// Where a note came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Standard input.
    StandardInput,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::StandardInput => f.write_str("-"),
        }
    }
}

impl Note {
    /// A note with its text.
    pub fn new(source: Source, text: String) -> Self {
        Self { source, text }
    }

    /// The whole text; every byte offset in the crate counts from its start.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it came from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The file's name without its folder, or `-`.
    pub fn name(&self) -> String {
        match &self.source {
            Source::File(path) => {
                let name = path.file_name().unwrap_or(Path::new("").as_os_str());
                name.to_string_lossy().into_owned()
            }
            Source::StandardInput => "-".to_owned(),
        }
    }
}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Note({}, {} bytes)", self.source, self.text.len())
    }
}
