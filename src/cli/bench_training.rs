//! `auscult bench training-step`: how fast a model learns, also beside another program.

use std::fmt::Write;
use std::process::{Command as Process, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::{Deserialize, Serialize};

use super::bench::{Lines, Sequences, engine, finish, write};
use super::progress::Terminal;
use super::{Global, exit};
use crate::engine::{StepTiming, TrainingBench, TrainingBenchReport, counted, cpu_threads};

#[derive(Args)]
pub(super) struct Command {
    #[command(flatten)]
    sequences: Sequences,
    /// Compute each layer again for its gradient instead of keeping it.
    #[arg(long)]
    recompute: bool,
    /// Measure another program in the same run, length by length, and compare; its words are
    /// divided at spaces. It is given --json, --size, --lengths, --threads and what else was chosen.
    #[arg(long, value_name = "COMMAND", conflicts_with = "model")]
    beside: Option<String>,
}

/// What another program says of a step of one length.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Other {
    /// Tokens of the sequence.
    tokens: usize,
    /// A whole step, in seconds.
    seconds: f64,
    /// Its largest resident memory, in bytes.
    peak_bytes: Option<u64>,
}

/// Both.
#[derive(Serialize)]
struct Compared {
    #[serde(flatten)]
    own: TrainingBenchReport,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    beside: Vec<Other>,
}

impl Command {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        let output = global.output(&[])?;
        let engine = engine(global, terminal)?;
        let bench = TrainingBench {
            model: self.sequences.model(),
            lengths: self.sequences.lengths(),
            recompute: self.recompute,
        };
        let mut lines = Lines::new(&output, terminal);
        let (mut beside, mut failure) = (Vec::new(), None);
        let report = engine.bench_training(&bench, &terminal.job("measuring"), &mut |step| {
            lines.print(|| describe(step));
            let Some(command) = self.beside.as_ref().filter(|_| failure.is_none()) else {
                return;
            };
            match self.other(command, step.tokens) {
                Ok(other) => {
                    lines.print(|| compare(step, &other));
                    beside.push(other);
                }
                Err(error) => failure = Some(error),
            }
        })?;
        lines.finish()?;
        if let Some(error) = failure {
            return Err(error);
        }
        let text = format!("\n{} on {}\n", report.model, report.device);
        let kept = (report.steps.len(), bench.lengths.len());
        finish(report.stopped.then_some(kept), terminal);
        let complete = !report.stopped;
        let own = report;
        write(&output, Compared { own, beside }, text)?;
        Ok(exit(complete))
    }

    /// What the other program needs for a step of so many tokens.
    fn other(&self, command: &str, tokens: usize) -> Result<Other> {
        let mut words = command.split_whitespace();
        let Some(program) = words.next() else {
            bail!("--beside: name a program");
        };
        let mut process = Process::new(program);
        process.args(words).arg("--json");
        process.args(["--lengths", &tokens.to_string()]);
        process.args(["--size", self.sequences.size_name()]);
        process.args(["--threads", &cpu_threads().to_string()]);
        if let Some(entries) = self.sequences.vocabulary() {
            process.args(["--vocab", &entries.to_string()]);
        }
        if self.recompute {
            process.arg("--recompute");
        }
        let said = process
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("--beside: {program} cannot be started"))?;
        if !said.status.success() {
            bail!("--beside: {program} ended with {}", said.status);
        }
        let said = String::from_utf8_lossy(&said.stdout);
        let line = said.lines().next_back().unwrap_or_default();
        serde_json::from_str(line)
            .with_context(|| format!("--beside: {program} did not end with a line of JSON"))
    }
}

fn describe(step: &StepTiming) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{}: {:.3} s a step (median of {}), {:.0} tokens/s",
        counted(step.tokens, "token"),
        step.seconds,
        step.runs,
        step.tokens_per_second
    );
    let _ = writeln!(
        text,
        "  loss and gradients {:.3} s, update {:.4} s, masks {:.4} s",
        step.model, step.update, step.prepare
    );
    let _ = writeln!(
        text,
        "  peak memory of the process {}, held on the device {}",
        gigabytes(step.peak_bytes),
        gigabytes(step.device_bytes)
    );
    text
}

fn compare(step: &StepTiming, other: &Other) -> String {
    format!(
        "  the other: {:.3} s a step, peak memory {}; Auscult is {:.2} times as fast\n",
        other.seconds,
        gigabytes(other.peak_bytes),
        other.seconds / step.seconds
    )
}

fn gigabytes(bytes: Option<u64>) -> String {
    match bytes {
        Some(bytes) => format!("{:.2} GB", bytes as f64 / 1e9),
        None => "not known here".to_owned(),
    }
}
