//! All heads of a layer at a glance: a small picture of each, and what it does in numbers.

use serde::Serialize;

use super::held::HeldAttention;
use super::{Selection, sinks};
use crate::engine::{Engine, EngineError, Job, Note, ReadingOptions};
use crate::kernels::{attention_probabilities, values};

/// Which layer of which part of a note.
#[derive(Clone)]
pub struct OverviewQuery {
    /// The layer, from 0.
    pub layer: usize,
    /// The tokens whose share is measured; of a note in several windows it is theirs.
    pub selection: Selection,
    /// Points of a side of each picture at most.
    pub points: usize,
    /// How to read a note that is too long.
    pub reading: ReadingOptions,
}

/// The heads of a layer.
#[derive(Clone, PartialEq, Serialize)]
pub struct LayerOverview {
    /// The layer, from 0.
    pub layer: usize,
    /// Tokens on either side that a token sees, if it does not see all.
    pub reach: Option<usize>,
    /// The tokens of which each picture has a line: these only were looked at, evenly spread.
    pub rows: Vec<usize>,
    /// Points of a line.
    pub columns: usize,
    /// Its heads.
    pub heads: Vec<HeadOverview>,
}

/// A head.
#[derive(Clone, PartialEq, Serialize)]
pub struct HeadOverview {
    /// `[rows, columns]`, row-major: the largest probability among the keys that fall on a point. Of a
    /// layer that sees all, columns are places in the note; of one with a window, distances from the
    /// token, from the farthest on the left to the farthest on the right.
    pub picture: Vec<f32>,
    /// Mean entropy of the rows, in nats: 0 where each looks at one token alone.
    pub entropy: f32,
    /// Mean distance from a token to what it looks at, in tokens.
    pub distance: f32,
    /// The share that goes to tokens without a letter or digit.
    pub sinks: f32,
    /// The share that goes to the chosen tokens.
    pub chosen: f32,
}

impl Engine {
    /// Pictures and figures of the heads of a layer, from rows that are exact and evenly spread over
    /// what is read at once; `held` is as for [`Engine::attention_held`].
    ///
    /// # Errors
    /// As [`Engine::attention`].
    pub fn attention_overview(
        &self,
        held: &mut Option<HeldAttention>,
        note: &Note,
        query: &OverviewQuery,
        job: &Job,
    ) -> Result<LayerOverview, EngineError> {
        let own = self.hold(held, note, &query.reading, &query.selection, job)?;
        let Some(layer) = own.layers.get(query.layer) else {
            let reason = format!(
                "this model has layers from 0 to {}, and no {}",
                own.layers.len().saturating_sub(1),
                query.layer
            );
            return Err(EngineError::Choice(reason));
        };
        let encoding = &own.read.windows[own.window].encoding;
        let tokens = encoding.len();
        let sinks: Vec<bool> = sinks(note.text(), encoding).collect();
        let mut chosen = vec![false; tokens];
        own.rows.iter().for_each(|&row| chosen[row] = true);
        let count = tokens.min(query.points.max(1));
        // In the middle of the part of the note that each line stands for.
        let rows: Vec<usize> = (0..count)
            .map(|line| (2 * line + 1) * tokens / (2 * count))
            .collect();
        let reach = layer.call.half_window.filter(|reach| *reach < tokens);
        let columns = match reach {
            Some(reach) => (2 * reach + 1).min(query.points.max(1)),
            None => count,
        };
        let heads = layer.call.heads.heads;
        let mut found: Vec<HeadOverview> = (0..heads)
            .map(|_| HeadOverview {
                picture: vec![0.0; count * columns],
                entropy: 0.0,
                distance: 0.0,
                sinks: 0.0,
                chosen: 0.0,
            })
            .collect();
        job.within(own.done..1.0, || {
            for (line, &row) in rows.iter().enumerate() {
                job.step(line, count, "rows")?;
                let tile = [row..row + 1, 0..tokens];
                let (qkv, stats) = (layer.qkv.clone(), layer.stats.clone());
                let all = values(attention_probabilities(qkv, stats, &layer.call, 0, tile))?;
                for (head, looks_at) in found.iter_mut().zip(all.chunks_exact(tokens)) {
                    let place = |key: usize| match reach {
                        Some(reach) => {
                            let offset = (key + reach).checked_sub(row)?;
                            let width = 2 * reach + 1;
                            (offset < width).then(|| offset * columns / width)
                        }
                        None => Some(key * columns / tokens),
                    };
                    head.add(row, looks_at, line * columns, place);
                    let shared = looks_at.iter().zip(sinks.iter().zip(&chosen));
                    for (value, (sink, chosen)) in shared {
                        head.sinks += if *sink { *value } else { 0.0 };
                        head.chosen += if *chosen { *value } else { 0.0 };
                    }
                }
            }
            Ok::<(), EngineError>(())
        })?;
        for head in &mut found {
            for sum in [
                &mut head.entropy,
                &mut head.distance,
                &mut head.sinks,
                &mut head.chosen,
            ] {
                *sum /= count.max(1) as f32;
            }
        }
        Ok(LayerOverview {
            layer: query.layer,
            reach,
            rows,
            columns,
            heads: found,
        })
    }
}

impl HeadOverview {
    /// Adds what a row looks at: to the line of the picture that begins at `line`, at the points that
    /// `place` gives to keys, and to the figures.
    fn add(
        &mut self,
        row: usize,
        looks_at: &[f32],
        line: usize,
        place: impl Fn(usize) -> Option<usize>,
    ) {
        for (key, &value) in looks_at.iter().enumerate() {
            if value <= 0.0 {
                continue;
            }
            self.entropy -= value * value.ln();
            self.distance += value * row.abs_diff(key) as f32;
            if let Some(point) = place(key) {
                let point = &mut self.picture[line + point];
                *point = point.max(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_a_row_are_those_on_paper() {
        let mut head = HeadOverview {
            picture: vec![0.0; 4],
            entropy: 0.0,
            distance: 0.0,
            sinks: 0.0,
            chosen: 0.0,
        };
        // Two points of two keys each, in the second line.
        head.add(3, &[0.5, 0.25, 0.25, 0.0], 2, |key| Some(key / 2));
        assert_eq!(head.picture, [0.0, 0.0, 0.5, 0.25]);
        assert!((head.entropy - 1.5 * std::f32::consts::LN_2).abs() < 1e-6);
        assert_eq!(head.distance, 2.25);
    }
}
