//! The steps of cross-entropy over a chunk of the vocabulary, rows spread over threads.

use rayon::prelude::*;

use super::attention::{exponentials, largest};
use super::simd::{WithSimd, exp_of_negative, vectorized};

/// A chunk of the vocabulary, and which of its entries each row should be.
pub(super) struct Chunk<'a> {
    /// Of its entries.
    pub(super) bias: &'a [f32],
    /// Its first entry.
    pub(super) start: usize,
    /// Of every row, in the whole vocabulary.
    pub(super) targets: &'a [u32],
}

impl Chunk<'_> {
    /// The column of a row's target, if it is in this chunk.
    fn column(&self, row: usize) -> Option<usize> {
        let column = (self.targets[row] as usize).checked_sub(self.start)?;
        (column < self.bias.len()).then_some(column)
    }
}

/// Brings maximum, sum and logit of the target, `[rows, 3]`, up to date with `products`,
/// `[rows, chunk]`, which are lost.
pub(super) fn add(running: &mut [f32], products: &mut [f32], chunk: &Chunk<'_>) {
    running
        .par_chunks_exact_mut(3)
        .zip(products.par_chunks_exact_mut(chunk.bias.len()))
        .enumerate()
        .for_each(|(row, (running, logits))| {
            let (bias, column) = (chunk.bias, chunk.column(row));
            vectorized(Add {
                running,
                logits,
                bias,
                column,
            });
        });
}

/// `(exp(z - max - log_sum) - [target]) · d_loss` in place of `products`, `[rows, chunk]`; `stats`
/// is `[rows, 2]`, `d_losses` `[rows]`.
pub(super) fn grad(products: &mut [f32], stats: &[f32], d_losses: &[f32], chunk: &Chunk<'_>) {
    products
        .par_chunks_exact_mut(chunk.bias.len())
        .zip(stats.par_chunks_exact(2))
        .zip(d_losses)
        .enumerate()
        .for_each(|(row, ((logits, stats), &d_loss))| {
            vectorized(Grad {
                logits,
                bias: chunk.bias,
                stats: [stats[0], stats[1]],
                d_loss,
            });
            if let Some(column) = chunk.column(row) {
                logits[column] -= d_loss;
            }
        });
}

struct Add<'a> {
    running: &'a mut [f32],
    logits: &'a mut [f32],
    bias: &'a [f32],
    column: Option<usize>,
}

impl WithSimd for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) {
        for (logit, &bias) in self.logits.iter_mut().zip(self.bias) {
            *logit += bias;
        }
        let [max, sum, target] = self.running else {
            panic!("cross_entropy: three numbers of a row");
        };
        *target += self.column.map_or(0.0, |column| self.logits[column]);
        let new = max.max(largest(self.logits));
        *sum = *sum * exp_of_negative(*max - new) + exponentials(self.logits, new);
        *max = new;
    }
}

struct Grad<'a> {
    logits: &'a mut [f32],
    bias: &'a [f32],
    /// Largest logit, and logarithm of the sum.
    stats: [f32; 2],
    d_loss: f32,
}

impl WithSimd for Grad<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) {
        let [max, log_sum] = self.stats;
        for (logit, &bias) in self.logits.iter_mut().zip(self.bias) {
            *logit = exp_of_negative((*logit + bias - max) - log_sum) * self.d_loss;
        }
    }
}
