//! What the threads do for this workspace, with engines of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::judged::Judged;
use super::live::Feed;
use super::{Checked, JudgeForm, JudgeOn, Opened, Subject};
use crate::app::train::curves::Curves;
use crate::engine::{
    Columns, DeviceChoice, Engine, EngineError, EvaluateMaskedLmQuery, EvaluateQuery, Film, Head,
    ImportOptions, Job, Note, RunSummary, Settings, TrainConfig, TrainEvent, TrainObserver,
    TrainOutcome, TrainReport, TrainStart, WatchPlan, Watched, counted, film, held_back, import,
    restore_frame, run_record, runs,
};

/// What a thread is asked for.
pub enum Work {
    /// Does the run fit, into so many bytes if they are given, and how long does it take?
    Check(Box<TrainConfig>, Option<u64>),
    /// Make the run.
    Train(Box<TrainConfig>, Arc<Feed>),
    /// Go on with the run of this folder.
    GoOn(PathBuf, Arc<Feed>),
    /// How good is the model of this folder?
    Judge(PathBuf, Box<JudgeForm>),
    /// Which runs are in these folders?
    Runs(Vec<PathBuf>),
    /// What did the run of this folder leave?
    Record(PathBuf),
    /// What was watched in it?
    Film(PathBuf),
    /// Make the frame of this step a model of its own.
    Restore(PathBuf, u64),
}

/// What it answers.
pub enum Found {
    /// Memory, time, and what is learned from.
    Checked(Box<Checked>),
    /// The run has ended.
    Trained(Box<TrainReport>),
    /// How good it is.
    Judged(Box<Judged>),
    /// Runs.
    Runs(Vec<RunSummary>),
    /// A run.
    Record(Box<Opened>),
    /// What was watched.
    Film(Box<Film>),
    /// The folder of a model.
    Restored(PathBuf),
}

impl Found {
    /// Whether a run was stopped before its end.
    pub fn is_of_stopped_run(&self) -> bool {
        matches!(self, Self::Trained(own) if own.outcome == TrainOutcome::Stopped)
    }
}

/// Does it.
///
/// # Errors
/// [`EngineError`] says what is wrong, [`EngineError::Cancelled`] when `job` is stopped.
pub fn answer(work: Work, device: DeviceChoice, job: &Job) -> Result<Found, EngineError> {
    match work {
        Work::Check(config, limit) => {
            let engine = open(device, job)?;
            let mut heard = Heard::default();
            let found = engine.check_training((*config).clone(), limit, job, &mut heard)?;
            // It is told before the first step is tried.
            let start = heard.0.ok_or(EngineError::NoModel)?;
            Ok(Found::Checked(Box::new(Checked {
                config: *config,
                found,
                start,
            })))
        }
        Work::Train(config, feed) => {
            let engine = open(device, job)?;
            let mut telling = Telling::new(&engine, &feed, config.run.clone());
            let report = engine.train(*config, job, &mut telling)?;
            Ok(Found::Trained(Box::new(report)))
        }
        Work::GoOn(folder, feed) => {
            let engine = open(device, job)?;
            let mut telling = Telling::new(&engine, &feed, folder.clone());
            let report = engine.resume_training(&folder, job, &mut telling)?;
            Ok(Found::Trained(Box::new(report)))
        }
        Work::Judge(model, form) => judge(model, &form, device, job),
        Work::Runs(folders) => Ok(Found::Runs(runs(&folders, job)?)),
        Work::Film(folder) => Ok(Found::Film(Box::new(film(&folder, job)?))),
        Work::Restore(folder, step) => Ok(Found::Restored(restore_frame(&folder, step)?)),
        Work::Record(folder) => {
            let record = run_record(&folder)?;
            Ok(Found::Record(Box::new(Opened {
                curves: Curves::of(&record.events),
                record,
            })))
        }
    }
}

fn open(device: DeviceChoice, job: &Job) -> Result<Engine, EngineError> {
    let engine = Engine::open(device)?;
    engine.prepare(job)?;
    Ok(engine)
}

