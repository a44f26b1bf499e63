//! Reads notes or codes into points.

use super::growing::{Coming, Growing};
use super::{Point, PointNote, PointSpan, PointUnit, Points, PointsQuery, plane};
use crate::analysis::components::components;
use crate::analysis::{self, vectors};
use crate::engine::codes::{Code, chapters, codes, sample};
use crate::engine::pass::finite;
use crate::engine::reading::Reader;
use crate::engine::{
    Cancelled, EmbedQuery, Engine, EngineError, Finished, Job, Loaded, Note, Section, Source,
    each_note,
};
use crate::kernels::values;
use crate::model::Batch;
use crate::model::capture::Capture;

/// The share of the work that drawing is taken for.
const DRAWING: f64 = 0.05;

/// Tokens that are read at once of texts that are short, and texts at most.
const TOKENS: usize = 2048;
const TEXTS: usize = 128;

impl Engine {
    /// Makes points of parts of these notes, or of codes, with the places of their principal components.
    /// When `job` is stopped, what was read stays; that is not the first of the notes but any of them.
    /// Parts without a letter or digit are left out.
    ///
    /// # Errors
    /// [`EngineError`] when no model is loaded, it cannot read in this way, or the job is stopped before
    /// anything was read. What is wrong with a single note is among [`Points::failures`].
    pub fn points(
        &self,
        notes: &[PointNote],
        query: &PointsQuery,
        job: &Job,
    ) -> Result<Points, EngineError> {
        let loaded = self.loaded()?;
        let reader = loaded.reader(&query.reading)?;
        let width = loaded.model.config().hidden_size;
        let mut growing = Growing::new(query, width, loaded.info.random_weights);
        job.within(0.0..1.0 - DRAWING, || match query.unit {
            PointUnit::Code => loaded.read_codes(query, &mut growing, job),
            _ => loaded.read_notes(notes, &reader, query, &mut growing, job),
        })?;
        let mut points = growing.done();
        points.scales = vectors::scales(&points.vectors, points.width);
        // What was read takes far longer than drawing it, and stays when a person stops either.
        let drawn = |job: &Job| components(&points.vectors(), 2, query.seed, job);
        let found = job
            .within(1.0 - DRAWING..1.0, || drawn(job))
            .or_else(|Cancelled| drawn(&Job::silent()))?;
        (points.plane, points.explained) = plane(&found);
        Ok(points)
    }
}

impl Loaded {
    fn read_notes(
        &self,
        notes: &[PointNote],
        reader: &Reader<'_>,
        query: &PointsQuery,
        growing: &mut Growing,
        job: &Job,
    ) -> Result<(), EngineError> {
        let order = growing.shuffled(notes.len());
        let plain: Vec<_> = order.iter().map(|&own| &*notes[own].note).collect();
        let text: usize = plain.iter().map(|own| own.text().len()).sum();
        let (mut next, mut read) = (0, 0);
        let finished = each_note(&plain, job, |note| {
            let of = order[next];
            next += 1;
            let found = self.parts(note, &notes[of].spans, reader, query, job)?;
            read += note.text().len();
            growing.reserve(found.len(), read as f64 / text.max(1) as f64);
            let sections = query.reading.rules.outline(note.text());
            for (number, (place, label, vector)) in found.iter().enumerate() {
                let text = note.text().get(place.clone()).unwrap_or_default();
                if !text.chars().any(char::is_alphanumeric) {
                    continue;
                }
                let section = match section_at(&sections, place.start) {
                    Some(section) => growing.name(section.name.trim()),
                    None => Point::NONE,
                };
                let label = label.as_ref();
                let point = Point {
                    of: of as u32,
                    start: place.start as u32,
                    end: place.end as u32,
                    section,
                    label: label.map_or(Point::NONE, |label| growing.name(label)),
                };
                growing.push(&Coming {
                    point,
                    place: number,
                    class: notes[of].class.as_deref(),
                    vector,
                });
            }
            growing.points.read += 1;
            Ok(())
        });
        let Finished {
            failures, stopped, ..
        } = finished;
        let points = &mut growing.points;
        points.complete = !stopped;
        if points.all == 0 {
            if stopped {
                return Err(Cancelled.into());
            }
            if let Some(error) = failures.into_iter().next() {
                return Err(error);
            }
            return Ok(());
        }
        points.failures = failures.iter().map(ToString::to_string).collect();
        Ok(())
    }

