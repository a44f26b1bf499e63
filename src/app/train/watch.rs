//! Notes that are watched while a run is made, and the film of what they came to.

use std::sync::{Arc, Mutex, PoisonError};

use super::TrainState;
use crate::app::library::{Entry, Library, NoteKey};
use crate::app::results::Asked;
use crate::app::widgets::same::Of;
use crate::engine::{Film, FilmFrame, Probe, Source, WatchEvery, WatchPlan, text_sha256};

/// What a person asks for in the panel.
#[derive(Debug, Clone, PartialEq)]
pub enum WatchAsk {
    /// A note is not watched any more.
    Unpin(NoteKey),
    /// Frames are made so often.
    Every(WatchEvery),
    /// The frame of this step is shown; the newest if none is named.
    Frame(Option<u64>),
    /// The note of this place among those of the film is shown.
    Note(usize),
    /// Frames are shown one after the other, or not.
    Play(bool),
    /// The model of this step is restored and opened.
    Use(u64),
}

/// What the thread of a run watches; it looks there before each step and waits for nobody.
#[derive(Default)]
pub struct Board(Mutex<WatchPlan>);

impl Board {
    /// What is watched.
    pub fn plan(&self) -> WatchPlan {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, plan: WatchPlan) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = plan;
    }
}

/// A note that is watched.
pub struct Pinned {
    /// Which.
    pub key: NoteKey,
    /// What it is called.
    pub title: String,
    /// The note, and what was chosen in it.
    pub probe: Probe,
}

/// All that the panel shows.
#[derive(Default)]
pub struct WatchState {
    /// Notes that are watched from the next frame on.
    pub pins: Vec<Pinned>,
    /// How often.
    pub every: WatchEvery,
    /// Where the thread of a run finds both.
    pub board: Arc<Board>,
    /// The frames of the run that is shown.
    pub film: Asked<Film>,
    /// The run that they were asked of, and how many it had told of then.
    pub of: Option<(std::path::PathBuf, usize)>,
    /// The step that is shown; the newest if none was chosen.
    pub at: Option<u64>,
    /// The place of the note that is shown.
    pub note: usize,
    /// Whether frames are shown one after the other.
    pub playing: bool,
    /// Which open note each note of the film is.
    pub open: Vec<Option<NoteKey>>,
    matched: (Of<Film>, usize),
}

/// What a note is called beside others: with its file, where it is one of several in it.
pub fn called(entry: &Entry) -> String {
    let stem = entry.origin.split('.').next().unwrap_or_default();
    let whole = stem.replace(['-', '_'], " ") == entry.title;
    match whole || entry.note.source() == &Source::Typed {
        true => entry.title.clone(),
        false => format!("{} · {}", entry.origin, entry.title),
    }
}

impl WatchState {
    /// Tells the thread of a run what is watched.
    pub fn tell(&self) {
        self.board.set(WatchPlan {
            probes: self.pins.iter().map(|own| own.probe.clone()).collect(),
            every: self.every,
        });
    }

    /// The frames, if there are any.
    pub fn frames(&self) -> &[FilmFrame] {
        (self.film.value.as_ref()).map_or(&[][..], |own| &own.frames)
    }

    /// The place of the frame that is shown.
    pub fn place(&self) -> Option<usize> {
        let frames = self.frames();
        let last = frames.len().checked_sub(1)?;
        let at = |step: u64| frames.partition_point(|own| own.step < step).min(last);
        Some(self.at.map_or(last, at))
    }

    /// Looks anew which notes of the film are open, if that may have changed.
    pub fn look_for_notes(&mut self, library: &Library) {
        let (count, film) = (library.entries().len(), self.film.value.clone());
        let another = self.matched.0.changes(film.as_ref());
        if !another && self.matched.1 == count {
            return;
        }
        self.matched.1 = count;
        let notes = film.as_ref().map_or(&[][..], |own| &own.notes);
        let open = notes.iter().map(|wanted| {
            let mut all = library.entries().iter();
            let found = all.find(|own| {
                own.note.source().to_string() == wanted.source
                    && text_sha256(&own.note) == wanted.sha256
            });
            found.map(|own| own.key)
        });
        self.open = open.collect();
        self.note = self.note.min(notes.len().saturating_sub(1));
    }
}

impl TrainState {
    /// The run that is shown, with how many frames it has told of while it was made here.
    pub fn shown_run(&self) -> Option<(&std::path::PathBuf, usize)> {
        let opened = self.opened.value.as_ref().filter(|_| self.shows_opened);
        match (opened, &self.live) {
            (Some(own), _) => Some((&own.record.summary.folder, 0)),
            (None, Some(live)) => Some((&live.folder, live.frames)),
            (None, None) => None,
        }
    }
}
