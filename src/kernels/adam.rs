//! One update of a parameter by AdamW or one of the two StableAdamW rules, and the squared norm
//! that clipping needs.
//!
//! With gradient `g` (times `scale`), step `t` from 1, and all means over one parameter:
//!
//! - AdamW (Loshchilov and Hutter 2019, as torch computes it): `m = b1 m + (1-b1) g`,
//!   `v = b2 v + (1-b2) g²`, `p = p (1 - lr wd) - lr/(1-b1^t) · m / (sqrt(v)/sqrt(1-b2^t) + eps)`.
//! - StableAdamW (Wortsman et al. 2023, as torch-optimi computes it): the same means with
//!   `h = b (1-b^(t-1))/(1-b^t)` for `b`; `r = lr / max(1, sqrt(mean(g² / max(v, eps²))))`,
//!   `p = p (1 - r wd) - r m / (sqrt(v) + eps)`.
//! - StableAdamW as published with Clinical ModernBERT: the means of AdamW,
//!   `u = m/(1-b1^t)`, `d = sqrt(v) + eps`, `f = min(1, |d|/|u|)` with norms over the parameter,
//!   `p = p (1 - lr wd) - lr/sqrt(1-b2^t) · f u / d`.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::Shape;

use super::ops::AdamParts;

/// Which of the three rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AdamRule {
    /// Decoupled weight decay.
    AdamW,
    /// The rate is divided by the root mean square of the update, where that is above 1.
    StableAdamW,
    /// The rule in the training code published with Clinical ModernBERT.
    StableAdamWPublished,
}

impl AdamRule {
    /// Every rule.
    pub const ALL: [Self; 3] = [Self::AdamW, Self::StableAdamW, Self::StableAdamWPublished];
}

/// One update: its rule and the numbers of this step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamStep {
    /// The rule.
    pub rule: AdamRule,
    /// Learning rate of this step.
    pub lr: f64,
    /// Decay rates of both means.
    pub betas: [f64; 2],
    /// Keeps the denominator away from 0.
    pub eps: f64,
    /// Weight decay of this parameter; 0 where it does not decay.
    pub weight_decay: f64,
    /// The number of the step, from 1.
    pub step: u64,
}

/// What a rule makes of an [`AdamStep`], so that a loop over elements has constants only.
#[derive(Debug, Clone, Copy)]
pub(super) struct Constants {
    pub(super) rule: AdamRule,
    /// What is kept of both means; the rest is taken of the new gradient.
    pub(super) kept: [f64; 2],
    /// Step size before any clip of this rule.
    pub(super) rate: f64,
    /// `m` is multiplied with this before it is compared (published rule).
    pub(super) unbias: f64,
    /// `sqrt(v)` is multiplied with this.
    pub(super) root: f64,
    pub(super) eps: f64,
    pub(super) lr: f64,
    pub(super) weight_decay: f64,
}

impl AdamStep {
    pub(super) fn constants(&self) -> Constants {
        let power = |beta: f64, by: u64| beta.powf(by as f64);
        let [b1, b2] = self.betas;
        let [bias1, bias2] = self.betas.map(|beta| 1.0 - power(beta, self.step));
        let debiased =
            |beta: f64| beta * (1.0 - power(beta, self.step - 1)) / (1.0 - power(beta, self.step));
        let (kept, rate, root) = match self.rule {
            AdamRule::AdamW => ([b1, b2], self.lr / bias1, bias2.sqrt().recip()),
            AdamRule::StableAdamW => ([debiased(b1), debiased(b2)], self.lr, 1.0),
            AdamRule::StableAdamWPublished => ([b1, b2], self.lr / bias2.sqrt() / bias1, 1.0),
        };
        Constants {
            rule: self.rule,
            kept,
            rate,
            unbias: bias1.recip(),
            root,
            eps: self.eps,
            lr: self.lr,
            weight_decay: self.weight_decay,
        }
    }
}

impl Constants {
    /// What is kept of the parameter and the step size, by the two sums that the rule needs of a
    /// parameter of `count` elements: `[Σ g²/max(v, eps²), 0]` or `[Σ d², Σ u²]`.
    pub(super) fn keep_and_rate(&self, sums: [f64; 2], count: usize) -> [f64; 2] {
        let shrink = match self.rule {
            AdamRule::AdamW => 1.0,
            AdamRule::StableAdamW => 1.0 / (sums[0] / count as f64).sqrt().max(1.0),
            // Not a number, if both are 0 or one is not a number: then nothing is clipped.
            AdamRule::StableAdamWPublished => match (sums[0] / sums[1]).sqrt() {
                ratio if ratio < 1.0 => ratio,
                _ => 1.0,
            },
        };
        let decay = match self.rule {
            AdamRule::StableAdamW => self.lr * shrink,
            AdamRule::AdamW | AdamRule::StableAdamWPublished => self.lr,
        };
        [1.0 - decay * self.weight_decay, self.rate * shrink]
    }
}

