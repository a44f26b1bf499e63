//! Comparisons of `Flex`'s forms and, through the same functions, of an adapter's.

use super::*;
use crate::kernels::cross_entropy::Targets;
use crate::kernels::embedding::Lookup;
use crate::kernels::ops::{CrossEntropyGrads, LayerNormGrads};

/// Makes a tensor of a backend, and reads one.
pub(in crate::kernels) struct On<B: EncoderOps> {
    pub(in crate::kernels) tensor: fn(&[f32], &[usize]) -> FloatTensor<B>,
    pub(in crate::kernels) read: fn(FloatTensor<B>) -> Vec<f32>,
}

pub(in crate::kernels) const FLEX: On<Flex> = On {
    tensor: |values, shape| Primitive::from_data(TensorData::new(values.to_vec(), shape.to_vec())),
    read: floats,
};

/// What was compared, how far it is off, and how far it may be.
pub(in crate::kernels) type Found = (String, f64, f64);

fn found(what: &str, got: &[f32], want: &[f64], roundings: f64) -> Found {
    let limit =
        roundings * f64::from(f32::EPSILON) * want.iter().fold(1e-3, |a: f64, b| a.max(b.abs()));
    (what.to_owned(), error(got, want), limit)
}

/// Products of odd sizes, forward and both gradients; sums of `depth` terms round about
/// `sqrt(depth)` times.
pub(in crate::kernels) fn products<B: EncoderOps>(on: &On<B>) -> Vec<Found> {
    let mut all = Vec::new();
    for (rows, inputs, outputs) in [
        (1, 4, 8),
        (65, 48, 12),
        (130, 100, 132),
        (257, 36, 260),
        (7, 64, 5),
        // Enough for several threads, with fewer rows than each of them takes for itself.
        (130, 200, 290),
    ] {
        let mut numbers = Numbers(13);
        let x = numbers.take(rows * inputs);
        let weight = numbers.take(outputs * inputs);
        let d_out = numbers.take(rows * outputs);
        let [xs, ws, ds] = [&x, &weight, &d_out].map(|values| doubles(values));
        let name = |what: &str| format!("{what} {rows} x {inputs} x {outputs}");
        let x = || (on.tensor)(&x, &[rows, inputs]);
        let weight = || (on.tensor)(&weight, &[outputs, inputs]);
        let d_out = || (on.tensor)(&d_out, &[rows, outputs]);

        let want = reference::matmul(
            &xs,
            &reference::transpose(&ws, inputs),
            [rows, inputs, outputs],
        );
        let got = (on.read)(<B as EncoderOps>::linear(x(), weight()));
        all.push(found(
            &name("linear"),
            &got,
            &want,
            4.0 * (inputs as f64).sqrt(),
        ));
        let want = reference::matmul(&ds, &ws, [rows, outputs, inputs]);
        let got = (on.read)(B::linear_grad_x(d_out(), weight()));
        all.push(found(
            &name("gradient of x"),
            &got,
            &want,
            4.0 * (outputs as f64).sqrt(),
        ));
        let want = reference::matmul(
            &reference::transpose(&ds, outputs),
            &xs,
            [outputs, rows, inputs],
        );
        let got = (on.read)(B::linear_grad_weight(d_out(), x()));
        all.push(found(
            &name("gradient of W"),
            &got,
            &want,
            4.0 * (rows as f64).sqrt(),
        ));
    }
    all
}

