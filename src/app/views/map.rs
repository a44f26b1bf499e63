//! The map of one head, from the whole note to a single value.

use std::fmt::Write;
use std::ops::Range;
use std::sync::Arc;

use eframe::egui::scroll_area::ScrollSource;
use eframe::egui::{
    self, Color32, ColorImage, CursorIcon, ImageData, Key, Modifiers, PointerButton, Pos2, Rect,
    Response, RichText, Role, ScrollArea, Sense, Stroke, StrokeKind, TextureFilter, TextureHandle,
    TextureOptions, Ui, WidgetInfo, pos2, vec2,
};

use super::View;
use crate::app::command::{Action, Command};
use crate::app::figure::Pictures;
use crate::app::jobs::Purpose;
use crate::app::moving;
use crate::app::state::{MapPart, MapState, OnView, State};
use crate::app::theme::{self, Palette};
use crate::app::viewport::Viewport;
use crate::app::widgets::parts::{self, thousands};
use crate::app::widgets::same::Of;
use crate::engine::{AttentionCell, AttentionMap, Block, HeadPlace};

/// The panel.
#[derive(Default)]
pub struct MapView {
    whole: Option<Picture>,
    part: Option<Picture>,
    /// The value at which the colour is as strong as it gets, where it is kept from head to head.
    kept: Option<f32>,
}

/// A map as a texture.
struct Picture {
    of: Of<AttentionMap>,
    most: f32,
    surface: Color32,
    image: Arc<ColorImage>,
    texture: TextureHandle,
}

/// Space under the map, for what is said of it.
const UNDER: f32 = 56.0;

/// Side of the map at least.
const LEAST: f32 = 140.0;

/// How much closer a step of the wheel goes, as a power of e for each point.
const WHEEL: f32 = 1.0 / 160.0;

