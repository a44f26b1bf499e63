//! Would catch: a gradient that is wrong or lost where operations follow each other.

use burn::tensor::{Device, Tensor, TensorData};

use super::{Numbers, doubles};
use crate::kernels::attention::AttentionCall;
use crate::kernels::cross_entropy::Targets;
use crate::kernels::embedding::Lookup;
use crate::kernels::rope::{Direction, RopeTable};
use crate::kernels::sequences::{HeadShape, Sequences};
use crate::kernels::{self, reference, values};

const TOKENS: usize = 17;
const HEADS: HeadShape = HeadShape {
    heads: 2,
    head_dim: 8,
};
const WIDTH: usize = 3 * HEADS.heads * HEADS.head_dim;

/// A layer in the middle of other work, its weights random: norm, product, RoPE, attention, product,
/// GeGLU. The gradients of its input and of every weight are compared with finite differences of the
/// f64 loops along random directions.
pub(in crate::kernels) fn assert_a_layer_has_its_gradient(device: &Device) {
    let device = device.clone().autodiff();
    let sequences = Sequences::from_lengths(&[6, 11]);
    let table = RopeTable::new(&sequences, HEADS.head_dim, 10_000.0, &device);
    // Input, weight of the norm, weights of both products.
    let shapes = [
        [TOKENS, WIDTH],
        [1, WIDTH],
        [WIDTH, WIDTH],
        [WIDTH / 3, WIDTH / 3],
    ];
    for half_window in [None, Some(4)] {
        let call = AttentionCall::new(HEADS, sequences.clone(), half_window);
        let inputs: Vec<Vec<f32>> = (5..)
            .zip(shapes)
            .map(|(seed, [rows, columns])| Numbers(seed).take(rows * columns))
            .collect();
        let leaves: Vec<Tensor<2>> = inputs
            .iter()
            .zip(shapes)
            .map(|(values, shape)| {
                let data = TensorData::new(values.clone(), shape);
                Tensor::<2>::from_data(data, &device).require_grad()
            })
            .collect();
        let normed = kernels::layer_norm(
            leaves[0].clone() * 0.5,
            leaves[1].clone().squeeze_dim(0),
            None,
            1e-5,
        );
        let qkv = kernels::linear(normed, leaves[2].clone());
        let rotated = kernels::rope(qkv, &table, HEADS);
        let out = kernels::attention(rotated, &call).out;
        let gated = kernels::geglu(kernels::linear(out, leaves[3].clone()));
        let gradients = (gated * 3.0).sum().backward();

        let in_f64 = |inputs: &[Vec<f64>]| -> f64 {
            let half: Vec<f64> = inputs[0].iter().map(|x| x * 0.5).collect();
            let product = |x: &[f64], weight: &[f64], width: usize| {
                let turned = reference::transpose(weight, width);
                reference::matmul(x, &turned, [TOKENS, width, width])
            };
            let normed = reference::layer_norm(&half, &inputs[1], None, 1e-5);
            let qkv = product(&normed, &inputs[2], WIDTH);
            let rotated = reference::rope(&qkv, &sequences, HEADS, 10_000.0, Direction::Forward);
            let out = reference::attention(&rotated, &call).out;
            let gated = reference::geglu(&product(&out, &inputs[3], WIDTH / 3), WIDTH / 6);
            gated.iter().map(|x| 3.0 * x).sum()
        };
        let exact: Vec<Vec<f64>> = inputs.iter().map(|values| doubles(values)).collect();
        for (index, leaf) in leaves.iter().enumerate() {
            let gradient = leaf
                .grad(&gradients)
                .expect("a gradient reaches every leaf");
            let gradient = doubles(&values(gradient).unwrap());
            for seed in 1..=3 {
                let direction = doubles(&Numbers(seed * 31).take(gradient.len()));
                const STEP: f64 = 1e-5;
                let moved = |step: f64| {
                    let mut inputs = exact.clone();
                    let pairs = inputs[index].iter_mut().zip(&direction);
                    pairs.for_each(|(x, d)| *x += step * d);
                    in_f64(&inputs)
                };
                let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                let pairs = gradient.iter().zip(&direction);
                let (sum, size) = pairs.fold((0.0, 0.0), |(sum, size), (g, d)| {
                    (sum + g * d, size + (g * d).abs())
                });
                // In f32 the terms of a sum that cancels have their own errors.
                assert!(
                    (slope - sum).abs() < 1e-5 * size.max(1.0),
                    "leaf {index}, window {half_window:?}: {slope} by differences, {sum}; {size:e}"
                );
            }
        }
    }
}

/// A table that is looked up and decodes, too, has the sum of both gradients.
#[test]
fn a_tied_table_has_the_sum_of_its_gradients() {
    let device = Device::flex().autodiff();
    let (entries, width) = (11, 16);
    let indices = [3, 0, 3, 10, 7];
    let numbers = Numbers(41).take(entries * width);
    let leaf = || {
        let data = TensorData::new(numbers.clone(), [entries, width]);
        Tensor::<2>::from_data(data, &device).require_grad()
    };
    let loss = |table: &Tensor<2>, decoder: &Tensor<2>| {
        let x = kernels::look_up(table.clone(), &Lookup::new(&indices, Some(0)));
        kernels::cross_entropy(x, decoder.clone(), None, &Targets::new(&[1, 2, 3, 4, 5])).sum()
    };
    let [table, decoder] = [leaf(), leaf()];
    let apart = loss(&table, &decoder).backward();
    let of = |leaf: &Tensor<2>, gradients| leaf.grad(gradients).expect("a gradient reaches it");
    let want = of(&table, &apart) + of(&decoder, &apart);
    let tied = leaf();
    let got = of(&tied, &loss(&tied, &tied).backward());
    assert_eq!(values(got).unwrap(), values(want).unwrap());
}

#[test]
fn a_layer_has_its_gradient() {
    assert_a_layer_has_its_gradient(&Device::flex());
}
