//! What a person wants to be drawn.

use super::classes::ColourBy;
use crate::engine::{PointUnit, Pooling};

/// A sample of points, in place of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Points at most.
    pub most: usize,
    /// What as many are taken of; with [`ColourBy::Nothing`] chance alone decides.
    pub of_each: ColourBy,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            most: SAMPLE,
            of_each: ColourBy::Nothing,
        }
    }
}

/// Points of a sample, if nothing else is said.
const SAMPLE: usize = 5_000;

/// What is to be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What is a point.
    pub unit: PointUnit,
    /// How the vectors of tokens become one.
    pub pooling: Pooling,
    /// Whether all open notes are read, and not only that on view.
    pub all_notes: bool,
    /// Codes at most.
    pub codes: usize,
    /// The points of notes that are taken; all, if none is said.
    pub sample: Option<Sample>,
    /// Decides where the arithmetic begins, and which codes or points are drawn.
    pub seed: u64,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            unit: PointUnit::default(),
            pooling: Pooling::Mean,
            all_notes: true,
            codes: usize::MAX,
            sample: None,
            seed: 1,
        }
    }
}

/// How many codes can be chosen; the first is all of them.
pub const CODES: [usize; 3] = [usize::MAX, 10_000, 2_000];

/// The name of a unit, of one and of several.
pub fn unit_name(unit: PointUnit) -> (&'static str, &'static str) {
    match unit {
        PointUnit::Note => ("note", "Notes"),
        PointUnit::Section => ("section", "Sections"),
        PointUnit::Sentence => ("sentence", "Sentences"),
        PointUnit::Span => ("span", "Marked spans"),
        PointUnit::Word => ("word", "Words"),
        PointUnit::Token => ("token", "Tokens"),
        PointUnit::Code => ("code", "ICD-10 codes"),
    }
}

/// How tokens become one vector, in words.
pub fn pooling_name(pooling: Pooling) -> &'static str {
    match pooling {
        Pooling::Mean => "mean of tokens",
        Pooling::Cls => "first token",
        Pooling::Max => "largest of tokens",
    }
}
