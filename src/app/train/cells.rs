//! Cells of what was true and what was predicted, with what lies in each.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use crate::engine::{JudgedOutcome, Judgement, NoteOutcome};

/// What was true and what was predicted, by name; one of them may be nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell {
    /// What was true; nothing for what was predicted in vain.
    pub truth: Option<String>,
    /// What was predicted; nothing for what was missed.
    pub predicted: Option<String>,
}

impl Cell {
    /// Of these two.
    pub fn new(truth: Option<&str>, predicted: Option<&str>) -> Self {
        Self {
            truth: truth.map(str::to_owned),
            predicted: predicted.map(str::to_owned),
        }
    }

    /// Whether what was true was predicted.
    pub fn is_right(&self) -> bool {
        self.truth == self.predicted
    }

    /// Its names, what was true first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [&self.truth, &self.predicted]
            .into_iter()
            .filter_map(Option::as_deref)
    }
}

/// What lies in a cell: a note, or a pair of spans of a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The note, by its number in the report.
    pub note: usize,
    /// The pair, by its number in the note.
    pub pair: Option<usize>,
}

/// What is counted in the cells of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Notes of one class each.
    Classes,
    /// Notes of each label by itself.
    Labels,
    /// Spans in notes.
    Spans,
}

impl Counted {
    /// What a report counts; none where it has no cells.
    pub fn of(report: &Judgement) -> Option<Self> {
        match report {
            Judgement::SingleLabel(_) => Some(Self::Classes),
            Judgement::MultiLabel(_) => Some(Self::Labels),
            Judgement::Spans(_) => Some(Self::Spans),
            Judgement::Vectors(_) | Judgement::MaskedLm(_) => None,
        }
    }

    /// One of what is counted.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Classes | Self::Labels => "note",
            Self::Spans => "span",
        }
    }

    /// What a cell is, in words.
    pub fn words(self, cell: &Cell) -> String {
        match (self, &cell.truth, &cell.predicted) {
            (_, None, None) => "Neither there nor predicted, so not counted".to_owned(),
            (Self::Labels, Some(label), Some(_)) => format!("{label}: true and called"),
            (Self::Labels, Some(label), None) => format!("{label}: true, not called"),
            (Self::Labels, None, Some(label)) => format!("{label}: called, not true"),
            (Self::Spans, Some(truth), Some(marked)) => {
                format!("Truly {truth}, marked as {marked}")
            }
            (Self::Classes, Some(truth), Some(called)) => format!("Truly {truth}, called {called}"),
            (_, Some(truth), None) => format!("Truly {truth}, missed"),
            (_, None, Some(marked)) => format!("Marked as {marked} in vain"),
        }
    }
}

/// The cells of a report.
pub struct Cells {
    all: HashMap<Cell, Vec<Held>>,
}

impl Cells {
    /// Sorts notes, or the spans in them, into cells. Of the notes of a label the worst mistakes stand
    /// first: the least score of what was missed, the largest of what was called in vain.
    pub fn new(notes: &[NoteOutcome], numbers: &HashMap<String, usize>) -> Self {
        let mut all: HashMap<Cell, Vec<Held>> = HashMap::new();
        let mut put = |cell, note, pair| all.entry(cell).or_default().push(Held { note, pair });
        let mut labels = false;
        for (note, own) in notes.iter().enumerate() {
            match &own.outcome {
                JudgedOutcome::Class {
                    truth, predicted, ..
                } => put(Cell::new(Some(truth), Some(predicted)), note, None),
                JudgedOutcome::Labels {
                    truth, predicted, ..
                } => {
                    labels = true;
                    let [there, called] =
                        [truth, predicted].map(|own| own.iter().collect::<BTreeSet<_>>());
                    for label in there.union(&called) {
                        let so =
                            |side: &BTreeSet<&String>| side.contains(label).then_some(&***label);
                        put(Cell::new(so(&there), so(&called)), note, None);
                    }
                }
                JudgedOutcome::Spans { pairs, .. } => {
                    for (number, own) in pairs.iter().enumerate() {
                        let [truth, marked] = [&own.truth, &own.marked]
                            .map(|own| own.as_ref().map(|own| own.kind.as_str()));
                        put(Cell::new(truth, marked), note, Some(number));
                    }
                }
                JudgedOutcome::Hidden { .. } | JudgedOutcome::Neighbours { .. } => {}
            }
        }
        if labels {
            for (cell, held) in &mut all {
                let label = cell.names().next().and_then(|own| numbers.get(own));
                let sign = if cell.truth.is_none() { -1.0 } else { 1.0 };
                let score = |own: &Held| sign * score_of(notes, own, label.copied()).unwrap_or(0.0);
                held.sort_by(|a, b| score(a).total_cmp(&score(b)));
            }
        }
        Self { all }
    }

    /// What lies in a cell.
    pub fn held(&self, cell: &Cell) -> &[Held] {
        self.all.get(cell).map_or(&[], Vec::as_slice)
    }

    /// All cells that hold something, those of errors first and the largest first.
    pub fn sparse(&self) -> Vec<(&Cell, usize)> {
        let mut all: Vec<(&Cell, usize)> = (self.all.iter())
            .map(|(cell, held)| (cell, held.len()))
            .collect();
        all.sort_by_key(|(cell, count)| (cell.is_right(), Reverse(*count), *cell));
        all
    }
}

/// What a note scored: of its class, or of the label of this number.
pub fn score_of(notes: &[NoteOutcome], held: &Held, label: Option<usize>) -> Option<f64> {
    match &notes.get(held.note)?.outcome {
        JudgedOutcome::Class { score, .. } => Some(*score),
        JudgedOutcome::Labels { scores, .. } => scores.get(label?).copied(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_mistakes_of_a_label_stand_first() {
        let note = |truth: &[&str], predicted: &[&str], score: f64| NoteOutcome {
            note: "visits.csv:2".to_owned(),
            outcome: JudgedOutcome::Labels {
                truth: truth.iter().map(|own| (*own).to_owned()).collect(),
                predicted: predicted.iter().map(|own| (*own).to_owned()).collect(),
                scores: vec![0.5, score],
            },
        };
        let notes = [
            note(&["b"], &[], 0.3),
            note(&["b"], &[], 0.1),
            note(&[], &["b"], 0.6),
            note(&["a"], &["a", "b"], 0.9),
            note(&["a", "b"], &["b"], 0.8),
        ];
        let numbers = HashMap::from([("a".to_owned(), 0), ("b".to_owned(), 1)]);
        let cells = Cells::new(&notes, &numbers);
        let held = |truth, predicted| -> Vec<usize> {
            let held = cells.held(&Cell::new(truth, predicted));
            held.iter().map(|own| own.note).collect()
        };
        assert_eq!(held(Some("b"), None), [1, 0]);
        assert_eq!(held(None, Some("b")), [3, 2]);
        assert_eq!(held(Some("b"), Some("b")), [4]);
        assert_eq!(
            (held(Some("a"), Some("a")), held(Some("a"), None)),
            (vec![3], vec![4])
        );
        let sparse = cells.sparse();
        let order: Vec<(bool, usize)> = (sparse.iter())
            .map(|(cell, count)| (cell.is_right(), *count))
            .collect();
        let (right, wrong) = (true, false);
        assert_eq!(
            order,
            [(wrong, 2), (wrong, 2), (wrong, 1), (right, 1), (right, 1)]
        );
    }
}
