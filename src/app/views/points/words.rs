//! What is said of the points: under the plot, under the pointer, and to a screen reader.

use eframe::egui::{self, Rect, Response, RichText, Role, Ui, UiBuilder, WidgetInfo};

use crate::app::points::classes::ColourBy;
use crate::app::points::{PointMap, Tool, Way, pooling_name, unit_name};
use crate::app::state::State;
use crate::app::theme;
use crate::app::widgets::parts::{self, thousands};
use crate::engine::{PointUnit, counted};

/// Letters of a point under the pointer.
const LETTERS: usize = 260;

/// What a screen reader says of the plot: how many points, and which is chosen.
pub(super) fn describe(response: &Response, map: &PointMap, state: &State) {
    response.widget_info(|| {
        let at = state.point_at();
        let at = at.and_then(|row| map.text(row, &state.library, LETTERS));
        let at = at.map(|(text, place)| format!("; at “{text}”, {place}"));
        let (what, at) = (unit_name(map.of.unit).1, at.unwrap_or_default());
        let said = format!("{what} as points: {}{at}", thousands(map.count()));
        WidgetInfo::labeled(Role::Image, true, said)
    });
}

/// How points are chosen with the tool at hand. It lies over the plot, which stays as it is.
pub(super) fn how(ui: &mut Ui, rect: Rect, state: &State) {
    let how = match (state.points.tool, state.points.corner) {
        (Tool::Move, _) => return,
        (Tool::Lasso, _) => "Draw a line around points. Shift adds them, Alt takes them out.",
        (Tool::Box, None) => "Draw a box, or press Enter at the point of a corner.",
        (Tool::Box, Some(_)) => "Go to the point of the other corner and press Enter.",
    };
    let mut own = ui.new_child(UiBuilder::new().max_rect(rect.shrink(8.0)));
    let palette = theme::palette(ui);
    let text = RichText::new(how).small().color(palette.ink);
    egui::Frame::new()
        .fill(palette.chrome)
        .stroke(egui::Stroke::new(1.0, palette.line))
        .corner_radius(6)
        .inner_margin(egui::Margin::symmetric(8, 4))
        .show(&mut own, |ui| {
            ui.add(egui::Label::new(text).selectable(false).truncate());
        });
}

/// The text of the point under the pointer.
pub(super) fn hint(response: &Response, map: &PointMap, row: usize, state: &State) {
    let Some((text, place)) = map.text(row, &state.library, LETTERS) else {
        return;
    };
    let class = state
        .points
        .classes
        .name(row)
        .filter(|own| !place.contains(own));
    egui::Tooltip::always_open(
        response.ctx.clone(),
        response.layer_id,
        response.id.with("under"),
        egui::PopupAnchor::Pointer,
    )
    .gap(14.0)
    .show(|ui| {
        ui.set_max_width(360.0);
        ui.label(text);
        parts::soft(ui, place);
        if let Some(class) = class {
            parts::soft(ui, class);
        }
    });
}

/// How many points there are, and what of the picture means something.
pub(super) fn said(ui: &mut Ui, map: &PointMap, state: &State) {
    let points = &state.points;
    let unit = unit_name(map.of.unit).0;
    let share = 100.0 * map.points.explained.iter().sum::<f64>();
    let meaning = match points.way_drawn() {
        Way::Components => format!(
            "The axes keep {share:.0} % of the differences: what is far apart differs, but what is close \
             may differ in all that is left out."
        ),
        Way::Neighbours => {
            "Only who is next to whom means something: distances between groups and their \
                            sizes mean nothing."
                .to_owned()
        }
    };
    let mut first = counted_points(map, unit, points.chosen.len());
    // What matters most stands where it is not cut off.
    if map.points.random_weights {
        first += " · random weights: it means nothing";
    }
    first += &format!(" · {}", pooling_name(map.of.pooling));
    ui.add(egui::Label::new(RichText::new(first).small()).truncate());
    parts::soft(ui, meaning);
}

fn counted_points(map: &PointMap, unit: &str, chosen: usize) -> String {
    let points = &map.points;
    let mut words = match (map.count(), points.all) {
        (count, all) if count < all => {
            format!("{} of {} {unit}s", thousands(count), thousands(all))
        }
        (1, _) => counted(1, unit),
        (count, _) => format!("{} {unit}s", thousands(count)),
    };
    let sample = map.of.sample.as_ref().map(|own| &own.of_each);
    if map.count() < points.all {
        words += &match sample {
            _ if points.unit == PointUnit::Code => ", as many of each chapter".to_owned(),
            None | Some(ColourBy::Nothing) => ", taken by chance".to_owned(),
            Some(own) => format!(", as many of each {}", own.in_words(points.unit)),
        };
    }
    if !points.complete {
        words += ", of what was read before it was stopped";
    }
    if chosen > 0 {
        words += &format!(" · {} chosen", thousands(chosen));
    }
    words
}
