//! The picture of a map, and what is drawn over it.

use std::sync::Arc;

use eframe::egui::{
    self, Color32, ColorImage, ImageData, Pos2, Rect, Stroke, StrokeKind, TextureFilter,
    TextureHandle, TextureOptions, Ui, pos2, vec2,
};

use super::MapView;
use crate::app::state::State;
use crate::app::theme::{self, Palette};
use crate::app::viewport::Viewport;
use crate::app::widgets::same::Of;
use crate::engine::{AttentionCell, AttentionMap};

/// A map as a texture.
pub(super) struct Picture {
    of: Of<AttentionMap>,
    most: f32,
    surface: Color32,
    pub(super) image: Arc<ColorImage>,
    pub(super) texture: TextureHandle,
}

impl MapView {
    pub(super) fn draw(
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
