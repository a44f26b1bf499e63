//! Language models that count n-grams of tokens: what a trained model has to be better than.
//!
//! Interpolated modified Kneser-Ney smoothing (Chen and Goodman 1998, "An empirical study of smoothing
//! techniques for language modeling", section 4.1.1 and equation 4.1): the model of the highest order
//! counts n-grams, those below count in how many contexts one occurs (one that begins where a text does
//! keeps its count, as KenLM has it), and each gives what its three
//! discounts take away to the next one below; the lowest gives it to all tokens alike.

mod counting;
#[cfg(test)]
mod tests;

use std::ops::Range;

use rayon::prelude::*;
use serde::Serialize;

use self::counting::Grams;
use super::MetricsError;
use crate::job::Job;

/// Bits of a token in an n-gram, which is one number with its last token in the lowest bits.
const BITS: u32 = 25;
/// The lowest bits of an n-gram: its last token.
const LAST: u128 = (1 << BITS) - 1;
/// The longest n-grams.
pub const LARGEST_ORDER: usize = (u128::BITS / BITS) as usize;
/// The most tokens of a vocabulary; 0 stands for what is before a text.
pub const LARGEST_VOCABULARY: usize = LAST as usize;

/// The texts that are counted, as tokens: 4 bytes for each.
#[derive(Clone)]
pub struct Texts {
    vocabulary: usize,
    /// Each token plus 1; a 0 begins each text.
    tokens: Vec<u32>,
    texts: usize,
}

impl Texts {
    /// No text, of tokens `0..vocabulary`.
    ///
    /// # Errors
    /// [`MetricsError::Choice`] for a vocabulary that is empty or too large.
    pub fn new(vocabulary: usize) -> Result<Self, MetricsError> {
        if vocabulary == 0 || vocabulary > LARGEST_VOCABULARY {
            return Err(MetricsError::Choice(format!(
                "n-grams of {vocabulary} different tokens cannot be counted: between 1 and \
                 {LARGEST_VOCABULARY} are possible"
            )));
        }
        Ok(Self {
            vocabulary,
            tokens: Vec::new(),
            texts: 0,
        })
    }

    /// Adds a text.
    ///
    /// # Errors
    /// [`MetricsError::Choice`] for a token that is none of the vocabulary; nothing is added then.
    pub fn add(&mut self, tokens: &[u32]) -> Result<(), MetricsError> {
        if let Some(wrong) = tokens
            .iter()
            .find(|&&token| token as usize >= self.vocabulary)
        {
            return Err(MetricsError::Choice(format!(
                "the token {wrong} of text {} is none of the {} that there are",
                self.texts + 1,
                self.vocabulary
            )));
        }
        self.texts += 1;
        self.tokens.push(0);
        self.tokens.extend(tokens.iter().map(|token| token + 1));
        Ok(())
    }

    /// How many texts there are.
    pub fn texts(&self) -> usize {
        self.texts
    }

    /// How many tokens they have.
    pub fn tokens(&self) -> usize {
        self.tokens.len() - self.texts
    }
}

/// What modified Kneser-Ney takes from the counts of one order.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Discounts {
    /// From a count of 1, of 2, and of 3 or more.
    pub of: [f64; 3],
    /// Whether they are the usual ones, since the counts of counts do not define any: 0.5, 1 and 1.5,
    /// as KenLM has it (Heafield et al. 2013).
    pub fallback: bool,
}

impl Discounts {
    /// From how many n-grams have a count of 1, 2, 3 and 4 (Chen and Goodman 1998, equation 4.1):
    /// `Y = n1 / (n1 + 2 n2)`, `D1 = 1 - 2 Y n2 / n1`, `D2 = 2 - 3 Y n3 / n2`, `D3+ = 3 - 4 Y n4 / n3`.
    pub fn of(counts: [u64; 4]) -> Self {
        let [n1, n2, n3, n4] = counts.map(|count| count as f64);
        let y = n1 / (n1 + 2.0 * n2);
        let of = [
            1.0 - 2.0 * y * n2 / n1,
            2.0 - 3.0 * y * n3 / n2,
            3.0 - 4.0 * y * n4 / n3,
        ];
        // A count may lose all of itself, and nothing can be added to it.
        let are_some = of
            .iter()
            .zip([1.0, 2.0, 3.0])
            .all(|(&own, most)| own >= 0.0 && own <= most);
        match are_some && counts.iter().all(|&count| count > 0) {
            true => Self {
                of,
                fallback: false,
            },
            false => Self {
                of: [0.5, 1.0, 1.5],
                fallback: true,
            },
        }
    }

    fn from(&self, count: u32) -> f64 {
        match count {
            0 => 0.0,
            count => self.of[count.min(3) as usize - 1],
        }
    }
}

/// An n-gram model: a distribution over the whole vocabulary in every context.
///
/// What a text begins with has as many signs for "nothing before" as the order needs; these, and what
/// a tokenizer's template adds, are never predicted.
pub struct KneserNey {
    order: usize,
    /// The probability of each token without any context, which sums up to 1.
    base: Vec<f64>,
    /// The first of the most probable tokens without any context.
    top: u32,
    /// From bigrams up.
    levels: Vec<Grams>,
    discounts: Vec<Discounts>,
}

/// What a model says of one place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guess {
    /// `-ln` of the probability of the token that is there, in nats.
    pub loss: f64,
    /// The most probable token, the first of equal ones.
    pub best: u32,
}

