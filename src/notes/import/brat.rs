//! brat: marks in an `.ann` file beside a text.
//!
//! Offsets count code points. The format is described at <https://brat.nlplab.org/standoff.html>.

use std::collections::HashSet;

use super::super::annotation::{
    Annotations, Attribute, Comment, Link, OffsetUnit, Positions, Span,
};
use super::files::{Content, decompressed, marks_of, read, text_of};
use super::{Damage, Details, Failure, FileContext, Importer, Warning, damaged, decode};

/// Marks whose text is missing.
pub(super) const BRAT: Importer = Importer {
    name: "brat",
    endings: &["ann"],
    rows: false,
    recognises: |_, _| false,
    read: |file| {
        Err(match text_of(file.path) {
            Some(text) => format!(
                "these are marks; name {} and they are read with it",
                text.display()
            ),
            None => {
                let text = file.path.with_extension("txt");
                format!("these are marks without their text, {}", text.display())
            }
        }
        .into())
    },
};

/// The marks in the `.ann` file beside a text, if there is one.
pub(super) fn beside(file: &mut FileContext<'_>) -> Result<Option<Details>, Failure> {
    if file.path.as_os_str() == "-" {
        return Ok(None);
    }
    let Some(path) = marks_of(file.path) else {
        return Ok(None);
    };
    let marks = read(&path)
        .and_then(decompressed)
        .and_then(Content::whole)
        .and_then(|bytes| decode(bytes, None));
    let marks = match marks {
        Ok(marks) => marks,
        Err(reason) => {
            // The text is read all the same.
            file.skipped += 1;
            file.import
                .warn(&path, None, format!("the marks are left out: {reason}"));
            return Ok(None);
        }
    };
    file.format = "brat".to_owned();
    let (annotations, warnings) = parse(&marks.text, &marks.damage, file.text);
    file.skipped += warnings.len();
    file.import
        .warnings
        .extend(warnings.into_iter().map(|(line, reason)| Warning {
            path: path.clone(),
            line: Some(line),
            reason,
        }));
    Ok(Some(Details {
        annotations,
        ..Details::default()
    }))
}

/// The marks of an `.ann` file, and the lines that are left out.
fn parse(marks: &str, damage: &[Damage], text: &str) -> (Annotations, Vec<(u64, String)>) {
    let mut found = Annotations::default();
    let mut warnings = Vec::new();
    let mut lines: Vec<(u64, String)> = Vec::new();
    let mut taken: HashSet<&str> = HashSet::new();
    let positions = Positions::new(text, OffsetUnit::CodePoints);
    let mut end = 0;
    for (number, own) in (1..).zip(marks.split_inclusive('\n')) {
        let bytes = end..end + own.len();
        end = bytes.end;
        if let Some(reason) = damaged(damage, &bytes) {
            warnings.push((number, reason));
            continue;
        }
        let line = own.lines().next().unwrap_or_default();
        if line.trim().is_empty() {
            continue;
        }
        let id = line.split('\t').next().unwrap_or_default();
        if id.starts_with(['T', 'R', 'E', 'A', 'M']) && !taken.insert(id) {
            warnings.push((number, "another line has the same id".to_owned()));
            continue;
        }
        match one(line, text, &positions, &mut found) {
            Ok(Some(id)) => lines.push((number, id)),
            Ok(None) => {}
            Err(reason) => warnings.push((number, reason.to_owned())),
        }
    }
    // What hangs on something that is not there is left out, and what hangs on that, too.
    loop {
        let known: HashSet<String> = ids(&found).collect();
        let before = ids(&found).count();
        let is = |id: &String| known.contains(id);
        let whole = |link: &Link| {
            link.trigger.iter().all(is) && link.arguments.iter().all(|(_, target)| is(target))
        };
        found.relations.retain(whole);
        found.events.retain(whole);
        found.attributes.retain(|attribute| is(&attribute.target));
        if ids(&found).count() == before {
            break;
        }
    }
    let known: HashSet<String> = ids(&found).collect();
    for (line, id) in lines {
        if !known.contains(&id) {
            warnings.push((line, "it refers to a mark that is not there".to_owned()));
        }
    }
    warnings.sort();
    (found, warnings)
}

