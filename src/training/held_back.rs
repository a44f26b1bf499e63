//! The notes that a run holds back from learning, found again as the run divided them.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

use serde::Deserialize;

use super::config::TrainConfig;
use super::from_notes::{DataError, divided, import_options, trace_options};
use super::run_folder::{RunError, RunFolder};
use super::session::TrainError;
use crate::job::Job;
use crate::notes::Note;
use crate::notes::import::{ImportOptions, NoteStream};
use crate::notes::leakage::normalised;
use crate::notes::split::Part;
use crate::notes::template::Template;
use crate::notes::traces::Traces;

/// The notes of a run that it did not learn from.
#[derive(Debug, Clone, Default)]
pub struct HeldBack {
    /// Those that tell its best model.
    pub validation: Vec<Note>,
    /// Those that the best model is judged by at the end.
    pub test: Vec<Note>,
    /// The texts of the others, with small letters and single spaces.
    learned: HashSet<String>,
}

impl HeldBack {
    /// How many of these notes have the text of one that the run learned from.
    pub fn learned(&self, notes: &[Note]) -> usize {
        let is_learned = |note: &&Note| self.learned.contains(&normalised(note.text()));
        notes.iter().filter(is_learned).count()
    }

    /// Reads the notes of a run anew and divides them as it did.
    ///
    /// # Errors
    /// [`TrainError`] when the folder is no run, a file is not there any more or is another one than
    /// the run learned from, or `job` is stopped.
    pub fn of(config: &TrainConfig, job: &Job) -> Result<Self, TrainError> {
        let reading = Reading::of(config, job)?;
        let mut files = Vec::new();
        let mut traces = Traces::new(trace_options(config));
        reading.each(&config.train, &mut files, |note| {
            traces.add(&note, &normalised(note.text()));
        })?;
        let parts = divided(config, &traces, job)?.map(|(split, _)| split.parts);
        let mut own = Self::default();
        let mut number = 0;
        reading.each(&config.train, &mut Vec::new(), |note| {
            let part = parts.as_ref().map_or(Part::Train, |parts| parts[number]);
            number += 1;
            match part {
                Part::Train => {
                    own.learned.insert(normalised(note.text()));
                }
                Part::Validation => own.validation.push(note),
                Part::Test => own.test.push(note),
            }
        })?;
        for (paths, notes) in [
            (&config.validation, &mut own.validation),
            (&config.test, &mut own.test),
        ] {
            reading.each(paths, &mut files, |note| notes.push(note))?;
        }
        unchanged(config, &files)?;
        Ok(own)
    }
}

/// The notes of other files, read as the run reads its own: with its columns, in its text form.
///
/// # Errors
/// [`DataError::NoNotes`] when there are none, [`DataError::Cancelled`] when `job` is stopped.
pub fn read_alike(
    config: &TrainConfig,
    paths: &[PathBuf],
    job: &Job,
) -> Result<Vec<Note>, TrainError> {
    let reading = Reading::of(config, job)?;
    let mut notes = Vec::new();
    let failures = reading.each(paths, &mut Vec::new(), |note| notes.push(note))?;
    match notes.is_empty() && !paths.is_empty() {
        true => Err(DataError::NoNotes(failures).into()),
        false => Ok(notes),
    }
}

/// How the notes of a run are read.
struct Reading<'a> {
    options: ImportOptions,
    form: Option<Template>,
    job: &'a Job,
}

impl<'a> Reading<'a> {
    fn of(config: &TrainConfig, job: &'a Job) -> Result<Self, DataError> {
        let form = config.form.as_deref().map(Template::parse).transpose()?;
        Ok(Self {
            options: import_options(config, form.as_ref()),
            form,
            job,
        })
    }

    /// Hands each note of the paths to `each`, and adds the files with their hashes. What could not be
    /// read.
    fn each(
        &self,
        paths: &[PathBuf],
        files: &mut Vec<(PathBuf, String)>,
        mut each: impl FnMut(Note),
    ) -> Result<Vec<String>, DataError> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let mut stream = NoteStream::new(paths, &self.options, self.job);
        for note in stream.by_ref() {
            self.job.check()?;
            match &self.form {
                None => each(note),
                // A note without what the form names is left out by the run as well.
                Some(form) => {
                    if let Ok(note) = form.filled(&note) {
                        each(note);
                    }
                }
            }
        }
        self.job.check()?;
        let import = stream.into_report();
        files.extend(import.files.into_iter().map(|own| (own.path, own.sha256)));
        Ok(import.failures.iter().map(ToString::to_string).collect())
    }
}

/// That the files are those that the run learned from.
fn unchanged(config: &TrainConfig, found: &[(PathBuf, String)]) -> Result<(), TrainError> {
    #[derive(Deserialize)]
    struct Data {
        files: Vec<(PathBuf, String)>,
    }
    let path = RunFolder::data(&config.run);
    let damaged = |reason: String| RunError::Damaged {
        path: path.clone(),
        reason,
    };
    let text = std::fs::read_to_string(&path).map_err(|error| damaged(error.to_string()))?;
    let before: Data = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
    let before: BTreeSet<_> = before.files.iter().collect();
    let found: BTreeSet<_> = found.iter().collect();
    let gone = before.difference(&found).next();
    // One more would change into which parts all of them are divided.
    let new = found.difference(&before).next();
    let (file, how) = match (gone, new) {
        (None, None) => return Ok(()),
        (Some((file, _)), _) => (file, "is not as it was when the run began"),
        (None, Some((file, _))) => (file, "was not there when the run began"),
    };
    Err(damaged(format!(
        "{} {how}, so which notes it held back cannot be told; put everything back as it was, or choose \
         other notes to judge by",
        file.display()
    ))
    .into())
}
