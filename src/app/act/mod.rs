//! Carries out commands, and takes in answers: the only place where what is shown changes.

mod answers;
mod attention;
mod choosing;
mod failures;
mod map;
mod notes;
mod points;
mod questions;
mod train;
mod watch;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::app::command::{Action, Command, Quiet};
use crate::app::jobs::Purpose;
use crate::app::keys::Keys;
use crate::app::lens::Lens;
use crate::app::library::NoteKey;
use crate::app::messages::{Next, Weight};
use crate::app::moving;
use crate::app::points::command::Format;
use crate::app::points::{Tool, Way};
use crate::app::settings::{Folder, LongChoice, Session};
use crate::app::state::{Over, Results, State, Workspace};
use crate::app::theme::Look;
use crate::app::train::Ask;
use crate::app::views::Panel;
use crate::app::worker::{Lane, Question, Workers};
use crate::engine::{DeviceChoice, HeadChoice, LayerChoice, TextEncoding};

/// What only the system's window can do.
#[derive(Debug, Clone, PartialEq)]
pub enum Outside {
    /// Ask for files of notes.
    AskFiles,
    /// Ask for a folder of notes.
    AskFolder,
    /// Ask for the folder of a model, or of a predictor.
    AskModel {
        /// Whether it is to predict.
        predictor: bool,
    },
    /// Ask where to save points.
    AskPoints(Format),
    /// Ask where to save a figure of a panel.
    AskFigure(Panel),
    /// Ask for what the workspace Train needs.
    Train(crate::app::train::outside::Dialog),
    /// Put a text into the clipboard.
    Copy(Quiet),
    /// Take the text out of it.
    Paste,
    /// Use these colours.
    Look(Look),
    /// Draw everything so large.
    Zoom(f32),
    /// Put the panels where they usually are.
    ResetLayout,
    /// Put the panels where they were before.
    UndoLayout,
    /// Close the window.
    Quit,
}

/// Carries out commands.
pub struct Actor {
    /// All that is shown.
    pub state: State,
    workers: Workers,
    /// Where settings and the last session are kept; nowhere in tests that want none.
    folder: Option<Folder>,
    /// What the window has to do.
    pub outside: Vec<Outside>,
    /// Where what comes with Auscult is unpacked, if not where the system has such things.
    pub data: Option<PathBuf>,
    /// What the lens was asked for last, and whether something else waits for it.
    attended: Option<(NoteKey, Range<usize>, Lens)>,
    attend_next: bool,
    /// Whether surprise is to be measured once the tokens of the note are there.
    surprise_waits: bool,
    /// The note whose map is to go to the value that is being read.
    go_to_cell: Option<NoteKey>,
    /// Where to compute in place of what the settings say, until that is changed.
    pub device: Option<String>,
    /// How often a note was put on view.
    seen: u64,
    /// Bytes of attention that each thread holds.
    holds: HashMap<Lane, usize>,
    /// The encodings that were chosen for files.
    encodings: BTreeMap<PathBuf, TextEncoding>,
    /// The file that is being read in another one, with that of before.
    reread: Option<(PathBuf, Option<TextEncoding>)>,
    /// The note that is to be put on view once it was read, by where it came from.
    wanted_note: Option<String>,
    /// Whether what is opened was not asked for just now: then only what failed is said.
    quiet: bool,
}

/// The zoom that is possible, and a step of it.
const ZOOM: (f32, f32, f32) = (0.8, 2.0, 0.1);

impl Actor {
    /// Begins with these settings.
    pub fn new(state: State, workers: Workers, folder: Option<Folder>) -> Self {
        Self {
            state,
            workers,
            folder,
            outside: Vec::new(),
            data: None,
            attended: None,
            attend_next: false,
            surprise_waits: false,
            go_to_cell: None,
            device: None,
            seen: 0,
            holds: HashMap::new(),
            encodings: BTreeMap::new(),
            reread: None,
            wanted_note: None,
            quiet: false,
        }
    }

