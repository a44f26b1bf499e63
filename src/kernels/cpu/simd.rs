//! Elementary functions of f32 as arithmetic without branches, so that a loop over them becomes
//! vector instructions, and the dispatch to what the processor has.

use crate::kernels::activation::{ERF_P, ERF_Q};

pub(super) use pulp::WithSimd;

/// Runs `work` compiled for the best vector instructions of this processor.
pub(super) fn vectorized<W: WithSimd>(work: W) -> W::Output {
    pulp::Arch::new().dispatch(work)
}

/// Accumulators that run side by side in a sum or maximum: as many as the widest registers hold.
pub(super) const LANES: usize = 16;

/// The sum of a function of two elements, in f32 lanes that are added up in f64.
#[inline(always)]
pub(super) fn sum(a: &[f32], b: &[f32], of: impl Fn((&f32, &f32)) -> f32) -> f64 {
    let mut lanes = [0f32; LANES];
    let (whole_a, rest_a) = a.as_chunks::<LANES>();
    let (whole_b, rest_b) = b.as_chunks::<LANES>();
    for (a, b) in whole_a.iter().zip(whole_b) {
        for (lane, pair) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += of(pair);
        }
    }
    let rest: f64 = rest_a
        .iter()
        .zip(rest_b)
        .map(|pair| f64::from(of(pair)))
        .sum();
    lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>() + rest
}

/// `e^x` for `x <= 0`, relative error below 3e-7; 0 below -87.
///
/// `x = n ln 2 + r` with `|r| <= ln 2 / 2`; `e^r` is a polynomial with least largest relative
/// error, `2^n` is built from its exponent bits.
#[inline(always)]
pub(super) fn exp_of_negative(x: f32) -> f32 {
    /// Adding and taking away 1.5 · 2^23 rounds to the nearest integer.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 as the sum of a number with few digits, whose multiples are exact, and the rest.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const SMALLEST: f32 = -87.0;
    let clamped = x.max(SMALLEST);
    let n = (clamped * std::f32::consts::LOG2_E + ROUND) - ROUND;
    let r = (clamped - n * LN_2_HIGH) - n * LN_2_LOW;
    let tail = 4.999_999_3e-1
        + r * (1.666_652_1e-1 + r * (4.166_838_7e-2 + r * (8.368_71e-3 + r * 1.381_461_4e-3)));
    let power = f32::from_bits((((n as i32) + 127) << 23) as u32);
    let value = (1.0 + r + r * r * tail) * power;
    if x >= SMALLEST {
        value
    } else if x.is_nan() {
        // `max` above would hide it.
        x
    } else {
        0.0
    }
}

/// The error function, absolute error below 5e-7: `x P(x²) / Q(x²)` on `|x| <= 4`; beyond, it is
/// ±1 to that accuracy.
#[inline(always)]
pub(super) fn erf(x: f32) -> f32 {
    let x = x.clamp(-4.0, 4.0);
    let u = x * x;
    let polynomial =
        |c: [f32; 6]| c[0] + u * (c[1] + u * (c[2] + u * (c[3] + u * (c[4] + u * c[5]))));
    x * polynomial(ERF_P) / polynomial(ERF_Q)
}

/// The exact GELU, `x / 2 * (1 + erf(x / sqrt 2))`.
#[inline(always)]
pub(super) fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::reference;

    #[test]
    fn exp_is_as_near_as_it_says() {
        for step in 0..=870_000 {
            let x = -(step as f32) * 1e-4;
            let want = f64::from(x).exp();
            let error = (f64::from(exp_of_negative(x)) - want).abs() / want;
            assert!(error < 3e-7, "exp({x}): relative error {error:e}");
        }
        assert_eq!(exp_of_negative(0.0), 1.0);
        assert_eq!(exp_of_negative(-87.1), 0.0);
        assert_eq!(exp_of_negative(-1e30), 0.0);
        assert_eq!(exp_of_negative(f32::NEG_INFINITY), 0.0);
        assert!(exp_of_negative(f32::NAN).is_nan() && gelu(f32::NAN).is_nan());
    }

    #[test]
    fn gelu_is_as_near_as_the_error_function() {
        for step in -80_000..=80_000 {
            let x = step as f32 * 1e-4;
            let error = (f64::from(gelu(x)) - reference::gelu(f64::from(x))).abs();
            let limit = 0.5 * f64::from(x).abs() * 5e-7 + 1e-7;
            assert!(error <= limit, "gelu({x}): error {error:e}");
        }
        assert_eq!(gelu(20.0), 20.0);
    }
}
