//! That counting is what Chen and Goodman define: by hand, and against a plain form of it.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::job::StopFlag;

fn texts(vocabulary: usize, all: &[&[u32]]) -> Texts {
    let mut texts = Texts::new(vocabulary).unwrap();
    all.iter().for_each(|text| texts.add(text).unwrap());
    texts
}

fn model(vocabulary: usize, all: &[&[u32]], order: usize) -> KneserNey {
    KneserNey::count(&texts(vocabulary, all), order, &Job::silent()).unwrap()
}

#[track_caller]
fn near(got: f64, want: f64) {
    assert!((got - want).abs() < 1e-12, "{got} instead of {want}");
}

#[test]
fn discounts_by_hand() {
    // Y = 4 / (4 + 2 · 2) = 1/2.
    let own = Discounts::of([4, 2, 1, 1]);
    assert_eq!((own.of, own.fallback), ([0.5, 1.25, 1.0], false));
    assert_eq!(
        [0, 1, 2, 3, 9].map(|n| own.from(n)),
        [0.0, 0.5, 1.25, 1.0, 1.0]
    );
    // Some count does not occur, or what it would take is less than nothing.
    for counts in [[4, 0, 1, 1], [4, 2, 1, 0], [0; 4], [4, 1, 9, 1]] {
        let own = Discounts::of(counts);
        assert_eq!(
            (own.of, own.fallback),
            ([0.5, 1.0, 1.5], true),
            "{counts:?}"
        );
    }
}

#[test]
fn single_tokens_by_hand() {
    // Four tokens once, two twice, one three times, one four times; two of ten never.
    let own = model(10, &[&[0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 6], &[7, 7, 7, 7]], 1);
    let left = (4.0 * 0.5 + 2.0 * 1.25 + 2.0 * 1.0) / 15.0 / 10.0;
    for (token, count) in [(0, 0.5), (4, 0.75), (6, 2.0), (7, 3.0), (8, 0.0), (9, 0.0)] {
        near(own.probability(&[], token), count / 15.0 + left);
        // There is no context.
        near(own.probability(&[7, 1], token), count / 15.0 + left);
    }
    assert_eq!(own.best(&[1]), 7);
}

#[test]
fn bigrams_by_hand() {
    // Bigrams: ^0 and 10 once, 01 twice. 0 follows two tokens, 1 follows one.
    let own = model(4, &[&[0, 1, 0, 1]], 2);
    assert!(own.discounts().iter().all(|own| own.fallback));
    let left = (0.5 + 1.0) / 3.0 / 4.0;
    let base = [1.0 / 3.0 + left, 0.5 / 3.0 + left, left, left];
    let after_0 = [0.0, 0.5, 0.0, 0.0];
    let after_1 = [0.5, 0.0, 0.0, 0.0];
    for token in 0..4 {
        let below = base[token as usize];
        near(
            own.probability(&[1, 0], token),
            after_0[token as usize] + 0.5 * below,
        );
        near(
            own.probability(&[0, 1], token),
            after_1[token as usize] + 0.5 * below,
        );
        near(
            own.probability(&[], token),
            after_1[token as usize] + 0.5 * below,
        );
        near(own.probability(&[3], token), below);
    }
    let guess = own.guesses(&[0, 1], &[1])[0];
    assert_eq!(guess.best, 1);
    near(guess.loss, -(0.5 + 0.5 * base[1]).ln());
}

/// Texts with a few frequent tokens and many rare ones, half of them after what was there before.
fn sentences() -> Vec<Vec<u32>> {
    let mut state = 7u64;
    let mut below = |limit: u64| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) % limit
    };
    let mut sentence = |length| {
        let mut tokens: Vec<u32> = Vec::new();
        for _ in 0..length {
            let rare = below(40) * below(40) * below(40) / 1600;
            let usual = tokens.last().map(|last| (last * 7 + 1) % 40);
            tokens.push(usual.filter(|_| below(2) == 0).unwrap_or(rare as u32));
        }
        tokens
    };
    let lengths = [40, 1, 7, 0, 90, 25, 3, 60];
    lengths.into_iter().map(&mut sentence).collect()
}

/// The same with sets and the definitions, one n-gram at a time.
struct Plain {
    /// For each order from 1, the count of each n-gram; `None` stands before a text.
    counts: Vec<BTreeMap<Vec<Option<u32>>, u64>>,
    vocabulary: usize,
}

