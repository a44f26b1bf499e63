//! Builds the tokenizer that a `tokenizer.json` defines, unless the definition contradicts itself.

use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use tokenizers::models::ModelWrapper;
use tokenizers::{
    AddedToken, NormalizedString, Normalizer, NormalizerWrapper, PostProcessorWrapper,
};

use super::error::{TokenizerError, reason};
use super::files::inconsistent;
use super::guard::{Panicked, contained};
use super::settings::{NamedToken, Settings, not_json};

/// Ids beyond this are a mistake: the embedding alone would not fit into memory.
const LARGEST_ID: u32 = 1 << 24;

/// A tokenizer that works and the size of its vocabulary.
pub(super) struct Definition {
    /// Neither truncates nor pads.
    pub(super) tokenizer: tokenizers::Tokenizer,
    /// Largest id + 1.
    pub(super) vocabulary_size: usize,
}

/// Builds the tokenizer in `bytes`, the contents of `file`, and tries it.
pub(super) fn build(
    file: &Path,
    bytes: &[u8],
    settings: &Settings,
) -> Result<Definition, TokenizerError> {
    let declared = declared(file, bytes)?;
    contained(|| {
        let mut tokenizer = tokenizers::Tokenizer::from_bytes(bytes)
            .map_err(|error| unsupported(file, reason(&error)))?;
        remove_limits(&mut tokenizer);
        apply_switches(&mut tokenizer, settings)
            .map_err(|error| unsupported(file, reason(&error)))?;
        check_added(file, &tokenizer, &declared)?;
        add_tokens(&mut tokenizer, settings)?;
        check_patterns(file, &tokenizer)?;
        let vocabulary_size = vocabulary_size(file, &tokenizer)?;
        check_template(file, &mut tokenizer)?;
        Ok(Definition {
            tokenizer,
            vocabulary_size,
        })
    })
    .unwrap_or_else(|Panicked| {
        Err(unsupported(
            file,
            "its parts do not fit together (a template without its special tokens, a length of 0)",
        ))
    })
}

fn unsupported(file: &Path, why: impl Into<String>) -> TokenizerError {
    TokenizerError::Unsupported {
        file: file.to_owned(),
        why: why.into(),
    }
}

/// The parts of `tokenizer.json` that the tokenizers crate believes unseen.
#[derive(Deserialize)]
struct Declared {
    #[serde(default)]
    added_tokens: Vec<DeclaredToken>,
    model: DeclaredModel,
}

#[derive(Deserialize)]
struct DeclaredToken {
    id: u32,
    content: String,
}

#[derive(Deserialize)]
struct DeclaredModel {
    continuing_subword_prefix: Option<String>,
    merges: Option<IgnoredAny>,
}

fn declared(file: &Path, bytes: &[u8]) -> Result<Declared, TokenizerError> {
    let declared: Declared =
        serde_json::from_slice(bytes).map_err(|error| not_json(file, &error))?;
    // The crate cuts this many bytes off the second half of every merge without looking at them,
    // and calls the rest UTF-8.
    if declared.model.merges.is_some()
        && declared
            .model
            .continuing_subword_prefix
            .as_ref()
            .is_some_and(|prefix| !prefix.is_empty())
    {
        return Err(unsupported(
            file,
            "its BPE model has a continuing_subword_prefix",
        ));
    }
    Ok(declared)
}

/// Lets every text through whole and the same way each time.
fn remove_limits(tokenizer: &mut tokenizers::Tokenizer) {
    tokenizer
        .with_truncation(None)
        .expect("only truncation parameters can be wrong, and there are none");
    tokenizer.with_padding(None);
    if let ModelWrapper::BPE(bpe) = tokenizer.get_model()
        && bpe.dropout.is_some()
    {
        let mut bpe = bpe.clone();
        bpe.dropout = None;
        tokenizer.with_model(bpe);
    }
}

/// For BERT's own class, `tokenizer_config.json` decides over `tokenizer.json`.
fn apply_switches(
    tokenizer: &mut tokenizers::Tokenizer,
    settings: &Settings,
) -> tokenizers::Result<()> {
    if !settings.is_bert {
        return Ok(());
    }
    if let Some(&NormalizerWrapper::BertNormalizer(mut bert)) = tokenizer.get_normalizer() {
        bert.lowercase = settings.lower_case.unwrap_or(bert.lowercase);
        bert.strip_accents = settings.strip_accents.or(bert.strip_accents);
        bert.handle_chinese_chars = settings.split_chinese.unwrap_or(bert.handle_chinese_chars);
        tokenizer.with_normalizer(Some(bert))?;
    }
    Ok(())
}

/// The crate numbers added tokens itself and only logs it when the file says otherwise.
fn check_added(
    file: &Path,
    tokenizer: &tokenizers::Tokenizer,
    declared: &Declared,
) -> Result<(), TokenizerError> {
    for DeclaredToken { id, content } in &declared.added_tokens {
        check_id(file, tokenizer, content, *id)?;
    }
    Ok(())
}

fn check_id(
    file: &Path,
    tokenizer: &tokenizers::Tokenizer,
    content: &str,
    id: u32,
) -> Result<(), TokenizerError> {
    let why = match tokenizer.token_to_id(content) {
        Some(actual) if actual == id => return Ok(()),
        Some(actual) => format!(
            "it gives the added token `{content}` the id {id}, but its place in the vocabulary is {actual}"
        ),
        None => format!("its added token {id} has no content"),
    };
    Err(inconsistent(
        file,
        format!("{}; correct the id or the token", reason(&why)),
    ))
}

