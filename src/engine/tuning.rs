//! Chooses the kernels of a device once and remembers the choice.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::folders::{SystemFolder, write_aside};
use super::{Engine, EngineError, Job};
use crate::kernels::{self, TuneError, Tuning};

/// What a device computes with, and how that was found.
#[derive(Debug, Clone, Serialize)]
pub struct TuningReport {
    /// The choice, with everything that was tried.
    pub tuning: Tuning,
    /// Whether it was measured at an earlier start.
    pub remembered: bool,
    /// Where it is kept; `None` if this system names no folder for such files.
    pub file: Option<PathBuf>,
    /// Why it could not be kept.
    pub not_kept: Option<String>,
}

/// The file of one adapter.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Adapter, driver and shaders: the choice holds for these.
    key: String,
    tuning: Tuning,
}

impl Engine {
    /// Lets the device compute with the kernels that are right and fastest on it: those chosen at an
    /// earlier start, or else the best of a trial of a few seconds, which is kept. `None` on the CPU.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`] when stopped; [`EngineError::Device`] when nothing computes
    /// right, [`EngineError::Fault`] when the device gives nothing.
    pub fn prepare(&self, job: &Job) -> Result<Option<TuningReport>, EngineError> {
        match SystemFolder::Cache.path() {
            Some(folder) => self.prepare_in(Some(&folder), job),
            None => self.prepare_in(None, job),
        }
    }

    /// The same with a folder of one's own.
    ///
    /// # Errors
    /// Those of [`Engine::prepare`].
    pub fn prepare_in(
        &self,
        folder: Option<&Path>,
        job: &Job,
    ) -> Result<Option<TuningReport>, EngineError> {
        let Some(adapter) = self.device.adapter() else {
            return Ok(None);
        };
        let key = key(adapter);
        let file = folder.map(|folder| folder.join(format!("kernels-{}.json", &key[..16])));
        if let Some(tuning) = file.as_deref().and_then(|file| kept(file, &key)) {
            kernels::set_choice(&self.device.device, tuning.choice);
            return Ok(Some(TuningReport {
                tuning,
                remembered: true,
                file,
                not_kept: None,
            }));
        }
        let mut go_on = |done, total| job.step(done, total, "kernels").is_ok();
        let tuning = match kernels::tune(&self.device.device, &mut go_on) {
            Ok(Some(tuning)) => tuning,
            Ok(None) => return Ok(None),
            Err(TuneError::Stopped) => {
                job.check()?;
                return Ok(None);
            }
            Err(TuneError::Fault(fault)) => return Err(fault.into()),
            Err(error @ TuneError::NothingRight) => return Err(self.device.wrong(&error).into()),
        };
        let not_kept = match file.as_deref().map(|file| keep(file, &key, &tuning)) {
            None | Some(Ok(())) => None,
            Some(Err(error)) => Some(error.to_string()),
        };
        Ok(Some(TuningReport {
            tuning,
            remembered: false,
            file,
            not_kept,
        }))
    }
}

/// Changes with the adapter, its driver, and any shader.
fn key(adapter: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(adapter);
    for entry in kernels::catalogue() {
        hash.update(entry.shader.id);
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A file that cannot be read, or is of something else, is as good as none.
fn kept(file: &Path, key: &str) -> Option<Tuning> {
    let kept: Kept = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    (kept.key == key).then_some(kept.tuning)
}

/// Keeps a choice.
fn keep(file: &Path, key: &str, tuning: &Tuning) -> std::io::Result<()> {
    let kept = Kept {
        key: key.to_owned(),
        tuning: tuning.clone(),
    };
    write_aside(file, &serde_json::to_vec_pretty(&kept)?)
}
