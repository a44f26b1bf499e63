//! Marked spans as JSON dialects write them.

use serde_json::Value;

use super::super::annotation::{Annotations, Link, OffsetUnit, Positions, Span};

/// Fields that can hold spans.
pub(super) const SPAN_FIELDS: &[&str] = &["spans", "entities", "label", "labels", "annotations"];

/// Something of a list with its number, counted from 1.
type Numbered<'a> = (usize, &'a Value);

/// Something of a list that is left out: its number, counted from 1, and why.
type Wrong = (usize, &'static str);

/// Adds spans in any of the usual spellings: `[start, end, label]`, or objects with `start`/`end`
/// or `start_offset`/`end_offset` and `label` or `type`. Returns what is wrong with those left out.
///
/// A span that repeats its text must repeat what stands there.
pub(super) fn add_spans(
    list: &[Numbered<'_>],
    text: &str,
    unit: OffsetUnit,
    found: &mut Annotations,
) -> Vec<Wrong> {
    let positions = Positions::new(text, unit);
    let mut wrong = Vec::new();
    for (number, value) in list {
        match one(value, text, &positions, found.spans.len() + 1) {
            Ok(span) => found.spans.push(span),
            Err(reason) => wrong.push((*number, reason)),
        }
    }
    wrong
}

/// Whether Prodigy wrote a record.
pub(super) fn is_prodigy(record: &Value) -> bool {
    let hash = |name: &&str| record.get(*name).is_some();
    let answer = record.get("answer").and_then(Value::as_str);
    ["_input_hash", "_task_hash"].iter().any(hash)
        || matches!(answer, Some("accept" | "reject" | "ignore"))
}

/// Whether a field of a record holds marks, and is no detail of the note.
pub(super) fn is_marks(name: &str, value: &Value) -> bool {
    let lists = ["relations", "spans", "entities", "annotations"];
    let empty = value.as_array().is_some_and(Vec::is_empty) && lists.contains(&name);
    let related = name == "relations" && parts(value).any(Value::is_object);
    empty || related || span_list(name, value).is_some()
}

/// The spans in a field, numbered, and the labels of the whole note that stand among them
/// (doccano's annotations can be either); nothing if the field holds no spans.
///
/// One that looks like a span is enough: the others are then spans that are wrong.
pub(super) fn span_list<'a>(
    name: &str,
    value: &'a Value,
) -> Option<(Vec<Numbered<'a>>, Vec<String>)> {
    let is = match name {
        "spans" | "entities" => |one: &Value| one.is_object() || looks_like_span(one),
        "annotations" => |one: &Value| label_alone(one).is_some() || looks_like_span(one),
        "label" | "labels" => looks_like_span,
        _ => return None,
    };
    if !parts(value).any(is) {
        return None;
    }
    let alone = |one: &Value| label_alone(one).filter(|_| name == "annotations");
    let labels = parts(value).filter_map(alone).collect();
    let spans = (1..).zip(parts(value));
    Some((
        spans.filter(|(_, one)| alone(one).is_none()).collect(),
        labels,
    ))
}

fn parts(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Whether a value is a span as far as it has an offset.
fn looks_like_span(value: &Value) -> bool {
    match value {
        Value::Array(parts) => parts.len() >= 3 && parts.iter().take(2).any(Value::is_number),
        Value::Object(own) => ["start", "start_offset", "end", "end_offset"]
            .iter()
            .any(|key| own.contains_key(*key)),
        _ => false,
    }
}

/// The label of an annotation that marks no place.
fn label_alone(value: &Value) -> Option<String> {
    match looks_like_span(value) {
        true => None,
        false => value.get("label").and_then(id_of),
    }
}

fn one(
    value: &Value,
    text: &str,
    positions: &Positions<'_>,
    number: usize,
) -> Result<Span, &'static str> {
    let get = |names: &[&str], index: usize| match value {
        Value::Array(parts) => parts.get(index),
        _ => names.iter().find_map(|name| value.get(*name)),
    };
    let offset = |names: &[&str], index: usize| {
        let number = get(names, index).and_then(Value::as_u64);
        number
            .ok_or("it has no offsets")
            .map(|number| number as usize)
    };
    let span = positions.bytes(
        offset(&["start", "start_offset"], 0)?,
        offset(&["end", "end_offset"], 1)?,
    )?;
    // Some exports have the number of the label instead of its name.
    let label = get(&["label", "type", "entity_group"], 2).and_then(id_of);
    let label = label.ok_or("it has no label")?;
    let stored = value.get("text").and_then(Value::as_str);
    if stored.is_some_and(|stored| stored != &text[span.clone()]) {
        return Err("the text at its offsets is not the one that it repeats");
    }
    Ok(Span {
        id: value
            .get("id")
            .and_then(id_of)
            .unwrap_or_else(|| format!("T{number}")),
        label,
        pieces: vec![span],
    })
}

/// An id, which may be a number.
pub(super) fn id_of(value: &Value) -> Option<String> {
    match value {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// Adds relations between spans by their ids (doccano) or by their offsets (Prodigy).
pub(super) fn add_relations(
    list: &[Value],
    text: &str,
    unit: OffsetUnit,
    found: &mut Annotations,
) -> Vec<Wrong> {
    let positions = Positions::new(text, unit);
    let by_place = |value: Option<&Value>| {
        let value = value?;
        let number = |name: &str| Some(value.get(name)?.as_u64()? as usize);
        let place = positions.bytes(number("start")?, number("end")?).ok()?;
        let own = found
            .spans
            .iter()
            .find(|span| span.pieces == [place.clone()]);
        own.map(|span| span.id.clone())
    };
    let by_id = |value: Option<&Value>| {
        let id = value.and_then(id_of)?;
        found.spans.iter().any(|span| span.id == id).then_some(id)
    };
    let mut wrong = Vec::new();
    let mut relations = Vec::new();
    for (number, value) in (1..).zip(list) {
        let from = by_id(value.get("from_id")).or_else(|| by_place(value.get("head_span")));
        let to = by_id(value.get("to_id")).or_else(|| by_place(value.get("child_span")));
        let label = value
            .get("type")
            .or_else(|| value.get("label"))
            .and_then(Value::as_str);
        let (Some(from), Some(to), Some(label)) = (from, to, label) else {
            wrong.push((number, "it refers to a span that is not there"));
            continue;
        };
        relations.push(Link {
            id: value
                .get("id")
                .and_then(id_of)
                .unwrap_or_else(|| format!("R{number}")),
            label: label.to_owned(),
            trigger: None,
            arguments: vec![("Arg1".to_owned(), from), ("Arg2".to_owned(), to)],
        });
    }
    found.relations.extend(relations);
    wrong
}
