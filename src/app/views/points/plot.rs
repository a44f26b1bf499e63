//! The plot of the map of points.

use std::sync::Arc;

use eframe::egui::{
    self, Color32, CursorIcon, PointerButton, Pos2, Rect, Response, RichText, Role, Sense, Shape,
    Stroke, StrokeKind, Ui, WidgetInfo, vec2,
};

use super::super::View;
use super::{colours, plot_id, reading};
use crate::app::command::{Action, Command};
use crate::app::jobs::Purpose;
use crate::app::moving::one_line;
use crate::app::points::camera::Camera;
use crate::app::points::classes::{Classes, SLOTS};
use crate::app::points::command::{Combine, PointsCommand};
use crate::app::points::gpu::{self, Drawn, Style};
use crate::app::points::grid::Grid;
use crate::app::points::{PointMap, Tool, Way, unit_name};
use crate::app::state::{ModelState, State};
use crate::app::theme::{self, Palette};
use crate::app::views::Panel;
use crate::app::widgets::parts::{self, thousands};
use crate::app::widgets::same::Of;
use crate::engine::{PointUnit, counted};

/// The panel.
#[derive(Default)]
pub struct PointsView {
    places: Of<Vec<[f32; 2]>>,
    grid: Grid,
    drawn: Option<Arc<Drawn>>,
    classes: Of<Classes>,
    chosen: Of<Vec<u32>>,
    hidden: [bool; SLOTS],
    version: u64,
    /// What is being drawn around points, on the screen.
    line: Vec<Pos2>,
    /// The point that was brought into view last.
    shown: Option<usize>,
    /// The height of what is said under the plot.
    under: f32,
}

/// Space under the plot for what is said of it, before that was laid out once.
const UNDER: f32 = 66.0;

/// Height of the plot at least.
const LEAST: f32 = 120.0;

/// How much closer a step of the wheel goes, as a power of e for each point.
const WHEEL: f32 = 1.0 / 160.0;

/// How far from a point the pointer may be, in points of the screen.
const REACH: f32 = 10.0;

/// Letters of a point under the pointer.
const LETTERS: usize = 260;

/// What a point that is not chosen keeps of its colour, where some are.
const FAINT: f32 = 0.35;

impl View for PointsView {
    fn ui(&mut self, ui: &mut Ui, state: &mut State, commands: &mut Vec<Command>) {
        let Some(map) = state.points.map.value.clone() else {
            nothing(ui, state, commands);
            return;
        };
        bar(ui, state, commands);
        if let Some(failure) = &state.points.map.failure {
            ui.colored_label(theme::palette(ui).bad, failure);
        }
        let room = ui.available_rect_before_wrap();
        let under = if self.under > 0.0 { self.under } else { UNDER };
        let height = (room.height() - under).max(LEAST);
        let rect = Rect::from_min_size(room.min, vec2(room.width(), height));
        let Some((camera, whole)) = state.points.camera_in(rect) else {
            return;
        };
        self.prepare(state);
        let response = ui.interact(rect, plot_id(), Sense::click_and_drag());
        ui.advance_cursor_after_rect(rect);
        if std::mem::take(&mut state.points.focus) && ui.memory(|own| own.focused().is_none()) {
            response.request_focus();
        }
        let state = &*state;
        let camera = self.follow(rect, camera, state, commands);
        let under = self.touch(ui, &response, (camera, whole), state, commands);
        self.paint(ui, rect, (camera, whole), state, under);
        describe(&response, &map, state);
        if let Some(row) = under {
            hint(&response, &map, row, state);
        }
        said(ui, &map, state);
        let under = ui.min_rect().max.y - rect.max.y;
        if (std::mem::replace(&mut self.under, under) - under).abs() > 0.5 {
            ui.ctx().request_repaint();
        }
    }

    fn numbers(&self, state: &State) -> Option<String> {
        let map = state.points.map.value.as_ref()?;
        let places = state.points.places()?;
        let mut table = "point\tclass\tx\ty\n".to_owned();
        for (row, [x, y]) in places.iter().enumerate().take(map.count()) {
            let class = state.points.classes.name(row).unwrap_or("");
            table += &format!("{row}\t{class}\t{x}\t{y}\n");
        }
        Some(table)
    }

