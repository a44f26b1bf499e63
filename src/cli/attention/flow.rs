//! `auscult attention --flow`: how units look at each other.

use std::borrow::Cow;
use std::fmt::Write;
use std::process::ExitCode;

use anyhow::Result;

use super::{CAUTION, Command, name};
use crate::cli::input::Texts;
use crate::cli::output::{Array, Format, Lazy, Output, Rows, Usage};
use crate::cli::progress::Terminal;
use crate::cli::reading::{cells, describe as describe_coverage, header, row};
use crate::cli::{Global, badge, exit, report};
use crate::engine::{AttentionFlow, FlowQuery, FlowUnit, counted, each_note};

pub(super) fn run(command: &Command, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
    let output = global.output(&[Format::Csv, Format::Npy])?;
    let query = FlowQuery {
        layers: command.layers.clone(),
        heads: command.heads.clone(),
        unit: command.unit.into(),
        reading: command.long.options()?,
    };
    let read = global.read(&command.notes, terminal)?;
    let count = read.notes.len();
    if matches!(output, Output::File(_, Format::Npy)) && count != 1 {
        let rule = "an array holds the matrix of one note; give one note, or use .csv or .jsonl";
        return Err(Usage(format!("there are {count} notes: {rule}")).into());
    }
    let engine = global.engine_with_model(terminal)?;
    engine.check_attention(&query.layers, &query.heads, &query.reading)?;
    let job = terminal.job("looking");
    let finished = each_note(&read.notes, &job, |note| {
        engine.attention_flow(note, &query, &job)
    });
    let texts = Texts::new(&read.notes);
    let results = &finished.results;
    let complete = report(&finished, &read, terminal);
    // A note that failed leaves no array to write; what is wrong with it has been said.
    if !(matches!(output, Output::File(_, Format::Npy)) && results.is_empty()) {
        output.write_lazily(Lazy {
            items: results,
            text: Box::new(|| describe(&texts, results, command.top.into())),
            table: Some(table(&texts, results)),
            array: Some(Box::new(|| array(results))),
        })?;
    }
    Ok(exit(complete))
}

/// The matrix of the one note.
fn array(results: &[AttentionFlow]) -> Array<'_> {
    let units = results.first().map_or(0, |flow| flow.units.len());
    Array {
        shape: [units, units],
        values: Cow::Borrowed(results.first().map_or(&[], |flow| &flow.matrix)),
    }
}

/// The largest entries of a matrix, from and to different units.
fn describe(texts: &Texts<'_>, results: &[AttentionFlow], top: usize) -> String {
    let mut out = String::new();
    for flow in results {
        let text = texts.of(&flow.note);
        let coverage = describe_coverage(&flow.coverage);
        let badge = badge(flow.random_weights);
        let _ = writeln!(
            out,
            "{} ({coverage}){badge}\n  {}, mean of {}, {}",
            flow.note,
            counted(flow.units.len(), "unit"),
            counted(flow.layers.len(), "layer"),
            counted(flow.heads.len(), "head")
        );
        for (from, to, value) in largest(flow, top) {
            let [from, to] = [from, to].map(|unit| {
                let unit = &flow.units[unit];
                format!("{} ({}..{})", named(text, unit), unit.start, unit.end)
            });
            let _ = writeln!(out, "  {value:8.4}  {from}  →  {to}");
        }
    }
    if !results.is_empty() {
        out.push_str(CAUTION);
        out.push('\n');
    }
    out
}

fn named(text: &str, unit: &FlowUnit) -> String {
    name(text, unit.start..unit.end, unit.section.as_deref())
}

/// From, to and value of the `top` largest entries between different units, the largest first.
fn largest(flow: &AttentionFlow, top: usize) -> Vec<(usize, usize, f32)> {
    let units = flow.units.len();
    let order = |a: &(usize, usize, f32), b: &(usize, usize, f32)| {
        b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1)))
    };
    // Never much more than what is shown: there may be millions of entries.
    let mut found: Vec<(usize, usize, f32)> = Vec::new();
    for (from, values) in flow.matrix.chunks(units.max(1)).enumerate() {
        let entries = values.iter().enumerate().filter(|(to, _)| *to != from);
        found.extend(entries.map(|(to, value)| (from, to, *value)));
        found.sort_by(order);
        found.truncate(top);
    }
    found
}

fn table<'a>(texts: &'a Texts<'_>, results: &'a [AttentionFlow]) -> Rows<'a> {
    let own = [
        "note",
        "from_start",
        "from_end",
        "from",
        "to_start",
        "to_end",
        "to",
        "value",
    ];
    let rows = results.iter().flat_map(move |flow| {
        let (text, units) = (texts.of(&flow.note), &flow.units);
        flow.matrix.iter().enumerate().map(move |(index, value)| {
            let (from, to) = (&units[index / units.len()], &units[index % units.len()]);
            let own = [
                flow.note.clone(),
                from.start.to_string(),
                from.end.to_string(),
                named(text, from),
                to.start.to_string(),
                to.end.to_string(),
                named(text, to),
                value.to_string(),
            ];
            row(own, cells(&flow.coverage, flow.random_weights))
        })
    });
    Rows {
        header: header(&own),
        rows: Box::new(rows),
    }
}
