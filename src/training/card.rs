//! What is told of a run in Markdown: its report, and the card of the model that came of it.
//!
//! The card goes where the model goes, so it names no file, folder or column.

use std::fmt::Write;

use toml::Table;

use super::config::{FIELDS, Kind, Mode, TaskKind, TrainConfig};
use super::figures::Evaluation;
use super::from_notes::Fingerprint;
use super::report::{Judged, Outcome, Report, VALIDATION, duration};
use crate::evaluation::markdown::{cell, number, table};
use crate::notes::counted;

/// Rows of a table that are shown; the report as JSON has all.
const MOST_ROWS: usize = 60;
/// Files that are named.
const MOST_FILES: usize = 20;

/// What both are made of.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) config: &'a TrainConfig,
    pub(super) data: &'a Fingerprint,
    /// The step after which the model was as it is.
    pub(super) step: u64,
    /// Steps of the whole run.
    pub(super) total: u64,
    /// Tokens that were read until then.
    pub(super) tokens: u64,
    /// Numbers of the model, and those of them that were trained.
    pub(super) parameters: usize,
    pub(super) trained: usize,
    pub(super) judged: &'a [Judged],
}

/// The report of a run; `curves` is the name of the picture beside it, if there is one.
pub(super) fn report(facts: &Facts<'_>, report: &Report, curves: Option<&str>) -> String {
    let name = report.run.file_name().unwrap_or_default();
    let mut text = format!("# Training run: {}\n\n", cell(&name.to_string_lossy()));
    let _ = writeln!(text, "{}", purpose(facts));
    let ended = match report.outcome {
        Outcome::Finished => "All steps were made.",
        Outcome::NothingBetter => "It ended before its last step, since nothing better came.",
        Outcome::Stopped => {
            "It was stopped and can go on: `auscult train --resume` with this folder."
        }
    };
    let _ = write!(text, "{ended}\n\n## What was done\n\n");
    let speed = report.tokens as f64 / report.seconds.max(1e-9);
    let mut rows = vec![
        (
            "steps",
            format!("{} of {}", report.steps, report.total_steps),
        ),
        ("tokens read", report.tokens.to_string()),
        ("time of the steps", duration(report.seconds)),
        ("tokens per second", format!("{speed:.0}")),
        (
            "numbers trained",
            format!("{} of {}", facts.trained, facts.parameters),
        ),
    ];
    if let Some(best) = &report.best {
        let metric = report.metric.title();
        rows.push((
            "best model",
            format!("after step {}, by {metric}", best.step),
        ));
    }
    table(
        &mut text,
        &["what", "value"],
        rows.into_iter()
            .map(|(name, value)| vec![name.to_owned(), value]),
    );
    let mut columns: Vec<(String, &Evaluation)> = Vec::new();
    columns.extend(of_best(facts));
    let is_best = !facts.judged.is_empty() && report.last_step == report.best.map(|own| own.step);
    let last = report.last.iter().filter(|_| !is_best);
    columns.extend(last.map(|last| ("last, validation".to_owned(), last)));
    figures(&columns, &mut text);
    by_class(facts, report.last.as_ref(), &mut text);
    picture(curves, &mut text);
    data(facts, &mut text);
    if report.left_out > 0 {
        let _ = write!(
            text,
            "Not read or not learned from: {}; the beginning of the run said why.\n\n",
            counted(report.left_out, "note")
        );
    }
    text.push_str("Their SHA-256:\n\n```text\n");
    for (path, sha256) in facts.data.files.iter().take(MOST_FILES) {
        let path = path.display().to_string().replace(char::is_control, " ");
        let _ = writeln!(text, "{sha256}  {path}");
    }
    if let Some(more) = facts.data.files.len().checked_sub(MOST_FILES + 1) {
        let _ = writeln!(text, "and {} more, which data.json has", more + 1);
    }
    text.push_str("```\n");
    text.push_str("\n## Where the time went\n\nOf the steps since the run was begun or gone on with last; on a GPU parts overlap.\n\n");
    let times = report.times;
    let parts = [
        ("batches and masks", times.prepare),
        ("loss and gradients", times.model),
        ("optimiser", times.update),
        ("history, checks, progress", times.rest),
    ];
    let rows = parts.map(|(name, seconds)| vec![name.to_owned(), format!("{seconds:.2}")]);
    table(&mut text, &["part", "seconds"], rows);
    let _ = write!(
        text,
        "## Description\n\n```toml\n{}```\n\n",
        facts.config.to_toml()
    );
    limits(&mut text);
    text
}