    /// The parts of a note, each with its label and its vector.
    fn parts(
        &self,
        note: &Note,
        spans: &[PointSpan],
        reader: &Reader<'_>,
        query: &PointsQuery,
        job: &Job,
    ) -> Result<Vec<Part>, EngineError> {
        let Some(unit) = query.unit.unit() else {
            if spans.is_empty() {
                return Ok(Vec::new());
            }
            let pieces: Vec<_> = spans.iter().map(|own| own.pieces.clone()).collect();
            let vectors = self.embed_spans(note, reader, query.pooling, &pieces, job)?;
            let found = spans.iter().zip(vectors);
            return Ok(found
                .filter_map(|(span, vector)| {
                    let (first, last) = (span.pieces.first()?, span.pieces.last()?);
                    Some((first.start..last.end, Some(span.label.clone()), vector?))
                })
                .collect());
        };
        let query = EmbedQuery {
            unit,
            pooling: query.pooling,
            normalize: false,
            reading: query.reading.clone(),
        };
        let found = self.embed_note(note, reader, &query, job)?;
        let units = found.units.into_iter();
        Ok(units
            .map(|own| (own.start..own.end, None, own.vector))
            .collect())
    }

    fn read_codes(
        &self,
        query: &PointsQuery,
        growing: &mut Growing,
        job: &Job,
    ) -> Result<(), EngineError> {
        let all = codes();
        let count = all.len();
        let wanted = query.codes.min(count);
        let mut all = sample(all, wanted.min(growing.most()), query.seed);
        let taken = all.len();
        if taken == wanted {
            growing.leaves_out_as_asked();
        }
        growing.points.names = chapters();
        growing.reserve(all.len(), 1.0);
        let order = growing.shuffled(all.len());
        let width = growing.points.width;
        let mut next = 0;
        while next < all.len() {
            if job.step(next, all.len(), "codes").is_err() {
                growing.points.complete = false;
                break;
            }
            let (notes, encodings) = self.texts_at_once(&all, &order[next..])?;
            let ids = encodings
                .iter()
                .map(|own| (&own.ids[..], &own.type_ids[..]));
            let batch = Batch::new(ids);
            let one = &notes[0];
            self.model
                .check(&batch)
                .map_err(|error| EngineError::Input {
                    note: one.source().to_string(),
                    error,
                })?;
            let encoded = match self.encode(&batch, &Capture::default(), job) {
                Ok(encoded) => encoded,
                Err(Cancelled) => {
                    growing.points.complete = false;
                    break;
                }
            };
            let hidden = finite(values(encoded.last)?, one)?;
            let mut row = 0;
            for (number, encoding) in encodings.iter().enumerate() {
                let rows = &hidden[row * width..(row + encoding.ids.len()) * width];
                row += encoding.ids.len();
                let of = order[next + number];
                let code: &Code = &all[of];
                let point = Point {
                    of: of as u32,
                    start: 0,
                    end: code.text().len() as u32,
                    section: code.chapter as u32,
                    label: Point::NONE,
                };
                growing.push(&Coming {
                    point,
                    place: 0,
                    class: None,
                    vector: &analysis::pool(rows, width, query.pooling),
                });
            }
            next += encodings.len();
        }
        growing.points.read = next;
        // Codes that were not read before it was stopped go.
        let mut was_read = vec![false; all.len()];
        order[..next].iter().for_each(|&own| was_read[own] = true);
        let mut number = 0;
        growing.renumber(&was_read);
        all.retain(|_| {
            number += 1;
            was_read[number - 1]
        });
        growing.points.codes = all;
        // Of all codes where fewer were asked for, and of those that were asked for where some are missing.
        growing.points.all = match growing.points.complete && taken == wanted {
            true => count,
            false => wanted,
        };
        if next == 0 && taken > 0 {
            return Err(Cancelled.into());
        }
        Ok(())
    }

    /// The first of these codes in this order, as many as are read at once.
    fn texts_at_once(
        &self,
        codes: &[Code],
        order: &[usize],
    ) -> Result<(Vec<Note>, Vec<crate::tokenization::Encoding>), EngineError> {
        let (mut notes, mut encodings, mut tokens) = (Vec::new(), Vec::new(), 0);
        for code in order.iter().take(TEXTS).map(|&own| &codes[own]) {
            let note = Note::new(Source::Typed, code.text());
            let encoding = self.tokenizer.encode(note.text());
            let encoding = encoding.map_err(|error| EngineError::Encode {
                note: code.code.clone(),
                error,
            })?;
            tokens += encoding.ids.len();
            if tokens > TOKENS && !encodings.is_empty() {
                break;
            }
            encodings.push(encoding);
            notes.push(note);
        }
        Ok((notes, encodings))
    }
}

/// A part of a note: its bytes, its label, its vector.
type Part = (std::ops::Range<usize>, Option<String>, Vec<f32>);

/// The section that holds a byte.
fn section_at(sections: &[Section], byte: usize) -> Option<&Section> {
    let place = sections.partition_point(|own| own.span.end <= byte);
    sections.get(place).filter(|own| own.span.contains(&byte))
}