    /// Opens what was open last time, and the models that were chosen; `model` in place of the first.
    pub fn restore(&mut self, session: Session, model: Option<PathBuf>) {
        self.wanted_note = session.note;
        self.quiet = true;
        if let Some(folder) = session.run {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            let title = format!("{name} was paused when the window was closed");
            let next = Next {
                title: "Show the run",
                command: Command::Train(Box::new(Ask::OpenRun(folder.clone()))),
            };
            let said = "It goes on from there whenever you like.";
            let messages = &mut self.state.messages;
            messages.offer(Weight::Note, title, said, Some(next));
        }
        let encodings = session.encodings.into_iter();
        self.encodings = encodings
            .filter_map(|(path, own)| Some((path, own.parse().ok()?)))
            .collect();
        if !session.files.is_empty() {
            self.state.welcome = false;
            self.import(session.files);
        }
        if let Some(folder) = model.or_else(|| self.state.settings.model.clone()) {
            self.load(Purpose::Model(folder));
        }
        if let Some(folder) = self.state.settings.predictor.clone() {
            self.load(Purpose::Predictor(folder));
        }
    }

    /// What is to be opened next time.
    pub fn session(&self) -> Session {
        let note = self.state.entry().map(|own| own.note.source().to_string());
        Session {
            files: self.state.library.paths().to_vec(),
            note,
            run: self
                .state
                .train
                .live
                .as_ref()
                .filter(|own| own.can_go_on())
                .map(|own| own.folder.clone()),
            size: self.state.size,
            encodings: (self.encodings.iter())
                .map(|(path, own)| (path.clone(), own.to_string()))
                .collect(),
        }
    }

    /// Carries out a command.
    pub fn execute(&mut self, command: Command) {
        self.quiet &= !command.opens();
        match command {
            Command::Do(action) => self.act(action),
            Command::Open(paths) => self.import(paths),
            Command::Paste(text) => self.paste(text.0),
            Command::Show(key) => self.show(key),
            Command::ShowAt(key, bytes) => {
                self.show(key);
                self.select(bytes, true, true);
            }
            Command::Select(bytes) => self.select(bytes, true, true),
            Command::Point(bytes) => self.select(bytes, false, false),
            Command::Hover(bytes) => {
                self.state.hovered = bytes;
                self.attend();
            }
            Command::Lens(lens) => self.look_through(*lens),
            Command::Head(layer, head) => self.change_lens(|lens, _| {
                lens.rollout = false;
                lens.layers = LayerChoice::Only(vec![layer]);
                lens.heads = HeadChoice::Only(vec![head]);
            }),
            Command::Map(part) => self.draw_map(part),
            Command::Cell(part) => self.read_cell(part),
            Command::ChooseCell => self.choose_cell(),
            Command::FlowOf(all) => self.state.flow_of_all = all,
            Command::MapView(map) => self.state.map = map,
            Command::Points(command) => self.points_command(command),
            Command::Unpin(number) => {
                if let Some(results) = self.results_on_view()
                    && number < results.pins.len()
                {
                    results.pins.remove(number);
                }
            }
            Command::Figure(panel) => self.outside.push(Outside::AskFigure(panel)),
            Command::SaveFigure(panel, path) => self.state.figure = Some((panel, path)),
            Command::FigureSaved(saved) => self.figure_saved(saved),
            Command::CopyNumbers(numbers) => {
                let said = match numbers {
                    Some(numbers) => {
                        self.outside.push(Outside::Copy(numbers));
                        "The numbers are in the clipboard, as a table"
                    }
                    None => "This panel shows no numbers",
                };
                self.state.messages.tell(Weight::Note, said, "");
            }
            Command::Copy(text) => self.outside.push(Outside::Copy(text)),
            Command::UseModel(folder) => {
                self.state.settings.model = Some(folder.clone());
                self.load(Purpose::Model(folder));
                self.keep();
            }
            Command::UsePredictor(folder) => {
                self.state.settings.predictor = Some(folder.clone());
                self.load(Purpose::Predictor(folder));
                self.keep();
            }
            Command::Filter(words) => self.state.library.set_filter(&words),
            Command::Find(wanted) => {
                self.state.find.wanted = wanted;
                self.state.look_for();
            }
            Command::FindInLibrary(wanted) => self.find_in_library(wanted),
            Command::Hit(by) => self.hit(by),
            Command::Stop(ticket) => self.state.jobs.stop(ticket),
            Command::Long(choice) => self.treat_long(choice),
            Command::Look(look) => self.look(look),
            Command::Device(device) => {
                self.device = None;
                self.state.settings.device = device;
                self.keep();
                self.reload();
            }
            Command::Rebind(action, shortcut) => {
                let changed = &mut self.state.settings.keys;
                match shortcut {
                    Some(own) => changed.insert(action.id().to_owned(), own),
                    None => changed.remove(action.id()),
                };
                self.state.keys = Keys::new(changed);
                self.keep();
            }
            Command::Cache(megabytes) => {
                self.state.settings.cache_mb = megabytes;
                self.keep();
                self.trim();
            }
            Command::Encoding(path, encoding) => self.read_as(path, encoding),
            Command::Heading(heading, name) => {
                self.state.settings.headings.insert(heading, name);
                self.headings();
            }
            Command::UsualHeading(heading) => {
                self.state.settings.headings.remove(&heading);
                self.headings();
            }
            Command::Train(own) => self.train_ask(*own),
            Command::Dismiss(number) => self.state.messages.dismiss(number),
            Command::NoticeRead => {
                self.state.settings.notice_read = true;
                self.keep();
            }
        }
    }

