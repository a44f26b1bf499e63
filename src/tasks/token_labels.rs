//! Labels of tokens for what is marked in a text, and back (BIO).
//!
//! As transformers' token-classification recipe has it: a text is words, a word's first token has the
//! word's label, and every other token has [`IGNORED`]. Words lie between white space, and end where
//! a span begins or ends; the space that a byte-level token begins with is no part of its word.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use super::loss::IGNORED;
use crate::notes::annotation::Span;
use crate::notes::flat::{FlatSpan, Unflat, flat_spans};
use crate::tokenization::Encoding;
use crate::tokenization::windows::Window;

/// The labels of tokens: `O`, and `B-` and `I-` with each kind of span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagSet {
    names: Vec<String>,
    /// The numbers of `B-` and `I-` of each kind.
    kinds: BTreeMap<String, (usize, usize)>,
    outside: usize,
}

/// Why labels are no tag set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// No label for tokens outside of spans.
    #[error(
        "there is no label O, for tokens that are in no span; the labels of a tagger are O, and B- and I- with each kind"
    )]
    NoOutside,
    /// A label that is none of BIO.
    #[error("the label {0} is none of O, B-… and I-…")]
    Unknown(String),
    /// Half of a pair.
    #[error("the kind {kind} has no label {missing}-{kind}")]
    Half {
        /// The kind.
        kind: String,
        /// The prefix that is missing.
        missing: &'static str,
    },
    /// The same label twice.
    #[error("the label {0} is there twice")]
    Twice(String),
}

impl TagSet {
    /// `O`, then `B-` and `I-` of each kind in the order of their names.
    pub fn of_kinds<'a>(kinds: impl IntoIterator<Item = &'a str>) -> Self {
        let kinds: BTreeSet<&str> = kinds.into_iter().collect();
        let mut names = Vec::from(["O".to_owned()]);
        let mut numbers = BTreeMap::new();
        for kind in kinds {
            numbers.insert(kind.to_owned(), (names.len(), names.len() + 1));
            names.extend([format!("B-{kind}"), format!("I-{kind}")]);
        }
        Self {
            names,
            kinds: numbers,
            outside: 0,
        }
    }

    /// The labels of a model, in its order.
    ///
    /// # Errors
    /// [`TagError`] when they are not `O` and pairs of `B-` and `I-`.
    pub fn of_names(names: &[String]) -> Result<Self, TagError> {
        let mut kinds: BTreeMap<String, [Option<usize>; 2]> = BTreeMap::new();
        let mut outside = None;
        for (number, name) in names.iter().enumerate() {
            let place = match (name.as_str(), name.split_at_checked(2)) {
                ("O", _) => &mut outside,
                (_, Some(("B-", kind))) => &mut kinds.entry(kind.to_owned()).or_default()[0],
                (_, Some(("I-", kind))) => &mut kinds.entry(kind.to_owned()).or_default()[1],
                _ => return Err(TagError::Unknown(name.clone())),
            };
            if place.replace(number).is_some() {
                return Err(TagError::Twice(name.clone()));
            }
        }
        let pair = |(kind, pair): (String, [Option<usize>; 2])| match pair {
            [Some(begins), Some(goes_on)] => Ok((kind, (begins, goes_on))),
            [None, _] => Err(TagError::Half { kind, missing: "B" }),
            _ => Err(TagError::Half { kind, missing: "I" }),
        };
        Ok(Self {
            kinds: kinds.into_iter().map(pair).collect::<Result<_, _>>()?,
            outside: outside.ok_or(TagError::NoOutside)?,
            names: names.to_vec(),
        })
    }

    /// The labels; a label's number is its place.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The kind of the spans that a label marks, and whether it begins one.
    fn meaning(&self, label: i64) -> Option<(&str, bool)> {
        let name = self.names.get(usize::try_from(label).ok()?)?;
        let (prefix, kind) = name.split_at_checked(2)?;
        Some((kind, prefix == "B-"))
    }
}

/// The labels of a text's tokens, and which spans they do not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenLabels {
    /// One for each token of the encoding: a number of the tag set, or [`IGNORED`].
    pub labels: Vec<i64>,
    /// Spans that are not labelled, by their number, and why.
    pub left_out: Vec<(usize, Unflat)>,
    /// Spans, by their number, that are labelled and read back longer or shorter, since a token
    /// holds a part of them and something else.
    pub inexact: Vec<usize>,
}

impl TokenLabels {
    /// The labels of a window's tokens; `self` are those of the whole text.
    pub fn in_window(&self, window: &Window) -> Vec<i64> {
        let rows = 0..window.encoding.len();
        let row = |row: usize| match row.checked_sub(window.lead) {
            Some(own) if own < window.rows.len() => self.labels[window.rows.start + own],
            _ => IGNORED,
        };
        rows.map(row).collect()
    }
}

