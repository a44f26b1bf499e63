//! Has the points made, and placed.

use std::sync::Arc;

use super::super::Actor;
use crate::app::jobs::Purpose;
use crate::app::library::{Entry, NoteKey};
use crate::app::messages::Weight;
use crate::app::points::classes::ColourBy;
use crate::app::points::{Arranged, BESIDE, PointMap, Wanted, Way};
use crate::app::results::Asked;
use crate::app::state::ModelState;
use crate::app::widgets::parts::thousands;
use crate::app::worker::{Lane, Question};
use crate::engine::{
    OfEach, PointNote, PointSpan, PointUnit, Points, PointsQuery, column_value, counted,
};

/// The part of the memory that points which are drawn may keep while others are read.
const OLD: usize = 4;

/// The part of it that is left for what is looked at meanwhile.
const MEANWHILE: usize = 8;

impl Actor {
    /// Has the points made that are wanted.
    pub(in crate::app::act) fn draw_points(&mut self) {
        self.go_to_points();
        let state = &mut self.state;
        let Some(folder) = state.model.folder().cloned() else {
            let said = match state.model {
                ModelState::Loading(_) => "The map waits for the model; try again soon",
                _ => "The map needs a model; choose one first",
            };
            state.messages.tell(Weight::Note, said, "");
            return;
        };
        let wanted = state.points.wanted.clone();
        let (keys, notes) = match wanted.unit {
            PointUnit::Code => (Vec::new(), Vec::new()),
            _ => self.notes_of_points(&wanted),
        };
        let state = &mut self.state;
        if wanted.unit != PointUnit::Code {
            let said = match (notes.is_empty(), wanted.unit) {
                (true, _) => Some("The map needs notes; open some first"),
                (_, PointUnit::Span) if notes.iter().all(|own| own.spans.is_empty()) => Some(
                    "Nothing is marked in these notes: open labelled notes, or predict spans first",
                ),
                _ => None,
            };
            if let Some(said) = said {
                state.messages.tell(Weight::Note, said, "");
                return;
            }
        }
        let of_these = |own: &Purpose| matches!(own, Purpose::Arrange(_) | Purpose::NearPoints(_));
        state.jobs.forget(of_these);
        let query = self.points_query(&wanted);
        let question = Question::Points(notes, Box::new(query));
        let purpose = Purpose::Points(wanted, keys);
        self.ask(Lane::Long, Some(&folder), purpose, question);
        if self.state.held > 0 {
            // Attention is read again in a moment when it is looked at.
            self.ask(Lane::Hand, None, Purpose::Trim, Question::Trim);
        }
    }

    /// What to read, and the memory that it may take.
    fn points_query(&mut self, wanted: &Wanted) -> PointsQuery {
        let state = &mut self.state;
        let limit = state.cache_limit();
        if state.points.bytes() > limit / OLD {
            // Both at once would leave the new one too little.
            state.points.forget();
        }
        state.points.map.failure = None;
        let own = state
            .results()
            .map_or(0, crate::app::results::Results::bytes);
        let taken = own + state.points.bytes() + limit / MEANWHILE;
        let most_bytes = limit.saturating_sub(taken);
        state.points.promised = most_bytes;
        let sample = wanted.sample.as_ref();
        let sample = sample.filter(|_| wanted.unit != PointUnit::Code);
        PointsQuery {
            unit: wanted.unit,
            pooling: wanted.pooling,
            reading: state.reading(),
            codes: wanted.codes,
            most: sample.map_or(usize::MAX, |own| own.most),
            of_each: sample.map_or(OfEach::Any, |own| own.of_each.of_each()),
            seed: wanted.seed,
            most_bytes,
            beside: BESIDE,
        }
    }

    /// The notes that are wanted, with what decides which of their parts become points.
    fn notes_of_points(&self, wanted: &Wanted) -> (Vec<NoteKey>, Vec<PointNote>) {
        let state = &self.state;
        let on_view = state.on_view.as_ref().map(|own| own.key);
        let entries = state.library.entries().iter();
        let entries = entries.filter(|own| wanted.all_notes || Some(own.key) == on_view);
        let column = match wanted.sample.as_ref().map(|own| &own.of_each) {
            Some(ColourBy::Column(name)) => Some(name),
            _ => None,
        };
        let notes = entries.map(|entry| {
            let spans = match wanted.unit {
                PointUnit::Span => self.spans_of(entry),
                _ => Vec::new(),
            };
            let class = column.and_then(|name| column_value(&entry.note, name));
            let note = PointNote {
                note: Arc::clone(&entry.note),
                spans,
                class: class.map(std::borrow::Cow::into_owned),
            };
            (entry.key, note)
        });
        notes.unzip()
    }

