//! `auscult attention`: what tokens look at, and what looks at them.

use std::fmt::Write;
use std::ops::Range;
use std::process::ExitCode;

use anyhow::Result;
use clap::{ArgGroup, Args, ValueEnum};

use super::output::{Array, Format, Forms, Table};
use super::passage::{beginning, counted, visible};
use super::progress::Terminal;
use super::reading::{LongNoteFlags, describe as describe_coverage};
use super::{Global, Notes, badge, exit, report};
use crate::engine::{
    AttentionFlow, AttentionQuery, AttentionResult, Direction, Engine, EngineError, Finished,
    FlowQuery, HeadChoice, Job, LayerChoice, Note, Reduction, Selection, Unit, UnitAttention,
    occurrences,
};

#[derive(Args)]
#[command(
    group = ArgGroup::new("asked").required(true).args(["word", "bytes", "token", "flow"]),
    after_help = "Layers and heads are numbered from 0. Attention shows what was mixed, not why the \
                  model decided.\n\n\
                  Example: auscult attention --model models/Clinical_ModernBERT \
                  --word metformin --layers global --unit word assets/notes/progress-note.txt"
)]
pub(super) struct Command {
    #[command(flatten)]
    notes: Notes,
    /// Ask about the tokens of this word.
    #[arg(long, value_name = "WORD")]
    word: Option<String>,
    /// Which occurrence of the word, counted from 1.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "word",
          value_parser = clap::value_parser!(u32).range(1..))]
    occurrence: u32,
    /// Ask about the tokens at these bytes of the note, as in 120..135.
    #[arg(long, value_name = "A..B", value_parser = byte_range)]
    bytes: Option<Range<usize>>,
    /// Ask about the token of this number, counted from 0.
    #[arg(long, value_name = "N")]
    token: Option<usize>,
    /// How units look at each other, all of them: a matrix.
    #[arg(long)]
    flow: bool,
    /// What the chosen tokens look at, or what looks at them.
    #[arg(long, value_enum, default_value_t = DirectionChoice::LooksAt)]
    direction: DirectionChoice,
    /// Layers: all, global, local, or numbers such as 0,3,5-7.
    #[arg(long, value_name = "LAYERS", default_value = "all", value_parser = layers)]
    layers: LayerChoice,
    /// Heads: all, or numbers such as 0,2-4.
    #[arg(long, value_name = "HEADS", default_value = "all", value_parser = heads)]
    heads: HeadChoice,
    /// How several layers and heads become one value.
    #[arg(long, value_enum, default_value_t = ReductionChoice::Mean)]
    reduce: ReductionChoice,
    /// What tokens are gathered into.
    #[arg(long, value_enum, default_value_t = UnitChoice::Word)]
    unit: UnitChoice,
    /// Follow attention through all layers (attention rollout).
    #[arg(long, conflicts_with_all = ["flow", "layers", "heads", "reduce"])]
    rollout: bool,
    /// Units that are shown; files get all.
    #[arg(long, value_name = "N", default_value_t = 15,
          value_parser = clap::value_parser!(u16).range(1..))]
    top: u16,
    #[command(flatten)]
    long: LongNoteFlags,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DirectionChoice {
    /// What the chosen tokens look at: their row.
    LooksAt,
    /// What looks at the chosen tokens: their column.
    LookedAtBy,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReductionChoice {
    /// The mean over layers and heads.
    Mean,
    /// The largest of them.
    Max,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum UnitChoice {
    /// Tokens of the model.
    Token,
    /// Words.
    Word,
    /// Sentences.
    Sentence,
    /// Sections.
    Section,
}

fn byte_range(text: &str) -> Result<Range<usize>, &'static str> {
    let (start, end) = text
        .split_once("..")
        .ok_or("write two numbers, as in 120..135")?;
    let number = |text: &str| {
        text.trim()
            .parse()
            .map_err(|_| "write two numbers, as in 120..135")
    };
    let range: Range<usize> = number(start)?..number(end)?;
    match range.is_empty() {
        true => Err("the second number has to be larger than the first"),
        false => Ok(range),
    }
}

/// Numbers and ranges of numbers, apart by commas.
fn numbers(text: &str) -> Result<Vec<usize>, &'static str> {
    const RULE: &str = "write numbers and ranges, as in 0,3,5-7";
    let mut found = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<u16>().map_err(|_| RULE);
        let range = number(first)?..=number(last)?;
        if range.is_empty() {
            return Err(RULE);
        }
        found.extend(range.map(usize::from));
    }
    Ok(found)
}

fn layers(text: &str) -> Result<LayerChoice, &'static str> {
    Ok(match text {
        "all" => LayerChoice::All,
        "global" => LayerChoice::Global,
        "local" => LayerChoice::Local,
        text => LayerChoice::Only(numbers(text)?),
    })
}

fn heads(text: &str) -> Result<HeadChoice, &'static str> {
    Ok(match text {
        "all" => HeadChoice::All,
        text => HeadChoice::Only(numbers(text)?),
    })
}

