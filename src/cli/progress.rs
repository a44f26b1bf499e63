//! Tells the person at the terminal what is going on, and hears Ctrl-C.

use std::io::{IsTerminal, Write, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::engine::{Inside, Job, Progress, StopFlag};

/// How often progress is shown at most.
const REPORT_EVERY: Duration = Duration::from_millis(50);

/// Standard error as this program uses it.
pub(super) struct Terminal {
    quiet: bool,
    /// Whether a line of progress stands there, without its end.
    line: Arc<AtomicBool>,
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
            stop,
        }
    }

    /// A job that shows its progress as `what`.
    pub(super) fn job(&self, what: &'static str) -> Job {
        if self.quiet || !stderr().is_terminal() {
            return Job::new(self.stop.clone());
        }
        let line = Arc::clone(&self.line);
        Job::reporting(self.stop.clone(), REPORT_EVERY, move |progress| {
            let last = progress.done >= progress.total;
            let text = if last {
                String::new()
            } else {
                sentence(what, progress)
            };
            line.store(!last, Ordering::SeqCst);
            let mut stderr = stderr().lock();
            // Back to the beginning, clear to the end: a shorter line leaves nothing behind.
            let _ = write!(stderr, "\r\x1b[K{text}");
            let _ = stderr.flush();
        })
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

fn sentence(what: &str, progress: Progress) -> String {
    let Progress {
        done,
        total,
        unit,
        inside,
        remaining,
        ..
    } = progress;
    let inside = inside.map_or(String::new(), |Inside { done, total, unit }| {
        format!(", {done} of {total} {unit}")
    });
    let left = remaining.map_or(String::new(), |left| format!(", {} left", human(left)));
    format!("{what}: {done} of {total} {unit}{inside}{left}")
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
            sentence("embedding", progress),
            "embedding: 3 of 10 notes, 1 min 15 s left"
        );
        progress.inside = Some(Inside {
            done: 0,
            total: 4,
            unit: "windows",
        });
        progress.remaining = None;
        assert_eq!(
            sentence("embedding", progress),
            "embedding: 3 of 10 notes, 0 of 4 windows"
        );
    }
}
