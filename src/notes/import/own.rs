//! Records that this program wrote: their names are read as they stand.

use serde_json::Value;

use super::super::annotation::{Annotations, OffsetUnit, Positions};
use super::Details;
use super::records::plain;

/// Names that a record of this program has for itself.
const OWN: &[&str] = &[
    "id",
    "source",
    "sha256",
    "patient",
    "labels",
    "text",
    "offset_unit",
    "annotations",
    "fields",
];

/// Kinds of marks under `annotations`.
const MARKS: &[&str] = &[
    "spans",
    "relations",
    "events",
    "attributes",
    "comments",
    "other",
];

/// Whether a record's `annotations` are in the form in which this program writes them.
pub(super) fn has_marks(annotations: &Value) -> bool {
    let list = |name: &&str| annotations.get(*name).is_some_and(Value::is_array);
    annotations.as_object().is_some_and(|own| own.is_empty()) || MARKS.iter().any(list)
}

/// Whether this program wrote a record; any of the signs alone can be somebody else's.
pub(super) fn is_own(value: &Value) -> bool {
    let string = |name: &str| value.get(name).is_some_and(Value::is_string);
    let unit = value.get("offset_unit").and_then(Value::as_str);
    unit == Some("bytes")
        && string("source")
        && string("text")
        && value.get("annotations").is_some_and(has_marks)
}

/// What a record of this program says about its note.
///
/// # Errors
/// A sentence when its marks are not as this program writes them.
pub(super) fn details(value: &Value, text: &str) -> Result<Details, String> {
    let string = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let labels = value.get("labels").and_then(Value::as_array);
    let mut details = Details {
        id: string("id"),
        patient: string("patient"),
        labels: labels
            .into_iter()
            .flatten()
            .filter_map(|label| label.as_str().map(str::to_owned))
            .collect(),
        annotations: marks(&value["annotations"], text)?,
        ..Details::default()
    };
    // What somebody added beside it is one of the note's fields, too.
    let added = value.as_object().into_iter().flatten();
    let added = added.filter(|(name, _)| !OWN.contains(&name.as_str()));
    let fields = value.get("fields").and_then(Value::as_object);
    for (name, value) in added.chain(fields.into_iter().flatten()) {
        if let Some(plain) = plain(value) {
            details.fields.insert(name.clone(), plain);
        }
    }
    Ok(details)
}

/// Marks in the form that this program writes: offsets are bytes.
pub(super) fn marks(value: &Value, text: &str) -> Result<Annotations, String> {
    let found: Result<Annotations, _> = serde_json::from_value(value.clone());
    // What serde says may repeat the value.
    let found = found.map_err(|_| "its annotations are not as this program writes them")?;
    let mut pieces = found.spans.iter().flat_map(|span| &span.pieces);
    let positions = Positions::new(text, OffsetUnit::Bytes);
    let wrong = pieces.find_map(|piece| positions.bytes(piece.start, piece.end).err());
    match wrong {
        None => Ok(found),
        Some(reason) => Err(format!("a span in it is wrong: {reason}")),
    }
}
