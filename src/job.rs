//! Carries progress out of a long operation and the wish to stop into it.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The longest time that is estimated, in seconds: a year, which is no time to wait.
const LONGEST: f64 = 365.0 * 86400.0;

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
    /// How far the unit is that is being worked on, where it has several parts of its own.
    pub inside: Option<Inside>,
    /// The finished share of the whole, from 0 to 1.
    pub share: f64,
    /// Estimated time to the end, once there is something to estimate from.
    pub remaining: Option<Duration>,
}

/// How far one unit of an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inside {
    /// Parts finished.
    pub done: usize,
    /// Parts in all.
    pub total: usize,
    /// What one part is, in the plural: `windows`, `tokens`.
    pub unit: &'static str,
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
///
/// An operation says with [`step`](Self::step) how far it is. What it does for one unit may be an
/// operation too: with [`within`](Self::within) its steps refine those of the one around it.
pub struct Job {
    stop: StopFlag,
    listener: Option<Listener>,
    every: Duration,
    clock: Mutex<Clock>,
}

struct Clock {
    /// When the estimate began, and the share that was finished then.
    started: Option<(Instant, f64)>,
    reported: Option<Instant>,
    share: f64,
    levels: Vec<Level>,
}

/// An operation that runs, or one inside of it.
struct Level {
    /// Which part of the whole all of it is.
    all: Range<f64>,
    /// Which part of the whole its current unit is.
    unit: Range<f64>,
    /// Its last step; none before the first.
    step: Option<Inside>,
}

impl Level {
    fn new(all: Range<f64>) -> Self {
        Self {
            unit: all.clone(),
            all,
            step: None,
        }
    }
}

/// The part `part` of `all`, both as shares.
fn part_of(all: &Range<f64>, part: &Range<f64>) -> Range<f64> {
    let length = all.end - all.start;
    all.start + length * part.start..all.start + length * part.end
}

impl Job {
    /// A job that tells nobody and stops when `stop` is set.
    pub fn new(stop: StopFlag) -> Self {
        Self {
            stop,
            listener: None,
            every: Duration::ZERO,
            clock: Mutex::new(Clock {
                started: None,
                reported: None,
                share: 0.0,
                levels: Vec::from([Level::new(0.0..1.0)]),
            }),
        }
    }

    /// A job that tells `listener`, once in a while of `every` at most; the end is always told.
    pub fn reporting(
        stop: StopFlag,
        every: Duration,
        listener: impl Fn(Progress) + Send + Sync + 'static,
    ) -> Self {
        Self {
            listener: Some(Box::new(listener)),
            every,
            ..Self::new(stop)
        }
    }

    /// A job that tells nobody and never stops.
    pub fn silent() -> Self {
        Self::new(StopFlag::default())
    }

    /// A job that tells nobody and stops when this one does, for work on the side.
    pub fn quiet(&self) -> Self {
        Self::new(self.stop.clone())
    }

    /// Says how far the work is and learns whether to go on; called once per unit of work.
    ///
    /// # Errors
    /// [`Cancelled`] when somebody asked to stop.
    pub fn step(&self, done: usize, total: usize, unit: &'static str) -> Result<(), Cancelled> {
        let each = 1.0 / total.max(1) as f64;
        let start = (done as f64 * each).min(1.0);
        self.step_of(done, total, unit, start..(start + each).min(1.0))
    }

    /// [`step`](Self::step) for units of different sizes: the next one is the part `next` of all, as
    /// shares from 0 to 1.
    ///
    /// # Errors
    /// [`Cancelled`] when somebody asked to stop.
    pub fn step_of(
        &self,
        done: usize,
        total: usize,
        unit: &'static str,
        next: Range<f64>,
    ) -> Result<(), Cancelled> {
        self.check()?;
        if let Some(listener) = &self.listener {
            let step = Inside { done, total, unit };
            let report = self.clock().step(step, &next, self.every);
            if let Some(progress) = report {
                listener(progress);
            }
        }
        Ok(())
    }

