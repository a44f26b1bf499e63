//! Small pieces that several views are made of.

use eframe::egui::{
    self, Align, Color32, CornerRadius, Layout, Rect, Response, RichText, Role, Sense, Stroke,
    StrokeKind, Ui, WidgetInfo, vec2,
};

use crate::app::theme;

/// The button of the one thing to do.
pub fn primary<'a>(ui: &Ui, name: &'a str) -> egui::Button<'a> {
    let palette = theme::palette(ui);
    let text = RichText::new(name)
        .color(palette.on_accent)
        .font(theme::strong(13.5));
    egui::Button::new(text)
        .fill(palette.accent)
        .stroke(Stroke::NONE)
        .min_size(vec2(0.0, 30.0))
}

/// A small heading.
pub fn heading(ui: &mut Ui, text: &str) -> Response {
    let palette = theme::palette(ui);
    ui.label(
        RichText::new(text)
            .font(theme::strong(12.0))
            .color(palette.soft),
    )
}

/// Text that is second.
pub fn soft(ui: &mut Ui, text: impl Into<String>) -> Response {
    let palette = theme::palette(ui);
    ui.label(RichText::new(text).small().color(palette.soft))
}

/// The same in one line, cut where there is no room; the whole where the pointer rests.
pub fn soft_truncated(ui: &mut Ui, text: impl Into<String>) -> Response {
    let palette = theme::palette(ui);
    let text = RichText::new(text).small().color(palette.soft);
    ui.add(egui::Label::new(text).truncate())
}

/// Whether a widget has the focus that goes somewhere by the arrows itself.
pub fn arrows_are_held(ui: &Ui) -> bool {
    let id = ui.memory(|own| own.focused());
    id.is_some_and(|id| {
        ui.data(|own| own.get_temp::<bool>(id.with(ARROWS)))
            .is_some()
    })
}

/// Takes the arrows for this widget while it has the focus.
pub fn take_arrows(ui: &Ui, id: egui::Id) {
    hold_arrows(ui, id);
    ui.data_mut(|own| own.insert_temp(id.with(ARROWS), true));
}

/// A slider behind its name, or below it where it has no room, moved by the arrows while it has the
/// focus.
pub fn slider(ui: &mut Ui, text: &str, own: egui::Slider<'_>) -> Response {
    // With its number, which can be typed.
    const WIDTH: f32 = 180.0;
    let font = egui::TextStyle::Body.resolve(ui.style());
    let words = ui
        .painter()
        .layout_no_wrap(text.to_owned(), font, egui::Color32::BLACK);
    let fits = words.size().x + WIDTH <= ui.available_width();
    let layout = match fits {
        true => egui::Layout::left_to_right(egui::Align::Center),
        false => egui::Layout::top_down(egui::Align::Min),
    };
    let content = |ui: &mut Ui| {
        let label = ui.label(text);
        ui.add(own).labelled_by(label.id)
    };
    let height = ui.spacing().interact_size.y;
    let drawn = ui.allocate_ui_with_layout(vec2(ui.available_width(), height), layout, content);
    let drawn = drawn.inner;
    if drawn.has_focus() {
        take_arrows(ui, drawn.id);
    }
    drawn
}

/// The mark of a widget that takes the arrows.
const ARROWS: &str = "takes arrows";

/// Keeps the arrows from going to another widget while this one has the focus.
pub fn hold_arrows(ui: &Ui, id: egui::Id) {
    let arrows = egui::EventFilter {
        horizontal_arrows: true,
        vertical_arrows: true,
        ..egui::EventFilter::default()
    };
    ui.memory_mut(|own| own.set_focus_lock_filter(id, arrows));
}

/// A bar from 0 to 1 behind a line of text.
pub fn bar(ui: &mut Ui, share: f32, text: &str, value: &str, colour: Color32) -> Response {
    let palette = theme::palette(ui);
    let size = vec2(ui.available_width(), 24.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let painter = ui.painter();
    let back = theme::mix(palette.surface, palette.ink, 0.05);
    painter.rect_filled(rect, 4.0, back);
    let width = rect.width() * share.clamp(0.0, 1.0);
    let filled = Rect::from_min_size(rect.min, vec2(width, rect.height()));
    painter.rect_filled(filled, 4.0, theme::mix(palette.surface, colour, 0.32));
    let inner = rect.shrink2(vec2(8.0, 0.0));
    let font = egui::TextStyle::Body.resolve(ui.style());
    let value = painter.text(
        inner.right_center(),
        egui::Align2::RIGHT_CENTER,
        value,
        egui::FontId::monospace(12.0),
        palette.ink,
    );
    let clip = Rect::from_min_max(inner.min, egui::pos2(value.min.x - 6.0, inner.max.y));
    ui.painter_at(clip).text(
        inner.left_center(),
        egui::Align2::LEFT_CENTER,
        text,
        font,
        palette.ink,
    );
    response
}

/// How colours follow values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Evenly.
    Even,
    /// By their square root.
    Root,
}

