//! Where results go, and in which form.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;

/// Where results go.
pub(super) enum Output {
    /// Sentences and tables for a person, on standard output.
    Text,
    /// JSON lines on standard output.
    Json,
    /// A file.
    File(PathBuf, Format),
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    JsonLines,
    Json,
    Csv,
    Npy,
}

/// Results as rows of a table.
pub(super) struct Table {
    /// Names of the columns.
    pub(super) header: Vec<String>,
    /// Cells, as many per row as there are columns.
    pub(super) rows: Vec<Vec<String>>,
}

/// A table whose rows are made when they are written.
pub(super) struct Rows<'a> {
    /// Names of the columns.
    pub(super) header: Vec<String>,
    /// Cells, as many per row as there are columns.
    pub(super) rows: Box<dyn Iterator<Item = Vec<String>> + 'a>,
}

/// Results as one array of floats, row-major.
pub(super) struct Array<'a> {
    /// Rows and columns.
    pub(super) shape: [usize; 2],
    pub(super) values: Cow<'a, [f32]>,
}

/// The forms that the results of a command have, for results of a few lines: all are made.
pub(super) struct Forms<'a, T> {
    /// One JSON object each.
    pub(super) items: &'a [T],
    /// For a person.
    pub(super) text: String,
    /// For `.csv`.
    pub(super) table: Option<Table>,
    /// For `.npy`.
    pub(super) array: Option<Array<'a>>,
}

/// The forms of results that may be large: only that is made which is asked for.
pub(super) struct Lazy<'a, T> {
    /// One JSON object each.
    pub(super) items: &'a [T],
    /// For a person.
    pub(super) text: Box<dyn FnOnce() -> String + 'a>,
    /// For `.csv`.
    pub(super) table: Option<Rows<'a>>,
    /// For `.npy`.
    pub(super) array: Option<Box<dyn FnOnce() -> Array<'a> + 'a>>,
}

/// A wrong way to call the program; ends it with status 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub(super) String);

impl Output {
    /// Where to write; `forms` are those that the command's results have besides JSON.
    ///
    /// # Errors
    /// [`Usage`] when the file's ending names no form or one that the results do not have, or its
    /// folder does not exist: better now than after the work.
    pub(super) fn new(json: bool, file: Option<&Path>, forms: &[Format]) -> Result<Self> {
        let Some(file) = file else {
            return Ok(if json { Self::Json } else { Self::Text });
        };
        let ending = file.extension().and_then(|ending| ending.to_str());
        let format = match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("jsonl") => Format::JsonLines,
            Some("json") => Format::Json,
            Some("csv") => Format::Csv,
            Some("npy") => Format::Npy,
            _ => {
                let file = file.display();
                let rule = "--out FILE must end in .jsonl, .json, .csv or .npy";
                return Err(Usage(format!("{file}: {rule}")).into());
            }
        };
        if !matches!(format, Format::JsonLines | Format::Json) && !forms.contains(&format) {
            let file = file.display();
            let rule = "these results have no such form; use .jsonl or .json";
            return Err(Usage(format!("{file}: {rule}")).into());
        }
        let folder = file
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(Usage(format!("{}: no such folder", folder.display())).into());
        }
        Ok(Self::File(file.to_owned(), format))
    }

    /// Writes results of a few lines.
    pub(super) fn write<'b, T: Serialize>(&self, forms: &'b Forms<'_, T>) -> Result<()> {
        self.write_lazily(Lazy {
            items: forms.items,
            text: Box::new(|| forms.text.clone()),
            table: forms.table.as_ref().map(|table| Rows {
                header: table.header.clone(),
                rows: Box::new(table.rows.iter().cloned()),
            }),
            array: forms.array.as_ref().map(|array| {
                let array = || Array {
                    shape: array.shape,
                    values: Cow::Borrowed(&array.values),
                };
                Box::new(array) as Box<dyn FnOnce() -> Array<'b> + 'b>
            }),
        })
    }

    /// Writes results, in the one form that is asked for; a file is written aside and renamed, so
    /// that it is never half there.
    pub(super) fn write_lazily<T: Serialize>(&self, forms: Lazy<'_, T>) -> Result<()> {
        match self {
            Self::Text => {
                let text = (forms.text)();
                print(|out| out.write_all(text.as_bytes()))
            }
            Self::Json => print(|out| json_lines(forms.items, out)),
            Self::File(path, format) => write_file(path, |out| render(forms, *format, out))
                .with_context(|| format!("cannot write {}", path.display())),
        }
    }
}

/// Standard output; a reader that went away wants no more, which is no failure.
fn print(write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
    let mut out = BufWriter::new(stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            // What is left in the buffer has no reader either.
            let _ = out.into_parts();
            Ok(())
        }
        Err(error) => Err(error).context("cannot write to standard output"),
        Ok(()) => Ok(()),
    }
}

/// Prints text for a person as it comes, before the results are complete.
pub(super) fn print_text(text: &str) -> Result<()> {
    print(|out| out.write_all(text.as_bytes()))
}

