//! The map of a head, its values, and how sections look at each other.

use std::ops::Range;
use std::sync::Arc;

use super::Actor;
use crate::app::jobs::Purpose;
use crate::app::library::NoteKey;
use crate::app::messages::Weight;
use crate::app::moving;
use crate::app::results::{Asked, MapPart};
use crate::app::state::{State, Workspace};
use crate::app::viewport::Viewport;
use crate::app::worker::{Lane, Question};
use crate::engine::{
    AttentionCell, AttentionMap, CellQuery, FlowQuery, LayerChoice, MapQuery, Selection, Unit,
};

/// Tokens from edge to edge where a value is looked at.
const NEAR: f64 = 64.0;

impl State {
    /// The tokens of the map on view.
    pub fn map_tokens(&self) -> usize {
        let results = self.results();
        let map = results.and_then(|own| own.map.value.as_ref());
        map.map_or(1, |own| own.spans.len())
    }

    /// The part of the map that is on the screen.
    pub fn map_view(&self) -> Viewport {
        let tokens = self.map_tokens();
        let view = self.map.view.unwrap_or(Viewport::whole(tokens));
        view.within(tokens)
    }
}

impl AttentionMap {
    /// The rows of the tokens that overlap these bytes, from the first to the last.
    pub fn rows_of(&self, bytes: &Range<usize>) -> Option<Range<usize>> {
        let overlaps =
            |own: &Range<usize>| !own.is_empty() && own.start < bytes.end && bytes.start < own.end;
        let first = self.spans.iter().position(overlaps)?;
        let last = self.spans.iter().rposition(overlaps)?;
        Some(first..last + 1)
    }
}

impl Actor {
    /// Draws a part of a map, unless it was asked for already. The view asks again until it is there.
    pub(super) fn draw_map(&mut self, part: MapPart) {
        let state = &mut self.state;
        let (Some(view), Some(folder)) = (&state.on_view, state.model.folder()) else {
            return;
        };
        let (key, note, folder) = (view.key, Arc::clone(&view.note), folder.clone());
        let query = MapQuery {
            of: part.of,
            selection: near(&part),
            rows: part.rows.clone(),
            columns: part.columns.clone(),
            side: part.side,
            block: part.block,
            reading: state.reading(),
        };
        state.map_asked = Some((key, part));
        let question = Question::Map(note, Box::new(query));
        self.ask(Lane::Hand, Some(&folder), Purpose::Map(key), question);
    }

    /// Reads the largest value of a part of a map.
    pub(super) fn read_cell(&mut self, part: MapPart) {
        let state = &mut self.state;
        let (Some(view), Some(folder)) = (&state.on_view, state.model.folder()) else {
            return;
        };
        let (key, note, folder) = (view.key, Arc::clone(&view.note), folder.clone());
        let query = CellQuery {
            of: part.of,
            selection: near(&part),
            rows: part.rows.clone(),
            columns: part.columns.clone(),
            reading: state.reading(),
        };
        state.cell_asked = Some((key, part));
        let question = Question::Cell(note, Box::new(query));
        self.ask(Lane::Hand, Some(&folder), Purpose::Cell(key), question);
    }

    pub(super) fn map_drawn(&mut self, key: NoteKey, map: AttentionMap) {
        let results = self.state.results.entry(key).or_default();
        let tokens = map.spans.len();
        let is_whole = map.rows == (0..tokens) && map.columns == (0..tokens);
        // A window may be shorter than was thought when it was asked for: the view asks again.
        if is_whole && map.side >= Viewport::whole(tokens).side() {
            let same = |own: &Option<Arc<AttentionMap>>| {
                own.as_ref().is_some_and(|own| own.spans == map.spans)
            };
            if !same(&results.map.value) {
                // Another window: parts and values of the one before are not of it.
                results.part = Asked::default();
                results.cell = Asked::default();
                self.state.cell_asked = None;
            }
            results.map.set(map);
        } else if (results.map.value.as_ref()).is_some_and(|own| own.spans == map.spans) {
            results.part.set(map);
        }
    }

    /// What was asked of maps was stopped, and may be asked again.
    pub(super) fn unasked(&mut self) {
        self.state.cell_asked = None;
        self.go_to_cell = None;
    }

