//! Loads models, and asks them about the note on view.

use std::sync::Arc;

use super::Actor;
use crate::app::jobs::Purpose;
use crate::app::library::NoteKey;
use crate::app::messages::Weight;
use crate::app::moving;
use crate::app::results::Results;
use crate::app::settings::LongChoice;
use crate::app::state::ModelState;
use crate::app::worker::{Lane, Question, Wanted};
use crate::engine::{
    Aggregation, ClassifyQuery, FillMaskQuery, Head, Note, Pooling, SearchQuery, Source,
    SurpriseQuery, TagQuery, Unit,
};

/// In notes of more tokens several are hidden at once, since one pass for each would take hours.
const ONE_BY_ONE: usize = 512;

/// The distance of tokens that are hidden at once.
const EVERY: usize = 8;

/// Passages that are shown.
const PASSAGES: usize = 20;

/// Candidates for a mask.
const CANDIDATES: usize = 10;

impl Actor {
    pub(super) fn load(&mut self, purpose: Purpose) {
        let (folder, state) = match &purpose {
            Purpose::Model(folder) => (folder.clone(), &mut self.state.model),
            Purpose::Predictor(folder) => (folder.clone(), &mut self.state.predictor),
            _ => return,
        };
        *state = ModelState::Loading(folder.clone());
        match &purpose {
            // Answers of the model that was there before would be taken for its own.
            Purpose::Model(_) => self.state.jobs.forget(Purpose::is_of_reading),
            _ => (self.state.jobs)
                .forget(|own| matches!(own, Purpose::Classify(_) | Purpose::Tag(_))),
        }
        self.ask(Lane::Hand, None, purpose, Question::Model(folder));
    }

    pub(super) fn reload(&mut self) {
        let folder = |own: &ModelState| match own {
            ModelState::None => None,
            ModelState::Loading(folder)
            | ModelState::Ready(folder, _)
            | ModelState::Failed(folder, _) => Some(folder.clone()),
        };
        let both = [folder(&self.state.model), folder(&self.state.predictor)];
        self.state.results.clear();
        self.forget_points();
        let [model, predictor] = both;
        if let Some(folder) = model {
            self.load(Purpose::Model(folder));
        }
        if let Some(folder) = predictor {
            self.load(Purpose::Predictor(folder));
        }
    }

    pub(super) fn treat_long(&mut self, choice: LongChoice) {
        if self.state.settings.long_notes == choice {
            return;
        }
        self.state.settings.long_notes = choice;
        self.keep();
        self.read_anew();
    }

    /// Forgets what was asked of notes, since they are read in another way now.
    pub(super) fn read_anew(&mut self) {
        self.state.jobs.forget(Purpose::is_of_reading);
        for own in self.state.results.values_mut() {
            *own = Results {
                seen: own.seen,
                ..Results::default()
            };
        }
        self.forget_maps();
        self.forget_points();
        self.attended = None;
        self.tokens();
        self.attend();
        if self.state.shown.surprise {
            self.measure_surprise();
        }
    }

    /// The note on view with its key, if there is one and a model for it; otherwise says what is missing.
    pub(super) fn asked(&mut self, what: &str) -> Option<(NoteKey, Arc<Note>)> {
        let state = &mut self.state;
        let Some(view) = &state.on_view else {
            let said = format!("{what} needs a note; open one first");
            state.messages.tell(Weight::Note, said, "");
            return None;
        };
        if state.model.folder().is_none() {
            let said = match state.model {
                ModelState::Loading(_) => format!("{what} waits for the model; try again soon"),
                _ => format!("{what} needs a model; choose one first"),
            };
            state.messages.tell(Weight::Note, said, "");
            return None;
        }
        Some((view.key, Arc::clone(&view.note)))
    }

    pub(super) fn tokens(&mut self) {
        let (Some(view), Some(folder)) = (&self.state.on_view, self.state.model.folder()) else {
            return;
        };
        let (key, note, folder) = (view.key, Arc::clone(&view.note), folder.clone());
        let has = |own: &Results| own.tokens.value.is_some();
        if self.state.results.get(&key).is_some_and(has) {
            return;
        }
        let question = Question::Tokens(note, self.state.reading());
        self.ask(Lane::Hand, Some(&folder), Purpose::Tokens(key), question);
    }

    pub(super) fn fill(&mut self) {
        let Some((key, note)) = self.asked("Filling a mask") else {
            return;
        };
        let Some(bytes) = self.state.selection.bytes() else {
            let said = "Choose a word first: click it, or press → until it is marked";
            self.state.messages.tell(Weight::Note, said, "");
            return;
        };
        if !self.can_fill("Filling a mask") {
            return;
        }
        let query = FillMaskQuery {
            at: Some(bytes.clone()),
            candidates: CANDIDATES,
            reading: self.state.reading(),
            ..FillMaskQuery::default()
        };
        let question = Question::Fill(note, Box::new(query));
        let folder = self.state.model.folder().cloned();
        let purpose = Purpose::Fill(key, bytes);
        self.ask(Lane::Hand, folder.as_deref(), purpose, question);
    }

