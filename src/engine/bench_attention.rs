//! Measures attention and the matrix product of a device, beside burn's own.

use std::time::{Duration, Instant};

use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Bool, Device, Distribution, Tensor, TensorData, module};
use serde::Serialize;

use super::{DeviceInfo, Engine, EngineError, Job};
use crate::kernels::{self, AttentionCall, HeadShape, Sequences};

/// What is measured.
#[derive(Debug, Clone)]
pub struct AttentionBench {
    /// Lengths of the one sequence, in tokens.
    pub lengths: Vec<usize>,
    /// Attention heads.
    pub heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Keys that a query sees to each side in sliding layers.
    pub half_window: usize,
}

/// What was measured on one device.
#[derive(Debug, Clone, Serialize)]
pub struct AttentionBenchReport {
    /// Where.
    pub device: DeviceInfo,
    /// The product of a linear layer, `[1024, 768]` and `[2304, 768]`.
    pub matrix_product: ProductTiming,
    /// One entry per length and kind of layer.
    pub attention: Vec<AttentionTiming>,
    /// Whether the user stopped it before the last.
    pub stopped: bool,
}

/// Times of a matrix product.
#[derive(Debug, Clone, Serialize)]
pub struct ProductTiming {
    /// Auscult's, in 10⁹ operations per second.
    pub gflops: f64,
    /// burn's, likewise.
    pub burn_gflops: f64,
}

/// Times of attention at one length, in seconds, medians.
#[derive(Debug, Clone, Serialize)]
pub struct AttentionTiming {
    /// Tokens of the sequence.
    pub tokens: usize,
    /// `None` in global layers.
    pub half_window: Option<usize>,
    /// Forward.
    pub forward: f64,
    /// Forward, then the gradient.
    pub with_gradient: f64,
    /// 10⁹ operations per second forward: 4 for each visible pair, head and its width.
    pub gflops: f64,
    /// The same of the gradient, at 2.5 times the operations (Dao et al. 2022), though it computes
    /// 3.5 times as many.
    pub gradient_gflops: f64,
    /// burn's forward; `None` if it cannot run.
    pub burn_forward: Option<f64>,
    /// burn's forward and gradient.
    pub burn_with_gradient: Option<f64>,
    /// Why burn's was not run.
    pub burn_left_out: Option<String>,
}

impl Engine {
    /// Times attention forward and backward, auscult's and burn's, at each length in global and
    /// sliding layers. `each` is told of every result.
    ///
    /// # Errors
    /// [`EngineError`] when the device fails.
    pub fn bench_attention(
        &self,
        bench: &AttentionBench,
        job: &Job,
        each: &mut dyn FnMut(&AttentionTiming),
    ) -> Result<AttentionBenchReport, EngineError> {
        let mut report = AttentionBenchReport {
            device: self.device.info.clone(),
            matrix_product: self.product_timing(),
            attention: Vec::new(),
            stopped: false,
        };
        let kinds = [None, Some(bench.half_window)];
        let total = bench.lengths.len() * kinds.len();
        for &tokens in &bench.lengths {
            for half_window in kinds {
                if job
                    .step(report.attention.len(), total, "measurements")
                    .is_err()
                {
                    report.stopped = true;
                    return Ok(report);
                }
                let timing = self.attention_timing(bench, tokens, half_window);
                each(&timing);
                report.attention.push(timing);
            }
        }
        Ok(report)
    }

    fn product_timing(&self) -> ProductTiming {
        let device = &self.device.device;
        let [rows, inputs, outputs] = [1024, 768, 2304];
        let x = random::<2>([rows, inputs], device);
        let weight = random::<2>([outputs, inputs], device);
        let operations = 2.0 * (rows * inputs * outputs) as f64;
        let gflops = |seconds: f64| operations / seconds / 1e9;
        ProductTiming {
            gflops: gflops(median(device, || {
                kernels::linear(x.clone(), weight.clone());
            })),
            burn_gflops: gflops(median(device, || {
                x.clone().matmul(weight.clone().transpose());
            })),
        }
    }

