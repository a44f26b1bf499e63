//! The map of one head, from the whole note to a single value.

mod drawing;
mod touch;
mod words;

use std::ops::Range;
use std::sync::Arc;

use eframe::egui::scroll_area::ScrollSource;
use eframe::egui::{
    CursorIcon, Rect, Response, RichText, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui,
    WidgetInfo, vec2,
};

use self::drawing::Picture;
use self::words::{said, table};
use super::View;
use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::figure::Pictures;
use crate::app::jobs::Purpose;
use crate::app::results::{MapPart, MapState};
use crate::app::state::{OnView, State};
use crate::app::theme;
use crate::app::viewport::Viewport;
use crate::app::widgets::parts;
use crate::engine::{AttentionMap, Block, HeadPlace};

/// The panel.
#[derive(Default)]
pub struct MapView {
    whole: Option<Picture>,
    part: Option<Picture>,
    /// The value at which the colour is as strong as it gets, where it is kept from head to head.
    kept: Option<f32>,
}

/// Space under the map, for what is said of it.
const UNDER: f32 = 56.0;

/// Side of the map at least.
const LEAST: f32 = 140.0;

impl View for MapView {
    fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        let (Some(view), Some(model)) = (&state.on_view, state.model.info()) else {
            let text = "One head as an image: what each token looks at, down to a single value.";
            controls::empty(ui, "Nothing to look at", text, None, commands);
            return;
        };
        let of = state.lens.head(model);
        let bottom = ui.max_rect().max.y;
        // The wheel comes closer; where there is little room the bar beside it scrolls.
        let source = ScrollSource {
            mouse_wheel: false,
            ..ScrollSource::default()
        };
        let area = ScrollArea::vertical().id_salt("map").auto_shrink(false);
        area.scroll_source(source).show(ui, |ui| {
            self.bar(ui, state, of, commands);
            self.content(ui, bottom, view, of, state, commands);
        });
    }

    fn numbers(&self, state: &State) -> Option<String> {
        let results = state.results()?;
        let text = state.on_view.as_ref()?.note.text();
        let view = state.map_view();
        let part = results.part.value.as_ref();
        let map = results.map.value.as_ref()?;
        let [rows, columns] = [view.top, view.left].map(|own| {
            let last = (own + view.tokens).ceil() as usize;
            own as usize..last.min(map.spans.len())
        });
        let covers =
            |all: &Range<usize>, own: &Range<usize>| all.start <= own.start && own.end <= all.end;
        let fine = part.filter(|own| {
            let same = (own.side, own.of, own.block) == (view.side(), map.of, map.block);
            same && covers(&own.rows, &rows) && covers(&own.columns, &columns)
        });
        Some(table(fine.unwrap_or(map), [rows, columns], text))
    }

    fn pictures(&self) -> Pictures {
        let own = [&self.whole, &self.part].into_iter().flatten();
        own.map(|own| (own.texture.id(), Arc::clone(&own.image)))
            .collect()
    }

    fn help(&self) -> &'static str {
        "Drag to move, turn the wheel to come closer, double-click to go to what is under the pointer. \
         Rows are tokens that look, columns those looked at. A click chooses both words of a value: the \
         one that looks is selected in the text, the other gets a frame. By keys: + and − come closer \
         and go farther, arrows move the map when it has the focus, Enter chooses what is in its middle, W shows all of the note, Z goes to where the selection looks most."
    }
}

/// The finest part that should be drawn next, if it is not there.
fn wanted(state: &State, of: HeadPlace) -> Option<MapPart> {
    let results = state.results()?;
    let chosen = state.selection.bytes().unwrap_or(0..0);
    let several = state.tokens().is_some_and(|own| own.windows.len() > 1);
    let map = results.map.value.as_ref();
    // Of a note in several windows that of the selection is drawn.
    let map = map.filter(|own| !several || chosen.is_empty() || own.rows_of(&chosen).is_some());
    let tokens = match map {
        Some(map) => map.spans.len(),
        None => {
            let coverage = &state.tokens()?.coverage;
            coverage.tokens.min(coverage.max_tokens)
        }
    };
    let all = Viewport::whole(tokens);
    let block = state.map.block;
    let whole = MapPart {
        of,
        rows: 0..tokens,
        columns: 0..tokens,
        side: all.side(),
        block,
        near: if several { chosen } else { 0..0 },
    };
    let Some(map) = map.filter(|own| whole.is_in(own)) else {
        return Some(whole);
    };
    let view = state.map_view();
    if view.side() == map.side {
        return None;
    }
    let [rows, columns] = view.part(tokens);
    let part = MapPart {
        rows,
        columns,
        side: view.side(),
        near: window(map),
        ..whole
    };
    match results
        .part
        .value
        .as_ref()
        .is_some_and(|own| part.is_in(own))
    {
        true => None,
        false => Some(part),
    }
}

/// The bytes that the window of a map reads.
fn window(map: &AttentionMap) -> Range<usize> {
    let own = map.spans.iter().filter(|own| !own.is_empty());
    let first = own.clone().next().map_or(0, |own| own.start);
    first..own.map(|own| own.end).max().unwrap_or(first)
}

