//! One head as an image: blocks of queries and keys, from a whole note to a single pair of tokens.

use std::ops::Range;

use serde::Serialize;

use super::held::{ForQuestion, HeldAttention};
use super::{Selection, numbers};
use crate::engine::{Engine, EngineError, Job, Note, ReadingOptions};
use crate::kernels::{attention_probabilities, values};
use crate::model::capture::LayerAttention;

/// A head of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct HeadPlace {
    /// The layer, from 0.
    pub layer: usize,
    /// The head, from 0.
    pub head: usize,
}

/// What a block of values becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Block {
    /// The largest of them.
    #[default]
    Max,
    /// Their mean.
    Mean,
}

/// Which part of a head's attention, and how fine.
#[derive(Clone)]
pub struct MapQuery {
    /// The head.
    pub of: HeadPlace,
    /// Some tokens of the window that is meant; of a note in several windows it is theirs.
    pub selection: Selection,
    /// The rows: tokens that look. What lies beyond the last token is left out.
    pub rows: Range<usize>,
    /// The columns: tokens looked at.
    pub columns: Range<usize>,
    /// Tokens of a side of each block, at least 1. Blocks are counted from the first token on, so that
    /// a block is the same in every part; both ranges are widened to whole blocks.
    pub side: usize,
    /// What a block becomes.
    pub block: Block,
    /// How to read a note that is too long.
    pub reading: ReadingOptions,
}

/// A part of a head's attention.
#[derive(Clone, PartialEq, Serialize)]
pub struct AttentionMap {
    /// The head.
    pub of: HeadPlace,
    /// Tokens on either side that a token sees, if it does not see all.
    pub reach: Option<usize>,
    /// The rows that it covers.
    pub rows: Range<usize>,
    /// The columns that it covers.
    pub columns: Range<usize>,
    /// Tokens of a side of a block.
    pub side: usize,
    /// What a block became.
    pub block: Block,
    /// Bytes of the note of every token of the window, by their rows; empty for tokens of the template.
    pub spans: Vec<Range<usize>>,
    /// `[blocks of rows, blocks of columns]`, row-major.
    pub values: Vec<f32>,
}

impl AttentionMap {
    /// Blocks from the top to the bottom, and from the left to the right.
    pub fn shape(&self) -> [usize; 2] {
        [&self.rows, &self.columns].map(|own| own.len().div_ceil(self.side))
    }
}

/// A block in which the largest value is looked for.
#[derive(Clone)]
pub struct CellQuery {
    /// The head.
    pub of: HeadPlace,
    /// Some tokens of the window that is meant.
    pub selection: Selection,
    /// The rows of the block.
    pub rows: Range<usize>,
    /// Its columns.
    pub columns: Range<usize>,
    /// How to read a note that is too long.
    pub reading: ReadingOptions,
}

/// One value of a head's attention.
#[derive(Clone, PartialEq, Serialize)]
pub struct AttentionCell {
    /// The head.
    pub of: HeadPlace,
    /// The token that looks.
    pub row: usize,
    /// The token that is looked at.
    pub column: usize,
    /// How much.
    pub value: f32,
    /// 1 where the token looks at nothing more than at this one.
    pub rank: usize,
    /// Tokens that the one that looks can see.
    pub seen: usize,
}

/// Values that exist at a time.
const AT_ONCE: usize = 1 << 21;

impl Engine {
    /// A part of the attention of one head, a value for each block; each is exact. `held` is as for
    /// [`Engine::attention_held`].
    ///
    /// # Errors
    /// As [`Engine::attention`]; also where the part or its blocks are empty.
    pub fn attention_map(
        &self,
        held: &mut Option<HeldAttention>,
        note: &Note,
        query: &MapQuery,
        job: &Job,
    ) -> Result<AttentionMap, EngineError> {
        let own = self.hold(held, note, &query.reading, &query.selection, job)?;
        let layer = own.head(query.of)?;
        let spans = own.read.windows[own.window].encoding.spans.clone();
        let side = query.side.max(1);
        let widened = |range: &Range<usize>| {
            let end = range.end.min(spans.len()).div_ceil(side) * side;
            let start = range.start / side * side;
            match start < end.min(spans.len()) {
                true => Ok(start..end.min(spans.len())),
                false => Err(EngineError::Choice(format!(
                    "the note has tokens up to {}, and there are none from {} to {}",
                    spans.len(),
                    range.start,
                    range.end
                ))),
            }
        };
        let (rows, columns) = (widened(&query.rows)?, widened(&query.columns)?);
        let reach = layer.call.half_window.filter(|own| *own < spans.len());
        let mut map = AttentionMap {
            of: query.of,
            reach,
            side,
            block: query.block,
            values: Vec::new(),
            spans,
            rows,
            columns,
        };
        let [down, across] = map.shape();
        map.values = vec![0.0; down * across];
        job.within(own.done..1.0, || {
            let blocks = (AT_ONCE / (map.columns.len() * side)).max(1);
            for first in (0..down).step_by(blocks) {
                job.step(first, down, "rows")?;
                let last = (first + blocks).min(down);
                map.fill(&layer, first..last)?;
            }
            Ok::<(), EngineError>(())
        })?;
        Ok(map)
    }

