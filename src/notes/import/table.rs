//! CSV and TSV: a row is a note.

use std::collections::HashSet;

use csv::{Reader, ReaderBuilder, StringRecord};

use super::super::counting::counted;
use super::conll::is_conll;
use super::fields::{Roles, has_text, is_error, known_names, roles};
use super::quotes::{Form, RowEnd, Shape, row_end};
use super::{Details, Failure, FileContext, Hint, Importer, Place, Runs};

/// Tables with a header.
pub(super) const TABLE: Importer = Importer {
    name: "table",
    endings: &["csv", "tsv"],
    rows: true,
    recognises,
    read,
};

/// Rows at the beginning that tell whether a text is a table.
const FIRST_ROWS: usize = 10;

/// How often a table may be looked at in search of rows behind quotes that are not closed.
const LOOKS: usize = 32;

/// Whether a text is a table: its first line names a text. Where neither the file's name nor a
/// person says that it is one, that line could be a note's own ("Radiology, Report"): then two of
/// its names have to be usual ones, and most of the first rows as long as it.
fn recognises(text: &str, hint: &Hint<'_>) -> bool {
    let (delimiter, names) = header(text);
    let wanted = |name: &String| {
        let mut wanted = hint.columns.names();
        wanted.any(|wanted| wanted.trim().eq_ignore_ascii_case(name.trim()))
    };
    if !text.contains('\n') {
        return false;
    }
    if names.iter().any(wanted) {
        return true;
    }
    if names.len() < 2 || !has_text(&names) {
        return false;
    }
    (hint.named && !is_conll(text))
        || (known_names(&names) > 1 && mostly_alike(text, delimiter, names.len()))
}

/// Whether most of the first rows have this many columns.
fn mostly_alike(text: &str, delimiter: u8, columns: usize) -> bool {
    let form = Form {
        delimiter,
        quotes: true,
    };
    let rows = reader(text, form).into_records().skip(1).take(FIRST_ROWS);
    let (mut alike, mut all) = (0, 0);
    for row in rows {
        all += 1;
        alike += usize::from(row.is_ok_and(|row| row.len() == columns));
    }
    alike * 2 > all
}

/// The delimiter that gives most columns in the first line, and the names of these columns.
fn header(text: &str) -> (u8, Vec<String>) {
    let names = |delimiter: u8| {
        let form = Form {
            delimiter,
            quotes: true,
        };
        let first = reader(text, form).into_records().next();
        let cells = first.and_then(Result::ok).unwrap_or_default();
        cells.iter().map(str::to_owned).collect::<Vec<String>>()
    };
    let found = [b',', b'\t', b';', b'|'].map(|delimiter| (delimiter, names(delimiter)));
    // The first of equally many: a comma.
    let most = found.into_iter().rev().max_by_key(|(_, names)| names.len());
    most.unwrap_or((b',', Vec::new()))
}

fn reader(text: &str, form: Form) -> Reader<&[u8]> {
    ReaderBuilder::new()
        .delimiter(form.delimiter)
        .quoting(form.quotes)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
}

fn next_row(rows: &mut Reader<&[u8]>, record: &mut StringRecord) -> Result<bool, Failure> {
    let read = rows.read_record(record);
    read.map_err(|error| format!("the table cannot be read: {error}").into())
}

fn read(file: &mut FileContext<'_>) -> Result<(), Failure> {
    let (delimiter, names) = header(file.text);
    if let Some(reason) = file.damaged(&(0..first_row_end(file.text, delimiter)?)) {
        return Err(format!("the line that names the columns: {reason}").into());
    }
    let names = numbered(names, file);
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
    file.found(&roles, &names);
    let table = Table {
        names: &names,
        roles: &roles,
        form,
    };
    table.read(file)
}

fn first_row_end(text: &str, delimiter: u8) -> Result<usize, Failure> {
    let form = Form {
        delimiter,
        quotes: true,
    };
    let mut rows = reader(text, form);
    next_row(&mut rows, &mut StringRecord::new())?;
    Ok(rows.position().byte() as usize)
}

/// The names, each with a number if another before it is the same: a note has one field of a name.
fn numbered(names: Vec<String>, file: &mut FileContext<'_>) -> Vec<String> {
    let mut own: Vec<String> = Vec::with_capacity(names.len());
    let mut taken: HashSet<String> = HashSet::new();
    for name in &names {
        let numbers = (2..).map(|number| format!("{name}_{number}"));
        let mut unique = std::iter::once(name.clone()).chain(numbers);
        let free = unique.find(|name| taken.insert(name.clone()));
        own.extend(free);
    }
    let again = own.iter().zip(&names).filter(|(own, name)| own != name);
    let again = again.count();
    if again > 0 {
        let columns = counted(again, "column");
        let reason = format!("{columns} with the name of another: a number is put behind it");
        file.warn(Some(1), reason);
    }
    own
}

