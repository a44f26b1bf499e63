//! The reliability diagram, with how many examples each bin holds.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, Rectangle, Text, TriangleMarker};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, RGBColor};

use super::Drawn;
use super::axes::{Axes, dashed, line, path, title};
use super::style::{COLOURS, GRID, INK, LABEL, SMALL, SOFT, text};
use crate::metrics::calibration::Bin;

const EDGES: [f64; 4] = [84.0, 92.0, 524.0, 452.0];
const COUNTS: [f64; 2] = [516.0, 576.0];
const BEFORE: RGBColor = COLOURS[1];
const AFTER: RGBColor = COLOURS[0];

/// Draws it before and, where there is a temperature, after scaling.
pub(super) fn draw<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    scale: f64,
    of: &str,
    before: &[Bin],
    after: Option<&[Bin]>,
) -> Drawn<B> {
    let axes = Axes::new(EDGES, 0.0..1.0, 0.0..1.0, scale);
    title(area, scale, &format!("Reliability: {of}"))?;
    axes.fifths(area)?;
    axes.names(
        area,
        "predicted probability",
        "observed share",
        (28.0, 46.0),
    )?;
    dashed(
        area,
        (axes.place(0.0, 0.0), axes.place(1.0, 1.0)),
        SOFT,
        scale,
    )?;
    let all = [
        (Some(before), BEFORE, "as the model gives it"),
        (after, AFTER, "temperature scaled"),
    ];
    let mut left = EDGES[0];
    for (bins, colour, name) in all {
        let Some(bins) = bins else { continue };
        let points = bins
            .iter()
            .filter_map(|bin| Some((bin.confidence?, bin.outcome?)));
        let points: Vec<_> = points.map(|(x, y)| axes.place(x, y)).collect();
        path(area, &points, colour.stroke_width((2.0 * scale) as u32))?;
        for point in points {
            mark(area, point, colour, scale)?;
        }
        let y = 66.0;
        mark(area, at(left + 6.0, y, scale), colour, scale)?;
        let style = text(LABEL, scale, INK).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw(&Text::new(name, at(left + 18.0, y, scale), style))?;
        left += 190.0;
    }
    counts(area, scale, &axes, before, after)
}

fn at(x: f64, y: f64, scale: f64) -> (i32, i32) {
    ((x * scale).round() as i32, (y * scale).round() as i32)
}

/// Circles before, triangles after: colour is never alone.
fn mark<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    place: (i32, i32),
    colour: RGBColor,
    scale: f64,
) -> Drawn<B> {
    match colour == BEFORE {
        true => area.draw(&Circle::new(place, (4.0 * scale) as i32, colour.filled())),
        false => area.draw(&TriangleMarker::new(
            place,
            (5.5 * scale) as i32,
            colour.filled(),
        )),
    }
}

/// Bars of how many examples have which confidence.
fn counts<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    scale: f64,
    axes: &Axes,
    before: &[Bin],
    after: Option<&[Bin]>,
) -> Drawn<B> {
    let bins = || before.iter().chain(after.into_iter().flatten());
    let most = bins().map(|bin| bin.count).max().unwrap_or(0).max(1);
    let (_, top) = at(0.0, COUNTS[0], scale);
    let (_, bottom) = at(0.0, COUNTS[1], scale);
    let height = |count: u64| {
        let share = count as f64 / most as f64;
        (f64::from(bottom - top) * share).ceil() as i32
    };
    let width = 1.0 / before.len().max(1) as f64;
    let sets = [(Some(before), BEFORE), (after, AFTER)];
    let parts = 1 + usize::from(after.is_some());
    for (set, (bins, colour)) in sets.into_iter().enumerate() {
        for (index, bin) in bins.into_iter().flatten().enumerate() {
            let from = (index as f64 + 0.12 + 0.76 * set as f64 / parts as f64) * width;
            let to = from + 0.76 * width / parts as f64;
            let ((x, _), (end, _)) = (axes.place(from, 0.0), axes.place(to, 0.0));
            if bin.count > 0 {
                let corners = [(x, bottom - height(bin.count)), (end, bottom)];
                area.draw(&Rectangle::new(corners, colour.filled()))?;
            }
        }
    }
    line(
        area,
        &[(axes.left, bottom), (axes.right, bottom)],
        SOFT,
        scale,
    )?;
    line(area, &[(axes.left, top), (axes.right, top)], GRID, scale)?;
    let style = text(SMALL, scale, SOFT).pos(Pos::new(HPos::Right, VPos::Center));
    let gap = (8.0 * scale) as i32;
    area.draw(&Text::new(
        most.to_string(),
        (axes.left - gap, top),
        style.clone(),
    ))?;
    area.draw(&Text::new("0", (axes.left - gap, bottom), style))?;
    let style = text(LABEL, scale, INK).pos(Pos::new(HPos::Center, VPos::Top));
    let middle = (axes.left + axes.right) / 2;
    let below = bottom + (10.0 * scale) as i32;
    area.draw(&Text::new(
        "examples at each probability",
        (middle, below),
        style,
    ))
}
