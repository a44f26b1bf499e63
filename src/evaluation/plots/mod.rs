//! Draws the plots of a report or a run, as SVG and as pixels of twice the size.

mod axes;
mod confusion;
mod decision;
mod lines;
mod map;
mod panels;
mod reliability;
mod style;
mod ticks;

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::prelude::{BitMapBackend, DrawingBackend, SVGBackend};

use super::{ClassCurves, Evaluation, EvaluationError, Judgement};
use crate::metrics::calibration::Bin;

pub use panels::{Line, Look, Panel};

/// Pixels for each unit of a plot.
const PIXELS: u32 = 2;

/// A plot that can be drawn.
pub struct Plot<'a> {
    /// Its name: that of its files, without ending.
    pub name: &'static str,
    /// What it shows.
    pub caption: String,
    figure: Figure<'a>,
}

/// What a plot shows.
enum Figure<'a> {
    Confusion {
        labels: &'a [String],
        counts: &'a [Vec<u64>],
    },
    Reliability {
        of: &'a str,
        before: &'a [Bin],
        after: Option<&'a [Bin]>,
    },
    Roc(&'a [ClassCurves]),
    PrecisionRecall(&'a [ClassCurves]),
    Decision(&'a [ClassCurves]),
    Map {
        axes: [String; 2],
        names: &'a [String],
        labels: &'a [usize],
        points: &'a [[f64; 2]],
    },
    Panels {
        title: &'a str,
        panels: &'a [Panel],
    },
}

/// A plot of what a training run measured, under a title.
pub fn training_curves<'a>(title: &'a str, panels: &'a [Panel]) -> Plot<'a> {
    Plot {
        name: "curves",
        caption:
            "What every step and every evaluation measured; single steps that stand out by far \
                  are cut at the edge."
                .to_owned(),
        figure: Figure::Panels { title, panels },
    }
}

/// The plots that a report has.
pub fn plots(evaluation: &Evaluation) -> Vec<Plot<'_>> {
    match &evaluation.result {
        Judgement::SingleLabel(own) => {
            let mut plots = vec![Plot {
                name: "confusion",
                caption: confusion::caption(&own.classes),
                figure: Figure::Confusion {
                    labels: &own.classes,
                    counts: &own.figures.confusion_matrix,
                },
            }];
            plots.extend(probabilities(&own.calibration, &own.curves));
            plots
        }
        Judgement::MultiLabel(own) => probabilities(&own.calibration, &own.curves),
        Judgement::Spans(_) | Judgement::MaskedLm(_) => Vec::new(),
        Judgement::Vectors(own) => {
            let share = |axis: usize| own.explained.get(axis).copied().unwrap_or(0.0) * 100.0;
            let axis =
                |axis: usize| format!("component {} ({:.1} % of variance)", axis + 1, share(axis));
            let of = |points, axes| Figure::Map {
                axes,
                names: &own.labels,
                labels: &own.map.labels,
                points,
            };
            let mut plots = vec![Plot {
                name: "components",
                caption: "The vectors, scaled to length 1, along their first two principal \
                          components."
                    .to_owned(),
                figure: of(&own.map.components, [axis(0), axis(1)]),
            }];
            if let Some(points) = &own.map.neighbours {
                plots.push(Plot {
                    name: "neighbours",
                    caption: "A map (t-SNE) in which neighbours stay neighbours; distances \
                              between groups mean nothing."
                        .to_owned(),
                    figure: of(points, [String::new(), String::new()]),
                });
            }
            plots
        }
    }
}

fn probabilities<'a>(
    calibration: &'a super::Calibration,
    curves: &'a [ClassCurves],
) -> Vec<Plot<'a>> {
    let mut plots = vec![Plot {
        name: "reliability",
        caption: "Whether probabilities mean what they say: on the diagonal they do.".to_owned(),
        figure: Figure::Reliability {
            of: calibration.of,
            before: &calibration.bins_before,
            after: calibration.bins_after.as_deref(),
        },
    }];
    if !curves.is_empty() {
        plots.push(Plot {
            name: "roc",
            caption: "True against false positive rate of the labels with the most notes; the \
                      diagonal is guessing."
                .to_owned(),
            figure: Figure::Roc(curves),
        });
        plots.push(Plot {
            name: "precision-recall",
            caption: "Precision against recall of the labels with the most notes; the short line \
                      at the right is guessing."
                .to_owned(),
            figure: Figure::PrecisionRecall(curves),
        });
        plots.push(Plot {
            name: "decision",
            caption: "Net benefit of acting where a score is at least the threshold, in true \
                      positives for each note; dashed, that of acting on every note."
                .to_owned(),
            figure: Figure::Decision(curves),
        });
    }
    plots
}

/// Whether something could be drawn.
type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

impl Plot<'_> {
    /// Width and height in units.
    fn size(&self) -> (u32, u32) {
        match &self.figure {
            Figure::Confusion { labels, counts } => confusion::size(labels, counts),
            Figure::Reliability { .. } => (560, 620),
            Figure::Roc(_) | Figure::PrecisionRecall(_) | Figure::Decision(_) => (760, 540),
            Figure::Map { names, .. } => map::size(names),
            Figure::Panels { panels, .. } => panels::size(panels),
        }
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>, scale: f64) -> Drawn<B> {
        style::register();
        area.fill(&style::PAPER)?;
        match &self.figure {
            Figure::Confusion { labels, counts } => confusion::draw(area, scale, labels, counts),
            Figure::Reliability { of, before, after } => {
                reliability::draw(area, scale, of, before, *after)
            }
            Figure::Roc(curves) => lines::roc(area, scale, curves),
            Figure::PrecisionRecall(curves) => lines::precision_recall(area, scale, curves),
            Figure::Decision(curves) => decision::draw(area, scale, curves),
            Figure::Map {
                axes,
                names,
                labels,
                points,
            } => map::draw(area, scale, axes, names, labels, points),
            Figure::Panels { title, panels } => panels::draw(area, scale, title, panels),
        }?;
        area.present()
    }

    fn failed(&self, reason: impl std::fmt::Display) -> EvaluationError {
        EvaluationError::Plot {
            plot: self.name.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// The plot as an SVG document.
    ///
    /// # Errors
    /// [`EvaluationError::Plot`] when it cannot be drawn.
    pub fn svg(&self) -> Result<String, EvaluationError> {
        let mut text = String::new();
        {
            let area = SVGBackend::with_string(&mut text, self.size()).into_drawing_area();
            self.draw(&area, 1.0).map_err(|error| self.failed(error))?;
        }
        Ok(text)
    }

    /// The plot as a PNG file.
    ///
    /// # Errors
    /// [`EvaluationError::Plot`] when it cannot be drawn.
    pub fn png(&self) -> Result<Vec<u8>, EvaluationError> {
        let (width, height) = self.size();
        let (width, height) = (width * PIXELS, height * PIXELS);
        let mut pixels = vec![0; (width * height * 3) as usize];
        {
            let backend = BitMapBackend::with_buffer(&mut pixels, (width, height));
            let area = backend.into_drawing_area();
            self.draw(&area, f64::from(PIXELS))
                .map_err(|error| self.failed(error))?;
        }
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let written = encoder
            .write_header()
            .and_then(|mut writer| writer.write_image_data(&pixels));
        written.map_err(|error| self.failed(error))?;
        Ok(bytes)
    }
}
