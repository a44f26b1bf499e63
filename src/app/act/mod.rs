//! Carries out commands, and takes in answers: the only place where what is shown changes.

mod answers;
mod attention;
mod choosing;
mod execute;
mod failures;
mod map;
mod notes;
mod points;
mod questions;
mod settings;
mod train;
mod watch;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::app::command::{Command, Quiet};
use crate::app::jobs::Purpose;
use crate::app::lens::Lens;
use crate::app::library::NoteKey;
use crate::app::messages::{Next, Weight};
use crate::app::points::command::Format;
use crate::app::results::Results;
use crate::app::settings::{Folder, Session};
use crate::app::state::State;
use crate::app::theme::Look;
use crate::app::train::Ask;
use crate::app::views::Panel;
use crate::app::worker::{Lane, Question, Workers};
use crate::engine::{DeviceChoice, TextEncoding};

/// What only the system's window can do.
#[derive(Debug, Clone, PartialEq)]
pub enum Outside {
    /// Ask for files of notes.
    AskFiles,
    /// Ask for a folder of notes.
    AskFolder,
    /// Ask for the folder of a model, or of a predictor.
    AskModel {
        /// Whether it is to predict.
        predictor: bool,
    },
    /// Ask where to save points.
    AskPoints(Format),
    /// Ask where to save a figure of a panel.
    AskFigure(Panel),
    /// Ask for what the workspace Train needs.
    Train(crate::app::train::outside::Dialog),
    /// Put a text into the clipboard.
    Copy(Quiet),
    /// Take the text out of it.
    Paste,
    /// Use these colours.
    Look(Look),
    /// Draw everything so large.
    Zoom(f32),
    /// Put the panels where they usually are.
    ResetLayout,
    /// Put the panels where they were before.
    UndoLayout,
    /// Put them where they were before that was undone.
    RedoLayout,
    /// Close the window.
    Quit,
}

/// Carries out commands.
pub struct Actor {
    /// All that is shown.
    pub state: State,
    workers: Workers,
    /// Where settings and the last session are kept; nowhere in tests that want none.
    folder: Option<Folder>,
    /// What the window has to do.
    pub outside: Vec<Outside>,
    /// Where what comes with Auscult is unpacked, if not where the system has such things.
    pub data: Option<PathBuf>,
    /// What the lens was asked for last, and whether something else waits for it.
    attended: Option<(NoteKey, Range<usize>, Lens)>,
    attend_next: bool,
    /// Whether surprise is to be measured once the tokens of the note are there.
    surprise_waits: bool,
    /// The note whose map is to go to the value that is being read.
    go_to_cell: Option<NoteKey>,
    /// Where to compute in place of what the settings say, until that is changed.
    pub device: Option<String>,
    /// How often a note was put on view.
    seen: u64,
    /// Bytes of attention that each thread holds.
    holds: HashMap<Lane, usize>,
    /// The encodings that were chosen for files.
    encodings: BTreeMap<PathBuf, TextEncoding>,
    /// The file that is being read in another one, with that of before.
    reread: Option<(PathBuf, Option<TextEncoding>)>,
    /// The note that is to be put on view once it was read, by where it came from.
    wanted_note: Option<String>,
    /// Whether what is opened was not asked for just now: then only what failed is said.
    quiet: bool,
}

impl Actor {
    /// Begins with these settings.
    pub fn new(state: State, workers: Workers, folder: Option<Folder>) -> Self {
        Self {
            state,
            workers,
            folder,
            outside: Vec::new(),
            data: None,
            attended: None,
            attend_next: false,
            surprise_waits: false,
            go_to_cell: None,
            device: None,
            seen: 0,
            holds: HashMap::new(),
            encodings: BTreeMap::new(),
            reread: None,
            wanted_note: None,
            quiet: false,
        }
    }

    /// Opens what was open last time, and the models that were chosen; `model` in place of the first.
    pub fn restore(&mut self, session: Session, model: Option<PathBuf>) {
        self.wanted_note = session.note;
        self.quiet = true;
        if let Some(folder) = session.run {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            let title = format!("{name} was paused when the window was closed");
            let next = Next {
                title: "Show the run",
                command: Command::Train(Box::new(Ask::OpenRun(folder.clone()))),
            };
            let said = "It goes on from there whenever you like.";
            let messages = &mut self.state.messages;
            messages.offer(Weight::Note, title, said, Some(next));
        }
        let encodings = session.encodings.into_iter();
        self.encodings = encodings
            .filter_map(|(path, own)| Some((path, own.parse().ok()?)))
            .collect();
        if !session.files.is_empty() {
            self.state.welcome = false;
            self.import(session.files);
        }
        if let Some(folder) = model.or_else(|| self.state.settings.model.clone()) {
            self.load(Purpose::Model(folder));
        }
        if let Some(folder) = self.state.settings.predictor.clone() {
            self.load(Purpose::Predictor(folder));
        }
    }

    /// What is to be opened next time.
    pub fn session(&self) -> Session {
        let note = self.state.entry().map(|own| own.note.source().to_string());
        Session {
            files: self.state.library.paths().to_vec(),
            note,
            run: self
                .state
                .train
                .live
                .as_ref()
                .filter(|own| own.can_go_on())
                .map(|own| own.folder.clone()),
            size: self.state.size,
            encodings: (self.encodings.iter())
                .map(|(path, own)| (path.clone(), own.to_string()))
                .collect(),
        }
    }

    pub(in crate::app) fn ask(
        &mut self,
        lane: Lane,
        model: Option<&Path>,
        purpose: Purpose,
        question: Question,
    ) {
        let device = self.device.as_ref().unwrap_or(&self.state.settings.device);
        let device = device.parse::<DeviceChoice>();
        let device = device.unwrap_or_default();
        // What is held beside it was asked of the note on view, or goes.
        let own = self.state.results().map_or(0, Results::bytes);
        let own = own + self.state.points_bytes();
        let limit = self.state.cache_limit().saturating_sub(own);
        let (ticket, stop) = self.workers.ask(lane, model, device, question, limit);
        self.state.jobs.begin(ticket, purpose, stop);
    }

    fn figure_saved(&mut self, saved: Result<PathBuf, String>) {
        self.state.figure = None;
        match saved {
            Ok(path) => {
                let title = format!("Saved {}", path.display());
                let said =
                    "It shows what the panel showed; where that is text of a note, so does it.";
                self.state.messages.tell(Weight::Note, title, said);
            }
            Err(reason) => {
                let title = "The figure was not saved";
                self.state.messages.tell(Weight::Failure, title, reason);
            }
        }
    }

    /// Writes down what is open.
    pub fn keep_session(&mut self) {
        if let Some(folder) = &self.folder {
            // The window closes: nobody would read what is wrong.
            let _ = folder.write(SESSION, &self.session());
        }
    }
}

/// The file of settings.
pub const SETTINGS: &str = "settings.toml";

/// The file of what was open.
pub const SESSION: &str = "session.toml";
