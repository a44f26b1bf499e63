//! Says before a run whether it fits, how long it takes, and what would make it fit.

use std::fmt::Write;

use chrono::{DateTime, Local, TimeDelta};
use serde::Serialize;

use super::memory::{DeviceMeter, ProcessMeter, for_this_process};
use super::{DeviceInfo, Engine, EngineError, Job, Kind, TrainObserver, TrainStart};
use crate::kernels::blocks::Kept;
use crate::training::check::{CheckError, Known, Measured, Meter, Proposal, RunTime, Trial};
use crate::training::config::TrainConfig;
use crate::training::report::duration;

/// Whose memory is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WhatMemory {
    /// All of this process, as the system counts it; on the CPU that is what a run needs.
    Process,
    /// The pages that burn holds on the adapter, as it counts them.
    Device,
}

/// What was found out before a run.
#[derive(Debug, Clone, Serialize)]
pub struct TrainCheck {
    /// Where.
    pub device: DeviceInfo,
    /// Whose memory is counted.
    pub memory: WhatMemory,
    /// The memory that the run may have, in bytes: what is free with what this process has already,
    /// or the limit that was given. `None` where an adapter does not tell.
    pub free_bytes: Option<u64>,
    /// Whether that is a limit that was given.
    pub limited: bool,
    /// What the run needs.
    #[serde(flatten)]
    pub measured: Measured,
    /// When it would end if it began now, in seconds since 1970; `None` if it does not fit.
    pub ends: Option<i64>,
    /// Examples to learn from and to be judged by.
    pub examples: [usize; 2],
    /// What would make it fit, if it does not.
    pub proposal: Option<Proposal>,
}

impl Engine {
    /// Makes real steps of the run that `config` describes, writes nothing, and says what memory and
    /// time it takes; if the memory is not there, it looks for one change that makes it fit.
    ///
    /// `memory_limit` stands in place of the memory that is free, in bytes. `observer` is told
    /// what is read; no step of the run happens.
    ///
    /// # Errors
    /// [`EngineError::Train`] with what the run would end with, [`EngineError::Cancelled`] when `job`
    /// is stopped.
    pub fn check_training(
        &self,
        config: TrainConfig,
        memory_limit: Option<u64>,
        job: &Job,
        observer: &mut dyn TrainObserver,
    ) -> Result<TrainCheck, EngineError> {
        // As in the run whose steps are timed here.
        let _kept = Kept::new();
        let device = &self.device.device;
        let on_cpu = self.device.info.kind == Kind::Cpu;
        let free = match on_cpu {
            true => for_this_process(),
            false => None,
        };
        let free = memory_limit.or(free);
        let (mut of_process, mut of_device) = (ProcessMeter, DeviceMeter(device));
        let meter: &mut dyn Meter = match on_cpu {
            true => &mut of_process,
            false => &mut of_device,
        };
        let mut trial = Trial::prepare(config, device, free, meter, job)?;
        let (data, total) = (trial.data(), trial.steps());
        let examples = [data.train.len(), data.validation.len()];
        observer.begins(&TrainStart {
            examples,
            test: data.test.len(),
            data: data.report.clone(),
            labels: data.labels.clone(),
            left_out: data.left_out.clone(),
            new_parameters: trial.new_parameters().to_vec(),
            trained: trial.weights().trained().count(),
            metric: trial.metric(),
            step: 0,
            total,
        });
        let measured = trial.measure(job)?;
        let proposal = match measured.fits {
            true => None,
            false => trial.proposal(&measured, job)?,
        };
        Ok(TrainCheck {
            device: self.device.info.clone(),
            memory: match on_cpu {
                true => WhatMemory::Process,
                false => WhatMemory::Device,
            },
            free_bytes: free,
            limited: memory_limit.is_some(),
            ends: measured.time.map(|time| end(time).timestamp()),
            measured,
            examples,
            proposal,
        })
    }
}

impl From<CheckError> for EngineError {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            CheckError::Train(error) => error.into(),
        }
    }
}

impl TrainCheck {
    /// Whether the run fits as it is described.
    pub fn fits(&self) -> bool {
        self.measured.fits
    }

