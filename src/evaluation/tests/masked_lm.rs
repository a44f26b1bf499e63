//! What a report says of a masked language model.

use super::{HOW, evaluation};
use crate::evaluation::masked_lm::{
    BaselineFacts, Guessed, Tally, judge_masked_lm, slice_masked_lm,
};
use crate::evaluation::{Judgement, card};
use crate::job::Job;
use crate::metrics::MetricsError;
use crate::metrics::ngram::Discounts;

fn tally(loss: f64, first: usize, among_five: usize) -> Tally {
    Tally {
        loss,
        first,
        among_five,
    }
}

/// Two notes; the second has three times as many hidden tokens.
fn notes(baselines: bool) -> Vec<Guessed> {
    let note = |hidden, bytes, model, own| Guessed {
        hidden,
        bytes,
        model,
        baselines: baselines.then_some(own),
        patient: None,
    };
    vec![
        note(1, 4, tally(1.0, 1, 1), [tally(4.0, 0, 0), tally(3.0, 0, 0)]),
        note(
            3,
            12,
            tally(7.0, 1, 2),
            [tally(14.0, 0, 0), tally(9.0, 1, 0)],
        ),
    ]
}

#[test]
fn figures_are_of_tokens_and_not_of_notes() {
    let facts = BaselineFacts {
        texts: 5,
        tokens: 60,
        vocabulary: 9,
        unigram_discounts: vec![Discounts::of([4, 2, 1, 1])],
        five_gram_discounts: vec![Discounts::of([0; 4]); 5],
    };
    let judged =
        judge_masked_lm(&notes(true), (0.15, 3), Some(facts), &HOW, &Job::silent()).unwrap();
    assert_eq!((judged.hidden, judged.bytes), (4, 16));
    let figure = |name: &str| judged.intervals[name].estimate.unwrap();
    assert_eq!((figure("loss"), figure("loss_per_byte")), (2.0, 0.5));
    assert_eq!((figure("top_1"), figure("top_5")), (0.5, 0.75));
    assert_eq!(figure("perplexity"), 2f64.exp());
    assert_eq!(
        (figure("unigram_loss"), figure("unigram_top_1")),
        (4.5, 0.0)
    );
    assert_eq!(
        (figure("five_gram_loss"), figure("five_gram_top_1")),
        (3.0, 0.25)
    );
    assert_eq!(figure("five_gram_perplexity"), 3f64.exp());
    assert_eq!(
        (figure("gain_over_unigram"), figure("gain_over_five_gram")),
        (2.5, 1.0)
    );
    // A resample has only the first note, only the second, or both.
    let gain = judged.intervals["gain_over_five_gram"];
    assert_eq!((gain.low, gain.high), (Some(3.0 - 7.0 / 3.0), Some(2.0)));

    let report = evaluation(Judgement::MaskedLm(judged), Vec::new());
    let text = card(&report);
    for what in [
        "guesses hidden tokens",
        "4 tokens were hidden, 15 % of each note",
        "chosen with seed 3",
        "| this model | 2.000 (",
        "| 5-gram | 3.000 (",
        "| unigram | 4.500 (",
        "5 texts with 60 tokens",
        "the four true tokens on the left",
        "too few counts",
    ] {
        assert!(text.contains(what), "{what} is not in:\n{text}");
    }
}

#[test]
fn without_baselines_there_are_none() {
    let judged = judge_masked_lm(&notes(false), (0.5, 0), None, &HOW, &Job::silent()).unwrap();
    let names: Vec<&str> = judged.intervals.keys().copied().collect();
    assert_eq!(
        names,
        ["loss", "loss_per_byte", "perplexity", "top_1", "top_5"]
    );
    let text = card(&evaluation(Judgement::MaskedLm(judged), Vec::new()));
    assert!(text.contains("No baselines were counted."), "{text}");
    let none = judge_masked_lm(&[Guessed::default()], (0.5, 0), None, &HOW, &Job::silent());
    assert_eq!(none, Err(MetricsError::NoExamples));
}

#[test]
fn slices_have_the_figures_of_their_notes() {
    let all: Vec<Guessed> = notes(true).into_iter().cycle().take(50).collect();
    let values: Vec<String> = (0..50)
        .map(|note| ["a", "b"][note % 2].to_owned())
        .collect();
    let table = slice_masked_lm(&all, "kind", &values).unwrap();
    let figure = |slice: usize, name: &str| table.slices[slice].figures.as_ref().unwrap()[name];
    assert_eq!(
        (figure(0, "loss"), figure(1, "loss")),
        (Some(1.0), Some(7.0 / 3.0))
    );
    assert_eq!(figure(1, "five_gram_top_1"), Some(1.0 / 3.0));
}
