//! Vectors as points, coloured by their label.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, Cross, Text, TriangleMarker};
use plotters::prelude::DrawingBackend;
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Drawn;
use super::axes::{Axes, title};
use super::style::{COLOURS, INK, SMALL, SOFT, shortened, text};

const EDGES: [f64; 4] = [56.0, 56.0, 596.0, 596.0];
/// Labels of a legend; the others share a last line.
const MOST: usize = 28;
/// Labels that have a mark of their own: each colour with each shape.
const MARKS: usize = COLOURS.len() * SHAPES;
const SHAPES: usize = 4;
const LINE: f64 = 20.0;

/// Width and height in units.
pub(super) fn size(names: &[String]) -> (u32, u32) {
    let lines = names.len().min(MOST + 1) as f64;
    (860, (lines * LINE + 90.0).max(650.0) as u32)
}

/// Draws the points, those of rare labels last so that they are seen.
pub(super) fn draw<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    scale: f64,
    names: &[String; 2],
    labels: &[String],
    own: &[usize],
    points: &[[f64; 2]],
) -> Drawn<B> {
    let axes = Axes::new(EDGES, range(points, 0), range(points, 1), scale);
    let heading = match names[0].is_empty() {
        true => "Map of neighbours",
        false => "Principal components",
    };
    title(area, scale, heading)?;
    axes.frame(area)?;
    axes.names(area, &names[0], &names[1], (12.0, 12.0))?;
    let mut counts = vec![0usize; labels.len()];
    own.iter().for_each(|&label| counts[label] += 1);
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by_key(|&point| std::cmp::Reverse(counts[own[point]]));
    // Many points are smaller, so that they do not become one patch.
    let radius = (60.0 / (points.len().max(1) as f64).sqrt()).clamp(1.8, 4.0);
    for point in order {
        let place = axes.place(points[point][0], points[point][1]);
        mark(area, place, own[point], radius * scale)?;
    }
    legend(area, scale, labels, &counts)
}

/// The range of one coordinate with a little room at its ends.
fn range(points: &[[f64; 2]], axis: usize) -> Range<f64> {
    let values = || points.iter().map(|point| point[axis]);
    let low = values().fold(f64::INFINITY, f64::min);
    let high = values().fold(f64::NEG_INFINITY, f64::max);
    let room = 0.03 * (high - low);
    low - room..high + room
}

/// The mark of a label: every colour with one shape, then with the next; colour is never alone.
fn mark<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    place: (i32, i32),
    label: usize,
    radius: f64,
) -> Drawn<B> {
    let colour = COLOURS[label % COLOURS.len()];
    let size = radius.round() as i32;
    match label / COLOURS.len() % SHAPES {
        0 => area.draw(&Circle::new(place, size, colour.mix(0.75).filled())),
        1 => area.draw(&TriangleMarker::new(
            place,
            size + 2,
            colour.mix(0.85).filled(),
        )),
        2 => area.draw(&Cross::new(
            place,
            size,
            colour.stroke_width((radius * 0.5).ceil() as u32),
        )),
        _ => area.draw(&Circle::new(
            place,
            size,
            colour.stroke_width((radius * 0.4).ceil() as u32),
        )),
    }
}

fn legend<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    scale: f64,
    labels: &[String],
    counts: &[usize],
) -> Drawn<B> {
    let at = |x: f64, y: f64| ((x * scale).round() as i32, (y * scale).round() as i32);
    let place = Pos::new(HPos::Left, VPos::Center);
    let left = 616.0;
    for (label, name) in labels.iter().enumerate().take(MOST) {
        let y = 66.0 + LINE * label as f64;
        mark(area, at(left + 6.0, y), label, 4.0 * scale)?;
        let words = format!("{} ({})", shortened(name, 26), counts[label]);
        let style = text(SMALL, scale, INK).pos(place);
        area.draw(&Text::new(words, at(left + 18.0, y), style))?;
    }
    if labels.len() > MOST {
        let marks = match labels.len() > MARKS {
            true => ", marks repeat",
            false => "",
        };
        let words = format!("and {} more{marks}", labels.len() - MOST);
        let style = text(SMALL, scale, SOFT).pos(place);
        let y = 66.0 + LINE * MOST as f64;
        area.draw(&Text::new(words, at(left + 18.0, y), style))?;
    }
    Ok(())
}
