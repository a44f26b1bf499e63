//! The points that are chosen, and those that are near one, as lists.

use eframe::egui::{Color32, ScrollArea, Ui};

use super::super::View;
use super::colours;
use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::jobs::Purpose;
use crate::app::moving::one_line;
use crate::app::points::PointMap;
use crate::app::points::command::{Combine, PointsCommand};
use crate::app::state::State;
use crate::app::theme;
use crate::app::widgets::parts::{self, thousands};

/// The height of a row.
const ROW: f32 = 42.0;

/// Letters of a point in a list.
const LETTERS: usize = 160;

/// The panel of those that are chosen.
#[derive(Default)]
pub struct ChosenView;

/// The panel of those that are near.
#[derive(Default)]
pub struct NearView;

/// A row of a point; a click goes there.
fn row(
    ui: &mut Ui,
    state: &State,
    map: &PointMap,
    row: usize,
    mark: Option<&str>,
    commands: &mut Vec<Command>,
) {
    let Some((text, place)) = map.text(row, &state.library, LETTERS) else {
        return;
    };
    let class = state.points.classes.name(row);
    let second = match class.filter(|own| !place.contains(own)) {
        Some(class) => format!("{class} · {place}"),
        None => place,
    };
    let here = state.point_at() == Some(row);
    let own = ui.push_id(row, |ui| parts::list_row(ui, here, &text, &second, mark));
    let colour: Color32 = colours(&theme::palette(ui))[state.points.classes.slot(row)];
    let dot = own.inner.rect.left_center() + eframe::egui::vec2(4.0, -9.0);
    if !here {
        ui.painter().circle_filled(dot, 2.5, colour);
    }
    let own = own.inner;
    if own.double_clicked() {
        commands.push(Command::Points(PointsCommand::Open(row)));
    } else if own.clicked() {
        commands.push(Command::Points(PointsCommand::At(row)));
    }
}

impl View for ChosenView {
    fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        let chosen = &state.points.chosen;
        let map = state.points.map.value.as_ref();
        let (Some(map), false) = (map, chosen.is_empty()) else {
            let text = "Points that you draw around, as a list that can be saved or copied.";
            let action = ("Draw around points", Command::Do(Action::Lasso));
            let action = map.is_some().then_some(action);
            controls::empty(ui, "None chosen", text, action, commands);
            return;
        };
        ui.horizontal_wrapped(|ui| {
            parts::soft(ui, format!("{} points", thousands(chosen.len())));
            controls::action_button(ui, "Save…", Action::SavePoints, state, commands);
            controls::action_button(ui, "Copy", Action::CopyPoints, state, commands);
            if ui.button("Clear").clicked() {
                let none = PointsCommand::Choose(Vec::new(), Combine::Replace);
                commands.push(Command::Points(none));
            }
        });
        ui.spacing_mut().item_spacing.y = 0.0;
        let area = ScrollArea::vertical().id_salt("chosen").auto_shrink(false);
        area.show_rows(ui, ROW, chosen.len(), |ui, rows| {
            for &own in &chosen[rows] {
                row(ui, state, map, own as usize, None, commands);
            }
        });
    }

    fn numbers(&self, state: &State) -> Option<String> {
        let map = state.points.map.value.as_ref()?;
        let places = state.points.places()?;
        let mut table = "point\tplace\tclass\tx\ty\n".to_owned();
        for &own in state.points.chosen.iter() {
            let own = own as usize;
            let place = map.place(own, &state.library)?;
            let [x, y] = *places.get(own)?;
            let class = one_line(state.points.classes.name(own).unwrap_or(""));
            table += &format!("{own}\t{}\t{class}\t{x}\t{y}\n", one_line(&place));
        }
        Some(table)
    }

    fn help(&self) -> &'static str {
        "The points that were chosen: with L draw around them, with B draw a box or set its corners by \
         Enter; Shift adds, Alt takes out, Space takes one, C all of its class. Click one to see it in its \
         note. Saved points hold text of the notes, and can be given a label and opened as notes."
    }
}

impl View for NearView {
    fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        let points = &state.points;
        if let Some(failure) = &points.near.failure {
            ui.colored_label(theme::palette(ui).bad, failure);
        }
        let (Some(map), Some(near)) = (&points.map.value, &points.near.value) else {
            let text = "The points that are most like one, by all numbers of their vectors.";
            let busy = (state.jobs).is_running(|own| matches!(own, Purpose::NearPoints(_)));
            let action = ("Near the chosen point", Command::Do(Action::NearPoints));
            let action = (state.point_at().is_some() && !busy).then_some(action);
            controls::empty(ui, "Which are near", text, action, commands);
            return;
        };
        if let Some((text, _)) = map.text(near.point, &state.library, LETTERS) {
            let said = eframe::egui::RichText::new(format!("Near “{text}”"));
            ui.add(eframe::egui::Label::new(said.font(theme::strong(13.0))).truncate());
        }
        ui.horizontal_wrapped(|ui| {
            parts::soft(ui, "compared with every point");
            if ui.button("Choose these").clicked() {
                let mut rows: Vec<u32> = near.similar.iter().map(|own| own.point as u32).collect();
                rows.push(near.point as u32);
                rows.sort_unstable();
                let choose = PointsCommand::Choose(rows, Combine::Replace);
                commands.push(Command::Points(choose));
            }
        });
        ui.spacing_mut().item_spacing.y = 0.0;
        let area = ScrollArea::vertical().id_salt("near").auto_shrink(false);
        area.show_rows(ui, ROW, near.similar.len(), |ui, rows| {
            for own in &near.similar[rows] {
                let cosine = format!("{:.3}", own.cosine);
                row(ui, state, map, own.point, Some(&cosine), commands);
            }
        });
    }

    fn numbers(&self, state: &State) -> Option<String> {
        let map = state.points.map.value.as_ref()?;
        let near = state.points.near.value.as_ref()?;
        let mut table = "point\tplace\tcosine\n".to_owned();
        for own in &near.similar {
            let place = map.place(own.point, &state.library)?;
            table += &format!("{}\t{}\t{}\n", own.point, one_line(&place), own.cosine);
        }
        Some(table)
    }

    fn help(&self) -> &'static str {
        "N looks for the points that are most like the chosen one. The number is the cosine of the angle \
         between both vectors, 1 for the same direction; it is exact, and not a distance on the map."
    }
}
