//! Against brute force and by hand, and what must be refused. Figures of other libraries are in
//! `tests/fixtures/reference/metrics`.

mod resampling;

use proptest::prelude::*;

use super::agreement::agreement;
use super::binary::{at_threshold, binary};
use super::bootstrap::{Clusters, Resampling, bootstrap};
use super::calibration::{brier_multiclass, reliability};
use super::embedding::{
    Distance, Vectors, nearest_neighbours, nearest_neighbours_across,
    normalized_mutual_information, silhouette,
};
use super::entities::{Scheme, entities};
use super::multiclass::multiclass;
use super::multilabel::multilabel;
use super::ranking::{areas, curves};
use super::spans::{Matching, Span, SpanReport, count};
use super::temperature::Logits;
use super::threshold::choose_threshold;
use super::{Confusion, MetricsError};
use crate::job::{Cancelled, Job, StopFlag};

fn stopped() -> Job {
    let stop = StopFlag::default();
    stop.stop();
    Job::new(stop)
}

#[test]
fn what_is_not_defined_is_none() {
    let report = multiclass(
        3,
        &[0, 0, 1],
        &[0.8, 0.1, 0.1, 0.2, 0.7, 0.1, 0.1, 0.8, 0.1],
    )
    .unwrap();
    assert_eq!((report.auroc[2], report.auprc[2]), (None, None));
    assert_eq!(report.auroc_macro, report.auroc[0]);
    let report = multiclass(1, &[0, 0], &[1.0, 1.0]).unwrap();
    assert_eq!((report.auroc_macro, report.auprc_macro), (None, Some(1.0)));
    let report = binary(&[false, false], &[0.2, 0.3]).unwrap();
    assert_eq!(
        (report.auroc, report.auprc, report.roc_curve),
        (None, None, None)
    );
    let report = multilabel(1, &[false], &[0.2], &[false]).unwrap();
    assert_eq!((report.auroc_micro, report.auprc_micro), (None, None));
    assert_eq!(agreement(2, &[1, 1], &[1, 1]).unwrap().kappa, None);
    let none = SpanReport::of(&[count(&[], &[], Matching::Exact)]);
    assert_eq!((none.macro_mean.f1, none.micro.f1), (None, 0.0));
    let vectors = Vectors::new(1, &[1.0, 2.0]).unwrap();
    for labels in [[0, 0], [0, 1]] {
        let value = silhouette(vectors, &labels, Distance::Cosine, &Job::silent());
        assert_eq!(value, Ok(None));
    }
}

#[test]
fn bad_input_is_an_error_that_says_where() {
    type Refused<T> = Result<T, MetricsError>;
    fn says<T: std::fmt::Debug>(result: Refused<T>, what: &str) {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(what), "{error} does not say {what}");
    }
    says(Confusion::new(2, &[], &[]), "no examples");
    says(
        Confusion::new(2, &[0], &[0, 1]),
        "2 predictions, and 1 are needed",
    );
    says(
        Confusion::new(2, &[0, 2], &[0, 0]),
        "example 1 has the label 2",
    );
    says(
        Confusion::new(2, &[0, 0], &[0, 5]),
        "example 1 has the label 5",
    );
    says(multiclass(2, &[0], &[0.5]), "1 scores, and 2 are needed");
    says(
        multiclass(2, &[0, 1], &[0.5, 0.5, f64::NAN, 0.5]),
        "example 1: one of its scores",
    );
    says(
        multiclass(2, &[0], &[4.5, 0.5]),
        "example 0: the score 4.5 is no probability",
    );
    says(binary(&[true], &[-0.5]), "no probability");
    says(areas(&[true, false], &[0.5, f64::INFINITY]), "example 1");
    says(
        multilabel(2, &[true; 3], &[0.5; 3], &[true; 3]),
        "no whole rows of 2",
    );
    says(multilabel(1, &[true], &[0.5], &[]), "0 calls");
    says(reliability(&[1.5], &[true]), "no probability");
    says(brier_multiclass(2, &[3], &[0.5, 0.5]), "label 3");
    says(agreement(2, &[0], &[2]), "label 2");
    says(
        entities(&["O", "Bad"], Scheme::Strict, 7),
        "sequence 7: the tag at position 1",
    );
    says(choose_threshold(&[true], &[0.5], 0.0), "a cost ratio of 0");
    says(choose_threshold(&[true], &[f64::NAN], 1.0), "example 0");
    assert!(Logits::softmax(1, &[0.5], &[0]).is_err());
    assert!(Logits::sigmoid(&[0.5], &[2]).is_err());
    assert!(Logits::softmax(2, &[0.5, f64::NAN], &[0]).is_err());
    let logits = Logits::sigmoid(&[0.5], &[1]).unwrap();
    says(logits.fit_at(0.0), "temperature of 0");
    assert!(Vectors::new(3, &[1.0; 4]).is_err());
    assert!(Vectors::new(3, &[]).is_err());
    let vectors = Vectors::new(1, &[1.0, 2.0]).unwrap();
    says(
        nearest_neighbours(vectors, &[0, 1], 2, &Job::silent()),
        "among 2 vectors",
    );
    says(
        nearest_neighbours(vectors, &[0], 1, &Job::silent()),
        "1 labels",
    );
    let how = Resampling::default();
    says(
        bootstrap(&Clusters::each(0), how, &Job::silent(), |_| Vec::new()),
        "no examples",
    );
    for wrong in [
        Resampling {
            resamples: 1,
            ..how
        },
        Resampling { level: 1.0, ..how },
    ] {
        assert!(
            bootstrap(&Clusters::each(3), wrong, &Job::silent(), |_| vec![Some(
                1.0
            )])
            .is_err()
        );
    }
}

