//! The dialogs of the system that this workspace asks for.

use std::path::PathBuf;

use eframe::egui::Context;

use super::Ask;
use crate::app::command::Command;
use crate::app::dialogs::Dialogs;

/// Which dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialog {
    /// Files for a field of the description.
    Files(&'static str),
    /// A folder for a field of the description.
    Folder(&'static str),
    /// A recipe to be opened.
    Recipe,
    /// Where a recipe is saved.
    SaveRecipe,
    /// A folder of runs.
    Runs,
    /// Files of notes that a model is judged by.
    Test,
    /// Files of notes that thresholds are chosen on.
    Validation,
}

fn ask(own: Ask) -> Command {
    Command::Train(Box::new(own))
}

/// Asks a person, without waiting.
pub fn open(dialogs: &Dialogs, ctx: &Context, dialog: Dialog) {
    match dialog {
        Dialog::Files(field) => {
            let then = move |paths: Vec<PathBuf>| ask(Ask::AddPaths(field, paths));
            dialogs.files(ctx, "Choose files of notes", then);
        }
        Dialog::Folder(field) => {
            let then = move |path: PathBuf| match field {
                "train" | "validation" | "test" => ask(Ask::AddPaths(field, Vec::from([path]))),
                _ => ask(Ask::Field(field, Vec::from([path.display().to_string()]))),
            };
            dialogs.folder(ctx, "Choose a folder", then);
        }
        Dialog::Recipe => {
            let then = |paths: Vec<PathBuf>| {
                ask(Ask::Recipe(paths.into_iter().next().unwrap_or_default()))
            };
            dialogs.files(ctx, "Open a recipe", then);
        }
        Dialog::SaveRecipe => {
            let then = |path| ask(Ask::SaveRecipe(path));
            dialogs.save(
                ctx,
                "Save the recipe",
                "recipe.toml",
                &[("TOML", "toml")],
                then,
            );
        }
        Dialog::Runs => {
            dialogs.folder(ctx, "Choose a folder of runs", |path| {
                ask(Ask::AddRuns(path))
            });
        }
        Dialog::Test => {
            let then = |paths| ask(Ask::AddPaths("judge-test", paths));
            dialogs.files(ctx, "Choose the test notes", then);
        }
        Dialog::Validation => {
            let then = |paths| ask(Ask::AddPaths("judge-validation", paths));
            dialogs.files(ctx, "Choose the validation notes", then);
        }
    }
}
