//! Frames in the folder of a run: written aside, renamed, thinned, and copied to be models of their own.

use std::fs;
use std::path::{Path, PathBuf};

use super::Frame;
use crate::training::checkpoint::CheckpointError;
use crate::training::run_folder::{RunError, remove, sync_folder, write_whole};

/// The file of a frame, beside the files of its model.
pub const FRAME: &str = "frame.json";
/// Frames that are kept at most.
pub const MOST_FRAMES: usize = 60;
/// Frames that are kept at least, however large a model is: the ends and some between.
const FEWEST: usize = 6;
/// Bytes that all frames of a run may take.
const MOST_BYTES: u64 = 8_000_000_000;
const PREFIX: &str = "step-";

/// Where frames of the run in this folder are.
fn all_of(run: &Path) -> PathBuf {
    run.join("watch")
}

fn name(step: u64) -> String {
    format!("{PREFIX}{step:09}")
}

/// The folder of the frame of this step: a model in Hugging Face layout.
pub fn frame_folder(run: &Path, step: u64) -> PathBuf {
    all_of(run).join(name(step))
}

/// Steps of the frames that a run kept, rising; none where nothing was watched.
fn steps(all: &Path) -> Result<Vec<u64>, RunError> {
    if !all.exists() {
        return Ok(Vec::new());
    }
    let mut steps = Vec::new();
    for entry in fs::read_dir(all).map_err(RunError::at(all))? {
        let own = entry.map_err(RunError::at(all))?.file_name();
        let step = own.to_str().and_then(|own| own.strip_prefix(PREFIX));
        steps.extend(step.and_then(|own| own.parse::<u64>().ok()));
    }
    steps.sort_unstable();
    Ok(steps)
}

fn read(all: &Path, step: u64) -> Result<Frame, RunError> {
    let path = all.join(name(step)).join(FRAME);
    let damaged = |reason: String| RunError::Damaged {
        path: path.clone(),
        reason: format!("is no frame: {reason}; remove its folder to go on without it"),
    };
    let text = fs::read_to_string(&path).map_err(|error| damaged(error.to_string()))?;
    // What does not fit is said by its place, for a frame may hold anything.
    serde_json::from_str(&text)
        .map_err(|error| damaged(format!("line {}, column {}", error.line(), error.column())))
}

/// The frames that the run in this folder kept, in order, and why others cannot be read.
///
/// # Errors
/// [`RunError`] when the folder cannot be read.
pub fn frames(run: &Path) -> Result<(Vec<Frame>, Vec<String>), RunError> {
    let all = all_of(run);
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for step in steps(&all)? {
        match read(&all, step) {
            Ok(frame) => found.push(frame),
            // The run that is being made has thinned it out since.
            Err(_) if !all.join(name(step)).exists() => {}
            Err(error) => wrong.push(error.to_string()),
        }
    }
    Ok((found, wrong))
}

/// Copies the model of a frame out of what is thinned, and gives its folder, which has the layout of any
/// other model.
///
/// # Errors
/// [`RunError`] when there is no such frame, or it cannot be written.
pub fn restore(run: &Path, step: u64) -> Result<PathBuf, RunError> {
    let from = frame_folder(run, step);
    if !from.join(FRAME).is_file() {
        return Err(RunError::Damaged {
            path: from,
            reason: "there is no such frame any more; choose another one".to_owned(),
        });
    }
    let parent = run.join("restored");
    let to = parent.join(name(step));
    let frame = |folder: &Path| fs::read(folder.join(FRAME)).ok();
    if to.is_dir() && frame(&to) == frame(&from) {
        return Ok(to);
    }
    fs::create_dir_all(&parent).map_err(RunError::at(&parent))?;
    let aside = parent.join(format!(".{}.partial", name(step)));
    remove(&aside)?;
    let copied = copy(&from, &aside).and_then(|()| {
        remove(&to)?;
        fs::rename(&aside, &to).map_err(RunError::at(&to))?;
        sync_folder(&parent)
    });
    if copied.is_err() {
        // It has failed with a better reason than that this fails too.
        let _ = remove(&aside);
    }
    copied.map(|()| to)
}

fn copy(from: &Path, to: &Path) -> Result<(), RunError> {
    fs::create_dir(to).map_err(RunError::at(to))?;
    for entry in fs::read_dir(from).map_err(RunError::at(from))? {
        let entry = entry.map_err(RunError::at(from))?;
        let (own, new) = (entry.path(), to.join(entry.file_name()));
        match own.is_dir() {
            true => copy(&own, &new)?,
            false => {
                fs::copy(&own, &new).map_err(RunError::at(&new))?;
            }
        }
    }
    Ok(())
}

