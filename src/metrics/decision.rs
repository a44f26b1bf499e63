//! Whether acting on scores does more good than acting on all, or on none: decision curves.

use serde::{Deserialize, Serialize};

use super::MetricsError;
use super::error::{lengths, probabilities};

/// The net benefit at one threshold, in true positives for each example.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NetBenefit {
    /// The probability from which on someone would act: `p / (1 - p)` is what a false positive costs,
    /// measured in what a true one is worth.
    pub threshold: f64,
    /// Of acting where the score is at least this.
    pub model: f64,
    /// Of acting on every example. Of acting on none it is 0.
    pub all: f64,
}

/// The net benefit `TP / n - FP / n · p / (1 - p)` (Vickers and Elkin 2006) of scores in 0..=1, at
/// the thresholds p = 0.01, 0.02, … 0.99.
///
/// # Errors
/// [`MetricsError`] when the lists differ in length, are empty or a score is no probability.
pub fn decision_curve(truth: &[bool], scores: &[f64]) -> Result<Vec<NetBenefit>, MetricsError> {
    lengths("scores", scores.len(), truth.len())?;
    probabilities(scores, 1)?;
    let sorted = |wanted: bool| {
        let own = truth.iter().zip(scores);
        let mut own: Vec<f64> = own
            .filter_map(|(&truth, &score)| (truth == wanted).then_some(score))
            .collect();
        own.sort_unstable_by(f64::total_cmp);
        own
    };
    let (positives, negatives) = (sorted(true), sorted(false));
    let at = |percent: u32| {
        let threshold = f64::from(percent) / 100.0;
        let cost = threshold / (1.0 - threshold);
        let called = |rising: &[f64]| rising.len() - rising.partition_point(|&own| own < threshold);
        let benefit =
            |hits: usize, alarms: usize| (hits as f64 - alarms as f64 * cost) / truth.len() as f64;
        NetBenefit {
            threshold,
            model: benefit(called(&positives), called(&negatives)),
            all: benefit(positives.len(), negatives.len()),
        }
    };
    Ok((1..100).map(at).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn net_benefit_by_hand() {
        let truth = [true, false, true, false, false];
        let scores = [0.8, 0.8, 0.2, 0.5, 0.1];
        let curve = decision_curve(&truth, &scores).unwrap();
        assert_eq!(curve.len(), 99);
        // From 0.2 on: two true and two false positives of five; a false one costs a quarter.
        let at = |percent: usize| curve[percent - 1];
        let near = |got: f64, want: f64| assert!((got - want).abs() < 1e-12, "{got} {want}");
        near(at(20).model, 2.0 / 5.0 - 2.0 / 5.0 * 0.25);
        near(at(20).all, 2.0 / 5.0 - 3.0 / 5.0 * 0.25);
        near(at(21).model, 1.0 / 5.0 - 2.0 / 5.0 * 21.0 / 79.0);
        near(at(50).model, 1.0 / 5.0 - 2.0 / 5.0);
        near(at(51).model, 1.0 / 5.0 - 1.0 / 5.0 * 51.0 / 49.0);
        near(at(50).all, 2.0 / 5.0 - 3.0 / 5.0);
        // Nothing scores so much: as much good as not to act.
        near(at(81).model, 0.0);
        // Below every score it is acting on all.
        near(at(10).model, at(10).all);
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        assert!(decision_curve(&[], &[]).is_err());
        assert!(decision_curve(&[true], &[1.5]).is_err());
        assert!(decision_curve(&[true], &[0.5, 0.5]).is_err());
    }
}
