//! One method for each thing a user can ask for, in plain data.
//!
//! Every operation is an ordinary blocking function that takes a [`Job`]: progress, time left and
//! the wish to stop in one. Tensors never leave the engine.

mod adapter;
mod attention;
mod bench;
mod bench_attention;
mod bench_tiers;
mod bench_training;
mod bundled;
mod chunks;
mod classify;
mod codes;
mod device;
mod embed;
mod evaluate;
mod fill_mask;
mod film;
mod folders;
mod instance;
mod lengths;
mod memory;
mod models;
mod pass;
mod points;
mod reading;
mod runs;
mod search;
mod self_check;
mod shaders;
mod surprise;
mod sweep;
mod tag;
mod tokens;
mod train;
mod train_check;
mod tuning;
mod units;
mod watch;

use std::borrow::Borrow;
use std::path::Path;

use crate::evaluation::EvaluationError;
use crate::metrics::MetricsError;
use crate::model::checkpoint::Checkpoint;
use crate::model::{self, Model};
use crate::parity::{self, ParityError};
pub use crate::tokenization::Tokenizer;
use crate::tokenization::TokenizerError;

pub use crate::analysis::Pooling;
pub use crate::evaluation::classes::{Classes, Positive};
pub use crate::evaluation::labels::Labels;
pub use crate::evaluation::spans::Spans;
pub use crate::evaluation::{
    Calibration, ClassCurves, Evaluation, Figures, Interval, Judgement, NoteOutcome,
    Outcome as JudgedOutcome, Resampling, Settings, Slice, SliceTable, card,
};
pub use crate::job::{Cancelled, Inside, Job, Progress, StopFlag};
#[cfg(test)]
pub(crate) use crate::kernels::planted_faults;
pub use crate::kernels::{
    Choice, DeviceFault, KernelForm, Tiling, Trial, Tuned, Tuning, cpu_threads,
};
pub use crate::metrics::binary::AtThreshold;
pub use crate::metrics::calibration::Bin;
pub use crate::metrics::pairing::SpanPair;
pub use crate::metrics::threshold::ChosenThreshold;
pub use crate::metrics::{Columns as ClassColumns, Scores};
pub use crate::model::InputError;
pub use crate::model::capture::Part;
pub use crate::model::checkpoint::{FloatType, Head, LoadError, Rounding, SaveError};
pub use crate::notes::columns::{
    ColumnError, check_column, column_value, columns_of_files, file_columns,
};
pub use crate::notes::division::{Division, PartReport, SplitOptions, divide, divided};
pub use crate::notes::encoding::Encoding as TextEncoding;
pub use crate::notes::flat::{FlatSpan, Unflat, flat_spans};
pub use crate::notes::import::{
    Columns, ConllText, FileReport, IMPORTERS, Import, ImportError, ImportOptions, Importer,
    NoteStream, Warning, ann_lines, conll_text, import, import_text,
};
pub use crate::notes::labels::{
    DocumentLabels, LabelCount, LabelQuery, SpanLabels, document_labels, span_labels,
};
pub use crate::notes::leakage::{Leak, Shared};
pub use crate::notes::sections::{
    BUNDLED_RULES, Rule, RulesError, Section, SectionRules, rule_list,
};
pub use crate::notes::sentences::sentences;
pub use crate::notes::split::{Part as DataPart, Ratio, Split, SplitError};
pub use crate::notes::template::{Template, TemplateError};
pub use crate::notes::words::words;
pub use crate::notes::{Annotations, Details, Note, Source, counted};
pub use crate::parity::{CaseReport, Check, Outcome};
pub use crate::tasks::classification::Function;
pub use crate::tasks::fill_mask::{Candidate, occurrences};
pub use crate::tasks::tagging::Aggregation;
pub use crate::tokenization::{
    LEAST_VOCABULARY, TrainedTokenizer, TrainerError, TrainerOptions, check_folder, train_tokenizer,
};
pub use crate::training::check::{Change, Known, Measured, Proposal, RunTime};
pub use crate::training::config::{
    ConfigFault, FIELDS, Field, Kind as FieldKind, MetricName, TaskKind, TrainConfig,
};
pub use crate::training::dataset::DataReport;
pub use crate::training::figures::{ClassFigures, Evaluation as ValidationFigures};
pub use crate::training::held_back::HeldBack;
pub use crate::training::history::Event as TrainEvent;
pub use crate::training::report::{
    Judged as TrainJudged, Outcome as TrainOutcome, Report as TrainReport,
};
pub use crate::training::session::TrainError;
pub use crate::training::sweep::{
    Axis as SweepAxis, BestSetting, Figure as SweepFigure, Plan as SweepPlan, PlannedRun, RunLine,
    RunState, SettingLine, SweepFault, SweepReport, Value as SweepValue, setting_name,
};
pub use crate::training::watch::{
    Every as WatchEvery, LensSeen, MOST_FRAMES, Says, Seen, SpanSeen, Watched,
};
pub use adapter::{Adapter, Kind, Limits, adapters, quiet_drivers};
pub use attention::{
    AttentionCell, AttentionFlow, AttentionMap, AttentionQuery, AttentionResult, Block, CellQuery,
    Direction, FlowQuery, FlowUnit, HeadChoice, HeadOverview, HeadPlace, HeldAttention,
    LayerChoice, LayerOverview, MapQuery, MeanFlow, OverviewQuery, Reduction, Selection,
    UnitAttention,
};
pub use bench::{BenchReport, LengthReport, RandomModel, Size};
pub use bench_attention::{AttentionBench, AttentionBenchReport, AttentionTiming, ProductTiming};
pub use bench_tiers::{PackingTiming, TierTiming};
pub use bench_training::{StepTiming, TrainingBench, TrainingBenchReport};
pub use bundled::Bundled;
pub use classify::{ClassifiedNote, ClassifyQuery, LabelScore};
pub use codes::{CODE_COUNT, Code};
pub use device::{DeviceChoice, DeviceError, DeviceInfo, lost_device, taken_by_auto};
pub use embed::{EmbedQuery, Embedding, UnitVector};
pub use evaluate::{Baselines, EvaluateMaskedLmQuery, EvaluateQuery, EvaluateVectorsQuery};
pub use fill_mask::{FillMaskQuery, FilledMask, FilledNote};
pub use film::{Film, FilmFrame, FilmNote, FilmProbe, film, restore_frame};
pub use folders::{SystemFolder, write_aside};
pub use lengths::{LengthsError, TextLengths, text_lengths};
pub use models::{ConvertedModel, ModelInfo, check_model, convert_model};
pub use points::{
    OfEach, Point, PointNote, PointSpan, PointUnit, Points, PointsExport, PointsQuery,
    Similar as SimilarPoint, Sketch,
};
pub use reading::{Coverage, LongNotes, ReadingOptions, Way};
pub use runs::{
    RunRecord, RunStage, RunSummary, held_back, notes_as_of, run_of_model, run_record, runs,
};
pub use search::{Found, Hit, SearchQuery};
pub use self_check::SelfCheck;
pub use shaders::{ShaderText, shaders};
pub use surprise::{SurpriseQuery, SurprisingNote, TokenLoss, surprising_words};
pub use sweep::{SweepObserver, is_sweep};
pub use tag::{TagQuery, TaggedNote, TaggedSpan};
pub use tokens::{NoteToken, NoteTokens};
pub use train::{TrainObserver, TrainStart};
pub use train_check::{TrainCheck, WhatMemory};
pub use tuning::TuningReport;
pub use units::Unit;
pub use watch::{MOST_PROBES, Probe, WatchPlan, probe_reading, text_sha256};

