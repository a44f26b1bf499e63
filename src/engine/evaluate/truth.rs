//! What is true of notes, in the model's own words.

use std::collections::BTreeMap;

use super::super::{EngineError, Loaded, Note, Source, counted};
use super::EvaluateQuery;
use crate::metrics::spans::Span;

/// Names of a model's labels that an error shows.
const SHOWN: usize = 20;

/// The value of a column or field of a note; the columns that were taken as patient and label go by
/// these words, and what no column is called, `file`, is the path of the note's file.
pub(super) fn value(note: &Note, column: &str) -> Option<String> {
    let details = note.details();
    if let Some(own) = details.field(column) {
        return Some(own.to_owned());
    }
    match (column, note.source()) {
        ("patient", _) => details.patient.clone(),
        ("label", _) => details.labels.first().cloned(),
        ("file", Source::File(file, _)) => Some(file.path.display().to_string()),
        _ => None,
    }
}

/// The labels of a note; a cell with several is parted at `separator`.
pub(super) fn labels<'a>(
    note: &'a Note,
    separator: Option<&'a str>,
) -> impl Iterator<Item = &'a str> {
    let parts = note
        .details()
        .labels
        .iter()
        .flat_map(move |label| match separator {
            Some(separator) => label.split(separator).collect(),
            None => vec![label.as_str()],
        });
    parts.map(str::trim).filter(|label| !label.is_empty())
}

/// The number of a name; upper and lower case count only where two names differ in nothing else.
fn number_of(names: &[String], name: &str) -> Option<usize> {
    let exact = names.iter().position(|own| own == name);
    exact.or_else(|| names.iter().position(|own| own.eq_ignore_ascii_case(name)))
}

fn listed(names: &[String]) -> String {
    let more = match names.len().checked_sub(SHOWN + 1) {
        Some(more) => format!(" and {} more", more + 1),
        None => String::new(),
    };
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    format!("{}{more}", shown.join(", "))
}

impl Loaded {
    /// The number of the class that counts as positive, of two.
    pub(super) fn positive(&self, query: &EvaluateQuery) -> Result<usize, EngineError> {
        let names = &self.model.config().labels;
        let Some(name) = &query.positive else {
            if query.settings.cost_ratio.is_some() && names.len() != 2 {
                let reason = format!(
                    "a threshold parts two classes, and this model has {}: its prediction is the \
                     largest score",
                    names.len()
                );
                return Err(EngineError::Choice(reason));
            }
            return Ok(1);
        };
        if names.len() != 2 {
            let reason = format!(
                "one of two classes can be positive; this model has {}",
                names.len()
            );
            return Err(EngineError::Choice(reason));
        }
        number_of(names, name).ok_or_else(|| {
            EngineError::Choice(format!(
                "no class \"{name}\"; the model has {}",
                listed(names)
            ))
        })
    }

    /// The class of each note; `None` for a note without one, which a remark says.
    pub(super) fn one_class_each(
        &self,
        notes: &[Note],
        query: &EvaluateQuery,
        part: &str,
        remarks: &mut Vec<String>,
    ) -> Result<Vec<Option<usize>>, EngineError> {
        let names = &self.model.config().labels;
        let [mut without, mut several, mut unknown] = [0; 3];
        let mut class = |note: &Note| {
            let mut own = labels(note, query.separator.as_deref());
            let (Some(label), more) = (own.next(), own.next()) else {
                without += 1;
                return None;
            };
            if more.is_some() {
                several += 1;
                return None;
            }
            let number = number_of(names, label);
            unknown += usize::from(number.is_none());
            number
        };
        let classes: Vec<Option<usize>> = notes.iter().map(&mut class).collect();
        if classes.iter().all(Option::is_none) {
            return Err(self.no_truth(part, notes.len(), without, unknown));
        }
        let reasons = [
            (without, "have no label"),
            (several, "have several labels, and the model gives one"),
            (unknown, "have a label that the model does not know"),
        ];
        for (count, reason) in reasons.into_iter().filter(|(count, _)| *count > 0) {
            let (count, all) = (count, notes.len());
            remarks.push(format!(
                "{count} of {all} {part} notes were left out: they {reason}."
            ));
        }
        Ok(classes)
    }

