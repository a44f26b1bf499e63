//! Tells the person at the terminal what is going on, and hears Ctrl-C.

use std::io::{IsTerminal, Write, stderr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::{Inside, Job, Progress, StopFlag};

/// How often progress is shown at most.
const REPORT_EVERY: Duration = Duration::from_millis(50);

/// How often a line is written where standard error is a file or another program.
const LOG_EVERY: Duration = Duration::from_secs(120);

/// Standard error as this program uses it.
pub(super) struct Terminal {
    quiet: bool,
    /// Whether a line of progress stands there, without its end.
    line: Arc<AtomicBool>,
    /// What stands beside the progress.
    note: Arc<Mutex<String>>,
    stop: StopFlag,
}

impl Terminal {
    /// From now on Ctrl-C asks to stop; a second one ends the program at once.
    pub(super) fn new(quiet: bool) -> Self {
        let stop = StopFlag::default();
        let flag = stop.clone();
        // Without a handler Ctrl-C ends the program, which is what a person would expect then.
        let _ = ctrlc::set_handler(move || {
            if flag.stop() {
                std::process::exit(1);
            }
        });
        Self {
            quiet,
            line: Arc::new(AtomicBool::new(false)),
            note: Arc::default(),
            stop,
        }
    }

    /// A job that shows its progress as `what`: on a line of a terminal, or now and then on a line
    /// of its own.
    pub(super) fn job(&self, what: &'static str) -> Job {
        if self.quiet {
            return Job::new(self.stop.clone());
        }
        let note = Arc::clone(&self.note);
        let sentence = move |progress| {
            let note = note.lock().unwrap_or_else(PoisonError::into_inner);
            sentence(what, progress, &note)
        };
        if !stderr().is_terminal() {
            let begun = Instant::now();
            return Job::reporting(self.stop.clone(), LOG_EVERY, move |progress| {
                if is_worth_a_line(begun.elapsed(), progress) {
                    let _ = writeln!(stderr(), "{}", sentence(progress));
                }
            });
        }
        let line = Arc::clone(&self.line);
        Job::reporting(self.stop.clone(), REPORT_EVERY, move |progress| {
            let last = progress.done >= progress.total;
            let text = if last {
                String::new()
            } else {
                sentence(progress)
            };
            line.store(!last, Ordering::SeqCst);
            let mut stderr = stderr().lock();
            // Back to the beginning, clear to the end: a shorter line leaves nothing behind.
            let _ = write!(stderr, "\r\x1b[K{text}");
            let _ = stderr.flush();
        })
    }

    /// What stands beside the progress from now on.
    pub(super) fn note(&self, text: String) {
        *self.note.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    /// Something worth knowing that is no result.
    pub(super) fn remark(&self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// Something about the data that is missing or was understood in one of several ways.
    pub(super) fn warning(&self, text: &str) {
        self.remark(&format!("warning: {text}"));
    }

    /// Something that went wrong.
    pub(super) fn error(&self, text: &str) {
        self.say(&format!("error: {text}"));
    }

    /// Takes away a line of progress, so that what is printed next begins on a clean one.
    pub(super) fn clear_line(&self) {
        if self.line.swap(false, Ordering::SeqCst) {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }

    fn say(&self, text: &str) {
        self.clear_line();
        let _ = writeln!(stderr(), "{text}");
    }
}

/// Not at once, and not when it is over: what follows says that.
fn is_worth_a_line(elapsed: Duration, progress: Progress) -> bool {
    elapsed >= LOG_EVERY && progress.done < progress.total
}

/// The note gives way to what is going on inside a step, so that the line stays short.
fn sentence(what: &str, progress: Progress, note: &str) -> String {
    let Progress {
        done,
        total,
        unit,
        inside,
        remaining,
        ..
    } = progress;
    let beside = match inside {
        Some(Inside { done, total, unit }) => format!(", {done} of {total} {unit}"),
        None if note.is_empty() => String::new(),
        None => format!(", {note}"),
    };
    let left = remaining.map_or(String::new(), |left| format!(", {} left", human(left)));
    format!("{what}: {done} of {total} {unit}{beside}{left}")
}

fn human(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_reads_as_a_sentence() {
        let mut progress = Progress {
            done: 3,
            total: 10,
            unit: "notes",
            inside: None,
            share: 0.3,
            remaining: Some(Duration::from_secs(75)),
        };
        assert_eq!(
            sentence("embedding", progress, ""),
            "embedding: 3 of 10 notes, 1 min 15 s left"
        );
        assert_eq!(
            sentence("training", progress, "loss 0.5"),
            "training: 3 of 10 notes, loss 0.5, 1 min 15 s left"
        );
        progress.inside = Some(Inside {
            done: 0,
            total: 4,
            unit: "windows",
        });
        progress.remaining = None;
        assert_eq!(
            sentence("embedding", progress, "loss 0.5"),
            "embedding: 3 of 10 notes, 0 of 4 windows"
        );
    }

    #[test]
    fn a_log_gets_a_line_only_now_and_then() {
        let at = |done| Progress {
            done,
            total: 10,
            unit: "steps",
            inside: None,
            share: done as f64 / 10.0,
            remaining: None,
        };
        assert!(!is_worth_a_line(Duration::ZERO, at(0)));
        assert!(is_worth_a_line(LOG_EVERY, at(3)));
        assert!(!is_worth_a_line(LOG_EVERY, at(10)));
    }
}
