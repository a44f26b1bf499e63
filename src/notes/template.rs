//! Text forms: texts made from the columns of a table, such as those of codes.

use std::fmt::Write;

use super::columns::{check_column, column_value};
use super::{Details, Note, Source};

/// A text with places for columns, such as `ICD 10 code for {code}: {description}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Column(String),
}

/// Why a text form cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A bracket without its other half.
    #[error(
        "the text form has a {bracket} at byte {byte} without its other half; a bracket that is \
         text is written twice, {bracket}{bracket}"
    )]
    Bracket {
        /// The bracket.
        bracket: char,
        /// Where it stands.
        byte: usize,
    },
    /// A place without a name.
    #[error("the text form has {{}} at byte {byte}; name a column between the brackets")]
    NoName {
        /// Where it stands.
        byte: usize,
    },
    /// Nothing in it differs from note to note.
    #[error("the text form names no column, so that all texts would be the same")]
    NoColumn,
    /// It names a column that no note has.
    #[error("the text form names {{{column}}}, and {source}")]
    Unknown {
        /// The column.
        column: String,
        /// The columns that there are.
        source: super::columns::ColumnError,
    },
}

impl Template {
    /// Reads a text form: columns stand in `{}`; `{{` and `}}` are brackets.
    ///
    /// # Errors
    /// [`TemplateError`] when brackets do not fit, or it names no column.
    pub fn parse(form: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = form.char_indices().peekable();
        while let Some((byte, c)) = rest.next() {
            if matches!(c, '{' | '}') && rest.next_if(|&(_, next)| next == c).is_some() {
                text.push(c);
                continue;
            }
            match c {
                '}' => return Err(TemplateError::Bracket { bracket: c, byte }),
                '{' => {
                    let own = &form[byte + 1..];
                    let end = own
                        .find(['{', '}'])
                        .filter(|&end| own[end..].starts_with('}'));
                    let end = end.ok_or(TemplateError::Bracket { bracket: c, byte })?;
                    let name = own[..end].trim();
                    if name.is_empty() {
                        return Err(TemplateError::NoName { byte });
                    }
                    if !text.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut text)));
                    }
                    parts.push(Part::Column(name.to_owned()));
                    while rest.next_if(|&(at, _)| at <= byte + 1 + end).is_some() {}
                }
                c => text.push(c),
            }
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        let template = Self { parts };
        match template.columns().count() {
            0 => Err(TemplateError::NoColumn),
            _ => Ok(template),
        }
    }

    /// The columns that it names.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Column(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// That notes have the columns that it names.
    ///
    /// # Errors
    /// [`TemplateError::Unknown`] with those that there are.
    pub fn check(&self, notes: &[Note]) -> Result<(), TemplateError> {
        for column in self.columns() {
            check_column(notes, column).map_err(|source| TemplateError::Unknown {
                column: column.to_owned(),
                source,
            })?;
        }
        Ok(())
    }

    /// The text for a note; an error names the column in which it has nothing.
    ///
    /// # Errors
    /// The name of that column.
    pub fn fill(&self, note: &Note) -> Result<String, String> {
        let mut filled = String::new();
        for part in &self.parts {
            let _ = match part {
                Part::Text(text) => filled.write_str(text),
                Part::Column(name) => {
                    let value = column_value(note, name).ok_or_else(|| name.clone())?;
                    filled.write_str(&value)
                }
            };
        }
        Ok(filled)
    }

    /// A note with the text that it makes of it. Marks and the way back to the file are dropped: they
    /// fit the old text only.
    ///
    /// # Errors
    /// The name of the column in which it has nothing.
    pub fn filled(&self, note: &Note) -> Result<Note, String> {
        let text = self.fill(note)?;
        let details = note.details();
        let details = Details {
            id: details.id.clone(),
            patient: details.patient.clone(),
            labels: details.labels.clone(),
            fields: details.fields.clone(),
            annotations: super::Annotations::default(),
        };
        Ok(Note::new(note.source().clone(), text).with_details(details))
    }

    /// The notes with the texts that it makes of them, and those left out, each with the column in
    /// which it has nothing.
    ///
    /// Marks and the way back to the file are dropped: they fit the old text only.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn apply(&self, notes: &[Note]) -> Result<Filled, TemplateError> {
        self.check(notes)?;
        let mut filled = Filled::default();
        for note in notes {
            match self.filled(note) {
                Ok(note) => filled.notes.push(note),
                Err(column) => filled.left_out.push((note.source().clone(), column)),
            }
        }
        Ok(filled)
    }
}

/// What a text form made.
#[derive(Debug, Default)]
pub struct Filled {
    /// Notes with new texts.
    pub notes: Vec<Note>,
    /// Notes that have nothing in a column, by their sources, and the column.
    pub left_out: Vec<(Source, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(fields: &[(&str, &str)]) -> Note {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Note::new(Source::Typed, "Diabetes.".to_owned()).with_details(Details {
            id: Some("n1".to_owned()),
            labels: ["a", "b"].map(str::to_owned).to_vec(),
            fields: fields.iter().map(own).collect(),
            ..Details::default()
        })
    }

    #[test]
    fn columns_are_put_in() {
        let note = note(&[("code", " E11.9 "), ("Größe", "2 m"), ("empty", " ")]);
        for (form, filled) in [
            (
                "ICD 10 code for {code}: {text}",
                Ok("ICD 10 code for E11.9: Diabetes."),
            ),
            ("{{{ CODE }}} ü {größe}{id}", Ok("{E11.9} ü 2 mn1")),
            ("{label}", Ok("a; b")),
            ("{code} {empty}", Err("empty")),
        ] {
            let template = Template::parse(form).unwrap();
            let own = template.fill(&note);
            assert_eq!(own.as_deref().map_err(String::as_str), filled, "{form}");
        }
        let filled = Template::parse("{id}: {empty}").unwrap().apply(&[note]);
        let left_out = filled.unwrap().left_out;
        assert_eq!(left_out, [(Source::Typed, "empty".to_owned())]);
    }

    #[test]
    fn a_wrong_form_gets_a_sentence() {
        for (form, says) in [
            ("{code", "a { at byte 0"),
            ("ü}", "a } at byte 2"),
            ("{a{b}", "a { at byte 0"),
            ("x {}", "{} at byte 2"),
            ("{{code}}", "names no column"),
        ] {
            let said = Template::parse(form).unwrap_err().to_string();
            assert!(said.contains(says), "{said}");
        }
        let template = Template::parse("{code}: {descr}").unwrap();
        let said = template.check(&[note(&[("code", "x")])]).unwrap_err();
        let said = said.to_string();
        let want = "the text form names {descr}, and no note has a column \"descr\"; there are: code, \
                    id, label, patient, source, text";
        assert_eq!(said, want);
    }
}
