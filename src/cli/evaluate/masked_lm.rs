//! `auscult evaluate masked-lm`: how well a model guesses hidden tokens.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::{ResamplingFlags, tell};
use crate::cli::progress::Terminal;
use crate::cli::reading::LongNoteFlags;
use crate::cli::{Global, Notes};
use crate::engine::EvaluateMaskedLmQuery;

#[derive(Args)]
#[command(
    after_help = "The same tokens are hidden each time, by --seed. With --baselines, which names the \
                  texts that the model was trained on, two models that only count stand beside it: how \
                  often tokens occur, and after which four others. They know the true tokens on the \
                  left, also those that the model does not see.\n\n\
                  Example: auscult evaluate masked-lm --model runs/notes/best \
                  --baselines parts/train.jsonl --slice file --out report parts/validation.jsonl"
)]
pub(super) struct MaskedLm {
    #[command(flatten)]
    notes: Notes,
    /// Texts that the model was trained on, to count tokens in.
    #[arg(long, help_heading = "Judging", value_name = "NOTES")]
    baselines: Vec<PathBuf>,
    /// The share of the tokens that is hidden, above 0 and at most 1.
    #[arg(
        long,
        help_heading = "Judging",
        value_name = "SHARE",
        default_value_t = 0.15
    )]
    mask_rate: f64,
    /// Give the figures by the values of a column as well; file means each file.
    #[arg(long, help_heading = "Judging", value_name = "COLUMN")]
    slice: Vec<String>,
    #[command(flatten)]
    resampling: ResamplingFlags,
    #[command(flatten)]
    long: LongNoteFlags,
}

impl MaskedLm {
    /// The files that are read.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let own = self.notes.paths().chain(self.long.file());
        own.chain(self.baselines.iter().map(PathBuf::as_path))
    }

    pub(super) fn run(
        &self,
        global: &Global,
        out: Option<&Path>,
        terminal: &Terminal,
    ) -> Result<ExitCode> {
        let query = EvaluateMaskedLmQuery {
            mask_rate: self.mask_rate,
            reading: self.long.options()?,
            settings: self.resampling.settings(None),
            slices: self.slice.clone(),
        };
        let mut read = global.read(&self.notes, terminal)?;
        let engine = global.engine_with_model(terminal)?;
        engine.check_masked_lm(&read.notes, &query)?;
        let mut baselines = None;
        if !self.baselines.is_empty() {
            let job = terminal.job("counting");
            let paths = Some(&self.baselines[..]);
            let counted = self.notes.texts(paths, &job, terminal, |texts| {
                engine.count_baselines(texts, &job)
            });
            let (counted, complete) = counted?;
            read.complete &= complete;
            baselines = Some(counted?);
        }
        let job = terminal.job("evaluating");
        let finished = engine.evaluate_masked_lm(&read.notes, baselines.as_ref(), &query, &job)?;
        tell(&finished, &read, global, out, terminal)
    }
}
