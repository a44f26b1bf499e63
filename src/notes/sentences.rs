//! Sentences of a note, as clinicians write them.
//!
//! Unicode's rules break at every line end and after "Dr."; notes are wrapped by hand and full of
//! abbreviations and lists. These rules decide instead:
//!
//! 1. A blank line ends a sentence.
//! 2. A line that begins with a bullet or a number and a point begins one.
//! 3. A line that ends in a colon, or is a heading of a few words, is a sentence by itself; so is a
//!    short line before one that begins with a capital letter or a digit (a list without bullets).
//! 4. Any other line end is white space.
//! 5. Within a line, `.`, `!`, `?` and `…`, with closing quotes and brackets, end a sentence before
//!    white space unless the next letter is a small one, or the word before the point is an
//!    abbreviation that is followed by a name or a number (`Dr. Smith`, `No. 3`), a single letter,
//!    or a list's number.

use std::ops::Range;

use super::sections::lines;

/// Characters of a line that was not wrapped by hand.
const SHORT_LINE: usize = 45;

/// Abbreviations after which a sentence goes on even before a capital letter or a digit.
const ABBREVIATIONS: &[&str] = &[
    "approx", "appt", "ca", "cf", "dr", "drs", "e.g", "eg", "est", "etc", "fig", "i.e", "inc",
    "jr", "mr", "mrs", "ms", "no", "nos", "pt", "prof", "resp", "s/p", "sp", "sr", "st", "temp",
    "vs", "vol", "wt", "ht", "dx", "hx", "tx", "rx", "sx", "pts", "min", "max", "avg",
];

/// Dosing abbreviations: what follows decides, since a sentence often ends with them.
const DOSING: &[&str] = &[
    "p.o", "po", "b.i.d", "bid", "t.i.d", "tid", "q.i.d", "qid", "q.d", "qd", "q.h.s", "qhs",
    "p.r.n", "prn", "i.v", "iv", "i.m", "im", "s.c", "sc", "a.m", "p.m", "am", "pm", "q.o.d",
];

/// Byte spans of the sentences of `text` without surrounding white space, in order.
///
/// Every character that is not white space is in exactly one of them.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut block: Option<Range<usize>> = None;
    for line in lines(text) {
        let own = &text[line.clone()];
        if own.trim().is_empty() {
            split_block(text, block.take(), &mut spans);
            continue;
        }
        let joins = block
            .as_ref()
            .is_some_and(|before| goes_on(last_line(&text[before.clone()]), own));
        match (&mut block, joins) {
            (Some(before), true) => before.end = line.end,
            _ => {
                split_block(text, block.take(), &mut spans);
                block = Some(line);
            }
        }
    }
    split_block(text, block, &mut spans);
    spans
}

fn last_line(text: &str) -> &str {
    text.rsplit(['\n', '\r']).next().unwrap_or(text)
}

/// Whether a sentence may go on from one line to the next.
fn goes_on(before: &str, line: &str) -> bool {
    let (before, line) = (before.trim(), line.trim());
    let first = line.chars().next().unwrap_or(' ');
    if begins_item(line) || before.ends_with(':') {
        return false;
    }
    let short = before.chars().count() <= SHORT_LINE;
    !(short && (first.is_uppercase() || first.is_numeric()) && !before.ends_with(','))
}

/// Whether a line begins with a bullet or with a number as lists have it.
fn begins_item(line: &str) -> bool {
    let first = line.chars().next().unwrap_or(' ');
    if "-*•–—·▪◦#>+".contains(first) {
        let rest = line[first.len_utf8()..].chars().next();
        return rest.is_none_or(|c| c.is_whitespace() || c.is_alphabetic() || c == '#');
    }
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    let rest = &line[digits..];
    let marked = rest.starts_with(['.', ')']);
    (1..=2).contains(&digits) && marked && rest[1..].starts_with(char::is_whitespace)
}

/// Adds the sentences of lines that belong together.
fn split_block(text: &str, block: Option<Range<usize>>, spans: &mut Vec<Range<usize>>) {
    let Some(block) = block else { return };
    let own = &text[block.clone()];
    let mut start = 0;
    // What stands before it is decided: a run of marks is looked at once, however long it is.
    let mut decided = 0;
    for (at, mark) in own.char_indices() {
        if at < decided || !is_mark(mark) {
            continue;
        }
        let after = at + mark.len_utf8();
        let closers = own[after..]
            .chars()
            .take_while(|c| "\"'”’)]»".contains(*c) || matches!(c, '.' | '!' | '?'))
            .map(char::len_utf8)
            .sum::<usize>();
        let end = after + closers;
        // A word before several marks is no abbreviation: the last of them decides.
        let last = own[after..end].char_indices().rfind(|(_, c)| is_mark(*c));
        let ends = ends_sentence(own, start, at, end)
            || last.is_some_and(|(last, _)| ends_sentence(own, start, after + last, end));
        if ends {
            push(text, block.start + start..block.start + end, spans);
            start = end;
        }
        decided = end;
    }
    push(text, block.start + start..block.end, spans);
}

fn is_mark(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…')
}

