//! The engine in a window.
//!
//! Each frame takes in what the threads said, draws the views, and carries out what they ask for. Views
//! read the [`state`](State) and change nothing of it.

mod act;
mod chrome;
mod command;
mod dialogs;
mod find;
mod jobs;
mod keys;
mod layout;
mod lens;
mod library;
mod moving;
mod over;
mod selection;
mod settings;
mod state;
mod theme;
mod views;
mod widgets;
mod worker;

use std::path::PathBuf;

use anyhow::Result;
use eframe::egui::{self, CentralPanel, Context, Event, Frame, Ui, ViewportCommand};

use self::act::{Actor, Outside, SESSION, SETTINGS};
use self::dialogs::Dialogs;
use self::layout::Layout;
use self::settings::{Folder, Session, Settings};
use self::state::{Over, Workspace};
use self::views::Views;
use self::worker::Workers;

use crate::engine::write_aside;

pub use self::command::{Action, Command};
pub use self::jobs::{Message, Weight};
pub use self::keys::Shortcut;
pub use self::state::State;
pub use self::theme::Look;

/// How the window begins.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The model that reads notes, in place of that of the settings.
    pub model: Option<PathBuf>,
    /// Where to compute, in place of that of the settings.
    pub device: Option<String>,
    /// Notes that are opened, in place of those of last time.
    pub notes: Vec<PathBuf>,
    /// Where settings are kept; in the usual folder if not given.
    pub settings: Option<PathBuf>,
    /// Where what comes with Auscult is unpacked; in the usual folder if not given.
    pub data: Option<PathBuf>,
}

/// Opens the window, and returns when it is closed.
///
/// # Errors
/// When the system gives no window; the sentence says what to try.
pub fn run(options: Options) -> Result<()> {
    let viewport = egui::ViewportBuilder::default()
        .with_title("Auscult")
        .with_app_id("auscult")
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([640.0, 420.0])
        .with_drag_and_drop(true);
    let native = eframe::NativeOptions {
        viewport,
        ..Default::default()
    };
    let opened = eframe::run_native(
        "auscult",
        native,
        Box::new(|context| Ok(Box::new(App::new(&context.egui_ctx, options)))),
    );
    opened.map_err(|error| {
        anyhow::anyhow!(
            "no window could be opened: {error}; on a machine without a screen the commands work, see \
             auscult --help"
        )
    })
}

/// The window.
pub struct App {
    actor: Actor,
    views: Views,
    layout: Layout,
    palette: over::palette::Palette,
    settings: over::settings::Settings,
    dialogs: Dialogs,
    folder: Option<Folder>,
}

/// The file of the layout.
const LAYOUT: &str = "layout.json";

impl App {
    /// The window as it begins.
    pub fn new(ctx: &Context, options: Options) -> Self {
        let folder = options.settings.map(Folder::at).or_else(Folder::usual);
        let read = |name: &str| match &folder {
            Some(folder) => folder.read::<Settings>(name),
            None => (Settings::default(), None),
        };
        let (settings, wrong) = read(SETTINGS);
        let (mut session, wrong_session) = match &folder {
            Some(folder) => folder.read::<Session>(SESSION),
            None => (Session::default(), None),
        };
        if !options.notes.is_empty() {
            session = Session {
                files: options.notes,
                note: None,
            };
        }
        theme::fonts(ctx);
        theme::apply(ctx, settings.look);
        ctx.set_zoom_factor(settings.zoom);
        ctx.options_mut(|own| own.zoom_with_keyboard = false);
        let wake = ctx.clone();
        let workers = Workers::start(move || wake.request_repaint());
        let mut actor = Actor::new(State::new(settings), workers, folder.clone());
        actor.data = options.data;
        actor.device = options.device;
        for said in [wrong, wrong_session].into_iter().flatten() {
            let title = "Settings were not as they should be";
            actor.state.messages.tell(Weight::Warning, title, said);
        }
        actor.restore(session, options.model);
        let layout = folder.as_ref().and_then(|own| {
            let text = std::fs::read_to_string(own.file(LAYOUT)).ok()?;
            serde_json::from_str::<Layout>(&text).ok()?.usable()
        });
        Self {
            actor,
            views: Views::default(),
            layout: layout.unwrap_or_default(),
            palette: Default::default(),
            settings: Default::default(),
            dialogs: Dialogs::default(),
            folder,
        }
    }

    /// All that is shown.
    pub fn state(&self) -> &State {
        &self.actor.state
    }

    /// Carries out a command, as if a view had asked for it.
    pub fn execute(&mut self, command: Command) {
        self.actor.execute(command);
    }

