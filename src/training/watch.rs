//! Watches a run learn: what notes come to at some of its steps, kept with the weights of the step.

mod frames;
mod pace;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use self::frames::Frames;
use self::pace::{Moment, Pace};
use super::history::{Event, events};
use super::run_folder::{RunError, RunFolder, refused};
use super::session::Session;
use crate::job::{Cancelled, Job};
use crate::model::Model;

pub use self::frames::{FRAME, MOST_FRAMES, frame_folder, frames, restore};
pub use self::pace::{Every, SHARE};

/// Told of a run while it is made, and asked what is to be watched in it.
pub trait Onlooker {
    /// Something happened.
    fn happens(&mut self, event: &Event);

    /// How often frames are made; none while nothing is watched.
    fn every(&mut self) -> Option<Every> {
        None
    }

    /// What the notes that are watched come to with the model as it is.
    ///
    /// # Errors
    /// [`Cancelled`] when `job` is stopped.
    fn look(&mut self, _model: &Model, _job: &Job) -> Result<Vec<ProbeFrame>, Cancelled> {
        Ok(Vec::new())
    }

    /// What became of that.
    fn watched(&mut self, _watched: &Watched) {}
}

/// Hears what happens and watches nothing.
pub(super) struct Hears<'a>(pub(super) &'a mut dyn FnMut(&Event));

impl Onlooker for Hears<'_> {
    fn happens(&mut self, event: &Event) {
        (self.0)(event);
    }
}

/// What became of watching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watched {
    /// A frame was kept.
    Kept {
        /// Steps that were made before.
        step: u64,
    },
    /// Nothing more is watched in this run, and why. The run goes on.
    Ended(String),
}

/// What watched notes come to at a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Steps that were made before.
    pub step: u64,
    /// Mean loss of the last of them; none before the first.
    pub loss: Option<f64>,
    /// How long this frame took, in seconds.
    pub cost: f64,
    /// How long all frames of the run took up to this one.
    pub spent: f64,
    /// The notes, in the order in which they are watched.
    pub probes: Vec<ProbeFrame>,
}

/// What a note comes to at a step. There is no text in it: places are bytes of the note, words of the
/// model are numbers of its vocabulary.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeFrame {
    /// Where the note came from.
    pub note: String,
    /// SHA-256 of its text, in hexadecimal digits.
    pub sha256: String,
    /// What it comes to, or why that is not known.
    pub seen: Result<Seen, String>,
}

/// What a note comes to.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The byte after the last that was read.
    pub read_end: usize,
    /// What the model's head says of it.
    pub says: Says,
    /// What a word of it looks at.
    pub lens: LensSeen,
    /// The mean of its tokens' vectors.
    pub vector: Vec<f32>,
}

/// What the head of a model says of a note.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Says {
    /// Labels with their scores, the highest first.
    Labels {
        /// Names and scores.
        labels: Vec<(String, f32)>,
    },
    /// Marked spans, in the order of the note.
    Spans {
        /// The spans.
        spans: Vec<SpanSeen>,
    },
    /// What could stand in the place of a word.
    Word {
        /// First byte of what was hidden.
        start: usize,
        /// The byte after its last.
        end: usize,
        /// Numbers of tokens with their probabilities, the likeliest first.
        candidates: Vec<(u32, f32)>,
    },
}

/// A marked span.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct SpanSeen {
    /// First byte in the note.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// What it is.
    pub label: String,
    /// Softmax, averaged over its words or tokens; not calibrated.
    pub score: f32,
}

/// What a word looks at, in the mean of the global layers and all heads.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct LensSeen {
    /// First byte of the word; it is empty where the first token of all looks.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// Words by their bytes, each with its share of the attention.
    pub words: Vec<(usize, usize, f32)>,
    /// The share of tokens that are in no word.
    pub outside: f32,
    /// The share of tokens without a letter or digit, those of the template among them.
    pub hidden: f32,
}

impl fmt::Debug for ProbeFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = if self.seen.is_ok() { "seen" } else { "failed" };
        write!(f, "ProbeFrame({}, {seen})", self.note)
    }
}

