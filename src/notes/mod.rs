//! Clinical text with byte spans, read from files.

pub mod annotation;
pub mod columns;
mod counting;
mod decoding;
pub mod division;
pub mod encoding;
pub mod flat;
pub mod import;
pub mod labels;
pub mod leakage;
pub mod map;
pub mod near;
pub mod numbers;
pub mod sections;
pub mod sentences;
pub mod source;
pub mod split;
mod stratify;
pub mod template;
pub mod traces;
pub mod words;

use std::collections::BTreeMap;
use std::fmt;

pub use annotation::Annotations;
pub use counting::counted;
pub use map::SourceMap;
pub use source::Source;

/// One clinical note, with what its file says about it.
///
/// `Debug` prints the source and the length only: the text is a patient's.
#[derive(Clone, PartialEq, Eq)]
pub struct Note {
    source: Source,
    text: String,
    details: Details,
    map: Option<SourceMap>,
}

/// What a file says about a note.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// The note's own name in its file.
    pub id: Option<String>,
    /// Whose note it is.
    pub patient: Option<String>,
    /// Labels of the whole note.
    pub labels: Vec<String>,
    /// What is marked in it.
    pub annotations: Annotations,
    /// Its other columns or fields.
    pub fields: BTreeMap<String, String>,
}

impl Note {
    /// A note with its text.
    pub fn new(source: Source, text: String) -> Self {
        Self {
            source,
            text,
            details: Details::default(),
            map: None,
        }
    }

    /// The note with what its file says about it.
    pub fn with_details(mut self, details: Details) -> Self {
        self.details = details;
        self
    }

    /// The note with the way back to its file.
    pub fn with_map(mut self, map: SourceMap) -> Self {
        self.map = Some(map);
        self
    }

    /// The whole text; every byte offset in the crate counts from its start.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text alone.
    pub fn into_text(self) -> String {
        self.text
    }

    /// Where it came from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// What its file says about it.
    pub fn details(&self) -> &Details {
        &self.details
    }

    /// Where its characters stand in its file; `None` for a note that has none.
    pub fn map(&self) -> Option<&SourceMap> {
        self.map.as_ref()
    }
}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Note({}, {} bytes)", self.source, self.text.len())
    }
}

impl Details {
    /// The value of a column or field of this name, or of one that differs in case only.
    pub fn field(&self, name: &str) -> Option<&str> {
        let same = |(own, _): &(&String, &String)| own.trim().eq_ignore_ascii_case(name.trim());
        let found = self.fields.get(name);
        let found = found.or_else(|| self.fields.iter().find(same).map(|(_, value)| value));
        found.map(String::as_str)
    }
}

impl fmt::Debug for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Details")
            .field("labels", &self.labels.len())
            .field("annotations", &self.annotations)
            .field("fields", &self.fields.len())
            .finish_non_exhaustive()
    }
}