#[test]
fn long_work_stops() {
    let cancelled = MetricsError::Cancelled(Cancelled);
    let vectors = Vectors::new(1, &[1.0, 2.0, 3.0]).unwrap();
    let how = Resampling::default();
    let job = stopped();
    assert_eq!(
        silhouette(vectors, &[0, 0, 1], Distance::Euclidean, &job),
        Err(cancelled.clone())
    );
    assert_eq!(
        nearest_neighbours(vectors, &[0, 0, 1], 1, &job),
        Err(cancelled.clone())
    );
    assert_eq!(
        bootstrap(&Clusters::each(3), how, &job, |_| vec![Some(1.0)]),
        Err(cancelled.clone())
    );
    let logits = Logits::sigmoid(&[1.0, -1.0, 2.0], &[1, 1, 0]).unwrap();
    // Guessing is better than these: there is nothing to fit, and nothing to stop.
    assert_eq!(logits.fit_temperature(&job), Ok(None));
    let logits = Logits::sigmoid(&[1.0, -1.0, 2.0, 0.5], &[1, 0, 1, 0]).unwrap();
    assert_eq!(logits.fit_temperature(&job), Err(cancelled));
}

#[test]
fn resamples_depend_on_the_seed_only() {
    let how = Resampling {
        seed: 7,
        resamples: 200,
        level: 0.9,
    };
    let values: Vec<f64> = (0..50).map(f64::from).collect();
    let mean = |examples: &[usize]| {
        let sum: f64 = examples.iter().map(|&example| values[example]).sum();
        let first = examples[0] < 25;
        vec![
            Some(sum / examples.len() as f64),
            first.then_some(1.0),
            None,
        ]
    };
    let run = |how| bootstrap(&Clusters::each(50), how, &Job::silent(), mean).unwrap();
    let intervals = run(how);
    assert_eq!(intervals, run(how));
    assert_ne!(intervals, run(Resampling { seed: 8, ..how }));
    let [of_mean, some, none] = &intervals[..] else {
        panic!("one interval for each statistic");
    };
    assert_eq!(of_mean.estimate, Some(24.5));
    // The standard error of the mean of 50 uniform values: 14.43 / sqrt(50) = 2.04.
    let [low, high, sd] =
        [of_mean.low, of_mean.high, of_mean.standard_deviation].map(Option::unwrap);
    assert!((sd - 2.04).abs() < 0.3, "{sd}");
    assert!(
        (high - low - 2.0 * 1.645 * 2.04).abs() < 1.0,
        "{low} {high}"
    );
    assert!(low < 24.5 && 24.5 < high);
    assert_eq!((some.low, some.high), (Some(1.0), Some(1.0)));
    assert_eq!(
        (none.estimate, none.low, none.standard_deviation),
        (None, None, None)
    );
}

/// A mean of scores close to one of the two labels, in 1/10 steps so that many are equal.
fn scored() -> impl Strategy<Value = (Vec<bool>, Vec<f64>)> {
    prop::collection::vec((any::<bool>(), 0u8..=10), 1..40).prop_map(|pairs| {
        pairs
            .into_iter()
            .map(|(truth, score)| (truth, f64::from(score) / 10.0))
            .unzip()
    })
}

/// A few short spans of two kinds, some in two pieces.
fn spans() -> impl Strategy<Value = Vec<Span>> {
    let one = (
        0usize..2,
        0usize..12,
        1usize..5,
        prop::option::of((1usize..3, 1usize..3)),
    );
    prop::collection::vec(one, 0..7).prop_map(|spans| {
        let span = |(kind, start, length, more): (usize, usize, usize, Option<(usize, usize)>)| {
            let mut pieces = vec![(start, start + length)];
            if let Some((gap, length)) = more {
                let start = pieces[0].1 + gap;
                pieces.push((start, start + length));
            }
            Span {
                kind: ["A", "B"][kind].to_owned(),
                pieces,
            }
        };
        spans.into_iter().map(span).collect()
    })
}