/// The update from burn's own operations; nothing is read back from the device.
pub(super) fn update<B: Backend>(
    [parameter, gradient, first, second]: [FloatTensor<B>; 4],
    scale: FloatTensor<B>,
    step: AdamStep,
) -> AdamParts<B> {
    let c = step.constants();
    let shape = parameter.shape();
    let count = shape.num_elements();
    let [p, g, m, v] = [parameter, gradient, first, second]
        .map(|tensor| B::float_reshape(tensor, Shape::new([count])));
    let times = |tensor: FloatTensor<B>, by: f64| B::float_mul_scalar(tensor, by.into());
    let plus = |tensor: FloatTensor<B>, more: f64| B::float_add_scalar(tensor, more.into());
    let g = B::float_mul(g, scale);
    let square = B::float_mul(g.clone(), g.clone());
    let m = B::float_add(times(m, c.kept[0]), times(g, 1.0 - c.kept[0]));
    let v = B::float_add(times(v, c.kept[1]), times(square.clone(), 1.0 - c.kept[1]));
    let root = B::float_sqrt(v.clone());
    let root = if c.root == 1.0 {
        root
    } else {
        times(root, c.root)
    };
    let denominator = plus(root, c.eps);
    let direction = B::float_div(m.clone(), denominator.clone());
    let p = match c.rule {
        AdamRule::AdamW => {
            let [keep, rate] = c.keep_and_rate([0.0; 2], count);
            B::float_sub(times(p, keep), times(direction, rate))
        }
        AdamRule::StableAdamW => {
            let floor = B::float_clamp_min(v.clone(), (c.eps * c.eps).into());
            let rms = B::float_sqrt(B::float_mean(B::float_div(square, floor)));
            // 1 / max(1, rms), `[1]`.
            let shrink = B::float_recip(B::float_clamp_min(rms, 1f32.into()));
            let keep = plus(times(shrink.clone(), -c.lr * c.weight_decay), 1.0);
            let rate = times(shrink, c.rate);
            B::float_sub(B::float_mul(p, keep), B::float_mul(direction, rate))
        }
        AdamRule::StableAdamWPublished => {
            let sum = |tensor: FloatTensor<B>| B::float_sum(B::float_mul(tensor.clone(), tensor));
            let ratio = B::float_div(sum(denominator), sum(times(m.clone(), c.unbias)));
            let shrink = B::float_clamp_max(B::float_sqrt(ratio), 1f32.into());
            let rate = times(shrink, c.rate);
            let [keep, _] = c.keep_and_rate([1.0; 2], count);
            B::float_sub(times(p, keep), B::float_mul(direction, rate))
        }
    };
    AdamParts {
        parameter: B::float_reshape(p, shape.clone()),
        first: B::float_reshape(m, shape.clone()),
        second: B::float_reshape(v, shape),
    }
}

/// The sum of squares of all elements, `[1]`.
pub(super) fn sum_of_squares<B: Backend>(tensor: FloatTensor<B>) -> FloatTensor<B> {
    B::float_sum(B::float_mul(tensor.clone(), tensor))
}

#[cfg(test)]
pub(super) mod tests {
    use burn::backend::Flex;

    use super::super::ops::EncoderOps;
    use super::super::reference;
    use super::super::tests::layers::{FLEX, On};
    use super::super::tests::{Numbers, doubles, error, floats, floor, primitive};
    use super::*;

    /// Sizes below, at and beyond what a thread, a workgroup and a launch take at a time.
    pub(in crate::kernels) const SHAPES: [[usize; 2]; 5] =
        [[1, 1], [7, 5], [1, 16_385], [300, 200], [513, 1024]];

    pub(in crate::kernels) type Form<B> =
        fn([FloatTensor<B>; 4], FloatTensor<B>, AdamStep) -> AdamParts<B>;

    /// The form that a backend takes.
    pub(in crate::kernels) fn own<B: EncoderOps>(
        [parameter, gradient, first, second]: [FloatTensor<B>; 4],
        scale: FloatTensor<B>,
        step: AdamStep,
    ) -> AdamParts<B> {
        B::adam(parameter, gradient, first, second, scale, step)
    }

