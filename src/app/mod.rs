//! The engine in a window.
//!
//! Each frame takes in what the threads said, draws the views, and carries out what they ask for. Views
//! read the [`state`](State) and change nothing of it.

mod act;
mod bring;
mod cache;
mod chrome;
mod command;
mod controls;
mod dialogs;
#[cfg(test)]
mod faults;
mod figure;
mod find;
pub mod jobs;
mod keys;
mod layout;
mod layouts;
mod lens;
mod library;
mod messages;
mod moving;
mod open;
mod outside;
mod over;
pub mod points;
mod results;
mod selection;
mod sentences;
mod settings;
mod state;
mod theme;
pub mod train;
mod viewport;
mod views;
mod wake;
mod widgets;
mod worker;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use eframe::egui::{self, CentralPanel, Context, Event, Frame, Ui};

use self::act::{Actor, SESSION, SETTINGS};
use self::dialogs::{Dialogs, Typed};
use self::layout::Layout;
use self::layouts::Layouts;
use self::settings::{Folder, Session, Settings};
use self::state::Over;
use self::views::Views;
use self::wake::Wake;
use self::worker::Workers;

use crate::engine::write_aside;

pub use self::command::{Action, Command, Quiet};
pub use self::keys::Shortcut;
pub use self::messages::{Message, Weight};
pub use self::open::{run, run_with};
pub use self::state::{State, Workspace};
pub use self::theme::Look;
pub use self::train::watch::WatchAsk;
pub use self::train::{Ask as TrainAsk, JudgeForm, JudgeOn, Subject as JudgeSubject};
pub use self::views::Panel;

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
    /// Whether to measure how fast this computer is, where the window begins with the welcome.
    pub measure: bool,
}

/// The window.
pub struct App {
    actor: Actor,
    wake: Wake,
    views: Views,
    layout: Layout,
    palette: over::palette::Palette,
    settings: over::settings::Settings,
    help: over::help::Help,
    dialogs: Dialogs,
    folder: Option<Folder>,
    layouts: Layouts,
    /// Whether a picture of the window is being taken.
    shooting: bool,
    /// Since when a text of the clipboard is asked for.
    pasting: Option<Instant>,
    /// A path that a person is to type.
    typed: Option<Typed>,
}

/// How long a clipboard may take to give its text.
const CLIPBOARD: Duration = Duration::from_secs(2);