/// The most pairs, by trying every choice.
fn most_pairs(truth: &[&Span], marked: &[&Span]) -> usize {
    let Some((first, rest)) = truth.split_first() else {
        return 0;
    };
    let mut most = most_pairs(rest, marked);
    for (index, other) in marked.iter().enumerate() {
        let share = |a: &(usize, usize), b: &(usize, usize)| a.0 < b.1 && b.0 < a.1;
        let mut pairs = first
            .pieces
            .iter()
            .flat_map(|a| other.pieces.iter().map(move |b| (a, b)));
        if first.kind == other.kind && pairs.any(|(a, b)| share(a, b)) {
            let mut left = marked.to_vec();
            left.remove(index);
            most = most.max(1 + most_pairs(rest, &left));
        }
    }
    most
}

proptest! {
    #[test]
    fn areas_are_those_of_all_pairs((truth, scores) in scored()) {
        let of = |wanted: bool| {
            let pairs = truth.iter().zip(&scores);
            pairs.filter(|(own, _)| **own == wanted).map(|(_, score)| *score).collect::<Vec<_>>()
        };
        let (positives, negatives) = (of(true), of(false));
        let found = areas(&truth, &scores).unwrap();
        let pairs = positives.iter().flat_map(|p| negatives.iter().map(move |n| (p, n)));
        let wins: f64 = pairs.map(|(p, n)| if p > n { 1.0 } else if p == n { 0.5 } else { 0.0 }).sum();
        match positives.len() * negatives.len() {
            0 => prop_assert_eq!(found.auroc, None),
            all => prop_assert!((found.auroc.unwrap() - wins / all as f64).abs() < 1e-12),
        }
        // The area under the steps of the curve is the average precision.
        if let Some((roc, pr)) = curves(&truth, &scores).unwrap() {
            let steps = pr.recall.windows(2).zip(&pr.precision);
            let area: f64 = steps.map(|(recall, precision)| (recall[0] - recall[1]) * precision).sum();
            prop_assert!((found.auprc.unwrap() - area).abs() < 1e-12);
            let points = roc.fpr.windows(2).zip(roc.tpr.windows(2));
            let area: f64 = points.map(|(x, y)| (x[1] - x[0]) * (y[0] + y[1]) / 2.0).sum();
            prop_assert!((found.auroc.unwrap() - area).abs() < 1e-12);
        }
    }

    #[test]
    fn no_threshold_is_cheaper_than_the_chosen_one((truth, scores) in scored(), ratio in 1u8..8) {
        let ratio = f64::from(ratio) / 2.0;
        let chosen = choose_threshold(&truth, &scores, ratio).unwrap();
        let cost = |threshold: Option<f64>| {
            let at = at_threshold(&truth, &scores, threshold).unwrap();
            (at.fp as f64 + ratio * at.fn_ as f64) / truth.len() as f64
        };
        prop_assert!((cost(chosen.threshold) - chosen.cost).abs() < 1e-12);
        let candidates = scores.iter().map(|&score| Some(score)).chain([None]);
        for candidate in candidates {
            prop_assert!(chosen.cost <= cost(candidate) + 1e-12);
        }
        let at = at_threshold(&truth, &scores, chosen.threshold).unwrap();
        prop_assert_eq!(at.fp as usize, chosen.false_positives);
        prop_assert_eq!(at.fn_ as usize, chosen.false_negatives);
    }

    #[test]
    fn overlapping_spans_are_paired_as_well_as_can_be(truth in spans(), marked in spans()) {
        let distinct = |spans: &[Span]| {
            let set: std::collections::BTreeSet<Span> = spans.iter().cloned().collect();
            set.into_iter().collect::<Vec<_>>()
        };
        let (own, found) = (distinct(&truth), distinct(&marked));
        let counts = count(&truth, &marked, Matching::Overlap);
        let hits: u64 = counts.values().map(|counts| counts.hits).sum();
        let (own, found): (Vec<&Span>, Vec<&Span>) = (own.iter().collect(), found.iter().collect());
        prop_assert_eq!(hits as usize, most_pairs(&own, &found));
        let exact = count(&truth, &marked, Matching::Exact);
        let exact: u64 = exact.values().map(|counts| counts.hits).sum();
        prop_assert_eq!(exact as usize, own.iter().filter(|span| found.contains(span)).count());
    }

    #[test]
    fn the_fitted_temperature_is_the_best(
        rows in prop::collection::vec((prop::collection::vec(-40i8..40, 3), 0usize..3), 2..30),
    ) {
        let values: Vec<f64> = rows.iter().flat_map(|(row, _)| row).map(|&v| f64::from(v) / 10.0).collect();
        let truth: Vec<usize> = rows.iter().map(|(_, truth)| *truth).collect();
        let logits = Logits::softmax(3, &values, &truth).unwrap();
        if let Some(best) = logits.fit_temperature(&Job::silent()).unwrap() {
            let nll = |temperature: f64| logits.fit_at(temperature).unwrap().nll;
            for factor in [0.5, 0.9, 0.999, 1.001, 1.1, 2.0] {
                prop_assert!(nll(best) <= nll(best * factor) + 1e-12, "{} {}", best, factor);
            }
        }
    }
}

