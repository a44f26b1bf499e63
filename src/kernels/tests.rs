//! Would catch: any form of an operation that differs from the f64 loops, a gradient that is not
//! the derivative, a window that is one key too wide, a sequence that sees its neighbour.
//!
//! The default bodies and the fast CPU forms run on the CPU here; adapters run the same
//! comparisons in `tests/adapter.rs` through the engine.

pub(super) mod gradients;
pub(super) mod layers;
pub(super) mod mixed;

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{Device, Tensor, TensorData};

use super::attention::AttentionCall;
use super::cross_entropy::{self, Targets};
use super::ops::{AttentionParts, EncoderOps};
use super::rope::{Direction, RopeTable};
use super::sequences::{HeadShape, Sequences};
use super::{activation, attention, attention_backward, reference, rope};

type Primitive = FloatTensor<Flex>;

/// xorshift64 (Marsaglia 2003), uniform in [-1, 1).
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    pub(super) fn take(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.next()).collect()
    }
}

/// q, k, v whose attention is peaked in some rows and flat in others.
pub(super) fn qkv(tokens: usize, heads: HeadShape) -> Vec<f32> {
    let mut numbers = Numbers(0x5EED);
    let width = heads.width();
    let mut values = numbers.take(tokens * 3 * width);
    for (row, values) in values.chunks_exact_mut(3 * width).enumerate() {
        let sharpness = [0.1, 1.0, 8.0][row % 3];
        values[..width].iter_mut().for_each(|q| *q *= sharpness);
    }
    values
}

pub(super) fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

pub(super) fn primitive<const D: usize>(values: &[f32], shape: [usize; D]) -> Primitive {
    Primitive::from_data(TensorData::new(values.to_vec(), shape))
}

pub(super) fn floats(tensor: Primitive) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

/// Largest difference; infinite when something is not a number or missing.
pub(super) fn error(got: &[f32], want: &[f64]) -> f64 {
    if got.len() != want.len() || got.iter().any(|got| !got.is_finite()) {
        return f64::INFINITY;
    }
    got.iter()
        .zip(want)
        .map(|(&got, want)| (f64::from(got) - want).abs())
        .fold(0.0, f64::max)
}

/// What rounding the result to f32 and a handful of operations cost; below this nothing is said.
pub(super) fn floor(want: &[f64]) -> f64 {
    1e-6 * want
        .iter()
        .fold(1e-3, |largest: f64, want| largest.max(want.abs()))
}

/// The calls that every attention is compared on.
fn calls() -> Vec<AttentionCall> {
    let mut calls = Vec::new();
    for (heads, head_dim) in [(1, 2), (2, 6), (3, 16), (1, 64)] {
        for lengths in [&[1][..], &[5, 1, 9], &[63, 64, 65], &[130, 3], &[600]] {
            for half_window in [None, Some(0), Some(1), Some(7), Some(64), Some(1000)] {
                // The largest shapes once per window are enough for the f64 loops.
                if lengths[0] == 600 && head_dim != 16 {
                    continue;
                }
                let shape = HeadShape { heads, head_dim };
                calls.push(AttentionCall::new(
                    shape,
                    Sequences::from_lengths(lengths),
                    half_window,
                ));
            }
        }
    }
    calls
}

pub(super) fn describe(call: &AttentionCall) -> String {
    let lengths: Vec<usize> = call.sequences.ranges().map(|range| range.len()).collect();
    format!(
        "{:?}, lengths {lengths:?}, half window {:?}",
        call.heads, call.half_window
    )
}