/// Adds the tokens that only the files beside the vocabulary know, which then match in raw text.
fn add_tokens(
    tokenizer: &mut tokenizers::Tokenizer,
    settings: &Settings,
) -> Result<(), TokenizerError> {
    let added = tokenizer.get_added_vocabulary().get_vocab();
    let mut new: Vec<AddedToken> = Vec::new();
    for (_, NamedToken { token, .. }) in &settings.numbered {
        let known = new.iter().any(|earlier| earlier.content == token.content);
        if !known && !added.contains_key(&token.content) {
            new.push(token.clone());
        }
    }
    if let Some((_, first)) = settings.numbered.first() {
        tokenizer
            .add_tokens(new)
            .map_err(|error| inconsistent(&first.file, reason(&error)))?;
    }
    for (id, named) in &settings.numbered {
        check_id(&named.file, tokenizer, &named.token.content, *id)?;
    }
    let mut special = Vec::new();
    for named in &settings.special {
        let Some(id) = tokenizer.token_to_id(&named.token.content) else {
            let why = format!(
                "it names `{}` as {}, but the vocabulary has no such token",
                named.token.content, named.key
            );
            return Err(inconsistent(
                &named.file,
                format!("{}; correct the name or remove it", reason(&why)),
            ));
        };
        let added = tokenizer.get_added_vocabulary().get_added_tokens_decoder();
        // How a token matches is decided where it got its id.
        let token = added.get(&id).unwrap_or(&named.token).clone();
        special.push(token.special(true));
    }
    if let Some(first) = settings.special.first() {
        tokenizer
            .add_special_tokens(special)
            .map_err(|error| inconsistent(&first.file, reason(&error)))?;
    }
    Ok(())
}

/// An added token that its own normalizer leaves nothing of matches everywhere, without end.
fn check_patterns(file: &Path, tokenizer: &tokenizers::Tokenizer) -> Result<(), TokenizerError> {
    let Some(normalizer) = tokenizer.get_normalizer() else {
        return Ok(());
    };
    let added = tokenizer.get_added_vocabulary().get_added_tokens_decoder();
    for (id, token) in added.iter().filter(|(_, token)| token.normalized) {
        let mut content = NormalizedString::from(token.content.as_str());
        normalizer
            .normalize(&mut content)
            .map_err(|error| unsupported(file, reason(&error)))?;
        if content.get().is_empty() {
            let why = format!("its normalizer removes the added token {id} entirely");
            return Err(inconsistent(
                file,
                format!("{why}; set \"normalized\" of that token to false"),
            ));
        }
    }
    Ok(())
}

/// Largest id + 1, given that no two tokens share an id.
fn vocabulary_size(
    file: &Path,
    tokenizer: &tokenizers::Tokenizer,
) -> Result<usize, TokenizerError> {
    let vocabulary = tokenizer.get_vocab(true);
    let mut ids: Vec<u32> = vocabulary.values().copied().collect();
    ids.sort_unstable();
    if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(inconsistent(
            file,
            format!("two tokens have the id {}; give each its own", pair[0]),
        ));
    }
    match ids.last() {
        None => Err(inconsistent(
            file,
            "its vocabulary is empty; copy or download it again",
        )),
        Some(&id) if id > LARGEST_ID => Err(inconsistent(
            file,
            format!(
                "it has a token with the id {id}, and no model has that many rows; correct the id"
            ),
        )),
        Some(&id) => Ok(id as usize + 1),
    }
}

/// Tries the whole way with texts that are nobody's: one of plain words, one of unknown characters.
///
/// The template must name special tokens that exist, under the ids they have, and must use the first
/// text once in a single sequence and both texts once in a pair.
fn check_template(
    file: &Path,
    tokenizer: &mut tokenizers::Tokenizer,
) -> Result<(), TokenizerError> {
    let failed = |error: tokenizers::Error| unsupported(file, reason(&error));
    let (plain, unknown) = ("Aa 1.", "\u{2603}\u{a66e}");
    for (text, pair) in [(plain, unknown), (unknown, plain)] {
        let template: Option<PostProcessorWrapper> = tokenizer.get_post_processor().cloned();
        tokenizer.with_post_processor(None::<PostProcessorWrapper>);
        let first = tokenizer.encode(text, false).map_err(failed)?.len();
        let second = tokenizer.encode(pair, false).map_err(failed)?.len();
        tokenizer.with_post_processor(template);
        let single = tokenizer.encode(text, true).map_err(failed)?;
        check_encoding(file, tokenizer, &single, first)?;
        let both = tokenizer.encode((text, pair), true).map_err(failed)?;
        check_encoding(file, tokenizer, &both, first + second)?;
    }
    Ok(())
}

/// Checks an encoding of texts that have `text_tokens` tokens without the template.
fn check_encoding(
    file: &Path,
    tokenizer: &tokenizers::Tokenizer,
    encoding: &tokenizers::Encoding,
    text_tokens: usize,
) -> Result<(), TokenizerError> {
    let mask = encoding.get_special_tokens_mask();
    let (ids, tokens) = (encoding.get_ids(), encoding.get_tokens());
    if ids.len() != tokens.len() || ids.len() != mask.len() {
        return Err(inconsistent(
            file,
            "its post_processor lists different numbers of ids and tokens; correct the lists",
        ));
    }
    if mask.iter().filter(|&&special| special == 0).count() != text_tokens {
        return Err(inconsistent(
            file,
            "its post_processor drops or repeats a text; it must use A once, and in a pair also B",
        ));
    }
    for ((&id, token), &special) in ids.iter().zip(tokens).zip(mask) {
        if special != 0 && tokenizer.token_to_id(token) != Some(id) {
            let why =
                format!("its post_processor gives `{token}` the id {id}, the vocabulary does not");
            return Err(inconsistent(
                file,
                format!("{}; make them agree", reason(&why)),
            ));
        }
    }
    Ok(())
}