impl Command {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        match self.flow {
            true => self.run_flow(global, terminal),
            false => self.run_query(global, terminal),
        }
    }

    fn unit(&self) -> Unit {
        match self.unit {
            UnitChoice::Token => Unit::Token,
            UnitChoice::Word => Unit::Word,
            UnitChoice::Sentence => Unit::Sentence,
            UnitChoice::Section => Unit::Section,
        }
    }

    fn run_query(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        let output = global.output(&[Format::Csv])?;
        let reading = self.long.options()?;
        let read = self.notes.read(terminal)?;
        let engine = global.engine_with_model(terminal)?;
        let query = |selection| AttentionQuery {
            selection,
            direction: match self.direction {
                DirectionChoice::LooksAt => Direction::LooksAt,
                DirectionChoice::LookedAtBy => Direction::LookedAtBy,
            },
            layers: self.layers.clone(),
            heads: self.heads.clone(),
            reduction: match self.reduce {
                ReductionChoice::Mean => Reduction::Mean,
                ReductionChoice::Max => Reduction::Max,
            },
            unit: self.unit(),
            rollout: self.rollout,
            reading: reading.clone(),
        };
        let finished = each_note(&read.notes, terminal, |note, job| {
            engine.attention(note, &query(self.selection(note)?), job)
        });
        output.write(&Forms {
            items: &finished.results,
            text: describe(&read.notes, &finished.results, self.top.into()),
            table: Some(table(&read.notes, &finished.results)),
            array: None,
        })?;
        Ok(exit(report(&finished, &read, terminal)))
    }

    /// The tokens that are asked about.
    fn selection(&self, note: &Note) -> Result<Selection, EngineError> {
        if let Some(token) = self.token {
            return Ok(Selection::Token(token));
        }
        if let Some(bytes) = &self.bytes {
            return Ok(Selection::Bytes(bytes.clone()));
        }
        let found = occurrences(note.text(), self.word.as_deref().unwrap_or_default());
        let chosen = found.get(self.occurrence as usize - 1);
        chosen
            .cloned()
            .map(Selection::Bytes)
            .ok_or_else(|| EngineError::NoResult {
                note: note.source().to_string(),
                reason: match found.len() {
                    0 => "the word does not occur in this note".to_owned(),
                    count => format!("the word occurs {count} times, not {}", self.occurrence),
                },
            })
    }

    fn run_flow(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        let output = global.output(&[Format::Csv, Format::Npy])?;
        let query = FlowQuery {
            layers: self.layers.clone(),
            heads: self.heads.clone(),
            unit: self.unit(),
            reading: self.long.options()?,
        };
        let read = self.notes.read(terminal)?;
        let engine: Engine = global.engine_with_model(terminal)?;
        let finished = each_note(&read.notes, terminal, |note, job| {
            engine.attention_flow(note, &query, job)
        });
        let array = match &finished.results[..] {
            [flow] => Some(Array {
                shape: [flow.units.len(), flow.units.len()],
                values: flow.matrix.clone(),
            }),
            _ => None,
        };
        output.write(&Forms {
            items: &finished.results,
            text: describe_flow(&read.notes, &finished.results, self.top.into()),
            table: Some(flow_table(&read.notes, &finished.results)),
            array,
        })?;
        Ok(exit(report(&finished, &read, terminal)))
    }
}

/// Runs `one` on each note until it is stopped; a note that fails loses no other.
fn each_note<T>(
    notes: &[Note],
    terminal: &Terminal,
    mut one: impl FnMut(&Note, &Job) -> Result<T, EngineError>,
) -> Finished<T> {
    let mut finished = Finished {
        results: Vec::new(),
        failures: Vec::new(),
        stopped: false,
    };
    for note in notes {
        match one(note, &terminal.job("looking")) {
            Ok(result) => finished.results.push(result),
            Err(EngineError::Cancelled(_)) => {
                finished.stopped = true;
                break;
            }
            Err(error) => finished.failures.push(error),
        }
    }
    finished
}

/// The one sentence that stands under all attention.
const CAUTION: &str = "Attention shows what was mixed, not why the model decided.";

/// Characters of a unit, and of the longest bar, that are shown.
const SHOWN: usize = 60;
const BAR: usize = 20;

fn text_of<'a>(notes: &'a [Note], source: &str) -> &'a str {
    let note = notes
        .iter()
        .find(|note| note.source().to_string() == source);
    note.map_or("", Note::text)
}

/// What a unit is called on one line.
fn name(text: &str, item: &UnitAttention) -> String {
    match item.section.as_deref() {
        Some("") => "(before the first heading)".to_owned(),
        Some(name) => visible(name),
        None => beginning(&text[item.start..item.end], SHOWN),
    }
}