#[test]
fn attention_agrees_with_the_loops() {
    for call in calls() {
        let tokens = call.sequences.tokens();
        let values = qkv(tokens, call.heads);
        let input = || primitive(&values, [tokens, 3 * call.heads.width()]);
        let want = reference::attention(&doubles(&values), &call);
        let lse = |stats: Primitive| -> Vec<f32> {
            let stats = floats(stats);
            let (max, log_sum) = stats.split_at(stats.len() / 2);
            max.iter()
                .zip(log_sum)
                .map(|(max, log_sum)| max + log_sum)
                .collect()
        };
        let plain: AttentionParts<Flex> = attention::forward::<Flex>(input(), &call);
        let fast = <Flex as EncoderOps>::attention(input(), call.clone());
        let plain = [
            error(&floats(plain.out), &want.out),
            error(&lse(plain.stats), &want.lse),
        ];
        let fast = [
            error(&floats(fast.out), &want.out),
            error(&lse(fast.stats), &want.lse),
        ];
        for (index, want) in [&want.out, &want.lse].into_iter().enumerate() {
            let what = ["out", "lse"][index];
            let floor = floor(want);
            let name = describe(&call);
            assert!(
                plain[index] <= 1e-5 + floor,
                "{what}, default body: {:e}; {name}",
                plain[index]
            );
            assert!(
                fast[index] <= 2.0 * plain[index] + floor,
                "{what}: {:e}, default body {:e}; {name}",
                fast[index],
                plain[index]
            );
        }
    }
}

#[test]
fn the_gradient_of_attention_agrees_with_the_loops() {
    for call in calls() {
        let tokens = call.sequences.tokens();
        let width = call.heads.width();
        let values = qkv(tokens, call.heads);
        let d_out = Numbers(7).take(tokens * width);
        let want = reference::attention_backward(&doubles(&values), &doubles(&d_out), &call);
        let input = || primitive(&values, [tokens, 3 * width]);
        let d_out = || primitive(&d_out, [tokens, width]);
        let parts = attention::forward::<Flex>(input(), &call);
        let plain =
            attention_backward::backward::<Flex>(input(), parts.out, parts.stats, d_out(), &call);
        let parts = <Flex as EncoderOps>::attention(input(), call.clone());
        let fast = <Flex as EncoderOps>::attention_backward(
            input(),
            parts.out,
            parts.stats,
            d_out(),
            call.clone(),
        );
        let (plain, fast) = (error(&floats(plain), &want), error(&floats(fast), &want));
        let floor = floor(&want);
        let name = describe(&call);
        assert!(plain <= 1e-4 + floor, "default body: {plain:e}; {name}");
        assert!(
            fast <= 3.0 * plain + floor,
            "{fast:e}, default body {plain:e}; {name}"
        );
    }
}

/// The loops themselves: their gradient against differences along random directions, in f64.
#[test]
fn the_gradient_of_the_loops_is_the_derivative() {
    let call = AttentionCall::new(
        HeadShape {
            heads: 2,
            head_dim: 6,
        },
        Sequences::from_lengths(&[5, 1, 9]),
        Some(3),
    );
    let tokens = call.sequences.tokens();
    let values = doubles(&qkv(tokens, call.heads));
    let d_out = doubles(&Numbers(7).take(tokens * call.heads.width()));
    let loss = |values: &[f64]| -> f64 {
        let out = reference::attention(values, &call).out;
        out.iter().zip(&d_out).map(|(out, d_out)| out * d_out).sum()
    };
    let gradient = reference::attention_backward(&values, &d_out, &call);
    for seed in 1..=5 {
        let direction = doubles(&Numbers(seed).take(values.len()));
        let moved = |step: f64| -> Vec<f64> {
            values
                .iter()
                .zip(&direction)
                .map(|(value, d)| value + step * d)
                .collect()
        };
        const STEP: f64 = 1e-6;
        let slope = (loss(&moved(STEP)) - loss(&moved(-STEP))) / (2.0 * STEP);
        let expected: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
        assert!(
            (slope - expected).abs() < 1e-6 * expected.abs().max(1.0),
            "{slope} {expected}"
        );
    }
}

