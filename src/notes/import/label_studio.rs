//! Label Studio's tasks: the text under `data`, what people marked under `annotations`.
//!
//! Offsets count units of UTF-16, since its editor is a browser's. Predictions of models are not
//! taken for what people marked.

use serde_json::{Map, Value};

use super::super::annotation::{Annotations, Link, OffsetUnit, Positions, Span};
use super::fields::has_text;
use super::spans::id_of;

/// Kinds of results that have no place here.
const OTHERS: &[&str] = &[
    "textarea",
    "taxonomy",
    "rating",
    "number",
    "datetime",
    "pairwise",
    "ranker",
    "paragraphs",
    "paragraphlabels",
];

/// What was taken from a task.
#[derive(Default)]
pub(super) struct Marked {
    pub(super) annotations: Annotations,
    pub(super) labels: Vec<String>,
    /// What was left out, and why.
    pub(super) wrong: Vec<String>,
    /// What a person should know.
    pub(super) remarks: Vec<String>,
}

/// Whether a record is a task: it has a list of what people marked, or nothing but a text under
/// `data`, as tasks have it before they are worked on.
pub(super) fn is_task(value: &Value) -> bool {
    let Some(data) = value.get("data").and_then(Value::as_object) else {
        return false;
    };
    let names = |object: &Map<String, Value>| object.keys().cloned().collect::<Vec<_>>();
    let lists = ["annotations", "predictions", "completions"];
    let list = |name: &&str| value.get(*name).is_some_and(Value::is_array);
    lists.iter().any(list)
        || (has_text(&names(data)) && !value.as_object().is_some_and(|own| has_text(&names(own))))
}

/// What the first annotator of a task marked in `text`.
pub(super) fn marked(task: &Value, text: &str) -> Marked {
    let mut marked = Marked::default();
    let lists = task.get("annotations").or_else(|| task.get("completions"));
    let all = lists
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let cancelled = |value: &&Value| value.get("was_cancelled") == Some(&Value::Bool(true));
    let mut valid = all.iter().filter(|value| !cancelled(value));
    let Some(first) = valid.next() else {
        return marked;
    };
    let others = valid.count();
    if others > 0 {
        let remark = format!("of {} annotations of a task the first is taken", others + 1);
        marked.remarks.push(remark);
    }
    let results = first.get("result").and_then(Value::as_array);
    let results = results.map(Vec::as_slice).unwrap_or_default();
    let utf16 = Positions::new(text, OffsetUnit::Utf16);
    let code_points = Positions::new(text, OffsetUnit::CodePoints);
    for result in results {
        let value = result.get("value").unwrap_or(&Value::Null);
        let kind = result.get("type").and_then(Value::as_str);
        if let Some(choices) = value.get("choices").and_then(Value::as_array) {
            marked
                .labels
                .extend(choices.iter().filter_map(|c| c.as_str().map(str::to_owned)));
        } else if let Some(other) = kind.and_then(|kind| OTHERS.iter().find(|one| **one == kind)) {
            let remark = format!("results of the kind {other} are left aside");
            marked.remarks.push(remark);
        } else if value.get("start").is_some() {
            match spans(
                result,
                value,
                text,
                [&utf16, &code_points],
                marked.annotations.spans.len() + 1,
            ) {
                Ok((spans, in_code_points)) => {
                    marked.annotations.spans.extend(spans);
                    if in_code_points {
                        let remark = "a span fits its text only if its offsets count code points";
                        marked.remarks.push(remark.to_owned());
                    }
                }
                Err(reason) => marked.wrong.push(reason.to_owned()),
            }
        } else if kind != Some("relation") {
            let remark = "results of a kind that is not known here are left aside";
            marked.remarks.push(remark.to_owned());
        }
    }
    for (number, result) in (1..).zip(results) {
        if result.get("type").and_then(Value::as_str) == Some("relation") {
            match relation(result, number, &marked.annotations) {
                Some(link) => marked.annotations.relations.push(link),
                None => marked
                    .wrong
                    .push("a relation refers to a span that is not there".to_owned()),
            }
        }
    }
    marked
}

/// A span for each label of a region, and whether its offsets count code points after all.
fn spans(
    result: &Value,
    value: &Value,
    text: &str,
    [utf16, code_points]: [&Positions<'_>; 2],
    number: usize,
) -> Result<(Vec<Span>, bool), &'static str> {
    let offset = |name: &str| {
        let number = value.get(name).and_then(Value::as_u64);
        number
            .map(|number| number as usize)
            .ok_or("a span has no offsets")
    };
    let (start, end) = (offset("start")?, offset("end")?);
    let stored = value.get("text").and_then(Value::as_str);
    let fits =
        |place: &std::ops::Range<usize>| stored.is_none_or(|stored| stored == &text[place.clone()]);
    if start >= end {
        utf16.bytes(start, end)?;
    }
    let found = utf16
        .bytes(start, end)
        .ok()
        .filter(fits)
        .map(|place| (place, false));
    let found = found.or_else(|| {
        let place = code_points.bytes(start, end).ok().filter(fits);
        place
            .filter(|_| stored.is_some())
            .map(|place| (place, true))
    });
    let (place, in_code_points) =
        found.ok_or("the text at the offsets of a span is not the one that it repeats")?;
    let labels = ["labels", "hypertextlabels"]
        .iter()
        .find_map(|name| value.get(*name));
    let labels = labels.and_then(Value::as_array).into_iter().flatten();
    let id = result
        .get("id")
        .and_then(id_of)
        .unwrap_or_else(|| format!("T{number}"));
    let spans: Vec<Span> = (1..)
        .zip(labels.filter_map(Value::as_str))
        .map(|(number, label)| Span {
            // Relations name the region; the first of its spans stands for it.
            id: match number {
                1 => id.clone(),
                _ => format!("{id}-{number}"),
            },
            label: label.to_owned(),
            pieces: vec![place.clone()],
        })
        .collect();
    match spans.is_empty() {
        true => Err("a span has no label"),
        false => Ok((spans, in_code_points)),
    }
}

fn relation(result: &Value, number: usize, found: &Annotations) -> Option<Link> {
    let id = |name: &str| {
        let id = result.get(name).and_then(id_of)?;
        found.spans.iter().any(|span| span.id == id).then_some(id)
    };
    let label = result
        .get("labels")
        .and_then(|labels| labels.get(0))
        .and_then(Value::as_str);
    Some(Link {
        id: format!("R{number}"),
        label: label.unwrap_or("related").to_owned(),
        trigger: None,
        arguments: vec![
            ("Arg1".to_owned(), id("from_id")?),
            ("Arg2".to_owned(), id("to_id")?),
        ],
    })
}
