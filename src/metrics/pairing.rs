//! Pairs the true spans of a text with the marked ones, one to one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::spans::Span;

/// A true span and the marked one that stands for it; at least one of them is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpanPair {
    /// What should be marked; `None` where a span was marked in vain.
    pub truth: Option<Span>,
    /// What was marked; `None` where a true span was missed.
    pub marked: Option<Span>,
}

impl SpanPair {
    /// Whether both are there, at the same places.
    pub fn is_exact(&self) -> bool {
        match (&self.truth, &self.marked) {
            (Some(truth), Some(marked)) => truth.pieces == marked.pieces,
            _ => false,
        }
    }

    /// Where it begins and ends: the true span if there is one, or else the marked one.
    pub fn bytes(&self) -> std::ops::Range<usize> {
        let own = self.truth.as_ref().or(self.marked.as_ref());
        own.map_or(0..0, |own| own.start()..own.end())
    }
}

/// Pairs spans: those of the same kind at the same places first, then those at the same places, then
/// those with the most places in common, of several the ones of the same kind and then the first. Each
/// has at most one partner, and what is left has none. A span that is given twice counts once; the
/// pairs are in the order of the text.
pub fn paired(truth: &[Span], marked: &[Span]) -> Vec<SpanPair> {
    let mut sides = [distinct(truth), distinct(marked)];
    let mut partner = [vec![None; sides[0].len()], vec![None; sides[1].len()]];
    same(&sides, &mut partner, |own| {
        (own.pieces.clone(), own.kind.clone())
    });
    same(&sides, &mut partner, |own| own.pieces.clone());
    let mut common = in_common(&sides, &partner);
    common.sort_unstable_by_key(|own| {
        let [truth, marked] = own.numbers;
        let kinds_differ = sides[0][truth].kind != sides[1][marked].kind;
        (Reverse(own.places), kinds_differ, truth, marked)
    });
    for own in common {
        let [truth, marked] = own.numbers;
        if partner[0][truth].is_none() && partner[1][marked].is_none() {
            partner[0][truth] = Some(marked);
            partner[1][marked] = Some(truth);
        }
    }
    let [truth, marked] = &mut sides;
    let mut pairs: Vec<SpanPair> = (truth.iter().zip(&partner[0]))
        .map(|(own, other)| SpanPair {
            truth: Some((*own).clone()),
            marked: other.map(|other| marked[other].clone()),
        })
        .collect();
    let alone = (marked.iter().zip(&partner[1])).filter(|(_, other)| other.is_none());
    pairs.extend(alone.map(|(own, _)| SpanPair {
        truth: None,
        marked: Some((*own).clone()),
    }));
    pairs.sort_by_key(|own| own.bytes().start);
    pairs
}

/// Each span once, in the order of the text.
fn distinct(spans: &[Span]) -> Vec<&Span> {
    let all: BTreeSet<&Span> = spans.iter().collect();
    let mut all: Vec<&Span> = all.into_iter().collect();
    all.sort_by_key(|own| (own.start(), own.end()));
    all
}

/// Pairs those that are without a partner and the same in this, in order.
fn same<K: Ord>(
    sides: &[Vec<&Span>; 2],
    partner: &mut [Vec<Option<usize>>; 2],
    what: impl Fn(&Span) -> K,
) {
    let mut free: BTreeMap<K, Vec<usize>> = BTreeMap::new();
    for (number, own) in sides[1].iter().enumerate().rev() {
        if partner[1][number].is_none() {
            free.entry(what(own)).or_default().push(number);
        }
    }
    for (number, own) in sides[0].iter().enumerate() {
        if partner[0][number].is_some() {
            continue;
        }
        if let Some(other) = free.get_mut(&what(own)).and_then(Vec::pop) {
            partner[0][number] = Some(other);
            partner[1][other] = Some(number);
        }
    }
}

/// A true and a marked span, by their numbers, with how many places they share.
struct Common {
    numbers: [usize; 2],
    places: usize,
}

