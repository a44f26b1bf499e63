//! Lines over two axes, with their names above and a sentence for those who do not see them.

use std::ops::RangeInclusive;

use eframe::egui::{
    self, Color32, Rect, RichText, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2,
};
use egui_plot::{HoverPosition, Line, LineStyle, Plot, Points, VLine, format_number};

use crate::app::theme::{self, Palette};
use crate::app::widgets::parts;

/// A line.
#[derive(Clone)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// Its points, rising along the horizontal axis.
    pub points: Vec<[f64; 2]>,
    /// Whether its points are marked, since they are few.
    pub marked: bool,
}

/// What is drawn.
#[derive(Clone, Default)]
pub struct Chart<'a> {
    /// What it is called, and its vertical axis.
    pub title: &'a str,
    /// The horizontal axis.
    pub across: &'a str,
    /// Its lines.
    pub curves: Vec<Curve>,
    /// What both axes have to show at least: from and to, across and up.
    pub least: [Option<RangeInclusive<f64>>; 2],
    /// A line from below left to above right, for what would be perfect or without worth.
    pub diagonal: bool,
    /// A place along the horizontal axis that is marked.
    pub mark: Option<f64>,
    /// Its height, in points.
    pub height: f32,
}

/// A colour and a pattern for each line, so that they are told apart without colours too.
fn pen(palette: &Palette, number: usize) -> (Color32, LineStyle) {
    let colour = palette.kinds[number % palette.kinds.len()];
    let style = match number % 3 {
        0 => LineStyle::Solid,
        1 => LineStyle::dashed_loose(),
        _ => LineStyle::dotted_dense(),
    };
    (colour, style)
}

impl Chart<'_> {
    /// What it shows, in a sentence.
    fn words(&self) -> String {
        let lines = self.curves.iter().map(|own| match own.points.last() {
            Some([x, y]) => {
                let (x, y) = (format_number(*x, 3), format_number(*y, 4));
                format!("{} {y} at {x}", own.name)
            }
            None => format!("{} has no points", own.name),
        });
        let lines: Vec<String> = lines.collect();
        format!("{}: {}", self.title, lines.join("; "))
    }

    /// Draws it over the whole width.
    pub fn ui(self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        let words = self.words();
        let id = ui.scope_id().with(("chart", self.title));
        ui.push_id(id, |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.label(RichText::new(self.title).font(theme::strong(12.5)));
                if self.curves.len() > 1 {
                    for (number, own) in self.curves.iter().enumerate() {
                        key(ui, &palette, number, &own.name);
                    }
                }
            });
            let shown = |position: &HoverPosition<'_>| match position {
                HoverPosition::NearDataPoint {
                    plot_name,
                    position,
                    ..
                } => Some(format!(
                    "{plot_name}\n{} at {}",
                    format_number(position.y, 4),
                    format_number(position.x, 3)
                )),
                HoverPosition::Elsewhere { .. } => None,
            };
            // It is read and not used: keys and wheel go to what is around it.
            let mut plot = Plot::new(id)
                .height(self.height)
                .sense(Sense::hover())
                .allow_axis_zoom_drag(false)
                .allow_boxed_zoom(false)
                .allow_double_click_reset(false)
                .allow_drag(false)
                .allow_scroll(false)
                .allow_zoom(false)
                .show_crosshair(false)
                .grid_color(palette.line)
                .label_formatter(shown)
                .set_margin_fraction(vec2(0.02, 0.06))
                .y_axis_min_width(42.0)
                .x_axis_label(RichText::new(self.across).small());
            let [across, up] = &self.least;
            for range in across.iter() {
                plot = plot.include_x(*range.start()).include_x(*range.end());
            }
            for range in up.iter() {
                plot = plot.include_y(*range.start()).include_y(*range.end());
            }
            let drawn = plot.show(ui, |plot| {
                if self.diagonal {
                    let line = Line::new("", Vec::from([[0.0, 0.0], [1.0, 1.0]]));
                    let line = line.color(palette.line).width(1.0).allow_hover(false);
                    plot.line(line);
                }
                if let Some(mark) = self.mark {
                    let mark = VLine::new("", mark).color(palette.soft).width(1.0);
                    plot.vline(mark.style(LineStyle::dashed_dense()).allow_hover(false));
                }
                for (number, own) in self.curves.into_iter().enumerate() {
                    let (colour, style) = pen(&palette, number);
                    if own.marked {
                        let points = Points::new(own.name.clone(), own.points.clone());
                        plot.points(points.color(colour).radius(3.0));
                    }
                    let line = Line::new(own.name, own.points);
                    plot.line(line.color(colour).style(style).width(1.6).allow_band(false));
                }
            });
            drawn
                .response
                .widget_info(|| WidgetInfo::labeled(Role::Image, true, &words));
        });
    }
}

/// The name of a line with how it is drawn.
fn key(ui: &mut Ui, palette: &Palette, number: usize, text: &str) {
    let (colour, style) = pen(palette, number);
    let (rect, _) = ui.allocate_exact_size(vec2(20.0, 12.0), Sense::hover());
    sample(ui, rect, colour, style);
    parts::soft(ui, text);
}

fn sample(ui: &Ui, rect: Rect, colour: Color32, style: LineStyle) {
    let ends = [
        pos2(rect.min.x, rect.center().y),
        pos2(rect.max.x, rect.center().y),
    ];
    let stroke = Stroke::new(2.0, colour);
    let painter = ui.painter();
    match style {
        LineStyle::Solid => {
            painter.line_segment(ends, stroke);
        }
        LineStyle::Dashed { .. } => {
            painter.extend(Shape::dashed_line(&ends, stroke, 5.0, 3.0));
        }
        LineStyle::Dotted { .. } => {
            painter.extend(Shape::dotted_line(&ends, colour, 4.0, 1.2));
        }
    }
}

/// Draws charts beside each other where there is room, and below each other where there is none.
pub fn side_by_side(ui: &mut Ui, charts: Vec<Chart<'_>>) {
    const WIDE: f32 = 520.0;
    if ui.available_width() < WIDE {
        charts.into_iter().for_each(|own| own.ui(ui));
        return;
    }
    let mut all = charts.into_iter();
    while let Some(left) = all.next() {
        let right = all.next();
        egui::Frame::NONE.show(ui, |ui| {
            ui.columns(2, |columns| {
                left.ui(&mut columns[0]);
                if let Some(right) = right {
                    right.ui(&mut columns[1]);
                }
            });
        });
        ui.add_space(4.0);
    }
}
