//! Makes examples of notes: the one place where files of notes and tokens meet training.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::config::{TaskKind, TrainConfig};
use super::example::{Example, Label};
use super::randomness::{Purpose, Randomness};
use crate::job::{Cancelled, Job};
use crate::notes::import::{Columns, ImportOptions, import};
use crate::notes::{Note, counted};
use crate::tasks::loss::IGNORED;
use crate::tokenization::windows::{Cut, CutError, windows};
use crate::tokenization::{Encoding, Tokenizer};

/// All that a run learns from and is judged by.
#[derive(Debug)]
pub struct Dataset {
    /// What is learned from.
    pub train: Vec<Example>,
    /// What is judged by; may be empty.
    pub validation: Vec<Example>,
    /// Names of the classes in order; none for masked-LM.
    pub labels: Vec<String>,
    /// What was read.
    pub fingerprint: Fingerprint,
    /// What was left out, each with its place and the reason; never text of a note.
    pub left_out: Vec<String>,
}

/// What was read, so that a run goes on with the same data only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Files with the SHA-256 of their bytes.
    pub files: Vec<(PathBuf, String)>,
    /// Examples to learn from.
    pub train_examples: usize,
    /// Their tokens.
    pub train_tokens: usize,
    /// Examples to be judged by.
    pub validation_examples: usize,
    /// Their tokens.
    pub validation_tokens: usize,
    /// Names of the classes.
    pub labels: Vec<String>,
    /// SHA-256 of all token ids and labels, in order.
    pub examples_sha256: String,
}