    fn help(&self) -> &'static str {
        "Each point is a part of a note; alike ones are near. Drag to move, turn the wheel to come closer, \
         click a point to see it in its note, double-click to open it there. By keys: arrows go from point \
         to point, + and − come closer and go farther, 0 shows all, Enter opens, N lists what is near, L \
         and B draw around points, Space takes one, Escape clears."
    }
}

/// What is said where there are no points: what they would be, and the one thing to do.
fn nothing(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    if let Some(failure) = &state.points.map.failure {
        ui.colored_label(theme::palette(ui).bad, failure);
    }
    let what = "Sentences, sections or whole notes as points: those that the model reads alike are near \
                each other.";
    let code = state.points.wanted.unit == PointUnit::Code;
    if let Some(words) = reading(state) {
        let stop = ("Stop", Command::Do(Action::Stop));
        let said = format!("{words}. What is read until you stop it is drawn.");
        parts::empty(ui, "Reading…", &said, Some(stop), commands);
        return;
    }
    let (title, text, action) = match &state.model {
        ModelState::Loading(_) => ("The model is loading…", what, None),
        ModelState::None | ModelState::Failed(..) => (
            "No model",
            what,
            Some(("Choose a model…", Action::OpenModel)),
        ),
        ModelState::Ready(..) if state.library.entries().is_empty() && !code => (
            "No notes yet",
            what,
            Some(("Open notes…", Action::OpenFiles)),
        ),
        ModelState::Ready(..) => (
            "Nothing drawn yet",
            what,
            Some(("Draw the points", Action::DrawPoints)),
        ),
    };
    let action = action.map(|(name, action)| (name, Command::Do(action)));
    parts::empty(ui, title, text, action, commands);
}

/// How points are placed, and what the pointer does.
fn bar(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let points = &state.points;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.spacing_mut().button_padding.x = 8.0;
        for (way, action, text) in [
            (Way::Components, Action::ByComponents, "Main differences"),
            (Way::Neighbours, Action::ByNeighbours, "Neighbours"),
        ] {
            parts::toggle(ui, text, points.way == way, action, state, commands);
        }
        ui.add_space(8.0);
        for (tool, action, text) in [
            (Tool::Lasso, Action::Lasso, "Lasso"),
            (Tool::Box, Action::BoxPoints, "Box"),
        ] {
            parts::toggle(ui, text, points.tool == tool, action, state, commands);
        }
        ui.add_space(8.0);
        for (action, text) in [
            (Action::PointsIn, "+"),
            (Action::PointsOut, "−"),
            (Action::AllPoints, "All"),
        ] {
            let button = parts::action_button(ui, text, action, state, commands);
            super::super::library::name(&button, action.title());
        }
        let at = state.point_at().is_some();
        ui.add_space(8.0);
        ui.add_enabled_ui(at, |ui| {
            parts::action_button(ui, "Near", Action::NearPoints, state, commands);
        });
    });
    let mut running = state.jobs.running().iter();
    let arranging = running.find(|own| matches!(own.purpose, Purpose::Arrange(_)));
    if let (Way::Neighbours, Some(own)) = (points.way, arranging) {
        ui.horizontal(|ui| {
            ui.spinner();
            parts::soft(ui, format!("Arranging: {}", own.words()));
            if ui.small_button("Stop").clicked() {
                commands.push(Command::Stop(own.ticket));
            }
        });
    } else if points.way == Way::Neighbours && points.arranged.value.is_none() {
        ui.horizontal(|ui| {
            match &points.arranged.failure {
                Some(failure) => ui.colored_label(theme::palette(ui).bad, failure),
                None => parts::soft(ui, "Not arranged to the end."),
            };
            parts::action_button(ui, "Arrange", Action::ArrangePoints, state, commands);
        });
    }
}

impl PointsView {
    /// Makes anew what follows from the points, where these have changed.
    fn prepare(&mut self, state: &State) {
        let points = &state.points;
        let Some(places) = points.places() else {
            return;
        };
        let moved = self.places.changes(Some(places));
        if moved {
            self.grid = Grid::new(places);
        }
        let coloured = self.classes.changes(Some(&points.classes));
        let taken = self.chosen.changes(Some(&points.chosen));
        let hides = std::mem::replace(&mut self.hidden, points.hidden) != points.hidden;
        if moved || coloured || taken || hides || self.drawn.is_none() {
            self.version += 1;
            let slot = |row| points.classes.slot(row);
            let drawn = Drawn::new(places, slot, &points.hidden, &points.chosen, self.version);
            self.drawn = Some(Arc::new(drawn));
        }
    }

