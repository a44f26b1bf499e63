//! `auscult models`: is this folder a model, and which? And the same model in another type.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Subcommand, ValueEnum};
use serde::Serialize;

use super::output::{Forms, Usage, print_text};
use super::progress::Terminal;
use super::{Global, exit};
use crate::engine::{
    ConvertedModel, EngineError, FloatType, ModelInfo, check_model, convert_model,
};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Check every tensor of a model's folder and say what the model is.
    #[command(after_help = "Example: auscult models check models/Clinical_ModernBERT")]
    Check {
        /// The folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Write a model in another type of numbers, with its tokenizer and its card: 16 bits need half
    /// the space.
    #[command(
        after_help = "--out names the new folder. Weights are rounded to the nearest number of the type; \
                      what reads them makes 32-bit numbers of them again. bf16 keeps the range of f32 and 8 \
                      significant bits, f16 has 11 and ends at 65,504.\n\n\
                      Example: auscult models convert --model runs/notes/best --dtype f16 --out small"
    )]
    Convert {
        /// What to store the weights as.
        #[arg(long, value_name = "TYPE", value_enum)]
        dtype: TypeChoice,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TypeChoice {
    F32,
    F16,
    Bf16,
}

impl From<TypeChoice> for FloatType {
    fn from(choice: TypeChoice) -> Self {
        match choice {
            TypeChoice::F32 => Self::F32,
            TypeChoice::F16 => Self::F16,
            TypeChoice::Bf16 => Self::Bf16,
        }
    }
}

impl Command {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        match self {
            Self::Check { folder } => check(folder, global, terminal),
            Self::Convert { dtype } => convert((*dtype).into(), global, terminal),
        }
    }
}

fn check(folder: &Path, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
    let output = global.output(&[])?;
    // What is wrong with a folder is the result of looking at it.
    let mut wrong = None;
    let (result, text) = match check_model(folder) {
        Ok(info) => {
            let text = describe(&info);
            (Checked::Model(Box::new(info)), text)
        }
        Err(error) => {
            wrong = Some(match error {
                EngineError::Tokens { .. } => "does not fit its tokenizer",
                _ => "does not load",
            });
            let problem = error.to_string();
            let text = format!("{problem}\n");
            (Checked::Problem { problem }, text)
        }
    };
    output.write(&Forms {
        items: &[result],
        text,
        table: None,
        array: None,
    })?;
    if let Some(wrong) = wrong {
        terminal.error(&format!("{} {wrong}", folder.display()));
    }
    Ok(exit(wrong.is_none()))
}

fn convert(dtype: FloatType, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
    let folder = global.model_folder()?;
    let Some(out) = global.out.as_deref() else {
        let rule = "--out DIR names the new folder";
        return Err(Usage(rule.to_owned()).into());
    };
    let converted = convert_model(folder, out, dtype, &terminal.job("converting"))?;
    for tensor in &converted.left_aside {
        terminal.remark(&format!("left out: {tensor}"));
    }
    let text = match global.json {
        true => {
            let line = serde_json::to_string(&converted);
            format!("{}\n", line.context("the result cannot be printed")?)
        }
        false => told(&converted),
    };
    print_text(&text)?;
    Ok(exit(true))
}

fn told(converted: &ConvertedModel) -> String {
    let own = converted.rounding;
    let mut text = format!(
        "{}: {} numbers as {}, {:.1} MB with {}\n",
        converted.folder.display(),
        own.numbers,
        converted.dtype,
        converted.bytes as f64 / 1e6,
        converted.copied.join(", ")
    );
    if own.changed > 0 {
        let _ = writeln!(
            text,
            "  {} of them rounded, by {:.2e} at most; {} became 0",
            own.changed, own.largest_change, own.vanished
        );
    }
    text
}

/// What a folder turned out to be.
#[derive(Serialize)]
#[serde(untagged)]
enum Checked {
    Model(Box<ModelInfo>),
    Problem { problem: String },
}

fn describe(info: &ModelInfo) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<12} {value}");
    };
    line("model", info.name.clone());
    line("type", format!("{}, {}", info.model_type, info.head));
    line(
        "parameters",
        format!("{:.2} million", info.parameters as f64 / 1e6),
    );
    line(
        "layers",
        format!(
            "{} ({} global, {} sliding), {} heads, {} wide",
            info.layers,
            info.global_layers,
            info.layers - info.global_layers,
            info.heads,
            info.hidden_size
        ),
    );
    line("reads", format!("at most {} tokens", info.max_tokens));
    line(
        "vocabulary",
        format!(
            "{} rows, {} tokens in the tokenizer",
            info.vocabulary, info.tokenizer_vocabulary
        ),
    );
    if !info.labels.is_empty() {
        line("labels", info.labels.join(", "));
    }
    for tensor in &info.left_aside {
        line("left aside", tensor.clone());
    }
    if info.random_weights {
        line(
            "note",
            "random weights: its output means nothing".to_owned(),
        );
    }
    line("check", "all tensors match".to_owned());
    text
}