/// What opens the palette.
const OPENERS: [Action; 2] = [Action::Palette, Action::Export];

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
                ..Session::default()
            };
        }
        theme::fonts(ctx);
        let wake = Wake::of(ctx);
        let workers = Workers::start(wake.caller());
        let mut actor = Actor::new(State::new(settings), workers, folder.clone());
        actor.data = options.data;
        actor.device = options.device;
        for said in [wrong, wrong_session].into_iter().flatten() {
            let title = "Settings were not as they should be";
            actor.state.messages.tell(Weight::Warning, title, said);
        }
        actor.restore(session, options.model);
        if options.measure && actor.state.welcome {
            actor.measure_device();
        }
        let layout = folder.as_ref().and_then(|own| {
            let text = std::fs::read_to_string(own.file(LAYOUT)).ok()?;
            serde_json::from_str::<Layout>(&text).ok()?.usable()
        });
        let app = Self {
            actor,
            wake,
            views: Views::default(),
            layout: layout.unwrap_or_default(),
            palette: Default::default(),
            settings: Default::default(),
            help: Default::default(),
            dialogs: Dialogs::default(),
            folder,
            layouts: Layouts::default(),
            shooting: false,
            pasting: None,
            typed: None,
        };
        app.dress(ctx);
        app
    }

    /// Goes on in another window, which knows nothing of the one before.
    fn move_to(&mut self, ctx: &Context) {
        theme::fonts(ctx);
        self.dress(ctx);
        // They hold pictures that were in the memory of the graphics card.
        self.views = Views::default();
        self.actor.state.nothing_is_asked();
        self.wake.set(ctx);
        (self.shooting, self.pasting) = (false, None);
    }

    /// Colours and size, as the settings say.
    fn dress(&self, ctx: &Context) {
        let settings = &self.actor.state.settings;
        theme::apply(ctx, settings.look);
        ctx.set_zoom_factor(settings.zoom);
        ctx.options_mut(|own| own.zoom_with_keyboard = false);
    }

    /// Says that another window took the place of the one before: because the graphics card was lost,
    /// or because a frame could not be drawn.
    fn is_reopened(&mut self, lost: bool) {
        let state = &mut self.actor.state;
        // What was being drawn may be what cannot be drawn.
        (state.over, state.figure) = (None, None);
        let (title, said) = match lost {
            true => (
                "The graphics card was lost, and the window was opened again",
                "Notes, results and runs are still there. If that repeats, update the card's driver.",
            ),
            false => (
                "The window failed, and was opened again",
                "This is a bug of Auscult. Notes, results and runs are still there. If that repeats, \
                 choose another workspace, or reset the layout.",
            ),
        };
        state.messages.tell(Weight::Failure, title, said);
    }

    /// Width and height of the window when it was closed last.
    fn last_size(options: &Options) -> Option<[f32; 2]> {
        let folder = options.settings.clone().map(Folder::at);
        let folder = folder.or_else(Folder::usual)?;
        let (session, _) = folder.read::<Session>(SESSION);
        // Too small a window could hardly be found.
        session
            .size
            .filter(|own| own[0] >= 640.0 && own[1] >= 420.0)
    }

    /// All that is shown.
    pub fn state(&self) -> &State {
        &self.actor.state
    }

    /// The same, to be set. Times and figures of a run differ from one to the next; in a picture that is
    /// compared with another they have to be given.
    pub fn state_mut(&mut self) -> &mut State {
        &mut self.actor.state
    }

    /// Carries out a command, as if a view had asked for it.
    pub fn execute(&mut self, command: Command) {
        self.bring(&command);
        let command = match command {
            Command::Numbers(panel) => {
                let numbers = self.views.get(panel).numbers(&self.actor.state);
                Command::CopyNumbers(numbers.map(Quiet))
            }
            Command::Do(Action::Export) => {
                self.palette.lists_exports();
                Command::Do(Action::Palette)
            }
            own => own,
        };
        self.actor.execute(command);
    }

    /// Takes in what happened since the last frame.
    pub fn advance(&mut self, ctx: &Context) {
        let picked: Vec<Command> = self.dialogs.picked().collect();
        for own in picked {
            self.shooting &= !matches!(own, Command::FigureSaved(_));
            self.actor.execute(own);
        }
        if let Some(own) = self.dialogs.untold() {
            self.typed = Some(own);
        }
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
            // A figure of a panel that is not there now is said, and does not wait.
            self.save_figure(ui, None);
        } else {
            chrome::welcome::strip(ui, state, &mut commands);
            let figure = state.figure.as_ref().map(|(panel, _)| *panel);
            let painted = CentralPanel::default().frame(Frame::NONE).show(ui, |ui| {
                (self.layout).ui(ui, &mut self.views, state, figure, &mut commands)
            });
            self.save_figure(ui, painted.inner);
            self.remember_layout(ui);
        }
        let state = &mut self.actor.state;
        if state.figure.is_none() {
            chrome::toasts::ui(ui, state, &mut commands);
        }
        let over = state.over;
        let palette = over == Some(Over::Palette);
        let panels = self.layout.panels(state.workspace);
        self.palette.ui(ui, palette, &panels, state, &mut commands);
        let helps: Vec<_> = match over {
            Some(Over::Help) if !state.welcome => self
                .layout
                .in_front(state.workspace)
                .into_iter()
                .map(|own| (own.title(), self.views.get(own).help()))
                .collect(),
            _ => Vec::new(),
        };
        (self.help).ui(ui, over == Some(Over::Help), &helps, state, &mut commands);
        match over {
            Some(Over::Settings) => self.settings.ui(ui, state, &mut commands),
            Some(Over::Models) => over::models::ui(ui, state, &mut commands),
            Some(Over::Verify) => over::verify::ui(ui, &mut commands),
            Some(Over::SavePoints) => over::points::ui(ui, state, &mut commands),
            Some(Over::Palette | Over::Help) | None => {}
        }
        over::typed::ui(ui, &mut self.typed, &mut commands);
        if !commands.is_empty() {
            // They change what was drawn before.
            ui.ctx().request_repaint();
        }
        let key = |own: &Self| own.actor.state.on_view.as_ref().map(|own| own.key);
        let drawn = key(self);
        for command in commands {
            // Places in the text are those of the note that was drawn.
            if command.is_of_text() && key(self) != drawn {
                continue;
            }
            self.execute(command);
        }
        self.outside(ui.ctx());
    }

    /// What was asked for by keys, by dropping files or by pasting.
    fn keys(&mut self, ui: &Ui, commands: &mut Vec<Command>) {
        let state = &self.actor.state;
        let typing = ui.ctx().text_edit_focused();
        let over = state.over.is_some() || self.typed.is_some();
        // The palette and the settings have the keys for themselves, but for those that close them.
        // Escape closes what is open over the panels before it clears what is chosen.
        let popup = egui::Popup::is_any_open(ui.ctx());
        let held = widgets::parts::arrows_are_held(ui);
        let points = !typing && !over && views::points::has_keys(ui.ctx(), state);
        if !over {
            // Where frames are slow, letters come in one with the keys of the palette.
            let typed = state.keys.typed_after(&OPENERS, ui.ctx());
            self.palette.begin_with(typed);
        }
        let asked = state.keys.pressed(ui.ctx(), typing || over, |own| {
            !((popup && own == Action::Clear) || (held && own.is_step()))
                && (points || !own.is_of_points())
        });
        let asked = asked.into_iter().filter(|own| {
            let closes = matches!(own, Action::Palette | Action::Settings | Action::Help);
            !over || closes
        });
        // Nor are such letters keys of their own.
        let mut opens = false;
        let asked = asked.take_while(|own| {
            let before = opens;
            opens |= OPENERS.contains(own);
            !before
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
        let asked_for = self.pasting.is_some() && pasted.is_some();
        if asked_for {
            self.pasting = None;
        }
        if self.pasting.is_some_and(|own| own.elapsed() > CLIPBOARD) {
            self.pasting = None;
            let said = "The clipboard gave no text";
            let more = "Copy the text again, or save it as a file and open that.";
            (self.actor.state.messages).tell(Weight::Warning, said, more);
        }
        if let Some(text) = pasted.filter(|_| asked_for || (!typing && !over)) {
            commands.push(Command::Paste(Quiet(text)));
        }
    }

    /// Remembers the layout when it has changed, once the pointer lets go of what it moved.
    fn remember_layout(&mut self, ui: &Ui) {
        let moving = ui.input(|own| own.pointer.any_down());
        if !moving {
            self.layouts.remember(&self.layout);
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _: &mut eframe::Frame) {
        self.advance(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        let zoom = ui.ctx().zoom_factor();
        let size = ui.input(|own| own.viewport().inner_rect.map(|own| own.size() * zoom));
        self.actor.state.size = size.map(Into::into).or(self.actor.state.size);
        if let Some(window) = frame.wgpu_render_state() {
            points::gpu::remember(ui.ctx(), window.target_format);
        }
        self.draw(ui);
    }

    /// Saves what is open, and where a run is.
    fn on_exit(&mut self) {
        self.actor.end_training();
        self.actor.keep_session();
        if let Some(folder) = &self.folder
            && let Ok(text) = serde_json::to_string(&self.layout)
        {
            // The window is closed: nobody would read what is wrong.
            let _ = write_aside(&folder.file(LAYOUT), text.as_bytes());
        }
    }
}
