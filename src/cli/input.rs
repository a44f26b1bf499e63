//! Which notes a command reads, and how their files are to be understood.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::output::Usage;
use super::progress::Terminal;
use crate::engine::{
    Columns, Import, ImportOptions, Job, Note, NoteStream, Source, Template, TemplateError,
    TextEncoding, counted, import,
};

/// The paths of a command that reads notes.
#[derive(Clone, Args)]
pub(super) struct Notes {
    /// Files or folders of notes, or - for standard input: text, CSV, TSV, JSON, JSON Lines, CoNLL
    /// (each also with .gz), brat.
    #[arg(required = true, value_name = "NOTES")]
    notes: Vec<PathBuf>,
    #[command(flatten)]
    files: FileFlags,
}

/// How files are to be understood.
#[derive(Clone, Args)]
#[command(next_help_heading = "Files of notes")]
struct FileFlags {
    /// Column or field of the text; given several times they are joined. Columns without names, as
    /// CoNLL has them, have numbers from 1.
    #[arg(long = "text", value_name = "COLUMN")]
    text_columns: Vec<String>,
    /// Column or field of the note's own name.
    #[arg(long = "id", value_name = "COLUMN")]
    id_column: Option<String>,
    /// Column or field of the patient.
    #[arg(long = "patient", value_name = "COLUMN")]
    patient_column: Option<String>,
    /// Column or field of the label.
    #[arg(long = "label", visible_alias = "label-column", value_name = "COLUMN")]
    label_column: Option<String>,
    /// A text made from columns instead, as "ICD 10 code for {code}: {description}"; marks are left
    /// out, since they fit the old text only.
    #[arg(long, value_name = "TEXT", value_parser = Template::parse)]
    form: Option<Template>,
    /// How the files are encoded: utf-8, utf-16le, utf-16be or windows-1252 [default: recognised].
    #[arg(long, value_name = "NAME", value_parser = str::parse::<TextEncoding>)]
    encoding: Option<TextEncoding>,
}

/// Notes that could be read, and whether some could not.
pub(super) struct ReadNotes {
    pub(super) notes: Vec<Note>,
    pub(super) complete: bool,
    /// Whether the user stopped the reading.
    pub(super) stopped: bool,
}

/// The texts of notes, by the names that results have for them.
pub(super) struct Texts<'a>(HashMap<String, &'a str>);

impl<'a> Texts<'a> {
    pub(super) fn new(notes: &'a [Note]) -> Self {
        let named = notes
            .iter()
            .map(|note| (note.source().to_string(), note.text()));
        Self(named.collect())
    }

    /// The text of the note with this name.
    pub(super) fn of(&self, name: &str) -> &'a str {
        self.0.get(name).copied().unwrap_or_default()
    }
}

/// Texts of notes, or what a form makes of them, one after the other.
pub(super) struct TextStream<'a, 'b> {
    notes: &'a mut NoteStream<'b>,
    form: Option<&'a Template>,
    left_out: &'a mut LeftOut,
}

/// Notes of which a form makes nothing.
#[derive(Default)]
struct LeftOut {
    notes: Vec<(Source, String)>,
    filled: usize,
    /// What is wrong with the form, if it names what the last such note does not have.
    error: Option<TemplateError>,
}

impl Iterator for TextStream<'_, '_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        loop {
            let note = self.notes.next()?;
            let Some(form) = self.form else {
                return Some(note.into_text());
            };
            match form.fill(&note) {
                Ok(text) => {
                    self.left_out.filled += 1;
                    return Some(text);
                }
                Err(column) => {
                    let reason = format!("left out, since it has no \"{column}\"");
                    self.left_out.notes.push((note.source().clone(), reason));
                    self.left_out.error = form.check(std::slice::from_ref(&note)).err();
                }
            }
        }
    }
}

/// Reads a word as something between white space.
pub(super) fn word(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("there is no word in it"),
        word => Ok(word.to_owned()),
    }
}

/// Warnings that are shown one by one.
const SHOWN: usize = 20;

impl Notes {
    /// Reads the notes, saying what could not be read.
    pub(super) fn read(&self, terminal: &Terminal) -> Result<ReadNotes> {
        self.read_instead(&self.notes, terminal)
    }