impl View for MapView {
    fn ui(&mut self, ui: &mut Ui, state: &mut State, commands: &mut Vec<Command>) {
        let state = &*state;
        let (Some(view), Some(model)) = (&state.on_view, state.model.info()) else {
            let text = "One head as an image: what each token looks at, down to a single value.";
            parts::empty(ui, "Nothing to look at", text, None, commands);
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
                    parts::empty(ui, "Not drawn", text, Some(action), commands);
                }
                _ => {
                    let text = "The note goes through the model once.";
                    parts::empty(ui, "Drawing…", text, None, commands);
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
                let button = parts::action_button(ui, text, action, state, commands);
                super::library::name(&button, action.title());
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

    fn draw(
        &mut self,
        ui: &Ui,
        rect: Rect,
        state: &State,
        map: &Arc<AttentionMap>,
        part: Option<&Arc<AttentionMap>>,
        most: f32,
    ) {
        let palette = theme::palette(ui);
        let painter = ui.painter_at(rect);
        painter.rect_filled(rect, 0.0, palette.surface);
        let view = state.map_view();
        let shown = [
            (Some(map), &mut self.whole),
            (part.filter(|own| own.side < map.side), &mut self.part),
        ];
        for (own, picture) in shown {
            let Some(own) = own else {
                continue;
            };
            let stale = |picture: &Picture| {
                !picture.of.is(own) || picture.most != most || picture.surface != palette.surface
            };
            if picture.as_ref().is_none_or(stale) {
                let options = TextureOptions {
                    magnification: TextureFilter::Nearest,
                    ..TextureOptions::LINEAR
                };
                let image = Arc::new(image(own, most, &palette));
                let pixels = ImageData::Color(Arc::clone(&image));
                *picture = Some(Picture {
                    of: Of::new(own),
                    most,
                    surface: palette.surface,
                    image,
                    texture: ui.ctx().load_texture("map", pixels, options),
                });
            }
            if let Some(picture) = picture {
                let [down, across] = own.shape();
                let ends = [
                    own.rows.start + down * own.side,
                    own.columns.start + across * own.side,
                ];
                let area = Rect::from_min_max(
                    place(rect, view, own.rows.start as f64, own.columns.start as f64),
                    place(rect, view, ends[0] as f64, ends[1] as f64),
                );
                let all = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
                painter.image(picture.texture.id(), area, all, Color32::WHITE);
            }
        }
        // The chosen tokens as a row and a column.
        let chosen = state.looked_at().and_then(|bytes| map.rows_of(&bytes));
        if let Some(rows) = chosen {
            let edges = |from: f64, to: f64| {
                let [a, b] = [place(rect, view, from, from), place(rect, view, to, to)];
                (a, pos2(b.x.max(a.x + 1.5), b.y.max(a.y + 1.5)))
            };
            let (a, b) = edges(rows.start as f64, rows.end as f64);
            let line = Stroke::new(1.0, palette.accent);
            for band in [
                Rect::from_min_max(pos2(rect.min.x, a.y), pos2(rect.max.x, b.y)),
                Rect::from_min_max(pos2(a.x, rect.min.y), pos2(b.x, rect.max.y)),
            ] {
                painter.rect_stroke(band, 0.0, line, StrokeKind::Outside);
            }
        }
        let cell = state.results().and_then(|own| own.cell.value.as_ref());
        if let Some(cell) = cell.filter(|own| own.of == map.of) {
            ring(&painter, rect, view, cell, &palette);
        }
        let edge = Stroke::new(1.0, palette.line);
        ui.painter()
            .rect_stroke(rect, 0.0, edge, StrokeKind::Outside);
    }

    fn touch(
        &mut self,
        ui: &Ui,
        rect: Rect,
        response: &Response,
        state: &State,
        map: &AttentionMap,
        commands: &mut Vec<Command>,
    ) {
        let (view, tokens) = (state.map_view(), map.spans.len());
        let mut next = view;
        let share = |at: Pos2| {
            let own = (at - rect.min) / rect.size();
            [f64::from(own.y), f64::from(own.x)]
        };
        if response.dragged_by(PointerButton::Primary) {
            let by = response.drag_delta() / rect.size();
            next = next.moved([f64::from(-by.y), f64::from(-by.x)], tokens);
        }
        if response.has_focus() {
            parts::take_arrows(ui, response.id);
            let steps = [
                (Key::ArrowUp, [-0.25, 0.0]),
                (Key::ArrowDown, [0.25, 0.0]),
                (Key::ArrowLeft, [0.0, -0.25]),
                (Key::ArrowRight, [0.0, 0.25]),
            ];
            for (key, by) in steps {
                if ui.input_mut(|own| own.consume_key(Modifiers::NONE, key)) {
                    next = next.moved(by, tokens);
                }
            }
            // Without a pointer what is in the middle is read.
            if response.hover_pos().is_none() {
                self.read(view, [0.5, 0.5], state, map, commands);
                if ui.input_mut(|own| own.consume_key(Modifiers::NONE, Key::Enter)) {
                    commands.push(Command::ChooseCell);
                }
            }
        }
        if let Some(at) = response.hover_pos() {
            let (wheel, pinch) = ui.input(|own| (own.smooth_scroll_delta().y, own.zoom_delta()));
            let factor = f64::from((wheel * WHEEL).exp() * pinch);
            if factor != 1.0 {
                next = next.zoomed(factor, share(at), tokens);
            }
            if response.double_clicked() {
                next = next.zoomed(4.0, share(at), tokens);
            }
            self.read(view, share(at), state, map, commands);
            if response.clicked() {
                commands.push(Command::ChooseCell);
            }
        }
        if next != view {
            let map = MapState {
                view: Some(next),
                ..state.map.clone()
            };
            commands.push(Command::MapView(map));
        }
    }
}

impl MapView {
    /// Asks for the value of the block at a point of the view.
    fn read(
        &mut self,
        view: Viewport,
        at: [f64; 2],
        state: &State,
        map: &AttentionMap,
        commands: &mut Vec<Command>,
    ) {
        let (side, tokens) = (view.side(), map.spans.len());
        let block = view.at(at).map(|own| own.max(0.0) as usize / side * side);
        if block.iter().any(|first| *first >= tokens) {
            return;
        }
        let [rows, columns] = block.map(|first| first..(first + side).min(tokens));
        let part = MapPart {
            of: map.of,
            rows,
            columns,
            side,
            block: map.block,
            near: window(map),
        };
        let busy = (state.jobs).is_running(|own| matches!(own, Purpose::Cell(_)));
        let asked = state.cell_asked.as_ref().map(|(_, part)| part);
        if !busy && asked != Some(&part) {
            commands.push(Command::Cell(part));
        }
    }
}

/// A row and a column as a point.
fn place(rect: Rect, view: Viewport, row: f64, column: f64) -> Pos2 {
    let [down, across] = view.place(row, column);
    rect.min + vec2(across * rect.width(), down * rect.height())
}

/// A frame around a value, large enough to be seen.
fn ring(
    painter: &egui::Painter,
    rect: Rect,
    view: Viewport,
    cell: &AttentionCell,
    palette: &Palette,
) {
    let (row, column) = (cell.row as f64, cell.column as f64);
    let own = Rect::from_min_max(
        place(rect, view, row, column),
        place(rect, view, row + 1.0, column + 1.0),
    );
    let own = Rect::from_center_size(own.center(), own.size().max(vec2(7.0, 7.0)));
    let (ink, halo) = (
        Stroke::new(1.5, palette.ink),
        Stroke::new(1.5, palette.surface),
    );
    painter.rect_stroke(own, 1.0, halo, StrokeKind::Outside);
    painter.rect_stroke(own, 1.0, ink, StrokeKind::Inside);
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

/// The value that was read, and what the colours stand for.
fn said(ui: &mut Ui, state: &State, map: &AttentionMap, text: &str, most: f32) {
    let cell = state.results().and_then(|own| own.cell.value.as_ref());
    let line = match cell.filter(|own| own.of == map.of) {
        Some(cell) => format!(
            "“{}” looks at “{}”: {:.4}, rank {} of {}",
            word(map, text, cell.row),
            word(map, text, cell.column),
            cell.value,
            thousands(cell.rank),
            thousands(cell.seen)
        ),
        None => "Rows look, columns are looked at".to_owned(),
    };
    ui.add(egui::Label::new(RichText::new(line)).truncate());
    let side = state.map_view().side();
    let point = match (side, map.block) {
        (1, _) => "A point is one value".to_owned(),
        (side, Block::Max) => format!("A point is the largest of {side} × {side}"),
        (side, Block::Mean) => format!("A point is the mean of {side} × {side}"),
    };
    ui.horizontal(|ui| {
        parts::legend(ui, &format!("{most:.4}"), parts::Scale::Root);
        let said = RichText::new(point).small().color(theme::palette(ui).soft);
        let said = ui.add(egui::Label::new(said).truncate());
        said.on_hover_text(format!(
            "Of {} tokens. Colours go by the square root of the value.",
            thousands(map.spans.len())
        ));
    });
}

/// A token as a person reads it.
fn word(map: &AttentionMap, text: &str, row: usize) -> String {
    let span = map.spans.get(row).cloned().unwrap_or(0..0);
    if span.is_empty() {
        return match row {
            0 => "[CLS]".to_owned(),
            _ => "[SEP]".to_owned(),
        };
    }
    let own = text.get(span).unwrap_or_default();
    match (own.trim(), own.contains('\n')) {
        ("", true) => "⏎".to_owned(),
        ("", false) => "space".to_owned(),
        (own, _) => own.to_owned(),
    }
}

/// The colours of a map. The square root lifts small values, which otherwise could not be told from
/// none.
fn image(map: &AttentionMap, most: f32, palette: &Palette) -> ColorImage {
    let [down, across] = map.shape();
    let shades: Vec<Color32> = (0..=255)
        .map(|step| theme::heat(palette, step as f32 / 255.0))
        .collect();
    let points = map.values.iter().map(|value| {
        let share = (value / most).sqrt().clamp(0.0, 1.0);
        shades[(share * 255.0).round() as usize]
    });
    ColorImage::new([across, down], points.collect())
}

/// The blocks on the screen, with the tokens at which they begin.
fn table(map: &AttentionMap, [rows, columns]: [Range<usize>; 2], text: &str) -> String {
    let [down, across] = map.shape();
    let blocks = |own: &Range<usize>, all: &Range<usize>, most: usize| {
        let first = own.start.saturating_sub(all.start) / map.side;
        let end = own
            .end
            .saturating_sub(all.start)
            .div_ceil(map.side)
            .min(most);
        first.min(end)..end
    };
    let rows = blocks(&rows, &map.rows, down);
    let columns = blocks(&columns, &map.columns, across);
    let name = |first: usize, number: usize| {
        let row = first + number * map.side;
        let own = word(map, text, row);
        format!("{row} {}", moving::one_line(&own))
    };
    let mut out = String::from("looks \\ is looked at");
    for column in columns.clone() {
        let _ = write!(out, "\t{}", name(map.columns.start, column));
    }
    for row in rows {
        let _ = write!(out, "\n{}", name(map.rows.start, row));
        for column in columns.clone() {
            let _ = write!(out, "\t{}", map.values[row * across + column]);
        }
    }
    out.push('\n');
    out
}
