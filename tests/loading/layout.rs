//! The parameters that a model must have, written down a second time from transformers' classes.

use auscult::model::checkpoint::{Checkpoint, Head, ParameterSpec, Structure};
use auscult::model::config::{Architecture, Bert, ModelConfig, ModernBert};

/// Every parameter of the model in a checkpoint.
pub fn of(checkpoint: &Checkpoint) -> Vec<ParameterSpec> {
    expected(checkpoint.config(), checkpoint.structure())
}

/// Every parameter of a model.
pub fn expected(config: &ModelConfig, structure: Structure) -> Vec<ParameterSpec> {
    let mut list = List(Vec::new());
    match &config.architecture {
        Architecture::ModernBert(own) => list.modernbert(config, own, structure),
        Architecture::Bert(own) => list.bert(config, own, structure),
    }
    list.0
}

struct List(Vec<ParameterSpec>);

impl List {
    fn add(&mut self, name: impl Into<String>, shape: &[usize]) {
        self.0.push(ParameterSpec {
            name: name.into(),
            shape: shape.to_vec(),
        });
    }

    fn linear(&mut self, name: &str, [out, inner]: [usize; 2], bias: bool) {
        self.add(format!("{name}.weight"), &[out, inner]);
        if bias {
            self.add(format!("{name}.bias"), &[out]);
        }
    }

    fn norm(&mut self, name: &str, width: usize, bias: bool) {
        self.add(format!("{name}.weight"), &[width]);
        if bias {
            self.add(format!("{name}.bias"), &[width]);
        }
    }

    fn modernbert(&mut self, config: &ModelConfig, own: &ModernBert, structure: Structure) {
        let (h, i) = (config.hidden_size, config.intermediate_size);
        self.add(
            "model.embeddings.tok_embeddings.weight",
            &[config.vocab_size, h],
        );
        self.norm("model.embeddings.norm", h, own.norm_bias);
        for layer in 0..config.num_layers {
            let name = |part: &str| format!("model.layers.{layer}.{part}");
            if layer > 0 {
                self.norm(&name("attn_norm"), h, own.norm_bias);
            }
            self.linear(&name("attn.Wqkv"), [3 * h, h], own.attention_bias);
            self.linear(&name("attn.Wo"), [h, h], own.attention_bias);
            self.norm(&name("mlp_norm"), h, own.norm_bias);
            self.linear(&name("mlp.Wi"), [2 * i, h], own.mlp_bias);
            self.linear(&name("mlp.Wo"), [h, i], own.mlp_bias);
        }
        self.norm("model.final_norm", h, own.norm_bias);
        if structure.head != Head::None {
            self.linear("head.dense", [h, h], own.classifier_bias);
            self.norm("head.norm", h, own.norm_bias);
        }
        match structure.head {
            Head::None => {}
            Head::MaskedLm => {
                if !structure.tied_decoder {
                    self.add("decoder.weight", &[config.vocab_size, h]);
                }
                if own.decoder_bias {
                    self.add("decoder.bias", &[config.vocab_size]);
                }
            }
            Head::SequenceClassification | Head::TokenClassification => {
                self.linear("classifier", [config.labels.len(), h], true);
            }
        }
    }

    fn bert(&mut self, config: &ModelConfig, own: &Bert, structure: Structure) {
        let (h, i) = (config.hidden_size, config.intermediate_size);
        for (name, rows) in [
            ("word", config.vocab_size),
            ("position", config.max_positions),
            ("token_type", own.type_vocab_size),
        ] {
            self.add(
                format!("bert.embeddings.{name}_embeddings.weight"),
                &[rows, h],
            );
        }
        self.norm("bert.embeddings.LayerNorm", h, true);
        for layer in 0..config.num_layers {
            let name = |part: &str| format!("bert.encoder.layer.{layer}.{part}");
            for part in ["query", "key", "value"] {
                self.linear(&name(&format!("attention.self.{part}")), [h, h], true);
            }
            self.linear(&name("attention.output.dense"), [h, h], true);
            self.norm(&name("attention.output.LayerNorm"), h, true);
            self.linear(&name("intermediate.dense"), [i, h], true);
            self.linear(&name("output.dense"), [h, i], true);
            self.norm(&name("output.LayerNorm"), h, true);
        }
        if structure.pooler {
            self.linear("bert.pooler.dense", [h, h], true);
        }
        match structure.head {
            Head::None => {}
            Head::MaskedLm => {
                self.linear("cls.predictions.transform.dense", [h, h], true);
                self.norm("cls.predictions.transform.LayerNorm", h, true);
                if !structure.tied_decoder {
                    self.add("cls.predictions.decoder.weight", &[config.vocab_size, h]);
                }
                let bias = match structure.tied_decoder {
                    true => "cls.predictions.bias",
                    false => "cls.predictions.decoder.bias",
                };
                self.add(bias, &[config.vocab_size]);
            }
            Head::SequenceClassification | Head::TokenClassification => {
                self.linear("classifier", [config.labels.len(), h], true);
            }
        }
    }
}
