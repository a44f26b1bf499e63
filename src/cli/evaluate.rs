//! `auscult evaluate`: how good a model is on notes of which labels or spans are known.

mod masked_lm;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use super::embed::PoolingChoice;
use super::output::{Usage, print_text};
use super::progress::Terminal;
use super::reading::LongNoteFlags;
use super::tag::AggregationChoice;
use super::{Global, Notes, ReadNotes, badge, exit, report};
use crate::engine::{
    EmbedQuery, EvaluateQuery, EvaluateVectorsQuery, Evaluation, Finished, Interval, Note,
    Resampling, Settings, Unit, card,
};

#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "With --out, which names a folder here: evaluation.json, model-card.md and plots as \
                  SVG and PNG.\n\n\
                  Example: auscult evaluate --model models/my-section-classifier --label section \
                  --split-column part --slice sex --out report visits.csv"
)]
pub(super) struct Command {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    notes: Notes,
    /// Notes that thresholds and temperature come from; never those that are judged.
    #[arg(
        long,
        help_heading = "Judging",
        value_name = "NOTES",
        conflicts_with = "split_column"
    )]
    validation: Vec<PathBuf>,
    /// Column whose values say what is for validation and what is the test: validation, valid, val, dev
    /// or development, and test; other rows are left out.
    #[arg(long, help_heading = "Judging", value_name = "COLUMN")]
    split_column: Option<String>,
    /// Give the figures by the values of a column as well.
    #[arg(long, help_heading = "Judging", value_name = "COLUMN")]
    slice: Vec<String>,
    /// Choose thresholds: how many false positives a false negative costs.
    #[arg(long, help_heading = "Judging", value_name = "RATIO")]
    cost_ratio: Option<f64>,
    /// Of two classes the one that counts as positive [default: the second].
    #[arg(long, help_heading = "Judging", value_name = "LABEL")]
    positive: Option<String>,
    /// What parts several labels in one cell, such as ; or |.
    #[arg(long, help_heading = "Judging", value_name = "TEXT", value_parser = separator)]
    separator: Option<String>,
    /// A kind of span in the notes and the model's name for it.
    #[arg(long, help_heading = "Judging", value_name = "THEIRS=OURS", value_parser = pair)]
    map: Vec<(String, String)>,
    /// How a tagger's tokens become spans, as transformers' pipeline has it [default: as first, and
    /// without punctuation at the ends of spans].
    #[arg(long, help_heading = "Judging", value_enum)]
    aggregation: Option<AggregationChoice>,
    #[command(flatten)]
    resampling: ResamplingFlags,
    #[command(flatten)]
    long: LongNoteFlags,
}

#[derive(Subcommand)]
enum What {
    /// Whether neighbouring vectors of notes have the same label.
    Embeddings(Embeddings),
    /// How well hidden tokens are guessed, beside what counting tokens can do.
    MaskedLm(masked_lm::MaskedLm),
}

#[derive(Args)]
#[command(
    after_help = "Example: auscult evaluate embeddings --model models/Clinical_ModernBERT \
                        --text description --label chapter --out map codes.tsv"
)]
struct Embeddings {
    #[command(flatten)]
    notes: Notes,
    /// How the vectors of the tokens become one.
    #[arg(long, help_heading = "Judging", value_enum, default_value_t = PoolingChoice::Mean)]
    pooling: PoolingChoice,
    /// Nearest neighbours that vote.
    #[arg(long, help_heading = "Judging", value_name = "K", default_value_t = 5,
          value_parser = clap::value_parser!(u16).range(1..))]
    neighbours: u16,
    /// A column of groups: also tell how often neighbours of other groups have the right label.
    #[arg(long, help_heading = "Judging", value_name = "COLUMN")]
    across: Option<String>,
    #[command(flatten)]
    resampling: ResamplingFlags,
    #[command(flatten)]
    long: LongNoteFlags,
}

