//! Exact attention of a note: what a token looks at, what looks at it, and how sections look at each
//! other.
//!
//! Values are computed from rotated q and k and the row statistics that the forward pass keeps, a row,
//! a column or a block of rows at a time: no matrix of all pairs exists.

use std::ops::Range;

use serde::Serialize;

use super::reading::ReadNote;
use super::units::{Piece, assign, pieces};
use super::{Coverage, Engine, EngineError, Job, Loaded, Note, ReadingOptions, Unit};
use crate::analysis::attention::{Flow, Groups};
use crate::analysis::rollout::{Layer, Way};
use crate::kernels::attention_probabilities;
use crate::model::capture::{Capture, LayerAttention, Layers};
use crate::model::config::{Architecture, LayerKind};
use crate::model::values;
use crate::tokenization::windows::Window;

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
    /// How to read a note that is too long: the window in which the chosen tokens have the most context.
    pub reading: ReadingOptions,
}

/// How units look at units.
#[derive(Clone)]
pub struct FlowQuery {
    /// Which layers; their mean is taken.
    pub layers: LayerChoice,
    /// Which heads; their mean is taken.
    pub heads: HeadChoice,
    /// Sections, sentences or words.
    pub unit: Unit,
    /// How to read a note that is too long: its first window or its last.
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
    /// How many tokens were chosen.
    pub chosen_tokens: usize,
    /// What the values stand for.
    pub unit: Unit,
    /// In the order of the note. Of what is looked at the sum over a unit's tokens, averaged over the
    /// chosen tokens; of what looks, the sum over a unit's tokens of what each gives to the chosen.
    pub items: Vec<UnitAttention>,
    /// The same of tokens that are in no unit, such as [CLS] and [SEP].
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

/// How the units of a note look at each other.
#[derive(Clone, PartialEq, Serialize)]
pub struct AttentionFlow {
    /// Where the note came from.
    pub note: String,
    /// How it was read.
    #[serde(flatten)]
    pub coverage: Coverage,
    /// Whether the model's weights are random, so that the values mean nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub random_weights: bool,
    /// The layers that were taken.
    pub layers: Vec<usize>,
    /// Their heads.
    pub heads: Vec<usize>,
    /// The units, in the order of the note.
    pub units: Vec<UnitAttention>,
    /// `[units, units]`, row-major: how much of what a unit's tokens look at lies in each unit, as the
    /// mean over the tokens that look. With `outside` each row sums to 1.
    pub matrix: Vec<f32>,
    /// What goes to tokens of no unit, `[units]`.
    pub outside: Vec<f32>,
}

/// Rows of attention that exist at a time.
const ROWS_AT_ONCE: usize = 128;

/// Units beyond which a matrix is no longer something to look at.
const MOST_UNITS: usize = 4096;

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
        let (window, rows) = chosen(note, &read, &query.selection)?;
        let taps = loaded.capture(note, window, &layers, job)?;
        let taps = Taps {
            layers: taps,
            heads: &heads,
            tokens: window.encoding.len(),
            job,
        };
        let by_token = match (query.rollout, query.direction) {
            (true, direction) => taps.rollout(&rows, direction)?,
            (false, Direction::LooksAt) => taps.row(&rows, query.reduction)?,
            (false, Direction::LookedAtBy) => taps.column(&rows, query.reduction)?,
        };
        let text = note.text();
        let pieces = pieces(text, &window.encoding, query.unit, &query.reading.rules);
        let of_token = assign(text, &window.encoding, query.unit, &pieces);
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
            unit: query.unit,
            items: items(pieces, &groups, |unit| sums[unit] as f32),
            outside: outside as f32,
            total: by_token.iter().sum::<f64>() as f32,
        })
    }

    /// How the units of a note look at each other.
    ///
    /// # Errors
    /// [`EngineError`] as [`Engine::attention`]; also for a note in several windows, between which
    /// there is no attention, and for more units than a matrix should have.
    pub fn attention_flow(
        &self,
        note: &Note,
        query: &FlowQuery,
        job: &Job,
    ) -> Result<AttentionFlow, EngineError> {
        let loaded = self.loaded()?;
        let read = loaded.reader(&query.reading)?.read(note)?;
        let no_result = |reason: String| EngineError::NoResult {
            note: note.source().to_string(),
            reason,
        };
        let [window] = &read.windows[..] else {
            let count = read.windows.len();
            return Err(no_result(format!(
                "it is read in {count} windows, and there is no attention from one to another; read \
                 its first or its last part"
            )));
        };
        let (layers, heads) = (loaded.layers(&query.layers)?, loaded.heads(&query.heads)?);
        let text = note.text();
        let pieces = pieces(text, &window.encoding, query.unit, &query.reading.rules);
        if pieces.len() > MOST_UNITS {
            let count = pieces.len();
            return Err(no_result(format!(
                "{count} units would make a matrix of {count} x {count}; at most {MOST_UNITS} are \
                 taken, so choose larger units"
            )));
        }
        let groups = Groups::new(
            assign(text, &window.encoding, query.unit, &pieces),
            pieces.len(),
        );
        let taps = Taps {
            layers: loaded.capture(note, window, &layers, job)?,
            heads: &heads,
            tokens: window.encoding.len(),
            job,
        };
        let mut flow = Flow::new(&groups);
        let weight = 1.0 / (layers.len() * heads.len()) as f64;
        for (done, layer) in taps.layers.iter().enumerate() {
            job.step(done, layers.len(), "layers")?;
            taps.each_row(layer, &mut |_, row, looks_at| {
                flow.add(row, looks_at, weight)
            })?;
        }
        job.step(layers.len(), layers.len(), "layers")?;
        let (matrix, outside) = flow.finish();
        Ok(AttentionFlow {
            note: note.source().to_string(),
            coverage: of_window(&read, window),
            random_weights: loaded.info.random_weights,
            layers,
            heads: heads.clone(),
            units: items(pieces, &groups, |_| 0.0),
            matrix,
            outside,
        })
    }
}

