//! Marked spans as JSON dialects write them.

use serde_json::Value;

use super::super::annotation::{Annotations, Link, OffsetUnit, Positions, Span};

/// Adds spans in any of the usual spellings: `[start, end, label]`, or objects with `start`/`end`
/// or `start_offset`/`end_offset` and `label` or `type`. Returns what is wrong with those left out.
///
/// A span that repeats its text must repeat what stands there.
pub(super) fn add_spans(
    list: &[Value],
    text: &str,
    unit: OffsetUnit,
    found: &mut Annotations,
) -> Vec<&'static str> {
    let positions = Positions::new(text, unit);
    let mut wrong = Vec::new();
    for value in list {
        match one(value, text, &positions, found.spans.len() + 1) {
            Ok(span) => found.spans.push(span),
            Err(reason) => wrong.push(reason),
        }
    }
    wrong
}

/// Whether a value is a list of spans, and not one of labels.
pub(super) fn is_spans(value: &Value) -> bool {
    value.as_array().is_some_and(|list| {
        !list.is_empty()
            && list.iter().all(|one| match one {
                Value::Array(parts) => parts.len() >= 3 && parts[0].is_u64() && parts[1].is_u64(),
                Value::Object(own) => ["start", "start_offset"]
                    .iter()
                    .any(|key| own.contains_key(*key)),
                _ => false,
            })
    })
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
            .ok_or("a span has no offsets")
            .map(|number| number as usize)
    };
    let span = positions.bytes(
        offset(&["start", "start_offset"], 0)?,
        offset(&["end", "end_offset"], 1)?,
    );
    let span = span.ok_or("the offsets of a span lie outside of the text")?;
    let label = get(&["label", "type", "entity_group"], 2).and_then(Value::as_str);
    let label = label.ok_or("a span has no label")?;
    let stored = value.get("text").and_then(Value::as_str);
    if stored.is_some_and(|stored| stored != &text[span.clone()]) {
        return Err("the text at the offsets of a span is not the one that it repeats");
    }
    Ok(Span {
        id: value
            .get("id")
            .and_then(id_of)
            .unwrap_or_else(|| format!("T{number}")),
        label: label.to_owned(),
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
) -> Vec<&'static str> {
    let positions = Positions::new(text, unit);
    let by_place = |value: Option<&Value>| {
        let value = value?;
        let number = |name: &str| Some(value.get(name)?.as_u64()? as usize);
        let place = positions.bytes(number("start")?, number("end")?)?;
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
            wrong.push("a relation refers to a span that is not there");
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
