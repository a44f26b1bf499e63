//! The engine from a terminal.
//!
//! Results go to standard output or a file, progress to standard error: as one line of a terminal, or
//! every two minutes as a line of its own. The exit status is 0, 1 (failed, or stopped before the end) or 2 (wrong usage).

mod attention;
mod bench;
mod bench_attention;
mod bench_training;
mod classify;
mod doctor;
mod embed;
mod evaluate;
mod fill_mask;
mod input;
mod labels;
mod models;
mod notes;
mod outline;
mod output;
mod overwriting;
mod pace;
mod parts;
mod passage;
mod progress;
mod reading;
mod search;
mod shaders;
mod split;
mod surprise;
mod tag;
mod tokenizer;
mod train;
mod train_check;
mod train_sweep;
mod unit;
mod written;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::parser::ValueSource;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::engine::{
    Cancelled, DeviceChoice, Engine, EngineError, Finished, counted, quiet_drivers,
};
use input::{Notes, ReadNotes};
use output::{Format, Output, Usage};
use overwriting::Inputs;
use progress::Terminal;

/// Runs Clinical ModernBERT and its family, on this machine only. Without a command the window opens.
#[derive(Parser)]
#[command(
    version,
    about,
    after_help = "Research use only: not a medical device."
)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What the command line asked for.
#[derive(Debug)]
pub enum Asked {
    /// A command, which has been carried out.
    Done(ExitCode),
    /// The window.
    Window {
        /// The model that reads notes, if one was named.
        model: Option<PathBuf>,
        /// Where to compute, if that was named.
        device: Option<String>,
    },
}

/// Options that every command understands.
#[derive(Clone, Args)]
struct Global {
    /// Folder of a model in Hugging Face layout.
    #[arg(long, global = true, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Where to compute: auto, cpu, gpu, gpu:N or software.
    #[arg(long, global = true, value_name = "DEVICE", default_value = "auto",
          value_parser = str::parse::<DeviceChoice>)]
    device: DeviceChoice,
    /// Print results as JSON, one object a line.
    #[arg(long, global = true)]
    json: bool,
    /// Write results to a file instead; its ending says how: .jsonl, .json, .csv, .npy.
    #[arg(long, global = true, value_name = "FILE")]
    out: Option<PathBuf>,
    /// No progress, remarks or warnings: only results and errors.
    #[arg(long, global = true)]
    quiet: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Look at folders of models, and write them in another type.
    #[command(subcommand)]
    Models(models::Command),
    /// Look at notes: what files hold, and which sections they have.
    #[command(subcommand)]
    Notes(notes::Command),
    /// Suggest what stands behind masks in notes.
    FillMask(fill_mask::Command),
    /// Measure how surprised the model is by each word of notes.
    Surprise(surprise::Command),
    /// Score the labels of notes with a fine-tuned classifier.
    Classify(classify::Command),
    /// Mark spans in notes with a fine-tuned tagger.
    Tag(tag::Command),
    /// Judge a classifier or a tagger by known labels or spans, vectors, or guesses of hidden tokens.
    Evaluate(Box<evaluate::Command>),
    /// Turn notes, sections, sentences or tokens into vectors.
    Embed(embed::Command),
    /// Find the notes, sections or sentences that are most like a text.
    Search(search::Command),
    /// Show what tokens look at, what looks at them, or how sections look at each other.
    Attention(attention::Command),
    /// Train a model on notes, or go on with a run.
    Train(train::Command),
    /// List the devices of this machine and check that they compute right.
    Doctor(doctor::Command),
    /// Measure speed and memory.
    #[command(subcommand)]
    Bench(bench::Command),
    /// Train a tokenizer on notes.
    #[command(subcommand)]
    Tokenizer(tokenizer::Command),
    /// Write the shaders that a GPU is given.
    Shaders(shaders::Command),
}

/// Reads the command line and carries out its command, if there is one.
pub fn run() -> Asked {
    // SAFETY: the program has just begun and has no other thread.
    unsafe { quiet_drivers() };
    let matches = Arguments::command().get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let global = arguments.global;
    match arguments.command {
        Some(command) => Asked::Done(carry_out(command, &global)),
        None => {
            let named = matches.value_source("device") == Some(ValueSource::CommandLine);
            let device = matches.get_raw("device").and_then(|mut own| own.next());
            let device = device.map(|own| own.to_string_lossy().into_owned());
            Asked::Window {
                model: global.model,
                device: device.filter(|_| named),
            }
        }
    }
}

