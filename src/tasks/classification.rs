//! Scores of labels: softmax or sigmoid of a row of logits.

use serde::Serialize;

use super::softmax::Softmax;
use crate::model::config::ProblemType;

/// What turns logits into scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Function {
    /// Shares of one whole: exactly one label holds.
    Softmax,
    /// Each label by itself.
    Sigmoid,
    /// The logits as they are: numbers that a regression predicts.
    None,
}

impl Function {
    /// The function that transformers' text-classification pipeline takes for a model.
    pub fn usual(problem: Option<ProblemType>, labels: usize) -> Self {
        match problem {
            Some(ProblemType::Regression) => Self::None,
            Some(ProblemType::MultiLabel) => Self::Sigmoid,
            _ if labels == 1 => Self::Sigmoid,
            _ => Self::Softmax,
        }
    }

    /// The scores of a row of logits.
    pub fn scores(self, logits: &[f32]) -> Vec<f32> {
        match self {
            Self::Softmax => softmax(logits),
            Self::Sigmoid => {
                let sigmoid = |&logit: &f32| 1.0 / (1.0 + (-f64::from(logit)).exp());
                logits.iter().map(|logit| sigmoid(logit) as f32).collect()
            }
            Self::None => logits.to_vec(),
        }
    }
}

/// `exp(logit) / sum of exp`, of a row of logits.
pub(super) fn softmax(logits: &[f32]) -> Vec<f32> {
    let softmax = Softmax::over(logits);
    logits.iter().map(|&logit| softmax.score(logit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_by_hand() {
        let logits = [0.0, 3.0f32.ln()];
        assert_eq!(Function::Softmax.scores(&logits), [0.25, 0.75]);
        assert_eq!(Function::Sigmoid.scores(&logits), [0.5, 0.75]);
        assert_eq!(Function::None.scores(&logits), logits);
        assert_eq!(Function::Softmax.scores(&[1000.0, 0.0]), [1.0, 0.0]);
        let usual = Function::usual;
        assert_eq!(usual(None, 3), Function::Softmax);
        assert_eq!(usual(Some(ProblemType::SingleLabel), 1), Function::Sigmoid);
        assert_eq!(usual(Some(ProblemType::MultiLabel), 3), Function::Sigmoid);
        assert_eq!(usual(Some(ProblemType::Regression), 1), Function::None);
    }
}
