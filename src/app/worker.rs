//! The threads that compute for the window: questions go in, answers come out, never a tensor.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::points::command::Format;
use super::sentences::in_window;
use super::train::work as train;
use crate::engine::{
    AttentionCell, AttentionFlow, AttentionMap, AttentionQuery, AttentionResult, CellQuery,
    ClassifiedNote, ClassifyQuery, DeviceChoice, DeviceInfo, EmbedQuery, Engine, EngineError,
    FillMaskQuery, FilledNote, Finished, FlowQuery, Found, HeldAttention, Import, ImportOptions,
    Job, LayerOverview, MapQuery, MeanFlow, ModelInfo, Note, NoteTokens, OverviewQuery, PointNote,
    Points, PointsExport, PointsQuery, Pooling, Progress, ReadingOptions, SearchQuery,
    SimilarPoint, Sketch, StopFlag, SurpriseQuery, SurprisingNote, TagQuery, TaggedNote, Unit,
    import, import_text, lost_device, write_aside,
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
}

impl Failure {
    fn of(error: &EngineError) -> Self {
        Self {
            sentence: in_window(&error.to_string()),
            of_device: error.is_of_device(),
        }
    }

    /// A thread panicked.
    fn unknown() -> Self {
        match lost_device() {
            Some(fault) => Self::of(&EngineError::Fault(fault)),
            None => Self {
                // What a panic says may hold anything, so it is not shown.
                sentence:
                    "this failed for a reason that Auscult does not know; the model was closed, \
                           and is opened again when it is needed"
                        .to_owned(),
                of_device: false,
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

/// Models that a thread keeps, the one used last in front.
const KEPT: usize = 2;

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
        let (ticket, limit) = (own.ticket, own.limit);
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
                if matches!(error, EngineError::Fault(_)) {
                    // A device that failed may not compute again; the next question opens it anew.
                    engines = Engines::default();
                }
                Said::Failed(Failure::of(&error))
            }
            Err(_) => {
                engines = Engines::default();
                Said::Failed(Failure::unknown())
            }
        };
        end(said, engines.trimmed(limit));
    }
}

/// The models that a thread has open.
#[derive(Default)]
pub struct Engines(Vec<Open>);

struct Open {
    folder: PathBuf,
    device: DeviceChoice,
    engine: Engine,
    /// The attention of the note that was asked about last.
    held: Option<HeldAttention>,
}

impl Engines {
    /// The engines that are open.
    #[cfg(test)]
    pub fn open(&self) -> impl Iterator<Item = &Engine> {
        self.0.iter().map(|own| &own.engine)
    }

    /// The engine with this model.
    fn of(
        &mut self,
        folder: &Path,
        device: DeviceChoice,
        job: &Job,
    ) -> Result<&mut Open, EngineError> {
        let known = |own: &Open| own.folder == folder && own.device == device;
        let open = match self.0.iter().position(known) {
            Some(place) => self.0.remove(place),
            None => {
                let mut engine = Engine::open(device)?;
                // Before it is read, so that never more than is kept is in memory.
                self.0.truncate(KEPT - 1);
                engine.prepare(job)?;
                engine.load_model(folder, job)?;
                Open {
                    folder: folder.to_owned(),
                    device,
                    engine,
                    held: None,
                }
            }
        };
        self.0.insert(0, open);
        Ok(&mut self.0[0])
    }

    /// Lets go of held attention, that of the model used last at the end, until no more than `limit`
    /// bytes are held; how many that are.
    fn trimmed(&mut self, limit: usize) -> usize {
        let bytes = |own: &Open| own.held.as_ref().map_or(0, HeldAttention::bytes);
        let mut all: usize = self.0.iter().map(bytes).sum();
        for own in self.0.iter_mut().rev() {
            if all > limit {
                all -= bytes(own);
                own.held = None;
            }
        }
        all
    }

    /// The engine with the model that a question is asked of.
    fn chosen(
        &mut self,
        model: &Option<PathBuf>,
        device: DeviceChoice,
        job: &Job,
    ) -> Result<&mut Open, EngineError> {
        let folder = model.as_ref().ok_or(EngineError::NoModel)?;
        self.of(folder, device, job)
    }

