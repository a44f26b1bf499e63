//! What comes with Auscult, inside of its program: notes to try it with, and small models.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::folders::write_aside;

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

/// Writes a file, unless it has these bytes already.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::read(path).is_ok_and(|own| own == bytes) {
        true => Ok(()),
        false => write_aside(path, bytes),
    }
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