/// The frames of a run that is made.
pub(super) struct Frames {
    all: PathBuf,
    steps: Vec<u64>,
    most: usize,
}

impl Frames {
    /// Of the run in this folder.
    pub(super) fn new(run: &Path) -> Self {
        Self {
            all: all_of(run),
            steps: Vec::new(),
            most: MOST_FRAMES,
        }
    }

    /// Removes what was cut off and what was made after `step`, and gives the newest frame that stays.
    pub(super) fn settle(&mut self, step: u64) -> Result<Option<Frame>, RunError> {
        let all = self.all.clone();
        self.steps = steps(&all)?;
        for later in self.steps.iter().filter(|own| **own > step) {
            self.drop_frame(*later)?;
        }
        self.steps.retain(|own| *own <= step);
        if all.is_dir() {
            for entry in fs::read_dir(&all).map_err(RunError::at(&all))? {
                let entry = entry.map_err(RunError::at(&all))?;
                if entry.file_name().to_string_lossy().starts_with('.') {
                    remove(&entry.path())?;
                }
            }
        }
        self.steps.last().map(|last| read(&all, *last)).transpose()
    }

    /// Keeps a frame with the model that `save` writes; `frame` is asked for when that is done.
    pub(super) fn add(
        &mut self,
        step: u64,
        save: impl FnOnce(&Path) -> Result<(), CheckpointError>,
        frame: impl FnOnce() -> Frame,
    ) -> Result<(), CheckpointError> {
        let all = self.all.clone();
        let aside = all.join(format!(".{}.partial", name(step)));
        let folder = all.join(name(step));
        let written = (|| -> Result<(), CheckpointError> {
            fs::create_dir_all(&all).map_err(RunError::at(&all))?;
            remove(&aside)?;
            save(&aside)?;
            let text = serde_json::to_string(&frame()).expect("a frame is plain data");
            write_whole(&aside.join(FRAME), text.as_bytes())?;
            fs::rename(&aside, &folder).map_err(RunError::at(&folder))?;
            Ok(sync_folder(&all)?)
        })();
        if written.is_err() {
            // The frame has failed with a better reason than that this fails too.
            let _ = remove(&aside);
        }
        written?;
        self.steps.push(step);
        let size = size(&folder).max(1);
        self.most = usize::try_from(MOST_BYTES / size)
            .map_or(MOST_FRAMES, |own| own.clamp(FEWEST, MOST_FRAMES));
        while let Some(place) = spare(&self.steps, self.most) {
            self.drop_frame(self.steps[place])?;
            self.steps.remove(place);
        }
        Ok(())
    }

    fn drop_frame(&self, step: u64) -> Result<(), RunError> {
        // Under a name that is no frame's before it is there by half.
        let aside = self.all.join(format!(".{}.removed", name(step)));
        remove(&aside)?;
        fs::rename(self.all.join(name(step)), &aside).map_err(RunError::at(&aside))?;
        remove(&aside)
    }
}

/// The bytes of a folder's files, those of folders in it left out.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|own| own.metadata().ok());
    sizes.filter(|own| own.is_file()).map(|own| own.len()).sum()
}

/// Which frame goes where there are more than `most`: the one without which the gap is the smallest, so
/// that those that stay lie evenly; never the first or the last.
fn spare(steps: &[u64], most: usize) -> Option<usize> {
    if steps.len() <= most.max(2) {
        return None;
    }
    (1..steps.len() - 1).min_by_key(|&place| steps[place + 1] - steps[place - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_that_stay_lie_evenly_and_the_ends_are_among_them() {
        let mut kept = Vec::new();
        for step in 0..=1000 {
            kept.push(step);
            while let Some(place) = spare(&kept, 20) {
                kept.remove(place);
            }
            assert_eq!((kept[0], kept.last()), (0, Some(&step)));
        }
        assert_eq!(kept.len(), 20);
        let gaps: Vec<u64> = kept.windows(2).map(|own| own[1] - own[0]).collect();
        let widest = gaps.iter().max().unwrap();
        // Of 1000 steps 19 gaps would be 53 each.
        assert!(*widest <= 2 * 53, "{gaps:?}");
        assert_eq!(spare(&[0, 5], 1), None);
        assert_eq!(spare(&[0, 5, 9], 2), Some(1));
    }
}