impl KneserNey {
    /// Counts n-grams of up to `order` tokens. Memory: 24 bytes for each token and order where no
    /// n-gram occurs twice, and less for each that does.
    ///
    /// # Errors
    /// [`MetricsError`] when there are no tokens, no such order, or the job is stopped.
    pub fn count(texts: &Texts, order: usize, job: &Job) -> Result<Self, MetricsError> {
        if !(1..=LARGEST_ORDER).contains(&order) {
            let reason = format!("n-grams have between 1 and {LARGEST_ORDER} tokens, not {order}");
            return Err(MetricsError::Choice(reason));
        }
        if texts.tokens() == 0 {
            return Err(MetricsError::NoExamples);
        }
        job.step(0, order, "orders")?;
        let mut levels = vec![Grams::of_texts(&texts.tokens, order, job)?];
        for done in 1..order {
            job.step(done, order, "orders")?;
            levels.push(levels[done - 1].below(order - done));
        }
        job.step(order, order, "orders")?;
        levels.reverse();
        let discounts: Vec<Discounts> = levels.iter().map(|level| level.discounts).collect();
        let single = levels.remove(0);
        let all = single.seen(0..single.grams.len());
        let even = all.left / texts.vocabulary as f64;
        let mut base = vec![even; texts.vocabulary];
        for (gram, &count) in single.grams.iter().zip(&single.counts) {
            base[(gram & LAST) as usize - 1] += all.share(count, &single.discounts);
        }
        let mut top = 0;
        for (token, own) in base.iter().enumerate() {
            if *own > base[top] {
                top = token;
            }
        }
        Ok(Self {
            order,
            base,
            top: top as u32,
            levels,
            discounts,
        })
    }

    /// How many tokens an n-gram has.
    pub fn order(&self) -> usize {
        self.order
    }

    /// The discounts of each order, from single tokens up.
    pub fn discounts(&self) -> &[Discounts] {
        &self.discounts
    }

    /// The orders above 1 in which this context was seen; a context is all that stands before, or the
    /// last `order - 1` tokens of it.
    fn find(&self, context: &[u32]) -> Found<'_> {
        let mut seen = Vec::with_capacity(self.levels.len());
        let mut own: u128 = 0;
        for (length, level) in (1..self.order).zip(&self.levels) {
            let token = context.len().checked_sub(length).map(|at| context[at]);
            // Before a text there is nothing, which is 0.
            let token = token.map_or(0, |token| u128::from(token) + 1);
            own |= token << (BITS * (length as u32 - 1));
            let range = level.after(own);
            // Where a context was never seen, no longer one was.
            if range.is_empty() {
                break;
            }
            seen.push((level, level.seen(range)));
        }
        Found { model: self, seen }
    }

    /// The probability of a token after a context.
    ///
    /// # Panics
    /// If the token is none of the vocabulary.
    pub fn probability(&self, context: &[u32], token: u32) -> f64 {
        let found = self.find(context);
        found.probability(token, found.seen.len())
    }

    /// The most probable token after a context, the first of equal ones.
    pub fn best(&self, context: &[u32]) -> u32 {
        self.find(context).best()
    }

    /// What the model says of the tokens at `places` of a text, each after the true tokens before it.
    ///
    /// # Panics
    /// If a place is not in the text, or its token none of the vocabulary.
    pub fn guesses(&self, text: &[u32], places: &[usize]) -> Vec<Guess> {
        let guess = |&place: &usize| {
            let found = self.find(&text[..place]);
            Guess {
                loss: -found.probability(text[place], found.seen.len()).ln(),
                best: found.best(),
            }
        };
        places.par_iter().map(guess).collect()
    }
}

/// What follows a context in one order.
struct Seen {
    /// The n-grams that begin with it.
    range: Range<usize>,
    /// Their counts together.
    total: f64,
    /// The share that the discounts leave for the order below.
    left: f64,
}

impl Seen {
    /// What an n-gram with this count has of its own.
    fn share(&self, count: u32, discounts: &Discounts) -> f64 {
        (f64::from(count) - discounts.from(count)) / self.total
    }
}

/// A context, found in the orders in which it was seen.
struct Found<'a> {
    model: &'a KneserNey,
    seen: Vec<(&'a Grams, Seen)>,
}

impl Found<'_> {
    /// The probability of a token, by the first `orders` of those above 1.
    fn probability(&self, token: u32, orders: usize) -> f64 {
        let mut own = self.model.base[token as usize];
        for (level, seen) in &self.seen[..orders] {
            let count = level.count(seen.range.clone(), token);
            own = seen.share(count, &level.discounts) + seen.left * own;
        }
        own
    }

    /// A token that was not seen in an order keeps its place among those that were not, so the best
    /// is the best of the order below, or one of those that were seen.
    fn best(&self) -> u32 {
        let mut best = self.model.top;
        for (order, (level, seen)) in self.seen.iter().enumerate() {
            let mut largest = self.probability(best, order + 1);
            for place in seen.range.clone() {
                let token = (level.grams[place] & LAST) as u32 - 1;
                let own = seen.share(level.counts[place], &level.discounts)
                    + seen.left * self.probability(token, order);
                if own > largest || (own == largest && token < best) {
                    (best, largest) = (token, own);
                }
            }
        }
        best
    }
}
