//! The threads that compute for the window: questions go in, answers come out, never a tensor.

mod engines;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use self::engines::Engines;
use super::points::command::Format;
use super::sentences::in_window;
use super::train::work as train;
use crate::engine::{
    AttentionCell, AttentionFlow, AttentionMap, AttentionQuery, AttentionResult, CellQuery,
    ClassifiedNote, ClassifyQuery, DeviceChoice, DeviceFault, DeviceInfo, EngineError,
    FillMaskQuery, FilledNote, FlowQuery, Found, Import, ImportOptions, Job, LayerOverview,
    MapQuery, MeanFlow, ModelInfo, Note, NoteTokens, OverviewQuery, PointNote, Points,
    PointsExport, PointsQuery, Progress, ReadingOptions, SearchQuery, SimilarPoint, Sketch,
    StopFlag, SurpriseQuery, SurprisingNote, TagQuery, TaggedNote, lost_device,
};

/// Which thread answers. Each has engines of its own, so that none waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// What a person waits for.
    Hand,
    /// What takes long.
    Long,
    /// Files, without a model.
    Files,
    /// Training runs, which nothing else waits for.
    Training,
    /// Where points stand, without a model: it takes long, and nothing waits for it.
    Places,
}

/// The number of a question.
pub type Ticket = u64;

/// What a thread is asked for.
pub enum Question {
    /// Read notes from files and folders.
    Import(Vec<PathBuf>, ImportOptions),
    /// Read notes from a text that was pasted.
    Paste(String),
    /// Load a model and say what it is.
    Model(PathBuf),
    /// How long the model of this folder takes to read the note of a file.
    Measure(PathBuf, PathBuf),
    /// The tokens of a note.
    Tokens(Arc<Note>, ReadingOptions),
    /// What could stand in the place of a word.
    Fill(Arc<Note>, Box<FillMaskQuery>),
    /// How surprising each word is.
    Surprise(Arc<Note>, Box<SurpriseQuery>),
    /// The labels of a note.
    Classify(Arc<Note>, ClassifyQuery),
    /// The spans of a note.
    Tag(Arc<Note>, TagQuery),
    /// What some bytes of a note look at, or what looks at them.
    Attend(Arc<Note>, Box<AttentionQuery>),
    /// The heads of a layer at a glance.
    Overview(Arc<Note>, OverviewQuery),
    /// A part of a head's map.
    Map(Arc<Note>, Box<MapQuery>),
    /// A value of a head's map.
    Cell(Arc<Note>, Box<CellQuery>),
    /// How the sections of a note look at each other.
    Flow(Arc<Note>, FlowQuery),
    /// The same in the mean of these notes.
    MeanFlow(Vec<Arc<Note>>, FlowQuery),
    /// The passages of these notes that are most like a text.
    Search(Box<Wanted>),
    /// Points of parts of these notes, or of codes.
    Points(Vec<PointNote>, Box<PointsQuery>),
    /// Where points stand by neighbours, from a seed.
    Arrange(Arc<Points>, u64, Sketch),
    /// So many points that are near this one.
    NearPoints(Arc<Points>, usize, usize),
    /// Write points into a file.
    SavePoints(Box<PointsExport>, Format, PathBuf),
    /// Let go of what is over the limit.
    Trim,
    /// Something about training runs.
    Train(train::Work),
    /// Something that a test plants.
    #[cfg(test)]
    Planted(Planted),
}

/// What a test has a thread do.
#[cfg(test)]
pub type Planted = Box<dyn FnOnce(&mut Engines) -> Result<Answer, EngineError> + Send>;

/// A text that is looked for among notes.
pub struct Wanted {
    /// The text.
    pub text: Note,
    /// Among which notes.
    pub notes: Vec<Arc<Note>>,
    /// How.
    pub query: SearchQuery,
}

