//! Finds files and reads their bytes.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::super::counting::counted;
use super::{IMPORTERS, Import, ImportError};

/// The largest file that is read, decompressed, in bytes: its notes all stay in memory.
const MOST_BYTES: u64 = 4 << 30;

/// The files of a path: itself, or those of a folder in the order of their names.
pub fn files_of(path: &Path) -> Vec<PathBuf> {
    list(&[path.to_owned()], &mut Import::default())
}

/// The files of `paths`, each with those of a folder in the order of their names.
///
/// Files of a folder that are not read are counted in a warning.
pub(super) fn list(paths: &[PathBuf], import: &mut Import) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" || !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        let mut aside = Aside::default();
        walk(path, &mut files, &mut aside, import);
        if files.len() == before {
            import.failures.push(ImportError {
                path: path.clone(),
                reason: format!(
                    "no note in this folder; files of notes end in {}",
                    endings()
                ),
            });
        } else if let Some(reason) = aside.remark() {
            import.warn(path, None, reason);
        }
    }
    // A shell that lists a folder names both the texts and their marks.
    let whole = |path: &Path| path.canonicalize().ok();
    let texts: HashSet<PathBuf> = files.iter().filter_map(|file| whole(file)).collect();
    let is_read_with_its_text = |file: &Path| {
        let text = text_of(file).filter(|_| ending(file) == "ann");
        text.and_then(|text| whole(&text))
            .is_some_and(|text| texts.contains(&text))
    };
    files.retain(|file| !is_read_with_its_text(file));
    files
}

/// Files of a folder that are not read.
#[derive(Default)]
struct Aside {
    /// Of no known kind.
    others: usize,
    /// About the folder.
    about: usize,
}

impl Aside {
    fn remark(&self) -> Option<String> {
        let files = |count: usize| counted(count, "file");
        let others = (self.others > 0).then(|| format!("{} of other kinds", files(self.others)));
        let about = (self.about > 0).then(|| {
            let names = ABOUT.join(", ");
            format!("{} about the folder ({names})", files(self.about))
        });
        let found: Vec<String> = others.into_iter().chain(about).collect();
        (!found.is_empty()).then(|| format!("{} left aside", found.join(" and ")))
    }
}

fn endings() -> String {
    let endings = IMPORTERS.iter().flat_map(|one| one.endings);
    let named: Vec<String> = endings.map(|ending| format!(".{ending}")).collect();
    format!("{}, each also with .gz", named.join(", "))
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>, aside: &mut Aside, import: &mut Import) {
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
                walk(&path, files, aside, import);
            }
        } else if is_marks_of_a_text(&path) {
            // They are read with it.
        } else if is_about(&path) {
            aside.about += 1;
        } else if !hidden && is_notes(&path) {
            files.push(path);
        } else {
            aside.others += 1;
        }
    }
}

/// Whether a file of a folder is of a known kind.
fn is_notes(path: &Path) -> bool {
    let ending = ending(path);
    let mut all = IMPORTERS.iter().flat_map(|one| one.endings);
    all.any(|one| *one == ending)
}

/// Names of files that say something about their folder.
const ABOUT: &[&str] = &["README", "LICENSE", "LICENCE", "NOTICE"];

/// Whether a file says something about its folder.
fn is_about(path: &Path) -> bool {
    let name = without_gz(path).with_extension("");
    let name = name.file_name().unwrap_or_default().to_string_lossy();
    ABOUT.iter().any(|about| name.eq_ignore_ascii_case(about))
}

fn is_marks_of_a_text(path: &Path) -> bool {
    ending(path) == "ann" && text_of(path).is_some()
}

/// The text that lies beside its marks.
pub(super) fn text_of(marks: &Path) -> Option<PathBuf> {
    beside(marks, "txt")
}

/// The marks that lie beside their text.
pub(super) fn marks_of(text: &Path) -> Option<PathBuf> {
    beside(text, "ann")
}

/// The file of the same name with this ending, which either of the two can have compressed.
fn beside(path: &Path, ending: &str) -> Option<PathBuf> {
    let plain = without_gz(path).with_extension(ending);
    let packed = plain.with_extension(format!("{ending}.gz"));
    [plain, packed].into_iter().find(|path| path.is_file())
}

/// A path without the `.gz` at its end.
fn without_gz(path: &Path) -> PathBuf {
    let packed = path
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("gz"));
    match packed {
        true => path.with_extension(""),
        false => path.to_owned(),
    }
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
    result.map_err(|error| unreadable(&error))
}

/// Why a file cannot be read, in a sentence.
pub(super) fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "it is not there; was it moved, or its drive taken out?".to_owned()
        }
        io::ErrorKind::PermissionDenied => "you may not read it".to_owned(),
        _ => error.to_string(),
    }
}

/// The content of a file.
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    /// Whether it is the beginning only, of a compressed file that was cut.
    pub(super) cut: bool,
}

impl Content {
    /// The bytes, if they are all.
    pub(super) fn whole(self) -> Result<Vec<u8>, String> {
        match self.cut {
            true => Err(CUT.to_owned()),
            false => Ok(self.bytes),
        }
    }
}

/// What is wrong with a compressed file of which only the beginning is there.
pub(super) const CUT: &str = "it is compressed with gzip and ends too early";

/// The content of compressed bytes, or the bytes themselves.
pub(super) fn decompressed(bytes: Vec<u8>) -> Result<Content, String> {
    if !bytes.starts_with(b"\x1F\x8B") {
        return Ok(Content { bytes, cut: false });
    }
    let mut content = Vec::new();
    let cut = match append(&mut MultiGzDecoder::new(&bytes[..]), &mut content) {
        Ok(()) => false,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => true,
        Err(error) => {
            return Err(format!(
                "it is compressed with gzip, and cannot be decompressed: {error}"
            ));
        }
    };
    let bytes = match cut {
        true => whole_characters(content),
        false => content,
    };
    Ok(Content { bytes, cut })
}

/// Without the beginning of a character at the end: with it the rest would look like another encoding.
pub(super) fn whole_characters(mut bytes: Vec<u8>) -> Vec<u8> {
    let last = bytes.utf8_chunks().last();
    let broken = last.map_or(0, |chunk| chunk.invalid().len());
    bytes.truncate(bytes.len() - broken);
    bytes
}

/// Everything in a stream, up to what is allowed; the size that a file claims is not trusted.
fn bounded(stream: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    append(stream, &mut bytes)?;
    Ok(bytes)
}

/// [`bounded`], where what was read before an error is kept.
fn append(stream: &mut dyn Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    stream.take(MOST_BYTES + 1).read_to_end(bytes)?;
    match bytes.len() as u64 > MOST_BYTES {
        true => Err(io::Error::other(format!(
            "more than {} GiB are too many at once; split it into several files",
            MOST_BYTES >> 30
        ))),
        false => Ok(()),
    }
}

/// SHA-256 in hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
