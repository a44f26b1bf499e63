//! Exact attention of a note: what a token looks at, what looks at it, and how sections look at each
//! other.
//!
//! Values are computed from rotated q and k and the row statistics that the forward pass keeps, a row,
//! a column or a block of rows at a time: no matrix of all pairs exists.

mod flow;
mod held;
mod map;
mod mean_flow;
mod overview;
mod taps;

use std::ops::Range;

use serde::Serialize;

use self::taps::{Taps, numbers};
use super::reading::ReadNote;
use super::units::{Piece, gathered};
use super::{Coverage, Engine, EngineError, Job, Loaded, Note, ReadingOptions, Unit};
use crate::analysis::attention::Groups;
use crate::tokenization::Encoding;
use crate::tokenization::windows::Window;

pub use self::flow::{AttentionFlow, FlowQuery, FlowUnit};
pub use self::held::HeldAttention;
pub use self::map::{AttentionCell, AttentionMap, Block, CellQuery, HeadPlace, MapQuery};
pub use self::mean_flow::MeanFlow;
pub use self::overview::{HeadOverview, LayerOverview, OverviewQuery};

/// Which tokens are asked about.
#[derive(Clone, PartialEq, Eq)]
pub enum Selection {
    /// The token of this number, counted from 0, template tokens included.
    Token(usize),
    /// All tokens that overlap these bytes of the note.
    Bytes(Range<usize>),
}

/// Which way to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The row: what the chosen tokens look at.
    LooksAt,
    /// The column: what looks at the chosen tokens.
    LookedAtBy,
}

/// Layers, counted from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayerChoice {
    /// All of them.
    All,
    /// Those in which every token sees its whole text.
    Global,
    /// Those with a window.
    Local,
    /// These.
    Only(Vec<usize>),
}

/// Heads, counted from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeadChoice {
    /// All of them.
    All,
    /// These.
    Only(Vec<usize>),
}

/// How several layers and heads become one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reduction {
    /// Their mean; rows still sum to 1.
    Mean,
    /// The largest; rows sum to 1 or more.
    Max,
}

/// What to ask of a note's attention.
#[derive(Clone)]
pub struct AttentionQuery {
    /// Which tokens are asked about.
    pub selection: Selection,
    /// Which way to look.
    pub direction: Direction,
    /// Which layers.
    pub layers: LayerChoice,
    /// Which heads of these layers.
    pub heads: HeadChoice,
    /// How they become one.
    pub reduction: Reduction,
    /// What the other tokens are gathered into.
    pub unit: Unit,
    /// Leave out what goes to tokens without a letter or digit, those of the template among them:
    /// many heads rest there (attention sinks). How much that is stands in the result.
    pub hide_sinks: bool,
    /// Follow attention through all layers (rollout); layers, heads and reduction are not asked for
    /// then.
    pub rollout: bool,
    /// How to read a note that is too long: the window that holds most of the chosen tokens, and of
    /// several that in which they have the most context.
    pub reading: ReadingOptions,
}

/// The attention of chosen tokens.
#[derive(Clone, PartialEq, Serialize)]
pub struct AttentionResult {
    /// Where the note came from.
    pub note: String,
    /// How it was read; of several windows the one from `read_start` to `read_end`.
    #[serde(flatten)]
    pub coverage: Coverage,
    /// Whether the model's weights are random, so that the values mean nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub random_weights: bool,
    /// Which way was looked.
    pub direction: Direction,
    /// The layers that were taken.
    pub layers: Vec<usize>,
    /// Their heads.
    pub heads: Vec<usize>,
    /// How these became one; `None` for rollout.
    pub reduction: Option<Reduction>,
    /// Bytes of the chosen tokens.
    pub chosen: Range<usize>,
    /// How many tokens were chosen that were read.
    pub chosen_tokens: usize,
    /// How many more were chosen that lie outside of what was read at once.
    pub chosen_left_out: usize,
    /// What the values stand for.
    pub unit: Unit,
    /// In the order of the note, those of which a token was read. Of what is looked at the sum over a unit's tokens, averaged over the
    /// chosen tokens; of what looks, the sum over a unit's tokens of what each gives to the chosen.
    pub items: Vec<UnitAttention>,
    /// The same of tokens that are in no unit, such as `[CLS]` and `[SEP]`.
    pub outside: f32,
    /// What was left out of `items` and `outside` since it goes to sinks, or comes from them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<f32>,
    /// The sum over all tokens, hidden ones included: 1 for a row of one head, or of the mean of several.
    pub total: f32,
}

