//! Chooses the tilings of a device: each is compared with the f64 loops on small shapes, then
//! timed on larger ones; a wrong or slow one is never taken.

use std::time::{Duration, Instant};

use burn::backend::DispatchDevice;
use burn::tensor::{Device, Distribution, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::tiling::{Choice, Tiling, choose, fits};
use crate::kernels::{self, AttentionCall, HeadShape, Sequences, reference};

/// What is chosen apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tuned {
    /// Products of linear layers.
    Matmul,
    /// Attention, forward.
    Attention,
    /// The gradient of attention.
    AttentionGrad,
}

impl Tuned {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Matmul, Self::Attention, Self::AttentionGrad];

    fn set(self, choice: &mut Choice, tiling: Option<Tiling>) {
        match self {
            Self::Matmul => choice.matmul = tiling,
            Self::Attention => choice.attention = tiling,
            Self::AttentionGrad => choice.attention_grad = tiling.unwrap_or(Tiling::Small),
        }
    }

    /// Whether burn's own operations take part. Both passes of attention must round alike, so its
    /// gradient has no choice of its own there.
    fn has_plain_form(self) -> bool {
        matches!(self, Self::Matmul | Self::Attention)
    }
}

/// One candidate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trial {
    /// Of what.
    pub tuned: Tuned,
    /// `None` is burn's own operation.
    pub tiling: Option<Tiling>,
    /// Largest difference from the f64 loops, over the largest difference allowed.
    pub error: f64,
    /// Median time on the larger shapes, in seconds; `None` if it is wrong or there was no time.
    pub seconds: Option<f64>,
    /// Whether it is used from now on.
    pub chosen: bool,
}

/// Everything that was tried, and the choice.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tuning {
    /// What the device uses.
    pub choice: Choice,
    /// How that came about.
    pub trials: Vec<Trial>,
}

/// Why nothing was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TuneError {
    /// No form of an operation gives right numbers there.
    #[error("no form of an operation computes right on this device; use --device cpu")]
    NothingRight,
    /// The user stopped it.
    #[error("stopped")]
    Stopped,
}

/// How long one dispatch may take, in seconds.
const DISPATCH: f64 = 0.05;

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
fn matmul_work() -> usize {
    PRODUCTS
        .iter()
        .map(|shape| shape.iter().product::<usize>())
        .sum()
}

/// Pairs of the attention that is timed, times the width of all heads.
fn attention_work() -> usize {
    let keys = |tokens: usize, half: Option<usize>| half.map_or(tokens, |half| 2 * half + 1);
    let pairs = ATTENTION.map(|(tokens, half)| tokens * keys(tokens, half));
    pairs.iter().sum::<usize>() * HEADS.width()
}

/// No new candidate begins after this long.
const BUDGET: Duration = Duration::from_secs(4);

/// Tries the tilings that `device` has room for; where time runs out the first that is right is
/// kept, and the others are left out. `go_on` is asked before each candidate, with how many are done of how many.
///
/// # Errors
/// [`TuneError`] when stopped or when nothing is right; the choice is then what it was.
pub fn tune(
    device: &Device,
    go_on: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Option<Tuning>, TuneError> {
    let DispatchDevice::Cube(cube) = device.as_dispatch() else {
        return Ok(None);
    };
    let before = super::tiling::chosen(cube);
    let mut tilings = fits(cube);
    // What is taken without measuring comes first: where time runs out it stays.
    tilings.sort_by_key(|&tiling| before.matmul != Some(tiling));
    let result = Trials {
        device,
        tilings,
        start: Instant::now(),
        go_on,
    }
    .run(before, &mut |choice| choose(cube.clone(), choice));
    choose(
        cube.clone(),
        result.as_ref().map_or(before, |tuning| tuning.choice),
    );
    result.map(Some)
}

struct Trials<'a> {
    device: &'a Device,
    tilings: Vec<Tiling>,
    start: Instant,
    go_on: &'a mut dyn FnMut(usize, usize) -> bool,
}