    fn attention_timing(
        &self,
        bench: &AttentionBench,
        tokens: usize,
        half_window: Option<usize>,
    ) -> AttentionTiming {
        let device = &self.device.device;
        let heads = HeadShape {
            heads: bench.heads,
            head_dim: bench.head_dim,
        };
        let call = AttentionCall::new(heads, Sequences::from_lengths(&[tokens]), half_window);
        let qkv = random::<2>([tokens, 3 * heads.width()], device);
        let forward = median(device, || {
            kernels::attention(qkv.clone(), &call);
        });
        let with_gradient = gradient_median(device, [qkv.clone()], |[qkv]| {
            kernels::attention(qkv, &call).out
        });
        let visible: usize = (0..tokens)
            .map(|query| {
                let half = half_window.unwrap_or(tokens);
                (query + half + 1).min(tokens) - query.saturating_sub(half)
            })
            .sum();
        let operations = 4.0 * (visible * heads.width()) as f64;
        let burn = self.burn_timing(&call, tokens);
        let left_out = burn.as_ref().err().cloned();
        let burn = burn.ok();
        AttentionTiming {
            tokens,
            half_window,
            forward,
            with_gradient,
            gflops: operations / forward / 1e9,
            gradient_gflops: 2.5 * operations / (with_gradient - forward).max(1e-9) / 1e9,
            burn_forward: burn.map(|[forward, _]| forward),
            burn_with_gradient: burn.map(|[_, with_gradient]| with_gradient),
            burn_left_out: left_out,
        }
    }

    /// burn's attention, forward and with gradient.
    fn burn_timing(&self, call: &AttentionCall, tokens: usize) -> Result<[f64; 2], String> {
        let HeadShape { heads, head_dim } = call.heads;
        let scores = (heads * tokens * tokens * size_of::<f32>()) as u64;
        // Scores, weights and their gradients exist side by side.
        let limit = self.device.tensor_bytes().unwrap_or(2 << 30);
        if scores > limit {
            return Err(format!(
                "its scores are one tensor of {} MiB, and {} MiB can be had",
                scores >> 20,
                limit >> 20
            ));
        }
        let device = &self.device.device;
        let inputs = std::array::from_fn(|_| random::<4>([1, heads, tokens, head_dim], device));
        let mask = call.half_window.map(|half| {
            let hidden: Vec<bool> = (0..tokens)
                .flat_map(|query| (0..tokens).map(move |key: usize| key.abs_diff(query) > half))
                .collect();
            TensorData::new(hidden, [1, 1, tokens, tokens])
        });
        let attention = |[q, k, v]: [Tensor<4>; 3]| {
            let mask = mask
                .clone()
                .map(|mask| Tensor::<4, Bool>::from_data(mask, &q.device()));
            module::attention(q, k, v, mask, None, AttentionModuleOptions::default())
        };
        let forward = median(device, || {
            attention(inputs.clone());
        });
        Ok([forward, gradient_median(device, inputs, attention)])
    }
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}

/// The median time, in seconds, of at least three runs that wait for the device, after one that
/// is not timed.
fn median(device: &Device, mut run: impl FnMut()) -> f64 {
    let mut timed = || {
        let start = Instant::now();
        run();
        // A failed device shows itself when a result is read.
        let _ = device.sync();
        start.elapsed()
    };
    timed();
    let mut times = Vec::new();
    let mut sum = Duration::ZERO;
    while times.len() < 3 || (sum < Duration::from_millis(300) && times.len() < 25) {
        let time = timed();
        sum += time;
        times.push(time);
    }
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

/// The same of `run` and its gradient with respect to all inputs.
fn gradient_median<const N: usize, const D: usize, const O: usize>(
    device: &Device,
    inputs: [Tensor<D>; N],
    run: impl Fn([Tensor<D>; N]) -> Tensor<O>,
) -> f64 {
    let inputs = inputs.map(|input| input.autodiff().require_grad());
    median(device, || {
        let out = run(inputs.clone());
        let gradients = out.sum().backward();
        for input in &inputs {
            let _ = input.grad(&gradients);
        }
    })
}
