//! The folder of a run: what lies where in it, and how it is written so that it is never broken.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::config::TrainConfig;
use super::dataset::{DataReport, Fingerprint};
use super::lock::{LOCK, lock};

const CONFIG: &str = "config.toml";
const DATA: &str = "data.json";
const CHECKPOINTS: &str = "checkpoints";
pub(super) const REPORT: &str = "report.json";
const TOKENIZER: &str = "tokenizer";
const BEST: &str = "best";
/// A best model on its way in, and one on its way out.
const BEST_NEW: &str = ".best-new";
const BEST_OLD: &str = ".best-old";

/// Why a run's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A new run never replaces anything.
    #[error(
        "{}: is there already and not empty; name a new folder, or go on with it: auscult train \
         --resume {}", .0.display(), .0.display()
    )]
    NotEmpty(PathBuf),
    /// There is no run.
    #[error("{} is no run: {CONFIG} is missing in it", .0.display())]
    NoRun(PathBuf),
    /// Another process has it.
    #[error("{}: another process works on this run; wait for it or stop it", .0.display())]
    Busy(PathBuf),
    /// A file of the run is not what this program wrote.
    #[error("{}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The operating system refused, for example because the disk is full.
    #[error("{}: cannot be written: {}; what was saved before is whole, and --resume goes on from there", path.display(), refused(error))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// Why a file could not be written, with what to do where that is known.
pub(super) fn refused(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "the disk is full; make room on it".to_owned(),
        _ => error.to_string(),
    }
}

impl RunError {
    /// What makes an error of the operating system one about a path.
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { path, error }
    }
}

/// The folder of a run, held by this process alone.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: File,
}

impl RunFolder {
    /// A new folder for a run, with its description.
    ///
    /// # Errors
    /// [`RunError`] when it is not new or empty, or cannot be written.
    pub fn create(config: &TrainConfig) -> Result<Self, RunError> {
        let path = &config.run;
        Self::is_new(path)?;
        fs::create_dir_all(path.join(CHECKPOINTS)).map_err(RunError::at(path))?;
        let run = Self::locked(path)?;
        // Last, because its presence is what makes the folder a run.
        write_whole(&path.join(CONFIG), config.to_toml().as_bytes())?;
        Ok(run)
    }

    /// Where the run in this folder says what it learned from.
    pub(super) fn data(path: &Path) -> PathBuf {
        path.join(DATA)
    }

    /// What the run in this folder is to do, while another process may work on it.
    ///
    /// # Errors
    /// [`RunError`] when it is none, or damaged.
    pub fn described(path: &Path) -> Result<TrainConfig, RunError> {
        let file = path.join(CONFIG);
        if !file.is_file() {
            return Err(RunError::NoRun(path.to_owned()));
        }
        let read = TrainConfig::read(Some(&file), &[]);
        let mut config = read.map_err(|fault| RunError::Damaged {
            path: file,
            reason: fault.to_string(),
        })?;
        // It may have been moved.
        config.run = path.to_owned();
        Ok(config)
    }

    /// Whether a run was begun in this folder.
    pub fn is_run(path: &Path) -> bool {
        path.join(CONFIG).is_file()
    }

    /// That a run can be made at `path`.
    ///
    /// # Errors
    /// [`RunError::NotEmpty`] when something is there.
    pub fn is_new(path: &Path) -> Result<(), RunError> {
        match is_free(path) {
            true => Ok(()),
            false => Err(RunError::NotEmpty(path.to_owned())),
        }
    }

    /// A run that was begun, and its description.
    ///
    /// # Errors
    /// [`RunError`] when it is none, damaged, or worked on.
    pub fn open(path: &Path) -> Result<(Self, TrainConfig), RunError> {
        if !Self::is_run(path) {
            return Err(RunError::NoRun(path.to_owned()));
        }
        let run = Self::locked(path)?;
        let config = Self::described(path)?;
        run.settle_best()?;
        Ok((run, config))
    }

