//! Dialogs of the system for files and folders, which the window does not wait for.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use eframe::egui::Context;
use rfd::{AsyncFileDialog, FileHandle};

use super::command::Command;
use super::points::command::Format;

/// Dialogs whose result may wait at a time.
const DIALOGS: usize = 8;

/// Dialogs, and what was picked in them.
pub struct Dialogs {
    sender: SyncSender<Command>,
    picked: Receiver<Command>,
}

impl Default for Dialogs {
    fn default() -> Self {
        let (sender, picked) = sync_channel(DIALOGS);
        Self { sender, picked }
    }
}

impl Dialogs {
    /// Asks for files.
    pub fn files(
        &self,
        ctx: &Context,
        title: &str,
        then: impl FnOnce(Vec<PathBuf>) -> Command + Send + 'static,
    ) {
        let asked = AsyncFileDialog::new().set_title(title).pick_files();
        let paths = |own: Vec<FileHandle>| own.iter().map(|own| own.path().to_owned()).collect();
        self.wait(ctx, async move { asked.await.map(paths).map(then) });
    }

    /// Asks for a folder.
    pub fn folder(
        &self,
        ctx: &Context,
        title: &str,
        then: impl FnOnce(PathBuf) -> Command + Send + 'static,
    ) {
        let asked = AsyncFileDialog::new().set_title(title).pick_folder();
        self.wait(ctx, async move {
            asked.await.map(|own| then(own.path().to_owned()))
        });
    }

    /// Asks where to write a figure.
    pub fn figure(
        &self,
        ctx: &Context,
        title: &str,
        name: &str,
        then: impl FnOnce(PathBuf) -> Command + Send + 'static,
    ) {
        self.save(ctx, title, name, &[("SVG", "svg"), ("PNG", "png")], then);
    }

    /// Asks where to write a file of one of these kinds, each with its ending.
    pub fn save(
        &self,
        ctx: &Context,
        title: &str,
        name: &str,
        kinds: &[(&str, &str)],
        then: impl FnOnce(PathBuf) -> Command + Send + 'static,
    ) {
        let dialog = AsyncFileDialog::new().set_title(title).set_file_name(name);
        let dialog = kinds.iter().fold(dialog, |dialog, (kind, ending)| {
            dialog.add_filter(*kind, &[ending])
        });
        let asked = dialog.save_file();
        self.wait(ctx, async move {
            asked.await.map(|own| then(own.path().to_owned()))
        });
    }

    /// Asks where to write points of the map.
    pub fn points(
        &self,
        ctx: &Context,
        format: Format,
        then: impl FnOnce(PathBuf) -> Command + Send + 'static,
    ) {
        let (name, kind, ending) = match format {
            Format::Csv => ("auscult-points.csv", "CSV", "csv"),
            Format::Notes => ("auscult-points.jsonl", "JSON Lines", "jsonl"),
        };
        let asked = AsyncFileDialog::new()
            .set_title("Save points")
            .set_file_name(name)
            .add_filter(kind, &[ending])
            .save_file();
        self.wait(ctx, async move {
            asked.await.map(|own| then(own.path().to_owned()))
        });
    }

    /// Where others may put what a person decided meanwhile.
    pub fn sender(&self) -> SyncSender<Command> {
        self.sender.clone()
    }

    fn wait(&self, ctx: &Context, asked: impl Future<Output = Option<Command>> + Send + 'static) {
        let (sender, ctx) = (self.sender.clone(), ctx.clone());
        let thread = std::thread::Builder::new().name("dialog".to_owned());
        let started = thread.spawn(move || {
            if let Some(command) = pollster::block_on(asked) {
                // The window may be closed by now.
                let _ = sender.send(command);
                ctx.request_repaint();
            }
        });
        // Without a thread no dialog comes, which a person sees.
        drop(started);
    }

    /// What was picked since the last time.
    pub fn picked(&self) -> impl Iterator<Item = Command> + '_ {
        self.picked.try_iter()
    }
}
