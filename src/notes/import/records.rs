//! Records of JSON files as notes, in the dialects of annotation tools.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::Value;

use super::super::annotation::{Annotations, OffsetUnit};
use super::fields::{Roles, roles};
use super::json_text::{elements, find, string_runs};
use super::label_studio;
use super::spans::{add_relations, add_spans, id_of, is_spans};
use super::{Details, FileContext, Place, Runs};

/// Fields of records that say how they are marked, and are no details of the note.
const STRUCTURE: &[&str] = &[
    "spans",
    "entities",
    "relations",
    "annotations",
    "tokens",
    "options",
    "accept",
    "answer",
    "offset_unit",
    "predictions",
    "completions",
    "source",
    "sha256",
];

/// One record of a file.
pub(super) struct Record<'a> {
    pub(super) value: &'a Value,
    /// Its bytes in the decoded file.
    pub(super) range: Range<usize>,
    pub(super) line: u64,
    /// The name it has in its file.
    pub(super) key: Option<String>,
}

/// What is known of the records so far.
#[derive(Default)]
pub(super) struct Records {
    /// Names of the last record's fields, and what they hold.
    last: Option<(Vec<String>, Result<Roles, String>)>,
    dialects: BTreeSet<&'static str>,
    told: BTreeSet<String>,
}

/// A field of a record that can be text, an id or a label.
struct Field<'a> {
    name: String,
    path: Vec<String>,
    value: &'a Value,
}

impl Records {
    /// Adds a record as a note, or says why it is left out.
    pub(super) fn add(&mut self, file: &mut FileContext<'_>, record: Record<'_>) {
        if let Err(reason) = self.read(file, &record) {
            file.skip(record.line, reason);
        }
    }

    /// Says what the records were.
    pub(super) fn finish(self, file: &mut FileContext<'_>, kind: &str) {
        let dialects: Vec<&str> = self.dialects.into_iter().collect();
        file.format = match dialects[..] {
            [] => kind.to_owned(),
            _ => format!("{kind}, {}", dialects.join(" and ")),
        };
    }

    /// A remark that is made once in a file.
    fn tell(&mut self, file: &mut FileContext<'_>, line: u64, remark: &str) {
        if self.told.insert(remark.to_owned()) {
            file.warn(Some(line), remark);
        }
    }

    fn read(&mut self, file: &mut FileContext<'_>, record: &Record<'_>) -> Result<(), String> {
        let value = record.value;
        if let Value::String(text) = value {
            let runs = string_runs(file.text, record.range.clone());
            return add_note(file, record, text.clone(), runs, Details::default());
        }
        if !value.is_object() {
            return Err("a record is an object with fields, or a text".to_owned());
        }
        let task = label_studio::is_task(value);
        let mut fields = Vec::new();
        match task {
            true => flatten(&value["data"], &["data".to_owned()], "", &mut fields),
            false => flatten(value, &[], "", &mut fields),
        }
        let roles = self.roles(file, record.line, &fields)?;
        let (text, runs) = join(file.text, record, &roles.text, &fields);
        if text.trim().is_empty() {
            return Err("the text is empty".to_owned());
        }
        let mut details = Details {
            id: record.key.clone(),
            ..Details::default()
        };
        let scalar = |column: Option<usize>| column.and_then(|column| id_of(fields[column].value));
        details.id = details.id.or_else(|| scalar(roles.id));
        if task {
            details.id = value.get("id").and_then(id_of).or(details.id);
        }
        details.patient = scalar(roles.patient);
        if let Some(label) = roles.label.map(|column| fields[column].value) {
            details.labels = labels(label);
        }
        let special = [roles.id, roles.patient, roles.label];
        for (column, field) in fields.iter().enumerate() {
            let taken = roles.text.contains(&column) || special.contains(&Some(column));
            if !taken && let Some(plain) = plain(field.value) {
                details.fields.insert(field.name.clone(), plain);
            }
        }
        self.marks(file, record, &text, task, &mut details)?;
        add_note(file, record, text, runs, details)
    }

