//! JSON and JSON Lines: a record is a note.

use std::ops::Range;

use serde_json::Value;
use serde_json::de::IoRead;

use super::json_text::{elements, members, value_end};
use super::records::{Record, Records, fhir};
use super::{Failure, FileContext, Importer};

/// One JSON value in each line.
pub(super) const LINES: Importer = Importer {
    name: "JSON Lines",
    endings: &["jsonl", "ndjson"],
    rows: true,
    recognises: |text, hint| {
        let begins = |line: &str| line.trim_start().starts_with(['{', '[', '"']);
        let value = |line: &str| {
            begins(line) && serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok()
        };
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let first = lines.next().unwrap_or_default();
        let more = match lines.next() {
            Some(line) => begins(line),
            // One line can be a list of records as well, in a file whose name is wrong.
            None => hint.named && !first.trim_start().starts_with('['),
        };
        more && value(first)
    },
    read: read_lines,
};

/// One JSON value in the whole file: a list of records, records by their names, or one record.
pub(super) const WHOLE: Importer = Importer {
    name: "JSON",
    endings: &["json"],
    // Where its text is damaged there is no telling what else is.
    rows: false,
    recognises: |text, _| {
        text.trim_start().starts_with(['{', '['])
            && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
    },
    read: read_whole,
};

fn read_lines(file: &mut FileContext<'_>) -> Result<(), Failure> {
    let mut records = Records::default();
    read_block(file, &mut records)?;
    records.finish(file, "JSON Lines");
    Ok(())
}

/// Reads the lines of a file, or of a part of it that ends with one.
pub(super) fn read_block(file: &mut FileContext<'_>, records: &mut Records) -> Result<(), Failure> {
    let text = file.text;
    let mut start = 0;
    for (line, own) in (1..).zip(text.split_inclusive('\n')) {
        let range = start..start + own.len();
        start = range.end;
        if own.trim().is_empty() {
            continue;
        }
        file.check()?;
        file.record += 1;
        if let Some(reason) = file.damaged(&range) {
            file.skip(line, reason);
            continue;
        }
        let value = own.len() - own.trim_start().len();
        let range = range.start + value..range.start + own.trim_end().len();
        match parse(&text[range.clone()]) {
            Ok(value) => {
                if let Some(reason) = fhir(&value, &file.options.columns)
                    && file.record == 1
                {
                    return Err(reason.into());
                }
                records.add(
                    file,
                    Record {
                        value: &value,
                        range,
                        line,
                        key: None,
                    },
                );
            }
            Err((_, reason)) => file.skip(line, reason),
        }
    }
    Ok(())
}

fn read_whole(file: &mut FileContext<'_>) -> Result<(), Failure> {
    let text = file.text;
    let start = text.len() - text.trim_start().len();
    let mut records = Records::default();
    let whole = match parse(text) {
        Ok(whole) => whole,
        Err((line, reason)) => {
            return read_beginning(file, start, records, (line, reason));
        }
    };
    if let Some(reason) = fhir(&whole, &file.options.columns) {
        return Err(reason.into());
    }
    let range = start..value_end(text.as_bytes(), start);
    let mut lines = Lines::new(text);
    match &whole {
        Value::Array(list) => {
            for (value, range) in list.iter().zip(elements(text, range)) {
                file.check()?;
                file.record += 1;
                let line = lines.of(&range);
                records.add(
                    file,
                    Record {
                        value,
                        range,
                        line,
                        key: None,
                    },
                );
            }
        }
        // Records by their names, as PubMedQA has them.
        Value::Object(object) if object.len() > 1 && object.values().all(Value::is_object) => {
            for (key, range) in members(text, range) {
                file.check()?;
                file.record += 1;
                let line = lines.of(&range);
                let value = &object[&key];
                records.add(
                    file,
                    Record {
                        value,
                        range,
                        line,
                        key: Some(key),
                    },
                );
            }
        }
        value => records.add(
            file,
            Record {
                value,
                line: lines.of(&range),
                range,
                key: None,
            },
        ),
    }
    records.finish(file, "JSON");
    Ok(())
}

/// Reads the whole records at the beginning of a list that is no JSON further on: in which line, and
/// what is wrong there.
fn read_beginning(
    file: &mut FileContext<'_>,
    start: usize,
    mut records: Records,
    (line, reason): (usize, String),
) -> Result<(), Failure> {
    let text = file.text;
    let mut lines = Lines::new(text);
    let mut at = start;
    // In front of each record stands the bracket of the list, or a comma.
    let mut mark = '[';
    while let Some(rest) = text[at..].trim_start().strip_prefix(mark) {
        let rest = rest.trim_start();
        let first = text.len() - rest.len();
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let Some(Ok(value)) = values.next() else {
            break;
        };
        file.check()?;
        at = first + values.byte_offset();
        mark = ',';
        file.record += 1;
        let range = first..at;
        let line = lines.of(&range);
        let key = None;
        records.add(
            file,
            Record {
                value: &value,
                range,
                line,
                key,
            },
        );
    }
    if file.record == 0 {
        return Err(format!("line {line}: {reason}").into());
    }
    let reason = format!("{reason}; only the whole records before it are read");
    file.skip(line as u64, reason);
    records.finish(file, "JSON");
    Ok(())
}

/// The value, or the line and what is wrong there.
///
/// What serde_json says names the kind of mistake and never repeats the text.
fn parse(text: &str) -> Result<Value, (usize, String)> {
    let mut reader = serde_json::Deserializer::new(IoRead::new(text.as_bytes()));
    let value = serde::Deserialize::deserialize(&mut reader);
    let value = value.and_then(|value| reader.end().map(|()| value));
    value.map_err(|error: serde_json::Error| {
        let column = error.column();
        let kind = match error.classify() {
            serde_json::error::Category::Eof => "it ends too early",
            _ => "it is wrong",
        };
        (
            error.line(),
            format!("this is no JSON: {kind} at byte {column} of the line"),
        )
    })
}

/// Numbers of lines, asked for from the beginning to the end.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
        }
    }

    fn of(&mut self, range: &Range<usize>) -> u64 {
        let between = &self.text.as_bytes()[self.at..range.start.max(self.at)];
        self.line += between.iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.at = range.start.max(self.at);
        self.line
    }
}
