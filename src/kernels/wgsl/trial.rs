//! Measures a kind of kernel on a device: against the f64 loops on small shapes, and in time on
//! larger ones.

use std::time::{Duration, Instant};

use burn::backend::DispatchDevice;
use burn::tensor::{Device, Distribution, Tensor, TensorData};

use super::tiling::{Choice, choose};
use super::tune::{Measure, Tuned};
use crate::kernels::{self, AttentionCall, DeviceFault, HeadShape, Sequences, reference};

/// What is timed: rows, columns and depth of products,
const PRODUCTS: [[usize; 3]; 2] = [[512, 2304, 768], [512, 768, 768]];
/// and tokens and half windows of attention,
const ATTENTION: [(usize, Option<usize>); 2] = [(512, None), (1024, Some(64))];
/// in these heads.
const HEADS: HeadShape = HeadShape {
    heads: 4,
    head_dim: 64,
};

/// Multiplications of the products that are timed.
pub(super) fn matmul_work() -> usize {
    PRODUCTS
        .iter()
        .map(|shape| shape.iter().product::<usize>())
        .sum()
}

/// Pairs of the attention that is timed, times the width of all heads.
pub(super) fn attention_work() -> usize {
    let keys = |tokens: usize, half: Option<usize>| half.map_or(tokens, |half| 2 * half + 1);
    let pairs = ATTENTION.map(|(tokens, half)| tokens * keys(tokens, half));
    pairs.iter().sum::<usize>() * HEADS.width()
}

/// A device as it is.
pub(super) struct OnDevice<'a> {
    pub(super) device: &'a Device,
}

impl Measure for OnDevice<'_> {
    fn apply(&mut self, choice: Choice) {
        if let DispatchDevice::Cube(cube) = self.device.as_dispatch() {
            choose(cube.clone(), choice);
        }
    }

    /// Difference from the loops over what is allowed: `2e-6 + 2e-5 · max|want|`, the limit of the
    /// reference cases.
    fn error(&mut self, tuned: Tuned) -> Result<f64, DeviceFault> {
        let device = self.device;
        match tuned {
            Tuned::Matmul => {
                let [rows, inputs, outputs] = [133, 132, 140];
                let (x, weight) = (
                    reference::numbers(rows * inputs, 1),
                    reference::numbers(outputs * inputs, 2),
                );
                let turned = reference::transpose(&doubles(&weight), inputs);
                let want = reference::matmul(&doubles(&x), &turned, [rows, inputs, outputs]);
                let x = matrix(&x, inputs, device);
                let got = kernels::linear(x, matrix(&weight, inputs, device));
                ratio(got, &want)
            }
            Tuned::Attention | Tuned::AttentionGrad => {
                [None, Some(9)]
                    .into_iter()
                    .try_fold(0.0, |sofar, half_window| {
                        let heads = HeadShape {
                            heads: 2,
                            head_dim: 64,
                        };
                        let sequences = Sequences::from_lengths(&[70, 1, 33]);
                        let call = AttentionCall::new(heads, sequences, half_window);
                        let values = reference::numbers(104 * 3 * heads.width(), 3);
                        let qkv = matrix(&values, 3 * heads.width(), device);
                        if tuned == Tuned::Attention {
                            let want = reference::attention(&doubles(&values), &call).out;
                            let own = ratio(kernels::attention(qkv, &call).out, &want)?;
                            return Ok(worse(sofar, own));
                        }
                        let d_out = reference::numbers(104 * heads.width(), 4);
                        let want = reference::attention_backward(
                            &doubles(&values),
                            &doubles(&d_out),
                            &call,
                        );
                        let qkv = qkv.autodiff().require_grad();
                        let d_out = matrix(&d_out, heads.width(), device).autodiff();
                        let loss = (kernels::attention(qkv.clone(), &call).out * d_out).sum();
                        match qkv.grad(&loss.backward()) {
                            Some(got) => Ok(worse(sofar, ratio(got, &want)?)),
                            None => Ok(f64::INFINITY),
                        }
                    })
            }
        }
    }

    /// Median time of two shapes together.
    fn seconds(&mut self, tuned: Tuned, late: &dyn Fn() -> bool) -> Result<f64, DeviceFault> {
        let device = self.device;
        let random = |rows, columns| {
            Tensor::<2>::random([rows, columns], Distribution::Normal(0.0, 1.0), device)
        };
        match tuned {
            Tuned::Matmul => {
                let inputs = PRODUCTS
                    .map(|[rows, columns, depth]| (random(rows, depth), random(columns, depth)));
                self.median(late, || {
                    inputs
                        .each_ref()
                        .map(|(x, weight)| kernels::linear(x.clone(), weight.clone()))
                })
            }
            Tuned::Attention | Tuned::AttentionGrad => {
                let calls = ATTENTION.map(|(tokens, half_window)| {
                    let sequences = Sequences::from_lengths(&[tokens]);
                    AttentionCall::new(HEADS, sequences, half_window)
                });
                let inputs = calls
                    .each_ref()
                    .map(|call| random(call.sequences.tokens(), 3 * HEADS.width()));
                if tuned == Tuned::Attention {
                    return self.median(late, || {
                        [0, 1].map(|at| kernels::attention(inputs[at].clone(), &calls[at]).out)
                    });
                }
                let inputs = inputs.map(|qkv| qkv.autodiff().require_grad());
                self.median(late, || {
                    [0, 1].map(|at| {
                        let qkv: &Tensor<2> = &inputs[at];
                        let loss = kernels::attention(qkv.clone(), &calls[at]).out.sum();
                        let gradient = qkv.grad(&loss.backward());
                        gradient.expect("a gradient reaches what attention reads")
                    })
                })
            }
        }
    }
}

impl OnDevice<'_> {
    /// Median time of at least one run that waits for the device, of which every result can be read.
    fn median(
        &self,
        late: &dyn Fn() -> bool,
        mut run: impl FnMut() -> [Tensor<2>; 2],
    ) -> Result<f64, DeviceFault> {
        let mut timed = || -> Result<Duration, DeviceFault> {
            let start = Instant::now();
            let results = run();
            // What was refused took no time: it shows when it is read.
            let _ = self.device.sync();
            let time = start.elapsed();
            for result in results {
                kernels::values(result.slice([0..1, 0..1]))?;
            }
            Ok(time)
        };
        let mut times = vec![timed()?];
        // Where a run takes long, what the first one does besides is little.
        if times[0] < LONG {
            times.clear();
        }
        while times.is_empty() || (times.len() < 5 && !late()) {
            times.push(timed()?);
        }
        times.sort();
        Ok(times[times.len() / 2].as_secs_f64())
    }
}

/// A run of this length needs no other before it.
const LONG: Duration = Duration::from_millis(50);

/// The larger of two; NaN is the largest.
fn worse(a: f64, b: f64) -> f64 {
    match a > b || a.is_nan() {
        true => a,
        false => b,
    }
}

fn ratio(got: Tensor<2>, want: &[f64]) -> Result<f64, DeviceFault> {
    let got = kernels::values(got)?;
    let largest = want.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    let differences = got
        .iter()
        .zip(want)
        .map(|(&got, want)| (f64::from(got) - want).abs());
    Ok(differences.fold(0.0, worse) / (2e-6 + 2e-5 * largest))
}

fn matrix(values: &[f32], columns: usize, device: &Device) -> Tensor<2> {
    let shape = [values.len() / columns, columns];
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}
