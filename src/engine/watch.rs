//! Watches notes while a model is trained: each frame is what the engine says with the weights of its step.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::device::OpenDevice;
use super::models::describe;
use super::{
    Aggregation, AttentionQuery, Cancelled, ClassifyQuery, Direction, EmbedQuery, Engine,
    EngineError, FillMaskQuery, Finished, Head, HeadChoice, Job, LayerChoice, Loaded, LongNotes,
    Note, Pooling, ReadingOptions, Reduction, Selection, TagQuery, Tokenizer, TrainObserver, Unit,
    words,
};
use crate::model::Model;
use crate::training::history::Event;
use crate::training::session::Session;
use crate::training::watch::{
    Every, LensSeen, Onlooker, ProbeFrame, Says, Seen, SpanSeen, Watched,
};

/// Notes that can be watched at a time.
pub const MOST_PROBES: usize = 4;

/// Candidates for a hidden word.
const CANDIDATES: usize = 8;

/// A word that is hidden where none was chosen has at least so many letters.
const LETTERS: usize = 4;

/// A note that is watched.
#[derive(Debug, Clone)]
pub struct Probe {
    /// The note.
    pub note: Arc<Note>,
    /// Bytes of the word that looks, and that a masked language model guesses.
    pub chosen: Option<Range<usize>>,
}

/// What is watched in a run, and how often.
#[derive(Debug, Clone, Default)]
pub struct WatchPlan {
    /// The notes, at most [`MOST_PROBES`].
    pub probes: Vec<Probe>,
    /// How often.
    pub every: Every,
}

/// SHA-256 of the text of a note, in hexadecimal digits: frames name it so.
pub fn text_sha256(note: &Note) -> String {
    format!("{:x}", Sha256::digest(note.text().as_bytes()))
}

/// Asks an engine about notes with the weights of a run.
pub(super) struct Onlooking<'a> {
    observer: &'a mut dyn TrainObserver,
    device: OpenDevice,
    files: Vec<PathBuf>,
    reading: ReadingOptions,
    /// Kept from frame to frame; none before the first.
    tokenizer: Option<Tokenizer>,
}

impl<'a> Onlooking<'a> {
    pub(super) fn new(
        observer: &'a mut dyn TrainObserver,
        device: OpenDevice,
        session: &Session,
    ) -> Self {
        Self {
            observer,
            device,
            files: session.tokenizer_files().to_vec(),
            reading: probe_reading(session.config().max_tokens),
            tokenizer: None,
        }
    }

    fn tokenizer(&mut self) -> Result<Tokenizer, EngineError> {
        if let Some(own) = self.tokenizer.take() {
            return Ok(own);
        }
        let folder = self.files.first().and_then(|own| own.parent());
        let folder = folder.ok_or(EngineError::NoModel)?;
        Ok(Tokenizer::open(folder)?)
    }
}

/// How a watched note is read: as the run reads notes, the first part of one that is too long.
pub fn probe_reading(max_tokens: usize) -> ReadingOptions {
    ReadingOptions {
        long: LongNotes::First,
        max_tokens: Some(max_tokens),
        ..ReadingOptions::default()
    }
}

impl Onlooker for Onlooking<'_> {
    fn happens(&mut self, event: &Event) {
        self.observer.happens(event);
    }

    fn every(&mut self) -> Option<Every> {
        let plan = self.observer.watches()?;
        (!plan.probes.is_empty()).then_some(plan.every)
    }

    fn look(&mut self, model: &Model, job: &Job) -> Result<Vec<ProbeFrame>, Cancelled> {
        let Some(plan) = self.observer.watches() else {
            return Ok(Vec::new());
        };
        let engine = self.tokenizer().map(|tokenizer| Engine {
            device: self.device.clone(),
            loaded: Some(Loaded {
                info: describe(std::path::Path::new(""), model, &tokenizer),
                model: model.clone(),
                tokenizer,
            }),
        });
        let mut frames = Vec::new();
        for probe in plan.probes.iter().take(MOST_PROBES) {
            job.check()?;
            let seen = match &engine {
                Ok(engine) => guarded(|| seen(engine, probe, &self.reading, job))?,
                Err(error) => Err(error.to_string()),
            };
            frames.push(ProbeFrame {
                note: probe.note.source().to_string(),
                sha256: text_sha256(&probe.note),
                seen,
            });
        }
        // The weights go: a step may change them in place.
        let loaded = engine.ok().and_then(|own| own.loaded);
        self.tokenizer = loaded.map(|own| own.tokenizer);
        Ok(frames)
    }

    fn watched(&mut self, watched: &Watched) {
        self.observer.watched(watched);
    }
}

/// What `look` gives, or why it gives nothing: a fault in one note loses no other.
fn guarded(
    look: impl FnOnce() -> Result<Seen, EngineError>,
) -> Result<Result<Seen, String>, Cancelled> {
    match catch_unwind(AssertUnwindSafe(look)) {
        Ok(Ok(seen)) => Ok(Ok(seen)),
        Ok(Err(EngineError::Cancelled(cancelled))) => Err(cancelled),
        Ok(Err(error)) => Ok(Err(error.to_string())),
        // What a panic says may hold anything.
        Err(_) => {
            let said = "looking at this note failed for a reason that Auscult does not know; watch another \
                        one";
            Ok(Err(said.to_owned()))
        }
    }
}

