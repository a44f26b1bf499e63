//! Spans from the labels of tokens, as transformers' token-classification pipeline makes them.
//!
//! Labels that end or stand alone (`E-`, `L-`, `S-`, `U-`) are understood beside `B-` and `I-` where a
//! model has such labels next to `B-` ones; for other models the spans are exactly the pipeline's.

use std::ops::Range;

use serde::Serialize;

use super::classification::softmax;
use crate::tokenization::Tokenizer;
use crate::tokenization::windows::Window;

/// How tokens become spans; the names are transformers'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Aggregation {
    /// Every token is a span.
    None,
    /// Neighbours of one kind are a span.
    Simple,
    /// Words first: a word has the scores of its first token.
    First,
    /// Words first: a word has the mean of its tokens' scores.
    Average,
    /// Words first: a word has the scores of its surest token.
    Max,
}

/// The part of a span that a person would mark: nothing after an empty line, no number of a line in a
/// list, and neither white space nor punctuation at its ends, but for brackets that belong to it.
/// Byte-level tokens have the punctuation after a word as part of it. None if no letter or digit is left.
pub fn tidied(text: &str, span: Range<usize>) -> Option<Range<usize>> {
    let own = &text[span.clone()];
    let own = own.split_once("\n\n").map_or(own, |(first, rest)| {
        match first.contains(char::is_alphanumeric) {
            true => first,
            false => rest,
        }
    });
    let start = own.as_ptr() as usize - text.as_ptr() as usize;
    let is_loose = |letter: char| letter.is_whitespace() || ".,;:!?…\"'“”‘’*•·-–—".contains(letter);
    let mut rest = own;
    loop {
        let before = rest;
        rest = rest.trim_matches(is_loose);
        // The number of the next line in a list, or of this one.
        let is_number = |line: &str| !line.contains(char::is_alphabetic);
        rest = match (rest.split_once('\n'), rest.rsplit_once('\n')) {
            (_, Some((before, last))) if is_number(last) => before,
            (Some((first, after)), _) if is_number(first) => after,
            _ => rest,
        };
        for (open, close) in [('(', ')'), ('[', ']'), ('{', '}')] {
            let count = |letter: char| rest.matches(letter).count();
            let (opened, closed) = (count(open), count(close));
            // A bracket whose other half lies outside.
            if opened > closed {
                rest = rest.strip_prefix(open).unwrap_or(rest);
                rest = rest.strip_suffix(open).unwrap_or(rest);
            }
            if closed > opened {
                rest = rest.strip_suffix(close).unwrap_or(rest);
                rest = rest.strip_prefix(close).unwrap_or(rest);
            }
        }
        if rest == before {
            break;
        }
    }
    let start = start + (rest.as_ptr() as usize - own.as_ptr() as usize);
    let kept = rest.contains(char::is_alphanumeric);
    kept.then(|| start..start + rest.len())
}

/// A token of a window as the tagger sees it.
#[derive(Clone, PartialEq)]
pub struct ScoredToken {
    /// Its row in the window, template tokens counted.
    pub row: usize,
    /// Its bytes in the text.
    pub span: Range<usize>,
    /// Whether it goes on with the word of the token before.
    pub continues: bool,
    /// A score for each label.
    pub scores: Vec<f32>,
}

/// A span that a tagger found.
#[derive(Clone, PartialEq)]
pub struct Entity {
    /// The kind of thing it is; for [`Aggregation::None`] the whole label.
    pub label: String,
    /// Its bytes in the text.
    pub span: Range<usize>,
    /// Softmax, averaged over its words or tokens; not calibrated.
    pub score: f32,
    /// Rows of its first and last token in the window.
    pub rows: (usize, usize),
}

