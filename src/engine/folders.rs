//! The folders that this system has for programs, and how a file is put there whole.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What a folder is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SystemFolder {
    /// What a person chose: `~/.config/auscult` and its like.
    Settings,
    /// What a program needs: `~/.local/share/auscult` and its like.
    Data,
    /// What can be made again: `~/.cache/auscult` and its like.
    Cache,
}

impl SystemFolder {
    /// The folder; none where the system names none.
    pub fn path(self) -> Option<PathBuf> {
        let from = |name: &str| {
            let path = std::env::var_os(name).map(PathBuf::from);
            path.filter(|path| path.is_absolute())
        };
        let at_home = |below: &str| from("HOME").map(|home| home.join(below));
        let parent = if cfg!(windows) {
            from(match self {
                Self::Settings => "APPDATA",
                Self::Data | Self::Cache => "LOCALAPPDATA",
            })
        } else if cfg!(target_os = "macos") {
            at_home(match self {
                Self::Settings | Self::Data => "Library/Application Support",
                Self::Cache => "Library/Caches",
            })
        } else {
            let (name, usual) = match self {
                Self::Settings => ("XDG_CONFIG_HOME", ".config"),
                Self::Data => ("XDG_DATA_HOME", ".local/share"),
                Self::Cache => ("XDG_CACHE_HOME", ".cache"),
            };
            from(name).or_else(|| at_home(usual))
        };
        parent.map(|parent| parent.join("auscult"))
    }
}

/// Writes a file aside, brings it to the disk and renames it, so that never half of it is there; its
/// folder is made.
///
/// # Errors
/// What the system says.
pub fn write_aside(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // Two programs at once have a file of their own each.
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{}.new", std::process::id()));
    let mut file = fs::File::create(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&aside, path)
}
