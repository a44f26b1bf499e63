//! Judges marked spans against those that should have been marked.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Scores;

/// A marked part of a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Span {
    /// What it is.
    pub kind: String,
    /// First place and the place after the last of each of its pieces, in order: bytes, or tokens.
    pub pieces: Vec<(usize, usize)>,
}

impl Span {
    /// A span of one piece.
    pub fn new(kind: impl Into<String>, range: Range<usize>) -> Self {
        Self {
            kind: kind.into(),
            pieces: vec![(range.start, range.end)],
        }
    }

    /// Whether they share a place.
    fn overlaps(&self, other: &Self) -> bool {
        self.pieces.iter().any(|&(start, end)| {
            let shares = |&(own, last): &(usize, usize)| own.max(start) < last.min(end);
            other.pieces.iter().any(shares)
        })
    }

    /// How many places they share, piece by piece.
    pub(super) fn in_common(&self, other: &Self) -> usize {
        let pieces = self.pieces.iter().flat_map(|&(start, end)| {
            let shared =
                move |&(own, last): &(usize, usize)| end.min(last).saturating_sub(start.max(own));
            other.pieces.iter().map(shared)
        });
        pieces.sum()
    }

    /// The first place of all its pieces.
    pub fn start(&self) -> usize {
        self.pieces.iter().map(|piece| piece.0).min().unwrap_or(0)
    }

    /// The place after the last of all its pieces.
    pub fn end(&self) -> usize {
        self.pieces.iter().map(|piece| piece.1).max().unwrap_or(0)
    }
}

/// When a marked span is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Matching {
    /// Same kind and same places.
    Exact,
    /// Same kind and at least one place in common. Every span counts once: as many true and marked
    /// spans are paired as can be, so that one long span is not right for everything below it.
    Overlap,
}

/// Hits, marked spans and true spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Marked spans that are right.
    pub hits: u64,
    /// Marked spans.
    pub predicted: u64,
    /// True spans.
    pub support: u64,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.hits += other.hits;
        self.predicted += other.predicted;
        self.support += other.support;
    }

    fn scores(self) -> Scores {
        Scores::of(self.hits, self.predicted, self.support)
    }
}

/// Counts of one text by kind; a span that is given twice counts once.
pub fn count(truth: &[Span], marked: &[Span], matching: Matching) -> BTreeMap<String, Counts> {
    let mut kinds: BTreeMap<&str, [BTreeSet<&Span>; 2]> = BTreeMap::new();
    for (side, spans) in [truth, marked].into_iter().enumerate() {
        for span in spans {
            kinds.entry(&span.kind).or_default()[side].insert(span);
        }
    }
    let counts = kinds.into_iter().map(|(kind, [truth, marked])| {
        let hits = match matching {
            Matching::Exact => truth.intersection(&marked).count(),
            Matching::Overlap => pairs(&truth, &marked),
        };
        let counts = Counts {
            hits: hits as u64,
            predicted: marked.len() as u64,
            support: truth.len() as u64,
        };
        (kind.to_owned(), counts)
    });
    counts.collect()
}

/// The most pairs of overlapping spans in which every span occurs once: a maximum matching, by
/// augmenting paths.
fn pairs(truth: &BTreeSet<&Span>, marked: &BTreeSet<&Span>) -> usize {
    let mut marked: Vec<&Span> = marked.iter().copied().collect();
    marked.sort_by_key(|span| span.start());
    let longest = marked.iter().map(|span| span.end() - span.start()).max();
    let neighbours: Vec<Vec<usize>> = truth
        .iter()
        .map(|own| {
            // What begins earlier than the longest span is long ends before this one begins.
            let earliest = own.start().saturating_sub(longest.unwrap_or(0));
            let first = marked.partition_point(|span| span.start() < earliest);
            let last = marked.partition_point(|span| span.start() < own.end());
            (first..last.max(first))
                .filter(|&other| own.overlaps(marked[other]))
                .collect()
        })
        .collect();
    let mut pairing = Pairing {
        of_truth: vec![None; neighbours.len()],
        of_marked: vec![None; marked.len()],
    };
    (0..neighbours.len())
        .filter(|&own| pairing.augment(own, &neighbours))
        .count()
}

/// Which spans are paired, by number.
struct Pairing {
    of_truth: Vec<Option<usize>>,
    of_marked: Vec<Option<usize>>,
}

impl Pairing {
    /// Finds a partner for `start`, moving others to another of theirs where that helps.
    fn augment(&mut self, start: usize, neighbours: &[Vec<usize>]) -> bool {
        // Breadth first, so that a long chain of overlaps needs no deep stack.
        let mut reached_from: BTreeMap<usize, usize> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(own) = queue.pop_front() {
            for &other in &neighbours[own] {
                if reached_from.contains_key(&other) {
                    continue;
                }
                reached_from.insert(other, own);
                match self.of_marked[other] {
                    Some(next) => queue.push_back(next),
                    None => {
                        let mut free = Some(other);
                        while let Some(other) = free {
                            let own = reached_from[&other];
                            self.of_marked[other] = Some(own);
                            free = self.of_truth[own].replace(other);
                        }
                        return true;
                    }
                }
            }
        }
        false
    }
}

/// Scores of one kind of span.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct KindScores {
    /// Precision, recall and F1.
    #[serde(flatten)]
    pub scores: Scores,
    /// True spans.
    pub support: u64,
}

/// Scores that may not be defined.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MaybeScores {
    /// `None` where there is nothing to average.
    pub precision: Option<f64>,
    /// `None` where there is nothing to average.
    pub recall: Option<f64>,
    /// `None` where there is nothing to average.
    pub f1: Option<f64>,
}

/// How good marked spans are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpanReport {
    /// Of each kind that occurs among the true or the marked ones.
    pub per_type: BTreeMap<String, KindScores>,
    /// All kinds pooled.
    pub micro: Scores,
    /// The plain mean over the kinds; not defined without any.
    #[serde(rename = "macro")]
    pub macro_mean: MaybeScores,
    /// The mean over the kinds by support.
    pub weighted: Scores,
}

impl SpanReport {
    /// From the counts of each text.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a BTreeMap<String, Counts>>) -> Self {
        let mut kinds: BTreeMap<&str, Counts> = BTreeMap::new();
        for (kind, counts) in texts.into_iter().flatten() {
            kinds.entry(kind).or_default().add(*counts);
        }
        let mut all = Counts::default();
        kinds.values().for_each(|counts| all.add(*counts));
        let rows = || {
            kinds
                .values()
                .map(|counts| (counts.scores(), counts.support as f64))
        };
        let mean = Scores::weighted(rows().map(|(scores, _)| (scores, 1.0)));
        let defined = |value: f64| (!kinds.is_empty()).then_some(value);
        let per_type = kinds.iter().map(|(kind, counts)| {
            let scores = KindScores {
                scores: counts.scores(),
                support: counts.support,
            };
            ((*kind).to_owned(), scores)
        });
        Self {
            per_type: per_type.collect(),
            micro: all.scores(),
            macro_mean: MaybeScores {
                precision: defined(mean.precision),
                recall: defined(mean.recall),
                f1: defined(mean.f1),
            },
            weighted: Scores::weighted(rows()),
        }
    }
}