/// Runs a command, and says how it went.
fn carry_out(command: Command, global: &Global) -> ExitCode {
    let terminal = Terminal::new(global.quiet);
    let spared = match &global.out {
        Some(out) => command.inputs(global).spare(out),
        None => Ok(()),
    };
    let result = match command {
        _ if spared.is_err() => spared.map(|()| ExitCode::SUCCESS).map_err(Into::into),
        Command::Models(command) => command.run(global, &terminal),
        Command::Notes(command) => command.run(global, &terminal),
        Command::FillMask(command) => command.run(global, &terminal),
        Command::Surprise(command) => command.run(global, &terminal),
        Command::Classify(command) => command.run(global, &terminal),
        Command::Tag(command) => command.run(global, &terminal),
        Command::Evaluate(command) => command.run(global, &terminal),
        Command::Embed(command) => command.run(global, &terminal),
        Command::Search(command) => command.run(global, &terminal),
        Command::Attention(command) => command.run(global, &terminal),
        Command::Train(command) => command.run(global, &terminal),
        Command::Doctor(command) => command.run(global, &terminal),
        Command::Bench(command) => command.run(global, &terminal),
        Command::Tokenizer(command) => command.run(global, &terminal),
        Command::Shaders(command) => command.run(global),
    };
    match result {
        Ok(code) => code,
        Err(error) if error.is::<Usage>() || is_choice(&error) => {
            terminal.error(&format!("{error:#}"));
            ExitCode::from(2)
        }
        Err(error) if matches!(error.downcast_ref(), Some(EngineError::Cancelled(_))) => {
            terminal.remark("stopped: nothing was finished that could be kept");
            ExitCode::FAILURE
        }
        Err(error) => {
            terminal.error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Whether the model or the reference cases do not have what was chosen on the command line.
fn is_choice(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(EngineError::Choice(_)))
}

impl Command {
    /// What the command reads.
    fn inputs<'a>(&'a self, global: &'a Global) -> Inputs<'a> {
        let mut model = global.model.as_deref();
        let files = match self {
            Self::Models(models::Command::Check { folder }) => {
                model = Some(folder);
                Vec::new()
            }
            Self::Models(models::Command::Convert { .. }) => Vec::new(),
            Self::Notes(command) => command_of_notes(command),
            Self::FillMask(command) => command.files(),
            Self::Surprise(command) => command.files(),
            Self::Classify(command) => command.files(),
            Self::Tag(command) => command.files(),
            Self::Evaluate(command) => command.files(),
            Self::Embed(command) => command.files(),
            Self::Search(command) => command.files(),
            Self::Attention(command) => command.files(),
            Self::Train(command) => command.files(),
            Self::Tokenizer(command) => command.files(),
            Self::Doctor(_) | Self::Bench(_) | Self::Shaders(_) => Vec::new(),
        };
        Inputs { files, model }
    }
}

fn command_of_notes(command: &notes::Command) -> Vec<&Path> {
    match command {
        notes::Command::Import(notes) | notes::Command::Labels { notes, .. } => {
            notes.paths().collect()
        }
        // It writes several files, and looks at each.
        notes::Command::Split(_) => Vec::new(),
        notes::Command::Outline { notes, sections } => {
            notes.paths().chain(sections.as_deref()).collect()
        }
        notes::Command::Rules => Vec::new(),
    }
}

impl Global {
    /// Where results go; `forms` are those that they have besides JSON.
    fn output(&self, forms: &[Format]) -> Result<Output> {
        Output::new(self.json, self.out.as_deref(), forms)
    }

    /// The folder that `--model` names.
    fn model_folder(&self) -> Result<&Path> {
        let folder = self.model.as_deref().ok_or_else(|| {
            let needed = "this command needs a model: --model DIR, a folder with config.json, \
                          model.safetensors and tokenizer.json";
            Usage(needed.to_owned())
        })?;
        match folder.is_dir() {
            true => Ok(folder),
            false => anyhow::bail!("{}: no such folder", folder.display()),
        }
    }

    /// Reads notes for a model; that there is one is seen before any work.
    fn read(&self, notes: &Notes, terminal: &Terminal) -> Result<ReadNotes> {
        self.model_folder()?;
        let read = notes.read(terminal)?;
        match read.stopped {
            true => Err(EngineError::from(Cancelled).into()),
            false => Ok(read),
        }
    }

    /// An engine with the model that `--model` names.
    fn engine_with_model(&self, terminal: &Terminal) -> Result<Engine> {
        let folder = self.model_folder()?;
        let mut engine = Engine::open(self.device)?;
        prepare(&engine, terminal)?;
        let info = engine.load_model(folder, &terminal.job("loading"))?.clone();
        terminal.remark(&format!("{} on {}", info.name, engine.device()));
        if info.random_weights {
            terminal.remark("This model has random weights: its output means nothing.");
        }
        Ok(engine)
    }
}

/// Lets a device compute with the kernels that are best there; the first time takes seconds.
fn prepare(engine: &Engine, terminal: &Terminal) -> Result<()> {
    let report = engine.prepare(&terminal.job("choosing kernels, once"))?;
    if let Some(not_kept) = report.and_then(|report| report.not_kept) {
        terminal.remark(&format!("the choice of kernels cannot be kept: {not_kept}"));
    }
    Ok(())
}

/// Says what is missing of a command on notes; returns whether nothing is.
fn report<T>(finished: &Finished<T>, read: &ReadNotes, terminal: &Terminal) -> bool {
    report_in_part(finished, false, read, terminal)
}

/// [`report`] where the last result may be that of a note which was stopped in its middle.
fn report_in_part<T>(
    finished: &Finished<T>,
    in_part: bool,
    read: &ReadNotes,
    terminal: &Terminal,
) -> bool {
    let (absent, failures): (Vec<_>, Vec<_>) = finished
        .failures
        .iter()
        .partition(|failure| matches!(failure, EngineError::Absent { .. }));
    for failure in &failures {
        terminal.error(&failure.to_string());
    }
    let nothing = finished.results.is_empty();
    for sentence in left_out(&absent, read.notes.len()) {
        match nothing {
            true => terminal.error(&sentence),
            false => terminal.remark(&sentence),
        }
    }
    if finished.stopped {
        let (kept, all) = (finished.results.len(), read.notes.len());
        terminal.remark(&stopped(kept, in_part, all));
    }
    let asked = absent.is_empty() || !nothing;
    read.complete && failures.is_empty() && asked && !finished.stopped
}

/// A sentence for each reason for which notes, of `all`, do not have what is asked about.
fn left_out(absent: &[&EngineError], all: usize) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for failure in absent {
        if let EngineError::Absent { reason, .. } = failure {
            *counts.entry(reason).or_default() += 1;
        }
    }
    let sentence = |(reason, count)| match all {
        1 => absent.iter().map(ToString::to_string).collect(),
        _ => format!("{count} of {} left out: {reason}", counted(all, "note")),
    };
    counts.into_iter().map(sentence).collect()
}

/// How far a stopped command came.
fn stopped(kept: usize, in_part: bool, all: usize) -> String {
    let whole = kept - usize::from(in_part);
    let part = if in_part { ", and 1 in part" } else { "" };
    format!("stopped: {whole} of {} kept{part}", counted(all, "note"))
}

/// What a person is told of a model that has learned nothing, beside its results.
fn badge(random_weights: bool) -> &'static str {
    match random_weights {
        true => " [random weights: this means nothing]",
        false => "",
    }
}

/// 0 when everything was done, 1 when something is missing.
fn exit(complete: bool) -> ExitCode {
    if complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_command_says_what_it_kept() {
        assert_eq!(stopped(3, false, 9), "stopped: 3 of 9 notes kept");
        assert_eq!(
            stopped(3, true, 9),
            "stopped: 2 of 9 notes kept, and 1 in part"
        );
        assert_eq!(
            stopped(1, true, 1),
            "stopped: 0 of 1 note kept, and 1 in part"
        );
    }
}
