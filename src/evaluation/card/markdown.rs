//! Cells, numbers and tables in Markdown.

use std::fmt::Write;

use crate::evaluation::Interval;

/// Letters of a name that are shown.
const LETTERS: usize = 60;

/// A name in a cell: on one line, not too long, and nothing of Markdown or HTML in it.
pub(crate) fn cell(name: &str) -> String {
    let mut letters = name.chars();
    let mut shown = String::new();
    for letter in letters.by_ref().take(LETTERS) {
        match letter {
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' => shown.extend(['\\', letter]),
            '<' => shown.push_str("&lt;"),
            '&' => shown.push_str("&amp;"),
            _ if letter.is_control() => shown.push(' '),
            _ => shown.push(letter),
        }
    }
    if letters.next().is_some() {
        shown.push('…');
    }
    if shown.trim().is_empty() {
        return "(empty)".to_owned();
    }
    shown
}

pub(crate) fn number(value: Option<f64>) -> String {
    value.map_or("not defined".to_owned(), |value| format!("{value:.3}"))
}

pub(crate) fn interval(own: &Interval) -> String {
    let figure = number(own.estimate);
    match (own.low, own.high) {
        (Some(low), Some(high)) => format!("{figure} ({low:.3} to {high:.3})"),
        _ => figure,
    }
}

pub(crate) fn table(
    text: &mut String,
    header: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) {
    let _ = writeln!(text, "| {} |", header.join(" | "));
    let dashes = header.iter().enumerate();
    let dashes = dashes.map(|(column, _)| if column == 0 { "---" } else { "---:" });
    let _ = writeln!(text, "| {} |", dashes.collect::<Vec<_>>().join(" | "));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text.push('\n');
}
