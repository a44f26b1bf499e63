//! Reads notes the way the model can: whole, or in parts that every result names.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::{EngineError, Loaded};
use crate::notes::Note;
use crate::notes::sections::SectionRules;
use crate::tokenization::Encoding;
use crate::tokenization::windows::{self, Cut, CutError, Window};

/// What to do with notes that are longer than the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LongNotes {
    /// Read the beginning, leave the rest.
    First,
    /// Read the end, leave the rest.
    Last,
    /// Read all of it in overlapping windows, and merge what comes of them.
    #[default]
    Windows,
    /// Read all of it in windows that end where a section ends, and merge what comes of them.
    Sections,
}

/// How to read notes.
#[derive(Clone, Default)]
pub struct ReadingOptions {
    /// What to do with notes that are too long.
    pub long: LongNotes,
    /// Tokens that neighbouring windows share; an eighth of a window if not given.
    pub overlap: Option<usize>,
    /// The longest text to read at once, special tokens included; what the model reads at most if
    /// not given.
    pub max_tokens: Option<usize>,
    /// What a section's heading is.
    pub rules: Arc<SectionRules>,
}

/// How a note was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// All of it at once.
    Whole,
    /// The beginning only.
    First,
    /// The end only.
    Last,
    /// All of it in overlapping windows.
    Windows,
    /// All of it in windows that end where a section ends.
    Sections,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole => "whole",
            Self::First => "first",
            Self::Last => "last",
            Self::Windows => "windows",
            Self::Sections => "sections",
        })
    }
}

/// How much of a note a result stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Tokens of the note, special tokens included.
    pub tokens: usize,
    /// How it was read.
    pub read: Way,
    /// In how many windows.
    pub windows: usize,
    /// Tokens of a window at most, special tokens included.
    pub max_tokens: usize,
    /// Tokens that neighbouring windows share; not there if none do, as in windows of whole sections.
    /// Of windows by section those share them that a section too long for one was cut into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap: Option<usize>,
    /// First byte of the note that was read.
    pub read_start: usize,
    /// The byte after the last that was read.
    pub read_end: usize,
}

/// A note in front of the model.
pub(super) struct ReadNote {
    /// All of its tokens.
    pub(super) whole: Encoding,
    /// Those that the model reads at once; at least one window.
    pub(super) windows: Vec<Window>,
    /// How it was read.
    pub(super) coverage: Coverage,
}

impl ReadNote {
    /// For each row of the whole note the window in which it has the most context.
    pub(super) fn owners(&self) -> Vec<Option<usize>> {
        windows::owners(&self.windows, self.whole.len())
    }

    /// The window that holds most of these rows of the whole note, then that in which the middle one
    /// has the most context; `None` if no window holds any.
    pub(super) fn window_of(&self, rows: &[usize]) -> Option<usize> {
        let middle = *rows.get(rows.len() / 2)?;
        let mut best = (0, 0);
        let mut found = None;
        for (index, window) in self.windows.iter().enumerate() {
            let own = &window.rows;
            let held = rows.iter().filter(|row| own.contains(row)).count();
            let context = match own.contains(&middle) {
                true => (middle - own.start).min(own.end - 1 - middle),
                false => 0,
            };
            if held > 0 && (found.is_none() || (held, context) > best) {
                best = (held, context);
                found = Some(index);
            }
        }
        found
    }
}

/// Reads notes in one way.
pub(super) struct Reader<'a> {
    loaded: &'a Loaded,
    options: &'a ReadingOptions,
    limit: usize,
    overlap: usize,
}

impl Loaded {
    /// A reader of notes, if notes can be read in this way at all.
    pub(super) fn reader<'a>(
        &'a self,
        options: &'a ReadingOptions,
    ) -> Result<Reader<'a>, EngineError> {
        let unable = |reason: String| {
            EngineError::Choice(format!(
                "this model cannot read notes in this way: {reason}"
            ))
        };
        let most = self.model.config().max_positions;
        let limit = options.max_tokens.unwrap_or(most);
        if limit > most {
            return Err(unable(format!(
                "it reads at most {most} tokens at once, not {limit}"
            )));
        }
        let template = self.tokenizer.encode("")?.len();
        let room = limit.saturating_sub(template);
        let overlap = options.overlap.unwrap_or(room / 8);
        // Better now than at the first note that is too long.
        let cut = match (room, options.long) {
            (0, _) => Err(CutError::NoRoom { limit, template }),
            (_, LongNotes::Windows | LongNotes::Sections) if overlap >= room => {
                Err(CutError::Overlap { overlap, room })
            }
            _ => Ok(()),
        };
        cut.map_err(|error| unable(error.to_string()))?;
        Ok(Reader {
            loaded: self,
            options,
            limit,
            overlap,
        })
    }
}

impl Reader<'_> {
    /// Where each section of a note but the first begins.
    fn section_starts(&self, note: &Note) -> Vec<usize> {
        let sections = self.options.rules.outline(note.text()).into_iter();
        sections.skip(1).map(|section| section.span.start).collect()
    }

    /// Tokenizes a note and cuts it where it is too long.
    pub(super) fn read(&self, note: &Note) -> Result<ReadNote, EngineError> {
        let whole = self.loaded.tokenizer.encode(note.text());
        let whole = whole.map_err(|error| EngineError::Encode {
            note: note.source().to_string(),
            error,
        })?;
        let overlap = self.overlap;
        let fits = whole.len() <= self.limit;
        let starts: Vec<usize> = match self.options.long {
            LongNotes::Sections if !fits => self.section_starts(note),
            _ => Vec::new(),
        };
        let (way, cut) = match self.options.long {
            LongNotes::First => (Way::First, Cut::First),
            LongNotes::Last => (Way::Last, Cut::Last),
            LongNotes::Windows => (Way::Windows, Cut::Windows { overlap }),
            LongNotes::Sections => {
                let starts = &starts;
                (Way::Sections, Cut::Parts { starts, overlap })
            }
        };
        let way = if fits { Way::Whole } else { way };
        let no_result = |error: CutError| EngineError::NoResult {
            note: note.source().to_string(),
            reason: error.to_string(),
        };
        let windows = windows::windows(&whole, self.limit, cut).map_err(no_result)?;
        for window in &windows {
            self.loaded.batch(note, &window.encoding)?;
        }
        let shares = match way {
            Way::Windows => true,
            Way::Sections => has_cut_part(&whole, &windows, &starts),
            _ => false,
        };
        let rows = || windows.iter().flat_map(|window| window.rows.clone());
        let read = rows().map(|row| &whole.spans[row]);
        let coverage = Coverage {
            tokens: whole.len(),
            read: way,
            windows: windows.len(),
            max_tokens: self.limit,
            overlap: shares.then_some(overlap),
            read_start: match way {
                Way::Last => read.clone().map(|span| span.start).min().unwrap_or(0),
                _ => 0,
            },
            read_end: match way {
                Way::First => read.map(|span| span.end).max().unwrap_or(0),
                _ => note.text().len(),
            },
        };
        Ok(ReadNote {
            whole,
            windows,
            coverage,
        })
    }
}

/// Whether a window begins inside of a section, which was too long for one window then.
fn has_cut_part(whole: &Encoding, windows: &[Window], starts: &[usize]) -> bool {
    let begins = |row: usize| {
        let (before, own) = (&whole.spans[row - 1], &whole.spans[row]);
        let next = starts.partition_point(|&start| start < before.end);
        starts.get(next).is_some_and(|&start| start < own.end)
    };
    let mut later = windows.iter().skip(1);
    later.any(|window| !begins(window.rows.start))
}
