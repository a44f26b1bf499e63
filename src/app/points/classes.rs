//! What the colours of points stand for.

use std::collections::HashMap;

use super::PointMap;
use crate::app::library::{Library, NoteKey};
use crate::app::results::Results;
use crate::engine::{OfEach, Point, PointUnit, column_value};

/// Classes that have a colour of their own.
pub const SHOWN: usize = 10;

/// Places in the legend: the classes with a colour, all others, and what has no class.
pub const SLOTS: usize = SHOWN + 2;

/// The place of all other classes.
pub const OTHERS: usize = SHOWN;

/// The place of what has no class.
pub const NONE: usize = SHOWN + 1;

/// What colours stand for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ColourBy {
    /// The section that a point begins in; of codes the chapter.
    #[default]
    Section,
    /// The note that it is a part of.
    Note,
    /// What it is marked as.
    Mark,
    /// What its note has in this column.
    Column(String),
    /// What was predicted for it.
    Predicted,
    /// Nothing.
    Nothing,
}

impl ColourBy {
    /// Its name in menus.
    pub fn name(&self, unit: PointUnit) -> String {
        match self {
            Self::Section if unit == PointUnit::Code => "Chapter".to_owned(),
            Self::Section => "Section".to_owned(),
            Self::Note => "Note".to_owned(),
            Self::Mark => "Label of the span".to_owned(),
            Self::Column(name) => format!("Column “{name}”"),
            Self::Predicted => "Predicted label".to_owned(),
            Self::Nothing => "Nothing".to_owned(),
        }
    }
}

impl ColourBy {
    /// What it is of, within a sentence.
    pub fn in_words(&self, unit: PointUnit) -> String {
        match self {
            Self::Mark => "label".to_owned(),
            Self::Column(name) => format!("“{name}”"),
            own => own.name(unit).to_lowercase(),
        }
    }

    /// The same, as what as many points are taken of.
    pub fn of_each(&self) -> OfEach {
        match self {
            Self::Section => OfEach::Section,
            Self::Mark => OfEach::Label,
            Self::Note => OfEach::Note,
            Self::Column(_) => OfEach::Class,
            Self::Predicted | Self::Nothing => OfEach::Any,
        }
    }
}

/// What colours can stand for, the most telling first.
pub fn choices(unit: PointUnit, library: &Library) -> Vec<ColourBy> {
    if unit == PointUnit::Code {
        return vec![ColourBy::Section, ColourBy::Nothing];
    }
    let mut all = of_points(unit);
    all.push(ColourBy::Note);
    all.extend(columns(library));
    all.push(ColourBy::Predicted);
    all.push(ColourBy::Nothing);
    all
}

/// What a sample can have as many points of.
pub fn kinds(unit: PointUnit, library: &Library) -> Vec<ColourBy> {
    let mut all = vec![ColourBy::Nothing];
    all.extend(of_points(unit));
    if unit != PointUnit::Note {
        all.push(ColourBy::Note);
    }
    all.extend(columns(library));
    all
}

/// What points of notes have of their own.
fn of_points(unit: PointUnit) -> Vec<ColourBy> {
    match unit {
        PointUnit::Note => Vec::new(),
        PointUnit::Span => vec![ColourBy::Mark, ColourBy::Section],
        _ => vec![ColourBy::Section],
    }
}

fn columns(library: &Library) -> impl Iterator<Item = ColourBy> {
    let own = |name: &str| ColourBy::Column(name.to_owned());
    library.columns().map(own)
}

/// Which point is of which class.
#[derive(Default, PartialEq)]
pub struct Classes {
    /// The classes, each with its points: the most frequent first.
    pub names: Vec<(String, usize)>,
    /// Points without a class.
    pub without: usize,
    /// For each point its place in `names`, or [`Point::NONE`].
    of: Vec<u32>,
}

/// Names are values of notes: of them only how many there are is told.
impl std::fmt::Debug for Classes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (names, points) = (self.names.len(), self.of.len());
        write!(f, "Classes({names} of {points} points)")
    }
}

impl Classes {
    /// Of the points of a map.
    pub fn new(
        map: &PointMap,
        by: &ColourBy,
        library: &Library,
        results: &HashMap<NoteKey, Results>,
    ) -> Self {
        let points = &map.points;
        let named = |number: u32| points.names.get(number as usize).cloned();
        let of_note: Vec<Option<String>> = match by {
            ColourBy::Note | ColourBy::Column(_) => (map.notes.iter())
                .map(|key| {
                    let entry = library.get(*key)?;
                    match by {
                        ColourBy::Column(name) => {
                            column_value(&entry.note, name).map(|own| own.into_owned())
                        }
                        _ => Some(entry.title.clone()),
                    }
                })
                .collect(),
            _ => Vec::new(),
        };
        let of = |point: &Point| match by {
            ColourBy::Section => named(point.section),
            ColourBy::Mark => named(point.label),
            ColourBy::Note | ColourBy::Column(_) => of_note.get(point.of as usize)?.clone(),
            ColourBy::Predicted => {
                predicted(results.get(map.notes.get(point.of as usize)?)?, point)
            }
            ColourBy::Nothing => None,
        };
        let of = |point: &Point| of(point).filter(|name| !name.trim().is_empty());
        Self::of_names(points.points.iter().map(of))
    }

