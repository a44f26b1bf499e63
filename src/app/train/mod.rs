//! What the workspace Train shows: the run that is described, the one that runs, those that ended, and
//! how good a model is.

pub mod cells;
pub mod compare;
pub mod curves;
pub mod draft;
pub mod judged;
mod judging;
pub mod live;
pub mod outside;
pub mod watch;
pub mod work;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use self::cells::{Cell, Held};
use self::curves::Curves;
use self::draft::Draft;
use self::judged::Judged;
use self::live::Live;
use super::results::Asked;
use super::views::Panel;
use crate::engine::{
    Columns, DataReport, RunRecord, RunSummary, Template, TrainCheck, TrainConfig, TrainStart,
};

/// What a person asks for in this workspace.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// A field of the description gets these words.
    Field(&'static str, Vec<String>),
    /// Files or folders are added to a field.
    AddPaths(&'static str, Vec<PathBuf>),
    /// How many GB a run may use, as a person types it; what is free if it is empty.
    Memory(String),
    /// A recipe is opened.
    Recipe(PathBuf),
    /// The description is saved as a recipe.
    SaveRecipe(PathBuf),
    /// A dialog of the system is wanted.
    Dialog(outside::Dialog),
    /// What the check proposes takes the place of the description.
    Apply,
    /// The run is to end, after a question.
    End,
    /// The answer to that question.
    ReallyEnd(bool),
    /// A run goes on.
    GoOn(PathBuf),
    /// A folder of runs is remembered, or not any more.
    AddRuns(PathBuf),
    /// See [`Ask::AddRuns`].
    ForgetRuns(PathBuf),
    /// A run is compared with others, or not.
    Compare(PathBuf, bool),
    /// A run is opened.
    OpenRun(PathBuf),
    /// The run of this window is shown.
    ShowLive,
    /// A new run is described as this one was.
    Like(PathBuf),
    /// The best model of a run is opened.
    UseBest(PathBuf),
    /// What is judged.
    JudgeBy(Box<JudgeForm>),
    /// The best model of this run is judged, by the notes that the run held back.
    JudgeRun(PathBuf),
    /// What lies in a cell is listed.
    Cell(Option<Cell>),
    /// A note that was judged is put on view, with the span in it that is asked for.
    ShowJudged(Held),
    /// Something of what is watched.
    Watch(watch::WatchAsk),
}

impl Ask {
    /// The panel that shows what comes of it, where that may be behind another.
    pub fn panel(&self) -> Option<Panel> {
        match self {
            Self::OpenRun(_) | Self::GoOn(_) | Self::ShowLive => Some(Panel::Run),
            Self::JudgeRun(_) => Some(Panel::Judge),
            Self::Recipe(_) | Self::Like(_) => Some(Panel::NewRun),
            _ => None,
        }
    }
}

/// Which model is judged.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Subject {
    /// The model that predicts in this window.
    #[default]
    Open,
    /// The best model of the run in this folder.
    Run(PathBuf),
}

/// On which notes it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JudgeOn {
    /// Those that its run held back.
    HeldBack,
    /// Files that are named.
    #[default]
    Files,
}

/// What is judged, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgeForm {
    /// The model.
    pub subject: Subject,
    /// The notes.
    pub on: JudgeOn,
    /// Files of notes that every figure is of.
    pub test: Vec<PathBuf>,
    /// Files of notes on which thresholds and temperature are chosen.
    pub validation: Vec<PathBuf>,
    /// The column of the label; found by itself where it is empty.
    pub label: String,
    /// Columns by whose values the figures are given as well, with commas between them.
    pub slices: String,
    /// How many false positives a false negative costs.
    pub cost_ratio: f64,
}

impl Default for JudgeForm {
    fn default() -> Self {
        Self {
            subject: Subject::default(),
            on: JudgeOn::default(),
            test: Vec::new(),
            validation: Vec::new(),
            label: String::new(),
            slices: String::new(),
            cost_ratio: 1.0,
        }
    }
}

