//! All that the window shows: views read it, and only commands and answers change it.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::find::{self, Wanted};
use super::jobs::Jobs;
use super::keys::Keys;
use super::lens::Lens;
use super::library::{Entry, Library, NoteKey};
use super::messages::Messages;
use super::points::PointsState;
use super::results::{Asked, MapPart, MapState, Results};
use super::selection::Selection;
use super::settings::{LongChoice, Settings};
use super::train::TrainState;
use super::views::Panel;
use super::worker::Measured;
use crate::engine::{
    DeviceInfo, LongNotes, MeanFlow, ModelInfo, Note, NoteTokens, ReadingOptions, Section,
    SectionRules,
};

/// A model of the window.
#[derive(Debug, Clone, Default)]
pub enum ModelState {
    /// None was chosen.
    #[default]
    None,
    /// It is being read.
    Loading(PathBuf),
    /// It can be asked.
    Ready(PathBuf, Box<ModelInfo>),
    /// It cannot be read; a sentence says why.
    Failed(PathBuf, String),
}

impl ModelState {
    /// The folder of a model that can be asked.
    pub fn folder(&self) -> Option<&PathBuf> {
        match self {
            Self::Ready(folder, _) => Some(folder),
            _ => None,
        }
    }

    /// What it is, if it can be asked.
    pub fn info(&self) -> Option<&ModelInfo> {
        match self {
            Self::Ready(_, info) => Some(info),
            _ => None,
        }
    }
}

/// The note on view, with what follows from its text alone.
pub struct OnView {
    /// Which.
    pub key: NoteKey,
    /// The note.
    pub note: Arc<Note>,
    /// Its sections.
    pub outline: Vec<Section>,
    /// Hits of what is looked for in it.
    pub hits: Vec<Range<usize>>,
}

/// A search, as a person types it.
#[derive(Debug, Clone, Default)]
pub struct FindState {
    /// What is looked for.
    pub wanted: Wanted,
    /// What is wrong with it.
    pub wrong: Option<String>,
    /// Whether its field is on the screen.
    pub open: bool,
    /// How often its field was to get the keys.
    pub focus: u64,
}

/// Which of the things over the workspace is on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Search or run.
    Palette,
    /// Settings.
    Settings,
    /// Which models there are, and how they come here.
    Models,
    /// Keys and help.
    Help,
    /// How to check that nothing is sent.
    Verify,
    /// What is saved of the map of points.
    SavePoints,
}

/// A workspace: a layout of panels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Workspace {
    /// The note, its outline, predictions.
    #[default]
    Read,
    /// The note with the lens on it, layers and heads.
    Look,
    /// Parts of many notes as points.
    Map,
    /// Training runs: described, made, compared and judged.
    Train,
}

/// What is drawn on a note beside its text.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Shown {
    /// Where tokens begin.
    pub tokens: bool,
    /// Their numbers.
    pub ids: bool,
    /// The tint of surprise.
    pub surprise: bool,
    /// No lines under the spans that were predicted.
    pub without_spans: bool,
    /// The value at which the lens is as strong as it gets, where it is kept from head to head.
    pub range: Option<f32>,
}

/// All that the window shows.
pub struct State {
    /// The notes.
    pub library: Library,
    /// What is chosen.
    pub selection: Selection,
    /// The model that reads notes.
    pub model: ModelState,
    /// The model that predicts.
    pub predictor: ModelState,
    /// What they compute on, once a model was loaded.
    pub device: Option<DeviceInfo>,
    /// How fast this computer is, once that was measured.
    pub measured: Option<Measured>,
    /// What was asked of notes.
    pub results: HashMap<NoteKey, Results>,
    /// What the threads hold of notes, in bytes.
    pub held: usize,
    /// Jobs.
    pub jobs: Jobs,
    /// Messages.
    pub messages: Messages,
    /// Width and height of the window, in points, once the system has said so.
    pub size: Option<[f32; 2]>,
    /// What a person chose.
    pub settings: Settings,
    /// Which keys do what.
    pub keys: Keys,
    /// What a heading is.
    pub rules: Arc<SectionRules>,
    /// The note on view.
    pub on_view: Option<OnView>,
    /// Which workspace is on the screen.
    pub workspace: Workspace,
    /// How attention is looked at.
    pub lens: Lens,
    /// How the map of a head is looked at.
    pub map: MapState,
    /// The part of a map, and the value, that was asked for last.
    pub map_asked: Option<(NoteKey, MapPart)>,
    /// See [`State::map_asked`].
    pub cell_asked: Option<(NoteKey, MapPart)>,
    /// Whether the sections of all notes are looked at, and not those of the note on view.
    pub flow_of_all: bool,
    /// How the sections of all notes look at each other.
    pub mean_flow: Asked<MeanFlow>,
    /// Bytes of the note under the pointer that the lens is to show.
    pub hovered: Option<Range<usize>>,
    /// The search in it.
    pub find: FindState,
    /// The search in all notes.
    pub find_all: FindState,
    /// The map of points.
    pub points: PointsState,
    /// What is drawn on it.
    pub shown: Shown,
    /// Training runs.
    pub train: TrainState,
    /// The panel of which a figure is to be made, and its file.
    pub figure: Option<(Panel, PathBuf)>,
    /// What is over the workspace.
    pub over: Option<Over>,
    /// Whether the welcome is in the place of the workspace.
    pub welcome: bool,
    /// Whether the list of jobs and messages is on the screen.
    pub activity: bool,
}

