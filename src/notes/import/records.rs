//! Records of JSON files as notes, in the dialects of annotation tools.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::Value;

use super::super::annotation::OffsetUnit;
use super::fields::{Roles, is_error};
use super::json_text::{elements, find, string_runs};
use super::names::{Field, Names, flatten};
use super::spans::{SPAN_FIELDS, add_relations, add_spans, id_of, is_marks, is_prodigy, span_list};
use super::{Columns, Details, FileContext, Place, Runs, label_studio, own};

/// Fields in which Prodigy keeps what is no detail of the note, besides those that begin with `_`.
const PRODIGY: &[&str] = &["tokens", "options", "accept", "answer"];

/// What is wrong with a file whose first record is a FHIR resource, if no text of it is named.
pub(super) fn fhir(value: &Value, columns: &Columns) -> Option<String> {
    let kind = value.get("resourceType")?.as_str()?;
    if !columns.text.is_empty() || value.get("text").is_some_and(Value::is_string) {
        return None;
    }
    // Anything else could be text of a note.
    let is_name = kind.len() <= 40 && kind.bytes().all(|byte| byte.is_ascii_alphabetic());
    let kind = if is_name {
        format!(" ({kind})")
    } else {
        String::new()
    };
    Some(format!(
        "this is FHIR{kind}, which is not read yet; save its texts as .txt or .csv"
    ))
}

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
    /// Which fields hold what; tasks, whose fields lie deeper, have their own.
    names: [Names; 2],
    dialects: BTreeSet<&'static str>,
    told: BTreeSet<String>,
}

impl Records {
    /// Adds a record as a note, or says why it is left out.
    pub(super) fn add(&mut self, file: &mut FileContext<'_>, record: Record<'_>) {
        if let Err(reason) = self.read(file, &record) {
            file.skip(record.line, reason);
        }
    }

    /// Says what the records were, and which field that a person names none of them has.
    pub(super) fn finish(self, file: &mut FileContext<'_>, kind: &str) {
        let columns = file.options.columns.clone();
        let read: Vec<&Names> = self
            .names
            .iter()
            .filter(|names| !names.is_empty())
            .collect();
        let missing = read.iter().map(|names| names.missing(&columns));
        let missing = missing.reduce(|a, b| a.into_iter().filter(|one| b.contains(one)).collect());
        for (flag, name) in missing.unwrap_or_default() {
            file.warn(
                None,
                format!("no record has the field \"{name}\", which {flag} names"),
            );
        }
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
        let columns = &file.options.columns;
        if own::is_own(value) && columns.names().next().is_none() {
            return self.own(file, record);
        }
        let task = label_studio::is_task(value);
        let mut fields = Vec::new();
        if task {
            flatten(&value["data"], &["data".to_owned()], "", &mut fields);
        } else {
            flatten(value, &[], "", &mut fields);
            let prodigy = is_prodigy(value);
            fields.retain(|field| !is_structure(field, prodigy));
        }
        let roles = self.roles(file, record.line, &fields, task)?;
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        file.found(&roles, &names);
        let error = roles.error.and_then(|column| plain(fields[column].value));
        if error.is_some_and(|error| is_error(&error)) {
            return Err("marked as an error by its source (ISERROR)".to_owned());
        }
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
            let taken = roles.is_taken(column) || special.contains(&Some(column));
            if !taken && let Some(plain) = plain(field.value) {
                details.fields.insert(field.name.clone(), plain);
            }
        }
        self.marks(file, record, &text, task, &mut details)?;
        add_note(file, record, text, runs, details)
    }

    /// Adds a record that this program wrote.
    fn own(&mut self, file: &mut FileContext<'_>, record: &Record<'_>) -> Result<(), String> {
        self.dialects.insert("Auscult");
        let text = record.value["text"].as_str().unwrap_or_default();
        let place = find(file.text, record.range.clone(), &["text".to_owned()]);
        let runs = place.map_or_else(Runs::default, |place| string_runs(file.text, place));
        let details = own::details(record.value, text)?;
        add_note(file, record, text.to_owned(), runs, details)
    }

    /// What the fields hold, as the records before say.
    fn roles(
        &mut self,
        file: &mut FileContext<'_>,
        line: u64,
        fields: &[Field<'_>],
        task: bool,
    ) -> Result<Roles, String> {
        let names = &mut self.names[usize::from(task)];
        let remark = names.learn(fields, &file.options.columns, task)?;
        let found = names.find(fields);
        if let Some(remark) = remark {
            self.tell(file, line, &remark);
        }
        found
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
        if task {
            self.dialects.insert("Label Studio");
            let marked = label_studio::marked(value, text);
            details.annotations = marked.annotations;
            details.labels.extend(marked.labels);
            wrong.extend(marked.wrong);
            for remark in marked.remarks {
                self.tell(file, record.line, &remark);
            }
        } else if let Some(own) = value.get("annotations").filter(|own| own::has_marks(own)) {
            self.dialects.insert("Auscult");
            details.annotations = own::marks(own, text)?;
        } else {
            let prodigy = is_prodigy(value);
            let answer = value.get("answer").and_then(Value::as_str);
            if prodigy && answer.is_some_and(|answer| answer != "accept") {
                self.dialects.insert("Prodigy");
                let remark = "records that were not accepted are read without their marks";
                self.tell(file, record.line, remark);
                details.labels.clear();
                return Ok(());
            }
            let found = &mut details.annotations;
            let mut lists = 0;
            for name in SPAN_FIELDS {
                let Some((spans, labels)) = value.get(*name).and_then(|own| span_list(name, own))
                else {
                    continue;
                };
                lists += 1;
                details.labels.extend(labels);
                for (number, reason) in add_spans(&spans, text, unit, found) {
                    wrong.push(format!("span {number} of \"{name}\": {reason}"));
                }
            }
            if prodigy {
                self.dialects.insert("Prodigy");
                let accepted = list("accept").map(|accepted| Value::Array(accepted.to_vec()));
                details.labels.extend(accepted.iter().flat_map(labels));
            } else if lists > 0 {
                self.dialects.insert("doccano");
            }
            let related = list("relations").map(|list| add_relations(list, text, unit, found));
            for (number, reason) in related.into_iter().flatten() {
                wrong.push(format!("relation {number}: {reason}"));
            }
        }
        for reason in wrong {
            file.skip(record.line, format!("left out: {reason}"));
        }
        Ok(())
    }
}

/// Whether a field says how the note is marked or how it was asked for, and nothing about it.
fn is_structure(field: &Field<'_>, prodigy: bool) -> bool {
    let [name] = &field.path[..] else {
        return prodigy && field.path[0].starts_with('_');
    };
    name == "offset_unit"
        || is_marks(name, field.value)
        || (prodigy && (PRODIGY.contains(&name.as_str()) || name.starts_with('_')))
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

/// A value as the text of a column; a list that is not one of names or numbers as JSON.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(list) if list.iter().all(|one| id_of(one).is_some()) => {
            Some(list.iter().filter_map(id_of).collect::<Vec<_>>().join("; "))
        }
        value => Some(value.to_string()),
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