/// All that share a place and have no partner. The text is gone through once: only spans that are open
/// at the same place are compared.
fn in_common(sides: &[Vec<&Span>; 2], partner: &[Vec<Option<usize>>; 2]) -> Vec<Common> {
    let mut all: Vec<(usize, usize, usize)> = Vec::new();
    for side in 0..2 {
        let free = (0..sides[side].len()).filter(|own| partner[side][*own].is_none());
        all.extend(free.map(|own| (sides[side][own].start(), side, own)));
    }
    all.sort_unstable();
    let mut open: [Vec<usize>; 2] = Default::default();
    let mut found = Vec::new();
    for (start, side, own) in all {
        let others = &mut open[1 - side];
        others.retain(|other| sides[1 - side][*other].end() > start);
        for other in others.iter() {
            let places = sides[side][own].in_common(sides[1 - side][*other]);
            if places > 0 {
                let numbers = match side {
                    0 => [own, *other],
                    _ => [*other, own],
                };
                found.push(Common { numbers, places });
            }
        }
        open[side].push(own);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::spans::{Matching, count};

    fn spans(all: &[(&str, usize, usize)]) -> Vec<Span> {
        all.iter()
            .map(|(kind, start, end)| Span::new(*kind, *start..*end))
            .collect()
    }

    type Short<'a> = (
        Option<(&'a str, usize, usize)>,
        Option<(&'a str, usize, usize)>,
    );

    /// Holds what is paired against this.
    fn check(truth: &[(&str, usize, usize)], marked: &[(&str, usize, usize)], want: &[Short<'_>]) {
        let span = |own: Option<(&str, usize, usize)>| {
            own.map(|(kind, start, end)| Span::new(kind, start..end))
        };
        let want: Vec<SpanPair> = (want.iter())
            .map(|own| SpanPair {
                truth: span(own.0),
                marked: span(own.1),
            })
            .collect();
        let (mut truth, mut marked) = (spans(truth), spans(marked));
        assert_eq!(paired(&truth, &marked), want);
        truth.reverse();
        marked.reverse();
        marked.extend(marked.clone());
        assert_eq!(
            paired(&truth, &marked),
            want,
            "whatever their order, and twice"
        );
    }

    #[test]
    fn nested_spans_keep_those_that_are_the_same() {
        let (outer, inner) = (("DRUG", 0, 20), ("DRUG", 4, 9));
        check(
            &[outer, inner],
            &[inner],
            &[(Some(outer), None), (Some(inner), Some(inner))],
        );
        // The one that shares more takes the mark, whichever begins first.
        let mark = ("DRUG", 3, 9);
        let both = [(Some(outer), Some(mark)), (Some(inner), None)];
        check(&[outer, inner], &[mark], &both);
        let wide = ("DRUG", 0, 19);
        let apart = [(Some(outer), Some(wide)), (Some(inner), Some(mark))];
        check(&[outer, inner], &[mark, wide], &apart);
    }

    #[test]
    fn touching_spans_share_nothing() {
        let want = [(Some(("DRUG", 0, 5)), None), (None, Some(("DRUG", 5, 9)))];
        check(&[("DRUG", 0, 5)], &[("DRUG", 5, 9)], &want);
        check(&[], &[], &[]);
    }

    #[test]
    fn kinds_at_the_same_place_are_told_apart() {
        let [a, b, c] = [("A", 2, 7), ("B", 2, 7), ("C", 2, 7)];
        check(&[a, b], &[b, c], &[(Some(a), Some(c)), (Some(b), Some(b))]);
        // The same place counts before a kind that shares most of it.
        let near = ("A", 1, 7);
        check(&[a], &[near, b], &[(None, Some(near)), (Some(a), Some(b))]);
        // Of two that share as much it is the one of the same kind.
        let [left, right] = [("B", 0, 4), ("A", 5, 9)];
        check(
            &[a],
            &[left, right],
            &[(None, Some(left)), (Some(a), Some(right))],
        );
    }

    #[test]
    fn pieces_are_counted_one_by_one() {
        let own = Span {
            kind: "A".to_owned(),
            pieces: vec![(0, 3), (10, 13)],
        };
        // It lies between the pieces and shares nothing with them.
        let between = spans(&[("A", 3, 10)]);
        assert_eq!(paired(std::slice::from_ref(&own), &between).len(), 2);
        let across = spans(&[("A", 2, 12)]);
        let pairs = paired(std::slice::from_ref(&own), &across);
        assert_eq!((pairs.len(), pairs[0].is_exact()), (1, false));
        assert_eq!(pairs[0].bytes(), 0..13);
        assert_eq!(own.in_common(&across[0]), 3);
    }

    #[test]
    fn many_that_overlap_are_paired_once_each_and_exact_ones_as_they_are_counted() {
        let chain = |shift: usize| -> Vec<Span> {
            (0..600)
                .map(|own| Span::new(["A", "B"][own % 2], 2 * own + shift..2 * own + 7))
                .collect()
        };
        let (truth, mut marked) = (chain(0), chain(1));
        marked.extend(truth.iter().take(100).cloned());
        let pairs = paired(&truth, &marked);
        let of = |pick: fn(&SpanPair) -> Option<&Span>| -> Vec<&Span> {
            let mut all: Vec<&Span> = pairs.iter().filter_map(pick).collect();
            all.sort();
            all
        };
        let sorted = |spans: &[Span]| -> Vec<Span> {
            let mut all = spans.to_vec();
            all.sort();
            all
        };
        assert!(of(|own| own.truth.as_ref()).into_iter().eq(&sorted(&truth)));
        assert!(
            of(|own| own.marked.as_ref())
                .into_iter()
                .eq(&sorted(&marked))
        );
        let exact = pairs.iter().filter(|own| {
            let kind = |span: &Option<Span>| span.as_ref().map(|own| own.kind.clone());
            own.is_exact() && kind(&own.truth) == kind(&own.marked)
        });
        let counted = count(&truth, &marked, Matching::Exact);
        let hits: u64 = counted.values().map(|own| own.hits).sum();
        assert_eq!((exact.count() as u64, hits), (100, 100));
        assert!(pairs.is_sorted_by_key(|own| own.bytes().start));
    }
}
