//! What each command and each action does, in a line or by whoever knows it.

use super::settings::STEP;
use super::{Actor, Outside};
use crate::app::command::{Action, Command};
use crate::app::jobs::Purpose;
use crate::app::keys::Keys;
use crate::app::messages::Weight;
use crate::app::moving;
use crate::app::points::{Tool, Way};
use crate::app::settings::LongChoice;
use crate::app::state::{Over, State, Workspace};
use crate::app::theme::Look;
use crate::engine::{HeadChoice, LayerChoice};

impl Actor {
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
            // Panels know their numbers, and the window asks them.
            Command::Numbers(_) => {}
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
                state.find.focus += 1;
                state.look_for();
            }
            Action::FindInLibrary => {
                state.welcome = false;
                state.find_all.open = true;
                state.find_all.focus += 1;
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
            Action::Spans => self.show_spans(),
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
            // The palette lists what can be saved.
            Action::Export => {}
            Action::KeepRange => self.keep_range(),
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
                state.jobs.stop_newest();
                self.surprise_waits = false;
            }
            Action::StopAll => {
                state.jobs.stop_all(|_| true);
                self.surprise_waits = false;
            }
            Action::CloseNote => self.close_note(),
            Action::CloseNotes => self.close_notes(),
            Action::ResetLayout => self.outside.push(Outside::ResetLayout),
            Action::UndoLayout => self.outside.push(Outside::UndoLayout),
            Action::RedoLayout => self.outside.push(Outside::RedoLayout),
            Action::Larger => self.zoom(STEP),
            Action::Smaller => self.zoom(-STEP),
            Action::UsualSize => self.zoom(1.0 - self.state.settings.zoom),
            Action::Light => self.look(Look::Light),
            Action::Dark => self.look(Look::Dark),
            Action::HighContrast => self.look(Look::HighContrast),
            Action::AsSystem => self.look(Look::System),
            Action::Quit => self.outside.push(Outside::Quit),
        }
    }
}