    /// What the fields hold; records with the same fields share it.
    fn roles(
        &mut self,
        file: &mut FileContext<'_>,
        line: u64,
        fields: &[Field<'_>],
    ) -> Result<Roles, String> {
        let same = |names: &[String]| names.iter().eq(fields.iter().map(|field| &field.name));
        if !self.last.as_ref().is_some_and(|(names, _)| same(names)) {
            let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
            let found = roles(&names, &file.options.columns);
            if let Ok(found) = &found
                && !found.other_texts.is_empty()
            {
                let text = &names[found.text[0]];
                let others = found.other_texts.join(", ");
                let remark =
                    format!("\"{text}\" is taken as the text; name another with --text: {others}");
                self.tell(file, line, &remark);
            }
            self.last = Some((names, found));
        }
        match &self.last {
            Some((_, found)) => found.clone(),
            None => Err("there are no fields".to_owned()),
        }
    }

    /// Adds what is marked, in the dialect in which it is.
    fn marks(
        &mut self,
        file: &mut FileContext<'_>,
        record: &Record<'_>,
        text: &str,
        task: bool,
        details: &mut Details,
    ) -> Result<(), String> {
        let value = record.value;
        let mut wrong: Vec<String> = Vec::new();
        let unit = value.get("offset_unit").and_then(Value::as_str);
        let unit = match unit.map(|name| OffsetUnit::named(name).ok_or(name)) {
            None => OffsetUnit::CodePoints,
            Some(Ok(unit)) => unit,
            Some(Err(_)) => {
                return Err("its offset_unit is none of bytes, code_points and utf-16".to_owned());
            }
        };
        let list = |name: &str| value.get(name).and_then(Value::as_array).map(Vec::as_slice);
        let prodigy = ["_input_hash", "_task_hash", "answer"]
            .iter()
            .any(|key| value.get(*key).is_some());
        if task {
            self.dialects.insert("Label Studio");
            let marked = label_studio::marked(value, text);
            details.annotations = marked.annotations;
            details.labels.extend(marked.labels);
            wrong.extend(marked.wrong);
            for remark in marked.remarks {
                self.tell(file, record.line, &remark);
            }
        } else if let Some(own) = value.get("annotations").filter(|own| own.is_object()) {
            self.dialects.insert("Auscult");
            details.annotations = own_marks(own, text)?;
        } else {
            let answer = value.get("answer").and_then(Value::as_str);
            if answer.is_some_and(|answer| answer != "accept") {
                self.dialects.insert("Prodigy");
                let remark = "records that were not accepted are read without their marks";
                self.tell(file, record.line, remark);
                details.labels.clear();
                return Ok(());
            }
            let spans = ["spans", "entities", "label", "labels"];
            let spans = spans
                .into_iter()
                .find(|name| value.get(*name).is_some_and(is_spans));
            if prodigy {
                self.dialects.insert("Prodigy");
                let accepted = list("accept").map(|accepted| Value::Array(accepted.to_vec()));
                details.labels.extend(accepted.iter().flat_map(labels));
            } else if spans.is_some() {
                self.dialects.insert("doccano");
            }
            let found = &mut details.annotations;
            let reasons = spans
                .and_then(list)
                .map(|list| add_spans(list, text, unit, found));
            let related = list("relations").map(|list| add_relations(list, text, unit, found));
            let reasons = reasons.into_iter().chain(related).flatten();
            wrong.extend(reasons.map(str::to_owned));
        }
        for reason in wrong {
            file.skip(record.line, format!("left out: {reason}"));
        }
        Ok(())
    }
}

/// Marks in the form that this program writes: offsets are bytes.
fn own_marks(value: &Value, text: &str) -> Result<Annotations, String> {
    let found: Result<Annotations, _> = serde_json::from_value(value.clone());
    // What serde says may repeat the value.
    let found = found.map_err(|_| "its annotations are not as this program writes them")?;
    let pieces = found.spans.iter().flat_map(|span| &span.pieces);
    let inside =
        |piece: &Range<usize>| piece.start < piece.end && text.get(piece.clone()).is_some();
    match pieces.clone().all(inside) {
        true => Ok(found),
        false => Err("the offsets of a span lie outside of the text".to_owned()),
    }
}

/// Fields that are values or lists, those of nested objects with dotted names.
fn flatten<'a>(value: &'a Value, path: &[String], prefix: &str, fields: &mut Vec<Field<'a>>) {
    let Some(object) = value.as_object() else {
        return;
    };
    for (name, value) in object {
        let own: Vec<String> = path.iter().chain([name]).cloned().collect();
        let full = format!("{prefix}{name}");
        if prefix.is_empty() && (STRUCTURE.contains(&name.as_str()) || name.starts_with('_')) {
            continue;
        }
        match value {
            // This program's own way to write the other fields of a note.
            Value::Object(_) if name == "fields" && prefix.is_empty() => {
                flatten(value, &own, "", fields);
            }
            Value::Object(_) => flatten(value, &own, &format!("{full}."), fields),
            Value::Null => {}
            _ if is_spans(value) => {}
            _ => fields.push(Field {
                name: full,
                path: own,
                value,
            }),
        }
    }
}

/// The text of several fields and where its characters stand.
fn join(
    text: &str,
    record: &Record<'_>,
    columns: &[usize],
    fields: &[Field<'_>],
) -> (String, Runs) {
    let mut joined = String::new();
    let mut runs = Runs::default();
    let mut push = |part: &str, own: Runs, between: &str| {
        if part.trim().is_empty() {
            return;
        }
        if !joined.is_empty() {
            joined.push_str(between);
            runs.character(runs.origin(runs.len()), between.len(), 0);
        }
        joined.push_str(part);
        runs.append(&own);
    };
    for &column in columns {
        let field = &fields[column];
        let Some(range) = find(text, record.range.clone(), &field.path) else {
            continue;
        };
        match field.value {
            Value::String(part) => push(part, string_runs(text, range), "\n\n"),
            Value::Array(parts) => {
                let ranges = elements(text, range);
                for (number, (part, range)) in parts.iter().zip(ranges).enumerate() {
                    let between = if number == 0 { "\n\n" } else { "\n" };
                    if let Value::String(part) = part {
                        push(part, string_runs(text, range), between);
                    }
                }
            }
            _ => {}
        }
    }
    (joined, runs)
}

/// Labels of a note: one, or a list of them.
fn labels(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().filter_map(id_of).collect(),
        Value::Bool(label) => vec![label.to_string()],
        value => id_of(value)
            .into_iter()
            .filter(|label| !label.is_empty())
            .collect(),
    }
}

/// A value as the text of a column.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Array(list) if list.iter().all(|one| id_of(one).is_some()) => {
            Some(list.iter().filter_map(id_of).collect::<Vec<_>>().join("; "))
        }
        value => id_of(value),
    }
}

fn add_note(
    file: &mut FileContext<'_>,
    record: &Record<'_>,
    text: String,
    runs: Runs,
    details: Details,
) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("the text is empty".to_owned());
    }
    file.add(Place::Line(record.line), text, details, runs);
    Ok(())
}