/// How the rows of a table are read.
struct Table<'a> {
    names: &'a [String],
    roles: &'a Roles,
    form: Form,
}

impl Table<'_> {
    fn read(&self, file: &mut FileContext<'_>) -> Result<(), Failure> {
        let text = file.text;
        let mut shape = Shape::new(self.names.len());
        let mut budget = text.len().saturating_mul(LOOKS);
        // Where the part that is being read begins, in bytes and lines.
        let (mut base, mut lines) = (0, 0);
        let mut rows = reader(text, self.form);
        let mut record = StringRecord::new();
        next_row(&mut rows, &mut record)?;
        while next_row(&mut rows, &mut record)? {
            file.check()?;
            let Some(position) = record.position() else {
                continue;
            };
            let first = base + position.byte() as usize;
            let (start, line) = beginning(text, first, lines + position.line());
            let end = base + rows.position().byte() as usize;
            file.record += 1;
            let row = Row {
                table: self,
                record: &record,
                start,
                line,
            };
            let damaged = file.damaged(&(start..end));
            if damaged.is_none() && row.is_plain() && row.add(file) {
                shape.learn(|column| row.cell(column));
                continue;
            }
            let next = match row_end(text, start, self.form) {
                RowEnd::Open(_) => {
                    let next = shape.next_row(text, start, self.form, &mut budget);
                    skip_open(file, line, &text[start..next]);
                    next
                }
                RowEnd::Closed {
                    end,
                    cells,
                    in_order,
                } => {
                    let columns = self.names.len();
                    let reason = match damaged {
                        Some(damaged) => damaged,
                        None if cells.len() != columns => {
                            let own = counted(cells.len(), "column");
                            format!("{own} instead of {columns}")
                        }
                        None => "its quotes are not in order".to_owned(),
                    };
                    let right = in_order && file.damaged(&(start..end)).is_none();
                    if !(right && cells.len() == columns && row.add(file)) {
                        file.skip(line, reason);
                    }
                    end
                }
            };
            if beginning(text, next, 0).0 != beginning(text, end, 0).0 {
                // The row ends elsewhere than where the reader took it to: go on there.
                lines = line - 1 + text[start..next].matches('\n').count() as u64;
                base = next;
                rows = reader(&text[base..], self.form);
            }
        }
        Ok(())
    }
}

/// Leaves a row out in which a quote is not closed, with what follows and is no row.
fn skip_open(file: &mut FileContext<'_>, line: u64, left_out: &str) {
    let more = left_out.trim_end().matches('\n').count() as u64;
    let rest = match more {
        0 => String::new(),
        _ => format!("; what follows is left out up to line {}", line + more),
    };
    file.skip(line, format!("a quote in it is not closed{rest}"));
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
        let records = reader(text, form).into_records();
        records
            .filter(|record| !matches!(record, Ok(record) if record.len() == columns))
            .count()
    };
    text.contains("\t\"") && wrong(true) < wrong(false)
}

/// One row of a table.
struct Row<'a> {
    table: &'a Table<'a>,
    record: &'a StringRecord,
    /// Its first byte in the decoded file.
    start: usize,
    line: u64,
}

impl Row<'_> {
    /// Whether it has all columns and none but the text has several lines, as one would that holds
    /// the next row.
    fn is_plain(&self) -> bool {
        let Table { names, roles, .. } = self.table;
        let mut others = (0..names.len()).filter(|column| !roles.text.contains(column));
        self.record.len() == names.len() && !others.any(|column| self.cell(column).contains('\n'))
    }

    /// Adds the row as a note or says why not; `false` if it cannot be told where its cells end.
    fn add(&self, file: &mut FileContext<'_>) -> bool {
        let Roles {
            id,
            patient,
            label,
            error,
            ..
        } = *self.table.roles;
        let (names, texts) = (self.table.names, &self.table.roles.text);
        if error.is_some_and(|column| is_error(self.cell(column))) {
            file.skip(self.line, "marked as an error by its source (ISERROR)");
            return true;
        }
        let mut text = String::new();
        let mut runs = Runs::default();
        for &column in texts {
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
            .filter(|&column| !texts.contains(&column) && !special.contains(&Some(column)));
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

    fn cell(&self, column: usize) -> &str {
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