/// Writes text into a file, whose folder has to be there.
pub(super) fn write_text(path: &Path, text: &str) -> Result<()> {
    write_file(path, |out| Ok(out.write_all(text.as_bytes())?))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn json_lines<T: Serialize>(items: &[T], out: &mut dyn Write) -> std::io::Result<()> {
    for item in items {
        serde_json::to_writer(&mut *out, item)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn render<T: Serialize>(forms: Lazy<'_, T>, format: Format, out: &mut dyn Write) -> Result<()> {
    match (format, forms.table, forms.array) {
        (Format::JsonLines, ..) => json_lines(forms.items, out)?,
        (Format::Json, ..) => serde_json::to_writer_pretty(out, forms.items)?,
        (Format::Csv, Some(table), _) => csv(table, out)?,
        (Format::Npy, _, Some(array)) => npy(&array(), out)?,
        (Format::Csv, ..) => bail!("these results are no table; use .jsonl or .json"),
        (Format::Npy, ..) => bail!("these results are no array; use .jsonl or .json"),
    }
    Ok(())
}

/// RFC 4180: a cell with a comma, a quote or a line break stands in quotes.
fn csv(table: Rows<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    for row in std::iter::once(table.header).chain(table.rows) {
        for (index, cell) in row.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match cell.contains(['"', ',', '\n', '\r']) {
                true => write!(out, "{comma}\"{}\"", cell.replace('"', "\"\""))?,
                false => write!(out, "{comma}{cell}")?,
            }
        }
        out.write_all(b"\r\n")?;
    }
    Ok(())
}

/// NumPy's format, version 1.0: magic, length of the header, header, values; what comes before
/// the values is a multiple of 64 bytes long.
fn npy(array: &Array<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    let [rows, columns] = array.shape;
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    const PREFIX: usize = 10;
    let padding = (PREFIX + header.len() + 1).next_multiple_of(64) - PREFIX - header.len() - 1;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&(header.len() as u16).to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    let mut values = array.values.iter();
    values.try_for_each(|value| out.write_all(&value.to_le_bytes()))
}

fn write_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let mut name = path.file_name().context("no file name")?.to_owned();
    name.push(".part");
    let aside = path.with_file_name(name);
    let result = File::create(&aside).map_err(Into::into).and_then(|file| {
        let mut file = BufWriter::new(file);
        write(&mut file)?;
        file.into_inner()
            .map_err(|error| error.into_error())?
            .sync_all()?;
        Ok(std::fs::rename(&aside, path)?)
    });
    if result.is_err() {
        let _ = std::fs::remove_file(&aside);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let row = vec!["1,5".to_owned(), "say \"no\"\n".to_owned()];
        let table = Rows {
            header: vec!["a".to_owned(), "b".to_owned()],
            rows: Box::new(std::iter::once(row)),
        };
        let mut bytes = Vec::new();
        csv(table, &mut bytes).unwrap();
        assert_eq!(bytes, b"a,b\r\n\"1,5\",\"say \"\"no\"\"\n\"\r\n");
    }

    #[test]
    fn arrays_have_numpys_header() {
        let array = Array {
            shape: [1, 2],
            values: Cow::Borrowed(&[1.0, -2.0]),
        };
        let mut bytes = Vec::new();
        npy(&array, &mut bytes).unwrap();
        assert_eq!(bytes.len() % 64, 8);
        assert!(bytes.starts_with(b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4'"));
        assert_eq!(bytes[bytes.len() - 8..], [0, 0, 128, 63, 0, 0, 0, 192]);
    }

    /// The other forms of a large result may not fit into memory.
    #[test]
    fn only_the_form_that_is_asked_for_is_made() {
        let folder = std::env::temp_dir();
        for (ending, expected) in [("csv", "a\r\n1\r\n"), ("json", "[]"), ("jsonl", "")] {
            let name = format!("auscult-lazy-{}.{ending}", std::process::id());
            let file = folder.join(name);
            let output = Output::new(false, Some(&file), &[Format::Csv]).unwrap();
            let row = || {
                assert_eq!(ending, "csv");
                vec!["1".to_owned()]
            };
            output
                .write_lazily(Lazy::<u8> {
                    items: &[],
                    text: Box::new(|| unreachable!("a file holds no text for a person")),
                    table: Some(Rows {
                        header: vec!["a".to_owned()],
                        rows: Box::new(std::iter::once_with(row)),
                    }),
                    array: Some(Box::new(|| unreachable!("no array is asked for"))),
                })
                .unwrap();
            assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
            std::fs::remove_file(&file).unwrap();
        }
    }

    #[test]
    fn the_ending_names_the_format() {
        assert!(matches!(
            Output::new(false, Some("x.NPY".as_ref()), &[Format::Npy]),
            Ok(Output::File(_, Format::Npy))
        ));
        assert!(Output::new(false, Some("x.parquet".as_ref()), &[]).is_err());
        assert!(Output::new(false, Some("x".as_ref()), &[]).is_err());
        assert!(Output::new(false, Some("x.npy".as_ref()), &[Format::Csv]).is_err());
        assert!(Output::new(false, Some("no/folder/x.csv".as_ref()), &[Format::Csv]).is_err());
    }
}
