//! `auscult bench attention`: the speed of attention and its gradient.

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::output::{Forms, Output, print_text};
use super::progress::Terminal;
use super::{Global, exit, prepare};
use crate::engine::{AttentionBench, AttentionBenchReport, AttentionTiming, Engine, KernelForm};

#[derive(Args)]
pub(super) struct Command {
    /// Lengths in tokens.
    #[arg(long, value_delimiter = ',', value_name = "N,…", default_value = "128,512,2048,8192",
          value_parser = clap::value_parser!(u32).range(1..))]
    lengths: Vec<u32>,
    /// Attention heads.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=1024))]
    heads: u32,
    /// Width of a head.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(4..=512))]
    head_dim: u32,
    /// Tokens that a query of a sliding layer sees to each side.
    #[arg(long, default_value_t = 64)]
    half_window: u32,
}

impl Command {
    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        let output = global.output(&[])?;
        let engine = Engine::open(global.device)?;
        prepare(&engine, terminal)?;
        let bench = AttentionBench {
            lengths: self.lengths.iter().map(|&length| length as usize).collect(),
            heads: self.heads as usize,
            head_dim: self.head_dim as usize,
            half_window: self.half_window as usize,
        };
        let as_text = matches!(output, Output::Text);
        let mut printed = Ok(());
        let report = engine.bench_attention(&bench, &terminal.job("measuring"), &mut |timing| {
            if as_text && printed.is_ok() {
                terminal.clear_line();
                printed = print_text(&describe(timing));
            }
        })?;
        printed?;
        let product = &report.matrix_product;
        let mut text = format!(
            "matrix product: {:.1} GFLOP/s, burn's {:.1}\n\n{} heads of {} on {}\n",
            product.gflops, product.burn_gflops, self.heads, self.head_dim, report.device
        );
        text.push_str(&describe_rest(&report));
        let complete = !report.stopped;
        if report.stopped {
            let done = report.attention.len();
            terminal.remark(&format!(
                "stopped: {done} of {} are kept",
                2 * self.lengths.len()
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

fn describe(timing: &AttentionTiming) -> String {
    let kind = match timing.half_window {
        None => "global".to_owned(),
        Some(half) => format!("sliding, {half} to each side"),
    };
    let mut text = String::new();
    let _ = writeln!(text, "{} tokens, {kind}", timing.tokens);
    let _ = writeln!(
        text,
        "  forward {:10.4} s {:8.1} GFLOP/s    with gradient {:10.4} s {:8.1} GFLOP/s",
        timing.forward, timing.gflops, timing.with_gradient, timing.gradient_gflops
    );
    let _ = writeln!(
        text,
        "  {:.0} % and {:.0} % of the matrix product    {} MiB read and written{}",
        100.0 * timing.of_product,
        100.0 * timing.gradient_of_product,
        timing.bytes >> 20,
        timing.peak_bytes.map_or(String::new(), |bytes| format!(
            ", {} MiB reserved",
            bytes >> 20
        ))
    );
    match (
        timing.burn_forward,
        timing.burn_with_gradient,
        &timing.burn_left_out,
    ) {
        (Some(forward), Some(with_gradient), _) => {
            let _ = writeln!(
                text,
                "  burn    {forward:10.4} s {:8.2} times       with gradient {with_gradient:10.4} s \
                 {:8.2} times",
                forward / timing.forward,
                with_gradient / timing.with_gradient
            );
        }
        (_, _, Some(why)) => _ = writeln!(text, "  burn    not run: {why}"),
        _ => {}
    }
    text
}

fn describe_rest(report: &AttentionBenchReport) -> String {
    let mut text = String::new();
    for packing in &report.packing {
        let kind = packing.half_window.map_or("global", |_| "sliding");
        let _ = writeln!(
            text,
            "mixed lengths, {kind}: {:.1} GFLOP/s, {:.0} % of equal ones",
            packing.mixed_gflops,
            100.0 * packing.ratio
        );
    }
    if !report.tiers.is_empty() {
        text.push_str("every form, at 1,024 rows:\n");
    }
    for tier in &report.tiers {
        let _ = writeln!(
            text,
            "  {:<14} {:<17} {:8.2} ms {:8.1} GFLOP/s, {:3.0} % of the matrix product{}",
            format!("{:?}", tier.tuned),
            form_name(tier.form),
            1e3 * tier.seconds,
            tier.gflops,
            100.0 * tier.of_product,
            if tier.chosen { "  chosen" } else { "" }
        );
    }
    text
}

/// What a form of a kernel is called.
pub(super) fn form_name(form: KernelForm) -> String {
    let tiling = form.tiling.map_or("burn's own".to_owned(), |tiling| {
        format!("{tiling:?}").to_lowercase()
    });
    match form.subgroups {
        true => format!("{tiling}, subgroups"),
        false => tiling,
    }
}
