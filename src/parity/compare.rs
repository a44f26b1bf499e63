//! Compares what was computed with what was expected, and says how strict that is.

use serde::Serialize;

/// One comparison.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// Name of the expected tensor, or of what was compared.
    pub what: String,
    /// Largest absolute difference; `None` when something is not a number, a shape differs, or
    /// what was compared is not numbers.
    pub difference: Option<f64>,
    /// The largest difference allowed.
    pub limit: Option<f64>,
    /// What is wrong beyond a difference of numbers.
    pub fault: Option<String>,
}

impl Check {
    /// Whether the difference is within the limit. NaN never passes.
    pub fn passed(&self) -> bool {
        match (self.difference, self.limit) {
            _ if self.fault.is_some() => false,
            (Some(difference), Some(limit)) => difference <= limit,
            (None, None) => true,
            _ => false,
        }
    }

    /// Compares values; `noise` is the reference's own error for this tensor.
    pub(super) fn values(what: &str, got: &[f32], want: &[f32], noise: f64) -> Self {
        let fault = if got.len() != want.len() {
            Some(format!("{} values, expected {}", got.len(), want.len()))
        } else if got.iter().chain(want).any(|value| !value.is_finite()) {
            Some("some values are not finite".to_owned())
        } else {
            None
        };
        let difference = got
            .iter()
            .zip(want)
            .map(|(&got, &want)| (f64::from(got) - f64::from(want)).abs())
            .fold(0.0, f64::max);
        Self {
            what: what.to_owned(),
            difference: fault.is_none().then_some(difference),
            limit: Some(limit(want, noise)),
            fault,
        }
    }

    /// Something that is either right or not; `fault` says what is wrong.
    pub(super) fn exact(what: impl Into<String>, fault: Option<String>) -> Self {
        Self {
            what: what.into(),
            difference: None,
            limit: None,
            fault,
        }
    }
}

/// The largest difference allowed: `2e-6 + 2e-5 * max|want| + 10 * noise`.
pub fn limit(want: &[f32], noise: f64) -> f64 {
    let largest = want
        .iter()
        .map(|&want| f64::from(want).abs())
        .fold(0.0, f64::max);
    2e-6 + 2e-5 * largest + 10.0 * noise
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_fails() {
        let want = [1.0, -2.0, 0.0];
        assert!(Check::values("same", &want, &want, 0.0).passed());
        assert!(Check::values("near", &[1.0, -2.0, 4e-5], &want, 0.0).passed());
        assert!(!Check::values("far", &[1.0, -2.0, 5e-5], &want, 0.0).passed());
        assert!(!Check::values("sign", &[1.0, 2.0, 0.0], &want, 0.0).passed());
        assert!(!Check::values("short", &[1.0, -2.0], &want, 0.0).passed());
        assert!(!Check::values("nan", &[1.0, f32::NAN, 0.0], &want, 0.0).passed());
        assert!(!Check::values("nan wanted", &want, &[1.0, f32::NAN, 0.0], 0.0).passed());
        let infinite = [f32::INFINITY; 3];
        assert!(!Check::values("infinite", &infinite, &infinite, 0.0).passed());
        assert!(!Check::values("nan noise", &[1.0, -2.0, 1.0], &want, f64::NAN).passed());
        assert!(!Check::exact("wrong", Some("it is".to_owned())).passed());
    }
}