    /// Takes in what happened since the last frame.
    pub fn advance(&mut self, ctx: &Context) {
        let picked: Vec<Command> = self.dialogs.picked().collect();
        picked.into_iter().for_each(|own| self.actor.execute(own));
        if self.actor.take_in() {
            ctx.request_repaint();
        }
        if let Some(next) = self.actor.state.messages.age() {
            ctx.request_repaint_after(next);
        }
    }

    /// Draws a frame.
    pub fn draw(&mut self, ui: &mut Ui) {
        let mut commands = Vec::new();
        self.keys(ui, &mut commands);
        let state = &mut self.actor.state;
        chrome::top::ui(ui, state, &mut commands);
        chrome::status::ui(ui, state, &mut commands);
        chrome::activity::ui(ui, state, &mut commands);
        if state.welcome {
            chrome::welcome::ui(ui, state, &mut commands);
        } else {
            CentralPanel::default().frame(Frame::NONE).show(ui, |ui| {
                self.layout.ui(ui, &mut self.views, state, &mut commands);
            });
        }
        let over = state.over;
        let palette = over == Some(Over::Palette);
        self.palette.ui(ui, palette, state, &mut commands);
        match over {
            Some(Over::Settings) => self.settings.ui(ui, state, &mut commands),
            Some(Over::Models) => over::models::ui(ui, state, &mut commands),
            Some(Over::Help) => over::help::ui(ui, state, &mut commands),
            Some(Over::Verify) => over::verify::ui(ui, &mut commands),
            Some(Over::Palette) | None => {}
        }
        chrome::toasts::ui(ui, state, &mut commands);
        if !commands.is_empty() {
            // They change what was drawn before.
            ui.ctx().request_repaint();
        }
        for command in commands {
            self.bring(&command);
            self.actor.execute(command);
        }
        self.outside(ui.ctx());
    }

    /// What was asked for by keys, by dropping files or by pasting.
    fn keys(&mut self, ui: &Ui, commands: &mut Vec<Command>) {
        let state = &self.actor.state;
        let typing = ui.ctx().text_edit_focused();
        let over = state.over.is_some();
        // The palette and the settings have the keys for themselves, but for those that close them.
        let asked = state.keys.pressed(ui.ctx(), typing || over);
        let asked = asked.into_iter().filter(|own| {
            let closes = matches!(own, Action::Palette | Action::Settings | Action::Help);
            !over || closes
        });
        commands.extend(asked.map(Command::Do));
        if over && ui.input(|input| input.key_pressed(egui::Key::Escape)) {
            // The modals close themselves.
            return;
        }
        let (dropped, pasted) = ui.input(|input| {
            let dropped = input.raw.dropped_files.iter();
            let dropped: Vec<PathBuf> = dropped.map(|own| own.path().to_owned()).collect();
            let pasted = input.events.iter().find_map(|event| match event {
                Event::Paste(text) => Some(text.clone()),
                _ => None,
            });
            (dropped, pasted)
        });
        if !dropped.is_empty() {
            commands.push(Command::Open(dropped));
        }
        if let Some(text) = pasted.filter(|_| !typing && !over) {
            commands.push(Command::Paste(text));
        }
    }

    /// Brings the panel to the front that shows what was asked for.
    fn bring(&mut self, command: &Command) {
        use self::views::Panel;
        let panel = match command {
            Command::Do(Action::Predict) => Panel::Predictions,
            Command::Do(Action::MaskWord) => Panel::Selection,
            Command::Do(Action::Similar) => Panel::Similar,
            Command::Do(Action::AllHeads) => Panel::Heads,
            _ => return,
        };
        let workspace = match panel {
            Panel::Heads => Workspace::Look,
            _ => self.actor.state.workspace,
        };
        if !self.layout.bring(workspace, panel) {
            // Only Read has it.
            self.layout.bring(Workspace::Read, panel);
            self.actor.execute(Command::Do(Action::Read));
        }
    }

    /// Does what only the system's window can.
    fn outside(&mut self, ctx: &Context) {
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
                Outside::Copy(text) => ctx.copy_text(text),
                Outside::Paste => ctx.send_viewport_cmd(ViewportCommand::RequestPaste),
                Outside::Look(look) => theme::apply(ctx, look),
                Outside::Zoom(zoom) => ctx.set_zoom_factor(zoom),
                Outside::ResetLayout => self.layout = Layout::default(),
                Outside::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
            }
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _: &mut eframe::Frame) {
        self.advance(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        self.draw(ui);
    }

    fn on_exit(&mut self) {
        self.actor.keep_session();
        if let Some(folder) = &self.folder
            && let Ok(text) = serde_json::to_string(&self.layout)
        {
            // The window is closed: nobody would read what is wrong.
            let _ = write_aside(&folder.file(LAYOUT), text.as_bytes());
        }
    }
}