    /// All of it for a person to read, in lines.
    pub fn in_words(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            let _ = writeln!(text, "{name:<11} {value}");
        };
        line("memory", self.memory_in_words(&self.measured));
        line("", self.known_in_words(&self.measured));
        if let Some(time) = &self.measured.time {
            times(*time, &mut line);
        }
        if self.fits() {
            return text;
        }
        let Some(proposal) = &self.proposal else {
            line("change", self.nothing_fits());
            return text;
        };
        let changes = proposal.changes.iter();
        let changes: Vec<String> = changes
            .map(|change| format!("{} = {} (was {})", change.field, change.to, change.from))
            .collect();
        line("change", changes.join(", "));
        line(
            "",
            match proposal.same_result {
                true => "every step learns from as many notes as before".to_owned(),
                false => "notes are cut shorter, which changes the result".to_owned(),
            },
        );
        line("then", self.memory_in_words(&proposal.measured));
        if let Some(time) = &proposal.measured.time {
            times(*time, &mut line);
        }
        text
    }

    fn memory_in_words(&self, measured: &Measured) -> String {
        let free = match (self.free_bytes, self.limited) {
            (Some(free), true) => format!("{} are allowed", gigabytes(free)),
            (Some(free), false) => format!("{} are free", gigabytes(free)),
            (None, _) => "how much is free is not told here".to_owned(),
        };
        let needs = match (measured.needed_bytes, measured.known) {
            (Some(bytes), Known::Measured) => format!("needs {}", gigabytes(bytes)),
            (Some(bytes), Known::Counted) => format!("needs more than {}", gigabytes(bytes)),
            (Some(bytes), _) => format!("needs about {}", gigabytes(bytes)),
            (None, _) => "what it needs is not told here".to_owned(),
        };
        let fits = match (measured.fits, measured.needed_bytes, self.free_bytes) {
            (false, ..) => ": it does not fit",
            (true, Some(_), Some(_)) => ": it fits",
            // The step that was made is all that is known.
            (true, ..) => "",
        };
        format!("{needs}, {free}{fits}")
    }

    fn known_in_words(&self, measured: &Measured) -> String {
        let tokens = measured.largest_tokens;
        match (measured.known, self.memory) {
            (Known::Measured, WhatMemory::Process) => format!(
                "the peak of this process in a real step with the largest batch, {tokens} tokens"
            ),
            (Known::Measured, WhatMemory::Device) => format!(
                "held on the adapter after a real step with the largest batch, {tokens} tokens"
            ),
            (Known::Extrapolated, _) => {
                format!(
                    "what real steps with a part of the largest batch, {tokens} tokens, lead to"
                )
            }
            (Known::Counted, _) => {
                "the weights, their gradients and the optimiser's means alone".to_owned()
            }
            (Known::Untold, _) => match measured.fits {
                true => format!("a real step with the largest batch, {tokens} tokens, was made"),
                false => format!("a real step with the largest batch, {tokens} tokens, failed"),
            },
        }
    }

    fn nothing_fits(&self) -> String {
        let fewer = "mode lora or head trains fewer parameters, and a smaller model has fewer";
        match self.measured.known {
            Known::Counted => format!("no other batch or length helps; {fewer}"),
            _ => format!("none of recompute, batch and max-tokens makes it fit; {fewer}"),
        }
    }
}

/// The lines about time.
fn times(time: RunTime, line: &mut dyn FnMut(&str, String)) {
    line(
        "epoch",
        format!(
            "{}: {} steps of {}",
            duration(time.epoch_seconds),
            time.steps_per_epoch,
            duration(time.step_seconds)
        ),
    );
    if time.evaluations > 0 {
        let share = 100.0 * time.validation_share;
        line(
            "validation",
            format!(
                "{share:.0} % of the time: {} of {}",
                super::counted(time.evaluations as usize, "evaluation"),
                duration(time.evaluation_seconds)
            ),
        );
    }
    let end = end(time);
    let day = match end.date_naive() == Local::now().date_naive() {
        true => "",
        false => "%A %-d %B, ",
    };
    line(
        "end",
        format!(
            "{} for {} steps; begun now it ends at {}",
            duration(time.seconds),
            time.steps,
            end.format(&format!("{day}%H:%M"))
        ),
    );
}

/// When a run ends that begins now.
fn end(time: RunTime) -> DateTime<Local> {
    let now = Local::now();
    let length = TimeDelta::try_milliseconds((1000.0 * time.seconds) as i64);
    length
        .and_then(|length| now.checked_add_signed(length))
        .unwrap_or(now)
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.2} GB", bytes as f64 / 1e9)
}
