//! What the tokens of a note are gathered into.

use std::ops::Range;

use serde::Serialize;

use crate::notes::sections::SectionRules;
use crate::notes::sentences::sentences;
use crate::notes::words::words;
use crate::tokenization::Encoding;

/// What a result is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// The whole note.
    Note,
    /// A section, as the section rules find it.
    Section,
    /// A sentence.
    Sentence,
    /// A word, or a mark that is none.
    Word,
    /// A token of the model; none of the template's.
    Token,
}

/// A part of a note.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// Its bytes in the note.
    pub(super) span: Range<usize>,
    /// The section's name, for sections.
    pub(super) section: Option<String>,
}

/// The pieces of `text`, in order, without overlap.
pub(super) fn pieces(
    text: &str,
    encoding: &Encoding,
    unit: Unit,
    rules: &SectionRules,
) -> Vec<Piece> {
    let plain = |spans: Vec<Range<usize>>| {
        let piece = |span| Piece {
            span,
            section: None,
        };
        spans.into_iter().map(piece).collect()
    };
    match unit {
        Unit::Note => vec![Piece {
            span: 0..text.len(),
            section: None,
        }],
        Unit::Section => rules
            .outline(text)
            .into_iter()
            .map(|section| Piece {
                span: section.span,
                section: Some(section.name),
            })
            .collect(),
        Unit::Sentence => plain(sentences(text)),
        Unit::Word => plain(words(text)),
        Unit::Token => {
            let own = encoding.spans.iter().zip(&encoding.special);
            plain(
                own.filter(|(_, special)| !**special)
                    .map(|(span, _)| span.clone())
                    .collect(),
            )
        }
    }
}

/// The first byte of a token that is not white space; its first byte if there is none.
///
/// Byte-level tokens begin with the space before their word.
pub(super) fn first_letter(text: &str, token: &Range<usize>) -> usize {
    let own = &text[token.clone()];
    match own.trim_start().len() {
        0 => token.start,
        rest => token.end - rest,
    }
}

/// For each row of `encoding` the piece to which it belongs: that which holds the first byte of the
/// token that is not white space. Template tokens belong to none, and white space only where
/// it lies inside a piece.
///
/// For [`Unit::Token`] each token is a piece of its own.
pub(super) fn assign(
    text: &str,
    encoding: &Encoding,
    unit: Unit,
    pieces: &[Piece],
) -> Vec<Option<usize>> {
    let mut next_token = 0;
    let rows = encoding.spans.iter().zip(&encoding.special);
    rows.map(|(span, &special)| {
        if special {
            return None;
        }
        if unit == Unit::Token {
            next_token += 1;
            return Some(next_token - 1);
        }
        let at = first_letter(text, span);
        let piece = pieces.partition_point(|piece| piece.span.end <= at);
        let inside = pieces
            .get(piece)
            .is_some_and(|piece| piece.span.contains(&at));
        inside.then_some(piece)
    })
    .collect()
}

/// The pieces of `text` to which a token of `encoding` belongs, and for each row the number of its
/// piece among them.
pub(super) fn gathered(
    text: &str,
    encoding: &Encoding,
    unit: Unit,
    rules: &SectionRules,
) -> (Vec<Piece>, Vec<Option<usize>>) {
    let all = pieces(text, encoding, unit, rules);
    let of_token = assign(text, encoding, unit, &all);
    held(all, &of_token)
}

/// Those of the pieces to which a token belongs, and for each token the number of its piece among
/// them.
pub(super) fn held(
    all: Vec<Piece>,
    of_token: &[Option<usize>],
) -> (Vec<Piece>, Vec<Option<usize>>) {
    let mut held = vec![false; all.len()];
    of_token
        .iter()
        .flatten()
        .for_each(|&piece| held[piece] = true);
    let mut next = 0;
    let numbers: Vec<Option<usize>> = held
        .iter()
        .map(|&held| {
            next += usize::from(held);
            held.then(|| next - 1)
        })
        .collect();
    let of_token = of_token.iter().map(|piece| numbers[(*piece)?]).collect();
    let pieces = all.into_iter().zip(held);
    let pieces = pieces.filter_map(|(piece, held)| held.then_some(piece));
    (pieces.collect(), of_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_belongs_where_its_first_letter_lies() {
        let text = "A b.\nPlan:\nc";
        let spans: Vec<Range<usize>> = vec![0..0, 0..1, 1..3, 3..4, 4..9, 9..10, 10..12, 0..0];
        let encoding = Encoding {
            ids: vec![0; 8],
            type_ids: vec![0; 8],
            special: spans.iter().map(Range::is_empty).collect(),
            words: vec![None; 8],
            sequences: vec![None; 8],
            spans,
        };
        let of = |unit| {
            let pieces = pieces(text, &encoding, unit, &SectionRules::default());
            let rows = assign(text, &encoding, unit, &pieces);
            let rows = rows.iter().map(|row| row.map_or(-1, |row| row as i64));
            (pieces.len(), rows.collect::<Vec<_>>())
        };
        assert_eq!(of(Unit::Section), (2, vec![-1, 0, 0, 0, 1, 1, 1, -1]));
        assert_eq!(of(Unit::Sentence), (3, vec![-1, 0, 0, 0, 1, 1, 2, -1]));
        assert_eq!(of(Unit::Word), (6, vec![-1, 0, 1, 2, 3, 4, 5, -1]));
        assert_eq!(of(Unit::Token), (6, vec![-1, 0, 1, 2, 3, 4, 5, -1]));
        assert_eq!(of(Unit::Note), (1, vec![-1, 0, 0, 0, 0, 0, 0, -1]));
    }
}
