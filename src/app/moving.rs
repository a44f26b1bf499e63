//! Where the keys go in a text: by token, word, sentence, section, or from hit to hit.

use std::ops::Range;

use crate::engine::{NoteToken, Section, sentences, words};

/// How far a step goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A token of the model; a word where there is no model.
    Token,
    /// A word, or a mark that is none.
    Word,
    /// A sentence.
    Sentence,
    /// A section, by its heading.
    Section,
}

/// The part of a token that is drawn: see [`letters`].
pub fn drawn(text: &str, token: &NoteToken) -> Range<usize> {
    letters(text, &(token.start..token.end))
}

/// A span of a token without the space before its word, with which byte-level tokens begin; white
/// space by itself is what it is.
pub fn letters(text: &str, span: &Range<usize>) -> Range<usize> {
    let own = text.get(span.clone()).unwrap_or_default();
    match own.trim_start().len() {
        0 => span.clone(),
        rest => span.end - rest..span.end,
    }
}

/// A part of a text in one line, every white space in it a single space.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first letters of a text in one line, as [`one_line`] makes it, with `…` where there are more.
/// What comes after them is not looked at.
pub fn line_start(text: &str, letters: usize) -> String {
    let (mut line, mut left) = (String::new(), letters);
    for word in text.split_whitespace() {
        let space = if line.is_empty() { "" } else { " " };
        for letter in space.chars().chain(word.chars()) {
            if left == 0 {
                line.truncate(line.trim_end().len());
                line.push('…');
                return line;
            }
            line.push(letter);
            left -= 1;
        }
    }
    line
}

/// The parts of a text, in order.
pub fn parts(
    text: &str,
    tokens: Option<&[NoteToken]>,
    outline: &[Section],
    unit: Unit,
) -> Vec<Range<usize>> {
    match (unit, tokens) {
        (Unit::Token, Some(tokens)) => tokens
            .iter()
            .filter(|token| !token.special)
            .map(|token| drawn(text, token))
            .filter(|bytes| !bytes.is_empty())
            .collect(),
        (Unit::Token, None) | (Unit::Word, _) => words(text),
        (Unit::Sentence, _) => sentences(text),
        (Unit::Section, _) => outline.iter().map(|own| heading(text, own)).collect(),
    }
}

/// The next part from `now`, or for -1 the one before it; from nothing the first, or the last.
pub fn step(
    text: &str,
    tokens: Option<&[NoteToken]>,
    outline: &[Section],
    now: Option<Range<usize>>,
    unit: Unit,
    by: isize,
) -> Option<Range<usize>> {
    let parts = parts(text, tokens, outline, unit);
    match (by > 0, now) {
        (true, None) => parts.first().cloned(),
        (false, None) => parts.last().cloned(),
        (true, Some(now)) => {
            let next = parts.partition_point(|own| own.start < now.end.max(now.start + 1));
            parts.get(next).cloned()
        }
        (false, Some(now)) => {
            let before = parts.partition_point(|own| own.end <= now.start);
            parts.get(before.checked_sub(1)?).cloned()
        }
    }
}

/// What is marked where a section is gone to: its heading, or its first character.
pub fn heading(text: &str, section: &Section) -> Range<usize> {
    if !section.title.is_empty() {
        return section.title.clone();
    }
    let body = &section.body;
    let first = text.get(body.clone()).and_then(|own| own.chars().next());
    body.start..body.start + first.map_or(0, char::len_utf8)
}

/// Bytes that begin and end with whole characters of the text.
pub fn whole(text: &str, bytes: &Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(bytes.start);
    start
        ..text
            .ceil_char_boundary(bytes.end.min(text.len()))
            .max(start)
}

/// The chosen bytes with the next part.
pub fn extended(now: Range<usize>, next: Range<usize>) -> Range<usize> {
    now.start.min(next.start)..now.end.max(next.end)
}

/// The chosen bytes without the last of these parts; one is left.
pub fn shrunk(parts: &[Range<usize>], now: Range<usize>) -> Range<usize> {
    let inside = parts
        .iter()
        .filter(|own| own.start >= now.start && own.end < now.end);
    match inside.map(|own| own.end).max() {
        Some(end) => now.start..end,
        None => now,
    }
}

