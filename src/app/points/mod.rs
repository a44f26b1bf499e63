//! The map of points: what is drawn, how it is looked at, and what is chosen in it.

pub mod camera;
pub mod classes;
pub mod command;
pub mod gpu;
pub mod grid;
mod wanted;

pub use self::wanted::{CODES, Sample, Wanted, pooling_name, unit_name};

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use self::camera::Camera;
use self::classes::{Classes, ColourBy, SLOTS};
use super::jobs::Purpose;
use super::library::{Library, NoteKey};
use super::moving::line_start;
use super::results::Asked;
use super::state::State;
use super::widgets::same::Of;
use crate::engine::{PointUnit, Points, SimilarPoint, Sketch};

/// Points, with the notes that they are parts of.
pub struct PointMap {
    /// The points.
    pub points: Arc<Points>,
    /// Their notes, in the order of [`crate::engine::Point::of`].
    pub notes: Vec<NoteKey>,
    /// What was asked for.
    pub of: Wanted,
    /// Where they stand along the principal components.
    pub plane: Arc<Vec<[f32; 2]>>,
    rows: HashMap<NoteKey, Range<usize>>,
}

impl PointMap {
    /// Points of these notes.
    pub fn new(points: Points, notes: Vec<NoteKey>, of: Wanted) -> Self {
        let mut rows: HashMap<NoteKey, Range<usize>> = HashMap::new();
        if points.unit != PointUnit::Code {
            for (row, point) in points.points.iter().enumerate() {
                if let Some(&key) = notes.get(point.of as usize) {
                    rows.entry(key).or_insert(row..row).end = row + 1;
                }
            }
        }
        Self {
            plane: Arc::new(points.plane.clone()),
            points: Arc::new(points),
            notes,
            of,
            rows,
        }
    }

    /// How many points.
    pub fn count(&self) -> usize {
        self.points.points.len()
    }

    /// The note of a point; none for a code.
    pub fn note(&self, row: usize) -> Option<NoteKey> {
        let of = self.points.points.get(row)?.of as usize;
        match self.points.unit {
            PointUnit::Code => None,
            _ => self.notes.get(of).copied(),
        }
    }

    /// What is chosen in the note for a point: nothing for the whole note.
    pub fn bytes(&self, row: usize) -> Range<usize> {
        match (self.points.unit, self.points.points.get(row)) {
            (PointUnit::Note | PointUnit::Code, _) | (_, None) => 0..0,
            (_, Some(point)) => point.bytes(),
        }
    }

    /// The first letters of a point in one line, and what it is a part of.
    pub fn text(&self, row: usize, library: &Library, letters: usize) -> Option<(String, String)> {
        let point = self.points.points.get(row)?;
        let text = match self.points.unit {
            PointUnit::Code => {
                let code = self.points.codes.get(point.of as usize)?;
                line_start(&format!("{} · {}", code.code, code.description), letters)
            }
            _ => {
                let entry = library.get(*self.notes.get(point.of as usize)?)?;
                line_start(entry.note.text().get(point.bytes())?, letters)
            }
        };
        Some((text, self.place(row, library)?))
    }

    /// What a point is a part of: its note with the section, or the chapter of its code.
    pub fn place(&self, row: usize, library: &Library) -> Option<String> {
        let point = self.points.points.get(row)?;
        let section = self.points.names.get(point.section as usize);
        if self.points.unit == PointUnit::Code {
            return Some(section.cloned().unwrap_or_default());
        }
        let entry = library.get(*self.notes.get(point.of as usize)?)?;
        Some(
            match section.filter(|_| self.points.unit != PointUnit::Note) {
                Some(section) if !section.is_empty() => format!("{} · {section}", entry.title),
                _ => entry.title.clone(),
            },
        )
    }

    /// The smallest point of a note that holds these bytes; for whole notes that of the note.
    fn holding(&self, note: NoteKey, bytes: Option<&Range<usize>>) -> Option<usize> {
        let mut rows = self.rows.get(&note)?.clone();
        if self.points.unit == PointUnit::Note {
            return rows.next();
        }
        let bytes = bytes?;
        let point = |row: &usize| self.points.points[*row].bytes();
        let holds = rows.filter(|row| {
            let own = point(row);
            own.start <= bytes.start && bytes.start < own.end
        });
        // Of equal ones the first.
        holds.min_by_key(|row| (point(row).len(), *row))
    }
}

/// Where points stand after they were arranged by neighbours.
pub struct Arranged {
    /// A place for each point.
    pub places: Arc<Vec<[f32; 2]>>,
    /// What decided where they began.
    pub seed: u64,
}

/// The points that are nearest to one.
pub struct NearList {
    /// Which one.
    pub point: usize,
    /// The others, the nearest first.
    pub similar: Vec<SimilarPoint>,
}

/// How points are placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Way {
    /// Along both first principal components.
    #[default]
    Components,
    /// So that neighbours stay neighbours.
    Neighbours,
}

/// What the pointer does when it is dragged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tool {
    /// Moves the map.
    #[default]
    Move,
    /// Draws a line around points.
    Lasso,
    /// Draws a box around points.
    Box,
}