    fn of_names(all: impl Iterator<Item = Option<String>>) -> Self {
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut names: Vec<(String, usize)> = Vec::new();
        let (mut without, mut of) = (0, Vec::new());
        for name in all {
            let Some(name) = name else {
                without += 1;
                of.push(Point::NONE);
                continue;
            };
            let number = *numbers.entry(name).or_insert_with_key(|name| {
                names.push((name.clone(), 0));
                names.len() as u32 - 1
            });
            names[number as usize].1 += 1;
            of.push(number);
        }
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_by(|&a, &b| {
            names[b]
                .1
                .cmp(&names[a].1)
                .then(names[a].0.cmp(&names[b].0))
        });
        let mut place = vec![0; names.len()];
        for (now, &before) in order.iter().enumerate() {
            place[before] = now as u32;
        }
        for own in of.iter_mut().filter(|own| **own != Point::NONE) {
            *own = place[*own as usize];
        }
        Self {
            names: order.into_iter().map(|own| names[own].clone()).collect(),
            without,
            of,
        }
    }

    /// The place of a point in the legend.
    pub fn slot(&self, row: usize) -> usize {
        match self.of.get(row) {
            Some(&Point::NONE) | None => NONE,
            Some(&own) => (own as usize).min(OTHERS),
        }
    }

    /// The class of a point, if it has one.
    pub fn name(&self, row: usize) -> Option<&str> {
        let of = *self.of.get(row)? as usize;
        self.names.get(of).map(|own| own.0.as_str())
    }

    /// The points of a place in the legend.
    pub fn count(&self, slot: usize) -> usize {
        match slot {
            OTHERS => self.names.iter().skip(SHOWN).map(|own| own.1).sum(),
            NONE => self.without,
            slot => self.names.get(slot).map_or(0, |own| own.1),
        }
    }

    /// The words of a place in the legend.
    pub fn words(&self, slot: usize) -> String {
        match slot {
            OTHERS => {
                let more = self.names.len().saturating_sub(SHOWN);
                format!("{more} others")
            }
            NONE => "None".to_owned(),
            slot => self
                .names
                .get(slot)
                .map_or_else(String::new, |own| own.0.clone()),
        }
    }
}

/// What was predicted for a point: the mark that overlaps it first, or the label of its note.
fn predicted(results: &Results, point: &Point) -> Option<String> {
    if let Some(tags) = &results.tags.value {
        let bytes = point.bytes();
        let mut spans = tags.spans.iter();
        let first = spans.find(|own| own.start < bytes.end && bytes.start < own.end);
        return first.map(|own| own.label.clone());
    }
    let classes = results.classes.value.as_ref()?;
    let best = classes
        .labels
        .iter()
        .max_by(|a, b| a.score.total_cmp(&b.score));
    best.map(|own| own.label.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ten_most_frequent_have_colours_and_the_others_are_grey() {
        // Class number n has n + 1 points; every 20th point has none.
        let mut all = Vec::new();
        for class in 0..13 {
            all.extend((0..=class).map(|_| Some(format!("c{class:02}"))));
        }
        all.push(None);
        let own = Classes::of_names(all.clone().into_iter());
        assert_eq!(own.names.len(), 13);
        assert_eq!(own.names[0], ("c12".to_owned(), 13));
        assert_eq!(own.names[12], ("c00".to_owned(), 1));
        assert_eq!(
            (own.slot(0), own.slot(1), own.slot(3)),
            (OTHERS, OTHERS, OTHERS)
        );
        assert_eq!((own.slot(6), own.slot(91)), (9, NONE));
        assert_eq!((own.name(0), own.name(91)), (Some("c00"), None));
        for (row, name) in all.iter().enumerate() {
            assert_eq!(own.name(row), name.as_deref());
        }
        let counts: usize = (0..SLOTS).map(|slot| own.count(slot)).sum();
        assert_eq!((counts, own.count(OTHERS), own.count(NONE)), (92, 6, 1));
        assert_eq!(own.words(OTHERS), "3 others");
        // What a class is called may be text of a note.
        assert_eq!(format!("{own:?}"), "Classes(13 of 92 points)");
    }
}
