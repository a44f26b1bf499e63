//! CSV and TSV: a row is a note.

use csv::{ReaderBuilder, StringRecord};

use super::fields::{Roles, has_text, roles};
use super::{Details, Failure, FileContext, Importer, Place, Runs};

/// Tables with a header.
pub(super) const TABLE: Importer = Importer {
    name: "table",
    endings: &["csv", "tsv"],
    recognises: |text| {
        let (delimiter, header) = header(text);
        header.len() > 1 && has_text(&header) && text.contains('\n') && delimiter != b' '
    },
    read,
};

/// What parts the cells of a table, and whether they can be quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    delimiter: u8,
    quotes: bool,
}

/// Whether the first lines are tokens with IOB labels in their last column.
fn is_conll(text: &str) -> bool {
    let lines = text.lines().filter(|line| !line.trim().is_empty()).take(20);
    let mut labels = lines.map(|line| line.rsplit(['\t', ' ']).next().unwrap_or_default());
    let label = |label: &str| label == "O" || label.starts_with("B-") || label.starts_with("I-");
    labels.clone().count() > 1 && labels.all(label)
}

/// The delimiter that gives most columns in the first line, and the names of these columns.
fn header(text: &str) -> (u8, Vec<String>) {
    let names = |delimiter: u8| {
        let form = Form {
            delimiter,
            quotes: true,
        };
        let first = records(text, form).next();
        let cells = first.and_then(Result::ok).unwrap_or_default();
        cells.iter().map(str::to_owned).collect::<Vec<String>>()
    };
    let found = [b',', b'\t', b';', b'|'].map(|delimiter| (delimiter, names(delimiter)));
    // The first of equally many: a comma.
    let most = found.into_iter().rev().max_by_key(|(_, names)| names.len());
    most.unwrap_or((b',', Vec::new()))
}

fn records(text: &str, form: Form) -> csv::StringRecordsIntoIter<&[u8]> {
    ReaderBuilder::new()
        .delimiter(form.delimiter)
        .quoting(form.quotes)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
        .into_records()
}

fn read(file: &mut FileContext<'_>) -> Result<(), Failure> {
    let (delimiter, names) = header(file.text);
    if is_conll(file.text) {
        return Err("this is CoNLL, a token in each line, which is not read yet".into());
    }
    let roles = roles(&names, &file.options.columns)?;
    let form = Form {
        delimiter,
        quotes: quoted(file.text, delimiter, names.len()),
    };
    let kind = match delimiter {
        b'\t' => "TSV",
        _ => "CSV",
    };
    file.format = match roles.known {
        Some(known) => format!("{kind}, {known}"),
        None => kind.to_owned(),
    };
    if !roles.other_texts.is_empty() {
        let text = &names[roles.text[0]];
        let others = roles.other_texts.join(", ");
        let reason = format!("\"{text}\" is taken as the text; name another with --text: {others}");
        file.warn(None, reason);
    }
    let text = file.text;
    // Where the part that is being read begins, in bytes and lines.
    let (mut base, mut lines) = (0, 0);
    'part: loop {
        for (index, record) in records(&text[base..], form).enumerate() {
            file.check()?;
            let record = record.map_err(|error| format!("the table cannot be read: {error}"))?;
            if base == 0 && index == 0 {
                continue;
            }
            let Some(position) = record.position() else {
                continue;
            };
            let (start, line) = beginning(
                text,
                base + position.byte() as usize,
                lines + position.line(),
            );
            if record.len() != names.len() {
                let reason = format!(
                    "{} columns instead of {}; is a quote not closed?",
                    record.len(),
                    names.len()
                );
                file.skip(line, reason);
            } else {
                let row = Row {
                    names: &names,
                    roles: &roles,
                    record: &record,
                    start,
                    line,
                    form,
                };
                if row.add(file) {
                    continue;
                }
                file.skip(line, "its quotes are not in order; is one not closed?");
            }
            // A quote without an end swallows what follows: go on in the next line.
            let after = text[start..]
                .find('\n')
                .map_or(text.len(), |end| start + end + 1);
            if after < text.len() {
                lines = line;
                base = after;
                continue 'part;
            }
        }
        return Ok(());
    }
}

/// Where a record really begins, if line ends of the one before and empty lines stand in front.
fn beginning(text: &str, mut start: usize, mut line: u64) -> (usize, u64) {
    while let Some(end @ (b'\r' | b'\n')) = text.as_bytes().get(start) {
        line += u64::from(*end == b'\n');
        start += 1;
    }
    (start, line)
}

/// Whether cells are quoted. Tables with tabs often are not, and a lone quote then is one.
fn quoted(text: &str, delimiter: u8, columns: usize) -> bool {
    if delimiter != b'\t' {
        return true;
    }
    let wrong = |quotes: bool| {
        let form = Form { delimiter, quotes };
        let records = records(text, form);
        records
            .filter(|record| !matches!(record, Ok(record) if record.len() == columns))
            .count()
    };
    text.contains("\t\"") && wrong(true) < wrong(false)
}

/// One row of a table.
struct Row<'a> {
    names: &'a [String],
    roles: &'a Roles,
    record: &'a StringRecord,
    /// Its first byte in the decoded file.
    start: usize,
    line: u64,
    form: Form,
}

impl Row<'_> {
    /// Adds the row as a note or says why not; `false` if it cannot be told where its cells end.
    fn add(&self, file: &mut FileContext<'_>) -> bool {
        let Roles {
            id,
            patient,
            label,
            error,
            ..
        } = *self.roles;
        if error.is_some_and(|column| self.cell(column).trim() == "1") {
            file.skip(self.line, "marked as an error by its source (ISERROR)");
            return true;
        }
        let mut text = String::new();
        let mut runs = Runs::default();
        for &column in &self.roles.text {
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
        let others = (0..self.names.len()).filter(|&column| {
            !self.roles.text.contains(&column) && !special.contains(&Some(column))
        });
        let details = Details {
            id: value(id),
            patient: value(patient),
            labels: value(label).into_iter().collect(),
            fields: others
                .map(|column| (self.names[column].clone(), self.cell(column).to_owned()))
                .collect(),
            ..Details::default()
        };
        file.add(Place::Line(self.line), text, details, runs);
        true
    }

    fn cell(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or_default()
    }

    /// Where the characters of a cell stand in the decoded file; `None` if it is spelled in a way
    /// that the rules of RFC 4180 do not explain.
    fn runs(&self, text: &str, column: usize, cell: &str) -> Option<Runs> {
        let mut runs = Runs::default();
        let mut at = self.start;
        let bytes = text.as_bytes();
        let delimiter = self.form.delimiter;
        for number in 0..=column {
            let wanted = number == column;
            let quoted = self.form.quotes && bytes.get(at) == Some(&b'"');
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
