//! Which labels notes have: of the whole note, and of what is marked in it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Note;
use super::columns::{ColumnError, check_column, column_value};
use super::flat::{Unflat, flat_spans};

/// Where labels of whole notes stand.
#[derive(Debug, Clone, Default)]
pub struct LabelQuery {
    /// The column or field; if none is named, what was read as the notes' labels.
    pub column: Option<String>,
    /// What stands between several labels in one cell; if none is given, a cell is one label.
    pub separator: Option<String>,
}

/// How often a label occurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelCount {
    /// The label.
    pub label: String,
    /// Notes that have it.
    pub notes: usize,
    /// Spans that have it; 0 for labels of whole notes.
    #[serde(skip_serializing_if = "is_zero")]
    pub spans: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The labels of whole notes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocumentLabels {
    /// Each label once, in the order of their names, numbers by their value, with its count. The
    /// place in this list is the number of the class.
    pub classes: Vec<LabelCount>,
    /// For each note the numbers of its classes, in order, each once.
    pub targets: Vec<Vec<usize>>,
}

impl DocumentLabels {
    /// Numbers of the notes without a label.
    pub fn unlabelled(&self) -> impl Iterator<Item = usize> {
        let all = self.targets.iter().enumerate();
        all.filter(|(_, own)| own.is_empty()).map(|(note, _)| note)
    }

    /// Notes with more than one label: if there are any, each label is a question of its own.
    pub fn several(&self) -> usize {
        self.targets.iter().filter(|own| own.len() > 1).count()
    }

    /// How many of these notes, by number, each class has.
    pub fn counts(&self, notes: &[usize]) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for class in notes.iter().flat_map(|&note| &self.targets[note]) {
            counts[*class] += 1;
        }
        counts
    }
}

/// The labels of a note, each once, in the order in which it has them.
pub fn labels_of(note: &Note, query: &LabelQuery) -> Vec<String> {
    let cells: Vec<String> = match &query.column {
        None => note.details().labels.clone(),
        Some(column) => column_value(note, column)
            .map(|value| value.into_owned())
            .into_iter()
            .collect(),
    };
    let separator = query.separator.as_deref().filter(|own| !own.is_empty());
    let mut labels: Vec<String> = Vec::new();
    for cell in &cells {
        let parts: Vec<&str> = match separator {
            Some(separator) => cell.split(separator).collect(),
            None => Vec::from([cell.as_str()]),
        };
        for part in parts {
            let part = part.trim();
            if !part.is_empty() && !labels.iter().any(|own| own == part) {
                labels.push(part.to_owned());
            }
        }
    }
    labels
}

/// Labels with their counts in the order of their names, numbers by their value.
pub fn in_order(counts: impl Iterator<Item = (String, usize)>) -> Vec<LabelCount> {
    let class = |(label, notes)| LabelCount {
        label,
        notes,
        spans: 0,
    };
    let mut classes: Vec<LabelCount> = counts.map(class).collect();
    let number = |class: &LabelCount| class.label.parse::<i64>().ok();
    classes.sort_by(|a, b| a.label.cmp(&b.label));
    if classes.iter().all(|class| number(class).is_some()) {
        classes.sort_by_key(number);
    }
    classes
}

/// The labels of whole notes.
///
/// # Errors
/// [`ColumnError`] when no note has the column.
pub fn document_labels(notes: &[Note], query: &LabelQuery) -> Result<DocumentLabels, ColumnError> {
    if let Some(column) = &query.column {
        check_column(notes, column)?;
    }
    let own: Vec<Vec<String>> = notes.iter().map(|note| labels_of(note, query)).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for label in own.iter().flatten() {
        *counts.entry(label).or_default() += 1;
    }
    let counts = counts.into_iter();
    let classes = in_order(counts.map(|(label, notes)| (label.to_owned(), notes)));
    let numbers: BTreeMap<&str, usize> = classes
        .iter()
        .enumerate()
        .map(|(number, class)| (class.label.as_str(), number))
        .collect();
    let targets = own.iter().map(|own| {
        let mut own: Vec<usize> = own.iter().map(|label| numbers[label.as_str()]).collect();
        own.sort_unstable();
        own
    });
    let targets = targets.collect();
    Ok(DocumentLabels { classes, targets })
}

