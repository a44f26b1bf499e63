//! `auscult train`: a run from its description, or one that goes on.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches};

use super::output::{Forms, Usage};
use super::pace::Pace;
use super::progress::Terminal;
use super::train_check::{CheckFlags, Next};
use super::train_sweep::SweepFlags;
use super::{Global, exit, parts, prepare};
use crate::engine::{
    Engine, FIELDS, FieldKind, MetricName, TrainConfig, TrainEvent, TrainObserver, TrainOutcome,
    TrainReport, TrainStart, counted,
};

/// Reasons that are shown one by one.
const SHOWN: usize = 20;

#[derive(Args)]
#[command(after_help = "Example: auscult train recipe.toml --check\n         \
                        auscult train recipe.toml --run runs/first --lr 3e-5\n         \
                        auscult train recipe.toml --run runs/rates --sweep lr=1e-4,3e-4 --seeds 3\n         \
                        auscult train --resume runs/first")]
pub(super) struct Command {
    /// The description of a run, a TOML file; every field is a flag, too.
    #[arg(value_name = "CONFIG.toml", conflicts_with = "resume")]
    config: Option<PathBuf>,
    /// Go on with the run in this folder, from its newest checkpoint, or with a sweep.
    #[arg(long, value_name = "RUN")]
    resume: Option<PathBuf>,
    #[command(flatten)]
    check: CheckFlags,
    #[command(flatten)]
    sweep: SweepFlags,
    #[command(flatten)]
    fields: FieldFlags,
}

