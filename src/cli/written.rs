//! Notes as this program writes them, to be read again.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::output::Table;
use crate::engine::{Annotations, Details, Note, Source};

/// A note in the shape in which it is written.
#[derive(Serialize)]
pub(super) struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patient: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    labels: &'a [String],
    text: &'a str,
    offset_unit: &'static str,
    pub(super) annotations: &'a Annotations,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: &'a BTreeMap<String, String>,
}

pub(super) fn written(note: &Note) -> Written<'_> {
    let Details {
        id,
        patient,
        labels,
        annotations,
        fields,
    } = note.details();
    Written {
        id: id.as_deref(),
        source: note.source().to_string(),
        sha256: match note.source() {
            Source::File(file, _) => Some(&file.sha256),
            Source::Typed => None,
        },
        patient: patient.as_deref(),
        labels,
        text: note.text(),
        offset_unit: "bytes",
        annotations,
        fields,
    }
}

/// Columns of every table of notes; fields of the same name get another.
const COLUMNS: [&str; 5] = ["id", "source", "patient", "label", "text"];

/// Notes as rows; marks have no column.
pub(super) fn table(items: &[Written<'_>]) -> Table {
    let fields: BTreeSet<&String> = items.iter().flat_map(|item| item.fields.keys()).collect();
    let mut header: Vec<String> = COLUMNS.map(str::to_owned).to_vec();
    for field in &fields {
        let mut name = (*field).clone();
        // Names that differ in case only would be one when the table is read again.
        while header.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
            name.push('_');
        }
        header.push(name);
    }
    let row = |item: &Written<'_>| {
        let own = [
            item.id.unwrap_or_default().to_owned(),
            item.source.clone(),
            item.patient.unwrap_or_default().to_owned(),
            item.labels.join("; "),
            item.text.to_owned(),
        ];
        let fields = fields.iter();
        let others = fields.map(|field| item.fields.get(*field).cloned().unwrap_or_default());
        own.into_iter().chain(others).collect()
    };
    Table {
        rows: items.iter().map(row).collect(),
        header,
    }
}