/// The frames of a run while it is made.
pub(super) struct Film {
    frames: Frames,
    pace: Pace,
    /// Mean loss of the last step.
    loss: Option<f64>,
    /// Why nothing more is watched, if so, and whether that was told.
    over: Option<(String, bool)>,
}

impl Film {
    /// The frames that a run has, but for those after `step`: these steps are made again.
    pub(super) fn open(run: &RunFolder, step: u64) -> Self {
        let mut own = Self {
            frames: Frames::new(run.path()),
            pace: Pace::default(),
            loss: None,
            over: None,
        };
        let found = own.frames.settle(step);
        match found {
            Ok(None) => {}
            Ok(Some(last)) => {
                own.pace = Pace::after(&last);
                own.loss = loss_of(run, step);
            }
            Err(error) => own.end(&error.to_string()),
        }
        own
    }

    fn end(&mut self, reason: &str) {
        self.over = Some((
            format!("nothing more is watched in this run: {reason}"),
            false,
        ));
    }

    /// Takes note of what happened in the run.
    pub(super) fn happens(&mut self, event: &Event) {
        if let Event::Step { loss, .. } = event {
            self.loss = Some(*loss);
        }
    }

    /// Why watching has ended, if it was asked for.
    pub(super) fn remark(&self) -> Option<String> {
        let told = self.over.as_ref().filter(|(_, told)| *told);
        told.map(|(reason, _)| reason.clone())
    }
}

fn loss_of(run: &RunFolder, step: u64) -> Option<f64> {
    let events = events(&run.history()).ok()?;
    events.iter().rev().find_map(|event| match event {
        Event::Step {
            step: own, loss, ..
        } if *own == step => Some(*loss),
        _ => None,
    })
}

impl Session {
    /// Makes a frame if one is due. Whatever goes wrong ends watching and never the run, and what the
    /// run does next is as if nobody had watched.
    pub(super) fn watch(&self, film: &mut Film, job: &Job, onlooker: &mut dyn Onlooker) {
        let Some(every) = onlooker.every() else {
            return;
        };
        if let Some((reason, told)) = &mut film.over {
            if !std::mem::replace(told, true) {
                onlooker.watched(&Watched::Ended(reason.clone()));
            }
            return;
        }
        let (step, last) = (self.state.step, self.state.step >= self.total());
        let moment = Moment {
            step,
            seconds: self.state.seconds,
            last,
            marked: last || self.state.evaluated == Some(step),
        };
        if !film.pace.is_due(every, &moment) {
            return;
        }
        let start = Instant::now();
        let looked = catch_unwind(AssertUnwindSafe(|| {
            onlooker.look(&self.weights.model(), &job.quiet())
        }));
        let kept = match looked {
            Ok(Ok(probes)) if probes.is_empty() => return,
            Ok(Ok(probes)) => self.keep_frame(film, probes, start),
            // The run ends next, and says so.
            Ok(Err(Cancelled)) => return,
            // What a panic says may hold anything.
            Err(_) => Err(
                "looking at the notes failed for a reason that Auscult does not know".to_owned(),
            ),
        };
        match kept {
            Ok(()) => onlooker.watched(&Watched::Kept { step }),
            Err(reason) => {
                film.end(&reason);
                self.watch(film, job, onlooker);
            }
        }
    }

    fn keep_frame(
        &self,
        film: &mut Film,
        probes: Vec<ProbeFrame>,
        start: Instant,
    ) -> Result<(), String> {
        let spent = film.pace.spent;
        let frame = || {
            let cost = start.elapsed().as_secs_f64();
            Frame {
                step: self.state.step,
                loss: film.loss,
                cost,
                spent: spent + cost,
                probes,
            }
        };
        let kept = film.frames.add(
            self.state.step,
            |folder| self.keep_model(folder, &[]),
            frame,
        );
        kept.map_err(|error| match error {
            super::checkpoint::CheckpointError::Run(RunError::Io { path, error }) => {
                format!("{}: cannot be written: {}", path.display(), refused(&error))
            }
            error => error.to_string(),
        })?;
        film.pace
            .made(self.state.step, start.elapsed().as_secs_f64());
        Ok(())
    }
}
