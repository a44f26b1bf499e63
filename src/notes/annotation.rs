//! What people marked in a note: spans, relations, events, attributes, remarks.

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

/// Turns positions in a text into byte offsets.
pub(super) struct Positions<'a> {
    text: &'a str,
    unit: OffsetUnit,
    /// The byte at which each unit begins, and the end; empty for bytes. The second half of a pair
    /// of UTF-16 units begins nowhere.
    starts: Vec<Option<usize>>,
}

impl<'a> Positions<'a> {
    pub(super) fn new(text: &'a str, unit: OffsetUnit) -> Self {
        let mut starts = Vec::new();
        if unit != OffsetUnit::Bytes {
            for (at, c) in text.char_indices() {
                starts.push(Some(at));
                if unit == OffsetUnit::Utf16 && c.len_utf16() == 2 {
                    starts.push(None);
                }
            }
            starts.push(Some(text.len()));
        }
        Self { text, unit, starts }
    }

    /// The byte span of positions `start..end`; `None` if it is empty, outside of the text or
    /// inside a character.
    pub(super) fn bytes(&self, start: usize, end: usize) -> Option<Range<usize>> {
        let byte = |position: usize| match self.unit {
            OffsetUnit::Bytes => self.text.is_char_boundary(position).then_some(position),
            _ => self.starts.get(position).copied().flatten(),
        };
        let span = byte(start)?..byte(end)?;
        (span.start < span.end).then_some(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_in_three_units() {
        let text = "é😀\u{301}b";
        let find = |unit, start, end| Positions::new(text, unit).bytes(start, end);
        assert_eq!(find(OffsetUnit::CodePoints, 1, 3), Some(2..8));
        assert_eq!(find(OffsetUnit::Utf16, 1, 4), Some(2..8));
        assert_eq!(find(OffsetUnit::Bytes, 2, 8), Some(2..8));
        assert_eq!(find(OffsetUnit::CodePoints, 3, 4), Some(8..9));
        assert_eq!(find(OffsetUnit::Utf16, 1, 2), None);
        assert_eq!(find(OffsetUnit::Bytes, 3, 8), None);
        assert_eq!(find(OffsetUnit::CodePoints, 2, 9), None);
        assert_eq!(find(OffsetUnit::CodePoints, 2, 2), None);
        assert_eq!(find(OffsetUnit::CodePoints, 3, 2), None);
    }
}
