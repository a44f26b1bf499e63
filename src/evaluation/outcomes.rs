//! What a model made of each note, by the note's name and never with its text.

use serde::Serialize;

use super::classes::{self, Classes};
use super::labels::{self, Labels};
use super::masked_lm::Guessed;
use super::spans::Marked;
use super::vectors::{Labelled, VectorReport};
use crate::metrics::pairing::{SpanPair, paired};
use crate::metrics::spans::{Counts, Matching, count};

/// What came of one note.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NoteOutcome {
    /// Where the note came from.
    pub note: String,
    /// What was true, and what the model said.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What was true of a note, and what the model said.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// It has one class.
    Class {
        /// The true one.
        truth: String,
        /// The one that was predicted.
        predicted: String,
        /// The probability of that one.
        score: f64,
    },
    /// It has any number of labels.
    Labels {
        /// The true ones.
        truth: Vec<String>,
        /// Those that were called.
        predicted: Vec<String>,
        /// The probability of every label, in the model's order.
        scores: Vec<f64>,
    },
    /// Spans are marked in it, of all kinds together.
    Spans {
        /// By their first and last byte.
        exact: SpanCounts,
        /// By a byte in common.
        overlap: SpanCounts,
        /// Each true span with the marked one that stands for it, by bytes of the note; with a `null`
        /// in the place of the other where one was missed or marked in vain. See
        /// [`paired`].
        pairs: Vec<SpanPair>,
    },
    /// Some of its tokens were hidden.
    Hidden {
        /// How many.
        hidden: usize,
        /// The mean loss in nats; `None` if none was hidden.
        loss: Option<f64>,
        /// How many were the most probable token.
        right: usize,
        /// The mean loss of the 5-gram model.
        five_gram_loss: Option<f64>,
    },
    /// Its vector has neighbours.
    Neighbours {
        /// Its label.
        truth: String,
        /// The label of its neighbours.
        predicted: String,
    },
}

/// Spans of a note.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct SpanCounts {
    /// Spans that are right.
    pub right: u64,
    /// Spans that the model marked.
    pub marked: u64,
    /// Spans that are there.
    pub there: u64,
}

/// Of each test note of a classifier.
pub fn of_classes(result: &Classes, test: &classes::Scored) -> Vec<Outcome> {
    let pairs = test.truth.iter().zip(&result.predictions);
    let name = |class: usize| result.classes[class].clone();
    pairs
        .map(|(&truth, &(predicted, score))| Outcome::Class {
            truth: name(truth),
            predicted: name(predicted),
            score,
        })
        .collect()
}

/// Of each test note of a classifier that gives several labels.
pub fn of_labels(result: &Labels, test: &labels::Scored) -> Vec<Outcome> {
    let names = &result.labels;
    let chosen = |holds: &[bool]| {
        let pairs = names.iter().zip(holds);
        pairs
            .filter(|(_, holds)| **holds)
            .map(|(name, _)| name.clone())
            .collect()
    };
    let rows = test.truth.chunks(names.len());
    let rows = rows.zip(result.called.chunks(names.len()));
    rows.zip(result.scores.chunks(names.len()))
        .map(|((truth, called), scores)| Outcome::Labels {
            truth: chosen(truth),
            predicted: chosen(called),
            scores: scores.to_vec(),
        })
        .collect()
}

/// Of each test note of a tagger.
pub fn of_spans(notes: &[Marked]) -> Vec<Outcome> {
    let of = |note: &Marked, matching| {
        let kinds = count(&note.truth, &note.marked, matching);
        let sum = |part: fn(&Counts) -> u64| kinds.values().map(part).sum();
        SpanCounts {
            right: sum(|own| own.hits),
            marked: sum(|own| own.predicted),
            there: sum(|own| own.support),
        }
    };
    let both = |note| Outcome::Spans {
        exact: of(note, Matching::Exact),
        overlap: of(note, Matching::Overlap),
        pairs: paired(&note.truth, &note.marked),
    };
    notes.iter().map(both).collect()
}

/// Of each test note of a masked language model.
pub fn of_hidden(notes: &[Guessed]) -> Vec<Outcome> {
    let of = |note: &Guessed| {
        let mean = |sum: f64| (note.hidden > 0).then(|| sum / note.hidden as f64);
        Outcome::Hidden {
            hidden: note.hidden,
            loss: mean(note.model.loss),
            right: note.model.first,
            five_gram_loss: note.baselines.and_then(|own| mean(own[1].loss)),
        }
    };
    notes.iter().map(of).collect()
}

/// Of each vector.
pub fn of_vectors(result: &VectorReport, vectors: &Labelled) -> Vec<Outcome> {
    let pairs = vectors.labels.iter().zip(&result.guesses);
    let name = |label: usize| result.labels[label].clone();
    pairs
        .map(|(&truth, &predicted)| Outcome::Neighbours {
            truth: name(truth),
            predicted: name(predicted),
        })
        .collect()
}