impl AttentionResult {
    /// The largest value of its items; 0 if there are none.
    pub fn strongest(&self) -> f32 {
        self.items.iter().map(|own| own.value).fold(0.0, f32::max)
    }
}

/// The attention of one unit.
#[derive(Clone, PartialEq, Serialize)]
pub struct UnitAttention {
    /// First byte in the note.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// The section's name, for sections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// Its tokens.
    pub tokens: usize,
    /// The attention.
    pub value: f32,
}

impl Engine {
    /// Whether the loaded model has these layers and heads and can read in this way, so that no note
    /// has to be asked for what none can give.
    ///
    /// # Errors
    /// [`EngineError::Choice`] when not.
    pub fn check_attention(
        &self,
        layers: &LayerChoice,
        heads: &HeadChoice,
        reading: &ReadingOptions,
    ) -> Result<(), EngineError> {
        let loaded = self.loaded()?;
        loaded.reader(reading)?;
        loaded.layers(layers)?;
        loaded.heads(heads)?;
        Ok(())
    }
}

/// The share of the time that the forward pass takes.
const FORWARD: f64 = 0.5;

impl Engine {
    /// The attention of chosen tokens of a note.
    ///
    /// # Errors
    /// [`EngineError`] when no model is loaded, it cannot read in this way, it has no such layer or
    /// head, or the note has no such token.
    pub fn attention(
        &self,
        note: &Note,
        query: &AttentionQuery,
        job: &Job,
    ) -> Result<AttentionResult, EngineError> {
        let loaded = self.loaded()?;
        let read = loaded.reader(&query.reading)?.read(note)?;
        let (window, rows, left_out) = chosen(note, &read, &query.selection)?;
        let (layers, heads) = loaded.asked(query)?;
        let taps = Taps {
            layers: loaded.capture(note, &read.windows[window], &layers, job)?,
            heads: &heads,
            tokens: read.windows[window].encoding.len(),
            job,
        };
        let asked = Asked {
            note,
            query,
            read: &read,
            window,
            rows,
            left_out,
            random_weights: loaded.info.random_weights,
        };
        job.within(FORWARD..1.0, || asked.answer(&taps, layers))
    }
}

impl Loaded {
    /// The numbers of the layers and heads that are asked about.
    fn asked(&self, query: &AttentionQuery) -> Result<(Vec<usize>, Vec<usize>), EngineError> {
        match query.rollout {
            true => Ok((
                (0..self.info.layers).collect(),
                (0..self.info.heads).collect(),
            )),
            false => Ok((self.layers(&query.layers)?, self.heads(&query.heads)?)),
        }
    }
}

/// What is asked of a window of a note.
struct Asked<'a> {
    note: &'a Note,
    query: &'a AttentionQuery,
    read: &'a ReadNote,
    /// The number of the window.
    window: usize,
    /// The chosen tokens by their rows in it, and how many more lie outside of it.
    rows: Vec<usize>,
    left_out: usize,
    random_weights: bool,
}

impl Asked<'_> {
    /// The answer of the layers `layers`, which `taps` has.
    fn answer(&self, taps: &Taps<'_>, layers: Vec<usize>) -> Result<AttentionResult, EngineError> {
        let (query, rows) = (self.query, &self.rows);
        let window = &self.read.windows[self.window];
        let mut by_token = match query.rollout {
            true => taps.rollout(rows, query.direction),
            false => taps.of_rows(rows, query.direction, query.reduction),
        }?;
        let total: f64 = by_token.iter().sum();
        let hidden = query.hide_sinks.then(|| {
            let sinks = sinks(self.note.text(), &window.encoding);
            let own = by_token.iter_mut().zip(sinks).filter(|(_, sink)| *sink);
            own.map(|(value, _)| std::mem::take(value)).sum::<f64>() as f32
        });
        let rules = &query.reading.rules;
        let (pieces, of_token) = gathered(self.note.text(), &window.encoding, query.unit, rules);
        let groups = Groups::new(of_token, pieces.len());
        let (sums, outside) = groups.sums(&by_token);
        let spans = rows.iter().map(|&row| window.encoding.spans[row].clone());
        let chosen = spans.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end));
        Ok(AttentionResult {
            note: self.note.source().to_string(),
            coverage: of_window(self.read, window),
            random_weights: self.random_weights,
            direction: query.direction,
            layers,
            heads: taps.heads.to_vec(),
            reduction: (!query.rollout).then_some(query.reduction),
            chosen: chosen.unwrap_or_default(),
            chosen_tokens: rows.len(),
            chosen_left_out: self.left_out,
            unit: query.unit,
            items: items(pieces, &groups, |unit| sums[unit] as f32),
            outside: outside as f32,
            hidden,
            total: total as f32,
        })
    }
}