    fn act(&mut self, action: Action) {
        let state = &mut self.state;
        let over = |state: &mut State, own| {
            state.over = (state.over != Some(own)).then_some(own);
        };
        match action {
            Action::TryDemo => self.demo(),
            Action::OpenFiles => self.outside.push(Outside::AskFiles),
            Action::OpenFolder => self.outside.push(Outside::AskFolder),
            Action::OpenModel => self.outside.push(Outside::AskModel { predictor: false }),
            Action::OpenPredictor => self.outside.push(Outside::AskModel { predictor: true }),
            Action::PasteNote => self.outside.push(Outside::Paste),
            Action::NextNote => self.neighbour(1),
            Action::PreviousNote => self.neighbour(-1),
            Action::Find => {
                state.find.open = true;
                state.find.focus = true;
                state.look_for();
            }
            Action::FindInLibrary => {
                state.welcome = false;
                state.find_all.open = true;
                state.find_all.focus = true;
            }
            Action::Back => self.walk(false),
            Action::Forward => self.walk(true),
            Action::NextToken => self.step(moving::Unit::Token, 1, false),
            Action::PreviousToken => self.step(moving::Unit::Token, -1, false),
            Action::ExtendForward => self.step(moving::Unit::Token, 1, true),
            Action::ExtendBackward => self.step(moving::Unit::Token, -1, true),
            Action::NextWord => self.step(moving::Unit::Word, 1, false),
            Action::PreviousWord => self.step(moving::Unit::Word, -1, false),
            Action::NextSentence => self.step(moving::Unit::Sentence, 1, false),
            Action::PreviousSentence => self.step(moving::Unit::Sentence, -1, false),
            Action::NextSection => self.step(moving::Unit::Section, 1, false),
            Action::PreviousSection => self.step(moving::Unit::Section, -1, false),
            Action::Clear => self.clear(),
            Action::MaskWord => self.fill(),
            Action::Surprise => self.surprise(),
            Action::Predict => self.predict(),
            Action::MakeHeading => self.make_heading(),
            Action::Similar => self.similar(),
            Action::Tokens => state.shown.tokens = !state.shown.tokens,
            Action::TokenIds => {
                state.shown.ids = !state.shown.ids;
                state.shown.tokens |= state.shown.ids;
            }
            Action::FirstPart => self.treat_long(LongChoice::First),
            Action::LastPart => self.treat_long(LongChoice::Last),
            Action::InWindows => self.treat_long(LongChoice::Windows),
            Action::BySection => self.treat_long(LongChoice::Sections),
            Action::Palette => over(state, Over::Palette),
            Action::Read => self.go_to(Workspace::Read),
            Action::Look => self.go_to(Workspace::Look),
            Action::Points => self.go_to_points(),
            Action::DrawPoints => self.draw_points(),
            Action::ByComponents => self.place_points(Way::Components),
            Action::ByNeighbours => self.place_points(Way::Neighbours),
            Action::ArrangePoints => self.arrange_points(),
            Action::PointsIn => self.zoom_points(true),
            Action::PointsOut => self.zoom_points(false),
            Action::AllPoints => self.all_points(),
            Action::PointLeft => self.next_point([-1.0, 0.0]),
            Action::PointRight => self.next_point([1.0, 0.0]),
            Action::PointUp => self.next_point([0.0, 1.0]),
            Action::PointDown => self.next_point([0.0, -1.0]),
            Action::ExtendPointLeft => self.extend_points([-1.0, 0.0]),
            Action::ExtendPointRight => self.extend_points([1.0, 0.0]),
            Action::ExtendPointUp => self.extend_points([0.0, 1.0]),
            Action::ExtendPointDown => self.extend_points([0.0, -1.0]),
            Action::OpenPoint => self.open_point(),
            Action::TogglePoint => self.toggle_point(),
            Action::Lasso => self.use_tool(Tool::Lasso),
            Action::BoxPoints => self.use_tool(Tool::Box),
            Action::ChooseClass => self.choose_class_of_point(),
            Action::ChooseAllPoints => self.choose_all_points(),
            Action::NearPoints => self.near_point(),
            Action::SavePoints => self.save_points(),
            Action::CopyPoints => self.copy_points(),
            Action::Train
            | Action::TrainOnOpen
            | Action::TrainOnDemo
            | Action::CheckRun
            | Action::StartRun
            | Action::PauseRun
            | Action::OpenRecipe
            | Action::SaveRecipe
            | Action::AddRuns
            | Action::ReadRuns
            | Action::Judge => self.act_on_training(action),
            Action::WatchNote | Action::UnwatchNotes | Action::PlayFrames | Action::UseFrame => {
                self.act_on_watching(action)
            }
            Action::NextLayer => self.change_lens(|lens, model| lens.step_layer(1, model)),
            Action::PreviousLayer => self.change_lens(|lens, model| lens.step_layer(-1, model)),
            Action::NextHead => self.change_lens(|lens, model| lens.step_head(1, model)),
            Action::PreviousHead => self.change_lens(|lens, model| lens.step_head(-1, model)),
            Action::GlobalLayers => self.change_lens(|lens, _| {
                lens.rollout = false;
                lens.layers = LayerChoice::Global;
                lens.heads = HeadChoice::All;
            }),
            Action::Turn => self.change_lens(|lens, _| lens.turn()),
            Action::Sinks => self.change_lens(|lens, _| lens.hide_sinks = !lens.hide_sinks),
            Action::Rollout => self.change_lens(|lens, _| lens.rollout = !lens.rollout),
            Action::AllHeads => self.all_heads(),
            Action::MapIn => self.zoom_map(2.0),
            Action::MapOut => self.zoom_map(0.5),
            Action::MapWhole => self.whole_map(),
            Action::MapToSelection => self.map_to_selection(),
            Action::Flow => self.flow(),
            Action::FlowOfAll => self.flow_of_all(),
            Action::Pin => self.pin(),
            Action::Unpin => {
                if let Some(results) = self.results_on_view() {
                    results.pins.clear();
                }
            }
            Action::Welcome => state.welcome = true,
            Action::Activity => state.activity = !state.activity,
            Action::Settings => over(state, Over::Settings),
            Action::Help => over(state, Over::Help),
            Action::Models => over(state, Over::Models),
            Action::Verify => over(state, Over::Verify),
            Action::Stop => {
                state.jobs.stop_all(|_| true);
                self.surprise_waits = false;
            }
            Action::CloseNote => self.close_note(),
            Action::CloseNotes => self.close_notes(),
            Action::ResetLayout => self.outside.push(Outside::ResetLayout),
            Action::UndoLayout => self.outside.push(Outside::UndoLayout),
            Action::Larger => self.zoom(ZOOM.2),
            Action::Smaller => self.zoom(-ZOOM.2),
            Action::UsualSize => self.zoom(1.0 - self.state.settings.zoom),
            Action::Light => self.look(Look::Light),
            Action::Dark => self.look(Look::Dark),
            Action::HighContrast => self.look(Look::HighContrast),
            Action::AsSystem => self.look(Look::System),
            Action::Quit => self.outside.push(Outside::Quit),
        }
    }

