//! Reads small text files whole, recognising what was saved in their place.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// What is wrong with a file before anything in it is understood.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// The operating system refused.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// A folder, a pipe, a device.
    #[error("is not an ordinary file")]
    NotAFile,
    /// Zero bytes long.
    #[error("is empty (0 bytes); fetch or copy it again")]
    Empty,
    /// Larger than any honest file of its kind.
    #[error("has {bytes} bytes; a file of this kind has at most {limit}")]
    TooLarge {
        /// Size of the file.
        bytes: u64,
        /// The largest size that is read.
        limit: u64,
    },
    /// Not UTF-8.
    #[error("is not UTF-8 text")]
    NotText,
    /// What a clone without Git LFS leaves in place of a large file.
    #[error(
        "is a Git LFS pointer, not the file itself; fetch the real file (`git lfs pull`, or \
         download it with a browser)"
    )]
    GitLfsPointer,
    /// What a browser saves when the download asked for a login.
    #[error("is a web page, not the file itself; download it again")]
    WebPage,
}

/// How many first bytes [`impostor`] looks at.
pub(in crate::model) const IMPOSTOR_BYTES: usize = 256;

/// Recognises, by its first bytes, a file that was saved in place of the wanted one.
pub(in crate::model) fn impostor(start: &[u8]) -> Option<FileFault> {
    if start.starts_with(b"version https://git-lfs.github.com/spec") {
        return Some(FileFault::GitLfsPointer);
    }
    let text = start
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(start)
        .trim_ascii_start();
    let opens_with = |tag: &[u8]| {
        text.get(..tag.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(tag))
    };
    (opens_with(b"<!doctype") || opens_with(b"<html") || opens_with(b"<?xml"))
        .then_some(FileFault::WebPage)
}

/// Opens an ordinary file and tells its size in bytes, at least 1.
///
/// # Errors
/// [`FileFault`] when it cannot be opened, is no ordinary file or is empty.
pub(in crate::model) fn open(path: &Path) -> Result<(File, u64), FileFault> {
    // Opening a pipe would wait for a writer, so its kind is looked at first.
    if !std::fs::metadata(path)?.is_file() {
        return Err(FileFault::NotAFile);
    }
    let file = File::open(path)?;
    match file.metadata()?.len() {
        0 => Err(FileFault::Empty),
        bytes => Ok((file, bytes)),
    }
}

/// Reads a text file of at most `limit` bytes.
///
/// # Errors
/// [`FileFault`] that says why there is no text.
pub(in crate::model) fn read_text(path: &Path, limit: u64) -> Result<String, FileFault> {
    let (file, bytes) = open(path)?;
    if bytes > limit {
        return Err(FileFault::TooLarge { bytes, limit });
    }
    let mut content = Vec::new();
    file.take(limit).read_to_end(&mut content)?;
    if let Some(fault) = impostor(&content) {
        return Err(fault);
    }
    String::from_utf8(content).map_err(|_| FileFault::NotText)
}
