//! Counts the texts that a model was trained on, to see how much better than counting it is.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use super::super::{Engine, EngineError, Job, Note};
use crate::evaluation::masked_lm::BaselineFacts;
use crate::metrics::ngram::{Guess, KneserNey, Texts};
use crate::tokenization::{Encoding, Tokenizer};

/// Tokens of the longest n-grams that are counted.
const ORDER: usize = 5;

/// Two models that only count: how often tokens occur, and after which four others.
///
/// Both are interpolated Kneser-Ney with modified discounts over the whole vocabulary of the model
/// that they stand beside. They are told the true tokens on the left of a hidden one, also those that
/// the model does not see: that makes them stronger.
pub struct Baselines {
    unigram: KneserNey,
    five_gram: KneserNey,
    facts: BaselineFacts,
    /// Marks of the texts: a text of another mark is none of them.
    known: HashSet<u64>,
}

fn mark(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// The tokens of a text without those of the template, and the row of each.
pub(super) fn own_tokens(encoding: &Encoding) -> (Vec<u32>, Vec<usize>) {
    let rows = 0..encoding.len();
    rows.filter(|&row| !encoding.special[row])
        .map(|row| (encoding.ids[row], row))
        .unzip()
}

impl Engine {
    /// Counts texts as the loaded model's tokenizer reads them, once each and without keeping them.
    /// Memory: about 70 bytes for each token of ordinary text, and 120 at the most.
    ///
    /// # Errors
    /// [`EngineError`] when no model is loaded, a text cannot be tokenized, there is none, or the job
    /// is stopped.
    pub fn count_baselines<T: AsRef<str>>(
        &self,
        texts: impl Iterator<Item = T>,
        job: &Job,
    ) -> Result<Baselines, EngineError> {
        let loaded = self.loaded()?;
        Baselines::count(
            &loaded.tokenizer,
            loaded.model.config().vocab_size,
            texts,
            job,
        )
    }
}

impl Baselines {
    fn count<T: AsRef<str>>(
        tokenizer: &Tokenizer,
        vocabulary: usize,
        texts: impl Iterator<Item = T>,
        job: &Job,
    ) -> Result<Self, EngineError> {
        let mut counted = Texts::new(vocabulary)?;
        let mut known = HashSet::new();
        for text in texts {
            job.check()?;
            known.insert(mark(text.as_ref()));
            counted.add(&own_tokens(&tokenizer.encode(text.as_ref())?).0)?;
        }
        job.check()?;
        if counted.tokens() == 0 {
            let reason =
                "the texts for the baselines have no tokens, so that nothing can be counted";
            return Err(EngineError::Choice(reason.to_owned()));
        }
        let unigram = KneserNey::count(&counted, 1, job)?;
        let five_gram = KneserNey::count(&counted, ORDER, job)?;
        Ok(Self {
            facts: BaselineFacts {
                texts: counted.texts(),
                tokens: counted.tokens(),
                vocabulary,
                unigram_discounts: unigram.discounts().to_vec(),
                five_gram_discounts: five_gram.discounts().to_vec(),
            },
            unigram,
            five_gram,
            known,
        })
    }

    pub(super) fn facts(&self) -> &BaselineFacts {
        &self.facts
    }

    /// How many notes are, letter by letter, among what was counted.
    pub(super) fn among(&self, notes: &[Note]) -> usize {
        let known = |note: &&Note| self.known.contains(&mark(note.text()));
        notes.iter().filter(known).count()
    }

    /// What both say of the tokens at `places` of a text.
    pub(super) fn guesses(&self, tokens: &[u32], places: &[usize]) -> [Vec<Guess>; 2] {
        [&self.unigram, &self.five_gram].map(|model| model.guesses(tokens, places))
    }
}
