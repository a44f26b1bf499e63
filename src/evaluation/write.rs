//! Writes a report into a folder.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::plots::plots;
use super::{Evaluation, EvaluationError, card};
use crate::job::Job;

impl Evaluation {
    /// Writes `evaluation.json`, `model-card.md` and, under `plots`, each plot as SVG and PNG into a
    /// folder, which is made if it is not there. Each file is written aside and renamed; what is there
    /// under another name stays. Returns the files.
    ///
    /// # Errors
    /// [`EvaluationError`] when a file cannot be written, a plot cannot be drawn or the job is stopped.
    pub fn write(&self, folder: &Path, job: &Job) -> Result<Vec<PathBuf>, EvaluationError> {
        let plots = plots(self);
        let under = folder.join("plots");
        let needed = if plots.is_empty() { folder } else { &under };
        fs::create_dir_all(needed).map_err(|error| EvaluationError::write(needed, error))?;
        let mut files = Vec::new();
        let mut keep = |path: PathBuf, bytes: &[u8]| {
            put(&path, bytes)?;
            files.push(path);
            Ok::<_, EvaluationError>(())
        };
        for (done, plot) in plots.iter().enumerate() {
            job.step(done, plots.len() + 1, "files")?;
            keep(
                under.join(format!("{}.svg", plot.name)),
                plot.svg()?.as_bytes(),
            )?;
            keep(under.join(format!("{}.png", plot.name)), &plot.png()?)?;
        }
        job.step(plots.len(), plots.len() + 1, "files")?;
        keep(folder.join("model-card.md"), card(self).as_bytes())?;
        let json = folder.join("evaluation.json");
        let text = serde_json::to_string_pretty(self);
        let text = text.map_err(|error| EvaluationError::write(&json, error))?;
        keep(json, text.as_bytes())?;
        job.step(plots.len() + 1, plots.len() + 1, "files")?;
        Ok(files)
    }
}

/// Writes a file aside and renames it, so that it is never half there.
fn put(path: &Path, bytes: &[u8]) -> Result<(), EvaluationError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let aside = path.with_file_name(name);
    let written = File::create(&aside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&aside, path)
    });
    written.map_err(|error| {
        let _ = fs::remove_file(&aside);
        EvaluationError::write(path, error)
    })
}
