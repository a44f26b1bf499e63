//! What is wrong with the numbers that are to be judged.

use crate::job::Cancelled;

/// Why something cannot be measured. It never repeats a text, only numbers.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MetricsError {
    /// Nothing to judge.
    #[error("there are no examples to judge: at least one is needed")]
    NoExamples,
    /// Two lists that belong together differ in length.
    #[error("there are {got} {what}, and {expected} are needed: one for each example")]
    Lengths {
        /// What there are too many or too few of, in the plural.
        what: &'static str,
        /// How many there are.
        got: usize,
        /// How many there must be.
        expected: usize,
    },
    /// A label that is no class.
    #[error(
        "example {example} has the label {label}, and there are {classes} classes, counted from 0"
    )]
    Label {
        /// The example, counted from 0.
        example: usize,
        /// Its label.
        label: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// NaN or infinity.
    #[error("example {example}: one of its {what} is not a finite number")]
    NotFinite {
        /// What is not finite, in the plural.
        what: &'static str,
        /// The example, counted from 0.
        example: usize,
    },
    /// A probability below 0 or above 1.
    #[error(
        "example {example}: the score {value} is no probability; it must lie between 0 and 1, \
         so take softmax or sigmoid of logits first"
    )]
    NoProbability {
        /// The example, counted from 0.
        example: usize,
        /// Its score.
        value: f64,
    },
    /// A tag that is not `O`, `B-…` or `I-…`.
    #[error(
        "sequence {sequence}: the tag at position {position} is neither O nor B-type nor I-type"
    )]
    Tag {
        /// The sequence, counted from 0.
        sequence: usize,
        /// The token, counted from 0.
        position: usize,
    },
    /// A choice that cannot be.
    #[error("{0}")]
    Choice(String),
    /// Stopped by the user.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// That there is one of `what` for each of `expected` examples, and an example at all.
pub(super) fn lengths(what: &'static str, got: usize, expected: usize) -> Result<(), MetricsError> {
    match (expected, got) {
        (0, 0) => Err(MetricsError::NoExamples),
        _ if got != expected => Err(MetricsError::Lengths {
            what,
            got,
            expected,
        }),
        _ => Ok(()),
    }
}

/// That every label is a class.
pub(super) fn labels(labels: &[usize], classes: usize) -> Result<(), MetricsError> {
    match labels.iter().position(|&label| label >= classes) {
        Some(example) => Err(MetricsError::Label {
            example,
            label: labels[example],
            classes,
        }),
        None => Ok(()),
    }
}

/// That all values are finite; `width` of them belong to one example.
pub(super) fn finite(what: &'static str, values: &[f64], width: usize) -> Result<(), MetricsError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(MetricsError::NotFinite {
            what,
            example: at / width.max(1),
        }),
        None => Ok(()),
    }
}

/// That all values are finite and lie in 0..=1; `width` of them belong to one example.
pub(super) fn probabilities(values: &[f64], width: usize) -> Result<(), MetricsError> {
    finite("scores", values, width)?;
    match values.iter().position(|value| !(0.0..=1.0).contains(value)) {
        Some(at) => Err(MetricsError::NoProbability {
            example: at / width.max(1),
            value: values[at],
        }),
        None => Ok(()),
    }
}