    /// What is marked in a note: by people, or else by the predictor.
    fn spans_of(&self, entry: &Entry) -> Vec<PointSpan> {
        let marked = entry.note.details().annotations.spans.iter();
        let marked: Vec<PointSpan> = marked
            .map(|own| PointSpan {
                label: own.label.clone(),
                pieces: own.pieces.clone(),
            })
            .collect();
        let results = self.state.results.get(&entry.key);
        match results.and_then(|own| own.tags.value.as_ref()) {
            Some(tags) if marked.is_empty() => (tags.spans.iter())
                .map(|own| PointSpan {
                    label: own.label.clone(),
                    pieces: std::iter::once(own.start..own.end).collect(),
                })
                .collect(),
            _ => marked,
        }
    }

    pub(in crate::app::act) fn points_read(
        &mut self,
        wanted: Wanted,
        keys: Vec<NoteKey>,
        found: Points,
    ) {
        self.state.points.promised = 0;
        let kept = found.points.len();
        if kept == 0 {
            let said = match (found.full, found.unit) {
                (true, _) => "There is no room in memory for points: allow more in Settings",
                (_, PointUnit::Code) => "No code was read: draw the points again",
                _ => "Nothing in these notes can be a point",
            };
            self.state.points.map.failure = Some(said.to_owned());
            return;
        }
        let mut lines = found.failures.clone();
        if !found.complete {
            lines.insert(
                0,
                "It was stopped: what was read until then is drawn.".to_owned(),
            );
        }
        if found.full {
            let all = thousands(found.all);
            let how = match found.unit {
                PointUnit::Code => "as many of each chapter",
                _ => "taken by chance; for another choice, draw a sample",
            };
            lines.insert(
                0,
                format!(
                    "No more memory may be held (see Settings): of {all} there are these, {how}."
                ),
            );
        }
        if !lines.is_empty() {
            let unit = crate::app::points::unit_name(found.unit).0;
            let title = format!("{} drawn", counted(kept, unit));
            let messages = &mut self.state.messages;
            messages.tell(Weight::Warning, title, lines.join("\n"));
        }
        // What was asked of the points of before says nothing of these.
        let of_before = |own: &Purpose| matches!(own, Purpose::Arrange(_) | Purpose::NearPoints(_));
        self.state.jobs.forget(of_before);
        let complete = found.complete;
        let points = &mut self.state.points;
        let before = points.map.value.as_ref().map(|own| own.of.unit);
        if before.is_some_and(|own| own != wanted.unit) || wanted.unit == PointUnit::Span {
            // The most telling of those that these points have.
            points.colour = match wanted.unit {
                PointUnit::Span => ColourBy::Mark,
                _ => ColourBy::default(),
            };
        }
        points.map.set(PointMap::new(found, keys, wanted));
        points.arranged = Asked::default();
        points.near = Asked::default();
        points.chosen = Arc::default();
        points.hidden = Default::default();
        points.at = None;
        points.corner = None;
        points.camera = None;
        self.classify_points();
        if complete {
            self.arrange_points();
        }
    }

    /// Has the points arranged by neighbours.
    pub(in crate::app::act) fn arrange_points(&mut self) {
        let points = &mut self.state.points;
        let Some(map) = &points.map.value else {
            return;
        };
        let (own, seed) = (Arc::clone(&map.points), points.wanted.seed);
        points.sketch = Default::default();
        points.sketched = Default::default();
        points.arranged.failure = None;
        let question = Question::Arrange(own, seed, points.sketch.clone());
        self.ask(Lane::Places, None, Purpose::Arrange(seed), question);
    }

    /// Takes in where points stand on the way to where they are arranged.
    pub(in crate::app::act) fn points_sketched(&mut self) {
        let points = &mut self.state.points;
        if points.way != Way::Neighbours || points.arranged.value.is_some() {
            return;
        }
        if let Some((number, places)) = points.sketch.newer(points.sketched.0) {
            points.sketched = (number, Some(Arc::new(places)));
        }
    }

    pub(in crate::app::act) fn points_arranged(
        &mut self,
        seed: u64,
        places: Option<Vec<[f32; 2]>>,
    ) {
        let points = &mut self.state.points;
        match places {
            Some(places) => {
                let places = Arc::new(places);
                points.arranged.set(Arranged { places, seed });
                if points.way == Way::Neighbours {
                    points.camera = None;
                }
            }
            None => {
                let said =
                    "These points cannot be arranged: there are too few, or they are all alike";
                points.arranged.failure = Some(said.to_owned());
            }
        }
    }

    pub(in crate::app::act) fn place_points(&mut self, way: Way) {
        self.go_to_points();
        let points = &mut self.state.points;
        if points.way != way {
            points.way = way;
            points.camera = None;
        }
        let arranging = |own: &Purpose| matches!(own, Purpose::Arrange(_));
        let missing = points.arranged.value.is_none();
        if way == Way::Neighbours && missing && !self.state.jobs.is_running(arranging) {
            self.arrange_points();
        }
    }
}
