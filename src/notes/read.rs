//! Reads notes from text files, folders of them, or a stream.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{Note, Source};

/// The largest note that is read, in bytes; a long clinical note has 40 kB.
const MAX_BYTES: u64 = 64 << 20;

/// Why a note was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The operating system refused.
    #[error("{path}: {error}")]
    Io {
        /// The file or folder, `-` for standard input.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// Bytes that are no UTF-8.
    #[error("{path}: byte {at} is not UTF-8 text; save the file as UTF-8 and try again")]
    NotUtf8 {
        /// The file, `-` for standard input.
        path: String,
        /// Where the first wrong byte is.
        at: usize,
    },
    /// Text with a NUL byte.
    #[error("{path}: byte {at} is NUL, so this is no text file")]
    Binary {
        /// The file, `-` for standard input.
        path: String,
        /// Where the first NUL is.
        at: usize,
    },
    /// Nothing but white space.
    #[error("{path}: there is no text in it")]
    Empty {
        /// The file, `-` for standard input.
        path: String,
    },
    /// Far beyond any note.
    #[error("{path}: more than {MAX_BYTES} bytes are too many for one note")]
    TooLarge {
        /// The file, `-` for standard input.
        path: String,
    },
    /// A folder without notes.
    #[error("{path}: no .txt file in this folder")]
    NoNotes {
        /// The folder.
        path: String,
    },
}

/// What was read, and what could not be.
#[derive(Debug, Default)]
pub struct Reading {
    /// The notes, in the order of the paths, files of a folder by name.
    pub notes: Vec<Note>,
    /// Files that gave no note; the others were read all the same.
    pub failures: Vec<ReadError>,
}

/// Reads each path: a text file, a folder of `.txt` files, or `-` for standard input.
pub fn read_all(paths: &[PathBuf]) -> Reading {
    let mut reading = Reading::default();
    for path in paths {
        if path.as_os_str() == "-" {
            reading.add(read_stream(&mut io::stdin().lock()));
        } else if path.is_dir() {
            match files(path) {
                Ok(files) => files.iter().for_each(|file| reading.add(read_file(file))),
                Err(error) => reading.failures.push(error),
            }
        } else {
            reading.add(read_file(path));
        }
    }
    reading
}

impl Reading {
    fn add(&mut self, result: Result<Note, ReadError>) {
        match result {
            Ok(note) => self.notes.push(note),
            Err(error) => self.failures.push(error),
        }
    }
}

/// The `.txt` files of a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let path = folder.display().to_string();
    let io = |error| ReadError::Io {
        path: path.clone(),
        error,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let file = entry.map_err(io)?.path();
        let is_text = file
            .extension()
            .is_some_and(|name| name.eq_ignore_ascii_case("txt"));
        if is_text && file.is_file() {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(ReadError::NoNotes { path });
    }
    files.sort();
    Ok(files)
}

/// Reads one text file.
///
/// # Errors
/// [`ReadError`] when it is no UTF-8 text, empty, or cannot be read.
pub fn read_file(file: &Path) -> Result<Note, ReadError> {
    let path = file.display().to_string();
    let io = |error| ReadError::Io {
        path: path.clone(),
        error,
    };
    let bytes = bounded(&mut fs::File::open(file).map_err(io)?, &path)?;
    let text = decode(bytes, &path)?;
    Ok(Note::new(Source::File(file.to_owned()), text))
}

/// Reads one note from a stream to its end.
///
/// # Errors
/// [`ReadError`] when it is no UTF-8 text, empty, or cannot be read.
pub fn read_stream(stream: &mut dyn Read) -> Result<Note, ReadError> {
    let path = "-".to_owned();
    let bytes = bounded(stream, &path)?;
    Ok(Note::new(Source::StandardInput, decode(bytes, &path)?))
}

/// Everything in a stream, up to what a note may have; the size that a file claims is not trusted.
fn bounded(stream: &mut dyn Read, path: &str) -> Result<Vec<u8>, ReadError> {
    let path = path.to_owned();
    let mut bytes = Vec::new();
    match stream.take(MAX_BYTES + 1).read_to_end(&mut bytes) {
        Err(error) => Err(ReadError::Io { path, error }),
        Ok(_) if bytes.len() as u64 > MAX_BYTES => Err(ReadError::TooLarge { path }),
        Ok(_) => Ok(bytes),
    }
}

/// UTF-8 text; a byte order mark in front is no part of it, and offsets count after it.
fn decode(mut bytes: Vec<u8>, path: &str) -> Result<String, ReadError> {
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        bytes.drain(..3);
    }
    let path = path.to_owned();
    if let Some(at) = bytes.iter().position(|&byte| byte == 0) {
        return Err(ReadError::Binary { path, at });
    }
    let text = String::from_utf8(bytes).map_err(|error| ReadError::NotUtf8 {
        path: path.clone(),
        at: error.utf8_error().valid_up_to(),
    })?;
    if text.trim().is_empty() {
        return Err(ReadError::Empty { path });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Note, ReadError> {
        read_stream(&mut &bytes[..])
    }

    #[test]
    fn a_byte_order_mark_is_no_text() {
        assert_eq!(read(b"\xEF\xBB\xBFfever").unwrap().text(), "fever");
    }

    #[test]
    fn what_is_no_text_is_named_by_its_first_wrong_byte() {
        assert!(matches!(
            read(b"ab\xFFc"),
            Err(ReadError::NotUtf8 { at: 2, .. })
        ));
        assert!(matches!(
            read(b"a\0b"),
            Err(ReadError::Binary { at: 1, .. })
        ));
        assert!(matches!(read(b" \n\t"), Err(ReadError::Empty { .. })));
        assert!(matches!(read(b""), Err(ReadError::Empty { .. })));
    }

    #[test]
    fn debug_and_errors_hold_no_text() {
        let note = read("secretword".as_bytes()).unwrap();
        assert!(!format!("{note:?}").contains("secretword"));
        let error = read(b"secretword\xFF").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secretword"));
    }
}