    /// Brings a point into view that was chosen elsewhere or by keys.
    fn follow(
        &mut self,
        rect: Rect,
        camera: Camera,
        state: &State,
        commands: &mut Vec<Command>,
    ) -> Camera {
        let at = state.point_at();
        if std::mem::replace(&mut self.shown, at) == at {
            return camera;
        }
        let place = at.and_then(|row| state.points.places()?.get(row).copied());
        match place {
            Some(place) if !rect.shrink(8.0).contains(camera.to_screen(rect, place)) => {
                let camera = camera.showing(rect, place);
                commands.push(Command::Points(PointsCommand::Camera(Some(camera))));
                camera
            }
            _ => camera,
        }
    }

    /// What the pointer does; the point under it.
    fn touch(
        &mut self,
        ui: &Ui,
        response: &Response,
        (camera, whole): (Camera, Camera),
        state: &State,
        commands: &mut Vec<Command>,
    ) -> Option<usize> {
        let (points, rect) = (&state.points, response.rect);
        if response.has_focus() {
            parts::take_arrows(ui, response.id);
        }
        if response.clicked() || response.drag_started() {
            response.request_focus();
        }
        let mut next = camera;
        let draws = points.tool != Tool::Move && !response.dragged_by(PointerButton::Middle);
        match (response.interact_pointer_pos(), draws) {
            (Some(at), true) if response.drag_started() => {
                // Where it was pressed: it is a drag only some way from there.
                let origin = ui.input(|own| own.pointer.press_origin());
                self.line = Vec::from([origin.unwrap_or(at), at]);
            }
            (Some(at), true) if response.dragged() && self.is_far(at) => self.line.push(at),
            (_, true) if response.drag_stopped() => self.choose(ui, rect, camera, state, commands),
            (_, false) if response.dragged() => next = next.moved(response.drag_delta()),
            _ => {}
        }
        if !draws {
            self.line.clear();
        }
        let cursor = match (draws, response.dragged()) {
            (true, _) => CursorIcon::Crosshair,
            (false, true) => CursorIcon::Grabbing,
            (false, false) => CursorIcon::Default,
        };
        let response = response.clone().on_hover_cursor(cursor);
        let at = response.hover_pos()?;
        let (wheel, pinch) = ui.input(|own| (own.smooth_scroll_delta().y, own.zoom_delta()));
        let factor = (wheel * WHEEL).exp() * pinch;
        if factor != 1.0 {
            next = next.zoomed(factor, rect, at, whole);
        }
        if next != camera {
            commands.push(Command::Points(PointsCommand::Camera(Some(next))));
        }
        let places = points.places()?;
        let under = self.grid.nearest(
            places,
            camera.to_place(rect, at),
            REACH / camera.scale,
            |row| points.is_drawn(row),
        );
        if let Some(row) = under {
            if response.double_clicked() {
                commands.push(Command::Points(PointsCommand::Open(row)));
            } else if response.clicked() {
                commands.push(Command::Points(PointsCommand::At(row)));
            }
        }
        under.filter(|_| !response.dragged())
    }

    /// Whether a corner there would be another one than the last.
    fn is_far(&self, at: Pos2) -> bool {
        self.line.last().is_none_or(|own| own.distance(at) > 2.0)
    }

    /// Chooses what was drawn around.
    fn choose(
        &mut self,
        ui: &Ui,
        rect: Rect,
        camera: Camera,
        state: &State,
        commands: &mut Vec<Command>,
    ) {
        let line = std::mem::take(&mut self.line);
        let (Some(places), [first, .., last]) = (state.points.places(), &line[..]) else {
            return;
        };
        let place = |at: &Pos2| camera.to_place(rect, *at);
        let mut rows = match state.points.tool {
            Tool::Box => self.grid.in_box(places, place(first), place(last)),
            _ => {
                let line: Vec<[f32; 2]> = line.iter().map(place).collect();
                self.grid.in_line(places, &line)
            }
        };
        rows.retain(|&row| state.points.is_drawn(row as usize));
        let combine = match ui.input(|own| (own.modifiers.shift, own.modifiers.alt)) {
            (true, _) => Combine::Add,
            (_, true) => Combine::Remove,
            _ => Combine::Replace,
        };
        commands.push(Command::Points(PointsCommand::Choose(rows, combine)));
    }

