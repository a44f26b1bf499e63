//! The list of points that are chosen: what is put into it, and what becomes of it.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::{Actor, Outside};
use crate::app::command::Quiet;
use crate::app::jobs::{Purpose, Weight};
use crate::app::points::command::{Combine, Format};
use crate::app::state::Over;
use crate::app::worker::{Lane, Question};
use crate::engine::{Note, PointsExport, counted};

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

    pub(super) fn save_points_to(&mut self, format: Format, path: PathBuf) {
        if let Some(export) = self.points_export() {
            let question = Question::SavePoints(Box::new(export), format, path);
            self.ask(Lane::Files, None, Purpose::SavePoints, question);
        }
    }

    pub(in crate::app::act) fn points_saved(&mut self, path: &std::path::Path) {
        let title = format!("Saved {}", path.display());
        let said = "It holds text of the notes: keep it as safe as the notes themselves.";
        self.state.messages.tell(Weight::Note, title, said);
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
