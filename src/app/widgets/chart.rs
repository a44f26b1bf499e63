//! Lines over two axes, with their names above and a sentence for those who do not see them.

use std::ops::RangeInclusive;

use eframe::egui::{
    self, Color32, Rect, RichText, Role, Sense, Shape, Stroke, TextStyle, TextWrapMode, Ui,
    WidgetInfo, WidgetText, pos2, vec2,
};
use egui_plot::{
    GridInput, GridMark, HoverPosition, Line, LineStyle, Plot, Points, VLine, format_number,
    uniform_grid_spacer,
};

use crate::app::theme::{self, Palette};

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
        self.head(ui);
        self.plot(ui);
    }

    /// What it is called, and its lines.
    fn head(&self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        ui.scope(|ui| {
            // Nothing in it is for the hand.
            ui.spacing_mut().interact_size.y = 18.0;
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.horizontal_wrapped(|ui| {
                ui.label(RichText::new(self.title).font(theme::strong(12.5)));
                if self.curves.len() > 1 {
                    for (number, own) in self.curves.iter().enumerate() {
                        key(ui, &palette, number, &own.name);
                    }
                }
            });
        });
    }

    fn plot(self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        let words = self.words();
        let id = ui.scope_id().with(("chart", self.title));
        ui.push_id(id, |ui| {
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
                .x_grid_spacer(uniform_grid_spacer(|own| steps(&own, ACROSS)))
                .y_grid_spacer(uniform_grid_spacer(|own| steps(&own, UP)))
                .x_axis_formatter(|own, _| number(own))
                .y_axis_formatter(|own, _| number(own))
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
                    let line = line.color(palette.soft).width(1.0).allow_hover(false);
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

/// How far apart numbers stand beside an axis at least, in points.
const ACROSS: f64 = 84.0;
const UP: f64 = 36.0;

/// Points that the least step is apart, as the plot has it.
const LEAST: f64 = 8.0;

/// Steps of 1, 2 or 5 times a power of ten, so far apart that each has its number, with finer ones between.
fn steps(input: &GridInput, apart: f64) -> [f64; 3] {
    let least = input.base_step_size * apart / LEAST;
    if !least.is_normal() || least < 0.0 {
        // Marks that are no distance apart would be without end.
        return [1.0; 3];
    }
    let power = 10_f64.powf(least.log10().floor());
    let leads = [(1.0, 5.0), (2.0, 4.0), (5.0, 5.0)];
    let found = leads.into_iter().find(|own| own.0 * power >= least);
    let (lead, parts) = found.unwrap_or((10.0, 5.0));
    let step = lead * power;
    [step / parts, step, 10.0 * step]
}

/// The number of a mark, with the digits that tell it from the next.
fn number(own: GridMark) -> String {
    if own.value == 0.0 {
        return "0".to_owned();
    }
    let digits = (-own.step_size.log10() - 1e-9).ceil().max(0.0) as usize;
    format!("{:.digits$}", own.value)
}

/// The name of a line with how it is drawn; both stay together where lines are broken.
fn key(ui: &mut Ui, palette: &Palette, number: usize, text: &str) {
    const SAMPLE: f32 = 20.0;
    let (colour, style) = pen(palette, number);
    let gap = ui.spacing().item_spacing.x;
    let words = WidgetText::from(RichText::new(text).small().color(palette.soft));
    let room = (ui.max_rect().width() - SAMPLE - gap).max(SAMPLE);
    let words = words.into_galley(ui, Some(TextWrapMode::Truncate), room, TextStyle::Small);
    let size = vec2(SAMPLE + gap + words.size().x, words.size().y);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    sample(ui, rect.with_max_x(rect.min.x + SAMPLE), colour, style);
    let at = pos2(rect.min.x + SAMPLE + gap, rect.min.y);
    ui.painter().galley(at, words, palette.soft);
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
            // The heads first: of two plots beside each other one does not stand lower.
            ui.columns(2, |columns| {
                left.head(&mut columns[0]);
                right.iter().for_each(|own| own.head(&mut columns[1]));
            });
            ui.columns(2, |columns| {
                left.plot(&mut columns[0]);
                if let Some(right) = right {
                    right.plot(&mut columns[1]);
                }
            });
        });
        ui.add_space(4.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands beside an axis of this length, in points, that shows these values.
    fn shown(bounds: (f64, f64), points: f64, apart: f64) -> Vec<String> {
        let base_step_size = (bounds.1 - bounds.0) / points * LEAST;
        let own = GridInput {
            bounds,
            base_step_size,
        };
        let marks = uniform_grid_spacer(|own| steps(&own, apart))(own);
        let apart = |own: &GridMark| own.step_size / base_step_size * LEAST;
        let own = marks.into_iter().filter(|own| apart(own) >= 30.0);
        own.map(number).collect()
    }

    #[test]
    fn every_number_of_an_axis_differs_from_the_next() {
        assert_eq!(shown((0.0, 1.1), 120.0, UP), ["0", "0.5", "1.0"]);
        assert_eq!(shown((-0.0001, 0.00031), 120.0, UP), ["0", "0.0002"],);
        assert_eq!(shown((0.0, 240.0), 330.0, ACROSS), ["0", "100", "200"]);
        for span in 1..2000 {
            let all = shown((0.0, f64::from(span) / 300.0), 120.0, UP);
            let mut other = all.clone();
            other.dedup();
            assert!(all == other && (2..=4).contains(&all.len()), "{all:?}");
        }
    }

    #[test]
    fn an_axis_without_extent_has_marks_that_end() {
        for base_step_size in [0.0, f64::NAN, f64::INFINITY, -1.0] {
            let own = GridInput {
                bounds: (0.0, 0.0),
                base_step_size,
            };
            assert_eq!(steps(&own, UP), [1.0; 3], "{base_step_size}");
        }
    }
}
