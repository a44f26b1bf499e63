//! Figures by the values of a column, so that nobody hides in an average.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Figures;
use crate::metrics::MetricsError;

/// Slices of fewer notes than this have no figures: they would be noise.
pub const TOO_FEW: usize = 20;

/// The slices of one column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SliceTable {
    /// The column.
    pub column: String,
    /// Its values, the most frequent first.
    pub slices: Vec<Slice>,
}

/// The notes with one value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slice {
    /// The value; empty for notes without one.
    pub value: String,
    /// Notes that have it.
    pub examples: usize,
    /// Whether these are fewer than [`TOO_FEW`].
    pub too_few: bool,
    /// Their figures; `None` if they are too few.
    pub figures: Option<Figures>,
}

/// Slices notes by a value each; `figures` computes those of some notes, by number.
pub(super) fn slice_table(
    column: &str,
    values: &[String],
    figures: impl Fn(&[usize]) -> Result<Figures, MetricsError>,
) -> Result<SliceTable, MetricsError> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (note, value) in values.iter().enumerate() {
        groups.entry(value).or_default().push(note);
    }
    let slice = |(value, notes): (&str, Vec<usize>)| {
        let too_few = notes.len() < TOO_FEW;
        Ok(Slice {
            value: value.to_owned(),
            examples: notes.len(),
            too_few,
            figures: (!too_few).then(|| figures(&notes)).transpose()?,
        })
    };
    let mut slices: Vec<Slice> = groups
        .into_iter()
        .map(slice)
        .collect::<Result<_, MetricsError>>()?;
    slices.sort_by_key(|slice| std::cmp::Reverse(slice.examples));
    Ok(SliceTable {
        column: column.to_owned(),
        slices,
    })
}
