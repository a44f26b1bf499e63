//! Marks spans in notes with a token classifier.

use std::ops::Range;

use serde::Serialize;

use super::{
    Coverage, Engine, EngineError, Finished, Job, Loaded, Note, ReadingOptions, each_note,
};
use crate::kernels::values;
use crate::model::capture::Capture;
use crate::model::checkpoint::Head;
use crate::tasks::tagging::{Aggregation, entities, merged, scored_tokens, tidied};

use super::pass::finite;
use super::reading::Reader;

/// How to mark spans.
#[derive(Clone)]
pub struct TagQuery {
    /// How tokens become spans.
    pub aggregation: Aggregation,
    /// Whether spans end where a person would end them: see [`tidied`].
    pub tidy: bool,
    /// Kinds of spans that are left out, by the name that is shown; usually `O`.
    pub ignored: Vec<String>,
    /// How to read notes that are too long.
    pub reading: ReadingOptions,
}

/// The spans of one note.
#[derive(Clone, PartialEq, Serialize)]
pub struct TaggedNote {
    /// Where the note came from.
    pub note: String,
    /// How it was read.
    #[serde(flatten)]
    pub coverage: Coverage,
    /// Whether the model's weights are random, so that the spans mean nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub random_weights: bool,
    /// In the order of the note.
    pub spans: Vec<TaggedSpan>,
}

/// A span of a note.
#[derive(Clone, PartialEq, Serialize)]
pub struct TaggedSpan {
    /// Its first byte in the note; white space at its ends is not part of it.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// What it is.
    pub label: String,
    /// Softmax, averaged over its words or tokens; not calibrated.
    pub score: f32,
    /// Its text.
    pub text: String,
}

impl Engine {
    /// Marks spans in each note.
    ///
    /// Windows are tagged one by one; where spans of two windows overlap, the longer one stays, then
    /// the one with the higher score, as in transformers' pipeline.
    ///
    /// # Errors
    /// [`EngineError`] when no token classifier is loaded or it cannot read in this way. What is
    /// wrong with a single note is among the failures.
    pub fn tag(
        &self,
        notes: &[Note],
        query: &TagQuery,
        job: &Job,
    ) -> Result<Finished<TaggedNote>, EngineError> {
        let loaded = self.loaded()?;
        loaded.needs(Head::TokenClassification, "mark spans")?;
        let reader = loaded.reader(&query.reading)?;
        Ok(each_note(notes, job, |note| {
            loaded.tag_note(note, &reader, query, job)
        }))
    }
}

impl Loaded {
    pub(super) fn tag_note(
        &self,
        note: &Note,
        reader: &Reader<'_>,
        query: &TagQuery,
        job: &Job,
    ) -> Result<TaggedNote, EngineError> {
        let read = reader.read(note)?;
        let labels = &self.model.config().labels;
        let mut found = Vec::with_capacity(read.windows.len());
        for (done, window) in read.windows.iter().enumerate() {
            job.step(done, read.windows.len(), "windows")?;
            let batch = self.batch(note, &window.encoding)?;
            let encoded = self.encode(&batch, &Capture::default(), job)?;
            let logits = self.model.token_logits(encoded.last);
            let logits = finite(values(logits.expect("the caller has seen the head"))?, note)?;
            let tokens = scored_tokens(note.text(), window, &logits, &self.tokenizer);
            found.push(entities(&tokens, labels, query.aggregation, &query.ignored));
        }
        let spans = merged(note.text(), found).into_iter();
        Ok(TaggedNote {
            note: note.source().to_string(),
            coverage: read.coverage,
            random_weights: self.info.random_weights,
            spans: spans
                .filter_map(|(_, entity)| {
                    let text = note.text();
                    let span = match query.tidy {
                        true => tidied(text, entity.span)?,
                        // Byte-level tokens begin with the space before their word.
                        false => trimmed(text, entity.span),
                    };
                    Some(TaggedSpan {
                        start: span.start,
                        end: span.end,
                        label: entity.label,
                        score: entity.score,
                        text: text[span].to_owned(),
                    })
                })
                .filter(|span| span.start < span.end)
                .collect(),
        })
    }

    /// That the model has this head.
    pub(super) fn needs(&self, head: Head, operation: &'static str) -> Result<(), EngineError> {
        if self.model.structure().head == head {
            return Ok(());
        }
        let needed = match head {
            Head::None => "an encoder",
            Head::MaskedLm => "a masked language model",
            Head::SequenceClassification => "a checkpoint that was fine-tuned to classify texts",
            Head::TokenClassification => "a checkpoint that was fine-tuned to label tokens",
        };
        Err(EngineError::Unable {
            operation,
            reason: format!("its head is \"{}\"; this takes {needed}", self.info.head),
        })
    }
}

/// A span without the white space at its ends.
fn trimmed(text: &str, span: Range<usize>) -> Range<usize> {
    let own = &text[span.clone()];
    let start = span.start + own.len() - own.trim_start().len();
    start..start + own.trim().len()
}
