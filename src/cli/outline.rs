//! `auscult notes outline`: which sections notes have.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use serde::Serialize;

use super::output::{Format, Forms, Table, Usage};
use super::passage::visible;
use super::progress::Terminal;
use super::{Global, Notes, exit};
use crate::engine::{Note, SectionRules, counted};

/// The sections of a note.
#[derive(Serialize)]
struct Outline {
    note: String,
    sections: Vec<Entry>,
}

/// One section.
#[derive(Serialize)]
struct Entry {
    name: String,
    /// Whether a rule knows its heading.
    known: bool,
    heading: String,
    start: usize,
    end: usize,
}

pub(super) fn outline(
    notes: &Notes,
    rules: Option<&Path>,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitCode> {
    let output = global.output(&[Format::Csv])?;
    let rules = match rules {
        Some(file) => SectionRules::read(file).map_err(|error| Usage(error.to_string()))?,
        None => SectionRules::default(),
    };
    let read = notes.read(terminal)?;
    let outlines: Vec<Outline> = read
        .notes
        .iter()
        .map(|note| of_note(note, &rules))
        .collect();
    output.write(&Forms {
        items: &outlines,
        text: describe_outlines(&outlines),
        table: Some(outline_table(&outlines)),
        array: None,
    })?;
    Ok(exit(read.complete))
}

fn of_note(note: &Note, rules: &SectionRules) -> Outline {
    let sections = rules.outline(note.text()).into_iter();
    Outline {
        note: note.source().to_string(),
        sections: sections
            .map(|section| Entry {
                heading: note.text()[section.title].to_owned(),
                name: section.name,
                known: section.known,
                start: section.span.start,
                end: section.span.end,
            })
            .collect(),
    }
}

fn describe_outlines(outlines: &[Outline]) -> String {
    let mut text = String::new();
    for Outline { note, sections } in outlines {
        let _ = writeln!(text, "{note}: {}", counted(sections.len(), "section"));
        for section in sections {
            let bytes = format!("{}..{}", section.start, section.end);
            let name = match section.name.as_str() {
                "" if sections.len() == 1 => "(no headings)".to_owned(),
                "" => "(before the first heading)".to_owned(),
                name => visible(name),
            };
            let heading = match section.known && section.heading != section.name {
                true => format!("  \"{}\"", visible(&section.heading)),
                false => String::new(),
            };
            let _ = writeln!(text, "  {bytes:>13}  {name}{heading}");
        }
    }
    text
}

fn outline_table(outlines: &[Outline]) -> Table {
    let header = ["note", "start", "end", "name", "known", "heading"];
    let mut rows = Vec::new();
    for Outline { note, sections } in outlines {
        for section in sections {
            rows.push(vec![
                note.clone(),
                section.start.to_string(),
                section.end.to_string(),
                section.name.clone(),
                section.known.to_string(),
                section.heading.clone(),
            ]);
        }
    }
    Table {
        header: header.map(str::to_owned).to_vec(),
        rows,
    }
}
