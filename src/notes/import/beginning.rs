//! Reads the first notes of a file, however large the file is.

use std::io::{self, Read};
use std::path::Path;

use super::super::Note;
use super::survey::open;
use super::{Import, ImportOptions, files};
use crate::job::Job;

/// Bytes that are read, decompressed.
const READ: u64 = 1 << 20;

/// The notes that stand whole in the first MB of a file; none where it cannot be read, or is no file.
pub fn beginning(path: &Path, options: &ImportOptions, job: &Job) -> Vec<Note> {
    let mut import = Import::default();
    // Neither standard input nor a pipe comes a second time.
    if path.is_file()
        && let Ok(content) = content(path)
    {
        let sha256 = files::sha256(&content.bytes);
        // What cannot be read is said when all of it is.
        let _ = import.content(path, sha256, content, options, job);
    }
    import.notes
}

fn content(path: &Path) -> io::Result<files::Content> {
    let mut bytes = Vec::new();
    let read = open(path)?.take(READ + 1).read_to_end(&mut bytes);
    let cut = bytes.len() as u64 > READ || read.is_err();
    bytes.truncate(READ as usize);
    let bytes = match cut {
        true => files::whole_characters(bytes),
        false => bytes,
    };
    Ok(files::Content { bytes, cut })
}