/// Which colours stand for which values, from 0 to the largest, which is given in words.
pub fn legend(ui: &mut Ui, most: &str, scale: Scale) {
    let palette = theme::palette(ui);
    soft(ui, "0");
    let (rect, response) = ui.allocate_exact_size(vec2(96.0, 8.0), Sense::hover());
    let steps = 24;
    for step in 0..steps {
        let share = step as f32 / (steps - 1) as f32;
        let share = match scale {
            Scale::Even => share,
            Scale::Root => share.sqrt(),
        };
        let width = rect.width() / steps as f32;
        let at = egui::pos2(rect.min.x + step as f32 * width, rect.min.y);
        let part = Rect::from_min_size(at, vec2(width + 0.5, rect.height()));
        ui.painter()
            .rect_filled(part, 0.0, theme::heat(&palette, share));
    }
    response.widget_info(|| {
        let said = format!("Colours from 0 to {most}");
        WidgetInfo::labeled(Role::Label, true, said)
    });
    soft(ui, most);
}

/// How much of something is used: a thin line, full in another colour.
pub fn budget(ui: &mut Ui, used: usize, most: usize, width: f32) -> Response {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 14.0), Sense::hover());
    let line = Rect::from_center_size(rect.center(), vec2(rect.width(), 6.0));
    let painter = ui.painter();
    let radius = CornerRadius::same(3);
    painter.rect_filled(line, radius, theme::mix(palette.surface, palette.ink, 0.12));
    let share = used as f32 / most.max(1) as f32;
    let mut filled = line;
    filled.set_width(line.width() * share.min(1.0));
    let colour = match share > 1.0 {
        true => palette.warn,
        false => palette.accent,
    };
    painter.rect_filled(filled, radius, colour);
    if share > 1.0 {
        // Where the model's limit lies in the whole note.
        let x = line.min.x + line.width() / share;
        let tick = Rect::from_center_size(egui::pos2(x, line.center().y), vec2(2.0, 12.0));
        painter.rect_filled(tick, 1.0, palette.ink);
    }
    response.widget_info(|| {
        let said = format!("{used} of {most} tokens");
        WidgetInfo::labeled(Role::ProgressIndicator, true, said)
    });
    response
}

/// A row of a list: a title, and something second under it.
pub fn list_row(
    ui: &mut Ui,
    chosen: bool,
    title: &str,
    second: &str,
    mark: Option<&str>,
) -> Response {
    let palette = theme::palette(ui);
    let size = vec2(ui.available_width(), 42.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let painter = ui.painter();
    let inside = rect.shrink2(vec2(0.0, 1.0));
    let fill = match (chosen, response.hovered()) {
        (true, _) => palette.accent_soft,
        (false, true) => theme::mix(palette.chrome, palette.ink, 0.06),
        (false, false) => Color32::TRANSPARENT,
    };
    painter.rect_filled(inside, 6.0, fill);
    if chosen {
        let edge = Rect::from_min_size(inside.min, vec2(3.0, inside.height()));
        painter.rect_filled(edge, 2.0, palette.accent);
    }
    if response.has_focus() {
        let ring = Stroke::new(1.5, palette.accent);
        painter.rect_stroke(inside, 6.0, ring, StrokeKind::Inside);
    }
    let mut inner = inside.shrink2(vec2(10.0, 3.0));
    if let Some(mark) = mark {
        let drawn = painter.text(
            inner.right_center(),
            egui::Align2::RIGHT_CENTER,
            mark,
            egui::FontId::proportional(12.0),
            palette.accent,
        );
        inner.max.x = drawn.min.x - 6.0;
    }
    let line = |text: &str, font: egui::FontId, colour: Color32, y: f32| {
        let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, colour);
        job.wrap = egui::text::TextWrapping::truncate_at_width(inner.width());
        let galley = painter.layout_job(job);
        painter.galley(egui::pos2(inner.min.x, y), galley, colour);
    };
    let font = egui::TextStyle::Body.resolve(ui.style());
    line(title, font, palette.ink, inner.min.y);
    let small = egui::FontId::proportional(11.5);
    line(second, small, palette.soft, inner.min.y + 18.0);
    response.widget_info(|| {
        let said = match mark {
            Some(mark) => format!("{title}, {second}, {mark}"),
            None => format!("{title}, {second}"),
        };
        WidgetInfo::selected(Role::Button, true, chosen, said)
    });
    response
}

/// Things at the left and things at the right of one line.
pub fn sides(ui: &mut Ui, left: impl FnOnce(&mut Ui), right: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        left(ui);
        ui.with_layout(Layout::right_to_left(Align::Center), right);
    });
}

/// A whole number with its thousands apart, as English writes it.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Selects all that stands in a field.
pub fn select_all(ui: &Ui, field: egui::Id, text: &str) {
    use egui::text::{CCursor, CCursorRange};
    let mut state = egui::text_edit::TextEditState::load(ui.ctx(), field).unwrap_or_default();
    let all = CCursorRange::two(CCursor::new(0), CCursor::new(text.chars().count()));
    state.cursor.set_char_range(Some(all));
    state.store(ui.ctx(), field);
}

/// Gives a field the name that its hint has.
pub fn name(field: &Response, name: &str) {
    field.ctx.accesskit_node_builder(field.id, |node| {
        node.set_label(name.to_owned());
    });
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn thousands_are_set_apart() {
        let of = [0, 999, 1000, 8192, 1_234_567].map(thousands);
        assert_eq!(of, ["0", "999", "1,000", "8,192", "1,234,567"]);
    }
}