    fn paint(
        &self,
        ui: &Ui,
        rect: Rect,
        (camera, whole): (Camera, Camera),
        state: &State,
        under: Option<usize>,
    ) {
        let palette = theme::palette(ui);
        let points = &state.points;
        let painter = ui.painter_at(rect);
        painter.rect_filled(rect, 0.0, palette.surface);
        let (Some(places), Some(drawn)) = (points.places(), &self.drawn) else {
            return;
        };
        let style = Style {
            colours: colours(&palette),
            edge: palette.ink,
            radius: radius(drawn.count(), camera.scale / whole.scale, rect),
            faint: if points.chosen.is_empty() { 1.0 } else { FAINT },
        };
        let figure = state.figure.as_ref().map(|(panel, _)| *panel);
        match figure == Some(Panel::Points) {
            // A figure is made of shapes, and what the graphics card draws is none.
            true => shapes(&painter, rect, camera, state, places, &style),
            false => {
                painter.add(gpu::shape(ui.ctx(), rect, drawn, camera, &style));
            }
        }
        let on_screen = |row: usize| places.get(row).map(|own| camera.to_screen(rect, *own));
        if let Some(near) = &points.near.value
            && let Some(from) = on_screen(near.point)
        {
            let stroke = Stroke::new(1.0, palette.accent.gamma_multiply(0.7));
            for own in &near.similar {
                if let Some(to) = on_screen(own.point).filter(|_| points.is_drawn(own.point)) {
                    painter.line_segment([from, to], stroke);
                }
            }
        }
        for (row, width) in [(under, 1.5), (state.point_at(), 2.5)] {
            if let Some(at) = row.and_then(on_screen) {
                let radius = style.radius + 4.0;
                painter.circle_stroke(at, radius + 1.0, Stroke::new(width + 1.5, palette.surface));
                painter.circle_stroke(at, radius, Stroke::new(width, palette.accent));
            }
        }
        self.paint_line(&painter, state, &palette);
        if reading(state).is_some() {
            painter.rect_filled(rect, 0.0, palette.surface.gamma_multiply(0.6));
        }
        let ring = match ui.memory(|own| own.has_focus(plot_id())) {
            true => Stroke::new(1.5, palette.accent),
            false => Stroke::new(1.0, palette.line),
        };
        painter.rect_stroke(rect, 0.0, ring, StrokeKind::Inside);
    }

    /// What is being drawn around points.
    fn paint_line(&self, painter: &egui::Painter, state: &State, palette: &Palette) {
        let [first, .., last] = &self.line[..] else {
            return;
        };
        let stroke = Stroke::new(1.5, palette.accent);
        match state.points.tool {
            Tool::Box => {
                let own = Rect::from_two_pos(*first, *last);
                painter.rect_filled(own, 0.0, palette.accent.gamma_multiply(0.12));
                painter.rect_stroke(own, 0.0, stroke, StrokeKind::Inside);
            }
            _ => {
                painter.add(Shape::closed_line(self.line.clone(), stroke));
            }
        }
    }
}

/// Half the size of a point, in points of the screen: smaller where they are many, larger from near.
fn radius(count: usize, closer: f32, rect: Rect) -> f32 {
    let each = (rect.area() / count.max(1) as f32).sqrt();
    let base = (each * 0.16).clamp(1.4, 4.5);
    (base * closer.max(1.0).powf(0.3)).min(7.0)
}

/// All points as shapes, for a figure.
fn shapes(
    painter: &egui::Painter,
    rect: Rect,
    camera: Camera,
    state: &State,
    places: &[[f32; 2]],
    style: &Style,
) {
    for (row, place) in places.iter().enumerate() {
        let at = camera.to_screen(rect, *place);
        if state.points.is_drawn(row) && rect.contains(at) {
            let slot = state.points.classes.slot(row);
            let kept = state.points.chosen.binary_search(&(row as u32)).is_ok();
            let share = if kept { 1.0 } else { style.faint };
            let colour = style.colours[slot].gamma_multiply(share);
            mark(painter, at, style.radius, slot, colour, false);
        }
    }
}

