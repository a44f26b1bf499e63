//! Words of a note, by Unicode's rules.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// Byte spans of the words of `text` and of each run of characters between them that is neither
/// word nor white space (a punctuation mark, a symbol, an emoji), in order.
///
/// Every character that is not white space is in exactly one span. The borders are those of Unicode
/// Standard Annex 29: `8.4`, `b.i.d` and `can't` are one word, `120/80` is three.
pub fn words(text: &str) -> Vec<Range<usize>> {
    text.split_word_bound_indices()
        .filter(|(_, word)| !word.trim().is_empty())
        .map(|(start, word)| {
            // A format character joins what stands before it, even white space: zero-width
            // characters are not white space, but the space itself is in no word.
            let lead = word.len() - word.trim_start().len();
            let end = word.trim_end().len();
            start + lead..start + end
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        words(text).into_iter().map(|span| &text[span]).collect()
    }

    #[test]
    fn words_numbers_and_marks() {
        assert_eq!(
            split("HbA1c 8.4%, can't walk\u{a0}far"),
            ["HbA1c", "8.4", "%", ",", "can't", "walk", "far"]
        );
        assert_eq!(split("BP 120/80\r\n"), ["BP", "120", "/", "80"]);
        assert_eq!(split("p.o. b.i.d."), ["p.o", ".", "b.i.d", "."]);
        assert_eq!(split("e\u{301}tat 👩‍⚕️ ok"), ["e\u{301}tat", "👩‍⚕️", "ok"]);
        assert!(split(" \t\r\n\u{3000}").is_empty());
    }
}