/// Hears what a run is.
#[derive(Default)]
struct Heard(Option<TrainStart>);

impl TrainObserver for Heard {
    fn begins(&mut self, start: &TrainStart) {
        self.0 = Some(start.clone());
    }

    fn happens(&mut self, _: &TrainEvent) {}
}

/// How often memory is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Tells the window of a run.
struct Telling<'a> {
    engine: &'a Engine,
    feed: &'a Feed,
    folder: PathBuf,
    looked: Option<Instant>,
}

impl<'a> Telling<'a> {
    fn new(engine: &'a Engine, feed: &'a Feed, folder: PathBuf) -> Self {
        Self {
            engine,
            feed,
            folder,
            looked: None,
        }
    }
}

impl TrainObserver for Telling<'_> {
    fn begins(&mut self, start: &TrainStart) {
        // What happened up to the checkpoint belongs to the curves; what came after happens again.
        let before = match start.step {
            0 => Vec::new(),
            _ => run_record(&self.folder).map_or_else(|_| Vec::new(), |own| own.events),
        };
        let before = before.into_iter().filter(|own| own.step() <= start.step);
        self.feed.tell(|told| {
            told.start = Some(start.clone());
            told.events.extend(before);
        });
    }

    fn happens(&mut self, event: &TrainEvent) {
        let due = self.looked.is_none_or(|own| own.elapsed() > LOOK);
        let memory = match due {
            true => {
                self.looked = Some(Instant::now());
                self.engine.memory_in_use()
            }
            false => None,
        };
        self.feed.tell(|told| {
            told.events.push(event.clone());
            told.memory = memory.or(told.memory);
        });
    }

    fn watches(&mut self) -> Option<WatchPlan> {
        Some(self.feed.board.plan())
    }

    fn watched(&mut self, watched: &Watched) {
        self.feed.tell(|told| told.watched.push(watched.clone()));
    }
}

/// Notes that a model is judged by.
struct Parts {
    test: Vec<Note>,
    validation: Vec<Note>,
    /// What they are, in words.
    on: String,
    chosen_on: Option<String>,
    separator: Option<String>,
    /// Whether any number of labels may hold of a note.
    several: bool,
}

/// The share of the time that reading the notes takes.
const READING: f64 = 0.1;

fn judge(
    model: PathBuf,
    form: &JudgeForm,
    device: DeviceChoice,
    job: &Job,
) -> Result<Found, EngineError> {
    let parts = job.within(0.0..READING, || parts(form, job))?;
    let mut engine = open(device, job)?;
    let info = engine.load_model(&model, job)?.clone();
    let name = match &form.subject {
        Subject::Open => info.name.clone(),
        Subject::Run(folder) => {
            let run = folder.file_name().unwrap_or(folder.as_os_str());
            format!("the best model of {}", run.to_string_lossy())
        }
    };
    let slices = form.slices.split(',').map(str::trim);
    let slices: Vec<String> = (slices.filter(|own| !own.is_empty()))
        .map(str::to_owned)
        .collect();
    let settings = Settings::default();
    // A tagger has nothing that would be chosen.
    let choosing = info.task == Head::SequenceClassification && !parts.validation.is_empty();
    let finished = job.within(READING..1.0, || match info.task {
        Head::MaskedLm => {
            let query = EvaluateMaskedLmQuery {
                mask_rate: 0.15,
                reading: Default::default(),
                settings,
                slices,
            };
            engine.evaluate_masked_lm(&parts.test, None, &query, job)
        }
        _ => {
            let query = EvaluateQuery {
                settings: Settings {
                    // Of more than two classes the largest score decides.
                    cost_ratio: (choosing && (parts.several || info.labels.len() == 2))
                        .then_some(form.cost_ratio),
                    ..settings
                },
                separator: parts.separator.clone(),
                slices,
                ..EvaluateQuery::default()
            };
            let validation = choosing.then_some(&parts.validation[..]);
            engine.evaluate(&parts.test, validation, &query, job)
        }
    })?;
    let mut failures = finished.failures.into_iter();
    let Some(report) = finished.results.into_iter().next() else {
        let none = || EngineError::Choice("no note could be judged".to_owned());
        return Err(failures.next().unwrap_or_else(none));
    };
    Ok(Found::Judged(Box::new(Judged::new(
        name,
        parts.on,
        parts.chosen_on.filter(|_| choosing),
        report,
        parts.test,
    ))))
}

