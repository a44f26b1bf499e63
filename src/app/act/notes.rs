//! Opens notes, closes them, and puts one on view.

use std::path::PathBuf;
use std::sync::Arc;

use super::Actor;
use crate::app::jobs::Purpose;
use crate::app::library::NoteKey;
use crate::app::messages::Weight;
use crate::app::selection::Place;
use crate::app::sentences::in_window;
use crate::app::state::{FindState, ModelState, OnView};
use crate::app::worker::{Lane, Question};
use crate::engine::{Bundled, Import, ImportOptions, SystemFolder, TextEncoding, counted};

impl Actor {
    pub(super) fn import(&mut self, paths: Vec<PathBuf>) {
        if paths.is_empty() {
            return;
        }
        self.state.welcome = false;
        self.state.library.opened(&paths);
        // Files whose encoding was chosen are read by themselves.
        let (own, rest): (Vec<PathBuf>, Vec<PathBuf>) =
            (paths.into_iter()).partition(|path| self.encodings.contains_key(path));
        if !rest.is_empty() {
            let question = Question::Import(rest, ImportOptions::default());
            self.ask(Lane::Files, None, Purpose::Import, question);
        }
        for path in own {
            let options = ImportOptions {
                encoding: self.encodings.get(&path).copied(),
                ..ImportOptions::default()
            };
            let question = Question::Import(vec![path], options);
            self.ask(Lane::Files, None, Purpose::Import, question);
        }
    }

    /// Reads a file anew, in this encoding.
    pub(super) fn read_as(&mut self, path: PathBuf, encoding: TextEncoding) {
        let state = &mut self.state;
        self.wanted_note = state.entry().map(|own| own.note.source().to_string());
        let closed = state.library.close_file(&path);
        closed.iter().for_each(|key| {
            state.results.remove(key);
        });
        state.on_view = None;
        state.selection.close(&closed);
        self.forget_points();
        let before = self.encodings.insert(path.clone(), encoding);
        self.import(vec![path.clone()]);
        self.reread = Some((path, before));
    }

    pub(super) fn paste(&mut self, text: String) {
        if text.trim().is_empty() {
            let said = "There is no text in the clipboard";
            self.state.messages.tell(Weight::Note, said, "");
            return;
        }
        self.state.welcome = false;
        self.ask(Lane::Files, None, Purpose::Paste, Question::Paste(text));
    }

    /// Opens the notes and the models that come with Auscult.
    pub(super) fn demo(&mut self) {
        match self.unpack(Bundled::Notes) {
            Ok(folder) => {
                let paths: Vec<PathBuf> =
                    Bundled::Notes.names().map(|own| folder.join(own)).collect();
                // The first of them is the long one.
                self.wanted_note = paths.first().map(|own| own.display().to_string());
                self.import(paths);
            }
            Err(error) => self.not_unpacked(error),
        }
        let is_free = |own: &ModelState| matches!(own, ModelState::None | ModelState::Failed(..));
        if is_free(&self.state.model) {
            match self.unpack(Bundled::Encoder) {
                Ok(folder) => {
                    // So that the next time begins where this one ended.
                    self.state.settings.model = Some(folder.clone());
                    self.keep();
                    self.load(Purpose::Model(folder));
                }
                Err(error) => self.not_unpacked(error),
            }
        }
        if is_free(&self.state.predictor) {
            match self.unpack(Bundled::Tagger) {
                Ok(folder) => {
                    self.state.settings.predictor = Some(folder.clone());
                    self.keep();
                    self.load(Purpose::Predictor(folder));
                }
                Err(error) => self.not_unpacked(error),
            }
        }
    }

    /// Measures how long the bundled long note takes here.
    pub fn measure_device(&mut self) {
        let (Ok(notes), Ok(model)) = (self.unpack(Bundled::Notes), self.unpack(Bundled::Encoder))
        else {
            // The demo says what is wrong with that.
            return;
        };
        if let Some(first) = Bundled::Notes.names().next() {
            let question = Question::Measure(model, notes.join(first));
            self.ask(Lane::Long, None, Purpose::Measure, question);
        }
    }

    pub(super) fn unpack(&self, what: Bundled) -> Result<PathBuf, String> {
        match &self.data {
            Some(folder) => what.unpack(folder),
            None => {
                let none = "this system names no folder for the data of programs (HOME is not set)";
                what.unpack(&SystemFolder::Data.path().ok_or(none)?)
            }
        }
    }

    pub(super) fn not_unpacked(&mut self, error: String) {
        let said = "What comes with Auscult could not be written to the disk";
        self.state.messages.tell(Weight::Failure, said, error);
    }

