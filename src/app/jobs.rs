//! What is running, what has ended, and what a person should know of it.

use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::library::NoteKey;
use super::points::Wanted;
use super::worker::Ticket;
use crate::engine::{Progress, StopFlag};

/// What a job is for. Of two with the same purpose the newer takes the place of the older.
#[derive(Debug, Clone, PartialEq)]
pub enum Purpose {
    /// Notes of files.
    Import,
    /// A note of a text that was pasted.
    Paste,
    /// The model that reads notes.
    Model(PathBuf),
    /// The model that predicts.
    Predictor(PathBuf),
    /// How fast this computer is.
    Measure,
    /// Less memory that is held.
    Trim,
    /// Tokens of a note.
    Tokens(NoteKey),
    /// What could stand at these bytes.
    Fill(NoteKey, Range<usize>),
    /// Surprise of a note.
    Surprise(NoteKey),
    /// Labels of a note.
    Classify(NoteKey),
    /// Spans of a note.
    Tag(NoteKey),
    /// Attention of these bytes.
    Attend(NoteKey, Range<usize>),
    /// The heads of a layer.
    Overview(NoteKey, usize),
    /// A part of a head's map.
    Map(NoteKey),
    /// A value of a head's map.
    Cell(NoteKey),
    /// How the sections of a note look at each other.
    Flow(NoteKey),
    /// The same in the mean of all notes.
    MeanFlow,
    /// Points of the map, of parts of these notes.
    Points(Wanted, Vec<NoteKey>),
    /// Points arranged by neighbours, from this seed.
    Arrange(u64),
    /// What is near this point.
    NearPoints(usize),
    /// Points in a file.
    SavePoints,
    /// Whether a training run fits.
    CheckRun,
    /// The columns of the files that are named for a training run or for judging.
    Columns,
    /// The training run of this folder.
    TrainRun(PathBuf),
    /// How good a model is.
    Judge,
    /// Which training runs there are.
    Runs,
    /// What the training run of this folder left.
    OpenRun(PathBuf),
    /// The recipe of this file.
    OpenRecipe(PathBuf),
    /// The recipe into this file.
    SaveRecipe(PathBuf),
    /// What was watched in the training run of this folder.
    Frames(PathBuf),
    /// The model of a frame as one of its own.
    RestoreFrame,
    /// Passages like these bytes, in these notes.
    Similar(NoteKey, Range<usize>, Vec<NoteKey>),
}