/// What a thread answers.
pub enum Answer {
    /// Notes, and what could not be read.
    Import(Import),
    /// A model and what it computes on.
    Model(Box<ModelInfo>, DeviceInfo),
    /// How long a note took.
    Measure(Measured),
    /// Tokens.
    Tokens(NoteTokens),
    /// Candidates.
    Fill(FilledNote),
    /// Losses.
    Surprise(SurprisingNote),
    /// Scores.
    Classify(ClassifiedNote),
    /// Spans.
    Tag(TaggedNote),
    /// Attention.
    Attend(AttentionResult),
    /// Heads.
    Overview(LayerOverview),
    /// A part of a map.
    Map(AttentionMap),
    /// A value of a map.
    Cell(AttentionCell),
    /// Sections of a note.
    Flow(AttentionFlow),
    /// Sections of many notes.
    MeanFlow(MeanFlow),
    /// Passages.
    Search(Found),
    /// Points.
    Points(Box<Points>),
    /// Places of points; none where they cannot be arranged.
    Arrange(Option<Vec<[f32; 2]>>),
    /// Points that are near, the nearest first.
    NearPoints(Vec<SimilarPoint>),
    /// A file that was written.
    Saved(PathBuf),
    /// Nothing but that it is done.
    Done,
    /// Something about training runs.
    Train(train::Found),
}

/// How fast a computer is.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Tokens of the note that was read.
    pub tokens: usize,
    /// How long that took.
    pub took: Duration,
    /// What computed.
    pub device: DeviceInfo,
}

/// What a thread says.
pub struct Event {
    /// Of which question.
    pub ticket: Ticket,
    /// What.
    pub said: Said,
    /// The thread, and the bytes of attention that it holds; once a question has ended.
    pub held: Option<(Lane, usize)>,
}

/// What a thread says of a question.
pub enum Said {
    /// How far it is.
    Progress(Progress),
    /// It is done.
    Answer(Answer),
    /// It was stopped.
    Stopped,
    /// It failed.
    Failed(Failure),
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// A sentence for a person, without text of notes.
    pub sentence: String,
    /// Whether the device failed, so that another one may do it.
    pub of_device: bool,
    /// Whether that device is lost, so that it is opened anew for what comes next.
    pub lost: bool,
}

impl Failure {
    fn of(error: &EngineError) -> Self {
        Self {
            sentence: in_window(&error.to_string()),
            of_device: error.is_of_device(),
            lost: matches!(error, EngineError::Fault(DeviceFault::Lost(_))),
        }
    }

    /// The same of what was computed on the device of this choice.
    fn on(device: DeviceChoice, error: &EngineError) -> Self {
        let own = Self::of(error);
        Self {
            lost: own.lost || (own.of_device && lost_device(device).is_some()),
            ..own
        }
    }

    /// A thread panicked.
    fn unknown(device: DeviceChoice) -> Self {
        match lost_device(device) {
            Some(fault) => Self::of(&EngineError::Fault(fault)),
            None => Self {
                // What a panic says may hold anything, so it is not shown.
                sentence:
                    "this failed for a reason that Auscult does not know; the model was closed, \
                           and is opened again when it is needed"
                        .to_owned(),
                of_device: false,
                lost: false,
            },
        }
    }
}

/// A question on its way to a thread.
struct Asked {
    ticket: Ticket,
    /// The model that it is asked of, if any.
    model: Option<PathBuf>,
    device: DeviceChoice,
    question: Question,
    stop: StopFlag,
    /// Bytes of attention that may be held afterwards.
    limit: usize,
}

/// The threads.
pub struct Workers {
    lanes: [(Lane, SyncSender<Asked>); 5],
    events: Receiver<Event>,
    /// Questions that no thread took.
    refused: Vec<Event>,
    next: Ticket,
}

/// Questions and events that may wait at a time.
const QUESTIONS: usize = 256;
const EVENTS: usize = 4096;

/// How often progress is told at most.
const EVERY: Duration = Duration::from_millis(50);

