//! What parts of a data set hold, and what they share.

use std::collections::HashSet;

use serde::Serialize;

use super::Note;
use super::labels::{LabelCount, LabelQuery};
use super::leakage::{Leak, leaks, normalised};
use super::near::Shingles;
use super::split::{Part, Ratio, Split, SplitError, Together, split};
use super::traces::{TraceOptions, Traces};
use crate::job::Job;

/// How notes are divided.
#[derive(Debug, Clone, Default)]
pub struct SplitOptions {
    /// How much goes where.
    pub ratio: Ratio,
    /// Another number gives another division.
    pub seed: u64,
    /// Notes with the same value in this column stay together. Without it notes of the same text do.
    pub group: Option<String>,
    /// Each part gets its share of each label in this column.
    pub stratify: Option<LabelQuery>,
}

/// What a part holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    job.step(0, 3, "steps")?;
    let of = TraceOptions {
        seed: options.seed,
        group: options.group.clone(),
        labels: options.stratify.clone().unwrap_or_default(),
    };
    let traces = job.within(0.0..1.0, || Traces::of(notes, of, job))?;
    job.step(1, 3, "steps")?;
    let together = match options.group {
        Some(_) => Together::Group,
        None => Together::Text,
    };
    let stratify = options.stratify.is_some();
    let split = || split(&traces, options.ratio, together, stratify, job);
    let split = job.within(0.0..1.0, split)?;
    job.step(2, 3, "steps")?;
    let leaks = job.within(0.0..1.0, || leaks_of(notes, &traces, &split.parts, job))?;
    job.step(3, 3, "steps")?;
    Ok(Division {
        parts: part_reports(&traces, &split.parts),
        split,
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
    let of = TraceOptions {
        seed: 0,
        group: group.map(str::to_owned),
        labels: query.clone(),
    };
    job.step(0, 2, "steps")?;
    let traces = job.within(0.0..1.0, || Traces::of(notes, of, job))?;
    traces.check()?;
    job.step(1, 2, "steps")?;
    let leaks = job.within(0.0..1.0, || leaks_of(notes, &traces, &parts, job))?;
    job.step(2, 2, "steps")?;
    Ok(Division {
        parts: part_reports(&traces, &parts),
        split: Split {
            units: notes.len(),
            ungrouped: 0,
            empty: Vec::new(),
            parts,
        },
        leaks,
    })
}

fn leaks_of(
    notes: &[Note],
    traces: &Traces,
    parts: &[Part],
    job: &Job,
) -> Result<Vec<Leak>, SplitError> {
    let shingles = |note: usize| Ok(Shingles::new(&normalised(notes[note].text())));
    leaks(traces, parts, shingles, job)
}

/// What each part holds.
pub fn part_reports(traces: &Traces, parts: &[Part]) -> Vec<PartReport> {
    let classes = traces.classes();
    let kinds = traces.kinds();
    let report = |part: Part| {
        let own = || {
            let all = traces.all().iter().zip(parts);
            all.filter(move |(_, own)| **own == part)
                .map(|(trace, _)| trace)
        };
        let mut labels = classes.classes.clone();
        labels.iter_mut().for_each(|class| class.notes = 0);
        let mut spans = vec![(0, 0); kinds.len()];
        let mut unlabelled = 0;
        for trace in own() {
            let of_note = classes.of(trace);
            unlabelled += usize::from(of_note.is_empty() && !labels.is_empty());
            of_note
                .into_iter()
                .for_each(|class| labels[class].notes += 1);
            for (kind, count) in &trace.spans {
                let (notes, spans) = &mut spans[*kind as usize];
                *notes += 1;
                *spans += *count as usize;
            }
        }
        let counts = kinds.iter().zip(spans);
        let mut spans: Vec<LabelCount> = counts
            .filter(|(_, (notes, _))| *notes > 0)
            .map(|(label, (notes, spans))| LabelCount {
                label: label.clone(),
                notes,
                spans,
            })
            .collect();
        spans.sort_by(|a, b| a.label.cmp(&b.label));
        let patients: HashSet<_> = own().filter_map(|trace| trace.patient).collect();
        PartReport {
            part,
            notes: own().count(),
            bytes: own().map(|trace| trace.bytes).sum(),
            patients: patients.len(),
            unlabelled,
            labels,
            spans,
        }
    };
    Part::ALL.into_iter().map(report).collect()
}
