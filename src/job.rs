//! Carries progress out of a long operation and the wish to stop into it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How often a report reaches the listener at most.
const REPORT_EVERY: Duration = Duration::from_millis(50);

/// The user asked to stop; not an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped before the end; what was finished is kept")]
pub struct Cancelled;

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Units finished.
    pub done: usize,
    /// Units in all.
    pub total: usize,
    /// What one unit is, in the plural: `notes`, `layers`, `cases`.
    pub unit: &'static str,
    /// Estimated time to the end, once there is something to estimate from.
    pub remaining: Option<Duration>,
}

/// Asks a running [`Job`] to stop; cheap to clone and to hand to another thread.
#[derive(Debug, Clone, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Asks to stop at the next step. Returns whether somebody had asked before.
    pub fn stop(&self) -> bool {
        self.0.swap(true, Ordering::SeqCst)
    }

    /// Whether somebody asked to stop.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

type Listener = Box<dyn Fn(Progress) + Send + Sync>;

/// One long operation, seen from inside it.
pub struct Job {
    stop: StopFlag,
    listener: Option<Listener>,
    clock: Mutex<Clock>,
}

struct Clock {
    started: Instant,
    reported: Option<Instant>,
    first_done: Option<usize>,
}

impl Job {
    /// A job that tells nobody and stops when `stop` is set.
    pub fn new(stop: StopFlag) -> Self {
        Self {
            stop,
            listener: None,
            clock: Mutex::new(Clock {
                started: Instant::now(),
                reported: None,
                first_done: None,
            }),
        }
    }

    /// A job that tells `listener`, at most 20 times a second.
    pub fn reporting(stop: StopFlag, listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self {
            listener: Some(Box::new(listener)),
            ..Self::new(stop)
        }
    }

    /// A job that tells nobody and never stops.
    pub fn silent() -> Self {
        Self::new(StopFlag::default())
    }

    /// Says how far the work is and learns whether to go on; called once per unit of work.
    ///
    /// # Errors
    /// [`Cancelled`] when somebody asked to stop.
    pub fn step(&self, done: usize, total: usize, unit: &'static str) -> Result<(), Cancelled> {
        if self.stop.is_set() {
            return Err(Cancelled);
        }
        if let Some(listener) = &self.listener
            && let Some(remaining) = self.due(done, total)
        {
            listener(Progress {
                done,
                total,
                unit,
                remaining,
            });
        }
        Ok(())
    }

    /// Whether somebody asked to stop, for loops whose units are not worth reporting.
    ///
    /// # Errors
    /// [`Cancelled`] when somebody asked to stop.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.stop.is_set() {
            Err(Cancelled)
        } else {
            Ok(())
        }
    }

    /// `None` when the last report was a moment ago; otherwise the estimate to report.
    fn due(&self, done: usize, total: usize) -> Option<Option<Duration>> {
        let mut clock = self
            .clock
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let now = Instant::now();
        let first = match clock.first_done {
            Some(first) => first,
            None => {
                clock.started = now;
                clock.first_done = Some(done);
                done
            }
        };
        let last = done >= total;
        if !last && clock.reported.is_some_and(|at| now - at < REPORT_EVERY) {
            return None;
        }
        clock.reported = Some(now);
        let finished = done.saturating_sub(first);
        Some((finished > 0).then(|| {
            let each = (now - clock.started).as_secs_f64() / finished as f64;
            Duration::from_secs_f64(each * total.saturating_sub(done) as f64)
        }))
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("stop", &self.stop)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_stopped_job_says_so_at_the_next_step() {
        let stop = StopFlag::default();
        let job = Job::new(stop.clone());
        assert_eq!(job.step(0, 2, "notes"), Ok(()));
        assert!(!stop.stop());
        assert_eq!(job.step(1, 2, "notes"), Err(Cancelled));
        assert!(stop.stop());
    }

    #[test]
    fn reports_are_thinned_but_the_last_one_arrives() {
        let (sender, receiver) = mpsc::sync_channel(1000);
        let job = Job::reporting(StopFlag::default(), move |progress| {
            sender.send(progress).unwrap();
        });
        for done in 0..=500 {
            job.step(done, 500, "notes").unwrap();
        }
        let seen: Vec<Progress> = receiver.try_iter().collect();
        assert!(seen.len() < 100, "{} reports", seen.len());
        assert_eq!(seen.last().map(|p| p.done), Some(500));
    }
}
