//! Chooses from which score on something is called positive.

use serde::{Deserialize, Serialize};

use super::MetricsError;
use super::error::{finite, lengths};
use super::ranking::thresholds;

/// A threshold with what it costs on the examples that it was chosen on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChosenThreshold {
    /// What scored at least this is called positive; `None` where calling nothing is cheapest.
    pub threshold: Option<f64>,
    /// How many false positives a false negative costs.
    pub cost_ratio: f64,
    /// `(false positives + cost ratio · false negatives) / examples`.
    pub cost: f64,
    /// False positives on these examples.
    pub false_positives: usize,
    /// False negatives on these examples.
    pub false_negatives: usize,
}

/// The threshold with the least cost; of several the highest, which calls least.
///
/// It lies midway between the lowest score that is called and the next one below, so that it does not
/// hang on the last digit of a single example.
///
/// # Errors
/// [`MetricsError`] when the lists differ in length, are empty, a score is not finite or the cost
/// ratio is not a number above 0.
pub fn choose_threshold(
    truth: &[bool],
    scores: &[f64],
    cost_ratio: f64,
) -> Result<ChosenThreshold, MetricsError> {
    lengths("scores", scores.len(), truth.len())?;
    finite("scores", scores, 1)?;
    if !(cost_ratio > 0.0 && cost_ratio.is_finite()) {
        return Err(MetricsError::Choice(format!(
            "a cost ratio of {cost_ratio} cannot be: it says how many false positives a false \
             negative costs, a number above 0"
        )));
    }
    let positives = truth.iter().filter(|&&truth| truth).count();
    let cost = |fp: usize, missed: usize| fp as f64 + cost_ratio * missed as f64;
    let steps = thresholds(truth, scores);
    let mut best = (cost(0, positives), None);
    for (index, &(_, hits, false_alarms)) in steps.iter().enumerate() {
        let own = cost(false_alarms, positives - hits);
        if own < best.0 {
            best = (own, Some(index));
        }
    }
    let (hits, false_positives) = best
        .1
        .map_or((0, 0), |index| (steps[index].1, steps[index].2));
    Ok(ChosenThreshold {
        threshold: best.1.map(|index| {
            let lowest = steps[index].0;
            let below = steps.get(index + 1).map_or(lowest, |below| below.0);
            let middle = lowest + (below - lowest) / 2.0;
            // Between two neighbouring numbers there is none.
            if middle > below { middle } else { lowest }
        }),
        cost_ratio,
        cost: best.0 / truth.len() as f64,
        false_positives,
        false_negatives: positives - hits,
    })
}
