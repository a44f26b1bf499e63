//! The engines of a thread, and how they answer each question.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::{Answer, Asked, Measured, Question};
use crate::app::points::command::Format;
use crate::app::train::work as train;
use crate::engine::{
    DeviceChoice, EmbedQuery, Engine, EngineError, Finished, HeldAttention, ImportOptions, Job,
    Note, Pooling, ReadingOptions, Unit, import, import_text, write_aside,
};

/// Models that a thread keeps, the one used last in front.
const KEPT: usize = 2;

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
    pub(super) fn trimmed(&mut self, limit: usize) -> usize {
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

    pub(super) fn answer(&mut self, asked: Asked, job: &Job) -> Result<Answer, EngineError> {
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
