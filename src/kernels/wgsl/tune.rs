//! Chooses the kernels of a device: each form is compared with the f64 loops on small shapes, then
//! timed on larger ones; a wrong or slow one is never taken.

use std::time::{Duration, Instant};

use burn::backend::DispatchDevice;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::tiling::{Abilities, Choice, Tiling, abilities, choose, chosen, fits};
use super::trial::{OnDevice, attention_work, matmul_work};
use crate::kernels::DeviceFault;

/// What is chosen apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tuned {
    /// Products of linear layers.
    Matmul,
    /// Attention, forward.
    Attention,
    /// The gradient of attention.
    AttentionGrad,
}

impl Tuned {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Matmul, Self::Attention, Self::AttentionGrad];

    fn set(self, choice: &mut Choice, form: Form) {
        match self {
            Self::Matmul => choice.matmul = form.tiling,
            Self::Attention => {
                choice.attention = form.tiling;
                choice.attention_subgroups = form.subgroups;
            }
            Self::AttentionGrad => choice.attention_grad = form.tiling.unwrap_or(Tiling::Small),
        }
    }

    /// Whether burn's own operations take part. Both passes of attention must round alike, so its
    /// gradient has no choice of its own there.
    fn has_plain_form(self) -> bool {
        matches!(self, Self::Matmul | Self::Attention)
    }
}

/// A form of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// `None` is burn's own operation.
    pub tiling: Option<Tiling>,
    /// Whether invocations exchange numbers by subgroup operations.
    pub subgroups: bool,
}

impl From<Option<Tiling>> for Form {
    fn from(tiling: Option<Tiling>) -> Self {
        Self {
            tiling,
            subgroups: false,
        }
    }
}

/// One candidate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trial {
    /// Of what.
    pub tuned: Tuned,
    /// In which form.
    #[serde(flatten)]
    pub form: Form,
    /// Largest difference from the f64 loops, over the largest difference allowed.
    pub error: f64,
    /// Median time on the larger shapes, in seconds; `None` if it is wrong or there was no time.
    pub seconds: Option<f64>,
    /// Whether it is used from now on.
    pub chosen: bool,
}

/// Everything that was tried, and the choice.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tuning {
    /// What the device uses.
    pub choice: Choice,
    /// How that came about.
    pub trials: Vec<Trial>,
}

/// Why nothing was chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TuneError {
    /// No form of an operation gives right numbers there.
    #[error("no form of an operation computes right on this device")]
    NothingRight,
    /// The device gives nothing.
    #[error(transparent)]
    Fault(#[from] DeviceFault),
    /// The user stopped it.
    #[error("stopped")]
    Stopped,
}

/// How long one dispatch may take, in seconds.
const DISPATCH: f64 = 0.05;

/// No candidate but the first of its kind begins after this long. Where drivers compile slowly those
/// first ones alone take as long again, and a user waits no more than five seconds.
const BUDGET: Duration = Duration::from_secs(2);

