//! Decides which head a checkpoint has, and with it which tensors have no place in the model.

use std::fmt;
use std::path::Path;

use super::Dtype;
use super::error::LoadError;
use crate::model::config::{CONFIG_FILE, ModelConfig, ModelType};

/// What stands on the encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// Nothing: hidden states are the output.
    None,
    /// Logits over the vocabulary, for every token.
    MaskedLm,
    /// Logits over the labels, for the sequence.
    SequenceClassification,
    /// Logits over the labels, for every token.
    TokenClassification,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "no head",
            Self::MaskedLm => "masked-LM head",
            Self::SequenceClassification => "sequence classifier",
            Self::TokenClassification => "token classifier",
        })
    }
}

/// Which parts a model has beyond its encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Structure {
    /// What stands on the encoder.
    pub head: Head,
    /// Whether there is a pooler; only BERT can have one.
    pub pooler: bool,
    /// Whether the masked-LM decoder uses the token embedding as its weight.
    pub tied_decoder: bool,
}

/// Why a tensor of a file is knowingly left aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A buffer with the numbers 0, 1, 2, …
    PositionIds,
    /// The pooler of a model whose head does not use it.
    Pooler,
    /// The next-sentence part of a pre-training head.
    NextSentence,
    /// A part of a head that `architectures` does not name.
    OtherHead,
    /// The bias of a tied decoder beside one with a bias of its own.
    TiedBias,
    /// The same values as another tensor of the file.
    CopyOf(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PositionIds => f.write_str("the numbers 0, 1, 2, …; not a weight"),
            Self::Pooler => f.write_str("the head does not use the pooler"),
            Self::NextSentence => f.write_str("next-sentence prediction is not supported"),
            Self::OtherHead => f.write_str("part of a head that architectures does not name"),
            Self::TiedBias => f.write_str("the decoder is not tied and has a bias of its own"),
            Self::CopyOf(other) => write!(f, "the same values as {other}"),
        }
    }
}

impl Structure {
    /// By `architectures`, or where it is missing by the parameters whose tensors are there.
    pub(super) fn decide(
        config: &ModelConfig,
        parameters: &[String],
        folder: &Path,
    ) -> Result<Self, LoadError> {
        let error = |reason: String| LoadError::Head {
            config: folder.join(CONFIG_FILE),
            reason,
        };
        let head = match config.architectures.as_slice() {
            [] => by_tensors(config, parameters).map_err(error)?,
            names => names.iter().find_map(|name| by_class(name)).ok_or_else(|| {
                error(format!(
                    "architectures is {names:?}, which is none of the supported heads; supported \
                     are names that end in ForMaskedLM, ForPreTraining, \
                     ForSequenceClassification, ForTokenClassification or Model"
                ))
            })?,
        };
        let has_pooler = || {
            parameters
                .iter()
                .any(|name| name.starts_with("bert.pooler."))
        };
        let pooler = config.model_type() == ModelType::Bert
            && match head {
                Head::SequenceClassification => true,
                Head::None => has_pooler(),
                Head::MaskedLm | Head::TokenClassification => false,
            };
        let tied_decoder = head == Head::MaskedLm && config.tie_word_embeddings;
        Ok(Self {
            head,
            pooler,
            tied_decoder,
        })
    }