    pub(super) fn imported(&mut self, import: Import, tell: bool) {
        let read = import.notes.len();
        if let Some((path, before)) = self.reread.take()
            && read == 0
        {
            // It cannot be read so: it stays as it was.
            match before {
                Some(before) => self.encodings.insert(path.clone(), before),
                None => self.encodings.remove(&path),
            };
            self.import(vec![path]);
        }
        let first = self.state.library.add(import.notes);
        let mut all = self.state.library.entries().iter();
        let wanted = self.wanted_note.as_ref();
        let wanted = wanted.and_then(|name| {
            let own = all.find(|own| own.note.source().to_string() == *name)?;
            Some(own.key)
        });
        if wanted.is_some() {
            self.wanted_note = None;
        }
        let shows_none = self.state.on_view.is_none();
        if let Some(key) = wanted.or(first.filter(|_| shows_none || tell)) {
            self.show(key);
        }
        let failures = import.failures.iter().map(ToString::to_string);
        let warnings = import.warnings.iter().map(ToString::to_string);
        let lines = failures.chain(warnings).map(|own| in_window(&own));
        let guessed = import.files.iter().filter(|file| file.guessed);
        let guessed = guessed.map(|file| {
            let path = file.path.display();
            format!("{path}: read as {}, which is a guess", file.encoding)
        });
        let lines: Vec<String> = lines.chain(guessed).collect();
        let title = match (read, import.stopped) {
            (read, true) => format!("Stopped; {} read", counted(read, "note")),
            (read, false) => format!("{} read", counted(read, "note")),
        };
        let (weight, title) = match (read, lines.len()) {
            (0, 0) => (Weight::Warning, "There is no note in it".to_owned()),
            (0, _) => (Weight::Failure, "No note could be read".to_owned()),
            (_, 0) => (Weight::Note, title),
            (_, more) => {
                let more = counted(more, "remark");
                (Weight::Warning, format!("{title}, with {more}"))
            }
        };
        if tell || weight == Weight::Failure || (weight != Weight::Note && !self.quiet) {
            let messages = &mut self.state.messages;
            messages.tell(weight, title, lines.join("\n"));
        }
    }

    pub(super) fn show(&mut self, key: NoteKey) {
        let place = Place {
            note: key,
            bytes: 0..0,
        };
        self.state.welcome = false;
        self.state.selection.go(place, true, false);
        self.follow();
    }

    /// Puts the chosen note on view.
    pub(super) fn follow(&mut self) {
        let state = &mut self.state;
        let chosen = state.selection.note();
        if state.on_view.as_ref().map(|own| own.key) == chosen {
            return;
        }
        // Nobody waits for what the hand was on any more.
        state.jobs.forget(|own| own.is_of_other(chosen));
        let entry = chosen.and_then(|key| state.library.get(key));
        state.on_view = entry.map(|entry| OnView {
            key: entry.key,
            note: Arc::clone(&entry.note),
            outline: state.rules.outline(entry.note.text()),
            hits: Vec::new(),
        });
        state.look_for();
        self.tokens();
        self.state.hovered = None;
        self.state.map.view = None;
        self.state.map.marked = None;
        self.state.map_asked = None;
        self.unasked();
        self.attend_next = false;
        if let Some(view) = &self.state.on_view {
            self.seen += 1;
            self.state.results.entry(view.key).or_default().seen = self.seen;
        }
        self.attend();
        if self.state.shown.surprise {
            self.measure_surprise();
        }
    }

    pub(super) fn neighbour(&mut self, by: isize) {
        let now = self.state.selection.note();
        if let Some(key) = self.state.library.neighbour(now, by) {
            self.show(key);
        }
    }

    /// Closes the note on view, and goes to the one beside it.
    pub(super) fn close_note(&mut self) {
        let Some(key) = self.state.on_view.as_ref().map(|own| own.key) else {
            return;
        };
        let library = &mut self.state.library;
        let next = [1, -1].map(|by| library.neighbour(Some(key), by));
        let next = next.into_iter().flatten().find(|own| *own != key);
        library.close(key);
        self.state.jobs.forget(|own| own.is_of_reading());
        self.state.results.remove(&key);
        self.state.selection.close(&[key]);
        self.state.on_view = None;
        self.forget_points();
        match next {
            Some(next) => self.show(next),
            None => self.follow(),
        }
    }

    pub(super) fn close_notes(&mut self) {
        let state = &mut self.state;
        state
            .jobs
            .forget(|own| own.is_of_reading() || matches!(own, Purpose::Import | Purpose::Paste));
        state.library.clear();
        state.selection.clear();
        state.results.clear();
        state.on_view = None;
        state.find_all = FindState {
            // The view has seen so many.
            focus: state.find_all.focus,
            ..FindState::default()
        };
        self.forget_maps();
        self.forget_points();
        self.attended = None;
        self.trim();
    }
}