/// Which tokens have no letter and no digit.
fn sinks(text: &str, encoding: &Encoding) -> impl Iterator<Item = bool> {
    let spans = encoding.spans.iter();
    spans.map(|span| !text[span.clone()].chars().any(char::is_alphanumeric))
}

/// The number of the window that holds most of the chosen tokens, their rows in it, and how many of them lie outside.
fn chosen(
    note: &Note,
    read: &ReadNote,
    selection: &Selection,
) -> Result<(usize, Vec<usize>, usize), EngineError> {
    let no_result = |reason: String| EngineError::NoResult {
        note: note.source().to_string(),
        reason,
    };
    let whole = &read.whole;
    let rows: Vec<usize> = match selection {
        Selection::Token(row) if *row < whole.len() => Vec::from([*row]),
        Selection::Token(row) => {
            let reason = match whole.len().checked_sub(1) {
                Some(last) => {
                    format!("its tokens are numbered from 0 to {last}; there is no {row}")
                }
                None => "it has no token".to_owned(),
            };
            return Err(no_result(reason));
        }
        Selection::Bytes(bytes) => {
            let inside = |row: &usize| {
                let span = &whole.spans[*row];
                !whole.special[*row] && span.start < bytes.end && bytes.start < span.end
            };
            (0..whole.len()).filter(inside).collect()
        }
    };
    let Some(&first) = rows.first() else {
        return Err(no_result("there is no token at these bytes".to_owned()));
    };
    // Template tokens are in every window; the first stands for them.
    let window = match whole.special[first] {
        true => Some(0),
        false => read.window_of(&rows),
    };
    let number = window.ok_or_else(|| {
        no_result("these tokens lie in the part that is not read; read it in windows".to_owned())
    })?;
    let window = &read.windows[number];
    let trailing = whole.len() - window.encoding.len();
    let local = rows.iter().filter_map(|&row| match whole.special[row] {
        true if row < window.lead => Some(row),
        true => Some(row - trailing),
        false => window.local(row),
    });
    let local: Vec<usize> = local.collect();
    let left_out = rows.len() - local.len();
    Ok((number, local, left_out))
}

/// The coverage of one of the windows.
fn of_window(read: &ReadNote, window: &Window) -> Coverage {
    let mut coverage = read.coverage.clone();
    if read.windows.len() > 1 {
        let spans = window.rows.clone().map(|row| &read.whole.spans[row]);
        coverage.read_start = spans.clone().map(|span| span.start).min().unwrap_or(0);
        coverage.read_end = spans.map(|span| span.end).max().unwrap_or(0);
    }
    coverage
}

/// Units with their values.
fn items(pieces: Vec<Piece>, groups: &Groups, value: impl Fn(usize) -> f32) -> Vec<UnitAttention> {
    pieces
        .into_iter()
        .enumerate()
        .map(|(unit, piece)| UnitAttention {
            start: piece.span.start,
            end: piece.span.end,
            section: piece.section,
            tokens: groups.sizes()[unit],
            value: value(unit),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Source, Way};

    /// A tokenizer without a template makes nothing of nothing.
    #[test]
    fn a_note_without_a_token_has_no_token_to_ask_about() {
        let read = ReadNote {
            whole: Encoding::default(),
            windows: Vec::new(),
            coverage: Coverage {
                tokens: 0,
                read: Way::Whole,
                windows: 0,
                max_tokens: 8,
                overlap: None,
                read_start: 0,
                read_end: 0,
            },
        };
        let note = Note::new(Source::Typed, String::new());
        for selection in [Selection::Token(0), Selection::Bytes(0..1)] {
            let error = chosen(&note, &read, &selection).unwrap_err().to_string();
            assert!(error.contains("no token"), "{error}");
        }
    }
}
