//! The list of points that are chosen: what is put into it, and what becomes of it.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::{Actor, Outside};
use crate::app::command::Quiet;
use crate::app::jobs::Purpose;
use crate::app::messages::Weight;
use crate::app::moving::one_line;
use crate::app::points::command::{Combine, Format};
use crate::app::points::grid::Grid;
use crate::app::points::{Saving, ToSave, Way};
use crate::app::state::Over;
use crate::app::widgets::same::Of;
use crate::app::worker::{Lane, Question};
use crate::engine::{Note, PointUnit, PointsExport, counted};

/// Points that are copied at most.
const COPIED: usize = 2_000;

impl Actor {
    /// Puts the point that is chosen into the list, or takes it out.
    pub(in crate::app::act) fn toggle_point(&mut self) {
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

    /// Goes to the next point in a direction, and puts both into the list.
    pub(in crate::app::act) fn extend_points(&mut self, direction: [f32; 2]) {
        let from = self.state.point_at();
        self.next_point(direction);
        let both = from.into_iter().chain(self.state.point_at());
        let mut rows: Vec<u32> = both.map(|row| row as u32).collect();
        rows.sort_unstable();
        let points = &mut self.state.points;
        points.chosen = Arc::new(Combine::Add.of(&points.chosen, &rows));
    }

    /// Puts the class of the point that is chosen into the list.
    pub(in crate::app::act) fn choose_class_of_point(&mut self) {
        self.go_to_points();
        match self.state.point_at() {
            Some(row) => {
                let slot = self.state.points.classes.slot(row);
                self.choose_class(slot, Combine::Add);
            }
            None => {
                let said = "Choose a point first: all of its class are put into the list";
                self.state.messages.tell(Weight::Note, said, "");
            }
        }
    }

    /// Chooses the points of a place in the legend.
    pub(super) fn choose_class(&mut self, slot: usize, combine: Combine) {
        let points = &mut self.state.points;
        let count = points.map.value.as_ref().map_or(0, |own| own.count());
        let of_class = |row: &usize| points.classes.slot(*row) == slot && points.is_drawn(*row);
        let rows = (0..count).filter(of_class).map(|row| row as u32);
        let rows: Vec<u32> = rows.collect();
        points.chosen = Arc::new(combine.of(&points.chosen, &rows));
    }

    /// Sets a corner of the box at this point; with both, it chooses what is between them.
    pub(super) fn set_corner(&mut self, row: usize) {
        let points = &mut self.state.points;
        let Some(first) = points.corner.take() else {
            points.corner = Some(row);
            return;
        };
        let Some(places) = points.places() else {
            return;
        };
        if let (Some(first), Some(last)) = (places.get(first), places.get(row)) {
            let mut rows = Grid::new(places).in_box(places, *first, *last);
            rows.retain(|&row| points.is_drawn(row as usize));
            points.chosen = Arc::new(rows);
        }
    }

    /// Puts all points that are drawn into the list.
    pub(in crate::app::act) fn choose_all_points(&mut self) {
        self.go_to_points();
        let points = &mut self.state.points;
        let count = points.map.value.as_ref().map_or(0, |own| own.count());
        let drawn = (0..count).filter(|&row| points.is_drawn(row));
        points.chosen = Arc::new(drawn.map(|row| row as u32).collect());
    }

    /// Asks what is to be saved, and says what it is.
    pub(in crate::app::act) fn save_points(&mut self) {
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
            let said = "Choose points first: draw around them with L or B, press Space at one, or C for \
                        its class";
            self.state.messages.tell(Weight::Note, said, "");
        }
        some
    }

    /// Asks where to save the points of the list, and remembers which these are.
    pub(super) fn ask_for_points_file(&mut self, format: Format) {
        self.state.over = None;
        let points = &mut self.state.points;
        let Some(map) = &points.map.value else {
            return;
        };
        points.to_save = Some(ToSave {
            of: Of::new(map),
            rows: Arc::clone(&points.chosen),
        });
        self.outside.push(Outside::AskPoints(format));
    }