/// Why the engine could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No such device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A device that gave no result.
    #[error(transparent)]
    Fault(#[from] DeviceFault),
    /// The folder is no model.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A model that cannot be written.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// The tokenizer cannot be opened.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// A tokenizer that gives tokens which the model does not have.
    #[error(
        "the tokenizer has {tokens} tokens, and the model's table of them has {rows} rows: notes with a \
         token beyond cannot be read; take the tokenizer that the model was trained with, or give the \
         model rows for its new tokens"
    )]
    Tokens {
        /// Tokens of the tokenizer.
        tokens: usize,
        /// Rows of the model's token embedding.
        rows: usize,
    },
    /// A note that the tokenizer cannot read.
    #[error("{note}: {error}")]
    Encode {
        /// Where the note came from.
        note: String,
        /// Why not.
        error: TokenizerError,
    },
    /// A note that the model cannot read.
    #[error("{note}: {error}")]
    Input {
        /// Where the note came from.
        note: String,
        /// Why not.
        error: InputError,
    },
    /// An operation that needs a model, before one was loaded.
    #[error("no model is loaded")]
    NoModel,
    /// The model lacks what the operation needs.
    #[error("this model cannot {operation}: {reason}")]
    Unable {
        /// What was asked for.
        operation: &'static str,
        /// What is missing.
        reason: String,
    },
    /// A choice that this model, or these reference cases, do not have.
    #[error("{0}")]
    Choice(String),
    /// A note without what is asked about; among many notes that is no failure.
    #[error("{note}: {reason}")]
    Absent {
        /// Where the note came from.
        note: String,
        /// What is not in it.
        reason: String,
    },
    /// A note that gives no result.
    #[error("{note}: {reason}")]
    NoResult {
        /// Where the note came from.
        note: String,
        /// Why.
        reason: String,
    },
    /// Reference cases that cannot be run.
    #[error(transparent)]
    Parity(#[from] ParityError),
    /// A training run that cannot begin or go on.
    #[error(transparent)]
    Train(Box<TrainError>),
    /// Predictions that cannot be judged, or a report that cannot be written.
    #[error(transparent)]
    Evaluation(EvaluationError),
    /// Stopped by the user.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl EngineError {
    /// Whether the device failed, or cannot be opened, and another one may do it.
    pub fn is_of_device(&self) -> bool {
        match self {
            Self::Fault(_) | Self::Device(_) => true,
            Self::Train(own) => matches!(**own, TrainError::Device { .. }),
            _ => false,
        }
    }
}

