//! Figures of resamples: of clusters, and of scores that were sorted once.

use crate::job::Job;
use crate::metrics::bootstrap::{Clusters, Resampling, bootstrap};
use crate::metrics::ranking::{Ranked, areas, macro_areas};

const HOW: Resampling = Resampling {
    seed: 3,
    resamples: 300,
    level: 0.95,
};

#[test]
fn clusters_are_drawn_as_wholes() {
    // Twenty patients, each with three notes that say the same.
    let patient = |example: usize| example % 20;
    let clusters = Clusters::of((0..60).map(patient));
    assert_eq!(clusters.count(), 20);
    let statistics = |examples: &[usize]| {
        let mut times = [0; 60];
        examples.iter().for_each(|&example| times[example] += 1);
        // Notes of the same patient are there the same number of times.
        let whole =
            (0..20).all(|own| times[own] == times[own + 20] && times[own] == times[own + 40]);
        let sum: f64 = examples.iter().map(|&own| patient(own) as f64).sum();
        vec![Some(f64::from(whole)), Some(sum / examples.len() as f64)]
    };
    let of = |clusters: &Clusters| bootstrap(clusters, HOW, &Job::silent(), statistics).unwrap();
    let (drawn, single) = (of(&clusters), of(&Clusters::each(60)));
    assert_eq!((drawn[0].low, drawn[0].high), (Some(1.0), Some(1.0)));
    assert_eq!(single[0].high, Some(0.0));
    assert_eq!(drawn[1].estimate, single[1].estimate);
    // Sixty notes that are twenty say as much as twenty: the error of the mean is 3^(1/2) as large.
    let ratio = drawn[1].standard_deviation.unwrap() / single[1].standard_deviation.unwrap();
    assert!((ratio - 3f64.sqrt()).abs() < 0.25, "{ratio}");
}

#[test]
fn a_cluster_of_one_each_is_no_cluster() {
    let mean = |examples: &[usize]| {
        let sum: usize = examples.iter().sum();
        vec![Some(sum as f64 / examples.len() as f64)]
    };
    let of = |clusters: &Clusters| bootstrap(clusters, HOW, &Job::silent(), mean).unwrap();
    let names = (0..30).map(|own| format!("patient {}", 99 - own));
    assert_eq!(of(&Clusters::of(names)), of(&Clusters::each(30)));
}

#[test]
fn scores_sorted_once_give_the_areas_of_every_resample() {
    let truth: Vec<bool> = (0..40).map(|own| own * own % 7 < 3).collect();
    // Many scores are equal.
    let scores: Vec<f64> = (0..40).map(|own| f64::from(own * 5 % 11) / 10.0).collect();
    let ranked = Ranked::new(&truth, &scores).unwrap();
    for number in 0..50 {
        let drawn: Vec<usize> = (0..40)
            .map(|own| (own * own * (number + 3) + number * own) % 40)
            .collect();
        let take_truth: Vec<bool> = drawn.iter().map(|&own| truth[own]).collect();
        let take_scores: Vec<f64> = drawn.iter().map(|&own| scores[own]).collect();
        let want = areas(&take_truth, &take_scores).unwrap();
        let mut times = vec![0; 40];
        drawn.iter().for_each(|&own| times[own] += 1);
        let got = ranked.areas(&times);
        for (got, want) in [(got.auroc, want.auroc), (got.auprc, want.auprc)] {
            match (got, want) {
                (Some(got), Some(want)) => assert!((got - want).abs() < 1e-12, "{got} {want}"),
                (got, want) => assert_eq!(got, want),
            }
        }
    }
    // Only positives, and nothing at all.
    let only: Vec<u32> = truth.iter().map(|&own| u32::from(own)).collect();
    let areas = ranked.areas(&only);
    assert_eq!((areas.auroc, areas.auprc), (None, Some(1.0)));
    assert_eq!(ranked.areas(&[0; 40]).auprc, None);
    assert!(Ranked::new(&truth, &[0.5; 3]).is_err());
}

#[test]
fn the_mean_leaves_out_what_is_not_defined() {
    let class = |truth: [bool; 3], scores: [f64; 3]| Ranked::new(&truth, &scores).unwrap();
    let classes = [
        class([true, false, false], [0.9, 0.5, 0.1]),
        class([false, true, false], [0.8, 0.5, 0.2]),
    ];
    // Areas of 1 and of 1/2; without the second example the second class has none.
    assert_eq!(macro_areas(&classes, 3, &[0, 1, 2])[0], Some(0.75));
    assert_eq!(macro_areas(&classes, 3, &[0, 0, 2])[0], Some(1.0));
    assert_eq!(macro_areas(&classes, 3, &[2, 2, 2]), [None, None]);
}

/// Resamples of one patient are all alike.
#[test]
fn one_cluster_has_no_interval() {
    let own = bootstrap(
        &Clusters::of([7, 7, 7]),
        Resampling::default(),
        &Job::silent(),
        |examples| vec![Some(examples.len() as f64)],
    );
    let own = own.unwrap()[0];
    assert_eq!(own.estimate, Some(3.0));
    assert_eq!(
        (own.low, own.high, own.standard_deviation),
        (None, None, None)
    );
}