/// Whether the mark at `at` ends the sentence that began at `start`; `end` is behind its closers.
fn ends_sentence(text: &str, start: usize, at: usize, end: usize) -> bool {
    let rest = &text[end..];
    if !rest.starts_with(char::is_whitespace) {
        return false;
    }
    let next = rest
        .trim_start()
        .chars()
        .find(|c| !"\"'“‘([«*".contains(*c));
    let Some(next) = next else { return true };
    if next.is_lowercase() {
        return false;
    }
    if !text[at..].starts_with('.') {
        return true;
    }
    let before = &text[start..at];
    let word = before.rsplit(char::is_whitespace).next().unwrap_or(before);
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    let lower = word.to_lowercase();
    // The number of a list item, or a name's initial.
    let alone =
        before.trim() == word && word.chars().all(|c| c.is_ascii_digit()) && !word.is_empty();
    // "2 L." is a volume; "J. Smith" is a person.
    let follows_number = before[..before.len() - word.len()]
        .trim_end()
        .ends_with(|c: char| c.is_ascii_digit());
    let initial = word.chars().count() == 1
        && word.chars().all(char::is_uppercase)
        && next.is_uppercase()
        && !follows_number;
    if alone || initial || ABBREVIATIONS.contains(&lower.as_str()) {
        return false;
    }
    !DOSING.contains(&lower.as_str()) || next.is_uppercase()
}

fn push(text: &str, span: Range<usize>, spans: &mut Vec<Range<usize>>) {
    let own = &text[span.clone()];
    let trimmed = own.trim();
    if !trimmed.is_empty() {
        let start = span.start + (own.len() - own.trim_start().len());
        spans.push(start..start + trimmed.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &[&str]) {
        let found: Vec<&str> = sentences(text).into_iter().map(|s| &text[s]).collect();
        assert_eq!(found, want);
    }

    /// Sentences apart by `|`: the text is what remains when the bars are taken out.
    #[track_caller]
    fn marked(marked: &str) {
        let text = marked.replace('|', "");
        let want: Vec<&str> = marked.split('|').map(str::trim).collect();
        check(&text, &want);
    }

    #[test]
    fn sentences_within_a_line() {
        for line in [
            "She has a fever.| No cough.",
            "Seen by Dr. Smith today.| Stable.",
            "Metformin 500 mg p.o. b.i.d. with meals.| Continue.",
            "Metformin 500 mg b.i.d.| Lisinopril 10 mg daily.",
            "Lisinopril 2.5 mg daily.| BP 120/80.",
            "Temp. 38.5 on arrival.| Blood cultures drawn.",
            "HbA1c was 8.4%.| Target <7.",
            "Any chest pain?| No!| Good.",
            "Plan: rest, fluids etc. until better.| Recheck.",
            "He said \"I am fine.\"| He was not.",
            "Lesion in the R. lower lobe.| Biopsy planned.",
            "See fig. 3 and no. 12 for details.",
            "Pt. Brown was seen vs. yesterday.| Improved.",
            "K 3.2.| Repleted with 40 mEq.",
            "O2 sat 92% on 2 L.| Weaned.",
            "Symptoms began at 3 p.m. yesterday.| Worse since.",
            "Pain 7/10 ...| Then gone.",
            "Cough, etc...| Then gone.",
            "Seen by Dr.'.| Smith agreed.",
            "😀 Feels well.| 👩‍⚕️ agrees.",
            "Café au lait spots (n = 6).| Naïve to treatment.",
            "Discharged home\u{a0}today.|\u{a0}Follow up in 2 wks.",
            "q.d. dosing is enough.",
            "Denies tobacco, i.e. never smoked.| Drinks rarely.",
        ] {
            marked(line);
        }
    }

    #[test]
    fn lines_that_were_wrapped_are_joined() {
        check(
            "The patient is a 64-year-old woman who presents with three days\nof productive cough. She has been\r\nunable to sleep.",
            &[
                "The patient is a 64-year-old woman who presents with three days\nof productive cough.",
                "She has been\r\nunable to sleep.",
            ],
        );
    }

    #[test]
    fn lists_headings_and_blank_lines_end_sentences() {
        check(
            "MEDICATIONS:\n1. Aspirin 81 mg daily\n2. Atorvastatin 40 mg\n   at night\n- metoprolol\n\nno known allergies\nPLAN\nRest",
            &[
                "MEDICATIONS:",
                "1. Aspirin 81 mg daily",
                "2. Atorvastatin 40 mg\n   at night",
                "- metoprolol",
                "no known allergies",
                "PLAN",
                "Rest",
            ],
        );
        check("Na 138\nK 4.1\nCr 1.0", &["Na 138", "K 4.1", "Cr 1.0"]);
        check("", &[]);
        check(" \r\n\t", &[]);
        check("...", &["..."]);
        check("HPI\rCough.\r\rPlan", &["HPI", "Cough.", "Plan"]);
        check("\u{200b}a.\u{200b} B.", &["\u{200b}a.\u{200b} B."]);
    }

    #[test]
    fn a_long_run_of_marks_is_read_in_one_go() {
        // With each mark looking at the rest of its run this took minutes.
        let text = format!("a{} b. C", ".".repeat(300_000));
        assert_eq!(sentences(&text).len(), 2);
        let text = "a\r".repeat(100_000);
        assert_eq!(sentences(&text).len(), 1);
    }
}