/// The notes that are asked for; never those that the model learned from.
fn parts(form: &JudgeForm, job: &Job) -> Result<Parts, EngineError> {
    let held = match &form.subject {
        Subject::Run(folder) => Some(held_back(folder, job)?),
        Subject::Open => None,
    };
    let config = match &form.subject {
        Subject::Run(folder) => Some(run_record(folder)?.summary.config),
        Subject::Open => None,
    };
    let separator = config.as_ref().and_then(|own| own.separator.clone());
    let several = config.as_ref().is_some_and(|own| own.several_labels);
    let choice = |reason: &str| EngineError::Choice(reason.to_owned());
    if form.on == JudgeOn::HeldBack {
        let held = held.ok_or_else(|| {
            choice("which notes this model was not trained on is not known; choose files of notes")
        })?;
        return match (held.validation.len(), held.test.len()) {
            (0, 0) => Err(choice(
                "this run held no notes back, so it has none to be judged by; choose files of notes \
                 that it did not learn from",
            )),
            (_, 0) => Ok(Parts {
                on: format!(
                    "{} that told which model is the best, so the figures look better than they are",
                    counted(held.validation.len(), "validation note")
                ),
                test: held.validation,
                validation: Vec::new(),
                chosen_on: None,
                separator,
                several,
            }),
            (validation, test) => Ok(Parts {
                on: format!(
                    "{} that the run held back to the end",
                    counted(test, "test note")
                ),
                chosen_on: (validation > 0).then(|| counted(validation, "validation note")),
                validation: held.validation,
                test: held.test,
                separator,
                several,
            }),
        };
    }
    let mut columns = Columns::default();
    if let Some(config) = &config {
        columns.text.clone_from(&config.text);
        columns.patient.clone_from(&config.patient);
        columns.label.clone_from(&config.label);
    }
    if !form.label.trim().is_empty() {
        columns.label = Some(form.label.trim().to_owned());
    }
    let options = ImportOptions {
        encoding: None,
        columns,
    };
    let read = |paths: &[PathBuf]| -> Result<Vec<Note>, EngineError> {
        let own = import(paths, &options, job);
        match (own.stopped, own.notes.is_empty() && !paths.is_empty()) {
            (true, _) => Err(EngineError::Cancelled(crate::engine::Cancelled)),
            (false, true) => {
                let reasons = own.failures.iter().map(ToString::to_string);
                let reasons: Vec<String> = reasons.collect();
                Err(choice(&format!(
                    "no note could be read: {}",
                    reasons.join("; ")
                )))
            }
            (false, false) => Ok(own.notes),
        }
    };
    let (test, validation) = (read(&form.test)?, read(&form.validation)?);
    if test.is_empty() {
        return Err(choice("choose the files of the notes that it is judged by"));
    }
    if let Some(held) = &held {
        for (notes, part) in [(&test, "test"), (&validation, "validation")] {
            let learned = held.learned(notes);
            if learned > 0 {
                return Err(choice(&format!(
                    "{} of the {part} notes are among those that this run learned from; a model is \
                     not judged by what it has seen. Take them out, or judge by the notes that the \
                     run held back",
                    counted(learned, "text")
                )));
            }
        }
    }
    Ok(Parts {
        on: format!(
            "{} of the files that were chosen",
            counted(test.len(), "test note")
        ),
        chosen_on: (!validation.is_empty()).then(|| counted(validation.len(), "validation note")),
        test,
        validation,
        separator,
        several,
    })
}