impl From<EvaluationError> for EngineError {
    fn from(error: EvaluationError) -> Self {
        match error {
            EvaluationError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            error => Self::Evaluation(error),
        }
    }
}

impl From<MetricsError> for EngineError {
    fn from(error: MetricsError) -> Self {
        EvaluationError::from(error).into()
    }
}

impl From<model::OpenError> for EngineError {
    fn from(error: model::OpenError) -> Self {
        match error {
            model::OpenError::Load(error) => Self::Load(error),
            model::OpenError::Cancelled(cancelled) => Self::Cancelled(cancelled),
        }
    }
}

/// What an operation on several things finished before it ended.
#[derive(Debug)]
pub struct Finished<T> {
    /// Results in the order of what was given.
    pub results: Vec<T>,
    /// What could not be done, for notes that gave no result.
    pub failures: Vec<EngineError>,
    /// Whether it ended before the last: the user stopped it, or the device was lost.
    pub stopped: bool,
}

/// A model with its tokenizer.
struct Loaded {
    model: Model,
    tokenizer: Tokenizer,
    info: ModelInfo,
}

/// A device and what is loaded on it.
pub struct Engine {
    device: device::OpenDevice,
    loaded: Option<Loaded>,
}

impl Engine {
    /// Opens a device.
    ///
    /// # Errors
    /// [`EngineError::Device`] when it is not there.
    pub fn open(choice: DeviceChoice) -> Result<Self, EngineError> {
        Ok(Self {
            device: device::open(choice)?,
            loaded: None,
        })
    }

    /// The memory that is held for computing, in bytes: of this process on the CPU, of burn's pages on
    /// an adapter; `None` where nobody tells.
    pub fn memory_in_use(&self) -> Option<u64> {
        match self.device.info.kind {
            Kind::Cpu => memory::in_use(),
            _ => memory::DeviceMeter(&self.device.device).held(),
        }
    }

    /// Takes the device away, as a driver does that starts again.
    #[cfg(test)]
    pub(crate) fn lose(&self) {
        crate::kernels::planted_faults::lose(&self.device.device);
    }