/// The map of points.
#[derive(Default)]
pub struct PointsState {
    /// What is to be drawn.
    pub wanted: Wanted,
    /// What is drawn.
    pub map: Asked<PointMap>,
    /// Where its points stand by neighbours.
    pub arranged: Asked<Arranged>,
    /// Where they stand on the way there.
    pub sketch: Sketch,
    /// The newest of these, with its number.
    pub sketched: (u64, Option<Arc<Vec<[f32; 2]>>>),
    /// How they are placed.
    pub way: Way,
    /// What colours stand for.
    pub colour: ColourBy,
    /// Which point is of which class.
    pub classes: Arc<Classes>,
    /// Classes that are not drawn.
    pub hidden: [bool; SLOTS],
    /// What the pointer does.
    pub tool: Tool,
    /// The points that are chosen for the list, in order.
    pub chosen: Arc<Vec<u32>>,
    /// The point that was chosen last.
    pub at: Option<usize>,
    /// The point at a corner of a box that is being set by keys.
    pub corner: Option<usize>,
    /// What is near a point.
    pub near: Asked<NearList>,
    /// The part that is on the screen; all if none was chosen.
    pub camera: Option<Camera>,
    /// Steps closer that were asked for by keys, all of them together.
    pub closer: f32,
    /// How often the plot was to get the keys.
    pub focus: u64,
    /// The label that saved points are given, in place of their classes.
    pub label: String,
    /// Whether notes that are saved are opened.
    pub opens_saved: bool,
    /// The points that a file is being asked for.
    pub to_save: Option<ToSave>,
    /// Files that are being written.
    pub saves: Vec<Saving>,
    /// Bytes that the points may take that are being read.
    pub promised: usize,
}

/// Points that are to be saved, and of which map: another one may be drawn before there is a file.
pub struct ToSave {
    /// The map.
    pub of: Of<PointMap>,
    /// The points.
    pub rows: Arc<Vec<u32>>,
}

/// A file of points that is being written.
pub struct Saving {
    /// The file.
    pub path: PathBuf,
    /// Whether it holds text of notes.
    pub of_notes: bool,
    /// Whether it is opened afterwards.
    pub open: bool,
}

/// Bytes that a point takes beside its vector: its places along both ways and on the way there, its
/// class, where it is in the grid, and what is drawn of it here and on the graphics card.
pub const BESIDE: usize = 72;

impl PointsState {
    /// Forgets all but what a person chose.
    pub fn forget(&mut self) {
        let own = std::mem::take(self);
        self.wanted = own.wanted;
        self.way = own.way;
        self.tool = own.tool;
        self.colour = own.colour;
        self.promised = own.promised;
        (self.focus, self.closer) = (own.focus, own.closer);
        self.label = own.label;
        self.opens_saved = own.opens_saved;
        self.saves = own.saves;
    }

    /// The memory that it takes, in bytes.
    pub fn bytes(&self) -> usize {
        let map = self.map.value.as_ref();
        map.map_or(0, |own| own.points.bytes() + own.count() * BESIDE)
    }

    /// Where the points stand that are on the screen.
    pub fn places(&self) -> Option<&Arc<Vec<[f32; 2]>>> {
        let map = self.map.value.as_ref()?;
        match (self.way, &self.arranged.value, &self.sketched.1) {
            (Way::Neighbours, Some(own), _) => Some(&own.places),
            (Way::Neighbours, None, Some(own)) => Some(own),
            _ => Some(&map.plane),
        }
    }

    /// How the points on the screen are placed: as it was chosen, once that was computed.
    pub fn way_drawn(&self) -> Way {
        match self.arranged.value.is_some() || self.sketched.1.is_some() {
            true => self.way,
            false => Way::Components,
        }
    }

    /// Whether a point is drawn, as far as the legend decides.
    pub fn is_drawn(&self, row: usize) -> bool {
        !self.hidden[self.classes.slot(row)]
    }
}

impl State {
    /// Forgets the points, and what is being asked of them.
    pub fn forget_points(&mut self) {
        self.jobs.forget(Purpose::is_of_points);
        self.points.forget();
    }

    /// The memory that points take, and that those may take that are being read, in bytes.
    pub fn points_bytes(&self) -> usize {
        let reads = (self.jobs).is_running(|own| matches!(own, Purpose::Points(..)));
        self.points.bytes() + if reads { self.points.promised } else { 0 }
    }

    /// The point that is chosen: that of the place in the note on view, or the code that was clicked.
    pub fn point_at(&self) -> Option<usize> {
        let map = self.points.map.value.as_ref()?;
        let at = self.points.at.filter(|&row| row < map.count());
        if map.points.unit == PointUnit::Code {
            return at;
        }
        let note = self.on_view.as_ref()?.key;
        let bytes = self.selection.bytes();
        let same = |row: &usize| {
            let own = map.bytes(*row);
            map.note(*row) == Some(note) && (own.is_empty() || Some(own) == bytes)
        };
        at.filter(same)
            .or_else(|| map.holding(note, bytes.as_ref()))
    }
}
