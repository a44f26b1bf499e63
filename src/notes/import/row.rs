//! A row of a table as a note.

use csv::StringRecord;

use super::fields::{Roles, is_error};
use super::table::Table;
use super::{Details, FileContext, Place, Runs};

/// One row of a table.
pub(super) struct Row<'a> {
    pub(super) table: &'a Table,
    pub(super) record: &'a StringRecord,
    /// Its first byte in the decoded file.
    pub(super) start: usize,
    pub(super) line: u64,
}

impl Row<'_> {
    /// Whether it has all columns and none but the text has several lines, as one would that holds
    /// the next row.
    pub(super) fn is_plain(&self) -> bool {
        let Table { names, roles, .. } = self.table;
        let mut others = (0..names.len()).filter(|column| !roles.text.contains(column));
        self.record.len() == names.len() && !others.any(|column| self.cell(column).contains('\n'))
    }

    /// Adds the row as a note or says why not; `false` if it cannot be told where its cells end.
    pub(super) fn add(&self, file: &mut FileContext<'_>) -> bool {
        let (names, roles) = (&self.table.names, &self.table.roles);
        let Roles {
            id,
            patient,
            label,
            error,
            ..
        } = *roles;
        if error.is_some_and(|column| is_error(self.cell(column))) {
            file.skip(self.line, "marked as an error by its source (ISERROR)");
            return true;
        }
        let mut text = String::new();
        let mut runs = Runs::default();
        for &column in &roles.text {
            let cell = self.cell(column);
            if cell.trim().is_empty() {
                continue;
            }
            if !text.is_empty() {
                text.push_str("\n\n");
                let end = runs.origin(text.len());
                runs.character(end, 2, 0);
            }
            let Some(own) = self.runs(file.text, column, cell) else {
                return false;
            };
            text.push_str(cell);
            runs.append(&own);
        }
        if text.is_empty() {
            file.skip(self.line, "the text is empty");
            return true;
        }
        let value = |column: Option<usize>| {
            let cell = self.cell(column?).trim();
            (!cell.is_empty()).then(|| cell.to_owned())
        };
        let special = [id, patient, label];
        let others = (0..names.len())
            .filter(|&column| !roles.is_taken(column) && !special.contains(&Some(column)));
        let details = Details {
            id: value(id),
            patient: value(patient),
            labels: value(label).into_iter().collect(),
            fields: others
                .map(|column| (names[column].clone(), self.cell(column).to_owned()))
                .collect(),
            ..Details::default()
        };
        file.add(Place::Line(self.line), text, details, runs);
        true
    }

    pub(super) fn cell(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or_default()
    }

    /// Where the characters of a cell stand in the decoded file; `None` if it is spelled in a way
    /// that the rules of RFC 4180 do not explain.
    fn runs(&self, text: &str, column: usize, cell: &str) -> Option<Runs> {
        let mut runs = Runs::default();
        let mut at = self.start;
        let bytes = text.as_bytes();
        let delimiter = self.table.form.delimiter;
        for number in 0..=column {
            let wanted = number == column;
            let quoted = self.table.form.quotes && bytes.get(at) == Some(&b'"');
            if quoted {
                at += 1;
                loop {
                    let rest = &bytes[at.min(bytes.len())..];
                    let length = rest.iter().position(|&b| b == b'"').unwrap_or(rest.len());
                    if wanted && length > 0 {
                        runs.bytes(at, length);
                    }
                    at += length;
                    if bytes.get(at + 1) != Some(&b'"') {
                        at += 1;
                        break;
                    }
                    if wanted {
                        runs.character(at, 1, 2);
                    }
                    at += 2;
                }
            }
            let rest = &bytes[at.min(bytes.len())..];
            let ends = |&b: &u8| b == delimiter || b == b'\n' || b == b'\r';
            let length = rest.iter().position(ends).unwrap_or(rest.len());
            if wanted && !quoted {
                runs.bytes(at, length);
            }
            at += length + 1;
        }
        (runs.len() == cell.len()).then_some(runs)
    }
}
