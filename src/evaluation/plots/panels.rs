//! Small plots side by side over the same steps: what a training run measured as it went on.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, Text};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, RGBColor};

use super::Drawn;
use super::axes::{Axes, curve, path, title};
use super::style::{COLOURS, INK, LABEL, PAPER, SMALL, SOFT, text};
use super::ticks::{Ticks, grouped};

/// Points of a line that are drawn; more cannot be told apart.
const MOST_POINTS: usize = 600;
/// Width and height of a panel with all around it, in units.
const PANEL: [f64; 2] = [470.0, 270.0];
/// What lies above all panels.
const TOP: f64 = 52.0;

/// One of the small plots.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// What it shows.
    pub title: String,
    /// From the back to the front.
    pub lines: Vec<Line>,
    /// Whether the axis begins at 0.
    pub from_zero: bool,
}

/// A line of a panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What it is; empty where the panel says it.
    pub name: String,
    /// Steps, rising, with a value each.
    pub points: Vec<[f64; 2]>,
    /// How it is drawn.
    pub look: Look,
    /// The point that is marked, by its step, and what that says.
    pub mark: Option<(f64, &'static str)>,
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// In the background; what stands out of it by far is cut at the edge.
    Faint,
    /// A plain line.
    Strong,
    /// A line in a second colour, with a dot at each point.
    Dotted,
}

impl Look {
    fn colour(self) -> RGBColor {
        match self {
            Self::Faint => RGBColor(156, 194, 222),
            Self::Strong => COLOURS[0],
            Self::Dotted => COLOURS[1],
        }
    }
}

fn rows(panels: &[Panel]) -> usize {
    panels.len().div_ceil(2)
}

pub(super) fn size(panels: &[Panel]) -> (u32, u32) {
    let [width, height] = PANEL;
    let height = TOP + height * rows(panels) as f64;
    ((2.0 * width) as u32, height as u32)
}

pub(super) fn draw<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    scale: f64,
    words: &str,
    panels: &[Panel],
) -> Drawn<B> {
    title(area, scale, words)?;
    let points = panels.iter().flat_map(|panel| &panel.lines);
    let steps = points.flat_map(|line| line.points.iter().map(|[step, _]| *step));
    let last = steps.fold(1.0, f64::max);
    for (number, panel) in panels.iter().enumerate() {
        let [width, height] = PANEL;
        let (left, top) = (
            width * (number % 2) as f64,
            TOP + height * (number / 2) as f64,
        );
        let edges = [
            left + 72.0,
            top + 34.0,
            left + width - 26.0,
            top + height - 50.0,
        ];
        one(area, scale, edges, last, panel)?;
    }
    Ok(())
}

fn one<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    scale: f64,
    edges: [f64; 4],
    last: f64,
    panel: &Panel,
) -> Drawn<B> {
    let at = |x: f64, y: f64| ((x * scale).round() as i32, (y * scale).round() as i32);
    let [left, top, right, bottom] = edges;
    let y = Ticks::over(&range(panel), 4);
    let x = Ticks::within(&(0.0..last), 5);
    let axes = Axes::new(edges, 0.0..last, y.range.clone(), scale);
    let heading = text(LABEL, scale, INK).pos(Pos::new(HPos::Left, VPos::Center));
    area.draw(&Text::new(
        panel.title.clone(),
        at(left, top - 18.0),
        heading,
    ))?;
    axes.marks(area, &x, &y)?;
    let middle = Pos::new(HPos::Center, VPos::Top);
    let steps = text(SMALL, scale, SOFT).pos(middle);
    area.draw(&Text::new(
        "step",
        at((left + right) / 2.0, bottom + 26.0),
        steps,
    ))?;
    for line in &panel.lines {
        draw_line(area, scale, &axes, &y.range, line)?;
    }
    legend(area, scale, (right, top - 18.0), panel)
}

/// Draws what the lines are, from the right to the left above the panel, where no line runs.
fn legend<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    scale: f64,
    (right, y): (f64, f64),
    panel: &Panel,
) -> Drawn<B> {
    let style = text(SMALL, scale, SOFT).pos(Pos::new(HPos::Right, VPos::Center));
    let (mut right, y) = ((right * scale) as i32, (y * scale).round() as i32);
    let units = |count: f64| (count * scale).round() as i32;
    for line in panel.lines.iter().rev() {
        let colour = line.look.colour();
        if let Some((step, word)) = line.mark {
            let words = format!("{word}: {}", grouped(step));
            area.draw(&Text::new(words.clone(), (right, y), style.clone()))?;
            let (width, _) = area.estimate_text_size(&words, &style)?;
            right -= width as i32 + units(12.0);
            ring(area, scale, (right, y), colour)?;
            right -= units(22.0);
        }
        if !line.name.is_empty() {
            area.draw(&Text::new(line.name.clone(), (right, y), style.clone()))?;
            let (width, _) = area.estimate_text_size(&line.name, &style)?;
            right -= width as i32 + units(6.0);
            let swatch = [(right - units(16.0), y), (right, y)];
            path(area, &swatch, colour.stroke_width((2.0 * scale) as u32))?;
            right -= units(28.0);
        }
    }
    Ok(())
}