/// The comparison above must notice the mistakes that are easily made.
#[test]
fn mistakes_are_noticed() {
    let heads = HeadShape {
        heads: 2,
        head_dim: 6,
    };
    let call = AttentionCall::new(heads, Sequences::from_lengths(&[5, 9]), Some(3));
    let values = qkv(14, heads);
    let want = reference::attention(&doubles(&values), &call).out;
    let run = |call: AttentionCall, values: &[f32]| {
        let input = primitive(values, [14, 3 * heads.width()]);
        error(
            &floats(<Flex as EncoderOps>::attention(input, call).out),
            &want,
        )
    };
    let limit = 1e-4;
    assert!(run(call.clone(), &values) < limit);
    for half in [2, 4] {
        let wrong = AttentionCall {
            half_window: Some(half),
            ..call.clone()
        };
        assert!(
            run(wrong, &values) > limit,
            "a window of {half} instead of 3"
        );
    }
    let joined = AttentionCall {
        sequences: Sequences::from_lengths(&[14]),
        ..call.clone()
    };
    assert!(run(joined, &values) > limit, "one sequence instead of two");
    let scaled = AttentionCall {
        scale: call.scale * 1.01,
        ..call.clone()
    };
    assert!(run(scaled, &values) > limit, "another scale");
    let mut flipped = values.clone();
    flipped[40] = -flipped[40];
    assert!(run(call.clone(), &flipped) > limit, "one sign");
    let mut swapped = values;
    for row in swapped.chunks_exact_mut(3 * heads.width()) {
        let (first, second) = row.split_at_mut(heads.head_dim);
        first.swap_with_slice(&mut second[..heads.head_dim]);
    }
    assert!(run(call, &swapped) > limit, "two heads");
    assert_eq!(error(&[f32::NAN], &[0.0]), f64::INFINITY);
}

#[test]
fn a_window_as_long_as_the_sequence_is_global() {
    let heads = HeadShape {
        heads: 2,
        head_dim: 8,
    };
    let sequences = Sequences::from_lengths(&[70, 3]);
    let values = qkv(73, heads);
    let run = |half_window| {
        let call = AttentionCall::new(heads, sequences.clone(), half_window);
        let input = primitive(&values, [73, 3 * heads.width()]);
        floats(<Flex as EncoderOps>::attention(input, call).out)
    };
    let (global, wide) = (run(None), run(Some(69)));
    assert!(error(&wide, &doubles(&global)) < 1e-6);
}

#[test]
fn linear_agrees_with_the_loops() {
    for (rows, inputs, outputs) in [(1, 3, 5), (255, 48, 7), (256, 48, 7), (601, 33, 130)] {
        let mut numbers = Numbers(13);
        let (x, weight) = (numbers.take(rows * inputs), numbers.take(outputs * inputs));
        let want: Vec<f64> = x
            .chunks_exact(inputs)
            .flat_map(|x| weight.chunks_exact(inputs).map(move |weight| (x, weight)))
            .map(|(x, w)| {
                x.iter()
                    .zip(w)
                    .map(|(&x, &w)| f64::from(x) * f64::from(w))
                    .sum()
            })
            .collect();
        let x = primitive(&x, [rows, inputs]);
        let weight = primitive(&weight, [outputs, inputs]);
        let plain = error(
            &floats(super::linear::linear::<Flex>(x.clone(), weight.clone())),
            &want,
        );
        let fast = error(&floats(<Flex as EncoderOps>::linear(x, weight)), &want);
        assert!(
            plain < 1e-5 && fast <= 2.0 * plain + floor(&want),
            "{plain:e} {fast:e}"
        );
    }
}