/// Ids of all marks.
fn ids(found: &Annotations) -> impl Iterator<Item = String> {
    let spans = found.spans.iter().map(|span| &span.id);
    let links = found
        .relations
        .iter()
        .chain(&found.events)
        .map(|link| &link.id);
    let attributes = found.attributes.iter().map(|attribute| &attribute.id);
    spans.chain(links).chain(attributes).cloned()
}

/// Adds one line; gives the id of what it added, if that can refer to others or be referred to.
fn one(
    line: &str,
    text: &str,
    positions: &Positions<'_>,
    found: &mut Annotations,
) -> Result<Option<String>, &'static str> {
    let (id, rest) = line.split_once('\t').unwrap_or((line, ""));
    let id = id.to_owned();
    match id.chars().next() {
        Some('T') => found.spans.push(span(&id, rest, text, positions)?),
        Some('R') => found.relations.push(link(&id, rest, false)?),
        Some('E') => found.events.push(link(&id, rest, true)?),
        Some('A' | 'M') => {
            let mut parts = rest.split_whitespace();
            let (Some(label), Some(target)) = (parts.next(), parts.next()) else {
                return Err("an attribute needs a label and a target");
            };
            found.attributes.push(Attribute {
                id: id.clone(),
                label: label.to_owned(),
                target: target.to_owned(),
                value: parts.next().map(str::to_owned),
            });
        }
        Some('#') => {
            let (head, remark) = rest.split_once('\t').unwrap_or((rest, ""));
            let (label, target) = head.split_once(' ').unwrap_or((head, ""));
            found.comments.push(Comment {
                id,
                label: label.to_owned(),
                target: target.trim().to_owned(),
                text: remark.to_owned(),
            });
            return Ok(None);
        }
        _ => {
            found.other.push(line.to_owned());
            return Ok(None);
        }
    }
    Ok(Some(id))
}

fn span(id: &str, rest: &str, text: &str, positions: &Positions<'_>) -> Result<Span, &'static str> {
    let (head, stored) = match rest.split_once('\t') {
        Some((head, stored)) => (head, Some(stored)),
        None => (rest, None),
    };
    let (label, offsets) = head
        .split_once(' ')
        .ok_or("a span needs a label and offsets")?;
    let mut pieces = Vec::new();
    for piece in offsets.split(';') {
        let (start, end) = piece
            .trim()
            .split_once(' ')
            .ok_or("offsets are two numbers")?;
        let number = |text: &str| {
            text.trim()
                .parse::<usize>()
                .map_err(|_| "offsets are two numbers")
        };
        pieces.push(positions.bytes(number(start)?, number(end)?)?);
    }
    // brat joins the pieces with spaces, and writes spaces for line ends.
    let joined: Vec<&str> = pieces.iter().map(|piece| &text[piece.clone()]).collect();
    let plain = |text: &str| text.replace(['\n', '\r', '\t'], " ").trim_end().to_owned();
    if stored.is_some_and(|stored| plain(&joined.join(" ")) != plain(stored)) {
        return Err("the text at these offsets is not the one that the line repeats");
    }
    Ok(Span {
        id: id.to_owned(),
        label: label.to_owned(),
        pieces,
    })
}

fn link(id: &str, rest: &str, event: bool) -> Result<Link, &'static str> {
    let mut parts = rest.split_whitespace();
    let head = parts.next().ok_or("there is nothing behind the id")?;
    let (label, trigger) = match (event, head.split_once(':')) {
        (true, Some((label, trigger))) => (label, Some(trigger.to_owned())),
        (true, None) => return Err("an event needs a trigger, as in Label:T1"),
        (false, _) => (head, None),
    };
    let arguments = parts
        .map(|part| {
            let (role, target) = part.split_once(':').ok_or("an argument is Role:Id")?;
            Ok((role.to_owned(), target.to_owned()))
        })
        .collect::<Result<Vec<_>, &'static str>>()?;
    Ok(Link {
        id: id.to_owned(),
        label: label.to_owned(),
        trigger,
        arguments,
    })
}