/// The card of the model, which lies in its folder; `curves` as of [`report`].
pub(super) fn model_card(facts: &Facts<'_>, curves: Option<&str>) -> String {
    let pipeline = match facts.config.task {
        TaskKind::MaskedLm => "fill-mask",
        TaskKind::Classify => "text-classification",
        TaskKind::Tag => "token-classification",
    };
    let mut text = format!(
        "---\nlibrary_name: transformers\npipeline_tag: {pipeline}\n---\n\n# Model card\n\n"
    );
    let _ = write!(
        text,
        "{}\nTrained with Auscult {}.\n\n",
        purpose(facts),
        env!("CARGO_PKG_VERSION")
    );
    figures(&of_best(facts), &mut text);
    by_class(facts, None, &mut text);
    picture(curves, &mut text);
    data(facts, &mut text);
    let _ = write!(
        text,
        "## Training\n\n{} of {} numbers were trained; the model is as it was after step {} of {}, \
         when {} tokens had been read.\n\n```toml\n{}```\n\n",
        facts.trained,
        facts.parameters,
        facts.step,
        facts.total,
        facts.tokens,
        settings(facts.config)
    );
    limits(&mut text);
    text
}

/// What the model does, and what it came from.
fn purpose(facts: &Facts<'_>) -> String {
    let config = facts.config;
    let classes = facts.data.labels.len();
    let does = match (config.task, config.several_labels) {
        (TaskKind::MaskedLm, _) => "guesses hidden tokens of notes".to_owned(),
        (TaskKind::Classify, false) => format!("gives each note one of {classes} classes"),
        (TaskKind::Classify, true) => format!("gives each note any of {classes} labels"),
        (TaskKind::Tag, _) => {
            let kinds = counted(classes.saturating_sub(1) / 2, "kind");
            format!("marks spans of {kinds} in notes")
        }
    };
    let mode = match config.mode {
        Mode::Full => "all of it was trained",
        Mode::Head => "its head was trained, and its encoder is that of the model before",
        Mode::Lora => "it was trained by low-rank changes, which are merged in it",
    };
    let from = match config.from_scratch {
        true => "It began with random weights",
        false => "It began with the weights of another model",
    };
    format!("The model {does}.\n{from}; {mode}.")
}

/// The best model's figures by part.
fn of_best<'a>(facts: &Facts<'a>) -> Vec<(String, &'a Evaluation)> {
    let judged = facts.judged.iter();
    judged
        .map(|own| (format!("best, {}", own.part), &own.evaluation))
        .collect()
}

fn figures(columns: &[(String, &Evaluation)], text: &mut String) {
    if columns.is_empty() {
        return;
    }
    text.push_str("## Figures\n\n");
    let header: Vec<&str> = ["figure"]
        .into_iter()
        .chain(columns.iter().map(|(name, _)| name.as_str()))
        .collect();
    type Figure = fn(&Evaluation) -> Option<f64>;
    let all: [(&str, Figure); 13] = [
        ("loss, nats", |own| Some(own.loss)),
        ("perplexity", |own| {
            own.micro_f1.is_none().then(|| own.loss.exp())
        }),
        ("accuracy", |own| Some(own.accuracy)),
        ("subset accuracy", |own| own.subset_accuracy),
        ("macro-F1", |own| own.macro_f1),
        // With one class per note all three are the accuracy.
        ("micro-F1", |own| own.micro_f1.filter(|_| own.mcc.is_none())),
        ("micro precision", |own| {
            own.micro_precision.filter(|_| own.mcc.is_none())
        }),
        ("micro recall", |own| {
            own.micro_recall.filter(|_| own.mcc.is_none())
        }),
        ("weighted F1", |own| own.weighted_f1),
        ("macro-F1 by overlap", |own| own.overlap_macro_f1),
        ("micro-F1 by overlap", |own| own.overlap_micro_f1),
        ("MCC", |own| own.mcc),
        ("AUROC, mean of classes", |own| own.auroc),
    ];
    let rows = all.iter().filter_map(|(name, figure)| {
        let values: Vec<Option<f64>> = columns.iter().map(|(_, own)| figure(own)).collect();
        let shown = values.iter().map(|&value| number(value));
        values
            .iter()
            .any(Option::is_some)
            .then(|| [(*name).to_owned()].into_iter().chain(shown).collect())
    });
    table(text, &header, rows);
}

