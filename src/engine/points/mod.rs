//! The points of a map: vectors of parts of many notes, or of codes, and where to draw them.

mod export;
mod growing;
mod placed;
mod read;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use super::codes::Code;
use super::{Note, Pooling, ReadingOptions, Unit};
use crate::analysis::components::Components;
use crate::analysis::vectors::Vectors;

pub use export::PointsExport;
pub use placed::{Similar, Sketch};

/// What is a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PointUnit {
    /// A note.
    Note,
    /// A section, as the section rules find it.
    Section,
    /// A sentence.
    #[default]
    Sentence,
    /// Something that is marked in a note.
    Span,
    /// A word.
    Word,
    /// A token of the model.
    Token,
    /// A code of a diagnosis.
    Code,
}

impl PointUnit {
    /// All of them, in the order of menus.
    pub const ALL: [Self; 7] = [
        Self::Note,
        Self::Section,
        Self::Sentence,
        Self::Span,
        Self::Word,
        Self::Token,
        Self::Code,
    ];

    /// The unit of embedding, for parts of notes that have one.
    fn unit(self) -> Option<Unit> {
        match self {
            Self::Note => Some(Unit::Note),
            Self::Section => Some(Unit::Section),
            Self::Sentence => Some(Unit::Sentence),
            Self::Word => Some(Unit::Word),
            Self::Token => Some(Unit::Token),
            Self::Span | Self::Code => None,
        }
    }
}

/// A note whose parts become points.
#[derive(Clone)]
pub struct PointNote {
    /// The note.
    pub note: Arc<Note>,
    /// What is marked in it, for [`PointUnit::Span`].
    pub spans: Vec<PointSpan>,
    /// Its class, for [`OfEach::Class`].
    pub class: Option<String>,
}

/// Something that is marked in a note.
#[derive(Clone, PartialEq)]
pub struct PointSpan {
    /// Its label.
    pub label: String,
    /// Its bytes, in order.
    pub pieces: Vec<Range<usize>>,
}

/// What as many points are taken of, where not all are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OfEach {
    /// Nothing: chance alone decides.
    #[default]
    Any,
    /// Each section.
    Section,
    /// What they are marked as.
    Label,
    /// Each note.
    Note,
    /// Each class of notes.
    Class,
}

/// What to make points of.
#[derive(Clone)]
pub struct PointsQuery {
    /// What is a point.
    pub unit: PointUnit,
    /// How the vectors of tokens become one.
    pub pooling: Pooling,
    /// How to read notes that are too long.
    pub reading: ReadingOptions,
    /// Codes at most, as many of each chapter; for [`PointUnit::Code`].
    pub codes: usize,
    /// Points of notes at most; which, is left to chance.
    pub most: usize,
    /// What as many of them are taken of.
    pub of_each: OfEach,
    /// Decides what is taken, and where the arithmetic begins.
    pub seed: u64,
    /// Bytes that the points may take; where all of them take more, as many as there is room for are
    /// taken, as for `most`.
    pub most_bytes: usize,
    /// Bytes of these that something else takes for each point.
    pub beside: usize,
}

/// A point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// The place of its note among those that were given, or of its code among [`Points::codes`].
    pub of: u32,
    /// Its first byte in the note.
    pub start: u32,
    /// The byte after its last.
    pub end: u32,
    /// The section that it begins in, or the chapter of its code: a place in [`Points::names`].
    pub section: u32,
    /// What it is marked as: a place in [`Points::names`]. [`Point::NONE`] where it is not marked.
    pub label: u32,
}

impl Point {
    /// No name.
    pub const NONE: u32 = u32::MAX;

    /// Its bytes in its note.
    pub fn bytes(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Bytes of the words of a code, in the mean.
const CODE_TEXT: usize = 80;

/// Points with their vectors, and where the principal components draw them.
pub struct Points {
    /// What is a point.
    pub unit: PointUnit,
    /// Numbers of a vector.
    pub width: usize,
    /// `[points, width]`, row-major.
    pub vectors: Vec<f32>,
    /// In the order of the notes, and in that of each note.
    pub points: Vec<Point>,
    /// Names of sections, labels or chapters, each once.
    pub names: Vec<String>,
    /// The codes, for [`PointUnit::Code`].
    pub codes: Vec<Code>,
    /// Along the first two principal components of the vectors scaled to length 1: `[points, 2]`.
    pub plane: Vec<[f32; 2]>,
    /// The share of the variance along each of both.
    pub explained: [f64; 2],
    /// Notes that gave nothing, each with the reason.
    pub failures: Vec<String>,
    /// Notes, or codes, that were read.
    pub read: usize,
    /// Points that were found; of more than may be kept, chance decided which these are.
    pub all: usize,
    /// Whether all was read; a person may have stopped it before.
    pub complete: bool,
    /// Whether not all were kept because no more memory may be taken.
    pub full: bool,
    /// Whether the model's weights are random, so that places mean nothing.
    pub random_weights: bool,
    /// What scales each vector to length 1.
    scales: Vec<f32>,
}

impl Points {
    /// The memory that a point takes, in bytes.
    fn each(width: usize) -> usize {
        (width + 1) * size_of::<f32>() + size_of::<Point>() + size_of::<[f32; 2]>()
    }

    /// The memory that they take, in bytes.
    pub fn bytes(&self) -> usize {
        let codes = self.codes.len() * (size_of::<Code>() + CODE_TEXT);
        let names = self.names.iter().map(|own| size_of::<String>() + own.len());
        let points = self.points.capacity() * size_of::<Point>();
        let plane = self.plane.capacity() * size_of::<[f32; 2]>();
        let numbers = self.vectors.capacity() + self.scales.capacity();
        numbers * size_of::<f32>() + points + plane + codes + names.sum::<usize>()
    }

    fn vectors(&self) -> Vectors<'_> {
        Vectors::with_scales(&self.vectors, self.width.max(1), self.scales.clone())
    }
}

/// The places of both first components; 0 along one that is not there.
pub(super) fn plane(found: &Components) -> (Vec<[f32; 2]>, [f64; 2]) {
    let place = |row: &[f32]| [0, 1].map(|axis| row.get(axis).copied().unwrap_or(0.0));
    let places = found.coordinates.chunks(found.count.max(1)).map(place);
    let share = |axis: usize| found.explained.get(axis).copied().unwrap_or(0.0);
    (places.collect(), [share(0), share(1)])
}
