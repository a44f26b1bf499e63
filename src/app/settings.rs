//! What a person chose, and what was open last: two small files, without text of notes.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::keys::Shortcut;
use super::theme::Look;
use crate::engine::{SystemFolder, write_aside};

/// What a person chose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Settings {
    /// Which colours.
    pub look: Look,
    /// How large everything is, 1 for the usual size.
    pub zoom: f32,
    /// Where to compute, as `--device` has it.
    pub device: String,
    /// The model that reads notes, if one was chosen.
    pub model: Option<PathBuf>,
    /// The model that marks spans or labels notes, if one was chosen.
    pub predictor: Option<PathBuf>,
    /// What is done with notes that are too long.
    pub long_notes: LongChoice,
    /// How much memory may be held so that it need not be computed again, in MB (of 2²⁰ bytes).
    pub cache_mb: usize,
    /// Shortcuts that differ from the usual ones, by the name of what they do.
    pub keys: BTreeMap<String, Shortcut>,
    /// Whether the sentence about what Auscult is not was read.
    pub notice_read: bool,
    /// Folders in which training runs are looked for, beside the usual one.
    pub runs: Vec<PathBuf>,
    /// What headings stand for, beside what they usually do: the section's name, which is empty for
    /// what is no heading.
    pub headings: BTreeMap<String, String>,
}

/// What is done with notes that are too long for the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LongChoice {
    /// Only the beginning is read.
    First,
    /// Only the end is read.
    Last,
    /// All is read, in windows that overlap.
    #[default]
    Windows,
    /// All is read, section by section.
    Sections,
}

impl LongChoice {
    /// All of them, in the order of menus.
    pub const ALL: [Self; 4] = [Self::First, Self::Last, Self::Windows, Self::Sections];

    /// Its name in menus.
    pub fn name(self) -> &'static str {
        match self {
            Self::First => "First part",
            Self::Last => "Last part",
            Self::Windows => "Windows with overlap",
            Self::Sections => "By section",
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            look: Look::default(),
            zoom: 1.0,
            device: "auto".to_owned(),
            model: None,
            predictor: None,
            long_notes: LongChoice::default(),
            cache_mb: 2048,
            keys: BTreeMap::new(),
            notice_read: false,
            runs: Vec::new(),
            headings: BTreeMap::new(),
        }
    }
}

/// What was open when the window was closed: names of files only.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Session {
    /// Files and folders that notes were read from.
    pub files: Vec<PathBuf>,
    /// The note on view, by where it came from.
    pub note: Option<String>,
    /// The training run that was paused by it.
    pub run: Option<PathBuf>,
    /// Width and height of the window, in points.
    pub size: Option<[f32; 2]>,
    /// The encodings that were chosen for files.
    pub encodings: BTreeMap<PathBuf, String>,
}

/// The folder of both files.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder for settings of programs that this system has.
    pub fn usual() -> Option<Self> {
        SystemFolder::Settings.path().map(Self)
    }

    /// This one.
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// A file of it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// What a file says; the usual where there is none. A file that says nothing usable is put aside
    /// under another name, and the sentence tells so.
    pub fn read<T: DeserializeOwned + Default>(&self, name: &str) -> (T, Option<String>) {
        let path = self.file(name);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return (T::default(), None),
            Err(error) => {
                let said = format!("{} cannot be read: {error}", path.display());
                return (T::default(), Some(said));
            }
        };
        match toml::from_str(&text) {
            Ok(value) => (value, None),
            Err(error) => {
                let aside = path.with_extension("toml.broken");
                let kept = fs::rename(&path, &aside);
                let said = format!(
                    "{} cannot be understood ({}); the usual settings are taken{}",
                    path.display(),
                    error.message(),
                    match kept {
                        Ok(()) => format!(", and it is kept as {}", aside.display()),
                        Err(_) => String::new(),
                    }
                );
                (T::default(), Some(said))
            }
        }
    }

    /// Writes a file, aside first, so that never half of it is there.
    ///
    /// # Errors
    /// A sentence that says why not.
    pub fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<(), String> {
        let path = self.file(name);
        let text = toml::to_string(value).map_err(|error| error.to_string())?;
        write_aside(&path, text.as_bytes())
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_and_broken_ones_are_put_aside() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::at(temporary.path().join("new"));
        let (found, said) = folder.read::<Settings>("settings.toml");
        assert!(found == Settings::default() && said.is_none());
        let own = Settings {
            look: Look::HighContrast,
            zoom: 1.4,
            model: Some(PathBuf::from("/models/a b")),
            ..Settings::default()
        };
        folder.write("settings.toml", &own).unwrap();
        assert_eq!(folder.read::<Settings>("settings.toml"), (own, None));

        let path = folder.file("settings.toml");
        fs::write(&path, "zoom = \"large\"").unwrap();
        let (found, said) = folder.read::<Settings>("settings.toml");
        let said = said.unwrap();
        assert!(
            found == Settings::default() && said.contains("is kept as"),
            "{said}"
        );
        assert!(!path.exists() && path.with_extension("toml.broken").exists());
    }
}