/// LayerNorm, GELU and GeGLU with their gradients.
pub(in crate::kernels) fn rows<B: EncoderOps>(on: &On<B>) -> Vec<Found> {
    let mut all = Vec::new();
    for (rows, width) in [(1, 8), (37, 24), (130, 768)] {
        let mut numbers = Numbers(11);
        let x: Vec<f32> = numbers
            .take(rows * width)
            .iter()
            .map(|x| 5.0 * x + 0.5)
            .collect();
        let weight = numbers.take(width);
        let d_out = numbers.take(rows * width);
        let half = &d_out[..rows * width / 2];
        let name = |what: &str| format!("{what} {rows} x {width}");
        let [xs, ws, ds] = [&x, &weight, &d_out].map(|values| doubles(values));
        let x = || (on.tensor)(&x, &[rows, width]);
        let weight = || (on.tensor)(&weight, &[width]);
        let d_all = || (on.tensor)(&d_out, &[rows, width]);

        let want = reference::layer_norm(&xs, &ws, None, 1e-3);
        let got = (on.read)(<B as EncoderOps>::layer_norm(x(), weight(), 1e-3));
        all.push(found(&name("LayerNorm"), &got, &want, 16.0));
        let (want_x, want_weight) = reference::layer_norm_backward(&xs, &ws, &ds, 1e-3);
        let LayerNormGrads { d_x, d_weight } = B::layer_norm_backward(x(), weight(), d_all(), 1e-3);
        all.push(found(&name("its dx"), &(on.read)(d_x), &want_x, 16.0));
        all.push(found(
            &name("its dWeight"),
            &(on.read)(d_weight),
            &want_weight,
            32.0,
        ));

        let want = reference::geglu(&xs, width / 2);
        all.push(found(
            &name("GeGLU"),
            &(on.read)(B::geglu(x())),
            &want,
            16.0,
        ));
        let want = reference::geglu_backward(&xs, &doubles(half), width / 2);
        let got = (on.read)(B::geglu_backward(
            x(),
            (on.tensor)(half, &[rows, width / 2]),
        ));
        all.push(found(&name("its gradient"), &got, &want, 16.0));
        let want: Vec<f64> = xs.iter().map(|&x| reference::gelu(x)).collect();
        all.push(found(
            &name("GELU"),
            &(on.read)(B::gelu_erf(x())),
            &want,
            16.0,
        ));
        let want: Vec<f64> = xs
            .iter()
            .zip(&ds)
            .map(|(&x, d)| d * reference::gelu_slope(x))
            .collect();
        let got = (on.read)(B::gelu_erf_backward(x(), d_all()));
        all.push(found(&name("its gradient"), &got, &want, 16.0));
    }
    all
}

/// Look-ups and the cross-entropy, a vocabulary of more than one chunk included.
pub(in crate::kernels) fn vocabulary<B: EncoderOps>(on: &On<B>) -> Vec<Found> {
    let mut all = Vec::new();
    let (entries, width) = (23, 12);
    let indices: Vec<usize> = (0..57).map(|i| i * i % entries).collect();
    let lookup = Lookup::new(&indices, Some(4));
    let table = Numbers(3).take(entries * width);
    let d_out = Numbers(5).take(indices.len() * width);
    let want: Vec<f64> = indices
        .iter()
        .flat_map(|&index| doubles(&table[index * width..][..width]))
        .collect();
    let got = (on.read)(B::look_up(
        (on.tensor)(&table, &[entries, width]),
        lookup.clone(),
    ));
    all.push(found("look-up", &got, &want, 0.0));
    let want = reference::look_up_backward(&doubles(&d_out), &indices, Some(4), [entries, width]);
    let got = (on.read)(B::look_up_backward(
        (on.tensor)(&d_out, &[indices.len(), width]),
        lookup,
        entries,
    ));
    all.push(found("its gradient", &got, &want, 8.0));

    // The last is more than one chunk: 2,000 rows of 8,388 logits.
    for (rows, width, entries) in [(1, 4, 8), (33, 16, 132), (2_000, 4, 9_000)] {
        let mut numbers = Numbers(29);
        let targets: Vec<usize> = (0..rows).map(|row| row * 7 % entries).collect();
        let x = numbers.take(rows * width);
        let weight: Vec<f32> = numbers
            .take(entries * width)
            .iter()
            .map(|w| 3.0 * w)
            .collect();
        let bias = numbers.take(entries);
        let d_losses = numbers.take(rows);
        let [xs, ws, bs, ds] = [&x, &weight, &bias, &d_losses].map(|values| doubles(values));
        let mut logits = reference::matmul(
            &xs,
            &reference::transpose(&ws, width),
            [rows, width, entries],
        );
        for row in logits.chunks_exact_mut(entries) {
            row.iter_mut()
                .zip(&bs)
                .for_each(|(logit, bias)| *logit += bias);
        }
        let (want, mut d_logits) = reference::cross_entropy(&logits, &targets);
        for (row, d) in d_logits.chunks_exact_mut(entries).zip(&ds) {
            row.iter_mut().for_each(|logit| *logit *= d);
        }
        let name = |what: &str| format!("{what} {rows} x {width} x {entries}");
        let inputs = || {
            [
                (on.tensor)(&x, &[rows, width]),
                (on.tensor)(&weight, &[entries, width]),
                (on.tensor)(&bias, &[entries]),
            ]
        };
        let [x, weight, bias] = inputs();
        let parts = B::cross_entropy(x, weight, bias, Targets::new(&targets));
        all.push(found(
            &name("cross-entropy"),
            &(on.read)(parts.losses),
            &want,
            16.0,
        ));
        let [x, weight, bias] = inputs();
        let d_losses = (on.tensor)(&d_losses, &[rows, 1]);
        let CrossEntropyGrads {
            d_x,
            d_weight,
            d_bias,
        } = B::cross_entropy_backward(
            x,
            weight,
            bias,
            parts.stats,
            d_losses,
            Targets::new(&targets),
        );
        let want = reference::matmul(&d_logits, &ws, [rows, entries, width]);
        all.push(found(
            &name("its dx"),
            &(on.read)(d_x),
            &want,
            4.0 * (entries as f64).sqrt(),
        ));
        let turned = reference::transpose(&d_logits, entries);
        let want = reference::matmul(&turned, &xs, [entries, rows, width]);
        all.push(found(
            &name("its dW"),
            &(on.read)(d_weight),
            &want,
            4.0 * (rows as f64).sqrt().max(4.0),
        ));
        let want: Vec<f64> = turned
            .chunks_exact(rows)
            .map(|row| row.iter().sum())
            .collect();
        all.push(found(
            &name("its db"),
            &(on.read)(d_bias),
            &want,
            4.0 * (rows as f64).sqrt().max(4.0),
        ));
    }
    all
}