/// Tries the forms that `device` has room and abilities for; where time runs out the first that is
/// right is kept, and the others are left out. `go_on` is asked before each candidate, with how many
/// are done of how many.
///
/// # Errors
/// [`TuneError`] when stopped or when nothing is right; the choice is then what it was.
pub fn tune(
    device: &Device,
    go_on: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Option<Tuning>, TuneError> {
    tune_within(BUDGET, device, go_on)
}

/// [`tune`] with a time of one's own.
pub(super) fn tune_within(
    budget: Duration,
    device: &Device,
    go_on: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Option<Tuning>, TuneError> {
    let DispatchDevice::Cube(cube) = device.as_dispatch() else {
        return Ok(None);
    };
    let before = chosen(cube);
    let mut tilings = fits(cube);
    // What is taken without measuring comes first: where time runs out it stays.
    tilings.sort_by_key(|&tiling| before.matmul != Some(tiling));
    let result = Selection {
        tilings,
        subgroups: abilities(cube).subgroups,
        budget,
        start: Instant::now(),
        go_on,
        trials: Vec::new(),
        fault: None,
    }
    .run(before, &mut OnDevice { device });
    choose(
        cube.clone(),
        result.as_ref().map_or(before, |tuning| tuning.choice),
    );
    result.map(Some)
}

/// What a selection learns of a candidate.
pub(super) trait Measure {
    /// Lets the device compute with `choice`.
    fn apply(&mut self, choice: Choice);
    /// Largest difference from the f64 loops, over the largest difference allowed.
    fn error(&mut self, tuned: Tuned) -> Result<f64, DeviceFault>;
    /// Median time on the larger shapes, in seconds, of as many runs as fit until it is `late`.
    fn seconds(&mut self, tuned: Tuned, late: &dyn Fn() -> bool) -> Result<f64, DeviceFault>;
}

struct Selection<'a> {
    tilings: Vec<Tiling>,
    subgroups: bool,
    budget: Duration,
    start: Instant,
    go_on: &'a mut dyn FnMut(usize, usize) -> bool,
    trials: Vec<Trial>,
    /// Why the device gave nothing the last time that it did not.
    fault: Option<DeviceFault>,
}

impl Selection<'_> {
    fn run(mut self, mut choice: Choice, measure: &mut dyn Measure) -> Result<Tuning, TuneError> {
        for tuned in Tuned::ALL {
            if tuned == Tuned::AttentionGrad && choice.attention.is_none() {
                continue;
            }
            let mut forms: Vec<Form> = self.tilings.iter().map(|&own| Some(own).into()).collect();
            if tuned.has_plain_form() {
                forms.push(None.into());
            }
            let with_subgroups = tuned == Tuned::Attention && self.subgroups;
            let most = forms.len() + usize::from(with_subgroups);
            for (number, form) in forms.into_iter().enumerate() {
                let share = (number + 1) as f64 / most as f64;
                self.attempt(tuned, form, share, &mut choice, measure)?;
            }
            // Subgroups change nothing about tiles: the best of those is tried with them.
            if with_subgroups && choice.attention.is_some() {
                let form = Form {
                    tiling: choice.attention,
                    subgroups: true,
                };
                self.attempt(tuned, form, 1.0, &mut choice, measure)?;
            }
            if self.chosen(tuned).is_none() {
                return Err(self.fault.map_or(TuneError::NothingRight, TuneError::Fault));
            }
        }
        let seconds = |tuned| self.chosen(tuned).and_then(|trial| trial.seconds);
        let per_dispatch = |work: usize, seconds: f64| (work as f64 * DISPATCH / seconds) as usize;
        if let Some(seconds) = seconds(Tuned::Matmul) {
            choice.matmul_per_dispatch = per_dispatch(matmul_work(), seconds);
        }
        // The slowest pass takes less than the forward pass and all of the gradient together: nine
        // products, of which the forward pass has two.
        let of_forward = || seconds(Tuned::Attention).map(|seconds| 4.5 * seconds);
        if let Some(seconds) = seconds(Tuned::AttentionGrad).or_else(of_forward) {
            choice.attention_per_dispatch = per_dispatch(attention_work(), seconds);
        }
        let trials = self.trials;
        Ok(Tuning { choice, trials })
    }

    /// Measures a form until its `share` of the time for its kind is over; `choice` takes it if it
    /// is right and faster than what was right before.
    fn attempt(
        &mut self,
        tuned: Tuned,
        form: Form,
        share: f64,
        choice: &mut Choice,
        measure: &mut dyn Measure,
    ) -> Result<(), TuneError> {
        let most = self.most();
        if !(self.go_on)(self.trials.len(), most) {
            return Err(TuneError::Stopped);
        }
        let best = self.chosen(tuned).map(|trial| trial.seconds);
        if best.is_some() && self.late(tuned, 1.0) {
            return Ok(());
        }
        let mut candidate = *choice;
        tuned.set(&mut candidate, form);
        measure.apply(candidate);
        let mut error = self.survived(measure.error(tuned))?.unwrap_or(f64::MAX);
        let mut seconds = None;
        if error <= 1.0 && !self.late(tuned, 1.0) {
            let measured = measure.seconds(tuned, &|| self.late(tuned, share));
            seconds = self.survived(measured)?;
            // What fails where there is more to do is as good as wrong.
            if seconds.is_none() {
                error = f64::MAX;
            }
        }
        // JSON knows neither NaN nor infinity.
        let error = error.min(f64::MAX);
        let right = error <= 1.0;
        let faster = match (best, seconds) {
            (None, _) => true,
            (Some(Some(best)), Some(seconds)) => seconds < best,
            (Some(None), Some(_)) => true,
            (Some(_), None) => false,
        };
        let chosen = right && faster;
        if chosen {
            let others = self.trials.iter_mut().filter(|trial| trial.tuned == tuned);
            others.for_each(|trial| trial.chosen = false);
            *choice = candidate;
        }
        self.trials.push(Trial {
            tuned,
            form,
            error,
            seconds,
            chosen,
        });
        Ok(())
    }

    /// What was measured; `None` if the device could not. A lost device ends it all.
    fn survived(&mut self, measured: Result<f64, DeviceFault>) -> Result<Option<f64>, TuneError> {
        match measured {
            Ok(value) => Ok(Some(value)),
            Err(fault @ DeviceFault::Lost(_)) => Err(fault.into()),
            Err(fault) => {
                self.fault = Some(fault);
                Ok(None)
            }
        }
    }

    fn chosen(&self, tuned: Tuned) -> Option<&Trial> {
        let mut own = self.trials.iter().filter(|trial| trial.tuned == tuned);
        own.find(|trial| trial.chosen)
    }

    /// Candidates, if all are tried.
    fn most(&self) -> usize {
        let plain = Tuned::ALL
            .into_iter()
            .filter(|tuned| tuned.has_plain_form());
        self.tilings.len() * Tuned::ALL.len() + plain.count() + usize::from(self.subgroups)
    }

    /// Whether a share of the time for a kind of kernel is over: each kind may take an equal part.
    fn late(&self, tuned: Tuned, share: f64) -> bool {
        let place = Tuned::ALL.iter().position(|&other| other == tuned);
        let parts = place.map_or(0.0, |place| place as f64 + share);
        self.start.elapsed() > self.budget.mul_f64(parts / Tuned::ALL.len() as f64)
    }
}

