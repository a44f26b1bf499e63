//! How a training run is going, in a few words beside its progress.

use std::collections::VecDeque;

use crate::engine::TrainEvent;

/// Steps that are looked back at.
const STEPS: usize = 20;

/// Loss and speed of the last steps.
#[derive(Default)]
pub(super) struct Pace {
    /// Loss, tokens and seconds of each.
    last: VecDeque<(f64, u64, f64)>,
}

impl Pace {
    /// Takes note of a step, and says how it is going: means over the last steps. `None` for what is
    /// no step.
    pub(super) fn after(&mut self, event: &TrainEvent) -> Option<String> {
        let TrainEvent::Step {
            loss,
            tokens,
            seconds,
            ..
        } = event
        else {
            return None;
        };
        if self.last.len() == STEPS {
            self.last.pop_front();
        }
        self.last.push_back((*loss, *tokens, *seconds));
        let loss: f64 = self.last.iter().map(|(loss, ..)| loss).sum();
        let tokens: u64 = self.last.iter().map(|(_, tokens, _)| tokens).sum();
        let seconds: f64 = self.last.iter().map(|(.., seconds)| seconds).sum();
        let loss = loss / self.last.len() as f64;
        Some(format!(
            "loss {loss:.4}, {:.0} tokens/s",
            tokens as f64 / seconds.max(1e-9)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_steps_count() {
        let step = |step: u64, loss: f64| TrainEvent::Step {
            step,
            epoch: 0,
            loss,
            gradient_norm: 1.0,
            lr: 1e-3,
            tokens: 100,
            seconds: 0.5,
        };
        let mut pace = Pace::default();
        let first = pace.after(&step(1, 4.0));
        assert_eq!(first.as_deref(), Some("loss 4.0000, 200 tokens/s"));
        let second = pace.after(&step(2, 2.0));
        assert_eq!(second.as_deref(), Some("loss 3.0000, 200 tokens/s"));
        let later = (3..=22).map(|number| pace.after(&step(number, 1.5)));
        let last = later.last().flatten();
        assert_eq!(last.as_deref(), Some("loss 1.5000, 200 tokens/s"));
    }
}
