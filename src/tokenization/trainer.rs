//! Trains a byte-level BPE tokenizer on texts, laid out like ModernBERT's.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{
    NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
    Trainer,
};

use super::guard::{Panicked, contained};
use super::layout::{ADDED, config, definition};
use super::{files, layout};
use crate::job::{Cancelled, Job};

/// Symbols of the alphabet: one for each byte, so that any text can be spelled.
const BYTES: usize = 256;

/// The fewest entries of a vocabulary: the bytes, the added tokens, and one merge.
pub const LEAST_VOCABULARY: usize = BYTES + ADDED + 1;

/// The most entries of a vocabulary.
pub const LARGEST_VOCABULARY: usize = 1 << 20;

/// How often a person who wants to stop is heard while pairs are merged.
const HEARD_EVERY: Duration = Duration::from_millis(50);

/// What a tokenizer is to be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainerOptions {
    /// Entries in all: bytes, merges, runs of spaces and special tokens.
    pub vocabulary_size: usize,
    /// How often a pair has to occur to become a token.
    pub least_frequency: u64,
}

/// Why no tokenizer was trained or saved.
#[derive(Debug, thiserror::Error)]
pub enum TrainerError {
    /// A vocabulary of this size cannot be.
    #[error(
        "a vocabulary of {size} entries cannot be: {LEAST_VOCABULARY} are the fewest (256 bytes, \
         {ADDED} added tokens, one merge), {LARGEST_VOCABULARY} the most"
    )]
    Size {
        /// What was asked for.
        size: usize,
    },
    /// There was nothing to learn from.
    #[error("there is no text to train a tokenizer on")]
    NoText,
    /// The tokenizers crate failed.
    #[error("the training of the tokenizer broke down while it was {0}; please report this")]
    Broken(&'static str),
    /// There is a tokenizer already.
    #[error("{}: there is a tokenizer already; name another folder", .0.display())]
    Exists(PathBuf),
    /// The operating system did not take a file.
    #[error("cannot write {}: {source}", .file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Stopped by the user.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// A trained tokenizer, ready to be saved.
///
/// `Debug` prints numbers only: tokens are pieces of the texts.
pub struct TrainedTokenizer {
    /// `tokenizer.json`.
    definition: String,
    /// `tokenizer_config.json`.
    config: String,
    /// Entries in all; fewer than asked for if the texts have no more pairs that are frequent enough.
    pub vocabulary_size: usize,
    /// Pairs that became tokens.
    pub merges: usize,
    /// Texts that were read.
    pub texts: usize,
    /// Their bytes.
    pub bytes: usize,
}

impl fmt::Debug for TrainedTokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrainedTokenizer")
            .field("vocabulary_size", &self.vocabulary_size)
            .field("merges", &self.merges)
            .finish_non_exhaustive()
    }
}