impl Loaded {
    /// The numbers of the chosen layers.
    fn layers(&self, choice: &LayerChoice) -> Result<Vec<usize>, EngineError> {
        let count = self.info.layers;
        let of_kind = |wanted: LayerKind| match &self.model.config().architecture {
            Architecture::Bert(_) if wanted == LayerKind::Global => (0..count).collect(),
            Architecture::Bert(_) => Vec::new(),
            Architecture::ModernBert(own) => (0..count)
                .filter(|&layer| own.layer_kinds[layer] == wanted)
                .collect(),
        };
        let layers: Vec<usize> = match choice {
            LayerChoice::All => (0..count).collect(),
            LayerChoice::Global => of_kind(LayerKind::Global),
            LayerChoice::Local => of_kind(LayerKind::Sliding),
            LayerChoice::Only(layers) => layers.clone(),
        };
        numbers(layers, count, "layer")
    }

    /// The numbers of the chosen heads.
    fn heads(&self, choice: &HeadChoice) -> Result<Vec<usize>, EngineError> {
        let count = self.info.heads;
        let heads = match choice {
            HeadChoice::All => (0..count).collect(),
            HeadChoice::Only(heads) => heads.clone(),
        };
        numbers(heads, count, "head")
    }

    /// The attention of some layers for one window.
    fn capture(
        &self,
        note: &Note,
        window: &Window,
        layers: &[usize],
        job: &Job,
    ) -> Result<Vec<LayerAttention>, EngineError> {
        let batch = self.batch(note, &window.encoding)?;
        let capture = Capture {
            attention: Layers::Only(layers.to_vec()),
            ..Capture::default()
        };
        let mut encoded = self.model.encode(&batch, &capture, &mut &*job)?;
        let taps = layers
            .iter()
            .filter_map(|layer| encoded.attention.remove(layer));
        Ok(taps.collect())
    }
}

/// Numbers in order, each once, if all of them exist.
fn numbers(
    mut numbers: Vec<usize>,
    count: usize,
    what: &'static str,
) -> Result<Vec<usize>, EngineError> {
    numbers.sort_unstable();
    numbers.dedup();
    let unable = |reason: String| EngineError::Unable {
        operation: "show this attention",
        reason,
    };
    match numbers.last() {
        None => Err(unable(format!("it has no such {what}"))),
        Some(&last) if last >= count => Err(unable(format!(
            "it has {count} {what}s, numbered from 0 to {}, and no {what} {last}",
            count - 1
        ))),
        Some(_) => Ok(numbers),
    }
}

