//! The curves of a run, and its last evaluation class by class.

use std::path::{Path, PathBuf};

use eframe::egui::Ui;

use super::lines::{Line, Lines};
use super::{figure, title};
use crate::app::train::curves::{Curves, thinned};
use crate::app::widgets::chart::{Chart, Curve, side_by_side};
use crate::app::widgets::parts::{self, thousands};
use crate::app::widgets::table::{Column, of_numbers, of_words};
use crate::engine::{ClassFigures, MetricName, ValidationFigures, counted};

/// Points of a curve that are drawn at most.
const POINTS: usize = 1200;

/// Evaluations that are marked by dots at most.
const MARKED: usize = 60;

/// Classes whose F1 has a line; all are in the table.
const LINES: usize = 5;

/// Height of a chart, in points.
const HEIGHT: f32 = 150.0;

/// What the charts were made of: the run, its steps, its evaluations, and the best of them.
type Made = (PathBuf, usize, usize, Option<u64>);

/// The charts of a run, made anew when there is more to show.
#[derive(Default)]
pub struct RunCharts {
    made: Option<Made>,
    charts: Vec<Chart<'static>>,
    lines: Lines,
}

impl RunCharts {
    /// Draws them, with the table of classes.
    pub fn ui(&mut self, ui: &mut Ui, run: &Path, curves: &Curves, metric: MetricName) {
        let now = (curves.loss.len(), curves.judged.len(), curves.best);
        let same = self
            .made
            .as_ref()
            .is_some_and(|own| own.0 == run && (own.1, own.2, own.3) == now);
        if !same {
            self.made = Some((run.to_owned(), now.0, now.1, now.2));
            self.charts = charts(curves, metric);
            self.lines.change();
        }
        side_by_side(ui, self.charts.clone());
        if let Some(best) = curves.best {
            let said = format!(
                "The upright dashed line: the best model, after {}.",
                counted(best as usize, "step")
            );
            parts::soft(ui, said);
        }
        by_class(ui, &mut self.lines, curves);
    }
}

fn charts(curves: &Curves, metric: MetricName) -> Vec<Chart<'static>> {
    let chart = |title: &'static str, lines: Vec<Curve>| Chart {
        title,
        across: "steps",
        curves: lines,
        // All of them over the same steps, so that they can be compared.
        least: [Some(0.0..=curves.steps() as f64), None],
        diagonal: false,
        mark: curves.best.map(|own| own as f64),
        height: HEIGHT,
    };
    let line = |name: &str, points: &[[f64; 2]]| Curve {
        name: name.to_owned(),
        points: thinned(points, POINTS),
        marked: false,
    };
    let judged = |name: String, of: &dyn Fn(&ValidationFigures) -> Option<f64>| Curve {
        points: (curves.judged.iter())
            .filter_map(|(step, own)| Some([*step as f64, of(own)?]))
            .collect(),
        name,
        // Of many, dots would be a thick line.
        marked: curves.judged.len() <= MARKED,
    };
    let mut loss = vec![line("in training", &curves.loss)];
    if !curves.judged.is_empty() {
        loss.push(judged("on validation".to_owned(), &|own| Some(own.loss)));
    }
    let mut all = vec![chart("Loss", loss)];
    if let Some((_, last)) = curves.judged.last() {
        let metric = match metric {
            MetricName::Loss => MetricName::Accuracy,
            metric => metric,
        };
        let mut lines = vec![judged(metric.title().to_owned(), &|own| own.value(metric))];
        let mut classes: Vec<_> = last.classes.iter().enumerate().collect();
        classes.sort_by_key(|(_, own)| std::cmp::Reverse(own.support));
        for (number, class) in classes.into_iter().take(LINES) {
            let f1 = |own: &ValidationFigures| {
                // They are in the same order in every evaluation.
                let found = own.classes.get(number).filter(|own| own.name == class.name);
                found.map(|own| own.f1)
            };
            lines.push(judged(class.name.clone(), &f1));
        }
        let mut figures = chart("Validation figures", lines);
        figures.least[1] = Some(0.0..=1.0);
        all.push(figures);
    }
    let mut rate = chart("Learning rate", vec![line("learning rate", &curves.lr)]);
    rate.least[1] = Some(0.0..=0.0);
    all.push(rate);
    all.push(chart(
        "Norm of the gradient",
        vec![line("norm", &curves.norm)],
    ));
    all
}

const BY_CLASS: [Column; 5] = [
    of_words("Class", 3.0),
    of_numbers("Precision", 1.2),
    of_numbers("Recall", 1.2),
    of_numbers("F1", 1.2),
    of_numbers("Notes or spans", 1.6),
];

impl Line for ClassFigures {
    fn name(&self) -> &str {
        &self.name
    }

    fn f1(&self) -> f64 {
        self.f1
    }

    fn support(&self) -> u64 {
        self.support
    }

    fn cells(&self) -> Vec<String> {
        let [precision, recall, f1] = [self.precision, self.recall, self.f1];
        let mut cells = vec![self.name.clone()];
        cells.extend([precision, recall, f1].map(|own| figure(Some(own))));
        cells.push(thousands(self.support as usize));
        cells
    }
}

/// The last evaluation, class by class.
fn by_class(ui: &mut Ui, lines: &mut Lines, curves: &Curves) {
    let Some((step, last)) = curves.judged.last() else {
        return;
    };
    if last.classes.is_empty() {
        return;
    }
    title(ui, "By class");
    let said = format!(
        "On {} after {}.",
        counted(last.answers as usize, "validation answer"),
        counted(*step as usize, "step")
    );
    parts::soft(ui, said);
    lines.ui(ui, "classes of the run", &BY_CLASS, &last.classes, &[]);
}