/// Trains a tokenizer on texts, which are read once and not kept: memory holds their different words.
///
/// Texts are normalized (NFC), cut into words as GPT-2 does, and spelled in bytes; the most frequent
/// pair of neighbours becomes a token, and so on (Sennrich, Haddow and Birch 2016). Of pairs that are
/// as frequent the one of the earlier tokens is first, so that the same texts give the same
/// tokenizer, byte for byte.
///
/// Merging cannot be interrupted from outside; when the user stops, the call returns at once, and a
/// thread of its own ends that work and throws it away.
///
/// # Errors
/// [`TrainerError`] when the size cannot be, there is no text, or the user stopped.
pub fn train_tokenizer<I>(
    texts: I,
    options: TrainerOptions,
    job: &Job,
) -> Result<TrainedTokenizer, TrainerError>
where
    I: Iterator<Item = String> + Send,
{
    let size = options.vocabulary_size;
    if !(LEAST_VOCABULARY..=LARGEST_VOCABULARY).contains(&size) {
        return Err(TrainerError::Size { size });
    }
    let alphabet: HashSet<char> = ByteLevel::alphabet().into_iter().collect();
    let mut trainer = BpeTrainer::builder()
        .vocab_size(size - ADDED)
        .min_frequency(options.least_frequency)
        .initial_alphabet(alphabet)
        .show_progress(false)
        .build();
    let (count, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let stopped = Mutex::new(None);
    let texts = texts.take_while(|text| {
        count.fetch_add(1, Ordering::Relaxed);
        bytes.fetch_add(text.len(), Ordering::Relaxed);
        let check = job.check();
        if let Err(cancelled) = check
            && let Ok(mut stopped) = stopped.lock()
        {
            *stopped = Some(cancelled);
        }
        check.is_ok()
    });
    let words = |text: &str| match contained(|| words(text)) {
        Ok(words) => words,
        Err(Panicked) => Err("a text could not be cut into words".into()),
    };
    trainer
        .feed(texts, words)
        .map_err(|_| TrainerError::Broken("reading texts"))?;
    if let Ok(Some(cancelled)) = stopped.into_inner() {
        return Err(cancelled.into());
    }
    let (texts, bytes) = (count.into_inner(), bytes.into_inner());
    if trainer.get_word_count() == 0 {
        return Err(TrainerError::NoText);
    }
    job.step(1, 2, "steps")?;
    let model = merged(trainer, job)?;
    job.step(2, 2, "steps")?;
    let model = serde_json::to_value(&model).map_err(|_| TrainerError::Broken("spelled out"))?;
    let merges = model
        .get("merges")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    let entries = model
        .get("vocab")
        .and_then(Value::as_object)
        .map_or(0, serde_json::Map::len);
    Ok(TrainedTokenizer {
        definition: definition(model, entries),
        config: config(),
        vocabulary_size: entries + ADDED,
        merges,
        texts,
        bytes,
    })
}

/// The words of a text as pieces of the byte alphabet, each with the space before it.
///
/// Runs of spaces are tokens of their own, so that what they divide is cut there.
fn words(text: &str) -> tokenizers::Result<Vec<String>> {
    let mut normalized = NormalizedString::from(text);
    NFC.normalize(&mut normalized)?;
    let byte_level = ByteLevel::new(false, true, true);
    let mut words = Vec::new();
    for part in layout::between_runs(normalized.get()) {
        let mut pieces = PreTokenizedString::from(part);
        byte_level.pre_tokenize(&mut pieces)?;
        let splits = pieces.get_splits(OffsetReferential::Normalized, OffsetType::None);
        words.extend(splits.into_iter().map(|(word, ..)| word.to_owned()));
    }
    Ok(words)
}

/// Merges pairs, on a thread that is left behind when the user stops.
fn merged(trainer: BpeTrainer, job: &Job) -> Result<BPE, TrainerError> {
    let (sender, receiver) = sync_channel(1);
    let work = move || {
        let model = contained(|| {
            let mut model = BPE::default();
            trainer.train(&mut model).map(|_| model)
        });
        // Nobody waits any longer for what was stopped.
        let _ = sender.send(model);
    };
    thread::Builder::new()
        .name("auscult-bpe".to_owned())
        .spawn(work)
        .map_err(|_| TrainerError::Broken("starting a thread"))?;
    loop {
        match receiver.recv_timeout(HEARD_EVERY) {
            Ok(Ok(Ok(model))) => return Ok(model),
            Ok(_) | Err(RecvTimeoutError::Disconnected) => {
                return Err(TrainerError::Broken("merging pairs"));
            }
            Err(RecvTimeoutError::Timeout) => job.check()?,
        }
    }
}

impl TrainedTokenizer {
    /// Saves it as `tokenizer.json` and `tokenizer_config.json` in a folder, which is made if it is
    /// not there. Each file is written aside and renamed.
    ///
    /// # Errors
    /// [`TrainerError::Exists`] when the folder has a tokenizer; [`TrainerError::Write`] when the
    /// system does not take it.
    pub fn save(&self, folder: &Path) -> Result<(), TrainerError> {
        check_folder(folder)?;
        let failed = |file: &Path| {
            let file = file.to_owned();
            |source| TrainerError::Write { file, source }
        };
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
        // What makes it a tokenizer comes last.
        for (name, content) in [
            (files::CONFIG, &self.config),
            (files::TOKENIZER, &self.definition),
        ] {
            let file = folder.join(name);
            let aside = folder.join(format!("{name}.part"));
            let written =
                std::fs::write(&aside, content).and_then(|()| std::fs::rename(&aside, &file));
            if written.is_err() {
                let _ = std::fs::remove_file(&aside);
            }
            written.map_err(failed(&file))?;
        }
        Ok(())
    }
}

/// That a tokenizer can be saved in a folder: there is none yet.
///
/// # Errors
/// [`TrainerError::Exists`] when there is.
pub fn check_folder(folder: &Path) -> Result<(), TrainerError> {
    match files::present(folder).is_empty() {
        true => Ok(()),
        false => Err(TrainerError::Exists(folder.to_owned())),
    }
}
