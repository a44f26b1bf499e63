//! The update of a parameter in one pass over its memory, or two where a rule compares sums.

use rayon::prelude::*;

use super::simd::{WithSimd, sum, vectorized};
use crate::kernels::adam::{AdamRule, AdamStep, Constants};

/// Elements that one thread takes at a time. Sums are made by chunk and added in order, so they
/// do not depend on the number of threads.
const CHUNK: usize = 1 << 14;

/// Changes parameter and both means in place; `scale` multiplies the gradient.
pub(super) fn update(
    [parameter, first, second]: [&mut [f32]; 3],
    gradient: &[f32],
    scale: f32,
    step: AdamStep,
) {
    let constants = step.constants();
    let count = gradient.len();
    if constants.rule == AdamRule::AdamW {
        let rates = constants.keep_and_rate([0.0; 2], count);
        parameter
            .par_chunks_mut(CHUNK)
            .zip(first.par_chunks_mut(CHUNK))
            .zip(second.par_chunks_mut(CHUNK))
            .zip(gradient.par_chunks(CHUNK))
            .for_each(|(((p, m), v), g)| {
                vectorized(Means {
                    m,
                    v,
                    g,
                    scale,
                    constants,
                });
                vectorized(Apply {
                    p,
                    m,
                    v,
                    constants,
                    rates,
                });
            });
        return;
    }
    let sums: Vec<[f64; 2]> = first
        .par_chunks_mut(CHUNK)
        .zip(second.par_chunks_mut(CHUNK))
        .zip(gradient.par_chunks(CHUNK))
        .map(|((m, v), g)| {
            vectorized(Means {
                m,
                v,
                g,
                scale,
                constants,
            })
        })
        .collect();
    let sums = sums
        .iter()
        .fold([0.0; 2], |[a, b], sum| [a + sum[0], b + sum[1]]);
    let rates = constants.keep_and_rate(sums, count);
    parameter
        .par_chunks_mut(CHUNK)
        .zip(first.par_chunks(CHUNK))
        .zip(second.par_chunks(CHUNK))
        .for_each(|((p, m), v)| {
            vectorized(Apply {
                p,
                m,
                v,
                constants,
                rates,
            })
        });
}

/// The sum of squares.
pub(super) fn sum_of_squares(values: &[f32]) -> f32 {
    let sums: Vec<f64> = values
        .par_chunks(CHUNK)
        .map(|values| vectorized(Squares(values)))
        .collect();
    sums.iter().sum::<f64>() as f32
}

/// Brings both means up to date; returns the sums that the rule compares.
struct Means<'a> {
    m: &'a mut [f32],
    v: &'a mut [f32],
    g: &'a [f32],
    scale: f32,
    constants: Constants,
}

impl WithSimd for Means<'_> {
    type Output = [f64; 2];

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) -> [f64; 2] {
        let c = self.constants;
        let [k1, k2] = c.kept.map(|kept| kept as f32);
        let [n1, n2] = c.kept.map(|kept| (1.0 - kept) as f32);
        for ((m, v), &g) in self.m.iter_mut().zip(self.v.iter_mut()).zip(self.g) {
            let g = g * self.scale;
            *m = k1 * *m + n1 * g;
            *v = k2 * *v + n2 * g * g;
        }
        let (eps, unbias) = (c.eps as f32, c.unbias as f32);
        let floor = (c.eps * c.eps) as f32;
        match c.rule {
            AdamRule::AdamW => [0.0; 2],
            AdamRule::StableAdamW => {
                let square = |g: f32| (g * self.scale) * (g * self.scale);
                let share = |(&g, &v): (&f32, &f32)| square(g) / v.max(floor);
                [sum(self.g, self.v, share), 0.0]
            }
            AdamRule::StableAdamWPublished => [
                sum(self.v, self.v, |(&v, _)| {
                    let d = v.sqrt() + eps;
                    d * d
                }),
                sum(self.m, self.m, |(&m, _)| {
                    let u = m * unbias;
                    u * u
                }),
            ],
        }
    }
}

/// Moves the parameter along its mean gradient.
struct Apply<'a> {
    p: &'a mut [f32],
    m: &'a [f32],
    v: &'a [f32],
    constants: Constants,
    /// What is kept of the parameter, and the step size.
    rates: [f64; 2],
}

impl WithSimd for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) {
        let [keep, rate] = self.rates.map(|rate| rate as f32);
        let (root, eps) = (self.constants.root as f32, self.constants.eps as f32);
        for ((p, &m), &v) in self.p.iter_mut().zip(self.m).zip(self.v) {
            *p = keep * *p - rate * m / (v.sqrt() * root + eps);
        }
    }
}

struct Squares<'a>(&'a [f32]);

impl WithSimd for Squares<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) -> f64 {
        sum(self.0, self.0, |(&a, _)| a * a)
    }
}
