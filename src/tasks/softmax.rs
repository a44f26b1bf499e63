//! The softmax of a row of logits, in f64.

/// `exp(logit) / sum of exp` over a row, without overflow.
pub struct Softmax {
    max: f32,
    sum: f64,
}

impl Softmax {
    /// The softmax over these logits.
    pub fn over(logits: &[f32]) -> Self {
        let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weights = logits.iter().map(|&logit| f64::from(logit - max).exp());
        Self {
            max,
            sum: weights.sum(),
        }
    }

    /// What one of the logits gets.
    pub fn score(&self, logit: f32) -> f32 {
        (f64::from(logit - self.max).exp() / self.sum) as f32
    }

    /// The loss of one of the logits, `-ln(score)`, in nats.
    pub fn loss(&self, logit: f32) -> f32 {
        (self.sum.ln() - f64::from(logit - self.max)) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_is_the_negative_logarithm_of_the_score() {
        let logits = [0.0, 3.0f32.ln()];
        let softmax = Softmax::over(&logits);
        assert_eq!(logits.map(|logit| softmax.score(logit)), [0.25, 0.75]);
        assert!((softmax.loss(logits[0]) - 4.0f32.ln()).abs() < 1e-6);
        assert!((softmax.loss(logits[1]) - (4.0f32 / 3.0).ln()).abs() < 1e-6);
        let far = Softmax::over(&[1000.0, 0.0]);
        assert_eq!(
            (far.loss(1000.0), far.loss(0.0), far.score(0.0)),
            (0.0, 1000.0, 0.0)
        );
    }
}