    /// How far parameter and both means are off after some steps with gradients that jump, so that
    /// both clips act in some steps and not in others; and what rounding costs. `broken` leaves
    /// weight decay out of what is compared with.
    fn errors<B: EncoderOps>(
        on: &On<B>,
        form: impl Fn([FloatTensor<B>; 4], FloatTensor<B>, AdamStep) -> AdamParts<B>,
        rule: AdamRule,
        shape: [usize; 2],
        broken: bool,
    ) -> [(f64, f64); 3] {
        const SCALE: f32 = 0.5;
        let count = shape[0] * shape[1];
        let mut numbers = Numbers(0x5EED);
        let start = numbers.take(count);
        let mut want = [doubles(&start), vec![0.0; count], vec![0.0; count]];
        let tensor = |values: &[f32]| (on.tensor)(values, &shape);
        let zeros = || tensor(&vec![0.0; count]);
        let mut got = [tensor(&start), zeros(), zeros()];
        for number in 1..=5 {
            let jump = [1.0, 1e-3, 30.0][number % 3];
            let gradient: Vec<f32> = numbers.take(count).iter().map(|g| g * jump).collect();
            let step = AdamStep {
                rule,
                lr: 0.01,
                betas: [0.9, 0.98],
                eps: 1e-6,
                weight_decay: 0.1,
                step: number as u64,
            };
            let scaled: Vec<f64> = gradient.iter().map(|&g| f64::from(g * SCALE)).collect();
            let [p, m, v] = &mut want;
            let decay = if broken { 0.0 } else { step.weight_decay };
            let oracle = AdamStep {
                weight_decay: decay,
                ..step
            };
            reference::adam([p, m, v], &scaled, &oracle);
            let [p, m, v] = got;
            let tensors = [p, tensor(&gradient), m, v];
            let parts = form(tensors, (on.tensor)(&[SCALE], &[1]), step);
            got = [parts.parameter, parts.first, parts.second];
        }
        let mut pairs = got.into_iter().zip(&want);
        std::array::from_fn(|_| {
            let (got, want) = pairs.next().unwrap();
            (error(&(on.read)(got), want), floor(want))
        })
    }

    /// How many times further off than allowed a form is, at the worst, on parameters of these
    /// shapes; a form may be off by twice what burn's operations are on the CPU.
    pub(in crate::kernels) fn excess<B: EncoderOps>(
        on: &On<B>,
        form: impl Fn([FloatTensor<B>; 4], FloatTensor<B>, AdamStep) -> AdamParts<B>,
        rule: AdamRule,
        shapes: &[[usize; 2]],
    ) -> f64 {
        let mut worst: f64 = 0.0;
        for &shape in shapes {
            let plain = errors(&FLEX, update::<Flex>, rule, shape, false);
            let fast = errors(on, &form, rule, shape, false);
            for ((plain, floor), (fast, _)) in plain.into_iter().zip(fast) {
                let ratio = fast / (2.0 * plain + floor);
                worst = if ratio.is_nan() {
                    f64::INFINITY
                } else {
                    worst.max(ratio)
                };
            }
        }
        worst
    }

    #[test]
    fn every_rule_agrees_with_the_loops() {
        for rule in AdamRule::ALL {
            for shape in SHAPES {
                for (plain, floor) in errors(&FLEX, update::<Flex>, rule, shape, false) {
                    assert!(
                        plain <= 5.0 * floor,
                        "{rule:?} {shape:?}: {plain:e} {floor:e}"
                    );
                }
            }
            let fast = excess(&FLEX, own::<Flex>, rule, &SHAPES);
            assert!(fast <= 1.0, "{rule:?}: {fast} times the allowed");
        }
    }

    #[test]
    fn decay_that_is_left_out_is_noticed() {
        for rule in AdamRule::ALL {
            for form in [update::<Flex> as Form<Flex>, own::<Flex>] {
                let [(error, floor), ..] = errors(&FLEX, form, rule, [7, 5], true);
                assert!(error > 100.0 * floor, "{rule:?}: {error:e}");
            }
        }
    }

    #[test]
    fn squares_are_summed_in_any_size() {
        for count in [1, 15, 16, 40_001] {
            let numbers = Numbers(7).take(count);
            let want = [doubles(&numbers).iter().map(|x| x * x).sum::<f64>()];
            let tensor = primitive(&numbers, [count]);
            for sum in [
                sum_of_squares::<Flex>(tensor.clone()),
                Flex::sum_of_squares(tensor),
            ] {
                let off = error(&floats(sum), &want);
                assert!(off <= 5.0 * floor(&want), "{count}: {off:e}");
            }
        }
    }
}
