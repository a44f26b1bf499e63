//! What was asked of a note, and what came of it.

use std::ops::Range;
use std::sync::Arc;

use super::library::NoteKey;
use super::viewport::Viewport;
use crate::engine::{
    AttentionCell, AttentionFlow, AttentionMap, AttentionResult, Block, ClassifiedNote, FilledNote,
    HeadPlace, LayerOverview, NoteTokens, SurprisingNote, TaggedNote, surprising_words,
};

/// Something that was asked of a note: the last result stays until a new one comes.
#[derive(Clone)]
pub struct Asked<T> {
    /// The last result.
    pub value: Option<Arc<T>>,
    /// Why there is no newer one.
    pub failure: Option<String>,
}

impl<T> Default for Asked<T> {
    fn default() -> Self {
        Self {
            value: None,
            failure: None,
        }
    }
}

impl<T> Asked<T> {
    /// A result came.
    pub fn set(&mut self, value: T) {
        self.value = Some(Arc::new(value));
        self.failure = None;
    }
}

/// All that was asked of a note.
#[derive(Default)]
pub struct Results {
    /// Its tokens.
    pub tokens: Asked<NoteTokens>,
    /// The surprise of its words.
    pub surprise: Asked<Surprise>,
    /// Its labels.
    pub classes: Asked<ClassifiedNote>,
    /// Its spans.
    pub tags: Asked<TaggedNote>,
    /// What could stand in the place of a word.
    pub fill: Asked<FilledNote>,
    /// Passages that are like a part of it.
    pub similar: Asked<Similar>,
    /// What the lens shows.
    pub attention: Asked<AttentionResult>,
    /// The heads of each layer, as far as they were looked at.
    pub heads: Asked<Heads>,
    /// The whole map of a head.
    pub map: Asked<AttentionMap>,
    /// The part of it that is on the screen, finer.
    pub part: Asked<AttentionMap>,
    /// The value under the pointer, or that was chosen.
    pub cell: Asked<AttentionCell>,
    /// How its sections look at each other.
    pub flow: Asked<AttentionFlow>,
    /// What the lens showed when it was pinned.
    pub pins: Vec<Pin>,
    /// When it was on view last: the larger the later.
    pub seen: u64,
}

/// A part of a head's map.
#[derive(Debug, Clone, PartialEq)]
pub struct MapPart {
    /// The head.
    pub of: HeadPlace,
    /// Tokens that look.
    pub rows: Range<usize>,
    /// Tokens that are looked at.
    pub columns: Range<usize>,
    /// Tokens of a side of a block.
    pub side: usize,
    /// What a block becomes.
    pub block: Block,
    /// Bytes of the window that is meant, where a note is read in several; else none.
    pub near: Range<usize>,
}

impl MapPart {
    /// Whether a map is what was asked for, in all or in part.
    pub fn is_in(&self, map: &AttentionMap) -> bool {
        let inside = |own: &Range<usize>, all: &Range<usize>| {
            all.start <= own.start && own.end.min(map.spans.len()) <= all.end
        };
        map.of == self.of
            && map.block == self.block
            && map.side == self.side
            && inside(&self.rows, &map.rows)
            && inside(&self.columns, &map.columns)
    }
}

/// How the map of a head is looked at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MapState {
    /// The part on the screen; all of it if none was chosen.
    pub view: Option<Viewport>,
    /// What a block of values becomes.
    pub block: Block,
    /// Bytes of the note that are looked at in the value that was chosen.
    pub marked: Option<Range<usize>>,
}

/// All heads that were looked at, layer by layer.
#[derive(Clone)]
pub struct Heads {
    /// The bytes whose share was measured.
    pub chosen: Range<usize>,
    /// The layers, in order.
    pub layers: Vec<Arc<LayerOverview>>,
}

/// A lens that was held fast.
pub struct Pin {
    /// What it showed.
    pub attention: Arc<AttentionResult>,
    /// How, in words.
    pub how: String,
}

/// Pins of a note at most.
pub const PINS: usize = 4;

/// How surprising the words of a note are.
pub struct Surprise {
    /// As the engine tells it.
    pub note: SurprisingNote,
    /// Bytes of each word, with the sum of the losses of its tokens, in nats.
    pub words: Vec<(Range<usize>, f32)>,
}

impl Surprise {
    pub(super) fn new(text: &str, note: SurprisingNote) -> Self {
        let words = surprising_words(text, &note.measured);
        let words = words.into_iter().map(|(bytes, loss, _)| (bytes, loss));
        Self {
            words: words.collect(),
            note,
        }
    }
}

/// Passages that are like a part of a note.
pub struct Similar {
    /// The part.
    pub bytes: Range<usize>,
    /// The passages, each with its note.
    pub hits: Vec<(NoteKey, Range<usize>, f32)>,
    /// Passages that were compared.
    pub compared: usize,
}
