//! Where results go, and in which form.

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

/// Results as one array of floats, row-major.
pub(super) struct Array {
    /// Rows and columns.
    pub(super) shape: [usize; 2],
    pub(super) values: Vec<f32>,
}

/// The forms that the results of a command have.
pub(super) struct Forms<'a, T> {
    /// One JSON object each.
    pub(super) items: &'a [T],
    /// For a person.
    pub(super) text: String,
    /// For `.csv`.
    pub(super) table: Option<Table>,
    /// For `.npy`.
    pub(super) array: Option<Array>,
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

    /// Writes results; a file is written aside and renamed, so that it is never half there.
    pub(super) fn write<T: Serialize>(&self, forms: &Forms<'_, T>) -> Result<()> {
        match self {
            Self::Text => print(|out| out.write_all(forms.text.as_bytes())),
            Self::Json => {
                let lines = json_lines(forms.items)?;
                print(|out| out.write_all(lines.as_bytes()))
            }
            Self::File(path, format) => {
                let bytes = render(forms, *format)
                    .with_context(|| format!("cannot write {}", path.display()))?;
                write_file(path, &bytes).with_context(|| format!("cannot write {}", path.display()))
            }
        }
    }
}

/// Standard output; a reader that went away wants no more, which is no failure.
fn print(write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
    let mut out = stdout().lock();
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// Prints text for a person as it comes, before the results are complete.
pub(super) fn print_text(text: &str) -> Result<()> {
    print(|out| out.write_all(text.as_bytes()))
}

/// Writes text into a file, whose folder has to be there.
pub(super) fn write_text(path: &Path, text: &str) -> Result<()> {
    write_file(path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

fn json_lines<T: Serialize>(items: &[T]) -> Result<String> {
    let mut lines = String::new();
    for item in items {
        lines.push_str(&serde_json::to_string(item)?);
        lines.push('\n');
    }
    Ok(lines)
}

fn render<T: Serialize>(forms: &Forms<'_, T>, format: Format) -> Result<Vec<u8>> {
    match (format, &forms.table, &forms.array) {
        (Format::JsonLines, ..) => Ok(json_lines(forms.items)?.into_bytes()),
        (Format::Json, ..) => Ok(serde_json::to_vec_pretty(forms.items)?),
        (Format::Csv, Some(table), _) => Ok(csv(table).into_bytes()),
        (Format::Npy, _, Some(array)) => Ok(npy(array)),
        (Format::Csv, ..) => bail!("these results are no table; use .jsonl or .json"),
        (Format::Npy, ..) => bail!("these results are no array; use .jsonl or .json"),
    }
}

/// RFC 4180: a cell with a comma, a quote or a line break stands in quotes.
fn csv(table: &Table) -> String {
    let cell = |cell: &String| match cell.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.clone(),
    };
    let line = |row: &Vec<String>| row.iter().map(cell).collect::<Vec<_>>().join(",") + "\r\n";
    std::iter::once(&table.header)
        .chain(&table.rows)
        .map(line)
        .collect()
}

/// NumPy's format, version 1.0: magic, length of the header, header, values; what comes before
/// the values is a multiple of 64 bytes long.
fn npy(array: &Array) -> Vec<u8> {
    let [rows, columns] = array.shape;
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    const PREFIX: usize = 10;
    let padding = (PREFIX + header.len() + 1).next_multiple_of(64) - PREFIX - header.len() - 1;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(array.values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.file_name().context("no file name")?.to_owned();
    name.push(".part");
    let aside = path.with_file_name(name);
    let written = File::create(&aside).and_then(|file| {
        let mut file = BufWriter::new(file);
        file.write_all(bytes)?;
        file.into_inner()?.sync_all()?;
        std::fs::rename(&aside, path)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&aside);
    }
    Ok(written?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let table = Table {
            header: vec!["a".to_owned(), "b".to_owned()],
            rows: vec![vec!["1,5".to_owned(), "say \"no\"\n".to_owned()]],
        };
        assert_eq!(csv(&table), "a,b\r\n\"1,5\",\"say \"\"no\"\"\n\"\r\n");
    }

    #[test]
    fn arrays_have_numpys_header() {
        let bytes = npy(&Array {
            shape: [1, 2],
            values: vec![1.0, -2.0],
        });
        assert_eq!(bytes.len() % 64, 8);
        assert!(bytes.starts_with(b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4'"));
        assert_eq!(bytes[bytes.len() - 8..], [0, 0, 128, 63, 0, 0, 0, 192]);
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