    /// The largest value of a block, with its tokens and its place among all that the one that looks
    /// can see.
    ///
    /// # Errors
    /// As [`Engine::attention_map`].
    pub fn attention_cell(
        &self,
        held: &mut Option<HeldAttention>,
        note: &Note,
        query: &CellQuery,
        job: &Job,
    ) -> Result<AttentionCell, EngineError> {
        let own = self.hold(held, note, &query.reading, &query.selection, job)?;
        let layer = own.head(query.of)?;
        let tokens = own.read.windows[own.window].encoding.len();
        let inside = |range: &Range<usize>| range.start..range.end.min(tokens);
        let (rows, columns) = (inside(&query.rows), inside(&query.columns));
        if rows.is_empty() || columns.is_empty() {
            return Err(EngineError::Choice(format!(
                "the note has tokens up to {tokens}, and this block has none of them"
            )));
        }
        // Of several the first.
        let (mut row, mut column, mut value) = (rows.start, columns.start, f32::MIN);
        let step = (AT_ONCE / columns.len()).max(1);
        job.within(own.done..1.0, || {
            for first in rows.clone().step_by(step) {
                job.step(first - rows.start, rows.len(), "rows")?;
                let part = first..(first + step).min(rows.end);
                let block = tile(&layer, part, columns.clone())?;
                for (at, &own) in block.iter().enumerate().filter(|(_, own)| !own.is_nan()) {
                    if own > value {
                        (row, column) = (
                            first + at / columns.len(),
                            columns.start + at % columns.len(),
                        );
                        value = own;
                    }
                }
            }
            Ok::<(), EngineError>(())
        })?;
        let looks_at = tile(&layer, row..row + 1, 0..tokens)?;
        let seen = match layer.call.half_window {
            Some(reach) => (row + reach + 1).min(tokens) - row.saturating_sub(reach),
            None => tokens,
        };
        Ok(AttentionCell {
            of: query.of,
            row,
            column,
            value,
            rank: 1 + looks_at.iter().filter(|own| **own > value).count(),
            seen,
        })
    }
}

impl ForQuestion<'_> {
    /// What is held of one head.
    fn head(&self, of: HeadPlace) -> Result<LayerAttention, EngineError> {
        numbers(vec![of.layer], self.layers.len(), "layer")?;
        let layer = &self.layers[of.layer];
        numbers(vec![of.head], layer.call.heads.heads, "head")?;
        Ok(layer.of_head(of.head))
    }
}

/// `[rows, columns]` of a layer of one head.
fn tile(
    layer: &LayerAttention,
    rows: Range<usize>,
    columns: Range<usize>,
) -> Result<Vec<f32>, EngineError> {
    let (qkv, stats) = (layer.qkv.clone(), layer.stats.clone());
    let tile = [rows, columns];
    Ok(values(attention_probabilities(
        qkv,
        stats,
        &layer.call,
        0,
        tile,
    ))?)
}

impl AttentionMap {
    /// Computes these rows of blocks. Of a layer with a window only what it sees.
    fn fill(&mut self, layer: &LayerAttention, down: Range<usize>) -> Result<(), EngineError> {
        let side = self.side;
        let [_, across] = self.shape();
        let rows = self.rows.start + down.start * side;
        let rows = rows..(self.rows.start + down.end * side).min(self.rows.end);
        let columns = match self.reach {
            Some(reach) => {
                let first = self.columns.start.max(rows.start.saturating_sub(reach));
                first..self.columns.end.min(rows.end + reach)
            }
            None => self.columns.clone(),
        };
        if columns.is_empty() {
            return Ok(());
        }
        let all = tile(layer, rows.clone(), columns.clone())?;
        let before = columns.start - self.columns.start;
        let width = columns.len();
        let mut column = vec![0.0; width];
        for (number, rows) in all.chunks(side * width).enumerate() {
            // First the rows of a block into one, which takes no place of a block into account.
            column.copy_from_slice(&rows[..width]);
            for row in rows.chunks_exact(width).skip(1) {
                let pairs = column.iter_mut().zip(row);
                match self.block {
                    Block::Max => pairs
                        .for_each(|(own, &value)| *own = if value > *own { value } else { *own }),
                    Block::Mean => pairs.for_each(|(own, &value)| *own += value),
                }
            }
            let line = &mut self.values[(down.start + number) * across..][..across];
            // The first block may begin before the first column.
            let first = (side - before % side).min(width);
            let (head, rest) = column.split_at(first);
            let parts = std::iter::once(head).chain(rest.chunks(side));
            for (cell, part) in line[before / side..].iter_mut().zip(parts) {
                *cell = match self.block {
                    Block::Max => part.iter().copied().fold(0.0, f32::max),
                    Block::Mean => part.iter().sum(),
                };
            }
        }
        if self.block == Block::Mean {
            for block in down {
                let high = side.min(self.rows.len() - block * side);
                for column in 0..across {
                    let wide = side.min(self.columns.len() - column * side);
                    self.values[block * across + column] /= (high * wide) as f32;
                }
            }
        }
        Ok(())
    }
}
