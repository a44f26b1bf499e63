//! `auscult doctor`: which devices there are, and whether they compute right.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::bench_attention::form_name;
use super::output::{Forms, Output, print_text};
use super::progress::Terminal;
use super::{Global, exit};
use crate::engine::{
    Adapter, CaseReport, Check, DeviceInfo, Engine, Outcome, SelfCheck, TuningReport, adapters,
    counted, taken_by_auto,
};

#[derive(Args)]
#[command(after_help = "Example: auscult doctor --device gpu:0")]
pub(super) struct Command {
    /// Run the cases of a folder made with transformers instead, and compare every tensor.
    #[arg(long, value_name = "DIR")]
    reference: Option<PathBuf>,
    /// Only this case.
    #[arg(long, value_name = "NAME", requires = "reference")]
    case: Option<String>,
    /// Also write what was computed, under the expected names.
    #[arg(long, value_name = "OUT", requires = "reference")]
    save: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Report {
    adapters: Vec<Adapter>,
    /// What `--device auto` takes.
    auto: String,
    device: DeviceInfo,
    /// What an adapter computes with, and why.
    kernels: Option<TuningReport>,
    /// Whether all of the self-check passed.
    passed: bool,
    self_check: Vec<Judged<SelfCheck>>,
}

/// A result with what it comes to.
#[derive(Debug, Serialize)]
struct Judged<T> {
    #[serde(flatten)]
    result: T,
    passed: bool,
}

impl Command {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        match &self.reference {
            Some(folder) => self.reference(folder, global, terminal),
            None => self_check(global, terminal),
        }
    }

    fn reference(
        &self,
        folder: &std::path::Path,
        global: &Global,
        terminal: &Terminal,
    ) -> Result<ExitCode> {
        let output = global.output(&[])?;
        let engine = Engine::open(global.device)?;
        terminal.remark(&format!("on {}", engine.device()));
        let as_text = matches!(output, Output::Text);
        let mut printed = Ok(());
        let reports = engine.parity(
            folder,
            self.case.as_deref(),
            self.save.as_deref(),
            &terminal.job("comparing"),
            &mut |report| {
                if as_text && printed.is_ok() {
                    terminal.clear_line();
                    printed = print_text(&describe_case(report));
                }
            },
        )?;
        printed?;
        let text = summary(&reports.results);
        output.write(&Forms {
            items: &reports.results,
            text,
            table: None,
            array: None,
        })?;
        let ran = |report: &CaseReport| !matches!(report.outcome, Outcome::NotRun(_));
        if reports.stopped {
            let done = counted(reports.results.len(), "case");
            terminal.remark(&format!("stopped: {done} compared, the others were not"));
        }
        let passed = reports.results.iter().any(ran)
            && !reports.results.iter().any(CaseReport::failed)
            && !reports.stopped;
        Ok(exit(passed))
    }
}

fn self_check(global: &Global, terminal: &Terminal) -> Result<ExitCode> {
    let output = global.output(&[])?;
    let adapters = adapters();
    // What there is comes first: opening one of them may be what fails.
    if matches!(output, Output::Text) {
        print_text(&describe_adapters(&adapters))?;
    }
    let engine = Engine::open(global.device)?;
    let kernels = engine.prepare(&terminal.job("choosing kernels"))?;
    let self_check = engine.self_check(&terminal.job("checking"))?;
    let passed = self_check.iter().all(SelfCheck::passed);
    let report = Report {
        auto: taken_by_auto(&adapters).to_owned(),
        adapters,
        device: engine.device().clone(),
        kernels,
        passed,
        self_check: self_check
            .into_iter()
            .map(|result| Judged {
                passed: result.passed(),
                result,
            })
            .collect(),
    };
    let text = describe(&report);
    output.write(&Forms {
        items: &[report],
        text,
        table: None,
        array: None,
    })?;
    Ok(exit(passed))
}