fn describe(notes: &[Note], results: &[AttentionResult], top: usize) -> String {
    let mut out = String::new();
    for result in results {
        let text = text_of(notes, &result.note);
        let chosen = match result.chosen.is_empty() {
            true => "a token of the template".to_owned(),
            false => format!("⟦{}⟧", beginning(&text[result.chosen.clone()], SHOWN)),
        };
        let (verb, of) = match result.direction {
            Direction::LooksAt => ("looks at", "of what it looks at"),
            Direction::LookedAtBy => ("is looked at by", "of what it is given"),
        };
        let how = match result.reduction {
            None => "rollout through all layers".to_owned(),
            Some(reduction) => format!(
                "{} of {}, {}",
                match reduction {
                    Reduction::Mean => "mean",
                    Reduction::Max => "largest",
                },
                counted(result.layers.len(), "layer"),
                counted(result.heads.len(), "head")
            ),
        };
        let coverage = describe_coverage(&result.coverage);
        let badge = badge(result.random_weights);
        let _ = writeln!(
            out,
            "{} ({coverage}){badge}\n  {chosen} {verb}: {how}",
            result.note
        );
        let mut order: Vec<&UnitAttention> = result.items.iter().collect();
        order.sort_by(|a, b| b.value.total_cmp(&a.value).then(a.start.cmp(&b.start)));
        let largest = order.first().map_or(0.0, |item| item.value);
        for item in order.into_iter().take(top).filter(|item| item.value > 0.0) {
            let bytes = format!("{}..{}", item.start, item.end);
            let bar = "▇".repeat((item.value / largest * BAR as f32).round() as usize);
            let _ = writeln!(
                out,
                "  {:8.4}  {bar:<BAR$}  {bytes:>13}  {}",
                item.value,
                name(text, item)
            );
        }
        let _ = writeln!(
            out,
            "  {:8.4}  {of} lies in [CLS], [SEP] and between the units; {:.4} in all",
            result.outside, result.total
        );
    }
    if !results.is_empty() {
        out.push_str(CAUTION);
        out.push('\n');
    }
    out
}

fn table(notes: &[Note], results: &[AttentionResult]) -> Table {
    let header = ["note", "start", "end", "section", "tokens", "value", "text"];
    let mut rows = Vec::new();
    for result in results {
        let text = text_of(notes, &result.note);
        for item in &result.items {
            rows.push(vec![
                result.note.clone(),
                item.start.to_string(),
                item.end.to_string(),
                item.section.clone().unwrap_or_default(),
                item.tokens.to_string(),
                item.value.to_string(),
                text[item.start..item.end].to_owned(),
            ]);
        }
    }
    Table {
        header: header.map(str::to_owned).to_vec(),
        rows,
    }
}

/// The largest entries of a matrix, from and to different units.
fn describe_flow(notes: &[Note], results: &[AttentionFlow], top: usize) -> String {
    let mut out = String::new();
    for flow in results {
        let text = text_of(notes, &flow.note);
        let units = flow.units.len();
        let coverage = describe_coverage(&flow.coverage);
        let badge = badge(flow.random_weights);
        let _ = writeln!(
            out,
            "{} ({coverage}){badge}\n  {units} units, mean of {}, {}",
            flow.note,
            counted(flow.layers.len(), "layer"),
            counted(flow.heads.len(), "head")
        );
        let mut pairs: Vec<(usize, usize)> = (0..units)
            .flat_map(|from| (0..units).map(move |to| (from, to)))
            .filter(|(from, to)| from != to)
            .collect();
        let value = |&(from, to): &(usize, usize)| flow.matrix[from * units + to];
        pairs.sort_by(|a, b| value(b).total_cmp(&value(a)).then(a.cmp(b)));
        for pair in pairs.iter().take(top) {
            let names = [pair.0, pair.1].map(|unit| name(text, &flow.units[unit]));
            let _ = writeln!(out, "  {:8.4}  {}  →  {}", value(pair), names[0], names[1]);
        }
    }
    if !results.is_empty() {
        out.push_str(CAUTION);
        out.push('\n');
    }
    out
}

fn flow_table(notes: &[Note], results: &[AttentionFlow]) -> Table {
    let header = [
        "note",
        "from_start",
        "from_end",
        "from",
        "to_start",
        "to_end",
        "to",
        "value",
    ];
    let mut rows = Vec::new();
    for flow in results {
        let text = text_of(notes, &flow.note);
        let units = &flow.units;
        for (index, value) in flow.matrix.iter().enumerate() {
            let (from, to) = (&units[index / units.len()], &units[index % units.len()]);
            rows.push(vec![
                flow.note.clone(),
                from.start.to_string(),
                from.end.to_string(),
                name(text, from),
                to.start.to_string(),
                to.end.to_string(),
                name(text, to),
                value.to_string(),
            ]);
        }
    }
    Table {
        header: header.map(str::to_owned).to_vec(),
        rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_heads_and_bytes_are_read() {
        assert_eq!(numbers("0,3,5-7"), Ok(vec![0, 3, 5, 6, 7]));
        assert!(numbers("7-5").is_err() && numbers("").is_err() && numbers("a").is_err());
        assert_eq!(layers("global"), Ok(LayerChoice::Global));
        assert_eq!(heads("2"), Ok(HeadChoice::Only(vec![2])));
        assert_eq!(byte_range("3..9"), Ok(3..9));
        assert!(byte_range("9..3").is_err() && byte_range("9").is_err());
    }
}
