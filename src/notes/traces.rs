//! What is kept of notes to divide them and to find what they share, so that their texts need not be.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sha2::{Digest, Sha256};

use super::columns::{ColumnError, add_names, column_value, is_among};
use super::labels::{LabelCount, LabelQuery, in_order, labels_of};
use super::leakage::normalised;
use super::numbers::Numbers;
use super::{Note, Source};
use crate::job::{Cancelled, Job};

/// Half of a SHA-256: equal for equal things, and the order of units in a division.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key([u8; 16]);

impl Key {
    pub(super) fn new(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        parts.iter().for_each(|part| hash.update(part));
        let mut key = [0; 16];
        key.copy_from_slice(&hash.finalize()[..16]);
        Self(key)
    }
}

/// What a division goes by.
#[derive(Debug, Clone, Default)]
pub struct TraceOptions {
    /// Another number gives another division.
    pub seed: u64,
    /// The column of which notes with the same value stay together.
    pub group: Option<String>,
    /// Where labels stand.
    pub labels: LabelQuery,
}

/// What is kept of one note.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) source: Source,
    pub(super) bytes: usize,
    pub(super) text: Key,
    pub(super) group: Option<Key>,
    pub(super) patient: Option<Key>,
    /// Its labels by their numbers in the order in which they were met.
    labels: Box<[u32]>,
    /// How many spans it has of each kind, numbered likewise.
    pub(super) spans: Box<[(u32, u32)]>,
}

/// What is kept of notes: about 150 bytes each, and the length of their labels and ids.
#[derive(Debug)]
pub struct Traces {
    options: TraceOptions,
    all: Vec<Trace>,
    labels: Numbers,
    kinds: Numbers,
    columns: BTreeSet<String>,
}

/// Labels of whole notes, in order.
#[derive(Debug)]
pub(super) struct Classes {
    /// Each once, with its count.
    pub(super) classes: Vec<LabelCount>,
    /// The place of each label there, by the number that it has in traces.
    places: Vec<usize>,
}

impl Classes {
    /// The numbers of a note's classes, in order.
    pub(super) fn of(&self, trace: &Trace) -> Vec<usize> {
        let own = trace.labels.iter();
        let mut own: Vec<usize> = own.map(|&label| self.places[label as usize]).collect();
        own.sort_unstable();
        own
    }
}

impl Traces {
    /// No note yet.
    pub fn new(options: TraceOptions) -> Self {
        Self {
            options,
            all: Vec::new(),
            labels: Numbers::default(),
            kinds: Numbers::default(),
            columns: BTreeSet::new(),
        }
    }

    /// What is kept of these notes.
    ///
    /// # Errors
    /// [`Cancelled`] when the user stopped.
    pub fn of(notes: &[Note], options: TraceOptions, job: &Job) -> Result<Self, Cancelled> {
        let mut traces = Self::new(options);
        for (number, note) in notes.iter().enumerate() {
            job.step(number, notes.len(), "notes")?;
            traces.add(note, &normalised(note.text()));
        }
        job.step(notes.len(), notes.len(), "notes")?;
        Ok(traces)
    }

    /// Keeps what is needed of a note; `plain` is its [`normalised`] text.
    pub fn add(&mut self, note: &Note, plain: &str) {
        add_names(note, &mut self.columns);
        let details = note.details();
        let seed = self.options.seed.to_le_bytes();
        let group = |value: &str| Key::new(&[&seed, b"group:", value.as_bytes()]);
        let of_column = self.options.group.as_deref();
        let of_column = of_column.and_then(|column| column_value(note, column));
        let patient = details.patient.as_deref().map(str::trim);
        let labels = labels_of(note, &self.options.labels).into_iter();
        let mut spans: BTreeMap<u32, u32> = BTreeMap::new();
        for span in &details.annotations.spans {
            *spans.entry(self.kinds.of(&span.label)).or_default() += 1;
        }
        self.all.push(Trace {
            source: note.source().clone(),
            bytes: note.text().len(),
            text: Key::new(&[&seed, b"text:", plain.as_bytes()]),
            group: of_column.as_deref().map(group),
            patient: patient.filter(|own| !own.is_empty()).map(group),
            labels: labels.map(|label| self.labels.of(&label)).collect(),
            spans: spans.into_iter().collect(),
        });
    }

    /// Notes that are kept of.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Where a note came from.
    pub fn source(&self, note: usize) -> &Source {
        &self.all[note].source
    }

    /// Whether any note has a patient.
    pub fn have_patients(&self) -> bool {
        self.all.iter().any(|trace| trace.patient.is_some())
    }

    /// That there is a column of this name, in one note at least.
    ///
    /// # Errors
    /// [`ColumnError`] when no note has one.
    pub fn check_column(&self, column: &str) -> Result<(), ColumnError> {
        is_among(column, &self.columns)
    }

    /// That there are the columns which the options name.
    pub(super) fn check(&self) -> Result<(), ColumnError> {
        let own = [&self.options.group, &self.options.labels.column];
        let mut own = own.into_iter().flatten();
        own.try_for_each(|column| self.check_column(column))
    }

    /// The column that groups are of, if one is named.
    pub fn group(&self) -> Option<&str> {
        self.options.group.as_deref()
    }

    pub(super) fn all(&self) -> &[Trace] {
        &self.all
    }

    /// The labels of whole notes, numbers by their value.
    pub(super) fn classes(&self) -> Classes {
        let mut notes = vec![0; self.labels.names().len()];
        for label in self.all.iter().flat_map(|trace| &trace.labels) {
            notes[*label as usize] += 1;
        }
        let counts = self.labels.names().iter().zip(notes);
        let classes = in_order(counts.map(|(label, notes)| (label.clone(), notes)));
        let numbers = classes.iter().enumerate();
        let places: HashMap<&str, usize> = numbers
            .map(|(place, class)| (class.label.as_str(), place))
            .collect();
        Classes {
            places: (self.labels.names().iter())
                .map(|label| places[label.as_str()])
                .collect(),
            classes,
        }
    }

    /// The kinds of spans, by their numbers.
    pub(super) fn kinds(&self) -> &[String] {
        self.kinds.names()
    }
}