    /// Reads other paths in the way that is asked for.
    pub(super) fn read_instead(&self, paths: &[PathBuf], terminal: &Terminal) -> Result<ReadNotes> {
        let import = self.import_instead(paths, terminal)?;
        tell(&import, terminal);
        if import.notes.is_empty() {
            anyhow::bail!("no note could be read");
        }
        Ok(ReadNotes {
            complete: import.is_complete(),
            stopped: import.stopped,
            notes: import.notes,
        })
    }

    /// The files and folders that are read.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.notes.iter().map(PathBuf::as_path)
    }

    /// All that reading the paths gives.
    pub(super) fn import(&self, terminal: &Terminal) -> Result<Import> {
        self.import_instead(&self.notes, terminal)
    }

    fn import_instead(&self, paths: &[PathBuf], terminal: &Terminal) -> Result<Import> {
        let mut import = import(paths, &self.options(), &terminal.job("reading"));
        if let Some(form) = self
            .files
            .form
            .as_ref()
            .filter(|_| !import.notes.is_empty())
        {
            let filled = form
                .apply(&import.notes)
                .map_err(|error| Usage(error.to_string()))?;
            import.notes = filled.notes;
            for (note, column) in filled.left_out {
                import.leave_out(&note, format!("left out, since it has no \"{column}\""));
            }
        }
        Ok(import)
    }

    /// Hands the texts of notes to `work`, one after the other, and says what could not be read;
    /// returns what that gave, and whether all could be read. `others` are read instead of the
    /// notes, in the same way.
    pub(super) fn texts<R>(
        &self,
        others: Option<&[PathBuf]>,
        job: &Job,
        terminal: &Terminal,
        work: impl FnOnce(TextStream<'_, '_>) -> R,
    ) -> Result<(R, bool)> {
        let options = self.options();
        let paths = others.unwrap_or(&self.notes);
        let mut notes = NoteStream::new(paths, &options, job);
        let mut left_out = LeftOut::default();
        let done = work(TextStream {
            notes: &mut notes,
            form: self.files.form.as_ref(),
            left_out: &mut left_out,
        });
        let mut import = notes.into_report();
        if let (Some(error), 0) = (left_out.error, left_out.filled) {
            return Err(Usage(error.to_string()).into());
        }
        for (source, reason) in left_out.notes {
            import.leave_out(&source, reason);
        }
        tell(&import, terminal);
        Ok((done, import.is_complete()))
    }

    fn options(&self) -> ImportOptions {
        let files = &self.files;
        ImportOptions {
            encoding: files.encoding,
            columns: Columns {
                text: files.text_columns.clone(),
                id: files.id_column.clone(),
                patient: files.patient_column.clone(),
                label: files.label_column.clone(),
                form: form_columns(files.form.as_ref()),
            },
        }
    }
}

/// The columns that a text form names.
fn form_columns(form: Option<&Template>) -> Vec<String> {
    let columns = form.into_iter().flat_map(Template::columns);
    columns.map(str::to_owned).collect()
}

/// Says what could not be read, and what should be known.
pub(super) fn tell(import: &Import, terminal: &Terminal) {
    for file in import.files.iter().filter(|file| file.guessed) {
        let (path, encoding) = (file.path.display(), file.encoding);
        terminal.remark(&format!(
            "{path}: read as {encoding}, a guess; --encoding says otherwise"
        ));
    }
    for warning in import.warnings.iter().take(SHOWN) {
        terminal.warning(&warning.to_string());
    }
    if let Some(more) = import.warnings.len().checked_sub(SHOWN + 1) {
        let more = more + 1;
        terminal.warning(&format!(
            "and {more} more; `auscult notes import --json` lists them all"
        ));
    }
    for failure in &import.failures {
        terminal.error(&failure.to_string());
    }
    if import.stopped {
        terminal.remark(&stopped(import));
    }
}

fn stopped(import: &Import) -> String {
    let (done, total) = (import.done, import.total);
    format!("stopped: {done} of {} read", counted(total, "file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_import_says_how_far_it_came() {
        let import = Import {
            stopped: true,
            done: 2,
            total: 9,
            ..Import::default()
        };
        assert_eq!(stopped(&import), "stopped: 2 of 9 files read");
    }
}
