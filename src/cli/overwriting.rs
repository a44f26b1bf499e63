//! Results never replace what they are made of.

use std::path::{Path, PathBuf};

use super::output::Usage;
use crate::engine::IMPORTERS;

/// What a command reads.
#[derive(Default)]
pub(super) struct Inputs<'a> {
    /// Files, and folders of notes.
    pub(super) files: Vec<&'a Path>,
    /// A model's folder.
    pub(super) model: Option<&'a Path>,
}

impl Inputs<'_> {
    /// That a file of results is none of these.
    ///
    /// # Errors
    /// [`Usage`] when it is.
    pub(super) fn spare(&self, out: &Path) -> Result<(), Usage> {
        // What does not exist yet is not read.
        let Ok(whole) = out.canonicalize() else {
            return Ok(());
        };
        let out = out.display();
        if self.files.iter().any(|input| reads(input, &whole)) {
            return Err(Usage(format!(
                "{out}: this file is read, and results would replace it; name another file"
            )));
        }
        let model = self.model.and_then(|folder| folder.canonicalize().ok());
        if model.is_some() && whole.parent() == model.as_deref() && ends_in(&whole, "json") {
            return Err(Usage(format!(
                "{out}: this file lies in the model's folder, and results would replace it; name \
                 another file"
            )));
        }
        Ok(())
    }
}

fn ends_in(path: &Path, ending: &str) -> bool {
    let own = path.extension().and_then(|own| own.to_str());
    own.is_some_and(|own| own.eq_ignore_ascii_case(ending))
}

/// Whether reading `input`, a file or a folder of notes, reads the file `wanted`.
fn reads(input: &Path, wanted: &Path) -> bool {
    if !input.is_dir() {
        return input.canonicalize().is_ok_and(|input| input == wanted);
    }
    let endings = || IMPORTERS.iter().flat_map(|importer| importer.endings);
    let entries = std::fs::read_dir(input).into_iter().flatten().flatten();
    let mut paths = entries.map(|entry| entry.path());
    paths.any(|path: PathBuf| match path.is_dir() {
        // A link to a folder is not followed by who reads it either.
        true => !path.is_symlink() && reads(&path, wanted),
        false => endings().any(|ending| ends_in(&path, ending)) && reads(&path, wanted),
    })
}