/// The labels of what is marked in notes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SpanLabels {
    /// Each label once, in the order of their names, with its count.
    pub labels: Vec<LabelCount>,
    /// Notes in which nothing is marked.
    pub notes_without: usize,
    /// Spans that cannot be labels of words beside the others, by the reason.
    pub unflat: BTreeMap<Unflat, usize>,
}

/// The labels of the spans of notes.
pub fn span_labels<'a>(notes: impl IntoIterator<Item = &'a Note>) -> SpanLabels {
    let mut found = SpanLabels::default();
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for note in notes {
        let spans = &note.details().annotations.spans;
        found.notes_without += usize::from(spans.is_empty());
        let kinds: BTreeSet<&str> = spans.iter().map(|span| span.label.as_str()).collect();
        for kind in kinds {
            counts.entry(kind).or_default().0 += 1;
        }
        for span in spans {
            counts.entry(&span.label).or_default().1 += 1;
        }
        for (_, why) in flat_spans(spans).1 {
            *found.unflat.entry(why).or_default() += 1;
        }
    }
    let count = |(label, (notes, spans)): (&str, (usize, usize))| LabelCount {
        label: label.to_owned(),
        notes,
        spans,
    };
    found.labels = counts.into_iter().map(count).collect();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notes::annotation::{Annotations, Span};
    use crate::notes::{Details, Source};

    fn note(labels: &[&str], codes: &str, spans: &[(&str, usize, usize)]) -> Note {
        let spans = spans.iter().map(|&(label, start, end)| Span {
            id: "T1".to_owned(),
            label: label.to_owned(),
            pieces: std::iter::once(start..end).collect(),
        });
        Note::new(Source::Typed, "chest pain".to_owned()).with_details(Details {
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
            fields: std::iter::once(("codes".to_owned(), codes.to_owned())).collect(),
            annotations: Annotations {
                spans: spans.collect(),
                ..Annotations::default()
            },
            ..Details::default()
        })
    }

    #[test]
    fn one_label_or_many_from_what_was_read_or_from_a_column() {
        let notes = [
            note(&["b", "a"], "10; 2;;2", &[]),
            note(&[], "9", &[]),
            note(&["b"], " ", &[]),
        ];
        let own = document_labels(&notes, &LabelQuery::default()).unwrap();
        let names: Vec<&str> = own
            .classes
            .iter()
            .map(|class| class.label.as_str())
            .collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(own.targets, [vec![0, 1], vec![], vec![1]]);
        assert_eq!((own.several(), own.unlabelled().collect()), (1, vec![1]));
        assert_eq!(own.counts(&[0, 2]), [1, 2]);
        let query = |separator: Option<&str>| LabelQuery {
            column: Some("Codes".to_owned()),
            separator: separator.map(str::to_owned),
        };
        // Numbers are in the order of their values.
        let split = document_labels(&notes, &query(Some(";"))).unwrap();
        let names: Vec<&str> = split
            .classes
            .iter()
            .map(|class| class.label.as_str())
            .collect();
        assert_eq!(names, ["2", "9", "10"]);
        assert_eq!(split.targets, [vec![0, 2], vec![1], vec![]]);
        let whole = document_labels(&notes, &query(None)).unwrap();
        assert_eq!(whole.classes[0].label, "10; 2;;2");
        let wrong = LabelQuery {
            column: Some("x".to_owned()),
            separator: None,
        };
        assert_eq!(document_labels(&notes, &wrong).unwrap_err().column, "x");
    }

    #[test]
    fn labels_of_spans() {
        let notes = [
            note(&[], "", &[("X", 0, 5), ("Y", 0, 10), ("X", 6, 10)]),
            note(&[], "", &[]),
        ];
        let found = span_labels(&notes);
        let counts: Vec<_> = found
            .labels
            .iter()
            .map(|own| (own.label.as_str(), own.notes, own.spans))
            .collect();
        assert_eq!(counts, [("X", 1, 2), ("Y", 1, 1)]);
        assert_eq!(found.notes_without, 1);
        assert_eq!(found.unflat, BTreeMap::from([(Unflat::Overlap, 2)]));
    }
}