    pub(in crate::app) fn ask(
        &mut self,
        lane: Lane,
        model: Option<&Path>,
        purpose: Purpose,
        question: Question,
    ) {
        let device = self.device.as_ref().unwrap_or(&self.state.settings.device);
        let device = device.parse::<DeviceChoice>();
        let device = device.unwrap_or_default();
        // What is held beside it was asked of the note on view, or goes.
        let own = self.state.results().map_or(0, Results::bytes);
        let own = own + self.state.points_bytes();
        let limit = self.state.cache_limit().saturating_sub(own);
        let (ticket, stop) = self.workers.ask(lane, model, device, question, limit);
        self.state.jobs.begin(ticket, purpose, stop);
    }

    fn figure_saved(&mut self, saved: Result<PathBuf, String>) {
        self.state.figure = None;
        match saved {
            Ok(path) => {
                let title = format!("Saved {}", path.display());
                let said =
                    "It shows what the panel showed; where that is text of a note, so does it.";
                self.state.messages.tell(Weight::Note, title, said);
            }
            Err(reason) => {
                let title = "The figure was not saved";
                self.state.messages.tell(Weight::Failure, title, reason);
            }
        }
    }

    /// Lets go of what is over the limit, here and in the threads.
    fn trim(&mut self) {
        self.state.make_room();
        for lane in [Lane::Hand, Lane::Long] {
            self.ask(lane, None, Purpose::Trim, Question::Trim);
        }
    }

    fn look(&mut self, look: Look) {
        self.state.settings.look = look;
        self.outside.push(Outside::Look(look));
        self.keep();
    }

    fn zoom(&mut self, by: f32) {
        let (least, most, step) = ZOOM;
        let zoom = self.state.settings.zoom + by;
        let zoom = ((zoom / step).round() * step).clamp(least, most);
        self.state.settings.zoom = zoom;
        self.outside.push(Outside::Zoom(zoom));
        self.keep();
    }

    /// Writes the settings down.
    fn keep(&mut self) {
        if let Some(folder) = &self.folder
            && let Err(reason) = folder.write(SETTINGS, &self.state.settings)
        {
            let said = "The settings could not be kept";
            self.state.messages.tell(Weight::Warning, said, reason);
        }
    }

    /// Writes down what is open.
    pub fn keep_session(&mut self) {
        if let Some(folder) = &self.folder {
            // The window closes: nobody would read what is wrong.
            let _ = folder.write(SESSION, &self.session());
        }
    }
}

/// The file of settings.
pub const SETTINGS: &str = "settings.toml";

/// The file of what was open.
pub const SESSION: &str = "session.toml";