    fn locked(path: &Path) -> Result<Self, RunError> {
        Ok(Self {
            _lock: lock(path)?,
            path: path.to_owned(),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the history is.
    pub fn history(&self) -> PathBuf {
        Self::history_of(&self.path)
    }

    /// Where the history of the run in this folder is.
    pub fn history_of(path: &Path) -> PathBuf {
        path.join("history.jsonl")
    }

    /// Where the report of the run in this folder is, once it has ended.
    pub fn report_of(path: &Path) -> PathBuf {
        path.join(REPORT)
    }

    /// Where the best model of the run in this folder is, once there is one.
    pub fn best_of(path: &Path) -> PathBuf {
        path.join(BEST)
    }

    /// Where the run in this folder says what it is to do.
    pub fn description(path: &Path) -> PathBuf {
        path.join(CONFIG)
    }

    /// Where the run in this folder tells of itself, once it has ended.
    pub fn told(path: &Path) -> PathBuf {
        path.join("report.md")
    }

    /// Whether the run in this folder has a checkpoint to go on from.
    pub fn can_go_on(path: &Path) -> bool {
        let entries = fs::read_dir(path.join(CHECKPOINTS));
        entries.is_ok_and(|mut all| all.any(|own| own.is_ok()))
    }

    /// The best model so far, in Hugging Face layout.
    pub fn best(&self) -> PathBuf {
        Self::best_of(&self.path)
    }

    /// The folder of the tokenizer, if the run has come so far.
    pub(super) fn tokenizer(&self) -> Option<PathBuf> {
        Some(self.path.join(TOKENIZER)).filter(|folder| folder.is_dir())
    }

    /// The model that the run began with, where checkpoints do not hold what stays of it.
    pub(super) fn start(&self) -> PathBuf {
        self.path.join("start")
    }

    /// Copies the tokenizer's files into the run, unless they are there: the copies.
    ///
    /// # Errors
    /// [`RunError::Io`] when they cannot be written.
    pub(super) fn hold_tokenizer(&self, files: &[PathBuf]) -> Result<Vec<PathBuf>, RunError> {
        let folder = self.path.join(TOKENIZER);
        let names = || {
            files
                .iter()
                .filter_map(|file| Some((file, file.file_name()?)))
        };
        if !folder.is_dir() {
            let aside = self.path.join(".tokenizer.partial");
            remove(&aside)?;
            fs::create_dir(&aside).map_err(RunError::at(&aside))?;
            for (file, name) in names() {
                let bytes = fs::read(file).map_err(RunError::at(file))?;
                write_whole(&aside.join(name), &bytes)?;
            }
            fs::rename(&aside, &folder).map_err(RunError::at(&folder))?;
            sync_folder(&self.path)?;
        }
        Ok(names().map(|(_, name)| folder.join(name)).collect())
    }

    pub(super) fn checkpoints(&self) -> PathBuf {
        self.path.join(CHECKPOINTS)
    }

    /// Writes what data the run learns from and how it is divided, or checks that it is still the same.
    ///
    /// # Errors
    /// [`RunError`] when it is not, with the files that changed.
    pub fn hold_data(&self, found: &Fingerprint, report: &DataReport) -> Result<(), RunError> {
        #[derive(Serialize)]
        struct Data<'a> {
            #[serde(flatten)]
            fingerprint: &'a Fingerprint,
            #[serde(flatten)]
            report: &'a DataReport,
        }
        let path = self.path.join(DATA);
        if !path.exists() {
            let fingerprint = found;
            return self.write_json(
                DATA,
                &Data {
                    fingerprint,
                    report,
                },
            );
        }
        let damaged = |reason: String| RunError::Damaged {
            path: path.clone(),
            reason,
        };
        let text = fs::read_to_string(&path).map_err(|error| damaged(error.to_string()))?;
        let before: Fingerprint =
            serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        let same = |own: &Fingerprint| (own.examples_sha256.clone(), own.labels.clone());
        if same(&before) == same(found) {
            return Ok(());
        }
        let changed: Vec<String> = (found.files.iter())
            .filter(|file| !before.files.contains(file))
            .chain(
                before
                    .files
                    .iter()
                    .filter(|file| !found.files.contains(file)),
            )
            .map(|(path, _)| path.display().to_string())
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect();
        let what = match changed.is_empty() {
            true => "they are tokenized, labelled or divided in another way".to_owned(),
            false => format!("these files changed: {}", changed.join(", ")),
        };
        Err(damaged(format!(
            "the notes are not those that the run began with: {what}; put them back, or begin a \
             new run"
        )))
    }

    /// Writes a JSON file of the run.
    ///
    /// # Errors
    /// [`RunError::Io`] when it cannot be written; one that was there stays then.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), RunError> {
        let mut text = serde_json::to_string_pretty(value).expect("plain data is JSON");
        text.push('\n');
        write_whole(&self.path.join(name), text.as_bytes())
    }

    /// Puts a new best model in the place of the last one; `save` writes it to the folder given.
    ///
    /// # Errors
    /// What `save` returns, or [`RunError::Io`]; the last one stays then.
    pub fn replace_best<E: From<RunError>>(
        &self,
        save: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), E> {
        let aside = self.path.join(".best.partial");
        remove(&aside)?;
        save(&aside)?;
        let new = self.path.join(BEST_NEW);
        remove(&new)?;
        fs::rename(&aside, &new).map_err(RunError::at(&new))?;
        self.settle_best()?;
        Ok(())
    }

    /// Finishes a replacement, whichever of its steps were made: a new model that is there is whole.
    fn settle_best(&self) -> Result<(), RunError> {
        let [best, new, old] = [BEST, BEST_NEW, BEST_OLD].map(|name| self.path.join(name));
        if new.is_dir() {
            if best.is_dir() {
                remove(&old)?;
                fs::rename(&best, &old).map_err(RunError::at(&old))?;
            }
            fs::rename(&new, &best).map_err(RunError::at(&best))?;
        }
        sync_folder(&self.path)?;
        remove(&old)
    }
}

/// Whether nothing is there, or no more than what a run or a sweep leaves that was killed before it was one.
fn is_free(path: &Path) -> bool {
    let left = [
        LOCK,
        CHECKPOINTS,
        "config.toml.partial",
        "sweep.toml.partial",
    ];
    let is_left = |entry: io::Result<fs::DirEntry>| {
        let entry = entry.map(|entry| entry.file_name());
        entry.is_ok_and(|name| left.iter().any(|own| name == *own))
    };
    match fs::read_dir(path) {
        Ok(mut entries) => entries.all(is_left),
        Err(_) => path.symlink_metadata().is_err(),
    }
}

/// Removes a folder, if it is there.
pub(super) fn remove(folder: &Path) -> Result<(), RunError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(RunError::at(folder)(error)),
        _ => Ok(()),
    }
}

