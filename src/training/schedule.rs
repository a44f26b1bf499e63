//! The learning rate of each step: a pure function.

use serde::{Deserialize, Serialize};

/// How the learning rate goes after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleShape {
    /// It stays.
    Constant,
    /// It falls in a line to 0 at the last step.
    Linear,
    /// It falls along half a cosine to 0 at the last step (Loshchilov and Hutter 2017).
    Cosine,
    /// It stays and falls over the last steps only: warm-up, stable, decay (Hu et al. 2024).
    Trapezoid,
}

/// How the learning rate of a trapezoid falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DecayShape {
    /// In a line.
    #[serde(rename = "linear")]
    Linear,
    /// As `1 - sqrt(x)` (Hägele et al. 2024).
    #[serde(rename = "1-sqrt")]
    OneMinusSqrt,
}

/// The learning rate of every step of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// After the warm-up.
    pub shape: ScheduleShape,
    /// The highest rate.
    pub peak: f64,
    /// Steps in which the rate rises in a line.
    pub warmup: u64,
    /// Steps in which the rate of a trapezoid falls.
    pub decay: u64,
    /// How it falls there.
    pub decay_shape: DecayShape,
    /// Steps of the whole run.
    pub total: u64,
}

impl Schedule {
    /// The learning rate of step number `step`, from 0: `peak (step + 1) / warmup` in the warm-up,
    /// then by shape; 0 from `total` on, unless it is constant.
    pub fn lr(&self, step: u64) -> f64 {
        self.peak * self.factor(step)
    }

    fn factor(&self, step: u64) -> f64 {
        if step < self.warmup {
            return (step + 1) as f64 / self.warmup as f64;
        }
        let left = self.total.saturating_sub(step) as f64;
        let after_warmup = self.total.saturating_sub(self.warmup).max(1) as f64;
        match self.shape {
            ScheduleShape::Constant => 1.0,
            _ if left == 0.0 => 0.0,
            ScheduleShape::Linear => left / after_warmup,
            ScheduleShape::Cosine => {
                let done = 1.0 - left / after_warmup;
                0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
            ScheduleShape::Trapezoid if left >= self.decay as f64 => 1.0,
            ScheduleShape::Trapezoid => {
                let left = left / self.decay as f64;
                match self.decay_shape {
                    DecayShape::Linear => left,
                    DecayShape::OneMinusSqrt => 1.0 - (1.0 - left).sqrt(),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(shape: ScheduleShape, decay_shape: DecayShape) -> Vec<f64> {
        let schedule = Schedule {
            shape,
            peak: 2.0,
            warmup: 2,
            decay: 4,
            decay_shape,
            total: 10,
        };
        (0..12).map(|step| schedule.lr(step)).collect()
    }

    #[track_caller]
    fn assert_near(got: &[f64], want: &[f64]) {
        let near = got
            .iter()
            .zip(want)
            .all(|(got, want)| (got - want).abs() < 1e-12);
        assert!(got.len() == want.len() && near, "{got:?}");
    }

    #[test]
    fn rates_by_hand() {
        use DecayShape::{Linear, OneMinusSqrt};
        let constant = [1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0];
        assert_near(&rates(ScheduleShape::Constant, Linear), &constant);
        let linear = [
            1.0, 2.0, 2.0, 1.75, 1.5, 1.25, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0,
        ];
        assert_near(&rates(ScheduleShape::Linear, Linear), &linear);
        let trapezoid = [1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 1.5, 1.0, 0.5, 0.0, 0.0];
        assert_near(&rates(ScheduleShape::Trapezoid, Linear), &trapezoid);
        let root = |left: f64| 2.0 * (1.0 - (1.0 - left).sqrt());
        let sqrt = [root(1.0), root(0.75), root(0.5), root(0.25)];
        assert_near(&rates(ScheduleShape::Trapezoid, OneMinusSqrt)[6..10], &sqrt);
        let cosine = rates(ScheduleShape::Cosine, Linear);
        assert_near(&[cosine[2], cosine[6], cosine[10]], &[2.0, 1.0, 0.0]);
    }

    #[test]
    fn a_run_without_a_warm_up_or_shorter_than_it_has_rates() {
        let short = Schedule {
            shape: ScheduleShape::Linear,
            peak: 1.0,
            warmup: 5,
            decay: 0,
            decay_shape: DecayShape::Linear,
            total: 3,
        };
        assert_near(&[short.lr(0), short.lr(2)], &[0.2, 0.6]);
        let none = Schedule { warmup: 0, ..short };
        assert_near(
            &[none.lr(0), none.lr(2), none.lr(3)],
            &[1.0, 1.0 / 3.0, 0.0],
        );
        let flat = Schedule {
            shape: ScheduleShape::Trapezoid,
            ..none
        };
        assert_near(&[flat.lr(0), flat.lr(2)], &[1.0, 1.0]);
    }
}