/// The lines of an `.ann` file for marks of `text`: spans, relations, events, attributes, remarks,
/// and what has no meaning here.
pub fn ann_lines(found: &Annotations, text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let positions = Positions::new(text, OffsetUnit::CodePoints);
    for span in &found.spans {
        let offsets: Vec<String> = span
            .pieces
            .iter()
            .map(|piece| {
                let [start, end] = [piece.start, piece.end].map(|byte| positions.units(byte));
                format!("{start} {end}")
            })
            .collect();
        let covered: Vec<&str> = span
            .pieces
            .iter()
            .map(|piece| &text[piece.clone()])
            .collect();
        let covered = covered.join(" ").replace(['\n', '\r', '\t'], " ");
        lines.push(format!(
            "{}\t{} {}\t{covered}",
            span.id,
            span.label,
            offsets.join(";")
        ));
    }
    for link in found.relations.iter().chain(&found.events) {
        let mut line = format!("{}\t{}", link.id, link.label);
        if let Some(trigger) = &link.trigger {
            line.push_str(&format!(":{trigger}"));
        }
        for (role, target) in &link.arguments {
            line.push_str(&format!(" {role}:{target}"));
        }
        lines.push(line);
    }
    for attribute in &found.attributes {
        let Attribute {
            id,
            label,
            target,
            value,
        } = attribute;
        let value = value
            .as_ref()
            .map_or(String::new(), |value| format!(" {value}"));
        lines.push(format!("{id}\t{label} {target}{value}"));
    }
    for comment in &found.comments {
        let Comment {
            id,
            label,
            target,
            text,
        } = comment;
        lines.push(format!("{id}\t{label} {target}\t{text}"));
    }
    lines.extend(found.other.iter().cloned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Naïve 😀 patient with chest\npain, severe.";

    #[test]
    fn every_kind_of_line_is_kept() {
        let marks = "T1\tSymptom 21 31\tchest pain\nT2\tAge 0 5;8 15\tNaïve patient\n\
                     T3\tSeverity 33 39\tsevere\nR1\tMODIFY Arg1:T3 Arg2:T1\n\
                     E1\tSymptom:T1 Theme:T2\nE2\tOuter:T3 Inner:E1\nA1\tNegated E1\nA2\tLevel T3 high\n\
                     #1\tAnnotatorNotes T1\tsee the chart\n*\tOVERLAP T1 T2\nN1\tReference T1 X:1\tpain";
        let (found, warnings) = parse(marks, &[], TEXT);
        assert_eq!(warnings, []);
        assert_eq!(&TEXT[found.spans[0].pieces[0].clone()], "chest\npain");
        assert_eq!(found.spans[1].pieces.len(), 2);
        let mut lines = ann_lines(&found, TEXT);
        let mut want: Vec<&str> = marks.lines().collect();
        lines.sort();
        want.sort();
        assert_eq!(lines, want);
    }

    #[test]
    fn wrong_lines_are_listed_and_the_rest_stays() {
        let marks = "T1\tSymptom 21 31\tchest pain\nT2\tAge 0 5\twrong\nT3\tAge 5\nT4\tAge 40 99\nT5\tAge x 2\n\
                     R1\tX Arg1:T1 Arg2:T9\nA1\tNegated R1\nE1\tSymptom\nR2\tX Arg1\n\nA2\tonly\nT6\tAge\nT1\tAge 0 1";
        let (found, warnings) = parse(marks, &[], TEXT);
        assert_eq!(found.spans.len(), 1);
        assert!(found.relations.is_empty() && found.attributes.is_empty());
        let lines: Vec<u64> = warnings.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13]);
        assert!(warnings.iter().all(|(_, reason)| !reason.contains("wrong")));
    }
}