/// Writes a file aside and renames it: it is never there by half.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), RunError> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".partial");
    let aside = PathBuf::from(aside);
    let written = File::create(&aside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&aside, path)
    });
    if written.is_err() {
        // The write has failed with a better reason than that this fails too.
        let _ = fs::remove_file(&aside);
    }
    written.map_err(RunError::at(path))?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes sure that renames in a folder survive a loss of power, where the system can.
pub(super) fn sync_folder(folder: &Path) -> Result<(), RunError> {
    // Windows cannot open folders, and keeps renames without it.
    if cfg!(unix) {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(RunError::at(folder))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str) -> (RunFolder, PathBuf) {
        let path = std::env::temp_dir().join(format!("auscult-run-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        let config = TrainConfig {
            model: "m".into(),
            train: vec!["t".into()],
            run: path.clone(),
            ..TrainConfig::default()
        };
        (RunFolder::create(&config).unwrap(), path)
    }

    #[test]
    fn a_run_is_held_by_one_and_never_replaced() {
        let (run, path) = run("held");
        let busy = RunFolder::open(&path).unwrap_err();
        assert!(matches!(busy, RunError::Busy(_)), "{busy}");
        drop(run);
        let (run, config) = RunFolder::open(&path).unwrap();
        let replaced = RunFolder::create(&config).unwrap_err();
        assert!(matches!(replaced, RunError::NotEmpty(_)), "{replaced}");
        drop(run);
        fs::remove_dir_all(&path).unwrap();
        let none = RunFolder::open(&path).unwrap_err();
        assert!(matches!(none, RunError::NoRun(_)), "{none}");
        // Killed before its description was written: no run, and no obstacle to one.
        fs::create_dir_all(path.join(CHECKPOINTS)).unwrap();
        fs::write(path.join(LOCK), "").unwrap();
        drop(RunFolder::create(&config).unwrap());
        fs::remove_dir_all(&path).unwrap();
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("notes.txt"), "").unwrap();
        let taken = RunFolder::create(&config).unwrap_err();
        assert!(matches!(taken, RunError::NotEmpty(_)), "{taken}");
        fs::remove_dir_all(&path).unwrap();
    }

    /// Every state that a kill during a replacement can leave behind.
    #[test]
    fn a_replacement_that_was_cut_off_is_finished() {
        for (before, after) in [
            (vec![(BEST, "1"), (BEST_NEW, "2")], "2"),
            (vec![(BEST, "1"), (BEST_NEW, "2"), (BEST_OLD, "0")], "2"),
            (vec![(BEST_OLD, "1"), (BEST_NEW, "2")], "2"),
            (vec![(BEST_OLD, "1"), (BEST, "2")], "2"),
            (vec![(BEST, "1")], "1"),
        ] {
            let (run, path) = run("best");
            for (folder, text) in &before {
                fs::create_dir(path.join(folder)).unwrap();
                fs::write(path.join(folder).join("model"), text).unwrap();
            }
            drop(run);
            let (run, _) = RunFolder::open(&path).unwrap();
            assert_eq!(fs::read_to_string(run.best().join("model")).unwrap(), after);
            let left = [BEST_NEW, BEST_OLD].map(|name| path.join(name).exists());
            assert_eq!(left, [false; 2], "{before:?}");
            fs::remove_dir_all(&path).unwrap();
        }
    }
}
