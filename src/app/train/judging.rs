//! Judges a model by notes of which the truth is known.

use std::path::{Path, PathBuf};

use super::judged::Judged;
use super::work::{Found, open};
use super::{JudgeForm, JudgeOn, Subject};
use crate::engine::{
    DeviceChoice, EngineError, EvaluateMaskedLmQuery, EvaluateQuery, Head, HeldBack, Job, Note,
    Settings, TrainConfig, counted, held_back, notes_as_of, run_of_model, run_record,
};

/// Notes that a model is judged by.
struct Parts {
    test: Vec<Note>,
    validation: Vec<Note>,
    /// What they are, in words.
    on: String,
    chosen_on: Option<String>,
    separator: Option<String>,
    /// What should be known of them.
    remark: Option<String>,
}

/// The share of the time that reading the notes takes.
const READING: f64 = 0.1;

/// Judges the model of this folder.
///
/// # Errors
/// [`EngineError`] says what is wrong, [`EngineError::Cancelled`] when `job` is stopped.
pub fn judge(
    model: PathBuf,
    form: &JudgeForm,
    device: DeviceChoice,
    job: &Job,
) -> Result<Found, EngineError> {
    // The open model may be what a run left.
    let run = match &form.subject {
        Subject::Run(folder) => Some(folder.clone()),
        Subject::Open => run_of_model(&model),
    };
    let parts = job.within(0.0..READING, || parts(form, run.as_deref(), job))?;
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
                    cost_ratio: (choosing && (info.several_labels || info.labels.len() == 2))
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
    let Some(mut report) = finished.results.into_iter().next() else {
        let none = || EngineError::Choice("no note could be judged".to_owned());
        return Err(failures.next().unwrap_or_else(none));
    };
    report.data.remarks.extend(parts.remark);
    Ok(Found::Judged(Box::new(Judged::new(
        form.clone(),
        name,
        parts.on,
        parts.chosen_on.filter(|_| choosing),
        report,
        parts.test,
    ))))
}

/// The notes that are asked for; never those that the model is known to have learned from.
fn parts(form: &JudgeForm, run: Option<&Path>, job: &Job) -> Result<Parts, EngineError> {
    let config = match run {
        Some(folder) => Some(run_record(folder)?.summary.config),
        None => None,
    };
    let separator = config.as_ref().and_then(|own| own.separator.clone());
    match form.on {
        JudgeOn::HeldBack => {
            let folder = run.ok_or_else(|| {
                choice(
                    "which notes this model was not trained on is not known; choose files of notes",
                )
            })?;
            held_back_parts(held_back(folder, job)?, separator)
        }
        JudgeOn::Files => {
            let mut config = config.unwrap_or_default();
            if !form.label.trim().is_empty() {
                config.label = Some(form.label.trim().to_owned());
            }
            file_parts(form, &config, run, separator, job)
        }
    }
}

fn choice(reason: impl Into<String>) -> EngineError {
    EngineError::Choice(reason.into())
}

/// Those that the run held back.
fn held_back_parts(held: HeldBack, separator: Option<String>) -> Result<Parts, EngineError> {
    match (held.validation.len(), held.test.len()) {
        (0, 0) => Err(choice(
            "this run held no notes back, so it has none to be judged by; choose files of notes that it \
             did not learn from",
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
            remark: None,
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
            remark: None,
        }),
    }
}

/// Those of the files that a person chose, read as the run reads its own.
fn file_parts(
    form: &JudgeForm,
    config: &TrainConfig,
    run: Option<&Path>,
    separator: Option<String>,
    job: &Job,
) -> Result<Parts, EngineError> {
    if form.test.is_empty() {
        return Err(choice("choose the files of the notes that it is judged by"));
    }
    let test = notes_as_of(config, &form.test, job)?;
    let validation = notes_as_of(config, &form.validation, job)?;
    let remark = match run.map(|folder| held_back(folder, job)) {
        Some(Ok(held)) => {
            for (notes, part) in [(&test, "test"), (&validation, "validation")] {
                let learned = held.learned(notes);
                if learned > 0 {
                    return Err(choice(format!(
                        "{} of the {part} notes are among those that this run learned from; a model is \
                         not judged by what it has seen. Take them out, or judge by the notes that the \
                         run held back",
                        counted(learned, "text")
                    )));
                }
            }
            None
        }
        Some(Err(error @ EngineError::Cancelled(_))) => return Err(error),
        // What the run learned from may have gone; these notes are there.
        Some(Err(_)) => Some(
            "The notes that this run learned from are not as they were, so whether it has seen some of \
             these is not known"
                .to_owned(),
        ),
        None => None,
    };
    Ok(Parts {
        on: format!(
            "{} of the files that were chosen",
            counted(test.len(), "test note")
        ),
        chosen_on: (!validation.is_empty()).then(|| counted(validation.len(), "validation note")),
        test,
        validation,
        separator,
        remark,
    })
}
