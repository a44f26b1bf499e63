//! The map of points: has it made, looks at it, and chooses in it.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Actor, Outside};
use crate::app::command::Quiet;
use crate::app::jobs::{Purpose, Weight};
use crate::app::library::NoteKey;
use crate::app::points::camera::bounds;
use crate::app::points::classes::{Classes, ColourBy, choices};
use crate::app::points::command::{Combine, Format, PointsCommand};
use crate::app::points::{Arranged, NearList, PointMap, Tool, Wanted, Way, grid};
use crate::app::state::{Asked, ModelState, Over, Workspace};
use crate::app::worker::{Lane, Question};
use crate::engine::{
    Note, PointNote, PointSpan, PointUnit, Points, PointsExport, PointsQuery, SimilarPoint, counted,
};

/// Points that are listed as near.
const NEAR: usize = 50;

/// Points that are copied at most.
const COPIED: usize = 2_000;

impl Actor {
    /// Carries out what a panel of the map of points asks for.
    pub(super) fn points_command(&mut self, command: PointsCommand) {
        let points = &mut self.state.points;
        match command {
            PointsCommand::Want(wanted) => points.wanted = wanted,
            PointsCommand::Way(way) => self.place_points(way),
            PointsCommand::Colour(by) => {
                points.colour = by;
                points.hidden = Default::default();
                self.classify_points();
            }
            PointsCommand::Hide(slot, hidden) => {
                if let Some(own) = points.hidden.get_mut(slot) {
                    *own = hidden;
                }
            }
            PointsCommand::Tool(tool) => points.tool = tool,
            PointsCommand::Camera(camera) => points.camera = camera,
            PointsCommand::At(row) => self.go_to_point(row),
            PointsCommand::Open(row) => {
                self.go_to_point(row);
                self.open_point();
            }
            PointsCommand::Choose(rows, combine) => {
                points.chosen = Arc::new(combine.of(&points.chosen, &rows));
            }
            PointsCommand::AskSave(format) => {
                self.state.over = None;
                self.outside.push(Outside::AskPoints(format));
            }
            PointsCommand::Save(format, path) => self.save_points_to(format, path),
        }
    }

    pub(super) fn go_to_points(&mut self) {
        self.go_to(Workspace::Map);
        self.state.points.focus = true;
    }

