//! Looking for words or patterns in text.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

/// Hits that are kept of one text; beyond them they are only counted.
pub const MOST: usize = 10_000;

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The words, or the pattern.
    pub text: String,
    /// Whether it is a regular expression.
    pub pattern: bool,
    /// Whether small letters and capitals differ.
    pub case: bool,
}

impl Wanted {
    /// The pattern; none if nothing is looked for.
    ///
    /// # Errors
    /// A sentence that says what is wrong with a regular expression.
    pub fn compiled(&self) -> Result<Option<Regex>, String> {
        if self.text.is_empty() {
            return Ok(None);
        }
        let pattern = match self.pattern {
            true => self.text.clone(),
            false => regex::escape(&self.text),
        };
        let built = RegexBuilder::new(&pattern)
            .case_insensitive(!self.case)
            .multi_line(true)
            .build();
        built.map(Some).map_err(|error| {
            // The crate's own message repeats the pattern over several lines; its last is the reason.
            let said = error.to_string();
            let reason = said.lines().last().unwrap_or_default();
            let reason = reason.trim().trim_start_matches("error: ");
            format!("This is no regular expression: {reason}")
        })
    }
}

/// The hits in a text, in order, those without a character left out; at most [`MOST`].
pub fn hits(pattern: &Regex, text: &str) -> Vec<Range<usize>> {
    let found = pattern.find_iter(text).map(|found| found.range());
    found.filter(|hit| !hit.is_empty()).take(MOST).collect()
}

/// How many hits there are in a text.
pub fn count(pattern: &Regex, text: &str) -> usize {
    let found = pattern.find_iter(text);
    found.filter(|found| !found.is_empty()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_taken_as_they_are_and_patterns_are_not() {
        let of = |text: &str, pattern, case| {
            let wanted = Wanted {
                text: text.to_owned(),
                pattern,
                case,
            };
            let compiled = wanted.compiled()?;
            Ok::<_, String>(compiled.map(|own| hits(&own, "BP 120/80. bp (120)")))
        };
        let found = |hits: &[Range<usize>]| Ok(Some(hits.to_vec()));
        assert_eq!(of("bp", false, false), found(&[0..2, 11..13]));
        assert_eq!(
            of("bp", false, true),
            found(std::slice::from_ref(&(11..13)))
        );
        assert_eq!(
            of("(120)", false, false),
            found(std::slice::from_ref(&(14..19)))
        );
        assert_eq!(
            of(r"\d+/\d+", true, false),
            found(std::slice::from_ref(&(3..9)))
        );
        // A pattern that fits everywhere hits nothing.
        assert_eq!(of("x*", true, false), found(&[]));
        assert_eq!(of("", true, false), Ok(None));
        let said = of("(1", true, false).unwrap_err();
        assert!(
            said.contains("unclosed group") && said.lines().count() == 1,
            "{said}"
        );
    }
}
