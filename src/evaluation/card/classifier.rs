//! What a card says of a classifier.

use std::fmt::Write;

use super::super::classes::Positive;
use super::super::{Calibration, Interval};
use super::markdown::{cell, interval, number, table};
use super::{MOST_ROWS, more};
use crate::metrics::Columns;
use crate::metrics::multilabel::Multilabel;
use crate::metrics::temperature::Fit;
use crate::metrics::threshold::ChosenThreshold;

/// What the table of classes is made of.
pub(super) struct ByClass<'a> {
    pub(super) names: &'a [String],
    pub(super) columns: &'a Columns,
    pub(super) f1: Option<&'a [Interval]>,
    pub(super) auroc: &'a [Option<f64>],
    pub(super) auprc: &'a [Option<f64>],
    /// The means of the two areas over the classes where they are defined.
    pub(super) means: [Option<f64>; 2],
}

pub(super) fn classes(own: &ByClass<'_>, text: &mut String) {
    text.push_str("## By class\n\n");
    let mut order: Vec<usize> = (0..own.names.len()).collect();
    order.sort_by_key(|&class| std::cmp::Reverse(own.columns.support[class]));
    let rows = order.iter().take(MOST_ROWS).map(|&class| {
        let scores = own.columns.row(class);
        let f1 = own
            .f1
            .map_or_else(|| number(Some(scores.f1)), |f1| interval(&f1[class]));
        vec![
            cell(&own.names[class]),
            own.columns.support[class].to_string(),
            number(Some(scores.precision)),
            number(Some(scores.recall)),
            f1,
            number(own.auroc[class]),
            number(own.auprc[class]),
        ]
    });
    let header = [
        "class",
        "notes",
        "precision",
        "recall",
        "F1",
        "AUROC",
        "AUPRC",
    ];
    table(text, &header, rows);
    more(own.names.len(), text);
    let [auroc, auprc] = own.means.map(number);
    let _ = write!(
        text,
        "Mean over the classes where it is defined: AUROC {auroc}, AUPRC {auprc}.\n\n"
    );
}

fn threshold(chosen: &ChosenThreshold) -> String {
    chosen
        .threshold
        .map_or("none: calling nothing is cheapest".to_owned(), |own| {
            format!("{own:.4}")
        })
}

pub(super) fn threshold_of_one(positive: &Positive, text: &mut String) {
    let _ = write!(
        text,
        "## \"{}\" as the positive class\n\n",
        cell(&positive.label)
    );
    let mut rows = vec![("score of 0.5".to_owned(), positive.at_half)];
    if let (Some(chosen), Some(at)) = (&positive.threshold, positive.at_threshold) {
        let _ = write!(
            text,
            "A false negative costs as much as {} false positives; the threshold with the least cost \
             on the validation notes is {}.\n\n",
            chosen.cost_ratio,
            threshold(chosen)
        );
        rows.push(("chosen threshold".to_owned(), at));
    }
    let rows = rows.into_iter().map(|(name, at)| {
        let figures = [
            at.scores.precision,
            at.scores.recall,
            at.specificity,
            at.scores.f1,
        ];
        let counts = [at.tp, at.fp, at.fn_, at.tn].map(|count| count.to_string());
        let figures = figures.map(|figure| number(Some(figure)));
        [name].into_iter().chain(figures).chain(counts).collect()
    });
    let header = [
        "called from",
        "precision",
        "recall",
        "specificity",
        "F1",
        "TP",
        "FP",
        "FN",
        "TN",
    ];
    table(text, &header, rows);
}

pub(super) fn thresholds(
    names: &[String],
    chosen: Option<&[ChosenThreshold]>,
    at_half: Option<&Multilabel>,
    text: &mut String,
) {
    let Some(chosen) = chosen else {
        text.push_str("A label is called from a score of 0.5 on.\n\n");
        return;
    };
    let ratio = chosen.first().map_or(1.0, |first| first.cost_ratio);
    let _ = write!(
        text,
        "## Thresholds\n\nA false negative costs as much as {ratio} false positives; each label has \
         the threshold with the least cost on the validation notes.\n\n"
    );
    let rows = names.iter().zip(chosen).take(MOST_ROWS);
    table(
        text,
        &["label", "threshold"],
        rows.map(|(name, own)| vec![cell(name), threshold(own)]),
    );
    more(names.len(), text);
    if let Some(half) = at_half {
        let _ = write!(
            text,
            "At 0.5 for all labels micro F1 would be {:.3} and macro F1 {:.3}.\n\n",
            half.micro.f1, half.macro_mean.f1
        );
    }
}

pub(super) fn calibration(own: &Calibration, text: &mut String) {
    let _ = write!(text, "## Calibration\n\nOf {}.\n", own.of);
    match (own.temperature, own.fitted) {
        (Some(temperature), _) => {
            let _ = write!(
                text,
                "Temperature from the validation notes: {temperature:.4}.\n\n"
            );
        }
        (None, true) => text.push_str(
            "There is no best temperature: on the validation notes the model is right every time, \
             or no better than guessing.\n\n",
        ),
        (None, false) => text.push('\n'),
    }
    let row = |name: &str, fit: &Fit| {
        let figures = [fit.brier, fit.ece, fit.nll].map(|figure| number(Some(figure)));
        [name.to_owned()]
            .into_iter()
            .chain(figures)
            .collect::<Vec<_>>()
    };
    let after = own.after.as_ref().map(|fit| row("temperature scaled", fit));
    let rows = [row("as the model gives them", &own.before)]
        .into_iter()
        .chain(after);
    table(text, &["probabilities", "Brier", "ECE", "NLL"], rows);
}