impl Trials<'_> {
    fn run(self, mut choice: Choice, apply: &mut dyn FnMut(Choice)) -> Result<Tuning, TuneError> {
        let candidates: Vec<(Tuned, Option<Tiling>)> = Tuned::ALL
            .into_iter()
            .flat_map(|tuned| {
                let plain = tuned.has_plain_form().then_some(None);
                let tilings = self.tilings.iter().copied().map(Some);
                tilings.chain(plain).map(move |tiling| (tuned, tiling))
            })
            .collect();
        let mut trials: Vec<Trial> = Vec::new();
        for (done, &(tuned, tiling)) in candidates.iter().enumerate() {
            if !(self.go_on)(done, candidates.len()) {
                return Err(TuneError::Stopped);
            }
            if tuned == Tuned::AttentionGrad && choice.attention.is_none() {
                continue;
            }
            let none_yet = !trials
                .iter()
                .any(|trial| trial.tuned == tuned && trial.chosen);
            if !none_yet && self.late(tuned) {
                continue;
            }
            let mut candidate = choice;
            tuned.set(&mut candidate, tiling);
            apply(candidate);
            // JSON knows neither NaN nor infinity.
            let error = self.error(tuned).min(f64::MAX);
            let right = error <= 1.0;
            let seconds = (right && !self.late(tuned)).then(|| self.seconds(tuned));
            let best = trials
                .iter()
                .filter(|trial| trial.tuned == tuned)
                .filter_map(|trial| trial.seconds)
                .fold(f64::INFINITY, f64::min);
            let chosen = right && (none_yet || seconds.is_some_and(|seconds| seconds < best));
            if chosen {
                let others = trials.iter_mut().filter(|trial| trial.tuned == tuned);
                others.for_each(|trial| trial.chosen = false);
                choice = candidate;
            }
            trials.push(Trial {
                tuned,
                tiling,
                error,
                seconds,
                chosen,
            });
        }
        let fastest = |tuned: Tuned| {
            let chosen = trials
                .iter()
                .find(|trial| trial.tuned == tuned && trial.chosen);
            chosen.and_then(|trial| trial.seconds)
        };
        let per_dispatch = |work: usize, seconds: f64| (work as f64 * DISPATCH / seconds) as usize;
        if let Some(seconds) = fastest(Tuned::Matmul) {
            choice.matmul_per_dispatch = per_dispatch(matmul_work(), seconds);
        }
        // The slowest pass takes less than the forward pass and all of the gradient together.
        if let Some(seconds) = fastest(Tuned::AttentionGrad) {
            choice.attention_per_dispatch = per_dispatch(attention_work(), seconds);
        }
        let complete = candidates.iter().all(|&(tuned, _)| {
            let mut own = trials.iter().filter(|trial| trial.tuned == tuned);
            own.clone().next().is_none() || own.any(|trial| trial.chosen)
        });
        match complete {
            true => Ok(Tuning { choice, trials }),
            false => Err(TuneError::NothingRight),
        }
    }

    /// Whether the time for a kind of kernel is over: each may take an equal part.
    fn late(&self, tuned: Tuned) -> bool {
        let place = Tuned::ALL.iter().position(|&other| other == tuned);
        let parts = place.map_or(0, |place| place as u32 + 1);
        self.start.elapsed() > BUDGET / Tuned::ALL.len() as u32 * parts
    }

    /// Difference from the loops over what is allowed: `2e-6 + 2e-5 · max|want|`, the limit of the
    /// reference cases.
    fn error(&self, tuned: Tuned) -> f64 {
        let device = self.device;
        match tuned {
            Tuned::Matmul => {
                let [rows, inputs, outputs] = [133, 132, 140];
                let (x, weight) = (numbers(rows * inputs, 1), numbers(outputs * inputs, 2));
                let turned = reference::transpose(&doubles(&weight), inputs);
                let want = reference::matmul(&doubles(&x), &turned, [rows, inputs, outputs]);
                let x = matrix(&x, inputs, device);
                let got = kernels::linear(x, matrix(&weight, inputs, device));
                ratio(got, &want)
            }
            Tuned::Attention | Tuned::AttentionGrad => [None, Some(9)]
                .into_iter()
                .map(|half_window| {
                    let heads = HeadShape {
                        heads: 2,
                        head_dim: 64,
                    };
                    let sequences = Sequences::from_lengths(&[70, 1, 33]);
                    let call = AttentionCall::new(heads, sequences, half_window);
                    let values = numbers(104 * 3 * heads.width(), 3);
                    let qkv = matrix(&values, 3 * heads.width(), device);
                    if tuned == Tuned::Attention {
                        let want = reference::attention(&doubles(&values), &call).out;
                        return ratio(kernels::attention(qkv, &call).out, &want);
                    }
                    let d_out = numbers(104 * heads.width(), 4);
                    let want =
                        reference::attention_backward(&doubles(&values), &doubles(&d_out), &call);
                    let qkv = qkv.autodiff().require_grad();
                    let d_out = matrix(&d_out, heads.width(), device).autodiff();
                    let loss = (kernels::attention(qkv.clone(), &call).out * d_out).sum();
                    match qkv.grad(&loss.backward()) {
                        Some(got) => ratio(got, &want),
                        None => f64::INFINITY,
                    }
                })
                .fold(0.0, worse),
        }
    }

    /// Median time of two shapes together.
    fn seconds(&self, tuned: Tuned) -> f64 {
        let device = self.device;
        let random = |rows, columns| {
            Tensor::<2>::random([rows, columns], Distribution::Normal(0.0, 1.0), device)
        };
        match tuned {
            Tuned::Matmul => {
                let inputs = PRODUCTS
                    .map(|[rows, columns, depth]| (random(rows, depth), random(columns, depth)));
                self.median(tuned, || {
                    for (x, weight) in &inputs {
                        kernels::linear(x.clone(), weight.clone());
                    }
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
                    return self.median(tuned, || {
                        for (qkv, call) in inputs.iter().zip(&calls) {
                            kernels::attention(qkv.clone(), call);
                        }
                    });
                }
                let inputs = inputs.map(|qkv| qkv.autodiff().require_grad());
                self.median(tuned, || {
                    for (qkv, call) in inputs.iter().zip(&calls) {
                        let loss = kernels::attention(qkv.clone(), call).out.sum();
                        let _ = qkv.grad(&loss.backward());
                    }
                })
            }
        }
    }

    fn median(&self, tuned: Tuned, mut run: impl FnMut()) -> f64 {
        let mut timed = || {
            let start = Instant::now();
            run();
            // A failed device shows itself when a result is read.
            let _ = self.device.sync();
            start.elapsed()
        };
        timed();
        let mut times = Vec::new();
        while times.is_empty() || (times.len() < 5 && !self.late(tuned)) {
            times.push(timed());
        }
        times.sort();
        times[times.len() / 2].as_secs_f64()
    }
}

/// The larger of two; NaN is the largest.
fn worse(a: f64, b: f64) -> f64 {
    match a > b || a.is_nan() {
        true => a,
        false => b,
    }
}

fn ratio(got: Tensor<2>, want: &[f64]) -> f64 {
    let Ok(got) = got.into_data().try_into_vec::<f32>() else {
        return f64::INFINITY;
    };
    let largest = want.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    let differences = got
        .iter()
        .zip(want)
        .map(|(&got, want)| (f64::from(got) - want).abs());
    differences.fold(0.0, worse) / (2e-6 + 2e-5 * largest)
}

fn matrix(values: &[f32], columns: usize, device: &Device) -> Tensor<2> {
    let shape = [values.len() / columns, columns];
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

/// Numbers in [-2, 2) that follow no pattern, the same every time (xorshift64, Marsaglia 2003).
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 22) as f32 - 2.0
    };
    (0..count).map(|_| next()).collect()
}

/// Lets `device` use what was chosen for it before. Nothing happens on the CPU.
pub fn set_choice(device: &Device, choice: Choice) {
    if let DispatchDevice::Cube(cube) = device.as_dispatch() {
        choose(cube.clone(), choice);
    }
}