/// The labels of the tokens of a text in which spans are marked; `encoding` is of the whole text.
///
/// Nested and overlapping spans cannot be labelled together: the longest is kept.
pub fn token_labels(text: &str, spans: &[Span], encoding: &Encoding, tags: &TagSet) -> TokenLabels {
    let (flat, mut left_out) = flat_spans(spans);
    let flat: Vec<FlatSpan> = flat
        .into_iter()
        .filter_map(|one| {
            let (number, span) = (one.number, trimmed(text, &one.span));
            let known = tags.kinds.contains_key(&one.label);
            let why = match (span.is_empty(), known) {
                (true, _) => Unflat::Blank,
                (_, false) => Unflat::Unknown,
                _ => return Some(FlatSpan { span, ..one }),
            };
            left_out.push((number, why));
            None
        })
        .collect();
    let words = words(text, &flat);
    let firsts = first_tokens(&words, encoding);
    let mut labels = vec![IGNORED; encoding.len()];
    for row in firsts.iter().flatten() {
        labels[*row] = tags.outside as i64;
    }
    let mut kept = Vec::new();
    for one in flat {
        let first = words.partition_point(|word| word.start < one.span.start);
        let end = words.partition_point(|word| word.start < one.span.end);
        let Some(row) = firsts[first] else {
            left_out.push((one.number, Unflat::Inside));
            continue;
        };
        let (begins, goes_on) = tags.kinds[&one.label];
        labels[row] = begins as i64;
        for row in firsts[first + 1..end].iter().flatten() {
            labels[*row] = goes_on as i64;
        }
        kept.push(one);
    }
    let read: HashSet<(Range<usize>, String)> = spans_of(text, &labels, encoding, tags)
        .into_iter()
        .map(|one| (one.span, one.label))
        .collect();
    let differs = |one: &&FlatSpan| !read.contains(&(one.span.clone(), one.label.clone()));
    left_out.sort_unstable();
    TokenLabels {
        inexact: kept.iter().filter(differs).map(|one| one.number).collect(),
        labels,
        left_out,
    }
}

/// The spans that the labels of tokens mark, numbered in the order of the text.
///
/// A label is that of the word which its token begins; the word ends in front of the next token with
/// a label. `I-` where no span of its kind is open begins one, as conlleval has it.
pub fn spans_of(text: &str, labels: &[i64], encoding: &Encoding, tags: &TagSet) -> Vec<FlatSpan> {
    let mut spans: Vec<FlatSpan> = Vec::new();
    let mut open = false;
    let mut inside = false;
    for (row, &label) in labels.iter().enumerate() {
        if encoding.special[row] {
            continue;
        }
        let token = trimmed(text, &encoding.spans[row]);
        if label == IGNORED {
            if let (true, Some(last), false) = (inside, spans.last_mut(), token.is_empty()) {
                last.span.end = last.span.end.max(token.end);
            }
            continue;
        }
        let meaning = tags.meaning(label);
        inside = meaning.is_some();
        match (meaning, spans.last_mut()) {
            (Some((kind, false)), Some(last)) if open && last.label == kind => {
                last.span.end = token.end;
            }
            (Some((kind, _)), _) => spans.push(FlatSpan {
                number: spans.len(),
                label: kind.to_owned(),
                span: token,
            }),
            (None, _) => {}
        }
        open = inside;
    }
    spans
}

/// A range without the white space at its ends.
fn trimmed(text: &str, range: &Range<usize>) -> Range<usize> {
    let own = &text[range.clone()];
    let start = range.start + own.len() - own.trim_start().len();
    start..start.max(range.start + own.trim_end().len())
}

/// The words of a text: between white space, and cut where spans begin or end.
fn words(text: &str, flat: &[FlatSpan]) -> Vec<Range<usize>> {
    let borders = flat.iter().flat_map(|one| [one.span.start, one.span.end]);
    let mut borders = borders.peekable();
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let mut start = word.as_ptr() as usize - text.as_ptr() as usize;
        let end = start + word.len();
        while let Some(border) = borders.next_if(|border| *border < end) {
            if start < border {
                words.push(start..border);
                start = border;
            }
        }
        words.push(start..end);
    }
    words
}

/// The token with which each word begins; `None` where that is one of the word before, or there is
/// none.
fn first_tokens(words: &[Range<usize>], encoding: &Encoding) -> Vec<Option<usize>> {
    let mut rows = (0..encoding.len())
        .filter(|&row| !encoding.special[row])
        .peekable();
    let mut taken = None;
    let mut firsts = Vec::with_capacity(words.len());
    for word in words {
        while rows
            .next_if(|&row| encoding.spans[row].end <= word.start)
            .is_some()
        {}
        let first = rows.peek().copied();
        let first = first.filter(|&row| encoding.spans[row].start < word.end && taken != Some(row));
        taken = first.or(taken);
        firsts.push(first);
    }
    firsts
}