    /// Whether the model can fill masks; otherwise says so.
    pub(super) fn can_fill(&mut self, what: &str) -> bool {
        let info = self.state.model.info();
        let can = info.is_some_and(|info| info.task == Head::MaskedLm);
        if !can {
            let said = format!("{what} needs a masked language model, which this model is not");
            self.state.messages.tell(Weight::Note, said, "");
        }
        can
    }

    pub(super) fn surprise(&mut self) {
        if self.state.shown.surprise {
            self.state.shown.surprise = false;
            self.state
                .jobs
                .stop_all(|own| matches!(own, Purpose::Surprise(_)));
            return;
        }
        if self.asked("Surprise").is_some() && self.can_fill("Surprise") {
            self.state.shown.surprise = true;
            self.measure_surprise();
        }
    }

    pub(super) fn measure_surprise(&mut self) {
        let (Some(view), Some(folder)) = (&self.state.on_view, self.state.model.folder()) else {
            return;
        };
        let (key, note, folder) = (view.key, Arc::clone(&view.note), folder.clone());
        let results = self.state.results.get(&key);
        let complete = results
            .and_then(|own| own.surprise.value.as_ref())
            .is_some_and(|own| own.note.complete);
        if complete {
            return;
        }
        // Without them it is not known what is affordable; it is asked again when they are there.
        let Some(tokens) = self.state.tokens().map(|own| own.tokens.len()) else {
            self.surprise_waits = true;
            return;
        };
        self.surprise_waits = false;
        let query = SurpriseQuery {
            mask_every: (tokens > ONE_BY_ONE).then_some(EVERY),
            context: None,
            reading: self.state.reading(),
        };
        let question = Question::Surprise(note, Box::new(query));
        self.ask(Lane::Long, Some(&folder), Purpose::Surprise(key), question);
    }

    pub(super) fn predict(&mut self) {
        let state = &mut self.state;
        state.shown.without_spans = false;
        let Some(view) = &state.on_view else {
            let said = "A prediction needs a note; open one first";
            state.messages.tell(Weight::Note, said, "");
            return;
        };
        let (key, note) = (view.key, Arc::clone(&view.note));
        let Some((folder, info)) = state.predicting() else {
            let said = "A prediction needs a model that was fine-tuned; choose a predictor";
            state.messages.tell(Weight::Note, said, "");
            return;
        };
        let (folder, task, reading) = (folder.clone(), info.task, state.reading());
        let (purpose, question) = match task {
            Head::TokenClassification => {
                let query = TagQuery {
                    aggregation: Aggregation::First,
                    tidy: true,
                    ignored: Vec::from(["O".to_owned()]),
                    reading,
                };
                (Purpose::Tag(key), Question::Tag(note, query))
            }
            _ => {
                let query = ClassifyQuery {
                    function: None,
                    reading,
                };
                (Purpose::Classify(key), Question::Classify(note, query))
            }
        };
        self.ask(Lane::Hand, Some(&folder), purpose, question);
    }

    /// Hides the spans that were predicted, or shows them again.
    pub(super) fn show_spans(&mut self) {
        let state = &mut self.state;
        if state.results().is_some_and(|own| own.tags.value.is_some()) {
            state.shown.without_spans = !state.shown.without_spans;
        } else {
            let said = "No spans were predicted in this note";
            state.messages.tell(Weight::Note, said, "");
        }
    }

    pub(super) fn similar(&mut self) {
        let Some((key, note)) = self.asked("Finding similar passages") else {
            return;
        };
        let tokens = self.state.selection.bytes();
        let Some(bytes) = tokens else {
            let said = "Choose the passage first: click into it, or drag over it";
            self.state.messages.tell(Weight::Note, said, "");
            return;
        };
        let bytes = match bytes.len() {
            // A word by itself says little: its sentence is looked for.
            0..40 => moving::sentence_at(note.text(), bytes.start).unwrap_or(bytes),
            _ => bytes,
        };
        let text = note.text().get(bytes.clone()).unwrap_or_default();
        let wanted = Note::new(Source::Typed, text.to_owned());
        let (among, all): (Vec<NoteKey>, Vec<Arc<Note>>) = (self.state.library.entries().iter())
            .map(|own| (own.key, Arc::clone(&own.note)))
            .unzip();
        let query = SearchQuery {
            unit: Unit::Sentence,
            pooling: Pooling::Mean,
            top: PASSAGES,
            reading: self.state.reading(),
        };
        let question = Question::Search(Box::new(Wanted {
            text: wanted,
            notes: all,
            query,
        }));
        let folder = self.state.model.folder().cloned();
        let purpose = Purpose::Similar(key, bytes, among);
        self.ask(Lane::Long, folder.as_deref(), purpose, question);
    }
}