impl Purpose {
    /// What it is called while it runs.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Import => "Reading notes",
            Self::Paste => "Reading the pasted note",
            Self::Model(_) => "Loading the model",
            Self::Predictor(_) => "Loading the predictor",
            Self::Measure => "Measuring this computer",
            Self::Trim => "Letting go of memory",
            Self::Tokens(_) => "Cutting the note into tokens",
            Self::Fill(..) => "Filling the mask",
            Self::Surprise(_) => "Measuring surprise",
            Self::Classify(_) => "Scoring labels",
            Self::Tag(_) => "Marking spans",
            Self::Attend(..) => "Reading attention",
            Self::Overview(..) => "Looking at all heads",
            Self::Map(_) => "Drawing the map",
            Self::Cell(_) => "Reading a value",
            Self::Flow(_) => "Looking at sections",
            Self::MeanFlow => "Looking at the sections of all notes",
            Self::Similar(..) => "Comparing passages",
            Self::Points(..) => "Drawing the points",
            Self::Arrange(_) => "Arranging the points",
            Self::NearPoints(_) => "Looking for points that are near",
            Self::SavePoints => "Saving points",
            Self::CheckRun => "Checking the run",
            Self::Columns => "Reading the columns",
            Self::TrainRun(_) => "Training",
            Self::Judge => "Judging the model",
            Self::Runs => "Looking for runs",
            Self::OpenRun(_) => "Opening the run",
            Self::OpenRecipe(_) => "Opening the recipe",
            Self::SaveRecipe(_) => "Saving the recipe",
            Self::Frames(_) => "Reading what was watched",
            Self::RestoreFrame => "Restoring a checkpoint",
        }
    }

    /// Whether its answer follows from how notes are read, or from the model that reads them.
    pub fn is_of_reading(&self) -> bool {
        !matches!(
            self,
            Self::Import
                | Self::Paste
                | Self::Model(_)
                | Self::Predictor(_)
                | Self::Measure
                | Self::Trim
                | Self::SavePoints
        ) && !self.is_of_training()
    }

    /// Whether it is about training runs, or about judging what came of them.
    pub fn is_of_training(&self) -> bool {
        matches!(
            self,
            Self::CheckRun
                | Self::Columns
                | Self::TrainRun(_)
                | Self::Judge
                | Self::Runs
                | Self::OpenRun(_)
                | Self::OpenRecipe(_)
                | Self::SaveRecipe(_)
                | Self::Frames(_)
                | Self::RestoreFrame
        )
    }

    /// Whether it is about the map of points.
    pub fn is_of_points(&self) -> bool {
        matches!(
            self,
            Self::Points(..) | Self::Arrange(_) | Self::NearPoints(_)
        )
    }

    /// Whether it is for the hand, about another note than this.
    pub fn is_of_other(&self, note: Option<NoteKey>) -> bool {
        match self {
            Self::Attend(own, _) | Self::Map(own) | Self::Cell(own) | Self::Overview(own, _) => {
                Some(*own) != note
            }
            _ => false,
        }
    }

    /// Whether one of these stands for the other.
    fn replaces(&self, other: &Self) -> bool {
        let several = matches!(
            self,
            Self::Import | Self::Paste | Self::Trim | Self::SavePoints
        );
        !several && std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// A job that runs.
pub struct Running {
    /// The number of its question.
    pub ticket: Ticket,
    /// What it is for.
    pub purpose: Purpose,
    /// How far it is, once it has said so.
    pub progress: Option<Progress>,
    /// When it was asked for.
    pub since: Instant,
    stop: StopFlag,
}

impl Running {
    /// How far it is and how long it takes, in words.
    pub fn words(&self) -> String {
        if self.stop.is_set() {
            return "stopping…".to_owned();
        }
        let Some(progress) = &self.progress else {
            return "waiting…".to_owned();
        };
        let percent = (100.0 * progress.share).floor();
        match progress.remaining {
            Some(left) => format!("{percent} % · {} left", in_words(left)),
            None => format!("{percent} %"),
        }
    }
}

/// A length of time as a person says it.
pub fn in_words(time: Duration) -> String {
    match time.as_secs() {
        0..=1 => "a second".to_owned(),
        seconds @ 2..=90 => format!("{seconds} s"),
        seconds @ 91..=5400 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{:.1} h", seconds as f64 / 3600.0),
    }
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With all of its result.
    Done,
    /// A person stopped it.
    Stopped,
    /// It failed.
    Failed,
}

/// A job that has ended.
pub struct Past {
    /// What it was.
    pub title: &'static str,
    /// How it ended.
    pub ended: Ended,
    /// How long it took.
    pub took: Duration,
    /// What went wrong.
    pub reason: Option<String>,
}

/// How long a result may be on the screen as if it were that of the question that runs.
const SLOW: Duration = Duration::from_millis(250);

/// Ended jobs that are listed.
const PAST: usize = 100;

/// All jobs.
#[derive(Default)]
pub struct Jobs {
    running: Vec<Running>,
    past: Vec<Past>,
}

impl Jobs {
    /// Those that run, the oldest first.
    pub fn running(&self) -> &[Running] {
        &self.running
    }

    /// Those that have ended, the newest first.
    pub fn past(&self) -> impl Iterator<Item = &Past> {
        self.past.iter().rev()
    }

    /// The oldest that runs of this kind.
    pub fn of(&self, of_kind: impl Fn(&Purpose) -> bool) -> Option<&Running> {
        self.running.iter().find(|own| of_kind(&own.purpose))
    }

    /// Whether one of this kind runs.
    pub fn is_running(&self, of_kind: impl Fn(&Purpose) -> bool) -> bool {
        self.running.iter().any(|own| of_kind(&own.purpose))
    }

    /// Whether one of this kind runs for so long that what is on the screen should not look new.
    pub fn is_slow(&self, of_kind: impl Fn(&Purpose) -> bool) -> bool {
        let slow = |own: &Running| own.since.elapsed() > SLOW && of_kind(&own.purpose);
        self.running.iter().any(slow)
    }

    /// A job begins; an older one with the same purpose is stopped and forgotten.
    pub fn begin(&mut self, ticket: Ticket, purpose: Purpose, stop: StopFlag) {
        self.running.retain(|own| {
            let replaced = purpose.replaces(&own.purpose);
            if replaced {
                own.stop.stop();
            }
            !replaced
        });
        self.running.push(Running {
            ticket,
            purpose,
            progress: None,
            since: Instant::now(),
            stop,
        });
    }

    /// A job says how far it is.
    pub fn progress(&mut self, ticket: Ticket, progress: Progress) {
        let mut running = self.running.iter_mut();
        if let Some(own) = running.find(|own| own.ticket == ticket) {
            own.progress = Some(progress);
        }
    }

    /// A job ends; what it was for, unless a newer one took its place.
    pub fn end(&mut self, ticket: Ticket, ended: Ended, reason: Option<&str>) -> Option<Purpose> {
        let place = self.running.iter().position(|own| own.ticket == ticket)?;
        let own = self.running.remove(place);
        // What takes no time is not worth a line.
        let small = matches!(
            own.purpose,
            Purpose::Trim
                | Purpose::Runs
                | Purpose::Columns
                | Purpose::OpenRun(_)
                | Purpose::OpenRecipe(_)
                | Purpose::SaveRecipe(_)
                | Purpose::Frames(_)
                | Purpose::Tokens(_)
                | Purpose::Attend(..)
                | Purpose::Overview(..)
                | Purpose::Map(_)
                | Purpose::Cell(_)
                | Purpose::NearPoints(_)
        );
        let told = ended == Ended::Failed || !small;
        if told {
            self.past.push(Past {
                title: own.purpose.title(),
                ended,
                took: own.since.elapsed(),
                reason: reason.map(str::to_owned),
            });
            let more = self.past.len().saturating_sub(PAST);
            self.past.drain(..more);
        }
        Some(own.purpose)
    }

    /// Stops jobs and forgets them: what they answer is not taken in any more.
    pub fn forget(&mut self, of_kind: impl Fn(&Purpose) -> bool) {
        self.running.retain(|own| {
            let forgotten = of_kind(&own.purpose);
            if forgotten {
                own.stop.stop();
            }
            !forgotten
        });
    }

    /// Asks a job to stop.
    pub fn stop(&self, ticket: Ticket) {
        let mut running = self.running.iter();
        if let Some(own) = running.find(|own| own.ticket == ticket) {
            own.stop.stop();
        }
    }

    /// Asks the newest job to stop that was not asked before and that a person knows of; a run only if
    /// nothing else goes on.
    pub fn stop_newest(&self) {
        let is_run = |own: &&Running| matches!(own.purpose, Purpose::TrainRun(_));
        let left = || self.running.iter().rev().filter(|own| !own.stop.is_set());
        let unasked = |own: &&Running| matches!(own.purpose, Purpose::Trim | Purpose::Columns);
        let newest = left().find(|own| !is_run(own) && !unasked(own));
        if let Some(own) = newest.or_else(|| left().find(is_run)) {
            own.stop.stop();
        }
    }

    /// Asks all jobs to stop of which this is true.
    pub fn stop_all(&self, of_kind: impl Fn(&Purpose) -> bool) {
        for own in self.running.iter().filter(|own| of_kind(&own.purpose)) {
            own.stop.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_job_is_stopped_first_a_run_last_and_what_nobody_asked_for_not() {
        let mut jobs = Jobs::default();
        let run = Purpose::TrainRun(PathBuf::from("run"));
        let flags = [(); 4].map(|()| StopFlag::default());
        let all = [Purpose::Import, run, Purpose::Judge, Purpose::Columns]
            .into_iter()
            .zip(&flags);
        for (ticket, (purpose, flag)) in (1..).zip(all) {
            jobs.begin(ticket, purpose, flag.clone());
        }
        for stopped in [
            [false, false, true, false],
            [true, false, true, false],
            [true, true, true, false],
            [true, true, true, false],
        ] {
            jobs.stop_newest();
            let now: Vec<bool> = flags.iter().map(StopFlag::is_set).collect();
            assert_eq!(now, stopped);
        }
    }

    #[test]
    fn a_newer_job_takes_the_place_of_an_older_one_with_the_same_purpose() {
        let mut jobs = Jobs::default();
        let flags: Vec<StopFlag> = (0..4).map(|_| StopFlag::default()).collect();
        let folder = |name: &str| Purpose::Model(PathBuf::from(name));
        jobs.begin(1, folder("a"), flags[0].clone());
        jobs.begin(2, Purpose::Import, flags[1].clone());
        jobs.begin(3, Purpose::Import, flags[2].clone());
        jobs.begin(4, folder("b"), flags[3].clone());
        let set: Vec<bool> = flags.iter().map(StopFlag::is_set).collect();
        assert_eq!(set, [true, false, false, false]);
        assert_eq!(
            jobs.end(1, Ended::Done, None),
            None,
            "its answer is too late"
        );
        assert_eq!(jobs.end(4, Ended::Done, None), Some(folder("b")));
        jobs.stop(2);
        assert!(flags[1].is_set() && !flags[2].is_set());
        jobs.end(2, Ended::Stopped, None);
        let past: Vec<Ended> = jobs.past().map(|own| own.ended).collect();
        assert_eq!(past, [Ended::Stopped, Ended::Done]);
        assert_eq!(jobs.running().len(), 1);
    }
}
