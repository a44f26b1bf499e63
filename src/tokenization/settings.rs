//! What lies beside the vocabulary: the names of special tokens, and BERT's switches.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokenizers::AddedToken;

use super::error::{TokenizerError, reason};
use super::files::{self, malformed};

/// Where tokens of `added_tokens.json` come from; the file has no keys of its own.
const ADDED: &str = "added token";

/// What a special token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// First token of every sequence.
    Cls,
    /// Ends a text.
    Sep,
    /// Stands for a hidden token.
    Mask,
    /// Fills short rows of a batch.
    Pad,
    /// Stands for what the vocabulary cannot spell.
    Unk,
}

impl Role {
    /// Every role.
    pub(super) const ALL: [Self; 5] = [Self::Cls, Self::Sep, Self::Mask, Self::Pad, Self::Unk];

    /// The key under which the files name the token.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Cls => "cls_token",
            Self::Sep => "sep_token",
            Self::Mask => "mask_token",
            Self::Pad => "pad_token",
            Self::Unk => "unk_token",
        }
    }

    /// The token's name where no file names it.
    pub(super) fn usual(self) -> &'static str {
        match self {
            Self::Cls => "[CLS]",
            Self::Sep => "[SEP]",
            Self::Mask => "[MASK]",
            Self::Pad => "[PAD]",
            Self::Unk => "[UNK]",
        }
    }
}

/// A token that a file beside the vocabulary names.
pub(super) struct NamedToken {
    /// The token and how it matches in the text.
    pub(super) token: AddedToken,
    /// The file that names it.
    pub(super) file: PathBuf,
    /// The key under which it stands there.
    pub(super) key: &'static str,
}

/// The contents of `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json`.
#[derive(Default)]
pub(super) struct Settings {
    /// Tokens with the ids they must have, ascending.
    pub(super) numbered: Vec<(u32, NamedToken)>,
    /// Special tokens, those with a role and others.
    pub(super) special: Vec<NamedToken>,
    /// Whether the class named is BERT's, whose switches win over those of `tokenizer.json`.
    pub(super) is_bert: bool,
    /// `do_lower_case`.
    pub(super) lower_case: Option<bool>,
    /// `strip_accents`; without it, accents are stripped where text is lower-cased.
    pub(super) strip_accents: Option<bool>,
    /// `tokenize_chinese_chars`.
    pub(super) split_chinese: Option<bool>,
}

impl Settings {
    /// Reads the three files; each may be absent.
    pub(super) fn read(folder: &Path) -> Result<Self, TokenizerError> {
        let config = Object::read(folder.join(files::CONFIG))?;
        let named = Object::read(folder.join(files::SPECIAL_TOKENS))?;
        let added = Object::read(folder.join(files::ADDED_TOKENS))?;
        let mut settings = Self::default();
        let mut has_numbers = false;
        if let Some(config) = &config {
            let switches: Switches = config.parse()?;
            settings.is_bert = matches!(
                switches.tokenizer_class.as_deref(),
                Some("BertTokenizer" | "BertTokenizerFast")
            );
            settings.lower_case = switches.do_lower_case;
            settings.strip_accents = switches.strip_accents;
            settings.split_chinese = switches.tokenize_chinese_chars;
            has_numbers = switches.added_tokens_decoder.is_some();
            for (id, token) in switches.added_tokens_decoder.unwrap_or_default() {
                let token = config.token("added_tokens_decoder", token.into_added());
                settings.numbered.push((id, token));
            }
        }
        if let Some(added) = &added {
            let ids: BTreeMap<String, u32> = added.parse()?;
            for (content, id) in ids {
                let token = added.token(ADDED, AddedToken::from(content, false));
                settings.numbered.push((id, token));
            }
        }
        // Stable: where both files number a token, the newer file comes first and decides.
        settings.numbered.sort_by_key(|(id, _)| *id);
        // Files new enough to number their tokens repeat the names, older ones correct them.
        let order = if has_numbers {
            [&config, &named]
        } else {
            [&named, &config]
        };
        for file in order.into_iter().flatten() {
            settings.add_names(file)?;
        }
        settings.mark_special();
        Ok(settings)
    }

    /// The name of the token with `role`, if a file gives one.
    pub(super) fn name(&self, role: Role) -> Option<&str> {
        self.special
            .iter()
            .find(|named| named.key == role.key())
            .map(|named| named.token.content.as_str())
    }