    /// Has the points made that are wanted.
    pub(super) fn draw_points(&mut self) {
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

    pub(super) fn points_read(&mut self, wanted: Wanted, keys: Vec<NoteKey>, found: Points) {
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

    /// Says anew which point is of which class.
    pub(super) fn classify_points(&mut self) {
        let state = &mut self.state;
        let Some(map) = &state.points.map.value else {
            return;
        };
        let choices = choices(map, &state.library);
        if !choices.contains(&state.points.colour) {
            state.points.colour = choices.first().cloned().unwrap_or(ColourBy::Nothing);
        }
        let classes = Classes::new(map, &state.points.colour, &state.library, &state.results);
        state.points.classes = Arc::new(classes);
    }

    /// Something was predicted: where colours stand for that, they follow.
    pub(super) fn points_predicted(&mut self) {
        if self.state.points.colour == ColourBy::Predicted {
            self.classify_points();
        }
    }

    /// Has the points arranged by neighbours.
    pub(super) fn arrange_points(&mut self) {
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
    pub(super) fn points_sketched(&mut self) {
        let points = &mut self.state.points;
        if points.way != Way::Neighbours || points.arranged.value.is_some() {
            return;
        }
        if let Some((number, places)) = points.sketch.newer(points.sketched.0) {
            points.sketched = (number, Some(Arc::new(places)));
        }
    }

    pub(super) fn points_arranged(&mut self, seed: u64, places: Option<Vec<[f32; 2]>>) {
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

    pub(super) fn place_points(&mut self, way: Way) {
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

    fn go_to_point(&mut self, row: usize) {
        let Some(map) = self.state.points.map.value.clone() else {
            return;
        };
        if row >= map.count() {
            return;
        }
        self.state.points.at = Some(row);
        let Some(key) = map.note(row) else {
            return;
        };
        self.show(key);
        let bytes = map.bytes(row);
        if !bytes.is_empty() {
            self.select(bytes, true, true);
        }
    }

    /// Goes to the next point in a direction; from none to that in the middle.
    pub(super) fn next_point(&mut self, direction: [f32; 2]) {
        self.go_to_points();
        let state = &self.state;
        let Some(places) = state.points.places().cloned() else {
            return;
        };
        let drawn = |row: usize| state.points.is_drawn(row);
        let next = match state.point_at() {
            Some(from) => grid::next(&places, from, direction, drawn),
            None => {
                let all = bounds(&places).unwrap_or_default();
                let middle = [0, 1].map(|axis| (all[0][axis] + all[1][axis]) / 2.0);
                let middle = state.points.camera.map_or(middle, |own| own.centre);
                grid::Grid::new(&places).nearest(&places, middle, f32::MAX.sqrt() / 4.0, drawn)
            }
        };
        if let Some(row) = next {
            self.go_to_point(row);
        }
    }

    pub(super) fn open_point(&mut self) {
        let (state, at) = (&self.state, self.state.point_at());
        let map = state.points.map.value.as_ref();
        match at.and_then(|row| map?.note(row)) {
            Some(_) => self.go_to(Workspace::Read),
            None => {
                let said = "Choose a point of a note first";
                self.state.messages.tell(Weight::Note, said, "");
            }
        }
    }

    pub(super) fn zoom_points(&mut self, closer: bool) {
        self.go_to_points();
        self.state.points.closer += if closer { 1.0 } else { -1.0 };
    }

    pub(super) fn all_points(&mut self) {
        self.go_to_points();
        self.state.points.camera = None;
    }

    pub(super) fn use_tool(&mut self, tool: Tool) {
        self.go_to_points();
        let points = &mut self.state.points;
        points.tool = match points.tool == tool {
            true => Tool::Move,
            false => tool,
        };
    }

    /// Puts the point that is chosen into the list, or takes it out.
    pub(super) fn toggle_point(&mut self) {
        self.go_to_points();
        let Some(row) = self.state.point_at().map(|row| row as u32) else {
            return;
        };
        let points = &mut self.state.points;
        let combine = match points.chosen.binary_search(&row) {
            Ok(_) => Combine::Remove,
            Err(_) => Combine::Add,
        };
        points.chosen = Arc::new(combine.of(&points.chosen, &[row]));
    }

    /// Puts all points that are drawn into the list.
    pub(super) fn choose_all_points(&mut self) {
        self.go_to_points();
        let points = &mut self.state.points;
        let count = points.map.value.as_ref().map_or(0, |own| own.count());
        let drawn = (0..count).filter(|&row| points.is_drawn(row));
        points.chosen = Arc::new(drawn.map(|row| row as u32).collect());
    }

    /// Looks for what is near the point that is chosen.
    pub(super) fn near_point(&mut self) {
        self.go_to_points();
        let state = &mut self.state;
        let (Some(row), Some(map)) = (state.point_at(), &state.points.map.value) else {
            let said = "Choose a point first: click it, or go to it with the arrows";
            state.messages.tell(Weight::Note, said, "");
            return;
        };
        let question = Question::NearPoints(Arc::clone(&map.points), row, NEAR);
        self.ask(Lane::Hand, None, Purpose::NearPoints(row), question);
    }

    pub(super) fn near_found(&mut self, point: usize, similar: Vec<SimilarPoint>) {
        self.state.points.near.set(NearList { point, similar });
    }

    /// What `Clear` clears in the map; whether there was something.
    pub(super) fn clear_points(&mut self) -> bool {
        let state = &mut self.state;
        if state.workspace != Workspace::Map || state.welcome {
            return false;
        }
        let points = &mut state.points;
        if points.tool != Tool::Move {
            points.tool = Tool::Move;
        } else if !points.chosen.is_empty() {
            points.chosen = Arc::default();
        } else if points.near.value.is_some() {
            points.near = Asked::default();
        } else {
            return false;
        }
        true
    }

    /// Forgets the points, which are of another model, of notes that are closed, or read otherwise.
    pub(super) fn forget_points(&mut self) {
        let is_of_points = |own: &Purpose| {
            matches!(
                own,
                Purpose::Points(..) | Purpose::Arrange(_) | Purpose::NearPoints(_)
            )
        };
        self.state.jobs.forget(is_of_points);
        self.state.points.forget();
    }

    /// Asks what is to be saved, and says what it is.
    pub(super) fn save_points(&mut self) {
        self.go_to_points();
        let open = self.state.over == Some(Over::SavePoints);
        if open {
            self.state.over = None;
        } else if self.some_are_chosen() {
            self.state.over = Some(Over::SavePoints);
        }
    }

    fn some_are_chosen(&mut self) -> bool {
        let some = !self.state.points.chosen.is_empty();
        if !some {
            let said = "Choose points first: draw around them with L or B, or press Space at one";
            self.state.messages.tell(Weight::Note, said, "");
        }
        some
    }

    fn points_export(&self) -> Option<PointsExport> {
        let points = &self.state.points;
        let map = points.map.value.as_ref()?;
        let entries = map.notes.iter().map(|key| self.state.library.get(*key));
        let none = || {
            (
                String::new(),
                Arc::new(Note::new(crate::engine::Source::Typed, String::new())),
            )
        };
        let rows = Arc::clone(&points.chosen);
        let class = |row: &u32| points.classes.name(*row as usize).map(str::to_owned);
        Some(PointsExport {
            points: Arc::clone(&map.points),
            notes: entries
                .map(|own| own.map_or_else(none, |own| (own.title.clone(), Arc::clone(&own.note))))
                .collect(),
            classes: rows.iter().map(class).collect(),
            rows,
            places: Arc::clone(points.places()?),
        })
    }

    fn save_points_to(&mut self, format: Format, path: PathBuf) {
        if let Some(export) = self.points_export() {
            let question = Question::SavePoints(Box::new(export), format, path);
            self.ask(Lane::Files, None, Purpose::SavePoints, question);
        }
    }

    pub(super) fn points_saved(&mut self, path: &std::path::Path) {
        let title = format!("Saved {}", path.display());
        let said = "It holds text of the notes: keep it as safe as the notes themselves.";
        self.state.messages.tell(Weight::Note, title, said);
    }

    /// Puts the points of the list into the clipboard, a line for each.
    pub(super) fn copy_points(&mut self) {
        self.go_to_points();
        if !self.some_are_chosen() {
            return;
        }
        let state = &mut self.state;
        let Some(map) = state.points.map.value.clone() else {
            return;
        };
        let rows = &state.points.chosen;
        if rows.len() > COPIED {
            let said = format!("More than {COPIED} points are not copied; save them as a file");
            state.messages.tell(Weight::Note, said, "");
            return;
        }
        let lines = rows.iter().filter_map(|&row| {
            let (text, place) = map.text(row as usize, &state.library)?;
            let text = crate::app::moving::one_line(&text);
            Some(format!("{place}\t{text}"))
        });
        let lines = lines.collect::<Vec<_>>().join("\n");
        self.outside.push(Outside::Copy(Quiet(lines)));
        let title = format!(
            "{} copied",
            counted(self.state.points.chosen.len(), "point")
        );
        let said = "They are text of the notes.";
        self.state.messages.tell(Weight::Note, title, said);
    }
}