/// Rows are spread over threads in parts; a part of one row would be computed by another routine.
#[test]
fn the_last_row_of_many_equals_itself_among_few() {
    let (inputs, outputs) = (768, 40);
    let mut numbers = Numbers(17);
    let weight = primitive(&numbers.take(outputs * inputs), [outputs, inputs]);
    let few = numbers.take(256 * inputs);
    let run = |x: &[f32]| {
        let x = primitive(x, [x.len() / inputs, inputs]);
        let mut y = floats(<Flex as EncoderOps>::linear(x, weight.clone()));
        y.split_off(y.len() - outputs)
    };
    let want = doubles(&run(&few));
    for rows in [257, 1025, 2049, 3073] {
        let mut many = numbers.take((rows - 256) * inputs);
        many.extend_from_slice(&few);
        let got = error(&run(&many), &want);
        assert!(got <= 1e-6, "{rows} rows: {got:e}");
    }
}

/// Two keys with the same logit of 2,501: the sum of `m` and `ln l` in f32 would be off by 1e-4.
#[test]
fn large_equal_logits_share_exactly() {
    let heads = HeadShape {
        heads: 1,
        head_dim: 2,
    };
    let call = AttentionCall {
        scale: 1.0,
        ..AttentionCall::new(heads, Sequences::from_lengths(&[2]), None)
    };
    let row = [50.0, 1.0, 50.0, 1.0, 3.0, 4.0];
    let qkv = primitive(&[row, row].concat(), [2, 6]);
    let parts = <Flex as EncoderOps>::attention(qkv.clone(), call.clone());
    let p = <Flex as EncoderOps>::attention_probabilities(qkv, parts.stats, call, 0..2, 0..2);
    assert!(error(&floats(p), &[0.5; 4]) < 1e-6);
}

/// Softmax of one row by plain loops, over the keys that it sees.
pub(super) fn probability_row(
    qkv: &[f64],
    call: &AttentionCall,
    head: usize,
    query: usize,
) -> Vec<f64> {
    let HeadShape { head_dim, .. } = call.heads;
    let width = call.heads.width();
    let part = |row: usize, part: usize| {
        &qkv[row * 3 * width + part * width + head * head_dim..][..head_dim]
    };
    let sequence = call
        .sequences
        .ranges()
        .find(|range| range.contains(&query))
        .unwrap();
    let logits: Vec<f64> = (0..call.sequences.tokens())
        .map(
            |key| match sequence.contains(&key) && call.sees(query, key) {
                true => {
                    let dot: f64 = part(query, 0)
                        .iter()
                        .zip(part(key, 1))
                        .map(|(a, b)| a * b)
                        .sum();
                    f64::from(call.scale) * dot
                }
                false => f64::NEG_INFINITY,
            },
        )
        .collect();
    let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| (logit - max).exp()).sum();
    logits
        .iter()
        .map(|logit| (logit - max).exp() / sum)
        .collect()
}

#[test]
fn tiles_of_probabilities_agree_with_the_loops() {
    for (heads, head_dim, half_window) in [
        (1, 16, None),
        (3, 32, Some(0)),
        (2, 64, Some(7)),
        (2, 16, Some(400)),
    ] {
        let shape = HeadShape { heads, head_dim };
        let call = AttentionCall::new(shape, Sequences::from_lengths(&[1, 300, 40]), half_window);
        let tokens = call.sequences.tokens();
        // Some rows peaky, some flat.
        let values: Vec<f32> = Numbers(5)
            .take(tokens * 3 * shape.width())
            .iter()
            .enumerate()
            .map(|(index, value)| {
                value
                    * if (index / (3 * shape.width())).is_multiple_of(3) {
                        1.5
                    } else {
                        0.1
                    }
            })
            .collect();
        let qkv = || primitive(&values, [tokens, 3 * shape.width()]);
        let stats = <Flex as EncoderOps>::attention(qkv(), call.clone()).stats;
        let doubles = doubles(&values);
        let tiles = [
            (0..1, 0..1),
            (1..301, 1..301),
            (57..58, 1..301),
            (1..301, 57..58),
            (100..260, 90..97),
            (301..341, 320..341),
            (5..6, 290..301),
        ];
        for (queries, keys) in tiles {
            let want: Vec<f64> = (0..heads)
                .flat_map(|head| queries.clone().map(move |query| (head, query)))
                .flat_map(|(head, query)| {
                    probability_row(&doubles, &call, head, query)[keys.clone()].to_vec()
                })
                .collect();
            let fast = <Flex as EncoderOps>::attention_probabilities(
                qkv(),
                stats.clone(),
                call.clone(),
                queries.clone(),
                keys.clone(),
            );
            let plain = attention::probabilities::<Flex>(
                qkv(),
                stats.clone(),
                &call,
                queries.clone(),
                keys.clone(),
            );
            let (fast, plain) = (floats(fast), floats(plain));
            assert!(
                error(&fast, &want) < 3e-6 && error(&plain, &want) < 3e-6,
                "{queries:?} {keys:?}: {} {}",
                error(&fast, &want),
                error(&plain, &want)
            );
            if keys.len() == 300 {
                for row in fast.chunks_exact(300) {
                    let sum: f64 = row.iter().map(|&p| f64::from(p)).sum();
                    assert!((sum - 1.0).abs() < 2e-6, "{sum}");
                }
            }
        }
    }
}

