//! Dialogs of the system for files and folders, which the window does not wait for.
//!
//! Where the system has none, a person types the path.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use eframe::egui::Context;
use rfd::{AsyncFileDialog, FileHandle};

use super::command::Command;
use super::points::command::Format;

/// Dialogs whose result may wait at a time.
const DIALOGS: usize = 8;

/// A dialog that ends sooner without a path never opened: nobody is so fast.
const TOO_SOON: Duration = Duration::from_millis(400);

/// What is done with the paths of a dialog.
type Then = Box<dyn FnOnce(Vec<PathBuf>) -> Command + Send>;

/// A path that a person has to type.
pub struct Typed {
    /// What it is for.
    pub title: String,
    /// What has been typed.
    pub text: String,
    /// What to do with it.
    pub then: Then,
}

/// Dialogs, and what was picked in them.
pub struct Dialogs {
    sender: SyncSender<Command>,
    picked: Receiver<Command>,
    untold: SyncSender<Typed>,
    asked: Receiver<Typed>,
}

impl Default for Dialogs {
    fn default() -> Self {
        let (sender, picked) = sync_channel(DIALOGS);
        let (untold, asked) = sync_channel(DIALOGS);
        Self {
            sender,
            picked,
            untold,
            asked,
        }
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
        let paths = |own: FileHandle| own.path().to_owned();
        let asked = async move {
            let picked = asked.await?;
            Some(picked.into_iter().map(paths).collect())
        };
        self.wait(ctx, title, "", asked, Box::new(then));
    }

    /// Asks for a folder.
    pub fn folder(
        &self,
        ctx: &Context,
        title: &str,
        then: impl FnOnce(PathBuf) -> Command + Send + 'static,
    ) {
        let asked = AsyncFileDialog::new().set_title(title).pick_folder();
        self.wait(ctx, title, "", one(asked), only(then));
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
        self.save(ctx, "Save points", name, &[(kind, ending)], then);
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
        self.wait(ctx, title, name, one(dialog.save_file()), only(then));
    }

    /// Where others may put what a person decided meanwhile.
    pub fn sender(&self) -> SyncSender<Command> {
        self.sender.clone()
    }

    fn wait(
        &self,
        ctx: &Context,
        title: &str,
        text: &str,
        asked: impl Future<Output = Option<Vec<PathBuf>>> + Send + 'static,
        then: Then,
    ) {
        let (sender, untold, ctx) = (self.sender.clone(), self.untold.clone(), ctx.clone());
        let (title, text) = (title.to_owned(), text.to_owned());
        let thread = std::thread::Builder::new().name("dialog".to_owned());
        let started = thread.spawn(move || {
            let begun = Instant::now();
            // The window may be closed by the time there is something to say.
            match pollster::block_on(asked) {
                Some(paths) => {
                    let _ = sender.send(then(paths));
                }
                None if begun.elapsed() < TOO_SOON => {
                    let _ = untold.send(Typed { title, text, then });
                }
                None => return,
            }
            ctx.request_repaint();
        });
        // Without a thread no dialog comes, which a person sees.
        drop(started);
    }

    /// What was picked since the last time.
    pub fn picked(&self) -> impl Iterator<Item = Command> + '_ {
        self.picked.try_iter()
    }

    /// A path that is to be typed, since the system had no dialog for it.
    pub fn untold(&self) -> Option<Typed> {
        self.asked.try_recv().ok()
    }
}

async fn one(asked: impl Future<Output = Option<FileHandle>>) -> Option<Vec<PathBuf>> {
    Some(Vec::from([asked.await?.path().to_owned()]))
}

fn only(then: impl FnOnce(PathBuf) -> Command + Send + 'static) -> Then {
    Box::new(|paths| then(paths.into_iter().next().unwrap_or_default()))
}