    /// Whether each note has each label.
    pub(super) fn any_labels(
        &self,
        notes: &[Note],
        query: &EvaluateQuery,
        part: &str,
        remarks: &mut Vec<String>,
    ) -> Result<Vec<Option<Vec<bool>>>, EngineError> {
        let names = &self.model.config().labels;
        let [mut without, mut unknown, mut known] = [0; 3];
        let mut truth = |note: &Note| {
            let mut row = vec![false; names.len()];
            let mut any = false;
            for label in labels(note, query.separator.as_deref()) {
                any = true;
                match number_of(names, label) {
                    Some(number) => row[number] = true,
                    None => unknown += 1,
                }
            }
            without += usize::from(!any);
            known += usize::from(row.contains(&true));
            Some(row)
        };
        let rows: Vec<Option<Vec<bool>>> = notes.iter().map(&mut truth).collect();
        if known == 0 {
            return Err(self.no_truth(part, notes.len(), without, unknown));
        }
        if without > 0 {
            let all = notes.len();
            remarks.push(format!(
                "{without} of {all} {part} notes have no label at all."
            ));
        }
        if unknown > 0 {
            let labels = counted(unknown, "label");
            remarks.push(format!(
                "{labels} of {part} notes, which the model does not know, do not count."
            ));
        }
        Ok(rows)
    }

    fn no_truth(&self, part: &str, notes: usize, without: usize, unknown: usize) -> EngineError {
        let names = &self.model.config().labels;
        let reason = match (without, unknown) {
            (_, 0) => "they have no single label; name the column with --label".to_owned(),
            // The labels themselves are not repeated: with a wrong column they are text of notes.
            _ => format!(
                "their labels are none of the model's, which are {}; --label names another column, \
                 --separator parts several labels in one cell",
                listed(names)
            ),
        };
        EngineError::Choice(format!("no {part} note of {notes} can be judged: {reason}"))
    }

    /// The kinds of spans that the model marks, by the name that is shown.
    fn kinds(&self) -> Vec<String> {
        let labels = self.model.config().labels.iter();
        let shown = labels.map(|label| {
            label
                .split_once('-')
                .map_or(label.as_str(), |parts| parts.1)
        });
        let mut kinds: Vec<String> = shown
            .filter(|kind| *kind != "O")
            .map(str::to_owned)
            .collect();
        kinds.sort();
        kinds.dedup();
        kinds
    }

    /// The true spans of each note, of the kinds that the model marks; white space at their ends is
    /// left off, as the model's spans have none.
    pub(super) fn true_spans(
        &self,
        notes: &[Note],
        query: &EvaluateQuery,
        remarks: &mut Vec<String>,
    ) -> Result<Vec<Option<Vec<Span>>>, EngineError> {
        let kinds = self.kinds();
        for (_, own) in &query.kinds {
            if number_of(&kinds, own).is_none() {
                let reason = format!("the model marks no \"{own}\"; it marks {}", listed(&kinds));
                return Err(EngineError::Choice(reason));
            }
        }
        let named = |label: &str| {
            let given = query.kinds.iter().find(|(theirs, _)| theirs == label);
            let own = given.map_or(label, |(_, own)| own.as_str());
            number_of(&kinds, own).map(|number| kinds[number].clone())
        };
        let (mut unknown, mut found): (BTreeMap<&str, usize>, usize) = (BTreeMap::new(), 0);
        let mut truth = Vec::with_capacity(notes.len());
        for note in notes {
            let mut own = Vec::new();
            for span in &note.details().annotations.spans {
                match named(&span.label) {
                    Some(kind) => {
                        let pieces = span.pieces.iter().map(|piece| {
                            let text = &note.text()[piece.clone()];
                            let start = piece.start + text.len() - text.trim_start().len();
                            (start, (start + text.trim().len()).max(start))
                        });
                        own.push(Span {
                            kind,
                            pieces: pieces.filter(|(start, end)| start < end).collect(),
                        });
                    }
                    None => *unknown.entry(&span.label).or_default() += 1,
                }
            }
            own.retain(|span| !span.pieces.is_empty());
            found += own.len();
            truth.push(Some(own));
        }
        if found == 0 {
            let reason = match unknown.is_empty() {
                true => {
                    "nothing is marked in these notes: spans come from brat, doccano, Prodigy or \
                         Label Studio"
                        .to_owned()
                }
                false => format!(
                    "the spans of these notes are of other kinds than the model's, which are {}; \
                     --map THEIRS=OURS says which means which",
                    listed(&kinds)
                ),
            };
            return Err(EngineError::Choice(reason));
        }
        for (kind, count) in unknown {
            let spans = counted(count, "span");
            remarks.push(format!(
                "{spans} marked \"{kind}\" do not count: the model knows no such kind."
            ));
        }
        Ok(truth)
    }
}
