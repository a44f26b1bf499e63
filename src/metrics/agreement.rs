//! How far two annotators agree.

use serde::{Deserialize, Serialize};

use super::error::{labels, lengths};
use super::{Confusion, MetricsError};

/// How far two annotators agree.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// The share of examples on which they agree.
    pub observed_agreement: f64,
    /// Cohen's kappa: agreement beyond chance. `None` where chance agreement is complete.
    pub kappa: Option<f64>,
    /// The same with disagreements `|i - j|` apart counting so much.
    pub kappa_linear: Option<f64>,
    /// The same with disagreements counting `(i - j)²`.
    pub kappa_quadratic: Option<f64>,
}

/// Compares the classes, numbers below `classes`, that two annotators gave the same examples.
///
/// # Errors
/// [`MetricsError`] when the lists differ in length, are empty or name another class.
pub fn agreement(
    classes: usize,
    first: &[usize],
    second: &[usize],
) -> Result<Agreement, MetricsError> {
    lengths("labels of the second annotator", second.len(), first.len())?;
    labels(first, classes)?;
    labels(second, classes)?;
    let table = Confusion::new(classes, first, second)?;
    let margins = table.margins();
    let kappa = |weight: fn(usize, usize) -> f64| {
        let seen: f64 = first.iter().zip(second).map(|(&i, &j)| weight(i, j)).sum();
        let mut chance = 0.0;
        for (i, [_, _, given]) in margins.rows().iter().enumerate() {
            for (j, [_, received, _]) in margins.rows().iter().enumerate() {
                chance += weight(i, j) * *given as f64 * *received as f64;
            }
        }
        let chance = chance / first.len() as f64;
        (chance > 0.0).then(|| 1.0 - seen / chance)
    };
    Ok(Agreement {
        observed_agreement: table.accuracy(),
        kappa: kappa(|i, j| f64::from(u8::from(i != j))),
        kappa_linear: kappa(|i, j| i.abs_diff(j) as f64),
        kappa_quadratic: kappa(|i, j| (i.abs_diff(j) as f64).powi(2)),
    })
}
