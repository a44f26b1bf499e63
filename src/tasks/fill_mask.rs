//! Fills masks in: candidates for a hidden token, with their scores.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Serialize;

use super::softmax::Softmax;
use crate::tokenization::Encoding;

/// A place in a text whose token is hidden.
#[derive(Clone, PartialEq, Eq)]
pub struct Mask {
    /// Row of the encoding that holds the mask token.
    pub row: usize,
    /// Bytes of the text that the mask stands for.
    pub span: Range<usize>,
    /// Whether it stands for several tokens, so that no single candidate can be exact.
    pub approximate: bool,
}

/// A candidate for a masked token.
#[derive(Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// Its id in the vocabulary.
    pub id: u32,
    /// Its text.
    pub text: String,
    /// Softmax over the whole vocabulary; not calibrated.
    pub score: f32,
}

/// Masks that the text itself contains, in order.
pub fn written_masks(encoding: &Encoding, mask_id: u32) -> Vec<Mask> {
    let rows = encoding
        .ids
        .iter()
        .enumerate()
        .filter(|&(_, &id)| id == mask_id);
    rows.map(|(row, _)| Mask {
        row,
        span: encoding.spans[row].clone(),
        approximate: false,
    })
    .collect()
}

/// The first of `words`, byte spans in order that do not overlap, which a token overlaps.
fn word_at(words: &[Range<usize>], token: &Range<usize>) -> Option<usize> {
    let word = words.partition_point(|word| word.end <= token.start);
    let overlaps = words.get(word).is_some_and(|word| word.start < token.end);
    (overlaps && !token.is_empty()).then_some(word)
}

/// For each of `words`, byte spans of the text in order that do not overlap, the rows of the tokens
/// that [`mask_words`] would hide for it.
pub fn rows_of_words(encoding: &Encoding, words: &[Range<usize>]) -> Vec<Vec<usize>> {
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); words.len()];
    for (row, span) in encoding.spans.iter().enumerate() {
        if let Some(word) = word_at(words, span) {
            rows[word].push(row);
        }
    }
    rows
}

/// Puts one mask in the place of the tokens that overlap each of `words`, byte spans of the text
/// in order that do not overlap; returns the new encoding and its masks.
///
/// A word of several tokens becomes a single mask and is marked as approximate.
pub fn mask_words(
    encoding: &Encoding,
    words: &[Range<usize>],
    mask_id: u32,
) -> (Encoding, Vec<Mask>) {
    let mut masked = Encoding::default();
    let mut masks: Vec<Mask> = Vec::new();
    let mut last: Option<usize> = None;
    for row in 0..encoding.len() {
        let span = &encoding.spans[row];
        let word = word_at(words, span);
        if let (Some(word), Some(before)) = (word, last)
            && word == before
        {
            let mask = masks
                .last_mut()
                .expect("the word before this token has a mask");
            mask.approximate = true;
            mask.span.end = mask.span.end.max(span.end);
            masked.spans[mask.row].end = mask.span.end;
            continue;
        }
        last = word;
        masked.ids.push(word.map_or(encoding.ids[row], |_| mask_id));
        masked.type_ids.push(encoding.type_ids[row]);
        masked.spans.push(span.clone());
        masked.words.push(encoding.words[row]);
        masked.special.push(encoding.special[row]);
        masked.sequences.push(encoding.sequences[row]);
        if word.is_some() {
            let row = masked.ids.len() - 1;
            masks.push(Mask {
                row,
                span: span.clone(),
                approximate: false,
            });
        }
    }
    (masked, masks)
}

/// Byte spans of all occurrences of `word` in `text` that are whole words.
pub fn occurrences(text: &str, word: &str) -> Vec<Range<usize>> {
    let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(word)
        .map(|(start, found)| start..start + found.len())
        .filter(|span| {
            let before = inside(text[..span.start].chars().next_back());
            let after = inside(text[span.end..].chars().next());
            let starts = inside(word.chars().next());
            let ends = inside(word.chars().next_back());
            !((before && starts) || (after && ends))
        })
        .collect()
}

