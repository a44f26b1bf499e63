//! Parts of a data set, as text: what they hold, and what they share.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::passage::visible;
use crate::engine::{DataPart, DataReport, Leak, PartReport, Shared, counted};

/// What parts share: how many notes of each, then `shown` of them; `whole` says where all are.
pub(super) fn leakage(leaks: &[Leak], shown: usize, whole: &str, text: &mut String) {
    let mut kinds: BTreeMap<(Shared, DataPart, DataPart), usize> = BTreeMap::new();
    for leak in leaks {
        *kinds
            .entry((leak.shared, leak.part, leak.other_part))
            .or_default() += 1;
    }
    text.push_str(match kinds.is_empty() {
        true => {
            "\nNo leakage found: no text, no nearly same text, no group and no row is in two parts.\n"
        }
        false => "\nLeakage\n",
    });
    for ((shared, part, other), count) in kinds {
        let notes = counted(count, "note");
        let _ = writeln!(
            text,
            "  {notes} of {part}: {} as one of {other}",
            shared.sentence()
        );
    }
    for leak in leaks.iter().take(shown) {
        let similar = leak
            .similarity
            .map_or(String::new(), |own| format!(" ({:.0} %)", own * 100.0));
        let shared = leak.shared.sentence();
        let _ = writeln!(
            text,
            "    {}: {shared}{similar} as {}",
            leak.note, leak.other
        );
    }
    if let Some(more) = leaks.len().checked_sub(shown + 1) {
        let _ = writeln!(text, "    and {} more; {whole}", more + 1);
    }
}

/// A table of what the parts hold; of labels, and of kinds of spans, the `shown` most frequent ones.
pub(super) fn counts(parts: &[PartReport], shown: usize, text: &mut String) {
    let row = |name: &str, of: &dyn Fn(&PartReport) -> usize| {
        let counts: Vec<usize> = parts.iter().map(of).collect();
        (name.to_owned(), counts)
    };
    let mut rows = Vec::from([
        row("notes", &|part| part.notes),
        row("patients", &|part| part.patients),
        row("without a label", &|part| part.unlabelled),
    ]);
    let classes = parts.first().map_or(&[][..], |part| &part.labels);
    let classes = classes.iter().enumerate();
    let classes = classes
        .map(|(number, class)| row(&visible(&class.label), &|part| part.labels[number].notes));
    let kinds = parts.iter().flat_map(|part| &part.spans);
    let kinds: BTreeSet<&str> = kinds.map(|own| own.label.as_str()).collect();
    let spans = |kind: &str, part: &PartReport| {
        let own = part.spans.iter().find(|own| own.label == kind);
        own.map_or(0, |own| own.spans)
    };
    let kinds = kinds.into_iter().map(|kind| {
        row(&format!("{} (spans)", visible(kind)), &|part| {
            spans(kind, part)
        })
    });
    let mut left_out = 0;
    rows.extend(most_frequent(classes.collect(), shown, &mut left_out));
    rows.extend(most_frequent(kinds.collect(), shown, &mut left_out));
    rows.retain(|(name, counts)| name == "notes" || counts.iter().any(|count| *count > 0));
    let widths = rows.iter().map(|(name, _)| name.chars().count());
    let width = widths.max().unwrap_or(0);
    let _ = write!(text, "\n  {:width$}", "");
    for part in parts {
        let _ = write!(text, "  {:>10}", part.part.name());
    }
    text.push('\n');
    for (name, counts) in rows {
        let _ = write!(text, "  {name:width$}");
        for count in counts {
            let _ = write!(text, "  {count:>10}");
        }
        text.push('\n');
    }
    if left_out > 0 {
        let _ = writeln!(text, "  and {left_out} rarer ones");
    }
}

/// Rows with a name and a count for each part.
type Rows = Vec<(String, Vec<usize>)>;

/// The rows with the largest counts, in their own order; the others are counted.
fn most_frequent(rows: Rows, shown: usize, left_out: &mut usize) -> Rows {
    let sum = |row: &(String, Vec<usize>)| row.1.iter().sum::<usize>();
    let mut sums: Vec<usize> = rows.iter().map(sum).collect();
    sums.sort_unstable_by(|a, b| b.cmp(a));
    let Some(&least) = sums.get(shown) else {
        return rows;
    };
    let all = rows.len();
    // Of several with the count at the border none is shown.
    let rows: Rows = rows.into_iter().filter(|row| sum(row) > least).collect();
    *left_out += all - rows.len();
    rows
}

/// Labels, kinds of spans and leaks that are shown before a run begins.
const ROWS: usize = 30;
const LEAKS: usize = 5;

/// What a run learns from and is judged by.
pub(super) fn division(data: &DataReport) -> String {
    let mut text = String::from("the notes");
    if let Some(group) = &data.group {
        let _ = write!(text, ", kept together by \"{}\"", visible(group));
    }
    let parts: Vec<PartReport> = data
        .parts
        .iter()
        .filter(|part| part.notes > 0)
        .cloned()
        .collect();
    counts(&parts, ROWS, &mut text);
    if parts.len() > 1 {
        let whole = "data.json in the run's folder lists them all";
        leakage(&data.leaks, LEAKS, whole, &mut text);
    }
    text.truncate(text.trim_end().len());
    text
}

/// What a person should know of how the notes were divided and understood.
pub(super) fn warnings(data: &DataReport) -> Vec<String> {
    let mut said = Vec::new();
    if data.ungrouped > 0 {
        let (notes, group) = (counted(data.ungrouped, "note"), data.group.as_deref());
        let group = visible(group.unwrap_or_default());
        said.push(format!(
            "{notes} without a value in \"{group}\", kept together by their texts"
        ));
    }
    for part in &data.empty {
        said.push(format!(
            "{part} is empty: the notes are too few units for its share"
        ));
    }
    if !data.unlearned.is_empty() {
        let mut names: Vec<String> = data
            .unlearned
            .iter()
            .take(LEAKS)
            .map(|own| visible(own))
            .collect();
        if let Some(more) = data.unlearned.len().checked_sub(LEAKS + 1) {
            names.push(format!("and {} more", more + 1));
        }
        said.push(format!("no note to learn from has: {}", names.join(", ")));
    }
    for (why, count) in &data.unflat {
        said.push(format!("{} {why}: not learned", counted(*count, "span")));
    }
    if data.inexact > 0 {
        let spans = counted(data.inexact, "span");
        said.push(format!(
            "{spans} learned longer or shorter, by whole tokens"
        ));
    }
    said
}
