//! What may be tapped from a forward pass, and who may watch it.

use std::collections::BTreeMap;
use std::time::Duration;

use burn::tensor::Tensor;

use crate::job::{Cancelled, Job};
use crate::kernels::{AttentionCall, HeadShape};

/// Which layers to keep something of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Layers {
    /// None of them.
    #[default]
    None,
    /// All of them.
    All,
    /// Those with these numbers, from 0.
    Only(Vec<usize>),
}

impl Layers {
    /// Whether `layer` is among them.
    pub fn contains(&self, layer: usize) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Only(layers) => layers.contains(&layer),
        }
    }
}

/// What to keep of a forward pass besides its result.
#[derive(Debug, Clone, Default)]
pub struct Capture {
    /// Keep the output of the embedding's norm.
    pub embeddings: bool,
    /// Keep the residual stream after these layers.
    pub hidden: Layers,
    /// Keep q, k, v and the row statistics of these layers.
    pub attention: Layers,
}

/// Attention of one layer, from which any probability can be computed exactly.
#[derive(Debug, Clone)]
pub struct LayerAttention {
    /// Rotated q and k, and v: `[tokens, 3 * heads * head_dim]`.
    pub qkv: Tensor<2>,
    /// Statistics of the rows, as [`crate::kernels::AttentionResult`] has them.
    pub stats: Tensor<3>,
    /// Heads, sequences, window and scale of the layer.
    pub call: AttentionCall,
}

impl LayerAttention {
    /// The same of one head alone.
    ///
    /// # Panics
    /// If the layer has no such head.
    pub fn of_head(&self, head: usize) -> Self {
        let heads = self.call.heads;
        let first = head * heads.head_dim;
        let own = |part| {
            let all = self.qkv.clone();
            all.narrow(1, part * heads.width() + first, heads.head_dim)
        };
        Self {
            qkv: Tensor::cat((0..3).map(own).collect(), 1),
            stats: self.stats.clone().narrow(1, head, 1),
            call: AttentionCall {
                heads: HeadShape { heads: 1, ..heads },
                ..self.call.clone()
            },
        }
    }
}

/// What a forward pass through the encoder gives; rows are tokens, packed.
#[derive(Debug, Clone)]
pub struct Encoded {
    /// Output of the encoder, `[tokens, hidden]`: after the final norm, or BERT's last layer.
    pub last: Tensor<2>,
    /// Output of the embedding's norm, `[tokens, hidden]`, if asked for.
    pub embeddings: Option<Tensor<2>>,
    /// The residual stream after the layers asked for, `[tokens, hidden]` each.
    pub hidden: BTreeMap<usize, Tensor<2>>,
    /// The attention of the layers asked for.
    pub attention: BTreeMap<usize, LayerAttention>,
}

/// A part of the computation, for measuring where time goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Look-ups and the embedding's norm.
    Embeddings,
    /// The projections to q, k, v and from the attention's output.
    AttentionProjections,
    /// The rotation of q and k.
    Rope,
    /// Attention in layers where every token sees its whole sequence.
    GlobalAttention,
    /// Attention in layers with a window.
    SlidingAttention,
    /// The two projections of the feed-forward network.
    MlpProjections,
    /// GELU or GeGLU.
    Activation,
    /// LayerNorms and residual additions.
    Norms,
}

/// Told while a forward pass runs; may stop it.
pub trait Observer {
    /// `part` has just been enqueued.
    ///
    /// # Errors
    /// [`Cancelled`] when the pass should stop here.
    fn after(&mut self, part: Part) -> Result<(), Cancelled>;
}

/// Stops when its job is stopped.
impl Observer for &Job {
    fn after(&mut self, _part: Part) -> Result<(), Cancelled> {
        self.check()
    }
}

/// Adds up the time of each part; waits for the device after each, so the sum is longer than an
/// undisturbed pass on a GPU.
pub struct PartTimes<'a> {
    device: &'a burn::tensor::Device,
    last: std::time::Instant,
    /// Time of each part so far.
    pub times: BTreeMap<Part, Duration>,
}

impl<'a> PartTimes<'a> {
    /// Starts the clock.
    pub fn start(device: &'a burn::tensor::Device) -> Self {
        Self {
            device,
            last: std::time::Instant::now(),
            times: BTreeMap::new(),
        }
    }
}

impl Observer for PartTimes<'_> {
    fn after(&mut self, part: Part) -> Result<(), Cancelled> {
        // A failed device shows itself when the result is read.
        let _ = self.device.sync();
        let now = std::time::Instant::now();
        *self.times.entry(part).or_default() += now - self.last;
        self.last = now;
        Ok(())
    }
}
