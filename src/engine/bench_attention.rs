//! Measures attention and the matrix product of a device, beside burn's own.

use std::time::{Duration, Instant};

use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Bool, Device, Distribution, Tensor, TensorData, module};
use serde::Serialize;

use super::bench_tiers::{PackingTiming, TierTiming};
use super::{DeviceInfo, Engine, EngineError, Job};
use crate::kernels::{self, AttentionCall, DeviceFault, HeadShape, Sequences};

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
    /// Every form of every kernel; none on the CPU.
    pub tiers: Vec<TierTiming>,
    /// One entry per length and kind of layer.
    pub attention: Vec<AttentionTiming>,
    /// Sequences of mixed lengths beside equal ones, in global and sliding layers.
    pub packing: Vec<PackingTiming>,
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

impl ProductTiming {
    /// The better of both: what attention is measured by.
    pub(super) fn best(&self) -> f64 {
        self.gflops.max(self.burn_gflops)
    }
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
    /// The forward rate as a share of the device's best matrix product,
    pub of_product: f64,
    /// and that of the gradient.
    pub gradient_of_product: f64,
    /// Bytes that are read and written once, forward and backward: inputs, results, statistics.
    pub bytes: u64,
    /// Most memory that was reserved for it on the device, in bytes, where the device tells.
    pub peak_bytes: Option<u64>,
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
        let kinds = [None, Some(bench.half_window)];
        let tiers = kernels::forms(&self.device.device).len();
        let total = (bench.lengths.len() + 1) * kinds.len() + tiers;
        let matrix_product = self.product_timing()?;
        let mut report = AttentionBenchReport {
            device: self.device.info.clone(),
            tiers: Vec::new(),
            attention: Vec::new(),
            packing: Vec::new(),
            stopped: false,
            matrix_product,
        };
        for &tokens in &bench.lengths {
            for half_window in kinds {
                if job
                    .step(report.attention.len(), total, "measurements")
                    .is_err()
                {
                    report.stopped = true;
                    return Ok(report);
                }
                let best = report.matrix_product.best();
                let timing = self.attention_timing(bench, tokens, half_window, best)?;
                each(&timing);
                report.attention.push(timing);
            }
        }
        for half_window in kinds {
            let done = report.attention.len() + report.packing.len();
            if job.step(done, total, "measurements").is_err() {
                report.stopped = true;
                return Ok(report);
            }
            report
                .packing
                .push(self.packing_timing(bench, half_window)?);
        }
        let done = report.attention.len() + report.packing.len();
        let best = report.matrix_product.best();
        report.stopped = !self.tier_timings(best, &mut report.tiers, &mut |tier| {
            job.step(done + tier, total, "measurements").is_ok()
        })?;
        Ok(report)
    }

    fn product_timing(&self) -> Result<ProductTiming, DeviceFault> {
        let device = &self.device.device;
        let [rows, inputs, outputs] = [1024, 768, 2304];
        let x = random::<2>([rows, inputs], device);
        let weight = random::<2>([outputs, inputs], device);
        let operations = 2.0 * (rows * inputs * outputs) as f64;
        let gflops = |seconds: f64| operations / seconds / 1e9;
        Ok(ProductTiming {
            gflops: gflops(median(device, || {
                kernels::linear(x.clone(), weight.clone())
            })?),
            burn_gflops: gflops(median(device, || {
                x.clone().matmul(weight.clone().transpose())
            })?),
        })
    }

    fn attention_timing(
        &self,
        bench: &AttentionBench,
        tokens: usize,
        half_window: Option<usize>,
        best_product: f64,
    ) -> Result<AttentionTiming, DeviceFault> {
        let device = &self.device.device;
        device.memory_cleanup();
        let heads = HeadShape {
            heads: bench.heads,
            head_dim: bench.head_dim,
        };
        let call = AttentionCall::new(heads, Sequences::from_lengths(&[tokens]), half_window);
        let qkv = random::<2>([tokens, 3 * heads.width()], device);
        let forward = median(device, || kernels::attention(qkv.clone(), &call).out)?;
        let with_gradient = gradient_median(device, [qkv.clone()], |[qkv]| {
            kernels::attention(qkv, &call).out
        })?;
        let peak_bytes = device.memory_pool_usage().map(|usage| usage.bytes_reserved);
        let operations = operations(&call);
        let gflops = operations / forward / 1e9;
        let gradient_gflops = 2.5 * operations / (with_gradient - forward).max(1e-9) / 1e9;
        // Forward: qkv, out, two statistics; backward: qkv, out, dO, dQKV, and statistics with delta.
        let numbers = tokens * (12 * heads.width() + 7 * heads.heads);
        let burn = self.burn_timing(&call, tokens);
        let left_out = burn.as_ref().err().cloned();
        let burn = burn.ok();
        Ok(AttentionTiming {
            tokens,
            half_window,
            forward,
            with_gradient,
            gflops,
            gradient_gflops,
            of_product: gflops / best_product,
            gradient_of_product: gradient_gflops / best_product,
            bytes: (numbers * size_of::<f32>()) as u64,
            peak_bytes,
            burn_forward: burn.map(|[forward, _]| forward),
            burn_with_gradient: burn.map(|[_, with_gradient]| with_gradient),
            burn_left_out: left_out,
        })
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
        let said = |fault: DeviceFault| fault.to_string();
        let forward = median(device, || attention(inputs.clone())).map_err(said)?;
        let both = gradient_median(device, inputs, attention).map_err(said)?;
        Ok([forward, both])
    }
}