    /// Does a part of the current unit, as a share from 0 to 1 of it: steps taken by `work` count
    /// inside this part.
    pub fn within<T>(&self, part: Range<f64>, work: impl FnOnce() -> T) -> T {
        if self.listener.is_none() {
            return work();
        }
        let mut clock = self.clock();
        let unit = clock.levels.last().map(|level| part_of(&level.unit, &part));
        clock.levels.push(Level::new(unit.unwrap_or(0.0..1.0)));
        drop(clock);
        let result = work();
        self.clock().levels.pop();
        result
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

    fn clock(&self) -> MutexGuard<'_, Clock> {
        self.clock
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Clock {
    /// Takes note of a step of the innermost level; `None` when the last report was a moment ago,
    /// otherwise what to report.
    fn step(&mut self, step: Inside, next: &Range<f64>, every: Duration) -> Option<Progress> {
        let now = Instant::now();
        let outermost = self.levels.len() == 1;
        let level = self.levels.last_mut()?;
        level.step = Some(step);
        level.unit = part_of(&level.all, next);
        let share = level.unit.start;
        // What begins anew is estimated anew.
        if share < self.share {
            self.started = None;
        }
        self.share = share;
        let (started, first) = *self.started.get_or_insert((now, share));
        let last = outermost && step.done >= step.total;
        if !last && self.reported.is_some_and(|at| now - at < every) {
            return None;
        }
        self.reported = Some(now);
        let mut steps = self.levels.iter().filter_map(|level| level.step);
        let outer = steps.next()?;
        let finished = share - first;
        Some(Progress {
            done: outer.done,
            total: outer.total,
            unit: outer.unit,
            inside: steps.find(|step| step.total > 1),
            share,
            remaining: (finished > 0.0).then(|| {
                let whole = (now - started).as_secs_f64() / finished;
                Duration::from_secs_f64((whole * (1.0 - share)).clamp(0.0, LONGEST))
            }),
        })
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

    /// The reports of `work`, which come at most once in `every`.
    fn reports(every: Duration, work: impl FnOnce(&Job)) -> Vec<Progress> {
        let (sender, receiver) = mpsc::sync_channel(1000);
        let job = Job::reporting(StopFlag::default(), every, move |progress| {
            sender.send(progress).unwrap();
        });
        work(&job);
        receiver.try_iter().collect()
    }

    #[test]
    fn reports_are_thinned_but_the_last_one_arrives() {
        let seen = reports(Duration::from_secs(3600), |job| {
            (0..=500).for_each(|done| job.step(done, 500, "notes").unwrap());
        });
        let done: Vec<usize> = seen.iter().map(|progress| progress.done).collect();
        assert_eq!(done, [0, 500]);
    }

    #[test]
    fn steps_inside_refine_those_around_them() {
        let seen = reports(Duration::ZERO, |job| {
            job.step(0, 2, "notes").unwrap();
            job.within(0.0..1.0, || job.step(0, 1, "windows").unwrap());
            job.step_of(1, 2, "notes", 0.5..1.0).unwrap();
            job.within(0.5..1.0, || {
                job.step(1, 2, "windows").unwrap();
                job.within(0.0..1.0, || job.step(1, 4, "layers").unwrap());
            });
            job.step(2, 2, "notes").unwrap();
        });
        let shares: Vec<f64> = seen.iter().map(|progress| progress.share).collect();
        assert_eq!(shares, [0.0, 0.0, 0.5, 0.875, 0.90625, 1.0]);
        let inside: Vec<_> = seen
            .iter()
            .map(|seen| seen.inside.map(|own| (own.done, own.total, own.unit)))
            .collect();
        let window = Some((1, 2, "windows"));
        assert_eq!(inside, [None, None, None, window, window, None]);
        assert!(seen[0].remaining.is_none() && seen[4].remaining.is_some());
        assert_eq!((seen[4].done, seen[4].total), (1, 2));
    }
}
