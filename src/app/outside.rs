//! What only the system's window can do: dialogs, the clipboard, pictures of itself.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use eframe::egui::{Context, ScreenshotCallback, Ui, ViewportCommand};

use super::act::Outside;
use super::command::Command;
use super::figure::{self, Painted};
use super::layout::Layout;
use super::points::command::PointsCommand;
use super::{App, CLIPBOARD, theme, train};
use crate::engine::write_aside;

impl App {
    /// Writes the figure that was asked for, once its panel was painted.
    pub(super) fn save_figure(&mut self, ui: &Ui, painted: Option<Painted>) {
        let Some((_, path)) = self.actor.state.figure.clone() else {
            return;
        };
        let Some(painted) = painted else {
            let said = "its panel is not on the screen; bring it to the front and save again";
            self.actor
                .execute(Command::FigureSaved(Err(said.to_owned())));
            return;
        };
        let palette = theme::palette(ui);
        if !figure::is_pixels(&path) {
            let caption = self.actor.state.caption();
            let text = figure::svg(&painted, palette.chrome, &caption, palette.soft);
            let saved = text.and_then(|own| written(&path, own.as_bytes()));
            self.actor.execute(Command::FigureSaved(saved));
            return;
        }
        if std::mem::replace(&mut self.shooting, true) {
            return;
        }
        let (sender, ctx) = (self.dialogs.sender(), ui.ctx().clone());
        let scale = ctx.pixels_per_point();
        let taken = ScreenshotCallback::new(move |image| {
            let own = figure::cropped(&image, painted.rect, scale);
            let saved = figure::png(&own).and_then(|bytes| written(&path, &bytes));
            // The window may be closed by now.
            let _ = sender.send(Command::FigureSaved(saved));
            ctx.request_repaint();
        });
        ui.ctx()
            .send_viewport_cmd(ViewportCommand::Screenshot(taken));
    }

    /// Does what only the system's window can.
    pub(super) fn outside(&mut self, ctx: &Context) {
        for own in std::mem::take(&mut self.actor.outside) {
            match own {
                Outside::AskFiles => self.dialogs.files(ctx, "Open notes", Command::Open),
                Outside::AskFolder => {
                    let open = |folder| Command::Open(vec![folder]);
                    self.dialogs.folder(ctx, "Open a folder of notes", open);
                }
                Outside::AskModel { predictor } => {
                    let then = match predictor {
                        true => Command::UsePredictor,
                        false => Command::UseModel,
                    };
                    self.dialogs
                        .folder(ctx, "Choose the folder of a model", then);
                }
                Outside::AskPoints(format) => {
                    let then = move |path| Command::Points(PointsCommand::Save(format, path));
                    self.dialogs.points(ctx, format, then);
                }
                Outside::AskFigure(panel) => {
                    let name = format!("auscult-{}.svg", panel.title().to_lowercase());
                    let then = move |path| Command::SaveFigure(panel, path);
                    self.dialogs
                        .figure(ctx, "Save a figure", &name.replace(' ', "-"), then);
                }
                Outside::Copy(text) => ctx.copy_text(text.0),
                Outside::Paste => {
                    self.pasting = Some(Instant::now());
                    ctx.request_repaint_after(CLIPBOARD + Duration::from_millis(50));
                    ctx.send_viewport_cmd(ViewportCommand::RequestPaste);
                }
                Outside::Train(dialog) => train::outside::open(&self.dialogs, ctx, dialog),
                Outside::Look(look) => theme::apply(ctx, look),
                Outside::Zoom(zoom) => ctx.set_zoom_factor(zoom),
                Outside::ResetLayout => self.layout = Layout::default(),
                Outside::UndoLayout => {
                    self.layout = self.layouts.undo().unwrap_or(self.layout.clone())
                }
                Outside::RedoLayout => {
                    self.layout = self.layouts.redo().unwrap_or(self.layout.clone())
                }
                Outside::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
            }
        }
    }
}

/// Writes a figure, and gives its path back.
fn written(path: &Path, bytes: &[u8]) -> Result<PathBuf, String> {
    match write_aside(path, bytes) {
        Ok(()) => Ok(path.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