fn largest(map: &AttentionMap) -> f32 {
    map.values.iter().copied().fold(0.0, f32::max).max(1e-9)
}

impl MapView {
    /// All but the bar over it, down to `bottom`.
    fn content(
        &mut self,
        ui: &mut Ui,
        bottom: f32,
        view: &OnView,
        of: HeadPlace,
        state: &State,
        commands: &mut Vec<Command>,
    ) {
        let palette = theme::palette(ui);
        let results = state.results();
        let failure = results.and_then(|own| own.map.failure.as_ref());
        if let Some(failure) = failure {
            ui.label(RichText::new(failure).color(palette.bad));
        }
        let wanted = wanted(state, of);
        let busy = (state.jobs).is_running(|own| matches!(own, Purpose::Map(_)));
        if let Some(wanted) = &wanted {
            let asked = Some((view.key, wanted.clone()));
            if !busy && state.map_asked != asked {
                commands.push(Command::Map(wanted.clone()));
            }
        }
        let again_wanted = wanted.clone().filter(|_| !busy);
        let Some(map) = results.and_then(|own| own.map.value.clone()) else {
            match (busy, wanted) {
                (false, Some(wanted)) if state.map_asked.is_some() => {
                    let action = ("Draw the map", Command::Map(wanted));
                    let text = "What each token of the note looks at.";
                    controls::empty(ui, "Not drawn", text, Some(action), commands);
                }
                _ => {
                    let text = "The note goes through the model once.";
                    controls::empty(ui, "Drawing…", text, None, commands);
                }
            }
            return;
        };
        let height = bottom - ui.cursor().min.y - UNDER;
        let side = ui.available_width().min(height).max(LEAST);
        let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::click_and_drag());
        let part = results.and_then(|own| own.part.value.clone());
        let part = part.filter(|own| own.of == map.of && own.block == map.block);
        let most = match self.kept {
            Some(kept) => kept,
            None => largest(&map),
        };
        self.draw(ui, rect, state, &map, part.as_ref(), most);
        if map.of != of || map.block != state.map.block {
            // Another head is on its way, unless that was stopped.
            let veil = palette.chrome.gamma_multiply(0.6);
            ui.painter().rect_filled(rect, 0.0, veil);
            let again = Rect::from_center_size(rect.center(), vec2(120.0, 30.0));
            if let Some(wanted) = again_wanted
                && ui.put(again, parts::primary(ui, "Draw the map")).clicked()
            {
                commands.push(Command::Map(wanted));
            }
        }
        let response = response.on_hover_cursor(CursorIcon::Crosshair);
        describe(&response, &map, state);
        self.touch(ui, rect, &response, state, &map, commands);
        if response.has_focus() {
            let ring = Stroke::new(1.5, palette.accent);
            ui.painter()
                .rect_stroke(rect, 0.0, ring, StrokeKind::Inside);
        }
        said(ui, state, &map, view.note.text(), most);
    }

    /// Which head, and how it is looked at.
    fn bar(&mut self, ui: &mut Ui, state: &State, of: HeadPlace, commands: &mut Vec<Command>) {
        let local = (state.model.info()).and_then(|own| own.local.get(of.layer).copied());
        let local = local.unwrap_or(false);
        let kind = if local { "local" } else { "global" };
        let name = format!("Layer {}, head {}", of.layer + 1, of.head + 1);
        let results = state.results();
        let map = results.and_then(|own| own.map.value.as_ref());
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(name).font(theme::strong(13.5)));
            let first = match state.lens.is_single() {
                true => kind.to_owned(),
                false => format!("{kind}, first of the lens"),
            };
            parts::soft(ui, first);
            let mut keep = self.kept.is_some();
            let kept = ui.checkbox(&mut keep, RichText::new("Keep range").small());
            let kept =
                kept.on_hover_text("The same colour stands for the same value in every head");
            parts::name(&kept, "Keep the range of the map");
            if kept.changed() {
                self.kept = map.filter(|_| keep).map(|own| largest(own));
            }
        });
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            ui.spacing_mut().button_padding.x = 7.0;
            for (action, text) in [
                (Action::MapIn, "+"),
                (Action::MapOut, "−"),
                (Action::MapWhole, "All"),
                (Action::MapToSelection, "Selection"),
            ] {
                let button = controls::action_button(ui, text, action, state, commands);
                parts::name(&button, action.title());
            }
            ui.add_space(6.0);
            for (block, text, said) in [
                (Block::Max, "Largest", "A point is the largest value in it"),
                (
                    Block::Mean,
                    "Mean",
                    "A point is the mean of the values in it",
                ),
            ] {
                let button = ui.selectable_label(state.map.block == block, text);
                if button.on_hover_text(said).clicked() {
                    let map = MapState {
                        block,
                        ..state.map.clone()
                    };
                    commands.push(Command::MapView(map));
                }
            }
        });
    }
}

fn describe(response: &Response, map: &AttentionMap, state: &State) {
    let view = state.map_view();
    let end = |first: f64| (first + view.tokens).round();
    let said = format!(
        "Map of layer {}, head {}: tokens {} to {} look at {} to {}",
        map.of.layer + 1,
        map.of.head + 1,
        view.top.round(),
        end(view.top),
        view.left.round(),
        end(view.left)
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &said));
}
