//! CSV and TSV: a row is a note.

use std::collections::HashSet;

use csv::{Reader, ReaderBuilder, StringRecord};

use super::super::counting::counted;
use super::conll::is_conll;
use super::fields::{Roles, has_text, known_names, roles};
use super::quotes::{Form, RowEnd, Shape, row_end};
use super::row::Row;
use super::{Block, Failure, FileContext, Hint, Importer};

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
        let mut wanted = hint.columns.names().chain(&hint.columns.form);
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
    let mut table = Table::new(file)?;
    table.rows(file, Block::Whole)?;
    Ok(())
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

/// A row at the end of a block that has fewer bytes is looked at again with the next block.
const CERTAIN: usize = 1 << 20;

/// A row with more bytes than the largest note is taken for one whose quote is not closed.
const LONGEST_ROW: usize = 64 << 20;

/// How the rows of a table are read.
pub(super) struct Table {
    pub(super) names: Vec<String>,
    pub(super) roles: Roles,
    pub(super) form: Form,
    shape: Shape,
}

impl Table {
    /// Reads the line that names the columns, and tells the form from what follows.
    pub(super) fn new(file: &mut FileContext<'_>) -> Result<Self, Failure> {
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
            let reason =
                format!("\"{text}\" is taken as the text; name another with --text: {others}");
            file.warn(None, reason);
        }
        Ok(Self {
            shape: Shape::new(names.len()),
            names,
            roles,
            form,
        })
    }

    /// Reads the rows of a block; returns where the first row begins that may go on in the next one.
    pub(super) fn rows(
        &mut self,
        file: &mut FileContext<'_>,
        block: Block,
    ) -> Result<usize, Failure> {
        let text = file.text;
        file.found(&self.roles, &self.names);
        let mut shape = std::mem::replace(&mut self.shape, Shape::new(self.names.len()));
        let read = self.rows_like(&mut shape, file, block, text);
        self.shape = shape;
        read
    }

    fn rows_like(
        &self,
        shape: &mut Shape,
        file: &mut FileContext<'_>,
        block: Block,
        text: &str,
    ) -> Result<usize, Failure> {
        let goes_on = |end: usize| !block.is_last() && end >= text.len();
        let mut budget = text.len().saturating_mul(LOOKS);
        // Where the part that is being read begins, in bytes and lines.
        let (mut base, mut lines) = (0, 0);
        let mut rows = reader(text, self.form);
        let mut record = StringRecord::new();
        if block.is_first() {
            next_row(&mut rows, &mut record)?;
        }
        while next_row(&mut rows, &mut record)? {
            file.check()?;
            let Some(position) = record.position() else {
                continue;
            };
            let first = base + position.byte() as usize;
            let (start, line) = beginning(text, first, lines + position.line());
            let end = base + rows.position().byte() as usize;
            let rest = text.len() - start;
            if goes_on(end) && (rest < CERTAIN || is_cut(text, start, self.form)) {
                return Ok(start);
            }
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
                    if goes_on(next) && rest < LONGEST_ROW {
                        file.record -= 1;
                        return Ok(start);
                    }
                    skip_open(file, line, &text[start..next]);
                    next
                }
                RowEnd::Closed { end, .. } if goes_on(end) => {
                    file.record -= 1;
                    return Ok(start);
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
        Ok(text.len())
    }
}

/// Whether the row at `start`, which reaches the end of its block, goes on in the next one, and is not
/// one that a quote out of order makes long.
fn is_cut(text: &str, start: usize, form: Form) -> bool {
    match row_end(text, start, form) {
        RowEnd::Open(at) => at == text.len() && text.len() - start < LONGEST_ROW,
        RowEnd::Closed { end, .. } => end == text.len(),
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
