//! The frames of a run that was watched, as they are shown one after the other.

use std::path::{Path, PathBuf};

use super::fill_mask::token_text;
use super::points::plane;
use super::{Cancelled, EngineError, Job, Tokenizer};
use crate::analysis::components::components;
use crate::analysis::vectors::Vectors;
use crate::training::session::TrainError;
use crate::training::watch::{self, Frame, Says, Seen, frame_folder, frames};

/// Where the arithmetic of the map begins: the same frames always give the same places.
const SEED: u64 = 0;

/// The frames of a run, in order.
#[derive(Debug, Clone, Default)]
pub struct Film {
    /// The folder of the run.
    pub run: PathBuf,
    /// Every note that was watched at some step.
    pub notes: Vec<FilmNote>,
    /// The frames.
    pub frames: Vec<FilmFrame>,
    /// Why others cannot be read.
    pub wrong: Vec<String>,
    /// The share of what tells the vectors apart that the map shows, along each axis.
    pub explained: [f64; 2],
}

/// A note of a film. Its text is known only where the note is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilmNote {
    /// Where it came from.
    pub source: String,
    /// SHA-256 of its text; see [`text_sha256`](super::text_sha256).
    pub sha256: String,
}

/// A step of a film.
#[derive(Debug, Clone)]
pub struct FilmFrame {
    /// Steps that were made before.
    pub step: u64,
    /// Mean loss of the last of them; none before the first.
    pub loss: Option<f64>,
    /// The notes that were watched then.
    pub probes: Vec<FilmProbe>,
}

/// A note at a step. `Debug` says which note it is and no more.
#[derive(Clone)]
pub struct FilmProbe {
    /// Its place among the notes of the film.
    pub note: usize,
    /// Where it stands on the map, whose axes are the same for all frames of the run.
    pub place: Option<[f32; 2]>,
    /// What it comes to, without its vector; or why that is not known.
    pub seen: Result<Seen, String>,
    /// The words of the candidates, in their order.
    pub words: Vec<String>,
}

impl std::fmt::Debug for FilmProbe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FilmProbe(note {})", self.note)
    }
}

impl FilmFrame {
    /// What a note comes to, if it was watched then.
    pub fn probe(&self, note: usize) -> Option<&FilmProbe> {
        self.probes.iter().find(|own| own.note == note)
    }
}

/// The frames that the run in this folder kept; none where nothing was watched. The map has the principal
/// components of all of them as its axes.
///
/// # Errors
/// [`EngineError::Train`] when they cannot be read, [`EngineError::Cancelled`] when `job` is stopped.
pub fn film(run: &Path, job: &Job) -> Result<Film, EngineError> {
    let (found, wrong) = frames(run).map_err(TrainError::from)?;
    let newest = found.last().map(|own| own.step);
    // Beside each frame lies the tokenizer of its model.
    let tokenizer = newest.and_then(|step| Tokenizer::open(&frame_folder(run, step)).ok());
    let places = places(&found, job)?;
    let mut film = Film {
        run: run.to_owned(),
        wrong,
        explained: places.explained,
        ..Film::default()
    };
    let mut places = places.places.into_iter();
    for frame in found {
        job.check()?;
        let mut probes = Vec::with_capacity(frame.probes.len());
        for own in frame.probes {
            let note = FilmNote {
                source: own.note,
                sha256: own.sha256,
            };
            let known = film.notes.iter().position(|other| *other == note);
            let number = known.unwrap_or_else(|| {
                film.notes.push(note);
                film.notes.len() - 1
            });
            let mut seen = own.seen;
            let words = match &seen {
                Ok(seen) => candidates(seen, tokenizer.as_ref()),
                Err(_) => Vec::new(),
            };
            if let Ok(seen) = &mut seen {
                seen.vector = Vec::new();
            }
            probes.push(FilmProbe {
                note: number,
                place: places.next().flatten(),
                seen,
                words,
            });
        }
        film.frames.push(FilmFrame {
            step: frame.step,
            loss: frame.loss,
            probes,
        });
    }
    Ok(film)
}

fn candidates(seen: &Seen, tokenizer: Option<&Tokenizer>) -> Vec<String> {
    let Says::Word { candidates, .. } = &seen.says else {
        return Vec::new();
    };
    let text = |id: u32| match tokenizer {
        Some(own) => token_text(own, id),
        None => format!("token {id}"),
    };
    candidates.iter().map(|(id, _)| text(*id)).collect()
}

/// Places of all notes of all frames, in order.
struct Places {
    places: Vec<Option<[f32; 2]>>,
    explained: [f64; 2],
}

fn places(frames: &[Frame], job: &Job) -> Result<Places, Cancelled> {
    let all = || frames.iter().flat_map(|frame| &frame.probes);
    let vector = |own: &crate::training::watch::ProbeFrame| match &own.seen {
        Ok(seen) if !seen.vector.is_empty() => Some(seen.vector.clone()),
        _ => None,
    };
    let width = all().find_map(vector).map_or(0, |own| own.len());
    let fits = |own: &Vec<f32>| own.len() == width;
    let rows: Vec<f32> = all().filter_map(vector).filter(fits).flatten().collect();
    if rows.is_empty() {
        return Ok(Places {
            places: all().map(|_| None).collect(),
            explained: [0.0; 2],
        });
    }
    let found = components(&Vectors::new(&rows, width), 2, SEED, job)?;
    let (drawn, explained) = plane(&found);
    let mut drawn = drawn.into_iter();
    let places = all().map(|own| vector(own).filter(fits).and_then(|_| drawn.next()));
    Ok(Places {
        places: places.collect(),
        explained,
    })
}

/// Copies the model of a frame to where it stays, and gives its folder: a checkpoint like any other.
///
/// # Errors
/// [`EngineError::Train`] when there is no such frame, or it cannot be written.
pub fn restore_frame(run: &Path, step: u64) -> Result<PathBuf, EngineError> {
    Ok(watch::restore(run, step).map_err(TrainError::from)?)
}
