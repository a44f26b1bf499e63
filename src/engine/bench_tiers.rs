//! Measures what `bench attention` shows beside lengths: every form of every kernel, and packed
//! sequences of mixed lengths.

use serde::Serialize;

use super::Engine;
use super::bench_attention::{AttentionBench, gradient_median, median, operations, random};
use crate::kernels::{self, AttentionCall, DeviceFault, HeadShape, KernelForm, Sequences, Tuned};

/// The speed of one form of a kernel.
#[derive(Debug, Clone, Serialize)]
pub struct TierTiming {
    /// Of what.
    pub tuned: Tuned,
    /// In which form.
    #[serde(flatten)]
    pub form: KernelForm,
    /// Whether the device uses it.
    pub chosen: bool,
    /// Median time, in seconds.
    pub seconds: f64,
    /// 10⁹ operations per second; a gradient counts 2.5 times the forward pass (Dao et al. 2022).
    pub gflops: f64,
    /// The same as a share of the device's best matrix product.
    pub of_product: f64,
}

/// Packed sequences of mixed lengths, forward and backward, beside equal ones of the same number.
#[derive(Debug, Clone, Serialize)]
pub struct PackingTiming {
    /// `None` in global layers.
    pub half_window: Option<usize>,
    /// 10⁹ operations per second with equal lengths,
    pub equal_gflops: f64,
    /// and with mixed ones.
    pub mixed_gflops: f64,
    /// The second over the first.
    pub ratio: f64,
}

/// Rows, columns and depth of the product; tokens of the attention.
const PRODUCT: [usize; 3] = [1024, 2304, 768];
const TOKENS: usize = 1024;
const HEADS: HeadShape = HeadShape {
    heads: 4,
    head_dim: 64,
};

/// Lengths with the mean of 256, from short notes to long ones.
const MIXED: [usize; 8] = [37, 64, 129, 200, 256, 310, 430, 622];

impl Engine {
    /// Times every form; false if `go_on` ended it. Afterwards the device uses what it used before.
    pub(super) fn tier_timings(
        &self,
        best_product: f64,
        tiers: &mut Vec<TierTiming>,
        go_on: &mut dyn FnMut(usize) -> bool,
    ) -> Result<bool, DeviceFault> {
        let device = &self.device.device;
        let Some(before) = kernels::current(device) else {
            return Ok(true);
        };
        let mut complete = true;
        for (number, (tuned, form, choice)) in kernels::forms(device).into_iter().enumerate() {
            if !go_on(number) {
                complete = false;
                break;
            }
            kernels::set_choice(device, choice);
            let measured = self.tier_seconds(tuned);
            kernels::set_choice(device, before);
            let (seconds, operations) = measured?;
            let gflops = operations / seconds / 1e9;
            tiers.push(TierTiming {
                tuned,
                form,
                chosen: choice == before,
                seconds,
                gflops,
                of_product: gflops / best_product,
            });
        }
        Ok(complete)
    }

    /// Time and operations of one kind of kernel as the device computes it now.
    fn tier_seconds(&self, tuned: Tuned) -> Result<(f64, f64), DeviceFault> {
        let device = &self.device.device;
        if tuned == Tuned::Matmul {
            let [rows, columns, depth] = PRODUCT;
            let (x, weight) = (
                random([rows, depth], device),
                random([columns, depth], device),
            );
            let seconds = median(device, || kernels::linear(x.clone(), weight.clone()))?;
            return Ok((seconds, 2.0 * (rows * columns * depth) as f64));
        }
        let call = AttentionCall::new(HEADS, Sequences::from_lengths(&[TOKENS]), None);
        let qkv = random::<2>([TOKENS, 3 * HEADS.width()], device);
        let forward = median(device, || kernels::attention(qkv.clone(), &call).out)?;
        if tuned == Tuned::Attention {
            return Ok((forward, operations(&call)));
        }
        let both = gradient_median(device, [qkv], |[qkv]| kernels::attention(qkv, &call).out)?;
        Ok(((both - forward).max(1e-9), 2.5 * operations(&call)))
    }

    /// Times a packed batch of mixed lengths beside one of equal lengths, by visible pairs.
    pub(super) fn packing_timing(
        &self,
        bench: &AttentionBench,
        half_window: Option<usize>,
    ) -> Result<PackingTiming, DeviceFault> {
        let device = &self.device.device;
        let heads = HeadShape {
            heads: bench.heads,
            head_dim: bench.head_dim,
        };
        let tokens: usize = MIXED.iter().sum();
        let gflops = |lengths: &[usize]| -> Result<f64, DeviceFault> {
            let call = AttentionCall::new(heads, Sequences::from_lengths(lengths), half_window);
            let qkv = random::<2>([tokens, 3 * heads.width()], device);
            let seconds =
                gradient_median(device, [qkv], |[qkv]| kernels::attention(qkv, &call).out)?;
            Ok(3.5 * operations(&call) / seconds / 1e9)
        };
        let equal_gflops = gflops(&[tokens / MIXED.len(); MIXED.len()])?;
        let mixed_gflops = gflops(&MIXED)?;
        Ok(PackingTiming {
            half_window,
            equal_gflops,
            mixed_gflops,
            ratio: mixed_gflops / equal_gflops,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixed_lengths_have_as_many_tokens_as_equal_ones() {
        assert_eq!(MIXED.iter().sum::<usize>() % MIXED.len(), 0);
    }

    #[test]
    fn operations_count_visible_pairs() {
        let call = |lengths: &[usize], half| {
            let heads = HeadShape {
                heads: 2,
                head_dim: 3,
            };
            AttentionCall::new(heads, Sequences::from_lengths(lengths), half)
        };
        assert_eq!(operations(&call(&[4, 1], None)), 4.0 * 6.0 * 17.0);
        // Of four tokens the outer two see two, the inner two three.
        assert_eq!(operations(&call(&[4, 1], Some(1))), 4.0 * 6.0 * 11.0);
    }
}
