//! ROC and precision-recall curves.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::Text;
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, RGBColor};

use super::super::ClassCurves;
use super::Drawn;
use super::axes::{Axes, curve as curve_line, dashed, path, title};
use super::style::{COLOURS, INK, LABEL, SMALL, SOFT, shortened, text};

/// Left, top, right and bottom edge.
pub(super) const EDGES: [f64; 4] = [84.0, 62.0, 494.0, 472.0];
const LEGEND: f64 = 526.0;

/// Draws ROC curves.
pub(super) fn roc<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    scale: f64,
    curves: &[ClassCurves],
) -> Drawn<B> {
    let axes = Axes::new(EDGES, 0.0..1.0, 0.0..1.0, scale);
    title(area, scale, "ROC: what is found, and what it costs")?;
    axes.fifths(area)?;
    axes.names(
        area,
        "false positive rate",
        "true positive rate",
        (32.0, 46.0),
    )?;
    dashed(
        area,
        (axes.place(0.0, 0.0), axes.place(1.0, 1.0)),
        SOFT,
        scale,
    )?;
    for (curve, colour) in curves.iter().zip(COLOURS).rev() {
        let points = curve.roc.fpr.iter().zip(&curve.roc.tpr);
        let points: Vec<_> = points.map(|(&x, &y)| axes.place(x, y)).collect();
        curve_line(area, &points, colour, 2.0 * scale)?;
    }
    legend(area, scale, curves, "area", |curve| curve.auroc)
}

/// Draws precision-recall curves, in steps as their area is counted.
pub(super) fn precision_recall<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    scale: f64,
    curves: &[ClassCurves],
) -> Drawn<B> {
    let axes = Axes::new(EDGES, 0.0..1.0, 0.0..1.0, scale);
    title(area, scale, "Precision and recall")?;
    axes.fifths(area)?;
    axes.names(area, "recall", "precision", (32.0, 46.0))?;
    for (curve, colour) in curves.iter().zip(COLOURS).rev() {
        let guessing = curve.support as f64 / curve.examples as f64;
        let (from, to) = (axes.place(0.94, guessing), axes.place(1.0, guessing));
        path(area, &[from, to], colour.stroke_width((1.2 * scale) as u32))?;
        let mut points = Vec::new();
        let mut recall = curve.pr.recall.iter();
        let mut before = recall.next().copied();
        for (&precision, next) in curve
            .pr
            .precision
            .iter()
            .zip(recall.map(Some).chain([None]))
        {
            points.extend(before.map(|recall| axes.place(recall, precision)));
            points.extend(next.map(|&recall| axes.place(recall, precision)));
            before = next.copied();
        }
        curve_line(area, &points, colour, 2.0 * scale)?;
    }
    legend(area, scale, curves, "average precision", |curve| {
        curve.auprc
    })
}

/// Draws the names of the labels beside their curves, with a figure of each.
pub(super) fn legend<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    scale: f64,
    curves: &[ClassCurves],
    figure: &str,
    value: impl Fn(&ClassCurves) -> Option<f64>,
) -> Drawn<B> {
    let at = |x: f64, y: f64| ((x * scale).round() as i32, (y * scale).round() as i32);
    let place = Pos::new(HPos::Left, VPos::Center);
    let small = text(SMALL, scale, SOFT).pos(place);
    let heading = format!("{figure}, examples");
    area.draw(&Text::new(heading, at(LEGEND, 74.0), small.clone()))?;
    for (row, (curve, colour)) in curves.iter().zip(COLOURS).enumerate() {
        let y = 102.0 + 44.0 * row as f64;
        let swatch = [at(LEGEND, y), at(LEGEND + 20.0, y)];
        path(
            area,
            &swatch,
            RGBColor::stroke_width(&colour, (3.0 * scale) as u32),
        )?;
        let label = text(LABEL, scale, INK).pos(place);
        let name = shortened(&curve.label, 26);
        area.draw(&Text::new(name, at(LEGEND + 28.0, y), label))?;
        let value = value(curve).map_or("not defined".to_owned(), |value| format!("{value:.3}"));
        let words = format!("{value},  {} of {}", curve.support, curve.examples);
        area.draw(&Text::new(
            words,
            at(LEGEND + 28.0, y + 17.0),
            small.clone(),
        ))?;
    }
    Ok(())
}
