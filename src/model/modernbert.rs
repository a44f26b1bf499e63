//! The ModernBERT encoder: RoPE, GeGLU, pre-norm, global and sliding layers (Warner et al. 2024).

use burn::tensor::{Device, Tensor};

use super::Batch;
use super::capture::{Capture, Encoded, LayerAttention, Observer, Part};
use super::config::{LayerKind, ModelConfig, ModernBert};
use super::layers::{Embedding, LayerNorm, Linear};
use super::parameters::ParameterSource;
use crate::job::Cancelled;
use crate::kernels::{self, AttentionCall, HeadShape, RopeTable};

/// The whole encoder.
#[derive(Debug, Clone)]
pub(super) struct ModernBertEncoder {
    pub(super) embeddings: Embedding,
    norm: LayerNorm,
    layers: Vec<Layer>,
    final_norm: LayerNorm,
    heads: HeadShape,
    global_theta: f64,
    local_theta: f64,
    half_window: usize,
}

#[derive(Debug, Clone)]
struct Layer {
    kind: LayerKind,
    /// Absent in the first layer: its input has just been normalised.
    attention_norm: Option<LayerNorm>,
    qkv: Linear,
    out: Linear,
    mlp_norm: LayerNorm,
    mlp_in: Linear,
    mlp_out: Linear,
}

impl ModernBertEncoder {
    pub(super) fn new(
        source: &mut dyn ParameterSource,
        config: &ModelConfig,
        own: &ModernBert,
    ) -> Self {
        let width = config.hidden_size;
        let norm = |source: &mut dyn ParameterSource, name: &str| {
            LayerNorm::new(source, name, width, own.norm_bias, config.norm_eps)
        };
        let embeddings = Embedding::new(
            source,
            "model.embeddings.tok_embeddings",
            [config.vocab_size, width],
            config.pad_token_id,
        );
        let embeddings_norm = norm(source, "model.embeddings.norm");
        let layers = (0..config.num_layers)
            .map(|index| {
                let name = format!("model.layers.{index}");
                Layer {
                    kind: own.layer_kinds[index],
                    attention_norm: (index > 0).then(|| norm(source, &format!("{name}.attn_norm"))),
                    qkv: Linear::new(
                        source,
                        &format!("{name}.attn.Wqkv"),
                        [width, 3 * width],
                        own.attention_bias,
                    ),
                    out: Linear::new(
                        source,
                        &format!("{name}.attn.Wo"),
                        [width, width],
                        own.attention_bias,
                    ),
                    mlp_norm: norm(source, &format!("{name}.mlp_norm")),
                    mlp_in: Linear::new(
                        source,
                        &format!("{name}.mlp.Wi"),
                        [width, 2 * config.intermediate_size],
                        own.mlp_bias,
                    ),
                    mlp_out: Linear::new(
                        source,
                        &format!("{name}.mlp.Wo"),
                        [config.intermediate_size, width],
                        own.mlp_bias,
                    ),
                }
            })
            .collect();
        Self {
            embeddings,
            norm: embeddings_norm,
            layers,
            final_norm: norm(source, "model.final_norm"),
            heads: HeadShape {
                heads: config.num_heads,
                head_dim: config.head_dim(),
            },
            global_theta: own.global_theta,
            local_theta: own.local_theta,
            half_window: own.half_window,
        }
    }

    /// What the first layer reads, `[tokens, hidden]`.
    pub(super) fn embed(&self, batch: &Batch) -> Tensor<2> {
        self.norm.forward(self.embeddings.forward(&batch.ids))
    }

    /// The rotations of global and of sliding layers.
    pub(super) fn tables(&self, batch: &Batch, device: &Device) -> [RopeTable; 2] {
        [self.global_theta, self.local_theta]
            .map(|theta| RopeTable::new(&batch.sequences, self.heads.head_dim, theta, device))
    }

    /// How many layers there are.
    pub(super) fn layers(&self) -> usize {
        self.layers.len()
    }

    /// The residual stream after one layer, and its attention.
    pub(super) fn layer(
        &self,
        index: usize,
        x: Tensor<2>,
        batch: &Batch,
        [global, sliding]: &[RopeTable; 2],
        observer: &mut dyn Observer,
    ) -> Result<(Tensor<2>, LayerAttention), Cancelled> {
        let layer = &self.layers[index];
        let (rope, half_window) = match layer.kind {
            LayerKind::Global => (global, None),
            LayerKind::Sliding => (sliding, Some(self.half_window)),
        };
        let call = AttentionCall::new(self.heads, batch.sequences.clone(), half_window);
        layer.forward(x, rope, call, observer)
    }

    /// The encoder's output from that of the last layer.
    pub(super) fn finish(&self, x: Tensor<2>) -> Tensor<2> {
        self.final_norm.forward(x)
    }

    pub(super) fn forward(
        &self,
        batch: &Batch,
        capture: &Capture,
        observer: &mut dyn Observer,
    ) -> Result<Encoded, Cancelled> {
        let mut x = self.embed(batch);
        observer.after(Part::Embeddings)?;
        let embeddings = capture.embeddings.then(|| x.clone());
        let tables = self.tables(batch, &x.device());
        observer.after(Part::Rope)?;

        let mut hidden = std::collections::BTreeMap::new();
        let mut attention = std::collections::BTreeMap::new();
        for index in 0..self.layers.len() {
            let (after, taps) = self.layer(index, x, batch, &tables, observer)?;
            x = after;
            if capture.hidden.contains(index) {
                hidden.insert(index, x.clone());
            }
            if capture.attention.contains(index) {
                attention.insert(index, taps);
            }
        }
        let last = self.finish(x);
        observer.after(Part::Norms)?;
        Ok(Encoded {
            last,
            embeddings,
            hidden,
            attention,
        })
    }
}

impl Layer {
    /// The residual stream after the layer, and its attention.
    fn forward(
        &self,
        x: Tensor<2>,
        rope: &RopeTable,
        call: AttentionCall,
        observer: &mut dyn Observer,
    ) -> Result<(Tensor<2>, LayerAttention), Cancelled> {
        let normed = match &self.attention_norm {
            Some(norm) => norm.forward(x.clone()),
            None => x.clone(),
        };
        observer.after(Part::Norms)?;
        let qkv = self.qkv.forward(normed);
        observer.after(Part::AttentionProjections)?;
        let qkv = kernels::rope(qkv, rope, call.heads);
        observer.after(Part::Rope)?;
        let result = kernels::attention(qkv.clone(), &call);
        observer.after(match self.kind {
            LayerKind::Global => Part::GlobalAttention,
            LayerKind::Sliding => Part::SlidingAttention,
        })?;
        let update = self.out.forward(result.out);
        observer.after(Part::AttentionProjections)?;
        let x = x + update;
        let normed = self.mlp_norm.forward(x.clone());
        observer.after(Part::Norms)?;
        let gated = self.mlp_in.forward(normed);
        observer.after(Part::MlpProjections)?;
        let gated = kernels::geglu(gated);
        observer.after(Part::Activation)?;
        let update = self.mlp_out.forward(gated);
        observer.after(Part::MlpProjections)?;
        let x = x + update;
        observer.after(Part::Norms)?;
        Ok((
            x,
            LayerAttention {
                qkv,
                stats: result.stats,
                call,
            },
        ))
    }
}