    /// `added_tokens.json` does not say which of its tokens are special: those named elsewhere.
    fn mark_special(&mut self) {
        for (_, named) in &mut self.numbered {
            let content = &named.token.content;
            let is_special = self.special.iter().any(|s| s.token.content == *content);
            if named.key == ADDED && is_special {
                named.token = AddedToken::from(content.clone(), true);
            }
        }
    }

    /// Adds the names in `file` for which no earlier file had one.
    fn add_names(&mut self, file: &Object) -> Result<(), TokenizerError> {
        let names: Names = file.parse()?;
        let roles = [
            (Role::Cls, names.cls_token),
            (Role::Sep, names.sep_token),
            (Role::Mask, names.mask_token),
            (Role::Pad, names.pad_token),
            (Role::Unk, names.unk_token),
        ];
        for (role, token) in roles {
            if let Some(token) = token
                && self.name(role).is_none()
            {
                let token = file.token(role.key(), token.into_special());
                self.special.push(token);
            }
        }
        let others = [
            ("additional_special_tokens", names.additional_special_tokens),
            ("extra_special_tokens", names.extra_special_tokens),
        ];
        for (key, tokens) in others {
            for token in tokens.into_iter().flat_map(Tokens::into_vec) {
                self.special.push(file.token(key, token.into_special()));
            }
        }
        Ok(())
    }
}

/// A JSON file whose outermost value is an object.
struct Object {
    file: PathBuf,
    value: Value,
}

impl Object {
    /// `None` if there is no such file.
    fn read(file: PathBuf) -> Result<Option<Self>, TokenizerError> {
        if !file.exists() {
            return Ok(None);
        }
        let text = files::read_text(&file)?;
        match serde_json::from_str::<Map<String, Value>>(&text) {
            Ok(map) => Ok(Some(Self {
                value: Value::Object(map),
                file,
            })),
            Err(error) => Err(not_json(&file, &error)),
        }
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, TokenizerError> {
        T::deserialize(&self.value).map_err(|error| {
            malformed(
                &self.file,
                format!("{}; correct that value or remove it", reason(&error)),
            )
        })
    }

    fn token(&self, key: &'static str, token: AddedToken) -> NamedToken {
        NamedToken {
            token,
            file: self.file.clone(),
            key,
        }
    }
}

/// What to say about a file that `serde_json` refused.
pub(super) fn not_json(file: &Path, error: &serde_json::Error) -> TokenizerError {
    let advice = if error.is_eof() {
        "the file seems to be cut off; copy or download it again"
    } else {
        "the file is not the JSON it should be; copy or download it again"
    };
    malformed(file, format!("{advice} ({})", reason(error)))
}

#[derive(Deserialize)]
struct Switches {
    tokenizer_class: Option<String>,
    do_lower_case: Option<bool>,
    strip_accents: Option<bool>,
    tokenize_chinese_chars: Option<bool>,
    added_tokens_decoder: Option<BTreeMap<u32, Matching>>,
}

#[derive(Deserialize)]
struct Names {
    cls_token: Option<Token>,
    sep_token: Option<Token>,
    mask_token: Option<Token>,
    pad_token: Option<Token>,
    unk_token: Option<Token>,
    additional_special_tokens: Option<Tokens>,
    extra_special_tokens: Option<Tokens>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Tokens {
    List(Vec<Token>),
    Named(BTreeMap<String, Token>),
}

impl Tokens {
    fn into_vec(self) -> Vec<Token> {
        match self {
            Self::List(tokens) => tokens,
            Self::Named(tokens) => tokens.into_values().collect(),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Token {
    Content(String),
    Matching(Matching),
}

impl Token {
    fn into_special(self) -> AddedToken {
        match self {
            Self::Content(content) => AddedToken::from(content, true),
            Self::Matching(matching) => matching.into_added().special(true),
        }
    }
}

/// A token and how it matches in the text.
#[derive(Deserialize)]
struct Matching {
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    normalized: Option<bool>,
    #[serde(default)]
    special: bool,
}

impl Matching {
    fn into_added(self) -> AddedToken {
        AddedToken {
            normalized: self.normalized.unwrap_or(!self.special),
            content: self.content,
            single_word: self.single_word,
            lstrip: self.lstrip,
            rstrip: self.rstrip,
            special: self.special,
        }
    }
}