    fn answer(&mut self, asked: Asked, job: &Job) -> Result<Answer, EngineError> {
        let Asked {
            model,
            device,
            question,
            ..
        } = asked;
        match question {
            Question::Import(paths, options) => {
                let import = import(&paths, &options, job);
                Ok(Answer::Import(import))
            }
            Question::Paste(text) => {
                let import = import_text(&text, &ImportOptions::default(), job);
                Ok(Answer::Import(import))
            }
            Question::Model(folder) => {
                // It may have changed on the disk.
                self.0.retain(|own| own.folder != folder);
                let engine = &self.of(&folder, device, job)?.engine;
                let info = engine.model().cloned().ok_or(EngineError::NoModel)?;
                Ok(Answer::Model(Box::new(info), engine.device().clone()))
            }
            Question::Measure(folder, file) => {
                let engine = &self.of(&folder, device, job)?.engine;
                let notes = import(&[file], &ImportOptions::default(), job).notes;
                let note = notes.first().ok_or(EngineError::NoModel)?;
                let reading = ReadingOptions::default();
                let tokens = engine.tokens(note, &reading)?.coverage.tokens;
                let query = EmbedQuery {
                    unit: Unit::Note,
                    pooling: Pooling::Mean,
                    normalize: false,
                    reading,
                };
                let start = Instant::now();
                only(engine.embed(std::slice::from_ref(note), &query, job)?)?;
                Ok(Answer::Measure(Measured {
                    tokens,
                    took: start.elapsed(),
                    device: engine.device().clone(),
                }))
            }
            Question::Tokens(note, reading) => {
                let tokens = self
                    .chosen(&model, device, job)?
                    .engine
                    .tokens(&note, &reading)?;
                Ok(Answer::Tokens(tokens))
            }
            Question::Fill(note, query) => {
                let filled = self.chosen(&model, device, job)?.engine.fill_mask(
                    std::slice::from_ref(&*note),
                    &query,
                    job,
                )?;
                only(filled).map(Answer::Fill)
            }
            Question::Surprise(note, query) => {
                let found = self.chosen(&model, device, job)?.engine.surprise(
                    std::slice::from_ref(&*note),
                    &query,
                    job,
                )?;
                only(found).map(Answer::Surprise)
            }
            Question::Classify(note, query) => {
                let found = self.chosen(&model, device, job)?.engine.classify(
                    std::slice::from_ref(&*note),
                    &query,
                    job,
                )?;
                only(found).map(Answer::Classify)
            }
            Question::Tag(note, query) => {
                let found = self.chosen(&model, device, job)?.engine.tag(
                    std::slice::from_ref(&*note),
                    &query,
                    job,
                )?;
                only(found).map(Answer::Tag)
            }
            Question::Attend(note, query) => {
                let open = self.chosen(&model, device, job)?;
                let found = open
                    .engine
                    .attention_held(&mut open.held, &note, &query, job)?;
                Ok(Answer::Attend(found))
            }
            Question::Overview(note, query) => {
                let open = self.chosen(&model, device, job)?;
                let held = &mut open.held;
                let found = open.engine.attention_overview(held, &note, &query, job)?;
                Ok(Answer::Overview(found))
            }
            Question::Map(note, query) => {
                let open = self.chosen(&model, device, job)?;
                let found = open
                    .engine
                    .attention_map(&mut open.held, &note, &query, job)?;
                Ok(Answer::Map(found))
            }
            Question::Cell(note, query) => {
                let open = self.chosen(&model, device, job)?;
                let found = open
                    .engine
                    .attention_cell(&mut open.held, &note, &query, job)?;
                Ok(Answer::Cell(found))
            }
            Question::Flow(note, query) => {
                let engine = &self.chosen(&model, device, job)?.engine;
                Ok(Answer::Flow(engine.attention_flow(&note, &query, job)?))
            }
            Question::MeanFlow(notes, query) => {
                let engine = &self.chosen(&model, device, job)?.engine;
                let found = engine.attention_mean_flow(&notes, &query, job)?;
                Ok(Answer::MeanFlow(found))
            }
            Question::Points(notes, query) => {
                let engine = &self.chosen(&model, device, job)?.engine;
                let found = engine.points(&notes, &query, job)?;
                Ok(Answer::Points(Box::new(found)))
            }
            Question::Arrange(points, seed, sketch) => {
                Ok(Answer::Arrange(points.arranged(seed, &sketch, job)?))
            }
            Question::NearPoints(points, point, top) => {
                Ok(Answer::NearPoints(points.near(point, top, job)?))
            }
            Question::SavePoints(export, format, path) => {
                let bytes = match format {
                    Format::Csv => export.table(job)?,
                    Format::Notes => export.records(job)?,
                };
                let written = write_aside(&path, &bytes);
                written.map_err(|error| {
                    let path = path.display();
                    EngineError::Choice(format!("{path} cannot be written: {error}"))
                })?;
                Ok(Answer::Saved(path))
            }
            Question::Trim => Ok(Answer::Done),
            #[cfg(test)]
            Question::Planted(planted) => planted(self),
            Question::Train(work) => Ok(Answer::Train(train::answer(work, device, job)?)),
            Question::Search(wanted) => {
                let notes: Vec<Note> = wanted.notes.iter().map(|note| (**note).clone()).collect();
                let engine = &self.chosen(&model, device, job)?.engine;
                let found = engine.search(&wanted.text, &notes, &wanted.query, job)?;
                Ok(Answer::Search(found))
            }
        }
    }
}

/// The result for the only note that was asked about.
fn only<T>(finished: Finished<T>) -> Result<T, EngineError> {
    let mut results = finished.results.into_iter();
    let mut failures = finished.failures.into_iter();
    match (results.next(), failures.next()) {
        (Some(result), _) => Ok(result),
        (None, Some(error)) => Err(error),
        (None, None) => Err(EngineError::Cancelled(crate::engine::Cancelled)),
    }
}
