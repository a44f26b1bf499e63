//! What a forward pass keeps of its attention, and what is computed from it.

use std::ops::Range;

use burn::tensor::Tensor;

use super::{Direction, FORWARD, HeadChoice, LayerChoice, Reduction};
use crate::analysis::rollout::{Layer, Wanted};
use crate::engine::chunks::in_chunks;
use crate::engine::{EngineError, Job, Loaded, Note, counted};
use crate::kernels::{HeadMix, attention_mixed, attention_probabilities, values};
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
pub(super) fn numbers(
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
        // The largest of means over several rows is not the mean of anything.
        if reduction == Reduction::Max && rows.len() > 1 {
            return self.largest_means(rows, direction);
        }
        let count = self.layers.len() * rows.len();
        let heads = self.layers.len() * self.heads.len();
        let mix = match (reduction, direction) {
            (Reduction::Max, _) => HeadMix::Max(self.of_heads(true, false, &self.layers)),
            (Reduction::Mean, Direction::LooksAt) => {
                let share = 1.0 / (heads * rows.len()) as f32;
                HeadMix::Sum(self.of_heads(share, 0.0, &self.layers))
            }
            (Reduction::Mean, Direction::LookedAtBy) => {
                HeadMix::Sum(self.of_heads(1.0 / heads as f32, 0.0, &self.layers))
            }
        };
        let mut mixed = None;
        for (done, layer) in self.layers.iter().enumerate() {
            for (more, &row) in rows.iter().enumerate() {
                self.job.step(done * rows.len() + more, count, "rows")?;
                let (own, all) = (row..row + 1, 0..self.tokens);
                let tile = match direction {
                    Direction::LooksAt => [own, all],
                    Direction::LookedAtBy => [all, own],
                };
                mixed = Some(self.mixed(mixed, layer, tile, &mix));
            }
        }
        let mixed = values(mixed.expect("there is a layer and a row"))?;
        Ok(mixed.into_iter().map(f64::from).collect())
    }

    /// The largest of the heads' means over several rows, or of their sums.
    fn largest_means(&self, rows: &[usize], direction: Direction) -> Result<Vec<f64>, EngineError> {
        let mut largest = vec![0.0f64; self.tokens];
        let count = self.layers.len() * rows.len();
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
            for head in &heads {
                let pairs = largest.iter_mut().zip(head);
                pairs.for_each(|(value, own)| *value = value.max(*own));
            }
        }
        Ok(largest)
    }

    /// Calls `each` with every row and what it looks at, the mean of the chosen heads of `layers`.
    pub(super) fn each_row(
        &self,
        layers: &[LayerAttention],
        each: &mut dyn FnMut(usize, &[f32]),
    ) -> Result<(), EngineError> {
        let Some(device) = layers.first().map(|layer| layer.qkv.device()) else {
            return Ok(());
        };
        let share = 1.0 / (layers.len() * self.heads.len()) as f32;
        let mix = HeadMix::Sum(self.of_heads(share, 0.0, layers));
        let mut done = 0;
        in_chunks(self.tokens, ROWS_AT_ONCE, &device, &mut |rows| {
            self.job.step(done, self.tokens, "rows")?;
            let mut mixed = None;
            for layer in layers {
                mixed = Some(self.mixed(mixed, layer, [rows.clone(), 0..self.tokens], &mix));
                self.job.check()?;
            }
            let mixed = values(mixed.expect("there is a layer"))?;
            done = rows.end;
            for (row, looks_at) in rows.zip(mixed.chunks_exact(self.tokens)) {
                each(row, looks_at);
            }
            Ok(())
        })
    }

    /// A tile of one layer, its heads mixed, together with that of other layers.
    fn mixed(
        &self,
        so_far: Option<Tensor<2>>,
        layer: &LayerAttention,
        tile: [Range<usize>; 2],
        mix: &HeadMix,
    ) -> Tensor<2> {
        let (qkv, stats) = (layer.qkv.clone(), layer.stats.clone());
        attention_mixed(so_far, qkv, stats, &layer.call, 0, tile, mix)
    }

    /// One number for each chosen head, and another for each of the rest.
    fn of_heads<T: Copy>(&self, chosen: T, other: T, layers: &[LayerAttention]) -> Vec<T> {
        let count = layers.first().map_or(0, |layer| layer.call.heads.heads);
        let of_head = |head| match self.heads.contains(&head) {
            true => chosen,
            false => other,
        };
        (0..count).map(of_head).collect()
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
        for done in 0..count {
            self.job.step(done, count, "layers")?;
            let (layer, wanted) = match direction {
                Direction::LooksAt => (count - 1 - done, Wanted::Row),
                Direction::LookedAtBy => (done, Wanted::Column),
            };
            let mut through = Layer::new(&vector, wanted);
            let layer = std::slice::from_ref(&self.layers[layer]);
            self.job.within(0.0..1.0, || {
                self.each_row(layer, &mut |row, looks_at| through.add(row, looks_at))
            })?;
            vector = through.finish();
        }
        Ok(vector)
    }
}
