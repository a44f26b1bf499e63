//! The timeline: a place for each frame, by its step.

use eframe::egui::{
    Key, Modifiers, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::{caption, watch};
use crate::app::command::Command;
use crate::app::theme;
use crate::app::train::watch::WatchAsk;
use crate::app::widgets::parts;
use crate::engine::Film;

/// Height of the timeline, in points.
const HEIGHT: f32 = 26.0;

/// Room for half of the handle at both ends.
const END: f32 = 9.0;

/// Draws it, and asks for the frame that a person goes to.
pub fn ui(ui: &mut Ui, film: &Film, place: usize, commands: &mut Vec<Command>) {
    let size = vec2(ui.available_width(), HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    let said = format!(
        "Frames of the run: {}. Arrows go from frame to frame, Home and End to the ends",
        caption(film, place)
    );
    let value = film.frames[place].step as f64;
    response.widget_info(|| WidgetInfo::slider(true, value, &said));
    let line = rect.shrink2(vec2(END, 0.0));
    let across = |place: usize| line.min.x + line.width() * share(film, place);
    let mut to = walk(ui, &response, place, film.frames.len() - 1);
    if let Some(pointer) = response.interact_pointer_pos() {
        response.request_focus();
        let near = |own: &usize| (across(*own) - pointer.x).abs();
        to = (0..film.frames.len())
            .min_by(|a, b| near(a).total_cmp(&near(b)))
            .unwrap_or(place);
    }
    if to != place {
        watch(commands, WatchAsk::Play(false));
        // At the end the newest is followed.
        let newest = to + 1 == film.frames.len();
        let step = (!newest).then(|| film.frames[to].step);
        watch(commands, WatchAsk::Frame(step));
    }
    draw(ui, rect, line, film, place, response.has_focus());
}

/// Where a frame stands, from 0 to 1.
fn share(film: &Film, place: usize) -> f32 {
    let step = |own: usize| film.frames[own].step as f32;
    let (first, last) = (step(0), step(film.frames.len() - 1));
    match last > first {
        true => (step(place) - first) / (last - first),
        false => 0.0,
    }
}

/// The frame that the keys go to.
fn walk(ui: &Ui, response: &Response, place: usize, last: usize) -> usize {
    if !response.has_focus() {
        return place;
    }
    parts::take_arrows(ui, response.id);
    let keys = [
        (Key::ArrowLeft, place.saturating_sub(1)),
        (Key::ArrowRight, (place + 1).min(last)),
        (Key::Home, 0),
        (Key::End, last),
    ];
    ui.input_mut(|own| {
        let pressed = keys
            .iter()
            .find(|(key, _)| own.consume_key(Modifiers::NONE, *key));
        pressed.map_or(place, |(_, to)| *to)
    })
}

fn draw(ui: &Ui, rect: Rect, line: Rect, film: &Film, place: usize, focus: bool) {
    let palette = theme::palette(ui);
    let painter = ui.painter_at(rect);
    let middle = rect.center().y;
    let across = |place: usize| line.min.x + line.width() * share(film, place);
    let bar =
        |from: f32, to: f32| Rect::from_min_max(pos2(from, middle - 2.0), pos2(to, middle + 2.0));
    let back = theme::mix(palette.surface, palette.ink, 0.14);
    painter.rect_filled(bar(line.min.x, line.max.x), 2.0, back);
    let at = across(place);
    painter.rect_filled(bar(line.min.x, at), 2.0, palette.accent);
    for own in 0..film.frames.len() {
        let x = across(own);
        let colour = if own <= place {
            palette.accent
        } else {
            palette.soft
        };
        let tick = [pos2(x, middle - 6.0), pos2(x, middle + 6.0)];
        painter.line_segment(tick, Stroke::new(1.0, colour));
    }
    painter.circle(
        pos2(at, middle),
        7.0,
        palette.surface,
        Stroke::new(2.5, palette.accent),
    );
    if focus {
        let ring = Stroke::new(1.5, palette.accent);
        painter.rect_stroke(rect.shrink(1.0), 6.0, ring, StrokeKind::Inside);
    }
}
