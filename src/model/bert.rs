//! The BERT encoder: learned positions, token types, post-norm (Devlin et al. 2018).

use burn::tensor::{Tensor, activation};

use super::Batch;
use super::capture::{Capture, Encoded, LayerAttention, Observer, Part};
use super::config::{Bert, ModelConfig};
use super::layers::{Embedding, LayerNorm, Linear};
use super::parameters::ParameterSource;
use crate::job::Cancelled;
use crate::kernels::{self, AttentionCall, HeadShape};

/// The whole encoder, with its pooler if it has one.
#[derive(Debug, Clone)]
pub(super) struct BertEncoder {
    pub(super) words: Embedding,
    positions: Embedding,
    types: Embedding,
    norm: LayerNorm,
    layers: Vec<Layer>,
    pooler: Option<Linear>,
    heads: HeadShape,
}

#[derive(Debug, Clone)]
struct Layer {
    /// Query, key and value.
    qkv: [Linear; 3],
    out: Linear,
    attention_norm: LayerNorm,
    mlp_in: Linear,
    mlp_out: Linear,
    mlp_norm: LayerNorm,
}

impl BertEncoder {
    pub(super) fn new(
        source: &mut dyn ParameterSource,
        config: &ModelConfig,
        own: &Bert,
        pooler: bool,
    ) -> Self {
        let width = config.hidden_size;
        let norm = |source: &mut dyn ParameterSource, name: &str| {
            LayerNorm::new(source, name, width, true, config.norm_eps)
        };
        let table = |source: &mut dyn ParameterSource, name: &str, entries, padding| {
            Embedding::new(
                source,
                &format!("bert.embeddings.{name}"),
                [entries, width],
                padding,
            )
        };
        Self {
            words: table(
                source,
                "word_embeddings",
                config.vocab_size,
                config.pad_token_id,
            ),
            positions: table(source, "position_embeddings", config.max_positions, None),
            types: table(source, "token_type_embeddings", own.type_vocab_size, None),
            norm: norm(source, "bert.embeddings.LayerNorm"),
            layers: (0..config.num_layers)
                .map(|index| {
                    let name = format!("bert.encoder.layer.{index}");
                    let mut linear = |part: &str, sizes| {
                        Linear::new(source, &format!("{name}.{part}"), sizes, true)
                    };
                    let qkv = ["query", "key", "value"]
                        .map(|part| linear(&format!("attention.self.{part}"), [width, width]));
                    let out = linear("attention.output.dense", [width, width]);
                    let mlp_in = linear("intermediate.dense", [width, config.intermediate_size]);
                    let mlp_out = linear("output.dense", [config.intermediate_size, width]);
                    Layer {
                        qkv,
                        out,
                        attention_norm: norm(source, &format!("{name}.attention.output.LayerNorm")),
                        mlp_in,
                        mlp_out,
                        mlp_norm: norm(source, &format!("{name}.output.LayerNorm")),
                    }
                })
                .collect(),
            pooler: pooler.then(|| Linear::new(source, "bert.pooler.dense", [width, width], true)),
            heads: HeadShape {
                heads: config.num_heads,
                head_dim: config.head_dim(),
            },
        }
    }

    /// What the first layer reads, `[tokens, hidden]`.
    pub(super) fn embed(&self, batch: &Batch) -> Tensor<2> {
        let positions: Vec<usize> = batch.sequences.positions().collect();
        let sum = self.words.forward(&batch.ids)
            + self.types.forward(&batch.type_ids)
            + self.positions.forward(&positions);
        self.norm.forward(sum)
    }

    /// How many layers there are.
    pub(super) fn layers(&self) -> usize {
        self.layers.len()
    }

    /// The output of one layer, and its attention.
    pub(super) fn layer(
        &self,
        index: usize,
        x: Tensor<2>,
        batch: &Batch,
        observer: &mut dyn Observer,
    ) -> Result<(Tensor<2>, LayerAttention), Cancelled> {
        let call = AttentionCall::new(self.heads, batch.sequences.clone(), None);
        self.layers[index].forward(x, call, observer)
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

        let mut hidden = std::collections::BTreeMap::new();
        let mut attention = std::collections::BTreeMap::new();
        for index in 0..self.layers.len() {
            let (after, taps) = self.layer(index, x, batch, observer)?;
            x = after;
            if capture.hidden.contains(index) {
                hidden.insert(index, x.clone());
            }
            if capture.attention.contains(index) {
                attention.insert(index, taps);
            }
        }
        Ok(Encoded {
            last: x,
            embeddings,
            hidden,
            attention,
        })
    }

    /// `tanh(dense(first token))`, `[sequences, hidden]`; `None` without a pooler.
    pub(super) fn pool(&self, first: Tensor<2>) -> Option<Tensor<2>> {
        self.pooler
            .as_ref()
            .map(|pooler| activation::tanh(pooler.forward(first)))
    }
}

impl Layer {
    /// The output of the layer, and its attention.
    fn forward(
        &self,
        x: Tensor<2>,
        call: AttentionCall,
        observer: &mut dyn Observer,
    ) -> Result<(Tensor<2>, LayerAttention), Cancelled> {
        let qkv = Tensor::cat(
            self.qkv
                .iter()
                .map(|linear| linear.forward(x.clone()))
                .collect(),
            1,
        );
        observer.after(Part::AttentionProjections)?;
        let result = kernels::attention(qkv.clone(), &call);
        observer.after(Part::GlobalAttention)?;
        let update = self.out.forward(result.out);
        observer.after(Part::AttentionProjections)?;
        let x = self.attention_norm.forward(x + update);
        observer.after(Part::Norms)?;
        let inner = self.mlp_in.forward(x.clone());
        observer.after(Part::MlpProjections)?;
        let inner = kernels::gelu(inner);
        observer.after(Part::Activation)?;
        let update = self.mlp_out.forward(inner);
        observer.after(Part::MlpProjections)?;
        let x = self.mlp_norm.forward(x + update);
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
