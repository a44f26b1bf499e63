//! Would catch: heads or layers mixed with wrong weights, or a tile of the wrong rows.

use super::layers::{FLEX, On};
use super::{Numbers, doubles, error, probability_row, qkv};
use crate::kernels::attention::{AttentionCall, HeadMix};
use crate::kernels::ops::EncoderOps;
use crate::kernels::sequences::{HeadShape, Sequences};

const HEADS: HeadShape = HeadShape {
    heads: 3,
    head_dim: 16,
};

/// Two layers, one of them with a window, mixed to one tile in both ways.
pub(in crate::kernels) fn assert_near<B: EncoderOps>(on: &On<B>) {
    let sequences = Sequences::from_lengths(&[3, 150, 40]);
    let tokens = sequences.tokens();
    let layers: Vec<(AttentionCall, Vec<f32>)> = [None, Some(9)]
        .into_iter()
        .zip([3, 4])
        .map(|(half_window, seed)| {
            let call = AttentionCall::new(HEADS, sequences.clone(), half_window);
            let mut values = qkv(tokens, HEADS);
            let other = Numbers(seed).take(values.len());
            values.iter_mut().zip(other).for_each(|(x, y)| *x += y);
            (call, values)
        })
        .collect();
    let mixes = [
        HeadMix::Sum(vec![0.5, 0.0, 0.25]),
        HeadMix::Max(vec![true, false, true]),
    ];
    for mix in mixes {
        for [queries, keys] in [[60..61, 3..153], [3..153, 60..61], [20..90, 70..100]] {
            let shape = [queries.len(), keys.len()];
            let mut want = vec![0.0f64; shape[0] * shape[1]];
            let mut got = (on.tensor)(&vec![0.0; shape[0] * shape[1]], &shape);
            for (call, values) in &layers {
                let exact = doubles(values);
                for head in 0..HEADS.heads {
                    let rows = queries.clone().flat_map(|query| {
                        probability_row(&exact, call, head, query)[keys.clone()].to_vec()
                    });
                    for (sum, own) in want.iter_mut().zip(rows) {
                        match &mix {
                            HeadMix::Sum(weights) => *sum += f64::from(weights[head]) * own,
                            HeadMix::Max(heads) if heads[head] => *sum = sum.max(own),
                            HeadMix::Max(_) => {}
                        }
                    }
                }
                let input = || (on.tensor)(values, &[tokens, 3 * HEADS.width()]);
                let stats = <B as EncoderOps>::attention(input(), call.clone()).stats;
                let tile = [queries.clone(), keys.clone()];
                got = B::attention_mixed(got, input(), stats, call.clone(), tile, mix.clone());
            }
            let off = error(&(on.read)(got), &want);
            assert!(off < 3e-6, "{mix:?} {queries:?} {keys:?}: {off:e}");
        }
    }
}

#[test]
fn mixed_tiles_of_probabilities_agree_with_the_loops() {
    assert_near(&FLEX);
}