#[test]
fn rope_agrees_with_the_loops_in_both_directions() {
    let device = Device::flex();
    for (heads, head_dim) in [(1, 2), (3, 16), (2, 64)] {
        let shape = HeadShape { heads, head_dim };
        let sequences = Sequences::from_lengths(&[1, 50, 33]);
        let tokens = sequences.tokens();
        let values = Numbers(3).take(tokens * 3 * shape.width());
        let table = RopeTable::new(&sequences, head_dim, 10_000.0, &device);
        let [cos, sin] = [table.cos(), table.sin()].map(|table| {
            let values: Vec<f32> = table.into_data().try_into_vec().unwrap();
            primitive(&values, [tokens, head_dim / 2])
        });
        for direction in [Direction::Forward, Direction::Backward] {
            let want = reference::rope(&doubles(&values), &sequences, shape, 10_000.0, direction);
            let input = || primitive(&values, [tokens, 3 * shape.width()]);
            let plain = rope::rotate::<Flex>(input(), cos.clone(), sin.clone(), shape, direction);
            let fast =
                <Flex as EncoderOps>::rope(input(), cos.clone(), sin.clone(), shape, direction);
            assert!(error(&floats(plain), &want) < 3e-7);
            assert!(error(&floats(fast), &want) < 3e-7);
        }
    }
}

#[test]
fn activations_and_norms_agree_with_the_loops() {
    let mut numbers = Numbers(11);
    let (rows, width) = (37, 26);
    let values: Vec<f32> = numbers.take(rows * width).iter().map(|x| 5.0 * x).collect();
    let input = || primitive(&values, [rows, width]);

    let want = reference::geglu(&doubles(&values), width / 2);
    let plain = error(&floats(activation::geglu::<Flex>(input())), &want);
    let fast = error(&floats(<Flex as EncoderOps>::geglu(input())), &want);
    assert!(
        plain < 5e-6 && fast < 5e-6,
        "GeGLU: default body {plain:e}, fast {fast:e}"
    );

    let want: Vec<f64> = values
        .iter()
        .map(|&x| reference::gelu(f64::from(x)))
        .collect();
    let fast = error(&floats(<Flex as EncoderOps>::gelu_erf(input())), &want);
    assert!(fast < 2e-6, "GELU: {fast:e}");

    const STEP: f64 = 1e-5;
    let slope = |x: f64| (reference::gelu(x + STEP) - reference::gelu(x - STEP)) / (2.0 * STEP);
    let want: Vec<f64> = values.iter().map(|&x| slope(f64::from(x))).collect();
    let ones = primitive(&vec![1.0; values.len()], [rows, width]);
    let got = error(
        &floats(<Flex as EncoderOps>::gelu_erf_backward(input(), ones)),
        &want,
    );
    assert!(got < 2e-6, "gradient of GELU: {got:e}");

    let (weight, bias) = (numbers.take(width), numbers.take(width));
    let tensor = |values: &[f32]| Tensor::<1>::from_floats(values, &Device::flex());
    let x = Tensor::<2>::from_data(
        TensorData::new(values.clone(), [rows, width]),
        &Device::flex(),
    );
    let got = super::layer_norm(x, tensor(&weight), Some(tensor(&bias)), 1e-3);
    let want = reference::layer_norm(
        &doubles(&values),
        &doubles(&weight),
        Some(&doubles(&bias)),
        1e-3,
    );
    let got: Vec<f32> = got.into_data().try_into_vec().unwrap();
    assert!(error(&got, &want) < 3e-6);
}

