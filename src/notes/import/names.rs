//! Which field of JSON records holds what.

use std::collections::HashSet;

use serde_json::Value;

use super::fields::{Roles, position, roles};
use super::{Columns, own};

/// A field of a record that can be text, an id or a label.
pub(super) struct Field<'a> {
    pub(super) name: String,
    pub(super) path: Vec<String>,
    pub(super) value: &'a Value,
}

/// Fields that are values or lists, those of nested objects with dotted names.
pub(super) fn flatten<'a>(
    value: &'a Value,
    path: &[String],
    prefix: &str,
    fields: &mut Vec<Field<'a>>,
) {
    let Some(object) = value.as_object() else {
        return;
    };
    for (name, value) in object {
        let own: Vec<String> = path.iter().chain([name]).cloned().collect();
        let full = format!("{prefix}{name}");
        match value {
            // Marks and other fields of a note as this program writes them.
            _ if name == "annotations" && path.is_empty() && own::has_marks(value) => {}
            Value::Object(_) if name == "fields" && path.is_empty() => {
                flatten(value, &own, "", fields);
            }
            Value::Object(_) => flatten(value, &own, &format!("{full}."), fields),
            _ => fields.push(Field {
                name: full,
                path: own,
                value,
            }),
        }
    }
}

/// Names of the fields that hold what. The text is where the first record has it: in another field
/// it would be another text.
#[derive(Default)]
pub(super) struct Names {
    text: Vec<String>,
    id: Option<String>,
    patient: Option<String>,
    label: Option<String>,
    error: Option<String>,
    /// Whether the text is made of fields that keep their own meaning, too.
    stands_in: bool,
    /// All that were looked at.
    seen: HashSet<String>,
}

impl Names {
    /// Learns from a record what those before did not tell. Returns a remark if it has several
    /// fields that could be the text.
    ///
    /// # Errors
    /// A sentence when no record so far has a text.
    pub(super) fn learn(
        &mut self,
        fields: &[Field<'_>],
        columns: &Columns,
        task: bool,
    ) -> Result<Option<String>, String> {
        let first = self.text.is_empty();
        if !first && fields.iter().all(|field| self.seen.contains(&field.name)) {
            return Ok(None);
        }
        let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
        let wanted = match task {
            true => inside_data(columns),
            false => columns.clone(),
        };
        let present = present(&names, &wanted);
        let found = match roles(&names, &present) {
            Ok(mut found) => {
                // Where a person names a field, no other stands for it.
                let lacks = |wanted: &Option<String>, present: &Option<String>| {
                    wanted.is_some() && present.is_none()
                };
                for (own, lacks) in [
                    (&mut found.id, lacks(&wanted.id, &present.id)),
                    (&mut found.patient, lacks(&wanted.patient, &present.patient)),
                    (&mut found.label, lacks(&wanted.label, &present.label)),
                ] {
                    *own = own.filter(|_| !lacks);
                }
                found
            }
            Err(reason) if first => return Err(reason),
            // Such as a record that lacks a field of the others.
            Err(_) => return Ok(None),
        };
        let name = |column: usize| names[column].clone();
        let mut remark = None;
        if first {
            // Of several texts that are named, a later record may have one that this lacks.
            let spelled = |wanted: &String| {
                let column = position(&names, wanted);
                column.map_or_else(|| wanted.clone(), name)
            };
            self.text = match &wanted.text[..] {
                [] => found.text.iter().map(|&column| name(column)).collect(),
                wanted => wanted.iter().map(spelled).collect(),
            };
            self.stands_in = found.stands_in;
            if !found.other_texts.is_empty() {
                let (text, others) = (&self.text[0], found.other_texts.join(", "));
                remark = Some(format!(
                    "\"{text}\" is taken as the text; name another with --text: {others}"
                ));
            }
        }
        for (own, found) in [
            (&mut self.id, found.id),
            (&mut self.patient, found.patient),
            (&mut self.label, found.label),
            (&mut self.error, found.error),
        ] {
            let free = |name: &String| self.stands_in || !self.text.contains(name);
            *own = own.take().or(found.map(name).filter(free));
        }
        self.seen.extend(names);
        Ok(remark)
    }

    /// What `columns` names of a note's details that no record has, with the flag that names it.
    pub(super) fn missing<'a>(&self, columns: &'a Columns) -> Vec<(&'static str, &'a str)> {
        let named = [
            ("--id", &columns.id, &self.id),
            ("--patient", &columns.patient, &self.patient),
            ("--label", &columns.label, &self.label),
        ];
        let missing = named.into_iter().filter(|(_, _, found)| found.is_none());
        missing
            .filter_map(|(flag, wanted, _)| Some((flag, wanted.as_deref()?)))
            .collect()
    }

    /// Whether no record was read.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Where a record has what these names say.
    ///
    /// # Errors
    /// A sentence when it has no field of the text.
    pub(super) fn find(&self, fields: &[Field<'_>]) -> Result<Roles, String> {
        let column = |name: &String| fields.iter().position(|field| field.name == *name);
        let one = |name: &Option<String>| name.as_ref().and_then(column);
        let text: Vec<usize> = self.text.iter().filter_map(column).collect();
        if text.is_empty() {
            let names = self.text.join("\" or \"");
            return Err(format!(
                "it has no \"{names}\", which is the text of the records before it"
            ));
        }
        Ok(Roles {
            text,
            id: one(&self.id),
            patient: one(&self.patient),
            label: one(&self.label),
            error: one(&self.error),
            stands_in: self.stands_in,
            ..Roles::default()
        })
    }
}

/// Of the fields that a person names those that a record has; all of its texts if it has none, since
/// it needs one.
fn present(names: &[String], columns: &Columns) -> Columns {
    let is = |wanted: &&String| position(names, wanted).is_some();
    let text: Vec<String> = columns.text.iter().filter(is).cloned().collect();
    let one = |wanted: &Option<String>| wanted.as_ref().filter(is).cloned();
    Columns {
        text: match text.is_empty() {
            true => columns.text.clone(),
            false => text,
        },
        id: one(&columns.id),
        patient: one(&columns.patient),
        label: one(&columns.label),
        form: columns.form.clone(),
    }
}

/// Names of columns as they are inside of a task's `data`.
fn inside_data(columns: &Columns) -> Columns {
    let own = |name: &String| name.strip_prefix("data.").unwrap_or(name).to_owned();
    Columns {
        text: columns.text.iter().map(own).collect(),
        id: columns.id.as_ref().map(own),
        patient: columns.patient.as_ref().map(own),
        label: columns.label.as_ref().map(own),
        form: columns.form.iter().map(own).collect(),
    }
}
