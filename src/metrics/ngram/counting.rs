//! Counts of n-grams of one order, sorted by their context.

use std::ops::Range;

use rayon::prelude::*;

use super::{BITS, Discounts, LAST, MetricsError, Seen};
use crate::job::Job;

/// Tokens between two looks at the job.
const TOKENS: usize = 1 << 20;

/// The n-grams of one order that end in a token, each once and rising, with a count.
pub(super) struct Grams {
    pub(super) grams: Vec<u128>,
    pub(super) counts: Vec<u32>,
    pub(super) discounts: Discounts,
}

impl Grams {
    /// How often each n-gram occurs in texts, of which each begins with a 0.
    pub(super) fn of_texts(tokens: &[u32], order: usize, job: &Job) -> Result<Self, MetricsError> {
        let mut grams = Vec::with_capacity(tokens.len());
        let mut own = 0;
        for piece in tokens.chunks(TOKENS) {
            job.check()?;
            for &token in piece {
                own = match token {
                    0 => 0,
                    token => within(own << BITS | u128::from(token), order),
                };
                if token > 0 {
                    grams.push(own);
                }
            }
        }
        Ok(Self::counted(grams))
    }

    /// In how many contexts of one token more each n-gram of `order` tokens, one less than here,
    /// occurs. Before one that begins where a text does there is nothing: it keeps its count.
    pub(super) fn below(&self, order: usize) -> Self {
        let first = 1 << (BITS * (order as u32 - 1));
        let edge = self.grams.partition_point(|&gram| gram < first);
        let shorter = self.grams[edge..].iter().map(|&gram| within(gram, order));
        let (grams, counts) = distinct(shorter.collect());
        Self::of(
            [&self.grams[..edge], &grams].concat(),
            [&self.counts[..edge], &counts].concat(),
        )
    }

    fn counted(grams: Vec<u128>) -> Self {
        let (grams, counts) = distinct(grams);
        Self::of(grams, counts)
    }

    /// Of rising n-grams with the count of each.
    fn of(grams: Vec<u128>, counts: Vec<u32>) -> Self {
        let mut of_counts = [0; 4];
        for &count in counts.iter().filter(|count| **count <= 4) {
            of_counts[count as usize - 1] += 1;
        }
        Self {
            grams,
            counts,
            discounts: Discounts::of(of_counts),
        }
    }

    /// Where the n-grams stand that begin with a context.
    pub(super) fn after(&self, context: u128) -> Range<usize> {
        let first = context << BITS;
        let start = self.grams.partition_point(|&gram| gram < first);
        let rest = &self.grams[start..];
        start..start + rest.partition_point(|&gram| gram <= first | LAST)
    }

    /// What those n-grams are together.
    pub(super) fn seen(&self, range: Range<usize>) -> Seen {
        let (mut total, mut taken) = (0.0, 0.0);
        for &count in &self.counts[range.clone()] {
            total += f64::from(count);
            taken += self.discounts.from(count);
        }
        Seen {
            range,
            total,
            left: taken / total,
        }
    }

    /// The count of the n-gram in a range of one context that ends with a token.
    pub(super) fn count(&self, range: Range<usize>, token: u32) -> u32 {
        let own = &self.grams[range.clone()];
        let found = own.binary_search_by_key(&(u128::from(token) + 1), |gram| gram & LAST);
        found.map_or(0, |place| self.counts[range.start + place])
    }
}

/// Each n-gram once, rising, and how often it is there.
fn distinct(mut grams: Vec<u128>) -> (Vec<u128>, Vec<u32>) {
    grams.par_sort_unstable();
    let mut counts: Vec<u32> = Vec::new();
    let mut last = None;
    grams.retain(|&gram| {
        let is_new = last != Some(gram);
        match counts.last_mut() {
            Some(count) if !is_new => *count = count.saturating_add(1),
            _ => counts.push(1),
        }
        last = Some(gram);
        is_new
    });
    grams.shrink_to_fit();
    counts.shrink_to_fit();
    (grams, counts)
}

/// The last `order` tokens of an n-gram.
fn within(gram: u128, order: usize) -> u128 {
    gram & ((1 << (BITS * order as u32)) - 1)
}