    pub(super) fn cell_read(&mut self, key: NoteKey, cell: AttentionCell) {
        let (row, column) = (cell.row, cell.column);
        let results = self.state.results.entry(key).or_default();
        results.cell.set(cell);
        let here = self.state.on_view.as_ref().map(|own| own.key) == Some(key);
        if self.go_to_cell.take_if(|own| *own == key).is_some() && here {
            let tokens = self.state.map_tokens();
            let view = self.state.map_view();
            let near = Viewport {
                tokens: view.tokens.min(NEAR),
                ..view
            };
            self.state.map.view = Some(near.around(row as f64, column as f64, tokens));
            self.choose_cell();
        }
    }

    /// Chooses the token that looks, and marks the one that it looks at.
    pub(super) fn choose_cell(&mut self) {
        let Some(results) = self.state.results() else {
            return;
        };
        let (Some(map), Some(cell)) = (&results.map.value, &results.cell.value) else {
            return;
        };
        let letters = |row: usize| {
            let text = self.state.on_view.as_ref()?.note.text();
            Some(moving::letters(text, map.spans.get(row)?))
        };
        let (row, column) = (letters(cell.row), letters(cell.column));
        self.state.map.marked = column.filter(|own| !own.is_empty());
        if let Some(row) = row.filter(|own| !own.is_empty()) {
            self.select_marked(row);
        }
    }

    pub(super) fn zoom_map(&mut self, factor: f64) {
        self.go_to(Workspace::Look);
        if self
            .state
            .results()
            .is_none_or(|own| own.map.value.is_none())
        {
            // There is nothing yet to come closer to.
            return;
        }
        let tokens = self.state.map_tokens();
        let view = self.state.map_view().zoomed(factor, [0.5, 0.5], tokens);
        self.state.map.view = Some(view);
    }

    pub(super) fn whole_map(&mut self) {
        self.go_to(Workspace::Look);
        self.state.map.view = None;
    }

    /// Goes to where the chosen tokens look most.
    pub(super) fn map_to_selection(&mut self) {
        self.go_to(Workspace::Look);
        let state = &self.state;
        let map = state.results().and_then(|own| own.map.value.clone());
        let (Some(map), Some(bytes)) = (map, state.selection.bytes()) else {
            let said = "The map has nothing to go to yet: choose a word in Look first";
            self.state.messages.tell(Weight::Note, said, "");
            return;
        };
        if let Some(rows) = map.rows_of(&bytes) {
            self.go_to_cell = self.state.on_view.as_ref().map(|own| own.key);
            self.read_cell(MapPart {
                of: map.of,
                rows,
                columns: 0..map.spans.len(),
                side: 1,
                block: map.block,
                near: bytes,
            });
        }
    }

    fn flow_query(&self) -> FlowQuery {
        let lens = &self.state.lens;
        FlowQuery {
            layers: match lens.rollout {
                true => LayerChoice::All,
                false => lens.layers.clone(),
            },
            heads: lens.heads.clone(),
            unit: Unit::Section,
            reading: self.state.reading(),
        }
    }

    /// Looks at how the sections of the note on view look at each other.
    pub(super) fn flow(&mut self) {
        let Some((key, note)) = self.asked("Looking at sections") else {
            return;
        };
        self.go_to(Workspace::Look);
        self.state.flow_of_all = false;
        let question = Question::Flow(note, self.flow_query());
        let folder = self.state.model.folder().cloned();
        self.ask(Lane::Long, folder.as_deref(), Purpose::Flow(key), question);
    }

    /// The same in the mean of all notes.
    pub(super) fn flow_of_all(&mut self) {
        if self.asked("Looking at sections").is_none() {
            return;
        }
        self.go_to(Workspace::Look);
        self.state.flow_of_all = true;
        let notes = self.state.library.entries().iter();
        let notes = notes.map(|own| Arc::clone(&own.note)).collect();
        let question = Question::MeanFlow(notes, self.flow_query());
        let folder = self.state.model.folder().cloned();
        self.ask(Lane::Long, folder.as_deref(), Purpose::MeanFlow, question);
    }

    /// Forgets what was drawn of maps, which are of another reading or model now.
    pub(super) fn forget_maps(&mut self) {
        let state = &mut self.state;
        state.map_asked = None;
        state.cell_asked = None;
        state.map.view = None;
        state.map.marked = None;
        state.mean_flow = Asked::default();
        self.go_to_cell = None;
    }
}

/// Tokens of the window that is meant.
fn near(part: &MapPart) -> Selection {
    match part.near.is_empty() {
        true => Selection::Token(0),
        false => Selection::Bytes(part.near.clone()),
    }
}