#[derive(Clone, Args)]
#[command(next_help_heading = "Intervals")]
struct ResamplingFlags {
    /// Resamples of the bootstrap.
    #[arg(long, value_name = "N", default_value_t = 1000,
          value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    resamples: u32,
    /// Where random numbers start.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

impl ResamplingFlags {
    fn settings(&self, cost_ratio: Option<f64>) -> Settings {
        Settings {
            resampling: Resampling {
                seed: self.seed,
                resamples: self.resamples as usize,
                ..Resampling::default()
            },
            cost_ratio,
        }
    }
}

fn separator(text: &str) -> Result<String, &'static str> {
    match text {
        "" => Err("it is empty"),
        text => Ok(text.to_owned()),
    }
}

fn pair(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((theirs, ours)) if !theirs.is_empty() && !ours.is_empty() => {
            Ok((theirs.to_owned(), ours.to_owned()))
        }
        _ => Err("it is not THEIRS=OURS"),
    }
}

impl Command {
    /// The files that are read.
    pub(super) fn files(&self) -> Vec<&Path> {
        let own = self.notes.paths().chain(self.long.file());
        let own = own.chain(self.validation.iter().map(PathBuf::as_path));
        match &self.what {
            Some(What::Embeddings(more)) => own
                .chain(more.notes.paths())
                .chain(more.long.file())
                .collect(),
            Some(What::MaskedLm(more)) => own.chain(more.files()).collect(),
            None => own.collect(),
        }
    }

    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        let out = folder(global, &self.files())?;
        match &self.what {
            Some(What::Embeddings(command)) => return command.run(global, out, terminal),
            Some(What::MaskedLm(command)) => return command.run(global, out, terminal),
            None => {}
        }
        if self.cost_ratio.is_some() && self.validation.is_empty() && self.split_column.is_none() {
            let rule = "--cost-ratio chooses a threshold, on validation notes only: name them with \
                        --validation or --split-column";
            return Err(Usage(rule.to_owned()).into());
        }
        if let Some(ratio) = self
            .cost_ratio
            .filter(|ratio| !(*ratio > 0.0 && ratio.is_finite()))
        {
            return Err(Usage(format!("--cost-ratio {ratio}: it is a number above 0")).into());
        }
        let query = EvaluateQuery {
            reading: self.long.options()?,
            settings: self.resampling.settings(self.cost_ratio),
            positive: self.positive.clone(),
            separator: self.separator.clone(),
            slices: self.slice.clone(),
            aggregation: self.aggregation.map(Into::into),
            kinds: self.map.clone(),
        };
        let mut read = global.read(&self.notes, terminal)?;
        let validation = match (&self.split_column, self.validation.is_empty()) {
            (Some(column), _) => split(&mut read, column, terminal)?,
            (None, false) => {
                let more = self.notes.read_instead(&self.validation, terminal)?;
                read.complete &= more.complete;
                Some(more.notes)
            }
            (None, true) => None,
        };
        let engine = global.engine_with_model(terminal)?;
        let job = terminal.job("evaluating");
        let finished = engine.evaluate(&read.notes, validation.as_deref(), &query, &job)?;
        tell(&finished, &read, global, out, terminal)
    }
}

impl Embeddings {
    fn run(&self, global: &Global, out: Option<&Path>, terminal: &Terminal) -> Result<ExitCode> {
        let query = EvaluateVectorsQuery {
            embed: EmbedQuery {
                unit: Unit::Note,
                pooling: self.pooling.into(),
                normalize: false,
                reading: self.long.options()?,
            },
            neighbours: self.neighbours.into(),
            across: self.across.clone(),
            settings: self.resampling.settings(None),
        };
        let read = global.read(&self.notes, terminal)?;
        let engine = global.engine_with_model(terminal)?;
        let job = terminal.job("evaluating");
        let finished = engine.evaluate_vectors(&read.notes, &query, &job)?;
        tell(&finished, &read, global, out, terminal)
    }
}

