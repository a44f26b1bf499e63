//! Rows of cells under names, each row one thing that can be chosen.

use eframe::egui::{
    self, Align2, Color32, FontId, Rect, Response, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui,
    WidgetInfo, pos2, vec2,
};

use crate::app::theme;

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// What stands above it.
    pub name: &'static str,
    /// Its part of the width.
    pub share: f32,
    /// Whether it holds numbers, which stand at the right.
    pub number: bool,
}

/// A column of words.
pub const fn of_words(name: &'static str, share: f32) -> Column {
    Column {
        name,
        share,
        number: false,
    }
}

/// A column of numbers.
pub const fn of_numbers(name: &'static str, share: f32) -> Column {
    Column {
        name,
        share,
        number: true,
    }
}

/// Height of a row.
pub const ROW: f32 = 26.0;

fn places(rect: Rect, columns: &[Column]) -> Vec<Rect> {
    let all: f32 = columns.iter().map(|own| own.share).sum();
    let mut left = rect.min.x + 6.0;
    let width = rect.width() - 12.0;
    columns
        .iter()
        .map(|own| {
            let part = width * own.share / all.max(1e-6);
            let place = Rect::from_min_max(pos2(left, rect.min.y), pos2(left + part, rect.max.y));
            left += part;
            place.shrink2(vec2(6.0, 0.0))
        })
        .collect()
}

fn cell(ui: &Ui, place: Rect, number: bool, text: &str, font: FontId, colour: Color32) {
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, colour);
    job.wrap = egui::text::TextWrapping::truncate_at_width(place.width());
    let galley = ui.painter().layout_job(job);
    let (align, at) = match number {
        true => (Align2::RIGHT_CENTER, place.right_center()),
        false => (Align2::LEFT_CENTER, place.left_center()),
    };
    let rect = align.anchor_size(at, galley.size());
    ui.painter().galley(rect.min, galley, colour);
}

/// The names of the columns.
pub fn head(ui: &mut Ui, columns: &[Column]) {
    let width = ui.available_width();
    head_of(ui, columns, width);
}

/// The width under which the cells of these columns would be cut.
pub fn least(columns: &[Column]) -> f32 {
    const OF_SHARE: f32 = 60.0;
    OF_SHARE * columns.iter().map(|own| own.share).sum::<f32>()
}

/// The names of the columns above rows that are scrolled by themselves where they are higher than
/// `tall`; of those in sight `line` is told the number. The width of the rows.
pub fn scrolled(
    ui: &mut Ui,
    id: &str,
    columns: &[Column],
    rows: usize,
    tall: f32,
    line: &mut dyn FnMut(&mut Ui, usize),
) -> f32 {
    let gap = ui.spacing().item_spacing.y;
    let scrolls = rows as f32 * (ROW + gap) - gap > tall;
    // Names stand above their cells, which leave room for the bar.
    let bar = if scrolls {
        ui.spacing().scroll.allocated_width()
    } else {
        0.0
    };
    let width = ui.available_width() - bar;
    head_of(ui, columns, width);
    ScrollArea::vertical()
        .id_salt(id)
        .max_height(tall)
        .min_scrolled_height(tall)
        .auto_shrink([false, true])
        .show_rows(ui, ROW, rows, |ui, shown| {
            shown.for_each(|own| line(ui, own));
        });
    width
}

fn head_of(ui: &mut Ui, columns: &[Column], width: f32) {
    let palette = theme::palette(ui);
    let size = vec2(width, 20.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    for (own, place) in columns.iter().zip(places(rect, columns)) {
        cell(
            ui,
            place,
            own.number,
            own.name,
            theme::strong(11.5),
            palette.soft,
        );
    }
    let line = Stroke::new(1.0, palette.line);
    ui.painter().hline(rect.x_range(), rect.max.y, line);
    let names: Vec<&str> = columns.iter().map(|own| own.name).collect();
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, names.join(", ")));
}

/// A row; a cell for each column.
pub fn row(ui: &mut Ui, columns: &[Column], cells: &[String], chosen: bool) -> Response {
    draw(ui, columns, cells, chosen, Sense::click())
}

/// A row that is only read.
pub fn read_row(ui: &mut Ui, columns: &[Column], cells: &[String]) {
    draw(ui, columns, cells, false, Sense::hover());
}

fn draw(ui: &mut Ui, columns: &[Column], cells: &[String], chosen: bool, sense: Sense) -> Response {
    let palette = theme::palette(ui);
    let size = vec2(ui.available_width(), ROW);
    let (rect, response) = ui.allocate_exact_size(size, sense);
    if ui.is_rect_visible(rect) {
        let fill = match (chosen, response.hovered() && sense.senses_click()) {
            (true, _) => palette.accent_soft,
            (false, true) => theme::mix(palette.chrome, palette.ink, 0.06),
            (false, false) => Color32::TRANSPARENT,
        };
        ui.painter().rect_filled(rect, 5.0, fill);
        if response.has_focus() {
            let ring = Stroke::new(1.5, palette.accent);
            ui.painter()
                .rect_stroke(rect, 5.0, ring, StrokeKind::Inside);
        }
        let font = FontId::proportional(12.5);
        let places = places(rect, columns);
        for ((own, text), place) in columns.iter().zip(cells).zip(places) {
            cell(ui, place, own.number, text, font.clone(), palette.ink);
        }
    }
    response.widget_info(|| {
        let pairs = columns.iter().zip(cells);
        let said: Vec<String> = pairs
            .filter(|(_, text)| !text.is_empty())
            .map(|(own, text)| match own.name {
                "" => text.clone(),
                name => format!("{name} {text}"),
            })
            .collect();
        match sense.senses_click() {
            true => WidgetInfo::selected(Role::Button, true, chosen, said.join(", ")),
            false => WidgetInfo::labeled(Role::Label, true, said.join(", ")),
        }
    });
    response
}