/// Every form of every kind of kernel that `device` has room and abilities for, each with the choice
/// that takes it and leaves the others as they are; none on the CPU.
pub fn forms(device: &Device) -> Vec<(Tuned, Form, Choice)> {
    let DispatchDevice::Cube(cube) = device.as_dispatch() else {
        return Vec::new();
    };
    let current = chosen(cube);
    let mut all = Vec::new();
    for tuned in Tuned::ALL {
        let mut forms: Vec<Form> = fits(cube).into_iter().map(|own| Some(own).into()).collect();
        if tuned == Tuned::Attention && abilities(cube).subgroups {
            let with_subgroups = |form: &Form| Form {
                subgroups: true,
                ..*form
            };
            forms.extend(forms.iter().map(with_subgroups).collect::<Vec<_>>());
        }
        if tuned.has_plain_form() {
            forms.push(None.into());
        }
        for form in forms {
            let mut choice = current;
            // The gradient has a form of its own only beside a forward pass of ours.
            if tuned == Tuned::AttentionGrad && choice.attention.is_none() {
                choice.attention = form.tiling;
            }
            tuned.set(&mut choice, form);
            all.push((tuned, form, choice));
        }
    }
    all
}

/// What `device` uses; `None` on the CPU.
pub fn current(device: &Device) -> Option<Choice> {
    match device.as_dispatch() {
        DispatchDevice::Cube(cube) => Some(chosen(cube)),
        _ => None,
    }
}

/// Says what `device` can do; until something is chosen it uses what such devices do best with.
/// Nothing happens on the CPU.
pub fn assume(device: &Device, abilities: Abilities) {
    if let DispatchDevice::Cube(cube) = device.as_dispatch() {
        super::tiling::assume(cube.clone(), abilities);
    }
}

/// Lets `device` use what was chosen for it before. Nothing happens on the CPU.
pub fn set_choice(device: &Device, choice: Choice) {
    if let DispatchDevice::Cube(cube) = device.as_dispatch() {
        choose(cube.clone(), choice);
    }
}

#[cfg(test)]
mod tests;