/// Operations of a forward pass: 4 for each visible pair, head and its width.
pub(super) fn operations(call: &AttentionCall) -> f64 {
    let visible: usize = call
        .sequences
        .ranges()
        .map(|range| {
            let tokens = range.len();
            let half = call.half_window.unwrap_or(tokens);
            let of_query =
                |query: usize| (query + half + 1).min(tokens) - query.saturating_sub(half);
            (0..tokens).map(of_query).sum::<usize>()
        })
        .sum();
    4.0 * (visible * call.heads.width()) as f64
}

pub(super) fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}

/// The median time, in seconds, of at least three runs that wait for the device, after one that
/// is not timed; every result can be read.
pub(super) fn median<const D: usize>(
    device: &Device,
    mut run: impl FnMut() -> Tensor<D>,
) -> Result<f64, DeviceFault> {
    let mut timed = || -> Result<Duration, DeviceFault> {
        let start = Instant::now();
        let result = run();
        // What was refused took no time: it shows when it is read.
        let _ = device.sync();
        let time = start.elapsed();
        let all = result.shape().num_elements();
        kernels::values(result.reshape([all]).slice(0..1))?;
        Ok(time)
    };
    timed()?;
    let mut times = Vec::new();
    let mut sum = Duration::ZERO;
    while times.len() < 3 || (sum < Duration::from_millis(300) && times.len() < 25) {
        let time = timed()?;
        sum += time;
        times.push(time);
    }
    times.sort();
    Ok(times[times.len() / 2].as_secs_f64())
}

/// The same of `run` and its gradient with respect to all inputs.
pub(super) fn gradient_median<const N: usize, const D: usize, const O: usize>(
    device: &Device,
    inputs: [Tensor<D>; N],
    run: impl Fn([Tensor<D>; N]) -> Tensor<O>,
) -> Result<f64, DeviceFault> {
    let inputs = inputs.map(|input| input.autodiff().require_grad());
    median(device, || {
        let out = run(inputs.clone());
        let gradients = out.sum().backward();
        let gradients = inputs.each_ref().map(|input| input.grad(&gradients));
        let first = gradients.into_iter().flatten().next();
        first.expect("a gradient reaches every input")
    })
}
