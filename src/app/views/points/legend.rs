//! The legend of the map of points: what colours stand for, and which classes there are.

use eframe::egui::{self, RichText, Ui};

use super::colours;
use super::mark::mark;
use crate::app::command::Command;
use crate::app::points::classes::{SHOWN, SLOTS, choices};
use crate::app::points::command::{Combine, PointsCommand};
use crate::app::state::State;
use crate::app::theme;
use crate::app::widgets::parts::{self, name, thousands};

/// Width of the part of a line where its points are chosen.
const CHOOSE: f32 = 58.0;

/// What colours stand for, and the classes with their points.
pub(super) fn legend(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let Some(map) = &state.points.map.value else {
        return;
    };
    let points = &state.points;
    parts::heading(ui, "Colours stand for");
    let chooser = egui::ComboBox::from_id_salt("colours of points")
        .width(ui.available_width() - 8.0)
        .truncate()
        .selected_text(points.colour.name(map.of.unit))
        .show_ui(ui, |ui| {
            for own in choices(map.of.unit, &state.library) {
                let chosen = own == points.colour;
                if ui.selectable_label(chosen, own.name(map.of.unit)).clicked() {
                    commands.push(Command::Points(PointsCommand::Colour(own)));
                }
            }
        });
    name(&chooser.response, "What colours stand for");
    ui.add_space(4.0);
    let classes = &points.classes;
    ui.spacing_mut().item_spacing.y = 2.0;
    for slot in 0..SLOTS {
        let count = classes.count(slot);
        if count > 0 {
            entry(ui, state, slot, count, commands);
        }
    }
    let more = classes.names.len().saturating_sub(SHOWN);
    if more > 0 {
        parts::soft(ui, "The ten most frequent have colours.");
    }
}

/// A line of the legend: a click hides its points, or shows them again; at its right they are chosen.
fn entry(ui: &mut Ui, state: &State, slot: usize, count: usize, commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    let hidden = state.points.hidden[slot];
    let words = state.points.classes.words(slot);
    let size = egui::vec2(ui.available_width(), 24.0);
    let (rect, response) = ui.allocate_exact_size(size, egui::Sense::click());
    let at_right = egui::Rect::from_min_max(egui::pos2(rect.max.x - CHOOSE, rect.min.y), rect.max);
    // What is hidden cannot be chosen.
    let sense = match hidden {
        true => egui::Sense::hover(),
        false => egui::Sense::click(),
    };
    let choose = ui.interact(at_right, response.id.with("choose"), sense);
    let painter = ui.painter_at(rect);
    if response.hovered() || choose.hovered() {
        let fill = theme::mix(palette.chrome, palette.ink, 0.06);
        painter.rect_filled(rect, 6.0, fill);
    }
    if response.has_focus() {
        let ring = egui::Stroke::new(1.5, palette.accent);
        painter.rect_stroke(rect, 6.0, ring, egui::StrokeKind::Inside);
    }
    let colour = colours(&palette)[slot];
    let middle = egui::pos2(rect.min.x + 12.0, rect.center().y);
    mark(&painter, middle, 5.0, slot, colour, hidden);
    let ink = if hidden { palette.soft } else { palette.ink };
    let offers = !hidden && (response.hovered() || choose.hovered() || choose.has_focus());
    let (at_right, font, own) = match offers {
        true => (
            "Choose".to_owned(),
            egui::FontId::proportional(12.0),
            palette.accent,
        ),
        false => (
            thousands(count),
            egui::FontId::monospace(11.5),
            palette.soft,
        ),
    };
    let number = painter.text(
        egui::pos2(rect.max.x - 6.0, rect.center().y),
        egui::Align2::RIGHT_CENTER,
        at_right,
        font,
        own,
    );
    if choose.has_focus() {
        let ring = egui::Stroke::new(1.5, palette.accent);
        painter.rect_stroke(choose.rect, 6.0, ring, egui::StrokeKind::Inside);
    }
    let mut text = RichText::new(&words).size(13.0).color(ink);
    if hidden {
        text = text.strikethrough();
    }
    let room = number.min.x - 8.0 - (rect.min.x + 24.0);
    let galley = egui::WidgetText::from(text).into_galley(
        ui,
        Some(egui::TextWrapMode::Truncate),
        room.max(20.0),
        egui::TextStyle::Body,
    );
    let y = rect.center().y - galley.size().y / 2.0;
    painter.galley(egui::pos2(rect.min.x + 24.0, y), galley, ink);
    response.widget_info(|| {
        let said = format!("{words}, {} points", thousands(count));
        egui::WidgetInfo::selected(egui::Role::CheckBox, true, !hidden, said)
    });
    if !hidden {
        choose.widget_info(|| {
            let said = format!("Choose all of {words}");
            egui::WidgetInfo::labeled(egui::Role::Button, true, said)
        });
        if choose.clicked() {
            let combine = match ui.input(|own| own.modifiers.shift) {
                true => Combine::Add,
                false => Combine::Replace,
            };
            commands.push(Command::Points(PointsCommand::ChooseClass(slot, combine)));
        }
        choose.on_hover_text("Click to put these points into the list; with Shift to add them");
    }
    if response.clicked() {
        commands.push(Command::Points(PointsCommand::Hide(slot, !hidden)));
    }
    let said = match hidden {
        true => "Hidden; click to show them",
        false => "Click to hide them",
    };
    response.on_hover_text(format!("{words}\n{said}"));
}
