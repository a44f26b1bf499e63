//! Finds and reads the files of a tokenizer.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::TokenizerError;

/// The tokenizer in one file.
pub(super) const TOKENIZER: &str = "tokenizer.json";
/// BERT's vocabulary, one token a line.
pub(super) const VOCABULARY: &str = "vocab.txt";
/// Names of special tokens and settings that `vocab.txt` cannot hold.
pub(super) const CONFIG: &str = "tokenizer_config.json";
/// An older place for the names of special tokens.
pub(super) const SPECIAL_TOKENS: &str = "special_tokens_map.json";
/// An older place for tokens added to a vocabulary.
pub(super) const ADDED_TOKENS: &str = "added_tokens.json";

/// Every file that belongs to a tokenizer, whether it is read here or only copied along.
const ALL: [&str; 7] = [
    TOKENIZER,
    CONFIG,
    SPECIAL_TOKENS,
    ADDED_TOKENS,
    VOCABULARY,
    "vocab.json",
    "merges.txt",
];

/// Largest file that is read, in bytes: about four times the largest published `tokenizer.json`.
pub(super) const LARGEST: u64 = 128 << 20;

/// Which of a tokenizer's files are in `folder`, by name.
pub(super) fn present(folder: &Path) -> Vec<&'static str> {
    ALL.into_iter()
        .filter(|name| folder.join(name).exists())
        .collect()
}

/// The bytes of `file`, which must exist, be a file, and not be empty.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, TokenizerError> {
    let unreadable = |source| TokenizerError::Unreadable {
        file: file.to_owned(),
        source,
    };
    let metadata = fs::metadata(file).map_err(unreadable)?;
    if !metadata.is_file() {
        // A pipe would block for ever.
        return Err(unreadable(io::Error::other("not a file")));
    }
    if metadata.len() > LARGEST {
        return Err(too_large(file, metadata.len()));
    }
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(too_large(file, bytes.len() as u64));
    }
    if bytes.is_empty() {
        return Err(malformed(file, "it is empty; copy or download it again"));
    }
    if bytes.starts_with(b"version https://git-lfs") {
        return Err(malformed(
            file,
            "it only points to the file in Git LFS; run `git lfs pull` where it came from",
        ));
    }
    Ok(bytes)
}

/// Like [`read`], as text; a byte order mark is dropped.
pub(super) fn read_text(file: &Path) -> Result<String, TokenizerError> {
    let text = String::from_utf8(read(file)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        malformed(
            file,
            format!("it is not UTF-8 text (byte {at}); copy or download it again"),
        )
    })?;
    if text.contains('\0') {
        return Err(malformed(
            file,
            "it is binary, not text; copy or download it again",
        ));
    }
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// `file` was read and is not what it should be.
pub(super) fn malformed(file: &Path, why: impl Into<String>) -> TokenizerError {
    TokenizerError::Malformed {
        file: file.to_owned(),
        why: why.into(),
    }
}

/// `file` is well-formed and contradicts itself or another file.
pub(super) fn inconsistent(file: &Path, why: impl Into<String>) -> TokenizerError {
    TokenizerError::Inconsistent {
        file: file.to_owned(),
        why: why.into(),
    }
}

/// The full paths of `names` in `folder`.
pub(super) fn paths(folder: &Path, names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(|name| folder.join(name)).collect()
}

fn too_large(file: &Path, bytes: u64) -> TokenizerError {
    TokenizerError::TooLarge {
        file: file.to_owned(),
        bytes,
        limit: LARGEST,
    }
}