    /// Why a tensor that would fill `parameter` has no place in this model; `None` if nothing
    /// is known of it.
    pub(super) fn aside(&self, model: ModelType, parameter: &str, dtype: Dtype) -> Option<Reason> {
        let classifies = matches!(
            self.head,
            Head::SequenceClassification | Head::TokenClassification
        );
        let is = |start: &str| parameter.starts_with(start);
        let other_head =
            |of_head: bool, used: bool| (of_head && !used).then_some(Reason::OtherHead);
        match model {
            ModelType::Bert if parameter == "bert.embeddings.position_ids" => {
                matches!(dtype, Dtype::I64 | Dtype::I32).then_some(Reason::PositionIds)
            }
            ModelType::Bert if is("bert.pooler.") => (!self.pooler).then_some(Reason::Pooler),
            ModelType::Bert if is("cls.seq_relationship.") => Some(Reason::NextSentence),
            ModelType::Bert => other_head(is("cls."), self.head == Head::MaskedLm)
                .or(other_head(is("classifier."), classifies)),
            ModelType::ModernBert => other_head(is("decoder."), self.head == Head::MaskedLm)
                .or(other_head(is("classifier."), classifies))
                .or(other_head(is("head."), self.head != Head::None)),
        }
    }

    /// Parameters that a file may hold twice: the copy, and the parameter that it is a copy of.
    pub(super) fn copies(&self, model: ModelType) -> &'static [(&'static str, &'static str)] {
        match (self.head, model, self.tied_decoder) {
            (Head::MaskedLm, ModelType::ModernBert, true) => {
                &[("decoder.weight", "model.embeddings.tok_embeddings.weight")]
            }
            (Head::MaskedLm, ModelType::Bert, true) => &[
                ("cls.predictions.decoder.bias", "cls.predictions.bias"),
                (
                    "cls.predictions.decoder.weight",
                    "bert.embeddings.word_embeddings.weight",
                ),
            ],
            (Head::MaskedLm, ModelType::Bert, false) => {
                &[("cls.predictions.bias", "cls.predictions.decoder.bias")]
            }
            _ => &[],
        }
    }

    /// Whether none of the parameters whose tensors are there belongs to the head alone.
    pub(super) fn lacks_head(&self, model: ModelType, parameters: &[String]) -> bool {
        let own = match (self.head, model) {
            (Head::None, _) => return false,
            (Head::MaskedLm, ModelType::Bert) => "cls.predictions.",
            (Head::MaskedLm, ModelType::ModernBert) => "decoder.",
            (Head::SequenceClassification | Head::TokenClassification, _) => "classifier.",
        };
        !parameters.iter().any(|name| name.starts_with(own))
    }
}

/// The head of a model class of transformers, or of a class derived from one.
fn by_class(name: &str) -> Option<Head> {
    const ENDINGS: [(&str, Option<Head>); 6] = [
        ("ForMaskedLM", Some(Head::MaskedLm)),
        ("ForPreTraining", Some(Head::MaskedLm)),
        (
            "ForSequenceClassification",
            Some(Head::SequenceClassification),
        ),
        ("ForTokenClassification", Some(Head::TokenClassification)),
        // A decoder, though its name ends like an encoder's.
        ("LMHeadModel", None),
        ("Model", Some(Head::None)),
    ];
    ENDINGS
        .iter()
        .find(|(ending, _)| name.ends_with(ending))
        .and_then(|(_, head)| *head)
}

fn by_tensors(config: &ModelConfig, parameters: &[String]) -> Result<Head, String> {
    let has = |start: &str| parameters.iter().any(|name| name.starts_with(start));
    let bert = config.model_type() == ModelType::Bert;
    if has("classifier.") {
        let tags = |label: &String| label.starts_with("B-") || label.starts_with("I-");
        return if config.problem_type.is_some() {
            Ok(Head::SequenceClassification)
        } else if config.labels.iter().any(tags) || (bert && !has("bert.pooler.")) {
            Ok(Head::TokenClassification)
        } else {
            let class = if bert { "Bert" } else { "ModernBert" };
            Err(format!(
                "architectures is missing, and the tensors do not tell whether the classifier is \
                 for sequences or for tokens; add \"architectures\": \
                 [\"{class}ForSequenceClassification\"] or [\"{class}ForTokenClassification\"]"
            ))
        };
    }
    let masked_lm = if bert { "cls.predictions." } else { "decoder." };
    Ok(if has(masked_lm) {
        Head::MaskedLm
    } else {
        Head::None
    })
}