/// A flag for each field of a run's description; only those that were given are here.
struct FieldFlags(Vec<(&'static str, Vec<String>)>);

/// The flag of this field is one that every command has.
const GLOBAL: &str = "model";

impl Args for FieldFlags {
    fn augment_args(command: clap::Command) -> clap::Command {
        let own = FIELDS.iter().filter(|field| field.name != GLOBAL);
        let command = command.next_help_heading("Fields of the description");
        own.fold(command, |command, field| {
            let arg = Arg::new(field.name)
                .long(field.name)
                .help(field.help)
                .conflicts_with("resume");
            command.arg(match &field.kind {
                FieldKind::Switch => arg
                    .num_args(0..=1)
                    .require_equals(true)
                    .default_missing_value("true")
                    .value_name("true|false"),
                FieldKind::Choice(choices) => {
                    arg.value_parser(PossibleValuesParser::new(choices.iter().copied()))
                }
                FieldKind::Words => arg.action(ArgAction::Append).value_name("NAME"),
                FieldKind::Word => arg.value_name("NAME"),
                FieldKind::Whole { .. } => arg.value_name("N"),
                FieldKind::Number { .. } => arg.value_name("X"),
            })
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for FieldFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let own = FIELDS.iter().filter(|field| field.name != GLOBAL);
        let given = own.filter_map(|field| {
            let values = matches.get_many::<String>(field.name)?;
            Some((field.name, values.cloned().collect()))
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Command {
    /// The files that the command reads.
    pub(super) fn files(&self) -> Vec<&Path> {
        self.config.iter().map(PathBuf::as_path).collect()
    }

    pub(super) fn run(&self, global: &Global, terminal: &Terminal) -> Result<ExitCode> {
        let output = global.output(&[])?;
        let sweep = match &self.resume {
            Some(run) => SweepFlags::resumed(run),
            None => self
                .sweep
                .planned(self.config.as_deref(), &self.flags(global))?,
        };
        if let Some(sweep) = sweep {
            return sweep.run(&open(global, terminal)?, &output, terminal);
        }
        let mut watch = Watch::new(terminal);
        let job = terminal.job("training");
        let report = match &self.resume {
            Some(run) => {
                let engine = open(global, terminal)?;
                engine.resume_training(run, &job, &mut watch)?
            }
            None => {
                let mut config = self.describe(global)?;
                let engine = open(global, terminal)?;
                if self.check.wanted() {
                    let check = &self.check;
                    match check.run(&engine, config, &output, terminal, &mut watch)? {
                        Next::Train(settled) => config = *settled,
                        Next::Done(code) => return Ok(code),
                    }
                }
                engine.train(config, &job, &mut watch)?
            }
        };
        terminal.clear_line();
        for remark in &report.remarks {
            terminal.warning(remark);
        }
        let complete = report.outcome != TrainOutcome::Stopped;
        if !complete {
            terminal.remark(&format!(
                "stopped after step {} of {}; go on with: auscult train --resume {}",
                report.steps,
                report.total_steps,
                report.run.display()
            ));
        }
        let text = describe(&report);
        output.write(&Forms {
            items: &[report],
            text,
            table: None,
            array: None,
        })?;
        Ok(exit(complete))
    }

    /// The run that file and flags describe.
    fn describe(&self, global: &Global) -> Result<TrainConfig> {
        let config = TrainConfig::read(self.config.as_deref(), &self.flags(global));
        let config = config.map_err(|fault| Usage(fault.to_string()))?;
        learns_from_something(self.config.as_deref(), &self.flags(global), &config)?;
        Ok(config)
    }

    /// The flags of fields that were given.
    fn flags(&self, global: &Global) -> Vec<(&'static str, Vec<String>)> {
        let mut flags = self.fields.0.clone();
        if let Some(model) = &global.model {
            flags.push((GLOBAL, vec![model.display().to_string()]));
        }
        flags
    }
}

/// That what a description names to learn from is not all in another folder.
pub(super) fn learns_from_something(
    file: Option<&Path>,
    flags: &[(&str, Vec<String>)],
    config: &TrainConfig,
) -> Result<()> {
    let named_by_flag = flags.iter().any(|(name, _)| *name == "train");
    let mut paths = config.train.iter();
    if let Some(file) = file.filter(|_| !named_by_flag)
        && let Some(first) = config.train.first()
        && paths.all(|own| matches!(own.try_exists(), Ok(false)))
    {
        let said = format!(
            "{} learns from {}, which is not there; paths in it count from the folder in which the \
             command is given: go to the folder that has this file, or name others with --train",
            file.display(),
            first.display(),
        );
        return Err(Usage(said).into());
    }
    Ok(())
}

fn open(global: &Global, terminal: &Terminal) -> Result<Engine> {
    let engine = Engine::open(global.device)?;
    prepare(&engine, terminal)?;
    terminal.remark(&format!("training on {}", engine.device()));
    Ok(engine)
}

/// Tells the person at the terminal what happens.
pub(super) struct Watch<'a> {
    terminal: &'a Terminal,
    total: u64,
    metric: MetricName,
    pace: Pace,
}

impl<'a> Watch<'a> {
    pub(super) fn new(terminal: &'a Terminal) -> Self {
        Self {
            terminal,
            total: 0,
            metric: MetricName::Loss,
            pace: Pace::default(),
        }
    }

    /// Takes note of what a run is, and says only where it goes on.
    pub(super) fn begins_shortly(&mut self, start: &TrainStart) {
        if start.step > 0 {
            self.terminal.remark(&format!(
                "going on after step {} of {}",
                start.step, start.total
            ));
        }
        (self.total, self.metric) = (start.total, start.metric);
    }
}

impl TrainObserver for Watch<'_> {
    fn begins(&mut self, start: &TrainStart) {
        for reason in start.left_out.iter().take(SHOWN) {
            self.terminal.warning(reason);
        }
        if let Some(more) = start
            .left_out
            .len()
            .checked_sub(SHOWN)
            .filter(|more| *more > 0)
        {
            self.terminal.warning(&format!("and {more} more"));
        }
        for said in parts::warnings(&start.data) {
            self.terminal.warning(&said);
        }
        self.terminal.remark(&parts::division(&start.data));
        let [train, validation] = start.examples;
        let mut text = format!(
            "{} to learn from, {} to be judged by, {:.2} million numbers trained",
            counted(train, "example"),
            counted(validation, "example"),
            start.trained as f64 / 1e6
        );
        if start.test > 0 {
            let _ = write!(text, ", {} kept for the end", start.test);
        }
        if start.data.on_disk > 0 {
            let _ = write!(
                text,
                ", {} MB of tokens in a file",
                start.data.on_disk.div_ceil(1 << 20)
            );
        }
        if !start.labels.is_empty() {
            let _ = write!(text, ", {} classes", start.labels.len());
        }
        if !start.new_parameters.is_empty() {
            let _ = write!(text, "; new: {}", start.new_parameters.join(", "));
        }
        self.terminal.remark(&text);
        self.begins_shortly(start);
    }

    fn happens(&mut self, event: &TrainEvent) {
        if let Some(note) = self.pace.after(event) {
            self.terminal.note(note);
        }
        if let TrainEvent::Evaluated {
            step,
            evaluation,
            best,
            ..
        } = event
        {
            let best = if *best { ", the best so far" } else { "" };
            let (judged, total) = (evaluation.line(self.metric), self.total);
            self.terminal
                .remark(&format!("after step {step} of {total}: {judged}{best}"));
        }
    }
}

fn describe(report: &TrainReport) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<10} {value}");
    };
    line("run", report.run.display().to_string());
    let ended = match report.outcome {
        TrainOutcome::Finished => "",
        TrainOutcome::NothingBetter => ": nothing better came",
        TrainOutcome::Stopped => ": stopped",
    };
    line(
        "steps",
        format!("{} of {}{ended}", report.steps, report.total_steps),
    );
    line(
        "speed",
        format!(
            "{} tokens in {:.0} s, {:.0} tokens/s",
            report.tokens,
            report.seconds,
            report.tokens as f64 / report.seconds.max(1e-9)
        ),
    );
    if let Some(last) = &report.last {
        line("last", last.line(report.metric));
    }
    if let Some(best) = &report.best {
        let metric = report.metric.title();
        line("best", format!("after step {}, by {metric}", best.step));
    }
    for judged in &report.judged {
        line(judged.part, judged.evaluation.line(report.metric));
    }
    if let Some(model) = &report.model {
        line("model", model.display().to_string());
    }
    let told = report.run.join("report.md");
    if told.is_file() {
        line("report", told.display().to_string());
    }
    text
}
