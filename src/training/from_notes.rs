//! Reads the notes of a run: the one place where files of notes and tokens meet training.

use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::config::{TaskKind, TrainConfig};
use super::dataset::{All, Unhashed};
use super::drafts::Drafts;
use super::store::{Store, StoreError};
use crate::job::{Cancelled, Job};
use crate::notes::columns::ColumnError;
use crate::notes::division::{PartReport, part_reports};
use crate::notes::import::{Columns, ImportOptions, NoteStream};
use crate::notes::labels::{LabelQuery, labels_of};
use crate::notes::leakage::{leaks, normalised};
use crate::notes::near::Shingles;
use crate::notes::split::{Part, Ratio, Split, SplitError, Together, split};
use crate::notes::template::{Template, TemplateError};
use crate::notes::traces::{TraceOptions, Traces};
use crate::notes::{Note, counted};
use crate::tokenization::Tokenizer;
use crate::tokenization::windows::CutError;

pub use super::dataset::{DataReport, Dataset, Examples, Fingerprint};

/// Why there is nothing to learn from.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// No file gave a note.
    #[error("no note could be read{}", .0.iter().map(|reason| format!("\n  {reason}")).collect::<String>())]
    NoNotes(Vec<String>),
    /// Notes, but no example.
    #[error(
        "{notes} of {part} gave nothing to learn from or be judged by; the first reason: {first}"
    )]
    NoExamples {
        /// How many notes.
        notes: String,
        /// The part that they are.
        part: Part,
        /// Why the first of them did not.
        first: String,
    },
    /// Notes without what the task needs.
    #[error("no note has {0}")]
    Unlabelled(&'static str),
    /// Nothing can be told apart.
    #[error("all notes have the label \"{0}\": there is nothing to tell apart")]
    OneLabel(String),
    /// A column that notes are to be kept together by, and that none has.
    #[error("group: {0}")]
    Group(#[from] ColumnError),
    /// A text form that does not fit.
    #[error("form: {0}")]
    Form(#[from] TemplateError),
    /// Sequences are too short for any text.
    #[error("max-tokens: {0}")]
    Cut(#[from] CutError),
    /// Tokens that could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Stopped by the user.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl From<SplitError> for DataError {
    fn from(error: SplitError) -> Self {
        match error {
            SplitError::Column(error) => Self::Group(error),
            SplitError::Cancelled(cancelled) => Self::Cancelled(cancelled),
        }
    }
}

impl From<Unhashed> for DataError {
    fn from(error: Unhashed) -> Self {
        match error {
            Unhashed::Store(error) => Self::Store(error),
            Unhashed::Cancelled(cancelled) => Self::Cancelled(cancelled),
        }
    }
}

/// Reads the notes of a run, divides them, and makes examples of them.
///
/// Notes are read one after the other, and their texts are not kept: of each stay its tokens, in
/// memory or in a file without a name, and what is needed to divide the notes and to find what their
/// parts share.
///
/// # Errors
/// [`DataError`] when there is nothing to learn from, or `job` is stopped.
pub fn read(config: &TrainConfig, tokenizer: &Tokenizer, job: &Job) -> Result<Dataset, DataError> {
    let mut reading = Reading::new(config, tokenizer, job)?;
    reading.add(Part::Train, &config.train)?;
    reading.divide()?;
    for (part, paths) in [
        (Part::Validation, &config.validation),
        (Part::Test, &config.test),
    ] {
        if !paths.is_empty() {
            reading.add(part, paths)?;
        }
    }
    reading.finish()
}

/// Bytes of a MB.
const MB: usize = 1 << 20;

/// The notes that were read so far.
struct Reading<'a> {
    config: &'a TrainConfig,
    job: &'a Job,
    options: ImportOptions,
    form: Option<Template>,
    query: LabelQuery,
    drafts: Drafts<'a>,
    traces: Traces,
    /// The part of each note, and where its examples end.
    parts: Vec<Part>,
    ends: Vec<usize>,
    /// The shingles of each note, where there are parts to be compared.
    shingles: Option<Store>,
    report: DataReport,
    files: Vec<(PathBuf, String)>,
    left_out: Vec<String>,
}

impl<'a> Reading<'a> {
    fn new(
        config: &'a TrainConfig,
        tokenizer: &'a Tokenizer,
        job: &'a Job,
    ) -> Result<Self, DataError> {
        let form = config.form.as_deref().map(Template::parse).transpose()?;
        let memory = config.data_memory.saturating_mul(MB);
        let traces = trace_options(config);
        let given = !(config.validation.is_empty() && config.test.is_empty());
        let compared = given || config.shares() != [0.0; 2];
        Ok(Self {
            options: import_options(config, form.as_ref()),
            form,
            drafts: Drafts::new(config, tokenizer, &config.run, memory / 4 * 3),
            query: traces.labels.clone(),
            traces: Traces::new(traces),
            parts: Vec::new(),
            ends: Vec::new(),
            shingles: compared.then(|| Store::new(&config.run, memory / 4)),
            report: DataReport::default(),
            files: Vec::new(),
            left_out: Vec::new(),
            config,
            job,
        })
    }

    /// Reads the notes of a part.
    fn add(&mut self, part: Part, paths: &[PathBuf]) -> Result<(), DataError> {
        let (options, job) = (self.options.clone(), self.job);
        let mut stream = NoteStream::new(paths, &options, job);
        let before = self.parts.len();
        let mut reasons = Vec::new();
        let mut wrong = None;
        for mut note in stream.by_ref() {
            job.check()?;
            if let Some(form) = &self.form {
                note = match form.filled(&note) {
                    Ok(note) => note,
                    Err(column) => {
                        let source = note.source();
                        reasons.push(format!("{source}: left out, since it has no \"{column}\""));
                        wrong = form.check(std::slice::from_ref(&note)).err();
                        continue;
                    }
                };
            }
            self.note(part, &note, &mut reasons)?;
        }
        job.check()?;
        let import = stream.into_report();
        let files = import.files.into_iter();
        self.files
            .extend(files.map(|file| (file.path, file.sha256)));
        let unread = import.warnings.iter().map(ToString::to_string);
        let unread = unread.chain(import.failures.iter().map(ToString::to_string));
        let reasons: Vec<String> = unread.chain(reasons).collect();
        match (self.parts.len() > before, wrong) {
            (false, Some(error)) => Err(error.into()),
            (false, None) => Err(DataError::NoNotes(reasons)),
            (true, _) => {
                self.left_out.extend(reasons);
                Ok(())
            }
        }
    }

    fn note(
        &mut self,
        part: Part,
        note: &Note,
        reasons: &mut Vec<String>,
    ) -> Result<(), DataError> {
        let plain = normalised(note.text());
        self.traces.add(note, &plain);
        self.parts.push(part);
        if let Some(store) = &mut self.shingles {
            let shingles = Shingles::new(&plain);
            let halves = |number: &u64| [*number as u32, (*number >> 32) as u32];
            let row: Vec<u32> = shingles.numbers().iter().flat_map(halves).collect();
            store.push(&row)?;
        }
        let labels = match self.config.task {
            TaskKind::Classify => labels_of(note, &self.query),
            TaskKind::MaskedLm | TaskKind::Tag => Vec::new(),
        };
        if let Err(reason) = self.drafts.add(note, &labels)? {
            reasons.push(format!("{}: {reason}", note.source()));
        }
        self.ends.push(self.drafts.len());
        Ok(())
    }

    /// Takes the shares of validation and test from the notes that were read, as `auscult notes split`
    /// does with the same shares and seed.
    fn divide(&mut self) -> Result<(), DataError> {
        let Some((split, group)) = divided(self.config, &self.traces, self.job)? else {
            return Ok(());
        };
        self.report.group = group;
        self.report.ungrouped = split.ungrouped;
        self.report.empty = split.empty;
        self.parts = split.parts;
        Ok(())
    }

    fn finish(mut self) -> Result<Dataset, DataError> {
        if let Some(mut shingles) = self.shingles.take() {
            shingles.seal()?;
            let of = |note: usize| -> Result<Shingles, DataError> {
                let row = shingles.row(note)?;
                let (halves, _) = row.as_chunks();
                let whole = |[low, high]: &[u32; 2]| u64::from(*low) | u64::from(*high) << 32;
                Ok(Shingles::from_numbers(halves.iter().map(whole).collect()))
            };
            self.report.leaks = leaks(&self.traces, &self.parts, of, self.job)?;
        }
        let mut report = self.report;
        report.parts = part_reports(&self.traces, &self.parts);
        report
            .parts
            .iter_mut()
            .for_each(|part| keep_used(self.config.task, part));
        report.unflat = std::mem::take(&mut self.drafts.unflat);
        report.inexact = self.drafts.inexact;
        let (all, labels) = self.drafts.finish()?;
        check(self.config, &labels)?;
        report.unlearned = unlearned(self.config.task, &labels, &report.parts[0]);
        report.on_disk = all.store.written();
        let [train, validation, test] = examples(all, &self.parts, &self.ends);
        for (part, examples) in Part::ALL.iter().zip([&train, &validation, &test]) {
            let notes = report.parts[*part as usize].notes;
            if examples.is_empty() && (notes > 0 || *part == Part::Train) {
                return Err(DataError::NoExamples {
                    notes: counted(notes, "note"),
                    part: *part,
                    first: self.left_out.into_iter().next().unwrap_or_default(),
                });
            }
        }
        let mut hash = Sha256::new();
        train.hash(&mut hash, self.job)?;
        validation.hash(&mut hash, self.job)?;
        // So that a run without a test part has the fingerprint that it had before there were any.
        if !test.is_empty() {
            test.hash(&mut hash, self.job)?;
        }
        let digest = hash.finalize();
        let fingerprint = Fingerprint {
            files: self.files,
            train_examples: train.len(),
            train_tokens: train.lengths().sum(),
            validation_examples: validation.len(),
            validation_tokens: validation.lengths().sum(),
            test_examples: test.len(),
            test_tokens: test.lengths().sum(),
            labels: labels.clone(),
            examples_sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        Ok(Dataset {
            train,
            validation,
            test,
            labels,
            fingerprint,
            report,
            left_out: self.left_out,
        })
    }
}

/// How a run divides the notes of its training files, and the column that keeps notes together; `None`
/// where it takes no share of them.
pub(super) fn divided(
    config: &TrainConfig,
    traces: &Traces,
    job: &Job,
) -> Result<Option<(Split, Option<String>)>, DataError> {
    let [validation, test] = config.shares();
    let (together, group) = match &config.group {
        Some(group) => (Together::Group, Some(group.clone())),
        None if traces.have_patients() => (Together::Patient, Some("patient".to_owned())),
        None => (Together::Text, None),
    };
    if let Some(group) = &config.group {
        traces.check_column(group)?;
    }
    if [validation, test] == [0.0; 2] {
        return Ok(None);
    }
    let ratio = Ratio::of_shares(validation, test);
    let stratify = config.stratify && config.task == TaskKind::Classify;
    let split = split(traces, ratio, together, stratify, job)?;
    Ok(Some((split, group)))
}

/// What a run's description says of how its files are read.
pub(super) fn import_options(config: &TrainConfig, form: Option<&Template>) -> ImportOptions {
    let of_form = form.into_iter().flat_map(Template::columns);
    ImportOptions {
        encoding: None,
        columns: Columns {
            text: config.text.clone(),
            id: None,
            patient: config.patient.clone(),
            label: config.label.clone(),
            form: of_form.map(str::to_owned).collect(),
        },
    }
}

/// What a run's division goes by.
pub(super) fn trace_options(config: &TrainConfig) -> TraceOptions {
    TraceOptions {
        seed: config.seed,
        group: config.group.clone(),
        labels: LabelQuery {
            column: None,
            separator: config.separator.clone(),
        },
    }
}

/// That there is something to be learned.
fn check(config: &TrainConfig, labels: &[String]) -> Result<(), DataError> {
    match (config.task, labels) {
        (TaskKind::Classify, []) => Err(DataError::Unlabelled(
            "a label; name its column or field with label",
        )),
        (TaskKind::Classify, [only]) if !config.several_labels => {
            Err(DataError::OneLabel(only.clone()))
        }
        (TaskKind::Tag, [_]) => Err(DataError::Unlabelled(
            "a marked span to learn from; brat, CoNLL, doccano, Label Studio and Prodigy files have them",
        )),
        _ => Ok(()),
    }
}

/// Leaves of what a part holds what the task learns.
fn keep_used(task: TaskKind, part: &mut PartReport) {
    if task != TaskKind::Classify {
        part.labels.clear();
        part.unlabelled = 0;
    }
    if task != TaskKind::Tag {
        part.spans.clear();
    }
}

/// Labels, or kinds of spans, that no note to learn from has.
fn unlearned(task: TaskKind, labels: &[String], train: &PartReport) -> Vec<String> {
    let learned = match task {
        TaskKind::Tag => &train.spans,
        TaskKind::MaskedLm | TaskKind::Classify => &train.labels,
    };
    let is_learned = |name: &str| {
        let mut learned = learned.iter();
        learned.any(|own| own.label == name && own.notes > 0)
    };
    let names = labels.iter().filter_map(|label| match task {
        TaskKind::Tag => label.strip_prefix("B-"),
        TaskKind::MaskedLm | TaskKind::Classify => Some(label.as_str()),
    });
    let unlearned = names.filter(|name| !is_learned(name));
    unlearned.map(str::to_owned).collect()
}

/// The examples of each part, in the order of the notes, of which each ends where `ends` says.
fn examples(all: All, parts: &[Part], ends: &[usize]) -> [Examples; 3] {
    let mut numbers: [Vec<u32>; 3] = Default::default();
    let mut start = 0;
    for (part, &end) in parts.iter().zip(ends) {
        numbers[*part as usize].extend(start as u32..end as u32);
        start = end;
    }
    let all = Arc::new(all);
    numbers.map(|numbers| Examples::new(Arc::clone(&all), numbers))
}
