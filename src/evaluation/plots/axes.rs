//! Two axes, from 0 to 1 or over the range of points, and lines between them.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{PathElement, Rectangle, Text};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, RGBColor, ShapeStyle};

use super::Drawn;
use super::style::{GRID, INK, LABEL, SMALL, SOFT, TITLE, text, upwards};
use super::ticks::Ticks;

/// A place in pixels.
type Place = (i32, i32);

/// Two axes and where they lie.
pub(super) struct Axes {
    /// Left, top, right and bottom edge in pixels.
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) right: i32,
    pub(super) bottom: i32,
    x: Range<f64>,
    y: Range<f64>,
    scale: f64,
}

impl Axes {
    /// Axes with their edges in units.
    pub(super) fn new(edges: [f64; 4], x: Range<f64>, y: Range<f64>, scale: f64) -> Self {
        let [left, top, right, bottom] = edges.map(|edge| (edge * scale).round() as i32);
        Self {
            left,
            top,
            right,
            bottom,
            x,
            y,
            scale,
        }
    }

    /// Where a point lies.
    pub(super) fn place(&self, x: f64, y: f64) -> Place {
        let share = |value: f64, range: &Range<f64>| match range.end - range.start {
            0.0 => 0.5,
            length => (value - range.start) / length,
        };
        let across = f64::from(self.right - self.left) * share(x, &self.x);
        let up = f64::from(self.bottom - self.top) * share(y, &self.y);
        (
            self.left + across.round() as i32,
            self.bottom - up.round() as i32,
        )
    }

    /// Draws lines behind the data at fifths of 0..=1 with their numbers.
    pub(super) fn fifths<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Drawn<B> {
        let fifths: Vec<f64> = (0..=5).map(|fifth| f64::from(fifth) / 5.0).collect();
        self.grid(area, (&fifths, 1), (&fifths, 1))
    }

    /// Draws lines behind the data at numbers of both axes, which have so many decimals.
    pub(super) fn grid<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        (columns, across): (&[f64], usize),
        (rows, up): (&[f64], usize),
    ) -> Drawn<B> {
        let numbers = text(SMALL, self.scale, SOFT);
        let gap = (8.0 * self.scale) as i32;
        let colour = |value: f64| if value == 0.0 { SOFT } else { GRID };
        for &value in columns {
            let (x, _) = self.place(value, 0.0);
            let ends = [(x, self.top), (x, self.bottom)];
            line(area, &ends, colour(value), self.scale)?;
            let below = numbers.pos(Pos::new(HPos::Center, VPos::Top));
            let number = format!("{value:.across$}");
            area.draw(&Text::new(number, (x, self.bottom + gap), below))?;
        }
        for &value in rows {
            let (_, y) = self.place(0.0, value);
            let ends = [(self.left, y), (self.right, y)];
            line(area, &ends, colour(value), self.scale)?;
            let beside = numbers.pos(Pos::new(HPos::Right, VPos::Center));
            let number = format!("{value:.up$}");
            area.draw(&Text::new(number, (self.left - gap, y), beside))?;
        }
        Ok(())
    }

    /// Draws lines behind the data at ticks of the second axis, and the numbers of both.
    pub(super) fn marks<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        x: &Ticks,
        y: &Ticks,
    ) -> Drawn<B> {
        let numbers = text(SMALL, self.scale, SOFT);
        let gap = (8.0 * self.scale) as i32;
        for &place in &y.places {
            let (_, down) = self.place(self.x.start, place);
            let (from, to) = ((self.left, down), (self.right, down));
            line(area, &[from, to], GRID, self.scale)?;
            let beside = numbers.pos(Pos::new(HPos::Right, VPos::Center));
            area.draw(&Text::new(y.label(place), (self.left - gap, down), beside))?;
        }
        let (from, to) = ((self.left, self.bottom), (self.right, self.bottom));
        line(area, &[from, to], SOFT, self.scale)?;
        for &place in &x.places {
            let (across, _) = self.place(place, self.y.start);
            let (from, to) = ((across, self.bottom), (across, self.bottom + gap / 2));
            line(area, &[from, to], SOFT, self.scale)?;
            let below = numbers.pos(Pos::new(HPos::Center, VPos::Top));
            area.draw(&Text::new(
                x.label(place),
                (across, self.bottom + gap),
                below,
            ))?;
        }
        Ok(())
    }

    /// Draws a frame around the data.
    pub(super) fn frame<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Drawn<B> {
        let corners = [
            (self.left, self.top),
            (self.right, self.top),
            (self.right, self.bottom),
            (self.left, self.bottom),
            (self.left, self.top),
        ];
        line(area, &corners, GRID, self.scale)
    }

    /// Draws what the axes mean; the second one's name stands `far` units left of it.
    pub(super) fn names<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        x: &str,
        y: &str,
        (far_below, far_left): (f64, f64),
    ) -> Drawn<B> {
        let style = text(LABEL, self.scale, INK);
        let below = style.pos(Pos::new(HPos::Center, VPos::Top));
        let middle = (self.left + self.right) / 2;
        let at = (middle, self.bottom + (far_below * self.scale) as i32);
        area.draw(&Text::new(x.to_owned(), at, below))?;
        let beside = upwards(&style).pos(Pos::new(HPos::Center, VPos::Bottom));
        let at = (
            self.left - (far_left * self.scale) as i32,
            (self.top + self.bottom) / 2,
        );
        area.draw(&Text::new(y.to_owned(), at, beside))
    }
}

/// Draws the title at the top left.
pub(super) fn title<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    scale: f64,
    words: &str,
) -> Drawn<B> {
    let at = ((24.0 * scale) as i32, (20.0 * scale) as i32);
    area.draw(&Text::new(words.to_owned(), at, text(TITLE, scale, INK)))
}

/// Draws a thin line.
pub(super) fn line<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    points: &[Place],
    colour: RGBColor,
    scale: f64,
) -> Drawn<B> {
    path(area, points, colour.stroke_width(scale.round() as u32))
}

/// Draws a line of a style.
pub(super) fn path<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    points: &[Place],
    style: ShapeStyle,
) -> Drawn<B> {
    area.draw(&PathElement::new(points.to_vec(), style))
}

/// Draws a curve segment by segment: the corners of steps stay square however near they are.
pub(super) fn curve<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    points: &[Place],
    colour: RGBColor,
    width: f64,
) -> Drawn<B> {
    let half = (width / 2.0).round().max(1.0) as i32;
    for pair in points.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        if from.0 == to.0 || from.1 == to.1 {
            let low = (from.0.min(to.0) - half, from.1.min(to.1) - half);
            let high = (from.0.max(to.0) + half, from.1.max(to.1) + half);
            area.draw(&Rectangle::new([low, high], colour.filled()))?;
        } else {
            path(area, pair, colour.stroke_width(2 * half as u32))?;
        }
    }
    Ok(())
}

/// Draws a dashed thin line from place to place.
pub(super) fn dashed<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    (from, to): (Place, Place),
    colour: RGBColor,
    scale: f64,
) -> Drawn<B> {
    let (dx, dy) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
    let steps = (dx.hypot(dy) / (5.0 * scale)).ceil().max(1.0);
    let at = |step: f64| {
        let share = (step / steps).min(1.0);
        let part = |from: i32, length: f64| from + (length * share).round() as i32;
        (part(from.0, dx), part(from.1, dy))
    };
    for step in (0..steps as usize).step_by(2) {
        let step = step as f64;
        line(area, &[at(step), at(step + 1.0)], colour, scale)?;
    }
    Ok(())
}
