//! What a note has in the column or field of a name.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{Note, Source};

/// A name that no note has a column of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no note has a column \"{column}\"; {}", there_are(.names))]
pub struct ColumnError {
    /// What was asked for.
    pub column: String,
    /// The columns that there are.
    pub names: Vec<String>,
}

/// Names that are listed.
const SHOWN: usize = 40;

fn there_are(names: &[String]) -> String {
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown = names[..names.len().min(SHOWN)].join(", ");
    format!("there are: {shown}{more}")
}

/// What every note can have, whatever its file calls it.
const OWN: [&str; 5] = ["text", "id", "patient", "label", "source"];

/// What a note has in a column: a field of this name, else that of its text, id, patient or label
/// which has this name in its file, else one of `text`, `id`, `patient`, `label` and `source`
/// themselves. A name may differ in case where none is the same.
///
/// Several labels are joined with `; `. White space at the ends is no value; `None` where there is
/// none.
pub fn column_value<'a>(note: &'a Note, column: &str) -> Option<Cow<'a, str>> {
    let same = |name: &str| name == column;
    let alike = |name: &str| name.trim().eq_ignore_ascii_case(column.trim());
    let found = find(note, same).or_else(|| find(note, alike))?;
    match found {
        Cow::Borrowed(value) => Some(Cow::Borrowed(value.trim())),
        value => Some(value),
    }
    .filter(|value| !value.is_empty())
}

fn find<'a>(note: &'a Note, is: impl Fn(&str) -> bool) -> Option<Cow<'a, str>> {
    let details = note.details();
    let field = details.fields.iter().find(|(name, _)| is(name));
    if let Some((_, value)) = field {
        return Some(Cow::Borrowed(value));
    }
    if let Source::File(file, _) = note.source() {
        let columns = &file.columns;
        let named = |name: &Option<String>| name.as_deref().is_some_and(&is);
        match &columns.text[..] {
            [text] if is(text) => return own(note, "text"),
            _ if named(&columns.id) => return own(note, "id"),
            _ if named(&columns.patient) => return own(note, "patient"),
            _ if named(&columns.label) => return own(note, "label"),
            _ => {}
        }
    }
    OWN.into_iter()
        .find(|name| is(name))
        .and_then(|name| own(note, name))
}

fn own<'a>(note: &'a Note, name: &str) -> Option<Cow<'a, str>> {
    let details = note.details();
    match name {
        "text" => Some(Cow::Borrowed(note.text())),
        "id" => details.id.as_deref().map(Cow::Borrowed),
        "patient" => details.patient.as_deref().map(Cow::Borrowed),
        "source" => Some(Cow::Owned(note.source().to_string())),
        _ => match &details.labels[..] {
            [] => None,
            [label] => Some(Cow::Borrowed(label)),
            labels => Some(Cow::Owned(labels.join("; "))),
        },
    }
}

/// The names of all columns of notes.
pub fn column_names(notes: &[Note]) -> Vec<String> {
    let mut names = BTreeSet::new();
    notes.iter().for_each(|note| add_names(note, &mut names));
    names.extend(OWN.map(str::to_owned));
    names.into_iter().collect()
}

/// Adds the names of a note's columns, those not counted that every note can have.
pub(super) fn add_names(note: &Note, names: &mut BTreeSet<String>) {
    let mut add = |name: &String| {
        if !names.contains(name) {
            names.insert(name.clone());
        }
    };
    note.details().fields.keys().for_each(&mut add);
    if let Source::File(file, _) = note.source() {
        let one = [&file.columns.id, &file.columns.patient, &file.columns.label];
        let one = one.into_iter().flatten();
        one.chain(&file.columns.text).for_each(add);
    }
}

/// That there is a column of this name, in one note at least.
///
/// # Errors
/// [`ColumnError`] when no note has one.
pub fn check_column(notes: &[Note], column: &str) -> Result<(), ColumnError> {
    is_among(column, &column_names(notes).into_iter().collect())
}

/// That a column is among those that notes have, or that every note can have.
pub(super) fn is_among(column: &str, names: &BTreeSet<String>) -> Result<(), ColumnError> {
    let is = |name: &str| name.trim().eq_ignore_ascii_case(column.trim());
    if OWN.into_iter().any(is) || names.iter().any(|name| is(name)) {
        return Ok(());
    }
    let own = OWN.into_iter().map(str::to_owned);
    let names: BTreeSet<String> = names.iter().cloned().chain(own).collect();
    Err(ColumnError {
        column: column.to_owned(),
        names: names.into_iter().collect(),
    })
}
