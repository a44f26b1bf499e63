//! A text as the model reads it, with the way back to its bytes.

use std::fmt;
use std::ops::Range;

/// One text, or a pair of texts, as the model reads it; every vector has one entry per token.
///
/// `Debug` prints the number of tokens only: ids are as readable as the text.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Encoding {
    /// Row of the embedding.
    pub ids: Vec<u32>,
    /// Segment (token type): for BERT 0 for the first text and 1 for the second.
    pub type_ids: Vec<u32>,
    /// The token's UTF-8 bytes in its own text (see [`sequences`](Self::sequences)), on character
    /// boundaries; empty for tokens of the template.
    ///
    /// Byte-level tokens include the space before a word, and the tokens which share one
    /// character each have all of it. A `[MASK]` that swallows white space includes it.
    /// What normalisation drops is in no span; nor are accents that it joins to a letter, if the
    /// text has them as characters of their own.
    pub spans: Vec<Range<usize>>,
    /// Number of the pre-token within its text, from 0 in each text: a run of letters, of digits or
    /// of punctuation for byte-level tokenizers, a word or a single punctuation mark for BERT.
    /// Numbers rise but may be skipped. `None` for tokens of the template.
    pub words: Vec<Option<u32>>,
    /// Whether the template put the token there. A `[MASK]` written in the text is not special.
    pub special: Vec<bool>,
    /// Which text the token is from, 0 or 1; `None` for tokens of the template.
    pub sequences: Vec<Option<u8>>,
}

impl Encoding {
    /// Number of tokens, those of the template included.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no token at all.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Takes over what the tokenizers crate computed for `texts`, or says what is wrong with it.
    pub(super) fn new(
        raw: &tokenizers::Encoding,
        texts: &[&str],
        vocabulary_size: usize,
    ) -> Result<Self, &'static str> {
        let length = raw.get_ids().len();
        let sequences = raw.get_sequence_ids();
        let lengths = [
            raw.get_type_ids().len(),
            raw.get_offsets().len(),
            raw.get_word_ids().len(),
            raw.get_special_tokens_mask().len(),
            raw.get_tokens().len(),
            sequences.len(),
        ];
        if lengths != [length; 6] {
            return Err("its template has a different number of tokens and of ids");
        }
        if raw
            .get_ids()
            .iter()
            .any(|&id| id as usize >= vocabulary_size)
        {
            return Err("it gives an id that its vocabulary does not have");
        }
        let special: Vec<bool> = raw
            .get_special_tokens_mask()
            .iter()
            .map(|&s| s != 0)
            .collect();
        let mut spans = Vec::with_capacity(length);
        for token in 0..length {
            spans.push(if special[token] {
                0..0
            } else {
                let text = sequences[token].and_then(|sequence| texts.get(sequence));
                whole_characters(
                    text.ok_or("it gives a token that belongs to no text")?,
                    raw.get_offsets()[token],
                )
                .ok_or("it gives a token outside of the text")?
            });
        }
        Ok(Self {
            ids: raw.get_ids().to_vec(),
            type_ids: raw.get_type_ids().to_vec(),
            spans,
            words: raw.get_word_ids().to_vec(),
            special,
            sequences: sequences.into_iter().map(|s| s.map(|s| s as u8)).collect(),
        })
    }
}

impl fmt::Debug for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoding")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// The bytes `start..end` of `text`, widened to whole characters; `None` outside of the text.
///
/// RoBERTa's post-processor counts the white space it trims in characters and cuts bytes, so
/// a mask token after an ideographic space would otherwise begin inside that space.
fn whole_characters(text: &str, (start, end): (usize, usize)) -> Option<Range<usize>> {
    (start <= end && end <= text.len())
        .then(|| text.floor_char_boundary(start)..text.ceil_char_boundary(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_widened_to_characters_and_never_leave_the_text() {
        let text = "a\u{3000}b";
        assert_eq!(whole_characters(text, (0, 5)), Some(0..5));
        assert_eq!(whole_characters(text, (2, 5)), Some(1..5));
        assert_eq!(whole_characters(text, (0, 3)), Some(0..4));
        assert_eq!(whole_characters(text, (5, 5)), Some(5..5));
        assert_eq!(whole_characters(text, (4, 6)), None);
        assert_eq!(whole_characters(text, (3, 2)), None);
    }
}
