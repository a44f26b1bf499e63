//! What parts of a data set hold, and what they share.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::job::Job;
use crate::notes::Note;
use crate::notes::columns::ColumnError;
use crate::notes::labels::{LabelCount, LabelQuery, document_labels, span_labels};
use crate::notes::leakage::{Leak, leaks};
use crate::notes::split::{Part, Split, SplitError, SplitOptions, split_notes};

/// What a part holds.
#[derive(Debug, Clone, Serialize)]
pub struct PartReport {
    /// Which.
    pub part: Part,
    /// Its notes.
    pub notes: usize,
    /// Bytes of their texts.
    pub bytes: usize,
    /// Different patients among them.
    pub patients: usize,
    /// Notes without a label, where others have one.
    pub unlabelled: usize,
    /// Labels of whole notes; all parts list the same ones in the same order.
    pub labels: Vec<LabelCount>,
    /// Labels of spans.
    pub spans: Vec<LabelCount>,
}

/// Notes in parts, and what is to be known of them.
#[derive(Debug, Clone)]
pub struct Division {
    /// The notes by their numbers.
    pub split: Split,
    /// What each part holds.
    pub parts: Vec<PartReport>,
    /// What parts share that they should not.
    pub leaks: Vec<Leak>,
}

/// Divides notes, counts what the parts hold, and looks for what they share.
///
/// # Errors
/// [`SplitError`] when no note has a column that is named, or the user stopped.
pub fn divide(notes: &[Note], options: &SplitOptions, job: &Job) -> Result<Division, SplitError> {
    job.step(0, 2, "steps")?;
    let split = job.within(0.0..1.0, || split_notes(notes, options, job))?;
    job.step(1, 2, "steps")?;
    let query = options.stratify.clone().unwrap_or_default();
    let parts = part_reports(&split.parts, notes, &query)?;
    let placed: Vec<(Part, &Note)> = split.parts.iter().copied().zip(notes).collect();
    let leaks = job.within(0.0..1.0, || leaks(&placed, options.group.as_deref(), job))?;
    job.step(2, 2, "steps")?;
    Ok(Division {
        split,
        parts,
        leaks,
    })
}

/// What parts hold and share that somebody else made: the part of each note is given.
///
/// # Errors
/// As [`divide`].
pub fn divided(
    notes: &[Note],
    parts: Vec<Part>,
    query: &LabelQuery,
    group: Option<&str>,
    job: &Job,
) -> Result<Division, SplitError> {
    if let Some(group) = group {
        crate::notes::columns::check_column(notes, group)?;
    }
    let reports = part_reports(&parts, notes, query)?;
    let placed: Vec<(Part, &Note)> = parts.iter().copied().zip(notes).collect();
    let leaks = leaks(&placed, group, job)?;
    Ok(Division {
        split: Split {
            units: notes.len(),
            ungrouped: 0,
            empty: Vec::new(),
            parts,
        },
        parts: reports,
        leaks,
    })
}

fn part_reports(
    parts: &[Part],
    notes: &[Note],
    query: &LabelQuery,
) -> Result<Vec<PartReport>, ColumnError> {
    let labels = document_labels(notes, query)?;
    let report = |part: Part| {
        let numbers: Vec<usize> = (0..notes.len())
            .filter(|&note| parts[note] == part)
            .collect();
        let own: Vec<&Note> = numbers.iter().map(|&note| &notes[note]).collect();
        let patients: BTreeSet<&String> = own
            .iter()
            .filter_map(|note| note.details().patient.as_ref())
            .collect();
        let counts = labels.counts(&numbers).into_iter();
        let classes = labels.classes.iter().zip(counts);
        let without = numbers
            .iter()
            .filter(|&&note| labels.targets[note].is_empty());
        PartReport {
            part,
            notes: own.len(),
            bytes: own.iter().map(|note| note.text().len()).sum(),
            patients: patients.len(),
            unlabelled: if labels.classes.is_empty() {
                0
            } else {
                without.count()
            },
            labels: classes
                .map(|(class, notes)| LabelCount {
                    notes,
                    ..class.clone()
                })
                .collect(),
            spans: span_labels(own).labels,
        }
    };
    Ok(Part::ALL.into_iter().map(report).collect())
}
