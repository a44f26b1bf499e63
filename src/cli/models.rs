//! `auscult models`: is this folder a model, and which?

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use serde::Serialize;

use super::output::Forms;
use super::progress::Terminal;
use super::{Global, exit};
use crate::engine::{EngineError, ModelInfo, check_model};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Check every tensor of a model's folder and say what the model is.
    #[command(after_help = "Example: auscult models check models/Clinical_ModernBERT")]
    Check {
        /// The folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

impl Command {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        let Self::Check { folder } = self;
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
