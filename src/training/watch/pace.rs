//! When the next frame is due.

use super::Frame;

/// The share of the time of training that frames may take.
///
/// A run with frames is to be at most 5 % slower; the rest is for what a frame costs besides its own
/// time.
pub const SHARE: f64 = 0.03;

/// How often frames are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Every {
    /// As often as all of them together take no more than [`SHARE`] of the time of training.
    #[default]
    Affordable,
    /// After so many steps each, whatever that takes.
    Steps(u64),
}

/// What frames of a run took.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Pace {
    /// All of them, in seconds.
    pub(super) spent: f64,
    /// The last one, in seconds.
    cost: f64,
    /// The step of the last one.
    last: Option<u64>,
}

/// Where a run is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// Steps that were made.
    pub(super) step: u64,
    /// How long they took.
    pub(super) seconds: f64,
    /// Whether these are all steps.
    pub(super) last: bool,
    /// Whether the model was judged here, or this is the end.
    pub(super) marked: bool,
}

impl Pace {
    /// After a frame that was made before.
    pub(super) fn after(frame: &Frame) -> Self {
        Self {
            spent: frame.spent,
            cost: frame.cost,
            last: Some(frame.step),
        }
    }

    /// A frame was made.
    pub(super) fn made(&mut self, step: u64, cost: f64) {
        self.spent += cost;
        self.cost = cost;
        self.last = Some(step);
    }

    /// Whether a frame is to be made. The first one always is: what it costs is not known before.
    pub(super) fn is_due(&self, every: Every, moment: &Moment) -> bool {
        let Some(last) = self.last else {
            return true;
        };
        if last >= moment.step {
            return false;
        }
        match every {
            Every::Steps(steps) => moment.last || moment.step.is_multiple_of(steps.max(1)),
            Every::Affordable => {
                // Between evaluations one is made only if enough is left for that at the next.
                let frames = if moment.marked { 1.0 } else { 2.0 };
                self.spent + frames * self.cost <= SHARE * moment.seconds
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of a run of steps of a second each, where a frame takes `cost`.
    fn frames(every: Every, steps: u64, cost: f64, judged: u64) -> (Vec<u64>, f64) {
        let mut pace = Pace::default();
        let mut made = Vec::new();
        for step in 0..=steps {
            let moment = Moment {
                step,
                seconds: step as f64,
                last: step == steps,
                marked: step == steps || (step > 0 && step.is_multiple_of(judged)),
            };
            if pace.is_due(every, &moment) {
                made.push(step);
                pace.made(step, cost);
            }
        }
        (made, pace.spent)
    }

    #[test]
    fn frames_take_no_more_than_their_share_and_the_end_is_among_them() {
        for (steps, cost) in [(1000, 1.0), (1000, 3.0), (417, 0.4), (150, 2.0)] {
            let (made, spent) = frames(Every::Affordable, steps, cost, 100);
            assert!(spent <= SHARE * steps as f64, "{steps} {cost}: {spent}");
            assert_eq!(made[0], 0);
            assert_eq!(made.last(), Some(&steps), "{steps} {cost}: {made:?}");
            assert!(
                made.len() as f64 >= SHARE * steps as f64 / cost - 1.5,
                "{made:?}"
            );
        }
        // Too short for a second one.
        assert_eq!(frames(Every::Affordable, 30, 1.0, 10).0, [0]);
    }

    #[test]
    fn every_so_many_steps_means_that_whatever_it_takes() {
        assert_eq!(frames(Every::Steps(4), 10, 99.0, 3).0, [0, 4, 8, 10]);
        assert_eq!(frames(Every::Steps(0), 2, 99.0, 3).0, [0, 1, 2]);
    }
}
