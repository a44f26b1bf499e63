//! Judges spans that were marked in notes.

use std::collections::BTreeMap;

use serde::Serialize;

use super::slices::{SliceTable, slice_table};
use super::{Figures, Interval, Settings, drawn, named_intervals};
use crate::job::Job;
use crate::metrics::MetricsError;
use crate::metrics::bootstrap::bootstrap;
use crate::metrics::spans::{Counts, Matching, Span, SpanReport, count};

/// The true and the marked spans of a note.
#[derive(Clone, Default)]
pub struct Marked {
    /// Those that should be there.
    pub truth: Vec<Span>,
    /// Those that the model marked.
    pub marked: Vec<Span>,
    /// Whose note it is, by number; if all have one, whole patients are resampled.
    pub patient: Option<usize>,
}

/// How good the marks are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spans {
    /// Right means same kind, same first and same last byte.
    pub exact: SpanReport,
    /// Right means same kind and at least one byte in common, each span counting once.
    pub overlap: SpanReport,
    /// Figures with their intervals; whole notes, or patients, are resampled.
    pub intervals: BTreeMap<&'static str, Interval>,
}

/// The figures that stand first.
pub(super) const HEADLINE: [&str; 8] = [
    "exact_micro_f1",
    "exact_micro_precision",
    "exact_micro_recall",
    "exact_macro_f1",
    "overlap_micro_f1",
    "overlap_micro_precision",
    "overlap_micro_recall",
    "overlap_macro_f1",
];

type NoteCounts = Vec<[BTreeMap<String, Counts>; 2]>;

fn counts(notes: &[Marked]) -> NoteCounts {
    let both = |note: &Marked| {
        [Matching::Exact, Matching::Overlap]
            .map(|matching| count(&note.truth, &note.marked, matching))
    };
    notes.iter().map(both).collect()
}

fn report(counts: &NoteCounts, notes: &[usize], matching: usize) -> SpanReport {
    SpanReport::of(notes.iter().map(|&note| &counts[note][matching]))
}

/// Judges the spans of notes.
///
/// # Errors
/// [`MetricsError`] when there are no notes or the job is stopped.
pub fn judge_spans(notes: &[Marked], how: &Settings, job: &Job) -> Result<Spans, MetricsError> {
    let counts = counts(notes);
    let all: Vec<usize> = (0..notes.len()).collect();
    let statistics = |notes: &[usize]| {
        let both = [0, 1].map(|matching| report(&counts, notes, matching));
        let values = both.iter().flat_map(|report| {
            let micro = report.micro;
            [
                Some(micro.f1),
                Some(micro.precision),
                Some(micro.recall),
                report.macro_mean.f1,
            ]
        });
        values.collect()
    };
    let patients: Option<Vec<usize>> = notes.iter().map(|note| note.patient).collect();
    let drawn = drawn(notes.len(), patients.as_deref());
    let intervals = bootstrap(&drawn, how.resampling, job, statistics)?;
    Ok(Spans {
        exact: report(&counts, &all, 0),
        overlap: report(&counts, &all, 1),
        intervals: named_intervals(&HEADLINE, intervals),
    })
}

/// The figures by the values of a column; its counts are notes.
///
/// # Errors
/// [`MetricsError`] when the numbers cannot be judged.
pub fn slice_spans(
    notes: &[Marked],
    column: &str,
    values: &[String],
) -> Result<SliceTable, MetricsError> {
    let counts = counts(notes);
    slice_table(column, values, |notes| {
        let [exact, overlap] = [0, 1].map(|matching| report(&counts, notes, matching).micro);
        Ok(Figures::from([
            ("exact_micro_f1", Some(exact.f1)),
            ("exact_micro_precision", Some(exact.precision)),
            ("exact_micro_recall", Some(exact.recall)),
            ("overlap_micro_f1", Some(overlap.f1)),
        ]))
    })
}