/// The window in which the chosen tokens have the most context, and their rows in it.
fn chosen<'a>(
    note: &Note,
    read: &'a ReadNote,
    selection: &Selection,
) -> Result<(&'a Window, Vec<usize>), EngineError> {
    let no_result = |reason: String| EngineError::NoResult {
        note: note.source().to_string(),
        reason,
    };
    let whole = &read.whole;
    let rows: Vec<usize> = match selection {
        Selection::Token(row) if *row < whole.len() => Vec::from([*row]),
        Selection::Token(row) => {
            let last = whole.len() - 1;
            let reason = format!("its tokens are numbered from 0 to {last}; there is no {row}");
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
    let Some(&middle) = rows.get(rows.len() / 2) else {
        return Err(no_result("there is no token at these bytes".to_owned()));
    };
    // Template tokens are in every window; the first stands for them.
    let window = match whole.special[middle] {
        true => Some(0),
        false => read.owners()[middle],
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
    let local = local.collect();
    Ok((window, local))
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

/// Units with their values; one without a token in the window has 0.
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

/// The captured layers of one window.
struct Taps<'a> {
    layers: Vec<LayerAttention>,
    heads: &'a [usize],
    tokens: usize,
    job: &'a Job,
}

impl Taps<'_> {
    /// A tile of one layer, `[heads, queries, keys]` of all heads.
    fn tile(&self, layer: &LayerAttention, tile: [Range<usize>; 2]) -> Vec<f32> {
        let (qkv, stats) = (layer.qkv.clone(), layer.stats.clone());
        values(attention_probabilities(qkv, stats, &layer.call, 0, tile))
    }

    /// What the rows look at, over tokens: each head's mean over the rows, then the reduction.
    fn row(&self, rows: &[usize], reduction: Reduction) -> Result<Vec<f64>, EngineError> {
        let mut reduced =
            Reduced::new(self.tokens, reduction, self.layers.len() * self.heads.len());
        for layer in &self.layers {
            self.job.check()?;
            let mut heads = vec![vec![0.0f64; self.tokens]; self.heads.len()];
            for &row in rows {
                let tile = self.tile(layer, [row..row + 1, 0..self.tokens]);
                for (&head, sum) in self.heads.iter().zip(&mut heads) {
                    let own = &tile[head * self.tokens..][..self.tokens];
                    let mean = |value: &f32| f64::from(*value) / rows.len() as f64;
                    sum.iter_mut()
                        .zip(own)
                        .for_each(|(sum, value)| *sum += mean(value));
                }
            }
            heads.iter().for_each(|head| reduced.add(head));
        }
        Ok(reduced.values)
    }

    /// What looks at the rows, over tokens: each head's sum over the rows, then the reduction.
    fn column(&self, rows: &[usize], reduction: Reduction) -> Result<Vec<f64>, EngineError> {
        let mut reduced =
            Reduced::new(self.tokens, reduction, self.layers.len() * self.heads.len());
        for layer in &self.layers {
            self.job.check()?;
            let mut heads = vec![vec![0.0f64; self.tokens]; self.heads.len()];
            for &row in rows {
                let tile = self.tile(layer, [0..self.tokens, row..row + 1]);
                for (&head, sum) in self.heads.iter().zip(&mut heads) {
                    let own = &tile[head * self.tokens..][..self.tokens];
                    sum.iter_mut()
                        .zip(own)
                        .for_each(|(sum, value)| *sum += f64::from(*value));
                }
            }
            heads.iter().for_each(|head| reduced.add(head));
        }
        Ok(reduced.values)
    }

    /// Calls `each` with head, row and what it looks at, for the chosen heads of a layer.
    fn each_row(
        &self,
        layer: &LayerAttention,
        each: &mut dyn FnMut(usize, usize, &[f32]),
    ) -> Result<(), EngineError> {
        for start in (0..self.tokens).step_by(ROWS_AT_ONCE) {
            self.job.check()?;
            let rows = start..(start + ROWS_AT_ONCE).min(self.tokens);
            let count = rows.len();
            let tile = self.tile(layer, [rows.clone(), 0..self.tokens]);
            for &head in self.heads {
                for row in rows.clone() {
                    let index = head * count + row - start;
                    each(head, row, &tile[index * self.tokens..][..self.tokens]);
                }
            }
        }
        Ok(())
    }

    /// Rollout from or to the rows, over tokens.
    fn rollout(&self, rows: &[usize], direction: Direction) -> Result<Vec<f64>, EngineError> {
        let mut vector = vec![0.0; self.tokens];
        let own = match direction {
            Direction::LooksAt => 1.0 / rows.len() as f64,
            Direction::LookedAtBy => 1.0,
        };
        rows.iter().for_each(|&row| vector[row] = own);
        let count = self.layers.len();
        let share = 1.0 / self.heads.len() as f64;
        for done in 0..count {
            self.job.step(done, count, "layers")?;
            let (layer, way) = match direction {
                Direction::LooksAt => (count - 1 - done, Way::Row),
                Direction::LookedAtBy => (done, Way::Column),
            };
            let mut through = Layer::new(&vector, way);
            self.each_row(&self.layers[layer], &mut |_, row, looks_at| {
                through.add(row, looks_at, share);
            })?;
            vector = through.finish();
        }
        self.job.step(count, count, "layers")?;
        Ok(vector)
    }
}

/// Several heads becoming one.
struct Reduced {
    values: Vec<f64>,
    reduction: Reduction,
    heads: usize,
}

impl Reduced {
    fn new(tokens: usize, reduction: Reduction, heads: usize) -> Self {
        Self {
            values: vec![0.0; tokens],
            reduction,
            heads,
        }
    }

    fn add(&mut self, head: &[f64]) {
        let heads = self.heads as f64;
        for (value, own) in self.values.iter_mut().zip(head) {
            match self.reduction {
                Reduction::Mean => *value += own / heads,
                Reduction::Max => *value = value.max(*own),
            }
        }
    }
}