/// Why there is nothing to learn from.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// No file gave a note.
    #[error("no note could be read{}", .0.iter().map(|reason| format!("\n  {reason}")).collect::<String>())]
    NoNotes(Vec<String>),
    /// Notes, but no example.
    #[error("{notes} gave nothing to learn from or be judged by; the first reason: {first}")]
    NoExamples {
        /// How many notes.
        notes: String,
        /// Why the first of them did not.
        first: String,
    },
    /// Notes without what the task needs.
    #[error("no note has {0}")]
    Unlabelled(&'static str),
    /// Nothing can be told apart.
    #[error("all notes have the label \"{0}\": there is nothing to tell apart")]
    OneLabel(String),
    /// Sequences are too short for any text.
    #[error("max-tokens: {0}")]
    Cut(#[from] CutError),
    /// Stopped by the user.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Reads the notes of a run and makes examples of them.
///
/// Every word of a text that a tagger is to learn has its label on its first token; the others have
/// none, as in transformers' recipe for token classification.
///
/// # Errors
/// [`DataError`] when there is nothing to learn from, or `job` is stopped.
pub fn read(config: &TrainConfig, tokenizer: &Tokenizer, job: &Job) -> Result<Dataset, DataError> {
    let mut left_out = Vec::new();
    let mut files = Vec::new();
    let mut notes_of = |paths: &[PathBuf]| -> Result<Vec<Note>, DataError> {
        let options = ImportOptions {
            encoding: None,
            columns: Columns {
                text: config.text.clone(),
                patient: config.patient.clone(),
                label: config.label.clone(),
                ..Columns::default()
            },
        };
        let import = import(paths, &options, job);
        job.check()?;
        files.extend(
            import
                .files
                .into_iter()
                .map(|file| (file.path, file.sha256)),
        );
        left_out.extend(import.warnings.iter().map(ToString::to_string));
        left_out.extend(import.failures.iter().map(ToString::to_string));
        match import.notes.is_empty() {
            true => Err(DataError::NoNotes(std::mem::take(&mut left_out))),
            false => Ok(import.notes),
        }
    };
    let mut train = notes_of(&config.train)?;
    let validation = match config.validation.is_empty() {
        true => split(&mut train, config),
        false => notes_of(&config.validation)?,
    };
    let labels = labels(config, train.iter().chain(&validation));
    match (config.task, &labels[..]) {
        (TaskKind::Classify, []) => {
            let reason = "a label; name its column or field with label";
            return Err(DataError::Unlabelled(reason));
        }
        (TaskKind::Classify, [only]) if !config.several_labels => {
            return Err(DataError::OneLabel(only.clone()));
        }
        (TaskKind::Tag, [_]) => {
            return Err(DataError::Unlabelled("a marked span to learn from"));
        }
        _ => {}
    }
    let maker = Maker {
        config,
        tokenizer,
        labels: &labels,
    };
    let all = train.len() + validation.len();
    let mut done = 0;
    let mut examples_of = |notes: &[Note]| -> Result<Vec<Example>, DataError> {
        let mut examples = Vec::new();
        for note in notes {
            job.step(done, all, "notes")?;
            done += 1;
            match maker.examples(note)? {
                Ok(more) => examples.extend(more),
                Err(reason) => left_out.push(format!("{}: {reason}", note.source())),
            }
        }
        Ok(examples)
    };
    let train_examples = examples_of(&train)?;
    let validation_examples = examples_of(&validation)?;
    let given = !config.validation.is_empty();
    let nothing = match (&train_examples[..], &validation_examples[..]) {
        ([], _) => Some(train.len()),
        (_, []) if given => Some(validation.len()),
        _ => None,
    };
    if let Some(notes) = nothing {
        return Err(DataError::NoExamples {
            notes: counted(notes, "note"),
            first: left_out.into_iter().next().unwrap_or_default(),
        });
    }
    let fingerprint = fingerprint(files, &train_examples, &validation_examples, &labels);
    Ok(Dataset {
        train: train_examples,
        validation: validation_examples,
        labels,
        fingerprint,
        left_out,
    })
}

/// Takes the validation notes out of `notes`: all notes of a patient, if all have one.
fn split(notes: &mut Vec<Note>, config: &TrainConfig) -> Vec<Note> {
    if config.validation_share == 0.0 || notes.len() < 2 {
        return Vec::new();
    }
    let by_patient = notes.iter().all(|note| note.details().patient.is_some());
    let group = |(at, note): (usize, &Note)| match &note.details().patient {
        Some(patient) if by_patient => patient.clone(),
        _ => at.to_string(),
    };
    let groups: Vec<String> = notes.iter().enumerate().map(group).collect();
    let mut order: Vec<&String> = groups.iter().collect::<BTreeSet<_>>().into_iter().collect();
    let mut stream = Randomness::new(config.seed).stream(Purpose::Split, 0);
    stream.shuffle(&mut order);
    let kept = (config.validation_share * order.len() as f64).round() as usize;
    let kept = kept.clamp(1, order.len().max(2) - 1).min(order.len() - 1);
    let validation: BTreeSet<&String> = order[..kept].iter().copied().collect();
    let (mut train, mut judged) = (Vec::new(), Vec::new());
    for (note, group) in notes.drain(..).zip(&groups) {
        match validation.contains(group) {
            true => judged.push(note),
            false => train.push(note),
        }
    }
    *notes = train;
    judged
}

/// Names of the classes, sorted; for a tagger O and then B- and I- of each type.
fn labels<'a>(config: &TrainConfig, notes: impl Iterator<Item = &'a Note>) -> Vec<String> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for note in notes {
        let details = note.details();
        match config.task {
            TaskKind::MaskedLm => {}
            TaskKind::Classify => names.extend(details.labels.iter().map(String::as_str)),
            TaskKind::Tag => {
                names.extend(details.annotations.spans.iter().map(|span| &span.label[..]));
            }
        }
    }
    match config.task {
        TaskKind::Tag => {
            let both = names
                .iter()
                .flat_map(|name| [format!("B-{name}"), format!("I-{name}")]);
            std::iter::once("O".to_owned()).chain(both).collect()
        }
        _ => names.into_iter().map(str::to_owned).collect(),
    }
}

struct Maker<'a> {
    config: &'a TrainConfig,
    tokenizer: &'a Tokenizer,
    labels: &'a [String],
}

