//! What a forward pass keeps of its attention, and what is computed from it.

use std::ops::Range;

use super::{Direction, FORWARD, HeadChoice, LayerChoice, Reduction};
use crate::analysis::rollout::{Layer, Wanted};
use crate::engine::chunks::in_chunks;
use crate::engine::{EngineError, Job, Loaded, Note, counted};
use crate::kernels::{attention_probabilities, values};
use crate::model::capture::{Capture, LayerAttention, Layers};
use crate::model::config::{Architecture, LayerKind};
use crate::tokenization::windows::Window;

/// Rows of attention that exist at a time.
const ROWS_AT_ONCE: usize = 128;

impl Loaded {
    /// The numbers of the chosen layers.
    pub(super) fn layers(&self, choice: &LayerChoice) -> Result<Vec<usize>, EngineError> {
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
    pub(super) fn heads(&self, choice: &HeadChoice) -> Result<Vec<usize>, EngineError> {
        let count = self.info.heads;
        let heads = match choice {
            HeadChoice::All => (0..count).collect(),
            HeadChoice::Only(heads) => heads.clone(),
        };
        numbers(heads, count, "head")
    }

    /// The attention of some layers for one window.
    pub(super) fn capture(
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
        let mut encoded = job.within(0.0..FORWARD, || self.encode(&batch, &capture, job))?;
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
    let unable = |reason: String| {
        EngineError::Choice(format!("this model cannot show this attention: {reason}"))
    };
    match numbers.last() {
        None => Err(unable(format!("it has no such {what}"))),
        Some(&last) if last >= count => Err(unable(format!(
            "it has {}, numbered from 0 to {}, and no {what} {last}",
            counted(count, what),
            count - 1
        ))),
        Some(_) => Ok(numbers),
    }
}

/// The captured layers of one window.
pub(super) struct Taps<'a> {
    pub(super) layers: Vec<LayerAttention>,
    pub(super) heads: &'a [usize],
    pub(super) tokens: usize,
    pub(super) job: &'a Job,
}

impl Taps<'_> {
    /// A tile of one layer, `[heads, queries, keys]` of all heads.
    fn tile(
        &self,
        layer: &LayerAttention,
        tile: [Range<usize>; 2],
    ) -> Result<Vec<f32>, EngineError> {
        let (qkv, stats) = (layer.qkv.clone(), layer.stats.clone());
        Ok(values(attention_probabilities(
            qkv,
            stats,
            &layer.call,
            0,
            tile,
        ))?)
    }

    /// What the rows look at, or what looks at them, over tokens: each head's mean over the rows, or
    /// its sum, then the reduction.
    pub(super) fn of_rows(
        &self,
        rows: &[usize],
        direction: Direction,
        reduction: Reduction,
    ) -> Result<Vec<f64>, EngineError> {
        let count = self.layers.len() * rows.len();
        let mut reduced =
            Reduced::new(self.tokens, reduction, self.layers.len() * self.heads.len());
        let mut done = 0;
        for layer in &self.layers {
            let mut heads = vec![vec![0.0f64; self.tokens]; self.heads.len()];
            for &row in rows {
                self.job.step(done, count, "rows")?;
                done += 1;
                let (own, all) = (row..row + 1, 0..self.tokens);
                let (tile, share) = match direction {
                    Direction::LooksAt => ([own, all], rows.len() as f64),
                    Direction::LookedAtBy => ([all, own], 1.0),
                };
                let tile = self.tile(layer, tile)?;
                for (&head, sum) in self.heads.iter().zip(&mut heads) {
                    let own = &tile[head * self.tokens..][..self.tokens];
                    sum.iter_mut()
                        .zip(own)
                        .for_each(|(sum, value)| *sum += f64::from(*value) / share);
                }
            }
            heads.iter().for_each(|head| reduced.add(head));
        }
        Ok(reduced.values)
    }

    /// Calls `each` with head, row and what it looks at, for the chosen heads of a layer.
    pub(super) fn each_row(
        &self,
        layer: &LayerAttention,
        each: &mut dyn FnMut(usize, usize, &[f32]),
    ) -> Result<(), EngineError> {
        let device = layer.qkv.device();
        in_chunks(self.tokens, ROWS_AT_ONCE, &device, &mut |rows| {
            self.job.check()?;
            let (start, count) = (rows.start, rows.len());
            let tile = self.tile(layer, [rows.clone(), 0..self.tokens])?;
            for &head in self.heads {
                for row in rows.clone() {
                    let index = head * count + row - start;
                    each(head, row, &tile[index * self.tokens..][..self.tokens]);
                }
            }
            Ok(())
        })
    }

    /// Rollout from or to the rows, over tokens.
    pub(super) fn rollout(
        &self,
        rows: &[usize],
        direction: Direction,
    ) -> Result<Vec<f64>, EngineError> {
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
            let (layer, wanted) = match direction {
                Direction::LooksAt => (count - 1 - done, Wanted::Row),
                Direction::LookedAtBy => (done, Wanted::Column),
            };
            let mut through = Layer::new(&vector, wanted);
            self.each_row(&self.layers[layer], &mut |_, row, looks_at| {
                through.add(row, looks_at, share);
            })?;
            vector = through.finish();
        }
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
