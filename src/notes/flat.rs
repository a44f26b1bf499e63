//! Which marked spans of a note can be written as one label for each word.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::Serialize;

use super::annotation::Span;

/// A span in one piece that overlaps no other.
#[derive(Clone, PartialEq, Eq)]
pub struct FlatSpan {
    /// Its number among the spans of its note, from 0.
    pub number: usize,
    /// What it is.
    pub label: String,
    /// Its bytes in the text.
    pub span: Range<usize>,
}

/// Why a span is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unflat {
    /// It lies in several pieces.
    Pieces,
    /// It overlaps, holds or lies within one that is kept.
    Overlap,
    /// It holds white space only.
    Blank,
    /// It begins within a token that holds something else, too, or has no token.
    Inside,
    /// It is of a kind for which there is no label.
    Unknown,
}

impl fmt::Display for Unflat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pieces => "in several pieces",
            Self::Overlap => "overlapping a longer one",
            Self::Blank => "of white space only",
            Self::Inside => "without a token of its own at the beginning",
            Self::Unknown => "of a kind without a label",
        })
    }
}

/// The spans that can be kept together, in the order of the text, and why each other one cannot,
/// with its number.
///
/// Of spans that overlap the longest is kept, then the first, so that what is nested gives way to
/// what is around it. Pieces that touch are one.
pub fn flat_spans(spans: &[Span]) -> (Vec<FlatSpan>, Vec<(usize, Unflat)>) {
    let mut left_out = Vec::new();
    let mut whole: Vec<(usize, Range<usize>)> = Vec::new();
    for (number, span) in spans.iter().enumerate() {
        match joined(&span.pieces) {
            Some(range) => whole.push((number, range)),
            None => left_out.push((number, Unflat::Pieces)),
        }
    }
    whole.sort_by_key(|(number, range)| (std::cmp::Reverse(range.len()), range.start, *number));
    let mut kept: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (number, range) in whole {
        // Those that are kept overlap no other, so that the last to begin in front is the nearest.
        let before = kept.range(..range.end).next_back();
        if before.is_some_and(|(_, &(end, _))| end > range.start) {
            left_out.push((number, Unflat::Overlap));
        } else {
            kept.insert(range.start, (range.end, number));
        }
    }
    left_out.sort_unstable();
    let kept = kept.into_iter().map(|(start, (end, number))| FlatSpan {
        number,
        label: spans[number].label.clone(),
        span: start..end,
    });
    (kept.collect(), left_out)
}

/// The one stretch that pieces are, if they touch and hold anything.
fn joined(pieces: &[Range<usize>]) -> Option<Range<usize>> {
    let (first, last) = (pieces.first()?, pieces.last()?);
    let touch = pieces.windows(2).all(|two| two[0].end == two[1].start);
    (touch && first.start < last.end).then_some(first.start..last.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn span(label: &str, pieces: &[(usize, usize)]) -> Span {
        Span {
            id: "T1".to_owned(),
            label: label.to_owned(),
            pieces: pieces.iter().map(|&(start, end)| start..end).collect(),
        }
    }

    #[test]
    fn nested_and_broken_spans_give_way() {
        let spans = [
            span("inner", &[(4, 6)]),
            span("outer", &[(2, 8)]),
            span("broken", &[(0, 1), (9, 10)]),
            span("touching", &[(8, 9), (9, 12)]),
            span("same", &[(2, 8)]),
            span("empty", &[]),
        ];
        let (kept, left_out) = flat_spans(&spans);
        let kept: Vec<_> = kept.into_iter().map(|one| (one.label, one.span)).collect();
        assert_eq!(
            kept,
            [("outer".to_owned(), 2..8), ("touching".to_owned(), 8..12)]
        );
        assert_eq!(
            left_out,
            [
                (0, Unflat::Overlap),
                (2, Unflat::Pieces),
                (4, Unflat::Overlap),
                (5, Unflat::Pieces)
            ]
        );
    }

    proptest! {
        #[test]
        fn what_is_kept_overlaps_nothing_and_what_is_not_would(
            ranges in prop::collection::vec((0usize..40, 1usize..12), 0..12)
        ) {
            let spans: Vec<Span> = ranges.iter().map(|&(start, length)| span("X", &[(start, start + length)])).collect();
            let (kept, left_out) = flat_spans(&spans);
            prop_assert_eq!(kept.len() + left_out.len(), spans.len());
            prop_assert!(kept.windows(2).all(|two| two[0].span.end <= two[1].span.start));
            for (number, _) in left_out {
                let own = &spans[number].pieces[0];
                let hit = kept.iter().any(|one| one.span.start < own.end && own.start < one.span.end);
                prop_assert!(hit);
            }
        }
    }
}