impl Maker<'_> {
    /// The examples of a note, or why it gives none.
    fn examples(&self, note: &Note) -> Result<Result<Vec<Example>, String>, CutError> {
        let label = match self.label(note) {
            Ok(label) => label,
            Err(reason) => return Ok(Err(reason)),
        };
        let encoding = match self.tokenizer.encode(note.text()) {
            Ok(encoding) => encoding,
            Err(error) => return Ok(Err(error.to_string())),
        };
        if encoding.special.iter().all(|&special| special) {
            return Ok(Err("there is no token in it".to_owned()));
        }
        let cut = match self.config.task {
            TaskKind::Classify => Cut::First,
            TaskKind::MaskedLm | TaskKind::Tag => Cut::Windows { overlap: 0 },
        };
        let tokens = match self.config.task {
            TaskKind::Tag => self.token_labels(note, &encoding),
            _ => Vec::new(),
        };
        let windows = windows(&encoding, self.config.max_tokens, cut)?;
        let examples = windows.into_iter().map(|window| {
            let mut own = vec![IGNORED; window.encoding.len()];
            for row in window.rows.clone().filter(|_| !tokens.is_empty()) {
                if let Some(local) = window.local(row) {
                    own[local] = tokens[row];
                }
            }
            Example {
                ids: window.encoding.ids,
                type_ids: window.encoding.type_ids,
                label: match &label {
                    Some(label) => label.clone(),
                    None => Label::Tokens(own),
                },
            }
        });
        Ok(Ok(examples.collect()))
    }

    /// The label of all windows of a note; `None` where each has its own.
    fn label(&self, note: &Note) -> Result<Option<Label>, String> {
        let place = |name: &String| self.labels.iter().position(|own| own == name);
        let own = &note.details().labels;
        match (self.config.task, self.config.several_labels) {
            (TaskKind::MaskedLm, _) => Ok(Some(Label::Text)),
            (TaskKind::Tag, _) => Ok(None),
            (TaskKind::Classify, true) => {
                let mut holds = vec![0.0; self.labels.len()];
                own.iter().filter_map(place).for_each(|at| holds[at] = 1.0);
                Ok(Some(Label::Classes(holds)))
            }
            (TaskKind::Classify, false) => match &own[..] {
                [one] => Ok(place(one).map(Label::Class)),
                [] => Err("it has no label; name its column with label".to_owned()),
                several => Err(format!(
                    "it has {} labels; several-labels = true learns them all",
                    several.len()
                )),
            },
        }
    }

    /// For each token its class: that of the span in which its word begins, on the first token of a
    /// word; of spans that overlap the longest counts.
    fn token_labels(&self, note: &Note, encoding: &Encoding) -> Vec<i64> {
        let mut spans: Vec<_> = note
            .details()
            .annotations
            .spans
            .iter()
            .flat_map(|span| span.pieces.iter().map(|piece| (piece.clone(), &span.label)))
            .collect();
        spans.sort_by_key(|(piece, _)| std::cmp::Reverse(piece.len()));
        let (mut word, mut open) = (None, None);
        let mut labels = Vec::with_capacity(encoding.len());
        for token in 0..encoding.len() {
            let span = &encoding.spans[token];
            let piece = &note.text()[span.clone()];
            let own = encoding.words[token];
            let begins = own.is_some() && own != word && !piece.trim().is_empty();
            if !begins {
                labels.push(IGNORED);
                continue;
            }
            word = own;
            let start = span.start + (piece.len() - piece.trim_start().len());
            let inside = spans.iter().position(|(piece, _)| piece.contains(&start));
            labels.push(match inside {
                None => 0,
                Some(found) => {
                    let prefix = if open == Some(found) { "I-" } else { "B-" };
                    let name = format!("{prefix}{}", spans[found].1);
                    let at = self.labels.iter().position(|own| *own == name);
                    at.expect("labels were made of the same spans") as i64
                }
            });
            open = inside;
        }
        labels
    }
}

fn fingerprint(
    files: Vec<(PathBuf, String)>,
    train: &[Example],
    validation: &[Example],
    labels: &[String],
) -> Fingerprint {
    let mut hash = Sha256::new();
    for part in [train, validation] {
        hash.update((part.len() as u64).to_le_bytes());
        for example in part {
            hash.update((example.ids.len() as u64).to_le_bytes());
            example
                .ids
                .iter()
                .for_each(|id| hash.update(id.to_le_bytes()));
            match &example.label {
                Label::Text => {}
                Label::Class(class) => hash.update((*class as u64).to_le_bytes()),
                Label::Classes(holds) => {
                    holds
                        .iter()
                        .for_each(|holds| hash.update(holds.to_le_bytes()));
                }
                Label::Tokens(classes) => {
                    classes
                        .iter()
                        .for_each(|class| hash.update(class.to_le_bytes()));
                }
            }
        }
    }
    let tokens = |part: &[Example]| part.iter().map(|example| example.ids.len()).sum();
    Fingerprint {
        files,
        train_examples: train.len(),
        train_tokens: tokens(train),
        validation_examples: validation.len(),
        validation_tokens: tokens(validation),
        labels: labels.to_vec(),
        examples_sha256: hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    }
}
