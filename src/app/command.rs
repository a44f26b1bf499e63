//! What a person can ask for: by menus, palette, keys, or a click somewhere.

use std::ops::Range;
use std::path::PathBuf;

use eframe::egui::Key;

use super::keys::Shortcut;
use super::library::NoteKey;
use super::settings::LongChoice;
use super::theme::Look;

/// What a view asks for. Nothing changes but where these are carried out.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Something that has a name of its own.
    Do(Action),
    /// Read notes from these files and folders.
    Open(Vec<PathBuf>),
    /// Make a note of a text.
    Paste(Quiet),
    /// Put a note on view.
    Show(NoteKey),
    /// Put a note on view, with a part of it chosen.
    ShowAt(NoteKey, Range<usize>),
    /// Choose a part of the note on view, and bring it into view.
    Select(Range<usize>),
    /// Choose a part of the note, which is on view already.
    Point(Range<usize>),
    /// Let the lens show these bytes of the note for as long as the pointer is there.
    Hover(Option<Range<usize>>),
    /// Look at attention so.
    Lens(Box<super::lens::Lens>),
    /// Look at this head of this layer alone.
    Head(usize, usize),
    /// Have this part of a head's map drawn.
    Map(super::results::MapPart),
    /// Read the largest value of these rows and columns of a head's map.
    Cell(super::results::MapPart),
    /// Choose the value that was read: its tokens are marked in the note.
    ChooseCell,
    /// Look at the map of a head so.
    MapView(super::results::MapState),
    /// Show how the sections of all notes look at each other, or those of the note on view.
    FlowOf(bool),
    /// Something of the map of points.
    Points(super::points::command::PointsCommand),
    /// Let go of the pin of this number.
    Unpin(usize),
    /// Copy what a panel shows, as a table.
    Numbers(super::views::Panel),
    /// Ask where to save a figure of a panel.
    Figure(super::views::Panel),
    /// Save a figure of a panel there: pixels where the name ends so, else an SVG.
    SaveFigure(super::views::Panel, PathBuf),
    /// A figure was saved, or why not.
    FigureSaved(Result<PathBuf, String>),
    /// Put the numbers of a panel into the clipboard, if it has some.
    CopyNumbers(Option<Quiet>),
    /// Put a text into the clipboard.
    Copy(Quiet),
    /// Read notes with the model of this folder.
    UseModel(PathBuf),
    /// Mark spans, or label notes, with the model of this folder.
    UsePredictor(PathBuf),
    /// Show the notes whose title has these words.
    Filter(String),
    /// Look for this in the note on view.
    Find(super::find::Wanted),
    /// Look for this in all notes.
    FindInLibrary(super::find::Wanted),
    /// Go to another hit, forwards or backwards.
    Hit(isize),
    /// Stop a job.
    Stop(super::worker::Ticket),
    /// Treat long notes so.
    Long(LongChoice),
    /// Hold so many MB at most so that they need not be computed again.
    Cache(usize),
    /// Read this file in this encoding.
    Encoding(PathBuf, crate::engine::TextEncoding),
    /// Use these colours.
    Look(Look),
    /// Compute there.
    Device(String),
    /// Give an action this key; none for its usual ones.
    Rebind(Action, Option<Shortcut>),
    /// What this heading stands for; an empty name for what is none.
    Heading(String, String),
    /// What this heading usually stands for.
    UsualHeading(String),
    /// Something in the workspace Train.
    Train(Box<super::train::Ask>),
    /// Take a message off the screen.
    Dismiss(u64),
    /// The sentence about what Auscult is not was read.
    NoticeRead,
}

/// A text that may be of a note, of which nothing is said but how long it is.
#[derive(Clone, PartialEq)]
pub struct Quiet(pub String);

impl std::fmt::Debug for Quiet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Action {
    /// Whether it goes from token to token, by the arrows alone.
    pub fn is_step(self) -> bool {
        matches!(self, Self::NextToken | Self::PreviousToken)
    }
}

impl Action {
    /// Whether its keys are those of the map of points: they count where nothing else has the keys, and
    /// may do something else in other places.
    pub fn is_of_points(self) -> bool {
        matches!(
            self,
            Self::DrawPoints
                | Self::PointsIn
                | Self::PointsOut
                | Self::AllPoints
                | Self::PointLeft
                | Self::PointRight
                | Self::PointUp
                | Self::PointDown
                | Self::ExtendPointLeft
                | Self::ExtendPointRight
                | Self::ExtendPointUp
                | Self::ExtendPointDown
                | Self::OpenPoint
                | Self::TogglePoint
                | Self::ChooseClass
                | Self::Lasso
                | Self::BoxPoints
                | Self::NearPoints
        )
    }
}

impl Command {
    /// Whether it opens notes or models, so that what comes of it is to be said.
    pub fn opens(&self) -> bool {
        matches!(
            self,
            Self::Open(_)
                | Self::Paste(_)
                | Self::UseModel(_)
                | Self::UsePredictor(_)
                | Self::Encoding(..)
                | Self::Device(_)
                | Self::Train(_)
        )
    }