/// The hit after `now`, or before it; after the last comes the first.
pub fn hit(hits: &[Range<usize>], now: Option<&Range<usize>>, by: isize) -> Option<Range<usize>> {
    let last = hits.len().checked_sub(1)?;
    let place = match (by > 0, now) {
        (true, None) => 0,
        (false, None) => last,
        (true, Some(now)) => {
            let next = hits.partition_point(|own| own.start <= now.start && own != now);
            match hits.get(next) == Some(now) {
                true => (next + 1) % (last + 1),
                false => next % (last + 1),
            }
        }
        (false, Some(now)) => {
            let before = hits.partition_point(|own| own.start < now.start);
            before.checked_sub(1).unwrap_or(last)
        }
    };
    hits.get(place).cloned()
}

/// The sentence that holds this byte.
pub fn sentence_at(text: &str, byte: usize) -> Option<Range<usize>> {
    part_at(&sentences(text), byte)
}

/// The one of these parts, which are in order, that holds this byte.
pub fn part_at(all: &[Range<usize>], byte: usize) -> Option<Range<usize>> {
    let place = all.partition_point(|own| own.end <= byte);
    all.get(place).filter(|own| own.start <= byte).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_on_from_what_is_chosen() {
        let text = "No fever. Coughs at night.";
        let of = |now: Option<Range<usize>>, unit, by| step(text, None, &[], now, unit, by);
        assert_eq!(of(None, Unit::Word, 1), Some(0..2));
        assert_eq!(of(Some(0..2), Unit::Word, 1), Some(3..8));
        assert_eq!(of(Some(3..8), Unit::Word, -1), Some(0..2));
        assert_eq!(of(Some(0..2), Unit::Word, -1), None);
        assert_eq!(of(Some(3..8), Unit::Sentence, 1).unwrap().start, 10);
        assert_eq!(of(None, Unit::Token, -1), Some(25..26));
        assert_eq!(extended(0..2, 3..8), 0..8);
        let parts = [0..2, 3..8, 9..12];
        assert_eq!(shrunk(&parts, 0..12), 0..8);
        assert_eq!(shrunk(&parts, 0..8), 0..2);
        assert_eq!(shrunk(&parts, 0..2), 0..2);
        // Never within a character.
        assert_eq!(whole("a\u{e9}b", &(2..2)), 1..3);
        assert_eq!(whole("a\u{e9}b", &(2..99)), 1..4);
        assert_eq!(part_at(&words(text), 4), Some(3..8));
        assert_eq!(part_at(&words(text), 2), None);
        assert_eq!(sentence_at(text, 12).unwrap().start, 10);
    }

    #[test]
    fn a_line_ends_after_its_letters() {
        let text = "  No\tfever.\n\nCoughs";
        assert_eq!(line_start(text, 99), one_line(text));
        assert_eq!(line_start(text, 16), "No fever. Coughs");
        assert_eq!(line_start(text, 15), "No fever. Cough…");
        assert_eq!(line_start(text, 10), "No fever.…");
        assert_eq!(line_start(text, 2), "No…");
        assert_eq!(line_start(" \n", 2), "");
        // A long text is not read: this would take minutes.
        let long = "fever \u{e9}t\u{e9} ".repeat(1_000_000);
        let start = std::time::Instant::now();
        let all: usize = (0..20_000).map(|_| line_start(&long, 20).len()).sum();
        assert!(all > 20_000 && start.elapsed().as_secs() < 20);
    }

    #[test]
    fn after_the_last_hit_comes_the_first() {
        let hits = [2..4, 6..8, 9..10];
        assert_eq!(hit(&hits, None, 1), Some(2..4));
        assert_eq!(hit(&hits, Some(&(2..4)), 1), Some(6..8));
        assert_eq!(hit(&hits, Some(&(3..5)), 1), Some(6..8));
        assert_eq!(hit(&hits, Some(&(9..10)), 1), Some(2..4));
        assert_eq!(hit(&hits, Some(&(2..4)), -1), Some(9..10));
        assert_eq!(hit(&hits, Some(&(9..10)), -1), Some(6..8));
        assert_eq!(hit(&[], Some(&(2..4)), 1), None);
    }

    #[test]
    fn the_space_before_a_word_is_not_drawn() {
        let token = |start, end| NoteToken {
            start,
            end,
            id: 0,
            special: false,
            spelling: String::new(),
        };
        assert_eq!(drawn("a  fever", &token(1, 8)), 3..8);
        assert_eq!(drawn("a  fever", &token(1, 3)), 1..3);
    }
}
