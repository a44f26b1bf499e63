//! What comes with Auscult, inside of its program: notes to try it with, and small models.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Something that comes with Auscult.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bundled {
    /// Invented notes.
    Notes,
    /// A small encoder with its masked language model.
    Encoder,
    /// The same encoder, fine-tuned to mark diseases.
    Tagger,
}

/// A file with its bytes.
type File = (&'static str, &'static [u8]);

macro_rules! files {
    ($folder:literal: $($name:literal)*) => {
        &[$(($name, include_bytes!(concat!("../../assets/", $folder, "/", $name)))),*]
    };
}

impl Bundled {
    /// The folder that it becomes.
    fn folder(self) -> &'static str {
        match self {
            Self::Notes => "notes",
            Self::Encoder => "models/auscult-small",
            Self::Tagger => "models/auscult-small-diseases",
        }
    }

    fn files(self) -> &'static [File] {
        match self {
            Self::Notes => files!("notes":
                "long-hospital-course.txt" "discharge-summary.txt" "progress-note.txt"
                "discharge-instructions-windows.txt" "clinic-visits.csv" "radiology-reports.jsonl"
            ),
            Self::Encoder => files!("models/auscult-small":
                "config.json" "model.safetensors" "tokenizer.json" "tokenizer_config.json"
                "README.md"
            ),
            Self::Tagger => files!("models/auscult-small-diseases":
                "config.json" "adapter_config.json" "adapter_model.safetensors" "README.md"
            ),
        }
    }

    /// Writes it into `parent`, unless it is there already, and gives its folder. Models that stand on
    /// another one are written beside it.
    ///
    /// # Errors
    /// A sentence that says which file cannot be written.
    pub fn unpack(self, parent: &Path) -> Result<PathBuf, String> {
        if self == Self::Tagger {
            Self::Encoder.unpack(parent)?;
        }
        let folder = parent.join(self.folder());
        for (name, bytes) in self.files() {
            let path = folder.join(name);
            write(&path, bytes)
                .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
        }
        Ok(folder)
    }

    /// The names of its files.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.files().iter().map(|(name, _)| *name)
    }
}

/// The folder for data of programs that this system has, where bundled things are unpacked.
///
/// # Errors
/// A sentence that says what is missing.
pub fn data_folder() -> Result<PathBuf, String> {
    let from = |name: &str| {
        let value = std::env::var_os(name).filter(|own| !own.is_empty());
        value.map(PathBuf::from)
    };
    let parent = if cfg!(windows) {
        from("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        from("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        from("XDG_DATA_HOME").or_else(|| from("HOME").map(|home| home.join(".local/share")))
    };
    let parent =
        parent.ok_or("this system names no folder for the data of programs (HOME is not set)")?;
    Ok(parent.join("auscult"))
}

/// Writes a file aside and renames it, unless it has these bytes already.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|own| own == bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut aside = path.as_os_str().to_owned();
    aside.push(".new");
    fs::write(&aside, bytes)?;
    fs::rename(&aside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unpacked_is_there_and_is_mended() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Bundled::Notes.unpack(temporary.path()).unwrap();
        let long = folder.join("long-hospital-course.txt");
        let bytes = fs::read(&long).unwrap();
        assert!(bytes.len() > 30_000);
        fs::write(&long, "cut").unwrap();
        Bundled::Notes.unpack(temporary.path()).unwrap();
        assert_eq!(fs::read(&long).unwrap(), bytes);
        // Something stands in the way.
        let blocked = temporary.path().join("file");
        fs::write(&blocked, "").unwrap();
        let said = Bundled::Notes.unpack(&blocked).unwrap_err();
        assert!(said.contains("cannot be written"), "{said}");
    }
}