/// A span that covers everything is right for one of the spans below it, not for all.
#[test]
fn one_long_span_is_one_hit() {
    let truth: Vec<Span> = (0..5)
        .map(|at| Span::new("X", at * 10..at * 10 + 5))
        .collect();
    let counts = count(&truth, &[Span::new("X", 0..100)], Matching::Overlap)["X"];
    assert_eq!((counts.hits, counts.predicted, counts.support), (1, 1, 5));
    // A chain in which every pair but one has to move.
    let marked: Vec<Span> = (0..3000)
        .map(|at| Span::new("X", at * 10..at * 10 + 11))
        .collect();
    let truth: Vec<Span> = (0..3000)
        .map(|at| Span::new("X", at * 10 + 10..at * 10 + 15))
        .collect();
    let counts = count(&truth, &marked, Matching::Overlap)["X"];
    assert_eq!(counts.hits, 3000);
}

#[test]
fn extreme_logits_stay_finite() {
    let logits = Logits::softmax(2, &[1000.0, -1000.0, 0.0, 1000.0], &[0, 0]).unwrap();
    let fit = logits.fit_at(1.0).unwrap();
    assert_eq!(fit.nll, 500.0);
    assert_eq!(logits.probabilities(1.0), [1.0, 0.0, 0.0, 1.0]);
    let temperature = logits.fit_temperature(&Job::silent()).unwrap().unwrap();
    assert!(
        temperature.is_finite() && temperature > 100.0,
        "{temperature}"
    );
}

#[test]
fn groupings_by_hand() {
    assert_eq!(normalized_mutual_information(&[0, 0], &[3, 3]), Ok(1.0));
    assert_eq!(
        normalized_mutual_information(&[0, 0, 1, 1], &[5, 6, 5, 6]),
        Ok(0.0)
    );
    assert_eq!(
        normalized_mutual_information(&[0, 0, 1, 1], &[9, 9, 2, 2]),
        Ok(1.0)
    );
    // Of two equally near vectors the first votes; a zero vector is as far from all.
    let vectors = Vectors::new(2, &[0.0, 0.0, 1.0, 0.0, 0.0, 1.0]).unwrap();
    let found = nearest_neighbours(vectors, &[7, 8, 9], 1, &Job::silent()).unwrap();
    assert_eq!(found, [8, 7, 7]);
}

#[test]
fn neighbours_of_the_same_group_have_no_vote() {
    let vectors = Vectors::new(2, &[1.0, 0.0, 1.0, 0.1, 0.0, 1.0, 0.1, 1.0]).unwrap();
    let across = |groups: &[usize], k| {
        nearest_neighbours_across(vectors, &[1, 2, 3, 4], groups, k, &Job::silent())
    };
    assert_eq!(across(&[0, 1, 2, 3], 1).unwrap(), [2, 1, 4, 3]);
    assert_eq!(across(&[0, 0, 1, 1], 1).unwrap(), [4, 4, 2, 2]);
    // Fewer than three are left of the first three; of equal votes the smaller label counts.
    assert_eq!(across(&[0, 0, 0, 1], 3).unwrap(), [4, 4, 4, 1]);
    assert!(across(&[5, 5, 5, 5], 1).is_err() && across(&[0, 1], 1).is_err());
    assert!(across(&[0, 1, 0, 1], 0).is_err());
}

/// Counts beyond what 64 bits hold when squared.
#[test]
fn matthews_of_many_examples() {
    let many = 4_000_000_000u64;
    let margins = [[many, many, many], [many, many, many]];
    assert!((super::Margins::from(margins.to_vec()).mcc() - 1.0).abs() < 1e-12);
    assert_eq!(
        super::Margins::from(vec![[0, many, many], [0, many, many]]).mcc(),
        -1.0
    );
}
