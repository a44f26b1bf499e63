//! Makes a process the only one that works in a folder.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::run_folder::RunError;

/// The file that is locked.
pub(super) const LOCK: &str = ".lock";

/// Locks a folder, until the file is closed, also by the end of the process.
///
/// # Errors
/// [`RunError::Busy`] when another one does, [`RunError::Io`] when nothing can be written there.
pub(super) fn lock(folder: &Path) -> Result<File, RunError> {
    let path = folder.join(LOCK);
    let file = File::create(&path).map_err(RunError::at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RunError::Busy(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(RunError::Io { path, error }),
    }
}
