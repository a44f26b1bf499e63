//! What a run has done, step by step, as points that can be drawn.

use crate::engine::{TrainEvent, ValidationFigures};

/// A point: steps made, and a value.
pub type Point = [f64; 2];

/// The curves of a run.
#[derive(Debug, Clone, Default)]
pub struct Curves {
    /// Mean loss of each step.
    pub loss: Vec<Point>,
    /// Norm of the gradient before clipping.
    pub norm: Vec<Point>,
    /// Learning rate.
    pub lr: Vec<Point>,
    /// Tokens read in each second of a step.
    pub speed: Vec<Point>,
    /// The model by its validation notes, with the steps made before.
    pub judged: Vec<(u64, ValidationFigures)>,
    /// Steps made before the best model.
    pub best: Option<u64>,
}

/// Steps over which speed is averaged when it is told.
const RECENT: usize = 20;

impl Curves {
    /// Of a whole run.
    pub fn of(events: &[TrainEvent]) -> Self {
        let mut own = Self::default();
        events.iter().for_each(|event| own.add(event));
        own
    }

    /// Adds what happened. A step that was made before is made again: what came after it is gone.
    pub fn add(&mut self, event: &TrainEvent) {
        match event {
            TrainEvent::Step {
                step,
                loss,
                gradient_norm,
                lr,
                tokens,
                seconds,
                ..
            } => {
                let at = *step as f64;
                for (points, value) in [
                    (&mut self.loss, *loss),
                    (&mut self.norm, *gradient_norm),
                    (&mut self.lr, *lr),
                    (&mut self.speed, *tokens as f64 / seconds.max(1e-9)),
                ] {
                    while points.last().is_some_and(|last| last[0] >= at) {
                        points.pop();
                    }
                    points.push([at, value]);
                }
            }
            TrainEvent::Evaluated {
                step,
                evaluation,
                best,
                ..
            } => {
                self.judged.retain(|(own, _)| own < step);
                self.judged.push((*step, (**evaluation).clone()));
                if *best {
                    self.best = Some(*step);
                }
            }
        }
    }

    /// Steps that were made.
    pub fn steps(&self) -> u64 {
        self.loss.last().map_or(0, |last| last[0] as u64)
    }

    /// Tokens a second, over the last steps.
    pub fn recent_speed(&self) -> Option<f64> {
        let from = self.speed.len().saturating_sub(RECENT);
        let own = &self.speed[from..];
        let sum: f64 = own.iter().map(|own| own[1]).sum();
        (!own.is_empty()).then(|| sum / own.len() as f64)
    }
}

/// At most about `most` points of a curve that look as all of them do: of each stretch the lowest and
/// the highest.
pub fn thinned(points: &[Point], most: usize) -> Vec<Point> {
    let most = most.max(4);
    if points.len() <= most {
        return points.to_vec();
    }
    let stretch = (2 * points.len()).div_ceil(most).max(1);
    let mut kept = Vec::with_capacity(most + 2);
    for own in points.chunks(stretch) {
        let by = |a: &&Point, b: &&Point| a[1].total_cmp(&b[1]);
        let (least, largest) = (own.iter().min_by(by), own.iter().max_by(by));
        let mut both: Vec<Point> = least.into_iter().chain(largest).copied().collect();
        both.sort_by(|a, b| a[0].total_cmp(&b[0]));
        both.dedup();
        kept.extend(both);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: u64, loss: f64) -> TrainEvent {
        TrainEvent::Step {
            step,
            epoch: 0,
            loss,
            gradient_norm: 1.0,
            lr: 1e-3,
            tokens: 100,
            seconds: 0.5,
        }
    }

    #[test]
    fn a_step_that_is_made_again_takes_the_place_of_what_came_after() {
        let all = [step(1, 3.0), step(2, 2.0), step(3, 9.0), step(2, 2.5)];
        let own = Curves::of(&all);
        assert_eq!(own.loss, [[1.0, 3.0], [2.0, 2.5]]);
        assert_eq!((own.steps(), own.recent_speed()), (2, Some(200.0)));
    }

    #[test]
    fn thinned_curves_keep_their_peaks() {
        let points: Vec<Point> = (0..10_000)
            .map(|at| [f64::from(at), if at == 7_777 { 50.0 } else { 1.0 }])
            .collect();
        let kept = thinned(&points, 500);
        assert!(kept.len() <= 502, "{}", kept.len());
        assert!(kept.contains(&[7_777.0, 50.0]));
        assert!(kept.is_sorted_by(|a, b| a[0] <= b[0]));
        assert_eq!(thinned(&points[..4], 4), points[..4]);
    }
}
