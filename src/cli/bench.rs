//! `auscult bench`: how fast, and how much memory.

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Subcommand, ValueEnum};

use super::output::{Forms, Output, print_text};
use super::progress::Terminal;
use super::{Global, bench_attention, exit, prepare};
use crate::engine::{Engine, LengthReport, Size, counted};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Time the encoder on sequences of random tokens, one at a time.
    #[command(after_help = "Example: auscult bench encoder --lengths 128,512 --size base")]
    Encoder {
        /// Lengths in tokens.
        #[arg(long, value_delimiter = ',', value_name = "N,…", default_value = "128,512,2048,8192",
              value_parser = clap::value_parser!(u32).range(1..))]
        lengths: Vec<u32>,
        /// Size of the model with random weights, when --model names none.
        #[arg(long, value_enum, default_value_t = SizeChoice::Base, conflicts_with = "model")]
        size: SizeChoice,
    },
    /// Time attention and its gradient, beside burn's own on the same device.
    #[command(after_help = "Example: auscult bench attention --device gpu --lengths 512,4096")]
    Attention(bench_attention::Command),
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
        let (lengths, size) = match self {
            Self::Encoder { lengths, size } => (lengths, size),
            Self::Attention(command) => return command.run(global, terminal),
        };
        let size = match size {
            SizeChoice::Base => Size::Base,
            SizeChoice::Tiny => Size::Tiny,
        };
        let output = global.output(&[])?;
        let engine = match global.model {
            Some(_) => global.engine_with_model(terminal)?,
            None => {
                let engine = Engine::open(global.device)?;
                prepare(&engine, terminal)?;
                engine
            }
        };
        let lengths: Vec<usize> = lengths.iter().map(|&length| length as usize).collect();
        let as_text = matches!(output, Output::Text);
        let mut printed = Ok(());
        let job = terminal.job("measuring");
        let report = engine.bench_encoder(size, &lengths, &job, &mut |length| {
            if as_text && printed.is_ok() {
                terminal.clear_line();
                printed = print_text(&describe(length));
            }
        })?;
        printed?;
        let text = format!("\n{} on {}\n", report.model, report.device);
        let complete = !report.stopped;
        if report.stopped {
            let (done, all) = (report.lengths.len(), lengths.len());
            terminal.remark(&format!(
                "stopped: {done} of {} kept",
                counted(all, "length")
            ));
        }
        output.write(&Forms {
            items: &[report],
            text,
            table: None,
            array: None,
        })?;
        Ok(exit(complete))
    }
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
