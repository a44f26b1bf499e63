//! What a note has in the column or field of a name.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::PathBuf;

use super::import::{Columns, ImportOptions, beginning, files_of};
use super::{Note, Source};
use crate::job::{Cancelled, Job};

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

/// The columns of a note other than those of its text and its name, as its file calls them.
pub fn file_columns(note: &Note) -> impl Iterator<Item = &String> {
    let file = match note.source() {
        Source::File(file, _) => Some(&file.columns),
        _ => None,
    };
    let named = file.into_iter().flat_map(|own| [&own.label, &own.patient]);
    note.details().fields.keys().chain(named.flatten())
}

/// Files of a folder that are looked at for their columns.
const LOOKED_AT: usize = 200;

/// The [`file_columns`] of these files and folders, as the notes at the beginning of each file have them.
/// A file in which nothing is called as `columns` says is read without that; what cannot be read has none.
///
/// # Errors
/// [`Cancelled`] when `job` is stopped.
pub fn columns_of_files(
    paths: &[PathBuf],
    columns: &Columns,
    job: &Job,
) -> Result<BTreeSet<String>, Cancelled> {
    let said = ImportOptions {
        columns: columns.clone(),
        ..ImportOptions::default()
    };
    let quiet = job.quiet();
    let mut names = BTreeSet::new();
    for (done, path) in paths.iter().enumerate() {
        job.step(done, paths.len(), "files")?;
        for file in files_of(path).iter().take(LOOKED_AT) {
            job.check()?;
            let mut notes = beginning(file, &said, &quiet);
            if notes.is_empty() && *columns != Columns::default() {
                notes = beginning(file, &ImportOptions::default(), &quiet);
            }
            for note in &notes {
                let new = file_columns(note).filter(|own| !names.contains(*own));
                let new: Vec<String> = new.cloned().collect();
                names.extend(new);
            }
        }
    }
    job.check()?;
    Ok(names)
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