/// What a shape without a kernel takes on an adapter, in the precision that it has there.
#[test]
fn default_bodies_of_gradients_agree_with_the_loops() {
    let mut numbers = Numbers(17);
    let (rows, width) = (29, 14);
    let values: Vec<f32> = (numbers.take(rows * 2 * width).iter())
        .map(|x| 4.0 * x)
        .collect();
    let d_out = numbers.take(rows * width);
    let got = activation::geglu_backward::<Flex>(
        primitive(&values, [rows, 2 * width]),
        primitive(&d_out, [rows, width]),
    );
    let want = reference::geglu_backward(&doubles(&values), &doubles(&d_out), width);
    let own = error(&floats(got), &want);
    assert!(own < 5e-6, "GeGLU: {own:e}");

    // A vocabulary in two chunks; some targets lie in the first, some in the second.
    let entries = 37;
    let targets: Vec<usize> = (0..rows).map(|row| row * 11 % entries).collect();
    let products: Vec<f32> = (numbers.take(rows * entries).iter())
        .map(|x| 9.0 * x)
        .collect();
    let bias = numbers.take(entries);
    let d_losses = numbers.take(rows);
    let logits: Vec<f64> = (products.chunks_exact(entries))
        .flat_map(|row| {
            row.iter()
                .zip(&bias)
                .map(|(a, b)| f64::from(*a) + f64::from(*b))
        })
        .collect();
    let (losses, gradient) = reference::cross_entropy(&logits, &targets);
    let targets = Targets::new(&targets);
    let chunk = |columns: &std::ops::Range<usize>| {
        let rows_of = products.chunks_exact(entries);
        let own: Vec<f32> = rows_of
            .flat_map(|row| row[columns.clone()].to_vec())
            .collect();
        primitive(&own, [rows, columns.len()])
    };
    let all = || primitive(&bias, [entries]);
    let mut running = primitive(&[-1e30, 0.0, 0.0].repeat(rows), [rows, 3]);
    let chunks = [0..20, 20..entries];
    for own in &chunks {
        running = cross_entropy::add::<Flex>(running, chunk(own), all(), own, &targets);
    }
    let running = floats(running);
    let found: Vec<f32> = (running.chunks_exact(3))
        .map(|own| own[0] + own[1].ln() - own[2])
        .collect();
    let own = error(&found, &losses);
    assert!(own < 3e-6, "losses: {own:e}");
    let stats: Vec<f32> = (running.chunks_exact(3))
        .flat_map(|own| [own[0], own[1].ln()])
        .collect();
    for own in &chunks {
        let given = [
            chunk(own),
            all(),
            primitive(&stats, [rows, 2]),
            primitive(&d_losses, [rows, 1]),
        ];
        let got = floats(cross_entropy::grad::<Flex>(given, own, &targets));
        let want: Vec<f64> = (gradient.chunks_exact(entries).zip(&d_losses))
            .flat_map(|(row, d)| row[own.clone()].iter().map(move |own| own * f64::from(*d)))
            .collect();
        let far = error(&got, &want);
        assert!(far < 3e-6, "the gradient of {own:?}: {far:e}");
    }
}
