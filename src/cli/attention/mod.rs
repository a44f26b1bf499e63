//! `auscult attention`: what tokens look at, and what looks at them.

mod choices;
mod flow;

use std::fmt::Write;
use std::ops::Range;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::{ArgGroup, Args};

use self::choices::{DirectionChoice, ReductionChoice, byte_range, heads, layers};
use super::input::{Texts, word};
use super::output::{Format, Lazy, Rows};
use super::passage::{beginning, visible};
use super::progress::Terminal;
use super::reading::{LongNoteFlags, cells, describe as describe_coverage, header, row};
use super::unit::{PARTS, UnitChoice, among};
use super::{Global, Notes, badge, exit, report};
use crate::engine::{
    AttentionQuery, AttentionResult, Direction, EngineError, HeadChoice, LayerChoice, Note,
    Reduction, Selection, UnitAttention, counted, each_note, occurrences,
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
    /// Ask about the tokens of this word, in these small and capital letters.
    #[arg(long, value_name = "WORD", value_parser = word)]
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
    #[arg(long, value_enum, default_value_t = DirectionChoice::LooksAt, conflicts_with = "flow")]
    direction: DirectionChoice,
    /// Layers: all, global, local, or numbers such as 0,3,5-7.
    #[arg(long, value_name = "LAYERS", default_value = "all", value_parser = layers)]
    layers: LayerChoice,
    /// Heads: all, or numbers such as 0,2-4.
    #[arg(long, value_name = "HEADS", default_value = "all", value_parser = heads)]
    heads: HeadChoice,
    /// How several layers and heads become one value; of a flow it is the mean.
    #[arg(long, value_enum, default_value_t = ReductionChoice::Mean, conflicts_with = "flow")]
    reduce: ReductionChoice,
    /// What tokens are gathered into.
    #[arg(long, default_value = "word", value_parser = among(PARTS))]
    unit: UnitChoice,
    /// Leave out tokens without a letter or digit, where many heads rest; what that takes is said.
    #[arg(long)]
    hide_sinks: bool,
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

impl Command {
    /// The files that are read.
    pub(super) fn files(&self) -> Vec<&Path> {
        self.notes.paths().chain(self.long.file()).collect()
    }

    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        match self.flow {
            true => flow::run(self, global, terminal),
            false => self.run_query(global, terminal),
        }
    }

    fn run_query(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        let output = global.output(&[Format::Csv])?;
        let reading = self.long.options()?;
        let read = global.read(&self.notes, terminal)?;
        let engine = global.engine_with_model(terminal)?;
        engine.check_attention(&self.layers, &self.heads, &reading)?;
        let query = |selection| AttentionQuery {
            selection,
            direction: self.direction.into(),
            layers: self.layers.clone(),
            heads: self.heads.clone(),
            reduction: self.reduce.into(),
            unit: self.unit.into(),
            hide_sinks: self.hide_sinks,
            rollout: self.rollout,
            reading: reading.clone(),
        };
        let job = terminal.job("looking");
        let finished = each_note(&read.notes, &job, |note| {
            engine.attention(note, &query(self.selection(note)?), &job)
        });
        for result in finished
            .results
            .iter()
            .filter(|own| own.chosen_left_out > 0)
        {
            terminal.warning(&format!(
                "{}: {} of the chosen tokens left out, outside of what is read at once ({} taken)",
                result.note, result.chosen_left_out, result.chosen_tokens
            ));
        }
        let texts = Texts::new(&read.notes);
        output.write_lazily(Lazy {
            items: &finished.results,
            text: Box::new(|| describe(&texts, &finished.results, self.top.into())),
            table: Some(table(&texts, &finished.results)),
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
            .ok_or_else(|| EngineError::Absent {
                note: note.source().to_string(),
                reason: match found.is_empty() {
                    true => "the word does not occur there".to_owned(),
                    false => "the word does not occur there so often".to_owned(),
                },
            })
    }
}

/// The one sentence that stands under all attention.
const CAUTION: &str = "Attention shows what was mixed, not why the model decided.";

/// Characters of a unit, and of the longest bar, that are shown.
const SHOWN: usize = 60;
const BAR: usize = 20;

/// What a unit is called on one line: its section's name, or the beginning of its bytes.
fn name(text: &str, bytes: Range<usize>, section: Option<&str>) -> String {
    match section {
        Some("") => "(before the first heading)".to_owned(),
        Some(name) => visible(name),
        None => beginning(&text[bytes], SHOWN),
    }
}

fn describe(texts: &Texts<'_>, results: &[AttentionResult], top: usize) -> String {
    let mut out = String::new();
    for result in results {
        let text = texts.of(&result.note);
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
                name(text, item.start..item.end, item.section.as_deref())
            );
        }
        let _ = writeln!(
            out,
            "  {:8.4}  {of} lies in [CLS], [SEP] and between the units; {:.4} in all",
            result.outside, result.total
        );
        if let Some(hidden) = result.hidden {
            let _ = writeln!(
                out,
                "  {hidden:8.4}  {of} lies in tokens without a letter or digit, which are left out"
            );
        }
    }
    if !results.is_empty() {
        out.push_str(CAUTION);
        out.push('\n');
    }
    out
}

fn table<'a>(texts: &'a Texts<'_>, results: &'a [AttentionResult]) -> Rows<'a> {
    let own = [
        "note",
        "start",
        "end",
        "section",
        "unit_tokens",
        "value",
        "text",
    ];
    let items = results
        .iter()
        .flat_map(|result| result.items.iter().map(move |item| (result, item)));
    let rows = items.map(|(result, item)| {
        let own = [
            result.note.clone(),
            item.start.to_string(),
            item.end.to_string(),
            item.section.clone().unwrap_or_default(),
            item.tokens.to_string(),
            item.value.to_string(),
            texts.of(&result.note)[item.start..item.end].to_owned(),
        ];
        row(own, cells(&result.coverage, result.random_weights))
    });
    Rows {
        header: header(&own),
        rows: Box::new(rows),
    }
}
