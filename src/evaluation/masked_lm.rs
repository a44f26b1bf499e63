//! Judges a masked language model by the tokens that it guesses where they are hidden.

use std::collections::BTreeMap;

use serde::Serialize;

use super::slices::{SliceTable, slice_table};
use super::{Figures, Interval, Settings, drawn, named_intervals};
use crate::job::Job;
use crate::metrics::MetricsError;
use crate::metrics::bootstrap::bootstrap;
use crate::metrics::ngram::Discounts;

/// What one model made of the hidden tokens of a note.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    /// The sum of `-ln` of the probabilities of what is hidden, in nats.
    pub loss: f64,
    /// Hidden tokens that are the most probable one.
    pub first: usize,
    /// Hidden tokens that are among the five most probable; 0 for a baseline.
    pub among_five: usize,
}

/// The hidden tokens of a note, and what each model made of them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Guessed {
    /// How many are hidden.
    pub hidden: usize,
    /// Bytes of the text that they stand for.
    pub bytes: usize,
    /// The model's guesses.
    pub model: Tally,
    /// Those of single tokens' frequencies and of the 5-gram model.
    pub baselines: Option<[Tally; 2]>,
    /// Whose note it is, by number; if all have one, whole patients are resampled.
    pub patient: Option<usize>,
}

/// How good a masked language model is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MaskedLm {
    /// The share of a note's tokens that were hidden, each behind the mask token.
    pub mask_rate: f64,
    /// Where the choice of hidden tokens starts.
    pub mask_seed: u64,
    /// Tokens that were hidden and guessed.
    pub hidden: usize,
    /// Bytes of the notes' texts that they stand for.
    pub bytes: usize,
    /// Figures with their intervals; whole notes, or patients, are resampled.
    pub intervals: BTreeMap<&'static str, Interval>,
    /// What counting alone can do at the same places.
    pub baselines: Option<BaselineFacts>,
}

/// What the baselines were counted on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BaselineFacts {
    /// Texts.
    pub texts: usize,
    /// Tokens of all.
    pub tokens: usize,
    /// Tokens that a probability is given to.
    pub vocabulary: usize,
    /// What single tokens' counts lose.
    pub unigram_discounts: Vec<Discounts>,
    /// What the counts of each order lose, from single tokens to 5-grams.
    pub five_gram_discounts: Vec<Discounts>,
}

/// The figures that stand first.
pub(super) const HEADLINE: [&str; 13] = [
    "loss",
    "perplexity",
    "top_1",
    "top_5",
    "loss_per_byte",
    "unigram_loss",
    "unigram_perplexity",
    "unigram_top_1",
    "five_gram_loss",
    "five_gram_perplexity",
    "five_gram_top_1",
    "gain_over_unigram",
    "gain_over_five_gram",
];

/// How many of them there are without baselines.
const OWN: usize = 5;

/// All figures of some notes, in the order of [`HEADLINE`]; those of baselines where there are any.
fn figures(notes: &[Guessed], chosen: &[usize]) -> Vec<Option<f64>> {
    let all = || chosen.iter().map(|&note| &notes[note]);
    let hidden: usize = all().map(|note| note.hidden).sum();
    let bytes: usize = all().map(|note| note.bytes).sum();
    let per = |sum: f64, count: usize| (count > 0).then(|| sum / count as f64);
    let of = |tally: &dyn Fn(&Guessed) -> Tally| {
        let loss: f64 = all().map(|note| tally(note).loss).sum();
        let first: usize = all().map(|note| tally(note).first).sum();
        let mean = per(loss, hidden);
        [mean, mean.map(f64::exp), per(first as f64, hidden)]
    };
    let model = of(&|note| note.model);
    let loss: f64 = all().map(|note| note.model.loss).sum();
    let among_five: usize = all().map(|note| note.model.among_five).sum();
    let mut figures = Vec::from(model);
    figures.push(per(among_five as f64, hidden));
    figures.push(per(loss, bytes));
    if notes.iter().all(|note| note.baselines.is_some()) {
        let baseline =
            |which: usize| of(&|note| note.baselines.map_or(Tally::default(), |own| own[which]));
        let both = [baseline(0), baseline(1)];
        figures.extend(both.as_flattened());
        let gain = |own: [Option<f64>; 3]| Some(own[0]? - model[0]?);
        figures.extend(both.map(gain));
    }
    figures
}

/// Judges the guesses of notes; a perplexity is the exponential of a mean loss, a gain the
/// difference of two.
///
/// # Errors
/// [`MetricsError`] when there is no guess or the job is stopped.
pub fn judge_masked_lm(
    notes: &[Guessed],
    masking: (f64, u64),
    baselines: Option<BaselineFacts>,
    how: &Settings,
    job: &Job,
) -> Result<MaskedLm, MetricsError> {
    let hidden = notes.iter().map(|note| note.hidden).sum();
    if hidden == 0 {
        return Err(MetricsError::NoExamples);
    }
    let patients: Option<Vec<usize>> = notes.iter().map(|note| note.patient).collect();
    let drawn = drawn(notes.len(), patients.as_deref());
    let intervals = bootstrap(&drawn, how.resampling, job, |chosen| figures(notes, chosen))?;
    Ok(MaskedLm {
        mask_rate: masking.0,
        mask_seed: masking.1,
        hidden,
        bytes: notes.iter().map(|note| note.bytes).sum(),
        intervals: named_intervals(&HEADLINE, intervals),
        baselines,
    })
}

/// The figures by the values of a column; its counts are notes.
///
/// # Errors
/// [`MetricsError`] when the numbers cannot be judged.
pub fn slice_masked_lm(
    notes: &[Guessed],
    column: &str,
    values: &[String],
) -> Result<SliceTable, MetricsError> {
    slice_table(column, values, |chosen| {
        let own = HEADLINE.into_iter().zip(figures(notes, chosen));
        let shown = own.enumerate().filter(|(number, (name, _))| {
            *number < OWN || ["five_gram_loss", "five_gram_top_1"].contains(name)
        });
        Ok(Figures::from_iter(shown.map(|(_, figure)| figure)))
    })
}
