//! What people marked in a note: spans, relations, events, attributes, remarks.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// A marked part of a note, possibly in several pieces.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Its name within the note, such as `T1`.
    pub id: String,
    /// What it is.
    pub label: String,
    /// Bytes of its pieces, in order.
    pub pieces: Vec<Range<usize>>,
}

/// Something that connects spans: a relation, or an event with its trigger.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its name within the note, such as `R1` or `E1`.
    pub id: String,
    /// What it is.
    pub label: String,
    /// The span that an event hangs on; relations have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// Role and id of each argument, in order.
    pub arguments: Vec<(String, String)>,
}

/// A property of a span, relation or event.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Its name within the note, such as `A1`.
    pub id: String,
    /// What it is.
    pub label: String,
    /// The id of what has it.
    pub target: String,
    /// Its value, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A remark that an annotator wrote.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Its name within the note, such as `#1`.
    pub id: String,
    /// What kind of remark it is.
    pub label: String,
    /// The id of what it is about.
    pub target: String,
    /// The remark.
    pub text: String,
}

/// Everything that is marked in one note.
///
/// `Debug` prints numbers only: remarks and labels can repeat the text.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Annotations {
    /// Marked parts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
    /// Relations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub relations: Vec<Link>,
    /// Events.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Link>,
    /// Attributes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
    /// Remarks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<Comment>,
    /// Lines of a format that have no meaning here, as they stand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other: Vec<String>,
}

impl Annotations {
    /// Whether nothing is marked.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Debug for Annotations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (spans, relations, events) = (&self.spans, &self.relations, &self.events);
        let numbers = [spans.len(), relations.len(), events.len()];
        write!(f, "Annotations({numbers:?} spans, relations, events)")
    }
}

/// In what a format counts positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetUnit {
    /// Bytes of UTF-8.
    Bytes,
    /// Unicode code points, as Python counts.
    CodePoints,
    /// Units of UTF-16, as JavaScript counts.
    Utf16,
}

impl OffsetUnit {
    /// The unit that a file names.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "bytes" | "utf-8" => Some(Self::Bytes),
            "code_points" | "characters" => Some(Self::CodePoints),
            "utf-16" | "utf16" => Some(Self::Utf16),
            _ => None,
        }
    }
}

/// Characters between two places that [`Positions`] remembers.
const STRIDE: usize = 64;

/// Turns positions in a text into byte offsets, and back.
///
/// It remembers a place now and then, and counts from there.
pub(super) struct Positions<'a> {
    text: &'a str,
    unit: OffsetUnit,
    /// Every so many characters the units before it and its byte; empty where units are bytes.
    places: Vec<(usize, usize)>,
}

impl<'a> Positions<'a> {
    pub(super) fn new(text: &'a str, unit: OffsetUnit) -> Self {
        let mut places = Vec::new();
        // In ASCII every unit is a byte.
        let unit = match text.is_ascii() {
            true => OffsetUnit::Bytes,
            false => unit,
        };
        if unit != OffsetUnit::Bytes {
            let mut units = 0;
            for (number, (at, c)) in text.char_indices().enumerate() {
                if number % STRIDE == 0 {
                    places.push((units, at));
                }
                units += width(unit, c);
            }
        }
        Self { text, unit, places }
    }

    /// The byte span of positions `start..end`.
    ///
    /// # Errors
    /// What is wrong with these offsets.
    pub(super) fn bytes(&self, start: usize, end: usize) -> Result<Range<usize>, &'static str> {
        match start.cmp(&end) {
            Ordering::Greater => return Err("the offsets are reversed: it ends before it starts"),
            Ordering::Equal => return Err("the offsets are equal: nothing lies between them"),
            Ordering::Less => {}
        }
        match (self.byte(start), self.byte(end)) {
            (Some(start), Some(end)) => Ok(start..end),
            _ => Err("the offsets lie outside of the text"),
        }
    }

    /// The byte at which this unit begins; the second half of a pair of UTF-16 units begins
    /// nowhere.
    fn byte(&self, position: usize) -> Option<usize> {
        if self.unit == OffsetUnit::Bytes {
            return self.text.is_char_boundary(position).then_some(position);
        }
        let (mut units, start) = self.before(|&(units, _)| units <= position);
        for (at, c) in self.text[start..].char_indices() {
            if units >= position {
                return (units == position).then_some(start + at);
            }
            units += width(self.unit, c);
        }
        (units == position).then_some(self.text.len())
    }

    /// The units before this byte, which is a border of characters.
    pub(super) fn units(&self, byte: usize) -> usize {
        if self.unit == OffsetUnit::Bytes {
            return byte;
        }
        let (units, start) = self.before(|&(_, at)| at <= byte);
        let between = self.text[start..byte].chars();
        units + between.map(|c| width(self.unit, c)).sum::<usize>()
    }

    /// The last remembered place of those that come first and for which `is` holds.
    fn before(&self, is: impl Fn(&(usize, usize)) -> bool) -> (usize, usize) {
        let after = self.places.partition_point(is);
        after
            .checked_sub(1)
            .map_or((0, 0), |last| self.places[last])
    }
}

/// Units of a character.
fn width(unit: OffsetUnit, c: char) -> usize {
    match unit {
        OffsetUnit::Bytes => c.len_utf8(),
        OffsetUnit::CodePoints => 1,
        OffsetUnit::Utf16 => c.len_utf16(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_in_three_units() {
        let text = "é😀\u{301}b";
        let find = |unit, start, end| Positions::new(text, unit).bytes(start, end).ok();
        assert_eq!(find(OffsetUnit::CodePoints, 1, 3), Some(2..8));
        assert_eq!(find(OffsetUnit::Utf16, 1, 4), Some(2..8));
        assert_eq!(find(OffsetUnit::Bytes, 2, 8), Some(2..8));
        assert_eq!(find(OffsetUnit::CodePoints, 3, 4), Some(8..9));
        assert_eq!(find(OffsetUnit::Utf16, 1, 2), None);
        assert_eq!(find(OffsetUnit::Bytes, 3, 8), None);
        assert_eq!(find(OffsetUnit::CodePoints, 2, 9), None);
        let says = |start, end| Positions::new(text, OffsetUnit::CodePoints).bytes(start, end);
        for (start, end, what) in [(3, 2, "reversed"), (9, 2, "reversed"), (2, 2, "equal")] {
            assert!(
                says(start, end).unwrap_err().contains(what),
                "{start} {end}"
            );
        }
    }

    #[test]
    fn positions_far_from_the_beginning() {
        let text = "é😀b".repeat(100);
        for unit in [OffsetUnit::CodePoints, OffsetUnit::Utf16] {
            let positions = Positions::new(&text, unit);
            assert!(positions.places.len() < text.chars().count() / 50);
            let mut units = 0;
            for (at, c) in text.char_indices() {
                let end = units + width(unit, c);
                assert_eq!(positions.bytes(units, end), Ok(at..at + c.len_utf8()));
                assert_eq!(positions.units(at), units);
                if c.len_utf16() == 2 && unit == OffsetUnit::Utf16 {
                    assert!(positions.bytes(units, units + 1).is_err());
                }
                units = end;
            }
            assert_eq!(
                (positions.byte(units), positions.units(text.len())),
                (Some(text.len()), units)
            );
            assert_eq!(positions.byte(units + 1), None);
        }
    }
}