impl State {
    /// Nothing is asked of the views any more that is asked once; they begin anew.
    pub fn nothing_is_asked(&mut self) {
        (self.find.focus, self.find_all.focus) = (0, 0);
        (self.points.focus, self.points.closer) = (0, 0.0);
        self.selection.nothing_is_asked();
    }

    /// The columns of open notes and of files that are named for a run or for judging, as those files
    /// call them.
    pub fn file_columns(&self) -> impl Iterator<Item = &str> {
        let named = &self.train.columns.names;
        (self.library.file_columns().union(named)).map(String::as_str)
    }

    /// Nothing is open yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            keys: Keys::new(&settings.keys),
            rules: Arc::new(SectionRules::default().with_headings(&settings.headings)),
            library: Library::default(),
            selection: Selection::default(),
            model: ModelState::None,
            predictor: ModelState::None,
            device: None,
            measured: None,
            results: HashMap::new(),
            held: 0,
            jobs: Jobs::default(),
            messages: Messages::default(),
            size: None,
            settings,
            on_view: None,
            workspace: Workspace::default(),
            lens: Lens::default(),
            map: MapState::default(),
            map_asked: None,
            cell_asked: None,
            flow_of_all: false,
            mean_flow: Asked::default(),
            hovered: None,
            find: FindState::default(),
            find_all: FindState::default(),
            points: PointsState::default(),
            shown: Shown::default(),
            train: TrainState::default(),
            figure: None,
            over: None,
            welcome: true,
            activity: false,
        }
    }

    /// The line under a figure: with what it was made.
    pub fn caption(&self) -> String {
        let mut parts = vec![format!("Auscult {}", env!("CARGO_PKG_VERSION"))];
        if let Some(model) = self.model.info() {
            parts.push(model.name.clone());
            if self.workspace == Workspace::Look {
                let shown = self.results().and_then(|own| own.attention.value.as_ref());
                let lens = shown.map_or_else(|| self.lens.clone(), |own| Lens::of(own, model));
                parts.push(lens.words(model));
            }
            if model.random_weights {
                parts.push("random weights: it means nothing".to_owned());
            }
        }
        parts.push("research use only".to_owned());
        parts.join(" · ")
    }

    /// The note on view in the library.
    pub fn entry(&self) -> Option<&Entry> {
        self.library.get(self.on_view.as_ref()?.key)
    }

    /// What was asked of the note on view.
    pub fn results(&self) -> Option<&Results> {
        self.results.get(&self.on_view.as_ref()?.key)
    }

    /// The tokens of the note on view.
    pub fn tokens(&self) -> Option<&Arc<NoteTokens>> {
        self.results()?.tokens.value.as_ref()
    }

    /// What the lens is to show: what is under the pointer, or what is chosen.
    pub fn looked_at(&self) -> Option<Range<usize>> {
        self.hovered.clone().or_else(|| self.selection.bytes())
    }

    /// How the models read notes.
    pub fn reading(&self) -> ReadingOptions {
        ReadingOptions {
            long: match self.settings.long_notes {
                LongChoice::First => LongNotes::First,
                LongChoice::Last => LongNotes::Last,
                LongChoice::Windows => LongNotes::Windows,
                LongChoice::Sections => LongNotes::Sections,
            },
            rules: Arc::clone(&self.rules),
            ..ReadingOptions::default()
        }
    }

    /// The model that can predict: the predictor, or that which reads notes where it has labels.
    pub fn predicting(&self) -> Option<(&PathBuf, &ModelInfo)> {
        [&self.predictor, &self.model]
            .into_iter()
            .find_map(|own| match own {
                ModelState::Ready(folder, info) if !info.labels.is_empty() => {
                    Some((folder, &**info))
                }
                _ => None,
            })
    }

    /// Looks anew for what is wanted in the note on view.
    pub(super) fn look_for(&mut self) {
        let Some(view) = &mut self.on_view else {
            return;
        };
        let open = self.find.open;
        (view.hits, self.find.wrong) = match self.find.wanted.compiled() {
            Ok(Some(pattern)) if open => (find::hits(&pattern, view.note.text()), None),
            Ok(_) => (Vec::new(), None),
            Err(wrong) => (Vec::new(), Some(wrong)),
        };
    }
}
