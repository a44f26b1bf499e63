//! Decides once how the names in a file differ from those that transformers gives to parameters.

use std::collections::BTreeMap;

use crate::model::config::ModelType;

/// How a file spells the names of parameters.
///
/// | in the file                         | parameter                |
/// |-------------------------------------|--------------------------|
/// | `bert.encoder…`, `model.layers…`    | the same                 |
/// | `encoder…`, `layers…` (no head)     | `bert.encoder…`, `model.layers…` |
/// | `module.bert.encoder…` (any prefix) | `bert.encoder…`          |
/// | `….LayerNorm.gamma`, `….LayerNorm.beta` | `….LayerNorm.weight`, `….LayerNorm.bias` |
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spelling {
    model: ModelType,
    /// What comes before every name of the model: empty, or with a dot at its end.
    outer: String,
    /// Whether the encoder's names have the prefix of [`base`].
    prefixed: bool,
}

/// What transformers writes before the encoder's names when there is a head.
pub(super) fn base(model: ModelType) -> &'static str {
    match model {
        ModelType::ModernBert => "model.",
        ModelType::Bert => "bert.",
    }
}

/// How the encoder's names begin, behind the prefix.
fn encoder_parts(model: ModelType) -> &'static [&'static str] {
    match model {
        ModelType::ModernBert => &["embeddings.", "layers.", "final_norm."],
        ModelType::Bert => &["embeddings.", "encoder.layer.", "pooler."],
    }
}

impl Spelling {
    /// The spelling that most of the encoder's names in a file follow.
    pub(super) fn of<'a>(names: impl IntoIterator<Item = &'a str>, model: ModelType) -> Self {
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for prefix in names.into_iter().filter_map(|name| prefix(name, model)) {
            *votes.entry(prefix).or_default() += 1;
        }
        // Of equally frequent ones the first, which is the shortest of those that begin alike.
        let most = votes.iter().rev().max_by_key(|(_, count)| **count);
        let prefix = most.map_or(base(model), |(prefix, _)| prefix);
        let outer = prefix
            .strip_suffix(base(model))
            .filter(|outer| is_prefix(outer));
        Self {
            model,
            outer: outer.unwrap_or(prefix).to_owned(),
            prefixed: outer.is_some(),
        }
    }

    /// The name of the parameter that a tensor of the file would fill.
    pub(super) fn parameter(&self, stored: &str) -> String {
        let Some(inner) = stored.strip_prefix(&self.outer) else {
            return stored.to_owned();
        };
        let of_encoder = encoder_parts(self.model)
            .iter()
            .any(|part| inner.starts_with(part));
        let prefix = if of_encoder && !self.prefixed {
            base(self.model)
        } else {
            ""
        };
        let modern = match inner.rsplit_once('.') {
            Some((owner, "gamma")) => format!("{owner}.weight"),
            Some((owner, "beta")) => format!("{owner}.bias"),
            _ => inner.to_owned(),
        };
        format!("{prefix}{modern}")
    }
}

/// What comes before the encoder's part of a name; `None` for other names.
fn prefix(name: &str, model: ModelType) -> Option<&str> {
    encoder_parts(model)
        .iter()
        .flat_map(|part| name.match_indices(part).map(|(start, _)| &name[..start]))
        .find(|prefix| is_prefix(prefix))
}

/// Whether a prefix ends where a part of a name ends.
fn is_prefix(prefix: &str) -> bool {
    prefix.is_empty() || prefix.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(model: ModelType, names: &[&str]) -> Vec<String> {
        let spelling = Spelling::of(names.iter().copied(), model);
        names.iter().map(|name| spelling.parameter(name)).collect()
    }

    #[test]
    fn every_prefix_leads_to_the_same_parameters() {
        let query = "encoder.layer.0.attention.self.query.weight";
        let norm = "embeddings.LayerNorm.gamma";
        for prefix in [
            "",
            "bert.",
            "module.",
            "module.bert.",
            "state_dict.module.bert.",
        ] {
            let names = [query, norm].map(|name| format!("{prefix}{name}"));
            let names = names.each_ref().map(String::as_str);
            assert_eq!(
                spelled(ModelType::Bert, &names),
                [
                    format!("bert.{query}"),
                    "bert.embeddings.LayerNorm.weight".to_owned()
                ],
                "{prefix}"
            );
        }
        for prefix in ["", "model.", "module.model.", "model.model.", "_orig_mod."] {
            let names = [format!("{prefix}layers.3.mlp.Wi.weight")];
            let names = names.each_ref().map(String::as_str);
            let want = ["model.layers.3.mlp.Wi.weight"];
            assert_eq!(spelled(ModelType::ModernBert, &names), want, "{prefix}");
        }
    }

    #[test]
    fn the_head_loses_the_outer_prefix_and_gets_no_other() {
        let names = [
            "module.bert.pooler.dense.bias",
            "module.cls.predictions.bias",
        ];
        let want = ["bert.pooler.dense.bias", "cls.predictions.bias"];
        assert_eq!(spelled(ModelType::Bert, &names), want);
        let names = ["layers.0.attn.Wo.weight", "head.norm.weight"];
        let want = ["model.layers.0.attn.Wo.weight", "head.norm.weight"];
        assert_eq!(spelled(ModelType::ModernBert, &names), want);
    }

    #[test]
    fn a_stray_name_neither_decides_nor_follows() {
        let names = [
            "bert.encoder.layer.0.x",
            "bert.encoder.layer.1.x",
            "embeddings.x",
            "step",
        ];
        assert_eq!(spelled(ModelType::Bert, &names), names);
        let names = ["module.layers.0.x", "module.layers.1.x", "epoch"];
        let want = ["model.layers.0.x", "model.layers.1.x", "epoch"];
        assert_eq!(spelled(ModelType::ModernBert, &names), want);
    }
}
