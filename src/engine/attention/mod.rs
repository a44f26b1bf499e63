//! Exact attention of a note: what a token looks at, what looks at it, and how sections look at each
//! other.
//!
//! Values are computed from rotated q and k and the row statistics that the forward pass keeps, a row,
//! a column or a block of rows at a time: no matrix of all pairs exists.

mod flow;
mod taps;

use std::ops::Range;

use serde::Serialize;

use self::taps::Taps;
use super::reading::ReadNote;
use super::units::{Piece, gathered};
use super::{Coverage, Engine, EngineError, Job, Note, ReadingOptions, Unit};
use crate::analysis::attention::Groups;
use crate::tokenization::windows::Window;

pub use self::flow::{AttentionFlow, FlowQuery, FlowUnit};

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
    /// The sum over all tokens: 1 for a row of one head, or of the mean of several.
    pub total: f32,
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
        let reader = loaded.reader(&query.reading)?;
        let read = reader.read(note)?;
        let layers = match query.rollout {
            true => (0..loaded.info.layers).collect(),
            false => loaded.layers(&query.layers)?,
        };
        let heads = match query.rollout {
            true => (0..loaded.info.heads).collect(),
            false => loaded.heads(&query.heads)?,
        };
        let (window, rows, left_out) = chosen(note, &read, &query.selection)?;
        let taps = Taps {
            layers: loaded.capture(note, window, &layers, job)?,
            heads: &heads,
            tokens: window.encoding.len(),
            job,
        };
        let by_token = job.within(FORWARD..1.0, || match query.rollout {
            true => taps.rollout(&rows, query.direction),
            false => taps.of_rows(&rows, query.direction, query.reduction),
        })?;
        let rules = &query.reading.rules;
        let (pieces, of_token) = gathered(note.text(), &window.encoding, query.unit, rules);
        let groups = Groups::new(of_token, pieces.len());
        let (sums, outside) = groups.sums(&by_token);
        let spans = rows.iter().map(|&row| window.encoding.spans[row].clone());
        let chosen = spans.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end));
        Ok(AttentionResult {
            note: note.source().to_string(),
            coverage: of_window(&read, window),
            random_weights: loaded.info.random_weights,
            direction: query.direction,
            layers,
            heads: heads.clone(),
            reduction: (!query.rollout).then_some(query.reduction),
            chosen: chosen.unwrap_or_default(),
            chosen_tokens: rows.len(),
            chosen_left_out: left_out,
            unit: query.unit,
            items: items(pieces, &groups, |unit| sums[unit] as f32),
            outside: outside as f32,
            total: by_token.iter().sum::<f64>() as f32,
        })
    }
}

/// The window that holds most of the chosen tokens, their rows in it, and how many of them lie outside.
fn chosen<'a>(
    note: &Note,
    read: &'a ReadNote,
    selection: &Selection,
) -> Result<(&'a Window, Vec<usize>, usize), EngineError> {
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
    let window = window.map(|window| &read.windows[window]).ok_or_else(|| {
        no_result("these tokens lie in the part that is not read; read it in windows".to_owned())
    })?;
    let trailing = whole.len() - window.encoding.len();
    let local = rows.iter().filter_map(|&row| match whole.special[row] {
        true if row < window.lead => Some(row),
        true => Some(row - trailing),
        false => window.local(row),
    });
    let local: Vec<usize> = local.collect();
    let left_out = rows.len() - local.len();
    Ok((window, local, left_out))
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
    use crate::tokenization::Encoding;

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
