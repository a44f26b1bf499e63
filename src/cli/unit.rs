//! What results are about, on the command line.

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::engine::Unit;

/// What a result is about.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum UnitChoice {
    /// The whole note.
    Note,
    /// Each section.
    Section,
    /// Each sentence.
    Sentence,
    /// Each word.
    Word,
    /// Each token.
    Token,
}

impl From<UnitChoice> for Unit {
    fn from(choice: UnitChoice) -> Self {
        match choice {
            UnitChoice::Note => Self::Note,
            UnitChoice::Section => Self::Section,
            UnitChoice::Sentence => Self::Sentence,
            UnitChoice::Word => Self::Word,
            UnitChoice::Token => Self::Token,
        }
    }
}

/// Whole notes and what search compares of them.
pub(super) const COMPARED: &[UnitChoice] =
    &[UnitChoice::Note, UnitChoice::Section, UnitChoice::Sentence];

/// Parts of a note.
pub(super) const PARTS: &[UnitChoice] = &[
    UnitChoice::Token,
    UnitChoice::Word,
    UnitChoice::Sentence,
    UnitChoice::Section,
];

/// Takes one of these, as its name.
pub(super) fn among(units: &'static [UnitChoice]) -> impl TypedValueParser<Value = UnitChoice> {
    let values = units.iter().filter_map(ValueEnum::to_possible_value);
    PossibleValuesParser::new(values)
        .map(|name| UnitChoice::from_str(&name, false).expect("the name is one of the values"))
}