/// The folder that `--out` names: one that is not read as notes.
fn folder<'a>(global: &'a Global, inputs: &[&Path]) -> Result<Option<&'a Path>> {
    let Some(out) = global.out.as_deref() else {
        return Ok(None);
    };
    if out.exists() && !out.is_dir() {
        let rule = "--out names a folder here, and this is a file";
        return Err(Usage(format!("{}: {rule}", out.display())).into());
    }
    // What is not there yet lies where its nearest ancestor does.
    let absolute = std::path::absolute(out).unwrap_or_else(|_| out.to_owned());
    let lies = absolute.ancestors().find_map(|own| own.canonicalize().ok());
    let within = |input: &&&Path| {
        let input = input.canonicalize().ok().filter(|input| input.is_dir());
        lies.as_ref()
            .zip(input)
            .is_some_and(|(own, input)| own.starts_with(input))
    };
    match inputs.iter().find(within) {
        Some(input) => {
            let (out, input) = (out.display(), input.display());
            let rule = "what is written there would be read as notes the next time";
            Err(Usage(format!(
                "{out} lies in {input}, which is read: {rule}; name another"
            ))
            .into())
        }
        None => Ok(Some(out)),
    }
}

/// Leaves the test notes and gives those for validation, if there are any, by the values of a column.
fn split(read: &mut ReadNotes, column: &str, terminal: &Terminal) -> Result<Option<Vec<Note>>> {
    const VALIDATION: [&str; 5] = ["validation", "valid", "val", "dev", "development"];
    let (mut test, mut validation, mut others) = (Vec::new(), Vec::new(), 0);
    for note in std::mem::take(&mut read.notes) {
        let value = note.details().field(column);
        let value = value.map(|value| value.trim().to_ascii_lowercase());
        match value.as_deref() {
            Some("test") => test.push(note),
            Some(value) if VALIDATION.contains(&value) => validation.push(note),
            _ => others += 1,
        }
    }
    if test.is_empty() {
        let rule = format!("--split-column {column}: no row of it says test");
        return Err(Usage(rule).into());
    }
    if others > 0 {
        terminal.remark(&format!(
            "{others} rows are neither test nor validation, and left out"
        ));
    }
    read.notes = test;
    Ok(Some(validation).filter(|notes| !notes.is_empty()))
}

/// Writes the report, or shows it, and says what could not be judged.
fn tell(
    finished: &Finished<Evaluation>,
    read: &ReadNotes,
    global: &Global,
    out: Option<&Path>,
    terminal: &Terminal,
) -> Result<ExitCode> {
    let complete = report(finished, read, terminal);
    let Some(evaluation) = finished.results.first() else {
        anyhow::bail!("no note could be judged");
    };
    for remark in &evaluation.data.remarks {
        terminal.remark(remark);
    }
    if let Some(out) = out {
        let files = evaluation.write(out, &terminal.job("writing"))?;
        terminal.remark(&format!("{} files in {}", files.len(), out.display()));
    }
    let text = match (global.json, out) {
        (true, _) => {
            let line = serde_json::to_string(evaluation);
            format!("{}\n", line.context("the report cannot be printed")?)
        }
        (false, None) => card(evaluation),
        (false, Some(_)) => summary(evaluation),
    };
    print_text(&text)?;
    Ok(exit(complete))
}

/// The figures that stand first.
fn summary(evaluation: &Evaluation) -> String {
    let (name, badge) = (
        &evaluation.model.name,
        badge(evaluation.model.random_weights),
    );
    let mut text = format!("{name}, {} test notes{badge}\n", evaluation.data.test);
    let how = evaluation.resampling;
    for (figure, own) in evaluation.result.headline() {
        let figure = figure.replace('_', " ");
        let _ = writeln!(text, "  {figure:<26} {}", interval(&own));
    }
    let _ = writeln!(
        text,
        "  in brackets: {} % intervals from {} resamples of {}, seed {}",
        how.level * 100.0,
        how.resamples,
        evaluation.data.resampled(),
        how.seed
    );
    text
}

fn interval(own: &Interval) -> String {
    match (own.estimate, own.low, own.high) {
        (Some(own), Some(low), Some(high)) => format!("{own:.3} ({low:.3} to {high:.3})"),
        (Some(own), ..) => format!("{own:.3}"),
        (None, ..) => "not defined".to_owned(),
    }
}
