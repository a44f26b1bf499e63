//! What a card says of a masked language model.

use std::fmt::Write;

use super::super::masked_lm::MaskedLm;
use super::markdown::{interval, table};

pub(super) fn masked_lm(own: &MaskedLm, text: &mut String) {
    let _ = write!(
        text,
        "{} tokens were hidden, {} % of each note and at least one, chosen with seed {}; all of them \
         stand behind the mask token.\nThey stand for {} bytes.\nA loss is in nats for each hidden \
         token.\n\n",
        own.hidden,
        (own.mask_rate * 1000.0).round() / 10.0,
        own.mask_seed,
        own.bytes
    );
    let Some(baselines) = &own.baselines else {
        text.push_str("No baselines were counted.\n\n");
        return;
    };
    text.push_str("## Beside counting\n\n");
    let figure = |name: &str| own.intervals.get(name).map_or(String::new(), interval);
    let rows = [
        ("this model", "", ["loss", "perplexity", "top_1"]),
        ("5-gram", "five_gram_", ["loss", "perplexity", "top_1"]),
        ("unigram", "unigram_", ["loss", "perplexity", "top_1"]),
    ];
    let rows = rows.into_iter().map(|(name, prefix, figures)| {
        let figures = figures.map(|own| figure(&format!("{prefix}{own}")));
        [name.to_owned()].into_iter().chain(figures).collect()
    });
    table(
        text,
        &["at the same places", "loss", "perplexity", "top 1"],
        rows,
    );
    let _ = write!(
        text,
        "The baselines were counted on {} texts with {} tokens, over a vocabulary of {}.\n\
         Both are interpolated Kneser-Ney with modified discounts (Chen and Goodman 1998).\n\
         The 5-gram model is told the four true tokens on the left, also where this model sees the mask \
         token instead: that makes it stronger than one that is told as little.\n",
        baselines.texts, baselines.tokens, baselines.vocabulary
    );
    let usual = baselines.five_gram_discounts.iter();
    let usual = usual.chain(&baselines.unigram_discounts);
    if usual.filter(|own| own.fallback).count() > 0 {
        text.push_str(
            "Some orders have too few counts for discounts of their own, and take 0.5, 1 and 1.5.\n",
        );
    }
    text.push('\n');
}