/// The tokens of a window with their scores, template tokens left out; `logits` has a row for each
/// of the window's tokens.
pub fn scored_tokens(
    text: &str,
    window: &Window,
    logits: &[f32],
    tokenizer: &Tokenizer,
) -> Vec<ScoredToken> {
    let encoding = &window.encoding;
    let labels = logits.len() / encoding.len().max(1);
    let rows = (0..encoding.len()).filter(|&row| !encoding.special[row]);
    rows.map(|row| ScoredToken {
        row,
        span: encoding.spans[row].clone(),
        continues: continues(text, encoding.ids[row], &encoding.spans[row], tokenizer),
        scores: softmax(&logits[row * labels..][..labels]),
    })
    .collect()
}

/// Whether a token goes on with the word before it: with WordPiece, if it is not spelled as its text
/// is (`##`); otherwise, if no space stands before or at its beginning.
pub fn continues(text: &str, id: u32, span: &Range<usize>, tokenizer: &Tokenizer) -> bool {
    if Some(id) == tokenizer.special_tokens().unk {
        return false;
    }
    if tokenizer.marks_continuations() {
        let spelled = tokenizer.token(id).unwrap_or_default();
        return spelled.chars().count() != text[span.clone()].chars().count();
    }
    let before = text[..span.start].chars().next_back();
    let first = text[span.start..].chars().next();
    before.is_some() && before != Some(' ') && first != Some(' ')
}

/// The spans of one window, in order. Those of the labels in `ignored` are left out at the end, by the
/// name that is shown.
pub fn entities(
    tokens: &[ScoredToken],
    labels: &[String],
    aggregation: Aggregation,
    ignored: &[String],
) -> Vec<Entity> {
    let items: Vec<Item> = match aggregation {
        Aggregation::None | Aggregation::Simple => tokens.iter().map(Item::of_token).collect(),
        _ => words(tokens)
            .map(|word| Item::of_word(word, aggregation))
            .collect(),
    };
    let mut found = match aggregation {
        Aggregation::None => items
            .iter()
            .map(|item| item.entity(&labels[item.label]))
            .collect(),
        _ => grouped(&items, labels),
    };
    found.retain(|entity: &Entity| !ignored.contains(&entity.label));
    found
}

/// A token or a word with its best label.
struct Item {
    label: usize,
    score: f32,
    span: Range<usize>,
    rows: (usize, usize),
}

impl Item {
    fn of_token(token: &ScoredToken) -> Self {
        Self::new(std::slice::from_ref(token), &token.scores)
    }

    fn of_word(tokens: &[ScoredToken], aggregation: Aggregation) -> Self {
        let largest = |token: &ScoredToken| token.scores.iter().copied().fold(0.0, f32::max);
        match aggregation {
            Aggregation::Average => {
                let mean = |label: usize| {
                    let sum: f64 = tokens
                        .iter()
                        .map(|token| f64::from(token.scores[label]))
                        .sum();
                    (sum / tokens.len() as f64) as f32
                };
                let means: Vec<f32> = (0..tokens[0].scores.len()).map(mean).collect();
                Self::new(tokens, &means)
            }
            Aggregation::Max => {
                let surest = tokens.iter().reduce(|best, token| {
                    if largest(token) > largest(best) {
                        token
                    } else {
                        best
                    }
                });
                Self::new(tokens, &surest.unwrap_or(&tokens[0]).scores)
            }
            _ => Self::new(tokens, &tokens[0].scores),
        }
    }

    /// The first of the largest scores decides.
    fn new(tokens: &[ScoredToken], scores: &[f32]) -> Self {
        let (mut label, mut score) = (0, f32::NEG_INFINITY);
        for (index, &own) in scores.iter().enumerate() {
            if own > score {
                (label, score) = (index, own);
            }
        }
        let (first, last) = (&tokens[0], &tokens[tokens.len() - 1]);
        Self {
            label,
            score,
            span: first.span.start..last.span.end,
            rows: (first.row, last.row),
        }
    }

    fn entity(&self, label: &str) -> Entity {
        Entity {
            label: label.to_owned(),
            span: self.span.clone(),
            score: self.score,
            rows: self.rows,
        }
    }
}

/// Tokens word by word.
fn words(tokens: &[ScoredToken]) -> impl Iterator<Item = &[ScoredToken]> {
    tokens.chunk_by(|_, next| next.continues)
}

