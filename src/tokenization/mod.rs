//! Turns text into token ids that remember where they came from.

mod definition;
mod encoding;
mod error;
mod files;
mod guard;
mod layout;
mod settings;
mod trainer;
mod vocabulary;
pub mod windows;

use std::fmt;
use std::path::{Path, PathBuf};

use tokenizers::models::ModelWrapper;

pub use encoding::Encoding;
pub use error::TokenizerError;
pub use trainer::{
    LARGEST_VOCABULARY, LEAST_VOCABULARY, TrainedTokenizer, TrainerError, TrainerOptions,
    check_folder, train_tokenizer,
};

use definition::Definition;
use guard::{Panicked, contained};
use settings::{Role, Settings};

/// A tokenizer as published with a checkpoint: byte-level BPE (ModernBERT), WordPiece (BERT), or
/// whatever else a `tokenizer.json` defines.
///
/// The same text always gives the same tokens: nothing is cut off, nothing padded, and a BPE
/// model's dropout is off, whatever the files say about it.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// Where the vocabulary came from, for errors.
    file: PathBuf,
    files: Vec<PathBuf>,
    special_tokens: SpecialTokens,
    vocabulary_size: usize,
}

/// The ids of the special tokens; `None` where the vocabulary has no such token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpecialTokens {
    /// First token of every sequence.
    pub cls: Option<u32>,
    /// Ends a text.
    pub sep: Option<u32>,
    /// Stands for a hidden token.
    pub mask: Option<u32>,
    /// Fills short rows of a batch.
    pub pad: Option<u32>,
    /// Stands for what the vocabulary cannot spell.
    pub unk: Option<u32>,
}

impl Tokenizer {
    /// Opens the tokenizer in `folder`, or where there is none the one in `base`: an adapter often
    /// leaves it with the model that it changes.
    ///
    /// # Errors
    /// As [`Tokenizer::open`].
    pub fn open_beside(folder: &Path, base: Option<&Path>) -> Result<Self, TokenizerError> {
        let found = files::present(folder);
        let is_there = found.contains(&files::TOKENIZER) || found.contains(&files::VOCABULARY);
        Self::open(base.filter(|_| !is_there).unwrap_or(folder))
    }

    /// Opens the tokenizer in `folder`: `tokenizer.json`, or else BERT's `vocab.txt`.
    ///
    /// Special tokens have the names which `tokenizer_config.json` or `special_tokens_map.json`
    /// gives them, otherwise `[CLS]`, `[SEP]`, `[MASK]`, `[PAD]` and `[UNK]`. Where they are
    /// written out in a text, they become that token.
    ///
    /// With `vocab.txt`, text is lower-cased and stripped of accents unless `tokenizer_config.json`
    /// says otherwise (`do_lower_case`, `strip_accents`, `tokenize_chinese_chars`). Beside a
    /// `tokenizer.json` these switches count only if `tokenizer_class` is `BertTokenizer` or
    /// `BertTokenizerFast`.
    ///
    /// # Errors
    /// [`TokenizerError`] when there is no tokenizer, when a file cannot be read or understood,
    /// or when the files contradict themselves or each other. A broken `tokenizer.json` is never
    /// passed over in favour of `vocab.txt`.
    pub fn open(folder: &Path) -> Result<Self, TokenizerError> {
        let found = files::present(folder);
        let settings = Settings::read(folder)?;
        let (file, bytes) = if found.contains(&files::TOKENIZER) {
            let file = folder.join(files::TOKENIZER);
            let bytes = files::read(&file)?;
            (file, bytes)
        } else if found.contains(&files::VOCABULARY) {
            let file = folder.join(files::VOCABULARY);
            let text = files::read_text(&file)?;
            let bytes = vocabulary::as_definition(&file, &text, &settings)?;
            (file, bytes)
        } else {
            return Err(TokenizerError::Missing {
                folder: folder.to_owned(),
                found,
            });
        };
        let Definition {
            tokenizer,
            vocabulary_size,
        } = definition::build(&file, &bytes, &settings)?;
        let id = |role: Role| tokenizer.token_to_id(settings.name(role).unwrap_or(role.usual()));
        Ok(Self {
            special_tokens: SpecialTokens {
                cls: id(Role::Cls),
                sep: id(Role::Sep),
                mask: id(Role::Mask),
                pad: id(Role::Pad),
                unk: id(Role::Unk),
            },
            inner: tokenizer,
            file,
            files: files::paths(folder, &found),
            vocabulary_size,
        })
    }