/// The loss of two rows of which one has its target in another chunk than a banned token.
pub(in crate::kernels) fn banned<B: EncoderOps>(on: &On<B>) -> Vec<f32> {
    let entries = 9_000;
    let rows = 2_000;
    let mut bias = vec![0.0; entries];
    // The first entry of the second chunk of 8,388.
    bias[8_388] = f32::NEG_INFINITY;
    let targets: Vec<usize> = (0..rows).map(|row| row % 8_000).collect();
    let x = (on.tensor)(&vec![0.0; rows * 4], &[rows, 4]);
    let weight = (on.tensor)(&vec![0.0; entries * 4], &[entries, 4]);
    let bias = (on.tensor)(&bias, &[entries]);
    let parts = B::cross_entropy(x, weight, bias, Targets::new(&targets));
    (on.read)(parts.losses)
}

/// A token whose logit is minus infinity costs the others nothing.
pub(in crate::kernels) fn assert_a_banned_token_costs_nothing<B: EncoderOps>(on: &On<B>) {
    let want = 8_999f32.ln();
    let losses = banned(on);
    assert!(
        losses.iter().all(|loss| (loss - want).abs() < 1e-4),
        "{:?}",
        &losses[..2]
    );
}

#[test]
fn a_banned_token_costs_nothing() {
    assert_a_banned_token_costs_nothing(&FLEX);
}

/// Fails with everything that is off; what is not a number is infinitely so.
pub(in crate::kernels) fn assert_near(found: Vec<Found>) {
    let off: Vec<String> = found
        .iter()
        .filter(|(_, error, limit)| error > limit)
        .map(|(what, error, limit)| format!("{what}: {error:e}, allowed {limit:e}"))
        .collect();
    assert!(off.is_empty(), "{}", off.join("\n"));
}

#[test]
fn products_agree_with_the_loops() {
    assert_near(products(&FLEX));
}

#[test]
fn rows_agree_with_the_loops() {
    assert_near(rows(&FLEX));
}

/// A gradient may be written where another one was, but not while somebody else reads that.
#[test]
fn what_others_hold_stays() {
    let values = Numbers(23).take(37 * 24);
    let tensor = || primitive(&values, [37, 24]);
    let d_out = tensor();
    let weight = primitive(&values[..24], [24]);
    let norm = <Flex as EncoderOps>::layer_norm_backward(tensor(), weight, d_out.clone(), 1e-3);
    assert_ne!(floats(norm.d_x), values);
    let gelu = <Flex as EncoderOps>::gelu_erf_backward(tensor(), d_out.clone());
    assert_ne!(floats(gelu), values);
    assert_eq!(floats(d_out), values);
}

#[test]
fn the_vocabulary_agrees_with_the_loops() {
    assert_near(vocabulary(&FLEX));
}
