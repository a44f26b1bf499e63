//! Whether probabilities mean what they say.

use serde::{Deserialize, Serialize};

use super::MetricsError;
use super::error::{labels, lengths, probabilities};

/// Bins of a reliability diagram.
pub const BINS: usize = 15;

/// One bin of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Examples whose confidence falls into it.
    pub count: u64,
    /// Their mean confidence; `None` if there are none.
    pub confidence: Option<f64>,
    /// The share of them that was right, or positive; `None` if there are none.
    pub outcome: Option<f64>,
}

/// A reliability diagram with what it sums up to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// Expected calibration error: the sum over bins of `n_b / N · |mean outcome - mean confidence|`
    /// (Naeini, Cooper, Hauskrecht, AAAI 2015).
    pub ece: f64,
    /// [`BINS`] bins of equal width over 0..=1, each closed on the left, the last on both sides.
    pub bins: Vec<Bin>,
}

/// Compares confidences, in 0..=1, with outcomes.
///
/// # Errors
/// [`MetricsError`] when the lists differ in length, are empty or a confidence is no probability.
pub fn reliability(confidence: &[f64], outcome: &[bool]) -> Result<Reliability, MetricsError> {
    lengths("confidences", confidence.len(), outcome.len())?;
    probabilities(confidence, 1)?;
    let mut sums = [(0u64, 0.0, 0.0); BINS];
    for (&confidence, &outcome) in confidence.iter().zip(outcome) {
        let bin = &mut sums[((confidence * BINS as f64) as usize).min(BINS - 1)];
        bin.0 += 1;
        bin.1 += confidence;
        bin.2 += f64::from(u8::from(outcome));
    }
    let gaps = sums
        .iter()
        .map(|(_, confidence, outcome)| (outcome - confidence).abs());
    Ok(Reliability {
        ece: gaps.sum::<f64>() / confidence.len() as f64,
        bins: sums
            .iter()
            .map(|&(count, confidence, outcome)| Bin {
                count,
                confidence: (count > 0).then(|| confidence / count as f64),
                outcome: (count > 0).then(|| outcome / count as f64),
            })
            .collect(),
    })
}

/// The mean of `(score - y)²`.
///
/// # Errors
/// [`MetricsError`] when the lists differ in length, are empty or a score is no probability.
pub fn brier(truth: &[bool], scores: &[f64]) -> Result<f64, MetricsError> {
    lengths("scores", scores.len(), truth.len())?;
    probabilities(scores, 1)?;
    let squares = truth.iter().zip(scores);
    let squares = squares.map(|(&truth, score)| (score - f64::from(u8::from(truth))).powi(2));
    Ok(squares.sum::<f64>() / truth.len() as f64)
}

/// Brier's score for several classes: the mean over examples of the sum over classes of
/// `(score - y)²`, from 0 to 2 (Brier 1950). `scores` is `[examples, classes]`, row-major.
///
/// # Errors
/// [`MetricsError`] when the lists do not fit together, are empty, name another class or a score is
/// no probability.
pub fn brier_multiclass(
    classes: usize,
    truth: &[usize],
    scores: &[f64],
) -> Result<f64, MetricsError> {
    lengths("scores", scores.len(), truth.len() * classes)?;
    labels(truth, classes)?;
    probabilities(scores, classes)?;
    let mut sum = 0.0;
    for (row, &truth) in scores.chunks(classes.max(1)).zip(truth) {
        sum += row.iter().map(|score| score * score).sum::<f64>();
        sum += 1.0 - 2.0 * row[truth];
    }
    Ok(sum / truth.len() as f64)
}
