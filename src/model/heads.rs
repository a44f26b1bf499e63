//! What stands on the encoder: layers with names in the checkpoint that end in logits.

use burn::tensor::Tensor;

use super::Encoder;
use super::checkpoint::{Head as HeadKind, Structure};
use super::config::{Architecture, ModelConfig, Pooling};
use super::layers::{LayerNorm, Linear};
use super::parameters::ParameterSource;
use crate::kernels::{self, Sequences, Targets};

/// The head of a model.
#[derive(Debug, Clone)]
pub(super) enum Head {
    None,
    MaskedLm {
        transform: Transform,
        decoder: Linear,
    },
    Sequence {
        transform: Option<Transform>,
        pooling: Pooling,
        classifier: Linear,
    },
    Token {
        transform: Option<Transform>,
        classifier: Linear,
    },
}

/// `norm(gelu(dense(x)))`.
#[derive(Debug, Clone)]
pub(super) struct Transform {
    dense: Linear,
    norm: LayerNorm,
}

impl Transform {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.norm.forward(kernels::gelu(self.dense.forward(x)))
    }
}

impl Head {
    pub(super) fn new(
        source: &mut dyn ParameterSource,
        config: &ModelConfig,
        structure: Structure,
        encoder: &Encoder,
    ) -> Self {
        match structure.head {
            HeadKind::None => Self::None,
            HeadKind::MaskedLm => Self::masked_lm(source, config, structure, encoder),
            HeadKind::SequenceClassification => Self::Sequence {
                transform: modernbert_transform(source, config),
                pooling: match &config.architecture {
                    Architecture::ModernBert(own) => own.pooling,
                    Architecture::Bert(_) => Pooling::Cls,
                },
                classifier: classifier(source, config),
            },
            HeadKind::TokenClassification => Self::Token {
                transform: modernbert_transform(source, config),
                classifier: classifier(source, config),
            },
        }
    }

    fn masked_lm(
        source: &mut dyn ParameterSource,
        config: &ModelConfig,
        structure: Structure,
        encoder: &Encoder,
    ) -> Self {
        let (width, vocabulary) = (config.hidden_size, config.vocab_size);
        let (transform, decoder, bias) = match &config.architecture {
            Architecture::ModernBert(own) => (
                modernbert_transform(source, config).expect("ModernBERT has one"),
                "decoder.weight",
                own.decoder_bias.then_some("decoder.bias"),
            ),
            Architecture::Bert(_) => (
                Transform {
                    dense: Linear::new(
                        source,
                        "cls.predictions.transform.dense",
                        [width, width],
                        true,
                    ),
                    norm: LayerNorm::new(
                        source,
                        "cls.predictions.transform.LayerNorm",
                        width,
                        true,
                        config.norm_eps,
                    ),
                },
                "cls.predictions.decoder.weight",
                // Where the decoder has a weight of its own it has a bias of its own, too.
                Some(match structure.tied_decoder {
                    true => "cls.predictions.bias",
                    false => "cls.predictions.decoder.bias",
                }),
            ),
        };
        let weight = match structure.tied_decoder {
            true => encoder.word_table(),
            false => source.matrix(decoder, [vocabulary, width]),
        };
        let bias = bias.map(|name| source.vector(name, vocabulary));
        Self::MaskedLm {
            transform,
            decoder: Linear::tied(weight, bias),
        }
    }
}

/// ModernBERT's `head`, which all its heads begin with; BERT's classifiers have none.
fn modernbert_transform(
    source: &mut dyn ParameterSource,
    config: &ModelConfig,
) -> Option<Transform> {
    let Architecture::ModernBert(own) = &config.architecture else {
        return None;
    };
    let width = config.hidden_size;
    Some(Transform {
        dense: Linear::new(source, "head.dense", [width, width], own.classifier_bias),
        norm: LayerNorm::new(source, "head.norm", width, own.norm_bias, config.norm_eps),
    })
}

fn classifier(source: &mut dyn ParameterSource, config: &ModelConfig) -> Linear {
    Linear::new(
        source,
        "classifier",
        [config.hidden_size, config.labels.len()],
        true,
    )
}

/// The first row of each sequence, `[sequences, width]`.
pub(super) fn first_rows(rows: Tensor<2>, sequences: &Sequences) -> Tensor<2> {
    let first: Vec<usize> = sequences.ranges().map(|range| range.start).collect();
    let device = rows.device();
    rows.select(0, super::layers::index_tensor(&first, &device))
}

/// The mean of the rows of each sequence, `[sequences, width]`.
pub(super) fn mean_rows(rows: Tensor<2>, sequences: &Sequences) -> Tensor<2> {
    let width = rows.dims()[1];
    let means = sequences
        .ranges()
        .map(|range| rows.clone().slice([range, 0..width]).mean_dim(0))
        .collect();
    Tensor::cat(means, 0)
}

impl Head {
    /// Logits of masked-language modelling for rows of the encoder's output, `[rows, vocabulary]`.
    pub(super) fn masked_lm_logits(&self, rows: Tensor<2>) -> Option<Tensor<2>> {
        match self {
            Self::MaskedLm { transform, decoder } => Some(decoder.forward(transform.forward(rows))),
            _ => None,
        }
    }

    /// Masked-LM losses of rows of the encoder's output against one token each, `[rows]`.
    pub(super) fn masked_lm_losses(&self, rows: Tensor<2>, targets: &Targets) -> Option<Tensor<1>> {
        match self {
            Self::MaskedLm { transform, decoder } => {
                Some(decoder.cross_entropy(transform.forward(rows), targets))
            }
            _ => None,
        }
    }

    /// What a sequence classifier reads, `[sequences, hidden]`, and its logits, `[sequences, labels]`.
    pub(super) fn sequence_logits(
        &self,
        last: Tensor<2>,
        sequences: &Sequences,
        encoder: &Encoder,
    ) -> Option<(Tensor<2>, Tensor<2>)> {
        let Self::Sequence {
            transform,
            pooling,
            classifier,
        } = self
        else {
            return None;
        };
        let pooled = match pooling {
            Pooling::Cls => first_rows(last, sequences),
            Pooling::Mean => mean_rows(last, sequences),
        };
        let pooled = match encoder {
            Encoder::Bert(bert) => bert.pool(pooled)?,
            Encoder::ModernBert(_) => pooled,
        };
        let features = match transform {
            Some(transform) => transform.forward(pooled.clone()),
            None => pooled.clone(),
        };
        Some((pooled, classifier.forward(features)))
    }

    /// Logits of token classification, `[tokens, labels]`.
    pub(super) fn token_logits(&self, last: Tensor<2>) -> Option<Tensor<2>> {
        let Self::Token {
            transform,
            classifier,
        } = self
        else {
            return None;
        };
        let features = match transform {
            Some(transform) => transform.forward(last),
            None => last,
        };
        Some(classifier.forward(features))
    }
}
