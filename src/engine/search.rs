//! Finds the notes, sections or sentences that are most like a text.

use serde::Serialize;

use super::{
    Coverage, EmbedQuery, Engine, EngineError, Finished, Job, Note, Pooling, ReadingOptions,
    Source, Unit, each_note,
};
use crate::analysis;

/// What to look for, and among what.
#[derive(Clone)]
pub struct SearchQuery {
    /// Notes, sections or sentences are compared.
    pub unit: Unit,
    /// How the vectors of tokens become one.
    pub pooling: Pooling,
    /// How many hits to give.
    pub top: usize,
    /// How to read notes that are too long.
    pub reading: ReadingOptions,
}

/// A part of a note that is like the query.
#[derive(Clone, PartialEq, Serialize)]
pub struct Hit {
    /// 1 for the nearest.
    pub rank: usize,
    /// Cosine of the angle between its vector and the query's; it ranks, and is no probability.
    pub score: f32,
    /// Where the note came from.
    pub note: String,
    /// Its place among the notes that were given, from 0.
    #[serde(skip)]
    pub number: usize,
    /// How the note was read.
    #[serde(flatten)]
    pub coverage: Coverage,
    /// First byte of the part in the note.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// The section's name, for sections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// Its text.
    pub text: String,
    /// Whether the model's weights are random, so that the order means nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub random_weights: bool,
}

/// What a search found.
pub struct Found {
    /// The nearest first.
    pub hits: Vec<Hit>,
    /// Parts that were compared.
    pub compared: usize,
    /// Notes that were passed over because they are what was looked for.
    pub passed_over: usize,
    /// How the text or note was read that was looked for.
    pub query: Coverage,
    /// Notes that were read, with those that failed; a stopped search compared only these.
    pub notes: Finished<()>,
}

impl Engine {
    /// Compares every unit of `notes` with `wanted`, by the exact cosine of their embeddings.
    ///
    /// `wanted` itself is passed over where it is among the notes, whatever its file is called, and so
    /// are parts without a letter or digit.
    ///
    /// # Errors
    /// [`EngineError`] when no model is loaded, it cannot read in this way, or `wanted` has no
    /// embedding. What is wrong with a single note is among the failures.
    pub fn search(
        &self,
        wanted: &Note,
        notes: &[Note],
        query: &SearchQuery,
        job: &Job,
    ) -> Result<Found, EngineError> {
        let loaded = self.loaded()?;
        let reader = loaded.reader(&query.reading)?;
        let embed = |unit| EmbedQuery {
            unit,
            pooling: query.pooling,
            normalize: false,
            reading: query.reading.clone(),
        };
        let (whole, parts) = (embed(Unit::Note), embed(query.unit));
        let asked = job.within(0.0..0.0, || loaded.embed_note(wanted, &reader, &whole, job))?;
        let wanted_vector = &asked.units[0].vector;
        let mut vectors: Vec<f32> = Vec::new();
        let mut places = Vec::new();
        let (mut number, mut passed_over) = (0, 0);
        let finished = each_note(notes, job, |note| {
            number += 1;
            if same(note, wanted) {
                passed_over += 1;
                return Ok(());
            }
            let embedding = loaded.embed_note(note, &reader, &parts, job)?;
            for unit in embedding.units {
                let text = &note.text()[unit.start..unit.end];
                if !text.chars().any(char::is_alphanumeric) {
                    continue;
                }
                vectors.extend(unit.vector);
                let place = unit.start..unit.end;
                places.push((number - 1, place, unit.section, embedding.coverage.clone()));
            }
            Ok(())
        });
        let nearest = analysis::nearest(wanted_vector, &vectors, query.top);
        let hits = nearest.iter().enumerate().map(|(rank, found)| {
            let (note, place, section, coverage) = &places[found.row];
            let number = *note;
            let note = &notes[number];
            Hit {
                number,
                rank: rank + 1,
                score: found.score,
                note: note.source().to_string(),
                coverage: coverage.clone(),
                start: place.start,
                end: place.end,
                section: section.clone(),
                text: note.text()[place.clone()].to_owned(),
                random_weights: loaded.info.random_weights,
            }
        });
        Ok(Found {
            hits: hits.collect(),
            compared: places.len(),
            passed_over,
            query: asked.coverage,
            notes: finished,
        })
    }
}

/// Whether two notes are the same part of the same bytes. One file has many names (`a.txt`, `./a.txt`),
/// so that the name does not tell.
fn same(a: &Note, b: &Note) -> bool {
    match (a.source(), b.source()) {
        (Source::File(file, place), Source::File(other, other_place)) => {
            file.sha256 == other.sha256 && place == other_place
        }
        (Source::Typed, Source::Typed) => a.text() == b.text(),
        _ => false,
    }
}
