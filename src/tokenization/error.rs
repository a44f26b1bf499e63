//! Why a tokenizer could not be opened or used.

use std::fmt;
use std::path::PathBuf;

/// How much of another library's message is repeated.
const LONGEST_REASON: usize = 300;

/// Why a tokenizer could not be opened, or a text not be read with it.
///
/// No variant holds anything of the text that was to be read.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// The folder has no file a vocabulary could come from.
    #[error(
        "no tokenizer in {}: looked for tokenizer.json and for vocab.txt, found {}; \
         copy the tokenizer files of the checkpoint into this folder",
        .folder.display(), Names(.found)
    )]
    Missing {
        /// The folder that was searched.
        folder: PathBuf,
        /// Tokenizer files that are there but not enough.
        found: Vec<&'static str>,
    },
    /// The operating system did not hand over the file.
    #[error("cannot read {}: {source}; check that it is a file and that you may read it", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is far larger than any tokenizer's.
    #[error(
        "{} has {bytes} bytes, more than the {limit} a tokenizer file may have; \
         check that it is the right file",
        .file.display()
    )]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// Its size, in bytes.
        bytes: u64,
        /// The largest size that is read, in bytes.
        limit: u64,
    },
    /// The file is not what its name says: empty, cut off, binary, or no JSON.
    #[error("{} cannot be understood: {why}", .file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What is wrong and what to do.
        why: String,
    },
    /// The files are readable but contradict themselves or each other.
    #[error("{} does not describe a usable tokenizer: {why}", .file.display())]
    Inconsistent {
        /// The file that has to be corrected.
        file: PathBuf,
        /// What contradicts what.
        why: String,
    },
    /// A part of `tokenizer.json` is unknown or does not work.
    #[error(
        "{} has a part that cannot be used: {why}; \
         save the tokenizer again with a current version of the library that made it",
        .file.display()
    )]
    Unsupported {
        /// The file.
        file: PathBuf,
        /// What was refused.
        why: String,
    },
    /// This tokenizer failed on a text.
    #[error(
        "the tokenizer of {} failed on a text of {bytes} bytes: {why}; \
         other texts can still be read",
        .file.display()
    )]
    Encode {
        /// The file the vocabulary came from.
        file: PathBuf,
        /// Length of the text, in UTF-8 bytes.
        bytes: usize,
        /// What happened; never part of the text.
        why: &'static str,
    },
    /// This tokenizer's decoder failed.
    #[error(
        "the decoder of {} failed on {tokens} tokens; its `decoder` part does not fit its vocabulary",
        .file.display()
    )]
    Decode {
        /// The file the vocabulary came from.
        file: PathBuf,
        /// How many tokens were to be decoded.
        tokens: usize,
    },
}

/// File names as a phrase.
struct Names<'a>(&'a [&'static str]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("neither"),
            names => write!(f, "only {}", names.join(", ")),
        }
    }
}

/// Another library's message about a file, on one line and of bounded length.
///
/// Vocabularies are long and such messages repeat what they do not like.
pub(super) fn reason(message: &dyn fmt::Display) -> String {
    let mut line = message.to_string().replace(char::is_control, " ");
    if line.len() > LONGEST_REASON {
        line.truncate(line.floor_char_boundary(LONGEST_REASON));
        line.push('…');
    }
    line
}
