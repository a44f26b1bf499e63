//! Shows in one table how the tensors of a checkpoint and the parameters of a model differ.

use std::fmt;
use std::path::PathBuf;

use super::upcast::SUPPORTED;
use super::{ParameterSpec, StoredTensor};

/// How alike two names must be, from 0 to 1, for one to be proposed for the other.
const NEAR: f64 = 0.85;

/// The most work, in characters times characters, that looking for similar names may be: about a
/// second. A model of 400 tensors without one right name is below.
const MAX_WORK: usize = 500_000_000;

/// One way in which weights and model differ.
#[derive(Debug, Clone, PartialEq)]
pub enum Difference {
    /// A parameter without a tensor.
    Missing {
        /// The parameter.
        parameter: ParameterSpec,
        /// The unexpected tensor with the most similar name.
        nearest: Option<String>,
    },
    /// A tensor without a parameter.
    Unexpected {
        /// The tensor.
        tensor: StoredTensor,
        /// The missing parameter with the most similar name.
        nearest: Option<String>,
    },
    /// A tensor with another shape than its parameter.
    Misshapen {
        /// The parameter.
        parameter: ParameterSpec,
        /// The tensor.
        tensor: StoredTensor,
    },
    /// A tensor of a type that no weight has.
    WrongType {
        /// The tensor.
        tensor: StoredTensor,
    },
    /// Several tensors for one parameter.
    Doubled {
        /// The name of the parameter.
        parameter: String,
        /// The names of the tensors.
        tensors: Vec<String>,
    },
    /// A tensor that must be a copy of another one and is none.
    Differs {
        /// The name of the copy.
        copy: String,
        /// The name of the other tensor.
        original: String,
        /// What is different, or why it cannot be told.
        reason: String,
    },
}

/// Weights and model do not match; shown as a table of all differences.
#[derive(Debug, Clone, PartialEq)]
pub struct Mismatch {
    pub(super) folder: PathBuf,
    pub(super) differences: Vec<Difference>,
    pub(super) hints: Vec<String>,
}

impl std::error::Error for Mismatch {}

impl Mismatch {
    /// Every difference, those of one kind together.
    pub fn differences(&self) -> &[Difference] {
        &self.differences
    }

    /// What may have led to the differences, in sentences.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }
}

/// The sections of the table, in order.
const SECTIONS: [&str; 6] = [
    "missing: the model has the parameter, the file has no tensor for it",
    "unexpected: the file has the tensor, the model has no place for it",
    "misshapen: the tensor has another shape than the parameter",
    "of a type that no weight has",
    "double: several tensors for one parameter",
    "not a copy, though it must be one",
];

impl Difference {
    fn section(&self) -> usize {
        match self {
            Self::Missing { .. } => 0,
            Self::Unexpected { .. } => 1,
            Self::Misshapen { .. } => 2,
            Self::WrongType { .. } => 3,
            Self::Doubled { .. } => 4,
            Self::Differs { .. } => 5,
        }
    }

    /// The columns of the row.
    fn row(&self) -> [String; 3] {
        let near = |nearest: &Option<String>, place: &str| match nearest {
            Some(name) => format!("nearest {place}: {name}"),
            None => String::new(),
        };
        match self {
            Self::Missing { parameter, nearest } => [
                parameter.name.clone(),
                format!("{:?}", parameter.shape),
                near(nearest, "in the file"),
            ],
            Self::Unexpected { tensor, nearest } => [
                tensor.name.clone(),
                format!("{:?}", tensor.shape),
                near(nearest, "in the model"),
            ],
            Self::Misshapen { parameter, tensor } => [
                tensor.name.clone(),
                format!("expected {:?}", parameter.shape),
                format!("found {:?}", tensor.shape),
            ],
            Self::WrongType { tensor } => [
                tensor.name.clone(),
                tensor.dtype.to_string(),
                format!("supported are {SUPPORTED}"),
            ],
            Self::Doubled { parameter, tensors } => {
                [parameter.clone(), tensors.join(", "), String::new()]
            }
            Self::Differs {
                copy,
                original,
                reason,
            } => [copy.clone(), format!("of {original}"), reason.clone()],
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: the weights do not fit the model that config.json describes",
            self.folder.display()
        )?;
        for (section, title) in SECTIONS.iter().enumerate() {
            let of_section = self
                .differences
                .iter()
                .filter(|row| row.section() == section);
            let rows: Vec<[String; 3]> = of_section.map(Difference::row).collect();
            if rows.is_empty() {
                continue;
            }
            write!(f, "\n\n{} {title}", rows.len())?;
            let width = |column: usize| {
                rows.iter()
                    .map(|row| row[column].chars().count())
                    .max()
                    .unwrap_or_default()
            };
            let (first, second) = (width(0), width(1));
            for [name, what, more] in &rows {
                let row = format!("  {name:first$}  {what:second$}  {more}");
                write!(f, "\n{}", row.trim_end())?;
            }
        }
        if !self.hints.is_empty() {
            writeln!(f)?;
        }
        for hint in &self.hints {
            write!(f, "\n{hint}")?;
        }
        Ok(())
    }
}

/// For each name of `names` the most similar one of `others`, if one is similar enough.
pub(super) fn nearest<'a>(names: &[&str], others: &[&'a str]) -> Vec<Option<&'a str>> {
    let characters = |names: &[&str]| names.iter().map(|name| name.len()).sum::<usize>();
    if characters(names).saturating_mul(characters(others)) > MAX_WORK {
        return vec![None; names.len()];
    }
    let most_similar = |name: &&str| {
        others
            .iter()
            .map(|other| (strsim::normalized_levenshtein(name, other), *other))
            .filter(|(likeness, _)| *likeness >= NEAR)
            .max_by(|(a, _), (b, _)| a.total_cmp(b))
            .map(|(_, other)| other)
    };
    names.iter().map(most_similar).collect()
}
