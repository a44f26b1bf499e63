//! `auscult train --check` and `--fit`: whether a run fits, before it begins.

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::exit;
use super::output::{Forms, Output};
use super::progress::Terminal;
use crate::engine::{Engine, Proposal, TrainConfig, TrainEvent, TrainObserver, TrainStart};

#[derive(Args)]
pub(super) struct CheckFlags {
    /// Make a few real steps and say what memory and time the run needs; nothing is written. The
    /// exit status is 1 if it does not fit.
    #[arg(long, conflicts_with = "resume")]
    check: bool,
    /// If the run does not fit, look for the change that makes it fit and alters its result the
    /// least, and train with that; with --check only print the changed fields.
    #[arg(long, conflicts_with = "resume")]
    fit: bool,
    /// Memory that the run may use, in GB (1e9 bytes), in place of what is free; for machines that
    /// are shared.
    #[arg(long, value_name = "GB", value_parser = gigabytes, conflicts_with = "resume")]
    memory_limit: Option<u64>,
}

/// What is to be done after the check.
pub(super) enum Next {
    /// This run is to be made.
    Train(Box<TrainConfig>),
    /// Nothing more.
    Done(ExitCode),
}

impl CheckFlags {
    /// Whether a run is to be looked at before it begins.
    pub(super) fn wanted(&self) -> bool {
        self.check || self.fit || self.memory_limit.is_some()
    }

    pub(super) fn run(
        &self,
        engine: &Engine,
        config: TrainConfig,
        output: &Output,
        terminal: &Terminal,
        observer: &mut dyn TrainObserver,
    ) -> Result<Next> {
        let job = terminal.job("checking");
        // What the run itself would tell is told once.
        let observer = match self.check {
            true => observer,
            false => &mut Silent,
        };
        let check = engine.check_training(config.clone(), self.memory_limit, &job, observer)?;
        terminal.clear_line();
        let words = check.in_words();
        if self.check && !self.fit {
            let fits = check.fits();
            write(output, check, words)?;
            return Ok(Next::Done(exit(fits)));
        }
        terminal.remark(words.trim_end());
        if self.check {
            let helped = check.fits() || check.proposal.is_some();
            let fields = check.proposal.as_ref().map_or(String::new(), fields);
            write(output, check, fields)?;
            return Ok(Next::Done(exit(helped)));
        }
        let fits = check.fits();
        match check.proposal {
            _ if fits => Ok(Next::Train(Box::new(config))),
            Some(proposal) if self.fit => {
                let fields = fields(&proposal);
                terminal.remark(&format!(
                    "training with {}",
                    fields.trim_end().replace('\n', ", ")
                ));
                Ok(Next::Train(Box::new(proposal.config)))
            }
            _ => {
                terminal.error("the run does not fit, so it was not begun");
                Ok(Next::Done(exit(false)))
            }
        }
    }
}

/// Hears what it is told.
struct Silent;

impl TrainObserver for Silent {
    fn begins(&mut self, _: &TrainStart) {}

    fn happens(&mut self, _: &TrainEvent) {}
}

/// The changed fields as a description has them.
fn fields(proposal: &Proposal) -> String {
    let mut text = String::new();
    for change in &proposal.changes {
        let _ = writeln!(text, "{} = {}", change.field, change.to);
    }
    text
}

fn write<T: serde::Serialize>(output: &Output, item: T, text: String) -> Result<()> {
    output.write(&Forms {
        items: &[item],
        text,
        table: None,
        array: None,
    })
}

/// Bytes of a number of gigabytes.
fn gigabytes(text: &str) -> Result<u64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number <= 1e6 => Ok((number * 1e9) as u64),
        _ => Err("it must be a number of gigabytes above 0, such as 8 or 0.5".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::gigabytes;

    #[test]
    fn limits_are_numbers_above_zero() {
        assert_eq!(gigabytes("1.5"), Ok(1_500_000_000));
        for wrong in ["0", "-1", "NaN", "inf", "1e7", "8 GB", ""] {
            assert!(gigabytes(wrong).is_err(), "{wrong}");
        }
    }
}