    /// Reads `text` the way the model does, special tokens included.
    ///
    /// # Errors
    /// [`TokenizerError::Encode`] if the tokenizer fails on this text.
    pub fn encode(&self, text: &str) -> Result<Encoding, TokenizerError> {
        let raw = contained(|| self.inner.encode(text, true));
        self.checked(raw, &[text])
    }

    /// Reads two texts as one sequence, special tokens included.
    ///
    /// Spans and words count from 0 in each text; [`Encoding::sequences`] says which it is.
    ///
    /// # Errors
    /// [`TokenizerError::Encode`] if the tokenizer fails on these texts.
    pub fn encode_pair(&self, text: &str, pair: &str) -> Result<Encoding, TokenizerError> {
        let raw = contained(|| self.inner.encode((text, pair), true));
        self.checked(raw, &[text, pair])
    }

    /// The ids of the special tokens.
    pub fn special_tokens(&self) -> &SpecialTokens {
        &self.special_tokens
    }

    /// Largest id + 1, added tokens included: the rows an embedding needs at least.
    pub fn vocabulary_size(&self) -> usize {
        self.vocabulary_size
    }

    /// The token `id` as the vocabulary spells it: ` fever` is `Ġfever` in byte-level
    /// vocabularies, and what continues a word begins with `##` in BERT's.
    ///
    /// `None` if the vocabulary has no such id.
    pub fn token(&self, id: u32) -> Option<String> {
        let added = self.inner.get_added_vocabulary().get_added_tokens_decoder();
        match added.get(&id) {
            Some(token) => Some(token.content.clone()),
            None => self.inner.id_to_token(id),
        }
    }

    /// Whether tokens within a word are spelled with a prefix, as `##` of WordPiece.
    pub fn marks_continuations(&self) -> bool {
        match self.inner.get_model() {
            ModelWrapper::WordPiece(_) => true,
            ModelWrapper::BPE(model) => model
                .continuing_subword_prefix
                .as_ref()
                .is_some_and(|prefix| !prefix.is_empty()),
            _ => false,
        }
    }

    /// The text of `ids`, without special tokens and without ids the vocabulary does not have.
    ///
    /// It need not be the text they came from: lower case, accents and spaces may be lost.
    ///
    /// # Errors
    /// [`TokenizerError::Decode`] if the decoder part of the tokenizer fails.
    pub fn decode(&self, ids: &[u32]) -> Result<String, TokenizerError> {
        self.decoded(ids, true)
    }

    /// The text of `ids` with special tokens.
    ///
    /// # Errors
    /// As [`Tokenizer::decode`].
    pub fn decode_all(&self, ids: &[u32]) -> Result<String, TokenizerError> {
        self.decoded(ids, false)
    }

    /// The token that is spelled like `target` in the vocabulary, or the first token of its text;
    /// with whether it is the whole of it. `None` if there is none.
    pub fn target(&self, target: &str) -> Option<(u32, bool)> {
        if let Some(id) = self.inner.token_to_id(target) {
            return Some((id, true));
        }
        let encoding = self.encode(target).ok()?;
        let own = encoding.ids.iter().zip(&encoding.special);
        let own: Vec<u32> = own
            .filter(|(_, special)| !**special)
            .map(|(id, _)| *id)
            .collect();
        own.first().map(|&id| (id, own.len() == 1))
    }

    fn decoded(&self, ids: &[u32], skip_special: bool) -> Result<String, TokenizerError> {
        match contained(|| self.inner.decode(ids, skip_special)) {
            Ok(Ok(text)) => Ok(text),
            // What the crate says may quote the text.
            Ok(Err(_)) | Err(Panicked) => Err(TokenizerError::Decode {
                file: self.file.clone(),
                tokens: ids.len(),
            }),
        }
    }

    /// The tokenizer's files in its folder, to be copied where a model is saved.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// What the crate made of `texts`, if it can be right.
    fn checked(
        &self,
        raw: Result<tokenizers::Result<tokenizers::Encoding>, Panicked>,
        texts: &[&str],
    ) -> Result<Encoding, TokenizerError> {
        match raw {
            Ok(Ok(raw)) => Encoding::new(&raw, texts, self.vocabulary_size),
            // What the crate says may quote the text.
            Ok(Err(_)) => Err("its model has no token for something in it"),
            Err(Panicked) => Err("one of its parts broke down"),
        }
        .map_err(|why| TokenizerError::Encode {
            file: self.file.clone(),
            bytes: texts.iter().map(|text| text.len()).sum(),
            why,
        })
    }
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokenizer")
            .field("file", &self.file)
            .field("vocabulary_size", &self.vocabulary_size)
            .finish_non_exhaustive()
    }
}