    /// The points that are to be saved, unless they are no longer there.
    fn points_export(&mut self) -> Option<PointsExport> {
        let asked = self.state.points.to_save.take();
        let points = &self.state.points;
        let map = points.map.value.as_ref()?;
        let rows = match asked {
            Some(own) => own.of.is(map).then_some(own.rows)?,
            None => Arc::clone(&points.chosen),
        };
        if rows.is_empty() {
            return None;
        }
        let entries = map.notes.iter().map(|key| self.state.library.get(*key));
        let none = || {
            (
                String::new(),
                Arc::new(Note::new(crate::engine::Source::Typed, String::new())),
            )
        };
        let label = Some(points.label.trim()).filter(|own| !own.is_empty());
        let class = |row: &u32| label.or_else(|| points.classes.name(*row as usize));
        let (placed_by, place_seed) = match (points.way_drawn(), &points.arranged.value) {
            (Way::Components, _) => ("pca", map.of.seed),
            (Way::Neighbours, Some(own)) => ("tsne", own.seed),
            (Way::Neighbours, None) => ("tsne", points.wanted.seed),
        };
        Some(PointsExport {
            points: Arc::clone(&map.points),
            notes: entries
                .map(|own| own.map_or_else(none, |own| (own.title.clone(), Arc::clone(&own.note))))
                .collect(),
            classes: rows
                .iter()
                .map(|row| class(row).map(str::to_owned))
                .collect(),
            rows,
            places: Arc::clone(points.places()?),
            placed_by,
            place_seed,
            model: self
                .state
                .model
                .info()
                .map_or_else(String::new, |own| own.name.clone()),
            pooling: map.of.pooling,
            seed: map.of.seed,
        })
    }

    pub(super) fn save_points_to(&mut self, format: Format, path: PathBuf) {
        let Some(export) = self.points_export() else {
            let title = "Nothing was saved: these points are no longer there";
            let said = "Choose points and save them again.";
            self.state.messages.tell(Weight::Warning, title, said);
            return;
        };
        let points = &mut self.state.points;
        points.saves.retain(|own| own.path != path);
        points.saves.push(Saving {
            path: path.clone(),
            of_notes: export.points.unit != PointUnit::Code,
            open: points.opens_saved && format == Format::Notes,
        });
        let question = Question::SavePoints(Box::new(export), format, path);
        self.ask(Lane::Files, None, Purpose::SavePoints, question);
    }

    pub(in crate::app::act) fn points_saved(&mut self, path: &std::path::Path) {
        let saves = &mut self.state.points.saves;
        let place = saves.iter().position(|own| own.path == path);
        let own = place.map(|place| saves.swap_remove(place));
        let said = match own.as_ref().is_none_or(|own| own.of_notes) {
            true => "It holds text of the notes: keep it as safe as the notes themselves.",
            false => "It holds codes with their words, and no text of notes.",
        };
        let title = format!("Saved {}", path.display());
        self.state.messages.tell(Weight::Note, title, said);
        if own.is_some_and(|own| own.open) {
            self.import(vec![path.to_owned()]);
        }
    }

    /// Puts the points of the list into the clipboard, a line for each.
    pub(in crate::app::act) fn copy_points(&mut self) {
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
            let (text, place) = map.text(row as usize, &state.library, usize::MAX)?;
            Some(format!("{}\t{text}", one_line(&place)))
        });
        let lines = lines.collect::<Vec<_>>().join("\n");
        self.outside.push(Outside::Copy(Quiet(lines)));
        let title = format!(
            "{} copied",
            counted(self.state.points.chosen.len(), "point")
        );
        let said = match map.points.unit {
            PointUnit::Code => "They are codes with their words.",
            _ => "They are text of the notes.",
        };
        self.state.messages.tell(Weight::Note, title, said);
    }
}
