//! Breaks the two halves of an update on purpose, as `broken.rs` does with attention.

use std::sync::Arc;

use burn::backend::wgpu::CubeBackend;

use super::broken::hash_of;
use super::{ADAPTER, AdamRule, adam};
use crate::kernels::ops::AdamParts;
use crate::kernels::wgsl::adam::{Adam, AdamPass, update_by};
use crate::kernels::wgsl::source::Shader;

/// How much worse than allowed an update is whose texts were edited.
fn excess(rule: AdamRule, edit: impl Fn(&str) -> String) -> f64 {
    let shaders = AdamPass::ALL.map(|pass| {
        let shader = Adam { pass, rule }.compose();
        let text = edit(&shader.text);
        Arc::new(Shader {
            id: hash_of(&text),
            text,
            ..shader
        })
    });
    adam::excess::<CubeBackend>(
        &ADAPTER.on,
        |tensors, scale, step| {
            let [parameter, first, second] = update_by(&shaders, tensors, scale, step);
            AdamParts {
                parameter,
                first,
                second,
            }
        },
        rule,
        &[[7, 5], [30, 33]],
    )
}

#[test]
#[ignore = "needs a software adapter"]
fn every_mistake_in_an_update_is_seen() {
    use AdamRule::{AdamW, StableAdamW, StableAdamWPublished};
    let everywhere = [
        ("no scale", "gradient[at] * factor", "gradient[at]"),
        ("no decay", "1.0 - lr * call.decay", "1.0"),
        ("no eps", "* call.root + call.eps", "* call.root"),
        (
            "the tail left out",
            "at < call.count",
            "at + 1u < call.count",
        ),
        (
            "means swapped",
            "rate * first[at] /",
            "rate * (second[at] + 1e-3 * first[at]) /",
        ),
    ];
    let of_rule = [
        (
            AdamW,
            "no correction of the second mean",
            "* call.root +",
            "+",
        ),
        (StableAdamW, "no clip", "rate *= shrink;", ""),
        (StableAdamW, "decay not clipped", "lr *= shrink;", ""),
        (
            StableAdamW,
            "no floor",
            "max(v, call.eps * call.eps)",
            "(v + 1e-3)",
        ),
        (
            StableAdamW,
            "one workgroup's sum only",
            "at < call.groups; at += THREADS",
            "at < 1u; at += THREADS",
        ),
        (StableAdamWPublished, "no clip", "one < other", "false"),
        (
            StableAdamWPublished,
            "means not corrected",
            "m * call.unbias",
            "m",
        ),
        (
            StableAdamWPublished,
            "sums swapped",
            "sums[2u * at + 1u];",
            "sums[2u * at] * 2.0;",
        ),
    ];
    for rule in AdamRule::ALL {
        let right = excess(rule, str::to_owned);
        assert!(right <= 1.0, "{rule:?} as it is: {right}");
    }
    let all = everywhere
        .into_iter()
        .flat_map(|(what, from, to)| AdamRule::ALL.map(|rule| (rule, what, from, to)))
        .chain(of_rule);
    for (rule, what, from, to) in all {
        let found = std::cell::Cell::new(false);
        let worst = excess(rule, |text| {
            found.set(found.get() || text.contains(from));
            text.replace(from, to)
        });
        assert!(found.get(), "{rule:?}, {what}: no {from:?}");
        assert!(worst > 2.0, "{rule:?}, {what}: {worst} times the allowed");
    }
}
