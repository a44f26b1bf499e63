//! Decision curves.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::prelude::DrawingBackend;

use super::super::ClassCurves;
use super::Drawn;
use super::axes::{Axes, curve as curve_line, dashed, title};
use super::lines::{EDGES, legend};
use super::style::{COLOURS, SOFT};

/// Draws the net benefit of labels over the threshold, and, dashed, that of acting on all.
pub(super) fn draw<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    scale: f64,
    curves: &[ClassCurves],
) -> Drawn<B> {
    // The most that can be gained is the share of those who have it.
    let share = |curve: &ClassCurves| curve.support as f64 / curve.examples as f64;
    let most = curves.iter().map(share).fold(0.0, f64::max);
    let step = [0.01, 0.02, 0.05, 0.1, 0.2]
        .into_iter()
        .find(|step| most <= 5.0 * step)
        .unwrap_or(0.2);
    let top = (most / step).ceil().max(1.0) * step;
    let axes = Axes::new(EDGES, 0.0..1.0, -step..top, scale);
    title(area, scale, "Net benefit: the good of acting on scores")?;
    let fifths: Vec<f64> = (0..=5).map(|fifth| f64::from(fifth) / 5.0).collect();
    let rows = (top / step).round() as i32;
    let rows: Vec<f64> = (-1..=rows).map(|row| f64::from(row) * step).collect();
    axes.grid(area, (&fifths, 1), (&rows, 2))?;
    axes.names(area, "threshold probability", "net benefit", (32.0, 50.0))?;
    for (curve, colour) in curves.iter().zip(COLOURS).rev() {
        let inside = |value: &(f64, f64)| value.1 >= -step;
        let all = curve.decision.iter().map(|own| (own.threshold, own.all));
        let all: Vec<_> = all.filter(inside).map(|(x, y)| axes.place(x, y)).collect();
        for pair in all.windows(2).step_by(2) {
            dashed(area, (pair[0], pair[1]), SOFT, scale)?;
        }
        let own = curve.decision.iter().map(|own| (own.threshold, own.model));
        let own: Vec<(f64, f64)> = own.collect();
        // Where a curve leaves the plot it ends, and begins again where it comes back.
        for run in own.split(|value| !inside(value)) {
            let run: Vec<_> = run.iter().map(|&(x, y)| axes.place(x, y)).collect();
            curve_line(area, &run, colour, 2.0 * scale)?;
        }
    }
    legend(area, scale, curves, "largest net benefit", |curve| {
        let own = curve.decision.iter().map(|own| own.model);
        own.reduce(f64::max)
    })
}
