//! Probabilities before and after temperature scaling.

use serde::Serialize;

use crate::job::Job;
use crate::metrics::MetricsError;
use crate::metrics::calibration::Bin;
use crate::metrics::temperature::{Fit, Logits};

/// Whether the test examples' probabilities mean what they say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// Which probabilities are compared with which outcome.
    pub of: &'static str,
    /// The temperature with the least negative log-likelihood on the validation examples; `None`
    /// without such examples, or if there is no best one.
    pub temperature: Option<f64>,
    /// Whether there were validation examples to fit it on.
    pub fitted: bool,
    /// As the model gives them.
    pub before: Fit,
    /// Divided by the temperature.
    pub after: Option<Fit>,
    /// The reliability diagram before.
    pub bins_before: Vec<Bin>,
    /// The reliability diagram after.
    pub bins_after: Option<Vec<Bin>>,
}

impl Calibration {
    /// Fits the temperature on validation examples, if there are any, and applies it to the test
    /// examples.
    pub(super) fn of(
        of: &'static str,
        test: Logits<'_>,
        validation: Option<Logits<'_>>,
        job: &Job,
    ) -> Result<Self, MetricsError> {
        let temperature = validation.map(|logits| logits.fit_temperature(job));
        let temperature = temperature.transpose()?.flatten();
        let after = temperature.map(|temperature| test.fit_at(temperature));
        let bins_after = temperature.map(|temperature| test.reliability_at(temperature));
        Ok(Self {
            of,
            temperature,
            fitted: validation.is_some(),
            before: test.fit_at(1.0)?,
            after: after.transpose()?,
            bins_before: test.reliability_at(1.0)?.bins,
            bins_after: bins_after.transpose()?.map(|after| after.bins),
        })
    }
}