impl Workers {
    /// Starts them; `wake` is called after each event.
    pub fn start(wake: impl Fn() + Clone + Send + Sync + 'static) -> Self {
        let (sender, events) = sync_channel(EVENTS);
        let lanes = [
            Lane::Hand,
            Lane::Long,
            Lane::Files,
            Lane::Training,
            Lane::Places,
        ];
        let lanes = lanes.map(|lane| {
            let (asks, asked) = sync_channel(QUESTIONS);
            let (sender, wake) = (sender.clone(), wake.clone());
            let tell = move |event: Event| {
                // Of progress the next will tell more. Nobody listens once the window is closed.
                let _ = match event.said {
                    Said::Progress(_) => sender.try_send(event).map_err(|_| ()),
                    _ => sender.send(event).map_err(|_| ()),
                };
                wake();
            };
            let name = format!("{lane:?}").to_lowercase();
            let thread = std::thread::Builder::new().name(name);
            let started = thread.spawn(move || work(lane, &asked, &tell));
            // Without its thread the lane's receiver is gone, and what is asked of it fails.
            drop(started);
            (lane, asks)
        });
        Self {
            lanes,
            events,
            refused: Vec::new(),
            next: 0,
        }
    }

    /// Asks a question; the answer comes as an event with the ticket.
    pub fn ask(
        &mut self,
        lane: Lane,
        model: Option<&Path>,
        device: DeviceChoice,
        question: Question,
        limit: usize,
    ) -> (Ticket, StopFlag) {
        self.next += 1;
        let stop = StopFlag::default();
        let asked = Asked {
            ticket: self.next,
            model: model.map(Path::to_owned),
            device,
            question,
            stop: stop.clone(),
            limit,
        };
        let own = self.lanes.iter().find(|(own, _)| *own == lane);
        if own.is_none_or(|(_, sender)| sender.try_send(asked).is_err()) {
            let sentence = "too much is waiting already; stop something first";
            self.refused.push(Event {
                ticket: self.next,
                said: Said::Failed(Failure {
                    sentence: sentence.to_owned(),
                    of_device: false,
                    lost: false,
                }),
                held: None,
            });
        }
        (self.next, stop)
    }

    /// What the threads said since the last time.
    pub fn events(&mut self) -> impl Iterator<Item = Event> + '_ {
        self.refused.drain(..).chain(self.events.try_iter())
    }
}

/// Answers questions until nobody can ask any more.
fn work(
    lane: Lane,
    asked: &Receiver<Asked>,
    tell: &(impl Fn(Event) + Clone + Send + Sync + 'static),
) {
    let mut engines = Engines::default();
    for own in asked {
        let (ticket, limit, device) = (own.ticket, own.limit, own.device);
        let end = |said, held| {
            let held = Some((lane, held));
            tell(Event { ticket, said, held });
        };
        if own.stop.is_set() {
            end(Said::Stopped, engines.trimmed(limit));
            continue;
        }
        let progress = {
            let tell = tell.clone();
            move |progress| {
                tell(Event {
                    ticket,
                    said: Said::Progress(progress),
                    held: None,
                });
            }
        };
        let job = Job::reporting(own.stop.clone(), EVERY, progress);
        let answer = catch_unwind(AssertUnwindSafe(|| engines.answer(own, &job)));
        let said = match answer {
            Ok(Ok(answer)) => Said::Answer(answer),
            Ok(Err(EngineError::Cancelled(_))) => Said::Stopped,
            Ok(Err(error)) => {
                // Before the device is opened anew.
                let failure = Failure::on(device, &error);
                if matches!(error, EngineError::Fault(_)) {
                    // A device that failed may not compute again; the next question opens it anew.
                    engines = Engines::default();
                }
                Said::Failed(failure)
            }
            Err(_) => {
                engines = Engines::default();
                Said::Failed(Failure::unknown(device))
            }
        };
        end(said, engines.trimmed(limit));
    }
}