fn ring<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    scale: f64,
    at: (i32, i32),
    colour: RGBColor,
) -> Drawn<B> {
    let radius = (5.0 * scale).round() as i32;
    area.draw(&Circle::new(at, radius, PAPER.filled()))?;
    let line = colour.stroke_width((2.0 * scale) as u32);
    area.draw(&Circle::new(at, radius, line))
}

fn draw_line<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    scale: f64,
    axes: &Axes,
    shown: &Range<f64>,
    line: &Line,
) -> Drawn<B> {
    let colour = line.look.colour();
    let place = |[step, value]: [f64; 2]| axes.place(step, value.clamp(shown.start, shown.end));
    let kept = match line.look {
        Look::Faint => thinned(&line.points),
        Look::Strong | Look::Dotted => every(&line.points),
    };
    let kept: Vec<_> = kept.into_iter().map(place).collect();
    match line.look {
        // As thin as can be: the corners of a wide line would shoot out of every peak.
        Look::Faint => path(area, &kept, colour.stroke_width(1))?,
        Look::Strong | Look::Dotted => curve(area, &kept, colour, 2.0 * scale)?,
    }
    let dots = kept.len() == 1 || (line.look == Look::Dotted && kept.len() <= 60);
    for &dot in kept.iter().filter(|_| dots) {
        let radius = (2.5 * scale).round() as i32;
        area.draw(&Circle::new(dot, radius, colour.filled()))?;
    }
    let Some((step, _)) = line.mark else {
        return Ok(());
    };
    let Some(&point) = line.points.iter().find(|[own, _]| *own == step) else {
        return Ok(());
    };
    ring(area, scale, place(point), colour)
}

/// What the axis has to show: everything but what stands far out of a faint line.
fn range(panel: &Panel) -> Range<f64> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for line in &panel.lines {
        let mut values: Vec<f64> = line.points.iter().map(|[_, value]| *value).collect();
        values.sort_unstable_by(f64::total_cmp);
        let (Some(first), Some(last)) = (values.first(), values.last()) else {
            continue;
        };
        let most = match line.look {
            Look::Faint => values[(values.len() - 1) * 98 / 100].min(*last),
            _ => *last,
        };
        (low, high) = (low.min(*first), high.max(most));
    }
    match (panel.from_zero, low <= high) {
        (_, false) => 0.0..1.0,
        (true, _) => low.min(0.0)..high.max(0.0),
        (false, _) => low..high,
    }
}

/// At most about half of [`MOST_POINTS`] points of a line that has no peaks, evenly, and the last.
fn every(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let step = points.len().div_ceil(MOST_POINTS / 2).max(1);
    let last = points
        .last()
        .filter(|_| !(points.len() - 1).is_multiple_of(step));
    points.iter().step_by(step).chain(last).copied().collect()
}

/// At most about [`MOST_POINTS`] points: the lowest and the highest of as many neighbours.
fn thinned(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    if points.len() <= MOST_POINTS {
        return points.to_vec();
    }
    let neighbours = points.len().div_ceil(MOST_POINTS / 2);
    let both = points.chunks(neighbours).flat_map(|own| {
        let by_value = |a: &&[f64; 2], b: &&[f64; 2]| a[1].total_cmp(&b[1]);
        let ends = [own.iter().min_by(by_value), own.iter().max_by(by_value)];
        let mut ends: Vec<[f64; 2]> = ends.into_iter().flatten().copied().collect();
        ends.sort_unstable_by(|a, b| a[0].total_cmp(&b[0]));
        ends.dedup();
        ends
    });
    both.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: Vec<[f64; 2]>, look: Look) -> Line {
        Line {
            name: String::new(),
            points,
            look,
            mark: None,
        }
    }

    #[test]
    fn long_lines_keep_their_peaks() {
        let points: Vec<[f64; 2]> = (0..100_000)
            .map(|step| [f64::from(step), if step == 54_321 { 9.0 } else { 1.0 }])
            .collect();
        let kept = thinned(&points);
        assert!(kept.len() <= MOST_POINTS, "{}", kept.len());
        assert!(kept.contains(&[54_321.0, 9.0]));
        assert!(kept.windows(2).all(|pair| pair[0][0] < pair[1][0]));
        assert_eq!(thinned(&points[..10]), points[..10]);
        let kept = every(&points);
        assert!(kept.len() <= MOST_POINTS / 2 + 1, "{}", kept.len());
        assert_eq!((kept[0], kept.last()), (points[0], points.last()));
        assert_eq!(every(&points[..10]), points[..10]);
        assert!(every(&[]).is_empty());
    }

    #[test]
    fn a_lone_spike_does_not_flatten_the_rest() {
        let mut points: Vec<[f64; 2]> = (0..100).map(|step| [f64::from(step), 2.0]).collect();
        points[3][1] = 500.0;
        let panel = |look| Panel {
            title: String::new(),
            lines: vec![line(points.clone(), look)],
            from_zero: true,
        };
        assert_eq!(range(&panel(Look::Faint)), 0.0..2.0);
        assert_eq!(range(&panel(Look::Strong)), 0.0..500.0);
    }
}