/// The columns of files.
#[derive(Default)]
pub struct FileColumns {
    /// The files and folders, and which columns a person said to be the text and the patient.
    pub of: (Vec<PathBuf>, Columns),
    /// As they call them; those of what was named before, until these are read.
    pub names: BTreeSet<String>,
}

/// What was found out before a run, with the description that it is of.
pub struct Checked {
    /// Of this.
    pub config: TrainConfig,
    /// What was found.
    pub found: TrainCheck,
    /// What the run learns from.
    pub start: TrainStart,
}

/// A run that ended, as it is shown.
pub struct Opened {
    /// What it left.
    pub record: RunRecord,
    /// Its curves.
    pub curves: Curves,
}

/// All that this workspace shows.
#[derive(Default)]
pub struct TrainState {
    /// The run that is described.
    pub draft: Draft,
    /// How many GB it may use, as a person types it; what is free if it is empty.
    pub memory: String,
    /// What the files have that are named in the description and for judging.
    pub columns: FileColumns,
    /// What was found out about it.
    pub check: Asked<Checked>,
    /// The run of this window that runs or ran last.
    pub live: Option<Live>,
    /// Whether it is asked if that run is to end.
    pub ending: bool,
    /// Runs in the folders that are remembered.
    pub runs: Asked<Vec<RunSummary>>,
    /// Runs that are compared, by their folders.
    pub compared: BTreeSet<PathBuf>,
    /// The run that was opened.
    pub opened: Asked<Opened>,
    /// Whether that one is shown and not the run of this window.
    pub shows_opened: bool,
    /// What is judged.
    pub judge: JudgeForm,
    /// How good it is.
    pub judged: Asked<Judged>,
    /// The cell whose content is listed.
    pub cell: Option<Cell>,
    /// What is watched.
    pub watch: watch::WatchState,
}

impl TrainState {
    /// What is known of the notes of the description, if it was checked as it is now.
    pub fn data(&self) -> Option<&DataReport> {
        Some(&self.checked()?.start.data)
    }

    /// The files and folders that are named in the description and for judging, and how they are read.
    pub fn named_files(&self) -> (Vec<PathBuf>, Columns) {
        let learned = ["train", "validation", "test"];
        let learned = learned.into_iter().flat_map(|own| self.draft.paths(own));
        let judged = self.judge.test.iter().chain(&self.judge.validation);
        let form = Template::parse(self.draft.word("form"));
        let form = form.iter().flat_map(Template::columns);
        let columns = Columns {
            text: self.draft.words("text").to_vec(),
            patient: self.draft.words("patient").first().cloned(),
            form: form.map(str::to_owned).collect(),
            ..Columns::default()
        };
        (learned.chain(judged.cloned()).collect(), columns)
    }

    /// What was found out, if the description has not changed since.
    pub fn checked(&self) -> Option<&Arc<Checked>> {
        let own = self.check.value.as_ref()?;
        let now = self.draft.config().ok()?;
        // Where the run is written changes nothing of it.
        let same = TrainConfig {
            run: own.config.run.clone(),
            ..now.clone()
        };
        (same == own.config).then_some(own)
    }

    /// The bytes that a run may use, if that was said.
    ///
    /// # Errors
    /// A sentence when it is no number of GB.
    pub fn limit(&self) -> Result<Option<u64>, String> {
        let said = self.memory.trim();
        if said.is_empty() {
            return Ok(None);
        }
        match said.parse::<f64>() {
            Ok(own) if own > 0.0 && own <= 1e6 => Ok(Some((own * 1e9) as u64)),
            _ => Err("it must be a number of GB above 0, such as 8 or 0.5".to_owned()),
        }
    }

    /// Whether the run of this window runs.
    pub fn runs_now(&self) -> bool {
        self.live.as_ref().is_some_and(|own| own.ended.is_none())
    }
}
