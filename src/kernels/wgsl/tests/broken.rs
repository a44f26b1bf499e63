//! Breaks kernels on purpose, in their text: each mistake must be seen by the comparison with the
//! loops that the other tests make.

use std::sync::Arc;

use burn::backend::DType;

use super::{
    AttentionCall, HeadShape, Numbers, Sequences, Tiling, doubles, error, floor, qkv, read,
};
use super::{Elem, tensor};
use crate::kernels::reference;
use crate::kernels::wgsl::attention::{AttentionTiles, Pass};
use crate::kernels::wgsl::attention_rows::{AttentionRows, RowsPass};
use crate::kernels::wgsl::launch::{Use, empty};
use crate::kernels::wgsl::source::Shader;

const HEADS: HeadShape = HeadShape {
    heads: 2,
    head_dim: 16,
};

fn calls() -> [AttentionCall; 2] {
    [None, Some(7)].map(|half_window| {
        AttentionCall::new(HEADS, Sequences::from_lengths(&[70, 33]), half_window)
    })
}

/// How much worse than allowed the results of a text are, at the worst.
fn excess(pass: Pass, edit: impl Fn(&str) -> String) -> f64 {
    let tiles = AttentionTiles::new(pass, Elem::F32, HEADS.head_dim as u32, Tiling::Small);
    let shader = tiles.compose();
    let text = edit(&shader.text);
    let shader = Arc::new(Shader {
        id: hash_of(&text),
        text,
        ..shader
    });
    let mut worst: f64 = 0.0;
    for call in calls() {
        let (tokens, width) = (call.sequences.tokens(), HEADS.width());
        let values = qkv(tokens, HEADS);
        let input = tensor(&values, [tokens, 3 * width], Elem::F32);
        let want = reference::attention(&doubles(&values), &call);
        if pass == Pass::Forward {
            let out = empty(&input, [tokens, width], DType::F32);
            let stats = empty(&input, [2, HEADS.heads, tokens], DType::F32);
            let tensors = [Use::Read(&input), Use::Write(&out), Use::Write(&stats)];
            tiles.run_shader(&shader, &call, &tensors);
            worst = worst.max(error(&read(out), &want.out) / (1e-5 + floor(&want.out)));
            continue;
        }
        let d_out = Numbers(7).take(tokens * width);
        let want_grad = reference::attention_backward(&doubles(&values), &doubles(&d_out), &call);
        let d_out = tensor(&d_out, [tokens, width], Elem::F32);
        let right = AttentionTiles::new(Pass::Forward, Elem::F32, 16, Tiling::Small);
        let out = empty(&input, [tokens, width], DType::F32);
        let stats = empty(&input, [2, HEADS.heads, tokens], DType::F32);
        let tensors = [Use::Read(&input), Use::Write(&out), Use::Write(&stats)];
        right.run_shader(&Arc::new(right.compose()), &call, &tensors);
        let delta = empty(&input, [HEADS.heads, tokens], DType::F32);
        let rows = AttentionRows {
            pass: RowsPass::Delta,
            elem: Elem::F32,
            head_dim: 16,
        };
        rows.delta([&out, &d_out, &delta], &call);
        let d_qkv = tensor(
            &vec![0.0; tokens * 3 * width],
            [tokens, 3 * width],
            Elem::F32,
        );
        let tensors = [
            Use::Read(&input),
            Use::Read(&d_out),
            Use::Read(&stats),
            Use::Read(&delta),
            Use::Write(&d_qkv),
        ];
        tiles.run_shader(&shader, &call, &tensors);
        // Each pass writes its own thirds.
        let own = |values: &[f32]| -> Vec<f32> {
            let rows = values.chunks_exact(3 * width);
            match pass {
                Pass::GradQ => rows.flat_map(|row| row[..width].to_vec()).collect(),
                _ => rows.flat_map(|row| row[width..].to_vec()).collect(),
            }
        };
        let narrow: Vec<f32> = want_grad.iter().map(|&x| x as f32).collect();
        let want = doubles(&own(&narrow));
        worst = worst.max(error(&own(&read(d_qkv)), &want) / (1e-4 + floor(&want)));
    }
    worst
}

pub(super) fn hash_of(text: &str) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(text.as_bytes()).into()
}

#[test]
#[ignore = "needs a software adapter"]
fn every_mistake_is_seen() {
    let everywhere = [
        (
            "a sign flipped",
            "block[m * COLUMN_PART + n] += vec4",
            "block[m * COLUMN_PART + n] -= vec4",
        ),
        (
            "one quarter left out",
            "quarter < QUARTERS; quarter++",
            "quarter < QUARTERS - 1u; quarter++",
        ),
        (
            "heads swapped",
            "head * QUARTERS + quarter;\n            value = vec4<f32>(qkv",
            "(call.heads - 1u - head) * QUARTERS + quarter;\n            value = vec4<f32>(qkv",
        ),
        (
            "a window one too narrow",
            "key) <= half_window",
            "key) < half_window",
        ),
        (
            "a window one too wide",
            "key) <= half_window",
            "key) <= half_window + select(1u, 0u, half_window == 0xffffffffu)",
        ),
        (
            "the end of the sequence not seen",
            "if first + row < end",
            "if first + row < end - 1u",
        ),
        (
            "no scale",
            "value = vec4<f32>(qkv[at]) * factor",
            "value = vec4<f32>(qkv[at])",
        ),
        (
            "columns of weights swapped",
            "let w = memory[weights + weight_slot(column,",
            "let w = memory[weights + weight_slot(column ^ 1u,",
        ),
    ];
    let of_pass = [
        (
            Pass::Forward,
            "the last tile dropped",
            "key_begin < tile.column_end; key_begin",
            "key_begin + COLUMNS < tile.column_end; key_begin",
        ),
        (Pass::Forward, "no rescaling", "sum[m] *= rescale;", ""),
        (
            Pass::GradQ,
            "the last tile dropped",
            "key_begin < tile.column_end; key_begin",
            "key_begin + COLUMNS < tile.column_end; key_begin",
        ),
        (
            Pass::GradQ,
            "delta left out",
            "weights * (d_weights[at] - deltas[m])",
            "weights * d_weights[at]",
        ),
        (
            Pass::GradQ,
            "no scale at the end",
            "results[i * OUT_PART + n] * call.scale;",
            "results[i * OUT_PART + n];",
        ),
        (
            Pass::GradKv,
            "the last tile dropped",
            "query_begin < tile.column_end; query_begin",
            "query_begin + COLUMNS < tile.column_end; query_begin",
        ),
        (
            Pass::GradKv,
            "delta left out",
            "(d_block[at] - of_query.delta)",
            "d_block[at]",
        ),
        (
            Pass::GradKv,
            "dK and dV swapped",
            "var k_sum = d_k[",
            "var k_sum = d_v[",
        ),
    ];
    let passes = [Pass::Forward, Pass::GradQ, Pass::GradKv];
    for pass in passes {
        let right = excess(pass, str::to_owned);
        assert!(right <= 1.0, "{pass:?} as it is: {right}");
    }
    let all = everywhere
        .into_iter()
        .flat_map(|(what, from, to)| passes.map(|pass| (pass, what, from, to)))
        .chain(of_pass);
    for (pass, what, from, to) in all {
        let worst = excess(pass, |text| {
            assert!(text.contains(from), "{pass:?}, {what}: no {from:?}");
            text.replacen(from, to, 1)
        });
        println!("{pass:?}, {what}: {worst:.1e} times the allowed");
        assert!(worst > 2.0 || worst.is_nan(), "{pass:?}, {what}: {worst}");
    }
}
