//! The figures of a report, with their intervals, curves, calibration and slices.

use std::fmt::Write;
use std::sync::Arc;

use eframe::egui::{Grid, RichText, Ui};

use super::classes::{Classes, rows};
use super::{GRID, figure, title, wide};
use crate::app::theme;
use crate::app::train::judged::Judged;
use crate::app::widgets::chart::{Chart, Curve, side_by_side};
use crate::app::widgets::parts::{self, thousands};
use crate::app::widgets::table::{Column, head, of_numbers, of_words, read_row};
use crate::engine::{Bin, Calibration, ClassCurves, Interval, Judgement, SliceTable, counted};

/// The name of a figure on the screen.
fn said(name: &str) -> String {
    let known = match name {
        "macro_f1" => "Macro F1",
        "micro_f1" => "Micro F1",
        "weighted_f1" => "Weighted F1",
        "mcc" => "Matthews’ correlation",
        "auroc" => "Area under ROC",
        "auprc" => "Average precision",
        "auroc_macro" => "Area under ROC, mean",
        "auprc_macro" => "Average precision, mean",
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    let words = name.replace('_', " ").replace(" f1", " F1");
    let mut letters = words.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

pub(super) fn interval(own: &Interval) -> String {
    match (own.low, own.high) {
        (Some(low), Some(high)) => format!("{low:.4} to {high:.4}"),
        _ => "–".to_owned(),
    }
}

/// Height of a chart, in points.
const HEIGHT: f32 = 210.0;

/// Values of a column that are listed.
const SLICES: usize = 100;

/// All figures, for a spreadsheet.
pub fn table(own: &Judged) -> String {
    let mut out = String::from("figure\tvalue\tlow\thigh\n");
    let cell = |own: Option<f64>| own.map_or_else(String::new, |own| own.to_string());
    for (name, own) in own.report.result.headline() {
        let (value, low, high) = (cell(own.estimate), cell(own.low), cell(own.high));
        let _ = writeln!(out, "{name}\t{value}\t{low}\t{high}");
    }
    out.push_str(
        "\nclass\tprecision\trecall\tf1\tsupport\toverlap precision\toverlap recall\toverlap f1\n",
    );
    for own in rows(&own.report.result) {
        let [precision, recall, f1] = own.figures;
        let name = own.name.replace(['\t', '\n', '\r'], " ");
        let _ = write!(out, "{name}\t{precision}\t{recall}\t{f1}\t{}", own.support);
        match own.overlap {
            Some([precision, recall, f1]) => {
                let _ = writeln!(out, "\t{precision}\t{recall}\t{f1}");
            }
            None => out.push_str("\t\t\t\n"),
        }
    }
    out
}

const HEADLINE: [Column; 3] = [
    of_words("Figure", 2.4),
    of_numbers("Value", 1.0),
    of_numbers("95 % interval", 1.8),
];

/// Draws the figures.
pub fn ui(ui: &mut Ui, own: &Arc<Judged>, classes: &mut Classes) {
    let result = &own.report.result;
    head(ui, &HEADLINE);
    for (name, own) in result.headline() {
        read_row(
            ui,
            &HEADLINE,
            &[said(name), figure(own.estimate), interval(&own)],
        );
    }
    let how = own.report.resampling;
    let said = format!(
        "Intervals from {} resamples of {}.",
        thousands(how.resamples),
        own.report.data.resampled()
    );
    parts::soft(ui, said);
    classes.ui(ui, own);
}

/// Draws ROC and precision-recall curves.
pub fn curves(ui: &mut Ui, result: &Judgement) {
    let own: &[ClassCurves] = match result {
        Judgement::SingleLabel(own) => &own.curves,
        Judgement::MultiLabel(own) => &own.curves,
        _ => &[],
    };
    if own.is_empty() {
        let said = "No class has both notes that are so and notes that are not: there is no curve.";
        parts::soft(ui, said);
        return;
    }
    let named = |own: &ClassCurves, area: Option<f64>| match area {
        Some(area) => format!("{} {area:.3}", own.label),
        None => own.label.clone(),
    };
    let square = [Some(0.0..=1.0), Some(0.0..=1.0)];
    let zip = |x: &[f64], y: &[f64]| -> Vec<[f64; 2]> {
        x.iter().zip(y).map(|(x, y)| [*x, *y]).collect()
    };
    let roc = own.iter().map(|own| Curve {
        name: named(own, own.auroc),
        points: zip(&own.roc.fpr, &own.roc.tpr),
        marked: false,
    });
    let pr = own.iter().map(|own| Curve {
        name: named(own, own.auprc),
        points: zip(&own.pr.recall, &own.pr.precision),
        marked: false,
    });
    let charts = vec![
        Chart {
            title: "ROC",
            across: "false positive rate",
            curves: roc.collect(),
            least: square.clone(),
            diagonal: true,
            mark: None,
            height: HEIGHT,
        },
        Chart {
            title: "Precision and recall",
            across: "recall",
            curves: pr.collect(),
            least: square,
            diagonal: false,
            mark: None,
            height: HEIGHT,
        },
    ];
    side_by_side(ui, charts);
    parts::soft(
        ui,
        "The classes with the most notes; the number is the area under the line.",
    );
}

fn bins(own: &[Bin], name: &str) -> Curve {
    let points = own
        .iter()
        .filter_map(|own| Some([own.confidence?, own.outcome?]));
    Curve {
        name: name.to_owned(),
        points: points.collect(),
        marked: true,
    }
}

/// Draws the reliability diagram, with its figures before and after the temperature.
pub fn calibration(ui: &mut Ui, result: &Judgement) {
    let own: &Calibration = match result {
        Judgement::SingleLabel(own) => &own.calibration,
        Judgement::MultiLabel(own) => &own.calibration,
        _ => return,
    };
    let palette = theme::palette(ui);
    let said = match (own.temperature, own.fitted) {
        (Some(temperature), _) => format!(
            "The temperature {temperature:.3} was chosen on validation notes; the figures are of the test \
             notes."
        ),
        (None, true) => "No temperature is better than none on the validation notes.".to_owned(),
        (None, false) => "Without validation notes no temperature can be chosen.".to_owned(),
    };
    ui.label(RichText::new(said).color(palette.soft));
    Grid::new("calibration")
        .num_columns(3)
        .striped(true)
        .spacing(GRID)
        .show(ui, |ui| {
            for text in ["", "Before", "After"] {
                ui.label(RichText::new(text).font(theme::strong(12.0)));
            }
            ui.end_row();
            let after = own.after.as_ref();
            for (text, before, after) in [
                (
                    "Brier’s score",
                    own.before.brier,
                    after.map(|own| own.brier),
                ),
                (
                    "Calibration error",
                    own.before.ece,
                    after.map(|own| own.ece),
                ),
                ("Mean log loss", own.before.nll, after.map(|own| own.nll)),
            ] {
                ui.label(text);
                ui.label(figure(Some(before)));
                ui.label(figure(after));
                ui.end_row();
            }
        });
    let mut curves = vec![bins(&own.bins_before, "before")];
    curves.extend(own.bins_after.as_ref().map(|own| bins(own, "after")));
    Chart {
        title: "Reliability",
        across: "mean score in the bin",
        curves,
        least: [Some(0.0..=1.0), Some(0.0..=1.0)],
        diagonal: true,
        mark: None,
        height: HEIGHT,
    }
    .ui(ui);
    let said = format!(
        "Up: the share that was right. On the line a score means what it says. Of {}.",
        own.of
    );
    parts::soft(ui, said);
}

/// Draws the figures by the values of columns.
pub fn slices(ui: &mut Ui, tables: &[SliceTable]) {
    if tables.is_empty() {
        let said =
            "Name columns under “Slice by” and judge again, to see the figures by their values.";
        parts::soft(ui, said);
        return;
    }
    for own in tables {
        title(ui, &own.column);
        let figures = own.slices.iter().find_map(|own| own.figures.as_ref());
        let names: Vec<&str> = figures.map_or_else(Vec::new, |own| own.keys().copied().collect());
        let grid = Grid::new(&own.column).striped(true).spacing(GRID);
        wide(ui, &own.column, |ui| {
            grid.show(ui, |ui| {
                for text in ["Value", "Notes"] {
                    ui.label(RichText::new(text).font(theme::strong(12.0)));
                }
                for name in &names {
                    ui.label(RichText::new(said(name)).font(theme::strong(12.0)));
                }
                ui.end_row();
                // Those with figures first: values of which there are thousands have mostly too few notes.
                let (known, few): (Vec<_>, Vec<_>) =
                    (own.slices.iter()).partition(|own| own.figures.is_some());
                for slice in known.into_iter().chain(few).take(SLICES) {
                    ui.label(match &*slice.value {
                        "" => "(none)",
                        value => value,
                    });
                    ui.label(thousands(slice.examples));
                    match &slice.figures {
                        None => {
                            parts::soft(ui, "too few");
                        }
                        Some(own) => {
                            for name in &names {
                                ui.label(figure(own.get(name).copied().flatten()));
                            }
                        }
                    }
                    ui.end_row();
                }
            });
        });
        if let Some(more) = own.slices.len().checked_sub(SLICES + 1) {
            parts::soft(ui, format!("and {} more", counted(more + 1, "value")));
        }
    }
}
