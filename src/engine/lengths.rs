//! How many tokens a tokenizer makes of texts.

use serde::Serialize;

use crate::job::{Cancelled, Job};
use crate::tokenization::{Tokenizer, TokenizerError};

/// How long texts are, in words and in tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct TextLengths {
    /// Texts.
    pub texts: usize,
    /// Bytes of all.
    pub bytes: usize,
    /// Words of all: what stands between white space.
    pub words: usize,
    /// Tokens of all, without those of the template.
    pub tokens: usize,
    /// Tokens of the longest.
    pub longest: usize,
}

impl TextLengths {
    /// Tokens for each word; `None` without words.
    pub fn tokens_per_word(&self) -> Option<f64> {
        (self.words > 0).then(|| self.tokens as f64 / self.words as f64)
    }

    /// Bytes for each token; `None` without tokens.
    pub fn bytes_per_token(&self) -> Option<f64> {
        (self.tokens > 0).then(|| self.bytes as f64 / self.tokens as f64)
    }
}

/// Why lengths cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum LengthsError {
    /// The tokenizer failed on a text.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// Stopped by the user.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// How many words and tokens texts have, which are read once and not kept.
///
/// # Errors
/// [`LengthsError`] when the tokenizer fails on one, or the user stopped.
pub fn text_lengths<T: AsRef<str>>(
    tokenizer: &Tokenizer,
    texts: impl Iterator<Item = T>,
    job: &Job,
) -> Result<TextLengths, LengthsError> {
    let mut lengths = TextLengths::default();
    for text in texts {
        job.check()?;
        let text = text.as_ref();
        let special = tokenizer.encode(text)?.special;
        let tokens = special.iter().filter(|special| !**special).count();
        lengths.texts += 1;
        lengths.bytes += text.len();
        lengths.words += text.split_whitespace().count();
        lengths.tokens += tokens;
        lengths.longest = lengths.longest.max(tokens);
    }
    job.check()?;
    Ok(lengths)
}