/// The only result of a question about one note.
fn only<T>(finished: Finished<T>) -> Result<T, EngineError> {
    let mut failures = finished.failures.into_iter();
    let result = finished.results.into_iter().next();
    result.ok_or_else(|| failures.next().unwrap_or(EngineError::Cancelled(Cancelled)))
}

/// What a note comes to with the model that `engine` has.
fn seen(
    engine: &Engine,
    probe: &Probe,
    reading: &ReadingOptions,
    job: &Job,
) -> Result<Seen, EngineError> {
    let note = &*probe.note;
    let tokens = engine.tokens(note, reading)?;
    let read_end = tokens.coverage.read_end;
    // A word beyond what is read is asked about as if none had been chosen.
    let is_read = |own: &Range<usize>| tokens.at(own).any(|number| tokens.is_read(number));
    let chosen = probe.chosen.clone().filter(is_read);
    let says = says(engine, note, chosen.clone(), (reading, read_end), job)?;
    let query = AttentionQuery {
        selection: chosen.map_or(Selection::Token(0), Selection::Bytes),
        direction: Direction::LooksAt,
        layers: LayerChoice::Global,
        heads: HeadChoice::All,
        reduction: Reduction::Mean,
        unit: Unit::Word,
        hide_sinks: true,
        rollout: false,
        reading: reading.clone(),
    };
    let lens = engine.attention(note, &query, job)?;
    let query = EmbedQuery {
        unit: Unit::Note,
        pooling: Pooling::Mean,
        normalize: false,
        reading: reading.clone(),
    };
    let embedded = only(engine.embed(std::slice::from_ref(note), &query, job)?)?;
    let vector = embedded.units.into_iter().next();
    Ok(Seen {
        read_end,
        says,
        lens: LensSeen {
            start: lens.chosen.start,
            end: lens.chosen.end,
            words: (lens.items.iter())
                .map(|own| (own.start, own.end, own.value))
                .collect(),
            outside: lens.outside,
            hidden: lens.hidden.unwrap_or(0.0),
        },
        vector: vector.map(|own| own.vector).unwrap_or_default(),
    })
}

/// What the head of the model says of a note, or of a word that is hidden in it.
fn says(
    engine: &Engine,
    note: &Note,
    chosen: Option<Range<usize>>,
    (reading, read_end): (&ReadingOptions, usize),
    job: &Job,
) -> Result<Says, EngineError> {
    let notes = std::slice::from_ref(note);
    match engine.loaded()?.info.task {
        Head::SequenceClassification => {
            let query = ClassifyQuery {
                function: None,
                reading: reading.clone(),
            };
            let found = only(engine.classify(notes, &query, job)?)?;
            let labels = found.labels.into_iter();
            Ok(Says::Labels {
                labels: labels.map(|own| (own.label, own.score)).collect(),
            })
        }
        Head::TokenClassification => {
            let query = TagQuery {
                aggregation: Aggregation::First,
                tidy: true,
                ignored: vec!["O".to_owned()],
                reading: reading.clone(),
            };
            let found = only(engine.tag(notes, &query, job)?)?;
            let spans = found.spans.into_iter();
            let spans = spans.map(|own| SpanSeen {
                start: own.start,
                end: own.end,
                label: own.label,
                score: own.score,
            });
            Ok(Says::Spans {
                spans: spans.collect(),
            })
        }
        Head::MaskedLm | Head::None => {
            let word = chosen.or_else(|| usual_word(note.text(), read_end));
            let word = word.ok_or_else(|| EngineError::Absent {
                note: note.source().to_string(),
                reason: "there is no word in it that could be hidden".to_owned(),
            })?;
            let query = FillMaskQuery {
                at: Some(word),
                candidates: CANDIDATES,
                reading: reading.clone(),
                ..FillMaskQuery::default()
            };
            let found = only(engine.fill_mask(notes, &query, job)?)?;
            let mask = found.masks.into_iter().next();
            let mask = mask.ok_or(EngineError::Cancelled(Cancelled))?;
            let candidates = mask.candidates.into_iter();
            Ok(Says::Word {
                start: mask.start,
                end: mask.end,
                candidates: candidates.map(|own| (own.id, own.score)).collect(),
            })
        }
    }
}

/// The word that is hidden where a person chose none: of the words of letters the one in the middle, as
/// long as some are.
fn usual_word(text: &str, read_end: usize) -> Option<Range<usize>> {
    let all = words(text.get(..read_end)?);
    let of_letters = |own: &&Range<usize>| {
        let word = &text[(*own).clone()];
        word.chars().count() >= LETTERS && word.chars().all(char::is_alphabetic)
    };
    let long: Vec<&Range<usize>> = all.iter().filter(of_letters).collect();
    long.get(long.len() / 2).copied().or(all.first()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_about_a_note_is_a_sentence_without_what_it_said() {
        let seen = guarded(|| panic!("her name is Zyxa"));
        let said = seen.unwrap().err().unwrap();
        assert!(said.contains("watch another") && !said.contains("Zyxa"));
        let stopped = guarded(|| Err(Cancelled.into()));
        assert!(stopped.is_err());
    }

    #[test]
    fn the_word_that_is_hidden_is_one_of_letters_in_what_is_read() {
        let text = "12 mg of warfarin were given today.";
        assert_eq!(usual_word(text, text.len()), Some(23..28));
        assert_eq!(usual_word(text, 17), Some(9..17));
        assert_eq!(usual_word("a 1", 3), Some(0..1));
        assert_eq!(usual_word("  ", 2), None);
    }
}
