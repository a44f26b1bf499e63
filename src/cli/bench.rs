//! `auscult bench`: how fast, and how much memory.

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};

use super::output::{Forms, Output, print_text};
use super::progress::Terminal;
use super::{Global, bench_attention, bench_training, exit, prepare};
use crate::engine::{Engine, LengthReport, RandomModel, Size, counted};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Time the encoder on sequences of random tokens, one at a time.
    #[command(after_help = "Example: auscult bench encoder --lengths 128,512 --size base")]
    Encoder(Sequences),
    /// Time attention and its gradient, beside burn's own on the same device.
    #[command(after_help = "Example: auscult bench attention --device gpu --lengths 512,4096")]
    Attention(bench_attention::Command),
    /// Time steps of masked-LM training on sequences of random tokens, one at a time.
    #[command(
        after_help = "Example: auscult bench training-step --device gpu --lengths 512,2048\n         \
                      auscult bench training-step --device cpu --beside \"python benches/pytorch_training_step.py\""
    )]
    TrainingStep(bench_training::Command),
}

/// What is read, and by which model.
#[derive(Args)]
pub(super) struct Sequences {
    /// Lengths in tokens.
    #[arg(long, value_delimiter = ',', value_name = "N,…", default_value = "128,512,2048,8192",
          value_parser = clap::value_parser!(u32).range(1..))]
    lengths: Vec<u32>,
    /// Size of the model with random weights, when --model names none.
    #[arg(long, value_enum, default_value_t = SizeChoice::Base, conflicts_with = "model")]
    size: SizeChoice,
    /// Entries of its vocabulary, for a device that cannot hold the whole table.
    #[arg(long, value_name = "N", conflicts_with = "model",
          value_parser = clap::value_parser!(u32).range(8..=1_000_000))]
    vocab: Option<u32>,
}

impl Sequences {
    pub(super) fn lengths(&self) -> Vec<usize> {
        self.lengths.iter().map(|&length| length as usize).collect()
    }

    pub(super) fn model(&self) -> RandomModel {
        RandomModel {
            size: match self.size {
                SizeChoice::Base => Size::Base,
                SizeChoice::Tiny => Size::Tiny,
            },
            vocabulary: self.vocabulary(),
        }
    }

    pub(super) fn vocabulary(&self) -> Option<usize> {
        self.vocab.map(|entries| entries as usize)
    }

    /// The size as its flag has it.
    pub(super) fn size_name(&self) -> &'static str {
        match self.size {
            SizeChoice::Base => "base",
            SizeChoice::Tiny => "tiny",
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum SizeChoice {
    /// ModernBERT-base: 22 layers, 768 wide.
    Base,
    /// Four layers, 64 wide.
    Tiny,
}

impl Command {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        match self {
            Self::Encoder(sequences) => encoder(sequences, global, terminal),
            Self::Attention(command) => command.run(global, terminal),
            Self::TrainingStep(command) => command.run(global, terminal),
        }
    }
}

/// An engine with the model that `--model` names, if any.
pub(super) fn engine(global: &Global, terminal: &Terminal) -> Result<Engine> {
    match global.model {
        Some(_) => global.engine_with_model(terminal),
        None => {
            let engine = Engine::open(global.device)?;
            prepare(&engine, terminal)?;
            Ok(engine)
        }
    }
}

fn encoder(sequences: &Sequences, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
    let output = global.output(&[])?;
    let engine = engine(global, terminal)?;
    let mut lines = Lines::new(&output, terminal);
    let report = engine.bench_encoder(
        sequences.model(),
        &sequences.lengths(),
        &terminal.job("measuring"),
        &mut |length| lines.print(|| describe(length)),
    )?;
    lines.finish()?;
    let text = format!("\n{} on {}\n", report.model, report.device);
    let kept = (report.lengths.len(), sequences.lengths.len());
    finish(report.stopped.then_some(kept), terminal);
    let complete = !report.stopped;
    write(&output, report, text)?;
    Ok(exit(complete))
}

/// Prints what is measured as it comes, where the result is text.
pub(super) struct Lines<'a> {
    as_text: bool,
    terminal: &'a Terminal,
    printed: Result<()>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(output: &Output, terminal: &'a Terminal) -> Self {
        Self {
            as_text: matches!(output, Output::Text),
            terminal,
            printed: Ok(()),
        }
    }

    pub(super) fn print(&mut self, text: impl FnOnce() -> String) {
        if self.as_text && self.printed.is_ok() {
            self.terminal.clear_line();
            self.printed = print_text(&text());
        }
    }

    /// Whether all could be printed.
    pub(super) fn finish(self) -> Result<()> {
        self.printed
    }
}

/// Says what is missing of a measurement that was stopped.
pub(super) fn finish(kept: Option<(usize, usize)>, terminal: &Terminal) {
    if let Some((done, all)) = kept {
        let all = counted(all, "length");
        terminal.remark(&format!("stopped: {done} of {all} kept"));
    }
}

pub(super) fn write<T: serde::Serialize>(output: &Output, report: T, text: String) -> Result<()> {
    output.write(&Forms {
        items: &[report],
        text,
        table: None,
        array: None,
    })
}

fn describe(length: &LengthReport) -> String {
    let mut text = String::new();
    let peak = match length.peak_bytes {
        Some(bytes) => format!("{:.2} GB", bytes as f64 / 1e9),
        None => "not known here".to_owned(),
    };
    let _ = writeln!(
        text,
        "{}: {:.3} s (median of {}), {:.0} tokens/s, peak memory {peak}",
        counted(length.tokens, "token"),
        length.seconds,
        length.runs,
        length.tokens_per_second
    );
    let sum: f64 = length.parts.values().sum();
    for (part, seconds) in &length.parts {
        let name = format!("{part:?}");
        let _ = writeln!(
            text,
            "  {name:<22} {seconds:8.3} s {:5.1} %",
            100.0 * seconds / sum
        );
    }
    text
}