    /// Asks the device for more memory than any has.
    #[cfg(test)]
    pub(crate) fn overfill(&self) -> Result<(), EngineError> {
        let much = burn::tensor::Tensor::<2>::ones([40_000, 40_000], &self.device.device);
        Ok(crate::kernels::values(much.sum()).map(|_| ())?)
    }

    /// What the engine computes on.
    pub fn device(&self) -> &DeviceInfo {
        &self.device.info
    }

    /// Loads a model in Hugging Face layout with its tokenizer; it replaces the one before only
    /// when all of it is good.
    ///
    /// # Errors
    /// [`EngineError`] says what is wrong with the folder.
    pub fn load_model(&mut self, folder: &Path, job: &Job) -> Result<&ModelInfo, EngineError> {
        let checkpoint = Checkpoint::open(folder)?;
        let tokenizer = Tokenizer::open_beside(folder, checkpoint.base())?;
        let config = checkpoint.config().clone();
        self.device
            .fits(&model::layout(&config, checkpoint.structure()))?;
        let model = Model::from_checkpoint(&checkpoint, config, &self.device.device, job)?;
        let info = models::describe(folder, &model, &tokenizer);
        Ok(&self
            .loaded
            .insert(Loaded {
                model,
                tokenizer,
                info,
            })
            .info)
    }

    /// The loaded model.
    pub fn model(&self) -> Option<&ModelInfo> {
        self.loaded.as_ref().map(|loaded| &loaded.info)
    }

    fn loaded(&self) -> Result<&Loaded, EngineError> {
        self.loaded.as_ref().ok_or(EngineError::NoModel)
    }

    /// Runs the cases of a reference folder, one of them or all, telling `each` of every one as
    /// it ends; with `save`, what was computed is written there.
    ///
    /// # Errors
    /// [`EngineError::Parity`] when there are no cases, [`EngineError::Choice`] when there is not this one.
    pub fn parity(
        &self,
        folder: &Path,
        case: Option<&str>,
        save: Option<&Path>,
        job: &Job,
        each: &mut dyn FnMut(&CaseReport),
    ) -> Result<Finished<CaseReport>, EngineError> {
        let all = parity::cases(folder)?;
        let chosen = match case {
            None => all,
            Some(case) if all.iter().any(|name| name == case) => vec![case.to_owned()],
            Some(case) => {
                let (folder, all) = (folder.display(), all.join(", "));
                let reason = format!("{folder}: no case \"{case}\"; there are: {all}");
                return Err(EngineError::Choice(reason));
            }
        };
        let device = &self.device.device;
        let results = parity::run(folder, &chosen, device, save, job, each);
        let stopped = results.len() < chosen.len();
        Ok(Finished {
            results,
            failures: Vec::new(),
            stopped,
        })
    }
}

/// Runs `one` on each note until all are done or the job is stopped. A note that fails loses no
/// other; a stopped one gives nothing. What `one` says of its progress counts inside its note.
pub fn each_note<T, N: Borrow<Note>>(
    notes: &[N],
    job: &Job,
    mut one: impl FnMut(&Note) -> Result<T, EngineError>,
) -> Finished<T> {
    let mut finished = Finished {
        results: Vec::new(),
        failures: Vec::new(),
        stopped: false,
    };
    // The time goes with the length of the notes, not with their number.
    let bytes = |note: &Note| note.text().len().max(1) as f64;
    let all: f64 = notes.iter().map(|note| bytes(note.borrow())).sum();
    let mut read = 0.0;
    for (done, note) in notes.iter().enumerate() {
        let note = note.borrow();
        let start = read / all;
        read += bytes(note);
        let result = job
            .step_of(done, notes.len(), "notes", start..read / all)
            .map_err(EngineError::from)
            .and_then(|()| job.within(0.0..1.0, || one(note)));
        match result {
            Ok(result) => finished.results.push(result),
            Err(EngineError::Cancelled(_)) => {
                finished.stopped = true;
                return finished;
            }
            // No other note would fare better.
            Err(error @ EngineError::Fault(DeviceFault::Lost(_))) => {
                finished.failures.push(error);
                finished.stopped = done + 1 < notes.len();
                return finished;
            }
            Err(error) => finished.failures.push(error),
        }
    }
    let _ = job.step(notes.len(), notes.len(), "notes");
    finished
}