impl Plain {
    fn count(all: &[Vec<u32>], vocabulary: usize, order: usize) -> Self {
        let mut counts: Vec<BTreeMap<Vec<Option<u32>>, u64>> = vec![BTreeMap::new(); order];
        let mut contexts: Vec<BTreeMap<_, BTreeSet<_>>> = vec![BTreeMap::new(); order];
        for text in all {
            let mut padded = vec![None; order];
            padded.extend(text.iter().copied().map(Some));
            for end in order + 1..=padded.len() {
                for length in 1..=order {
                    let gram = padded[end - length..end].to_vec();
                    // Nothing stands before the beginning of a text.
                    match length == order || gram[0].is_none() {
                        true => *counts[length - 1].entry(gram).or_default() += 1,
                        false => {
                            let set = contexts[length - 1].entry(gram).or_default();
                            set.insert(padded[end - length - 1]);
                        }
                    }
                }
            }
        }
        for shorter in 1..order {
            let own = &contexts[shorter - 1];
            let own = own
                .iter()
                .map(|(gram, set)| (gram.clone(), set.len() as u64));
            counts[shorter - 1].extend(own);
        }
        Self { counts, vocabulary }
    }

    fn probability(&self, context: &[Option<u32>], token: u32) -> f64 {
        let counts = &self.counts[context.len()];
        let below = match context {
            [] => 1.0 / self.vocabulary as f64,
            [_, shorter @ ..] => self.probability(shorter, token),
        };
        let n = |wanted: u64| counts.values().filter(|&&count| count == wanted).count() as u64;
        let discounts = Discounts::of([n(1), n(2), n(3), n(4)]).of;
        let followers: Vec<u64> = counts
            .iter()
            .filter(|(gram, _)| gram.starts_with(context))
            .map(|(_, &count)| count)
            .collect();
        let total: u64 = followers.iter().sum();
        if total == 0 {
            return below;
        }
        let of = |count: u64| discounts[count.min(3) as usize - 1];
        let left: f64 = followers.iter().map(|&count| of(count)).sum::<f64>() / total as f64;
        let gram = [context, &[Some(token)]].concat();
        let own = counts
            .get(&gram)
            .map_or(0.0, |&count| count as f64 - of(count));
        own / total as f64 + left * below
    }
}

#[test]
fn every_probability_is_that_of_the_definition_and_they_sum_to_one() {
    let sentences = sentences();
    let all: Vec<&[u32]> = sentences.iter().map(Vec::as_slice).collect();
    let mut fallbacks = Vec::new();
    for order in [1, 2, 3, 5] {
        // Two tokens never occur.
        let (own, plain) = (model(42, &all, order), Plain::count(&sentences, 42, order));
        let mut contexts: Vec<Vec<u32>> = vec![vec![], vec![41], vec![0, 41, 1, 2, 3, 4]];
        for text in &sentences {
            contexts.extend((0..text.len()).map(|end| text[..end].to_vec()));
        }
        for context in contexts {
            let mut padded = vec![None; order];
            padded.extend(context.iter().copied().map(Some));
            let last = &padded[padded.len() + 1 - order..];
            let all: Vec<f64> = (0..42)
                .map(|token| own.probability(&context, token))
                .collect();
            for (token, &got) in all.iter().enumerate() {
                near(got, plain.probability(last, token as u32));
            }
            near(all.iter().sum(), 1.0);
            assert!(all.iter().all(|&own| own > 0.0));
            let best = own.best(&context) as usize;
            assert!(
                all.iter().all(|&own| own <= all[best] + 1e-15),
                "{order} {context:?}"
            );
        }
        fallbacks.push(own.discounts().iter().filter(|own| own.fallback).count());
    }
    // Both kinds of discounts were compared.
    assert_eq!(fallbacks, [1, 1, 0, 2]);
}

#[test]
fn of_equal_tokens_the_first_is_the_best() {
    let own = model(6, &[&[4, 2, 4, 2], &[2, 4, 2, 4]], 3);
    assert_eq!((own.best(&[]), own.best(&[5])), (2, 2));
    let own = model(6, &[&[5, 3], &[5, 1]], 2);
    assert_eq!(own.best(&[5]), 1);
}

#[test]
fn what_cannot_be_counted_is_said() {
    assert!(Texts::new(0).is_err() && Texts::new(LARGEST_VOCABULARY + 1).is_err());
    let mut own = Texts::new(4).unwrap();
    let error = own.add(&[1, 4]).unwrap_err().to_string();
    assert!(error.contains("token 4 of text 1"), "{error}");
    assert_eq!((own.texts(), own.tokens()), (0, 0));
    let count = |own: &Texts, order| KneserNey::count(own, order, &Job::silent()).err();
    assert_eq!(count(&own, 5), Some(MetricsError::NoExamples));
    own.add(&[]).unwrap();
    assert_eq!(count(&own, 5), Some(MetricsError::NoExamples));
    own.add(&[3]).unwrap();
    assert_eq!((own.texts(), own.tokens()), (2, 1));
    assert!(count(&own, 0).is_some() && count(&own, 6).is_some());
    let stop = StopFlag::default();
    stop.stop();
    let stopped = KneserNey::count(&own, 2, &Job::new(stop)).err();
    assert!(matches!(stopped, Some(MetricsError::Cancelled(_))));
}