fn describe_adapters(adapters: &[Adapter]) -> String {
    let mut text = String::new();
    if adapters.is_empty() {
        text.push_str("No adapter found: neither a GPU nor a software driver.\n");
    }
    for adapter in adapters {
        let choice = match (&adapter.choice, &adapter.lacks) {
            (Some(choice), _) => choice,
            (None, None) => "not used",
            (None, Some(_)) => "unfit",
        };
        let _ = writeln!(
            text,
            "{choice:<9} {} ({}, {})",
            adapter.name, adapter.kind, adapter.api
        );
        let limits = &adapter.limits;
        let _ = writeln!(text, "          driver    {}", adapter.driver);
        let _ = writeln!(
            text,
            "          limits    buffer {} MiB, binding {} MiB, workgroup {} KiB, {} invocations, \
             {} storage buffers",
            limits.buffer_bytes >> 20,
            limits.binding_bytes >> 20,
            limits.workgroup_bytes >> 10,
            limits.invocations,
            limits.storage_buffers
        );
        let _ = writeln!(text, "          features  {}", adapter.features.join(", "));
        if let Some(lacks) = &adapter.lacks {
            let _ = writeln!(text, "          unfit     {lacks}");
        }
    }
    let _ = writeln!(text, "\n--device auto takes: {}", taken_by_auto(adapters));
    text
}

fn describe(report: &Report) -> String {
    let mut text = format!("Chosen: {}\n", report.device);
    if let Some(kernels) = &report.kernels {
        text.push_str(&describe_kernels(kernels));
    }
    for Judged { result, passed } in &report.self_check {
        let _ = writeln!(
            text,
            "  {:<18} difference {:.1e}, allowed {:.1e}  {}",
            result.operation,
            result.difference,
            result.limit,
            if *passed { "pass" } else { "FAIL" }
        );
    }
    text
}

fn describe_kernels(report: &TuningReport) -> String {
    let mut text = String::new();
    let when = match report.remembered {
        true => "as measured at an earlier start",
        false => "measured now",
    };
    let _ = writeln!(text, "Kernels, {when}:");
    for trial in &report.tuning.trials {
        let name = format!("{:?}", trial.tuned);
        let form = form_name(trial.form);
        let time = match trial.seconds {
            Some(seconds) => format!("{:9.2} ms", seconds * 1e3),
            None if trial.error <= 1.0 => "not timed".to_owned(),
            None => "wrong".to_owned(),
        };
        let chosen = if trial.chosen { "  chosen" } else { "" };
        let _ = writeln!(
            text,
            "  {name:<14} {form:<17} {time:>12}, error {:.3} of what is allowed{chosen}",
            trial.error
        );
    }
    match (&report.file, &report.not_kept) {
        (_, Some(why)) => _ = writeln!(text, "  not kept: {why}"),
        (Some(file), None) => _ = writeln!(text, "  kept in {}", file.display()),
        (None, None) => text.push_str("  not kept: this system names no folder for it\n"),
    }
    text
}

fn describe_case(report: &CaseReport) -> String {
    let mut text = format!("{}\n", report.case);
    match &report.outcome {
        Outcome::NotRun(why) => {
            let _ = writeln!(text, "  not run: {why}");
        }
        Outcome::Failed(why) => {
            let _ = writeln!(text, "  FAIL: {why}");
        }
        Outcome::Compared(checks) => {
            for check in checks {
                let _ = writeln!(text, "  {}", describe_check(check));
            }
        }
    }
    text
}

fn describe_check(check: &Check) -> String {
    let verdict = if check.passed() { "pass" } else { "FAIL" };
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.2e}"));
    let fault = check
        .fault
        .as_ref()
        .map_or(String::new(), |fault| format!(": {fault}"));
    format!(
        "{verdict}  {:<60} {:>9} {:>9}{fault}",
        check.what,
        number(check.difference),
        number(check.limit)
    )
}

fn summary(reports: &[CaseReport]) -> String {
    let not_run = reports
        .iter()
        .filter(|report| matches!(report.outcome, Outcome::NotRun(_)));
    let not_run = not_run.count();
    let failed = reports.iter().filter(|report| report.failed()).count();
    let passed = reports.len() - failed - not_run;
    let passed = counted(passed, "case");
    format!("\n{passed} passed, {failed} failed, {not_run} not run\n")
}
