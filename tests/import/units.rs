//! Sentences, words and sections of texts nobody wrote: in order, whole, between characters.

use std::ops::Range;

use auscult::engine::SectionRules;
use auscult::notes::{sentences::sentences, words::words};
use proptest::prelude::*;

/// Text with what ends words, sentences and sections, and with characters of several bytes.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[a-zA-Z0-9 ,.:;'\"()-]{1,8}",
        2 => prop::sample::select(vec![
            "\r\n", "\n", "\r", "\n\n", "\t", "\u{a0}", "\u{200b}", "\u{200d}", "\u{feff}",
            "\u{301}", "e\u{301}", "é", "😀", "👩\u{200d}⚕\u{fe0f}", "\u{2028}", "\u{3000}", "İ",
            "…", "...", "?!", ".\"", ". ", "Dr. ", "b.i.d. ", "\n1. ", "\n- ", "»", "°",
        ]).prop_map(str::to_owned),
        1 => prop::sample::select(vec![
            "\nHPI: ", "\rPLAN\r", "\n**Allergies:** ", "A&P", " - ", " – ", "\n\u{feff}PMH\n", "\nÉTAT:\n",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

/// The spans are in order, apart and without white space around them, and hold every character
/// that is not white space.
fn check(text: &str, spans: &[Range<usize>]) -> Result<(), TestCaseError> {
    let mut end = 0;
    for span in spans {
        prop_assert!(span.start >= end && span.start < span.end, "{spans:?}");
        let (between, own) = (text.get(end..span.start), text.get(span.clone()));
        prop_assert!(
            between.is_some_and(|between| between.trim().is_empty()),
            "{spans:?}"
        );
        prop_assert!(own.is_some_and(|own| own.trim() == own), "{spans:?}");
        end = span.end;
    }
    prop_assert!(text[end..].trim().is_empty(), "{spans:?}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sentences_hold_all_that_is_written(text in text()) {
        check(&text, &sentences(&text))?;
    }

    #[test]
    fn words_hold_all_that_is_written(text in text()) {
        check(&text, &words(&text))?;
    }

    #[test]
    fn sections_are_the_whole_text(text in text()) {
        let mut end = 0;
        for section in SectionRules::default().outline(&text) {
            prop_assert_eq!(section.span.start, end);
            end = section.span.end;
            let (title, body) = (section.title, section.body);
            prop_assert!(title.start >= section.span.start && title.start <= title.end);
            prop_assert!(title.end <= body.start && body.start <= body.end && body.end == end, "{title:?} {body:?}");
            prop_assert!(text.get(title).is_some() && text.get(body).is_some());
        }
        prop_assert_eq!(end, text.len());
    }
}