/// The best model's figures by class, on the part that nothing was chosen by if there is one; before
/// the run is over those of the last evaluation.
fn by_class(facts: &Facts<'_>, last: Option<&Evaluation>, text: &mut String) {
    let best = facts.judged.last();
    let best = best.map(|own| ("best", own.part, &own.evaluation));
    let last = last.map(|last| ("last", VALIDATION, last));
    let Some((which, part, evaluation)) = best.or(last) else {
        return;
    };
    if evaluation.classes.is_empty() {
        return;
    }
    let tagger = facts.config.task == TaskKind::Tag;
    let (class, examples, last) = match tagger {
        true => ("kind", "spans", "F1 by overlap"),
        false => ("class", "notes", "AUROC"),
    };
    let _ = write!(
        text,
        "## By {class}\n\nOf the {which} model on the {part} notes.\n\n"
    );
    let mut classes: Vec<_> = evaluation.classes.iter().collect();
    classes.sort_by_key(|own| std::cmp::Reverse(own.support));
    let rows = classes.iter().take(MOST_ROWS).map(|own| {
        let last = if tagger { own.overlap_f1 } else { own.auroc };
        let figures = [Some(own.precision), Some(own.recall), Some(own.f1), last];
        [cell(&own.name), own.support.to_string()]
            .into_iter()
            .chain(figures.map(number))
            .collect()
    });
    let header = [class, examples, "precision", "recall", "F1", last];
    table(text, &header, rows);
    if let Some(more) = classes.len().checked_sub(MOST_ROWS + 1) {
        let _ = write!(
            text,
            "And {} more, which `report.json` of the run has.\n\n",
            more + 1
        );
    }
}

fn picture(curves: Option<&str>, text: &mut String) {
    if let Some(file) = curves {
        let _ = write!(
            text,
            "## Curves\n\n![curves]({file})\n\nWhat every step and every evaluation measured.\n\n"
        );
    }
}

fn data(facts: &Facts<'_>, text: &mut String) {
    let data = facts.data;
    text.push_str("## Data\n\n");
    let parts = [
        ("training", data.train_examples, data.train_tokens),
        (
            "validation",
            data.validation_examples,
            data.validation_tokens,
        ),
        ("test", data.test_examples, data.test_tokens),
    ];
    let parts = parts.into_iter().filter(|(_, examples, _)| *examples > 0);
    let rows = parts.map(|(part, examples, tokens)| {
        vec![part.to_owned(), examples.to_string(), tokens.to_string()]
    });
    table(text, &["part", "examples", "tokens"], rows);
    let _ = write!(
        text,
        "An example is a note or a part of one, at most {} tokens long; they came from {}.\n\n",
        facts.config.max_tokens,
        counted(data.files.len(), "file")
    );
}

/// The fields of the description that are no paths and no columns.
fn settings(config: &TrainConfig) -> String {
    let mut table = Table::try_from(config).expect("a configuration is a table");
    let named = FIELDS.iter();
    let named = named
        .filter(|field| matches!(field.kind, Kind::Word | Kind::Words))
        .filter(|field| field.name != "lora-targets");
    named.for_each(|field| {
        table.remove(field.name);
    });
    toml::to_string(&table).expect("it was one before")
}

fn limits(text: &mut String) {
    text.push_str(
        "## Limits\n\n\
         Research use only: not a medical device.\n\
         The figures hold for notes like these; on notes from elsewhere they can be far off.\n\
         What was learned from notes can give parts of them away: the model is as sensitive as the \
         notes it learned from.\n",
    );
}
