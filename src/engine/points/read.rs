//! Reads notes or codes into points.

use std::collections::HashMap;

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

/// Points as they come.
struct Growing {
    points: Points,
    numbers: HashMap<String, u32>,
    most_bytes: usize,
}

impl Growing {
    fn name(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.points.names.len() as u32;
        self.points.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    fn push(&mut self, point: Point, vector: &[f32]) {
        self.points.points.push(point);
        self.points.vectors.extend_from_slice(vector);
    }

    /// Whether there is room for more.
    fn has_room(&mut self) -> bool {
        self.points.full |= self.points.bytes() > self.most_bytes;
        !self.points.full
    }
}

impl Engine {
    /// Makes points of parts of these notes, or of codes, with the places of their principal components.
    /// When `job` is stopped, or no more memory may be taken, what was read stays. Parts without a letter
    /// or digit are left out.
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
        let mut growing = Growing {
            points: Points {
                unit: query.unit,
                width: loaded.model.config().hidden_size,
                vectors: Vec::new(),
                points: Vec::new(),
                names: Vec::new(),
                codes: Vec::new(),
                plane: Vec::new(),
                explained: [0.0; 2],
                failures: Vec::new(),
                read: 0,
                complete: true,
                full: false,
                random_weights: loaded.info.random_weights,
                scales: Vec::new(),
            },
            numbers: HashMap::new(),
            most_bytes: query.most_bytes,
        };
        job.within(0.0..1.0 - DRAWING, || match query.unit {
            PointUnit::Code => loaded.read_codes(query, &mut growing, job),
            _ => loaded.read_notes(notes, &reader, query, &mut growing, job),
        })?;
        let mut points = growing.points;
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
        let plain: Vec<_> = notes.iter().map(|own| &*own.note).collect();
        let mut number = 0;
        let finished = each_note(&plain, job, |note| {
            let own = number;
            number += 1;
            if !growing.has_room() {
                // Ends as if it was stopped: nothing is asked of the notes that are left.
                return Err(Cancelled.into());
            }
            let found = self.parts(note, &notes[own].spans, reader, query, job)?;
            let sections = query.reading.rules.outline(note.text());
            for (place, label, vector) in found {
                let text = note.text().get(place.clone()).unwrap_or_default();
                if !text.chars().any(char::is_alphanumeric) {
                    continue;
                }
                let section = match section_at(&sections, place.start) {
                    Some(section) => growing.name(section.name.trim()),
                    None => Point::NONE,
                };
                let point = Point {
                    of: own as u32,
                    start: place.start as u32,
                    end: place.end as u32,
                    section,
                    label: label.map_or(Point::NONE, |label| growing.name(&label)),
                };
                growing.push(point, &vector);
            }
            growing.points.read += 1;
            Ok(())
        });
        let Finished {
            failures, stopped, ..
        } = finished;
        let points = &mut growing.points;
        points.complete = !stopped;
        if points.points.is_empty() {
            if stopped && !points.full {
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
        let all = sample(codes(), query.codes, query.seed);
        growing.points.names = chapters();
        let width = growing.points.width;
        let mut next = 0;
        while next < all.len() {
            let stopped = job.step(next, all.len(), "codes").is_err();
            if stopped || !growing.has_room() {
                growing.points.complete = false;
                break;
            }
            let (notes, encodings) = self.texts_at_once(&all[next..])?;
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
                let code: &Code = &all[next + number];
                let point = Point {
                    of: (next + number) as u32,
                    start: 0,
                    end: code.text().len() as u32,
                    section: code.chapter as u32,
                    label: Point::NONE,
                };
                growing.push(point, &analysis::pool(rows, width, query.pooling));
            }
            next += encodings.len();
        }
        growing.points.read = next;
        growing.points.codes = all.into_iter().take(next).collect();
        if next == 0 && !growing.points.full {
            return Err(Cancelled.into());
        }
        Ok(())
    }

    /// The first of these codes, as many as are read at once.
    fn texts_at_once(
        &self,
        codes: &[Code],
    ) -> Result<(Vec<Note>, Vec<crate::tokenization::Encoding>), EngineError> {
        let (mut notes, mut encodings, mut tokens) = (Vec::new(), Vec::new(), 0);
        for code in codes.iter().take(TEXTS) {
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