/// How many tokens come before a token in [`top`].
///
/// # Panics
/// If the token has no logit.
pub fn rank(logits: &[f32], token: usize) -> usize {
    let own = logits[token];
    let before = |&(other, logit): &(usize, &f32)| *logit > own || (*logit == own && other < token);
    logits.iter().enumerate().filter(before).count()
}

/// The `count` most likely ids of a row of logits, or of those in `among`, with their softmax over
/// the whole row; the first of equal ones first.
pub fn top(logits: &[f32], count: usize, among: Option<&[u32]>) -> Vec<(u32, f32)> {
    let softmax = Softmax::over(logits);
    let mut order: Vec<u32> = match among {
        None => (0..logits.len() as u32).collect(),
        Some(ids) => {
            let known = ids
                .iter()
                .copied()
                .filter(|&id| (id as usize) < logits.len());
            known.collect::<BTreeSet<u32>>().into_iter().collect()
        }
    };
    let largest_first = |a: &u32, b: &u32| {
        logits[*b as usize]
            .total_cmp(&logits[*a as usize])
            .then(a.cmp(b))
    };
    let count = count.min(order.len());
    if count == 0 {
        return Vec::new();
    }
    order.select_nth_unstable_by(count - 1, largest_first);
    order.truncate(count);
    order.sort_by(largest_first);
    let score = |id: u32| softmax.score(logits[id as usize]);
    order.into_iter().map(|id| (id, score(id))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoding(spans: &[Range<usize>]) -> Encoding {
        let n = spans.len();
        Encoding {
            ids: (10..10 + n as u32).collect(),
            type_ids: vec![0; n],
            spans: spans.to_vec(),
            words: vec![None; n],
            special: spans.iter().map(|span| span.is_empty()).collect(),
            sequences: vec![None; n],
        }
    }

    #[test]
    fn a_word_of_two_tokens_becomes_one_approximate_mask() {
        // [CLS] no| fev|er| here [SEP]
        let encoding = encoding(&[0..0, 0..2, 2..6, 6..8, 8..13, 0..0]);
        let (masked, masks) = mask_words(&encoding, &occurrences("no fever here", "fever"), 99);
        assert_eq!(masked.ids, [10, 11, 99, 14, 15]);
        assert_eq!(masked.spans[2], 2..8);
        assert_eq!((masks[0].row, masks[0].approximate), (2, true));
        let (masked, masks) = mask_words(&encoding, &occurrences("no fever here", "here"), 99);
        assert_eq!(masked.ids, [10, 11, 12, 13, 99, 15]);
        assert!(!masks[0].approximate);
        let words = [0..2, 3..8];
        assert_eq!(rows_of_words(&encoding, &words), [vec![1], vec![2, 3]]);
    }

    #[test]
    fn occurrences_are_whole_words() {
        assert_eq!(occurrences("pain, painful pain", "pain"), [0..4, 14..18]);
        assert!(occurrences("painful", "pain").is_empty());
        assert_eq!(occurrences("a (b) c (b)", "(b)"), [2..5, 8..11]);
    }

    #[test]
    fn the_largest_logits_come_first_and_scores_are_a_softmax() {
        let found = top(&[0.0, 2.0f32.ln(), 1.0f32.ln(), 4.0f32.ln()], 3, None);
        assert_eq!(found.iter().map(|f| f.0).collect::<Vec<_>>(), [3, 1, 0]);
        assert!((found[0].1 - 0.5).abs() < 1e-6 && (found[1].1 - 0.25).abs() < 1e-6);
        let logits = [1.0, 3.0, 1.0, 2.0];
        let order = top(&logits, 4, None).into_iter();
        let ranks = order.map(|(id, _)| rank(&logits, id as usize));
        assert_eq!(ranks.collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(top(&[1.0], 5, None).len(), 1);
        assert!(top(&[1.0], 0, None).is_empty());
    }
}