    /// Whether it is about places in the text of the note that is drawn.
    pub fn is_of_text(&self) -> bool {
        matches!(
            self,
            Self::Select(_)
                | Self::Point(_)
                | Self::Hover(Some(_))
                | Self::Map(_)
                | Self::Cell(_)
                | Self::ChooseCell
                | Self::MapView(_)
        )
    }
}

macro_rules! actions {
    ($($name:ident $id:literal $title:literal [$($key:expr),*];)*) => {
        /// What has a name, and may have a key.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action {
            $(#[doc = $title] $name,)*
        }

        impl Action {
            /// All of them, in the order of the palette.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name in the settings file.
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// Its name on the screen.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// The usual keys.
            pub fn shortcuts(self) -> &'static [Shortcut] {
                match self { $(Self::$name => const { &[$($key),*] },)* }
            }
        }
    };
}

const fn key(key: Key) -> Shortcut {
    Shortcut::key(key)
}

const fn command(key: Key) -> Shortcut {
    Shortcut::command(key)
}

actions! {
    TryDemo "try-demo" "Try the demo note and model" [];
    OpenFiles "open-files" "Open notes…" [command(Key::O)];
    OpenFolder "open-folder" "Open a folder of notes…" [command(Key::O).shift()];
    PasteNote "paste-note" "Paste a note" [];
    Models "models" "Add a model" [];
    OpenModel "open-model" "Choose a model…" [];
    OpenPredictor "open-predictor" "Choose a predictor…" [];
    NextNote "next-note" "Next note" [key(Key::J)];
    PreviousNote "previous-note" "Previous note" [key(Key::K)];
    Find "find" "Find in this note" [command(Key::F)];
    FindInLibrary "find-in-library" "Find in all notes" [command(Key::F).shift()];
    Back "back" "Back" [command(Key::OpenBracket)];
    Forward "forward" "Forward" [command(Key::CloseBracket)];
    NextToken "next-token" "Next token" [key(Key::ArrowRight)];
    PreviousToken "previous-token" "Previous token" [key(Key::ArrowLeft)];
    ExtendForward "extend-forward" "Extend by a token" [key(Key::ArrowRight).shift()];
    ExtendBackward "extend-backward" "Shrink by a token" [key(Key::ArrowLeft).shift()];
    NextWord "next-word" "Next word" [key(Key::ArrowRight).alt()];
    PreviousWord "previous-word" "Previous word" [key(Key::ArrowLeft).alt()];
    NextSentence "next-sentence" "Next sentence" [key(Key::ArrowDown).alt()];
    PreviousSentence "previous-sentence" "Previous sentence" [key(Key::ArrowUp).alt()];
    NextSection "next-section" "Next section" [key(Key::CloseBracket)];
    PreviousSection "previous-section" "Previous section" [key(Key::OpenBracket)];
    Clear "clear" "Clear the selection, then the pins" [key(Key::Escape)];
    MaskWord "mask-word" "Mask the word and fill it" [key(Key::M)];
    Surprise "surprise" "Tint words by surprise" [key(Key::U)];
    Predict "predict" "Predict" [key(Key::P)];
    Spans "spans" "Hide predicted spans, or show them" [];
    MakeHeading "make-heading" "Make the selection a heading" [];
    Similar "similar" "Find similar passages" [];
    Tokens "tokens" "Show tokens" [key(Key::B)];
    TokenIds "token-ids" "Show token numbers" [];
    FirstPart "first-part" "Long notes: read the first part" [];
    LastPart "last-part" "Long notes: read the last part" [];
    InWindows "in-windows" "Long notes: read in windows with overlap" [];
    BySection "by-section" "Long notes: read by section" [];
    Palette "palette" "Search or run…" [command(Key::K), command(Key::P)];
    Export "export" "Export…" [command(Key::E)];
    Read "read" "Go to Read" [command(Key::Num1)];
    Look "look" "Go to Look" [command(Key::Num2)];
    Points "points" "Go to Map" [command(Key::Num3)];
    Train "train" "Go to Train" [command(Key::Num5)];
    TrainOnOpen "train-on-open" "Train: learn from the open notes" [];
    TrainOnDemo "train-on-demo" "Train: learn from the notes that come with Auscult" [];
    CheckRun "check-run" "Train: check whether the run fits" [];
    StartRun "start-run" "Train: start the run" [];
    PauseRun "pause-run" "Train: pause, or go on" [];
    OpenRecipe "open-recipe" "Train: open a recipe…" [];
    SaveRecipe "save-recipe" "Train: save the recipe…" [];
    AddRuns "add-runs" "Train: add a folder of runs…" [];
    ReadRuns "read-runs" "Train: look for runs again" [];
    Judge "judge" "Train: judge the model" [];
    WatchNote "watch-note" "Watch this note learn" [];
    UnwatchNotes "unwatch-notes" "Train: stop watching all notes" [];
    PlayFrames "play-frames" "Train: play the frames of what was watched, or stop" [];
    UseFrame "use-frame" "Train: use the model of the frame" [];
    NextLayer "next-layer" "Next layer" [key(Key::L)];
    PreviousLayer "previous-layer" "Previous layer" [key(Key::L).shift()];
    NextHead "next-head" "Next head" [key(Key::H)];
    PreviousHead "previous-head" "Previous head" [key(Key::H).shift()];
    GlobalLayers "global-layers" "Only global layers" [key(Key::G)];
    Turn "turn" "Turn the lens: looks at, or is looked at by" [key(Key::T)];
    Sinks "sinks" "Hide or show sinks" [key(Key::S)];
    Rollout "rollout" "Follow attention through all layers" [];
    AllHeads "all-heads" "Look at all heads" [key(Key::A)];
    MapIn "map-in" "Map: closer" [key(Key::Plus), key(Key::Equals)];
    MapOut "map-out" "Map: farther" [key(Key::Minus)];
    MapWhole "map-whole" "Map: the whole note" [key(Key::W)];
    MapToSelection "map-to-selection" "Map: go to the selection" [key(Key::Z)];
    Flow "flow" "Look at sections" [key(Key::F)];
    FlowOfAll "flow-of-all" "Look at the sections of all notes" [];
    Pin "pin" "Pin what the lens shows" [key(Key::Period)];
    Unpin "unpin" "Let go of all pins" [];
    KeepRange "keep-range" "Keep the range of the lens, or let it go" [key(Key::R)];
    DrawPoints "draw-points" "Points: draw them" [key(Key::D)];
    ByComponents "points-by-components" "Points: place by main differences (PCA)" [];
    ByNeighbours "points-by-neighbours" "Points: place by neighbours (t-SNE)" [];
    ArrangePoints "arrange-points" "Points: arrange by neighbours anew" [];
    PointsIn "points-in" "Points: closer" [key(Key::Plus), key(Key::Equals)];
    PointsOut "points-out" "Points: farther" [key(Key::Minus)];
    AllPoints "all-points" "Points: show all" [key(Key::Num0)];
    PointLeft "point-left" "Points: next to the left" [key(Key::ArrowLeft)];
    PointRight "point-right" "Points: next to the right" [key(Key::ArrowRight)];
    PointUp "point-up" "Points: next above" [key(Key::ArrowUp)];
    PointDown "point-down" "Points: next below" [key(Key::ArrowDown)];
    ExtendPointLeft "extend-point-left" "Points: put the next to the left into the list" [key(Key::ArrowLeft).shift()];
    ExtendPointRight "extend-point-right" "Points: put the next to the right into the list" [key(Key::ArrowRight).shift()];
    ExtendPointUp "extend-point-up" "Points: put the next above into the list" [key(Key::ArrowUp).shift()];
    ExtendPointDown "extend-point-down" "Points: put the next below into the list" [key(Key::ArrowDown).shift()];
    OpenPoint "open-point" "Points: open the note at the point, or set a corner of the box" [key(Key::Enter)];
    TogglePoint "toggle-point" "Points: put the point into the list, or take it out" [key(Key::Space)];
    Lasso "lasso" "Points: draw around some" [key(Key::L)];
    BoxPoints "box-points" "Points: draw a box around some" [key(Key::B)];
    ChooseClass "choose-class" "Points: put the class of the point into the list" [key(Key::C)];
    ChooseAllPoints "choose-all-points" "Points: put all into the list" [];
    NearPoints "near-points" "Points: which are near" [key(Key::N)];
    SavePoints "save-points" "Points: save the list…" [];
    CopyPoints "copy-points" "Points: copy the list" [];
    Welcome "welcome" "Show welcome" [];
    Activity "activity" "Show activity" [];
    Settings "settings" "Settings" [command(Key::Comma)];
    Help "help" "Keys and help" [key(Key::F1), key(Key::Questionmark)];
    Stop "stop" "Stop the newest job, or pause the run" [command(Key::Period)];
    StopAll "stop-all" "Stop all that is running" [command(Key::Period).shift()];
    CloseNote "close-note" "Close this note" [command(Key::W)];
    CloseNotes "close-notes" "Close all notes" [];
    ResetLayout "reset-layout" "Reset the layout" [];
    UndoLayout "undo-layout" "Undo the last change of the layout" [command(Key::Z)];
    RedoLayout "redo-layout" "Redo the change of the layout" [command(Key::Z).shift(), command(Key::Y)];
    Larger "larger" "Larger" [command(Key::Plus), command(Key::Equals)];
    Smaller "smaller" "Smaller" [command(Key::Minus)];
    UsualSize "usual-size" "Usual size" [command(Key::Num0)];
    Light "light" "Colours: light" [];
    Dark "dark" "Colours: dark" [];
    HighContrast "high-contrast" "Colours: high contrast" [];
    AsSystem "as-system" "Colours: as the system" [];
    Verify "verify" "Offline: how to check it" [];
    Quit "quit" "Quit" [command(Key::Q)];
}