/// What a label says of its place in a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Begins,
    GoesOn,
    Ends,
    Alone,
}

/// Place and kind of a label; one without `B-` or `I-` goes on with its own kind.
fn parts(label: &str, ends: bool) -> (Place, &str) {
    match (label.split_at_checked(2), ends) {
        (Some(("B-", kind)), _) => (Place::Begins, kind),
        (Some(("I-", kind)), _) => (Place::GoesOn, kind),
        (Some(("E-" | "L-", kind)), true) => (Place::Ends, kind),
        (Some(("S-" | "U-", kind)), true) => (Place::Alone, kind),
        _ => (Place::GoesOn, label),
    }
}

/// Whether a model marks where spans end, too.
fn marks_ends(labels: &[String]) -> bool {
    let has = |prefix: &str| labels.iter().any(|label| label.starts_with(prefix));
    has("B-") && ["E-", "L-", "S-", "U-"].into_iter().any(has)
}

fn grouped(items: &[Item], labels: &[String]) -> Vec<Entity> {
    let ends = marks_ends(labels);
    let of = |item: &Item| parts(&labels[item.label], ends);
    let joins = |before: &Item, next: &Item| {
        let (before, kind) = of(before);
        let (place, own) = of(next);
        kind == own
            && !matches!(place, Place::Begins | Place::Alone)
            && !matches!(before, Place::Ends | Place::Alone)
    };
    let groups = items.chunk_by(joins);
    groups
        .map(|group| {
            let (first, last) = (&group[0], &group[group.len() - 1]);
            let scores: f64 = group.iter().map(|item| f64::from(item.score)).sum();
            let label = &labels[first.label];
            Entity {
                label: label
                    .split_once('-')
                    .map_or(label.as_str(), |(_, kind)| kind)
                    .to_owned(),
                span: first.span.start..last.span.end,
                score: (scores / group.len() as f64) as f32,
                rows: (first.rows.0, last.rows.1),
            }
        })
        .collect()
}