/// The shape of a class, as the shader draws it.
pub fn mark(
    painter: &egui::Painter,
    at: Pos2,
    radius: f32,
    slot: usize,
    colour: Color32,
    hollow: bool,
) {
    let corners: Vec<Pos2> = match slot {
        10.. => Vec::new(),
        slot => match slot % 5 {
            1 => [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]
                .map(|(x, y)| at + 0.86 * radius * vec2(x, y))
                .to_vec(),
            2 => [(0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)]
                .map(|(x, y)| at + 1.13 * radius * vec2(x, y))
                .to_vec(),
            3 => [(0.0, -1.24), (1.074, 0.62), (-1.074, 0.62)]
                .map(|(x, y)| at + radius * vec2(x, y))
                .to_vec(),
            4 => {
                let thin = 0.36;
                [
                    (-thin, -1.0),
                    (thin, -1.0),
                    (thin, -thin),
                    (1.0, -thin),
                    (1.0, thin),
                    (thin, thin),
                    (thin, 1.0),
                    (-thin, 1.0),
                    (-thin, thin),
                    (-1.0, thin),
                    (-1.0, -thin),
                    (-thin, -thin),
                ]
                .map(|(x, y)| at + radius * vec2(x, y))
                .to_vec()
            }
            _ => Vec::new(),
        },
    };
    let stroke = Stroke::new(1.2, colour);
    match (corners.is_empty(), hollow) {
        (true, false) => {
            painter.circle_filled(at, radius, colour);
        }
        (true, true) => {
            painter.circle_stroke(at, radius, stroke);
        }
        (false, true) => {
            painter.add(Shape::closed_line(corners, stroke));
        }
        (false, false) if slot % 5 == 4 => {
            // A cross is not convex: two bars.
            for size in [vec2(1.0, 0.36), vec2(0.36, 1.0)] {
                let bar = Rect::from_center_size(at, 2.0 * radius * size);
                painter.rect_filled(bar, 0.0, colour);
            }
        }
        (false, false) => {
            painter.add(Shape::convex_polygon(corners, colour, Stroke::NONE));
        }
    }
}

/// What a screen reader says of the plot: how many points, and which is chosen.
fn describe(response: &Response, map: &PointMap, state: &State) {
    let (_, what) = unit_name(map.of.unit);
    let at = state
        .point_at()
        .and_then(|row| map.text(row, &state.library));
    let at = match at {
        Some((text, place)) => {
            let text: String = one_line(&text).chars().take(LETTERS).collect();
            format!("; at “{text}”, {place}")
        }
        None => String::new(),
    };
    let said = format!("{} as points: {}{at}", what, thousands(map.count()));
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &said));
}

/// The text of the point under the pointer.
fn hint(response: &Response, map: &PointMap, row: usize, state: &State) {
    let Some((text, place)) = map.text(row, &state.library) else {
        return;
    };
    let text = one_line(&text);
    let more = text.chars().count() > LETTERS;
    let mut text: String = text.chars().take(LETTERS).collect();
    if more {
        text.push('…');
    }
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
fn said(ui: &mut Ui, map: &PointMap, state: &State) {
    let points = &state.points;
    let unit = unit_name(map.of.unit).0;
    let share = 100.0 * map.points.explained.iter().sum::<f64>();
    let meaning = match points.way {
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
    if map.points.random_weights {
        first += " · random weights: it means nothing";
    }
    ui.add(egui::Label::new(RichText::new(first).small()).truncate());
    parts::soft(ui, meaning);
}

fn counted_points(map: &PointMap, unit: &str, chosen: usize) -> String {
    let mut words = match map.count() {
        1 => counted(1, unit),
        count => format!("{} {unit}s", thousands(count)),
    };
    if !map.points.complete {
        words += ", not all: it was ended before";
    }
    if chosen > 0 {
        words += &format!(" · {} chosen", thousands(chosen));
    }
    words
}
