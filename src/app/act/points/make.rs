//! Has the points made, and placed.

use std::sync::Arc;

use super::super::Actor;
use crate::app::jobs::{Purpose, Weight};
use crate::app::library::NoteKey;
use crate::app::points::classes::ColourBy;
use crate::app::points::{Arranged, PointMap, Wanted, Way};
use crate::app::state::{Asked, ModelState};
use crate::app::worker::{Lane, Question};
use crate::engine::{PointNote, PointSpan, PointUnit, Points, PointsQuery, counted};

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
        let wanted = state.points.wanted;
        let (keys, notes) = match wanted.unit {
            PointUnit::Code => (Vec::new(), Vec::new()),
            _ => self.notes_of_points(wanted),
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
        let own = state.results().map_or(0, crate::app::state::Results::bytes);
        let query = PointsQuery {
            unit: wanted.unit,
            pooling: wanted.pooling,
            reading: state.reading(),
            codes: wanted.codes,
            seed: wanted.seed,
            most_bytes: state.cache_limit().saturating_sub(own),
        };
        let of_points = |own: &Purpose| matches!(own, Purpose::Arrange(_) | Purpose::NearPoints(_));
        state.jobs.forget(of_points);
        state.points.map.failure = None;
        let question = Question::Points(notes, Box::new(query));
        let purpose = Purpose::Points(wanted, keys);
        self.ask(Lane::Long, Some(&folder), purpose, question);
    }

    /// The notes that are wanted, with what is marked in them: by people, or else by the predictor.
    fn notes_of_points(&self, wanted: Wanted) -> (Vec<NoteKey>, Vec<PointNote>) {
        let state = &self.state;
        let on_view = state.on_view.as_ref().map(|own| own.key);
        let entries = state.library.entries().iter();
        let entries = entries.filter(|own| wanted.all_notes || Some(own.key) == on_view);
        let notes = entries.map(|entry| {
            let mut spans: Vec<PointSpan> = (entry.note.details().annotations.spans.iter())
                .map(|own| PointSpan {
                    label: own.label.clone(),
                    pieces: own.pieces.clone(),
                })
                .collect();
            let results = state.results.get(&entry.key);
            if let (true, Some(tags)) = (
                spans.is_empty(),
                results.and_then(|own| own.tags.value.as_ref()),
            ) {
                spans.extend(tags.spans.iter().map(|own| PointSpan {
                    label: own.label.clone(),
                    pieces: std::iter::once(own.start..own.end).collect(),
                }));
            }
            let note = Arc::clone(&entry.note);
            (entry.key, PointNote { note, spans })
        });
        notes.unzip()
    }

    pub(in crate::app::act) fn points_read(
        &mut self,
        wanted: Wanted,
        keys: Vec<NoteKey>,
        found: Points,
    ) {
        let unit = crate::app::points::unit_name(found.unit).0;
        let mut lines = found.failures.clone();
        if found.full {
            lines.insert(
                0,
                "No more memory may be held (see Settings): the points that there was room for are \
                 drawn."
                    .to_owned(),
            );
        } else if !found.complete {
            lines.insert(
                0,
                "It was stopped: what was read until then is drawn.".to_owned(),
            );
        }
        if found.points.is_empty() {
            self.state.points.map.failure =
                Some("Nothing in these notes can be a point".to_owned());
            return;
        }
        if !lines.is_empty() {
            let title = format!("{} drawn", counted(found.points.len(), unit));
            let messages = &mut self.state.messages;
            messages.tell(Weight::Warning, title, lines.join("\n"));
        }
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
        points.camera = None;
        self.classify_points();
        self.arrange_points();
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
        self.ask(Lane::Long, None, Purpose::Arrange(seed), question);
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