/// The spans of several windows, each with its number, as one list: of two that overlap the longer one
/// stays, then that with the higher score.
pub fn merged(text: &str, windows: Vec<Vec<Entity>>) -> Vec<(usize, Entity)> {
    let alone = windows.len() < 2;
    let numbered = windows.into_iter().enumerate();
    let mut all: Vec<(usize, Entity)> = numbered
        .flat_map(|(window, found)| found.into_iter().map(move |entity| (window, entity)))
        .collect();
    if alone {
        return all;
    }
    all.sort_by_key(|(_, entity)| entity.span.start);
    let length = |entity: &Entity| text[entity.span.clone()].chars().count();
    let mut kept: Vec<(usize, Entity)> = Vec::new();
    for (window, entity) in all {
        match kept.last_mut() {
            Some((_, before)) if before.span.contains(&entity.span.start) => {
                let (own, other) = (length(&entity), length(before));
                if own > other || (own == other && entity.score > before.score) {
                    kept.pop();
                    kept.push((window, entity));
                }
            }
            _ => kept.push((window, entity)),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spans of tokens of one byte with these labels, each with score 1.
    fn spans(labels: &[&str], tags: &[&str]) -> Vec<(String, Range<usize>)> {
        let names: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        let token = |(row, tag): (usize, &&str)| ScoredToken {
            row,
            span: row..row + 1,
            continues: false,
            scores: labels
                .iter()
                .map(|label| f32::from(u8::from(label == tag)))
                .collect(),
        };
        let tokens: Vec<ScoredToken> = tags.iter().enumerate().map(token).collect();
        let found = entities(&tokens, &names, Aggregation::Simple, &["O".to_owned()]);
        found
            .into_iter()
            .map(|entity| (entity.label, entity.span))
            .collect()
    }

    #[test]
    fn bio_and_bioes() {
        let bio = ["O", "B-X", "I-X", "B-Y", "I-Y"];
        assert_eq!(
            spans(&bio, &["I-X", "B-X", "I-X", "O", "B-Y", "I-X", "I-Y"]),
            [
                ("X", 0..1),
                ("X", 1..3),
                ("Y", 4..5),
                ("X", 5..6),
                ("Y", 6..7)
            ]
            .map(|(label, span)| (label.to_owned(), span))
        );
        let bioes = ["O", "B-X", "I-X", "E-X", "S-X"];
        assert_eq!(
            spans(
                &bioes,
                &[
                    "S-X", "S-X", "B-X", "E-X", "I-X", "B-X", "I-X", "E-X", "E-X"
                ]
            ),
            [0..1, 1..2, 2..4, 4..5, 5..8, 8..9].map(|span| ("X".to_owned(), span))
        );
        // Without B- such a label is a name like any other.
        assert_eq!(
            spans(&["O", "E-X"], &["E-X", "E-X"]),
            [("X".to_owned(), 0..2)]
        );
    }

    #[test]
    fn well_formed_labels_give_their_spans_back() {
        let kinds = ["X", "Y"];
        let mut state = 1u64;
        let mut below = |limit: u64| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 33) % limit
        };
        for round in 0..400 {
            let bioes = round % 2 == 0;
            let (mut tags, mut want): (Vec<String>, Vec<(String, Range<usize>)>) =
                Default::default();
            while tags.len() < 20 {
                let kind = kinds[below(2) as usize];
                let length = below(4) as usize;
                let start = tags.len();
                match (length, bioes) {
                    (0, _) => tags.push("O".to_owned()),
                    (1, true) => tags.push(format!("S-{kind}")),
                    _ => {
                        tags.push(format!("B-{kind}"));
                        for place in 1..length {
                            let last = bioes && place == length - 1;
                            tags.push(format!("{}-{kind}", if last { "E" } else { "I" }));
                        }
                    }
                }
                if length > 0 {
                    want.push((kind.to_owned(), start..tags.len()));
                }
            }
            let labels: Vec<String> = ["B", "I", "E", "S"]
                .iter()
                .take(if bioes { 4 } else { 2 })
                .flat_map(|place| kinds.map(|kind| format!("{place}-{kind}")))
                .chain(["O".to_owned()])
                .collect();
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
            assert_eq!(spans(&labels, &tags), want);
        }
    }

    #[test]
    fn of_overlapping_spans_the_longer_then_the_surer_stays() {
        let entity = |span: Range<usize>, score| Entity {
            label: "X".to_owned(),
            span,
            score,
            rows: (0, 0),
        };
        let windows = vec![
            vec![entity(0..2, 0.9), entity(4..6, 0.5)],
            vec![entity(1..4, 0.1), entity(4..6, 0.6)],
        ];
        let kept: Vec<(usize, Range<usize>)> = merged("abcdef", windows)
            .into_iter()
            .map(|(window, entity)| (window, entity.span))
            .collect();
        assert_eq!(kept, [(1, 1..4), (1, 4..6)]);
    }

    #[test]
    fn spans_end_where_a_person_would_end_them() {
        for (text, span, kept) in [
            (
                "in the right lower lobe. No",
                7..24,
                Some("right lower lobe"),
            ),
            ("a stone, left.", 2..8, Some("stone")),
            (" diabetes (type 2), and", 0..18, Some("diabetes (type 2)")),
            ("(COPD) was", 0..6, Some("(COPD)")),
            ("see (COPD) was", 5..10, Some("COPD")),
            ("\"pain\"", 0..6, Some("pain")),
            ("on her feet.\n\nHPI Ms.", 7..20, Some("feet")),
            ("\n\nHPI Ms.", 0..9, Some("HPI Ms")),
            ("2. pain\n3.", 3..10, Some("pain")),
            ("4.", 0..2, Some("4")),
            (" - ;", 0..4, None),
            ("Größe: 5 µm…", 0..17, Some("Größe: 5 µm")),
        ] {
            let found = tidied(text, span).map(|own| &text[own]);
            assert_eq!(found, kept, "{text:?}");
        }
    }
}
