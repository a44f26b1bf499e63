//! Finds files and reads their bytes.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::{IMPORTERS, Import, ImportError};

/// The largest file that is read, decompressed, in bytes: its notes all stay in memory.
const MOST_BYTES: u64 = 4 << 30;

/// The files of `paths`, each with those of a folder in the order of their names.
///
/// Files of a folder that are of no known kind are counted in a warning.
pub(super) fn list(paths: &[PathBuf], import: &mut Import) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" || !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        let mut others = 0;
        walk(path, &mut files, &mut others, import);
        if files.len() == before {
            import.failures.push(ImportError {
                path: path.clone(),
                reason: format!(
                    "no note in this folder; files of notes end in {}",
                    endings()
                ),
            });
        } else if others > 0 {
            let files = if others == 1 { "file" } else { "files" };
            let reason = format!("{others} {files} of other kinds left aside");
            import.warn(path, None, reason);
        }
    }
    files
}

fn endings() -> String {
    let endings = IMPORTERS.iter().flat_map(|one| one.endings);
    let named: Vec<String> = endings.map(|ending| format!(".{ending}")).collect();
    format!("{}, each also with .gz", named.join(", "))
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>, others: &mut usize, import: &mut Import) {
    let mut entries: Vec<PathBuf> = Vec::new();
    let read = fs::read_dir(folder).and_then(|read| {
        for entry in read {
            entries.push(entry?.path());
        }
        Ok(())
    });
    if let Err(error) = read {
        import.failures.push(ImportError {
            path: folder.to_owned(),
            reason: error.to_string(),
        });
    }
    entries.sort();
    for path in entries {
        let hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        // A link to a folder could lead back here.
        let linked = path.is_symlink();
        if path.is_dir() {
            if !linked && !hidden {
                walk(&path, files, others, import);
            }
        } else if !hidden && is_notes(&path) {
            files.push(path);
        } else if !has_text(&path) && !is_about(&path) {
            *others += 1;
        }
    }
}

/// Whether a file of a folder is to be read: of a known kind, but the marks of a text and what
/// people write about a folder are no notes.
fn is_notes(path: &Path) -> bool {
    let ending = ending(path);
    let known = IMPORTERS
        .iter()
        .any(|one| one.endings.contains(&ending.as_str()));
    known && !is_about(path) && !has_text(path)
}

/// Whether a file says something about its folder.
fn is_about(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let names = ["README", "LICENSE", "LICENCE", "NOTICE"];
    names
        .iter()
        .any(|name| stem.to_uppercase().starts_with(name))
}

/// Whether a file holds the marks of a text that lies beside it, with which it is read.
fn has_text(path: &Path) -> bool {
    ending(path) == "ann" && path.with_extension("txt").is_file()
}

/// The ending of a file's name in small letters, that before `.gz` if it is compressed.
pub(super) fn ending(path: &Path) -> String {
    let lower = |path: &Path| {
        let ending = path.extension().unwrap_or_default();
        ending.to_string_lossy().to_ascii_lowercase()
    };
    match lower(path).as_str() {
        "gz" => lower(Path::new(path.file_stem().unwrap_or_default())),
        other => other.to_owned(),
    }
}

/// All bytes of a file, or of standard input for `-`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let result = match path.as_os_str() == "-" {
        true => bounded(&mut io::stdin().lock()),
        false => fs::File::open(path).and_then(|mut file| match path.is_dir() {
            true => Err(io::Error::other("this is a folder")),
            false => bounded(&mut file),
        }),
    };
    result.map_err(|error| error.to_string())
}

/// The content of compressed bytes, or the bytes themselves.
pub(super) fn decompressed(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if !bytes.starts_with(b"\x1F\x8B") {
        return Ok(bytes);
    }
    bounded(&mut MultiGzDecoder::new(&bytes[..]))
        .map_err(|error| format!("it is compressed with gzip, and cannot be decompressed: {error}"))
}

/// Everything in a stream, up to what is allowed; the size that a file claims is not trusted.
fn bounded(stream: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MOST_BYTES {
        true => Err(io::Error::other(format!(
            "more than {} GiB are too many at once; split it into several files",
            MOST_BYTES >> 30
        ))),
        false => Ok(bytes),
    }
}

/// SHA-256 in hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
