//! Every shader that can be launched, in one list.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use super::activation::{self, Activation};
use super::adam::{Adam, AdamPass};
use super::attention::{self, AttentionTiles, Pass};
use super::attention_rows::{AttentionRows, RowsPass};
use super::cross_entropy::{self, CrossEntropy};
use super::embedding::{self, EmbeddingGrad};
use super::matmul::{self, Form, Matmul};
use super::norm::{Norm, NormPass};
use super::rope::{self, Rope};
use super::source::{Elem, Shader};
use super::tiling::Tiling;
use crate::kernels::adam::AdamRule;

/// A shader: which file, and all that its text depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Variant {
    Rope(Rope),
    Attention(AttentionTiles),
    AttentionRows(AttentionRows),
    Matmul(Matmul),
    Norm(Norm),
    EmbeddingGrad(EmbeddingGrad),
    CrossEntropy(CrossEntropy),
    Activation(Activation),
    Adam(Adam),
}

impl Variant {
    fn compose(self) -> Shader {
        match self {
            Self::Rope(variant) => variant.compose(),
            Self::Attention(variant) => variant.compose(),
            Self::AttentionRows(variant) => variant.compose(),
            Self::Matmul(variant) => variant.compose(),
            Self::Norm(variant) => variant.compose(),
            Self::EmbeddingGrad(variant) => variant.compose(),
            Self::CrossEntropy(variant) => variant.compose(),
            Self::Activation(variant) => variant.compose(),
            Self::Adam(variant) => variant.compose(),
        }
    }

    /// The fields of the shader's `Call`, in order.
    fn call(self) -> &'static [&'static str] {
        match self {
            Self::Rope(_) => rope::CALL,
            Self::Attention(_) => attention::CALL,
            Self::AttentionRows(variant) => variant.call(),
            Self::Matmul(_) => matmul::CALL,
            Self::Norm(variant) => variant.call(),
            Self::EmbeddingGrad(_) => embedding::CALL,
            Self::CrossEntropy(_) => cross_entropy::CALL,
            Self::Activation(_) => activation::CALL,
            Self::Adam(variant) => variant.call(),
        }
    }
}

static SHADERS: LazyLock<Mutex<HashMap<Variant, Arc<Shader>>>> = LazyLock::new(Mutex::default);

/// The shader of a variant, composed once.
pub(super) fn shader(variant: Variant) -> Arc<Shader> {
    let mut shaders = SHADERS
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let shader = shaders
        .entry(variant)
        .or_insert_with(|| Arc::new(variant.compose()));
    #[cfg(test)]
    return super::tests::planted::planted(Arc::clone(shader));
    #[cfg(not(test))]
    Arc::clone(shader)
}

/// A shader of the catalogue.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What tells it from the others of its file.
    pub variant: String,
    /// The composed text.
    pub shader: Arc<Shader>,
    /// The fields of its `Call` struct as this side writes them, 4 bytes each.
    pub call: &'static [&'static str],
    /// The most workgroup memory it may use, in bytes.
    pub workgroup_bytes: usize,
}

/// Head widths of published encoders, and the ends of what is supported.
const HEAD_DIMS: [u32; 8] = [16, 24, 32, 40, 48, 64, 96, 128];

/// Every variant that can be launched, for the widths in use.
pub fn catalogue() -> Vec<Entry> {
    variants()
        .into_iter()
        .map(|(variant, tiling)| Entry {
            variant: format!("{variant:?}"),
            shader: shader(variant),
            call: variant.call(),
            workgroup_bytes: tiling.workgroup_bytes(),
        })
        .collect()
}

fn variants() -> Vec<(Variant, Tiling)> {
    let mut variants = Vec::new();
    for elem in [Elem::F32, Elem::F16] {
        let mut add = |variant, tiling| variants.push((variant, tiling));
        for head_dim in HEAD_DIMS {
            add(Variant::Rope(Rope { elem, head_dim }), Tiling::Small);
            for pass in RowsPass::ALL {
                let rows = AttentionRows {
                    pass,
                    elem,
                    head_dim,
                };
                add(Variant::AttentionRows(rows), Tiling::Small);
            }
            for tiling in Tiling::ALL {
                for pass in Pass::ALL {
                    let tiles = AttentionTiles::new(pass, elem, head_dim, tiling);
                    for continued in [false, true] {
                        let tiles = AttentionTiles { continued, ..tiles };
                        add(Variant::Attention(tiles), tiling);
                        if pass == Pass::Forward {
                            add(Variant::Attention(tiles.with_subgroups(true)), tiling);
                        }
                    }
                }
            }
        }
        for tiling in Tiling::ALL {
            for form in Form::ALL {
                add(Variant::Matmul(Matmul::new(form, elem, tiling)), tiling);
            }
        }
        for pass in NormPass::ALL {
            add(Variant::Norm(Norm { pass, elem }), Tiling::Small);
        }
        add(
            Variant::EmbeddingGrad(EmbeddingGrad { elem }),
            Tiling::Small,
        );
        for gradient in [false, true] {
            add(
                Variant::CrossEntropy(CrossEntropy { elem, gradient }),
                Tiling::Small,
            );
        }
        for (gated, gradient) in [(true, false), (true, true), (false, false), (false, true)] {
            let activation = Activation {
                elem,
                gated,
                gradient,
            };
            add(Variant::Activation(activation), Tiling::Small);
        }
    }
    for rule in AdamRule::ALL {
        for pass in AdamPass::ALL {
            variants.push((Variant::Adam(Adam { pass, rule }), Tiling::Small));
        }
    }
    variants
}
