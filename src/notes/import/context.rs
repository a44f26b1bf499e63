//! A file while its notes are read.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::super::decoding::{Damage, damaged};
use super::super::map::{Runs, SourceMap};
use super::super::source::{Place, SourceFile};
use super::super::{Details, Note, Source};
use super::{Columns, Failure, Import, ImportOptions, fields};
use crate::job::Job;

/// Which part of its file a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    Whole,
    First,
    Middle,
    Last,
}

impl Block {
    pub(super) fn is_first(self) -> bool {
        matches!(self, Self::Whole | Self::First)
    }

    pub(super) fn is_last(self) -> bool {
        matches!(self, Self::Whole | Self::Last)
    }
}

/// A file while its notes are read.
pub(super) struct FileContext<'a> {
    pub(super) import: &'a mut Import,
    pub(super) options: &'a ImportOptions,
    pub(super) job: &'a Job,
    pub(super) path: &'a Path,
    /// All of it, decoded.
    pub(super) text: &'a str,
    pub(super) runs: Arc<Runs>,
    pub(super) file: Arc<SourceFile>,
    /// What is no text in it.
    pub(super) damage: Vec<Damage>,
    pub(super) format: String,
    pub(super) skipped: usize,
    /// Lines of the file in front of this text.
    pub(super) lines_before: u64,
    /// The number of the row or record that is being read, counted from 1.
    pub(super) record: usize,
    /// The numbers of those that became notes.
    pub(super) records: Vec<usize>,
}

impl FileContext<'_> {
    /// Something to be known, in this line.
    pub(super) fn warn(&mut self, line: Option<u64>, reason: impl Into<String>) {
        let line = line.map(|line| self.lines_before + line);
        self.import.warn(self.path, line, reason.into());
    }

    /// Leaves a row or record out.
    pub(super) fn skip(&mut self, line: u64, reason: impl Into<String>) {
        self.skipped += 1;
        self.warn(Some(line), reason);
    }

    /// Which columns hold what, from the next note on; `names` are those of all.
    pub(super) fn found(&mut self, roles: &fields::Roles, names: &[impl AsRef<str>]) {
        let known = &self.file.columns;
        let name = |column: usize| names[column].as_ref();
        let is = |own: &Option<String>, column: Option<usize>| own.as_deref() == column.map(name);
        let texts = || roles.text.iter().map(|&column| name(column));
        if texts().eq(known.text.iter().map(String::as_str))
            && is(&known.id, roles.id)
            && is(&known.patient, roles.patient)
            && is(&known.label, roles.label)
        {
            return;
        }
        let named = |column: Option<usize>| column.map(|column| name(column).to_owned());
        let columns = Columns {
            text: texts().map(str::to_owned).collect(),
            id: named(roles.id),
            patient: named(roles.patient),
            label: named(roles.label),
            form: Vec::new(),
        };
        let mut file = SourceFile::clone(&self.file);
        file.columns = columns;
        self.file = Arc::new(file);
    }

    /// Adds a note whose characters come from the decoded file as `inner` says.
    pub(super) fn add(&mut self, place: Place, text: String, details: Details, inner: Runs) {
        let place = match place {
            Place::Line(line) => Place::Line(self.lines_before + line),
            place => place,
        };
        let source = Source::File(Arc::clone(&self.file), place);
        let map = SourceMap::new(inner, &self.runs);
        let note = Note::new(source, text).with_details(details).with_map(map);
        self.records.push(self.record);
        self.import.notes.push(note);
    }

    /// What is no text in these bytes of the decoded file, if anything is.
    pub(super) fn damaged(&self, bytes: &Range<usize>) -> Option<String> {
        damaged(&self.damage, bytes)
    }

    /// Lets the user stop, now and then.
    pub(super) fn check(&self) -> Result<(), Failure> {
        Ok(self.job.check()?)
    }
}
